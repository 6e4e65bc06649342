package ops

import (
	"regexp"
	"strings"
	"testing"

	"portolan/care"
	"portolan/collections"
)

// TestHeldChangesAtTheConsole: somebody who may decide lists, reads and
// decides what was kept aside, once; whoever may not hears of nothing.
func TestHeldChangesAtTheConsole(t *testing.T) {
	c := newConsole(t)
	for _, login := range []string{"ben", "cleo"} {
		c.must(t, ExitOK, "user", "add", "--dir", "hub", login, "--role", "outreach")
	}
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "coordinator")
	id := c.caseOf(t, "ana", "Heron")
	c.hub(t, func(hub *collections.Hub) {
		ben, err := c.actor(t, hub, "ben")
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"a visit of the one", "a visit of the other"} {
			receipts, err := hub.Do(t.Context(), ben, collections.Draft{Collection: "notes", Case: id, Set: map[string]care.Value{"kind": care.OfText("visit"), "text": care.OfText(text)}})
			if err != nil || collections.Refused(receipts) == nil {
				t.Fatal("nothing is held", err)
			}
		}
	})
	c.secondFactor(t, "ana")
	for _, args := range [][]string{{"held"}, {"held", "list"}, {"held", "show", "--as", "ana"}, {"held", "show", "x", "--as", "ana"}, {"lease", "set", "--as", "ana"}, {"lease", "set", "x", "--as", "ana"}, {"lease", "show"}} {
		c.must(t, ExitUsage, append(args, "--dir", "hub")...)
	}
	if out := c.must(t, ExitOK, "held", "list", "--dir", "hub", "--as", "cleo"); strings.Contains(out, "no_grant") {
		t.Errorf("cleo hears of %s", out)
	}
	out := c.must(t, ExitOK, "held", "list", "--dir", "hub", "--as", "ana")
	numbers := regexp.MustCompile(`(?m)^(\d+) +no_grant +notes `).FindAllStringSubmatch(out, -1)
	if len(numbers) != 2 || strings.Contains(out, "a visit of") {
		t.Fatalf("the list: %s", out)
	}
	one, other := numbers[0][1], numbers[1][1]
	if out := c.must(t, ExitOK, "held", "show", one, "--dir", "hub", "--as", "ana"); !strings.Contains(out, "a visit of the one") {
		t.Errorf("shown: %s", out)
	}
	c.must(t, ExitFault, "held", "show", one, "--dir", "hub", "--as", "cleo")
	c.must(t, ExitFault, "held", "accept", one, "--dir", "hub", "--as", "ana") // as ben it may still not be written
	c.must(t, ExitOK, "held", "accept", one, "--own", "--dir", "hub", "--as", "ana")
	c.must(t, ExitUsage, "held", "decline", other, "--why", "because", "--dir", "hub", "--as", "ana")
	c.must(t, ExitOK, "held", "decline", other, "--why", "wrong", "--dir", "hub", "--as", "ana")
	c.must(t, ExitFault, "held", "decline", one, "--why", "wrong", "--dir", "hub", "--as", "ana")
	if out := c.must(t, ExitOK, "held", "list", "--dir", "hub", "--as", "ana"); strings.Contains(out, "no_grant") {
		t.Errorf("decided and still there: %s", out)
	}
	if notes := c.rows(t, "notes"); len(notes) != 1 || notes[0].Text("text") != "a visit of the one" {
		t.Errorf("the notes are %v", len(notes))
	}
}

// TestLeaseTermsAtTheConsole are set by somebody who may, within their bounds.
func TestLeaseTermsAtTheConsole(t *testing.T) {
	c := newConsole(t)
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ben", "--role", "outreach")
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "coordinator")
	c.secondFactor(t, "ana")
	c.must(t, ExitForbidden, "lease", "show", "--dir", "hub", "--as", "ben")
	if out := c.must(t, ExitOK, "lease", "show", "--dir", "hub", "--as", "ana"); !regexp.MustCompile(`(?m)^everybody else +30$`).MatchString(out) {
		t.Errorf("where nothing is set: %s", out)
	}
	c.must(t, ExitUsage, "lease", "set", "36", "--dir", "hub", "--as", "ana")
	c.must(t, ExitUsage, "lease", "set", "7", "--role", "captain", "--dir", "hub", "--as", "ana")
	if out := c.must(t, ExitOK, "lease", "set", "7", "--role", "outreach", "--dir", "hub", "--as", "ana"); !regexp.MustCompile(`(?m)^outreach +7$`).MatchString(out) {
		t.Errorf("set: %s", out)
	}
}

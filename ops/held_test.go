package ops

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
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

// TestAFileThatWaitsComesBackFromABackup: it is in the copy, and is decided at
// the console of the hub that was restored.
func TestAFileThatWaitsComesBackFromABackup(t *testing.T) {
	c := newConsole(t)
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ben", "--role", "outreach")
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "coordinator")
	id, words := c.caseOf(t, "ana", "Heron"), []byte("what somebody told in confidence")
	var document string
	c.hub(t, func(hub *collections.Hub) {
		ben, err := c.actor(t, hub, "ben")
		if err != nil {
			t.Fatal(err)
		}
		document = hub.NewID()
		receipts, err := hub.Do(t.Context(), ben, collections.Draft{Collection: "documents", Record: document, Case: id, Set: map[string]care.Value{
			"kind": care.OfText("letter"), "status": care.OfText("kept"), "compartment": care.OfText("general")}})
		if err != nil || collections.Refused(receipts) == nil {
			t.Fatal("nothing is held", err)
		}
		key, err := hub.UnsentKeyFor(t.Context(), ben.Org, "")
		if err != nil {
			t.Fatal(err)
		}
		said, sealed := hubtest.SealedFile(t, key, hub.NewID(), fieldsync.UnsentFile{Document: document, Case: id, Compartment: care.General,
			Type: "text/plain", Author: ben.Staff, Clock: fieldsync.HLCOf(hub.Now())}, words)
		u, err := hub.BeginUpload(t.Context(), ben, int64(len(sealed)), said)
		if err != nil {
			t.Fatal(err)
		}
		r, err := hub.Receive(t.Context(), ben, u.ID, func() {})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Release()
		if _, err := r.Take(t.Context(), 0, bytes.NewReader(sealed)); err != nil {
			t.Fatal(err)
		}
	})
	c.secondFactor(t, "ana")
	c.must(t, ExitOK, "backup", "--dir", "hub", "--out", "one.backup")
	copyKey(t, c, "hub/hub.key", "again/hub.key")
	if out := c.must(t, ExitOK, "restore", "--dir", "again", "one.backup"); !strings.Contains(out, "1 files kept aside") {
		t.Errorf("restored: %s", out)
	}
	out := c.must(t, ExitOK, "held", "list", "--dir", "again", "--as", "ana")
	record := regexp.MustCompile(`(?m)^(\d+) +no_grant +documents `).FindStringSubmatch(out)
	if record == nil || !strings.Contains(out, "file_sealed") {
		t.Fatalf("the list: %s", out)
	}
	if out := c.must(t, ExitOK, "held", "accept", record[1], "--own", "--dir", "again", "--as", "ana"); !strings.Contains(out, "so is its file") {
		t.Errorf("accepted: %s", out)
	}
	c.hubIn(t, "again", func(hub *collections.Hub) {
		f, err := hub.File(t.Context(), hub.HubActor(), document)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Bytes.Close()
		if b, err := io.ReadAll(f.Bytes); err != nil || !bytes.Equal(b, words) {
			t.Errorf("%q, %v", b, err)
		}
	})
}

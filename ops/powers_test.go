package ops

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"portolan/care"
	"portolan/collections"
)

// TestTwoPeopleAtOneConsole goes the ways of docs/operating.md: a house with
// one laptop.
func TestTwoPeopleAtOneConsole(t *testing.T) {
	c := newConsole(t)
	roles := func(login string) (roles []care.Role) {
		c.hub(t, func(h *collections.Hub) {
			a, err := c.actor(t, h, login)
			if err != nil {
				t.Fatal(err)
			}
			roles = a.Roles
		})
		return roles
	}
	asked := func(printed string) string {
		t.Helper()
		m := regexp.MustCompile(`user approve (\S+) --as`).FindStringSubmatch(printed)
		if m == nil {
			t.Fatalf("no question: %s", printed)
		}
		return m[1]
	}
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "coordinator")
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ben", "--role", "protection_officer")
	if out := c.must(t, ExitOK, "user", "add", "--dir", "hub", "eve", "--role", "outreach,coordinator"); !strings.Contains(out, "waits until") {
		t.Errorf("a third with powers: %s", out)
	}
	if got := roles("eve"); !slices.Equal(got, []care.Role{care.Outreach}) {
		t.Errorf("she has the roles %v", got)
	}
	c.secondFactor(t, "ben")
	out := c.must(t, ExitOK, "user", "waiting", "--dir", "hub", "--as", "ben")
	waits := regexp.MustCompile(`(?m)^(\S+)\s+role_change .* console alone`).FindStringSubmatch(out)
	if waits == nil {
		t.Fatalf("he is not told: %s", out)
	}
	c.must(t, ExitOK, "user", "stop", "--dir", "hub", waits[1], "--as", "ben")
	ben := c.codes
	c.secondFactor(t, "ana")
	id := asked(c.must(t, ExitOK, "user", "role", "--dir", "hub", "eve", "--role", "coordinator", "--as", "ana"))
	c.must(t, ExitFault, "user", "approve", "--dir", "hub", id, "--as", "ana")
	ana := c.codes
	c.codes = ben
	c.must(t, ExitOK, "user", "approve", "--dir", "hub", id, "--as", "ben")
	if got := roles("eve"); !slices.Equal(got, []care.Role{care.Coordinator}) {
		t.Errorf("with a second person she has the roles %v", got)
	}
	ben, c.codes = c.codes, nil
	c.secondFactor(t, "eve")
	eve := c.codes
	c.codes = ana
	id = asked(c.must(t, ExitOK, "user", "second-factor", "reset", "--dir", "hub", "eve", "--as", "ana"))
	c.codes = ben
	c.must(t, ExitOK, "user", "approve", "--dir", "hub", id, "--as", "ben")
	c.codes = eve
	if out := c.must(t, ExitForbidden, "user", "waiting", "--dir", "hub", "--as", "eve"); !strings.Contains(out, "second-factor setup eve") {
		t.Errorf("after the reset: %s", out)
	}
	if out := c.must(t, ExitOK, "user", "second-factor", "reset", "--dir", "hub", "ana"); !strings.Contains(out, "waits until") {
		t.Errorf("the console alone: %s", out)
	}
	// Another's password takes two as well, or three days.
	c.codes, ben = ana[1:], ben[1:]
	out = c.must(t, ExitOK, "user", "password", "--dir", "hub", "eve", "--as", "ana")
	if id = asked(out); !strings.Contains(out, "give this command again") {
		t.Errorf("a password asked for: %s", out)
	}
	ana, c.codes = c.codes, ben
	c.must(t, ExitOK, "user", "approve", "--dir", "hub", id, "--as", "ben")
	ben, c.codes = c.codes, ana
	if out := c.must(t, ExitOK, "user", "password", "--dir", "hub", "eve", "--as", "ana"); !strings.Contains(out, "password is set") {
		t.Errorf("a password agreed to: %s", out)
	}
	c.codes = ben
	if out := c.must(t, ExitOK, "user", "password", "--dir", "hub", "ben"); !strings.Contains(out, "waits until") {
		t.Errorf("a password by the console alone: %s", out)
	}
	if out := c.must(t, ExitOK, "user", "password", "--dir", "hub", "ben", "--code"); !strings.Contains(out, "password is set") {
		t.Errorf("a password with its owner's code: %s", out)
	}
	c.must(t, ExitUsage, "user", "waiting", "--dir", "hub")
	c.must(t, ExitFault, "user", "role", "--dir", "hub", "nobody", "--role", "health")
	if out := c.must(t, ExitOK, "user", "role", "--dir", "hub", "eve", "--role", "health"); !strings.Contains(out, "are given") {
		t.Errorf("a role without powers: %s", out)
	}
}

package ops

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"portolan/collections"
	"portolan/hooks"
)

// TestGoingBackToBeforeAnUpgrade: what was copied before an upgrade is restored
// like a backup. No tablet raises an alarm, what was acknowledged since comes
// back from it, and what was closed since stays closed.
func TestGoingBackToBeforeAnUpgrade(t *testing.T) {
	c := newConsole(t)
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "outreach")
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "eve", "--role", "outreach")
	r := c.serving(t)
	ana, err := r.Hub.StaffOf(t.Context(), "ana")
	if err != nil {
		t.Fatal(err)
	}
	code, err := r.Hub.NewEnrolment(t.Context(), r.Hub.HubActor(), ana)
	if err != nil {
		t.Fatal(err)
	}
	tablet := func(words ...string) string {
		t.Helper()
		return c.must(t, ExitOK, append([]string{"tablet", "--dir", c.env.Path("tablet")}, words...)...)
	}
	tablet("enrol", r.Front.Address(), code)
	id := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`).FindString(tablet("new", "cases", "status=Active"))
	tablet("sync")

	// As collections.copyBeforeUpgrade copies them (TestAnUpgradeIsPrecededByACopy).
	before := c.env.Path("hub/before-upgrade-2026-11-20")
	if err := os.Mkdir(before, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err = r.Hub.Snapshot(t.Context(), filepath.Join(before, "data.db"))
	if err := errors.Join(err, r.Hub.SnapshotKeys(t.Context(), filepath.Join(before, "keys.db"))); err != nil {
		t.Fatal(err)
	}
	c.must(t, ExitOK, "user", "disable", "--dir", "hub", "eve")
	tablet("new", "survivors", "--case", id, "alias=Blue Heron")
	tablet("sync")
	address := strings.TrimPrefix(r.URL, "http://")
	stop(t, r)

	c.must(t, ExitFault, "restore", "--dir", "back", before) // no key file
	removeAll(t, c, "back")
	c.must(t, ExitOK, "restore", "--dir", "back", "--key-file", "hub/hub.key", before)
	copyKey(t, c, "hub/hub.key", "back/hub.key")
	r, err = Start(t.Context(), c.env, Service{Dir: c.env.Path("back"), Wire: hooks.Wire{Listen: address}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, r)
	tablet("new", "notes", "--case", id, "kind=visit", "text=after it")
	for range 2 { // it gives back what it had sent before
		if out := tablet("sync"); strings.Contains(out, "audit_") {
			t.Errorf("the tablet raises an alarm: %s", out)
		}
	}
	rows, err := r.Hub.List(t.Context(), r.Hub.HubActor(), collections.Query{Collection: "survivors"})
	if err != nil || len(rows) != 1 || rows[0].Text("alias") != "Blue Heron" {
		t.Errorf("what was acknowledged since did not come back: %v, %v", rows, err)
	}
	if out := c.must(t, ExitOK, "user", "list", "--dir", "back"); !regexp.MustCompile(`eve +outreach +left`).MatchString(out) {
		t.Errorf("who left since is back: %s", out)
	}
	c.must(t, ExitOK, "verify", "--dir", "back")
}

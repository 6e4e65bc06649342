package ops

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portolan/care"
	"portolan/collections"
)

// caseOf opens a case of a new person for somebody.
func (c *console) caseOf(t *testing.T, login, alias string) (id string) {
	t.Helper()
	c.hub(t, func(hub *collections.Hub) {
		actor, err := c.actor(t, hub, login)
		if err != nil {
			t.Fatal(err)
		}
		id = hub.NewID()
		receipts, err := hub.Do(t.Context(), actor,
			collections.Draft{Collection: "cases", Record: id, Case: id, Set: map[string]care.Value{"status": care.OfText("Active"), "owner": care.OfText(actor.Staff)}},
			collections.Draft{Collection: "survivors", Case: id, Set: map[string]care.Value{"alias": care.OfText(alias)}})
		if err == nil {
			err = collections.Refused(receipts)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	return id
}

// aliases are those of all survivors in a hub.
func aliases(t *testing.T, c *console, dir string) string {
	t.Helper()
	hub, done, err := c.env.OpenHub(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	rows, err := hub.List(t.Context(), hub.HubActor(), collections.Query{Collection: "survivors"})
	if err != nil {
		t.Fatal(err)
	}
	var l []string
	for _, r := range rows {
		l = append(l, r.Text("alias"))
	}
	return strings.Join(l, " ")
}

// TestR16ARestoreDoesNotBringTheErasedBack: from a backup that was made before
// the erasure, with the keys that were beside it then and with those of now.
// Without the list of who was erased nothing is restored.
func TestR16ARestoreDoesNotBringTheErasedBack(t *testing.T) {
	c := newConsole(t)
	for _, login := range []string{"asks", "agrees"} {
		c.must(t, ExitOK, "user", "add", "--dir", "hub", login, "--role", "protection_officer")
	}
	gone, _ := c.caseOf(t, "asks", "Heron"), c.caseOf(t, "agrees", "Egret")
	if err := os.Mkdir(c.env.Path("backups"), 0o700); err != nil {
		t.Fatal(err)
	}
	c.must(t, ExitOK, "backup", "--dir", "hub", "--out", "backups/one")
	copyKey(t, c, "backups/hub.keys", "pocket/hub.keys") // somebody carries an old copy away
	c.secondFactor(t, "asks")
	if out := c.must(t, ExitFault, "erase", "--dir", "hub", "--as", "asks", "--case", gone); !strings.Contains(out, "approval_needed") {
		t.Fatalf("alone: %s", out)
	}
	c.hub(t, func(hub *collections.Hub) {
		asks, err := c.actor(t, hub, "asks")
		if err != nil {
			t.Fatal(err)
		}
		agrees, err := c.actor(t, hub, "agrees")
		if err != nil {
			t.Fatal(err)
		}
		p, err := hub.AskApproval(t.Context(), asks, care.Approval{Act: care.ActErase, Collection: "cases", Record: gone, Reason: "person_asked"})
		if err == nil {
			_, err = hub.DecideApproval(t.Context(), agrees, p.ID, true)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	c.must(t, ExitOK, "erase", "--dir", "hub", "--as", "asks", "--case", gone)
	if got := aliases(t, c, "hub"); got != "Egret" {
		t.Fatalf("the hub has %q", got)
	}
	c.must(t, ExitOK, "verify", "--dir", "hub")
	for _, keys := range []string{"backups/hub.keys", "pocket/hub.keys"} {
		dir := "from-" + filepath.Dir(keys)
		if out := c.must(t, ExitFault, "restore", "--dir", dir, "--key-file", "hub/hub.key", "--keys", keys, "--erased", "nowhere", "backups/one"); !strings.Contains(out, "erased_list_missing") {
			t.Errorf("without the list: %s", out)
		}
		c.must(t, ExitOK, "restore", "--dir", dir, "--key-file", "hub/hub.key", "--keys", keys, "backups/one")
		copyKey(t, c, "hub/hub.key", dir+"/hub.key")
		if got := aliases(t, c, dir); got != "Egret" {
			t.Errorf("restored with %s: %q", keys, got)
		}
	}
	// What the hub wrote anew beside the backup opens nothing of theirs, also
	// for somebody who leaves the list out.
	c.file(t, "empty.list", "")
	if code, out := c.run(t, "restore", "--dir", "thief", "--key-file", "hub/hub.key", "--erased", "empty.list", "backups/one"); code == ExitOK {
		t.Errorf("without the list, the new keys open the old backup whole: %s", out)
	}
}

// TestABackupFolderIsOneHubs: the keys of one hub never write over another's.
func TestABackupFolderIsOneHubs(t *testing.T) {
	c := newConsole(t)
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "coordinator")
	c.must(t, ExitOK, "backup", "--dir", "hub", "--out", "one")
	other := newBareConsole(t)
	other.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "coordinator")
	before, err := os.ReadFile(c.env.Path(collections.KeyBackupName))
	if err != nil {
		t.Fatal(err)
	}
	if out := other.must(t, ExitFault, "backup", "--dir", "hub", "--out", c.env.Path("two")); !strings.Contains(out, "key_backup_other") {
		t.Errorf("another hub backs up into the same folder: %s", out)
	}
	after, err := os.ReadFile(c.env.Path(collections.KeyBackupName))
	if err != nil || string(before) != string(after) {
		t.Errorf("its keys were written over: %v", err)
	}
	if _, err := os.Stat(c.env.Path("two")); err == nil {
		t.Error("half a backup stays")
	}
}

package ops

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"portolan/collections"
	"portolan/internal/gen"
	"portolan/internal/hubtest"
)

// Environment of the process that is killed in the middle of a command.
const (
	killedIn    = "PORTOLAN_TEST_KILLED_IN"
	killedLabel = "PORTOLAN_TEST_KILLED_LABEL"
	killedArgs  = "PORTOLAN_TEST_KILLED_ARGS"
)

// TestBackupAndRestoreAfterAKill kills both with -9 at every labelled point.
// After it the hub is whole, a copy that has its name is whole, nothing of the
// half one is in the way, and no half restored folder passes for a hub.
func TestBackupAndRestoreAfterAKill(t *testing.T) {
	if dir := os.Getenv(killedIn); dir != "" {
		dieIn(t, dir)
		return
	}
	backup := []string{"backup", "--dir", "hub", "--out", "copies/one"}
	restore := []string{"restore", "--dir", "again", "--key-file", "hub/hub.key", "copies/whole"}
	c := newConsole(t)
	if err := os.Mkdir(c.env.Path("copies"), 0o700); err != nil {
		t.Fatal(err)
	}
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "coordinator")
	world := gen.New(77, time.Now())
	told := world.Setup()
	told = append(told, world.Case(0).Drafts...)
	c.hub(t, func(h *collections.Hub) {
		drafts := make([]collections.Draft, len(told))
		for i, d := range told {
			drafts[i] = collections.Draft{Collection: d.Collection, Record: d.Record, Case: d.Case, Org: d.Org, Author: d.Author, Set: d.Set, Add: d.Add}
		}
		if _, err := h.Do(t.Context(), h.HubActor(), drafts...); err != nil {
			t.Fatal(err)
		}
	})
	// Wherever a kill leaves anything: hub, copies, half a restore, temporary files.
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	noPlaintext := func() {
		t.Helper()
		for _, dir := range []string{c.env.Path("."), temporary} {
			hubtest.LookFor(t, dir, world.CanaryPrefix(), nil, world.CanaryDigits(), gen.CanaryDay.Format(time.DateOnly), gen.CanaryMoment.Format(time.RFC3339))
		}
	}
	var labels []string
	c.env.Reached = func(l string) { labels = append(labels, l) }
	c.must(t, ExitOK, "backup", "--dir", "hub", "--out", "copies/whole")
	atBackup := labels
	labels = nil
	c.must(t, ExitOK, restore...)
	atRestore := labels
	c.env.Reached = nil
	if len(atBackup) < 5 || len(atRestore) < 4 {
		t.Fatalf("labelled points: %v, %v", atBackup, atRestore)
	}
	for _, label := range atBackup {
		killAt(t, c, label, backup)
		noPlaintext()
		if _, err := os.Stat(c.env.Path("copies/one")); err == nil {
			c.must(t, ExitOK, "restore", "--dir", "named", "--key-file", "hub/hub.key", "copies/one")
			removeAll(t, c, "named", "copies/one")
		}
		c.must(t, ExitOK, backup...)
		if left, err := filepath.Glob(c.env.Path("hub/backup-*")); err != nil || len(left) > 0 {
			t.Errorf("%s: left in the hub's folder: %v %v", label, left, err)
		}
		removeAll(t, c, "copies/one")
	}
	for _, label := range atRestore {
		removeAll(t, c, "again")
		killAt(t, c, label, restore)
		noPlaintext()
		out := c.must(t, ExitFault, "verify", "--dir", "again")
		if !strings.Contains(out, "restore_unfinished") && !strings.Contains(out, "no_hub") {
			t.Errorf("%s: half a hub opens: %s", label, out)
		}
		c.must(t, ExitOK, restore...)
		copyKey(t, c, "hub/hub.key", "again/hub.key")
		if out := c.must(t, ExitOK, "user", "list", "--dir", "again"); !strings.Contains(out, "ana") {
			t.Errorf("%s: restored is %s", label, out)
		}
	}
	c.must(t, ExitOK, "verify", "--dir", "hub")
	noPlaintext()
}

func removeAll(t *testing.T, c *console, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.RemoveAll(c.env.Path(name)); err != nil {
			t.Fatal(err)
		}
	}
}

func killAt(t *testing.T, c *console, label string, args []string) {
	t.Helper()
	died := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	died.Env = append(os.Environ(), killedIn+"="+c.env.WorkDir, killedLabel+"="+label, killedArgs+"="+strings.Join(args, "\n"))
	out, err := died.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("it was not killed at %q: %v\n%s", label, err, out)
	}
}

func dieIn(t *testing.T, dir string) {
	c := newBareConsole(t)
	c.env.WorkDir = dir
	c.env.Reached = func(label string) {
		if label == os.Getenv(killedLabel) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until it comes
		}
	}
	c.must(t, ExitOK, strings.Split(os.Getenv(killedArgs), "\n")...)
	t.Fatal("nobody killed it")
}

package collections_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// The writes fail in a process of their own: a limit on the size of files
// holds for all of it.
const failingWrites = "FAILING_WRITES"

// failureStep is how far apart the points are at which writing fails: several
// in each page of the log, and between header and page.
const failureStep = 3100

// TestEveryFailingWriteIsToldAndLosesNothing: attack case 29, as SQLite tests
// itself (sqlite.org/testing.html, I/O error testing): writing fails at the
// first byte of a push, then a little later, and so on until a push goes
// through. Each failure is told; what was acknowledged before stands, nothing
// of the failed push does, and the same push is taken once writing works.
func TestEveryFailingWriteIsToldAndLosesNothing(t *testing.T) {
	if os.Getenv(failingWrites) == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), failingWrites+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "points of failure") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	h, _, d := newOpenCase(t)
	failedPushes := 0
	for n, sizes := 0, []int{1, 40}; n < len(sizes); n++ {
		failedPushes += failEverywhere(t, h, d, sizes[n])
	}
	files := failEverywhereInAFile(t, h)
	t.Logf("%d points of failure in pushes, %d in files", failedPushes, files)
	if failedPushes < 20 || files < 3 {
		t.Error("hardly anything failed: the test proves nothing")
	}
}

// failEverywhere pushes so many notes with writing failing ever later.
func failEverywhere(t *testing.T, h *hubtest.Hub, d *tabletSide, notes int) (failures int) {
	t.Helper()
	d.actor = h.Reload(t, d.actor.Staff)
	d.actor.Device = d.deviceOf(t, h)
	for room := int64(0); ; room += failureStep {
		before, link := d.n, d.link
		p := d.push(someNotes(t, h, d, notes)...)
		_, stood := logged(t, h)
		var err error
		withRoom(t, walSize(t, h)+room, func() { _, err = h.Push(context.Background(), d.actor, p) })
		if err == nil {
			return failures
		}
		failures++
		if care.CodeOf(err) != "disk_full" {
			t.Fatalf("with room for %d bytes a push fails as %v", room, err)
		}
		if _, now := logged(t, h); now != stood {
			t.Fatalf("with room for %d bytes a push failed and changed the log from %d to %d", room, stood, now)
		}
		if _, err := h.Push(context.Background(), d.actor, p); err != nil {
			t.Fatalf("with room for %d bytes a push failed; sent again: %v", room, err)
		}
		if _, now := logged(t, h); now != stood+notes {
			t.Fatalf("sent again the log goes from %d to %d", stood, now)
		}
		if d.n != before+uint64(notes) || d.link == link {
			t.Fatal("the tablet's side is wrong")
		}
	}
}

func someNotes(t *testing.T, h *hubtest.Hub, d *tabletSide, n int) (changes []json.RawMessage) {
	t.Helper()
	for range n {
		changes = append(changes, d.change(t, h, fieldsync.Change{Collection: "notes", Record: fmt.Sprintf("01930000-0000-7000-8000-%012x", d.n+1), Case: caseID,
			Set: map[string]care.Value{"kind": care.OfText("general"), "text": care.OfText(strings.Repeat("x", 100))}}))
	}
	return changes
}

// logged is the last number of the log, and how many changes it holds.
func logged(t *testing.T, h *hubtest.Hub) (last, n int) {
	t.Helper()
	if err := h.App().ConcurrentDB().NewQuery(`SELECT COALESCE(MAX(seq), 0), COUNT(*) FROM changes`).Row(&last, &n); err != nil {
		t.Fatal(err)
	}
	return last, n
}

// walSize is where the next frame of the write-ahead log goes: a log that was
// copied whole into the database begins anew.
func walSize(t *testing.T, h *hubtest.Hub) int64 {
	t.Helper()
	if _, err := h.App().NonconcurrentDB().NewQuery(`PRAGMA wal_checkpoint(TRUNCATE)`).Execute(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(h.Dir(), "pb_data", "data.db-wal"))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// withRoom runs f while no file may grow beyond a size.
func withRoom(t *testing.T, size int64, f func()) {
	t.Helper()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	less := before
	less.Cur = uint64(size)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &less); err != nil {
		t.Fatal(err)
	}
	f()
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
}

// failEverywhereInAFile keeps a paper with writing failing ever later.
func failEverywhereInAFile(t *testing.T, h *hubtest.Hub) (failures int) {
	t.Helper()
	for room := int64(0); ; room += 8192 {
		paper := collections.Draft{Case: caseID, Org: h.Org, Set: map[string]care.Value{"kind": care.OfText("summary"), "status": care.OfText("prepared")}}
		var err error
		withRoom(t, room, func() { _, err = h.KeepPaper(context.Background(), h.HubActor(), make([]byte, 30_000), paper) })
		for _, dir := range []string{"files-partial", "files"} {
			left, globErr := filepath.Glob(filepath.Join(h.Dir(), dir, "*"))
			if globErr != nil {
				t.Fatal(globErr)
			}
			for _, l := range left {
				if info, statErr := os.Stat(l); err != nil && (statErr != nil || !info.IsDir()) {
					t.Errorf("a file that could not be written left %s", l)
				}
			}
		}
		if err == nil {
			return failures
		}
		failures++
		if care.CodeOf(err) != "disk_full" {
			t.Fatalf("with room for %d bytes a file fails as %v", room, err)
		}
	}
}

package collections_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// lockable is a hub whose key file may be away, and pushes that tablets bring
// meanwhile.
type lockable struct {
	dir    string
	pushes []fieldsync.Push
	actors []care.Actor // who brings them
}

const keyAside = "hub.key.aside"

// newLockable has two tablets that open a case each; the hub is closed.
func newLockable(t *testing.T) *lockable {
	t.Helper()
	l := &lockable{dir: hubtest.Dir(t)}
	h := openWith(t, l.dir, nil)
	h.Org = theOrg
	h.Must(t, h.HubActor(), collections.Draft{Collection: "organisations", Record: theOrg, Org: theOrg, Set: map[string]care.Value{
		"name": care.OfText("Harbour House"), "kind": care.OfText("NGO"), "country": care.OfText("KE"), "time_zone": care.OfText("Africa/Nairobi")}})
	if _, err := h.SplitKey(t.Context(), 3, 2); err != nil { // so that it opens locked without the file
		t.Fatal(err)
	}
	for i := range 2 {
		worker, _ := h.Staff(t, care.Outreach)
		d := enrol(t, h, worker)
		l.actors = append(l.actors, d.actor)
		id := fmt.Sprintf("01930000-0000-7000-8000-00000000c%03d", i)
		l.pushes = append(l.pushes, d.push(
			d.change(t, h, fieldsync.Change{Collection: "cases", Record: id, Case: id, Set: map[string]care.Value{"status": care.OfText("Active"), "owner": care.OfText(worker.Staff)}}),
			d.change(t, h, fieldsync.Change{Collection: "survivors", Record: strings.Replace(id, "c", "d", 1), Case: id, Set: map[string]care.Value{"alias": care.OfText("Blue Heron")}})))
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return l
}

func moveKey(t testing.TB, dir, from, to string) {
	t.Helper()
	if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
		t.Fatal(err)
	}
}

// take brings a push to a locked hub.
func take(ctx context.Context, h *collections.Hub, p fieldsync.Push) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return h.TakeLocked(ctx, p.Replica, body, p)
}

// takeKept is take in a process of its own, of the push that lies in the folder.
func takeKept(ctx context.Context, h *collections.Hub, dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, "push"))
	if err != nil {
		return err
	}
	p, err := fieldsync.DecodePush(b)
	if err != nil {
		return err
	}
	if err := take(ctx, h, p); !errors.Is(err, collections.ErrTaken) {
		return fmt.Errorf("not kept: %w", err)
	}
	return nil
}

// locked opens the hub without its key.
func (l *lockable) locked(t *testing.T, dir string) *collections.Hub {
	t.Helper()
	h, err := collections.Open(collections.Config{Dir: dir, Now: hubtest.NewClock().Now})
	if err != nil {
		t.Fatal(err)
	}
	if !h.Locked() {
		t.Fatal("the hub is not locked")
	}
	return h
}

// TestWhatALockedHubTookIsAppliedOnce kills the hub as it has kept a push, as
// it has applied it, and as it has forgotten it: whatever is next opened has
// applied it once, and its tablet gets the same receipts.
func TestWhatALockedHubTookIsAppliedOnce(t *testing.T) {
	l := newLockable(t)
	push, err := json.Marshal(l.pushes[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(l.dir, "push"), push, 0o600); err != nil {
		t.Fatal(err)
	}
	moveKey(t, l.dir, collections.KeyFileName, keyAside)
	kept := filepath.Join(t.TempDir(), "hub")
	if err := os.CopyFS(kept, os.DirFS(l.dir)); err != nil {
		t.Fatal(err)
	}
	if !killHub(t, kept, "take", "intake kept:1") {
		t.Fatal("it does not come to the label")
	}
	if err := os.Chmod(filepath.Join(kept, keyAside), 0o600); err != nil {
		t.Fatal(err)
	}
	moveKey(t, kept, keyAside, collections.KeyFileName)
	for _, label := range []string{"", "intake through the door:1", "intake applied:1"} {
		dir := copyOf(t, kept)
		if label != "" && !killHub(t, dir, "open", label) {
			t.Fatalf("it does not come to %q", label)
		}
		h := openWith(t, dir, nil)
		rows, err := h.List(t.Context(), h.HubActor(), collections.Query{Collection: "survivors"})
		if err != nil || len(rows) != 1 || rows[0].Text("alias") != "Blue Heron" {
			t.Errorf("killed at %q: %v, %v", label, rows, err)
		}
		state, err := h.KeyState(t.Context())
		if err != nil || state.Waiting != 0 || state.Refused != 0 {
			t.Errorf("killed at %q: %+v, %v", label, state, err)
		}
		if faults, err := h.Verify(t.Context(), func(collections.Count) {}); err != nil || len(faults) > 0 {
			t.Errorf("killed at %q: %v, %v", label, faults, err)
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWhatWasRefusedEnds: a push that the door refuses once the hub is unlocked
// stands in the audit log, takes no room from others, and goes when its time is
// over, or when more is refused than there is room for.
func TestWhatWasRefusedEnds(t *testing.T) {
	l := newLockable(t)
	moveKey(t, l.dir, collections.KeyFileName, keyAside)
	h := l.locked(t, l.dir)
	ctx := t.Context()
	exec := func(sql string) {
		t.Helper()
		if _, err := h.App().NonconcurrentDB().NewQuery(sql).Execute(); err != nil {
			t.Fatal(err)
		}
	}
	if err := take(ctx, h, l.pushes[0]); !errors.Is(err, collections.ErrTaken) {
		t.Fatal(err)
	}
	exec(`UPDATE intake SET refused = 'x', sealed = zeroblob(1000000)`)
	undo := collections.IntakeBounds(500_000, 500_000) // for what waits
	if err := take(ctx, h, l.pushes[1]); !errors.Is(err, collections.ErrTaken) {
		t.Errorf("beside what was refused: %v", err)
	}
	undo()
	exec(`UPDATE intake SET refused = '', sealed = zeroblob(1000)`) // what does not open is refused
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	moveKey(t, l.dir, keyAside, collections.KeyFileName)
	open := openWith(t, l.dir, nil)
	defer open.Close()
	refused := func(want int) {
		t.Helper()
		if err := open.Tend(ctx); err != nil {
			t.Fatal(err)
		}
		if s, err := open.KeyState(ctx); err != nil || s.Refused != want || s.Waiting != 0 {
			t.Fatalf("%d are refused and %d wait: %v", s.Refused, s.Waiting, err)
		}
	}
	refused(2)
	if got := told(t, open, l.actors[0].Staff); !slices.Contains(got, "locked_push seal_damaged") {
		t.Errorf("the log says %v", got)
	}
	undo = collections.IntakeBounds(1500, 1500)
	refused(1)
	undo()
	open.Clock.Move(collections.DeviceTerm + time.Hour)
	refused(0)
	for _, a := range l.actors {
		if got := told(t, open, a.Staff); !slices.Contains(got, "locked_push ended") {
			t.Errorf("the log says %v", got)
		}
	}
}

// TestALockedHubIsBounded: what one tablet and all bring is bounded, the same
// push again takes no more room, and a full disk takes nothing. What is over
// stays on its tablet and is taken when the hub is unlocked.
func TestALockedHubIsBounded(t *testing.T) {
	l := newLockable(t)
	moveKey(t, l.dir, collections.KeyFileName, keyAside)
	h := l.locked(t, l.dir)
	ctx := t.Context()
	undo := collections.IntakeBounds(1<<20, 1)
	if err := take(ctx, h, l.pushes[0]); !errors.Is(err, collections.ErrIntakeFull) {
		t.Errorf("more than a tablet may bring: %v", err)
	}
	undo()
	for range 3 {
		if err := take(ctx, h, l.pushes[0]); !errors.Is(err, collections.ErrTaken) {
			t.Errorf("what fits, brought again: %v", err)
		}
	}
	undo = collections.IntakeBounds(1, 1<<20)
	if err := take(ctx, h, l.pushes[1]); !errors.Is(err, collections.ErrIntakeFull) {
		t.Errorf("more than all may bring: %v", err)
	}
	undo()
	if err := collections.RunOut(h); err != nil {
		t.Fatal(err)
	}
	if err := take(ctx, h, l.pushes[1]); !errors.Is(err, collections.ErrDiskFull) {
		t.Errorf("on a full disk: %v", err)
	}
	if s, err := h.KeyState(ctx); err != nil || s.Waiting != 1 {
		t.Errorf("%+v waits, %v", s, err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	moveKey(t, l.dir, keyAside, collections.KeyFileName)
	open := openWith(t, l.dir, nil)
	defer open.Close()
	open.Clock.Move(time.Minute)
	rows, err := open.List(ctx, open.HubActor(), collections.Query{Collection: "survivors"})
	if err != nil || len(rows) != 1 {
		t.Errorf("unlocked there are %d survivors, %v", len(rows), err)
	}
	if _, err := open.Push(ctx, l.actors[1], l.pushes[1]); err != nil {
		t.Errorf("brought again: %v", err)
	}
}

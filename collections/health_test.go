package collections_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
)

// TestTheHubFindsDamageByItself: attack case 32. What verify would find, the
// daily check finds, and health says so until it is mended.
func TestTheHubFindsDamageByItself(t *testing.T) {
	h, ctx := hubtest.New(t), context.Background()
	worker, _ := h.Staff(t, care.Outreach)
	openCase(t, h, enrol(t, h, worker))
	id, err := h.KeepPaper(ctx, h.HubActor(), []byte("%PDF-1.7 a paper"), collections.Draft{Case: caseID, Org: h.Org,
		Set: map[string]care.Value{"kind": care.OfText("summary"), "status": care.OfText("prepared")}})
	if err != nil {
		t.Fatal(err)
	}
	state := func(what string, want bool) {
		t.Helper()
		h.CheckUp(ctx, false)
		h.CheckUp(ctx, true)
		if got := h.Health(ctx); got.Good() != want || got.Whole.At.IsZero() || got.Quick.At.IsZero() {
			t.Errorf("%s: %+v", what, got)
		}
	}
	state("a whole hub", true)
	undo := attack(t, h, `DELETE FROM changes WHERE seq = (SELECT MAX(seq) - 1 FROM changes)`)
	h.CheckUp(ctx, false)
	if h.Health(ctx).Quick.Good() {
		t.Error("the quick check does not see that a change is missing")
	}
	state("a change is missing", false)
	undo()
	state("mended", true)
	path := filepath.Join(h.FilesDir(), id[:2], id)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), whole...)
	flipped[len(flipped)/2] ^= 1
	for what, b := range map[string][]byte{"a bit of a file is turned": flipped, "a file is cut short": whole[:3], "a file is empty": {}} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		state(what, false)
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	state("the file is back", true)
}

// TestTheAgeOfTheLastBackupIsKnown: it is kept over a restart.
func TestTheAgeOfTheLastBackupIsKnown(t *testing.T) {
	h := hubtest.New(t)
	if !h.Health(t.Context()).Backup.IsZero() {
		t.Error("there was a backup before the first one")
	}
	if err := h.NoteBackup(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.Clock.Move(1)
	first := h.Health(t.Context()).Backup
	if err := h.NoteBackup(t.Context()); err != nil {
		t.Fatal(err)
	}
	if second := h.Health(t.Context()).Backup; first.IsZero() || !second.After(first) {
		t.Errorf("backups at %v and %v", first, second)
	}
}

package hooks_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
)

// TestHealthTellsTheTruth: everybody hears whether the hub is well, who works
// with it hears why it is not, and nobody hears about people.
func TestHealthTellsTheTruth(t *testing.T) {
	s := serve(t, hooks.Config{})
	worker, desk := s.staff(t, care.Coordinator)
	d := s.enrol(t, worker.Staff)
	s.sync(t, d, d.openCase(t, s))
	id, err := s.KeepPaper(t.Context(), s.HubActor(), []byte("%PDF-1.7 a paper"), collections.Draft{Case: caseID, Org: s.Org,
		Set: map[string]care.Value{"kind": care.OfText("summary"), "status": care.OfText("prepared")}})
	if err != nil {
		t.Fatal(err)
	}
	public := []string{"/api/health", "/api/portolan/health"}
	ask := func(what string, status int) (details hooks.HealthDetails) {
		t.Helper()
		for _, path := range public {
			a := s.ask(t, "GET", path, "", nil)
			if a.status != status {
				t.Errorf("%s: %s answers %d %s", what, path, a.status, a.body)
			}
			for _, no := range []string{"free", "backed", s.Org, "Harbour", worker.Staff, s.Dir()} {
				if strings.Contains(string(a.body), no) {
					t.Errorf("%s tells everybody %q", path, no)
				}
			}
		}
		a := s.ask(t, "GET", "/api/portolan/health/details", desk, nil)
		if a.status != status {
			t.Errorf("%s: details answer %d %s", what, a.status, a.body)
		}
		a.status = http.StatusOK
		a.into(t, &details)
		for _, no := range []string{s.Org, "Harbour", worker.Staff, s.Dir(), caseID} {
			if strings.Contains(string(a.body), no) {
				t.Errorf("the details hold %q", no)
			}
		}
		return details
	}
	waitFor(t, "the first look", func() bool { return ask("at first", http.StatusOK).Checks == "ok" })
	if got := ask("a whole hub", http.StatusOK); got.Status != "ok" || got.Disk != "ok" || got.Free == 0 || got.Backup != "none" {
		t.Errorf("%+v", got)
	}
	if err := s.NoteBackup(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := ask("with a backup", http.StatusOK); got.Backup != "ok" || got.BackedUp == "" {
		t.Errorf("%+v", got)
	}
	s.Clock.Move(9 * 24 * 3600e9)
	_, desk = s.staff(t, care.Coordinator)
	if got := ask("with an old backup", http.StatusOK); got.Backup != "old" {
		t.Errorf("%+v", got)
	}
	if got := ask("for a coordinator", http.StatusOK); got.Keys != nil || got.ChangeLog != "ok" {
		t.Errorf("%+v", got)
	}
	if err := s.BackUpKeys(t.Context(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if err := s.RotateKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.WaitRotated(); err != nil {
		t.Fatal(err)
	}
	coordinators := desk
	_, desk = s.staff(t, care.Operator)
	if got := ask("for an operator", http.StatusOK).Keys; got == nil || got.State != "ok" || got.File != "plain" || got.Epoch != 2 || got.Rotated == "" || got.Copies != 1 || got.Unreached != 0 {
		t.Errorf("%+v", got)
	}
	desk = coordinators
	path := filepath.Join(s.FilesDir(), id[:2], id)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, whole[:len(whole)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	s.CheckUp(t.Context(), true)
	if got := ask("a damaged hub", http.StatusServiceUnavailable); got.Status != "failing" || got.Checks != "damaged" || got.Database != "ok" {
		t.Errorf("%+v", got)
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	s.CheckUp(t.Context(), true)
	ask("a mended hub", http.StatusOK)
	if a := s.ask(t, "GET", "/api/portolan/health/details", "", nil); a.status != http.StatusUnauthorized {
		t.Errorf("a guest's details: %d %s", a.status, a.body)
	}
}

package tablet_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/tablet"
)

// secretWords begins every file of these tests.
const secretWords = "what somebody told in confidence"

// aFile is a text that nothing compresses.
func aFile(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 9))
	b := []byte(secretWords)
	for len(b) < n {
		b = fmt.Appendf(b, "%x", r.Uint64())
	}
	return b[:n]
}

// document makes a document of a new case on a tablet.
func document(t *testing.T, tab *tablet.Tablet) (caseID, id string) {
	t.Helper()
	caseID, _ = intake(t, tab)
	return caseID, mustNew(t, tab, "documents", caseID, set("kind", "letter", "status", "kept", "compartment", "general"))
}

func attach(t *testing.T, tab *tablet.Tablet, id string, b []byte) {
	t.Helper()
	if err := tab.Attach(t.Context(), id, "text/plain", bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
}

// atHub is what the hub has of a document's file.
func (b *bench) atHub(t *testing.T, id string) []byte {
	t.Helper()
	c, err := b.File(t.Context(), b.HubActor(), id)
	if errors.Is(err, care.ErrNotFound) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Bytes.Close()
	got, err := io.ReadAll(c.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestAMegabyteCostsATenthMoreAtMost: over a line that breaks every 30 KB, up
// and down, all that it carried counted, in both directions.
func TestAMegabyteCostsATenthMoreAtMost(t *testing.T) {
	const each, most = 30 << 10, 11.0 / 10
	b, line, tab := newRelayedBench(t)
	_, id := document(t, tab)
	mustSync(t, tab)
	content := aFile(1, 1<<20)
	attach(t, tab, id, content)
	line.mu.Lock()
	line.upMost, line.carried = each, 0
	line.mu.Unlock()
	report := mustSync(t, tab)
	line.mu.Lock()
	up := float64(line.carried) / float64(len(content))
	line.upMost, line.after, line.carried = -1, each, 0
	line.mu.Unlock()
	if report.Files != 1 || report.FilesWaiting != 0 || !bytes.Equal(b.atHub(t, id), content) {
		t.Errorf("it did not come whole: %+v", report)
	}
	line.hangUp()
	var got bytes.Buffer
	if err := tab.Fetch(t.Context(), id, &got); err != nil || !bytes.Equal(got.Bytes(), content) {
		t.Errorf("%d bytes came back: %v", got.Len(), err)
	}
	line.mu.Lock()
	down := float64(line.carried) / float64(len(content))
	line.mu.Unlock()
	t.Logf("up %.3f, down %.3f of its bytes", up, down)
	if up > most || down > most {
		t.Errorf("up %.3f, down %.3f of its bytes", up, down)
	}
}

// TestAFileWaitsForItsTextAndALine: a file is kept sealed, goes after what was
// written, over a line of four kilobytes at a time too, and nothing of it stays.
func TestAFileWaitsForItsTextAndALine(t *testing.T) {
	b, line, dir := newBench(t), newRelay(t), t.TempDir()
	line.to(b.url)
	worker, _ := b.Staff(t, care.Outreach)
	tab := open(t, dir, b.Clock.Now)
	if err := tab.Enrol(t.Context(), line.url(), b.Code(t, worker.Staff), owner(t, b, worker.Staff)); err != nil {
		t.Fatal(err)
	}
	caseID, id := document(t, tab)
	content := aFile(2, 100<<10)
	attach(t, tab, id, content)
	if holds(t, dir, secretWords) {
		t.Error("it lies in clear on the tablet")
	}
	line.to("")
	if _, err := tab.Sync(t.Context()); !tablet.Unreachable(err) {
		t.Fatalf("without a line: %v", err)
	}
	line.to(b.url)
	line.mu.Lock()
	line.upMost = 4 << 10
	line.mu.Unlock()
	report := mustSync(t, tab)
	if report.Files != 1 || !bytes.Equal(b.atHub(t, id), content) || unsent(t, tab) != 0 {
		t.Errorf("four kilobytes at a time: %+v", report)
	}
	line.mu.Lock()
	line.upMost = -1
	line.mu.Unlock()
	if again := mustSync(t, tab); again.Files != 0 || again.FilesWaiting != 0 {
		t.Errorf("and once more: %+v", again)
	}
	// What the hub does not take keeps nothing else from going, and stays.
	other := mustNew(t, tab, "documents", caseID, set("kind", "letter", "status", "kept", "compartment", "general"))
	if err := tab.Attach(t.Context(), other, "text/html", strings.NewReader(secretWords)); err != nil {
		t.Fatal(err)
	}
	third := mustNew(t, tab, "documents", caseID, set("kind", "letter", "status", "kept", "compartment", "general"))
	attach(t, tab, third, aFile(3, 1000))
	report = mustSync(t, tab)
	if report.Files != 1 || report.FilesWaiting != 1 || len(report.FileFaults) != 1 || report.FileFaults[0] != (tablet.FileFault{Document: other, Code: "document_type"}) {
		t.Errorf("beside one that the hub does not take: %+v", report)
	}
	if err := tab.Border(t.Context()); !errors.Is(err, tablet.ErrUnsent) {
		t.Errorf("a border with a file that the hub has not: %v", err)
	}
	if err := tab.Attach(t.Context(), caseID, "text/plain", strings.NewReader("x")); !errors.Is(err, tablet.ErrNoDocument) {
		t.Errorf("to what is no document: %v", err)
	}
	if err := tab.Attach(t.Context(), third, "text/plain", strings.NewReader("")); !errors.Is(err, tablet.ErrFileSize) {
		t.Errorf("nothing: %v", err)
	}
	if err := tab.Wipe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if holds(t, dir, secretWords) {
		t.Error("it lies in clear on the tablet")
	}
}

// TestAttachAndFetchAtTheCommandLine: a file goes up and comes back.
func TestAttachAndFetchAtTheCommandLine(t *testing.T) {
	b := newBench(t)
	worker, _ := b.Staff(t, care.Outreach)
	dir := t.TempDir()
	tab := open(t, dir, b.Clock.Now)
	if err := tab.Enrol(t.Context(), b.url, b.Code(t, worker.Staff), owner(t, b, worker.Staff)); err != nil {
		t.Fatal(err)
	}
	_, id := document(t, tab)
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	if err := os.WriteFile(from, aFile(4, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, said := run(t, dir, "attach", id, from, "text/plain"); code != tablet.ExitOK {
		t.Fatalf("%d %s", code, said)
	}
	if code, out, said := run(t, dir, "sync"); code != tablet.ExitOK || !strings.Contains(out, "Sent 1 files.") {
		t.Errorf("%d %s %s", code, out, said)
	}
	if code, _, said := run(t, dir, "fetch", id, to); code != tablet.ExitOK {
		t.Errorf("%d %s", code, said)
	}
	if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, aFile(4, 5000)) {
		t.Errorf("%d bytes: %v", len(got), err)
	}
	if code, _, _ := run(t, dir, "fetch", id, to); code != tablet.ExitFailed {
		t.Errorf("what is there was overwritten: %d", code)
	}
}

// waitingFile is a sealed tablet with a file that has not gone up, of a
// document that the hub has.
func waitingFile(t *testing.T, b *bench) (s *sealed, document string) {
	t.Helper()
	s = newSealed(t, b)
	document = mustNew(t, s.tab, "documents", s.caseID, set("kind", "letter", "status", "kept", "compartment", "general"))
	mustSync(t, s.tab)
	attach(t, s.tab, document, aFile(7, 70<<10))
	return s, document
}

// aFileUnderALease: nobody reads it once the lease is over, and it goes up with
// the sync that brings the next one.
func aFileUnderALease(t *testing.T, b *bench) {
	s, document := waitingFile(t, b)
	s.Must(t, s.HubActor(), collections.Draft{Collection: "grants", Case: s.caseID, Set: map[string]care.Value{
		"staff": care.OfText(s.staff.Staff), "compartment": care.OfText("general"), "status": care.OfText("active"),
		"until": care.OfTime(s.Clock.Now().AddDate(0, 3, 0)), "granted_by": care.OfText(care.HubStaff)}})
	s.Clock.Move(collections.LeaseDays*24*time.Hour + time.Minute)
	tab := s.again(t)
	if err := tab.Fetch(t.Context(), document, io.Discard); !errors.Is(err, tablet.ErrLease) {
		t.Errorf("it is read after the lease: %v", err)
	}
	if holds(t, s.dir, secretWords) {
		t.Error("it lies in clear")
	}
	r := mustSync(t, tab)
	if r.Files != 1 || len(r.FilesLost) > 0 || !bytes.Equal(s.atHub(t, document), aFile(7, 70<<10)) {
		t.Errorf("after the end of a lease: %+v", r)
	}
}

// aFileThatGoes: destroyed by an eviction, a wipe or a forgotten passphrase
// before the hub had it, and told to whoever attached it, once, through a crash
// and where the tablet has ended.
func aFileThatGoes(t *testing.T, b *bench) {
	for what, end := range map[string]func(t *testing.T, s *sealed) *tablet.Tablet{
		"its grant ended": func(_ *testing.T, s *sealed) *tablet.Tablet {
			s.Clock.Move(49 * time.Hour)
			return s.tab
		},
		"a crash after its key went": func(t *testing.T, s *sealed) *tablet.Tablet {
			s.Clock.Move(49 * time.Hour)
			if err := s.tab.Damage(`CREATE TRIGGER crash BEFORE DELETE ON fields BEGIN SELECT RAISE(ABORT, 'the power goes'); END`); err != nil {
				t.Fatal(err)
			}
			if r, err := s.tab.Sync(t.Context()); err == nil || len(r.FilesLost) > 0 {
				t.Fatalf("nothing broke, or something is told that did not happen: %+v", r)
			}
			if err := s.tab.Damage(`DROP TRIGGER crash`); err != nil {
				t.Fatal(err)
			}
			return s.again(t)
		},
		"it was revoked": func(t *testing.T, s *sealed) *tablet.Tablet {
			id, err := s.tab.Identity(t.Context())
			if err == nil {
				err = s.RevokeDevice(t.Context(), s.HubActor(), id.Device)
			}
			if err != nil {
				t.Fatal(err)
			}
			return s.tab
		},
		"it was emptied": func(t *testing.T, s *sealed) *tablet.Tablet {
			if err := s.tab.Empty(t.Context()); err != nil {
				t.Fatal(err)
			}
			return s.again(t)
		},
	} {
		t.Run(what, func(t *testing.T) {
			s, document := waitingFile(t, b)
			tab := end(t, s)
			r, err := tab.Sync(t.Context())
			if err != nil && !errors.Is(err, tablet.ErrEnded) {
				t.Fatal(err)
			}
			if len(r.FilesLost) != 1 || r.FilesLost[0] != document {
				t.Errorf("told are %v", r.FilesLost)
			}
			if again, _ := tab.Sync(t.Context()); len(again.FilesLost) > 0 { // an ended tablet says so again
				t.Errorf("told twice: %v", again.FilesLost)
			}
			if holds(t, s.dir, secretWords) || s.atHub(t, document) != nil {
				t.Error("it is somewhere still")
			}
		})
	}
}

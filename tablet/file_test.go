package tablet_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
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

// owed is what the hub still waits for from a tablet.
func (b *bench) owed(t *testing.T, device string) uint64 {
	t.Helper()
	state, err := b.DeviceState(t.Context(), b.HubActor(), device)
	if err != nil {
		t.Fatal(err)
	}
	return state.Owed
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
	self, err := tab.Identity(t.Context())
	if err != nil {
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
	if report.Files != 1 || !bytes.Equal(b.atHub(t, id), content) || unsent(t, tab) != 0 || b.owed(t, self.Device) != 0 {
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
	if n := b.owed(t, self.Device); n != 1 {
		t.Errorf("of two files that were announced one came: %d are owed", n)
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
	// What was attached and not sent is told when the hub has ended the tablet.
	_, id = document(t, tab)
	mustSync(t, tab)
	if code, _, said := run(t, dir, "attach", id, from, "text/plain"); code != tablet.ExitOK {
		t.Fatalf("%d %s", code, said)
	}
	self, err := tab.Identity(t.Context())
	if err == nil {
		err = b.RevokeDevice(t.Context(), b.HubActor(), self.Device)
	}
	if err != nil {
		t.Fatal(err)
	}
	if code, _, said := run(t, dir, "sync"); code != tablet.ExitFailed || !strings.Contains(said, "1 went as they were sealed here") || strings.Contains(said, "wait.") {
		t.Errorf("%d %s", code, said)
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
	tab := s.leaseOver(t)
	if err := tab.Fetch(t.Context(), document, io.Discard); !errors.Is(err, tablet.ErrLease) {
		t.Errorf("it is read after the lease: %v", err)
	}
	if holds(t, s.dir, secretWords) {
		t.Error("it lies in clear")
	}
	r := mustSync(t, tab)
	if r.Files != 1 || r.FilesAside > 0 || !bytes.Equal(s.atHub(t, document), aFile(7, 70<<10)) {
		t.Errorf("after the end of a lease: %+v", r)
	}
}

// leaseOver has the lease end, and the grant go on.
func (s *sealed) leaseOver(t *testing.T) *tablet.Tablet {
	t.Helper()
	s.Must(t, s.HubActor(), collections.Draft{Collection: "grants", Case: s.caseID, Set: map[string]care.Value{
		"staff": care.OfText(s.staff.Staff), "compartment": care.OfText("general"), "status": care.OfText("active"),
		"until": care.OfTime(s.Clock.Now().AddDate(0, 3, 0)), "granted_by": care.OfText(care.HubStaff)}})
	s.Clock.Move(collections.LeaseDays*24*time.Hour + time.Minute)
	return s.again(t)
}

// aFileThatNobodyHereReads: its key went with an eviction, a wipe, a revocation
// or a forgotten passphrase before the hub had it, through a crash too. It is
// delivered all the same, lies in clear nowhere, and is the document's, byte for
// byte, once somebody has decided; where the record waits too, with it.
func aFileThatNobodyHereReads(t *testing.T, b *bench) {
	for what, c := range map[string]struct {
		textFirst bool // the hub has the record before it happens
		end       func(t *testing.T, s *sealed) *tablet.Tablet
	}{
		"its grant ended":           {true, func(_ *testing.T, s *sealed) *tablet.Tablet { s.Clock.Move(49 * time.Hour); return s.tab }},
		"its grant ended, all held": {false, func(_ *testing.T, s *sealed) *tablet.Tablet { s.Clock.Move(49 * time.Hour); return s.tab }},
		"a crash after its key went": {true, func(t *testing.T, s *sealed) *tablet.Tablet {
			s.Clock.Move(49 * time.Hour)
			if err := s.tab.Damage(`CREATE TRIGGER crash BEFORE DELETE ON pieces BEGIN SELECT RAISE(ABORT, 'the power goes'); END`); err != nil {
				t.Fatal(err)
			}
			if r, err := s.tab.Sync(t.Context()); err == nil || r.Files > 0 {
				t.Fatalf("nothing broke: %+v", r)
			}
			if err := s.tab.Damage(`DROP TRIGGER crash`); err != nil {
				t.Fatal(err)
			}
			return s.again(t)
		}},
		"it was revoked": {false, func(t *testing.T, s *sealed) *tablet.Tablet {
			id, err := s.tab.Identity(t.Context())
			if err == nil {
				err = s.RevokeDevice(t.Context(), s.HubActor(), id.Device)
			}
			if err != nil {
				t.Fatal(err)
			}
			return s.tab
		}},
		"it was emptied": {true, func(t *testing.T, s *sealed) *tablet.Tablet {
			if err := s.tab.Empty(t.Context()); err != nil {
				t.Fatal(err)
			}
			return s.again(t)
		}},
		"its passphrase was forgotten": {false, func(t *testing.T, s *sealed) *tablet.Tablet {
			if err := s.tab.Empty(t.Context()); err != nil {
				t.Fatal(err)
			}
			fresh := owner(t, s, s.staff.Staff)
			fresh.Passphrase = "another passphrase altogether"
			if err := s.tab.Enrol(t.Context(), s.url, s.Code(t, s.staff.Staff), fresh); err != nil {
				t.Fatal(err)
			}
			return s.tab
		}},
		"its lease ended, and all is held": {false, func(t *testing.T, s *sealed) *tablet.Tablet { return s.leaseOver(t) }},
		"its lease and grant ended": {false, func(t *testing.T, s *sealed) *tablet.Tablet {
			s.Clock.Move(collections.LeaseDays*24*time.Hour + time.Minute)
			return s.again(t)
		}},
	} {
		t.Run(what, func(t *testing.T) {
			s := newSealed(t, b)
			document := mustNew(t, s.tab, "documents", s.caseID, set("kind", "letter", "status", "kept", "compartment", "general"))
			if c.textFirst {
				mustSync(t, s.tab)
			}
			size := 70 << 10
			if what == "it was revoked" {
				size += 1 << 20 // more than one signed piece
			}
			content := aFile(11, size)
			self, err := s.tab.Identity(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			attach(t, s.tab, document, content)
			tab := c.end(t, s)
			if holds(t, s.dir, secretWords) {
				t.Error("it lies in clear on the tablet")
			}
			r, err := tab.Sync(t.Context())
			if err != nil && !errors.Is(err, tablet.ErrEnded) {
				t.Fatal(err)
			}
			if r.Files != 1 || r.FilesAside != 1 || r.FilesWaiting > 0 || len(r.FileFaults) > 0 {
				t.Fatalf("delivered: %+v, %v", r, err)
			}
			if again, _ := tab.Sync(t.Context()); again.Files+again.FilesWaiting > 0 { // an ended tablet says so again
				t.Errorf("delivered twice: %+v", again)
			}
			if n := s.owed(t, self.Device); n != 0 {
				t.Errorf("%d are owed", n)
			}
			if s.atHub(t, document) != nil {
				t.Error("it is the document's before anybody decided")
			}
			s.decideAll(t)
			if !bytes.Equal(s.atHub(t, document), content) {
				t.Error("what was decided about is not what was attached")
			}
			if holds(t, s.dir, secretWords) || holds(t, s.Dir(), secretWords) {
				t.Error("it lies in clear")
			}
		})
	}
}

// decideAll has an officer accept everything of the case that waits.
func (s *sealed) decideAll(t *testing.T) {
	t.Helper()
	officer, _ := s.Staff(t, care.ProtectionOfficer)
	s.grant(t, officer.Staff, s.caseID, care.General)
	who := s.Reload(t, officer.Staff)
	list, err := s.Worklist(t.Context(), who)
	if err != nil || len(list.Held) == 0 {
		t.Fatalf("nothing waits: %+v, %v", list, err)
	}
	for _, w := range list.Held {
		out, err := s.Decide(t.Context(), who, w.Seq, collections.Verdict{Decision: collections.Accept, As: collections.AsMe})
		if err != nil {
			t.Errorf("%s of %s: %v", w.Reason, w.Collection, err)
		}
		for _, f := range out.Files {
			if f.Code != "" {
				t.Errorf("its file: %s", f.Code)
			}
		}
	}
}

// TestARevokedTabletBringsItsFilesOverABadLine: in signed pieces that fit, and
// its key stays until the hub has them.
func TestARevokedTabletBringsItsFilesOverABadLine(t *testing.T) {
	b, line, dir := newBench(t), newRelay(t), t.TempDir()
	line.to(b.url)
	worker, _ := b.Staff(t, care.Outreach)
	tab := open(t, dir, b.Clock.Now)
	if err := tab.Enrol(t.Context(), line.url(), b.Code(t, worker.Staff), owner(t, b, worker.Staff)); err != nil {
		t.Fatal(err)
	}
	_, id := document(t, tab)
	mustSync(t, tab)
	content := aFile(12, 100<<10)
	attach(t, tab, id, content)
	self, err := tab.Identity(t.Context())
	if err == nil {
		err = b.RevokeDevice(t.Context(), b.HubActor(), self.Device)
	}
	if err != nil {
		t.Fatal(err)
	}
	line.to("")
	if err := tab.Wipe(t.Context()); !tablet.Unreachable(err) {
		t.Fatalf("without a line: %v", err)
	}
	if n, err := tab.FilesWaiting(t.Context()); err != nil || n != 1 || !tab.Guarded() {
		t.Errorf("%d files wait: %v", n, err)
	}
	line.to(b.url)
	line.mu.Lock()
	line.upMost = 20 << 10
	line.mu.Unlock()
	r, err := tab.Sync(t.Context())
	if !errors.Is(err, tablet.ErrEnded) || r.Files != 1 || r.FilesAside != 1 {
		t.Errorf("over a line that breaks: %+v, %v", r, err)
	}
	if tab.Guarded() {
		t.Error("all is delivered, and the key is there still")
	}
}

// TestAFileOfWhatWasErasedGoesFromTheTabletToo: nobody may keep it.
func TestAFileOfWhatWasErasedGoesFromTheTabletToo(t *testing.T) {
	b := newBench(t)
	s := newSealed(t, b)
	document := mustNew(t, s.tab, "documents", s.caseID, set("kind", "letter", "status", "kept", "compartment", "general"))
	mustSync(t, s.tab)
	attach(t, s.tab, document, aFile(13, 1000))
	s.erase(t)
	r := mustSync(t, s.tab)
	if len(r.FilesErased) != 1 || r.FilesErased[0] != document || r.FilesWaiting > 0 {
		t.Errorf("%+v", r)
	}
	faults, err := s.Verify(t.Context(), func(collections.Count) {})
	if err != nil || len(faults) > 0 {
		t.Errorf("verify: %v, %v", faults, err)
	}
}

// erase has two officers erase the case.
func (s *sealed) erase(t *testing.T) {
	t.Helper()
	asks, _ := s.Staff(t, care.ProtectionOfficer)
	agrees, _ := s.Staff(t, care.ProtectionOfficer)
	q, err := s.AskApproval(t.Context(), asks, care.Approval{Act: care.ActErase, Collection: "cases", Record: s.caseID, Terms: care.EraseTerms(""), Reason: "person_asked"})
	if err == nil {
		_, err = s.DecideApproval(t.Context(), agrees, q.ID, true)
	}
	if err == nil {
		_, err = s.Erase(t.Context(), asks, s.caseID, "")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestAFileAttachedInThePlaceOfOneThatGoesUpStays: while the hub takes the first
// its author attaches another.
func TestAFileAttachedInThePlaceOfOneThatGoesUpStays(t *testing.T) {
	b := newBench(t)
	anna, _ := b.Staff(t, care.Outreach)
	tab := open(t, t.TempDir(), b.Clock.Now)
	hub, err := url.Parse(b.url)
	if err != nil {
		t.Fatal(err)
	}
	id, through := "", httputil.NewSingleHostReverseProxy(hub)
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		through.ServeHTTP(w, r)
		if r.Method == http.MethodPatch {
			attach(t, tab, id, aFile(15, 2000))
		}
	}))
	defer between.Close()
	if err := tab.Enrol(t.Context(), between.URL, b.Code(t, anna.Staff), owner(t, b, anna.Staff)); err != nil {
		t.Fatal(err)
	}
	_, id = document(t, tab)
	mustSync(t, tab)
	attach(t, tab, id, aFile(14, 1000))
	if r := mustSync(t, tab); r.Files != 1 {
		t.Errorf("%+v", r)
	}
	if n, err := tab.FilesWaiting(t.Context()); err != nil || n != 1 {
		t.Errorf("%d files wait: %v", n, err)
	}
}

package collections_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/gen"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// erasable is a hub with two invented people, a paper of the first, and two
// officers.
type erasable struct {
	*hubtest.Hub
	w      *gen.World
	gone   string // the case to erase
	stays  string // another
	asks   care.Actor
	agrees care.Actor
	// with which they sign in
	asksLogin, agreesLogin string
	paper                  string
	goneSaid               []string
}

func newErasable(t *testing.T, h *hubtest.Hub) *erasable {
	t.Helper()
	w := gen.New(5, hubtest.Start)
	e := &erasable{Hub: h, w: w, gone: w.Case(0).ID, stays: w.Case(1).ID}
	all := slices.Concat(w.Setup(), w.Case(0).Drafts, w.Case(1).Drafts)
	e.goneSaid = wordsOf(w.Case(0).Drafts)
	batch := make([]collections.Draft, len(all))
	for i, d := range all {
		batch[i] = collections.Draft{Collection: d.Collection, Record: d.Record, Case: d.Case, Org: d.Org, Author: d.Author, Set: d.Set, Add: d.Add}
	}
	if _, err := h.Do(t.Context(), h.HubActor(), batch...); err != nil {
		t.Fatal(err)
	}
	h.Org = w.Home()
	e.asks, e.asksLogin = h.Staff(t, care.ProtectionOfficer)
	e.agrees, e.agreesLogin = h.Staff(t, care.ProtectionOfficer)
	paper, err := h.KeepPaper(t.Context(), h.HubActor(), []byte("%PDF-1.7 "+strings.Join(e.goneSaid, " ")), collections.Draft{Case: e.gone, Set: map[string]care.Value{
		"kind": care.OfText("summary"), "status": care.OfText("prepared"), "prepared_at": care.OfTime(h.Now())}})
	if err != nil {
		t.Fatal(err)
	}
	e.paper = paper
	e.halfUpload(t, h)
	return e
}

// halfUpload leaves half of a file of the case that is to be erased at the hub.
func (e *erasable) halfUpload(t *testing.T, h *hubtest.Hub) {
	t.Helper()
	doc, words := h.NewID(), strings.Repeat(strings.Join(e.goneSaid, " "), 10)
	h.Must(t, h.HubActor(), collections.Draft{Collection: "documents", Record: doc, Case: e.gone, Org: e.w.Home(), Set: map[string]care.Value{
		"kind": care.OfText("letter"), "status": care.OfText("kept")}})
	h.Bring(t, h.HubActor(), doc, "text/plain", []byte(words), len(words)/2)
}

// agree asks for the erasure and has the other officer agree to it.
func (e *erasable) agree(t *testing.T) {
	t.Helper()
	p, err := e.AskApproval(t.Context(), e.asks, care.Approval{Act: care.ActErase, Collection: "cases", Record: e.gone, Reason: "person_asked"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.DecideApproval(t.Context(), e.agrees, p.ID, true); err != nil {
		t.Fatal(err)
	}
}

// other is everything that stands of the case that is not erased.
func (e *erasable) other(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	for _, d := range e.w.Case(1).Drafts {
		row, err := e.Read(t.Context(), e.HubActor(), d.Collection, d.Record)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
	}
	return out.String()
}

// mustBeGone looks for the erased case with everything that the hub has.
func (e *erasable) mustBeGone(t *testing.T, h *collections.Hub) {
	t.Helper()
	for _, d := range e.w.Case(0).Drafts {
		if _, err := h.Read(t.Context(), h.HubActor(), d.Collection, d.Record); !errors.Is(err, care.ErrNotFound) {
			t.Errorf("%s is still read: %v", d.Collection, err)
		}
	}
	var left int
	for _, entity := range care.Schema {
		var n int
		if err := h.App().DB().NewQuery("SELECT COUNT(*) FROM `" + entity.Name + "` WHERE case_id = {:id}").Bind(map[string]any{"id": e.gone}).Row(&n); err != nil {
			t.Fatal(err)
		}
		left += n
	}
	if left > 0 {
		t.Errorf("%d records of the erased case are left", left)
	}
	if n := collections.KeysOf(t.Context(), h, e.gone); n != 0 {
		t.Errorf("%d of its keys are left", n)
	}
	if n := collections.KeysOf(t.Context(), h, e.stays); n == 0 {
		t.Error("the keys of somebody else went with it")
	}
	if _, err := os.Stat(filepath.Join(h.FilesDir(), e.paper[:2], e.paper)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the paper's bytes: %v", err)
	}
	if halves, err := os.ReadDir(filepath.Join(h.Dir(), "uploads")); err != nil || len(halves) > 0 {
		t.Errorf("%d files that were coming in: %v", len(halves), err)
	}
	if err := h.App().DB().NewQuery("SELECT (SELECT COUNT(*) FROM uploads WHERE case_id = {:id}) + (SELECT COUNT(*) FROM contents WHERE case_id = {:id})").Bind(map[string]any{"id": e.gone}).Row(&left); err != nil || left > 0 {
		t.Errorf("%d traces of files: %v", left, err)
	}
	if faults, err := h.Verify(t.Context(), func(collections.Count) {}); err != nil || len(faults) > 0 {
		t.Errorf("after it the hub is inconsistent: %v %v", faults, err)
	}
	hubtest.LookFor(t, h.Dir(), e.w.CanaryPrefix(), e.goneSaid)
}

// TestR16ErasureTakesTwoPeopleAndLeavesNothing: without the second person
// nothing goes; with them the keys go, then all that they opened, and nobody
// else's.
func TestR16ErasureTakesTwoPeopleAndLeavesNothing(t *testing.T) {
	h := hubtest.New(t)
	e := newErasable(t, h)
	if _, err := h.Erase(t.Context(), e.asks, e.gone, ""); care.CodeOf(err) != "approval_needed" {
		t.Fatalf("one person alone erases: %v", err)
	}
	worker, _ := h.Staff(t, care.Outreach)
	if _, err := h.Erase(t.Context(), worker, e.gone, ""); !errors.Is(err, care.ErrNotFound) {
		t.Fatalf("somebody without the power: %v", err)
	}
	e.agree(t)
	if _, err := h.Erase(t.Context(), e.agrees, e.gone, ""); care.CodeOf(err) != "approval_needed" {
		t.Fatalf("the second person uses their own yes: %v", err)
	}
	before := e.other(t)
	done, err := h.Erase(t.Context(), e.asks, e.gone, "")
	if err != nil {
		t.Fatal(err)
	}
	records := map[string]bool{}
	for _, d := range e.w.Case(0).Drafts {
		records[d.Record] = true
	}
	if done.Keys == 0 || done.Records < len(records) || done.Files != 1 {
		t.Errorf("it destroyed %+v", done)
	}
	e.mustBeGone(t, h.Hub)
	if after := e.other(t); after != before {
		t.Errorf("the other case changed from %s to %s", before, after)
	}
	if _, err := h.Erase(t.Context(), e.asks, e.gone, ""); err != nil {
		t.Errorf("again: %v", err)
	}
}

// TestErasedCasesAreNotBroughtBack: neither by a new record, nor by a change
// of one that stood there, nor by the hub itself.
func TestErasedCasesAreNotBroughtBack(t *testing.T) {
	h := hubtest.New(t)
	e := newErasable(t, h)
	e.agree(t)
	if _, err := h.Erase(t.Context(), e.asks, e.gone, ""); err != nil {
		t.Fatal(err)
	}
	old := e.w.Case(0).Drafts
	record := old[len(old)-1]
	for what, d := range map[string]collections.Draft{
		"the case":              {Collection: "cases", Record: e.gone, Case: e.gone, Set: map[string]care.Value{"status": care.OfText("Active"), "owner": care.OfText(e.asks.Staff)}},
		"a new note":            {Collection: "notes", Case: e.gone, Set: map[string]care.Value{"kind": care.OfText("general"), "text": care.OfText("Once told, twice erased.")}},
		"a record that it had":  {Collection: record.Collection, Record: record.Record, Set: record.Set},
		"a grant to read it":    {Collection: "grants", Case: e.gone, Set: map[string]care.Value{"staff": care.OfText(e.asks.Staff), "compartment": care.OfText("general"), "status": care.OfText("active"), "until": care.OfTime(h.Now())}},
		"a record without case": {Collection: record.Collection, Record: record.Record, Set: map[string]care.Value{}},
	} {
		for _, actor := range []care.Actor{h.HubActor(), e.asks} {
			receipts, err := h.Do(t.Context(), actor, d)
			if err != nil || len(receipts) != 1 || len(receipts[0].Held) != 1 || receipts[0].Held[0].Reason != collections.HeldErased {
				t.Errorf("%s: %+v %v", what, receipts, err)
			}
		}
	}
	var kept int
	if err := h.App().DB().NewQuery(`SELECT COUNT(*) FROM changes WHERE case_id = {:id} AND status = 'held' AND length(body) > 0
		AND seq > (SELECT MIN(seq) FROM changes WHERE length(body) = 0)`).Bind(map[string]any{"id": e.gone}).Row(&kept); err != nil {
		t.Fatal(err)
	}
	if kept > 0 {
		t.Errorf("%d changes about the erased case were kept with what they say", kept)
	}
	hubtest.LookFor(t, h.Dir(), e.w.CanaryPrefix(), []string{"Once told, twice erased."})
}

// TestErasureLeavesTheTablets: whoever saw the case is told to evict it with
// the next pull, also with a cursor from before.
func TestErasureLeavesTheTablets(t *testing.T) {
	h := hubtest.New(t)
	e := newErasable(t, h)
	h.Must(t, h.HubActor(), collections.Draft{Collection: "grants", Case: e.gone, Set: map[string]care.Value{"staff": care.OfText(e.agrees.Staff),
		"compartment": care.OfText("general"), "status": care.OfText("active"), "until": care.OfTime(h.Now().AddDate(0, 1, 0))}})
	cursor, _ := pullEnd(t, h, e.agrees, "")
	e.agree(t)
	if _, err := h.Erase(t.Context(), e.asks, e.gone, ""); err != nil {
		t.Fatal(err)
	}
	_, evicted := pullEnd(t, h, e.agrees, cursor)
	if !slices.Contains(evicted, fieldsync.CaseScope(e.gone, care.General)) {
		t.Errorf("evicted is %v", evicted)
	}
}

func pullEnd(t *testing.T, h *hubtest.Hub, a care.Actor, cursor string) (string, []fieldsync.Scope) {
	t.Helper()
	var evicted []fieldsync.Scope
	err := h.Pull(t.Context(), h.Reload(t, a.Staff), cursor, func(line []byte) error {
		var in struct {
			Evict []fieldsync.Scope `json:"evict"`
			End   *fieldsync.End    `json:"end"`
		}
		if err := json.Unmarshal(line, &in); err != nil {
			return err
		}
		evicted = append(evicted, in.Evict...)
		if in.End != nil {
			cursor = in.End.Cursor
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return cursor, evicted
}

// Environment of the process that is killed in the middle.
const (
	killedDir   = "PORTOLAN_TEST_KILLED_DIR"
	killedLabel = "PORTOLAN_TEST_KILLED_LABEL"
	killedAs    = "PORTOLAN_TEST_KILLED_AS"
	killedCase  = "PORTOLAN_TEST_KILLED_CASE"
)

// TestErasureGoesOnAfterAKill kills the process with -9 at every labelled
// point of an erasure. Whatever is next opened has finished it.
func TestErasureGoesOnAfterAKill(t *testing.T) {
	if dir := os.Getenv(killedDir); dir != "" {
		eraseAndDie(t, dir)
		return
	}
	var labels []string
	probe := openWith(t, hubtest.Dir(t), func(label string) {
		if strings.HasPrefix(label, "erase ") { // not of the keys that it needs first
			labels = append(labels, label)
		}
	})
	defer probe.Close()
	p := newErasable(t, probe)
	p.agree(t)
	labels = nil
	if _, err := probe.Erase(t.Context(), p.asks, p.gone, ""); err != nil {
		t.Fatal(err)
	}
	if len(labels) < 5 {
		t.Fatalf("labelled points: %v", labels)
	}
	for _, label := range labels {
		t.Run(strings.ReplaceAll(label, " ", "_"), func(t *testing.T) {
			dir := hubtest.Dir(t)
			e := newErasable(t, openWith(t, dir, nil))
			e.agree(t)
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			died := exec.Command(os.Args[0], "-test.run", "^TestErasureGoesOnAfterAKill$")
			died.Env = append(os.Environ(), killedDir+"="+dir, killedLabel+"="+label, killedAs+"="+e.asks.Staff, killedCase+"="+e.gone)
			out, err := died.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("it was not killed at %q: %v\n%s", label, err, out)
			}
			again := openWith(t, dir, nil)
			defer again.Close()
			e.mustBeGone(t, again.Hub)
		})
	}
}

// openWith opens a hub that is not verified and closed by itself.
func openWith(t *testing.T, dir string, reached func(string)) *hubtest.Hub {
	t.Helper()
	clock := hubtest.NewClock()
	h, err := collections.Open(collections.Config{Dir: dir, Now: clock.Now, Reached: reached})
	if err != nil {
		t.Fatal(err)
	}
	hubtest.CheapPasswords(t, h.App())
	return &hubtest.Hub{Hub: h, Clock: clock}
}

func eraseAndDie(t *testing.T, dir string) {
	h := openWith(t, dir, func(label string) {
		if label == os.Getenv(killedLabel) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until it comes
		}
	})
	actor, err := h.Actor(context.Background(), os.Getenv(killedAs), "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Erase(context.Background(), actor, os.Getenv(killedCase), "")
	t.Fatalf("nobody killed it: %v", err)
}

// TestTheListOfErasedCases: cut in its last line it is read to there, damaged
// it is refused, and nothing is in it twice.
func TestTheListOfErasedCases(t *testing.T) {
	path := filepath.Join(t.TempDir(), collections.ErasedPath)
	one := collections.ErasedCase{Case: "01930000-0000-7000-8000-000000000001", Org: "01930000-0000-7000-8000-000000000002", At: "2026-11-20T08:00:00.000Z"}
	two := one
	two.Case = "01930000-0000-7000-8000-000000000003"
	for _, add := range [][]collections.ErasedCase{{}, {one}, {one, two}, {two}} {
		if err := collections.AddErased(path, add...); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		list, err := collections.ReadErased(path)
		if want := strings.Count(string(whole[:cut]), "\n"); err != nil || len(list) != want {
			t.Fatalf("cut at %d: %d of %d, %v", cut, len(list), want, err)
		}
	}
	for _, bad := range []string{"\n", "{}\n", base64.StdEncoding.EncodeToString(whole) + "\n", strings.Replace(string(whole), "01930000", "../../..", 1)} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := collections.ReadErased(path); !errors.Is(err, collections.ErrErasedList) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestR16RetentionEndsInAnErasure: what is kept too long is asked about, once;
// a person's yes lets the hub erase it, and no other case.
func TestR16RetentionEndsInAnErasure(t *testing.T) {
	h := hubtest.New(t)
	e := newErasable(t, h)
	closure, _ := care.FindCodes("closure_reasons")
	old := h.NewID()
	begin := func(id, closed string) {
		h.Must(t, h.HubActor(), collections.Draft{Collection: "cases", Record: id, Case: id, Org: h.Org, Set: map[string]care.Value{
			"status": care.OfText("Closed"), "closed_on": care.OfText(closed), "closure_reason": care.OfText(closure.Codes[0])}},
			collections.Draft{Collection: "survivors", Case: id, Set: map[string]care.Value{"alias": care.OfText("Somebody of long ago")}})
	}
	begin(h.NewID(), "2026-01-01")
	ask := func() int {
		t.Helper()
		n, err := h.AskRetention(t.Context(), h.Org)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := ask(); n != 0 {
		t.Fatalf("it asks about %d cases before their time", n)
	}
	begin(old, "2020-01-01")
	for range 2 {
		if n := ask(); n != 1 {
			t.Fatalf("it asks about %d cases", n)
		}
	}
	waiting, err := h.Approvals(t.Context(), e.agrees)
	if err != nil || len(waiting) != 1 || waiting[0].Record != old || waiting[0].Reason != collections.RetentionReason {
		t.Fatalf("the officer is asked %+v %v", waiting, err)
	}
	if err := h.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := collections.KeysOf(t.Context(), h.Hub, old); n == 0 {
		t.Fatal("it went without anybody's yes")
	}
	if _, err := h.DecideApproval(t.Context(), e.agrees, waiting[0].ID, true); err != nil {
		t.Fatal(err)
	}
	if err := h.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := collections.KeysOf(t.Context(), h.Hub, old); n != 0 {
		t.Errorf("%d of its keys are left", n)
	}
	if n := collections.KeysOf(t.Context(), h.Hub, e.gone); n == 0 {
		t.Error("somebody else's went with it")
	}
	if n := ask(); n != 0 {
		t.Errorf("it asks again about %d", n)
	}
}

package collections_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// answer is everything that one pull sent.
type answer struct {
	evict, enter []fieldsync.Scope
	rows         []fieldsync.Row
	end          *fieldsync.End
	bytes        int
}

func pull(t testing.TB, h *hubtest.Hub, a care.Actor, cursor string) answer {
	t.Helper()
	var out answer
	err := h.Pull(context.Background(), a, cursor, func(raw []byte) error {
		out.bytes += len(raw) + 1
		l, err := fieldsync.DecodeLine(raw)
		if err != nil {
			return err
		}
		out.evict = append(out.evict, l.Evict...)
		out.enter = append(out.enter, l.Enter...)
		if l.Row != nil {
			out.rows = append(out.rows, *l.Row)
		}
		if l.End != nil {
			out.end = l.End
		}
		return nil
	})
	if err != nil {
		t.Fatalf("pulling: %v", err)
	}
	if out.end == nil {
		t.Fatal("an answer without an end")
	}
	return out
}

// digestOf is the root digest that a device works out from what it holds.
func digestOf(rows ...fieldsync.Row) string {
	sums := make(map[fieldsync.Scope]fieldsync.Digest)
	for _, r := range rows {
		for f, reg := range r.Fields {
			sums[r.Scope] = sums[r.Scope].Add(fieldsync.DigestOf(r.Scope, r.Record, f, reg.Dots()))
		}
	}
	return fieldsync.RootDigest(sums)
}

func TestAPullGivesWhatTheGrantsAllowAndItsDigest(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	other, _ := h.Staff(t, care.Outreach)
	d := enrol(t, h, worker)
	openCase(t, h, d)
	mine := pull(t, h, worker, "")
	if !slices.ContainsFunc(mine.rows, func(r fieldsync.Row) bool { return r.Record == survivorID }) {
		t.Error("the owner's tablet is not sent the survivor")
	}
	if got := digestOf(mine.rows...); got != mine.end.Digest {
		t.Errorf("the digest of what came is %s, the hub says %s", got, mine.end.Digest)
	}
	theirs := pull(t, h, other, "")
	for _, r := range theirs.rows {
		if r.Case != "" {
			t.Errorf("somebody without a grant is sent %s of a case", r.Collection)
		}
	}
}

// As many tablets as there may be pull over lines that have stopped: the desk
// still reads and the tablets still push.
func TestSlowTabletsDoNotStopTheHub(t *testing.T) {
	h, worker, d := newOpenCase(t)
	began, let, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	const tablets = 24
	for range tablets {
		go func() {
			first := true
			ended <- h.Pull(context.Background(), worker, "", func([]byte) error {
				if first {
					first = false
					began <- struct{}{}
					<-let
				}
				return nil
			})
		}()
	}
	for range tablets {
		<-began
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := h.Read(ctx, h.Reload(t, worker.Staff), "survivors", survivorID); err != nil {
		t.Errorf("the desk reads: %v", err)
	}
	d.send(t, h, d.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Add: map[string][]string{"languages": {"am"}}}))
	close(let)
	for range tablets {
		if err := <-ended; err != nil {
			t.Errorf("a slow pull: %v", err)
		}
	}
}

func TestNothingNewIsSmall(t *testing.T) {
	const bytesMax = 200
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	openCase(t, h, enrol(t, h, worker))
	first := pull(t, h, worker, "")
	again := pull(t, h, worker, first.end.Cursor)
	if again.bytes >= bytesMax || len(again.rows) > 0 {
		t.Errorf("nothing new is %d bytes with %d rows", again.bytes, len(again.rows))
	}
	if again.end.Digest != first.end.Digest {
		t.Error("the digest moved though nothing changed")
	}
}

func TestAGrantBackfillsAndItsEndEvictsFirst(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	colleague, _ := h.Staff(t, care.Outreach)
	coordinator, _ := h.Staff(t, care.Coordinator)
	openCase(t, h, enrol(t, h, worker))
	before := pull(t, h, colleague, "")

	grant := "01930000-0000-7000-8000-00000000e001"
	h.Must(t, coordinator, collections.Draft{Collection: "grants", Record: grant, Case: caseID, Set: map[string]care.Value{
		"staff": care.OfText(colleague.Staff), "compartment": care.OfText("general"), "status": care.OfText("active"),
		"until": care.OfTime(hubtest.Start.Add(48 * time.Hour)), "granted_by": care.OfText(coordinator.Staff)}})
	gained := pull(t, h, colleague, before.end.Cursor)
	want := fieldsync.CaseScope(caseID, care.General)
	if !slices.Contains(gained.enter, want) || !slices.ContainsFunc(gained.rows, func(r fieldsync.Row) bool { return r.Record == survivorID }) {
		t.Fatalf("a grant does not back-fill: %v", gained.enter)
	}
	for _, r := range gained.rows {
		if r.Scope != want {
			t.Errorf("a grant for %s also sends %s", want, r.Scope)
		}
	}

	h.Clock.Move(49 * time.Hour)
	lost := pull(t, h, colleague, gained.end.Cursor)
	if !slices.Contains(lost.evict, want) {
		t.Fatalf("an ended grant does not evict: %+v", lost)
	}
	for _, r := range lost.rows {
		if r.Case == caseID {
			t.Error("a row of the case is sent after the grant's end")
		}
	}
	// A lost answer: the same cursor is answered the same way.
	if again := pull(t, h, colleague, gained.end.Cursor); !slices.Equal(again.evict, lost.evict) {
		t.Errorf("asked again, the hub evicts %v instead of %v", again.evict, lost.evict)
	}
}

func TestACursorOfAnotherEpochOrPersonStartsAgainAndEvictsWhatWasLost(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	colleague, _ := h.Staff(t, care.Outreach)
	openCase(t, h, enrol(t, h, worker))
	mine := pull(t, h, worker, "")
	if theirs := pull(t, h, colleague, mine.end.Cursor); len(theirs.enter) == 0 {
		t.Error("somebody else's cursor was taken")
	}
	if err := h.NewEpoch(context.Background()); err != nil {
		t.Fatal(err)
	}
	again := pull(t, h, worker, mine.end.Cursor)
	if digestOf(again.rows...) != mine.end.Digest || len(again.enter) != len(mine.enter) {
		t.Error("after a restore a device is not sent all that it may see")
	}
}

func TestAWorkerWhoLeftIsWokenAndSeesNothing(t *testing.T) {
	h, worker, _ := newOpenCase(t)
	var woken []string
	h.OnWake(func(staff []string) { woken = append(woken, staff...) })
	h.Must(t, h.HubActor(), collections.Draft{Collection: "staff", Record: worker.Staff, Set: map[string]care.Value{"status": care.OfText("left")}})
	if !slices.Contains(woken, worker.Staff) {
		t.Error("whoever loses access is not woken")
	}
	if err := h.Pull(context.Background(), worker, "", func([]byte) error { return fmt.Errorf("something was sent") }); err == nil {
		t.Error("a worker who left can pull")
	}
}

// TestWhatCameWithAnAnswerThatBrokeIsEvicted: a device keeps what came before
// its line broke, also behind the last mark. A scope that was given since its
// cursor, came in part, and ended before it asked again, is evicted.
func TestWhatCameWithAnAnswerThatBrokeIsEvicted(t *testing.T) {
	h := hubtest.New(t)
	owner, _ := h.Staff(t, care.Coordinator)
	openCase(t, h, enrol(t, h, owner))
	worker, _ := h.Staff(t, care.Outreach)
	cursor := pull(t, h, worker, "").end.Cursor
	grant := h.NewID()
	h.Must(t, h.Reload(t, owner.Staff), collections.Draft{Collection: "grants", Record: grant, Case: caseID, Set: map[string]care.Value{
		"staff": care.OfText(worker.Staff), "compartment": care.OfText("general"), "status": care.OfText("active"), "until": care.OfTime(h.Clock.Now().Add(24 * time.Hour)),
		"granted_by": care.OfText(owner.Staff)}})
	broken := fmt.Errorf("the line broke")
	came := false
	err := h.Pull(t.Context(), worker, cursor, func(raw []byte) error {
		l, err := fieldsync.DecodeLine(raw)
		if err == nil && l.Row != nil && l.Row.Case == caseID {
			came, err = true, broken
		}
		return err
	})
	if !came || !errors.Is(err, broken) {
		t.Fatalf("nothing of the case came: %v", err)
	}
	h.Must(t, h.Reload(t, owner.Staff), collections.Draft{Collection: "grants", Record: grant, Set: map[string]care.Value{"status": care.OfText("ended")}})
	if got := pull(t, h, worker, cursor).evict; !slices.Contains(got, fieldsync.CaseScope(caseID, care.General)) {
		t.Errorf("evicted is %v", got)
	}
	if got := pull(t, h, worker, "").evict; len(got) > 0 {
		t.Errorf("whoever comes with nothing is told of %v", got)
	}
}

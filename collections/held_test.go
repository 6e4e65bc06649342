package collections_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// decisions is a case with one worker who was taken off it, so that what they
// write is held, and two protection officers who may decide.
type decisions struct {
	*hubtest.Hub
	worker   *tabletSide
	officers [2]care.Actor
}

func newDecisions(t *testing.T) *decisions {
	t.Helper()
	return decisionsOn(t, hubtest.New(t))
}

func decisionsOn(t *testing.T, h *hubtest.Hub) *decisions {
	t.Helper()
	owner, _ := h.Staff(t, care.Outreach)
	worker, _ := h.Staff(t, care.Outreach)
	d := &decisions{Hub: h}
	openCase(t, h, enrol(t, h, owner))
	d.worker = enrol(t, h, worker)
	for i := range d.officers {
		d.officers[i], _ = h.Staff(t, care.ProtectionOfficer)
		h.Must(t, h.HubActor(), collections.Draft{Collection: "grants", Case: caseID, Set: map[string]care.Value{
			"staff": care.OfText(d.officers[i].Staff), "compartment": care.OfText(string(care.General)), "status": care.OfText("active"),
			"until": care.OfTime(h.Clock.Now().Add(48 * time.Hour)), "granted_by": care.OfText(care.HubStaff)}})
		d.officers[i] = h.Reload(t, d.officers[i].Staff)
	}
	return d
}

func (d *decisions) alias(t *testing.T) string {
	t.Helper()
	row, err := d.Read(t.Context(), d.HubActor(), "survivors", survivorID)
	if err != nil {
		t.Fatal(err)
	}
	return row.Text("alias")
}

// hold has the worker write an alias that the hub keeps aside.
func (d *decisions) hold(t *testing.T, alias string, base ...fieldsync.Dot) uint64 {
	t.Helper()
	c := fieldsync.Change{Collection: "survivors", Record: survivorID, Case: caseID, Set: map[string]care.Value{"alias": care.OfText(alias)}}
	if len(base) > 0 {
		c.Base = map[string][]fieldsync.Dot{"alias": base}
	}
	r := d.worker.send(t, d.Hub, d.worker.change(t, d.Hub, c))[0]
	if r.Status != fieldsync.StatusHeld {
		t.Fatalf("not held: %+v", r)
	}
	return r.Seq
}

func TestAHeldChangeIsAcceptedOrDeclined(t *testing.T) {
	d := newDecisions(t)
	ctx := t.Context()
	first, second := d.hold(t, "Grey Heron"), d.hold(t, "Red Kite")
	accept, decline := collections.Verdict{Decision: collections.Accept, As: collections.AsMe}, collections.Verdict{Decision: collections.Decline, Why: "wrong"}

	got, err := d.Held(ctx, d.officers[0], first)
	if err != nil || got.Set["alias"].Text() != "Grey Heron" || got.Author != d.worker.actor.Staff || got.Decided != nil {
		t.Fatalf("shown to who decides: %+v, %v", got, err)
	}
	// Whose change it is hears of it and does not decide; a stranger does not
	// even hear; a colleague without the power does not decide.
	if _, err := d.Decide(ctx, d.worker.actor, first, accept); !errors.Is(err, collections.ErrNoPower) {
		t.Errorf("the author: %v", err)
	}
	stranger, _ := d.Staff(t, care.ProtectionOfficer)
	if _, err := d.Decide(ctx, stranger, first, accept); !errors.Is(err, care.ErrNotFound) {
		t.Errorf("somebody who is not on the case: %v", err)
	}
	if _, err := d.Held(ctx, stranger, first); !errors.Is(err, care.ErrNotFound) {
		t.Errorf("somebody who is not on the case reads: %v", err)
	}
	// In its author's name it passes with the author's rights: still none.
	if _, err := d.Decide(ctx, d.officers[0], first, collections.Verdict{Decision: collections.Accept}); care.CodeOf(err) != collections.HeldNoGrant {
		t.Errorf("accepted in the name of somebody without the right: %v", err)
	}
	if d.alias(t) != "Blue Heron" {
		t.Fatalf("a refused decision had an effect: %s", d.alias(t))
	}
	done, err := d.Decide(ctx, d.officers[0], first, accept)
	if err != nil || done.Change == 0 || done.By != d.officers[0].Staff {
		t.Fatalf("accepting: %+v, %v", done, err)
	}
	if again, err := d.Decide(ctx, d.officers[0], first, accept); err != nil || !reflect.DeepEqual(again, done) {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	for _, v := range []collections.Verdict{decline, {Decision: collections.Decline, Why: "outdated"}} {
		if _, err := d.Decide(ctx, d.officers[1], first, v); !errors.Is(err, collections.ErrDecided) {
			t.Errorf("another decision: %v", err)
		}
	}
	if _, err := d.Decide(ctx, d.officers[1], second, decline); err != nil {
		t.Fatalf("declining: %v", err)
	}
	list, err := d.Worklist(ctx, d.officers[0])
	if err != nil || len(list.Held) != 0 {
		t.Errorf("what is decided is still in the worklist: %+v, %v", list.Held, err)
	}
	for _, v := range []collections.Verdict{{}, {Decision: "maybe"}, {Decision: collections.Decline}, {Decision: collections.Decline, Why: "she is lying"},
		{Decision: collections.Accept, As: "hub"}, {Decision: collections.Accept, Why: "wrong"}} {
		if _, err := d.Decide(ctx, d.officers[0], second, v); !errors.Is(err, collections.ErrVerdict) {
			t.Errorf("%+v: %v", v, err)
		}
	}
	events, err := d.AuditTrail(t.Context(), caseID)
	if err != nil {
		t.Fatal(err)
	}
	var noted []string
	for _, e := range events {
		if e.Act == collections.ActDecide {
			noted = append(noted, e.On[0].Reason)
		}
	}
	if !slices.Equal(noted, []string{collections.ReasonAccepted, collections.ReasonDeclined}) {
		t.Errorf("the audit log says of the decisions: %v", noted)
	}
}

// What was written on top of a held change goes on top of what came of it.
func TestAnAcceptedChangeFollowsTheOneBeforeIt(t *testing.T) {
	d := newDecisions(t)
	first := d.hold(t, "Grey Heron")
	second := d.hold(t, "Red Kite", fieldsync.DotOf(d.worker.replica, d.worker.n))
	for _, seq := range []uint64{first, second} {
		if _, err := d.Decide(t.Context(), d.officers[0], seq, collections.Verdict{Decision: collections.Accept, As: collections.AsMe}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := d.Worklist(t.Context(), d.officers[0])
	if err != nil || d.alias(t) != "Red Kite" {
		t.Fatalf("%s, %v", d.alias(t), err)
	}
	row, err := d.Read(t.Context(), d.HubActor(), "survivors", survivorID)
	if err != nil || len(list.Conflicts) != 1 { // with what stood, which the worker had not seen
		t.Errorf("%+v %+v, %v", row, list, err)
	}
}

func TestOfTwoDecidersOneWins(t *testing.T) {
	d := newDecisions(t)
	for range 10 {
		seq := d.hold(t, "Grey Heron")
		var wait sync.WaitGroup
		won := make([]error, len(d.officers))
		verdicts := []collections.Verdict{{Decision: collections.Accept, As: collections.AsMe}, {Decision: collections.Decline, Why: "outdated"}}
		for i := range d.officers {
			wait.Go(func() { _, won[i] = d.Decide(t.Context(), d.officers[i], seq, verdicts[i]) })
		}
		wait.Wait()
		if (won[0] == nil) == (won[1] == nil) || !errors.Is(errors.Join(won...), collections.ErrDecided) {
			t.Errorf("two decide at once: %v", won)
		}
	}
}

func TestADecisionIsMadeOnceAtTheDatabaseToo(t *testing.T) {
	d := newDecisions(t)
	seq := d.hold(t, "Grey Heron")
	if _, err := d.App().NonconcurrentDB().NewQuery(`UPDATE held_changes SET decided_at = 'x'`).Execute(); err == nil {
		t.Error("a decision past the door")
	}
	if _, err := d.Decide(t.Context(), d.officers[0], seq, collections.Verdict{Decision: collections.Decline, Why: "wrong"}); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Held(t.Context(), d.officers[0], seq); err != nil || got.Decided == nil || got.Decided.Why != "wrong" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAHeldChangeIsOfWhoSignedIt(t *testing.T) {
	d := newDecisions(t)
	forger, victim := enrol(t, d.Hub, d.officers[0]), d.officers[1].Staff
	for _, revoked := range []bool{false, true} {
		c := fieldsync.Change{Collection: "grants", Record: "01930000-0000-7000-8000-00000000e001", Case: caseID, Set: map[string]care.Value{
			"staff": care.OfText(forger.actor.Staff), "compartment": care.OfText(string(care.Legal)), "status": care.OfText("active"),
			"until": care.OfTime(d.Clock.Now().Add(48 * time.Hour)), "granted_by": care.OfText(victim)}}
		raw := forger.change(t, d.Hub, c)
		if raw = bytes.Replace(raw, []byte(`"by":"`+forger.actor.Staff), []byte(`"by":"`+victim), 1); revoked {
			if err := d.RevokeDevice(t.Context(), d.HubActor(), forger.deviceOf(t, d.Hub)); err != nil {
				t.Fatal(err)
			}
		}
		r := forger.send(t, d.Hub, raw)[0]
		if r.Status != fieldsync.StatusHeld {
			t.Fatalf("in somebody else's name: %+v", r)
		}
		if got, err := d.Held(t.Context(), d.officers[1], r.Seq); err != nil || got.Author != forger.actor.Staff {
			t.Errorf("said to be of %s: %v", got.Author, err)
		}
		if _, err := d.Decide(t.Context(), d.officers[0], r.Seq, collections.Verdict{Decision: collections.Accept}); !errors.Is(err, collections.ErrOwnWork) {
			t.Errorf("decided by who forged it: %v", err)
		}
		if _, err := d.Decide(t.Context(), d.officers[1], r.Seq, collections.Verdict{Decision: collections.Accept}); care.CodeOf(err) != "grant_to_self" {
			t.Errorf("accepted in its author's name, with the rights of whom it names: %v", err)
		}
	}
}

func TestNobodyDecidesAboutWhatTheyMayNotSee(t *testing.T) {
	d := newDecisions(t)
	c := fieldsync.Change{Collection: "conditions", Record: "01930000-0000-7000-8000-00000000e002", Case: caseID, Set: map[string]care.Value{
		"label": care.OfText("Asthma")}}
	r := d.worker.send(t, d.Hub, d.worker.change(t, d.Hub, c))[0]
	if r.Status != fieldsync.StatusHeld {
		t.Fatalf("not held: %+v", r)
	}
	for _, v := range []collections.Verdict{{Decision: collections.Accept}, {Decision: collections.Decline, Why: "outdated"}} {
		if _, err := d.Decide(t.Context(), d.officers[0], r.Seq, v); !errors.Is(err, collections.ErrUnseen) {
			t.Errorf("%+v by who sees the general part alone: %v", v, err)
		}
	}
	d.Must(t, d.HubActor(), collections.Draft{Collection: "grants", Case: caseID, Set: map[string]care.Value{
		"staff": care.OfText(d.officers[1].Staff), "compartment": care.OfText(string(care.Health)), "status": care.OfText("active"),
		"until": care.OfTime(d.Clock.Now().Add(48 * time.Hour)), "granted_by": care.OfText(care.HubStaff)}})
	if _, err := d.Decide(t.Context(), d.officers[1], r.Seq, collections.Verdict{Decision: collections.Decline, Why: "outdated"}); err != nil {
		t.Errorf("by who sees it: %v", err)
	}
}

// TestADeclinedEditTakesNoFileAlong: as long as another change may still make
// the record, its file waits for that.
func TestADeclinedEditTakesNoFileAlong(t *testing.T) {
	a := newAsides(t)
	id, b := a.NewID(), a.words()
	letter := func(kind string) json.RawMessage {
		return a.worker.change(t, a.Hub, fieldsync.Change{Collection: "documents", Record: id, Case: caseID,
			Set: map[string]care.Value{"kind": care.OfText(kind), "status": care.OfText("kept"), "compartment": care.OfText("general")}})
	}
	made := a.worker.send(t, a.Hub, letter("letter"), letter("report"))
	seq := a.bring(t, a.worker.actor, a.worker.replica, a.file(id, care.General), b)
	if out := a.decide(t, made[1].Seq, collections.Verdict{Decision: collections.Decline, Why: "outdated"}); len(out.Files) != 0 {
		t.Errorf("declined with an edit: %+v", out)
	}
	if out := a.decide(t, made[0].Seq, acceptMine); len(out.Files) != 1 || out.Files[0] != (collections.FileOutcome{Seq: seq}) {
		t.Errorf("accepted with its record: %+v", out)
	}
	if !bytes.Equal(a.has(t, id), b) {
		t.Error("the document has no file")
	}
	a.sound(t)
}

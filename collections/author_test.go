package collections_test

import (
	"context"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// What the hub makes in a person's name is judged by that person's rights, and
// nobody but the hub may name another.
func TestADraftInAPersonsNameHasThatPersonsRights(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	stranger, _ := h.Staff(t, care.Outreach)
	openCase(t, h, enrol(t, h, worker))
	for _, tc := range []struct {
		name          string
		actor, author care.Actor
		status        string
		by            string
	}{
		{"the hub for a stranger", h.HubActor(), stranger, fieldsync.StatusHeld, stranger.Staff},
		{"the hub for the worker", h.HubActor(), worker, fieldsync.StatusApplied, worker.Staff},
		{"a stranger for the worker", stranger, worker, fieldsync.StatusHeld, stranger.Staff},
	} {
		r, err := h.Do(context.Background(), tc.actor, collections.Draft{Collection: "survivors", Record: survivorID, Author: tc.author.Staff,
			Set: map[string]care.Value{"alias": care.OfText(tc.name)}})
		if err != nil || r[0].Status != tc.status {
			t.Errorf("%s: %+v, %v", tc.name, r, err)
			continue
		}
		var by string
		if err := h.App().DB().NewQuery(`SELECT author FROM changes ORDER BY seq DESC LIMIT 1`).Row(&by); err != nil || by != tc.by {
			t.Errorf("%s: logged as %s, %v", tc.name, by, err)
		}
	}
}

// TestR29AValueThatWaitsIsItsAuthorsToo: of two sums that were entered at once
// both stand until somebody decides; whoever wrote the one that is not in force
// approves neither.
func TestR29AValueThatWaitsIsItsAuthorsToo(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.ReintegrationRole)
	boss, _ := h.Staff(t, care.Coordinator)
	d, payment := enrol(t, h, worker), h.NewID()
	openCase(t, h, d)
	h.Must(t, h.HubActor(), collections.Draft{Collection: "grants", Case: caseID, Org: h.Org, Set: map[string]care.Value{
		"staff": care.OfText(boss.Staff), "compartment": care.OfText("finance"), "status": care.OfText("active"),
		"until": care.OfTime(h.Clock.Now().Add(care.GrantTerm)), "reason": care.OfText("team_member")}})
	h.Must(t, h.Reload(t, worker.Staff), collections.Draft{Collection: "payments", Record: payment, Case: caseID, Set: map[string]care.Value{
		"status": care.OfText("pending"), "scheduled_on": care.OfText("2026-03-10"), "amount": care.OfText("10"), "currency": care.OfText("EUR")}})
	b := enrol(t, h, boss)
	set := func(field, value string) fieldsync.Receipt {
		return b.send(t, h, b.change(t, h, fieldsync.Change{Collection: "payments", Record: payment, Set: map[string]care.Value{field: care.OfText(value)}}))[0]
	}
	if r := set("amount", "9999"); r.Status != fieldsync.StatusConflict {
		t.Fatalf("a sum beside the other: %+v", r)
	}
	r := set("approved_by", boss.Staff)
	if r.Status != fieldsync.StatusHeld || r.Held[0].Reason != "approved_by_author" {
		t.Errorf("approved by whoever wrote the other sum: %+v", r)
	}
}

// TestR30ATabletBreaksNoGlass: access in an emergency that comes as a grant
// like others is kept aside, opens nothing, and is accepted by nobody.
func TestR30ATabletBreaksNoGlass(t *testing.T) {
	h, _, _ := newOpenCase(t)
	boss, _ := h.Staff(t, care.Coordinator)
	officer, _ := h.Staff(t, care.ProtectionOfficer)
	d, grant := enrol(t, h, boss), h.NewID()
	r := d.send(t, h, d.change(t, h, fieldsync.Change{Collection: "grants", Record: grant, Case: caseID, Set: map[string]care.Value{
		"staff": care.OfText(boss.Staff), "compartment": care.OfText("location"), "status": care.OfText("active"), "until": care.OfTime(h.Clock.Now().Add(care.BreakGlassTerm)),
		"reason": care.OfText("emergency"), "granted_by": care.OfText(boss.Staff), "kind": care.OfText("break_glass"), "emergency": care.OfText("medical"),
		"explanation": care.OfText("She has collapsed in the yard.")}}))[0]
	if r.Status != fieldsync.StatusHeld || r.Held[0].Reason != "emergency_at_desk" {
		t.Fatalf("an emergency from a tablet: %+v", r)
	}
	for _, as := range []string{collections.AsAuthor, collections.AsMe} {
		if _, err := h.Decide(context.Background(), h.Reload(t, officer.Staff), r.Seq, collections.Verdict{Decision: collections.Accept, As: as}); err == nil {
			t.Errorf("it was accepted as %s", as)
		}
	}
	for _, g := range h.Reload(t, boss.Staff).Grants {
		if g.Compartment == care.Location {
			t.Errorf("it opens something: %+v", g)
		}
	}
}

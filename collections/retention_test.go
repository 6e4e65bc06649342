package collections_test

import (
	"slices"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
)

// keptTooLong is a case that an officer closed and gave a date that has
// passed, so that the hub asks to erase it.
func keptTooLong(t *testing.T, h *hubtest.Hub, officer care.Actor) (caseID, question string) {
	t.Helper()
	closure, _ := care.FindCodes("closure_reasons")
	caseID = h.NewID()
	h.Must(t, officer, collections.Draft{Collection: "cases", Record: caseID, Case: caseID, Set: map[string]care.Value{
		"status": care.OfText("Closed"), "closure_reason": care.OfText(closure.Codes[0]), "owner": care.OfText(officer.Staff)}})
	h.Must(t, h.Reload(t, officer.Staff), collections.Draft{Collection: "cases", Record: caseID, Set: map[string]care.Value{
		"retention_until": care.OfText("2026-01-01")}})
	if n, err := h.AskRetention(t.Context(), h.Org); err != nil || n != 1 {
		t.Fatalf("the hub asks about %d cases: %v", n, err)
	}
	waiting, err := h.Approvals(t.Context(), officer)
	if err != nil || len(waiting) != 1 {
		t.Fatalf("asked: %+v, %v", waiting, err)
	}
	return caseID, waiting[0].ID
}

func TestR29NobodyErasesAloneByWayOfRetention(t *testing.T) {
	h := hubtest.New(t)
	officer, _ := h.Staff(t, care.ProtectionOfficer)
	other, _ := h.Staff(t, care.Coordinator)
	caseID, question := keptTooLong(t, h, officer)
	if _, err := h.DecideApproval(t.Context(), officer, question, true); care.CodeOf(err) != "approval_own" {
		t.Errorf("whoever closed it and set its date agrees: %v", err)
	}
	if _, err := h.DecideApproval(t.Context(), other, question, true); err != nil {
		t.Fatal(err)
	}
	if err := h.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := collections.KeysOf(t.Context(), h.Hub, caseID); n != 0 {
		t.Errorf("%d of its keys are left after another person's yes", n)
	}
}

func TestR16WhatWasTakenUpAgainIsKept(t *testing.T) {
	h := hubtest.New(t)
	officer, _ := h.Staff(t, care.ProtectionOfficer)
	other, _ := h.Staff(t, care.Coordinator)
	caseID, question := keptTooLong(t, h, officer)
	if _, err := h.DecideApproval(t.Context(), other, question, true); err != nil {
		t.Fatal(err)
	}
	h.Must(t, h.Reload(t, officer.Staff), collections.Draft{Collection: "cases", Record: caseID, Set: map[string]care.Value{
		"status": care.OfText("Active")}})
	h.Clock.Move(time.Minute)
	if err := h.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := collections.KeysOf(t.Context(), h.Hub, caseID); n == 0 {
		t.Error("a case that is open again was erased")
	}
}

func TestR29ARestoredHubBringsNoYesBack(t *testing.T) {
	h := hubtest.New(t)
	asks, _ := h.Staff(t, care.Coordinator)
	agrees, _ := h.Staff(t, care.ProtectionOfficer)
	friend, _ := h.Staff(t, care.Outreach)
	roles := []care.Role{care.Coordinator}
	p, err := h.AskApproval(t.Context(), asks, collections.RolesAsked(friend.Staff, roles))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.DecideApproval(t.Context(), agrees, p.ID, true); err != nil {
		t.Fatal(err)
	}
	if err := h.NewEpoch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.ChangeRoles(t.Context(), asks, friend.Staff, roles); care.CodeOf(err) != "approval_needed" {
		t.Errorf("a yes that may have been used since serves again: %v", err)
	}
}

// TestR3APersonIsAskedAgainOnce: about a yes that has run out, whoever owns the
// case has one task, however often the hub looks.
func TestR3APersonIsAskedAgainOnce(t *testing.T) {
	b := newBulk(t)
	b.person(t, &b.asks, "canaryone", nil)
	b.agree(t, "canaryone", values{"actions": care.OfList("use")})
	for _, c := range []struct {
		move time.Duration
		want int
	}{{time.Hour, 0}, {60 * 24 * time.Hour, 1}, {24 * time.Hour, 0}} {
		b.Clock.Move(c.move)
		if n, err := b.AskAgain(t.Context(), b.Org); err != nil || n != c.want {
			t.Errorf("asked %d times, want %d: %v", n, c.want, err)
		}
	}
	rows, err := b.List(t.Context(), b.HubActor(), collections.Query{Collection: "tasks", Case: b.cases["canaryone"]})
	rows = slices.DeleteFunc(rows, func(r care.Row) bool { return r.Text("rule") != "consent_ended" })
	if err != nil || len(rows) != 1 || rows[0].Text("assignee") != b.asks.Staff {
		t.Errorf("tasks %+v %v", rows, err)
	}
}

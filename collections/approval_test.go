package collections_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
)

// roleChange asks, as a coordinator, for another role of a worker.
func roleChange(t *testing.T, h *hubtest.Hub) (asker, worker care.Actor, p care.Approval) {
	t.Helper()
	asker, _ = h.Staff(t, care.Coordinator)
	worker, _ = h.Staff(t, care.Outreach)
	p, err := h.AskApproval(t.Context(), asker, care.Approval{Act: care.ActRoleChange, Collection: "staff", Record: worker.Staff,
		Terms: "roles=coordinator", Reason: "new_duties"})
	if err != nil {
		t.Fatalf("asking: %v", err)
	}
	return asker, worker, p
}

func wantCode(t *testing.T, what string, err error, code string) {
	t.Helper()
	if err == nil || care.CodeOf(err) != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

func nothing() error { return nil }

// TestR29ApprovalByAnotherPerson: asked, decided by somebody else, used once.
func TestR29ApprovalByAnotherPerson(t *testing.T) {
	h := hubtest.New(t)
	ctx := t.Context()
	asker, worker, p := roleChange(t, h)
	officer, _ := h.Staff(t, care.ProtectionOfficer)
	again, err := h.AskApproval(ctx, asker, p)
	if err != nil || again.ID != p.ID {
		t.Errorf("the same question asked again is %v %v", again, err)
	}
	wantCode(t, "using what nobody agreed to", collections.Spend(ctx, h.Hub, asker, p, nothing), "approval_needed")
	_, err = h.DecideApproval(ctx, asker, p.ID, true)
	wantCode(t, "the asker decides", err, "approval_own")
	h.Must(t, h.HubActor(), collections.Draft{Collection: "staff", Record: asker.Staff, Add: map[string][]string{"roles": {"protection_officer"}}})
	_, err = h.DecideApproval(ctx, h.Reload(t, asker.Staff), p.ID, true)
	wantCode(t, "the asker decides in another role", err, "approval_own")
	_, err = h.DecideApproval(ctx, worker, p.ID, true)
	wantCode(t, "somebody without the power decides", err, "not_found")
	h.Must(t, h.HubActor(), collections.Draft{Collection: "staff", Record: worker.Staff, Add: map[string][]string{"roles": {"coordinator"}}})
	_, err = h.DecideApproval(ctx, h.Reload(t, worker.Staff), p.ID, true)
	wantCode(t, "whom it is about decides", err, "approval_about_self")
	if _, err := h.DecideApproval(ctx, officer, p.ID, true); err != nil {
		t.Fatalf("another person decides: %v", err)
	}
	_, err = h.DecideApproval(ctx, officer, p.ID, false)
	wantCode(t, "an answer is given again", err, "approval_over")
	other := p
	other.Terms = "roles=protection_officer"
	wantCode(t, "other terms", collections.Spend(ctx, h.Hub, asker, other, nothing), "approval_needed")
	wantCode(t, "another person uses it", collections.Spend(ctx, h.Hub, officer, p, nothing), "approval_needed")
	fails := errors.New("the act fails")
	if err := collections.Spend(ctx, h.Hub, asker, p, func() error { return fails }); !errors.Is(err, fails) {
		t.Errorf("an act that fails: %v", err)
	}
	if ok, err := h.Approved(ctx, asker, p); !ok || err != nil {
		t.Errorf("an act that failed used the approval up: %v", err)
	}
	if err := collections.Spend(ctx, h.Hub, asker, p, nothing); err != nil {
		t.Errorf("using it: %v", err)
	}
	wantCode(t, "using it twice", collections.Spend(ctx, h.Hub, asker, p, nothing), "approval_needed")
}

// TestR29ApprovalEnds: a question, and a yes, wait for so long and no longer;
// and a yes of somebody who lost the power since is none.
func TestR29ApprovalEnds(t *testing.T) {
	h := hubtest.New(t)
	ctx := t.Context()
	asker, _, p := roleChange(t, h)
	officer, _ := h.Staff(t, care.ProtectionOfficer)
	h.Clock.Move(care.ApprovalTerm)
	_, err := h.DecideApproval(ctx, officer, p.ID, true)
	wantCode(t, "deciding too late", err, "approval_over")
	ask := func() care.Approval {
		t.Helper()
		p, err := h.AskApproval(ctx, asker, p)
		if err != nil {
			t.Fatalf("asking again: %v", err)
		}
		if _, err := h.DecideApproval(ctx, officer, p.ID, true); err != nil {
			t.Fatalf("deciding: %v", err)
		}
		return p
	}
	p = ask()
	h.Clock.Move(24 * time.Hour)
	wantCode(t, "using it too late", collections.Spend(ctx, h.Hub, asker, p, nothing), "approval_needed")
	p = ask()
	h.Must(t, h.HubActor(), collections.Draft{Collection: "staff", Record: officer.Staff, Set: map[string]care.Value{"status": care.OfText("left")}})
	wantCode(t, "under somebody who left", collections.Spend(ctx, h.Hub, asker, p, nothing), "approval_needed")
}

// TestR29SelfApprovalUnderRace: forty requests at once, of the asker in two
// roles, of whom it is about and of two officers; one officer's counts, and of
// forty uses one.
func TestR29SelfApprovalUnderRace(t *testing.T) {
	h := hubtest.New(t)
	ctx := context.WithoutCancel(t.Context())
	asker, worker, p := roleChange(t, h)
	h.Must(t, h.HubActor(), collections.Draft{Collection: "staff", Record: asker.Staff, Add: map[string][]string{"roles": {"protection_officer"}}})
	one, _ := h.Staff(t, care.ProtectionOfficer)
	two, _ := h.Staff(t, care.Coordinator)
	deciders := []care.Actor{h.Reload(t, asker.Staff), asker, worker, one, two}
	race := func(n int, f func(i int) error) (won int) {
		var wg sync.WaitGroup
		errs := make([]error, n)
		for i := range n {
			wg.Go(func() { errs[i] = f(i) })
		}
		wg.Wait()
		for _, err := range errs {
			if err == nil {
				won++
			}
		}
		return won
	}
	if won := race(40, func(i int) error {
		_, err := h.DecideApproval(ctx, deciders[i%len(deciders)], p.ID, true)
		return err
	}); won != 1 {
		t.Errorf("%d answers were taken", won)
	}
	list, err := h.Approvals(ctx, asker)
	if err != nil || len(list) != 1 || list[0].DecidedBy != one.Staff && list[0].DecidedBy != two.Staff {
		t.Fatalf("decided: %+v %v", list, err)
	}
	if used := race(40, func(int) error { return collections.Spend(ctx, h.Hub, asker, p, nothing) }); used != 1 {
		t.Errorf("used %d times", used)
	}
}

// TestApprovalsAreHeardByFew: the asker and who could decide, of the same
// organisation; others learn as much as of an id of nobody.
func TestApprovalsAreHeardByFew(t *testing.T) {
	h := hubtest.New(t)
	ctx := t.Context()
	asker, worker, p := roleChange(t, h)
	auditor, _ := h.Staff(t, care.Auditor)
	officer, _ := h.Staff(t, care.ProtectionOfficer)
	for who, want := range map[*care.Actor]int{&asker: 1, &officer: 1, &worker: 0, &auditor: 0} {
		list, err := h.Approvals(ctx, *who)
		if err != nil || len(list) != want {
			t.Errorf("%v hears of %d questions, want %d (%v)", who.Roles, len(list), want, err)
		}
	}
	_, err := h.AskApproval(ctx, auditor, p)
	wantCode(t, "asking without the power", err, "no_power")
	for name, record := range map[string]string{"of nobody": "01930000-0000-7000-8000-0000deadbeef", "of oneself": asker.Staff} {
		p.Record = record
		_, err := h.AskApproval(ctx, asker, p)
		if code := care.CodeOf(err); code != map[string]string{"of nobody": "not_found", "of oneself": "approval_about_self"}[name] {
			t.Errorf("asking for the role %s: %v", name, err)
		}
	}
}

package collections_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
)

// TestPowersAreGivenByTwoPeople by every way: a change pushed or made at the
// desk, the route, a new account; and the yes holds for these roles alone, once.
func TestPowersAreGivenByTwoPeople(t *testing.T) {
	h := hubtest.New(t)
	ctx := t.Context()
	asks, _ := h.Staff(t, care.Coordinator)
	decides, _ := h.Staff(t, care.ProtectionOfficer)
	operator, _ := h.Staff(t, care.Operator)
	worker, _ := h.Staff(t, care.Outreach)
	gone, _ := h.Staff(t, care.Auditor)
	h.Must(t, h.HubActor(), collections.Draft{Collection: "staff", Record: gone.Staff, Set: map[string]care.Value{"status": care.OfText("left")}})
	for _, a := range []care.Actor{asks, operator} {
		for name, d := range map[string]collections.Draft{
			"roles_need_second_person": {Collection: "staff", Record: worker.Staff, Add: map[string][]string{"roles": {"protection_officer"}}},
			"roles_of_self":            {Collection: "staff", Record: a.Staff, Add: map[string][]string{"roles": {"health"}}},
		} {
			if receipts, err := h.Do(ctx, a, d); err != nil || care.CodeOf(collections.Refused(receipts)) != name {
				t.Errorf("%v: %v %v", a.Roles, collections.Refused(receipts), err)
			}
		}
		back := collections.Draft{Collection: "staff", Record: gone.Staff, Set: map[string]care.Value{"status": care.OfText("active")}}
		if receipts, err := h.Do(ctx, a, back); err != nil || collections.Refused(receipts) == nil {
			t.Errorf("%v: somebody with a power is let back: %v", a.Roles, err)
		}
		_, err := h.AddAccount(ctx, a, collections.NewAccount{Login: "friend", Password: hubtest.Password, DisplayName: "Friend", Roles: []care.Role{care.Operator}, Org: h.Org})
		if care.CodeOf(err) != "roles_need_second_person" {
			t.Errorf("%v makes an account with powers: %v", a.Roles, err)
		}
		if _, err := h.StaffOf(ctx, "friend"); !errors.Is(err, care.ErrNotFound) {
			t.Errorf("half an account is left: %v", err)
		}
	}
	h.Must(t, asks, collections.Draft{Collection: "staff", Record: worker.Staff, Add: map[string][]string{"roles": {"health"}}}) // no power

	want := []care.Role{care.Outreach, care.Coordinator}
	if err := h.ChangeRoles(ctx, asks, worker.Staff, want); !errors.Is(err, collections.ErrApprovalNeeded) {
		t.Errorf("alone: %v", err)
	}
	p, err := h.AskApproval(ctx, asks, collections.RolesAsked(worker.Staff, want))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []care.Actor{asks, operator, worker} {
		if _, err := h.DecideApproval(ctx, a, p.ID, true); err == nil {
			t.Errorf("%v decides", a.Roles)
		}
	}
	if _, err := h.DecideApproval(ctx, decides, p.ID, true); err != nil {
		t.Fatal(err)
	}
	for who, a := range map[string]care.Actor{"another asker": operator, "the one who agreed": decides} {
		if err := h.ChangeRoles(ctx, a, worker.Staff, want); err == nil {
			t.Errorf("%s uses the yes", who)
		}
	}
	if err := h.ChangeRoles(ctx, asks, worker.Staff, append(want, care.ProtectionOfficer)); !errors.Is(err, collections.ErrApprovalNeeded) {
		t.Errorf("more roles than were agreed to: %v", err)
	}
	if err := h.ChangeRoles(ctx, asks, worker.Staff, want); err != nil {
		t.Fatal(err)
	}
	if got := h.Reload(t, worker.Staff).Roles; !slices.Contains(got, care.Coordinator) || slices.Contains(got, care.HealthWorker) {
		t.Errorf("roles %v", got)
	}
	if err := h.ChangeRoles(ctx, asks, worker.Staff, []care.Role{care.Outreach}); err != nil {
		t.Errorf("taking a role away takes one: %v", err)
	}
	if err := h.ChangeRoles(ctx, asks, worker.Staff, want); !errors.Is(err, collections.ErrApprovalNeeded) {
		t.Errorf("a yes is used twice: %v", err)
	}
	if !slices.Contains(told(t, h, worker.Staff), "roles changed") {
		t.Errorf("the log says %v", told(t, h, worker.Staff))
	}
}

// TestTheConsoleAloneGivesPowersToTheFirstTwo, and after that with three days'
// notice, which whoever it concerns can stop; closing an account does not turn
// that back.
func TestTheConsoleAloneGivesPowersToTheFirstTwo(t *testing.T) {
	h := hubtest.New(t)
	ctx := t.Context()
	first, _ := h.Staff(t, care.Coordinator)
	second, _ := h.Staff(t, care.Outreach)
	if due, err := h.ConsoleRoles(ctx, second.Staff, []care.Role{care.ProtectionOfficer}, false); err != nil || !due.IsZero() {
		t.Fatalf("the second person waits until %v: %v", due, err)
	}
	third, _ := h.Staff(t, care.Outreach)
	roles := []care.Role{care.Outreach, care.Coordinator}
	due, err := h.ConsoleRoles(ctx, third.Staff, roles, false)
	if err != nil || due.IsZero() {
		t.Fatalf("the third is given powers at once: %v", err)
	}
	if again, err := h.ConsoleRoles(ctx, third.Staff, roles, false); err != nil || !again.Equal(due) {
		t.Errorf("asked again it waits until %v, %v", again, err)
	}
	stranger, _ := h.Staff(t, care.Outreach)
	for who, c := range map[string]struct {
		a    care.Actor
		hear int
	}{"the coordinator": {first, 1}, "whom it is about": {third, 1}, "a stranger": {stranger, 0}} {
		list, err := h.WaitingActs(ctx, c.a)
		if err != nil || len(list) != c.hear {
			t.Errorf("%s hears of %d acts, %v", who, len(list), err)
		}
		for _, w := range list {
			if err := h.StopWaiting(ctx, stranger, w.ID); !errors.Is(err, care.ErrNotFound) {
				t.Errorf("a stranger stops it: %v", err)
			}
		}
	}
	list, err := h.WaitingActs(ctx, h.Reload(t, second.Staff))
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	if err := h.StopWaiting(ctx, h.Reload(t, second.Staff), list[0].ID); err != nil {
		t.Fatal(err)
	}
	h.Clock.Move(collections.WaitTerm + time.Hour)
	tend(t, h)
	if h.Reload(t, third.Staff).Can(care.MayApprove) {
		t.Error("an act that was stopped is done")
	}
	h.Must(t, h.HubActor(), collections.Draft{Collection: "staff", Record: second.Staff, Set: map[string]care.Value{"status": care.OfText("left")}})
	if due, err = h.ConsoleRoles(ctx, third.Staff, roles, false); err != nil || due.IsZero() {
		t.Fatalf("with one account closed the console is free again: %v", err)
	}
	h.Clock.Move(collections.WaitTerm - time.Hour)
	tend(t, h)
	if h.Reload(t, third.Staff).Can(care.MayApprove) {
		t.Error("it is done before its time")
	}
	h.Clock.Move(2 * time.Hour)
	tend(t, h)
	tend(t, h)
	if !h.Reload(t, third.Staff).Can(care.MayApprove) {
		t.Error("it is not done when its time has come")
	}
}

func tend(t *testing.T, h *hubtest.Hub) {
	t.Helper()
	if err := h.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestALostSecondFactorIsTakenAwayByTwoPeopleOrAfterNotice.
func TestALostSecondFactorIsTakenAwayByTwoPeopleOrAfterNotice(t *testing.T) {
	h := hubtest.New(t)
	ctx := t.Context()
	asks, _ := h.Staff(t, care.Coordinator)
	decides, _ := h.Staff(t, care.ProtectionOfficer)
	owner, login := h.Staff(t, care.Coordinator)
	has := func() bool {
		t.Helper()
		has, err := h.HasSecondFactor(ctx, owner.Staff)
		if err != nil {
			t.Fatal(err)
		}
		return has
	}
	in, err := h.SignInAtDesk(ctx, h.Credentials(t, login))
	if err != nil {
		t.Fatal(err)
	}
	// By two people.
	if err := h.ResetFactors(ctx, asks, owner.Staff); !errors.Is(err, collections.ErrApprovalNeeded) || !has() {
		t.Fatalf("alone: %v", err)
	}
	p, err := h.AskApproval(ctx, asks, collections.FactorResetAsked(owner.Staff))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.DecideApproval(ctx, owner, p.ID, true); err == nil {
		t.Error("whom it is about decides")
	}
	if p, err = h.DecideApproval(ctx, decides, p.ID, true); err != nil {
		t.Fatal(err)
	}
	if err := h.CarryOut(ctx, p); err != nil || has() {
		t.Fatalf("with a second person: %v", err)
	}
	if err := h.CarryOut(ctx, p); !errors.Is(err, collections.ErrApprovalNeeded) {
		t.Errorf("done twice: %v", err)
	}
	if live, err := h.SessionLive(ctx, owner.Staff, in.Session); err != nil || live {
		t.Errorf("their sign-in goes on: %v", err)
	}
	if codes := h.SetUpTOTP(t, owner, login); len(codes) != 10 {
		t.Errorf("%d recovery codes with the new one", len(codes))
	}
	// With notice: the owner, who has it still, signs in.
	if _, err := h.ConsoleFactorReset(ctx, owner.Staff); err != nil {
		t.Fatal(err)
	}
	if _, err := h.SignInAtDesk(ctx, collections.Credentials{Login: login, Password: hubtest.Password}); err != nil {
		t.Fatal(err)
	}
	if list, err := h.WaitingActs(ctx, owner); err != nil || len(list) != 1 {
		t.Fatalf("a password alone stops it: %v", err)
	}
	if _, err := h.SignInAtDesk(ctx, h.Credentials(t, login)); err != nil {
		t.Fatal(err)
	}
	h.Clock.Move(collections.WaitTerm + time.Hour)
	tend(t, h)
	if !has() {
		t.Error("taken away although its owner has it")
	}
	// With notice, and nobody says anything.
	if _, err := h.ConsoleFactorReset(ctx, owner.Staff); err != nil {
		t.Fatal(err)
	}
	h.Clock.Move(collections.WaitTerm + time.Hour)
	tend(t, h)
	if has() {
		t.Error("not taken away when its time has come")
	}
}

// TestAnOrganisationKeepsSomebodyWhoApproves: the last who can approve is
// neither closed nor demoted by the way, by nobody; at the console only when
// that is said, and after three days.
func TestAnOrganisationKeepsSomebodyWhoApproves(t *testing.T) {
	h := hubtest.New(t)
	ctx := t.Context()
	other, _ := h.Staff(t, care.ProtectionOfficer)
	last, _ := h.Staff(t, care.Coordinator)
	operator, _ := h.Staff(t, care.Operator)
	if two, err := h.TwoPeople(ctx); err != nil || !two {
		t.Fatal("the test proves nothing", err)
	}
	if err := h.CloseAccount(ctx, other.Staff); err != nil {
		t.Fatalf("one of two: %v", err)
	}
	none := []care.Role{care.Outreach}
	if err := h.CloseAccount(ctx, last.Staff); !errors.Is(err, collections.ErrLastApprover) {
		t.Errorf("closing the last: %v", err)
	}
	if _, err := h.ConsoleRoles(ctx, last.Staff, none, false); !errors.Is(err, collections.ErrLastApprover) {
		t.Errorf("demoting the last: %v", err)
	}
	if err := h.ChangeRoles(ctx, operator, last.Staff, none); !errors.Is(err, collections.ErrApprovalNeeded) {
		t.Errorf("an operator demotes the last: %v", err)
	}
	for field, v := range map[string]care.Value{"status": care.OfText("left"), "roles": care.OfList("outreach")} {
		receipts, err := h.Do(ctx, operator, collections.Draft{Collection: "staff", Record: last.Staff, Set: map[string]care.Value{field: v}})
		if err != nil || care.CodeOf(collections.Refused(receipts)) != "last_approver" {
			t.Errorf("an operator at the desk, %s: %v %v", field, collections.Refused(receipts), err)
		}
	}
	due, err := h.ConsoleRoles(ctx, last.Staff, none, true)
	if err != nil || due.IsZero() {
		t.Fatalf("said that it is meant: due %v, %v", due, err)
	}
	if !h.Reload(t, last.Staff).Can(care.MayApprove) {
		t.Error("it is done at once")
	}
	if list, err := h.WaitingActs(ctx, last); err != nil || len(list) != 1 {
		t.Errorf("whom it concerns hears of %v, %v", list, err)
	}
	h.Clock.Move(collections.WaitTerm + time.Minute)
	tend(t, h)
	if h.Reload(t, last.Staff).Can(care.MayApprove) {
		t.Error("it is not done when its time has come")
	}
}

// TestWhoBecameTheLastWhoApprovesKeepsThat: a change of roles that waited is
// asked again when its time has come, and whoever heard of it hears why it is
// not done.
func TestWhoBecameTheLastWhoApprovesKeepsThat(t *testing.T) {
	h := hubtest.New(t)
	ctx := t.Context()
	other, _ := h.Staff(t, care.ProtectionOfficer)
	moved, _ := h.Staff(t, care.Coordinator)
	if due, err := h.ConsoleRoles(ctx, moved.Staff, []care.Role{care.Operator}, false); err != nil || due.IsZero() {
		t.Fatalf("one of two is made operator: due %v, %v", due, err)
	}
	if err := h.CloseAccount(ctx, other.Staff); err != nil {
		t.Fatal(err)
	}
	h.Clock.Move(collections.WaitTerm + time.Minute)
	tend(t, h)
	if !h.Reload(t, moved.Staff).Can(care.MayApprove) {
		t.Fatal("nobody is left who approves")
	}
	list, err := h.WaitingActs(ctx, moved)
	if err != nil || len(list) != 1 || list[0].Refused != "last_approver" {
		t.Errorf("whom it concerns hears of %+v, %v", list, err)
	}
	if got := told(t, h, moved.Staff); !slices.Contains(got, "waiting_act last_approver") {
		t.Errorf("the log says %v", got)
	}
	another, _ := h.Staff(t, care.Coordinator)
	h.Clock.Move(collections.WaitTerm + time.Minute)
	tend(t, h)
	if list, err := h.WaitingActs(ctx, another); err != nil || len(list) > 0 || !h.Reload(t, moved.Staff).Can(care.MayApprove) {
		t.Errorf("what was refused is done later, or told for ever: %v, %v", list, err)
	}
}

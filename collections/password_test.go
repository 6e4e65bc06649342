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

const another = "quite another long password"

// TestTheConsoleAloneOpensNobodysCases: a password that is typed at the console
// with nobody signed in opens no case and no power before whoever it concerns
// could stop it; one that opens nothing yet is set at once.
func TestTheConsoleAloneOpensNobodysCases(t *testing.T) {
	h := hubtest.New(t)
	ctx := t.Context()
	asks, _ := h.Staff(t, care.Coordinator)
	decides, _ := h.Staff(t, care.ProtectionOfficer)
	worker, login := h.Staff(t, care.Outreach)
	signsIn := func(login, password string) bool {
		t.Helper()
		_, err := h.SignIn(ctx, collections.Credentials{Login: login, Password: password})
		if err != nil && !errors.Is(err, collections.ErrSignIn) {
			t.Fatal(err)
		}
		return err == nil
	}
	console := func(login, password, code string, waits bool) {
		t.Helper()
		if due, err := h.ConsolePassword(ctx, login, password, code); err != nil || due.IsZero() == waits {
			t.Fatalf("it waits until %v: %v", due, err)
		}
	}
	list := func(a care.Actor) []collections.Waiting {
		t.Helper()
		list, err := h.WaitingActs(ctx, a)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	// Without a case it opens nothing, and is set.
	console(login, another, "", false)
	if signsIn(login, hubtest.Password) || !signsIn(login, another) {
		t.Fatal("a new account's password is not set at once")
	}
	console(login, hubtest.Password, "", false)
	h.Must(t, worker, newCase(h, 1)...)
	h.Must(t, worker, collections.Draft{Collection: "cases", Record: h.NewID(), Set: map[string]care.Value{"status": care.OfText("Active")}})
	if worker = h.Reload(t, worker.Staff); len(worker.Grants) == 0 {
		t.Fatal("the test proves nothing")
	}
	// With one it waits, and they hear of it: the worker, and who may approve.
	console(login, another, "", true)
	if signsIn(login, another) {
		t.Fatal("it opens at once")
	}
	for who, a := range map[string]care.Actor{"the worker": worker, "the coordinator": asks, "the protection officer": decides} {
		if l := list(a); len(l) != 1 || l[0].Act != care.ActPasswordSet || l[0].Terms != "" {
			t.Errorf("%s hears of %+v", who, l)
		}
	}
	h.Clock.Move(collections.WaitTerm - time.Hour)
	tend(t, h)
	if signsIn(login, another) {
		t.Error("before its time")
	}
	// Another one begins the time anew: nobody rides on a notice that was given.
	console(login, another+" still", "", true)
	h.Clock.Move(2 * time.Hour)
	tend(t, h)
	if signsIn(login, another) || signsIn(login, another+" still") {
		t.Error("the time was not begun anew")
	}
	h.Clock.Move(collections.WaitTerm)
	tend(t, h)
	if !signsIn(login, another+" still") || len(list(worker)) > 0 {
		t.Error("not set when its time has come")
	}
	// Whoever signs in with theirs has not lost it.
	console(login, another, "", true)
	if !signsIn(login, another+" still") || len(list(decides)) > 0 {
		t.Error("its owner signs in, and it goes on waiting")
	}
	console(login, another, "", true)
	if err := h.StopWaiting(ctx, decides, list(decides)[0].ID); err != nil {
		t.Fatal(err)
	}
	h.Clock.Move(collections.WaitTerm + time.Hour)
	tend(t, h)
	if signsIn(login, another) {
		t.Error("what was stopped is done")
	}
	if got := told(t, h, worker.Staff); !slices.Contains(got, "waiting_act password_set") || !slices.Contains(got, "waiting_act stopped") {
		t.Errorf("the log says %v", got)
	}
}

// TestALostPasswordIsReplacedAtOnceByTwoPeopleOrItsOwnersCode.
func TestALostPasswordIsReplacedAtOnceByTwoPeopleOrItsOwnersCode(t *testing.T) {
	h := hubtest.New(t)
	ctx := t.Context()
	asks, askLogin := h.Staff(t, care.Coordinator)
	decides, _ := h.Staff(t, care.ProtectionOfficer)
	worker, login := h.Staff(t, care.Outreach)
	h.Must(t, worker, collections.Draft{Collection: "cases", Record: h.NewID(), Set: map[string]care.Value{"status": care.OfText("Active")}})
	if err := h.AgreedPassword(ctx, asks, worker.Staff, another); !errors.Is(err, collections.ErrApprovalNeeded) {
		t.Fatalf("alone: %v", err)
	}
	if err := h.AgreedPassword(ctx, worker, worker.Staff, another); !errors.Is(err, collections.ErrNoPower) {
		t.Errorf("a worker: %v", err)
	}
	if _, err := h.ConsolePassword(ctx, login, another+" that waits", ""); err != nil {
		t.Fatal(err)
	}
	p, err := h.AskApproval(ctx, asks, collections.PasswordAsked(worker.Staff))
	if err != nil {
		t.Fatal(err)
	}
	for who, a := range map[string]care.Actor{"who asked": asks, "whom it is about": worker} {
		if _, err := h.DecideApproval(ctx, a, p.ID, true); err == nil {
			t.Errorf("%s decides", who)
		}
	}
	if _, err := h.DecideApproval(ctx, decides, p.ID, true); err != nil {
		t.Fatal(err)
	}
	if err := h.AgreedPassword(ctx, asks, worker.Staff, another); err != nil {
		t.Fatal(err)
	}
	if err := h.AgreedPassword(ctx, asks, worker.Staff, another); !errors.Is(err, collections.ErrApprovalNeeded) {
		t.Errorf("a yes is used twice: %v", err)
	}
	// What waited does not come after it.
	h.Clock.Move(collections.WaitTerm + time.Hour)
	tend(t, h)
	if _, err := h.SignIn(ctx, collections.Credentials{Login: login, Password: another}); err != nil {
		t.Errorf("the password that two people set: %v", err)
	}
	// With powers it waits too, but for whoever shows the second factor.
	if due, err := h.ConsolePassword(ctx, askLogin, another, ""); err != nil || due.IsZero() {
		t.Errorf("of a coordinator it waits until %v: %v", due, err)
	}
	if _, err := h.ConsolePassword(ctx, askLogin, another, "000000"); !errors.Is(err, collections.ErrSignIn) {
		t.Errorf("with a wrong code: %v", err)
	}
	h.SetUpTOTP(t, asks, askLogin)
	if due, err := h.ConsolePassword(ctx, askLogin, another, h.SecondCode(t, askLogin)); err != nil || !due.IsZero() {
		t.Errorf("with its owner's code it waits until %v: %v", due, err)
	}
	if _, err := h.SignIn(ctx, collections.Credentials{Login: askLogin, Password: another, Code: h.SecondCode(t, askLogin)}); err != nil {
		t.Error(err)
	}
}

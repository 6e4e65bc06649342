package hooks_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
	"portolan/internal/hubtest"
)

// enrolling is what a tablet sends to be enrolled.
func enrolling(t *testing.T, code string, owner collections.Credentials) map[string]string {
	t.Helper()
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"code": code, "key": base64.RawURLEncoding.EncodeToString(public), "label": "a tablet",
		"password": owner.Password, "second_factor": owner.Code}
}

// TestCase6ACodeAloneOpensNothing is attack case 6: whoever makes a code for a
// colleague cannot enrol as them (with their own second factor neither:
// TestTheMakerOfACodeIsNotItsOwner); a code is guessed in vain, good once, for ten
// minutes, and for five wrong passwords; and of two tablets that race with one,
// exactly one wins.
func TestCase6ACodeAloneOpensNothing(t *testing.T) {
	s := arrange(t)
	s.Clock.Move(-collections.EnrolmentTerm)
	_, boss := s.staff(t, care.Coordinator)
	worker, login := s.Staff(t, care.Outreach)
	guarded, guardedLogin := s.Staff(t, care.HealthWorker)
	s.SetUpTOTP(t, guarded, guardedLogin)
	late := s.Code(t, worker.Staff)
	s.Clock.Move(collections.EnrolmentTerm)
	s.aside(t, "--trusted-proxy", "127.0.0.1/32")
	make := func(staff string) string {
		t.Helper()
		var made struct{ Code string }
		s.ask(t, "POST", "/api/portolan/enrolments", boss, map[string]string{"staff": staff}).into(t, &made)
		return made.Code
	}
	tries := 0
	enrol := func(code string, owner collections.Credentials) answer {
		tries++ // each from another address, or they would have to wait
		return s.ask(t, "POST", "/api/portolan/enrol", "", enrolling(t, code, owner), "X-Forwarded-For", fmt.Sprintf("198.51.100.%d", tries))
	}
	own := s.Credentials(t, login)
	code := make(worker.Staff)
	refused := map[string]answer{
		"a guess":               enrol("0000-0000-0000-0", own),
		"no password":           enrol(make(worker.Staff), collections.Credentials{}),
		"another password":      enrol(make(worker.Staff), collections.Credentials{Password: "another long password"}),
		"a wrong second factor": enrol(make(guarded.Staff), collections.Credentials{Password: hubtest.Password, Code: "000000"}),
		"after ten minutes":     enrol(late, own),
	}
	for range 5 { // wrong passwords use a code up
		enrol(code, collections.Credentials{Password: "another long password"})
	}
	refused["a code after five wrong passwords"] = enrol(code, own)
	for name, a := range refused {
		if a.status != http.StatusUnauthorized || a.code(t) != "enrolment_code_invalid" || string(a.body) != string(refused["a guess"].body) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := enrol(make(guarded.Staff), collections.Credentials{Password: hubtest.Password}); a.status != http.StatusForbidden || a.code(t) != "second_factor_needed" {
		t.Errorf("without the second factor that its owner has: %d %s", a.status, a.body)
	}
	if a := enrol(make(guarded.Staff), s.Credentials(t, guardedLogin)); a.status != http.StatusOK {
		t.Errorf("with it: %d %s", a.status, a.body)
	}
	for who, login := range map[string]string{worker.Staff: login, guarded.Staff: guardedLogin} {
		raced, owner, results := make(who), s.Credentials(t, login), [6]int{}
		var all sync.WaitGroup
		for i := range results {
			all.Go(func() { results[i] = s.ask(t, "POST", "/api/portolan/enrol", "", enrolling(t, raced, owner)).status })
		}
		all.Wait()
		won := 0
		for _, status := range results {
			if status == http.StatusOK {
				won++
			}
		}
		if won != 1 {
			t.Errorf("%s: %d of %d tablets won", login, won, len(results))
		}
	}
}

// TestTheMakerOfACodeIsNotItsOwner: not with the second factor that they have
// themselves.
func TestTheMakerOfACodeIsNotItsOwner(t *testing.T) {
	s := serve(t, hooks.Config{})
	boss, login := s.Staff(t, care.Coordinator)
	worker, _ := s.Staff(t, care.Outreach)
	guarded, guardedLogin := s.Staff(t, care.HealthWorker)
	s.SetUpTOTP(t, guarded, guardedLogin)
	for _, whose := range []string{worker.Staff, guarded.Staff} {
		code, err := s.NewEnrolment(t.Context(), boss, whose)
		if err != nil {
			t.Fatal(err)
		}
		if a := s.ask(t, "POST", "/api/portolan/enrol", "", enrolling(t, code, s.Credentials(t, login))); a.code(t) != "enrolment_code_invalid" {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
}

// TestATabletOfWhoeverWasGivenAPowerIsEnrolledAgain: it was enrolled without a
// second factor, and would carry the power.
func TestATabletOfWhoeverWasGivenAPowerIsEnrolledAgain(t *testing.T) {
	s := serve(t, hooks.Config{})
	worker, login := s.Staff(t, care.Outreach)
	d := s.enrol(t, worker.Staff)
	s.Must(t, s.HubActor(), collections.Draft{Collection: "staff", Record: worker.Staff, Add: map[string][]string{"roles": {"coordinator"}}})
	for path, body := range map[string]any{"/api/portolan/sync": d.push(""), "/api/portolan/enrolments": map[string]string{"staff": worker.Staff}} {
		if a := s.ask(t, "POST", path, d.Token, body); a.status != http.StatusForbidden || a.code(t) != "second_factor_needed" {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	s.SetUpTOTP(t, s.Reload(t, worker.Staff), login)
	again := s.enrol(t, worker.Staff)
	if a := s.ask(t, "POST", "/api/portolan/sync", again.Token, again.push("")); a.status != http.StatusOK {
		t.Errorf("enrolled again: %d %s", a.status, a.body)
	}
}

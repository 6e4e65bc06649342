package hooks_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"sync"
	"testing"
	"time"

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
// colleague cannot enrol as them; a code is guessed in vain, good once, for ten
// minutes, and for five wrong passwords; and of two tablets that race with one,
// exactly one wins.
func TestCase6ACodeAloneOpensNothing(t *testing.T) {
	s := serve(t, hooks.Config{})
	boss, login := s.Staff(t, care.Coordinator)
	worker, _ := s.Staff(t, care.Outreach)
	guarded, guardedLogin := s.Staff(t, care.HealthWorker)
	s.SetUpTOTP(t, guarded, guardedLogin)
	make := func(staff string) string {
		t.Helper()
		code, err := s.NewEnrolment(t.Context(), boss, staff)
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	enrol := func(code string, owner collections.Credentials) answer {
		return s.ask(t, "POST", "/api/portolan/enrol", "", enrolling(t, code, owner))
	}
	own := s.Owner(t, worker.Staff)
	refused := map[string]answer{
		"a guess":                    enrol("0000-0000-0000-0", own),
		"no password":                enrol(make(worker.Staff), collections.Credentials{}),
		"the maker's second factor":  enrol(make(worker.Staff), collections.Credentials{Password: hubtest.Password, Code: s.SecondCode(t, login)}),
		"another password":           enrol(make(worker.Staff), collections.Credentials{Password: "another long password"}),
		"a wrong second factor":      enrol(make(guarded.Staff), collections.Credentials{Password: hubtest.Password, Code: "000000"}),
		"somebody else's of the two": enrol(make(guarded.Staff), collections.Credentials{Password: hubtest.Password, Code: s.SecondCode(t, login)}),
	}
	for name, a := range refused {
		if a.status != http.StatusUnauthorized || a.code(t) != "enrolment_code_invalid" || string(a.body) != string(refused["a guess"].body) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	s.Clock.Move(time.Hour) // the address may try again
	if a := enrol(make(guarded.Staff), collections.Credentials{Password: hubtest.Password}); a.status != http.StatusForbidden || a.code(t) != "second_factor_needed" {
		t.Errorf("without the second factor that its owner has: %d %s", a.status, a.body)
	}
	if a := enrol(make(guarded.Staff), s.Owner(t, guarded.Staff)); a.status != http.StatusOK {
		t.Errorf("with it: %d %s", a.status, a.body)
	}
	// Wrong passwords use a code up.
	code := make(worker.Staff)
	for range 5 {
		enrol(code, collections.Credentials{Password: "another long password"})
	}
	if a := enrol(code, own); a.code(t) != "enrolment_code_invalid" {
		t.Errorf("a code after five wrong passwords: %d %s", a.status, a.body)
	}
	late := make(worker.Staff)
	s.Clock.Move(collections.EnrolmentTerm)
	if a := enrol(late, own); a.code(t) != "enrolment_code_invalid" {
		t.Errorf("after ten minutes: %d %s", a.status, a.body)
	}
	s.Clock.Move(time.Hour)
	for name, who := range map[string]string{"without a second factor": worker.Staff, "with one": guarded.Staff} {
		raced, owner, results := make(who), s.Owner(t, who), [6]int{}
		var all sync.WaitGroup
		for i := range results {
			body := enrolling(t, raced, owner)
			all.Go(func() { results[i] = s.ask(t, "POST", "/api/portolan/enrol", "", body).status })
		}
		all.Wait()
		won := 0
		for _, status := range results {
			if status == http.StatusOK {
				won++
			}
		}
		if won != 1 {
			t.Errorf("%s: %d of %d tablets won", name, won, len(results))
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

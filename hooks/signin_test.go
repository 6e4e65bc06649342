package hooks_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
	"portolan/internal/hubtest"
	"portolan/signin"
)

const (
	factorPath  = "/api/portolan/second-factor"
	refreshPath = "/api/collections/accounts/auth-refresh"
)

// entry is the answer to a sign-in.
type entry struct {
	Token  string
	Record struct{ ID string }
	Meta   struct {
		SecondFactor string `json:"second_factor"`
		Remembered   string
		Ends         string
	}
}

// come signs in with what is given, from an address.
func (s *site) come(t *testing.T, address, login, password, code, remembered string) answer {
	t.Helper()
	return s.ask(t, "POST", passwordPath, "", map[string]string{"identity": login, "password": password, "code": code, "remembered": remembered},
		"X-Forwarded-For", address)
}

// behindProxy is a site that believes what a test says of its address.
func behindProxy(t *testing.T) *site {
	t.Helper()
	return serve(t, hooks.Config{Proxies: []string{"127.0.0.1/32"}})
}

// early is what somebody may ask who has given their password only.
var early = []string{"GET " + factorPath, "POST " + factorPath + "/give", "POST " + factorPath + "/totp", "POST " + factorPath + "/totp/confirm",
	"POST " + factorPath + "/passkeys/challenge", "POST " + factorPath + "/passkeys/give", "POST " + factorPath + "/passkeys", "POST " + factorPath + "/passkeys/confirm",
	"POST /api/portolan/sign-out"}

// TestAPasswordAloneOpensNothingForWhoeverHasAPower asks every route as each
// role with the password only.
func TestAPasswordAloneOpensNothingForWhoeverHasAPower(t *testing.T) {
	s := serve(t, hooks.Config{})
	for _, role := range care.Roles {
		_, login := s.Staff(t, role)
		var in entry
		s.come(t, "", login, hubtest.Password, "", "").into(t, &in)
		needs := len(care.PowersOf(role)) > 0
		if want := map[bool]string{true: "needed", false: "none"}[needs]; in.Meta.SecondFactor != want {
			t.Errorf("%s: second factor %q, want %q", role, in.Meta.SecondFactor, want)
		}
		if !needs {
			if a := s.ask(t, "GET", "/api/portolan/me", in.Token, nil); a.status != http.StatusOK {
				t.Errorf("%s: %d %s", role, a.status, a.body)
			}
			continue
		}
		for _, route := range hooks.Routes() {
			method, path, _ := strings.Cut(route, " ")
			if slices.Contains(early, route) || path == "/" || strings.HasPrefix(path, "/app") || path == "/worker.js" || path == "/verify" || path == "/api/portolan/papers/standing" || strings.HasSuffix(path, "/health") || strings.HasSuffix(path, "/enrol") ||
				path == passwordPath || method == "GET" && path == "/api/realtime" {
				continue // open to guests, or the way to prove it
			}
			path = strings.NewReplacer("{id}", nobodyHasThis, "{collection}", "cases").Replace(path)
			if a := s.ask(t, method, path, in.Token, map[string]string{}); a.status != http.StatusForbidden || method != "HEAD" && a.code(t) != "second_factor_needed" {
				t.Errorf("%s, %s: %d %s", role, route, a.status, a.body)
			}
		}
	}
}

// TestSecondFactorIsSetUpAndGiven goes the whole way of somebody new: password,
// authenticator app, recovery codes, and the ways to sign in after that.
func TestSecondFactorIsSetUpAndGiven(t *testing.T) {
	s := serve(t, hooks.Config{})
	staff, err := s.AddAccount(t.Context(), s.HubActor(), collections.NewAccount{Login: "new", Password: hubtest.Password,
		DisplayName: "New", Roles: []care.Role{care.Coordinator}, Org: s.Org})
	if err != nil {
		t.Fatal(err)
	}
	var in entry
	s.come(t, "", "new", hubtest.Password, "", "").into(t, &in)
	var begun collections.NewTOTP
	s.ask(t, "POST", factorPath+"/totp", in.Token, nil).into(t, &begun)
	secret, err := signin.ParseSecret(begun.Secret)
	if err != nil || !strings.Contains(begun.URI, begun.Secret) {
		t.Fatal(err, begun)
	}
	step := func() int64 { return signin.Step(s.Clock.Now()) }
	if a := s.ask(t, "POST", factorPath+"/totp/confirm", in.Token, map[string]string{"code": signin.Code(secret, step()+9)}); a.code(t) != "second_factor_code_wrong" {
		t.Errorf("a wrong code confirms: %d %s", a.status, a.body)
	}
	if a := s.ask(t, "GET", "/api/portolan/me", in.Token, nil); a.status != http.StatusForbidden {
		t.Errorf("a secret that was not confirmed counts: %d", a.status)
	}
	var other entry
	s.come(t, "", "new", hubtest.Password, "", "").into(t, &other)
	var set struct {
		RecoveryCodes []string `json:"recovery_codes"`
	}
	s.ask(t, "POST", factorPath+"/totp/confirm", in.Token, map[string]string{"code": signin.Code(secret, step())}).into(t, &set)
	if len(set.RecoveryCodes) != 10 {
		t.Fatalf("%d recovery codes", len(set.RecoveryCodes))
	}
	if a := s.ask(t, "GET", "/api/portolan/me", in.Token, nil); a.status != http.StatusOK {
		t.Errorf("the sign-in in which it was set up: %d %s", a.status, a.body)
	}
	if a := s.ask(t, "GET", factorPath, other.Token, nil); a.status != http.StatusUnauthorized {
		t.Errorf("a sign-in of before goes on: %d %s", a.status, a.body)
	}
	// In one request; and the same code again, which was used.
	s.Clock.Move(time.Minute)
	code := signin.Code(secret, step())
	s.come(t, "", "new", hubtest.Password, code, "").into(t, &in)
	if in.Meta.SecondFactor != "given" || in.Record.ID != staff {
		t.Errorf("%+v", in)
	}
	if a := s.come(t, "", "new", hubtest.Password, code, ""); a.status != http.StatusUnauthorized || a.code(t) != "signin_failed" {
		t.Errorf("a code that was used: %d %s", a.status, a.body)
	}
	// In a second request, with a recovery code, once.
	for n, want := range []int{http.StatusOK, http.StatusUnauthorized} {
		var again entry
		s.come(t, "", "new", hubtest.Password, "", "").into(t, &again)
		typed := strings.ToLower(strings.ReplaceAll(set.RecoveryCodes[0], "-", " "))
		if a := s.ask(t, "POST", factorPath+"/give", again.Token, map[string]string{"code": typed}); a.status != want {
			t.Errorf("recovery code, time %d: %d %s", n, a.status, a.body)
		}
		me := s.ask(t, "GET", "/api/portolan/me", again.Token, nil)
		if (me.status == http.StatusOK) != (want == http.StatusOK) {
			t.Errorf("after it: %d", me.status)
		}
	}
	// Whoever has the password only cannot set up an app of their own.
	var thief entry
	s.come(t, "", "new", hubtest.Password, "", "").into(t, &thief)
	for _, path := range []string{"/totp", "/recovery-codes", "/remove"} {
		if a := s.ask(t, "POST", factorPath+path, thief.Token, map[string]string{}); a.status != http.StatusForbidden || a.code(t) != "second_factor_needed" {
			t.Errorf("%s with the password alone: %d %s", path, a.status, a.body)
		}
	}
	var state collections.FactorState
	s.ask(t, "GET", factorPath, in.Token, nil).into(t, &state)
	if len(state.Factors) != 1 || state.RecoveryCodes != 9 || !state.Given || state.Needed {
		t.Errorf("%+v", state)
	}
	if a := s.ask(t, "POST", factorPath+"/remove", in.Token, map[string]string{"id": state.Factors[0].ID}); a.code(t) != "second_factor_last" {
		t.Errorf("the last one that the role needs is removed: %d %s", a.status, a.body)
	}
}

// TestTwoWhoRaceWithOneCode: exactly one wins.
func TestTwoWhoRaceWithOneCode(t *testing.T) {
	s := serve(t, hooks.Config{})
	_, login := s.Staff(t, care.Coordinator)
	const racers = 8
	var tokens [racers]string
	for i := range tokens {
		var in entry
		s.come(t, "", login, hubtest.Password, "", "").into(t, &in)
		tokens[i] = in.Token
	}
	code := s.SecondCode(t, login)
	results := make(chan int, racers)
	var all sync.WaitGroup
	for _, token := range tokens {
		all.Go(func() {
			results <- s.ask(t, "POST", factorPath+"/give", token, map[string]string{"code": code}).status
		})
	}
	all.Wait()
	close(results)
	won := 0
	for status := range results {
		if status == http.StatusOK {
			won++
		}
	}
	if won != 1 {
		t.Errorf("%d of %d won", won, racers)
	}
}

// TestCase1GuessesFromAThousandAddresses is attack case 1: of a thousand
// guesses at one account, each from another address, five are looked at in the
// first minute (and few in a day: TestAGuesserGetsFewTriesADay); and who works there is not
// locked out, at the desk where they were before or with a device that is
// remembered.
func TestCase1GuessesFromAThousandAddresses(t *testing.T) {
	s := arrange(t)
	_, login := s.Staff(t, care.Outreach)
	s.aside(t, "--trusted-proxy", "127.0.0.1/32")
	var in entry
	s.come(t, "192.0.2.7", login, hubtest.Password, "", "").into(t, &in)
	looked := func() (n int) {
		for i := range 1000 {
			switch a := s.come(t, fmt.Sprintf("198.51.%d.%d", 100+i/250, 1+i%250), login, "wrong", "", ""); {
			case a.status == http.StatusUnauthorized:
				n++
			case a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "":
				t.Fatalf("guess %d: %d %s", i, a.status, a.body)
			}
		}
		return n
	}
	if n := looked(); n != 5 {
		t.Errorf("%d guesses were looked at in the first minute", n)
	}
	if a := s.come(t, "203.0.113.9", login, hubtest.Password, "", ""); a.status != http.StatusTooManyRequests {
		t.Errorf("a stranger's right guess in the pause: %d", a.status)
	}
	if a := s.come(t, "192.0.2.7", login, hubtest.Password, "", ""); a.status != http.StatusOK {
		t.Errorf("who works there, where they were before: %d %s", a.status, a.body)
	}
	if a := s.come(t, "203.0.113.9", login, hubtest.Password, "", in.Meta.Remembered); a.status != http.StatusOK {
		t.Errorf("who works there, elsewhere, with a device that is remembered: %d %s", a.status, a.body)
	}
	// Their own allowance has a bound too.
	for range 5 {
		s.come(t, "203.0.113.9", login, "wrong", "", in.Meta.Remembered)
	}
	if a := s.come(t, "203.0.113.9", login, hubtest.Password, "", in.Meta.Remembered); a.status != http.StatusTooManyRequests {
		t.Errorf("a sixth guess with a device that is remembered: %d", a.status)
	}
}

// TestAGuesserGetsFewTriesADay: five at once, and then the pauses grow.
func TestAGuesserGetsFewTriesADay(t *testing.T) {
	s := behindProxy(t)
	_, login := s.Staff(t, care.Outreach)
	day := 0
	for range 24 * 60 / 5 {
		s.Clock.Move(5 * time.Minute)
		if a := s.come(t, "198.51.100.1", login, "wrong", "", ""); a.status == http.StatusUnauthorized {
			day++
		}
	}
	if day > 110 {
		t.Errorf("%d guesses were looked at in a day", day)
	}
}

// TestSecondFactorsAreNotGuessedWithoutBound: somebody has the password.
func TestSecondFactorsAreNotGuessedWithoutBound(t *testing.T) {
	s := behindProxy(t)
	_, login := s.Staff(t, care.Coordinator)
	looked := 0
	for i := range 200 {
		address := fmt.Sprintf("198.51.100.%d", i)
		a := s.come(t, address, login, hubtest.Password, fmt.Sprintf("%06d", i), "")
		if i%2 == 1 { // in two steps, with a sign-in of its own each time
			var in entry
			if s.come(t, address, login, hubtest.Password, "", "").status != http.StatusOK {
				continue
			}
			s.come(t, address, login, hubtest.Password, "", "").into(t, &in)
			a = s.ask(t, "POST", factorPath+"/give", in.Token, map[string]string{"code": fmt.Sprintf("%06d", i)}, "X-Forwarded-For", address)
		}
		switch a.status {
		case http.StatusUnauthorized:
			looked++
		case http.StatusTooManyRequests:
		default:
			t.Fatalf("guess %d: %d %s", i, a.status, a.body)
		}
	}
	if looked > 5 {
		t.Errorf("%d codes were looked at", looked)
	}
}

// TestCase2NobodyLearnsWhoHasAnAccount is attack case 2: status, body, headers
// and the work that is done are equal for a login that nobody has, a wrong
// password, a wrong code and somebody who has left.
func TestCase2NobodyLearnsWhoHasAnAccount(t *testing.T) {
	s := arrange(t)
	person := func(r care.Role) string { _, login := s.Staff(t, r); return login }
	cases := map[string][3]string{
		"wrong password":         {person(care.Outreach), "wrong", "123456"},
		"wrong password, factor": {person(care.Coordinator), "wrong", "123456"},
		"wrong code":             {person(care.Coordinator), hubtest.Password, "123456"},
		"code, but no factor":    {person(care.Outreach), hubtest.Password, "123456"},
	}
	gone, left := s.Staff(t, care.Outreach)
	s.leave(t, gone.Staff)
	cases["somebody who has left"] = [3]string{left, hubtest.Password, ""}
	s.aside(t, "--trusted-proxy", "127.0.0.1/32")
	tries := 0
	try := func(login, password, code string) answer {
		tries++ // every try finds the same allowance
		a := s.come(t, fmt.Sprintf("198.51.100.%d", tries), login, password, code, "")
		a.header.Del("Date")
		return a
	}
	first := try("nobody-has-this", "wrong", "123456")
	if first.status != http.StatusUnauthorized || first.code(t) != "signin_failed" {
		t.Fatalf("%d %s", first.status, first.body)
	}
	for name, c := range cases {
		got := try(c[0], c[1], c[2])
		if got.status != first.status || string(got.body) != string(first.body) || fmt.Sprint(got.header) != fmt.Sprint(first.header) {
			t.Errorf("%s: %d %v %s, unlike %d %v %s", name, got.status, got.header, got.body, first.status, first.header, first.body)
		}
	}
}

// TestCase3ATokenEndsWithItsSignIn is attack case 3: a token is refused at once
// after signing out, here or everywhere, a new password, another role, leaving,
// a pause and a shift; and realtime connections are cut.
func TestCase3ATokenEndsWithItsSignIn(t *testing.T) {
	type person struct {
		login, token string
		desk         *sse
	}
	t.Setenv("PORTOLAN_NEW_PASSWORD", "another long password")
	s := arrange(t)
	ends := map[string]func(p *person){
		"sign out": func(p *person) {
			s.ask(t, "POST", "/api/portolan/sign-out", p.token, map[string]bool{"everywhere": false}).into(t, new(any))
		},
		"sign out everywhere, elsewhere": func(p *person) {
			s.ask(t, "POST", "/api/portolan/sign-out", s.signIn(t, p.login), map[string]bool{"everywhere": true}).into(t, new(any))
		},
		"own new password": func(p *person) {
			s.ask(t, "POST", "/api/portolan/password", p.token, map[string]string{"password": hubtest.Password, "new": "another long password", "code": s.SecondCode(t, p.login)}).into(t, new(any))
		},
		"new password at the console": func(p *person) {
			t.Setenv("PORTOLAN_CODE", s.SecondCode(t, p.login))
			s.console(t, "user", "password", p.login, "--code")
		},
		"another role": func(p *person) { s.console(t, "user", "role", p.login, "--role", "coordinator,health") },
		"leaving":      func(p *person) { s.console(t, "user", "disable", p.login) },
	}
	people := map[string]*person{}
	for name := range ends {
		_, login := s.Staff(t, care.Coordinator)
		people[name] = &person{login: login, token: s.signIn(t, login)}
	}
	other, otherToken := s.staff(t, care.Outreach)
	d := s.enrol(t, other.Staff)
	s.aside(t)
	others := s.listen(t)
	s.subscribe(t, others, otherToken, "wake")
	for name, p := range people {
		p.desk = s.listen(t)
		s.subscribe(t, p.desk, p.token, "wake")
		var renewed entry
		s.ask(t, "POST", refreshPath, p.token, nil).into(t, &renewed)
		ends[name](p)
		for _, old := range []string{p.token, renewed.Token} {
			if a := s.ask(t, "GET", "/api/portolan/me", old, nil); a.status != http.StatusUnauthorized || a.code(t) != "token_invalid" {
				t.Errorf("%s: the token is answered with %d %s", name, a.status, a.body)
			}
			if a := s.ask(t, "POST", refreshPath, old, nil); a.status != http.StatusUnauthorized {
				t.Errorf("%s: the token is renewed: %d %s", name, a.status, a.body)
			}
		}
		p.desk.ended(t)
	}
	s.sync(t, d, d.openCase(t, s))
	if e, ok := others.next(t); !ok || e[0] != "wake" {
		t.Errorf("somebody else's connection: %v", e)
	}
}

// TestASignInEndsByItself after a pause, and at the end of a shift however
// busy.
func TestASignInEndsByItself(t *testing.T) {
	s := serve(t, hooks.Config{})
	_, login := s.Staff(t, care.Outreach)
	me := func(token string) int { return s.ask(t, "GET", "/api/portolan/me", token, nil).status }
	token := s.signIn(t, login)
	s.Clock.Move(collections.SignInPause - time.Minute)
	if me(token) != http.StatusOK {
		t.Error("it ends before the pause is over")
	}
	s.Clock.Move(collections.SignInPause)
	if me(token) != http.StatusUnauthorized {
		t.Error("it goes on after a pause")
	}
	token = s.signIn(t, login)
	begun := s.Clock.Now()
	for s.Clock.Now().Sub(begun) < collections.SignInTerm-10*time.Minute {
		if me(token) != http.StatusOK {
			t.Fatalf("it ends after %v", s.Clock.Now().Sub(begun))
		}
		var renewed entry
		s.ask(t, "POST", refreshPath, token, nil).into(t, &renewed)
		token = renewed.Token
		s.Clock.Move(10 * time.Minute)
	}
	s.Clock.Move(10 * time.Minute)
	if me(token) != http.StatusUnauthorized {
		t.Error("it can be renewed for ever")
	}
	if err := s.Tend(t.Context()); err != nil {
		t.Error(err)
	}
}

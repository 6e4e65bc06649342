package hooks_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
	"portolan/internal/hubtest"
	"portolan/signin"
)

const passkeyPath = factorPath + "/passkeys"

// options is what a browser is given.
type options struct {
	PublicKey struct {
		Challenge string
		RPID      string `json:"rpId"`
		RP        struct{ ID string }
		Known     []struct{ ID string } `json:"allowCredentials"`
	}
}

// named is a hub that is reached by a name: browsers make passkeys for no
// other.
func named(t *testing.T) (*site, signin.Site) {
	t.Helper()
	const address = "https://hub.example.org:8443"
	s := serve(t, hooks.Config{URL: address})
	party, ok := signin.SiteOf(address)
	if !ok || party.ID != "hub.example.org" || party.Origin != address {
		t.Fatalf("%+v %v", party, ok)
	}
	return s, party
}

func (s *site) options(t *testing.T, path, token string) string {
	t.Helper()
	var o options
	s.ask(t, "POST", path, token, nil).into(t, &o)
	return o.PublicKey.Challenge
}

// TestPasskeysAreSetUpAndShown, of each algorithm, as the first second factor
// and beside another.
func TestPasskeysAreSetUpAndShown(t *testing.T) {
	s, party := named(t)
	for _, algorithm := range signin.Algorithms {
		staff, err := s.AddAccount(t.Context(), s.HubActor(), collections.NewAccount{Login: "new" + string(rune('a'-algorithm%26)), Password: hubtest.Password,
			DisplayName: "New", Roles: []care.Role{care.ProtectionOfficer}, Org: s.Org})
		if err != nil {
			t.Fatal(err)
		}
		login := "new" + string(rune('a'-algorithm%26))
		var in entry
		s.come(t, "", login, hubtest.Password, "", "").into(t, &in)
		key := hubtest.NewAuthenticator(t, party, algorithm)
		key.Counter = 7
		var set struct {
			RecoveryCodes []string `json:"recovery_codes"`
		}
		made := key.Created(key.Register(t, s.options(t, passkeyPath, in.Token)))
		s.ask(t, "POST", passkeyPath+"/confirm", in.Token, map[string]any{"label": "laptop", "credential": made}).into(t, &set)
		if len(set.RecoveryCodes) != 10 {
			t.Errorf("algorithm %d: %d recovery codes", algorithm, len(set.RecoveryCodes))
		}
		if a := s.ask(t, "GET", "/api/portolan/me", in.Token, nil); a.status != http.StatusOK {
			t.Errorf("algorithm %d: the sign-in in which it was set up: %d", algorithm, a.status)
		}
		s.come(t, "", login, hubtest.Password, "", "").into(t, &in)
		if in.Meta.SecondFactor != "needed" {
			t.Errorf("a password alone: %+v", in.Meta)
		}
		shown := key.Shown(key.Assert(t, s.options(t, passkeyPath+"/challenge", in.Token)))
		if a := s.ask(t, "POST", passkeyPath+"/give", in.Token, map[string]any{"credential": shown}); a.status != http.StatusOK {
			t.Errorf("algorithm %d: %d %s", algorithm, a.status, a.body)
		}
		if a := s.ask(t, "GET", "/api/portolan/me", in.Token, nil); a.status != http.StatusOK {
			t.Errorf("algorithm %d: after it was shown: %d", algorithm, a.status)
		}
		s.SetUpTOTP(t, s.Reload(t, staff), login)
		var state collections.FactorState
		s.ask(t, "GET", factorPath, s.signIn(t, login), nil).into(t, &state)
		if len(state.Factors) != 2 {
			t.Errorf("%+v", state)
		}
	}
}

// TestAPasskeyThatIsNotRightIsRefused alters one thing after the other in what
// an authenticator would make.
func TestAPasskeyThatIsNotRightIsRefused(t *testing.T) {
	s, party := named(t)
	_, login := s.Staff(t, care.Coordinator)
	full := s.signIn(t, login)
	register := func(alter func(*hubtest.Authenticator, *signin.Registration)) answer {
		t.Helper()
		key := hubtest.NewAuthenticator(t, party, signin.ES256)
		alter(key, nil)
		r := key.Register(t, s.options(t, passkeyPath, full))
		alter(key, &r)
		return s.ask(t, "POST", passkeyPath+"/confirm", full, map[string]any{"label": "x", "credential": key.Created(r)})
	}
	for name, alter := range map[string]func(*hubtest.Authenticator, *signin.Registration){
		"another origin":         func(a *hubtest.Authenticator, _ *signin.Registration) { a.Origin = "https://hub.example.org" },
		"another site":           func(a *hubtest.Authenticator, _ *signin.Registration) { a.Party = "example.org" },
		"nobody touched it":      func(a *hubtest.Authenticator, _ *signin.Registration) { a.Flags = 0 },
		"an id that is too long": func(a *hubtest.Authenticator, _ *signin.Registration) { a.Credential = make([]byte, 1024) },
		"another algorithm":      func(a *hubtest.Authenticator, _ *signin.Registration) { a.Algorithm = signin.RS256 },
		"no key": func(_ *hubtest.Authenticator, r *signin.Registration) {
			if r != nil {
				r.PublicKey = nil
			}
		},
		"cut short": func(_ *hubtest.Authenticator, r *signin.Registration) {
			if r != nil {
				r.AuthenticatorData = r.AuthenticatorData[:60]
			}
		},
		"an assertion": func(a *hubtest.Authenticator, r *signin.Registration) {
			if r != nil {
				var c map[string]any
				if err := json.Unmarshal(r.ClientData, &c); err != nil {
					t.Fatal(err)
				}
				c["type"] = "webauthn.get"
				r.ClientData, _ = json.Marshal(c)
			}
		},
	} {
		if a := register(alter); a.status != http.StatusUnprocessableEntity || a.code(t) != "passkey_refused" {
			t.Errorf("a new one, %s: %d %s", name, a.status, a.body)
		}
	}
	key := hubtest.NewAuthenticator(t, party, signin.ES256)
	key.Counter = 100
	challenge := s.options(t, passkeyPath, full)
	made := map[string]any{"label": "x", "credential": key.Created(key.Register(t, challenge))}
	s.ask(t, "POST", passkeyPath+"/confirm", full, made).into(t, new(any))
	if a := s.ask(t, "POST", passkeyPath+"/confirm", full, made); a.code(t) != "passkey_refused" {
		t.Errorf("a challenge that was used: %d %s", a.status, a.body)
	}
	again := key.Created(key.Register(t, s.options(t, passkeyPath, full)))
	if a := s.ask(t, "POST", passkeyPath+"/confirm", full, map[string]any{"label": "x", "credential": again}); a.code(t) != "passkey_refused" {
		t.Errorf("the same credential again: %d %s", a.status, a.body)
	}

	stranger := hubtest.NewAuthenticator(t, party, signin.ES256)
	stranger.Credential = key.Credential
	for name, show := range map[string]func(challenge string) map[string]any{
		"another key":       func(c string) map[string]any { return stranger.Shown(stranger.Assert(t, c)) },
		"another challenge": func(string) map[string]any { return key.Shown(key.Assert(t, challenge)) },
		"another origin": func(c string) map[string]any {
			bad := *key
			bad.Origin = "https://evil.example"
			return key.Shown(bad.Assert(t, c))
		},
		"another site": func(c string) map[string]any {
			bad := *key
			bad.Party = "evil.example"
			return key.Shown(bad.Assert(t, c))
		},
		"a copy, whose counter is behind": func(c string) map[string]any {
			bad := *key
			bad.Counter = 50
			return key.Shown(bad.Assert(t, c))
		},
		"one that nobody has": func(c string) map[string]any {
			other := hubtest.NewAuthenticator(t, party, signin.ES256)
			return other.Shown(other.Assert(t, c))
		},
	} {
		s.Clock.Move(time.Hour) // a new allowance of guesses
		var in entry
		s.come(t, "", login, hubtest.Password, "", "").into(t, &in)
		a := s.ask(t, "POST", passkeyPath+"/give", in.Token, map[string]any{"credential": show(s.options(t, passkeyPath+"/challenge", in.Token))})
		if a.status != http.StatusUnauthorized || a.code(t) != "signin_failed" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		if a := s.ask(t, "GET", "/api/portolan/me", in.Token, nil); a.status != http.StatusForbidden {
			t.Errorf("%s opens the hub: %d", name, a.status)
		}
	}
	// A challenge is good once, for five minutes, in its own sign-in.
	var in, other entry
	s.come(t, "", login, hubtest.Password, "", "").into(t, &in)
	s.come(t, "", login, hubtest.Password, "", "").into(t, &other)
	late := s.options(t, passkeyPath+"/challenge", in.Token)
	if a := s.ask(t, "POST", passkeyPath+"/give", other.Token, map[string]any{"credential": key.Shown(key.Assert(t, late))}); a.status != http.StatusUnauthorized {
		t.Errorf("in another sign-in: %d", a.status)
	}
	s.Clock.Move(5 * time.Minute)
	if a := s.ask(t, "POST", passkeyPath+"/give", in.Token, map[string]any{"credential": key.Shown(key.Assert(t, late))}); a.status != http.StatusUnauthorized {
		t.Errorf("after five minutes: %d", a.status)
	}
	right := key.Shown(key.Assert(t, s.options(t, passkeyPath+"/challenge", in.Token)))
	for _, want := range []int{http.StatusOK, http.StatusUnauthorized} {
		if a := s.ask(t, "POST", passkeyPath+"/give", in.Token, map[string]any{"credential": right}); a.status != want {
			t.Errorf("the right one: %d, want %d", a.status, want)
		}
	}
	// Whoever has the password only adds none.
	s.come(t, "", login, hubtest.Password, "", "").into(t, &in)
	if a := s.ask(t, "POST", passkeyPath, in.Token, nil); a.status != http.StatusForbidden || a.code(t) != "second_factor_needed" {
		t.Errorf("with the password alone: %d %s", a.status, a.body)
	}
}

// TestPasskeysNeedAName: no browser makes them for an IP address.
func TestPasskeysNeedAName(t *testing.T) {
	s := serve(t, hooks.Config{})
	_, token := s.staff(t, care.Coordinator)
	if a := s.ask(t, "POST", passkeyPath, token, nil); a.code(t) != "passkeys_need_a_name" {
		t.Errorf("%d %s", a.status, a.body)
	}
	for address, want := range map[string]bool{"https://hub.local": true, "http://localhost:80": true, "http://hub.local": false, "https://192.0.2.1": false, "https://[::1]": false, "": false, "%": false} {
		if _, ok := signin.SiteOf(address); ok != want {
			t.Errorf("%s: %v", address, ok)
		}
	}
}

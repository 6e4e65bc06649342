package hubtest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/signin"
)

// authenticators are the apps on the telephones of a test's staff, by login.
type authenticators struct {
	mu   sync.Mutex
	apps map[string]*authenticator
}

type authenticator struct {
	secret []byte
	last   int64 // the step whose code was given last
}

// secondFactor sets up an authenticator app where the roles need one.
func (h *Hub) secondFactor(t testing.TB, a care.Actor, login string) {
	t.Helper()
	if !care.NeedsSecondFactor(a.Roles) {
		return
	}
	h.SetUpTOTP(t, a, login)
}

// SetUpTOTP gives somebody an authenticator app, and returns their recovery
// codes.
func (h *Hub) SetUpTOTP(t testing.TB, a care.Actor, login string) []string {
	t.Helper()
	made, err := h.BeginTOTP(context.Background(), a)
	if err != nil {
		t.Fatalf("beginning a second factor: %v", err)
	}
	secret, err := signin.ParseSecret(made.Secret)
	if err != nil {
		t.Fatal(err)
	}
	last := signin.Step(h.Clock.Now()) - 1
	recovery, err := h.ConfirmTOTP(context.Background(), a, "", signin.Code(secret, last))
	if err != nil {
		t.Fatalf("confirming a second factor: %v", err)
	}
	h.authenticators.mu.Lock()
	defer h.authenticators.mu.Unlock()
	if h.authenticators.apps == nil {
		h.authenticators.apps = map[string]*authenticator{}
	}
	h.authenticators.apps[login] = &authenticator{secret, last}
	return recovery
}

// SecondCode is a code of somebody's authenticator app that was not used yet, ""
// where they have none. Where none is left the clock moves on.
func (h *Hub) SecondCode(t testing.TB, login string) string {
	t.Helper()
	h.authenticators.mu.Lock()
	defer h.authenticators.mu.Unlock()
	app := h.authenticators.apps[login]
	if app == nil {
		return ""
	}
	now := signin.Step(h.Clock.Now())
	app.last = max(app.last+1, now)
	for app.last > now+signin.Window {
		h.Clock.Move(signin.StepSeconds * time.Second)
		now++
	}
	return signin.Code(app.secret, app.last)
}

// Credentials are good for signing in once.
func (h *Hub) Credentials(t testing.TB, login string) collections.Credentials {
	t.Helper()
	return collections.Credentials{Login: login, Password: Password, Code: h.SecondCode(t, login)}
}

// Owner is what a member of staff shows as a tablet is enrolled for them.
func (h *Hub) Owner(t testing.TB, staff string) collections.Credentials {
	t.Helper()
	account, err := h.App().FindRecordById(collections.AccountsCollection, staff)
	if err != nil {
		t.Fatalf("finding an account: %v", err)
	}
	login := account.GetString("login")
	h.authenticators.mu.Lock()
	has := h.authenticators.apps[login] != nil
	h.authenticators.mu.Unlock()
	if !has {
		h.secondFactor(t, h.Reload(t, staff), login)
	}
	return h.Credentials(t, login)
}

// Token signs somebody in at the desk of a hub that answers at an address,
// with all that is asked of them.
func (h *Hub) Token(t testing.TB, url, login string) string {
	t.Helper()
	c := h.Credentials(t, login)
	body, err := json.Marshal(map[string]string{"identity": c.Login, "password": c.Password, "code": c.Code})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(url+"/api/collections/accounts/auth-with-password", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatalf("signing in: %v", err)
	}
	defer resp.Body.Close()
	var in struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&in); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("signing in as %s: %d %v", login, resp.StatusCode, err)
	}
	return in.Token
}

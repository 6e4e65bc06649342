package hooks_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"portolan/care"
	"portolan/hooks"
	"portolan/internal/hubtest"
)

// closed is every route of PocketBase v0.39.11 (apis/*.go) that is not on the
// list of open ones, and what a stranger would try besides. {c} stands for
// collections of each kind; TestMatrixOfCollectionsRolesAndVerbs walks all.
var closed = []string{
	"/_/", "/_", "/_/index.html", "/_/images/logo.svg", "/api", "/api/", "/api/admins/auth-with-password",
	"/api/sql", "/api/settings", "/api/settings/test/s3", "/api/settings/test/email", "/api/settings/apple/generate-client-secret",
	"/api/backups", "/api/backups/upload", "/api/backups/x.zip", "/api/backups/x.zip/restore",
	"/api/logs", "/api/logs/stats", "/api/logs/x", "/api/crons", "/api/crons/x", "/api/batch",
	"/api/files/token", "/api/oauth2-redirect", "/api/collections", "/api/collections/import",
	"/api/collections/meta/scaffolds", "/api/collections/meta/oauth2-providers", "/api/collections/meta/dry-run-view",
	"/api/files/{c}/x/y.pdf", "/api/collections/{c}", "/api/collections/{c}/truncate",
	"/api/collections/{c}/records", "/api/collections/{c}/records/x",
	"/api/collections/{c}/auth-methods", "/api/collections/{c}/auth-with-oauth2", "/api/collections/{c}/request-otp",
	"/api/collections/{c}/auth-with-otp", "/api/collections/{c}/request-password-reset", "/api/collections/{c}/confirm-password-reset",
	"/api/collections/{c}/request-verification", "/api/collections/{c}/confirm-verification",
	"/api/collections/{c}/request-email-change", "/api/collections/{c}/confirm-email-change", "/api/collections/{c}/impersonate/x",
	"/api/collections/_superusers/auth-with-password", "/api/collections/_superusers/auth-refresh",
	"/api/collections/staff/auth-with-password", "/api/collections/pbc_4037304098/auth-with-password",
	"/api/collections/ACCOUNTS/auth-with-password",
	// Ways around a list of paths.
	"//api/sql", "/api//sql", "/./api/sql", "/x/../api/sql", "/api/sql/", "/api/%73ql", "/api/portolan/../sql", "/api/realtime/",
	"/api/portolan/sync/", "/api/portolan/%73ync", "/API/HEALTH", "/api/health/", "/api/portolan", "/api/portolan/", "/api/portolan/unknown",
	"/api/portolan/records/", "/api/portolan/records/a/b", "/api/portolan/devices/../revoke", "/api/portolan/devices/%2e%2e/revoke",
	"/debug/pprof/", "/metrics", "/.well-known/x", "/portolan.lock", "/hub.sock", "/pb_data/data.db", "/index.html", "/favicon.ico", "/robots.txt",
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get"}

func closedPaths() []string {
	collections := []string{"accounts", "_superusers", "_externalAuths", "cases", "staff", "nothing"}
	var out []string
	for _, p := range closed {
		if !strings.Contains(p, "{c}") {
			out = append(out, p)
			continue
		}
		for _, c := range collections {
			out = append(out, strings.ReplaceAll(p, "{c}", c))
		}
	}
	return out
}

// TestDoorsAreClosed walks every path and method that is not meant to be
// open, as everybody there is, and wants one and the same answer.
func TestDoorsAreClosed(t *testing.T) {
	s := arrange(t)
	callers := map[string]string{"guest": "", "nonsense": "x.y.z", "superuser": s.superuser(t)}
	var worker string
	for _, role := range care.Roles {
		a, token := s.staff(t, role)
		callers[string(role)], worker = token, a.Staff
	}
	callers["tablet"] = s.enrol(t, worker).Token
	s.aside(t)
	nothing := s.ask(t, "GET", "/nothing/at/all", "", nil)
	if nothing.status != http.StatusNotFound || nothing.code(t) != "not_found" {
		t.Fatalf("what is not there answers %d %s", nothing.status, nothing.body)
	}
	paths := closedPaths()
	for who, token := range callers {
		for i, p := range paths {
			// Every method for a guest and the superuser; for the others,
			// who differ only in what they may see behind a door, in turn.
			for j, m := range methods {
				if who != "guest" && who != "superuser" && (i+j)%len(methods) != 0 {
					continue
				}
				a := s.ask(t, m, p, token, nil)
				if a.status != http.StatusNotFound || m != "HEAD" && string(a.body) != string(nothing.body) {
					t.Errorf("%s: %s %s answers %d %s", who, m, p, a.status, a.body)
				}
				if loc := a.header.Get("Location") + a.header.Get("Allow") + a.header.Get("Access-Control-Allow-Origin"); loc != "" {
					t.Errorf("%s: %s %s says too much: %q", who, m, p, loc)
				}
			}
		}
	}
}

// TestOpenDoorsAreOpenForTheirMethodAlone asks every open path with every
// other method.
func TestOpenDoorsAreOpenForTheirMethodAlone(t *testing.T) {
	s := serve(t, hooks.Config{})
	open := hooks.Routes()
	for _, r := range open {
		_, path, _ := strings.Cut(r, " ")
		path = strings.NewReplacer("{id}", "x", "{collection}", "cases", "{file}", "app.js").Replace(path)
		for _, m := range methods {
			a := route(m, path)
			if slices.ContainsFunc(open, func(o string) bool {
				return strings.NewReplacer("{id}", "x", "{collection}", "cases", "{file}", "app.js").Replace(o) == a
			}) {
				continue
			}
			if got := s.ask(t, m, path, "", nil); got.status != http.StatusNotFound {
				t.Errorf("%s answers %d", a, got.status)
			}
		}
	}
}

func route(method, path string) string { return method + " " + path }

// TestGuestsGetNothing: every open route but those by which one gets in
// answers 401 to a guest and to a wrong token, never an empty 200.
func TestGuestsGetNothing(t *testing.T) {
	s := arrange(t)
	toGuests := []string{"GET /", "HEAD /", "GET /app/{file}", "GET /worker.js", "GET /app.webmanifest", "GET /verify", "HEAD /verify", "POST /verify", "POST /api/portolan/papers/standing", "GET /api/health", "HEAD /api/health", "GET /api/portolan/health", "HEAD /api/portolan/health",
		"POST /api/portolan/enrol", "POST " + passwordPath,
		"GET /api/realtime", // learns who it is with the subscription
	}
	worker, token := s.staff(t, care.Outreach)
	d := s.enrol(t, worker.Staff)
	if err := s.RevokeDevice(t.Context(), s.HubActor(), d.ID); err != nil {
		t.Fatal(err)
	}
	// A revoked tablet still delivers: see TestARevokedTabletDeliversAndGetsNothing.
	delivers := map[string]bool{"POST /api/portolan/sync": true, "POST /api/portolan/report": true, "POST /api/portolan/uploads": true, "PATCH /api/portolan/uploads/{id}": true}
	wrong := map[string]string{"nonsense": "nonsense", "three parts": "a.b.c", "cut short": token[:len(token)-3], "revoked tablet": d.Token, "superuser": s.superuser(t)}
	s.aside(t)
	for _, r := range hooks.Routes() {
		m, p, _ := strings.Cut(r, " ")
		p = strings.NewReplacer("{id}", "x", "{collection}", "cases", "{file}", "app.js").Replace(p)
		var body any
		if m == "POST" {
			body = "{}"
		}
		guest := slices.Contains(toGuests, r)
		if !guest {
			if a := s.ask(t, m, p, "", body); a.status != http.StatusUnauthorized || m != "HEAD" && a.code(t) != "token_missing" {
				t.Errorf("a guest's %s answers %d %s", r, a.status, a.body)
			}
		}
		if guest && r != "GET /api/health" && r != "GET /api/realtime" {
			continue
		}
		for what, token := range wrong {
			if m == "HEAD" || what == "revoked tablet" && delivers[r] {
				continue
			}
			a := s.ask(t, m, p, token, body)
			if a.status != http.StatusUnauthorized || a.code(t) != "token_invalid" {
				t.Errorf("%s with a %s token answers %d %s", r, what, a.status, a.body)
			}
			if a.header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s: a 401 without WWW-Authenticate", r)
			}
		}
	}
}

// TestAWrongTokenDoesNotKeepOneFromSigningIn: stock clients send the token
// that they have, also an expired one, when they sign in again.
func TestAWrongTokenDoesNotKeepOneFromSigningIn(t *testing.T) {
	s := serve(t, hooks.Config{})
	_, login := s.Staff(t, care.Coordinator)
	a := s.ask(t, "POST", passwordPath, "stale.token.here", map[string]string{"identity": login, "password": "correct horse battery staple"})
	if a.status != http.StatusOK {
		t.Errorf("signing in with a stale token in the header: %d %s", a.status, a.body)
	}
}

// TestATabletsTokenDoesNotBecomeAPersons: it would outlive the tablet's
// revocation.
func TestATabletsTokenDoesNotBecomeAPersons(t *testing.T) {
	s := serve(t, hooks.Config{})
	worker, _ := s.Staff(t, care.Outreach)
	d := s.enrol(t, worker.Staff)
	a := s.ask(t, "POST", "/api/collections/accounts/auth-refresh", d.Token, nil)
	if a.status != http.StatusForbidden || a.code(t) != "device_token_refused" || strings.Contains(string(a.body), "eyJ") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestWhoLeavesIsRefusedAtOnce(t *testing.T) {
	s := serve(t, hooks.Config{})
	worker, login := s.Staff(t, care.Outreach)
	token := s.signIn(t, login)
	d := s.enrol(t, worker.Staff)
	for _, tok := range []string{token, d.Token} {
		if a := s.ask(t, "GET", "/api/portolan/me", tok, nil); a.status != http.StatusOK {
			t.Fatalf("me: %d %s", a.status, a.body)
		}
	}
	s.leave(t, worker.Staff)
	for _, tok := range []string{token, d.Token} {
		if a := s.ask(t, "GET", "/api/portolan/me", tok, nil); a.status != http.StatusUnauthorized {
			t.Errorf("me after leaving: %d %s", a.status, a.body)
		}
	}
	a := s.ask(t, "POST", passwordPath, "", map[string]string{"identity": login, "password": "correct horse battery staple"})
	if a.status != http.StatusUnauthorized || a.code(t) != "signin_failed" {
		t.Errorf("signing in after leaving: %d %s", a.status, a.body)
	}
}

// TestOtherSitesMayNotSpeak: attack case 23.
func TestOtherSitesMayNotSpeak(t *testing.T) {
	s := arrange(t)
	_, login := s.Staff(t, care.Coordinator)
	s.aside(t)
	credentials := map[string]string{"identity": login, "password": hubtest.Password}
	for _, from := range [][]string{
		{"Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site"}, {"Origin", "https://elsewhere.example"},
		{"Origin", "null"}, {"Origin", "null", "Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"},
	} {
		for path, body := range map[string]any{"/api/portolan/enrol": "{}", passwordPath: credentials, "/api/realtime": "{}"} {
			a := s.ask(t, "POST", path, "x", body, from...)
			if a.status != http.StatusForbidden || a.code(t) != "wrong_origin" {
				t.Errorf("%v to %s: %d %s", from, path, a.status, a.body)
			}
		}
		a := s.ask(t, "GET", "/api/portolan/health", "", nil, from...)
		for _, h := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Allow-Headers"} {
			if v := a.header.Get(h); v != "" {
				t.Errorf("%v is told %s: %s", from, h, v)
			}
		}
		if a := s.ask(t, "OPTIONS", passwordPath, "", nil, append(from, "Access-Control-Request-Method", "POST")...); a.status != http.StatusNotFound {
			t.Errorf("%v asks beforehand and hears %d", from, a.status)
		}
	}
	// What a form of a page that says nothing of itself can send.
	for kind, body := range map[string]string{
		"text/plain":                        `{"identity":"` + login + `","password":"` + hubtest.Password + `"}`,
		"application/x-www-form-urlencoded": "identity=" + login + "&password=" + strings.ReplaceAll(hubtest.Password, " ", "+"),
		"multipart/form-data; boundary=x":   "--x\r\nContent-Disposition: form-data; name=\"@jsonPayload\"\r\n\r\n{}\r\n--x--\r\n",
	} {
		if a := s.ask(t, "POST", passwordPath, "", body, "Content-Type", kind); a.status != http.StatusBadRequest || a.code(t) != "body_not_json" {
			t.Errorf("a form of type %s: %d %s", kind, a.status, a.body)
		}
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	s := serve(t, hooks.Config{})
	_, token := s.staff(t, care.Coordinator)
	over := httptest.NewTLSServer(s.front.Handler())
	defer over.Close()
	safe := *s
	safe.url = over.URL
	for _, c := range []struct{ method, path, token string }{
		{"GET", "/", ""}, {"GET", "/app/app.js", ""}, {"GET", "/worker.js", ""}, {"GET", "/app/nothing.js", ""}, {"GET", "/api/health", ""}, {"GET", "/api/portolan/health", ""}, {"GET", "/api/portolan/me", token}, {"GET", "/api/portolan/schema", token},
		{"POST", "/api/portolan/records/staff", token}, {"POST", passwordPath, ""}, {"GET", "/api/portolan/me", "wrong"}, {"GET", "/api/portolan/me?x=1", token}, {"GET", "/nothing", ""},
	} {
		var body any
		if c.method == "POST" {
			body = "{}"
		}
		for _, at := range []*site{s, &safe} {
			a := at.ask(t, c.method, c.path, c.token, body)
			for name, want := range map[string]string{
				"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
				"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "X-Robots-Tag": "noindex, nofollow",
				"Permissions-Policy": "camera=(self), geolocation=(), microphone=()", "Server": "", "X-Powered-By": "", "Set-Cookie": "",
				"Strict-Transport-Security": map[bool]string{true: "max-age=31536000; includeSubDomains"}[at == &safe],
			} {
				if got := a.header.Get(name); got != want {
					t.Errorf("%s %s: %s is %q, want %q", c.method, c.path, name, got, want)
				}
			}
			csp := a.header.Get("Content-Security-Policy")
			for _, must := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
				if !strings.Contains(csp, must) {
					t.Errorf("%s: Content-Security-Policy lacks %s: %q", c.path, must, csp)
				}
			}
			if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
				t.Errorf("%s: Content-Security-Policy is %q", c.path, csp)
			}
		}
	}
}

// TestRecordsAreNotWrittenPastTheDoor: what PocketBase could do to records from
// Go is refused too.
func TestRecordsAreNotWrittenPastTheDoor(t *testing.T) {
	s := serve(t, hooks.Config{})
	worker, _ := s.Staff(t, care.Outreach)
	r, err := s.App().FindRecordById("staff", worker.Staff)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.App().Save(r); care.CodeOf(err) != "past_the_door" {
		t.Errorf("saving a record past the door: %v", err)
	}
	if err := s.App().Delete(r); care.CodeOf(err) != "past_the_door" {
		t.Errorf("deleting a record past the door: %v", err)
	}
	c, err := s.App().FindCollectionByNameOrId("staff")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.App().Save(c); care.CodeOf(err) != "past_the_door" {
		t.Errorf("altering a collection: %v", err)
	}
}

func TestNoAddressHoldsWords(t *testing.T) {
	s := serve(t, hooks.Config{})
	_, token := s.staff(t, care.Coordinator)
	a := s.ask(t, "GET", "/api/portolan/me?name=somebody", token, nil)
	if a.status != http.StatusBadRequest || a.code(t) != "query_refused" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := s.ask(t, "GET", "/api/health?fields=code", "", nil); a.status != http.StatusOK {
		t.Errorf("a stock client's query: %d %s", a.status, a.body)
	}
	n, err := s.App().AuxDB().NewQuery("SELECT id FROM _logs").Execute()
	if err != nil {
		t.Fatal(err)
	}
	if rows, _ := n.RowsAffected(); rows > 0 {
		t.Errorf("PocketBase logged %d requests", rows)
	}
}

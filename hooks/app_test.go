package hooks_test

import (
	"net/http"
	"strings"
	"testing"

	"portolan/hooks"
)

// TestTheAppIsTheSameForEverybody: a guest gets it, nothing in it is
// anybody's, it may run and ask nothing but the hub's own, and what it has not
// looks like every closed door.
func TestTheAppIsTheSameForEverybody(t *testing.T) {
	s := serve(t, hooks.Config{})
	nothing := s.ask(t, "GET", "/nothing", "", nil)
	for path, kind := range map[string]string{
		"/": "text/html", "/app/app.js": "text/javascript", "/app/app.css": "text/css", "/worker.js": "text/javascript", "/app.webmanifest": "application/manifest+json",
		"/app/words-en.json": "application/json", "/app/calendar.html": "text/html",
	} {
		a := s.ask(t, "GET", path, "", nil)
		if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), kind) || len(a.body) == 0 {
			t.Errorf("%s: %d %s, %d bytes", path, a.status, a.header.Get("Content-Type"), len(a.body))
		}
		csp := a.header.Get("Content-Security-Policy")
		for _, must := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(csp, must) {
				t.Errorf("%s: the policy lacks %s: %q", path, must, csp)
			}
		}
		if packed := s.ask(t, "GET", path, "", nil, "Accept-Encoding", "gzip"); packed.header.Get("Content-Encoding") == "gzip" && len(packed.body) >= len(a.body) {
			t.Errorf("%s is no smaller packed", path)
		}
	}
	for _, path := range []string{"/app/nothing.js", "/app/index.html", "/app/", "/app/sources.sha256", "/app/..", "/dist/index.html", "/index.html"} {
		if a := s.ask(t, "GET", path, "", nil); a.status != http.StatusNotFound || string(a.body) != string(nothing.body) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

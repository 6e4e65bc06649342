package hooks

import (
	"net/http"
	"strings"

	"portolan/care"
)

// route is one method and path that the hub answers. Everything else is 404.
type route struct {
	method, path string
	guest        bool // for guests too
	open         bool // and a wrong token does no harm: this is where one gets a new one
	handle       handler
}

// pocketBaseDoors are those of PocketBase's own routes that stay open. All
// others are closed always, in the demo too: record API, files, batch,
// superusers, /api/sql, settings, backups, logs, crons, the dashboard.
var pocketBaseDoors = []route{
	{method: "GET", path: "/api/health", guest: true},
	{method: "HEAD", path: "/api/health", guest: true},
	{method: "GET", path: "/api/realtime", guest: true}, // EventSource sends no header; the subscription does
	{method: "POST", path: "/api/realtime"},
	{method: "POST", path: "/api/collections/accounts/auth-with-password", open: true},
	{method: "POST", path: "/api/collections/accounts/auth-refresh"},
}

// match finds the open door for a request. Paths are compared as they came:
// nothing is cleaned, unescaped twice or redirected.
func match(routes []route, method, path string) (route, bool) {
	for _, r := range routes {
		if r.method == method && fits(r.path, path) {
			return r, true
		}
	}
	return route{}, false
}

// segmentMax bounds an id or a collection's name in a path.
const segmentMax = 64

func fits(pattern, path string) bool {
	if !strings.Contains(pattern, "{") {
		return pattern == path
	}
	p, s := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(p) != len(s) {
		return false
	}
	for i := range p {
		if strings.HasPrefix(p[i], "{") {
			if s[i] == "" || len(s[i]) > segmentMax || strings.Trim(s[i], "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
				return false
			}
		} else if p[i] != s[i] {
			return false
		}
	}
	return true
}

// contentPolicy is for answers that are no page: they load nothing.
const contentPolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// doors stands before PocketBase's router, so that neither its redirects nor
// its lists of allowed methods say what lies behind.
func (f *Front) doors(next http.Handler) http.Handler {
	origin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = f.proxies.resolve(r)
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(self), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Robots-Tag", "noindex, nofollow")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		door, ok := match(f.routes, r.Method, r.URL.Path)
		if !ok || r.URL.RawPath != "" {
			f.answer(w, r, care.ErrNotFound)
			return
		}
		if err := origin.Check(r); err != nil {
			f.answer(w, r, errOrigin)
			return
		}
		if r.URL.RawQuery != "" || r.URL.ForceQuery {
			if door.handle != nil {
				f.answer(w, r, errQuery)
				return
			}
			// Stock clients may add fields= or expand=; neither means
			// anything here, and no address may end up in a log.
			r.URL.RawQuery, r.URL.ForceQuery = "", false
		}
		switch {
		case door.open:
			r.Header.Del("Authorization")
		case !door.guest && r.Header.Get("Authorization") == "":
			f.answer(w, r, errTokenMissing)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// routeOf is the pattern of a request's route, for the log: a path may hold
// an id.
func (f *Front) routeOf(r *http.Request) string {
	door, ok := match(f.routes, r.Method, r.URL.Path)
	if !ok {
		return "none"
	}
	return door.path
}

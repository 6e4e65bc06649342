package hooks

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"portolan/care"
)

// route is one method and path that the hub answers. Everything else is 404.
type route struct {
	method, path string
	guest        bool // for guests too
	open         bool // and a wrong token does no harm: this is where one gets a new one
	early        bool // also for who has given their password and not yet the second factor
	bearer       bool // also for a tablet's token of some minutes
	ended        bool // also for a tablet that was revoked: it delivers
	last         bool // its answer is heard also by whom it ends
	often        bool // a line that breaks after a few kilobytes asks it again and again
	acts         bool // its answer says what was done and holds no record
	handle       handler
}

// pocketBaseDoors are those of PocketBase's own routes that stay open. All
// others are closed always, in the demo too: record API, files, batch,
// superusers, /api/sql, settings, backups, logs, crons, the dashboard.
var pocketBaseDoors = []route{
	{method: "GET", path: "/api/health", guest: true},
	{method: "HEAD", path: "/api/health", guest: true},
	{method: "GET", path: "/api/realtime", guest: true, bearer: true}, // EventSource sends no header; the subscription does
	{method: "POST", path: "/api/realtime", bearer: true},
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
			letters := "abcdefghijklmnopqrstuvwxyz0123456789_-"
			if p[i] == "{file}" && !strings.HasPrefix(s[i], ".") {
				letters += "." // of the app; every other segment is an id or the name of a collection
			}
			if s[i] == "" || len(s[i]) > segmentMax || strings.Trim(s[i], letters) != "" {
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
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = overridden(f.proxies.resolve(r))
		r = r.WithContext(context.WithValue(r.Context(), patienceKey{}, f.patience))
		guarded(w.Header(), r.TLS != nil)
		err := f.bounded(w, r)
		var door route
		if err == nil {
			door, err = f.enter(r)
		}
		if err == nil && f.hub.Locked() {
			err = f.whileLocked(w, r, door)
		}
		if err == nil && door.handle == nil {
			err = knownBody(w, r)
		}
		if err != nil {
			f.answer(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// bounded gives a body the time of a small one, read or not: the server waits
// for what a handler leaves of it. Whoever reads a large one asks for more.
func (f *Front) bounded(w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(f.patience.small))
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

// guarded sets what every answer carries, errors too: nothing is kept, framed,
// sniffed, sent to another site or run (OWASP ASVS 5.0, V3.4).
func guarded(h http.Header, overTLS bool) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(self), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	if overTLS {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
}

// enter finds the open door for a request, or says why there is none.
func (f *Front) enter(r *http.Request) (route, error) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if err := f.meter.take("address:"+addressKey(host), f.cfg.Rates.Address); err != nil {
		return route{}, err
	}
	door, ok := match(f.routes, r.Method, r.URL.Path)
	if !ok || r.URL.RawPath != "" {
		return route{}, care.ErrNotFound
	}
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		return route{}, errOrigin
	}
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		if door.handle != nil {
			return route{}, errQuery
		}
		// Stock clients may add fields= or expand=; neither means anything
		// here, and no address may end up in a log.
		r.URL.RawQuery, r.URL.ForceQuery = "", false
	}
	if err := f.stockHealth(r, door); err != nil {
		return route{}, err
	}
	switch {
	case door.open:
		r.Header.Del("Authorization")
	case !door.guest && r.Header.Get("Authorization") == "":
		return route{}, errTokenMissing
	}
	return door, nil
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

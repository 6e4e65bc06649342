package hooks

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/web"
)

// appPolicy is for the app: what it runs, shows and asks comes from this hub
// and from nowhere else, and text never becomes markup (Trusted Types).
const appPolicy = contentPolicy + "; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; font-src 'self'; connect-src 'self'" +
	"; manifest-src 'self'; worker-src 'self'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html portolan-worker"

// appPage is the app's one page. It holds nothing of anybody and is the same
// for all, at a locked hub too.
func (f *Front) appPage(e *core.RequestEvent, _ care.Actor) error {
	return appFile(e, "index.html")
}

// appPart is any other file of the app.
func (f *Front) appPart(e *core.RequestEvent, _ care.Actor) error {
	return appFile(e, strings.TrimPrefix(e.Request.URL.Path, "/"))
}

func appFile(e *core.RequestEvent, name string) error {
	file, ok := web.Find(name)
	if !ok {
		return care.ErrNotFound
	}
	h := e.Response.Header()
	h.Set("Content-Security-Policy", appPolicy)
	h.Set("Content-Type", file.Type)
	h.Set("Vary", "Accept-Encoding")
	body := file.Plain
	if file.Packed != nil && takesGzip(e.Request) {
		h.Set("Content-Encoding", "gzip")
		body = file.Packed
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	e.Response.WriteHeader(http.StatusOK)
	if e.Request.Method == http.MethodHead {
		return nil
	}
	_, err := e.Response.Write(body)
	return err
}

package hooks

import (
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
)

// documentFile sends the bytes of a paper to whoever may print it.
func (f *Front) documentFile(e *core.RequestEvent, a care.Actor) error {
	name, b, err := f.hub.DocumentFile(e.Request.Context(), a, e.Request.PathValue("id"))
	if err != nil {
		return err
	}
	rc := http.NewResponseController(e.Response)
	if err := rc.SetWriteDeadline(time.Now().Add(bodyWhole)); err != nil { // a paper over a slow line
		return err
	}
	h := e.Response.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	e.Response.WriteHeader(http.StatusOK)
	_, err = e.Response.Write(b)
	return err
}

// handOut notes that a paper was given to the person.
func (f *Front) handOut(e *core.RequestEvent, a care.Actor) error {
	id := e.Request.PathValue("id")
	if err := f.hub.HandOut(e.Request.Context(), a, id); err != nil {
		return err
	}
	return reply(e, struct {
		HandedOut string `json:"handed_out"`
	}{id})
}

package hooks

import (
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/collections"
)

// documentFile sends the bytes of a document to whoever may have them, always
// to be saved.
func (f *Front) documentFile(e *core.RequestEvent, a care.Actor) error {
	release, err := f.files.take(e.Request.Context(), a)
	if err != nil {
		return err
	}
	defer release()
	c, err := f.hub.File(e.Request.Context(), a, e.Request.PathValue("id"))
	if err != nil {
		return err
	}
	return sendFile(e, c.Name, c.Type, c.Bytes)
}

// keepFile takes the bytes of a document whose record is there. What they are
// is said in Content-Type; a name is not asked for.
func (f *Front) keepFile(e *core.RequestEvent, a care.Actor) error {
	switch {
	case e.Request.Header.Get("Content-Encoding") != "":
		return errBodyPacked
	case e.Request.ContentLength > collections.ContentBytesMax:
		return collections.ErrContentTooLarge
	}
	release, err := f.uploads.take(e.Request.Context(), a)
	if err != nil {
		return err
	}
	defer release()
	kind, _, _ := strings.Cut(e.Request.Header.Get("Content-Type"), ";")
	body := newPatient(e.Response, e.Request, rawBody(e), collections.ContentBytesMax)
	kept, err := f.hub.KeepContent(e.Request.Context(), a, e.Request.PathValue("id"), strings.ToLower(strings.TrimSpace(kind)), body)
	if body.broken != nil {
		return errBodyBroken
	}
	if err != nil {
		return err
	}
	return reply(e, kept)
}

// sendFile sends bytes to be saved under a name, never to be shown in the
// hub's own name. Whoever takes nothing of them for a while is cut.
func sendFile(e *core.RequestEvent, name, kind string, b []byte) error {
	h := e.Response.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("Content-Security-Policy", contentPolicy+"; sandbox")
	rc, waits := http.NewResponseController(e.Response), patienceWith(e.Request)
	for end := time.Now().Add(waits.whole); len(b) > 0; {
		next := time.Now().Add(waits.take)
		if next.After(end) {
			next = end
		}
		if err := rc.SetWriteDeadline(next); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		part := b[:min(len(b), streamFlush)]
		if _, err := e.Response.Write(part); err != nil {
			return err
		}
		b = b[len(part):]
	}
	return nil
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

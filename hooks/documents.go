package hooks

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net/http"
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
	defer c.Bytes.Close()
	return sendFile(e, c)
}

// sendFile sends bytes to be saved under a name, never to be shown in the
// hub's own name: all of them, or those that Range asks for, so that a line
// that broke takes only what is missing. Whoever takes nothing of them for a
// while is cut.
func sendFile(e *core.RequestEvent, c collections.Content) error {
	h := e.Response.Header()
	h.Set("Content-Type", c.Type)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": c.Name}))
	h.Set("Content-Security-Policy", contentPolicy+"; sandbox")
	h.Set("ETag", `"`+c.Tag+`"`)
	if sum, err := hex.DecodeString(c.Sum); err == nil && len(sum) > 0 {
		h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum)+":") // RFC 9530: of the whole, also of a part of it
	}
	waits := patienceWith(e.Request)
	w := &waiting{ResponseWriter: e.Response, rc: http.NewResponseController(e.Response), take: waits.take, end: time.Now().Add(waits.whole)}
	from := &watched{ReadSeeker: c.Bytes}
	http.ServeContent(w, e.Request, "", time.Time{}, from)
	switch {
	case w.beyond:
		h.Set("Cache-Control", "no-store") // which ServeContent took away
		return errRange
	case from.err != nil:
		return from.err
	}
	return w.err
}

// waiting is an answer whose every piece must be taken within a time, and the
// whole within another.
type waiting struct {
	http.ResponseWriter
	rc     *http.ResponseController
	take   time.Duration
	end    time.Time
	beyond bool // nothing of what was asked for is there: the answer is ours
	err    error
}

func (w *waiting) WriteHeader(code int) {
	if w.beyond = code == http.StatusRequestedRangeNotSatisfiable; !w.beyond {
		w.ResponseWriter.WriteHeader(code)
	}
}

func (w *waiting) Write(b []byte) (n int, err error) {
	if w.beyond {
		return len(b), nil
	}
	defer func() { w.err = err }()
	next := time.Now().Add(w.take)
	if next.After(w.end) {
		next = w.end
	}
	if err := w.rc.SetWriteDeadline(next); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return w.ResponseWriter.Write(b)
}

// watched remembers why what is sent could not be read.
type watched struct {
	io.ReadSeeker
	err error
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.ReadSeeker.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

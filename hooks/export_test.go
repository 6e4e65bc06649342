package hooks

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"

	"portolan/collections"
)

// Stall sets how long a realtime connection may take nothing.
func (f *Front) Stall(d time.Duration) { f.stall = d }

// TendEach sets how often the hub does what time brings about. Call it before it
// serves.
func (f *Front) TendEach(d time.Duration) { f.tick = d }

// Listening counts realtime connections, and those whose owner is not known.
func (f *Front) Listening() (connections, guests int) {
	f.wake.mu.Lock()
	defer f.wake.mu.Unlock()
	return len(f.wake.byID), f.wake.guests
}

// Hurry shortens how long the hub waits for bytes. Call it before it serves.
func (f *Front) Hurry(d time.Duration) {
	f.patience = patience{stall: d, grace: 2 * d, pace: 1 << 20, whole: 100 * d, small: 2 * d, take: d}
	f.server.ReadHeaderTimeout = d
}

// Crowd bounds connections. Call it before the front serves.
func (f *Front) Crowd(all, each int) { f.lines.max, f.lines.eachMax = all, each }

// Sending answers everything with a file, and tells how that ended.
func Sending(take time.Duration, b []byte, ended chan<- error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		waits := usualPatience
		waits.take = take
		r = r.WithContext(context.WithValue(r.Context(), patienceKey{}, waits))
		ended <- sendFile(&core.RequestEvent{Event: router.Event{Response: w, Request: r}}, collections.Content{Name: "file.bin", Type: "application/octet-stream", Bytes: struct {
			*bytes.Reader
			io.Closer
		}{bytes.NewReader(b), nil}})
	})
}

// AnswerWithin sets the server's own bound on an answer. Call it before the
// front serves.
func (f *Front) AnswerWithin(d time.Duration) { f.server.WriteTimeout = d }

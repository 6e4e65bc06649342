package hooks

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/collections"
	fieldsync "portolan/sync"
)

// sync is one round trip of a tablet: changes up; evictions, receipts, new
// scopes, changed fields, the digest and the next cursor down
// (docs/protocol.md).
func (f *Front) sync(e *core.RequestEvent, a care.Actor) error {
	c, err := contactOf(e)
	if err != nil {
		return err
	}
	if c.Ended {
		return f.dismiss(e, c)
	}
	got, err := f.take(e, c)
	if err != nil {
		return err
	}
	// What this very push took from its author, or time did, is known to what
	// follows.
	if err := f.hub.EndOver(e.Request.Context()); err != nil {
		return err
	}
	if g, ok := e.Response.(*cuttable); ok {
		g.renew()
	}
	to := &answer{f: f, ctx: e.Request.Context(), s: newStream(e, ndjson), got: got, seen: got.push.Seen}
	ask := collections.Ask{Cursor: got.push.Cursor, Check: got.push.Check, Again: got.push.Again}
	if got.push.Own {
		ask.Own = got.Own
	}
	if err := f.hub.Answer(to.ctx, a, ask, to); err != nil {
		return err
	}
	return to.s.end()
}

// answer is the answer of one round trip, as the hub fills it.
type answer struct {
	f    *Front
	ctx  context.Context
	s    *stream
	got  taken
	told bool
	seen uint64 // size of the audit log as the tablet will know it
}

// Line takes a line. Evictions come before Disclose was called: a tablet must
// lose what it may not keep even if the line breaks after the first bytes.
func (w *answer) Line(line []byte) error { return w.s.line(line) }

// Disclose sends what stands before everything that is disclosed: the receipts,
// the lease and the key to seal to, once, and the head of the audit log in which the disclosure
// stands already.
func (w *answer) Disclose(news bool) error {
	if !w.told {
		w.told = true
		if len(w.got.Receipts) > 0 {
			news = true
			if err := w.s.send(fieldsync.Line{Receipts: w.got.Receipts}); err != nil {
				return err
			}
		}
		if w.got.lease != nil {
			if err := w.s.send(fieldsync.Line{Lease: w.got.lease}); err != nil {
				return err
			}
		}
		if w.got.hubKey != nil {
			if err := w.s.send(fieldsync.Line{HubKey: w.got.hubKey}); err != nil {
				return err
			}
		}
	}
	head, size, err := w.f.hub.LogHeadFor(w.ctx, w.seen, news)
	if err != nil || size == 0 {
		return err
	}
	w.seen = size
	return w.s.send(fieldsync.Line{Log: &head})
}

// Flush hands on what the tablet can keep.
func (w *answer) Flush() error { return w.s.handOn() }

// taken is what became of a push.
type taken struct {
	collections.Taken
	push   fieldsync.Push
	lease  *fieldsync.Lease  // where the tablet needs another one
	hubKey *fieldsync.HubKey // and a key to which it seals
}

// take reads a push and hands it to the door.
func (f *Front) take(e *core.RequestEvent, c collections.Contact) (got taken, err error) {
	ctx := e.Request.Context()
	release, err := f.readers.take(ctx, c.Actor)
	if err != nil {
		return got, err
	}
	defer release()
	body, err := readBody(e, fieldsync.PushBytesMax)
	if err != nil {
		return got, err
	}
	if got.push, err = fieldsync.DecodePush(body); err != nil {
		return got, err
	}
	if got.push.Replica != c.Replica {
		return got, collections.ErrReplica
	}
	if got.lease, err = f.hub.Meet(ctx, c, got.push); err != nil {
		return got, err
	}
	if !c.Ended {
		if got.hubKey, err = f.hub.UnsentKeyFor(ctx, c.Org, got.push.HubKey); err != nil {
			return got, err
		}
	}
	got.Taken, err = f.hub.Take(ctx, c.Actor, got.push)
	return got, err
}

const ndjson = "application/x-ndjson; charset=utf-8"

// Sizes of a streamed answer.
const (
	streamPlainMax = 1 << 10 // an answer up to this size is not worth compressing
	streamFlush    = 32 << 10
)

// stream writes an answer line by line, compressed where the client can take
// that and the answer is not tiny. It bounds each write, not the whole.
type stream struct {
	e     *core.RequestEvent
	rc    *http.ResponseController
	buf   bytes.Buffer
	zip   *gzip.Writer // nil while the answer is tiny, or the client takes none
	begun bool
}

var zippers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

func newStream(e *core.RequestEvent, kind string) *stream {
	h := e.Response.Header()
	h.Set("Content-Type", kind)
	h.Set("Vary", "Accept-Encoding")
	return &stream{e: e, rc: http.NewResponseController(e.Response)}
}

func (s *stream) line(b []byte) error {
	if s.zip == nil {
		s.buf.Write(b)
		s.buf.WriteByte('\n')
		if !s.begun && s.buf.Len() > streamPlainMax {
			return s.begin()
		}
	} else if _, err := s.zip.Write(append(b, '\n')); err != nil {
		return err
	}
	if s.begun && s.buf.Len() >= streamFlush {
		return s.flush()
	}
	return nil
}

// send is line for a line of the protocol.
func (s *stream) send(l fieldsync.Line) error {
	return s.line(bytes.TrimSuffix(l.AppendJSON(nil), []byte{'\n'}))
}

// handOn sends everything that was written, unless the answer is tiny still.
func (s *stream) handOn() error {
	if !s.begun {
		return nil
	}
	if s.zip != nil {
		if err := s.zip.Flush(); err != nil {
			return err
		}
	}
	return s.flush()
}

// begin decides how the answer is sent, once it is known not to be tiny.
func (s *stream) begin() error {
	s.begun = true
	if !takesGzip(s.e.Request) {
		return nil
	}
	s.e.Response.Header().Set("Content-Encoding", "gzip")
	plain := bytes.Clone(s.buf.Bytes())
	s.buf.Reset()
	s.zip = zippers.Get().(*gzip.Writer)
	s.zip.Reset(&s.buf)
	_, err := s.zip.Write(plain)
	return err
}

func (s *stream) flush() error {
	if err := s.rc.SetWriteDeadline(time.Now().Add(patienceWith(s.e.Request).take)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := s.e.Response.Write(s.buf.Bytes()); err != nil {
		return err
	}
	s.buf.Reset()
	if err := s.rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

func (s *stream) end() error {
	if s.zip != nil {
		if err := s.zip.Close(); err != nil {
			return err
		}
		zippers.Put(s.zip)
		s.zip = nil
	}
	return s.flush()
}

func takesGzip(r *http.Request) bool {
	for _, part := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") && strings.ReplaceAll(q, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

package hooks

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	fieldsync "portolan/sync"
)

const ndjson = "application/x-ndjson; charset=utf-8"

// Sizes of a streamed answer.
const (
	streamPlainMax = 1 << 10 // an answer up to this size is not worth compressing
	streamFlush    = 32 << 10
)

// From how many bytes on lines that were packed before are set into the answer
// as they are. That costs no time, and some bytes: what stands before them does
// not help to pack them, nor they what follows. Where more answers are under way
// than there are processors, time counts for more.
const (
	setInFrom     = 64 << 10
	setInFromBusy = 8 << 10
)

// stream writes an answer line by line, compressed where the client can take
// that and the answer is not tiny. It bounds each write, not the whole.
type stream struct {
	e     *core.RequestEvent
	rc    *http.ResponseController
	buf   bytes.Buffer
	zip   *zipped // nil while the answer is tiny, or the client takes none
	begun bool
	turn  turn // to work on the answer; nil where nobody counts them

	setIn *fieldsync.Packed // lines that are being set in as they are
	part  int               // the part of them that was, and
	since int               // how many bytes were written behind it
}

func newStream(e *core.RequestEvent, kind string) *stream {
	h := e.Response.Header()
	h.Set("Content-Type", kind)
	h.Set("Vary", "Accept-Encoding")
	return &stream{e: e, rc: http.NewResponseController(e.Response)}
}

func (s *stream) line(b []byte) error { return s.write(b, []byte{'\n'}) }

func (s *stream) write(pieces ...[]byte) error {
	for _, b := range pieces {
		s.since += len(b)
		switch {
		case s.zip == nil:
			s.buf.Write(b)
		case s.setIn != nil && s.part+1 < len(s.setIn.Parts) && s.since <= s.setIn.Gap:
			s.zip.store(b)
		default:
			if err := s.zip.write(b); err != nil {
				return err
			}
		}
	}
	if !s.begun && s.buf.Len() > streamPlainMax {
		return s.begin()
	}
	return s.flushLong()
}

func (s *stream) flushLong() error {
	if s.begun && s.buf.Len() >= streamFlush {
		return s.flush()
	}
	return nil
}

// packed writes a part of lines that were packed before: as it is, where it
// stands behind what it refers to and is worth it.
func (s *stream) packed(p *fieldsync.Packed, part int) error {
	if !s.begun {
		if err := s.begin(); err != nil {
			return err
		}
	}
	follows := part > 0 && s.setIn == p && s.part == part-1 && s.since == p.Gap
	if s.zip != nil && (follows || part == 0 && s.worthSettingIn(p)) {
		if err := s.zip.set(&p.Parts[part]); err != nil {
			return err
		}
		s.setIn, s.part, s.since = p, part, 0
		return s.flushLong()
	}
	s.setIn = nil
	plain, err := p.Plain(part)
	if err != nil {
		return err
	}
	return s.write(plain)
}

func (s *stream) worthSettingIn(p *fieldsync.Packed) bool {
	if s.crowded() {
		return p.Size() >= setInFromBusy
	}
	return p.Size() >= setInFrom
}

// turn is a collections.Turn.
type turn interface {
	Crowded() bool
	Rest(wait func() error) error
}

func (s *stream) crowded() bool { return s.turn != nil && s.turn.Crowded() }

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
		if err := s.zip.align(); err != nil {
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
	how := thorough
	if s.crowded() {
		how = hurried
	}
	s.zip = newZipped(&s.buf, how)
	return s.zip.write(plain)
}

func (s *stream) flush() error {
	if err := s.rc.SetWriteDeadline(time.Now().Add(patienceWith(s.e.Request).take)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	give := func() error {
		if _, err := s.e.Response.Write(s.buf.Bytes()); err != nil {
			return err
		}
		s.buf.Reset()
		if err := s.rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		return nil
	}
	if s.turn == nil {
		return give()
	}
	return s.turn.Rest(give) // whoever waits for a line does not need the processor
}

func (s *stream) end() error {
	if s.zip != nil {
		if err := s.zip.end(); err != nil {
			return err
		}
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

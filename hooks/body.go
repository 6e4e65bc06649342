package hooks

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"

	"portolan/care"
)

// Limits of a request's body, in bytes after unpacking.
const (
	smallBodyMax = 64 << 10
	depthMax     = 32 // nested arrays and objects
)

// patience is how long the hub waits for bytes to come or to be taken. A large
// body may take as long as its line needs, while it moves; a small one, which
// is all that a guest may send, holds nothing for long.
type patience struct {
	stall time.Duration // without one byte of a body
	grace time.Duration // before a large body must have kept the pace
	pace  int64         // bytes a second, slower than any line that is of use
	whole time.Duration // a large body, or a paper that is sent
	small time.Duration // a small body
	take  time.Duration // a client that takes nothing of an answer is cut
}

var usualPatience = patience{stall: 30 * time.Second, grace: time.Minute, pace: 64, whole: 20 * time.Minute, small: 10 * time.Second, take: time.Minute}

// patienceKey is where the doors leave their patience in a request's context.
type patienceKey struct{}

func patienceWith(r *http.Request) patience {
	if p, ok := r.Context().Value(patienceKey{}).(patience); ok {
		return p
	}
	return usualPatience
}

func badBody(code, hint string) *care.Error {
	return &care.Error{Code: code, Kind: care.Invalid, Hint: hint}
}

var (
	errBodyTooLarge = &care.Error{Code: "body_too_large", Kind: care.TooLarge, Hint: "Send it in smaller parts."}
	errBodyEmpty    = badBody("body_empty", "Send a JSON object.")
	errBodyUTF8     = badBody("body_not_utf8", "Send JSON in UTF-8.")
	errBodyDepth    = badBody("body_too_deep", "The JSON is nested too deeply.")
	errBodyJSON     = badBody("body_malformed", "The body is not one whole JSON value.")
	errBodyTwice    = badBody("body_member_twice", "A member of the body is named twice.")
	errBodyUnknown  = badBody("body_unknown_field", "The body has a member that this hub does not know.")
	errBodyType     = badBody("body_wrong_type", "A member of the body has the wrong type.")
	errBodyGzip     = badBody("body_bad_gzip", "The body is not what Content-Encoding says.")
	errBodyEncoding = badBody("body_encoding_unknown", "Content-Encoding may be gzip or identity.")
	errBodyPacked   = badBody("body_encoding_unknown", "Send the file as it is, without Content-Encoding.")
	errBodyKind     = badBody("body_not_json", "Send Content-Type: application/json.")
	errBodyBroken   = badBody("body_broken_off", "The body ended before its end. Send it again.")
)

// decode reads the JSON body of a request into v, and refuses whatever is
// not exactly of that shape.
func decode(e *core.RequestEvent, limit int64, v any) error {
	b, err := readBody(e, limit)
	if err != nil {
		return err
	}
	return decodeStrict(b, v)
}

func readBody(e *core.RequestEvent, limit int64) ([]byte, error) {
	return readJSON(e.Response, e.Request, rawBody(e), limit)
}

// rawBody is a request's body as it comes. PocketBase keeps a second copy,
// above 32 MB in a file: what a tablet sends must not lie in /tmp.
func rawBody(e *core.RequestEvent) io.Reader {
	if re, ok := e.Request.Body.(*router.RereadableReadCloser); ok {
		return re.ReadCloser
	}
	return e.Request.Body
}

// readJSON reads a body that says it is JSON, unpacked, up to a limit.
func readJSON(w http.ResponseWriter, r *http.Request, body io.Reader, limit int64) ([]byte, error) {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/json") {
		return nil, errBodyKind
	}
	if r.ContentLength > limit {
		return nil, errBodyTooLarge
	}
	body = newPatient(w, r, body, limit)
	sent, sum := body, sha256.New()
	want, signed := r.Context().Value(signedBody{}).([sha256.Size]byte)
	if signed {
		sent = io.TeeReader(body, sum)
		body = sent
	}
	switch enc := strings.ToLower(r.Header.Get("Content-Encoding")); enc {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, errBodyGzip
		}
		defer z.Close()
		body = z
	default:
		return nil, errBodyEncoding
	}
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
	switch {
	case int64(len(b)) > limit:
		return nil, errBodyTooLarge
	case errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader):
		return nil, errBodyGzip
	case err != nil:
		return nil, errBodyBroken
	}
	if signed {
		// What stands behind the packed part was signed too.
		if _, err := io.Copy(io.Discard, io.LimitReader(sent, limit)); err != nil {
			return nil, errBodyBroken
		}
		if [sha256.Size]byte(sum.Sum(nil)) != want {
			return nil, errBodySigned
		}
	}
	return b, nil
}

// patient reads a body with a deadline that moves on with each read, and with
// how much has come: one byte a second is no line but somebody who holds a
// place.
type patient struct {
	patience
	body  io.Reader
	rc    *http.ResponseController
	begun time.Time
	end   time.Time
	read  int64

	mu      sync.Mutex
	stopped time.Time // nothing is read after this moment, where it is set

	broken error // why there was no more, where that was not the end
}

var errStopped = errors.New("somebody else goes on with it")

// stop ends the reading, also from elsewhere and in the middle: at once, or
// after what has arrived already, which the sender shall not send again.
func (p *patient) stop(after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped.IsZero() || after == 0 {
		p.stopped = time.Now().Add(after)
		// A connection without deadlines is none of ours; it ends by itself.
		_ = p.rc.SetReadDeadline(p.stopped)
	}
}

// arrived is how long what has arrived of a body may take to be read, once
// somebody else waits to go on.
const arrived = 200 * time.Millisecond

func newPatient(w http.ResponseWriter, r *http.Request, body io.Reader, limit int64) *patient {
	p := &patient{patience: patienceWith(r), body: body, rc: http.NewResponseController(w), begun: time.Now()}
	p.end = p.begun.Add(p.whole)
	if limit <= smallBodyMax {
		p.end = p.begun.Add(p.small)
	}
	return p
}

func (p *patient) Read(b []byte) (int, error) {
	next := time.Now().Add(p.stall)
	paced := p.begun.Add(p.grace + time.Duration(p.read/p.pace)*time.Second)
	for _, t := range []time.Time{paced, p.end} {
		if next.After(t) {
			next = t
		}
	}
	// The server's own bound on an answer counts from the headers: whoever
	// takes long to send must still hear what became of it.
	if err := p.wait(next); err != nil {
		p.broken = err
		return 0, err
	}
	n, err := p.body.Read(b)
	p.read += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		p.broken = err
		if p.wait(next) != nil {
			p.broken = errStopped
		}
	}
	return n, err
}

// wait gives the next bytes until a moment to come.
func (p *patient) wait(until time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopped.IsZero() {
		if time.Now().Before(p.stopped) {
			return nil
		}
		return errStopped
	}
	for _, err := range []error{p.rc.SetReadDeadline(until), p.rc.SetWriteDeadline(until.Add(usualPatience.take))} {
		if err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
	}
	return nil
}

// knownBody reads the body of one of PocketBase's own routes, which would take
// 32 MB, forms, and JSON with a member twice, and puts it back. No body is one
// too: refreshing a token has none.
func knownBody(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost || r.ContentLength == 0 && len(r.TransferEncoding) == 0 {
		return nil
	}
	b, err := readJSON(w, r, r.Body, smallBodyMax)
	if err != nil {
		return err
	}
	if len(b) > 0 {
		if err := strict(b); err != nil {
			return err
		}
	}
	r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(b)), int64(len(b)), nil
	r.Header.Del("Content-Encoding")
	return nil
}

// decodeStrict reads exactly one JSON value.
func decodeStrict(b []byte, v any) error {
	if err := strict(b); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	var typ *json.UnmarshalTypeError
	switch {
	case err == nil:
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return errBodyJSON
		}
		return nil
	case errors.As(err, &typ):
		return errBodyType
	case strings.HasPrefix(err.Error(), "json: unknown field"): // encoding/json has no type for it
		return errBodyUnknown
	}
	return errBodyJSON
}

// strict refuses what encoding/json would take in silence, so that nobody can
// mean one thing and be read as another: half a character, and a member named
// twice, of which the last would win (RFC 8259 §4).
func strict(b []byte) error {
	switch {
	case len(bytes.TrimSpace(b)) == 0:
		return errBodyEmpty
	case !utf8.Valid(b) || care.LoneSurrogate(b):
		return errBodyUTF8
	case tooDeep(b, depthMax):
		return errBodyDepth
	}
	return membersOnce(b)
}

// membersOnce refuses an object that names a member twice, also in another
// case: encoding/json would take the two for one.
func membersOnce(b []byte) error {
	type object struct {
		names map[string]bool
		value bool // what comes next is a value, no name
	}
	var open []*object // nil for an array
	d := json.NewDecoder(bytes.NewReader(b))
	for {
		t, err := d.Token()
		switch {
		case errors.Is(err, io.EOF):
			return nil // whether it is whole is for whoever decodes it
		case err != nil:
			return errBodyJSON
		}
		var in *object
		if len(open) > 0 {
			in = open[len(open)-1]
		}
		switch name, isText := t.(string); {
		case t == json.Delim('}') || t == json.Delim(']'):
			open = open[:len(open)-1]
			continue
		case in != nil && isText && !in.value:
			if name = strings.ToLower(name); in.names[name] {
				return errBodyTwice
			}
			in.names[name], in.value = true, true
			continue
		case in != nil:
			in.value = false
		}
		switch t {
		case json.Delim('{'):
			open = append(open, &object{names: map[string]bool{}})
		case json.Delim('['):
			open = append(open, nil)
		}
	}
}

// tooDeep says whether JSON is nested deeper than max, before anything
// recurses into it.
func tooDeep(b []byte, max int) bool {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > max {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// writeJSON answers with one JSON value.
func writeJSON(w http.ResponseWriter, r *http.Request, code int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic("hooks: encoding an answer: " + err.Error()) // answers are plain structs
	}
	// An answer that comes late, from a hub with much to do, is heard too; one
	// that cannot be given any more is not missed.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTimeout))
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		w.Write(append(b, '\n')) // whoever hung up does not read the error either
	}
}

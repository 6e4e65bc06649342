package hooks

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
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

// A body may take as long as its line needs, while it moves.
const (
	bodyStall = 30 * time.Second // without one byte
	bodyWhole = 20 * time.Minute
)

func badBody(code, hint string) *care.Error {
	return &care.Error{Code: code, Kind: care.Invalid, Hint: hint}
}

var (
	errBodyTooLarge = &care.Error{Code: "body_too_large", Kind: care.TooLarge, Hint: "Send it in smaller parts."}
	errBodyEmpty    = badBody("body_empty", "Send a JSON object.")
	errBodyUTF8     = badBody("body_not_utf8", "Send JSON in UTF-8.")
	errBodyDepth    = badBody("body_too_deep", "The JSON is nested too deeply.")
	errBodyJSON     = badBody("body_malformed", "The body is not one whole JSON value.")
	errBodyUnknown  = badBody("body_unknown_field", "The body has a member that this hub does not know.")
	errBodyType     = badBody("body_wrong_type", "A member of the body has the wrong type.")
	errBodyGzip     = badBody("body_bad_gzip", "The body is not what Content-Encoding says.")
	errBodyEncoding = badBody("body_encoding_unknown", "Content-Encoding may be gzip or identity.")
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
	kind, _, _ := strings.Cut(e.Request.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/json") {
		return nil, errBodyKind
	}
	if e.Request.ContentLength > limit {
		return nil, errBodyTooLarge
	}
	// PocketBase keeps a second copy of a body, above 32 MB in a file. What a
	// tablet sends must not lie in /tmp.
	body := e.Request.Body
	if re, ok := body.(*router.RereadableReadCloser); ok {
		body = re.ReadCloser
	}
	var r io.Reader = &patient{body: body, rc: http.NewResponseController(e.Response), end: time.Now().Add(bodyWhole)}
	switch enc := strings.ToLower(e.Request.Header.Get("Content-Encoding")); enc {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, errBodyGzip
		}
		defer z.Close()
		r = z
	default:
		return nil, errBodyEncoding
	}
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case int64(len(b)) > limit:
		return nil, errBodyTooLarge
	case errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader):
		return nil, errBodyGzip
	case err != nil:
		return nil, errBodyBroken
	}
	return b, nil
}

// patient reads a body with a deadline that moves on with each read.
type patient struct {
	body io.Reader
	rc   *http.ResponseController
	end  time.Time
}

func (p *patient) Read(b []byte) (int, error) {
	next := time.Now().Add(bodyStall)
	if next.After(p.end) {
		next = p.end
	}
	if err := p.rc.SetReadDeadline(next); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return p.body.Read(b)
}

// decodeStrict reads exactly one JSON value.
func decodeStrict(b []byte, v any) error {
	switch {
	case len(bytes.TrimSpace(b)) == 0:
		return errBodyEmpty
	case !utf8.Valid(b):
		return errBodyUTF8
	case tooDeep(b, depthMax):
		return errBodyDepth
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
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		w.Write(append(b, '\n')) // whoever hung up does not read the error either
	}
}

package fieldsync

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"testing"

	"portolan/care"
)

type lineVector struct {
	Name   string                   `json:"name"`
	Line   string                   `json:"line"`
	Code   string                   `json:"code,omitempty"`   // for which it is refused
	Reads  string                   `json:"reads,omitempty"`  // as this program writes what it read; of a row all but its fields
	Fields map[string]fieldOfVector `json:"fields,omitempty"` // of a row
}

type fieldOfVector struct {
	Heads  []Version `json:"h"`
	Digest string    `json:"digest"`
}

// refusal is the code of an error, "" where there is none.
func refusal(err error) string {
	if err == nil {
		return ""
	}
	return care.CodeOf(err)
}

// TestLineVectors replays lines of an answer: what a row's registers are, and
// what is refused.
func TestLineVectors(t *testing.T) {
	replay(t, "lines.json", func(t *testing.T, v *lineVector) {
		l, err := DecodeLine([]byte(v.Line))
		v.Code, v.Reads, v.Fields = refusal(err), "", nil
		if err != nil {
			return
		}
		if l.Row != nil {
			v.Fields = map[string]fieldOfVector{}
			for name, r := range l.Row.Fields {
				v.Fields[name] = fieldOfVector{r.Heads, DigestOf(l.Row.Scope, l.Row.Record, name, r.Dots()).String()}
			}
			l.Row.Fields = nil
		}
		v.Reads = string(bytes.TrimSuffix(l.AppendJSON(nil), []byte("\n")))
	})
}

type changeVector struct {
	Name   string `json:"name"`
	Change string `json:"change"`
	Code   string `json:"code,omitempty"`  // for which it is refused
	Again  string `json:"again,omitempty"` // as this program writes what it read
}

// TestChangeVectors replays changes: what is refused and by which code, and
// how what is read is written.
func TestChangeVectors(t *testing.T) {
	replay(t, "changes.json", func(t *testing.T, v *changeVector) {
		c, err := DecodeChange([]byte(v.Change))
		v.Code, v.Again = refusal(err), ""
		if err == nil {
			v.Again = string(EncodeChange(c))
		}
	})
}

type requestVector struct {
	Name          string `json:"name"`
	Seed          string `json:"seed"` // of the Ed25519 key, hex
	Replica       string `json:"replica"`
	Method        string `json:"method"`
	Path          string `json:"path"`
	At            int64  `json:"at"`
	Body          string `json:"body"` // as it is sent, base64
	Message       string `json:"message"`
	Authorization string `json:"authorization"`
}

// TestRequestVectors replays signed requests.
func TestRequestVectors(t *testing.T) {
	replay(t, "requests.json", func(t *testing.T, v *requestVector) {
		seed, err := hex.DecodeString(v.Seed)
		if err != nil || len(seed) != ed25519.SeedSize {
			t.Fatalf("%s: a seed of %d bytes, %v", v.Name, len(seed), err)
		}
		body, err := base64.StdEncoding.DecodeString(v.Body)
		if err != nil {
			t.Fatal(err)
		}
		key := ed25519.NewKeyFromSeed(seed)
		r := RequestOf(v.Replica, v.Method, v.Path, body, v.At)
		v.Message, v.Authorization = string(r.message()), r.Authorization(key)
		again, sig, err := ParseRequest(v.Authorization, v.Method, v.Path)
		if err != nil || !again.Verify(key.Public().(ed25519.PublicKey), sig) {
			t.Errorf("%s: the header does not read back: %v", v.Name, err)
		}
	})
}

type valueVector struct {
	Name  string   `json:"name"`
	Field wireType `json:"field"`
	// List is the field's code list, as it is now.
	List  *care.CodeList  `json:"list,omitempty"`
	Typed json.RawMessage `json:"typed"`
	Value string          `json:"value,omitempty"` // the canonical form, byte for byte
	Code  string          `json:"code,omitempty"`  // for which it is refused
}

type wireType struct {
	Type     care.Type `json:"type"`
	Codes    string    `json:"codes,omitempty"`
	Max      int       `json:"max,omitempty"`
	Required bool      `json:"required,omitempty"`
}

// TestValueVectors replays the canonical form of values.
func TestValueVectors(t *testing.T) {
	replay(t, "values.json", func(t *testing.T, v *valueVector) {
		f := &care.Field{Type: v.Field.Type, Codes: v.Field.Codes, Max: v.Field.Max, Required: v.Field.Required}
		v.List = nil
		if l, ok := care.FindCodes(f.Codes); ok {
			v.List = l
		}
		value, err := care.Canonical(f, care.Value(v.Typed))
		v.Value, v.Code = string(value), refusal(err)
	})
}

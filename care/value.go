package care

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// Value is one field's value as canonical JSON: the shape that Type gives,
// or an Absent object. A nil Value means that nothing was ever written.
type Value json.RawMessage

// Absent says why a value is missing; it is a value in its own right
// (HUD data standards, codes 8, 9 and 99, as words).
type Absent string

const (
	Unknown       Absent = "unknown"        // asked, and not known
	AskedDeclined Absent = "asked_declined" // asked, and the person prefers not to say
	NotAsked      Absent = "not_asked"      // not asked yet, on purpose
	NotRecorded   Absent = "not_recorded"   // the source did not record it
)

// Absents in the order in which they are offered.
var Absents = []Absent{Unknown, AskedDeclined, NotAsked, NotRecorded}

// OfText returns the Value of a string.
func OfText(s string) Value { return mustEncode(s) }

// OfList returns the Value of a list of strings.
func OfList(l ...string) Value {
	if l == nil {
		l = []string{}
	}
	return mustEncode(l)
}

// OfInt returns the Value of a whole number.
func OfInt(n int64) Value { return Value(strconv.AppendInt(nil, n, 10)) }

// OfBool returns the Value of a truth value.
func OfBool(b bool) Value { return Value(strconv.AppendBool(nil, b)) }

// OfTime returns the Value of a moment, in UTC to the millisecond.
func OfTime(t time.Time) Value { return OfText(FormatTime(t)) }

// OfAbsent returns the Value that says why there is none.
func OfAbsent(a Absent) Value { return Value(`{"absent":"` + string(a) + `"}`) }

// TimeFormat is how a moment is written: RFC 3339, UTC, milliseconds.
const TimeFormat = "2006-01-02T15:04:05.000Z"

// FormatTime writes a moment in TimeFormat.
func FormatTime(t time.Time) string { return t.UTC().Format(TimeFormat) }

func mustEncode(v any) Value {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("care: encoding a plain value: " + err.Error()) // strings and lists of strings always encode
	}
	return Value(bytes.TrimRight(b.Bytes(), "\n"))
}

// IsSet says whether anything was written, an Absent value included.
func (v Value) IsSet() bool { return len(v) > 0 && string(v) != "null" }

// Absent returns the reason why there is no value, or "" where there is one
// or where nothing was written.
func (v Value) Absent() Absent {
	if len(v) == 0 || v[0] != '{' {
		return ""
	}
	var o struct {
		Absent Absent `json:"absent"`
	}
	if json.Unmarshal(v, &o) != nil {
		return ""
	}
	return o.Absent
}

// Text returns the string, or "" for anything else.
func (v Value) Text() string {
	if n := len(v); n >= 2 && v[0] == '"' && v[n-1] == '"' && isPlain(v[1:n-1]) {
		return string(v[1 : n-1]) // most values; the rules read thousands of them for each push
	}
	var s string
	if len(v) == 0 || v[0] != '"' || json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}

// isPlain says whether the inside of a JSON string stands for itself.
func isPlain(b []byte) bool {
	for _, c := range b {
		if c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// List returns the strings of a list, or nil for anything else.
func (v Value) List() []string {
	var l []string
	if len(v) == 0 || v[0] != '[' || json.Unmarshal(v, &l) != nil {
		return nil
	}
	return l
}

// Int returns the whole number and whether there is one.
func (v Value) Int() (int64, bool) {
	n, err := strconv.ParseInt(string(v), 10, 64)
	return n, err == nil
}

// Bool returns the truth value and whether there is one.
func (v Value) Bool() (value, known bool) {
	switch string(v) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// Time returns the moment and whether there is one. A Date gives the first
// moment of its day, month or year, in UTC.
func (v Value) Time() (time.Time, bool) {
	s := v.Text()
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02", "2006-01", "2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// Equal compares two canonical values. Lists are compared as written:
// Canonical sorts those that are sets.
func (v Value) Equal(w Value) bool { return bytes.Equal(v, w) }

// MarshalJSON writes the value as it is; nothing written is null.
func (v Value) MarshalJSON() ([]byte, error) {
	if len(v) == 0 {
		return []byte("null"), nil
	}
	return v, nil
}

// UnmarshalJSON keeps the value as it came; null is nothing written.
func (v *Value) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*v = nil
		return nil
	}
	*v = append((*v)[:0], b...)
	return nil
}

// Row is one record with the values in force, as the rules of this package
// read it. Values of compartments that were not loaded are missing from V.
type Row struct {
	Collection string
	ID         string
	Org        string // the organisation that holds it
	Case       string // the case it belongs to, "" for what belongs to none; a case's own id for a case
	CreatedBy  string // staff id of whoever made it, "" where it is new
	V          map[string]Value
	read       func(field string) Value    // what is not in V; nil where all is
	authors    func(field string) []string // nil where nobody keeps them
}

// OnDemand is a row whose values, and who wrote them, are read when they are
// first asked for: of most fields of a record nobody asks. read gives nil where
// nothing was written; authors gives the staff ids behind all that stands.
func OnDemand(r Row, read func(field string) Value, authors func(field string) []string) Row {
	r.read, r.authors = read, authors
	return r
}

// Authors returns who wrote what stands in a field, also beside the value in
// force: whoever made the record, where no more is known.
func (r Row) Authors(field string) []string {
	if r.authors != nil {
		return r.authors(field)
	}
	if !r.Get(field).IsSet() {
		return nil
	}
	return []string{r.CreatedBy}
}

// Get returns the value in force, nil where nothing was written.
func (r Row) Get(field string) Value {
	v, known := r.V[field]
	if known || r.read == nil || r.V == nil {
		return v
	}
	v = r.read(field)
	r.V[field] = v
	return v
}

// Text returns the string in force, or "".
func (r Row) Text(field string) string { return r.Get(field).Text() }

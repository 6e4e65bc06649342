package care

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a value that its type does not give.
const (
	ListMax        = 256 // elements of a Codes, Texts or Refs value
	ObjectMax      = 32  // members of an Object value
	CodeBytesMax   = 128 // bytes of one code, also of an open list
	DecimalMax     = 34  // digits of a Decimal, as in IEEE 754 decimal128
	safeInteger    = 1<<53 - 1
	timeBytesMax   = 40
	objectKeyBytes = 64
)

// Canonical checks one value against the type, list and limits of its field
// and returns the one way in which it is written: two people who mean the same
// write the same bytes, so that no conflict is seen where there is none. Text
// stays as it was typed.
func Canonical(f *Field, v Value) (Value, error) {
	v = bytes.TrimSpace(v)
	switch {
	case len(v) == 0 || string(v) == "null":
		return nil, invalid("value_empty", "Say why there is no value: unknown, asked_declined, not_asked or not_recorded.")
	case len(v) > ValueBytesMax:
		return nil, invalid("value_too_long", "")
	case !utf8.Valid(v) || LoneSurrogate(v):
		return nil, invalid("value_bad_utf8", "")
	case v[0] == '{':
		if a, ok, err := absentOf(v); err != nil || ok {
			return canonicalAbsent(f, a, err)
		}
	}
	return canonicalOfType(f, v)
}

func canonicalOfType(f *Field, v Value) (Value, error) {
	switch f.Type {
	case Codes, Texts, Refs:
		return canonicalList(f, v)
	case Int:
		return canonicalInt(v)
	case Bool:
		if _, known := v.Bool(); !known {
			return nil, wrongType()
		}
		return slices.Clone(v), nil
	case Object:
		return canonicalObject(f, v)
	}
	s, err := stringOf(v)
	if err != nil {
		return nil, err
	}
	if s, err = canonicalString(f, s); err != nil {
		return nil, err
	}
	return OfText(s), nil
}

// CanonicalElement checks one element that is added to or removed from a
// field of a list type.
func CanonicalElement(f *Field, element string) (string, error) {
	if f.Type != Codes && f.Type != Texts && f.Type != Refs {
		return "", wrongType()
	}
	if !utf8.ValidString(element) {
		return "", invalid("value_bad_utf8", "")
	}
	return canonicalString(f, element)
}

// canonicalString checks one string of a scalar type, or one element of a
// list type.
func canonicalString(f *Field, s string) (string, error) {
	switch f.Type {
	case Text, Texts:
		return s, checkText(s, limitOf(f, TextBytesMax), "")
	case LongText:
		return s, checkText(s, limitOf(f, LongTextBytesMax), "\n\t")
	case Code, Codes:
		return s, checkCode(f, s)
	case Date:
		return s, checkDate(s)
	case Time:
		return canonicalTime(s)
	case Decimal:
		return canonicalDecimal(s)
	case Ref, Refs:
		if !ValidID(s) {
			return "", invalid("value_bad_id", "Ids are lower-case UUIDv7.")
		}
		return s, nil
	}
	return "", wrongType()
}

// absentOf reads {"absent":…}. ok is false for an object that is none.
func absentOf(v Value) (a Absent, ok bool, err error) {
	m, err := objectOf(v)
	if err != nil {
		return "", false, err
	}
	s, ok := m["absent"]
	if !ok {
		return "", false, nil
	}
	a = Absent(s)
	if len(m) != 1 || !slices.Contains(Absents, a) {
		return "", false, invalid("value_bad_absent", "The reasons are unknown, asked_declined, not_asked and not_recorded.")
	}
	return a, true, nil
}

func canonicalAbsent(f *Field, a Absent, err error) (Value, error) {
	if err != nil {
		return nil, err
	}
	if f.Required {
		return nil, invalid("value_required", "")
	}
	return OfAbsent(a), nil
}

func canonicalList(f *Field, v Value) (Value, error) {
	var raw []json.RawMessage
	if v[0] != '[' || json.Unmarshal(v, &raw) != nil {
		return nil, wrongType()
	}
	if len(raw) > ListMax {
		return nil, invalid("value_too_long", "")
	}
	if len(raw) == 0 && f.Required {
		return nil, invalid("value_required", "")
	}
	l := make([]string, 0, len(raw))
	for _, r := range raw {
		s, err := stringOf(Value(r))
		if err != nil {
			return nil, err
		}
		if s, err = canonicalString(f, s); err != nil {
			return nil, err
		}
		l = append(l, s)
	}
	slices.Sort(l)
	return OfList(slices.Compact(l)...), nil
}

var integer = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,15})$`)

func canonicalInt(v Value) (Value, error) {
	if !integer.Match(v) {
		return nil, wrongType()
	}
	n, ok := v.Int()
	if !ok || n > safeInteger || n < -safeInteger {
		return nil, wrongType()
	}
	return OfInt(n), nil // writes -0 as 0
}

func canonicalObject(f *Field, v Value) (Value, error) {
	m, err := objectOf(v)
	if err != nil {
		return nil, err
	}
	if len(m) == 0 {
		return nil, invalid("value_empty", "")
	}
	if len(m) > ObjectMax {
		return nil, invalid("value_too_long", "")
	}
	for k, s := range m {
		if err := checkText(k, objectKeyBytes, ""); err != nil {
			return nil, err
		}
		if err := checkText(s, limitOf(f, TextBytesMax), "\n\t"); err != nil {
			return nil, err
		}
	}
	return mustEncode(m), nil // encoding/json writes the keys sorted
}

// objectOf reads an object of strings. A key that comes twice is refused:
// readers differ in which of the two they believe.
func objectOf(v Value) (map[string]string, error) {
	d := json.NewDecoder(bytes.NewReader(v))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, wrongType()
	}
	m := map[string]string{}
	for d.More() {
		k, err := d.Token()
		key, isString := k.(string)
		if err != nil || !isString {
			return nil, wrongType()
		}
		s, err := d.Token()
		value, isString := s.(string)
		if _, twice := m[key]; err != nil || !isString || twice {
			return nil, wrongType()
		}
		m[key] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, wrongType()
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, wrongType()
	}
	return m, nil
}

func stringOf(v Value) (string, error) {
	var s string
	if len(v) == 0 || v[0] != '"' || json.Unmarshal(v, &s) != nil {
		return "", wrongType()
	}
	return s, nil
}

func limitOf(f *Field, byDefault int) int {
	if f.Max > 0 {
		return f.Max
	}
	return byDefault
}

// checkText refuses what is no text: nothing at all, control characters and,
// where lines are not allowed, separators of lines.
func checkText(s string, limit int, allowed string) error {
	if s == "" {
		return invalid("value_empty", "Say why there is no value: unknown, asked_declined, not_asked or not_recorded.")
	}
	if len(s) > limit {
		return invalid("value_too_long", "")
	}
	for _, r := range s {
		control := r < 0x20 || 0x7f <= r && r <= 0x9f
		line := (r == '\u2028' || r == '\u2029') && !strings.Contains(allowed, "\n")
		if line || control && !strings.ContainsRune(allowed, r) {
			return invalid("value_control_character", "")
		}
	}
	return nil
}

func checkCode(f *Field, s string) error {
	if s == "" {
		return invalid("value_empty", "")
	}
	if len(s) > CodeBytesMax {
		return invalid("value_too_long", "")
	}
	l, ok := FindCodes(f.Codes)
	if !ok || !l.Has(s) {
		return invalid("value_not_in_list", "")
	}
	return checkText(s, CodeBytesMax, "")
}

func checkDate(s string) error {
	for _, layout := range [...]string{"2006-01-02", "2006-01", "2006"} {
		if t, err := time.Parse(layout, s); err == nil && len(s) == len(layout) && t.Year() > 0 {
			return nil
		}
	}
	return invalid("value_bad_date", "Dates are YYYY, YYYY-MM or YYYY-MM-DD.")
}

func canonicalTime(s string) (string, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || len(s) > timeBytesMax || strings.Contains(s, ",") { // Parse takes a comma, RFC 3339 does not
		return "", invalid("value_bad_time", "Times are RFC 3339, such as 2026-03-01T09:30:00.000Z.")
	}
	t = t.UTC()
	if t.Year() < 1 || t.Year() > 9999 {
		return "", invalid("value_bad_time", "")
	}
	return FormatTime(t), nil
}

var decimal = regexp.MustCompile(`^(-?)([0-9]+)(?:\.([0-9]+))?$`)

// canonicalDecimal writes a number as ISMP asks of doses: no trailing zero
// after the point and always a digit before it, so that 1.0 is never read as
// 10, nor .5 as 5 (ISMP, List of Error-Prone Abbreviations).
func canonicalDecimal(s string) (string, error) {
	m := decimal.FindStringSubmatch(s)
	if m == nil || len(m[2])+len(m[3]) > DecimalMax {
		return "", invalid("value_bad_decimal", "Decimals are digits with at most one point, such as 12.5.")
	}
	whole, fraction := strings.TrimLeft(m[2], "0"), strings.TrimRight(m[3], "0")
	if whole == "" {
		whole = "0"
	}
	out := whole
	if fraction != "" {
		out += "." + fraction
	}
	if out != "0" {
		out = m[1] + out
	}
	return out, nil
}

var uuidv7 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// ValidID says whether s is a UUIDv7 as Portolan writes ids: lower case, so
// that the same record has one name in every index (RFC 9562 §5.7).
func ValidID(s string) bool { return len(s) == 36 && uuidv7.MatchString(s) }

// LoneSurrogate says whether JSON holds \uD800–\uDFFF escapes that form no pair. encoding/json
// would quietly put U+FFFD there, and the text would not be what was typed.
func LoneSurrogate(v []byte) bool {
	for i := 0; i < len(v); i++ {
		if v[i] != '\\' {
			continue
		}
		u, ok := escape(v[i:])
		switch {
		case !ok:
			i++ // a short escape, such as \\ or \"
		case u < 0xd800 || u > 0xdfff:
			i += 5
		case u >= 0xdc00:
			return true
		default:
			if low, ok := escape(v[min(i+6, len(v)):]); !ok || low < 0xdc00 || low > 0xdfff {
				return true
			}
			i += 11
		}
	}
	return false
}

// escape reads \uXXXX at the start of v.
func escape(v []byte) (u uint32, ok bool) {
	if len(v) < 6 || v[0] != '\\' || v[1] != 'u' {
		return 0, false
	}
	for _, c := range v[2:6] {
		d := strings.IndexByte("0123456789abcdef", c|0x20)
		if d < 0 {
			return 0, false
		}
		u = u<<4 | uint32(d)
	}
	return u, true
}

func wrongType() error { return invalid("value_wrong_type", "") }

func invalid(code, hint string) error { return &Error{Code: code, Kind: Invalid, Hint: hint} }

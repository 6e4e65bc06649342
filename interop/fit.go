package interop

import (
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"portolan/care"
)

// fit writes what a source says as a value of the field. The reason is "" when
// it fits whole, ReasonNoPlace beside a value when it fits with less than the source tells
// (the caller keeps the original aside too), and any other when it does not
// fit. Nothing is guessed: 03/04/2026 is no date.
func fit(f *care.Field, raw string) (v care.Value, reason string) {
	s := strings.TrimSpace(raw)
	if a, ok := absentWord(f, s); ok {
		v = care.OfAbsent(a)
	} else if v, reason = fitType(f, raw, s); v == nil {
		return nil, reason
	}
	c, err := care.Canonical(f, v)
	if err != nil {
		return nil, reasonOf(err)
	}
	return c, reason
}

func fitType(f *care.Field, raw, s string) (care.Value, string) {
	switch f.Type {
	case care.Text:
		return care.OfText(s), ""
	case care.LongText:
		return care.OfText(strings.Trim(lines.Replace(raw), "\n")), ""
	case care.Code:
		if c, ok := matchCode(f.Codes, s); ok {
			return care.OfText(c), ""
		}
		return nil, ReasonCodeUnknown
	case care.Date:
		return fitDate(s)
	case care.Time:
		return fitTime(s)
	case care.Int:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return care.OfInt(n), ""
		}
		return nil, ReasonWrongType
	case care.Decimal:
		if d, ok := plainDecimal(s); ok {
			return care.OfText(d), ""
		}
		return nil, ReasonWrongType
	case care.Bool:
		return fitBool(s)
	}
	return nil, ReasonReference // Ref and Refs name records; Object is written by the mapping itself
}

// lines are kept, with the one end of line that the schema knows.
var lines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// reasonOf turns the refusal of the schema into why the value was set aside.
func reasonOf(err error) string {
	switch care.CodeOf(err) {
	case "value_too_long":
		return ReasonTooLong
	case "value_not_in_list":
		return ReasonCodeUnknown
	}
	return ReasonWrongType
}

// absentWord reads the words of care.Absents where they cannot be a value of
// their own.
func absentWord(f *care.Field, s string) (care.Absent, bool) {
	if f.Type == care.Text || f.Type == care.LongText || f.Required {
		return "", false
	}
	if l, ok := care.FindCodes(f.Codes); ok && slices.Contains(l.Codes, s) {
		return "", false
	}
	a := care.Absent(strings.ToLower(s))
	return a, slices.Contains(care.Absents, a)
}

var datePattern = regexp.MustCompile(`^\d{4}(-\d{2}(-\d{2})?)?$`)

// fitDate takes YYYY, YYYY-MM and YYYY-MM-DD as they are. Of a moment it takes
// the day as its author wrote it, in their own time zone.
func fitDate(s string) (care.Value, string) {
	reason := ""
	if _, ok := parseMoment(s); ok {
		s, reason = s[:10], ReasonNoPlace
	}
	if !datePattern.MatchString(s) {
		return nil, ReasonWrongType
	}
	if _, ok := care.OfText(s).Time(); !ok {
		return nil, ReasonWrongType
	}
	return care.OfText(s), reason
}

// fitTime takes a moment with its zone. A bare day has no hour, and a field
// that asks for one does not take it.
func fitTime(s string) (care.Value, string) {
	t, ok := parseMoment(s)
	if !ok {
		return nil, ReasonWrongType
	}
	if t.Nanosecond()%int(time.Millisecond) != 0 {
		return care.OfTime(t), ReasonNoPlace
	}
	return care.OfTime(t), ""
}

func parseMoment(s string) (time.Time, bool) {
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 0 && t.UTC().Year() >= 0 && t.UTC().Year() <= 9999 {
			return t, true
		}
	}
	return time.Time{}, false
}

func fitBool(s string) (care.Value, string) {
	switch strings.ToLower(s) {
	case "true", "yes", "1", "y":
		return care.OfBool(true), ""
	case "false", "no", "0", "n":
		return care.OfBool(false), ""
	}
	return nil, ReasonWrongType
}

var (
	decimalPattern  = regexp.MustCompile(`^-?\d{1,40}(\.\d{1,40})?$`)
	exponentPattern = regexp.MustCompile(`^-?\d{1,40}(\.\d{1,40})?[eE][+-]?\d{1,2}$`)
)

// plainDecimal writes a JSON number without an exponent, digit for digit.
func plainDecimal(s string) (string, bool) {
	if decimalPattern.MatchString(s) {
		return s, true
	}
	if !exponentPattern.MatchString(s) {
		return "", false
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return "", false
	}
	d := r.FloatString(2 * 99) // more places than the pattern's exponent and digits can need
	d = strings.TrimRight(strings.TrimRight(d, "0"), ".")
	return d, decimalPattern.MatchString(d)
}

// matchCode finds a source's code in a list: as it is written, then without
// regard to case and separators, then by the other names that its standard
// gives it, and last where an open list takes what it does not know.
func matchCode(list, s string) (string, bool) {
	l, ok := care.FindCodes(list)
	if !ok || s == "" {
		return "", false
	}
	if slices.Contains(l.Codes, s) {
		return s, true
	}
	other, known := otherName(list, s)
	for _, c := range l.Codes {
		if fold(c) == fold(s) || known && c == other {
			return c, true
		}
	}
	if known && l.Has(other) {
		return other, true
	}
	return s, l.Has(s)
}

// otherName gives the name that our list has for a code of the same standard
// in another form.
func otherName(list, s string) (string, bool) {
	switch list {
	case "languages":
		return care.LanguageOf(s)
	case "countries":
		c, ok := countryOfAlpha3[strings.ToUpper(s)]
		return c, ok
	case "medicine_routes":
		r, ok := care.EDQMRoutes[s]
		return r, ok
	}
	return "", false
}

// fold reduces a name to its letters and digits, in lower case: the XForm of
// HTCDS spells vic_Methods_of_Control where the standard has
// vic_MethodsOfControl.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(s))
}

// looksLikeFormula says whether a spreadsheet would run the text (OWASP, "CSV
// injection"). It stays text; a phone number is no formula.
func looksLikeFormula(s string) bool {
	if s == "" || !strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return false
	}
	return strings.Trim(s, "+-0123456789 .()") != ""
}

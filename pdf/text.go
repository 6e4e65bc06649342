package pdf

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"portolan/care"
)

// run is a stretch of text in one weight, with the field it came from, so that
// a refusal can name the field and not the content.
type run struct {
	text  string
	bold  bool
	exact bool
	field string // label key
}

// afterDigit finds the space between a number and what it counts: a line must
// not end between them.
var afterDigit = regexp.MustCompile(`(\d) `)

// scripts that gofpdf sets right without shaping.
var scripts = []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Common}

// settle brings a text to the form in which it is set: composed (NFC), in one
// line, without characters that only steer other software. It refuses what
// would be printed wrong.
func settle(text string) (string, error) {
	have, err := glyphs()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, r := range norm.NFC.String(text) {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || r == '\u2028' || r == '\u2029':
			b.WriteByte(' ')
		case invisible(r):
		case unicode.Is(unicode.M, r):
			return "", fmt.Errorf("a mark above or below a letter")
		case r > 0xFFFF || !unicode.In(r, scripts...):
			return "", fmt.Errorf("%s", scriptOf(r))
		case !have[r] || r == unicode.ReplacementChar || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co):
			return "", fmt.Errorf("a character that the font does not have")
		default:
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.FieldsFunc(b.String(), func(r rune) bool { return r == ' ' }), " "), nil
}

// invisible are the marks that neither print nor change a line that runs from
// left to right: direction marks and isolates, soft hyphen, zero width space
// and joiners. The overrides U+202D and U+202E do change it and are refused
// with the rest (Unicode UAX #9).
func invisible(r rune) bool {
	switch {
	case r == '\u00AD', r == '\uFEFF', r == '\u061C':
		return true
	case r >= '\u200B' && r <= '\u200F':
		return true
	case r >= '\u202A' && r <= '\u202C':
		return true
	}
	return r >= '\u2066' && r <= '\u2069'
}

// scriptOf names what cannot be set; a script is no personal data, the
// character could be.
func scriptOf(r rune) string {
	for name, table := range unicode.Scripts {
		if name != "Common" && name != "Inherited" && unicode.Is(table, r) {
			return strings.ReplaceAll(name, "_", " ") + " script"
		}
	}
	return "a character outside the scripts that can be set"
}

// settleAll settles every run and holds it against the words that must not
// stand on paper.
func (c *composer) settleAll(runs []run) ([]run, error) {
	for i := range runs {
		text, err := settle(runs[i].text)
		if err != nil {
			return nil, &care.Error{
				Code: "summary_text", Kind: care.Unprocessed, Err: err,
				Hint: "The text under “" + c.fieldName(runs[i].field) + "” cannot be set correctly yet, so nothing was made. Write it in Latin, Greek or Cyrillic letters.",
			}
		}
		if len(Indiscreet(text)) > 0 {
			return nil, c.indiscreet(runs[i].field)
		}
		if runs[i].exact {
			text = strings.ReplaceAll(text, " ", "\u00A0")
		}
		runs[i].text = afterDigit.ReplaceAllString(text, "$1\u00A0")
	}
	// A word may be told by two runs that stand side by side.
	if whole := joined(runs); len(Indiscreet(whole)) > 0 {
		return nil, c.indiscreet(runs[len(runs)-1].field)
	}
	return runs, nil
}

func (c *composer) indiscreet(field string) error {
	return &care.Error{
		Code: "summary_words", Kind: care.Unprocessed,
		Hint: "The text under “" + c.fieldName(field) + "” holds a word that would give the person away, so nothing was made. Say it in other words.",
	}
}

// fieldName is the label of a field in English, for the console.
func (c *composer) fieldName(key string) string {
	if name, ok := c.text("en", key); ok {
		return name
	}
	return key
}

func joined(runs []run) string {
	var b strings.Builder
	for i, r := range runs {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(r.text)
	}
	return b.String()
}

package pdf

import (
	"errors"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"portolan/care"
	"portolan/pdf/typeset"
)

// run is a stretch of text in one weight, with the field it came from, so that
// a refusal can name the field and not the content.
type run struct {
	text  string
	lang  string // of the text, "" where it is not known
	bold  bool
	exact bool   // a value that stands as given, on one line
	free  bool   // somebody's own words, in whatever direction they run
	comma string // follows, outside of the value
	field string // label key
}

// afterDigit finds the space between a number and what it counts: a line must
// not end between them.
var afterDigit = regexp.MustCompile(`(\d) `)

// settle brings a text to the form in which it is set: composed (NFC), in one
// line, without characters that only steer other software. It refuses what
// would be printed wrong.
func settle(setter *typeset.Setter, text, lang string) (string, error) {
	var b strings.Builder
	for _, r := range norm.NFC.String(text) {
		switch {
		case unicode.IsSpace(r) && !unicode.Is(unicode.Zs, r), r == '\u2028', r == '\u2029':
			b.WriteByte(' ')
		case invisible(r) && !joins(r):
		default:
			b.WriteRune(r)
		}
	}
	settled := strings.Join(strings.FieldsFunc(b.String(), func(r rune) bool { return r == ' ' }), " ")
	if marksWithoutLetter(settled) {
		return "", errors.New("a mark above or below nothing")
	}
	return settled, setter.Check(settled, lang)
}

// invisible are the marks that do not print: direction marks and isolates,
// soft hyphen, zero width space and joiners. The overrides U+202D and U+202E
// are not among them: they change what a reader sees and are refused.
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

// joins are the invisible marks that letters need: Persian and the scripts of
// India write words with them, Khmer and Thai may mark words with the space.
func joins(r rune) bool { return r == '\u200B' || r == '\u200C' || r == '\u200D' }

// marksWithoutLetter says whether a mark stands on nothing, or Latin, Greek and
// Cyrillic letters bear one that no composed letter has: fonts place those
// badly.
func marksWithoutLetter(text string) bool {
	before := ' '
	for _, r := range text {
		if unicode.Is(unicode.M, r) && (unicode.IsSpace(before) || unicode.In(before, unicode.Latin, unicode.Greek, unicode.Cyrillic)) {
			return true
		}
		before = r
	}
	return false
}

// settleAll settles every run and holds it against the words that must not
// stand on paper.
func (c *composer) settleAll(runs []run) ([]run, error) {
	for i := range runs {
		text, err := settle(c.setter, runs[i].text, runs[i].lang)
		if err != nil {
			return nil, &care.Error{
				Code: "summary_text", Kind: care.Unprocessed, Err: err,
				Hint: "The text under “" + c.fieldName(runs[i].field) + "” cannot be set correctly (" + err.Error() + "), so nothing was made. Write it in other letters.",
			}
		}
		if !checkable(text) {
			return nil, c.uncheckable(runs[i].field, "letters of another language")
		}
		if len(Indiscreet(text)) > 0 {
			return nil, c.indiscreet(runs[i].field)
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

// uncheckable refuses a text in a language that has no list of words.
func (c *composer) uncheckable(field, language string) error {
	return &care.Error{
		Code: "summary_text_language", Kind: care.Unprocessed,
		Hint: "The text under “" + c.fieldName(field) + "” is in " + language + ", and it cannot be checked for words that would give the person away. Say it in another language.",
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
		b.WriteString(r.text + r.comma)
	}
	return b.String()
}

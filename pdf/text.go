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
	label bool   // words of the catalogue and nothing else
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

// settleAll settles every run and holds all of them together against the words
// that must not stand on paper: one may be told by two that stand side by side.
func (c *composer) settleAll(runs []run) ([]run, error) {
	alone := false // one wording that was looked at before
	for i, r := range runs {
		text, known, err := c.settle(r)
		alone = known && len(runs) == 1
		if err != nil {
			return nil, &care.Error{
				Code: "summary_text", Kind: care.Unprocessed, Err: err,
				Hint: "The text under “" + c.fieldName(r.field) + "” cannot be set correctly (" + err.Error() + "), so nothing was made. Write it in other letters.",
			}
		}
		if !checkable(text) {
			return nil, c.uncheckable(r.field, "letters of another language")
		}
		runs[i].text = text
	}
	if !alone && len(Indiscreet(joined(runs))) > 0 {
		return nil, c.indiscreet(c.telling(runs), joined(runs))
	}
	for i := range runs {
		runs[i].text = afterDigit.ReplaceAllString(runs[i].text, "$1\u00A0")
	}
	return runs, nil
}

// telling is the field of the run that gives the person away, that of the last
// where only several together do.
func (c *composer) telling(runs []run) string {
	for _, r := range runs {
		if len(Indiscreet(r.text)) > 0 {
			return r.field
		}
	}
	return runs[len(runs)-1].field
}

// settle settles one run and says whether it is a wording of the catalogue
// that was found to be fit to print before.
func (c *composer) settle(r run) (text string, known bool, err error) {
	if !r.label {
		text, err = settle(c.desk.Setter, r.text, r.lang)
		return text, false, err
	}
	if text, known = c.desk.settled[wording{r.lang, r.text}]; known {
		return text, true, nil
	}
	text, err = settle(c.desk.Setter, r.text, r.lang)
	if err == nil && len(Indiscreet(text)) == 0 {
		c.desk.settled[wording{r.lang, r.text}] = text
	}
	return text, false, err
}

// WordsError holds the words of a text that would give the person away, for
// whoever wrote it to rephrase. Its message does not hold them: it may be
// logged.
type WordsError struct{ Words []string }

func (e *WordsError) Error() string { return "words that are on no paper" }

func (c *composer) indiscreet(field, text string) error {
	return &care.Error{
		Code: "summary_words", Kind: care.Unprocessed, Err: &WordsError{Indiscreet(text)},
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

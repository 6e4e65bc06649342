package search

import (
	"strings"
	"unicode"

	"portolan/care"
)

// Bounds of what may be asked.
const (
	lettersMin   = 2   // one Chinese character is a word
	wordsMax     = 6   // that one search names
	textBytesMax = 200 // of a search
	slipLetters  = 5   // from which on one slip of the keyboard is forgiven
)

// Errors of a search. They say nothing about what was looked for.
var (
	ErrShort = &care.Error{Code: "search_too_short", Kind: care.Invalid, Hint: "Search for two letters at least, or for a whole number: of a case, a paper, a phone."}
	ErrLong  = &care.Error{Code: "search_too_long", Kind: care.Invalid, Hint: "Search for six words at most."}
)

// articles begin names in some spellings and are left out in others.
var articles = []string{"al", "el", "ul", "ash", "as", "ar", "ad", "az", "an", "at", "bin", "ibn", "bint"}

// term is one word of a search, or several together: people write the parts
// of a name apart or as one.
type term struct {
	text     string
	readings []string // in Latin letters
	keys     []skeleton
	letters  int
	optional bool // an article
	digit    bool
	han      bool
}

func newTerm(text string) term {
	t := term{text: text, letters: letters(text), digit: hasDigit(text), han: strings.ContainsFunc(text, isHan)}
	for _, r := range romanise(text) {
		t.readings = append(t.readings, plain(r))
		for _, k := range skeletons(r) {
			if !contains(t.keys, k) {
				t.keys = append(t.keys, k)
			}
		}
	}
	return t
}

// query is a search made ready: every run of its words as one term.
type query struct {
	n     int
	runs  [][]term // runs[i][j-i]: words i to j
	terms []int    // the number of each run's first term among all
	whole []string // the search as a number, in its forms
}

func newQuery(text string) (query, error) {
	if len(text) > textBytesMax {
		return query{}, ErrLong
	}
	folded := fold(text)
	parts := parted(words(folded))
	q := query{n: len(parts)}
	if hasDigit(folded) || strings.Contains(text, "@") {
		q.whole = wholeForms(folded)
	}
	short := letters(folded) < lettersMin && !strings.ContainsFunc(folded, isHan) // digits alone name no person
	switch long := q.n > wordsMax; {
	case short && q.whole == nil:
		return query{}, ErrShort
	case long && q.whole == nil:
		return query{}, ErrLong
	case short || long:
		q.n = 0
	}
	n := 0
	for i := range q.n {
		q.terms = append(q.terms, n)
		var run []term
		for j := i; j < q.n && oneScript(parts[i:j+1]); j++ {
			t := newTerm(strings.Join(parts[i:j+1], ""))
			t.optional = i == j && q.n > 1 && oneOf(articles, t.text)
			run = append(run, t)
		}
		q.runs, n = append(q.runs, run), n+len(run)
	}
	return q, nil
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }

func oneOf(list []string, s string) bool {
	for _, have := range list {
		if have == s {
			return true
		}
	}
	return false
}

// parted takes words of Chinese characters apart: nobody writes where the
// family's name ends.
func parted(list []string) []string {
	var out []string
	for _, w := range list {
		switch other := func(r rune) bool { return !isHan(r) }; {
		case !strings.ContainsFunc(w, other):
			out = append(out, strings.Split(w, "")...)
		case !oneOf(out, w): // said twice is said
			out = append(out, w)
		}
	}
	return out
}

// wholeDigits is how many digits from the end make two phone numbers the same,
// with or without the country's; the shortest national numbers that are in
// use have eight (ITU-T E.164, national numbering plans).
const wholeDigits = 8

// wholeForms gives the forms in which a number, a phone or an address of
// electronic mail is compared: its letters and digits, and for a number of
// digits alone its end.
func wholeForms(folded string) []string {
	s := strings.Join(words(folded), "")
	if s == "" {
		return nil
	}
	forms := []string{s}
	if n := len(s); n >= wholeDigits && strings.Trim(s, "0123456789") == "" {
		forms = append(forms, "…"+s[n-wholeDigits:])
	}
	return forms
}

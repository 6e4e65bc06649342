package pdf

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// poppler is what another program reads on the pages.
func poppler(t *testing.T, raw []byte) string {
	t.Helper()
	c := exec.Command("pdftotext", "-", "-")
	c.Stdin = bytes.NewReader(raw)
	out, err := c.Output()
	if err != nil {
		t.Errorf("pdftotext, of the Debian package poppler-utils: %v", err)
	}
	return norm.NFC.String(string(out))
}

// hard is what turns around, breaks or is lost where text is set wrongly.
var hard = []string{"50 mg", "5-10 mg", "2,5 ml", "+961 1 234-567", "2026-12-11 09:30", "10:00–12:00", "1/2", "100 µg", "CVX 45", "ICD-10 F43.1", "T-4711/b", "a@b.example"}

// The law of numbers: each number and each Latin token of what went in is
// found in what another program reads, in every language beside every other,
// the way they stand. The right of a person to the right dose rests on it.
//
// Every language stands once in each column, beside different partners.
func TestEveryNumberStandsInEveryPair(t *testing.T) {
	for i, own := range languages {
		numbersStand(t, [2]string{own, languages[(i+7)%len(languages)]})
	}
	for _, pair := range [][2]string{{"ar", "fr"}, {"ur", "ar"}, {"my", "th"}, {"km", "th"}, {"uk", "ro"}, {"ti", "ar"}, {"fa", "ps"}} {
		numbersStand(t, pair)
	}
}

func numbersStand(t *testing.T, pair [2]string) {
	s := example(pair[0], pair[1])
	var values []Value
	for _, h := range hard {
		values = append(values, Exactly(h))
	}
	s.Essential[1].Entries[0].Details = append(s.Essential[1].Entries[0].Details, Of("instructions", values...),
		Of("reaction", Free("Take 5-10 mg at 09:30, call +961 1 234-567 (Lebanon).", "en")))
	var b bytes.Buffer
	if err := Render(&b, s, Options{Text: catalogue(t)}); err != nil {
		t.Errorf("%v: %v", pair, err)
		return
	}
	if b.Len() > 80_000 {
		t.Errorf("%v: %d bytes, want at most 80 KB", pair, b.Len())
	}
	text := strings.NewReplacer("\u00A0", " ", "\u202F", " ").Replace(poppler(t, b.Bytes()))
	// A value that is longer than what is left of a line begins the next one;
	// inside it no line ends. Poppler writes marks of direction around it.
	text = strings.Map(func(r rune) rune {
		if invisible(r) {
			return -1
		}
		return r
	}, text)
	for _, h := range append([]string{"2026-11-20", "2026-11-18", "2026-12-08", "200 mg", "1999", "2027-02-18"}, hard...) {
		if n := strings.Count(text, h); n < 2 {
			t.Errorf("%v: %q stands %d times, want it in both columns", pair, h, n)
		}
	}
	for _, word := range []string{"Sertraline", "Carbimazole", "Łukasz", "Ștefănescu", "09:30", "5-10", "(Lebanon).", "mañana"} {
		want := 2
		switch {
		case word == "mañana":
			want = 0
		case word == "Sertraline" && slices.ContainsFunc(pair[:], func(l string) bool { _, own := catalogue(t)(l, "pdf.substances.sertraline"); return own }):
			want = 1
		}
		if n := strings.Count(text, word); n < want {
			t.Errorf("%v: %q stands %d times, want %d", pair, word, n, want)
		}
	}
	for i, lang := range pair {
		heading, _ := catalogue(t)(lang, "pdf.section.medicines")
		if !found(text, heading) {
			t.Errorf("%v: the heading of column %d is not in the text", pair, i+1)
		}
	}
}

// found says whether all words of a text are there; a line may end inside one
// that has no spaces.
func found(text, words string) bool {
	text = strings.Join(strings.Fields(text), "")
	for word := range strings.FieldsSeq(norm.NFC.String(words)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// Every word that papers may say can be set in its language, and none gives
// the person away.
func TestEveryMessageCanStandOnPaper(t *testing.T) {
	text := catalogue(t)
	d, done := builtIn.desk()
	defer done()
	for _, lang := range languages {
		c := &composer{text: text, langs: []string{lang}, desk: d}
		for _, key := range keys(t, lang) {
			said, _ := text(lang, key)
			if _, err := c.settleAll([]run{{text: said, lang: lang, field: key}}); err != nil {
				t.Errorf("%s %s: %q: %v (%q)", lang, key, said, err, Indiscreet(said))
			}
		}
	}
}

// The letters of a language's words are its own: a line of another language
// that slipped into the catalogue is found.
func TestMessagesAreInTheLettersOfTheirLanguage(t *testing.T) {
	scripts := map[string]*unicode.RangeTable{
		"ar": unicode.Arabic, "fa": unicode.Arabic, "ps": unicode.Arabic, "ur": unicode.Arabic, "hi": unicode.Devanagari, "ne": unicode.Devanagari,
		"bn": unicode.Bengali, "pa": unicode.Gurmukhi, "ta": unicode.Tamil, "si": unicode.Sinhala, "my": unicode.Myanmar, "km": unicode.Khmer,
		"th": unicode.Thai, "lo": unicode.Lao, "am": unicode.Ethiopic, "ti": unicode.Ethiopic, "zh": unicode.Han, "uk": unicode.Cyrillic, "ru": unicode.Cyrillic,
	}
	allowed := []*unicode.RangeTable{unicode.Common, unicode.Inherited, unicode.Latin}
	for _, lang := range languages {
		own := unicode.Latin
		if s, ok := scripts[lang]; ok {
			own = s
		}
		for _, key := range keys(t, lang) {
			said, _ := catalogue(t)(lang, key)
			for _, r := range said {
				if unicode.IsLetter(r) && !unicode.In(r, own) && !unicode.In(r, allowed...) {
					t.Errorf("%s %s: %q has %U", lang, key, said, r)
					break
				}
			}
		}
	}
}

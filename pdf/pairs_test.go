package pdf

import (
	"bytes"
	"cmp"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
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

// A column in Arabic runs from right to left, and stands on the right where it
// is the person's own; a label stands before its value as its reader reads.
func TestColumnsRunAsTheirLanguageDoes(t *testing.T) {
	for _, pair := range [][2]string{{"ar", "fr"}, {"fr", "ar"}, {"ur", "ar"}} {
		c := exec.Command("pdftotext", "-bbox", "-l", "1", "-", "-")
		c.Stdin = bytes.NewReader(render(t, example(pair[0], pair[1])))
		out, err := c.Output()
		if err != nil {
			t.Fatalf("pdftotext, of the Debian package poppler-utils: %v", err)
		}
		var doses, days [][2]float64 // left and right edges
		for _, m := range wordBox.FindAllStringSubmatch(string(out), -1) {
			switch at := [2]float64{edge(t, m[1]), edge(t, m[2])}; m[3] {
			case "200":
				doses = append(doses, at)
			case "2026-11-20":
				days = append(days, at)
			}
		}
		if len(doses) != 2 || len(days) != 2 {
			t.Fatalf("%v: the dose stands %d times, the day %d times", pair, len(doses), len(days))
		}
		for _, l := range [][][2]float64{doses, days} {
			slices.SortFunc(l, func(a, b [2]float64) int { return cmp.Compare(a[0], b[0]) })
		}
		if rightToLeft(pair[0]) { // the person's own column stands on the right
			pair[0], pair[1] = pair[1], pair[0]
		}
		// A reader begins at the edge of the column: the label is there, and the
		// dose is nearer to it than to the other edge.
		for i, begin := range []float64{42.5, 306.1} {
			fromLeft, fromRight := doses[i][0]-begin, begin+246.6-doses[i][1]
			before := days[i][0] - begin // what stands before the day at the beginning of its line
			if rightToLeft(pair[i]) {
				before = begin + 246.6 - days[i][1]
			}
			if before < 10 {
				t.Errorf("in %s the day stands before its label", pair[i])
			}
			if fromLeft < 0 || fromRight < 0 || rightToLeft(pair[i]) != (fromRight < fromLeft) {
				t.Errorf("the column in %s runs the wrong way: the dose is %.0f points from its left edge, %.0f from its right", pair[i], fromLeft, fromRight)
			}
		}
	}
}

var wordBox = regexp.MustCompile(`<word xMin="([0-9.]+)" yMin="[0-9.]+" xMax="([0-9.]+)" yMax="[0-9.]+">([^<]+)</word>`)

func edge(t *testing.T, points string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(points, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

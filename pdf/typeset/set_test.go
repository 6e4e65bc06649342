package typeset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// sample is a line of testdata/languages.tsv.
type sample struct {
	lang, script, text string
	rtl                bool
}

func samples(t testing.TB) []sample {
	t.Helper()
	raw, err := os.ReadFile("testdata/languages.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var all []sample
	for line := range strings.Lines(string(raw)) {
		field := strings.Split(strings.TrimSpace(line), "\t")
		if len(field) != 4 {
			t.Fatalf("%q has not four fields", line)
		}
		all = append(all, sample{lang: field[0], rtl: field[1] == "rtl", script: field[2], text: field[3]})
	}
	if len(all) < 26 {
		t.Fatalf("%d languages, want 26", len(all))
	}
	return all
}

// seen is a line as it is read from left to right, character by character as
// it stands on paper.
func seen(l Line) string {
	var b strings.Builder
	for _, r := range l.runs {
		at := -1
		for _, g := range r.glyphs {
			if g.from != at {
				b.WriteString(string(r.text[g.from:g.to]))
				at = g.from
			}
		}
	}
	return b.String()
}

// values are what must never turn around: doses, ranges, dates, times, phone
// numbers, codes, addresses, in the digits that people use.
var values = []string{
	"5-10 mg", "50 mg", "2026-12-03", "2026/12/03", "03.12.2026", "08:30–09:45", "+961 1 234-567", "(0)30 / 12-34",
	"1,5 ml", "10 %", "-5 °C", "F43.1", "A-12/B-7", "12 rue Ferrer, 75011", "name@example.org", "$5", "3 × 200 mg/d",
	"٥-١٠", "+٩٦١ ١ ٢٣٤-٥٦٧", "٢٠٢٦/١٢/٠٣", "۱۰-۵", "۵ / ۲", "२०२६-१२-०३", "၁၀-၅", "១០-៥",
}

// TestNumbersDoNotTurnAround: in every language, to the left and to the right
// of other text, alone and side by side, a value stands on paper in the order
// in which it was given.
func TestNumbersDoNotTurnAround(t *testing.T) {
	s := NewSetter(BuiltIn())
	for _, lang := range samples(t) {
		for i, v := range values {
			other := values[(i+7)%len(values)]
			style := Style{Size: 10}
			p := Paragraph{RightToLeft: lang.rtl, Width: 5000, Runs: []Run{
				{Text: other, Lang: lang.lang, Style: style, Isolate: true}, {Text: " " + lang.text + " (", Lang: lang.lang, Style: style},
				{Text: v, Lang: lang.lang, Style: Style{Size: 10, Bold: true}, Isolate: true}, {Text: ") – ", Lang: lang.lang, Style: style},
				{Text: other, Lang: lang.lang, Style: style, Isolate: true},
			}}
			lines, err := s.Set(p)
			if err != nil || len(lines) != 1 {
				t.Fatalf("%s %q: %d lines, %v", lang.lang, v, len(lines), err)
			}
			line := seen(lines[0])
			if !strings.Contains(line, v) || strings.Count(line, other) < 2 {
				t.Errorf("%s: %q or %q does not stand as given in %q", lang.lang, v, other, line)
			}
		}
	}
}

// TestNumbersInRunningText: what nobody has marked does not turn around
// either, in notes that run from right to left.
func TestNumbersInRunningText(t *testing.T) {
	s := NewSetter(BuiltIn())
	for _, v := range []string{"5-10", "50", "5-10 mg", "50 mg/d", "2,5 µg", "10 %", "38 °C", "2026-12-03", "03.12.2026", "08:30–09:45", "+961 1 234-567", "(0)30 12-34", "03 123 456", "1,5", "٥-١٠", "+٩٦١ ١ ٢٣٤-٥٦٧", "۱۰-۵"} {
		for _, rtl := range []bool{true, false} {
			for _, isolate := range []bool{true, false} {
				lines, err := s.Set(Paragraph{RightToLeft: rtl, Width: 900, Runs: []Run{
					{Text: "من ليلى ", Lang: "ar", Style: Style{Size: 9}}, {Text: "حبة " + v + " يوميا", Lang: "ar", Style: Style{Size: 9}, Isolate: isolate}, {Text: " " + v, Style: Style{Size: 9}},
				}})
				if err != nil || len(lines) != 1 {
					t.Fatalf("%d lines, %v", len(lines), err)
				}
				if got := seen(lines[0]); strings.Count(got, v) != 2 {
					t.Errorf("%q does not stand as given in %q", v, got)
				}
			}
		}
	}
	// A list keeps the order of its line, and brackets stay together.
	for text, want := range map[string]string{
		"ا 1، 2، 3": "3 ،2 ،1 ا", "(۱۰ م)": ")م ۱۰(", "ا (2026-12-03) م": "م )2026-12-03( ا", "ا 3. 2": "2 .3 ا", "(1) 2 ا": "ا 2 )1(",
		"ا +49 (0)30 12": "+49 (0)30 12 ا",
	} {
		lines, err := s.Set(Paragraph{RightToLeft: true, Width: 900, Runs: []Run{{Text: text, Lang: "ar", Style: Style{Size: 9}}}})
		if err != nil || len(lines) != 1 || seen(lines[0]) != want {
			t.Errorf("%q is set as %q, want %q; %v", text, seen(lines[0]), want, err)
		}
	}
}

// TestAnIsolateKeepsToItself: what is inside does not order what is outside.
func TestAnIsolateKeepsToItself(t *testing.T) {
	s := NewSetter(BuiltIn())
	style := Style{Size: 10}
	set := func(rtl bool, runs ...Run) string {
		t.Helper()
		for i := range runs {
			runs[i].Style = style
		}
		lines, err := s.Set(Paragraph{Runs: runs, RightToLeft: rtl, Width: 500})
		if err != nil || len(lines) != 1 {
			t.Fatalf("%d lines, %v", len(lines), err)
		}
		return seen(lines[0])
	}
	// A name in Arabic before a number in an English line (the example of
	// UAX #9, 2.4).
	for _, c := range []struct{ got, want string }{
		{set(false, Run{Text: "ليلى", Isolate: true}, Run{Text: " 3 reviews"}), "ىليل 3 reviews"},
		{set(false, Run{Text: "ليلى"}, Run{Text: " 3, x"}), "3 ىليل, x"},
		{set(true, Run{Text: "ب "}, Run{Text: "C++", Isolate: true}, Run{Text: " ج"}), "ج C++ ب"},
		// A closing character in the data does not end the isolate.
		{set(false, Run{Text: "\u2069\u202Cليلى", Isolate: true}, Run{Text: " 3 reviews"}), "ىليل 3 reviews"},
		{set(false, Run{Text: "ليلى\u2067", Isolate: true}, Run{Text: " 3 reviews"}), "ىليل 3 reviews"},
		{set(false, Run{Text: "\u202Ba"}, Run{Text: " b"}), "a b"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestWhatCannotBeSetIsNamed(t *testing.T) {
	s := NewSetter(BuiltIn())
	for text, want := range map[string]string{
		"약": "U+C57D is in no font", "a\U0001F600": "U+1F600 is in no font", "⠓": "U+2813 is in no font",
		"a\u202Eb": "U+202E turns the order of numbers around", "\u202D1": "U+202D turns the order of numbers around",
		"\u0007": "U+0007 is no character of a text", "\uFFFD": "U+FFFD is no character of a text", "\uE000": "U+E000 is no character of a text",
		"x\U000E0041": "U+E0041 is in no font", "𠮷": "U+20BB7 is in no font",
	} {
		for _, lang := range []string{"en", "ar", "zh", ""} {
			lines, err := s.Set(Paragraph{Width: 100, Runs: []Run{{Text: "50 mg " + text, Lang: lang, Style: Style{Size: 10}}}})
			var refused *CharacterError
			if !errors.As(err, &refused) || err.Error() != want || lines != nil {
				t.Errorf("%+q in %q: %d lines, %v; want it refused: %s", text, lang, len(lines), err, want)
			}
		}
	}
	if _, err := s.Set(Paragraph{Width: 100, Runs: []Run{{Text: "x"}}}); err == nil {
		t.Error("text without a size was set")
	}
}

// What Unicode takes for one character may be in two fonts; it is set all the
// same. What Check lets pass is set, isolated or not.
func TestCheckSaysWhatSetDoes(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng, s := rand.New(rand.NewPCG(seed, 4)), NewSetter(BuiltIn())
	var pool []rune
	for r := rune(' '); r < 0x2100; r++ {
		if s.Check(string(r), "") == nil {
			pool = append(pool, r)
		}
	}
	texts := []string{"\u0600៩", "कर्A", "\u0600\u0661-2", "5\u0302-3\u0302"}
	for range 1500 {
		var b strings.Builder
		for range 12 {
			b.WriteRune(pool[rng.IntN(len(pool))])
		}
		texts = append(texts, b.String())
	}
	refused := 0
	for i, text := range texts {
		check := s.Check(text, "")
		if check != nil {
			refused++
		}
		for _, run := range []Run{{Text: text, Style: Style{Size: 8}}, {Text: text, Style: Style{Size: 8, Bold: true}, Isolate: true}} {
			if _, err := s.Set(Paragraph{Width: 200, RightToLeft: i%2 == 0, Runs: []Run{run}}); (err == nil) != (check == nil) {
				t.Fatalf("%+q: Check says %v, Set %v", text, check, err)
			}
		}
	}
	t.Logf("%d of %d refused", refused, len(texts))
}

func TestABoxTooNarrowForALetter(t *testing.T) {
	_, err := NewSetter(BuiltIn()).Set(Paragraph{Width: 3, Runs: []Run{{Text: "il W", Style: Style{Size: 10}}}})
	var narrow *WidthError
	if !errors.As(err, &narrow) || narrow.Rune != 'W' || narrow.Width != 3 {
		t.Errorf("%v, want a WidthError for W", err)
	}
}

func TestLineEnds(t *testing.T) {
	s := NewSetter(BuiltIn())
	for _, c := range []struct {
		name, text, lang string
		whole            bool
		width            float64
		want             []string
	}{
		{"spaces hang", "aaa   bbb ", "en", false, 22, []string{"aaa", "bbb"}},
		{"hard ends", "a\r\nb\n\nc\u2028d", "en", false, 100, []string{"a", "b", "", "c", "d"}},
		{"hyphen", "anti-depressant", "en", false, 55, []string{"anti-", "depressant"}},
		{"whole", "+49 30 1234-5678", "en", true, 90, []string{"+49 30 1234-5678"}},
		{"whole but longer than a line", "12345678901234567890", "en", true, 60, []string{"1234567890", "1234567890"}},
		{"no-break space", "50\u00A0mg\u00A0a b", "en", false, 46, []string{"50\u00A0mg\u00A0a", "b"}},
		{"Thai words", "สรุปการดูแลต่อเนื่อง", "th", false, 42, []string{"สรุปการ", "ดูแลต่อ", "เนื่อง"}},
		{"Lao words", "ສະຫຼຸບການດູແລຕໍ່ເນື່ອງ", "lo", false, 42, []string{"ສະຫຼຸບ", "ການດູແລ", "ຕໍ່ເນື່ອງ"}},
		{"Khmer words", "ខ្ញុំត្រូវការជំនួយ", "km", false, 30, []string{"ខ្ញុំ", "ត្រូវការ", "ជំនួយ"}},
		{"Burmese words", "စောင့်ရှောက်မှု", "my", false, 56, []string{"စောင့်ရှောက်", "မှု"}},
		{"Chinese", "每日一次，饭后服用。", "zh", false, 50, []string{"每日一次，", "饭后服用。"}},
		{"Burmese syllables at need", "စောင့်ရှောက်", "my", false, 50, []string{"စောင့်", "ရှောက်"}},
		{"ligatures at need", "க்ஷக்ஷ", "ta", false, 20, []string{"க்ஷ", "க்ஷ"}},
		{"Hindi conjuncts at need", "न्त्स्यक्ष", "hi", false, 18, []string{"न्त्स्य", "क्ष"}},
		{"what is no word is not cut", "ไปเฌฌฌฌฌฌ", "th", false, 62, []string{"ไป", "เฌฌฌฌฌฌ"}},
	} {
		lines, err := s.Set(Paragraph{Width: c.width, Runs: []Run{{Text: c.text, Lang: c.lang, Style: Style{Size: 10}, Whole: c.whole}}})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []string
		for _, l := range lines {
			got = append(got, seen(l))
		}
		if c.want != nil && !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestBoldIsBold: digits of a bold value next to lighter text are bold too.
func TestBoldIsBold(t *testing.T) {
	s := NewSetter(BuiltIn())
	for _, lang := range samples(t) {
		lines, err := s.Set(Paragraph{Width: 900, RightToLeft: lang.rtl, Runs: []Run{
			{Text: lang.text + " ", Lang: lang.lang, Style: Style{Size: 9}}, {Text: "5 mg " + lang.text, Lang: lang.lang, Style: Style{Size: 9, Bold: true}, Isolate: true},
		}})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			for _, r := range l.runs {
				if bold := strings.HasSuffix(r.face.name, "-Bold") || r.face.stroke > 0; bold != (r.run == 1) {
					t.Errorf("%s: %q is set in %s", lang.lang, string(r.text[r.from:r.to]), r.face.name)
				}
			}
		}
	}
}

// checkLines holds lines against the laws: none wider than the box, every
// character once and in one line with its marks, white space at the ends of
// lines aside.
func checkLines(p Paragraph, lines []Line) error {
	pieces, err := passages(p)
	if err != nil {
		return err
	}
	texts := map[*rune][]int{}
	for _, l := range lines {
		if l.Width > p.Width+slack || l.Ascent <= 0 || l.Descent <= 0 {
			return fmt.Errorf("a line of %.2f × %.2f+%.2f in a box of %.2f", l.Width, l.Ascent, l.Descent, p.Width)
		}
		for _, r := range l.runs {
			for _, g := range r.glyphs {
				d := r.face.glyf.outline(g.id)
				if len(d) == 0 {
					continue
				}
				scale := r.size / float64(r.face.em)
				bottom, top := int32(int16(binary.BigEndian.Uint16(d[4:])))+g.dy, int32(int16(binary.BigEndian.Uint16(d[8:])))+g.dy
				if float64(top)*scale > l.Ascent+slack || -float64(bottom)*scale > l.Descent+slack {
					return fmt.Errorf("the glyph %d of %s stands out of its line", g.id, r.face.name)
				}
			}
			if texts[&r.text[0]] == nil {
				texts[&r.text[0]] = make([]int, len(r.text))
			}
			at := -1
			for _, g := range r.glyphs {
				if g.from != at {
					for at = g.from; at < g.to; at++ {
						texts[&r.text[0]][at]++
					}
					at = g.from
				}
			}
		}
	}
	var found [][]int
	for _, l := range lines {
		for _, r := range l.runs {
			if counts := texts[&r.text[0]]; len(found) == 0 || &found[len(found)-1][0] != &counts[0] {
				found = append(found, counts)
			}
		}
	}
	for _, piece := range pieces {
		if !slices.ContainsFunc(piece.text, func(r rune) bool { return !hangs(r) }) {
			continue
		}
		if len(found) == 0 || len(found[0]) != len(piece.text) {
			return fmt.Errorf("%+q is not there", string(piece.text))
		}
		for i, n := range found[0] {
			if n > 1 || n == 0 && !hangs(piece.text[i]) {
				return fmt.Errorf("U+%04X of %+q is there %d times", piece.text[i], string(piece.text), n)
			}
		}
		found = found[1:]
	}
	return nil
}

// randomParagraph mixes languages, values, styles and directions.
func randomParagraph(rng *rand.Rand, all []sample) Paragraph {
	p := Paragraph{Width: 40 + 300*rng.Float64(), RightToLeft: rng.IntN(2) == 0}
	joins := []string{" ", " ", " ", "", ", ", " (", ") ", "\n", "-", "\u200B", "\u00A0", "/", "\u200F", "\u2067"}
	for range 1 + rng.IntN(6) {
		lang := all[rng.IntN(len(all))]
		words := strings.Fields(lang.text)
		var b strings.Builder
		for range 1 + rng.IntN(5) {
			b.WriteString(words[rng.IntN(len(words))] + joins[rng.IntN(len(joins))])
			if rng.IntN(4) == 0 {
				b.WriteString(values[rng.IntN(len(values))] + " ")
			}
		}
		p.Runs = append(p.Runs, Run{Text: b.String(), Lang: lang.lang, Isolate: rng.IntN(3) == 0, Whole: rng.IntN(5) == 0,
			Style: Style{Size: 6 + 6*rng.Float64(), Bold: rng.IntN(4) == 0}})
	}
	return p
}

// randomParagraphs is how many are set in a test; PARAGRAPHS in the
// environment asks for another number.
const randomParagraphs = 800

// others are languages that the fonts cover and papers have no words in.
var others = []sample{
	{lang: "ckb", rtl: true, text: "ناوی تەواو و ڕێکەوتی لەدایکبوون ژمارەی تەلەفۆن"}, {lang: "tr", text: "İlaç dozu, doğum günü, iğne ve ağrı"},
	{lang: "sq", text: "Emri, datëlindja dhe çdo ilaç"}, {lang: "bg", text: "Име, рождена дата и всяко лекарство"}, {lang: "el", text: "Όνομα, ημερομηνία γέννησης και κάθε φάρμακο"},
}

func TestRandomParagraphs(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 9))
	n := randomParagraphs
	if more := os.Getenv("PARAGRAPHS"); more != "" {
		if _, err := fmt.Sscan(more, &n); err != nil {
			t.Fatal(err)
		}
	}
	all, s, lines := append(samples(t), others...), NewSetter(BuiltIn()), 0
	for range n {
		p := randomParagraph(rng, all)
		set, err := s.Set(p)
		if err == nil {
			lines += len(set)
			err = checkLines(p, set)
		}
		if err != nil {
			t.Fatalf("%v, in %+v", err, p)
		}
	}
	t.Logf("%d paragraphs, %d lines", n, lines)
}

func FuzzSet(f *testing.F) {
	for _, lang := range samples(f) {
		f.Add(lang.text, lang.lang, 60.0, lang.rtl)
	}
	for _, v := range values {
		f.Add(v, "ar", 30.0, true)
	}
	s := NewSetter(BuiltIn())
	f.Fuzz(func(t *testing.T, text, lang string, width float64, rtl bool) {
		if len(text) > 400 || width != width {
			return
		}
		p := Paragraph{Width: width, RightToLeft: rtl, Runs: []Run{
			{Text: text, Lang: lang, Style: Style{Size: 8}}, {Text: text, Lang: lang, Style: Style{Size: 9, Bold: true}, Isolate: true, Whole: true},
		}}
		lines, err := s.Set(p)
		var refused *CharacterError
		var narrow *WidthError
		if errors.As(err, &refused) || errors.As(err, &narrow) {
			return
		}
		if err == nil {
			err = checkLines(p, lines)
		}
		if err != nil {
			t.Fatal(err)
		}
		pen := NewPen()
		for _, l := range lines {
			pen.Draw(l, 0, 0, "")
		}
	})
}

// TestSideBySide: setters share fonts and nothing else.
func TestSideBySide(t *testing.T) {
	all := samples(t)
	draw := func() string {
		s, pen := NewSetter(BuiltIn()), NewPen()
		var b strings.Builder
		for _, lang := range all {
			lines, err := s.Set(Paragraph{Width: 200, RightToLeft: lang.rtl, Runs: []Run{{Text: lang.text, Lang: lang.lang, Style: Style{Size: 10}}}})
			if err != nil {
				t.Error(err)
			}
			for _, l := range lines {
				b.WriteString(pen.Draw(l, 0, 0, ""))
			}
		}
		return b.String()
	}
	want := draw()
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			if draw() != want {
				t.Error("other content beside others")
			}
		})
	}
	wait.Wait()
}

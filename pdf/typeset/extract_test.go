package typeset

import (
	"bytes"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/go-text/typesetting/font/opentype"
	"github.com/jung-kurt/gofpdf"
	"golang.org/x/text/unicode/norm"
)

// day is the date in the metadata of the papers of the tests.
var day = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

// paper sets paragraphs one below the other on pages that gofpdf writes.
func paper(t testing.TB, paragraphs ...Paragraph) []byte {
	t.Helper()
	const height, margin = 842, 40
	page := gofpdf.New("P", "pt", "A4", "")
	page.SetCatalogSort(true)
	page.SetAutoPageBreak(false, 0)
	page.SetCreationDate(day)
	page.SetModificationDate(day)
	s, pen := NewSetter(BuiltIn()), NewPen()
	y := float64(height)
	for _, p := range paragraphs {
		lines, err := s.Set(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			if y += l.Ascent + l.Descent; y > height-margin {
				page.AddPage()
				y = margin + l.Ascent + l.Descent
			}
			x := float64(margin)
			if p.RightToLeft {
				x += p.Width - l.Width
			}
			page.RawWriteStr(pen.Draw(l, x, height-y+l.Descent, ""))
		}
		y += 6
	}
	var raw bytes.Buffer
	if err := page.Output(&raw); err != nil {
		t.Fatal(err)
	}
	file, err := ReadFile(raw.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := pen.Embed(file); err != nil {
		t.Fatal(err)
	}
	whole, err := file.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

// extracted is the text that poppler finds in a paper, without the characters
// that only steer: what a search or a screen reader gets.
func extracted(t testing.TB, raw []byte) string {
	t.Helper()
	c := exec.Command("pdftotext", "-enc", "UTF-8", "-", "-")
	c.Stdin = bytes.NewReader(raw)
	var complaints bytes.Buffer
	c.Stderr = &complaints
	out, err := c.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("pdftotext, of the Debian package poppler-utils: %v: %s", err, complaints.String())
	}
	return strings.Map(func(r rune) rune {
		if steers(r) {
			return -1
		}
		return r
	}, norm.NFC.String(string(out)))
}

func squeezed(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || steers(r) {
			return -1
		}
		return r
	}, norm.NFC.String(s))
}

// rightToLeftWords are the words of a text in letters that run from right to
// left, without what stands around them.
func rightToLeftWords(text string) []string {
	var all []string
	for _, w := range strings.FieldsFunc(norm.NFC.String(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.Is(unicode.M, r) && !shapes(r)
	}) {
		if strings.ContainsFunc(w, func(r rune) bool { return unicode.Is(unicode.Arabic, r) }) {
			all = append(all, w)
		}
	}
	return all
}

// TestWhatIsPrintedCanBeRead: another program gets every number and every
// Latin word back as it was given, in every language beside every kind of
// other; whole lines where text runs from left to right, and every word where
// it runs from right to left.
func TestWhatIsPrintedCanBeRead(t *testing.T) {
	all := samples(t)
	for _, lang := range all {
		var paragraphs []Paragraph
		for i, v := range values {
			paragraphs = append(paragraphs, Paragraph{Width: 500, RightToLeft: lang.rtl, Runs: []Run{
				{Text: lang.text + " (", Lang: lang.lang, Style: Style{Size: 9, Bold: i%3 == 0}},
				{Text: v, Lang: lang.lang, Style: Style{Size: 9, Bold: i%2 == 0}, Isolate: true, Whole: true},
				{Text: ") ", Lang: lang.lang, Style: Style{Size: 9}},
				{Text: "Sertraline", Lang: "en", Style: Style{Size: 9}, Isolate: true},
			}})
		}
		text := extracted(t, paper(t, paragraphs...))
		for _, v := range append(slices.Clone(values), "Sertraline") {
			if n := strings.Count(text, v); n < 1 || v == "Sertraline" && n < len(values) {
				t.Errorf("%s: %q is found %d times", lang.lang, v, n)
			}
		}
		if lang.rtl {
			for _, w := range rightToLeftWords(lang.text) {
				if n := strings.Count(text, w); n < len(values) {
					t.Errorf("%s: the word %q is found %d times, want %d", lang.lang, w, n, len(values))
				}
			}
			continue
		}
		whole := squeezed(text)
		if n := strings.Count(whole, squeezed(lang.text)); n != len(values) {
			t.Errorf("%s: the text is found whole %d times, want %d", lang.lang, n, len(values))
		}
	}
}

// TestWidthsAgree: every code is as wide in the font that is cut as the file
// around it says (PDF/A-3, 6.2.11.5), and draws within the glyphs that it has.
func TestWidthsAgree(t *testing.T) {
	s, pen := NewSetter(BuiltIn()), NewPen()
	for _, lang := range samples(t) {
		for _, bold := range []bool{false, true} {
			lines, err := s.Set(Paragraph{Width: 400, RightToLeft: lang.rtl, Runs: []Run{{Text: lang.text, Lang: lang.lang, Style: Style{Size: 10, Bold: bold}}}})
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range lines {
				pen.Draw(l, 0, 0, "")
			}
		}
	}
	codes := 0
	for _, u := range pen.fonts {
		program := u.face.glyf.cut(u.codes)
		loader, err := opentype.NewLoader(bytes.NewReader(program))
		if err != nil {
			t.Fatal(err)
		}
		var cut glyfTables
		if err := cut.load(loader); err != nil {
			t.Fatalf("%s: %v", u.face.name, err)
		}
		for i, c := range u.codes {
			codes++
			if width, _ := cut.advance(uint16(i)); int32(width) != c.advance {
				t.Errorf("%s: the code of %q is %d wide, its glyph %d", u.face.name, c.text, c.advance, width)
			}
		}
	}
	t.Logf("%d codes in %d fonts", codes, len(pen.fonts))
}

// TestSamePaperSameBytes: the fonts too are cut alike.
func TestSamePaperSameBytes(t *testing.T) {
	var paragraphs []Paragraph
	for _, lang := range samples(t) {
		paragraphs = append(paragraphs, Paragraph{Width: 400, RightToLeft: lang.rtl, Runs: []Run{{Text: lang.text, Lang: lang.lang, Style: Style{Size: 10}}}})
	}
	first := paper(t, paragraphs...)
	if !bytes.Equal(first, paper(t, paragraphs...)) {
		t.Error("the same paragraphs gave other bytes")
	}
	t.Logf("%d languages, %d bytes", len(paragraphs), len(first))
}

func TestReadFileRefusesWhatIsNoFile(t *testing.T) {
	page := gofpdf.New("P", "mm", "A4", "")
	page.AddPage()
	var raw bytes.Buffer
	if err := page.Output(&raw); err != nil {
		t.Fatal(err)
	}
	whole := raw.Bytes()
	if _, err := ReadFile(whole); err != nil {
		t.Fatalf("a file of gofpdf is not read: %v", err)
	}
	for _, broken := range [][]byte{nil, []byte("%PDF-1.7"), whole[:len(whole)/2], whole[len(whole)/2:], bytes.Replace(whole, []byte("/Root "), []byte("/Toor "), 1)} {
		if _, err := ReadFile(broken); err == nil {
			t.Errorf("%d bytes that are no file were read", len(broken))
		}
	}
}

// FuzzFinish reads what may be a file of gofpdf and finishes it: whatever it
// is, that ends with a file or an error.
func FuzzFinish(f *testing.F) {
	page := gofpdf.New("P", "mm", "A4", "")
	page.AddPage()
	var raw bytes.Buffer
	if err := page.Output(&raw); err != nil {
		f.Fatal(err)
	}
	f.Add(raw.Bytes())
	f.Add(bytes.ReplaceAll(raw.Bytes(), []byte("/Kids [3 0 R"), []byte("/Kids [9 0 R")))
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := ReadFile(raw)
		if err != nil {
			return
		}
		tree := NewTree("en")
		tree.Mark(1, tree.Root.Add("P", ""), "")
		if err := file.Tag(tree); err != nil {
			return
		}
		if err := file.Archive(Meta{Title: "x", Lang: "en", Day: day}); err != nil {
			return
		}
		lock, err := NewLock("bado kiru", rand.NewChaCha8([32]byte{}))
		if err != nil {
			t.Fatal(err)
		}
		file.Lock(lock)
		if _, err := file.Bytes(); err != nil {
			return
		}
	})
}

func BenchmarkSet(b *testing.B) {
	for _, lang := range samples(b) {
		b.Run(lang.lang, func(b *testing.B) {
			s := NewSetter(BuiltIn())
			p := Paragraph{Width: 250, RightToLeft: lang.rtl, Runs: []Run{{Text: lang.text, Lang: lang.lang, Style: Style{Size: 10}}}}
			lines := 0
			b.ReportAllocs()
			for b.Loop() {
				lines = 0
				for lines < linesOfAPage {
					set, err := s.Set(p)
					if err != nil {
						b.Fatal(err)
					}
					lines += len(set)
				}
			}
		})
	}
}

// linesOfAPage are two columns of a page of A4.
const linesOfAPage = 100

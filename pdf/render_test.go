package pdf

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"portolan/care"
)

var pairs = [][2]string{{"es", "en"}, {"fr", "es"}, {"en", "fr"}, {"es", "fr"}, {"en", "en"}}

func TestSameSummarySameBytes(t *testing.T) {
	for _, p := range pairs {
		first, second := render(t, example(p[0], p[1])), render(t, example(p[0], p[1]))
		if !bytes.Equal(first, second) {
			t.Errorf("%v: two renderings of one summary differ", p)
		}
	}
	a, b := example("es", "en"), example("es", "en")
	b.Essential[1].Entries[0].Details[0].Values[0].Text = "51 mg"
	if bytes.Equal(render(t, a), render(t, b)) {
		t.Error("another dose gave the same bytes")
	}
}

func TestEveryTextAndNumberIsFoundInBothColumns(t *testing.T) {
	for _, p := range pairs {
		s := example(p[0], p[1])
		text := plain(read(t, render(t, s)).text())
		columns := 2
		if p[0] == p[1] {
			columns = 1
		}
		for _, v := range values(s) {
			for _, n := range numbers.FindAllString(v.Text+" "+v.Number, -1) {
				if got := strings.Count(text, n); got < columns {
					t.Errorf("%v: the number %s stands %d times in the text, want at least %d", p, n, got, columns)
				}
			}
			if v.Exact && strings.Count(text, v.Text) < columns {
				t.Errorf("%v: %q is not whole in both columns", p, v.Text)
			}
			if v.Beside != "" && !strings.Contains(strings.ToLower(text), strings.ToLower(v.Beside)) {
				t.Errorf("%v: %q does not stand beside its translation", p, v.Beside)
			}
		}
	}
}

func values(s Summary) []Value {
	var all []Value
	for _, section := range slices.Concat(s.Essential, s.Further, []Section{s.Agreed}) {
		for _, e := range section.Entries {
			all = append(all, e.Head)
			for _, d := range e.Details {
				all = append(all, d.Values...)
			}
		}
	}
	return all
}

// The fonts show each character: never a gap, never a box.
func TestEveryCharacterHasAGlyph(t *testing.T) {
	for _, p := range pairs {
		r := read(t, render(t, example(p[0], p[1])))
		count := 0
		for font, used := range r.used {
			for code := range used {
				count++
				if code == 0 { // it is the number of its glyph
					t.Errorf("%v: %s has no glyph for %q", p, font, r.fonts[font].text[code])
				}
			}
		}
		if count < 60 {
			t.Errorf("%v: only %d characters were looked at", p, count)
		}
	}
}

func TestFirstSheetHoldsTheEssentialsAlone(t *testing.T) {
	r := read(t, render(t, example("es", "en")))
	if len(r.pages) != 2 {
		t.Fatalf("%d pages, want 2", len(r.pages))
	}
	first, second := plain(r.pages[0]), plain(r.pages[1])
	for _, want := range []string{"Alergias", "Medicamentos", "Problemas de salud", "Idioma", "50 mg", "Días restantes: 20"} {
		if !strings.Contains(first, want) {
			t.Errorf("the first page does not hold %q", want)
		}
	}
	for _, later := range []string{"Sobre mí", "Asuntos legales y plazos", "Lo que acepté compartir", "2026-12-11"} {
		if strings.Contains(first, later) || !strings.Contains(second, later) {
			t.Errorf("%q should stand on the second page alone", later)
		}
	}
	if !strings.HasPrefix(first, "Puede destruir este papel en cualquier momento.") {
		t.Errorf("the paper begins with %q", first[:40])
	}
	if at := strings.Index(second, "Lo que acepté"); at < strings.Index(second, "Asuntos legales y plazos") {
		t.Error("what was agreed is not the last section")
	}
}

func TestALongSummaryLosesNothing(t *testing.T) {
	s := example("es", "en")
	note := strings.Repeat("toma despacio y con comida ", 120) + "fin"
	for i := range 24 {
		s.Essential[1].Entries = append(s.Essential[1].Entries, medicine("ibuprofen", fmt.Sprintf("%d mg", 1000+i), "TID", i))
	}
	s.Essential[1].Entries = append(s.Essential[1].Entries,
		Entry{Head: Exactly(strings.Repeat("Ж", 90) + "4711"), Details: []Detail{Of("instructions", Free(note, "es"))}})
	r := read(t, render(t, s))
	text := plain(r.text())
	for i := range 24 {
		if !strings.Contains(text, fmt.Sprintf("%d mg", 1000+i)) {
			t.Errorf("the dose %d mg is lost", 1000+i)
		}
	}
	if got := strings.Count(text, "despacio"); got != 240 {
		t.Errorf("the note says its word %d times, want 240", got)
	}
	if got := strings.Count(text, "Ж"); got != 180 {
		t.Errorf("the long word has %d letters left, want 180", got)
	}
	if !strings.Contains(text, "Medicamentos (continuación)") {
		t.Error("a heading is not repeated on the next page")
	}
}

func TestMetadataSaysNothing(t *testing.T) {
	raw := read(t, render(t, example("es", "en"))).raw
	for _, key := range []string{"/Producer", "/Author", "/Creator", "/Subject", "/Keywords", "FPDF", "ortolan", "/URI", "/Annots", "/Outlines", "/Filespec"} {
		if bytes.Contains(raw, []byte(key)) {
			t.Errorf("the file holds %s", key)
		}
	}
	dates := regexp.MustCompile(`(?:/(?:CreationDate|ModDate)\(D:|Date=")([^)"]+)[)"]`).FindAllSubmatch(raw, -1)
	if len(dates) != 4 {
		t.Errorf("%d dates in the metadata, want 4", len(dates))
	}
	for _, date := range dates {
		if d := string(date[1]); d != "20261120000000+00'00'" && d != "2026-11-20T00:00:00Z" {
			t.Errorf("the metadata say %s, want the day alone", d)
		}
	}
}

// TestAPaperRunsNothing: attack case 22. Whatever stands in the records, the
// paper holds no action, no file, no form and no script: nothing but pages.
func TestAPaperRunsNothing(t *testing.T) {
	raw := read(t, render(t, example("es", "en"))).raw
	plain := regexp.MustCompile(`(?s)stream\r?\n.*?endstream`).ReplaceAll(raw, nil) // what pages draw is no instruction to a reader
	for _, key := range []string{"/JavaScript", "/JS", "/OpenAction", "/AA", "/Launch", "/EmbeddedFile", "/URI", "/GoTo", "/SubmitForm", "/ImportData",
		"/AcroForm", "/XFA", "/RichMedia", "/Movie", "/Sound", "/Rendition", "/Encrypt", "/Annots"} {
		if regexp.MustCompile(regexp.QuoteMeta(key) + `\b`).Match(plain) {
			t.Errorf("the paper holds %s", key)
		}
	}
	if !bytes.Contains(plain, []byte("/Page")) {
		t.Error("no pages: the test looks at the wrong thing")
	}
}

func TestLanguagesWithoutWordsAreRefused(t *testing.T) {
	for _, lang := range []string{"prs", "de", "it", "sw", "", "xx", "EN", "en-GB"} {
		for _, p := range [][2]string{{lang, "en"}, {"en", lang}} {
			s := example("es", "en")
			s.Languages = p
			var out bytes.Buffer
			err := Render(&out, s, Options{Text: catalogue(t)})
			if care.CodeOf(err) != "summary_language" {
				t.Errorf("%v: %v, want it refused", p, err)
				continue
			}
			if name, known := names[lang]; known && !strings.Contains(err.Error(), name) {
				t.Errorf("%v: the refusal does not name %s: %v", p, name, err)
			}
			if out.Len() > 0 {
				t.Errorf("%v: %d bytes were written all the same", p, out.Len())
			}
		}
	}
}

func TestTextThatCannotBeSetIsRefused(t *testing.T) {
	for _, text := range []string{
		"약", "תרופה", "བོད་", // scripts without a font
		"q\u0307", "x\u0323y", "\u0301a", // marks without a letter of their own
		"😀", "𝟓𝟎", "\u0007", "\uFFFD", "a\u202Eb", "\U000E0041", "⠓", "⁂\u2FFF",
	} {
		s := example("es", "en")
		s.Essential[1].Entries[0].Details = append(s.Essential[1].Entries[0].Details, Of("instructions", Free("mañana "+text, "es")))
		var out bytes.Buffer
		err := Render(&out, s, Options{Text: catalogue(t)})
		if care.CodeOf(err) != "summary_text" {
			t.Errorf("%+q: %v, want it refused", text, err)
			continue
		}
		if !strings.Contains(err.Error(), "Instructions") {
			t.Errorf("%+q: the refusal does not name the field: %v", text, err)
		}
		if strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "mañana") {
			t.Errorf("%+q: the refusal holds the text", text)
		}
		if out.Len() > 0 {
			t.Errorf("%+q: %d bytes were written all the same", text, out.Len())
		}
	}
}

// What somebody wrote in other letters stands in a summary as it was written,
// word by word as another program reads it, with every number.
func TestOtherScriptsStandInASummary(t *testing.T) {
	for lang, text := range map[string]string{
		"ar": "حبة واحدة قبل النوم", "fa": "می\u200cخواهم دارویم", "ur": "روزانہ ایک گولی", "hi": "खाने के बाद", "bn": "খাওয়ার পরে", "my": "တစ်နေ့ တစ်ကြိမ်",
		"km": "មួយថ្ងៃម្តង", "th": "วันละครั้ง", "lo": "ມື້ລະເທື່ອ", "am": "በቀን አንድ ጊዜ", "zh": "每日一次", "uk": "раз на день", "ta": "தினமும்", "si": "දිනපතා", "pa": "ਰੋਜ਼ਾਨਾ",
	} {
		s := example("es", "en")
		s.Further[0].Entries[0].Details[0].Values[0] = Exactly(text)
		s.Essential[1].Entries[0].Details = append(s.Essential[1].Entries[0].Details, Of("instructions", Free(text+" 5-10 mg", lang)))
		c := exec.Command("pdftotext", "-", "-")
		c.Stdin = bytes.NewReader(render(t, s))
		out, err := c.Output()
		if err != nil {
			t.Fatalf("pdftotext, of the Debian package poppler-utils: %v", err)
		}
		// A line may end inside a text that has no spaces.
		found := strings.Join(strings.Fields(norm.NFC.String(string(out))), "")
		for word := range strings.FieldsSeq(text) {
			if n := strings.Count(found, norm.NFC.String(word)); n < 4 {
				t.Errorf("%s: %q is found %d times, want it twice in each column", lang, word, n)
			}
		}
		if n := strings.Count(found, "5-10mg"); n < 4 {
			t.Errorf("%s: the dose is found %d times, want 4", lang, n)
		}
	}
}

func TestDecomposedLettersAreComposed(t *testing.T) {
	s := example("es", "en")
	s.Further[0].Entries[0].Details[0].Values[0] = Exactly("Nguye\u0302\u0303n S\u0327erban \u2066abc\u2069 so\u00ADft")
	text := plain(read(t, render(t, s)).text())
	if !strings.Contains(text, "Nguyễn Şerban abc soft") {
		t.Errorf("the letters do not stand as composed: %q", text)
	}
}

func TestTextIsMarkedWithItsLanguage(t *testing.T) {
	r := read(t, render(t, example("fr", "es")))
	text := plain(r.text())
	for _, want := range []string{
		"Carbimazole [tel qu’écrit, anglais]", "Carbimazole [tal como se escribió, inglés]",
		"médico tratante [tel qu’écrit, espagnol]",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the text", want)
		}
	}
	if strings.Contains(text, "tratante [tal como") {
		t.Error("text in the column's own language is marked as foreign")
	}
}

func TestSeveralValuesStandUnderOneLabel(t *testing.T) {
	s := example("en", "en")
	s.Essential[0].Entries[0].Details[1] = Of("reaction", Coded("allergy_reactions", "rash", "", "", ""), Coded("allergy_reactions", "hives", "", "", ""))
	if text := plain(read(t, render(t, s)).text()); !strings.Contains(text, "Reaction: rash, hives") {
		t.Errorf("the reactions do not stand together: %q", text)
	}
}

func TestLanguagesOfPapers(t *testing.T) {
	for tag, want := range map[string]string{"fr": "fr", "pt-BR": "pt", "zh-Hans-CN": "zh", "prs": "fa", "fil-PH": "tl", "xx": "xx"} {
		if got := Language(tag); got != want {
			t.Errorf("%s: %s, want %s", tag, got, want)
		}
	}
}

func TestLanguageOfACountry(t *testing.T) {
	for country, want := range map[string]string{"FR": "fr", "ES": "es", "MX": "es", "GB": "en", "KE": "sw", "XX": "", "": "", "Kenya": ""} {
		if got := LanguageOf(country); got != want {
			t.Errorf("%q: %q, want %q", country, got, want)
		}
	}
}

// Several papers are made at once: nothing is shared between them.
func TestSideBySide(t *testing.T) {
	want := map[string][]byte{}
	for _, p := range pairs {
		want[p[0]+p[1]] = render(t, example(p[0], p[1]))
	}
	var wait sync.WaitGroup
	for range 4 {
		for _, p := range pairs {
			wait.Go(func() {
				var b bytes.Buffer
				err := Render(&b, example(p[0], p[1]), Options{Text: catalogue(t)})
				if err != nil || !bytes.Equal(b.Bytes(), want[p[0]+p[1]]) {
					t.Errorf("%v: other bytes beside others, or %v", p, err)
				}
			})
		}
	}
	wait.Wait()
}

func TestAMissingMessageIsAnError(t *testing.T) {
	whole := catalogue(t)
	for _, gone := range []string{"pdf.title", "pdf.destroy", "pdf.label.dose", "pdf.section.allergies", "pdf.as_written", "pdf.none_recorded"} {
		lookup := func(lang, key string) (string, bool) {
			if key == gone && lang == "en" {
				return "", false
			}
			return whole(lang, key)
		}
		var out bytes.Buffer
		if err := Render(&out, example("es", "en"), Options{Text: lookup}); err == nil || out.Len() > 0 {
			t.Errorf("without %s: %v and %d bytes", gone, err, out.Len())
		}
	}
}

// Random text in all scripts: no panic, no lost letter.
func TestRandomTextIsWholeOrRefused(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	var pool []rune
	for r := rune('!'); r < 0x2000; r++ {
		if builtIn.CanSet(string(r)) && !invisible(r) && !unicode.IsSpace(r) {
			pool = append(pool, r)
		}
	}
	refused := 0
	for range 40 {
		var b strings.Builder
		for range 24 {
			b.WriteRune(pool[rng.IntN(len(pool))])
			if rng.IntN(6) == 0 {
				b.WriteByte(' ')
			}
		}
		s := Summary{Languages: [2]string{"en", "es"}, Day: "2026-11-20",
			Essential: []Section{{Key: "conditions", Entries: []Entry{{Head: Free(b.String(), "en")}}}}}
		var out bytes.Buffer
		if err := Render(&out, s, Options{Text: catalogue(t)}); err != nil {
			if care.CodeOf(err) != "summary_text" {
				t.Fatal(err)
			}
			refused++
			continue
		}
		want := norm.NFC.String(b.String())
		text := read(t, out.Bytes()).text()
		for _, r := range want {
			if r > ' ' && strings.Count(text, string(r)) < 2*strings.Count(want, string(r)) {
				t.Fatalf("%U of %+q is not in both columns", r, want)
			}
		}
	}
	t.Logf("%d of 40 refused", refused)
}

package pdf

import (
	"bytes"
	"strings"
	"testing"

	"portolan/care"
)

func TestTheReadingVersionSaysWhatThePagesSay(t *testing.T) {
	for _, pair := range [][2]string{{"ar", "fr"}, {"zh", "en"}, {"es", "es"}} {
		s := example(pair[0], pair[1])
		var b bytes.Buffer
		if err := Read(&b, s, Options{Text: catalogue(t)}); err != nil {
			t.Fatal(err)
		}
		said := strings.ReplaceAll(b.String(), "\u00A0", " ")
		columns := 2
		if pair[0] == pair[1] {
			columns = 1
		}
		for _, v := range values(s) {
			if v.Exact && strings.Count(said, v.Text) < columns {
				t.Errorf("%v: %q is not said in each language", pair, v.Text)
			}
		}
		for i, lang := range pair {
			destroy, _ := catalogue(t)(lang, "pdf.destroy")
			if at := strings.Index(said, destroy); at < 0 || i == 0 && at != 0 {
				t.Errorf("%v: that it may be destroyed stands at %d", pair, at)
			}
		}
		if pair[0] == "ar" && !strings.Contains(said, "\u206650 mg\u2069") {
			t.Error("a dose in Arabic text is not set apart")
		}
	}
	s := example("fr", "es")
	s.Further[0].Entries[0].Details[0].Values[0] = Free("la police", "fr")
	var b bytes.Buffer
	if err := Read(&b, s, Options{Text: catalogue(t)}); care.CodeOf(err) != "summary_words" || b.Len() > 0 {
		t.Errorf("what no paper may say is read out: %v", err)
	}
}

// A day has the name of its month beside it in the person's own language, the
// digits staying what they are; what is no day has none.
func TestADayIsSaidInOnesOwnLanguage(t *testing.T) {
	text := catalogue(t)
	for i, own := range languages {
		other := languages[(i+5)%len(languages)]
		var b bytes.Buffer
		if err := Read(&b, example(own, other), Options{Text: text}); err != nil {
			t.Fatalf("%s: %v", own, err)
		}
		first, second, found := strings.Cut(b.String(), "\n\n\n")
		if !found {
			t.Fatalf("%s: no second language in %q", own, b.String())
		}
		december, _ := text(own, "pdf.months.12")
		if !strings.Contains(first, december) || !strings.Contains(first, "2026-12-08") || !strings.Contains(second, "2026-12-08") {
			t.Errorf("%s: %q or the digits of the day are not there: %q", own, december, first)
		}
		if there, _ := text(other, "pdf.months.12"); there != december && strings.Contains(second, "("+there) {
			t.Errorf("%s: the day is said in the other language too", own)
		}
	}
	c := &composer{text: text, langs: []string{"es"}}
	for given, want := range map[string]string{"2026-12-08": "8 de diciembre", "2026-12-11 09:30": "11 de diciembre", "2026-13-08": "", "2011-05": "", "+961 1 234-567": ""} {
		if said, err := c.spoken(given, "es"); err != nil || said != want {
			t.Errorf("%s is said as %q, %v; want %q", given, said, err, want)
		}
	}
}

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

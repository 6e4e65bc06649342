package hooks_test

import (
	"bytes"
	"image/png"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
	"portolan/internal/hubtest"
)

type order map[string]any

// On demand: the file, the words, and a picture of a page, to whoever may have
// them and to nobody else, each with its decision in the audit log.
func TestASummaryOnDemand(t *testing.T) {
	h := hubtest.New(t)
	p := newTravellerOn(t, h)
	s := serveOn(t, h, hooks.Config{})
	owner, path := s.signIn(t, p.login), "/api/portolan/cases/"+p.caseID+"/summary"
	get := func(token string, o order) answer { return s.ask(t, "POST", path, token, o) }

	file := get(owner, order{})
	if file.status != http.StatusOK || file.header.Get("Content-Type") != "application/pdf" || file.header.Get("Cache-Control") != "no-store" ||
		file.header.Get("Content-Disposition") != `attachment; filename="summary.pdf"` {
		t.Fatalf("the file: %d %v", file.status, file.header)
	}
	c := exec.Command("pdftotext", "-", "-")
	c.Stdin = bytes.NewReader(file.body)
	if read, err := c.Output(); err != nil || !strings.Contains(string(read), "500 mg") {
		t.Errorf("poppler reads %q, %v", read, err)
	}
	if again := get(owner, order{"form": "pdf"}); !bytes.Equal(again.body, file.body) {
		t.Error("asked again: other bytes")
	}
	words := get(owner, order{"form": "text", "languages": []string{"ar", "en"}})
	if words.status != http.StatusOK || !strings.HasPrefix(words.header.Get("Content-Type"), "text/plain") || !strings.Contains(string(words.body), "\u2066500\u00A0mg\u2069") {
		t.Errorf("the words: %d %q", words.status, words.body)
	}
	picture := get(owner, order{"form": "png", "page": 2, "width": 300, "paper": "Letter"})
	drawn, err := png.Decode(bytes.NewReader(picture.body))
	if err != nil || drawn.Bounds().Dx() != 300 || drawn.Bounds().Dy() != 388 || picture.header.Get("Summary-Pages") != "2" {
		t.Errorf("the picture: %d %v, %v", picture.status, picture.header, err)
	}

	for code, asked := range map[string][]order{
		"summary_order":    {{"form": "phone"}, {"page": 2}, {"form": "text", "width": 300}, {"country": "XX"}, {"paper": "A3"}, {"languages": []string{"es", "en", "fr"}}},
		"summary_language": {{"languages": []string{"de"}}},
		"picture_size":     {{"form": "png", "width": 100_000}},
		"picture_page":     {{"form": "png", "page": 40}},
	} {
		for _, o := range asked {
			if a := get(owner, o); a.code(t) != code {
				t.Errorf("%v: %d %s, want %s", o, a.status, a.code(t), code)
			}
		}
	}
	_, stranger := s.staff(t, care.Outreach)
	there := get(stranger, order{})
	nowhere := s.ask(t, "POST", "/api/portolan/cases/"+recordID(15)+"/summary", stranger, order{})
	if there.status != http.StatusNotFound || !bytes.Equal(there.body, nowhere.body) {
		t.Errorf("to a stranger %d %s, of a case that is not there %d %s", there.status, there.body, nowhere.status, nowhere.body)
	}

	// What gives away is shown to whoever may read it, to be said otherwise.
	p.change(t, "medicines", p.medicine, set{"instructions": text("ask at the shelter")})
	var problem hooks.Problem
	refused := get(owner, order{"form": "png"})
	if refused.code(t) != "summary_words" {
		t.Fatalf("a word that gives away: %d %s", refused.status, refused.body)
	}
	refused.status = http.StatusOK
	if refused.into(t, &problem); !slices.Equal(problem.Words, []string{"shelter"}) {
		t.Errorf("the words to say otherwise: %v", problem.Words)
	}
	p.change(t, "medicines", p.medicine, set{"instructions": text("with water")})
	p.withdraw(t)
	for _, form := range []string{"pdf", "text", "png"} {
		if a := get(owner, order{"form": form}); a.code(t) != "summary_not_agreed" {
			t.Errorf("%s after the yes was taken back: %d %s", form, a.status, a.code(t))
		}
	}
	auditor, _ := p.Staff(t, care.Auditor)
	page, err := p.Events(t.Context(), auditor, collections.EventQuery{Case: p.caseID, Act: collections.ActPrint, Staff: p.owner.Staff})
	if err != nil || len(page.Events) != 7 {
		t.Errorf("the audit log has %d decisions to print, %v; want one for each of the seven that the person agreed to", len(page.Events), err)
	}
}

// Pictures and the times of a day: by the person's recorded choice, or asked
// for by hand, and by nothing else.
func TestPicturesAreThePersonsChoice(t *testing.T) {
	p := newTraveller(t)
	p.change(t, "medicines", p.medicine, set{"taken_when": text("MORN-NIGHT"), "with_food": text("PC")})
	made := func(pictures bool) []byte {
		t.Helper()
		s, err := hooks.MakeSummary(t.Context(), p.Hub.Hub, p.owner, hooks.SummaryOrder{Case: p.caseID, Pictures: pictures})
		if err != nil {
			t.Fatal(err)
		}
		return s.PDF
	}
	plainly, asked := made(false), made(true)
	if bytes.Equal(plainly, asked) {
		t.Error("pictures that were asked for are not there")
	}
	read, _ := printed(t, p)
	for _, word := range []string{"le matin", "la nuit", "après le repas", "por la mañana", "después de comer"} {
		if !strings.Contains(strings.Join(strings.Fields(read), " "), word) {
			t.Errorf("%q is not on the paper: %q", word, read)
		}
	}
	p.change(t, "survivors", p.survivor, set{"access_needs": care.OfList("pictures")})
	if chosen := made(false); !bytes.Equal(chosen, asked) {
		t.Error("who chose pictures has other pages than who asks for them")
	}
}

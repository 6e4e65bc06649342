package pdf

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What PDF/A-3a and PDF/UA-1 ask for is held by veraPDF (make test-outside);
// here is what must not be lost between two runs of it.
func TestAPaperIsTaggedAndArchivable(t *testing.T) {
	raw := read(t, render(t, example("fr", "es"))).raw
	for _, want := range []string{
		"/MarkInfo<</Marked true>>", "/StructTreeRoot", "/Lang(fr)", "/ViewerPreferences<</DisplayDocTitle true", "/OutputIntents[",
		`pdfaid:part="3" pdfaid:conformance="A" pdfuaid:part="1"`, "/S/H1", "/S/H2", "/S/TH", "/Scope/Column", "/S/TD", "/StructParents 1/Tabs/S",
	} {
		if !bytes.Contains(raw, []byte(want)) {
			t.Errorf("the file has no %s", want)
		}
	}
	ids := regexp.MustCompile(`/ID\[<([0-9a-f]{32})><([0-9a-f]{32})>\]`).FindSubmatch(raw)
	if ids == nil || !bytes.Equal(ids[1], ids[2]) {
		t.Fatal("the file has no identifier")
	}
	other := example("fr", "es")
	other.Essential[1].Entries[0].Details[0].Values[0].Text = "51 mg"
	if bytes.Contains(render(t, other), ids[1]) {
		t.Error("another content has the same identifier")
	}
}

// Every stretch of text is an element of the structure or decoration, and
// marks are numbered on each page from 0 without a gap.
func TestEverythingDrawnIsMarked(t *testing.T) {
	r := read(t, render(t, example("fr", "es")))
	for n, content := range r.contents {
		depth, next := 0, 0
		for line := range strings.SplitSeq(content, "\n") {
			if strings.HasSuffix(line, "BDC") || strings.HasSuffix(line, "BMC") {
				depth++
				if m := regexp.MustCompile(`/MCID (\d+)`).FindStringSubmatch(line); m != nil {
					if m[1] != strconv.Itoa(next) {
						t.Errorf("page %d: mark %s, want %d", n+1, m[1], next)
					}
					next++
				}
			}
			if strings.HasPrefix(line, "EMC") {
				depth--
			}
			if drawn := strings.HasSuffix(line, "TJ") || strings.HasSuffix(line, " re f") || strings.HasSuffix(line, " l S"); drawn && depth == 0 {
				t.Errorf("page %d: %q is drawn outside of the structure", n+1, line)
			}
		}
		if depth != 0 || next < 10 {
			t.Errorf("page %d: %d marks left open, %d marks in all", n+1, depth, next)
		}
	}
}

func TestALanguageIsOnEveryRun(t *testing.T) {
	r := read(t, render(t, example("fr", "es")))
	whole := strings.Join(r.contents, "\n")
	if !strings.Contains(whole, "/Span<</Lang(es)>>BDC") || !strings.Contains(whole, "/Span<</Lang(en)>>BDC") {
		t.Error("text in another language than that of its column is not marked with it")
	}
	for _, lang := range []string{"fr", "es"} {
		if !bytes.Contains(r.raw, []byte("/S/TD/P")) || !bytes.Contains(r.raw, []byte("/Lang("+lang+")")) {
			t.Errorf("no column is marked as %s", lang)
		}
	}
}

func TestPaperAndTypeCanBeChosen(t *testing.T) {
	s := example("fr", "es")
	for _, c := range []struct {
		o     Options
		box   string
		title string
	}{
		{Options{}, "595.28 841.89", " 16 Tf"}, {Options{Paper: Letter}, "612.00 792.00", " 16 Tf"}, {Options{Large: true}, "595.28 841.89", " 25.6 Tf"},
	} {
		var b bytes.Buffer
		c.o.Text = catalogue(t)
		if err := Render(&b, s, c.o); err != nil {
			t.Fatal(err)
		}
		r := read(t, b.Bytes())
		if !bytes.Contains(r.raw, []byte("/MediaBox [0 0 "+c.box+"]")) || !strings.Contains(strings.Join(r.contents, "\n"), c.title) {
			t.Errorf("%q large=%v: not as chosen", c.o.Paper, c.o.Large)
		}
	}
	if err := Render(&bytes.Buffer{}, s, Options{Text: catalogue(t), Paper: "A3"}); err == nil {
		t.Error("a paper that nobody has was taken")
	}
}

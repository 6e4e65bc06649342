package pdf

import (
	"bytes"
	"fmt"
	"image"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"portolan/care"
	"portolan/pdf/typeset"
)

// drawnExample has the medicines of example with when they are taken.
func drawnExample(own, other string) Summary {
	s := example(own, other)
	e := &s.Essential[1].Entries[0]
	e.Details = append(e.Details, Of("taken_when", Coded("medicine_times", "MORN", "", "", ""), Coded("medicine_times", "NIGHT", "", "", ""), Coded("medicine_food", "AC", "", "", "")),
		Of("kept_cold", Coded("answer", "true", "", "", "")))
	return s
}

// Every picture has its word in every language, which a voice says for it, and
// stays in its square: what lies outside would be drawn over words.
func TestEveryPictureHasItsWord(t *testing.T) {
	text := catalogue(t)
	said := func(key string) {
		for _, lang := range languages {
			if s, ok := text(lang, key); !ok || s == "" {
				t.Errorf("the picture of %s has no word in %s", key, lang)
			}
		}
	}
	for code, f := range pictures {
		said("pdf." + strings.Replace(code, " ", ".", 1))
		inSquare(t, code, f)
	}
	for label, f := range labelled {
		said("pdf.label." + label)
		inSquare(t, label, f)
	}
	for section, f := range ofSections {
		said("pdf.section." + section)
		inSquare(t, section, f)
	}
	inSquare(t, "destroy", figureTear)
	for _, code := range []string{"medicine_times MORN", "medicine_times NOON", "medicine_times EVE", "medicine_times NIGHT", "medicine_food C",
		"medicine_routes " + care.RouteOral, "medicine_routes " + care.RouteSubcutaneous, "medicine_routes " + care.RouteSkin, "medicine_frequencies TID"} {
		if pictures[code] == nil {
			t.Errorf("%s has no picture", code)
		}
	}
}

// inSquare draws a figure in the middle of a white page: nothing of it stands
// outside of its square, and it is not nothing.
func inSquare(t *testing.T, name string, f typeset.Figure) {
	t.Helper()
	const side, around = 96, 24
	r := typeset.NewRaster(side+2*around, side+2*around, side+2*around)
	r.Figure(f, around, side+around, side)
	square, ink := image.Rect(around, around, side+around, side+around), 0
	for y := range side + 2*around {
		for x := range side + 2*around {
			black := r.Image().GrayAt(x, y).Y < 128
			switch {
			case black && image.Pt(x, y).In(square.Inset(-2)):
				ink++
			case black:
				t.Fatalf("the picture of %s leaves its square at %d, %d", name, x-around, y-around)
			}
		}
	}
	if ink < side*side/40 {
		t.Errorf("of the picture of %s hardly anything is there: %d pixels", name, ink)
	}
}

// Two codes that are not to be mixed up have not the same picture.
func TestPicturesAreToldApart(t *testing.T) {
	seen := map[string]string{}
	for _, list := range []string{"medicine_times", "medicine_food"} {
		for _, code := range slices.Sorted(maps.Keys(pictures)) {
			if !strings.HasPrefix(code, list) {
				continue
			}
			drawn := pictures[code].Content(0, 0, 10)
			if seen[drawn] != "" {
				t.Errorf("%s has the picture of %s", code, seen[drawn])
			}
			seen[drawn] = code
		}
	}
	// A picture whose sides differ would say another order to whoever reads from
	// the other side.
	for _, code := range []string{"medicine_food AC", "medicine_food PC", "medicine_times MORN", "medicine_times EVE"} {
		r := typeset.NewRaster(96, 96, 96)
		r.Figure(pictures[code], 0, 96, 96)
		all, alone := 0, 0
		for y := range 96 {
			for x := range 96 {
				black := r.Image().GrayAt(x, y).Y < 128
				if black {
					all++
				}
				if black && r.Image().GrayAt(95-x, y).Y > 250 {
					alone++
				}
			}
		}
		if alone*20 > all {
			t.Errorf("%s is not the same from both sides: %d of %d", code, alone, all)
		}
	}
	counts := map[string]bool{}
	for n := 1; n <= 4; n++ {
		counts[timesADay(n).Content(0, 0, 10)] = true
	}
	if len(counts) != 4 {
		t.Errorf("once to four times a day have %d pictures", len(counts))
	}
}

// Pictures stand where they are asked for, tagged, with their word in the
// language of the column; all words are there as before, and the file is small.
func TestPicturesStandBesideWords(t *testing.T) {
	for _, pair := range [][2]string{{"es", "en"}, {"ur", "ar"}, {"km", "th"}} {
		s := drawnExample(pair[0], pair[1])
		var plainly, drawn bytes.Buffer
		for b, o := range map[*bytes.Buffer]Options{&plainly: {}, &drawn: {Pictures: true}} {
			o.Text = catalogue(t)
			if err := Render(b, s, o); err != nil {
				t.Fatalf("%v: %v", pair, err)
			}
		}
		if drawn.Len() > 80_000 {
			t.Errorf("%v: %d bytes with pictures, want at most 80 KB", pair, drawn.Len())
		}
		if raw := unpacked(t, plainly.Bytes()); bytes.Contains(raw, []byte("/S/Figure")) {
			t.Errorf("%v: a picture that nobody asked for", pair)
		}
		raw := unpacked(t, drawn.Bytes())
		for _, lang := range pair {
			for _, key := range []string{"pdf.medicine_times.NIGHT", "pdf.medicine_food.AC", "pdf.medicine_routes." + care.RouteOral, "pdf.medicine_frequencies.BID"} {
				word, _ := catalogue(t)(lang, key)
				if !bytes.Contains(raw, []byte("/Alt"+utf16String(word))) {
					t.Errorf("%v: no picture that a voice calls %q", pair, word)
				}
			}
		}
		if heading, _ := catalogue(t)(pair[0], "pdf.section.allergies"); !bytes.Contains(raw, []byte("/Alt"+utf16String(heading))) {
			t.Errorf("%v: no picture beside the heading %q", pair, heading)
		}
		before, after := words(poppler(t, plainly.Bytes())), words(poppler(t, drawn.Bytes()))
		if !maps.Equal(before, after) {
			t.Errorf("%v: with pictures other words stand on the paper", pair)
		}
	}
}

// words counts the words of a text, page numbers aside.
func words(text string) map[string]int {
	n := map[string]int{}
	for w := range strings.FieldsSeq(text) {
		if len(w) > 1 {
			n[strings.Map(func(r rune) rune {
				if invisible(r) {
					return -1
				}
				return r
			}, w)]++
		}
	}
	return n
}

// utf16String is how a text stands in a file that is not sealed.
func utf16String(text string) string {
	var b strings.Builder
	b.WriteString("(\xFE\xFF")
	for _, u := range utf16.Encode([]rune(text)) {
		for _, c := range []byte{byte(u >> 8), byte(u)} {
			if strings.ContainsRune("()\\", rune(c)) {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
		}
	}
	return fmt.Sprintf("%s)", b.String())
}

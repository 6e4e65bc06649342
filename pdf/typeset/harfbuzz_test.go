package typeset

import (
	"bufio"
	"compress/gzip"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-text/typesetting/language"
)

// goldens is what HarfBuzz makes of names in every language
// (testdata/goldens.py). The committed file holds some of each; the script
// says how to hold all against us.
var goldens = flag.String("goldens", "testdata/harfbuzz.tsv.gz", "strings with the glyphs that HarfBuzz gives them")

// agreement is how much of the strings must be shaped as HarfBuzz shapes them,
// glyph by glyph and to the unit of the font.
const agreement = 0.999

func TestHarfBuzz(t *testing.T) {
	f, err := os.Open(*goldens)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	packed, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	faces := map[string]*face{}
	s := NewSetter(BuiltIn())
	all, differ, languages := 0, 0, map[string]bool{}
	lines := bufio.NewScanner(packed)
	for lines.Scan() {
		field := strings.Split(lines.Text(), "\t")
		if len(field) != 6 {
			t.Fatalf("%q has not six fields", lines.Text())
		}
		if faces[field[0]] == nil {
			if faces[field[0]], err = openPacked(field[0])(); err != nil {
				t.Fatal(err)
			}
		}
		script, err := language.ParseScript(field[2])
		if err != nil {
			t.Fatal(err)
		}
		text := []rune(field[4])
		it := item{to: len(text), script: script, face: faces[field[0]]}
		if field[3] == "rtl" {
			it.level = 1
		}
		// A glyph that the font lacks is compared too: names of CLDR hold some.
		got, _ := s.shape(text, it, Run{Lang: field[1], Style: Style{Size: 10}})
		all++
		languages[field[1]] = true
		if line := asHarfBuzz(got.glyphs); line != field[5] {
			if differ++; differ <= 10 {
				t.Logf("%s %s %s:\n ours     %s\n HarfBuzz %s", field[0], field[1], field[4], line, field[5])
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d strings in %d languages, %d differ", all, len(languages), differ)
	if len(languages) < 31 || float64(differ) > float64(all)*(1-agreement) {
		t.Errorf("%d of %d strings in %d languages are not shaped as HarfBuzz shapes them", differ, all, len(languages))
	}
}

// asHarfBuzz writes glyphs as hb-shape does.
func asHarfBuzz(glyphs []glyph) string {
	var all []string
	for _, g := range glyphs {
		s := fmt.Sprintf("%d=%d", g.id, g.from)
		if g.dx != 0 || g.dy != 0 {
			s += fmt.Sprintf("@%d,%d", g.dx, g.dy)
		}
		all = append(all, s+fmt.Sprintf("+%d", g.advance))
	}
	return "[" + strings.Join(all, "|") + "]"
}

package typeset

import (
	"bufio"
	"compress/bzip2"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// casesOfUnicode is how many lines of data BidiCharacterTest.txt of Unicode
// 15.0 holds.
const casesOfUnicode = 91707

func TestEveryCaseOfBidiCharacterTest(t *testing.T) {
	f, err := os.Open("testdata/BidiCharacterTest.txt.bz2")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cases, failed := 0, 0
	lines := bufio.NewScanner(bzip2.NewReader(f))
	for lines.Scan() {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		cases++
		if err := checkBidiCase(t, strings.Split(line, ";")); err != nil {
			if failed++; failed <= 5 {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if failed > 0 || cases != casesOfUnicode {
		t.Errorf("%d of %d cases fail, want none of %d", failed, cases, casesOfUnicode)
	}
}

// checkBidiCase holds one line of the file against the rules: code points,
// direction of the paragraph, its level, levels, visual order.
func checkBidiCase(t *testing.T, field []string) error {
	t.Helper()
	var text []rune
	for code := range strings.FieldsSeq(field[0]) {
		v, err := strconv.ParseUint(code, 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, rune(v))
	}
	base, err := strconv.Atoi(field[1])
	if err != nil {
		t.Fatal(err)
	}
	if base == 2 {
		base = -1
	}
	p := resolveLevels(text, base)
	if strconv.Itoa(int(p.base)) != field[2] {
		return fmt.Errorf("paragraph level %d", p.base)
	}
	levels := p.lineLevels(0, len(text))
	var shown []int
	var shownLevels []level
	for i, want := range strings.Fields(field[3]) {
		if want == "x" {
			continue
		}
		if strconv.Itoa(int(levels[i])) != want {
			return fmt.Errorf("levels %v", levels)
		}
		shown, shownLevels = append(shown, i), append(shownLevels, levels[i])
	}
	var order []string
	for _, k := range visualOrder(shownLevels) {
		order = append(order, strconv.Itoa(shown[k]))
	}
	if got := strings.Join(order, " "); got != strings.TrimSpace(field[4]) {
		return fmt.Errorf("order %s", got)
	}
	return nil
}

func FuzzBidi(f *testing.F) {
	f.Add("\u2067a(\u0628 50)\u2069\u202E1-2\u202C", 1)
	f.Add(strings.Repeat("\u202B\u2066", 80)+"x", -1)
	f.Fuzz(func(t *testing.T, s string, base int) {
		text := []rune(s)
		p := resolveLevels(text, base&3%3-1)
		seen := make([]bool, len(text))
		for _, i := range visualOrder(p.lineLevels(0, len(text))) {
			seen[i] = true
		}
		for i, ok := range seen {
			if !ok || p.level[i] < 0 || p.level[i] > maxDepth+1 {
				t.Fatalf("character %d of %+q: in the order %v, level %d", i, s, ok, p.level[i])
			}
		}
	})
}

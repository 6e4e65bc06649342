package typeset

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// packedFiles are what the program carries, each kind with its list.
var packedFiles = map[string]embed.FS{"fonts": builtIn, "words": wordLists}

// TestFontsAreThoseOfTheList: every font and every list of words in the
// program is named with its checksum, and there is no other.
func TestFontsAreThoseOfTheList(t *testing.T) {
	for folder, files := range packedFiles {
		raw, err := os.ReadFile(folder + "/list.txt")
		if err != nil {
			t.Fatal(err)
		}
		listed := map[string]bool{}
		for line := range strings.Lines(string(raw)) {
			if strings.HasPrefix(line, "#") {
				continue
			}
			field := strings.Split(strings.TrimSpace(line), " | ")
			if len(field) != map[string]int{"fonts": 5, "words": 3}[folder] || slices.Contains(field, "") {
				t.Fatalf("%s: %q does not say all", folder, line)
			}
			listed[field[0]] = true
			packed, err := files.ReadFile(folder + "/" + field[0])
			if err != nil {
				t.Errorf("%s is listed and not in the program: %v", field[0], err)
				continue
			}
			data, err := unpack(packed)
			if err != nil {
				t.Fatalf("%s: %v", field[0], err)
			}
			if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != field[1] {
				t.Errorf("%s has another checksum than the list says", field[0])
			}
		}
		for name := range sizes(t, folder, files) {
			if !listed[name] {
				t.Errorf("%s is in the program and not in the list", name)
			}
		}
	}
}

func sizes(t *testing.T, folder string, files embed.FS) map[string]int {
	t.Helper()
	all := map[string]int{}
	names, err := fs.Glob(files, folder+"/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		raw, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(name, folder+"/")] = len(raw)
	}
	return all
}

// budget is what fonts and words may add to the program, in bytes.
const budget = 15 << 20

func TestFontsStayWithinTheirBudget(t *testing.T) {
	files, bytes := 0, 0
	for folder, packed := range packedFiles {
		for _, size := range sizes(t, folder, packed) {
			files, bytes = files+1, bytes+size
		}
	}
	t.Logf("%d files, %d bytes", files, bytes)
	if files == 0 || bytes > budget {
		t.Errorf("%d files of fonts and words have %d bytes, at most %d", files, bytes, budget)
	}
}

func TestEveryFontCanBeOpened(t *testing.T) {
	for _, fam := range BuiltIn().families {
		for weight, open := range map[string]func() (*face, error){"regular": fam.regular, "bold": fam.bold} {
			f, err := open()
			if err != nil {
				t.Errorf("%s %s: %v", fam.name, weight, err)
				continue
			}
			if !f.has(' ') && fam.name != "NotoNastaliqUrdu" {
				t.Errorf("%s %s has no space", fam.name, weight)
			}
		}
	}
}

// TestAFolderAddsFonts: what no built-in font has is set once a folder brings
// it, and what a font has keeps its font.
func TestAFolderAddsFonts(t *testing.T) {
	data, err := os.ReadFile("testdata/Ogham-Regular.ttf")
	if err != nil {
		t.Fatal(err)
	}
	text := Paragraph{Width: 200, Runs: []Run{{Text: "a ᚛ᚑᚌᚐᚋ᚜", Style: Style{Size: 10}}}}
	if _, err := NewSetter(BuiltIn()).Set(text); err == nil {
		t.Error("a text was set in a script that no built-in font has")
	}
	more, err := BuiltIn().With(fstest.MapFS{"Ogham-Regular.ttf": {Data: data}, "notes.txt": {Data: []byte("no font")}})
	if err != nil {
		t.Fatal(err)
	}
	lines, err := NewSetter(more).Set(text)
	if err != nil || len(lines) != 1 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	if got := lines[0].runs[0].face.name; got != "NotoSans-Regular" {
		t.Errorf("the letter a is set in %s", got)
	}
	for _, broken := range [][]byte{nil, []byte("OTTO"), data[:len(data)/2], data[:100]} {
		if _, err := BuiltIn().With(fstest.MapFS{"x.ttf": {Data: broken}}); err == nil {
			t.Errorf("a broken font of %d bytes is taken", len(broken))
		}
	}
}

func TestTheFirstFontHasASCII(t *testing.T) {
	for _, open := range []func() (*face, error){BuiltIn().families[0].regular, BuiltIn().families[0].bold} {
		f, err := open()
		if err != nil {
			t.Fatal(err)
		}
		for r := ' '; r <= '~'; r++ {
			if !f.has(r) {
				t.Errorf("%s has no %q", f.name, r)
			}
		}
	}
}

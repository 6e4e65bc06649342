package hooks

import (
	"os"
	"path/filepath"
	"testing"
)

// Fonts are opened once for many papers.
func TestFontsAreKeptUntilTheFolderIsAnother(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, FontsDir), 0o700); err != nil {
		t.Fatal(err)
	}
	first, err := fontsOf(dir)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := fontsOf(dir); err != nil || again != first {
		t.Errorf("an untouched folder was read anew, or %v", err)
	}
	font, err := os.ReadFile("../pdf/typeset/testdata/Ogham-Regular.ttf")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, FontsDir, "Ogham-Regular.ttf"), font, 0o600); err != nil {
		t.Fatal(err)
	}
	if other, err := fontsOf(dir); err != nil || other == first || !other.CanSet("ᚑᚌᚐᚋ") {
		t.Errorf("a font that was added is not there, or %v", err)
	}
}

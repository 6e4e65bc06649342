package typeset

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"testing/fstest"
	"time"
)

// useFont sets a line in a font of a folder, whatever the font holds.
func useFont(data []byte) error {
	fonts, err := BuiltIn().With(fstest.MapFS{"x.ttf": {Data: data}})
	if err != nil {
		return err
	}
	lines, err := NewSetter(fonts).Set(Paragraph{Width: 100, Runs: []Run{{Text: "᚛ᚑᚌᚐᚋ᚜", Style: Style{Size: 10}}}})
	if err != nil {
		return err
	}
	pen := NewPen()
	for _, l := range lines {
		pen.Draw(l, 0, 0, "")
	}
	for _, u := range pen.fonts {
		u.face.glyf.cut(u.codes)
	}
	return nil
}

// TestABrokenFontIsRefused: a font with bytes changed is refused or used, and
// never ends the program.
func TestABrokenFontIsRefused(t *testing.T) {
	whole, err := os.ReadFile("testdata/Ogham-Regular.ttf")
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	refused := 0
	for range 300 {
		data := slices.Clone(whole)
		for range 1 + rng.IntN(4) {
			data[rng.IntN(len(data))] = byte(rng.IntN(256))
		}
		if useFont(data) != nil {
			refused++
		}
	}
	t.Logf("%d of 300 refused", refused)
	if err := useFont(whole); err != nil || refused == 0 {
		t.Errorf("the whole font: %v; %d broken ones refused", err, refused)
	}
}

func FuzzFont(f *testing.F) {
	whole, err := os.ReadFile("testdata/Ogham-Regular.ttf")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := useFont(data); err != nil {
			return
		}
	})
}

package capsule

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand"
	"testing"

	"rsc.io/qr"

	"portolan/internal/camera"
)

// printed is a code on a sheet: grey, so many dots to a module, white around it.
func printed(t testing.TB, text string, dots int) *image.Gray {
	t.Helper()
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	const edge = 10
	side := (code.Size + 2*edge) * dots
	out := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			shade := uint8(244)
			if code.Black(x/dots-edge, y/dots-edge) {
				shade = 30
			}
			out.SetGray(x, y, color.Gray{Y: shade})
		}
	}
	return out
}

// TestACodeIsReadFromPictures: a scan at 150 dots an inch, of 60 mm, has four
// dots to a module, and photographs are what they are.
func TestACodeIsReadFromPictures(t *testing.T) {
	s, _ := mustMake(t, person(), hubKey(1))
	sheet := printed(t, s, 4)
	var b bytes.Buffer
	if err := png.Encode(&b, sheet); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadPicture(&b); err != nil || got != s {
		t.Errorf("a scan: %v", err)
	}
	const seeds, enough = 5, 4 // one may be too bad: a person takes it again
	read := 0
	for seed := range int64(seeds) {
		b.Reset()
		random := rand.New(rand.NewSource(seed))
		if err := jpeg.Encode(&b, camera.Photograph(printed(t, s, 8), camera.AnyView(random), random), &jpeg.Options{Quality: 70}); err != nil {
			t.Fatal(err)
		}
		got, err := ReadPicture(&b)
		if err == nil && got != s {
			t.Errorf("seed %d was read as something else", seed)
		}
		if err == nil {
			read++
		}
	}
	if read < enough {
		t.Errorf("of %d photographs %d were read", seeds, read)
	}
}

func TestAPictureWithoutACodeIsRefused(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 300, 200))); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	for name, picture := range map[string][]byte{"nothing on it": whole, "cut off": whole[:len(whole)/2], "no picture": []byte("%PDF-1.7"), "empty": nil} {
		if _, err := ReadPicture(bytes.NewReader(picture)); !errors.Is(err, ErrPicture) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

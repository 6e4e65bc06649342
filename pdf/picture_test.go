package pdf

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"os/exec"
	"testing"

	"portolan/care"
)

// twoPictures are a page as we draw it and as poppler draws the file.
func twoPictures(t *testing.T, pair [2]string, o Options, number, width int) (ours, theirs *image.Gray) {
	t.Helper()
	o.Text = catalogue(t)
	s := drawnExample(pair[0], pair[1])
	var b bytes.Buffer
	if _, err := Picture(&b, s, o, number, width); err != nil {
		t.Fatalf("%v: %v", pair, err)
	}
	ours = gray(t, b.Bytes())
	b.Reset()
	if err := Render(&b, s, o); err != nil {
		t.Fatalf("%v: %v", pair, err)
	}
	page := fmt.Sprint(number)
	c := exec.Command("pdftoppm", "-gray", "-png", "-singlefile", "-f", page, "-l", page, "-scale-to-x", fmt.Sprint(width), "-scale-to-y", fmt.Sprint(ours.Rect.Dy()), "-")
	c.Stdin = &b
	out, err := c.Output()
	if err != nil {
		t.Fatalf("pdftoppm, of the Debian package poppler-utils: %v", err)
	}
	return ours, gray(t, out)
}

func gray(t *testing.T, raw []byte) *image.Gray {
	t.Helper()
	decoded, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	g := image.NewGray(decoded.Bounds())
	draw.Draw(g, g.Rect, decoded, image.Point{}, draw.Src)
	return g
}

// ink is how much black two pictures have, and how much of it stands in one of
// them with none of it within a pixel in the other: how letters are smoothed
// is each program's own affair, where they stand is not.
func ink(a, b *image.Gray) (all, alone int) {
	near := func(g *image.Gray, x, y int) int {
		darkest := 0
		for dy := -1; dy <= 1; dy++ {
			for dx := -1; dx <= 1; dx++ {
				darkest = max(darkest, 255-int(g.Pix[(y+dy)*g.Stride+x+dx]))
			}
		}
		return darkest
	}
	for y := 1; y < a.Rect.Dy()-1; y++ {
		for x := 1; x < a.Rect.Dx()-1; x++ {
			p, q := 255-int(a.Pix[y*a.Stride+x]), 255-int(b.Pix[y*b.Stride+x])
			all += p + q
			switch {
			case p > q:
				alone += max(0, p-near(b, x, y))
			case q > p:
				alone += max(0, q-near(a, x, y))
			}
		}
	}
	return all, alone
}

// strayed is how much of the ink may stand alone, in a hundred: it is 0.6 to
// 0.9 as it is, and 5 where a single line is a millimetre off.
const strayed = 1.5

// The picture of a page is the page: another program draws the same from the
// file. Every script, two papers, large letters.
func TestAPictureIsThePage(t *testing.T) {
	for _, c := range []struct {
		pair   [2]string
		o      Options
		number int
	}{
		{[2]string{"ar", "fr"}, Options{}, 1}, {[2]string{"ur", "km"}, Options{}, 1}, {[2]string{"zh", "my"}, Options{}, 1},
		{[2]string{"ti", "uk"}, Options{Paper: Letter}, 2}, {[2]string{"hi", "bn"}, Options{Large: true}, 2}, {[2]string{"th", "lo"}, Options{}, 1},
		{[2]string{"ta", "si"}, Options{Pictures: true}, 1}, {[2]string{"pa", "vi"}, Options{}, 2},
	} {
		ours, theirs := twoPictures(t, c.pair, c.o, c.number, 800)
		if ours.Rect != theirs.Rect {
			t.Errorf("%v: our picture is %v, that of poppler %v", c.pair, ours.Rect, theirs.Rect)
			continue
		}
		all, alone := ink(ours, theirs)
		if all < 1e6 {
			t.Errorf("%v: there is hardly anything on the page", c.pair)
		}
		if part := 100 * float64(alone) / float64(all); part > strayed {
			t.Errorf("%v: of the ink %.2f in a hundred stands in one picture alone, want at most %.1f", c.pair, part, strayed)
		}
	}
}

func TestAPictureHasBounds(t *testing.T) {
	s, o := example("es", "en"), Options{Text: catalogue(t)}
	for code, ask := range map[string][][2]int{
		"picture_size": {{1, PictureWidthMin - 1}, {1, PictureWidthMax + 1}, {1, -1}}, "picture_page": {{0, 800}, {-1, 800}, {9, 800}},
	} {
		for _, a := range ask {
			var b bytes.Buffer
			if _, err := Picture(&b, s, o, a[0], a[1]); care.CodeOf(err) != code || b.Len() > 0 {
				t.Errorf("page %d, %d pixels wide: %v and %d bytes, want %s", a[0], a[1], err, b.Len(), code)
			}
		}
	}
	var first, second bytes.Buffer
	for _, b := range []*bytes.Buffer{&first, &second} {
		if n, err := Picture(b, s, o, 1, 827); err != nil || n != 2 {
			t.Fatalf("%d pages, %v", n, err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two pictures of one page differ")
	}
}

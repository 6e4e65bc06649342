package pdf

import (
	"bytes"
	"image/png"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"rsc.io/qr"
)

// TestACodeIsDrawnModuleByModule: in the file as poppler draws it, and in our
// own picture, and as large as it is said to be.
func TestACodeIsDrawnModuleByModule(t *testing.T) {
	s := example("ur", "en")
	s.Code = strings.Repeat("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", 19)[:816]
	want, err := qr.Encode(s.Code, qr.M)
	if err != nil || want.Size != codeLimit {
		t.Fatalf("%d modules: %v", want.Size, err)
	}
	o := Options{Text: catalogue(t)}
	d, done := o.Fonts.desk()
	defer done()
	p, _, err := lay(d, s, o)
	if err != nil {
		t.Fatal(err)
	}
	var at *code
	for _, m := range p.sheets[len(p.sheets)-1].marks {
		if m.code != nil {
			at = m.code
		}
	}
	if at == nil {
		t.Fatal("the last sheet has no code")
	}
	const width = 1654 // 200 dots an inch
	var file, ours bytes.Buffer
	if err := Render(&file, s, o); err != nil {
		t.Fatal(err)
	}
	if _, err := Picture(&ours, s, o, len(p.sheets), width); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("pdftoppm", "-gray", "-png", "-singlefile", "-f", strconv.Itoa(len(p.sheets)), "-scale-to-x", strconv.Itoa(width), "-scale-to-y", "-1", "-")
	c.Stdin = &file
	theirs, err := c.Output()
	if err != nil {
		t.Fatalf("pdftoppm, of the Debian package poppler-utils: %v", err)
	}
	for name, raw := range map[string][]byte{"poppler": theirs, "the picture": ours.Bytes()} {
		if _, err := png.Decode(bytes.NewReader(raw)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		g := gray(t, raw)
		wrong, dots := 0, width/p.paperWidth
		for y := range want.Size {
			for x := range want.Size {
				step := codeSide / float64(want.Size)
				shade := g.GrayAt(int((at.x+(float64(x)+0.5)*step)*dots), int((at.y+(float64(y)+0.5)*step)*dots)).Y
				if (shade < 0x80) != want.Black(x, y) {
					wrong++
				}
			}
		}
		if wrong > 0 {
			t.Errorf("%s: %d modules are not as they must be", name, wrong)
		}
	}
	s.Code += strings.Repeat("A", 60)
	if err := Render(&file, s, o); err == nil {
		t.Error("a code of more than version 18 is drawn")
	}
}

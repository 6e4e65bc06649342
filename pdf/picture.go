package pdf

import (
	"fmt"
	"image/png"
	"io"

	"portolan/care"
	"portolan/pdf/typeset"
)

// Limits of a picture, in pixels of its width: what letters can be read in, and
// what a printer shows.
const (
	PictureWidthMin = 200
	PictureWidthMax = 1700 // 200 to the inch
)

// Picture writes one page of the summary, counted from 1, as a PNG so many
// pixels wide, and says how many pages there are. It is drawn from the sheets
// that Render writes, and refuses what Render refuses.
func Picture(w io.Writer, s Summary, o Options, number, width int) (pages int, err error) {
	if width < PictureWidthMin || width > PictureWidthMax {
		return 0, &care.Error{Code: "picture_size", Kind: care.Unprocessed,
			Hint: fmt.Sprintf("A picture of a page is %d to %d pixels wide.", PictureWidthMin, PictureWidthMax)}
	}
	d, done := o.Fonts.desk()
	defer done()
	p, _, err := lay(d, s, o)
	if err != nil {
		return 0, err
	}
	if number < 1 || number > len(p.sheets) {
		return 0, &care.Error{Code: "picture_page", Kind: care.Unprocessed, Hint: fmt.Sprintf("The summary has %d pages.", len(p.sheets))}
	}
	r := typeset.NewRaster(p.paperWidth*pointsPerMM, p.paperHeight*pointsPerMM, width)
	for _, m := range p.sheets[number-1].marks {
		p.paint(r, m)
	}
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(w, r.Image()); err != nil {
		return 0, fmt.Errorf("writing the picture: %w", err)
	}
	return len(p.sheets), nil
}

// paint draws a mark as content writes it.
func (p *page) paint(r *typeset.Raster, m mark) {
	for _, l := range m.lines {
		r.Line(l.Line, l.x*pointsPerMM, p.up(l.baseline))
	}
	if f := m.figure; f != nil {
		r.Figure(f.Figure, f.x*pointsPerMM, p.up(f.y), f.side*pointsPerMM)
	}
	if m.code != nil {
		p.paintCode(r, m.code)
	}
	if b := m.box; b != nil {
		r.Box(b.x*pointsPerMM, p.up(b.y+b.height), b.width*pointsPerMM, b.height*pointsPerMM, b.grey)
	}
}

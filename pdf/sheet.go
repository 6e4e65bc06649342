package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jung-kurt/gofpdf"

	"portolan/pdf/typeset"
)

// sheet is one side of paper as it is laid, in the order of drawing. The file
// and the picture are both made from it. Measures are millimetres from the
// upper left corner.
type sheet struct{ marks []mark }

// mark is what is drawn at once: lines of an element, a picture that is one, a
// box that is decoration, or a code.
type mark struct {
	of     *typeset.Element // nil: decoration
	lines  []placed
	figure *figurePlaced
	box    *box
	code   *code
}

// placed is a line with the left end of its baseline, among text of a language.
type placed struct {
	typeset.Line
	x, baseline float64
	around      string
}

// figurePlaced is a picture with its upper left corner.
type figurePlaced struct {
	typeset.Figure
	x, y, side float64
}

// box is a rectangle in a grey.
type box struct {
	x, y, width, height float64
	grey                uint8
}

func (s *sheet) lines(of *typeset.Element, lines []placed) {
	s.marks = append(s.marks, mark{of: of, lines: lines})
}

func (s *sheet) figure(of *typeset.Element, f figurePlaced) {
	s.marks = append(s.marks, mark{of: of, figure: &f})
}

func (s *sheet) box(b box) { s.marks = append(s.marks, mark{box: &b}) }

// file writes the sheets as a PDF, by gofpdf and what it does not know.
func (p *page) file(title, day string, phone *Phone) ([]byte, error) {
	issued, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return nil, err
	}
	f := gofpdf.New("P", "mm", p.paper, "")
	f.SetCompression(false) // typeset.File packs the pages, with writers that it keeps
	f.SetCatalogSort(true)  // the same bytes each time; maps of gofpdf come in a random order otherwise
	f.SetCreationDate(issued)
	f.SetModificationDate(issued)
	f.SetProducer("", false) // its default is a fingerprint
	f.SetTitle(title, true)
	f.SetMargins(margin, margin, margin)
	f.SetAutoPageBreak(false, 0)
	pen := typeset.NewPen()
	for i := range p.sheets {
		f.AddPage()
		for _, m := range p.sheets[i].marks {
			f.RawWriteStr(p.content(m, i+1, pen))
		}
	}
	var raw bytes.Buffer
	if err := f.Output(&raw); err != nil {
		return nil, err
	}
	file, err := typeset.ReadFile(raw.Bytes())
	if err != nil {
		return nil, err
	}
	meta := typeset.Meta{Title: title, Lang: p.langs[0], Day: issued}
	if phone != nil {
		lock, err := typeset.NewLock(phone.Passphrase, phone.Rand)
		if err != nil {
			return nil, err
		}
		file.Lock(lock)
		if phone.Bundle != nil {
			meta.Enclosed = &typeset.Enclosure{Name: "summary.json", Type: "application/fhir+json", Data: phone.Bundle}
		}
	}
	if err := errors.Join(pen.Embed(file), file.Tag(p.tree), file.Archive(meta)); err != nil {
		return nil, err
	}
	return file.Bytes()
}

// content draws a mark on a page counted from 1.
func (p *page) content(m mark, number int, pen *typeset.Pen) string {
	var drawn []string
	for _, l := range m.lines {
		drawn = append(drawn, pen.Draw(l.Line, l.x*pointsPerMM, p.up(l.baseline), l.around))
	}
	if f := m.figure; f != nil {
		side := f.side * pointsPerMM
		m.of.Attributes = fmt.Sprintf("/O/Layout/BBox[%.2f %.2f %.2f %.2f]", f.x*pointsPerMM, p.up(f.y)-side, f.x*pointsPerMM+side, p.up(f.y))
		drawn = append(drawn, f.Content(f.x*pointsPerMM, p.up(f.y), side))
	}
	if b := m.box; b != nil {
		drawn = append(drawn, fmt.Sprintf("%.3f g %.2f %.2f %.2f %.2f re f", float64(b.grey)/255,
			b.x*pointsPerMM, p.up(b.y+b.height), b.width*pointsPerMM, b.height*pointsPerMM))
	}
	if m.code != nil {
		drawn = append(drawn, p.codeContent(m.code))
	}
	whole := strings.Join(drawn, "\n")
	if m.of == nil {
		return typeset.Artifact(whole)
	}
	return p.tree.Mark(number, m.of, whole)
}

// up is a height in points from the lower edge, as PDF counts.
func (p *page) up(y float64) float64 { return (p.paperHeight - y) * pointsPerMM }

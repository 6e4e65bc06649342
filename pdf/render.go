package pdf

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/jung-kurt/gofpdf"

	"portolan/pdf/typeset"
)

// Measures of the page, in millimetres, and of the letters, in points. A4
// (ISO 216), grey only, so that any printer does. Lines are at least as high
// as these measures say; a script that needs more gets it.
const (
	pageWidth    = 210.0
	pageHeight   = 297.0
	margin       = 15.0
	gutter       = 6.0
	footer       = 16.0 // below the last line, page number included
	bodySize     = 10.0
	bodyLine     = 4.9
	headingSize  = 11.5
	headingLine  = 6.4
	titleSize    = 16.0
	rowGap       = 1.6
	sectionGap   = 3.4
	keepLines    = 3 // lines of a first entry that stay with its heading
	pointsPerMM  = 72 / 25.4
	headingGrey  = 228
	hairlineGrey = 170
)

// Render writes the summary as a PDF. The same summary gives the same bytes.
func Render(w io.Writer, s Summary, o Options) error {
	day, err := time.Parse(time.DateOnly, s.Day)
	if err != nil {
		return fmt.Errorf("reading the day of the summary: %w", err)
	}
	langs := slices.Compact([]string{s.Languages[0], s.Languages[1]})
	for _, lang := range langs {
		if err := CheckLanguage(lang); err != nil {
			return err
		}
	}
	setter, done := o.Fonts.setter()
	defer done()
	c := &composer{text: o.Text, langs: langs, setter: setter}
	doc, err := c.compose(s)
	if err != nil {
		return err
	}
	p := newPage(day, doc.title, langs, setter)
	p.draw(doc)
	raw, err := p.bytes()
	if err != nil {
		return fmt.Errorf("setting the summary: %w", err)
	}
	if _, err := w.Write(raw); err != nil {
		return fmt.Errorf("writing the summary: %w", err)
	}
	return nil
}

// page draws rows from top to bottom, over as many pages as it takes.
type page struct {
	f      *gofpdf.Fpdf
	setter *typeset.Setter
	pen    *typeset.Pen
	y      float64
	langs  []string // one per column
	width  float64  // of one column
	err    error    // the first fault
}

func newPage(day time.Time, title string, langs []string, setter *typeset.Setter) *page {
	f := gofpdf.New("P", "mm", "A4", "")
	f.SetCompression(true)
	f.SetCatalogSort(true) // gofpdf walks its maps in random order otherwise
	f.SetCreationDate(day)
	f.SetModificationDate(day)
	f.SetProducer("", false) // its default is a fingerprint
	f.SetTitle(title, true)
	f.SetMargins(margin, margin, margin)
	f.SetAutoPageBreak(false, 0)
	p := &page{f: f, setter: setter, pen: typeset.NewPen(), langs: langs, width: pageWidth - 2*margin}
	if len(langs) == 2 {
		p.width = (p.width - gutter) / 2
	}
	f.SetFooterFunc(func() {
		for _, l := range p.wrap(paragraph{{text: strconv.Itoa(f.PageNo())}}, bodySize-1) {
			p.show(l, pageWidth-margin-l.Width/pointsPerMM, pageHeight-footer/2)
		}
	})
	p.breakPage()
	return p
}

// bytes is the finished file.
func (p *page) bytes() ([]byte, error) {
	var raw bytes.Buffer
	if err := p.f.Output(&raw); err != nil {
		return nil, err
	}
	if p.err != nil {
		return nil, p.err
	}
	file, err := typeset.ReadFile(raw.Bytes())
	if err != nil {
		return nil, err
	}
	if err := p.pen.Embed(file); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}

// show draws one line with its baseline at a place in millimetres from the
// upper left corner.
func (p *page) show(l typeset.Line, x, baseline float64) {
	p.f.RawWriteStr(p.pen.Draw(l, x*pointsPerMM, (pageHeight-baseline)*pointsPerMM))
}

func (p *page) breakPage() {
	p.f.AddPage()
	p.y = margin
}

func (p *page) left(column int) float64 { return margin + float64(column)*(p.width+gutter) }
func (p *page) room() float64           { return pageHeight - footer - p.y }
func fullPage() float64                 { return pageHeight - margin - footer }

func (p *page) draw(d *document) {
	p.opening(d)
	for _, b := range d.essential {
		p.block(b)
	}
	p.closing(d)
	if len(d.further) == 0 {
		return
	}
	p.breakPage() // the first sheet can be torn off
	for _, b := range d.further {
		p.block(b)
	}
}

// opening is the head of the first page: what the holder may do comes before
// everything, in their own language first.
func (p *page) opening(d *document) {
	p.lines(p.cells(d.destroy, bodySize, bodyLine, true))
	p.y += 2
	p.lines(p.cells(d.titles, titleSize, titleSize/pointsPerMM*1.4, true))
	p.lines(p.cells(d.days, bodySize, bodyLine, false))
	p.y += 1
}

// closing ends the first sheet.
func (p *page) closing(d *document) {
	if p.room() < 2*bodyLine {
		p.breakPage()
	}
	p.lines(p.cells(d.partial, bodySize-1, bodyLine, false))
}

func (p *page) block(b block) {
	var rows []grid
	for _, r := range b.rows {
		rows = append(rows, p.row(r))
	}
	keep := headingLine + 2
	if len(rows) > 0 {
		keep += rows[0].height(keepLines)
	}
	if p.room() < keep {
		p.breakPage()
	}
	p.heading(b.heading)
	for i, rest := range rows {
		for rest.lines() > 0 {
			need := rest.height(rest.lines())
			if need > p.room() && (need <= fullPage()-headingLine || p.room() < rest.height(keepLines)) {
				p.breakPage()
				p.heading(b.more)
			}
			var first grid
			first, rest = rest.cut(max(1, rest.fitting(p.room())))
			p.lines(first)
		}
		if i < len(rows)-1 {
			p.hairline()
		}
	}
	p.y += sectionGap
}

func (p *page) heading(texts []string) {
	g := p.cells(texts, headingSize, headingLine, true)
	p.f.SetFillColor(headingGrey, headingGrey, headingGrey)
	p.f.Rect(margin-1, p.y, pageWidth-2*margin+2, g.height(g.lines()), "F")
	p.lines(g)
	p.y += 1.2
}

func (p *page) hairline() {
	p.y += rowGap / 2
	p.f.SetDrawColor(hairlineGrey, hairlineGrey, hairlineGrey)
	p.f.SetLineWidth(0.1)
	p.f.Line(margin, p.y, pageWidth-margin, p.y)
	p.y += rowGap / 2
}

// lines draws the columns side by side and moves below the longer one.
func (p *page) lines(g grid) {
	baselines := make([]float64, g.lines())
	for n := range baselines {
		height, baseline := g.at(n)
		baselines[n] = p.y + baseline
		p.y += height
	}
	for i, c := range g.columns {
		for n, l := range c {
			p.show(l, p.left(i), baselines[n])
		}
	}
}

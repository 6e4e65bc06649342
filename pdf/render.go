package pdf

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/jung-kurt/gofpdf"
)

// Measures of the page, in millimetres, and of the letters, in points. A4
// (ISO 216), grey only, so that any printer does.
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
	family       = "sans"
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
	c := &composer{text: o.Text, langs: langs}
	doc, err := c.compose(s)
	if err != nil {
		return err
	}
	p := newPage(day, doc.title, len(langs))
	p.draw(doc)
	if err := p.f.Output(w); err != nil {
		return fmt.Errorf("writing the summary: %w", err)
	}
	return nil
}

// page draws rows from top to bottom, over as many pages as it takes.
type page struct {
	f       *gofpdf.Fpdf
	y       float64
	columns int
	width   float64 // of one column
}

func newPage(day time.Time, title string, columns int) *page {
	f := gofpdf.New("P", "mm", "A4", "")
	f.SetCompression(true)
	f.SetCatalogSort(true) // gofpdf walks its maps in random order otherwise
	f.SetCreationDate(day)
	f.SetModificationDate(day)
	f.SetProducer("", false) // its default is a fingerprint
	f.SetTitle(title, true)
	f.SetMargins(margin, margin, margin)
	f.SetAutoPageBreak(false, 0)
	// gofpdf pads tables in place while it cuts the font, so each document
	// needs a copy.
	f.AddUTF8FontFromBytes(family, "", slices.Clone(regularTTF))
	f.AddUTF8FontFromBytes(family, "B", slices.Clone(boldTTF))
	f.SetFooterFunc(func() {
		f.SetFont(family, "", bodySize-1)
		f.Text(pageWidth-margin-6, pageHeight-footer/2, strconv.Itoa(f.PageNo()))
	})
	width := pageWidth - 2*margin
	if columns == 2 {
		width = (width - gutter) / 2
	}
	p := &page{f: f, columns: columns, width: width}
	p.breakPage()
	return p
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
	p.cells(d.destroy, bodySize, bodyLine, true)
	p.y += 2
	p.cells(d.titles, titleSize, titleSize/pointsPerMM*1.4, true)
	p.cells(d.days, bodySize, bodyLine, false)
	p.y += 1
}

// closing ends the first sheet.
func (p *page) closing(d *document) {
	if p.room() < 2*bodyLine {
		p.breakPage()
	}
	p.cells(d.partial, bodySize-1, bodyLine, false)
}

// cells draws one text per column in one size, wrapped.
func (p *page) cells(texts []string, size, line float64, bold bool) {
	var columns [][]setLine
	for _, text := range texts {
		columns = append(columns, p.wrap([]run{{text: text, bold: bold}}, size))
	}
	p.lines(columns, size, line)
}

func (p *page) block(b block) {
	keep := headingLine + 2
	if len(b.rows) > 0 {
		keep += float64(min(keepLines, height(p.wrapRow(b.rows[0])))) * bodyLine
	}
	if p.room() < keep {
		p.breakPage()
	}
	p.heading(b.heading)
	for i, r := range b.rows {
		columns := p.wrapRow(r)
		for height(columns) > 0 {
			need := float64(height(columns)) * bodyLine
			if need > p.room() && (need <= fullPage()-headingLine || p.room() < keepLines*bodyLine) {
				p.breakPage()
				p.heading(b.more)
			}
			fit := min(height(columns), int(p.room()/bodyLine))
			first, rest := cut(columns, fit)
			p.lines(first, bodySize, bodyLine)
			columns = rest
		}
		if i < len(b.rows)-1 {
			p.hairline()
		}
	}
	p.y += sectionGap
}

func (p *page) heading(texts []string) {
	var columns [][]setLine
	for _, text := range texts {
		columns = append(columns, p.wrap([]run{{text: text, bold: true}}, headingSize))
	}
	p.f.SetFillColor(headingGrey, headingGrey, headingGrey)
	p.f.Rect(margin-1, p.y, pageWidth-2*margin+2, float64(height(columns))*headingLine, "F")
	p.lines(columns, headingSize, headingLine)
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
func (p *page) lines(columns [][]setLine, size, line float64) {
	for i, column := range columns {
		for n, l := range column {
			baseline := p.y + float64(n)*line + line*0.76
			for _, part := range l {
				p.setFont(size, part.bold)
				p.f.Text(p.left(i)+part.x, baseline, part.text)
			}
		}
	}
	p.y += float64(height(columns)) * line
}

func (p *page) setFont(size float64, bold bool) {
	style := ""
	if bold {
		style = "B"
	}
	p.f.SetFont(family, style, size)
}

func height(columns [][]setLine) int {
	h := 0
	for _, c := range columns {
		h = max(h, len(c))
	}
	return h
}

// cut parts the columns after n lines.
func cut(columns [][]setLine, n int) (first, rest [][]setLine) {
	for _, c := range columns {
		k := min(n, len(c))
		first, rest = append(first, c[:k]), append(rest, c[k:])
	}
	return first, rest
}

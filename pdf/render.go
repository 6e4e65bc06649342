package pdf

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jung-kurt/gofpdf"

	"portolan/pdf/typeset"
)

// Measures in millimetres, those of letters in points. Grey only, so that any
// printer does.
const (
	margin       = 15.0
	gutter       = 6.0
	footer       = 16.0 // below the last line, page number included
	rowGap       = 1.6
	sectionGap   = 3.4
	keepLines    = 3 // lines of a first entry that stay with its heading
	pointsPerMM  = 72 / 25.4
	headingGrey  = 228
	hairlineGrey = 170
	largeType    = 1.6 // times as large
)

// Papers on which a summary is set.
const (
	A4     = "A4"     // ISO 216
	Letter = "Letter" // ANSI/ASME Y14.1
)

// face is a size of letters with the least height of its lines: a script that
// needs more gets it.
type face struct {
	size, line float64
	bold       bool
}

// faces of a summary.
type faces struct{ body, small, strong, title, heading face }

func facesOf(o Options) faces {
	k := 1.0
	if o.Large {
		k = largeType
	}
	return faces{
		body: face{10 * k, 4.9 * k, false}, small: face{9 * k, 4.9 * k, false}, strong: face{10 * k, 4.9 * k, true},
		title: face{16 * k, 7.9 * k, true}, heading: face{11.5 * k, 6.4 * k, true},
	}
}

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
	d, done := o.Fonts.desk()
	defer done()
	c := &composer{text: o.Text, langs: langs, desk: d}
	doc, err := c.compose(s)
	if err != nil {
		return err
	}
	p, err := newPage(day, doc.title, c, o)
	if err != nil {
		return err
	}
	p.draw(doc)
	raw, err := p.bytes(typeset.Meta{Title: doc.title, Lang: langs[0], Day: day}, o.Phone)
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
	tree   *typeset.Tree
	faces  faces
	y      float64
	langs  []string // one per column
	width  float64  // of one column
	err    error    // the first fault

	paperWidth, paperHeight float64
}

func newPage(day time.Time, title string, c *composer, o Options) (*page, error) {
	paper := cmp.Or(o.Paper, A4)
	if paper != A4 && paper != Letter {
		return nil, fmt.Errorf("no paper is called %q", paper)
	}
	f := gofpdf.New("P", "mm", paper, "")
	f.SetCompression(true)
	f.SetCatalogSort(true) // the same bytes each time; maps of gofpdf come in a random order otherwise
	f.SetCreationDate(day)
	f.SetModificationDate(day)
	f.SetProducer("", false) // its default is a fingerprint
	f.SetTitle(title, true)
	f.SetMargins(margin, margin, margin)
	f.SetAutoPageBreak(false, 0)
	p := &page{f: f, setter: c.desk.Setter, pen: typeset.NewPen(), tree: typeset.NewTree(c.langs[0]), faces: facesOf(o), langs: c.langs}
	p.paperWidth, p.paperHeight = f.GetPageSize()
	p.width = p.paperWidth - 2*margin
	if len(p.langs) == 2 {
		p.width = (p.width - gutter) / 2
	}
	f.SetFooterFunc(func() {
		for _, l := range p.wrap(paragraph{{text: strconv.Itoa(f.PageNo())}}, p.faces.small, "") {
			x := p.paperWidth - margin - l.Width/pointsPerMM
			if rightToLeft(p.langs[0]) {
				x = margin
			}
			f.RawWriteStr(typeset.Artifact(p.show(l, x, p.paperHeight-footer/2, "")))
		}
	})
	p.breakPage()
	return p, nil
}

// bytes is the finished file.
func (p *page) bytes(m typeset.Meta, phone *Phone) ([]byte, error) {
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
	if phone != nil {
		lock, err := typeset.NewLock(phone.Passphrase, phone.Rand)
		if err != nil {
			return nil, err
		}
		file.Lock(lock)
		if phone.Bundle != nil {
			m.Enclosed = &typeset.Enclosure{Name: "summary.json", Type: "application/fhir+json", Data: phone.Bundle}
		}
	}
	if err := errors.Join(p.pen.Embed(file), file.Tag(p.tree), file.Archive(m)); err != nil {
		return nil, err
	}
	return file.Bytes()
}

// show is the content that draws one line with its baseline at a place in
// millimetres from the upper left corner, among text of a language.
func (p *page) show(l typeset.Line, x, baseline float64, around string) string {
	return p.pen.Draw(l, x*pointsPerMM, (p.paperHeight-baseline)*pointsPerMM, around)
}

// decorate draws what is no text.
func (p *page) decorate(draw func()) {
	p.f.RawWriteStr("/Artifact BMC")
	draw()
	p.f.RawWriteStr("EMC")
}

func (p *page) breakPage() {
	p.f.AddPage()
	p.y = margin
}

// left is the left edge of a column. The first column stands where its reader
// begins.
func (p *page) left(column int) float64 {
	if rightToLeft(p.langs[0]) {
		column = len(p.langs) - 1 - column
	}
	return margin + float64(column)*(p.width+gutter)
}

func (p *page) room() float64     { return p.paperHeight - footer - p.y }
func (p *page) fullPage() float64 { return p.paperHeight - margin - footer }

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

// root is where an element stands that is part of nothing else.
func (p *page) root(kind string) place {
	return func(lang string) *typeset.Element { return p.tree.Root.Add(kind, lang) }
}

// opening is the head of the first page: what the holder may do comes before
// everything, in their own language first.
func (p *page) opening(d *document) {
	p.lines(p.cells(d.destroy, p.faces.strong, p.root("P")))
	p.y += 2
	p.lines(p.cells(d.titles, p.faces.title, p.root("H1")))
	p.lines(p.cells(d.days, p.faces.body, p.root("P")))
	p.y += 1
}

// closing ends the first sheet.
func (p *page) closing(d *document) {
	for _, texts := range [][]string{d.partial, d.unchecked} {
		g := p.cells(texts, p.faces.small, p.root("P"))
		if p.room() < g.height(g.lines()) {
			p.breakPage()
		}
		p.lines(g)
	}
}

func (p *page) block(b block) {
	table := p.tree.Root.Add("Table", "")
	heading := p.cells(b.heading, p.faces.heading, header(table.Add("TR", "")))
	var rows []grid
	for _, r := range b.rows {
		rows = append(rows, p.row(r, table.Add("TR", "")))
	}
	keep := heading.height(heading.lines()) + 2
	if len(rows) > 0 {
		keep += rows[0].height(keepLines)
	}
	if p.room() < keep {
		p.breakPage()
	}
	p.heading(heading)
	for i, rest := range rows {
		for rest.lines() > 0 {
			need := rest.height(rest.lines())
			if need > p.room() && (need <= p.fullPage()-p.faces.heading.line || p.room() < rest.height(keepLines)) {
				p.breakPage()
				// The table has its heading already; here it only helps the eye.
				p.heading(p.cells(b.more, p.faces.heading, nil))
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

// header puts the heading of a section above its columns.
func header(row *typeset.Element) place {
	return func(lang string) *typeset.Element {
		cell := row.Add("TH", lang)
		cell.Attributes = "/O/Table/Scope/Column"
		return cell.Add("H2", "")
	}
}

func (p *page) heading(g grid) {
	p.decorate(func() {
		p.f.SetFillColor(headingGrey, headingGrey, headingGrey)
		p.f.Rect(margin-1, p.y, p.paperWidth-2*margin+2, g.height(g.lines()), "F")
	})
	p.lines(g)
	p.y += 1.2
}

func (p *page) hairline() {
	p.y += rowGap / 2
	p.decorate(func() {
		p.f.SetDrawColor(hairlineGrey, hairlineGrey, hairlineGrey)
		p.f.SetLineWidth(0.1)
		p.f.Line(margin, p.y, p.paperWidth-margin, p.y)
	})
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
		for n := 0; n < len(c); {
			of := c[n].of
			var content []string
			for ; n < len(c) && c[n].of == of; n++ {
				x := p.left(i)
				if rightToLeft(p.langs[i]) {
					x += p.width - c[n].Width/pointsPerMM
				}
				content = append(content, p.show(c[n].Line, x, baselines[n], p.langs[i]))
			}
			whole := strings.Join(content, "\n")
			if of == nil {
				p.f.RawWriteStr(typeset.Artifact(whole))
			} else {
				p.f.RawWriteStr(p.tree.Mark(p.f.PageNo(), of, whole))
			}
		}
	}
}

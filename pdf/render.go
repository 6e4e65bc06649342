package pdf

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

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
	hairline     = 0.1
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
type faces struct {
	body, small, strong, title, heading face
	scale                               float64
}

func facesOf(o Options) faces {
	k := 1.0
	if o.Large {
		k = largeType
	}
	return faces{
		scale: k,
		body:  face{10 * k, 4.9 * k, false}, small: face{9 * k, 4.9 * k, false}, strong: face{10 * k, 4.9 * k, true},
		title: face{16 * k, 7.9 * k, true}, heading: face{11.5 * k, 6.4 * k, true},
	}
}

// Render writes the summary as a PDF. The same summary gives the same bytes.
func Render(w io.Writer, s Summary, o Options) error {
	d, done := o.Fonts.desk()
	defer done()
	p, title, err := lay(d, s, o)
	if err != nil {
		return err
	}
	raw, err := p.file(title, s.Day, o.Phone)
	if err != nil {
		return fmt.Errorf("setting the summary: %w", err)
	}
	if _, err := w.Write(raw); err != nil {
		return fmt.Errorf("writing the summary: %w", err)
	}
	return nil
}

// lay sets a whole summary on sheets, from which the file is written or a
// picture drawn.
func lay(d *desk, s Summary, o Options) (p *page, title string, err error) {
	if _, err := time.Parse(time.DateOnly, s.Day); err != nil {
		return nil, "", fmt.Errorf("reading the day of the summary: %w", err)
	}
	langs := slices.Compact([]string{s.Languages[0], s.Languages[1]})
	for _, lang := range langs {
		if err := CheckLanguage(lang); err != nil {
			return nil, "", err
		}
	}
	c := &composer{text: o.Text, langs: langs, desk: d, pictures: o.Pictures}
	doc, err := c.compose(s)
	if err != nil {
		return nil, "", err
	}
	if p, err = newPage(c, o); err != nil {
		return nil, "", err
	}
	p.draw(doc)
	p.number()
	if p.err != nil {
		return nil, "", fmt.Errorf("setting the summary: %w", p.err)
	}
	return p, doc.title, nil
}

// page lays rows from top to bottom, over as many sheets as it takes.
type page struct {
	setter *typeset.Setter
	tree   *typeset.Tree
	faces  faces
	y      float64
	langs  []string // one per column
	width  float64  // of one column
	err    error    // the first fault
	sheets []sheet
	drawn  bool // with pictures

	paper                   string
	paperWidth, paperHeight float64
}

// papers by the measures of their sheets, in millimetres.
var papers = map[string][2]float64{A4: {210, 297}, Letter: {215.9, 279.4}}

func newPage(c *composer, o Options) (*page, error) {
	paper := cmp.Or(o.Paper, A4)
	size, known := papers[paper]
	if !known {
		return nil, fmt.Errorf("no paper is called %q", paper)
	}
	p := &page{setter: c.desk.Setter, tree: typeset.NewTree(c.langs[0]), faces: facesOf(o), langs: c.langs, drawn: o.Pictures,
		paper: paper, paperWidth: size[0], paperHeight: size[1]}
	p.width = p.paperWidth - 2*margin
	if len(p.langs) == 2 {
		p.width = (p.width - gutter) / 2
	}
	p.breakPage()
	return p, nil
}

// number writes its number on each sheet.
func (p *page) number() {
	for i := range p.sheets {
		for _, l := range p.wrap(paragraph{{text: strconv.Itoa(i + 1)}}, p.faces.small, "") {
			x := p.paperWidth - margin - l.Width/pointsPerMM
			if rightToLeft(p.langs[0]) {
				x = margin
			}
			p.sheets[i].lines(nil, []placed{{l, x, p.paperHeight - footer/2, ""}})
		}
	}
}

func (p *page) breakPage() {
	p.sheets = append(p.sheets, sheet{})
	p.y = margin
}

// sheet is the one that is laid.
func (p *page) sheet() *sheet { return &p.sheets[len(p.sheets)-1] }

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
	if len(d.further) > 0 {
		p.breakPage() // the first sheet can be torn off
	}
	for _, b := range d.further {
		p.block(b)
	}
	if d.code != nil {
		p.code(d.opens, d.code)
	}
}

// root is where an element stands that is part of nothing else.
func (p *page) root(kind string) place {
	return func(lang string) *typeset.Element { return p.tree.Root.Add(kind, lang) }
}

// opening is the head of the first page: what the holder may do comes before
// everything, in their own language first.
func (p *page) opening(d *document) {
	if p.drawn {
		p.inMargin(figureTear, figure(drawing{alt: d.destroy[0]}, p.tree.Root, p.langs[0]), p.y)
	}
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
	var beside *typeset.Element
	heading := p.cells(b.heading, p.faces.heading, header(table.Add("TR", ""), func(cell *typeset.Element) {
		if b.figure != nil && beside == nil {
			beside = figure(drawing{alt: b.heading[0]}, cell, "")
		}
	}))
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
	if beside != nil {
		p.inMargin(b.figure, beside, p.y)
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

// header puts the heading of a section above its columns, each in a cell that
// may have something before it.
func header(row *typeset.Element, before func(cell *typeset.Element)) place {
	return func(lang string) *typeset.Element {
		cell := row.Add("TH", lang)
		cell.Attributes = "/O/Table/Scope/Column"
		before(cell)
		return cell.Add("H2", "")
	}
}

func (p *page) heading(g grid) {
	p.sheet().box(box{margin - 1, p.y, p.paperWidth - 2*margin + 2, g.height(g.lines()), headingGrey})
	p.lines(g)
	p.y += 1.2
}

func (p *page) hairline() {
	p.y += rowGap / 2
	p.sheet().box(box{margin, p.y - hairline/2, p.paperWidth - 2*margin, hairline, hairlineGrey})
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
		rtl := rightToLeft(p.langs[i])
		at := func(l line) float64 {
			if rtl {
				return p.left(i) + p.width - l.Width/pointsPerMM
			}
			return p.left(i)
		}
		for n := 0; n < len(c); {
			if len(c[n].pictures) > 0 {
				p.pictures(c[n], at(c[n]), baselines[n], rtl)
				n++
				continue
			}
			of := c[n].of
			var lines []placed
			for ; n < len(c) && c[n].of == of && len(c[n].pictures) == 0; n++ {
				lines = append(lines, placed{c[n].Line, at(c[n]), baselines[n], p.langs[i]})
			}
			p.sheet().lines(of, lines)
		}
	}
}

package pdf

import (
	"slices"
	"strings"
	"unicode"

	"portolan/pdf/typeset"
)

// line is a line of text with the element that it is part of; nil for what is
// decoration.
type line struct {
	typeset.Line
	of       *typeset.Element
	pictures []pictured // in place of text
}

// column is the lines of one cell, from top to bottom.
type column []line

// place makes the element of a text in the language of its column.
type place func(lang string) *typeset.Element

// grid is columns that stand side by side: the lines of all begin on the same
// heights, whatever scripts are in them.
type grid struct {
	columns []column
	line    float64 // the least height of a line, in millimetres
}

func (g grid) lines() int {
	n := 0
	for _, c := range g.columns {
		n = max(n, len(c))
	}
	return n
}

// at is the height of a line of the grid and the place of its baseline below
// its upper edge.
func (g grid) at(n int) (height, baseline float64) {
	var ascent, descent float64
	for _, c := range g.columns {
		if n < len(c) {
			ascent, descent = max(ascent, c[n].Ascent), max(descent, c[n].Descent)
		}
	}
	ascent, descent = ascent/pointsPerMM, descent/pointsPerMM
	height = max(g.line, ascent+descent)
	return height, (height-ascent-descent)/2 + ascent
}

// height is that of the first n lines.
func (g grid) height(n int) float64 {
	sum := 0.0
	for i := range min(n, g.lines()) {
		h, _ := g.at(i)
		sum += h
	}
	return sum
}

// fitting is how many lines fit into a height.
func (g grid) fitting(room float64) int {
	for n := range g.lines() {
		h, _ := g.at(n)
		if room -= h; room < 0 {
			return n
		}
	}
	return g.lines()
}

// cut parts the grid after n lines.
func (g grid) cut(n int) (first, rest grid) {
	first.line, rest.line = g.line, g.line
	for _, c := range g.columns {
		k := min(n, len(c))
		first.columns, rest.columns = append(first.columns, c[:k]), append(rest.columns, c[k:])
	}
	return first, rest
}

// cells sets one text per column, in the language of the column; without a
// place they are decoration.
func (p *page) cells(texts []string, f face, in place) grid {
	g := grid{line: f.line}
	for i, text := range texts {
		if text == "" {
			g.columns = append(g.columns, nil)
			continue
		}
		var of *typeset.Element
		if in != nil {
			of = in(p.langs[i])
		}
		g.columns = append(g.columns, p.set(paragraph{{text: text, bold: f.bold, lang: p.langs[i], label: true}}, f, p.langs[i], of))
	}
	return g
}

// row sets the cells of a row.
func (p *page) row(r row, of *typeset.Element) grid {
	g := grid{line: p.faces.body.line}
	for i, cell := range r.cells {
		data := of.Add("TD", p.langs[i])
		var c column
		for n, paragraph := range cell {
			c = append(c, p.set(paragraph, p.faces.body, p.langs[i], data.Add("P", ""))...)
			if n == 0 && len(r.drawings) > 0 {
				c = append(c, p.strip(r.drawings[i], data)...)
			}
		}
		g.columns = append(g.columns, c)
	}
	return g.aligned()
}

// aligned moves pictures that stand on different lines of their columns onto
// one, so that each column is not as long as both.
func (g grid) aligned() grid {
	first := func(c column) int { return slices.IndexFunc(c, func(l line) bool { return len(l.pictures) > 0 }) }
	deepest := -1
	for _, c := range g.columns {
		deepest = max(deepest, first(c))
	}
	for i, c := range g.columns {
		if at := first(c); at >= 0 && at < deepest {
			g.columns[i] = slices.Insert(c, at, make(column, deepest-at)...)
		}
	}
	return g
}

// set wraps runs into lines of an element. A voice reads text that runs from
// right to left as it was written, and not as it is drawn.
func (p *page) set(runs paragraph, f face, lang string, of *typeset.Element) column {
	if text := joined(runs); of != nil && strings.ContainsFunc(text, turns) {
		of.Text = text
	}
	var c column
	for _, l := range p.wrap(runs, f, lang) {
		c = append(c, line{Line: l, of: of})
	}
	return c
}

// turns says whether a letter runs from right to left.
func turns(r rune) bool {
	return unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko)
}

// wrap sets runs, with a space between them, into lines of the column's width.
// The first fault is kept: nothing is written after it.
func (p *page) wrap(runs paragraph, f face, lang string) []typeset.Line {
	text := typeset.Paragraph{Width: p.width * pointsPerMM, RightToLeft: rightToLeft(lang)}
	for i, r := range runs {
		if i > 0 {
			text.Runs = append(text.Runs, typeset.Run{Text: " ", Style: typeset.Style{Size: f.size}, Known: true})
		}
		style := typeset.Style{Size: f.size, Bold: r.bold}
		text.Runs = append(text.Runs, typeset.Run{Text: r.text, Lang: r.lang, Style: style, Isolate: r.exact || r.free, Whole: r.exact, Known: r.label})
		if r.comma != "" {
			text.Runs = append(text.Runs, typeset.Run{Text: r.comma, Lang: lang, Style: style})
		}
	}
	lines, err := p.setter.Set(text)
	if err != nil && p.err == nil {
		p.err = err
	}
	return lines
}

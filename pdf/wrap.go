package pdf

import (
	"portolan/pdf/typeset"
)

// column is the lines of one cell, from top to bottom.
type column []typeset.Line

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

// cells sets one text per column, in the language of the column.
func (p *page) cells(texts []string, size, line float64, bold bool) grid {
	g := grid{line: line}
	for i, text := range texts {
		g.columns = append(g.columns, p.wrap(paragraph{{text: text, bold: bold, lang: p.langs[i]}}, size))
	}
	return g
}

// row sets the cells of a row.
func (p *page) row(r row) grid {
	g := grid{line: bodyLine}
	for _, cell := range r.cells {
		var c column
		for _, paragraph := range cell {
			c = append(c, p.wrap(paragraph, bodySize)...)
		}
		g.columns = append(g.columns, c)
	}
	return g
}

// wrap sets runs, with a space between them, into lines of the column's width.
// The first fault is kept: nothing is written after it.
func (p *page) wrap(runs paragraph, size float64) column {
	text := typeset.Paragraph{Width: p.width * pointsPerMM}
	for i, r := range runs {
		if i > 0 {
			text.Runs = append(text.Runs, typeset.Run{Text: " ", Style: typeset.Style{Size: size}})
		}
		text.Runs = append(text.Runs, typeset.Run{
			Text: r.text, Lang: r.lang, Style: typeset.Style{Size: size, Bold: r.bold}, Isolate: r.exact || r.free, Whole: r.exact,
		})
		if r.comma {
			text.Runs = append(text.Runs, typeset.Run{Text: ",", Style: typeset.Style{Size: size, Bold: r.bold}})
		}
	}
	lines, err := p.setter.Set(text)
	if err != nil && p.err == nil {
		p.err = err
	}
	return lines
}

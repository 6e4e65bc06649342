package pdf

import "strings"

// setLine is one line, part by part, with the place of each from the left edge
// of the column, in millimetres.
type setLine []part

type part struct {
	text string
	bold bool
	x    float64
}

func (p *page) wrapRow(r row) [][]setLine {
	var columns [][]setLine
	for _, cell := range r.cells {
		var lines []setLine
		for _, paragraph := range cell {
			lines = append(lines, p.wrap(paragraph, bodySize)...)
		}
		columns = append(columns, lines)
	}
	return columns
}

// wrap sets runs into lines of the column's width. It breaks at spaces only;
// exact values hold no-break spaces. A word longer than the column is broken
// between letters: nothing is ever cut off.
func (p *page) wrap(runs []run, size float64) []setLine {
	var lines []setLine
	var line setLine
	x := 0.0
	feed := func() {
		lines = append(lines, line)
		line, x = nil, 0
	}
	for _, r := range runs {
		p.setFont(size, r.bold)
		space := p.f.GetStringWidth(" ")
		for _, word := range strings.Split(r.text, " ") {
			for _, piece := range p.pieces(word) {
				width := p.f.GetStringWidth(piece)
				gap := 0.0
				if x > 0 {
					gap = space
				}
				if x > 0 && x+gap+width > p.width {
					feed()
					gap = 0
				}
				line = line.add(part{text: piece, bold: r.bold, x: x + gap})
				x += gap + width
			}
		}
	}
	if len(line) > 0 {
		feed()
	}
	return lines
}

// add joins words of one weight into one part, so that a reader of the file's
// text finds them as they were written.
func (l setLine) add(w part) setLine {
	if n := len(l); n > 0 && l[n-1].bold == w.bold {
		l[n-1].text += " " + w.text
		return l
	}
	return append(l, w)
}

// pieces breaks a word that is wider than the column.
func (p *page) pieces(word string) []string {
	var all []string
	for p.f.GetStringWidth(word) > p.width {
		letters := []rune(word)
		n := len(letters) - 1
		for n > 1 && p.f.GetStringWidth(string(letters[:n])) > p.width {
			n--
		}
		all = append(all, string(letters[:n]))
		word = string(letters[n:])
	}
	return append(all, word)
}

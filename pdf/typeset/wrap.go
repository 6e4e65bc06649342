package typeset

import "fmt"

// WidthError says that a box is narrower than a letter that it should hold.
type WidthError struct {
	Width float64 // of the box, in points
	Rune  rune
}

func (e *WidthError) Error() string {
	return fmt.Sprintf("a box of %.1f points is too narrow for U+%04X", e.Width, e.Rune)
}

// slack is by how many points a line may be wider than its box: less than a
// printer sees, more than the rounding of a sum.
const slack = 0.01

// wrapper breaks one passage into lines, each as long as fits.
type wrapper struct {
	setter   *Setter
	par      Paragraph
	passage  passage
	levels   paragraphLevels
	items    []item
	whole    []shaped  // every item shaped as if on one line
	advance  []float64 // of the cluster that begins at a character, in points
	clusters []bool    // whether a line may be cut before a character at need
	breaks   []bool    // whether a line may end before a character
}

// measure notes the widths of clusters, and that none is cut inside.
func (w *wrapper) measure(s shaped) {
	for _, g := range s.glyphs {
		w.advance[g.from] += float64(g.advance) * s.size / float64(s.face.em)
		for i := g.from + 1; i < g.to; i++ {
			w.clusters[i], w.breaks[i] = false, false
		}
	}
}

func (w *wrapper) lines() ([]Line, error) {
	n := len(w.passage.text)
	if n == 0 || w.visible(0, n) == 0 {
		return []Line{w.blank()}, nil
	}
	var lines []Line
	for from := w.skip(0); from < n; {
		line, to, err := w.next(from)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
		from = w.skip(to)
	}
	return lines, nil
}

// skip is where the next line begins: white space that could end a line does
// not begin one.
func (w *wrapper) skip(from int) int {
	for from < len(w.passage.text) && hangs(w.passage.text[from]) {
		from++
	}
	return from
}

// blank is a line without text, as high as its first run would be.
func (w *wrapper) blank() Line {
	size := 0.0
	if len(w.par.Runs) > 0 {
		size = w.par.Runs[0].Size
	}
	return Line{Ascent: size, Descent: size / 4}
}

// visible is the end of what is drawn of a line.
func (w *wrapper) visible(from, to int) int {
	for to > from && hangs(w.passage.text[to-1]) {
		to--
	}
	return to
}

// next makes the line that begins at a character and says where it ends. By
// the widths of the whole passage it takes the longest line that fits; a line
// that turns out wider once it is shaped by itself is made shorter.
func (w *wrapper) next(from int) (Line, int, error) {
	for _, allowed := range [][]bool{w.breaks, w.clusters} {
		for to := w.furthest(from, allowed); to > from; to = before(from, to, allowed) {
			line, err := w.line(from, w.visible(from, to))
			if err != nil || line.Width <= w.par.Width+slack {
				return line, to, err
			}
		}
	}
	return Line{}, 0, &WidthError{w.par.Width, w.passage.text[from]}
}

// furthest is the last allowed place up to which the text may fit; from where
// there is none.
func (w *wrapper) furthest(from int, allowed []bool) int {
	sum, best := 0.0, from
	for i := from; i < len(w.passage.text); i++ {
		sum += w.advance[i]
		end := i + 1
		if end < len(w.passage.text) && !allowed[end] {
			continue
		}
		if over := sum - w.trailing(from, end); over > w.par.Width+slack {
			return best
		}
		best = end
	}
	return best
}

// trailing is the width of the white space at the end of a line.
func (w *wrapper) trailing(from, to int) float64 {
	sum := 0.0
	for i := w.visible(from, to); i < to; i++ {
		sum += w.advance[i]
	}
	return sum
}

// before is the allowed place before another one, from where there is none.
func before(from, to int, allowed []bool) int {
	for to--; to > from && !allowed[to]; to-- {
	}
	return to
}

// line shapes the text of one line and puts it into visual order (UAX #9, L2).
// What no line break has touched keeps its shape from before.
func (w *wrapper) line(from, to int) (Line, error) {
	levels := w.levels.lineLevels(from, to)
	var runs []shaped
	var order []level
	for i, it := range w.items {
		if it.to <= from || it.from >= to {
			continue
		}
		part := w.whole[i]
		if it.from < from || it.to > to {
			it.from, it.to = max(it.from, from), min(it.to, to)
			var err error
			if part, err = w.setter.shape(w.passage.text, it, w.par.Runs[it.run]); err != nil {
				return Line{}, err
			}
		}
		runs, order = append(runs, part), append(order, levels[it.from-from])
	}
	var l Line
	for _, k := range visualOrder(order) {
		r := runs[k]
		l.runs = append(l.runs, r)
		l.Width += r.width
		above, below := r.extent()
		scale := r.size / float64(r.face.em)
		l.Ascent, l.Descent = max(l.Ascent, float64(above)*scale), max(l.Descent, float64(below)*scale)
	}
	return l, nil
}

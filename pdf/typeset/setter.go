package typeset

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/harfbuzz"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/segmenter"
)

// Setter sets paragraphs. It keeps what it has learnt of its fonts; one is for
// one goroutine.
type Setter struct {
	fonts    *Fonts
	orders   map[fontQuestion][]func() (*face, error)
	shapers  map[*face]*harfbuzz.Font
	buffer   *harfbuzz.Buffer
	segments segmenter.Segmenter
	shapes   map[shapeKey]keptShape // of labels
	now      map[shapeKey]keptShape // of what stands in one document, until Forget
	lines    map[linesKey][]Line    // of paragraphs that are labels and nothing else
}

// linesKey is all that the lines of a paragraph of labels depend on.
type linesKey struct {
	runs  string
	rtl   bool
	width float64
}

// shapeKey is all that a shape depends on, but for the letters around it.
type shapeKey struct {
	face   *face
	text   string
	lang   string
	script language.Script
	rtl    bool
}

// keptShape is a shape in units of its font, its clusters counted from 0.
type keptShape struct {
	glyphs  []glyph
	advance int32
}

type fontQuestion struct {
	script language.Script
	lang   string
	bold   bool
}

// NewSetter returns a Setter that uses these fonts.
func NewSetter(f *Fonts) *Setter {
	return &Setter{
		fonts: f, orders: map[fontQuestion][]func() (*face, error){},
		shapers: map[*face]*harfbuzz.Font{}, buffer: harfbuzz.NewBuffer(),
		shapes: map[shapeKey]keptShape{}, now: map[shapeKey]keptShape{}, lines: map[linesKey][]Line{},
	}
}

// find returns the first face that has all characters, nil where none has.
func (s *Setter) find(chars []rune, script language.Script, run Run) (*face, error) {
	q := fontQuestion{script, run.Lang, run.Bold}
	order, known := s.orders[q]
	if !known {
		order = s.fonts.order(script, run.Lang, run.Bold)
		s.orders[q] = order
	}
	for _, open := range order {
		f, err := open()
		if err != nil {
			return nil, err
		}
		if covers(f, chars) {
			return f, nil
		}
	}
	return nil, nil
}

// Check says whether a text can be set, regular and bold, without setting it.
// It fails with a CharacterError.
func (s *Setter) Check(text, lang string) error {
	if !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil // the first font has them all: TestTheFirstFontHasASCII
	}
	runs := []Run{{Text: text, Lang: lang, Style: Style{Size: 1}}}
	pieces, err := passages(Paragraph{Runs: runs})
	if err != nil {
		return err
	}
	for _, p := range pieces {
		clusters, scripts := s.graphemes(p.text), p.scripts(runs, make([]level, len(p.text)))
		for _, bold := range []bool{false, true} {
			runs[0].Bold = bold
			if _, err := s.faces(p, runs, scripts, clusters); err != nil {
				return err
			}
		}
	}
	return nil
}

// glyph is one glyph as it was shaped, in units of its font. from and to are
// the characters of its cluster: what cannot be taken apart any further.
type glyph struct {
	id       uint16
	advance  int32
	dx, dy   int32
	from, to int
}

// shaped is a stretch of text with its glyphs, from left to right.
type shaped struct {
	item
	text   []rune // the whole passage
	lang   string // of the run
	size   float64
	glyphs []glyph
	width  float64 // in points
}

// shapesMax bounds what a setter keeps: all words of all papers are fewer.
const shapesMax = 1 << 15

// Forget lets go of everything but labels: whoever set a document calls it, so
// that nothing of a person is kept longer than their paper takes.
func (s *Setter) Forget() { clear(s.now) }

// shape finds the shape of one item. It is kept, if no letter stands beside it
// that it could join: that of a label for good, that of a value, which stands in
// each column, until the document is done.
func (s *Setter) shape(text []rune, it item, run Run) (shaped, error) {
	if joinsAround(text, it) {
		return s.shapeAnew(text, it, run)
	}
	known := s.now
	if run.Known {
		known = s.shapes
	}
	k := shapeKey{it.face, string(text[it.from:it.to]), run.Lang, it.script, it.level.rightToLeft()}
	kept, ok := known[k]
	if !ok {
		out, err := s.shapeAnew(text, it, run)
		if err != nil || len(known) >= shapesMax {
			return out, err
		}
		kept.glyphs = slices.Clone(out.glyphs)
		for i := range kept.glyphs {
			kept.glyphs[i].from -= it.from
			kept.glyphs[i].to -= it.from
			kept.advance += kept.glyphs[i].advance
		}
		known[k] = kept
		return out, nil
	}
	out := shaped{item: it, text: text, lang: run.Lang, size: run.Size, glyphs: slices.Clone(kept.glyphs)}
	for i := range out.glyphs {
		out.glyphs[i].from += it.from
		out.glyphs[i].to += it.from
	}
	out.width = float64(kept.advance) * run.Size / float64(it.face.em)
	return out, nil
}

// joinsAround says whether what stands beside an item could change its shape.
func joinsAround(text []rune, it item) bool {
	joins := func(r rune) bool { return unicode.IsLetter(r) || unicode.Is(unicode.M, r) || shapes(r) }
	return it.from > 0 && joins(text[it.from-1]) || it.to < len(text) && joins(text[it.to])
}

// shapeAnew hands one item to the shaper. What stands before and after it in the
// passage is seen, so that letters join across a change of style.
// A font whose tables end the shaper is an error of that text, not the end of
// the program.
func (s *Setter) shapeAnew(text []rune, it item, run Run) (out shaped, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			s.buffer = harfbuzz.NewBuffer()
			out, err = shaped{}, fmt.Errorf("shaping with the font %s: %v", it.face.name, fault)
		}
	}()
	f := s.shapers[it.face]
	if f == nil {
		f = harfbuzz.NewFont(font.NewFace(it.face.font))
		f.XScale, f.YScale = it.face.em, it.face.em
		s.shapers[it.face] = f
	}
	b := s.buffer
	b.Clear()
	b.AddRunes(text, it.from, it.to-it.from)
	b.Props = harfbuzz.SegmentProperties{Direction: harfbuzz.LeftToRight, Script: it.script, Language: language.NewLanguage(run.Lang)}
	if it.level.rightToLeft() {
		b.Props.Direction = harfbuzz.RightToLeft
	}
	b.Shape(f, nil)
	out = shaped{item: it, text: text, lang: run.Lang, size: run.Size, glyphs: make([]glyph, len(b.Info))}
	var advance int32
	var missing error
	for i, g := range b.Info {
		p := b.Pos[i]
		out.glyphs[i] = glyph{id: uint16(g.Glyph), advance: p.XAdvance, dx: p.XOffset, dy: p.YOffset, from: g.Cluster}
		advance += p.XAdvance
		if g.Glyph == 0 || int(g.Glyph) >= it.face.glyf.glyphs {
			missing = &CharacterError{text[g.Cluster], noFont}
		}
	}
	out.width = float64(advance) * run.Size / float64(it.face.em)
	out.closeClusters()
	return out, missing
}

// closeClusters finds the end of every cluster: where the next one begins.
func (s *shaped) closeClusters() {
	starts := make([]int, 0, len(s.glyphs)+1)
	for i, g := range s.glyphs {
		if i == 0 || s.glyphs[i-1].from != g.from {
			starts = append(starts, g.from)
		}
	}
	slices.Sort(starts)
	starts = append(starts, s.to)
	for i := range s.glyphs {
		at, _ := slices.BinarySearch(starts, s.glyphs[i].from)
		s.glyphs[i].to = starts[at+1]
	}
}

// extent is how far a run reaches above and below the baseline, in units of
// its font: as far as the font says that its lines do, and further where a
// stack of letters does.
func (s *shaped) extent() (above, below int32) {
	above, below = s.face.ascent, s.face.descent
	for _, g := range s.glyphs {
		if bottom, top, drawn := s.face.glyf.height(g.id); drawn {
			above, below = max(above, top+g.dy), max(below, -bottom-g.dy)
		}
	}
	return above, below
}

// Line is one line of glyphs with the box that they need, in points.
type Line struct {
	Width           float64
	Ascent, Descent float64 // above and below the baseline, both positive
	runs            []shaped
}

// Set breaks a paragraph into lines none of which is wider than its box. It
// fails with a CharacterError where a character cannot be set, and with a
// WidthError where the box is narrower than one letter.
func (s *Setter) Set(p Paragraph) ([]Line, error) {
	if slices.ContainsFunc(p.Runs, func(r Run) bool { return !r.Known }) {
		return s.setAnew(p)
	}
	k := linesKey{keyOf(p.Runs), p.RightToLeft, p.Width}
	lines, ok := s.lines[k]
	if !ok {
		var err error
		if lines, err = s.setAnew(p); err != nil {
			return nil, err
		}
		if len(s.lines) < shapesMax {
			s.lines[k] = lines
		}
	}
	return slices.Clone(lines), nil
}

// keyOf tells runs apart.
func keyOf(runs []Run) string {
	var b strings.Builder
	for _, r := range runs {
		fmt.Fprintf(&b, "%q %s %g %t %t %t;", r.Text, r.Lang, r.Size, r.Bold, r.Isolate, r.Whole)
	}
	return b.String()
}

func (s *Setter) setAnew(p Paragraph) ([]Line, error) {
	for _, r := range p.Runs {
		if r.Size <= 0 {
			return nil, fmt.Errorf("setting text in a size of %g points", r.Size)
		}
	}
	pieces, err := passages(p)
	if err != nil {
		return nil, err
	}
	var lines []Line
	for _, piece := range pieces {
		set, err := s.setPassage(piece, p)
		if err != nil {
			return nil, err
		}
		lines = append(lines, set...)
	}
	return lines, nil
}

// setPassage sets what stands between two hard ends of lines.
func (s *Setter) setPassage(p passage, par Paragraph) ([]Line, error) {
	base := 0
	if par.RightToLeft {
		base = 1
	}
	levels := resolveLevels(p.text, base)
	clusters, breaks, err := s.places(p, par.Runs)
	if err != nil {
		return nil, err
	}
	items, err := s.items(p, par.Runs, levels.level, clusters)
	if err != nil {
		return nil, err
	}
	w := wrapper{setter: s, par: par, passage: p, levels: levels, items: items, clusters: clusters, breaks: breaks, whole: make([]shaped, len(items)), advance: make([]float64, len(p.text))}
	for i, it := range items {
		if w.whole[i], err = s.shape(p.text, it, par.Runs[it.run]); err != nil {
			return nil, err
		}
		w.measure(w.whole[i])
	}
	return w.lines()
}

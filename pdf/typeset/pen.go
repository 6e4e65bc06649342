package typeset

import (
	"encoding/binary"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Pen writes lines into the content of pages and collects the fonts of one
// document. gofpdf writes everything else:
//
//	page.RawWriteStr(pen.Draw(line, x, y, "en")) // for each line
//	page.Output(&raw)
//	file, err := ReadFile(raw.Bytes())
//	pen.Embed(file)
//	file.Bytes()
type Pen struct {
	fonts []*usedFont
	of    map[*face]*usedFont
}

// NewPen returns a Pen for one document.
func NewPen() *Pen { return &Pen{of: map[*face]*usedFont{}} }

// usedFont is a font of the document with the codes given so far.
type usedFont struct {
	face  *face
	name  string // of the resource
	code  map[string]uint16
	codes []composition
	key   []byte
}

func (p *Pen) font(f *face) *usedFont {
	u, ok := p.of[f]
	if !ok {
		u = &usedFont{face: f, name: "T" + strconv.Itoa(len(p.fonts)), code: map[string]uint16{}, codes: []composition{notdef(f)}}
		p.of[f] = u
		p.fonts = append(p.fonts, u)
	}
	return u
}

// notdef is the code 0, which is never shown.
func notdef(f *face) composition {
	width, _ := f.glyf.advance(0)
	return composition{parts: []part{{}}, advance: int32(width)}
}

// number returns the code of a composition.
func (u *usedFont) number(c composition) uint16 {
	k := u.key[:0]
	for _, p := range c.parts {
		k = binary.BigEndian.AppendUint16(k, p.glyph)
		k = binary.BigEndian.AppendUint16(k, uint16(p.dx))
		k = binary.BigEndian.AppendUint16(k, uint16(p.dy))
	}
	k = binary.BigEndian.AppendUint32(k, uint32(c.advance))
	k = append(k, c.text...)
	u.key = k
	if code, ok := u.code[string(k)]; ok {
		return code
	}
	code := uint16(len(u.codes))
	u.code[string(k)] = code
	c.parts = append([]part(nil), c.parts...)
	u.codes = append(u.codes, c)
	return code
}

// languageTag is what may stand in a file as the name of a language (BCP 47).
var languageTag = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

// Draw returns the content that shows a line in black, with the left end of
// its baseline at x, y in points from the lower left corner of the page. Runs
// in another language than that of what stands around them are marked with it.
func (p *Pen) Draw(l Line, x, y float64, around string) string {
	var b strings.Builder
	b.WriteString("q 0 g 0 G BT\n")
	for _, r := range l.runs {
		u := p.font(r.face)
		foreign := r.lang != around && languageTag.MatchString(r.lang)
		if foreign {
			fmt.Fprintf(&b, "/Span<</Lang(%s)>>BDC\n", r.lang)
		}
		fmt.Fprintf(&b, "/%s %s Tf ", u.name, decimal(r.size))
		if s := r.face.stroke; s > 0 {
			fmt.Fprintf(&b, "2 Tr %s w ", decimal(float64(s)*r.size/float64(r.face.em)))
		} else {
			b.WriteString("0 Tr ")
		}
		fmt.Fprintf(&b, "1 0 0 1 %s %s Tm\n", decimal(x), decimal(y))
		s := shower{out: &b, font: u, run: r, perEm: 1000 / float64(r.face.em)}
		s.show()
		if foreign {
			b.WriteString("EMC\n")
		}
		x += r.width
	}
	b.WriteString("ET Q")
	return b.String()
}

// decimal writes a number as PDF wants it, to a hundredth of a point.
func decimal(v float64) string {
	s := strings.TrimRight(strings.TrimRight(strconv.FormatFloat(v, 'f', 2, 64), "0"), ".")
	if s == "-0" || s == "" {
		return "0"
	}
	return s
}

// shower writes the glyphs of one run. A code is moved by what the widths of
// the codes before it leave over. All stand on one baseline: a glyph that is
// higher or lower is a composed one, because readers take text that rises (a
// word in Nastaliq, a vowel sign) for another line.
type shower struct {
	out   *strings.Builder
	font  *usedFont
	run   shaped
	perEm float64 // thousandths of the size in one unit of the font
	owed  float64 // thousandths to move to the right before the next code
}

func (s *shower) show() {
	s.out.WriteString("[<")
	glyphs := s.run.glyphs
	for i := 0; i < len(glyphs); {
		j := i
		for j < len(glyphs) && glyphs[j].from == glyphs[i].from {
			j++
		}
		s.cluster(glyphs[i:j], s.run.text[glyphs[i].from:glyphs[i].to])
		i = j
	}
	s.out.WriteString(">]TJ\n")
}

// cluster writes one cluster. Readers take a line from left to right and turn
// what runs from right to left around code by code: so there each code has one
// character. Elsewhere a cluster is one code with its whole text.
func (s *shower) cluster(glyphs []glyph, text []rune) {
	rtl := s.run.level.rightToLeft()
	switch {
	case len(glyphs) == 1 && (len(text) == 1 || !rtl):
		s.single(glyphs[0], string(text))
	case rtl:
		s.composedFromRight(glyphs, text)
	default:
		c := s.compose(glyphs)
		c.text = string(text)
		s.code(c, 0, c.advance)
	}
}

func (s *shower) single(g glyph, text string) {
	width, _ := s.font.face.glyf.advance(g.id)
	c := composition{parts: []part{{glyph: g.id, dy: int16(g.dy)}}, advance: int32(width), text: text}
	if len(s.font.face.glyf.outline(g.id)) == 0 { // nothing to draw higher
		c.parts[0].dy = 0
	}
	s.code(c, g.dx, g.advance)
}

// composedFromRight writes a ligature, a letter with its marks, or a letter of
// several glyphs as one code per character: the leftmost one draws everything,
// the others nothing, and they share the width.
func (s *shower) composedFromRight(glyphs []glyph, text []rune) {
	c := s.compose(glyphs)
	n := int32(len(text))
	share, rest := c.advance/n, c.advance%n
	for i := n - 1; i >= 0; i-- {
		k := composition{advance: share, text: string(text[i])}
		if i == n-1 {
			k.parts, k.advance = c.parts, share+rest
		}
		s.code(k, 0, k.advance)
	}
}

// compose puts the glyphs of a cluster together.
func (s *shower) compose(glyphs []glyph) composition {
	var c composition
	for _, g := range glyphs {
		if len(s.font.face.glyf.outline(g.id)) > 0 && len(c.parts) < maxParts {
			c.parts = append(c.parts, part{g.id, int16(c.advance + g.dx), int16(g.dy)})
		}
		c.advance += g.advance
	}
	return c
}

// code shows one code, moved by dx, and moves on by the advance.
func (s *shower) code(c composition, dx, advance int32) {
	s.owed += float64(dx) * s.perEm
	if move := math.Round(s.owed); move != 0 {
		s.out.WriteString(">" + strconv.Itoa(-int(move)) + "<")
		s.owed -= move
	}
	const digits = "0123456789ABCDEF"
	n := s.font.number(c)
	s.out.Write([]byte{digits[n>>12], digits[n>>8&15], digits[n>>4&15], digits[n&15]})
	s.owed += float64(advance-dx)*s.perEm - math.Round(float64(c.advance)*s.perEm)
}

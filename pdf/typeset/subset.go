package typeset

import (
	"encoding/binary"
	"math"

	"github.com/go-text/typesetting/font/opentype"
)

// part is a glyph of a composed one, with its place in units of the font.
type part struct {
	glyph  uint16
	dx, dy int16
}

// composition is one code of a font in a document: a glyph, or several put
// together into one, and the text that they stand for.
type composition struct {
	parts   []part
	advance int32
	text    string
}

// plain says whether the composition is a glyph of the font as it is, its width
// included: PDF/A wants one width in the font and in the file around it.
func (c composition) plain(t *glyfTables) bool {
	if len(c.parts) != 1 || c.parts[0].dx != 0 || c.parts[0].dy != 0 {
		return false
	}
	width, _ := t.advance(c.parts[0].glyph)
	return int32(width) == c.advance
}

// cutter cuts a TrueType font down to what a document shows, and adds the
// composed glyphs. The glyph of a code has its number: no map stands between.
type cutter struct {
	from  *glyfTables
	place map[uint16]uint16 // new numbers by old ones
	more  []uint16          // old numbers of those that only others are made of
	codes int
	glyf  []byte
	loca  []byte
	hmtx  []byte
}

// cut returns the font that shows the compositions, each by the glyph of its
// place among them.
func (t *glyfTables) cut(compositions []composition) (font []byte) {
	c := &cutter{from: t, place: map[uint16]uint16{}, codes: len(compositions)}
	first := make([]bool, len(compositions)) // whether it is the glyph itself, and not made of it
	for i, k := range compositions {
		if k.plain(t) {
			if _, taken := c.place[k.parts[0].glyph]; !taken {
				c.place[k.parts[0].glyph], first[i] = uint16(i), true
			}
		}
	}
	for i, k := range compositions {
		if first[i] {
			c.copyGlyph(k.parts[0].glyph)
		} else {
			c.compose(k)
		}
	}
	for i := 0; i < len(c.more); i++ { // parts of composite glyphs join at the end
		c.copyGlyph(c.more[i])
	}
	c.loca = binary.BigEndian.AppendUint32(c.loca, uint32(len(c.glyf)))
	return c.file(uint16(c.codes + len(c.more)))
}

// number is the new number of a glyph, which is added where it is not there.
func (c *cutter) number(old uint16) uint16 {
	n, ok := c.place[old]
	if !ok {
		n = uint16(c.codes + len(c.more))
		c.place[old] = n
		c.more = append(c.more, old)
	}
	return n
}

func (c *cutter) begin(advance uint16, left int16) {
	for len(c.glyf)%4 != 0 {
		c.glyf = append(c.glyf, 0)
	}
	c.loca = binary.BigEndian.AppendUint32(c.loca, uint32(len(c.glyf)))
	c.hmtx = binary.BigEndian.AppendUint16(c.hmtx, advance)
	c.hmtx = binary.BigEndian.AppendUint16(c.hmtx, uint16(left))
}

// copyGlyph takes an outline over, without its instructions.
func (c *cutter) copyGlyph(old uint16) {
	c.begin(c.from.advance(old))
	d := c.from.outline(old)
	if len(d) == 0 {
		return
	}
	if contours := int(int16(binary.BigEndian.Uint16(d))); contours >= 0 {
		at := 10 + 2*contours
		instructions := int(binary.BigEndian.Uint16(d[at:]))
		c.glyf = append(append(append(c.glyf, d[:at]...), 0, 0), d[at+2+instructions:]...)
		return
	}
	d = append([]byte(nil), d...)
	for at := 10; ; {
		flags := binary.BigEndian.Uint16(d[at:]) &^ haveInstruction
		binary.BigEndian.PutUint16(d[at:], flags)
		binary.BigEndian.PutUint16(d[at+2:], c.number(binary.BigEndian.Uint16(d[at+2:])))
		length, more := componentLength(flags)
		at += length
		if !more {
			c.glyf = append(c.glyf, d[:at]...)
			return
		}
	}
}

// compose adds one glyph that is made of others, or of none.
func (c *cutter) compose(k composition) {
	if len(k.parts) == 0 || len(k.parts) == 1 && len(c.from.outline(k.parts[0].glyph)) == 0 {
		c.begin(uint16(k.advance), 0)
		return
	}
	box := [4]int16{math.MaxInt16, math.MaxInt16, math.MinInt16, math.MinInt16}
	for _, p := range k.parts {
		d := c.from.outline(p.glyph)
		at := func(i int) int16 { return int16(binary.BigEndian.Uint16(d[2+2*i:])) }
		box[0], box[1] = min(box[0], at(0)+p.dx), min(box[1], at(1)+p.dy)
		box[2], box[3] = max(box[2], at(2)+p.dx), max(box[3], at(3)+p.dy)
	}
	c.begin(uint16(k.advance), box[0])
	c.glyf = binary.BigEndian.AppendUint16(c.glyf, 0xFFFF) // composite
	for _, v := range box {
		c.glyf = binary.BigEndian.AppendUint16(c.glyf, uint16(v))
	}
	for i, p := range k.parts {
		flags := uint16(argsAreWords | argsAreXY)
		if i+1 < len(k.parts) {
			flags |= moreComponents
		}
		for _, v := range []uint16{flags, c.number(p.glyph), uint16(p.dx), uint16(p.dy)} {
			c.glyf = binary.BigEndian.AppendUint16(c.glyf, v)
		}
	}
}

// file puts the tables together that a PDF wants of a font (ISO 32000-1, 9.9).
func (c *cutter) file(glyphs uint16) []byte {
	head := append([]byte(nil), c.from.head...)
	binary.BigEndian.PutUint32(head[8:], 0)  // checksum, written below
	binary.BigEndian.PutUint16(head[50:], 1) // long offsets
	hhea := append([]byte(nil), c.from.hhea...)
	binary.BigEndian.PutUint16(hhea[34:], glyphs)
	maxp := append([]byte(nil), c.from.maxp...)
	binary.BigEndian.PutUint16(maxp[4:], glyphs)
	binary.BigEndian.PutUint16(maxp[28:], maxParts) // maxComponentElements
	binary.BigEndian.PutUint16(maxp[30:], binary.BigEndian.Uint16(maxp[30:])+1)
	tables := []opentype.Table{
		{Tag: opentype.MustNewTag("glyf"), Content: c.glyf}, {Tag: opentype.MustNewTag("head"), Content: head},
		{Tag: opentype.MustNewTag("hhea"), Content: hhea}, {Tag: opentype.MustNewTag("hmtx"), Content: c.hmtx},
		{Tag: opentype.MustNewTag("loca"), Content: c.loca}, {Tag: opentype.MustNewTag("maxp"), Content: maxp},
	}
	for i := range tables {
		for len(tables[i].Content)%4 != 0 {
			tables[i].Content = append(tables[i].Content, 0)
		}
	}
	return opentype.WriteTTF(tables)
}

// maxParts is how many glyphs a composed one has at most. The longest cluster
// of a real language that we know has nine.
const maxParts = 64

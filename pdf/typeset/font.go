package typeset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
)

// face is one font file, parsed. It does not change and may be shared.
type face struct {
	name string // of the file, without its ending
	font *font.Font
	glyf glyfTables
	em   int32 // units to the em
	// ascent and descent of hhea, in units; descent is positive downwards.
	ascent, descent int32
	// stroke makes a missing bold: every outline is drawn with a pen of this
	// many units as well.
	stroke int32
}

// parseFace reads a font. go-text panics on some broken ones; such a font is
// refused like any other that cannot be read.
func parseFace(name string, data []byte) (f *face, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			f, err = nil, fmt.Errorf("reading the font %s: %v", name, fault)
		}
	}()
	loader, err := opentype.NewLoader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("reading the font %s: %w", name, err)
	}
	parsed, err := font.NewFont(loader)
	if err != nil {
		return nil, fmt.Errorf("reading the font %s: %w", name, err)
	}
	f = &face{name: name, font: parsed, em: int32(parsed.Upem())}
	if f.em < 16 || f.em > 16384 { // the limits of OpenType
		return nil, fmt.Errorf("reading the font %s: %d units to the em", name, f.em)
	}
	if err := f.glyf.load(loader); err != nil {
		return nil, fmt.Errorf("reading the font %s: %w", name, err)
	}
	f.ascent = int32(int16(binary.BigEndian.Uint16(f.glyf.hhea[4:])))
	f.descent = -int32(int16(binary.BigEndian.Uint16(f.glyf.hhea[6:])))
	return f, nil
}

func (f *face) has(r rune) bool {
	_, ok := f.font.NominalGlyph(r)
	return ok
}

// emboldened is the same face with a pen drawn around every outline.
func (f *face) emboldened() *face {
	bold := *f
	bold.stroke = f.em / 36
	return &bold
}

// glyfTables are the tables of a TrueType font (OpenType 1.9) that a subset is
// cut from.
type glyfTables struct {
	head, hhea, hmtx, maxp, loca, glyf []byte
	metrics, glyphs                    int
	longLoca                           bool
}

var errNoOutlines = errors.New("it has no TrueType outlines (a CFF font cannot be used)")

func (t *glyfTables) load(loader *opentype.Loader) error {
	for tag, table := range map[string]*[]byte{
		"head": &t.head, "hhea": &t.hhea, "hmtx": &t.hmtx, "maxp": &t.maxp, "loca": &t.loca, "glyf": &t.glyf,
	} {
		raw, err := loader.RawTable(opentype.MustNewTag(tag))
		if err != nil {
			if tag == "glyf" || tag == "loca" {
				return errNoOutlines
			}
			return fmt.Errorf("table %s: %w", tag, err)
		}
		*table = raw
	}
	if len(t.head) < 54 || len(t.hhea) < 36 || len(t.maxp) < 32 {
		return errors.New("a table is too short")
	}
	t.metrics = int(binary.BigEndian.Uint16(t.hhea[34:]))
	t.glyphs = int(binary.BigEndian.Uint16(t.maxp[4:]))
	t.longLoca = binary.BigEndian.Uint16(t.head[50:]) == 1
	return t.check()
}

// check makes sure that no glyph lies outside the tables, so that nothing has
// to be checked while a subset is cut.
func (t *glyfTables) check() error {
	size := 2
	if t.longLoca {
		size = 4
	}
	if t.metrics < 1 || t.metrics > t.glyphs || len(t.hmtx) < 4*t.metrics+2*(t.glyphs-t.metrics) || len(t.loca) < size*(t.glyphs+1) {
		return errors.New("the tables do not agree on the number of glyphs")
	}
	for g := range t.glyphs {
		from, to := t.span(g)
		if from > to || to > len(t.glyf) {
			return fmt.Errorf("glyph %d lies outside its table", g)
		}
		if err := t.checkOutline(t.glyf[from:to]); err != nil {
			return fmt.Errorf("glyph %d: %w", g, err)
		}
	}
	return nil
}

func (t *glyfTables) checkOutline(d []byte) error {
	if len(d) == 0 {
		return nil
	}
	if len(d) < 12 {
		return errors.New("its outline is cut off")
	}
	contours := int(int16(binary.BigEndian.Uint16(d)))
	if contours >= 0 {
		if at := 10 + 2*contours; len(d) < at+2 || len(d) < at+2+int(binary.BigEndian.Uint16(d[at:])) {
			return errors.New("its outline is cut off")
		}
		return nil
	}
	for at := 10; ; {
		if len(d) < at+4 {
			return errors.New("its parts are cut off")
		}
		if int(binary.BigEndian.Uint16(d[at+2:])) >= t.glyphs {
			return errors.New("it is made of a glyph that is not there")
		}
		length, more := componentLength(binary.BigEndian.Uint16(d[at:]))
		if at += length; len(d) < at {
			return errors.New("its parts are cut off")
		}
		if !more {
			return nil
		}
	}
}

func (t *glyfTables) span(g int) (from, to int) {
	if t.longLoca {
		return int(binary.BigEndian.Uint32(t.loca[4*g:])), int(binary.BigEndian.Uint32(t.loca[4*g+4:]))
	}
	return 2 * int(binary.BigEndian.Uint16(t.loca[2*g:])), 2 * int(binary.BigEndian.Uint16(t.loca[2*g+2:]))
}

// outline is the data of one glyph, empty for a space.
func (t *glyfTables) outline(g uint16) []byte {
	from, to := t.span(int(g))
	return t.glyf[from:to]
}

// height is how far a glyph reaches from the baseline.
func (t *glyfTables) height(g uint16) (bottom, top int32, drawn bool) {
	d := t.outline(g)
	if len(d) == 0 {
		return 0, 0, false
	}
	return int32(int16(binary.BigEndian.Uint16(d[4:]))), int32(int16(binary.BigEndian.Uint16(d[8:]))), true
}

// advance is the width of a glyph and the space left of it.
func (t *glyfTables) advance(g uint16) (width uint16, left int16) {
	if i := int(g); i < t.metrics {
		return binary.BigEndian.Uint16(t.hmtx[4*i:]), int16(binary.BigEndian.Uint16(t.hmtx[4*i+2:]))
	}
	at := 4*t.metrics + 2*(int(g)-t.metrics)
	return binary.BigEndian.Uint16(t.hmtx[4*(t.metrics-1):]), int16(binary.BigEndian.Uint16(t.hmtx[at:]))
}

// Flags of a component of a composite glyph ("glyf" of OpenType 1.9).
const (
	argsAreWords    = 0x0001
	argsAreXY       = 0x0002
	haveScale       = 0x0008
	moreComponents  = 0x0020
	haveXYScale     = 0x0040
	haveTwoByTwo    = 0x0080
	haveInstruction = 0x0100
)

// componentLength is how long a component with these flags is.
func componentLength(flags uint16) (length int, more bool) {
	length = 6
	if flags&argsAreWords != 0 {
		length = 8
	}
	switch {
	case flags&haveScale != 0:
		length += 2
	case flags&haveXYScale != 0:
		length += 4
	case flags&haveTwoByTwo != 0:
		length += 8
	}
	return length, flags&moreComponents != 0
}

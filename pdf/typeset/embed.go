package typeset

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"
)

// Embed puts the fonts into a file whose pages were drawn with this pen.
func (p *Pen) Embed(f *File) error {
	var resources strings.Builder
	for _, u := range p.fonts {
		n, err := u.embed(f)
		if err != nil {
			return err
		}
		fmt.Fprintf(&resources, "/%s %d 0 R\n", u.name, n)
	}
	return f.addFonts(resources.String())
}

// embed writes the objects of a Type0 font (ISO 32000-1, 9.7): codes of two
// bytes, which are the numbers of their glyphs, and what
// text each stands for.
func (u *usedFont) embed(f *File) (int, error) {
	face := u.face
	program := face.glyf.cut(u.codes)
	scale := func(units int32) int { return int(math.Round(float64(units) * 1000 / float64(face.em))) }
	var widths strings.Builder
	for _, c := range u.codes {
		widths.WriteString(strconv.Itoa(scale(c.advance)) + " ")
	}
	fontFile, err := f.AddStream(fmt.Sprintf("/Length1 %d", len(program)), program)
	if err != nil {
		return 0, err
	}
	toUnicode, err := f.AddStream("", u.toUnicode())
	if err != nil {
		return 0, err
	}
	name := subsetTag(program) + "+" + face.name
	box := func(i int) int { return scale(int32(int16(binary.BigEndian.Uint16(face.glyf.head[36+2*i:])))) }
	descriptor := f.Add(fmt.Sprintf("<</Type/FontDescriptor/FontName/%s/Flags 4/FontBBox[%d %d %d %d]/ItalicAngle 0/Ascent %d/Descent %d/CapHeight %d/StemV 80/FontFile2 %d 0 R>>",
		name, box(0), box(1), box(2), box(3), scale(face.ascent), -scale(face.descent), scale(face.ascent), fontFile))
	descendant := f.Add(fmt.Sprintf("<</Type/Font/Subtype/CIDFontType2/BaseFont/%s/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/DW 0/W[0[%s]]/CIDToGIDMap/Identity/FontDescriptor %d 0 R>>",
		name, widths.String(), descriptor))
	return f.Add(fmt.Sprintf("<</Type/Font/Subtype/Type0/BaseFont/%s/Encoding/Identity-H/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>", name, descendant, toUnicode)), nil
}

// subsetTag are the six letters before the name of a font that is cut
// (ISO 32000-1, 9.6.4), from its content.
func subsetTag(program []byte) string {
	sum := sha256.Sum256(program)
	tag := make([]byte, 6)
	for i := range tag {
		tag[i] = 'A' + sum[i]%26
	}
	return string(tag)
}

// charsPerBlock is how many entries a block of a CMap may have.
const charsPerBlock = 100

// toUnicode is the CMap from codes to text (ISO 32000-1, 9.10.3).
func (u *usedFont) toUnicode() []byte {
	var lines []string
	for code, c := range u.codes {
		if c.text != "" {
			lines = append(lines, "<"+hexUnit(uint16(code))+"><"+hexUTF16(c.text)+">\n")
		}
	}
	var b bytes.Buffer
	b.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo<</Registry(Adobe)/Ordering(UCS)/Supplement 0>>def\n" +
		"/CMapName/Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000><FFFF>\nendcodespacerange\n")
	for len(lines) > 0 {
		n := min(len(lines), charsPerBlock)
		fmt.Fprintf(&b, "%d beginbfchar\n%sendbfchar\n", n, strings.Join(lines[:n], ""))
		lines = lines[n:]
	}
	b.WriteString("endcmap\nCMapName currentdict/CMap defineresource pop\nend\nend")
	return b.Bytes()
}

func hexUTF16(text string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		b.WriteString(hexUnit(unit))
	}
	return b.String()
}

func hexUnit(n uint16) string {
	const digits = "0123456789ABCDEF"
	return string([]byte{digits[n>>12], digits[n>>8&15], digits[n>>4&15], digits[n&15]})
}

// packing is how hard files are compressed: the usual 6 takes a fifth of the
// time of a paper and saves two bytes in a hundred.
const packing = 4

// deflaters are kept, because a new one takes a megabyte.
var deflaters = sync.Pool{New: func() any {
	w, err := zlib.NewWriterLevel(nil, packing)
	if err != nil {
		panic(err) // no such level: a fault of the constant above
	}
	return w
}}

func deflate(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w := deflaters.Get().(*zlib.Writer)
	defer deflaters.Put(w)
	w.Reset(&b)
	if _, err := w.Write(data); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	return b.Bytes(), nil
}

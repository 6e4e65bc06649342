package pdf

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"sync"
)

// The fonts are unchanged files of Noto Sans (fonts/README.md).
var (
	//go:embed fonts/NotoSans-Regular.ttf
	regularTTF []byte
	//go:embed fonts/NotoSans-Bold.ttf
	boldTTF []byte
)

// glyphs says which characters the fonts hold, both of them: a text is set in
// either weight.
var glyphs = sync.OnceValues(func() (map[rune]bool, error) {
	regular, err := readCmap(regularTTF)
	if err != nil {
		return nil, fmt.Errorf("reading the regular font: %w", err)
	}
	bold, err := readCmap(boldTTF)
	if err != nil {
		return nil, fmt.Errorf("reading the bold font: %w", err)
	}
	for r := range regular {
		if !bold[r] {
			delete(regular, r)
		}
	}
	return regular, nil
})

// readCmap returns the characters that a TrueType font maps to a glyph. Both
// fonts carry a format 4 table (OpenType 1.9, "cmap"), the only one that
// gofpdf reads.
func readCmap(ttf []byte) (map[rune]bool, error) {
	table, err := findTable(ttf, "cmap")
	if err != nil {
		return nil, err
	}
	sub, err := unicodeSubtable(table)
	if err != nil {
		return nil, err
	}
	u16 := func(at int) int { return int(binary.BigEndian.Uint16(sub[at:])) }
	segments := u16(6) / 2
	ends, starts := 14, 16+2*segments
	deltas, offsets := starts+2*segments, starts+4*segments
	found := map[rune]bool{}
	for s := range segments {
		end, start := u16(ends+2*s), u16(starts+2*s)
		delta, offset := u16(deltas+2*s), u16(offsets+2*s)
		for c := start; c <= end && c != 0xFFFF; c++ {
			glyph := (c + delta) & 0xFFFF
			if offset != 0 {
				if glyph = u16(offsets + 2*s + offset + 2*(c-start)); glyph != 0 {
					glyph = (glyph + delta) & 0xFFFF
				}
			}
			if glyph != 0 {
				found[rune(c)] = true
			}
		}
	}
	return found, nil
}

func findTable(ttf []byte, tag string) ([]byte, error) {
	if len(ttf) < 12 {
		return nil, fmt.Errorf("no TrueType font: %d bytes", len(ttf))
	}
	for i := range int(binary.BigEndian.Uint16(ttf[4:])) {
		entry := ttf[12+16*i:]
		if string(entry[:4]) == tag {
			return ttf[binary.BigEndian.Uint32(entry[8:]):][:binary.BigEndian.Uint32(entry[12:])], nil
		}
	}
	return nil, fmt.Errorf("the font has no table %s", tag)
}

func unicodeSubtable(cmap []byte) ([]byte, error) {
	for i := range int(binary.BigEndian.Uint16(cmap[2:])) {
		entry := cmap[4+8*i:]
		platform, encoding := binary.BigEndian.Uint16(entry), binary.BigEndian.Uint16(entry[2:])
		sub := cmap[binary.BigEndian.Uint32(entry[4:]):]
		if platform == 3 && encoding == 1 && binary.BigEndian.Uint16(sub) == 4 {
			return sub, nil
		}
	}
	return nil, fmt.Errorf("the font has no Unicode table of format 4")
}

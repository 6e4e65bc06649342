package strip

import "encoding/binary"

// jpegPixels gives a JPEG with nothing but what its decoder needs, its coded
// pixels as they are (ITU-T T.81, B).
func jpegPixels(b []byte) ([]byte, error) {
	if len(b) < 4 || b[0] != 0xff || b[1] != 0xd8 {
		return nil, errCut
	}
	out := append(make([]byte, 0, len(b)), 0xff, 0xd8)
	for at := 2; ; {
		for at < len(b) && b[at] == 0xff { // any number of these before a marker
			at++
		}
		if at >= len(b) || at < 3 {
			return nil, errCut
		}
		marker := b[at]
		at++
		if marker == 0xd9 {
			return append(out, 0xff, 0xd9), nil
		}
		if at+2 > len(b) {
			return nil, errCut
		}
		end := at + int(binary.BigEndian.Uint16(b[at:]))
		if end < at+2 || end > len(b) {
			return nil, errCut
		}
		segment := b[at:end]
		switch {
		case marker == 0xee && len(segment) >= 14 && string(segment[2:7]) == "Adobe": // how the colours are meant
			out = append(append(out, 0xff, marker, 0, 14), segment[2:14]...)
		case marker >= 0xc0 && marker <= 0xcf && marker != 0xc8, marker >= 0xda && marker <= 0xdd:
			out = append(append(out, 0xff, marker), segment...)
		case marker == 0xfe, marker >= 0xe0 && marker <= 0xef:
		default:
			return nil, errCodec
		}
		at = end
		if marker != 0xda {
			continue
		}
		for at+1 < len(b) && (b[at] != 0xff || b[at+1] == 0 || b[at+1] >= 0xd0 && b[at+1] <= 0xd7) {
			at++
		}
		if at+1 >= len(b) {
			return nil, errCut
		}
		out = append(out, b[end:at]...)
	}
}

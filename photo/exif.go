package photo

import (
	"bytes"
	"encoding/binary"
)

// Where each kind of picture keeps its Exif block (CIPA DC-008-2023): the
// marker APP1 of a JPEG, the chunk eXIf of a PNG (PNG third edition, 11.3.4.1),
// the chunk EXIF of a WebP (RFC 9649, 2.7.1.5). nil where there is none.

func jpegEXIF(b []byte) []byte {
	for i := 2; i+4 <= len(b) && b[i] == 0xff; {
		marker, size := b[i+1], int(binary.BigEndian.Uint16(b[i+2:]))
		if marker == 0xda || size < 2 || i+2+size > len(b) { // the picture begins, or it is no segment
			return nil
		}
		segment := b[i+4 : i+2+size]
		if rest, ok := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); ok && marker == 0xe1 {
			return rest
		}
		i += 2 + size
	}
	return nil
}

func pngEXIF(b []byte) []byte {
	for i := 8; i+12 <= len(b); {
		size := int64(binary.BigEndian.Uint32(b[i:]))
		end := int64(i) + 12 + size
		if end > int64(len(b)) {
			return nil
		}
		if string(b[i+4:i+8]) == "eXIf" {
			return b[i+8 : end-4]
		}
		i = int(end)
	}
	return nil
}

func webpEXIF(b []byte) []byte {
	for i := 12; i+8 <= len(b); {
		size := int64(binary.LittleEndian.Uint32(b[i+4:]))
		end := int64(i) + 8 + size
		if end > int64(len(b)) {
			return nil
		}
		if string(b[i:i+4]) == "EXIF" {
			return bytes.TrimPrefix(b[i+8:end], []byte("Exif\x00\x00"))
		}
		i = int(end + size&1) // chunks are padded to even sizes
	}
	return nil
}

// orientation reads how the camera was held, 1 to 8, from the first directory
// of an Exif block (tag 0x0112); 1 where it does not say.
func orientation(exif []byte) int {
	if len(exif) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(exif[:4]) {
	case "II*\x00":
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := int64(order.Uint32(exif[4:]))
	if at+2 > int64(len(exif)) {
		return 1
	}
	n := int(order.Uint16(exif[at:]))
	for i := range n {
		entry := at + 2 + int64(i)*12
		if entry+12 > int64(len(exif)) {
			return 1
		}
		e := exif[entry : entry+12]
		if order.Uint16(e) != 0x0112 || order.Uint16(e[2:]) != 3 || order.Uint32(e[4:]) != 1 { // one SHORT
			continue
		}
		if o := int(order.Uint16(e[8:])); o >= 1 && o <= 8 {
			return o
		}
		return 1
	}
	return 1
}

package strip

import (
	"bytes"
	"encoding/binary"
)

// Sound in Ogg (RFC 3533): Opus (RFC 7845) and Vorbis. The packet of comments is
// written anew, empty; the pages with sound stay as they are but for their
// numbers.

var oggTable = func() (t [256]uint32) { // RFC 3533, 6: polynomial 0x04c11db7, not mirrored
	for i := range t {
		r := uint32(i) << 24
		for range 8 {
			if r&(1<<31) != 0 {
				r = r<<1 ^ 0x04c11db7
			} else {
				r <<= 1
			}
		}
		t[i] = r
	}
	return t
}()

// page is one page of an Ogg stream.
type page struct {
	flags    byte
	position []byte // of the sound at its end
	serial   uint32
	lacing   []byte
	body     []byte
}

const (
	continued, begins, ends = 1, 2, 4

	pageHead = 27
)

// readPage reads a page, and what stands behind it.
func readPage(b []byte) (p page, rest []byte, err error) {
	if len(b) < pageHead || string(b[:4]) != "OggS" || b[4] != 0 || b[5] > 7 {
		return p, nil, errCut
	}
	n := int(b[26])
	if len(b) < pageHead+n {
		return p, nil, errCut
	}
	p = page{flags: b[5], position: b[6:14], serial: binary.LittleEndian.Uint32(b[14:]), lacing: b[pageHead : pageHead+n]}
	size := 0
	for _, v := range p.lacing {
		size += int(v)
	}
	if len(b) < pageHead+n+size {
		return p, nil, errCut
	}
	p.body = b[pageHead+n : pageHead+n+size]
	return p, b[pageHead+n+size:], nil
}

// write appends a page with a number.
func (p page) write(out []byte, number uint32) []byte {
	at := len(out)
	out = append(out, "OggS\x00"...)
	out = append(append(out, p.flags), p.position...)
	out = binary.LittleEndian.AppendUint32(out, p.serial)
	out = binary.LittleEndian.AppendUint32(out, number)
	out = append(out, 0, 0, 0, 0, byte(len(p.lacing)))
	out = append(append(out, p.lacing...), p.body...)
	sum := uint32(0)
	for _, c := range out[at:] {
		sum = sum<<8 ^ oggTable[byte(sum>>24)^c]
	}
	binary.LittleEndian.PutUint32(out[at+22:], sum)
	return out
}

// ogg gives the sound without its comments: one stream, or several one after
// the other.
func ogg(b []byte) ([]byte, error) {
	out := make([]byte, 0, len(b))
	for serial := uint32(1); len(b) > 0; serial++ {
		headers, rest, err := oggHeaders(b)
		if err != nil {
			return nil, err
		}
		stream := binary.LittleEndian.Uint32(b[14:])
		number := uint32(0)
		for i, packets := range [][][]byte{headers[:1], headers[1:]} {
			p := page{serial: serial, position: make([]byte, 8)}
			if i == 0 {
				p.flags = begins
			}
			for _, p := range p.lay(packets) {
				out = p.write(out, number)
				number++
			}
		}
		b = rest
		for len(b) > 0 {
			p, rest, err := readPage(b)
			if err != nil {
				return nil, err
			}
			if p.flags&begins != 0 {
				break // another one behind it
			}
			if p.serial != stream {
				return nil, errCodec
			}
			p.serial = serial
			out = p.write(out, number)
			number++
			b = rest
		}
	}
	if len(out) == 0 {
		return nil, errCut
	}
	return out, nil
}

// lay puts packets on pages like p.
func (p page) lay(packets [][]byte) (pages []page) {
	var lacing, body []byte
	for _, packet := range packets {
		for n := len(packet); ; n -= 255 {
			lacing = append(lacing, byte(min(n, 255)))
			if n < 255 {
				break
			}
		}
		body = append(body, packet...)
	}
	for first := true; len(lacing) > 0; first = false {
		n, size := min(255, len(lacing)), 0
		for _, v := range lacing[:n] {
			size += int(v)
		}
		next := p
		next.lacing, next.body = lacing[:n], body[:size]
		if !first && pages[len(pages)-1].lacing[254] == 255 {
			next.flags = next.flags&^begins | continued
		}
		if lacing, body = lacing[n:], body[size:]; len(lacing) > 0 && next.lacing[n-1] == 255 && !ended(next.lacing) {
			next.position = bytes.Repeat([]byte{0xff}, 8) // no packet ends on it
		}
		pages = append(pages, next)
	}
	return pages
}

func ended(lacing []byte) bool {
	return bytes.ContainsFunc(lacing, func(r rune) bool { return r != 255 })
}

// oggHeaders reads the packets before the sound, and gives them without what
// they say besides, and what stands behind them.
func oggHeaders(b []byte) (packets [][]byte, rest []byte, err error) {
	var open []byte
	var stream uint32
	want := 1
	for first := true; len(packets) < want; first = false {
		p, behind, err := readPage(b)
		if err != nil || first != (p.flags&begins != 0) || !first && p.serial != stream || (p.flags&continued != 0) != (len(open) > 0) {
			return nil, nil, errCut
		}
		stream, b = p.serial, behind
		for _, v := range p.lacing {
			open, p.body = append(open, p.body[:v]...), p.body[v:]
			if v == 255 {
				continue
			}
			packets, open = append(packets, open), nil
		}
		if len(packets) > 0 && want == 1 {
			if want, err = headersOf(packets[0]); err != nil {
				return nil, nil, err
			}
		}
	}
	if len(packets) != want || len(open) > 0 { // sound begins on a page of its own
		return nil, nil, errCodec
	}
	return packets, b, stripHeaders(packets)
}

// headersOf says how many packets come before the sound.
func headersOf(first []byte) (int, error) {
	switch {
	case bytes.HasPrefix(first, []byte("OpusHead")) && len(first) >= 19:
		return 2, nil
	case bytes.HasPrefix(first, []byte("\x01vorbis")) && len(first) == 30:
		return 3, nil
	}
	return 0, errCodec
}

// stripHeaders empties the comments.
func stripHeaders(packets [][]byte) error {
	if len(packets) == 2 {
		head := 19
		if packets[0][18] != 0 {
			head = 21 + int(packets[0][9])
		}
		if len(packets[0]) < head || !bytes.HasPrefix(packets[1], []byte("OpusTags")) {
			return errCut
		}
		packets[0] = packets[0][:head]
		packets[1] = append([]byte("OpusTags"), make([]byte, 8)...)
		return nil
	}
	if !bytes.HasPrefix(packets[1], []byte("\x03vorbis")) || !bytes.HasPrefix(packets[2], []byte("\x05vorbis")) {
		return errCut
	}
	packets[1] = append([]byte("\x03vorbis"), 0, 0, 0, 0, 0, 0, 0, 0, 1)
	return nil
}

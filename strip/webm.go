package strip

import (
	"math/bits"
	"slices"
)

// Film and sound in WebM (RFC 8794, RFC 9559). Everything keeps its place and
// length: what is not listed here becomes a Void element full of zeros.

// Elements that hold others, and which of these stay.
const (
	idEBML, idSegment, idSeekHead, idSeek, idInfo, idTracks, idTrack       = 0x1a45dfa3, 0x18538067, 0x114d9b74, 0x4dbb, 0x1549a966, 0x1654ae6b, 0xae
	idVideo, idAudio, idColour, idCues, idCuePoint, idCueTrack             = 0xe0, 0xe1, 0x55b0, 0x1c53bb6b, 0xbb, 0xb7
	idCluster, idBlockGroup, idBlock, idSimpleBlock, idVoid                = 0x1f43b675, 0xa0, 0xa1, 0xa3, 0xec
	idDocType, idMuxer, idWriter, idNumber, idUID, idType, idCodec, idInit = 0x4282, 0x4d80, 0x5741, 0xd7, 0x73c5, 0x83, 0x86, 0x63a2
)

var elements = map[uint32][]uint32{
	0:            {idEBML, idSegment},
	idEBML:       {0x4286, 0x42f7, 0x42f2, 0x42f3, idDocType, 0x4287, 0x4285},
	idSegment:    {idSeekHead, idInfo, idTracks, idCues, idCluster},
	idSeekHead:   {idSeek},
	idSeek:       {0x53ab, 0x53ac},
	idInfo:       {0x2ad7b1, 0x4489, idMuxer, idWriter},
	idTracks:     {idTrack},
	idTrack:      {idNumber, idUID, idType, 0xb9, 0x88, 0x55aa, 0x9c, 0x6de7, 0x23e383, idCodec, idInit, 0x56aa, 0x56bb, idVideo, idAudio},
	idVideo:      {0xb0, 0xba, 0x54aa, 0x54bb, 0x54cc, 0x54dd, 0x54b0, 0x54ba, 0x54b2, 0x54b3, 0x9a, 0x9d, 0x53b8, 0x53c0, idColour},
	idColour:     {0x55b1, 0x55b2, 0x55b3, 0x55b4, 0x55b5, 0x55b6, 0x55b7, 0x55b8, 0x55b9, 0x55ba, 0x55bb, 0x55bc, 0x55bd},
	idAudio:      {0xb5, 0x78b5, 0x9f, 0x6264},
	idCues:       {idCuePoint},
	idCuePoint:   {0xb3, idCueTrack},
	idCueTrack:   {0xf7, 0xf1, 0xf0, 0xb2, 0x5378},
	idCluster:    {0xe7, 0xa7, 0xab, idSimpleBlock, idBlockGroup},
	idBlockGroup: {idBlock, 0x9b, 0xfb, 0x75a2},
}

// numbersMax bounds what holds a number or a short name.
const numbersMax = 16

// element is one element of a file, by where it lies in it.
type element struct {
	id            uint32
	at, body, end int
	open          bool // it does not say how long it is
}

// readElement reads the head of an element.
func readElement(b []byte, at, to int) (x element, err error) {
	if at >= to || b[at] < 0x10 {
		return x, errCut
	}
	n := bits.LeadingZeros8(b[at]) + 1
	if to-at < n+1 {
		return x, errCut
	}
	for _, c := range b[at : at+n] {
		x.id = x.id<<8 | uint32(c)
	}
	x.at, x.body = at, at+n
	if b[x.body] == 0 {
		return x, errCut
	}
	n = bits.LeadingZeros8(b[x.body]) + 1
	if to-x.body < n {
		return x, errCut
	}
	size, all := uint64(b[x.body])&(1<<(8-n)-1), b[x.body] == 1<<(8-n)|(1<<(8-n)-1)
	for _, c := range b[x.body+1 : x.body+n] {
		size, all = size<<8|uint64(c), all && c == 0xff
	}
	x.body += n
	if all {
		x.open, x.end = true, to
		return x, nil
	}
	if size > uint64(to-x.body) {
		return x, errCut
	}
	x.end = x.body + int(size)
	return x, nil
}

// void makes an element one that holds nothing.
func void(b []byte, x element) error {
	n := x.end - x.at
	if n < 2 {
		return errCut
	}
	b[x.at] = idVoid
	if n <= 9 {
		b[x.at+1] = 0x80 | byte(n-2)
		blank(b[x.at+2 : x.end])
		return nil
	}
	b[x.at+1] = 1 // a length of eight bytes
	for i, size := 8, n-9; i > 1; i, size = i-1, size>>8 {
		b[x.at+i] = byte(size)
	}
	blank(b[x.at+9 : x.end])
	return nil
}

// matroska is a file that is being stripped.
type matroska struct {
	b      []byte
	kept   map[uint64]codec // the tracks that stay
	blocks []element
}

// webm strips a film, in place.
func webm(b []byte) error {
	m := &matroska{b: b, kept: map[uint64]codec{}}
	if _, err := m.walk(0, element{end: len(b)}); err != nil {
		return err
	}
	if len(m.kept) == 0 {
		return errCodec
	}
	for _, x := range m.blocks {
		if err := m.block(x); err != nil {
			return err
		}
	}
	return nil
}

// walk strips what an element holds, and gives where it ended: what does not
// say how long it is ends before what cannot be in it.
func (m *matroska) walk(kind uint32, of element) (end int, err error) {
	for at := of.body; at < of.end; {
		x, err := readElement(m.b, at, of.end)
		if err != nil {
			return 0, err
		}
		if of.open && kind == idCluster && slices.Contains([]uint32{idCluster, idInfo, idTracks, idCues, idSeekHead, 0x1254c367, 0x1043a770, 0x1941a469}, x.id) {
			return at, nil
		}
		_, holds := elements[x.id]
		if x.open && x.id != idSegment && x.id != idCluster {
			return 0, errCut
		}
		switch stays := slices.Contains(elements[kind], x.id); {
		case !stays:
			err = void(m.b, x)
		case x.id == idTrack:
			err = m.track(x)
		case holds:
			x.end, err = m.walk(x.id, x)
		default:
			err = m.leaf(x)
		}
		if err != nil {
			return 0, err
		}
		at = x.end
	}
	return of.end, nil
}

// leaf strips an element that holds a value.
func (m *matroska) leaf(x element) error {
	body := m.b[x.body:x.end]
	switch x.id {
	case idMuxer, idWriter: // must be there, and say nothing
		blank(body)
	case idDocType:
		if string(body) != "webm" {
			return errCodec
		}
	case idSimpleBlock, idBlock:
		m.blocks = append(m.blocks, x)
	case idInit:
	default:
		if len(body) > numbersMax {
			return errCut
		}
	}
	return nil
}

// number reads the number in an element.
func (m *matroska) number(x element) (v uint64) {
	for _, c := range m.b[x.body:x.end] {
		v = v<<8 | uint64(c)
	}
	return v
}

// track strips the description of a track; one that is neither seen nor heard
// goes whole.
func (m *matroska) track(of element) error {
	var number uint64
	var kind uint64
	var name string
	var init *element
	for at := of.body; at < of.end; {
		x, err := readElement(m.b, at, of.end)
		if err != nil || x.open {
			return errCut
		}
		switch x.id {
		case idNumber:
			number = m.number(x)
		case idType:
			kind = m.number(x)
		case idCodec:
			name = string(m.b[x.body:x.end])
		case idInit:
			init = &x
		case idUID: // drawn when it was made: its number serves as well
			blank(m.b[x.body:x.end])
			if x.end > x.body {
				m.b[x.end-1] = 1 + byte(len(m.kept))
			}
		case 0x6d80: // compressed or encrypted
			return errSealed
		}
		at = x.end
	}
	if kind != 1 && kind != 2 {
		return void(m.b, of)
	}
	if _, twice := m.kept[number]; twice || number == 0 {
		return errTwice
	}
	c, err := m.codec(name, init)
	if err != nil {
		return err
	}
	m.kept[number] = c
	_, err = m.walk(idTrack, of)
	return err
}

// codec knows what stands in the beginnings of each codec.
func (m *matroska) codec(name string, init *element) (c codec, err error) {
	var b []byte
	if init != nil {
		b = m.b[init.body:init.end]
	}
	switch name {
	case "V_VP8", "V_VP9":
		if len(b) > 64 {
			return c, errCut
		}
	case "A_OPUS":
		if len(b) > 276 {
			return c, errCut
		}
	case "A_VORBIS":
		return c, xiphComments(b)
	case "V_AV1":
		if c.units = av1; len(b) > 4 {
			err = silenceOBUs(b[4:])
		}
	case "V_MPEG4/ISO/AVC":
		c.units = avc
		c.nalSize, err = avcConfiguration(b)
	default:
		err = errCodec
	}
	return c, err
}

// xiphComments empties the comments among the three headers of Vorbis, in
// place: all of their room becomes the name of an encoder, of spaces.
func xiphComments(b []byte) error {
	if len(b) < 1 || b[0] != 2 {
		return errCut
	}
	sizes, at := [2]int{}, 1
	for i := range sizes {
		for {
			if at >= len(b) {
				return errCut
			}
			v := b[at]
			at++
			sizes[i] += int(v)
			if v != 255 {
				break
			}
		}
	}
	if sizes[0]+sizes[1] > len(b)-at || sizes[0] != 30 || sizes[1] < 16 {
		return errCut
	}
	comments := b[at+sizes[0]:][:sizes[1]]
	if string(comments[:7]) != "\x03vorbis" {
		return errCut
	}
	room := comments[7:]
	n := len(room) - 9
	blank(room)
	room[0], room[1], room[2], room[3] = byte(n), byte(n>>8), byte(n>>16), byte(n>>24)
	for i := range n {
		room[4+i] = ' '
	}
	room[len(room)-1] = 1
	return nil
}

// block strips one block: of a track that went it goes.
func (m *matroska) block(x element) error {
	body := m.b[x.body:x.end]
	if len(body) < 4 || body[0] == 0 {
		return errCut
	}
	n := bits.LeadingZeros8(body[0]) + 1
	if len(body) < n+3 {
		return errCut
	}
	number := uint64(body[0]) & (1<<(8-n) - 1)
	for _, v := range body[1:n] {
		number = number<<8 | uint64(v)
	}
	c, kept := m.kept[number]
	if !kept {
		return void(m.b, x)
	}
	if c.units == opaque {
		return nil
	}
	if body[n+2]&6 != 0 { // several pictures in one block
		return errCodec
	}
	if c.units == av1 {
		return silenceOBUs(body[n+3:])
	}
	return silenceUnits(body[n+3:], c)
}

package strip

// Messages that encoders put between the pictures of a film: who made it, with
// which settings, at what time of the day, and on some cameras where. No
// decoder needs them to show the pictures. They become messages of the same
// length that say nothing.

// kinds of units.
const (
	avcSEI, avcSPS, avcPPS, avcFiller = 6, 7, 8, 12

	hevcFiller, hevcPrefixSEI, hevcSuffixSEI = 38, 39, 40

	obuMetadata, obuTileList, obuPadding = 5, 8, 15
)

// silent overwrites the messages of one unit, from behind its header on, by
// fillers (H.264 D.2.4, H.265 D.3.4: payload type 3).
func silent(b []byte) {
	if len(b) == 0 {
		return
	}
	b[len(b)-1] = 0x80 // the end of the messages
	b = b[:len(b)-1]
	if len(b)%2 == 1 {
		if len(b) == 1 {
			b[0] = 0x80
			return
		}
		copy(b, []byte{3, 1, 0xff})
		b = b[3:]
	}
	for i := range b {
		b[i] = byte(3 * (1 - i%2))
	}
}

// filler makes a unit one that fills. So ends what no standard gave a meaning
// too: whoever put it there says something that only they read.
func filler(u []byte, c units) {
	head := 1
	if c == avc {
		u[0] = u[0]&0xe0 | avcFiller
	} else {
		head, u[0] = 2, u[0]&0x81|hevcFiller<<1
	}
	for i := head; i < len(u); i++ {
		u[i] = 0xff
	}
	if len(u) > head {
		u[len(u)-1] = 0x80
	}
}

// quiet strips one unit.
func quiet(u []byte, c units) error {
	head, kind := 1, byte(0)
	if len(u) == 0 {
		return nil
	}
	if c == avc {
		kind = u[0] & 0x1f
	} else {
		head, kind = 2, u[0]>>1&0x3f
	}
	if len(u) < head {
		return errCut
	}
	message := c == avc && kind == avcSEI || c == hevc && (kind == hevcPrefixSEI || kind == hevcSuffixSEI)
	switch {
	case message:
		silent(u[head:])
	case c == avc && (kind == 0 || kind == avcFiller || kind >= 22), c == hevc && (kind == hevcFiller || kind >= 41):
		filler(u, c)
	}
	return nil
}

// silenceUnits strips the units of one sample, each behind its length.
func silenceUnits(b []byte, c codec) error {
	for len(b) > 0 {
		if len(b) < c.nalSize {
			return errCut
		}
		n := 0
		for _, v := range b[:c.nalSize] {
			n = n<<8 | int(v)
		}
		b = b[c.nalSize:]
		if n > len(b) {
			return errCut
		}
		if err := quiet(b[:n], c.units); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// avcConfiguration gives how long the lengths before units are (ISO/IEC
// 14496-15, 5.3.3.1).
func avcConfiguration(b []byte) (nalSize int, err error) {
	if len(b) < 7 || b[0] != 1 {
		return 0, errCut
	}
	rest := b[5:]
	for _, kind := range []byte{avcSPS, avcPPS} {
		if len(rest) == 0 {
			return 0, errCut
		}
		n := int(rest[0])
		if kind == avcSPS {
			n &= 0x1f
		}
		rest = rest[1:]
		for range n {
			if len(rest) < 3 || int(rest[0])<<8|int(rest[1]) > len(rest)-2 || rest[2]&0x1f != kind {
				return 0, errCut
			}
			rest = rest[2+(int(rest[0])<<8|int(rest[1])):]
		}
	}
	if len(rest) > 4 { // of the high profiles: three bytes and how many extensions follow
		return 0, errCodec
	}
	return int(b[4]&3) + 1, nil
}

// hevcConfiguration does so for H.265 (8.3.3.1), and silences what is in it.
func hevcConfiguration(b []byte) (nalSize int, err error) {
	if len(b) < 23 || b[0] != 1 {
		return 0, errCut
	}
	rest := b[23:]
	for range b[22] {
		if len(rest) < 3 {
			return 0, errCut
		}
		n := int(rest[1])<<8 | int(rest[2])
		rest = rest[3:]
		for range n {
			if len(rest) < 2 || int(rest[0])<<8|int(rest[1]) > len(rest)-2 {
				return 0, errCut
			}
			end := 2 + (int(rest[0])<<8 | int(rest[1]))
			if err := quiet(rest[2:end], hevc); err != nil {
				return 0, err
			}
			rest = rest[end:]
		}
	}
	blank(rest)
	return int(b[21]&3) + 1, nil
}

// silenceOBUs makes padding of the metadata in a sample of AV1 (5.3 there).
func silenceOBUs(b []byte) error {
	for len(b) > 0 {
		head, kind := 1, b[0]>>3&15
		if b[0]&4 != 0 {
			head++
		}
		size := len(b) - head
		if b[0]&2 != 0 {
			n, shift := 0, 0
			for {
				if head >= len(b) || shift > 28 {
					return errCut
				}
				v := b[head]
				head++
				n |= int(v&0x7f) << shift
				shift += 7
				if v&0x80 == 0 {
					break
				}
			}
			size = n
		}
		if size < 0 || size > len(b)-head {
			return errCut
		}
		switch {
		case kind == obuMetadata || kind == obuPadding:
			b[0] = b[0]&^(15<<3) | obuPadding<<3
			for i := range size {
				b[head+i] = 0
			}
			if size > 0 {
				b[head+size-1] = 0x80
			}
		case kind == 0 || kind >= obuTileList:
			return errCodec
		}
		b = b[head+size:]
	}
	return nil
}

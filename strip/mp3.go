package strip

import "bytes"

// Sound in MPEG-1, -2 and -2.5 Layer III (ISO/IEC 11172-3, 13818-3). What has
// the form of a frame stays, and everything around goes: ID3 of both kinds,
// APE, Lyrics3, and whatever else stands before, between or behind.

// bitRates in kbit/s by version (1, others) and index.
var bitRates = [2][15]int{
	{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
	{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
}

var sampleRates = [4][3]int{{11025, 12000, 8000}, {}, {22050, 24000, 16000}, {44100, 48000, 32000}}

// kindMask covers what of a header stays the same within one stream: version,
// layer, rate of samples.
const kindMask = 0xfffe0c00

// frameAt gives how long the frame is that begins there, 0 for none.
func frameAt(b []byte) (n int, head uint32) {
	if len(b) < 4 || b[0] != 0xff || b[1]&0xe0 != 0xe0 {
		return 0, 0
	}
	head = uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	version, layer, rate, index := b[1]>>3&3, b[1]>>1&3, int(b[2]>>2&3), int(b[2]>>4)
	if version == 1 || layer != 1 || rate == 3 || index == 0 || index == 15 {
		return 0, 0
	}
	factor, row := 144_000, 0
	if version != 3 {
		factor, row = 72_000, 1
	}
	return factor*bitRates[row][index]/sampleRates[version][rate] + int(b[2]>>1&1), head & kindMask
}

// mp3 gives the frames of a sound and nothing between them.
func mp3(b []byte) ([]byte, error) {
	b = behindID3(b)
	out := b[:0]
	var stream uint32
	frames := 0
	for at := 0; at < len(b); {
		n, kind := frameAt(b[at:])
		if n == 0 || stream != 0 && kind != stream || at+n > len(b) || stream == 0 && !follows(b[at:], n, kind) {
			at++
			continue
		}
		frame := b[at : at+n]
		if stream = kind; frames == 0 {
			described(frame)
		}
		out = append(out, frame...)
		frames++
		at += n
	}
	if frames == 0 {
		return nil, errCut
	}
	return out, nil
}

// follows says whether a second frame comes behind the first: by chance alone
// some bytes of a tag may look like one.
func follows(b []byte, n int, kind uint32) bool {
	if n >= len(b) {
		return n == len(b)
	}
	_, next := frameAt(b[n:])
	return next == kind
}

// behindID3 is what stands behind the tags at the beginning (ID3v2.4, 3.1): in
// a picture there something might look like sound.
func behindID3(b []byte) []byte {
	for len(b) >= 10 && string(b[:3]) == "ID3" && b[6]|b[7]|b[8]|b[9] < 0x80 {
		n := 10 + int(b[6])<<21 + int(b[7])<<14 + int(b[8])<<7 + int(b[9])
		if b[5]&0x10 != 0 {
			n += 10
		}
		b = b[min(n, len(b)):]
	}
	return b
}

// described empties, of a first frame that holds no sound but tells about the
// rest, everything but how many frames there are and where one finds a time:
// encoders write their names there.
func described(frame []byte) {
	sideInfo := 32
	switch mono, first := frame[3]>>6 == 3, frame[1]>>3&3 == 3; {
	case first && mono, !first && !mono:
		sideInfo = 17
	case !first && mono:
		sideInfo = 9
	}
	at := 4 + sideInfo
	if len(frame) >= at+8 && (bytes.Equal(frame[at:at+4], []byte("Xing")) || bytes.Equal(frame[at:at+4], []byte("Info"))) {
		end := at + 8
		for i, n := range []int{4, 4, 100, 4} {
			if frame[at+7]>>i&1 == 1 {
				end += n
			}
		}
		blank(frame[min(end, len(frame)):])
		blank(frame[4:at])
	}
}

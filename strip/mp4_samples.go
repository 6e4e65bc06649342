package strip

import (
	"encoding/binary"
	"slices"
)

// codec is how the samples of a track are read, as far as messages stand
// between the pictures.
type codec struct {
	units   units
	nalSize int // bytes of the length before each unit
}

// units are what the samples of a codec consist of.
type units byte

const (
	opaque units = iota // nothing that is opened here
	avc                 // ITU-T H.264
	hevc                // ITU-T H.265
	av1
)

// pictures and sounds are the codecs of which it is known where they keep what
// they say besides.
var (
	pictures = map[string]units{"avc1": avc, "avc3": avc, "hvc1": hevc, "hev1": hevc, "av01": av1, "vp08": opaque, "vp09": opaque}
	sounds   = []string{"mp4a", "Opus", "alac", "samr", "sawb", "ulaw", "alaw", "sowt", "twos", "lpcm"}
)

// inEntry is what may stand in the description of samples, and how long it is
// at most.
var inEntry = map[string]int{"avcC": 1 << 12, "hvcC": 1 << 13, "av1C": 1 << 12, "vpcC": 12, "colr": 11, "pasp": 8, "clap": 32, "fiel": 2, "btrt": 12, "mdcv": 24, "clli": 4,
	"esds": 1 << 10, "dOps": 274, "alac": 36, "damr": 9, "wave": 1 << 12, "pcmC": 6}

func (f *film) sampleTables(of box, t *track) error {
	list, err := f.children("stbl", of)
	if err != nil {
		return err
	}
	for _, x := range list {
		t.tables[x.kind] = x
		switch x.kind {
		case "stsd":
			err = f.descriptions(x, t)
		case "stts", "ctts", "co64":
			err = f.table(x, 8, 8)
		case "stss", "stco":
			err = f.table(x, 4, 4)
		case "stsc":
			err = f.table(x, 12, 12)
		case "stsz":
			err = f.sizes(x)
		}
		if err != nil {
			return err
		}
	}
	if _, ok := t.tables["stsd"]; !ok {
		return errCut
	}
	return nil
}

// sizes empties what stands behind the table of the samples' sizes.
func (f *film) sizes(x box) error {
	if x.end-x.body < 12 {
		return errCut
	}
	n := uint64(binary.BigEndian.Uint32(f.b[x.body+8:])) * 4
	if binary.BigEndian.Uint32(f.b[x.body+4:]) != 0 {
		n = 0
	}
	if n > uint64(x.end-x.body-12) {
		return errCut
	}
	blank(f.b[x.body+12+int(n) : x.end])
	return nil
}

// descriptions strips what says how samples are coded.
func (f *film) descriptions(x box, t *track) error {
	if x.end-x.body < 8 {
		return errCut
	}
	entries, err := boxes(f.b, x.body+8, x.end)
	if err != nil || len(entries) == 0 {
		return errCut
	}
	for i, e := range entries {
		if t.sound {
			err = f.sound(e)
		} else {
			var c codec
			if c, err = f.picture(e); i > 0 && c != t.codec {
				return errCodec
			}
			t.codec = c
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *film) picture(e box) (c codec, err error) {
	known := false
	if c.units, known = pictures[e.kind]; !known {
		return c, errCodec
	}
	const head = 78
	if e.end-e.body < head {
		return c, errCut
	}
	blank(f.b[e.body+8 : e.body+24])  // of QuickTime: who made the encoder
	blank(f.b[e.body+42 : e.body+74]) // and its name
	list, err := f.entry(e, e.body+head)
	if err != nil {
		return c, err
	}
	for _, x := range list {
		switch body := f.b[x.body:x.end]; x.kind {
		case "avcC":
			c.nalSize, err = avcConfiguration(body)
		case "hvcC":
			c.nalSize, err = hevcConfiguration(body)
		case "av1C":
			if len(body) < 4 {
				return c, errCut
			}
			err = silenceOBUs(body[4:])
		case "colr":
			if k := string(body[:min(4, len(body))]); k != "nclx" && k != "nclc" {
				free(f.b, x)
			}
		}
		if err != nil {
			return c, err
		}
	}
	if (c.units == avc || c.units == hevc) && c.nalSize == 0 {
		return c, errCut
	}
	return c, nil
}

func (f *film) sound(e box) error {
	if !slices.Contains(sounds, e.kind) {
		return errCodec
	}
	head := 28
	if e.end-e.body < head {
		return errCut
	}
	switch binary.BigEndian.Uint16(f.b[e.body+8:]) { // versions of QuickTime
	case 1:
		head += 16
	case 2:
		head += 36
	}
	if e.end-e.body < head {
		return errCut
	}
	blank(f.b[e.body+10 : e.body+16]) // who made the encoder
	list, err := f.entry(e, e.body+head)
	if err != nil {
		return err
	}
	for _, x := range list {
		if err := f.soundBox(x); err != nil {
			return err
		}
	}
	return nil
}

func (f *film) soundBox(x box) error {
	switch x.kind {
	case "esds":
		return elementary(f.b[x.body:x.end])
	case "damr":
		blank(f.b[x.body:min(x.end, x.body+4)])
	case "wave":
		list, err := boxes(f.b, x.body, x.end)
		if err != nil {
			return err
		}
		for _, in := range list {
			switch in.kind {
			case "esds":
				if err := elementary(f.b[in.body:in.end]); err != nil {
					return err
				}
			case "frma":
				if err := f.fixed(in, 4); err != nil {
					return err
				}
			case "\x00\x00\x00\x00": // the end of the list
				blank(f.b[in.body:in.end])
			default:
				free(f.b, in)
			}
		}
	}
	return nil
}

// entry gives what stays of the boxes in a description of samples.
func (f *film) entry(e box, from int) (kept []box, err error) {
	list, err := boxes(f.b, from, e.end)
	if err != nil {
		return nil, err
	}
	for _, x := range list {
		most, listed := inEntry[x.kind]
		switch {
		case !listed || slices.ContainsFunc(kept, func(o box) bool { return o.kind == x.kind }):
			free(f.b, x)
			continue
		case x.end-x.body > most:
			return nil, errCut
		}
		kept = append(kept, x)
	}
	return kept, nil
}

// elementary allows of the descriptors of a stream (ISO/IEC 14496-1, 7.2.6)
// those that its decoder needs.
func elementary(b []byte) error {
	if len(b) < 4 {
		return errCut
	}
	es, rest, err := descriptor(b[4:], 3)
	if err != nil || len(es) < 3 || es[2]&0xe0 != 0 { // it depends on others, or names an address
		return errCut
	}
	blank(rest)
	decoder, rest, err := descriptor(es[3:], 4)
	if err != nil || len(decoder) < 13 {
		return errCut
	}
	if inner := decoder[13:]; len(inner) > 0 {
		_, behind, err := descriptor(inner, 5)
		if err != nil || len(behind) > 0 {
			return errCut
		}
	}
	if len(rest) == 0 {
		return nil
	}
	sl, rest, err := descriptor(rest, 6)
	if err != nil || len(rest) > 0 || len(sl) > 16 {
		return errCut
	}
	return nil
}

// descriptor reads one with the tag, and what stands behind it.
func descriptor(b []byte, tag byte) (body, rest []byte, err error) {
	if len(b) < 2 || b[0] != tag {
		return nil, nil, errCut
	}
	n, at := 0, 1
	for ; ; at++ {
		if at >= len(b) || at > 4 {
			return nil, nil, errCut
		}
		n = n<<7 | int(b[at]&0x7f)
		if b[at]&0x80 == 0 {
			break
		}
	}
	at++
	if n > len(b)-at {
		return nil, nil, errCut
	}
	return b[at : at+n], b[at+n:], nil
}

// samples finds what a track shows of the media data.
func (f *film) samples(t *track) error {
	if !t.kept {
		return nil
	}
	chunks, wide := t.tables["stco"], 4
	if _, ok := t.tables["co64"]; ok {
		chunks, wide = t.tables["co64"], 8
	}
	runs, sizes := t.tables["stsc"], t.tables["stsz"]
	if chunks.kind == "" && runs.kind == "" && sizes.kind == "" {
		return nil
	}
	if chunks.kind == "" || runs.kind == "" || sizes.kind == "" {
		return errCut
	}
	u32 := func(x box, at int) uint64 { return uint64(binary.BigEndian.Uint32(f.b[x.body+at:])) }
	each, left := u32(sizes, 4), u32(sizes, 8)
	if each*left > uint64(len(f.b)) {
		return errCut
	}
	next, run := 12, 0 // the place in the table of sizes, the run of chunks
	for i := uint64(0); i < u32(chunks, 4) && left > 0; i++ {
		for run+1 < int(u32(runs, 4)) && u32(runs, 8+12*(run+1)) <= i+1 {
			run++
		}
		if u32(runs, 4) == 0 {
			return errCut
		}
		at := u32(chunks, 8+4*int(i))
		if wide == 8 {
			at = binary.BigEndian.Uint64(f.b[chunks.body+8+8*int(i):])
		}
		for n := u32(runs, 8+12*run+4); n > 0 && left > 0; n, left = n-1, left-1 {
			size := each
			if each == 0 {
				size = u32(sizes, next)
				next += 4
			}
			if err := f.sample(t, at, size); err != nil {
				return err
			}
			at += size
		}
	}
	return nil
}

// sample keeps one sample of a track, without the messages in it.
func (f *film) sample(t *track, at, size uint64) error {
	if at > uint64(len(f.b)) || size > uint64(len(f.b))-at {
		return errCut
	}
	if size == 0 {
		return nil
	}
	s := span{int(at), int(at + size)}
	if !slices.ContainsFunc(f.media, func(m span) bool { return s.from >= m.from && s.to <= m.to }) {
		return errOutside
	}
	if n := len(f.shown); n > 0 && f.shown[n-1].to == s.from {
		f.shown[n-1].to = s.to
	} else {
		f.shown = append(f.shown, s)
	}
	switch t.codec.units {
	case avc, hevc:
		return silenceUnits(f.b[s.from:s.to], t.codec)
	case av1:
		return silenceOBUs(f.b[s.from:s.to])
	}
	return nil
}

package strip

import (
	"encoding/binary"
	"slices"
)

// Film and sound in ISO base media files (ISO/IEC 14496-12, -14, -15; Apple's
// QuickTime File Format). Everything keeps its place and length: what is not
// listed here becomes a free box full of zeros, so that no offset moves; and of
// what lies in the media data only what the kept tracks show is left.

// box is one box of a file, by where it lies in it.
type box struct {
	kind     string
	at, body int // where it begins, and where what it holds begins
	end      int
}

// containers are boxes that hold boxes, and which of these stay.
var containers = map[string][]string{
	"":     {"ftyp", "styp", "moov", "moof", "mdat"},
	"moov": {"mvhd", "trak", "mvex"},
	"trak": {"tkhd", "edts", "mdia"},
	"edts": {"elst"},
	"mdia": {"mdhd", "hdlr", "minf"},
	"minf": {"vmhd", "smhd", "dinf", "stbl", "hdlr"},
	"dinf": {"dref"},
	"stbl": {"stsd", "stts", "ctts", "stss", "stsz", "stsc", "stco", "co64"},
	"mvex": {"mehd", "trex"},
	"moof": {"mfhd", "traf"},
	"traf": {"tfhd", "tfdt", "trun"},
}

// once may stand only once in what holds them: which of two counts is not said.
var once = []string{"moov", "mvhd", "tkhd", "mdia", "mdhd", "minf", "dinf", "stbl", "stsd", "stts", "stsz", "stsc", "stco", "co64", "mvex", "tfhd", "mfhd"}

// boxes reads what lies one after the other in a part of a file.
func boxes(b []byte, from, to int) (list []box, err error) {
	for at := from; at < to; {
		if to-at < 8 {
			if clearedEnd(b[at:to]) { // QuickTime ends some lists with four zeros
				return list, nil
			}
			return nil, errCut
		}
		x := box{kind: string(b[at+4 : at+8]), at: at, body: at + 8}
		size := uint64(binary.BigEndian.Uint32(b[at:]))
		switch size {
		case 0:
			if to != len(b) {
				return nil, errCut
			}
			size = uint64(to - at) // to the end of the file
		case 1:
			if to-at < 16 {
				return nil, errCut
			}
			size, x.body = binary.BigEndian.Uint64(b[at+8:]), at+16
		}
		if size < uint64(x.body-at) || size > uint64(to-at) {
			return nil, errCut
		}
		x.end = at + int(size)
		list = append(list, x)
		at = x.end
	}
	return list, nil
}

func clearedEnd(b []byte) bool { return !slices.ContainsFunc(b, func(c byte) bool { return c != 0 }) }

// free makes a box one that holds nothing.
func free(b []byte, x box) {
	copy(b[x.at+4:], "free")
	blank(b[x.body:x.end])
}

// film is a file that is being stripped.
type film struct {
	b      []byte
	media  []span // what the media data boxes hold
	shown  []span // what the kept tracks show of it
	tracks []*track
	depth  int
}

// span is a part of the file.
type span struct{ from, to int }

// track is what one track shows.
type track struct {
	id     uint32
	sound  bool
	kept   bool
	codec  codec
	tables map[string]box
	trex   trackDefaults
}

// mp4 strips a film, in place.
func mp4(b []byte) error {
	f := &film{b: b}
	top, err := f.children("", box{end: len(b)})
	if err != nil {
		return err
	}
	movies := 0
	for _, x := range top {
		switch x.kind {
		case "moov":
			movies++
			err = f.movie(x)
		case "mdat":
			f.media = append(f.media, span{x.body, x.end})
		case "ftyp", "styp":
			if (x.end-x.body)%4 != 0 || x.end-x.body < 8 || x.end-x.body > 256 {
				err = errCut
			}
		}
		if err != nil {
			return err
		}
	}
	if movies != 1 {
		return errCut
	}
	for _, x := range top {
		if x.kind == "moof" {
			if err := f.fragment(x); err != nil {
				return err
			}
		}
	}
	for _, t := range f.tracks {
		if err := f.samples(t); err != nil {
			return err
		}
	}
	return f.clearUnseen()
}

// children gives the boxes that stay of those that a box holds, and empties
// the others.
func (f *film) children(kind string, of box) (kept []box, err error) {
	list, err := boxes(f.b, of.body, of.end)
	if err != nil {
		return nil, err
	}
	if f.depth++; f.depth > 1<<16 { // of all boxes that hold boxes
		return nil, errCut
	}
	seen := map[string]bool{}
	for _, x := range list {
		stays := slices.Contains(containers[kind], x.kind)
		switch {
		case stays && seen[x.kind] && slices.Contains(once, x.kind):
			return nil, errTwice
		case !stays:
			free(f.b, x)
		default:
			kept = append(kept, x)
		}
		seen[x.kind] = true
	}
	return kept, nil
}

// movie strips what describes the film.
func (f *film) movie(of box) error {
	list, err := f.children("moov", of)
	if err != nil {
		return err
	}
	defaults := map[uint32]trackDefaults{}
	for _, x := range list {
		switch x.kind {
		case "mvhd":
			if err := f.header(x, 100, 112); err != nil {
				return err
			}
			n := 100
			if f.b[x.body] == 1 {
				n = 112
			}
			blank(f.b[x.body+n-28 : x.body+n-4]) // previews and selections of QuickTime
		case "trak":
			if err := f.track(x); err != nil {
				return err
			}
		case "mvex":
			if err := f.extends(x, defaults); err != nil {
				return err
			}
		}
	}
	kept := 0
	for _, t := range f.tracks {
		t.trex = defaults[t.id]
		if t.kept {
			kept++
		}
	}
	if kept == 0 {
		return errCodec
	}
	return nil
}

// header forgets when something was made and altered, and what stands behind
// its fields: short and long are the lengths of its two versions.
func (f *film) header(x box, short, long int) error {
	n, times := short, 8
	if x.end > x.body && f.b[x.body] == 1 {
		n, times = long, 16
	}
	if x.end-x.body < n {
		return errCut
	}
	blank(f.b[x.body+4 : x.body+4+times])
	blank(f.b[x.body+n : x.end])
	return nil
}

// track strips one track; one that is neither seen nor heard goes whole, as the
// places that a telephone notes while it films do.
func (f *film) track(of box) error {
	list, err := f.children("trak", of)
	if err != nil {
		return err
	}
	t := &track{tables: map[string]box{}}
	for _, x := range list {
		switch x.kind {
		case "tkhd":
			if err := f.header(x, 84, 96); err != nil {
				return err
			}
			at := 4 + 8
			if f.b[x.body] == 1 {
				at = 4 + 16
			}
			t.id = binary.BigEndian.Uint32(f.b[x.body+at:])
		case "edts":
			edits, err := f.children("edts", x)
			if err != nil {
				return err
			}
			for _, e := range edits {
				if err := f.table(e, 12, 20); err != nil {
					return err
				}
			}
		case "mdia":
			if err := f.mediaOf(x, t); err != nil {
				return err
			}
		}
	}
	if slices.ContainsFunc(f.tracks, func(o *track) bool { return o.id == t.id }) {
		return errTwice
	}
	if !t.kept {
		free(f.b, of)
	}
	f.tracks = append(f.tracks, t)
	return nil
}

// table empties what stands behind the entries of a table: short and long are
// the lengths of an entry in its two versions.
func (f *film) table(x box, short, long int) error {
	if x.end-x.body < 8 {
		return errCut
	}
	each := short
	if f.b[x.body] == 1 {
		each = long
	}
	n := uint64(binary.BigEndian.Uint32(f.b[x.body+4:]))
	if n*uint64(each) > uint64(x.end-x.body-8) {
		return errCut
	}
	blank(f.b[x.body+8+int(n)*each : x.end])
	return nil
}

// mediaOf strips what says how a track is coded.
func (f *film) mediaOf(of box, t *track) error {
	list, err := f.children("mdia", of)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(list, func(x box) bool { return x.kind == "hdlr" })
	if at < 0 {
		return errCut
	}
	kind, err := f.handler(list[at])
	if err != nil {
		return err
	}
	t.kept, t.sound = kind == "vide" || kind == "soun", kind == "soun"
	if !t.kept {
		return nil
	}
	for _, x := range list {
		switch x.kind {
		case "mdhd":
			n := 24
			if f.b[x.body] == 1 {
				n = 36
			}
			if err := f.header(x, 24, 36); err != nil {
				return err
			}
			copy(f.b[x.body+n-4:], []byte{0x55, 0xc4, 0, 0}) // the language: und
		case "minf":
			err = f.information(x, t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// handler gives the kind of a track, and forgets what its maker calls it.
func (f *film) handler(x box) (string, error) {
	if x.end-x.body < 24 {
		return "", errCut
	}
	blank(f.b[x.body+12 : x.end])
	return string(f.b[x.body+8 : x.body+12]), nil
}

func (f *film) information(of box, t *track) error {
	list, err := f.children("minf", of)
	if err != nil {
		return err
	}
	for _, x := range list {
		switch x.kind {
		case "vmhd":
			err = f.fixed(x, 12)
		case "smhd":
			err = f.fixed(x, 8)
		case "hdlr":
			_, err = f.handler(x)
		case "dinf":
			err = f.references(x)
		case "stbl":
			err = f.sampleTables(x, t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fixed is a box of one length.
func (f *film) fixed(x box, n int) error {
	if x.end-x.body < n {
		return errCut
	}
	blank(f.b[x.body+n : x.end])
	return nil
}

// references must name this file alone; what stands beside that, as the path
// where it lay once, goes.
func (f *film) references(of box) error {
	list, err := f.children("dinf", of)
	if err != nil {
		return err
	}
	for _, x := range list {
		if x.end-x.body < 8 {
			return errCut
		}
		entries, err := boxes(f.b, x.body+8, x.end)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.end-e.body < 4 || f.b[e.body+3]&1 == 0 {
				return errOutside
			}
			blank(f.b[e.body+4 : e.end])
		}
	}
	return nil
}

// clearUnseen empties what of the media data no kept track shows.
func (f *film) clearUnseen() error {
	slices.SortFunc(f.media, func(a, b span) int { return a.from - b.from })
	slices.SortFunc(f.shown, func(a, b span) int { return a.from - b.from })
	i := 0
	for _, m := range f.media {
		at := m.from
		for ; i < len(f.shown) && f.shown[i].from < m.to; i++ {
			s := f.shown[i]
			if s.from < m.from || s.to > m.to {
				return errOutside
			}
			if s.from > at {
				blank(f.b[at:s.from])
			}
			at = max(at, s.to)
		}
		blank(f.b[at:m.to])
	}
	if i < len(f.shown) {
		return errOutside
	}
	return nil
}

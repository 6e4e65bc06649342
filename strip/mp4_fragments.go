package strip

import "encoding/binary"

// Films that come in fragments, as browsers record them (ISO/IEC 14496-12,
// 8.8): what a sample is stands beside it, and no table of the whole.

// trackDefaults is what counts of a sample where its fragment does not say.
type trackDefaults struct{ size uint32 }

// extends reads the defaults of tracks.
func (f *film) extends(of box, defaults map[uint32]trackDefaults) error {
	list, err := f.children("mvex", of)
	if err != nil {
		return err
	}
	for _, x := range list {
		switch x.kind {
		case "mehd":
			n := 8
			if x.end > x.body && f.b[x.body] == 1 {
				n = 12
			}
			err = f.fixed(x, n)
		case "trex":
			if err = f.fixed(x, 24); err == nil {
				defaults[binary.BigEndian.Uint32(f.b[x.body+4:])] = trackDefaults{binary.BigEndian.Uint32(f.b[x.body+16:])}
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fragment finds what one fragment shows of the media data.
func (f *film) fragment(of box) error {
	list, err := f.children("moof", of)
	if err != nil {
		return err
	}
	behind := uint64(of.at) // where the data of the last track ended
	for _, x := range list {
		switch x.kind {
		case "mfhd":
			err = f.fixed(x, 8)
		case "traf":
			behind, err = f.trackFragment(of, x, behind)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// numbers reads numbers of four and eight bytes one after the other.
type numbers struct {
	b  []byte
	ok bool
}

func (n *numbers) next(wide int) (v uint64) {
	if len(n.b) < wide {
		n.ok, n.b = false, nil
		return 0
	}
	for _, c := range n.b[:wide] {
		v = v<<8 | uint64(c)
	}
	n.b = n.b[wide:]
	return v
}

func (f *film) trackFragment(moof, of box, behind uint64) (uint64, error) {
	list, err := f.children("traf", of)
	if err != nil || len(list) == 0 || list[0].kind != "tfhd" {
		return 0, errCut
	}
	head := numbers{f.b[list[0].body:list[0].end], true}
	flags, id, start := head.next(4)&0xffffff, uint32(head.next(4)), behind
	var t *track
	for _, known := range f.tracks {
		if known.id == id {
			t = known
		}
	}
	if t == nil {
		return 0, errCut
	}
	size := uint64(t.trex.size)
	if flags&0x020000 != 0 {
		start = uint64(moof.at)
	}
	for _, field := range []struct {
		flag uint64
		wide int
		into *uint64
	}{{1, 8, &start}, {2, 4, nil}, {8, 4, nil}, {16, 4, &size}, {32, 4, nil}} {
		if flags&field.flag == 0 {
			continue
		}
		if v := head.next(field.wide); field.into != nil {
			*field.into = v
		}
	}
	if !head.ok {
		return 0, errCut
	}
	blank(head.b)
	at := start
	for _, x := range list[1:] {
		switch x.kind {
		case "tfdt":
			n := 8
			if x.end > x.body && f.b[x.body] == 1 {
				n = 12
			}
			err = f.fixed(x, n)
		case "trun":
			at, err = f.run(t, x, start, at, size)
		}
		if err != nil {
			return 0, err
		}
	}
	if !t.kept {
		free(f.b, of)
	}
	return at, nil
}

// run finds the samples of one run, which begins where it says or where the
// last one ended, and gives where it ends.
func (f *film) run(t *track, x box, start, at, usual uint64) (uint64, error) {
	n := numbers{f.b[x.body:x.end], true}
	flags, count := n.next(4)&0xffffff, n.next(4)
	if flags&1 != 0 {
		at = start + uint64(int64(int32(n.next(4))))
	}
	if flags&4 != 0 {
		n.next(4)
	}
	if flags&0xf00 == 0 && count*usual > uint64(len(f.b)) {
		return 0, errCut
	}
	for ; count > 0 && n.ok; count-- {
		size := usual
		for _, flag := range []uint64{0x100, 0x200, 0x400, 0x800} {
			if flags&flag == 0 {
				continue
			}
			if v := n.next(4); flag == 0x200 {
				size = v
			}
		}
		if !n.ok {
			break
		}
		if at > uint64(len(f.b)) {
			return 0, errCut
		}
		if t.kept {
			if err := f.sample(t, at, size); err != nil {
				return 0, err
			}
		}
		at += size
		if size == 0 && flags&0xf00 == 0 {
			break // so many of nothing
		}
	}
	if !n.ok {
		return 0, errCut
	}
	blank(n.b)
	return at, nil
}

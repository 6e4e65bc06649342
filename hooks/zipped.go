package hooks

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"sync"

	fieldsync "portolan/sync"
)

// zipped is a stream of gzip (RFC 1952) into which lines can be set that were
// packed before: one member, whose blocks were not all made here.
type zipped struct {
	out   *bytes.Buffer
	z     *flate.Writer
	crc   uint32
	size  uint32 // modulo 2^32, as gzip has it
	open  bool   // something was written to z that is not in out yet
	fresh bool   // z knows nothing of what is in out
	of    *sync.Pool
}

// thorough packs as small as it may take; hurried takes two fifths of the time
// and a fifth more bytes.
var thorough, hurried = deflaters(flate.DefaultCompression), deflaters(4)

func deflaters(level int) *sync.Pool {
	return &sync.Pool{New: func() any {
		z, err := flate.NewWriter(nil, level)
		if err != nil {
			panic("hooks: " + err.Error()) // for another level only
		}
		return z
	}}
}

// gzipHead is the header of a member: deflate, no name, no time, an unknown system.
var gzipHead = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}

// lastBlock is a stored block of nothing, the last of a stream (RFC 1951 §3.2.4).
var lastBlock = []byte{1, 0, 0, 0xff, 0xff}

func newZipped(out *bytes.Buffer, of *sync.Pool) *zipped {
	out.Write(gzipHead)
	return &zipped{out: out, fresh: true, of: of}
}

func (g *zipped) count(b []byte) {
	g.crc = crc32.Update(g.crc, crc32.IEEETable, b)
	g.size += uint32(len(b))
}

// storedUpTo is how long something may be that is not packed where nothing is
// known that it could refer to: a mark between two chunks.
const storedUpTo = 200

func (g *zipped) write(b []byte) error {
	if g.fresh && len(b) <= storedUpTo {
		g.store(b)
		return nil
	}
	g.count(b)
	if g.fresh {
		g.renew()
	}
	g.open = true
	_, err := g.z.Write(b)
	return err
}

// renew has z begin without a window: distances count what is in the stream,
// and of that z has not seen all.
func (g *zipped) renew() {
	if g.z == nil {
		g.z = g.of.Get().(*flate.Writer)
	}
	g.z.Reset(g.out)
	g.fresh = false
}

// align brings everything into out, up to a whole byte.
func (g *zipped) align() error {
	if !g.open {
		return nil
	}
	g.open = false
	return g.z.Flush()
}

// set sets a part in as it is. What it refers to must stand before it.
func (g *zipped) set(p *fieldsync.Part) error {
	if err := g.align(); err != nil {
		return err
	}
	g.out.Write(p.Bytes)
	g.crc = fieldsync.CombineCRC(g.crc, p.CRC, p.Size)
	g.size += uint32(p.Size)
	g.fresh = true
	return nil
}

// store writes a few bytes, not packed, where nothing is open.
func (g *zipped) store(b []byte) {
	g.count(b)
	g.out.Write(fieldsync.AppendStored(nil, b))
}

func (g *zipped) end() error {
	if g.fresh {
		g.out.Write(lastBlock)
	} else if err := g.z.Close(); err != nil {
		return err
	}
	if g.z != nil {
		g.of.Put(g.z)
		g.z = nil
	}
	g.out.Write(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, g.crc), g.size))
	return nil
}

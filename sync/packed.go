package fieldsync

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"sync"
)

// Packed is lines of an answer that were packed once, to be sent many times.
// Each part is raw deflate (RFC 1951) that ends on a byte and not with the last
// block, so that it can be set into a stream of deflate behind whatever stands
// there. A part may refer to the parts before it: they follow one another with
// exactly Gap bytes between two, of which nothing is known and to which nothing
// refers.
type Packed struct {
	Gap   int
	Parts []Part

	next int // the part at which the reader stands
	r    io.ReadCloser
}

// Part is some of the lines.
type Part struct {
	Bytes []byte
	Lines int
	Size  int    // of the lines, unpacked
	CRC   uint32 // CRC-32 (RFC 1952 §8) of the lines, unpacked
}

// Size is how long all lines are, unpacked.
func (p *Packed) Size() (n int) {
	for i := range p.Parts {
		n += p.Parts[i].Size
	}
	return n
}

// Stored says whether the lines were not worth packing.
func (p *Packed) Stored() bool {
	return len(p.Parts) == 1 && len(p.Parts[0].Bytes) == p.Parts[0].Size+storedHead
}

// ErrPacked says that what was packed does not unpack to what it was.
var ErrPacked = errors.New("fieldsync: packed lines are damaged")

// Plain unpacks a part. The parts are asked for in their order; some may be
// left out.
func (p *Packed) Plain(i int) ([]byte, error) {
	if p.Stored() {
		return p.Parts[0].plain(bytes.NewReader(p.Parts[0].Bytes[storedHead:]))
	}
	if i < p.next || p.r == nil {
		p.next = 0
		if err := p.rewind(); err != nil {
			return nil, err
		}
	}
	for ; p.next < i; p.next++ {
		if _, err := io.CopyN(io.Discard, p.r, int64(p.Parts[p.next].Size+p.Gap)); err != nil {
			return nil, ErrPacked
		}
	}
	b, err := p.Parts[i].plain(p.r)
	if p.next++; err == nil && p.next < len(p.Parts) {
		_, err = io.CopyN(io.Discard, p.r, int64(p.Gap))
	}
	if err != nil {
		return nil, ErrPacked
	}
	if p.next == len(p.Parts) {
		unpackers.Put(p.r)
		p.r = nil
	}
	return b, nil
}

func (t *Part) plain(r io.Reader) ([]byte, error) {
	b := make([]byte, t.Size)
	if _, err := io.ReadFull(r, b); err != nil || crc32.ChecksumIEEE(b) != t.CRC {
		return nil, ErrPacked
	}
	return b, nil
}

var unpackers = sync.Pool{New: func() any { return flate.NewReader(nil) }}

// rewind has the reader stand before the first part. What stands between two
// parts it reads as zeros.
func (p *Packed) rewind() error {
	gap := AppendStored(nil, make([]byte, p.Gap))
	var all []io.Reader
	for i := range p.Parts {
		if i > 0 {
			all = append(all, bytes.NewReader(gap))
		}
		all = append(all, bytes.NewReader(p.Parts[i].Bytes))
	}
	if p.r == nil {
		p.r = unpackers.Get().(io.ReadCloser)
	}
	return p.r.(flate.Resetter).Reset(io.MultiReader(all...), nil)
}

// storedHead is how much longer a stored block is than what it holds, and
// storedMax how much that is at most (RFC 1951 §3.2.4).
const (
	storedHead = 5
	storedMax  = 1<<16 - 1
)

// AppendStored writes bytes as deflate that is not packed, in blocks that are
// not the last.
func AppendStored(dst, b []byte) []byte {
	for len(b) > 0 {
		n := min(len(b), storedMax)
		dst = append(dst, 0)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(n))
		dst = binary.LittleEndian.AppendUint16(dst, ^uint16(n))
		dst, b = append(dst, b[:n]...), b[n:]
	}
	return dst
}

// packFrom is from how many bytes on lines are worth packing.
const packFrom = 8 << 10

// Packer packs lines.
type Packer struct {
	packed Packed
	part   Part
	few    []byte // as long as they are not worth packing
	out    bytes.Buffer
	z      *flate.Writer
}

// NewPacker packs lines, with so many bytes between two parts.
func NewPacker(gap int) *Packer { return &Packer{packed: Packed{Gap: gap}} }

var packers = sync.Pool{New: func() any {
	z, err := flate.NewWriter(nil, flate.DefaultCompression)
	if err != nil {
		panic("fieldsync: " + err.Error()) // for another level only
	}
	return z
}}

// Line adds a line, which ends with its line break.
func (p *Packer) Line(line []byte) error {
	p.part.Lines++
	p.part.Size += len(line)
	p.part.CRC = crc32.Update(p.part.CRC, crc32.IEEETable, line)
	if p.z == nil {
		if p.few = append(p.few, line...); len(p.few) < packFrom && len(p.packed.Parts) == 0 {
			return nil
		}
		line, p.few = p.few, nil
		p.z = packers.Get().(*flate.Writer)
		p.z.Reset(&p.out)
	}
	_, err := p.z.Write(line)
	return err
}

// Size is how long the part is to which lines are added.
func (p *Packer) Size() int { return p.part.Size }

// EndPart has the next line begin another part, and says how long this one is,
// packed.
func (p *Packer) EndPart() (packed int, err error) {
	if err := p.end(); err != nil {
		return 0, err
	}
	packed = len(p.packed.Parts[len(p.packed.Parts)-1].Bytes)
	if p.z == nil {
		return packed, nil
	}
	// The window knows that something stood here: zeros, which are in no line,
	// so that nothing is found in them and referred to.
	if _, err := p.z.Write(make([]byte, p.packed.Gap)); err != nil {
		return 0, err
	}
	if err := p.z.Flush(); err != nil {
		return 0, err
	}
	p.out.Reset()
	return packed, nil
}

func (p *Packer) end() error {
	if p.part.Size == 0 {
		return nil
	}
	if p.z == nil {
		p.part.Bytes, p.few = AppendStored(nil, p.few), nil
	} else {
		if err := p.z.Flush(); err != nil {
			return err
		}
		p.part.Bytes = bytes.Clone(p.out.Bytes())
		p.out.Reset()
	}
	p.packed.Parts, p.part = append(p.packed.Parts, p.part), Part{}
	return nil
}

// Packed ends the last part and gives all. The packer is used up.
func (p *Packer) Packed() (*Packed, error) {
	err := p.end()
	if p.z != nil {
		packers.Put(p.z)
	}
	return &p.packed, err
}

// CombineCRC is the CRC-32 of two pieces one behind the other, from that of
// each and the length of the second. As zlib does it (crc32_combine, multmodp
// and x2nmodp in crc32.c of zlib 1.3.1): a sum that so many zero bits follow is
// multiplied by x to that power, modulo the polynomial, and the sums are added.
func CombineCRC(first, second uint32, secondBytes int) uint32 {
	power := uint32(1) << 31 // x^0: the polynomials are written from their lowest term on
	square := 3              // x^(2^3) for each byte
	for n := uint64(secondBytes); n > 0; n >>= 1 {
		if n&1 != 0 {
			power = timesModP(crcSquares[square%len(crcSquares)], power)
		}
		square++
	}
	return timesModP(power, first) ^ second
}

// crcSquares is x^(2^i) modulo the polynomial; x^(2^32) is x again.
var crcSquares = func() (t [32]uint32) {
	t[0] = 1 << 30
	for i := 1; i < len(t); i++ {
		t[i] = timesModP(t[i-1], t[i-1])
	}
	return t
}()

// timesModP multiplies two polynomials modulo that of CRC-32; the first is not 0.
func timesModP(a, b uint32) (product uint32) {
	for m := uint32(1) << 31; ; m >>= 1 {
		if a&m != 0 {
			product ^= b
			if a&(m-1) == 0 {
				return product
			}
		}
		carry := b & 1
		b >>= 1
		if carry != 0 {
			b ^= crc32.IEEE
		}
	}
}

package fieldsync

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"maps"
	"math/bits"
	"slices"
	"sync"
)

// Digest is the sum, modulo 2^128, of the digests of the fields in a scope.
// Because it is a sum, one changed field costs one subtraction and one
// addition, whatever the size of the scope.
type Digest struct{ Hi, Lo uint64 }

// Add returns d + e.
func (d Digest) Add(e Digest) Digest {
	lo, carry := bits.Add64(d.Lo, e.Lo, 0)
	hi, _ := bits.Add64(d.Hi, e.Hi, carry)
	return Digest{hi, lo}
}

// Sub returns d - e.
func (d Digest) Sub(e Digest) Digest {
	lo, borrow := bits.Sub64(d.Lo, e.Lo, 0)
	hi, _ := bits.Sub64(d.Hi, e.Hi, borrow)
	return Digest{hi, lo}
}

// IsZero says whether nothing was summed, or as much taken away as added.
func (d Digest) IsZero() bool { return d == Digest{} }

// String writes the digest as 32 hex digits.
func (d Digest) String() string { return fmt.Sprintf("%016x%016x", d.Hi, d.Lo) }

// ParseDigest reads what String writes.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	if len(s) != 32 {
		return Digest{}, bad(CodeDigest, "a digest is 32 lower-case hex digits")
	}
	hi, errHi := ParseHLC(s[:16]) // the same alphabet and length
	lo, errLo := ParseHLC(s[16:])
	if errHi != nil || errLo != nil {
		return Digest{}, bad(CodeDigest, "a digest is 32 lower-case hex digits")
	}
	d.Hi, d.Lo = hi.pack(), lo.pack()
	return d, nil
}

var hashes = sync.Pool{New: func() any { return &fieldHash{h: sha256.New()} }}

type fieldHash struct {
	h   hash.Hash
	buf []byte
}

// DigestOf is the digest of one field of one record: the first 16 bytes of the
// SHA-256 over scope, record, field and the dots of its heads in order, each
// behind its length as four big-endian bytes. A field without heads has the
// zero digest.
func DigestOf(scope Scope, record, field string, dots []Dot) Digest {
	if len(dots) == 0 {
		return Digest{}
	}
	if !slices.IsSortedFunc(dots, Dot.Compare) {
		dots = slices.Clone(dots)
		slices.SortFunc(dots, Dot.Compare)
	}
	fh := hashes.Get().(*fieldHash)
	b := appendPart(appendPart(appendPart(fh.buf[:0], string(scope)), record), field)
	for _, d := range dots {
		b = appendPart(b, string(d))
	}
	fh.h.Reset()
	fh.h.Write(b)
	var sum [sha256.Size]byte
	fh.h.Sum(sum[:0])
	fh.buf = b
	hashes.Put(fh)
	return Digest{binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])}
}

func appendPart(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

// RootDigest is the one digest over all scopes that a device sees: 32 hex
// digits of the SHA-256 over the scopes in order, each with its digest. A scope
// in which nothing stands does not count, so that both ends agree on it.
func RootDigest(scopes map[Scope]Digest) string {
	var b []byte
	for _, s := range slices.Sorted(maps.Keys(scopes)) {
		d := scopes[s]
		if d.IsZero() {
			continue
		}
		b = appendPart(b, string(s))
		b = binary.BigEndian.AppendUint64(b, d.Hi)
		b = binary.BigEndian.AppendUint64(b, d.Lo)
	}
	sum := sha256.Sum256(b)
	return fmt.Sprintf("%x", sum[:16])
}

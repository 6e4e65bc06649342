package fieldsync

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"portolan/care"
)

// A change says something about several compartments, and what is said of one
// may have to be destroyed before the rest. Cut takes its raw bytes apart so
// that each part can be sealed under another key, and Join puts them together
// byte for byte. The salt goes with the parts: where one of them is gone it
// cannot be had, so that nothing of that part can be guessed from the hash.

// errParts says that what Join is given was not made by Cut.
var errParts = &care.Error{Code: "change_parts", Kind: care.Damaged, Hint: "The parts of this change do not fit together: it was altered. Restore it from a backup."}

// lostSalt stands where the salt was of a change that is not whole.
const lostSalt = `"AAAAAAAAAAAAAAAAAAAAAA"`

// hole is a piece of a change's raw bytes that is kept apart: of a part from
// 1 on, or the salt, 0.
type hole struct{ from, to, part int }

// holesOf finds what a change says about fields, for those that part gives a
// number above 0, and its salt.
func holesOf(raw []byte, part func(field string) int) (holes []hole, err error) {
	s := &scanner{b: raw}
	err = s.object(func(name string) error {
		switch name {
		case "set", "add", "rm", "base":
			return s.object(func(field string) error {
				at := s.named
				err := s.skip()
				if p := part(field); p > 0 {
					holes = append(holes, hole{at, s.i, p})
				}
				return err
			})
		case "salt":
			s.space()
			at := s.i
			err := s.skip()
			holes = append(holes, hole{at, s.i, 0})
			return err
		}
		return s.skip()
	})
	return holes, err
}

// Cut takes raw, which DecodeChange reads, apart: what it says about the
// fields to which part gives a number from 1 to parts goes into the piece of
// that number, the rest into the frame. Each piece has a share of the salt.
func Cut(raw []byte, parts int, part func(field string) int, rand io.Reader) (frame []byte, pieces [][]byte, err error) {
	holes, err := holesOf(raw, part)
	if err != nil {
		return nil, nil, err
	}
	pieces = make([][]byte, parts)
	frame = binary.AppendUvarint(make([]byte, 0, len(raw)), uint64(len(holes)))
	end := 0
	for _, h := range holes {
		frame = binary.AppendUvarint(frame, uint64(h.from-end))
		frame = append(frame, byte(h.part))
		end = h.to
	}
	end = 0
	for _, h := range holes {
		frame = append(frame, raw[end:h.from]...)
		end = h.to
		if h.part == 0 {
			if pieces, err = shareSalt(pieces, raw[h.from:h.to], rand); err != nil {
				return nil, nil, err
			}
		}
	}
	for _, h := range holes {
		if h.part > 0 {
			pieces[h.part-1] = appendBytes(pieces[h.part-1], raw[h.from:h.to])
		}
	}
	return append(frame, raw[end:]...), pieces, nil
}

// shareSalt begins each piece with a share of the salt; all of them give it,
// and fewer are random bytes.
func shareSalt(pieces [][]byte, salt []byte, rand io.Reader) ([][]byte, error) {
	last := bytes.Clone(salt)
	for i := range pieces {
		share := last
		if i < len(pieces)-1 {
			share = make([]byte, len(salt))
			if _, err := io.ReadFull(rand, share); err != nil {
				return nil, fmt.Errorf("sharing a salt: %w", err)
			}
			for j := range share {
				last[j] ^= share[j]
			}
		}
		pieces[i] = appendBytes(pieces[i], share)
	}
	return pieces, nil
}

func appendBytes(b, more []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(more))), more...)
}

func takeUint(b []byte) (int, []byte, error) {
	v, n := binary.Uvarint(b)
	if n <= 0 || v > ChangeBytesMax {
		return 0, nil, errParts
	}
	return int(v), b[n:], nil
}

func takeBytes(b []byte) (out, rest []byte, err error) {
	n, rest, err := takeUint(b)
	if err != nil || n > len(rest) {
		return nil, nil, errParts
	}
	return rest[:n], rest[n:], nil
}

// Join gives the raw bytes that Cut took apart. Where pieces are missing (nil)
// what it gives is not whole: a change that says the rest, in whose place of
// the salt there is none.
func Join(frame []byte, pieces [][]byte) (raw []byte, whole bool, err error) {
	n, rest, err := takeUint(frame)
	if err != nil {
		return nil, false, err
	}
	holes := make([]hole, 0, min(n, 2*ChangeFieldsMax))
	for range n {
		var h hole
		if h.from, rest, err = takeUint(rest); err != nil || len(rest) == 0 {
			return nil, false, errParts
		}
		h.part, rest = int(rest[0]), rest[1:]
		if h.part > len(pieces) {
			return nil, false, errParts
		}
		holes = append(holes, h)
	}
	left := make([][]byte, len(pieces))
	salt, whole, err := joinSalt(pieces, left)
	if err != nil {
		return nil, false, err
	}
	torn := false // what stood before the next bytes is missing
	for _, h := range holes {
		if h.from > len(rest) {
			return nil, false, errParts
		}
		raw, torn = mend(raw, rest[:h.from], torn), false
		rest = rest[h.from:]
		switch {
		case h.part == 0:
			raw = append(raw, salt...)
		case pieces[h.part-1] == nil:
			torn = true
		default:
			var said []byte
			if said, left[h.part-1], err = takeBytes(left[h.part-1]); err != nil {
				return nil, false, err
			}
			raw = append(raw, said...)
		}
	}
	return mend(raw, rest, torn), whole, nil
}

// joinSalt puts the shares of the salt together, and leaves what follows them
// in each piece.
func joinSalt(pieces, left [][]byte) (salt []byte, whole bool, err error) {
	whole = true
	for i, piece := range pieces {
		if piece == nil {
			whole = false
			continue
		}
		var share []byte
		if share, left[i], err = takeBytes(piece); err != nil {
			return nil, false, err
		}
		if salt == nil {
			salt = make([]byte, len(share))
		}
		if len(share) != len(salt) {
			return nil, false, errParts
		}
		for j := range share {
			salt[j] ^= share[j]
		}
	}
	if !whole {
		salt = []byte(lostSalt)
	}
	return salt, whole, nil
}

// mend appends what follows in the frame. Behind a member that is missing one
// comma too many is left out.
func mend(raw, next []byte, torn bool) []byte {
	if !torn {
		return append(raw, next...)
	}
	const space = " \t\r\n"
	raw, next = bytes.TrimRight(raw, space), bytes.TrimLeft(next, space)
	if len(raw) == 0 {
		return append(raw, next...)
	}
	switch last := raw[len(raw)-1]; {
	case len(next) > 0 && next[0] == ',' && (last == '{' || last == ','):
		next = next[1:]
	case len(next) > 0 && next[0] == '}' && last == ',':
		raw = raw[:len(raw)-1]
	}
	return append(raw, next...)
}

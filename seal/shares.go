package seal

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"portolan/care"
)

// A root key may be in the hands of several people, of whom some must come
// together: Shamir's scheme (A. Shamir: "How to Share a Secret", CACM 22,
// 1979), byte by byte over GF(256) with the polynomial of AES, as Vault and
// SLIP-39 have it. Fewer shares than needed say nothing at all about the key.

// SharesMax is into how many shares a key is split at most.
const SharesMax = 32

// Errors of shares.
var (
	ErrShare      = &care.Error{Code: "share_damaged", Kind: care.Invalid, Hint: "This is no share, or there is a slip in it: each has 76 letters and digits, in groups of four."}
	ErrShares     = &care.Error{Code: "shares_do_not_fit", Kind: care.Invalid, Hint: "These shares do not belong together, or there are too few: take different ones, all of one splitting."}
	ErrShareCount = &care.Error{Code: "share_count", Kind: care.Invalid, Hint: "A key is split into 2 to 32 shares, of which at least 2 are needed."}
)

// Share is one custodian's part of a root key.
type Share struct {
	Need  int // how many shares open the key
	x     byte
	split uint32 // tells one splitting from another
	check uint32 // of the key, to know that what comes out is right
	y     [KeyBytes]byte
}

// Number is which of the shares it is, from 1.
func (s Share) Number() int { return int(s.x) }

// String keeps a share out of logs; Text prints it.
func (Share) String() string { return "[share]" }

// GoString keeps a share out of logs.
func (Share) GoString() string { return "[share]" }

// Split makes shares of a key, of which need open it.
func Split(rand io.Reader, root Key, shares, need int) ([]Share, error) {
	if shares < 2 || shares > SharesMax || need < 2 || need > shares {
		return nil, ErrShareCount
	}
	var id [4]byte
	random := make([]byte, (need-1)*KeyBytes) // coefficients 1…need-1 of each byte
	for _, b := range [][]byte{id[:], random} {
		if _, err := io.ReadFull(rand, b); err != nil {
			return nil, fmt.Errorf("splitting a key: %w", err)
		}
	}
	defer clear(random)
	out := make([]Share, shares)
	for i := range out {
		s := &out[i]
		*s = Share{Need: need, x: byte(i + 1), split: binary.BigEndian.Uint32(id[:]), check: keyCheck(root)}
		for b := range s.y {
			// Horner's rule from the highest coefficient down.
			var v byte
			for c := need - 2; c >= 0; c-- {
				v = gfMul(v^random[c*KeyBytes+b], s.x)
			}
			s.y[b] = v ^ root[b]
		}
	}
	return out, nil
}

// Combine gives the key that was split; ErrShares where these shares are not
// enough, not different, or not of one splitting.
func Combine(shares []Share) (Key, error) {
	var k Key
	if len(shares) == 0 || len(shares) < shares[0].Need {
		return k, ErrShares
	}
	shares = shares[:shares[0].Need]
	for i, s := range shares {
		if s.split != shares[0].split || s.check != shares[0].check || s.Need != shares[0].Need {
			return k, ErrShares
		}
		for _, t := range shares[:i] {
			if s.x == t.x {
				return k, ErrShares
			}
		}
	}
	for i, s := range shares {
		// Lagrange's basis polynomial at 0.
		l := byte(1)
		for j, t := range shares {
			if j != i {
				l = gfMul(l, gfMul(t.x, gfInverse(t.x^s.x)))
			}
		}
		for b := range k {
			k[b] ^= gfMul(s.y[b], l)
		}
	}
	if keyCheck(k) != shares[0].check {
		return Key{}, ErrShares
	}
	return k, nil
}

// keyCheck says whether a key is the one that was split, and nothing of it:
// half of what already stands in clear in everything that the key wraps.
func keyCheck(k Key) uint32 { return uint32(RootBox(k).ID()) }

// gfMul multiplies in GF(256), x⁸+x⁴+x³+x+1, without branches or tables whose
// time would depend on what is multiplied.
func gfMul(a, b byte) (p byte) {
	for range 8 {
		p ^= a & -(b & 1)
		b >>= 1
		a = a<<1 ^ 0x1b&-(a>>7)
	}
	return p
}

// gfInverse is a²⁵⁴.
func gfInverse(a byte) byte {
	r := byte(1)
	for range 7 {
		a = gfMul(a, a)
		r = gfMul(r, a)
	}
	return r
}

// The printed form: version, need, number, split, check, y, and a checksum, in
// Crockford's base 32 without letters that look like others.
const (
	shareVersion  = 1
	shareBytes    = 3 + 4 + 4 + KeyBytes + 4
	shareLettersN = (shareBytes*8 + 4) / 5
	shareAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

var shareEncoding = base32.NewEncoding(shareAlphabet).WithPadding(base32.NoPadding)

// Text is the share as a person keeps it.
func (s Share) Text() string {
	b := append(make([]byte, 0, shareBytes), shareVersion, byte(s.Need), s.x)
	b = binary.BigEndian.AppendUint32(b, s.split)
	b = binary.BigEndian.AppendUint32(b, s.check)
	b = append(b, s.y[:]...)
	b = append(b, shareSum(b)...)
	text := shareEncoding.EncodeToString(b)
	var groups []string
	for len(text) > 4 {
		groups, text = append(groups, text[:4]), text[4:]
	}
	return strings.Join(append(groups, text), "-")
}

// ParseShare reads what somebody typed of a printed share.
func ParseShare(text string) (Share, error) {
	text = strings.NewReplacer("-", "", " ", "", "\t", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(strings.TrimSpace(text)))
	b, err := shareEncoding.DecodeString(text)
	if err != nil || len(text) != shareLettersN || len(b) != shareBytes || shareEncoding.EncodeToString(b) != text {
		return Share{}, ErrShare
	}
	body := b[:shareBytes-4]
	if b[0] != shareVersion || string(shareSum(body)) != string(b[shareBytes-4:]) || b[1] < 2 || b[1] > SharesMax || b[2] < 1 || b[2] > SharesMax {
		return Share{}, ErrShare
	}
	return Share{Need: int(b[1]), x: b[2], split: binary.BigEndian.Uint32(b[3:]), check: binary.BigEndian.Uint32(b[7:]), y: [KeyBytes]byte(b[11:])}, nil
}

func shareSum(b []byte) []byte {
	sum := sha256.Sum256(append([]byte("portolan share 1"), b...))
	return sum[:4]
}

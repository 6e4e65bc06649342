package capsule

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/crypto/argon2"

	"portolan/care"
)

// What a guess at the words costs: Argon2id (RFC 9106) over 32 MiB, three
// passes, one lane. A cheap phone (2 GB of memory, four slow cores) does it in a
// few seconds in plain JavaScript; more memory is what browsers there refuse.
// What holds a guesser off is the words, 61 bits: at a million guesses a second
// they last for 36,000 years on average.
const (
	argonMemory  = 32 << 10 // KiB
	argonPasses  = 3
	argonThreads = 1
	keyBytes     = 32
	saltBytes    = 16
	tagBytes     = 16
	lengthBytes  = 2

	version     = 1
	headerBytes = 1 + saltBytes
)

// Sizes are how long an envelope is: as much as a QR code of version 15 or 18
// holds at level M. All capsules of a size look alike, however much is in them.
var Sizes = []int{400, 544}

// TextMax is how long the text of a capsule is at most.
const TextMax = 816

// QRVersionMax is the largest code that a capsule takes at level M.
const QRVersionMax = 18

// ErrWords says that a capsule does not open. Whether the words are others or
// the code was changed cannot be known: what is encrypted does not say.
var ErrWords = &care.Error{Code: "capsule_closed", Kind: care.Unprocessed, Hint: "It does not open: these are other words, or the code was changed. Nothing was taken."}

// Make writes a record as the text of a QR code that opens with the words.
// Where not all of it has room, whole collections stay out, the last of Kinds
// first; the record that was written says which. ErrFull where even the
// essential ones do not fit.
func Make(rand io.Reader, r Record, key ed25519.PrivateKey, words string) (text string, written Record, err error) {
	for last := len(Kinds); last >= essential; last-- {
		written = r.upTo(last)
		b, err := written.encode()
		if err != nil {
			return "", Record{}, err
		}
		inner, err := sign(b, key)
		if err != nil {
			return "", Record{}, err
		}
		if lengthBytes+len(inner) > Sizes[len(Sizes)-1]-headerBytes-tagBytes {
			continue
		}
		text, err := seal(rand, inner, words)
		return text, written, err
	}
	return "", Record{}, ErrFull
}

// upTo leaves out what the kinds from one on hold.
func (r Record) upTo(last int) Record {
	out := r
	out.Entries, out.LeftOut = nil, nil
	for i, k := range Kinds {
		for _, e := range r.Entries {
			switch {
			case e.Collection != k.Collection:
			case i < last:
				out.Entries = append(out.Entries, e)
			case !slices.Contains(out.LeftOut, k.Collection):
				out.LeftOut = append(out.LeftOut, k.Collection)
			}
		}
	}
	return out
}

func seal(rand io.Reader, inner []byte, words string) (string, error) {
	size := Sizes[slices.IndexFunc(Sizes, func(n int) bool { return lengthBytes+len(inner) <= n-headerBytes-tagBytes })]
	envelope := make([]byte, headerBytes, size)
	envelope[0] = version
	if _, err := io.ReadFull(rand, envelope[1:]); err != nil {
		return "", fmt.Errorf("drawing a salt: %w", err)
	}
	plain := make([]byte, size-headerBytes-tagBytes) // zeros behind what it holds
	binary.BigEndian.PutUint16(plain, uint16(len(inner)))
	copy(plain[lengthBytes:], inner)
	box, err := boxOf(envelope, words)
	if err != nil {
		return "", err
	}
	// A key seals once, so its nonce may always be the same.
	return toBase45(box.Seal(envelope, make([]byte, box.NonceSize()), plain, envelope)), nil
}

func boxOf(header []byte, words string) (cipher.AEAD, error) {
	key := argon2.IDKey([]byte(plainWords(words)), header[1:headerBytes], argonPasses, argonMemory, argonThreads, keyBytes)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("opening a capsule: %w", err)
	}
	return cipher.NewGCM(block)
}

// plainWords is what was said, however it is typed: lower case, with one space
// between words.
func plainWords(words string) string {
	return strings.Join(strings.Fields(strings.ToLower(words)), " ")
}

// Is says whether a text has the form of a capsule. It costs nothing.
func Is(text string) bool {
	_, err := envelopeOf(text)
	return err == nil
}

func envelopeOf(text string) ([]byte, error) {
	text = strings.Trim(text, "\r\n\t")
	if len(text) > TextMax {
		return nil, ErrMalformed
	}
	b, ok := fromBase45(text)
	if !ok || !slices.Contains(Sizes, len(b)) || b[0] != version {
		return nil, ErrMalformed
	}
	return b, nil
}

// Open reads the text of a QR code with the words. ErrMalformed where it is no
// capsule, ErrWords where it does not open.
func Open(text, words string) (Opened, error) {
	envelope, err := envelopeOf(text)
	if err != nil {
		return Opened{}, err
	}
	box, err := boxOf(envelope, words)
	if err != nil {
		return Opened{}, err
	}
	plain, err := box.Open(nil, make([]byte, box.NonceSize()), envelope[headerBytes:], envelope[:headerBytes])
	if err != nil {
		return Opened{}, ErrWords
	}
	return openPlain(plain)
}

// openPlain reads what was encrypted: a length, what is signed, and zeros.
func openPlain(plain []byte) (Opened, error) {
	if len(plain) < lengthBytes {
		return Opened{}, ErrMalformed
	}
	n := int(binary.BigEndian.Uint16(plain))
	if n > len(plain)-lengthBytes || slices.ContainsFunc(plain[lengthBytes+n:], func(b byte) bool { return b != 0 }) {
		return Opened{}, ErrMalformed
	}
	return read(plain[lengthBytes : lengthBytes+n])
}

// base45 is the alphabet of QR codes' alphanumeric mode (RFC 9285): what every
// reader hands on unchanged, and as dense as bytes.
const (
	base45      = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
	base45Pair  = 3 // letters for two bytes
	base45Three = 45 * 45
)

// toBase45 writes an even number of bytes.
func toBase45(b []byte) string {
	var out strings.Builder
	for ; len(b) >= 2; b = b[2:] {
		n := int(b[0])<<8 | int(b[1])
		out.WriteByte(base45[n%45])
		out.WriteByte(base45[n/45%45])
		out.WriteByte(base45[n/base45Three])
	}
	return out.String()
}

func fromBase45(text string) (b []byte, ok bool) {
	if len(text)%base45Pair != 0 {
		return nil, false
	}
	for ; len(text) > 0; text = text[base45Pair:] {
		n := 0
		for i := base45Pair - 1; i >= 0; i-- {
			digit := strings.IndexByte(base45, text[i])
			if digit < 0 {
				return nil, false
			}
			n = n*45 + digit
		}
		if n > 0xFFFF {
			return nil, false
		}
		b = append(b, byte(n>>8), byte(n))
	}
	return b, true
}

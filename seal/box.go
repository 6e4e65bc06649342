// Package seal is how bytes are sealed at rest, pure: keys in a tree, an
// envelope for a field's value, an envelope for a file. A root key wraps key
// keys (one per organisation, compartment and epoch), a key key wraps data
// keys (one per case and compartment), and a data key seals what is stored,
// each value bound to its place.
package seal

import (
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"

	"portolan/care"
)

// KeyBytes is the length of every key in the tree.
const KeyBytes = chacha20poly1305.KeySize

// Key is the raw bytes of a key. It is never printed.
type Key [KeyBytes]byte

// String keeps a key out of logs.
func (Key) String() string { return "[key]" }

// GoString keeps a key out of logs.
func (Key) GoString() string { return "[key]" }

// NewKey draws a key.
func NewKey(rand io.Reader) (Key, error) {
	var k Key
	if _, err := io.ReadFull(rand, k[:]); err != nil {
		return Key{}, fmt.Errorf("drawing a key: %w", err)
	}
	return k, nil
}

// Errors of opening. None says anything of what was sealed.
var (
	ErrFormat  = &care.Error{Code: "seal_format", Kind: care.Damaged, Hint: "This was not sealed by Portolan, or by a newer version of it."}
	ErrKey     = &care.Error{Code: "seal_key", Kind: care.Damaged, Hint: "This is sealed under the key of another place: it was copied here from elsewhere."}
	ErrDamaged = &care.Error{Code: "seal_damaged", Kind: care.Damaged, Hint: "This does not open: it was altered, or copied here from another place. Restore it from a backup."}
)

// The envelope: version, algorithm, the id of the key, a random nonce, what
// was sealed with its tag. The header is authenticated with the place.
const (
	version      = 1
	algField     = 1 // XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03)
	algFile      = 2 // the same in chunks (file.go)
	nonceBytes   = chacha20poly1305.NonceSizeX
	tagBytes     = chacha20poly1305.Overhead
	fieldMinimum = HeaderBytes + nonceBytes + tagBytes
)

// Overhead is how many bytes longer a sealed value is than the value.
const Overhead = fieldMinimum

// Place is where something sealed belongs: a value opens there and nowhere
// else.
type Place struct{ Collection, Record, Field string }

// HeaderBytes is how much of something sealed KeyID reads.
const HeaderBytes = 2 + 8

// uses keep apart what one key may seal: a value is no file and no key.
const (
	useField = "portolan field 1"
	useFile  = "portolan file 1"
	useKey   = "portolan key 1"
)

// Box seals under one key. It may be used by several at a time.
type Box struct {
	id   uint64
	aead cipher.AEAD
}

// NewBox gives what seals under a key. The id stands in clear in everything
// that it seals.
func NewBox(id uint64, k Key) *Box {
	aead, err := chacha20poly1305.NewX(k[:])
	if err != nil {
		panic("seal: " + err.Error()) // only for a key of another length
	}
	return &Box{id, aead}
}

// ID is the id of the box's key.
func (b *Box) ID() uint64 { return b.id }

// KeyID reads the id of the key under which something is sealed. Until it is
// opened it is only what somebody claims.
func KeyID(sealed []byte) (uint64, error) {
	if len(sealed) < HeaderBytes || sealed[0] != version || sealed[1] != algField && sealed[1] != algFile {
		return 0, ErrFormat
	}
	return binary.BigEndian.Uint64(sealed[2:]), nil
}

func (b *Box) header(dst []byte, alg byte) []byte {
	return binary.BigEndian.AppendUint64(append(dst, version, alg), b.id)
}

// bind is what is authenticated beside the sealed bytes: header, use, and each
// part behind its length, so that no two lists of parts look the same.
func bind(header []byte, use string, parts ...string) []byte {
	n := len(header) + len(use) + 4*len(parts)
	for _, p := range parts {
		n += len(p)
	}
	out := append(append(make([]byte, 0, n), header...), use...)
	for _, p := range parts {
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(p))), p...)
	}
	return out
}

// Seal appends the sealed plain to dst.
func (b *Box) Seal(dst []byte, rand io.Reader, at Place, plain []byte) ([]byte, error) {
	return b.seal(dst, rand, plain, useField, at.Collection, at.Record, at.Field)
}

// Open appends to dst what was sealed for this place under this box's key.
func (b *Box) Open(dst []byte, at Place, sealed []byte) ([]byte, error) {
	return b.open(dst, sealed, useField, at.Collection, at.Record, at.Field)
}

func (b *Box) seal(dst []byte, rand io.Reader, plain []byte, use string, parts ...string) ([]byte, error) {
	start := len(dst)
	if need := start + Overhead + len(plain); cap(dst) < need {
		dst = append(make([]byte, 0, need), dst...)
	}
	dst = b.header(dst, algField)
	nonce := dst[len(dst) : len(dst)+nonceBytes]
	if _, err := io.ReadFull(rand, nonce); err != nil {
		return nil, fmt.Errorf("drawing a nonce: %w", err)
	}
	ad := bind(dst[start:], use, parts...)
	dst = dst[:len(dst)+nonceBytes]
	return b.aead.Seal(dst, nonce, plain, ad), nil
}

func (b *Box) open(dst, sealed []byte, use string, parts ...string) ([]byte, error) {
	id, err := KeyID(sealed)
	switch {
	case err != nil:
		return nil, err
	case sealed[1] != algField || len(sealed) < fieldMinimum:
		return nil, ErrFormat
	case id != b.id:
		return nil, ErrKey
	}
	nonce := sealed[HeaderBytes : HeaderBytes+nonceBytes]
	plain, err := b.aead.Open(dst, nonce, sealed[HeaderBytes+nonceBytes:], bind(sealed[:HeaderBytes], use, parts...))
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}

package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"strconv"
)

// Scope is what one data key seals: a compartment of a case, or of an
// organisation where Case is empty.
type Scope struct{ Org, Case, Compartment string }

// KeyName says which key of the tree a wrapped key is. It is bound to it: a
// wrapped key that was put under another name does not open.
type KeyName struct {
	ID    uint64
	Scope        // of a key key without its case
	Epoch uint32 // of a key key; 0 for a data key
}

func (n KeyName) parts() []string {
	return []string{strconv.FormatUint(n.ID, 10), n.Org, n.Case, n.Compartment, strconv.FormatUint(uint64(n.Epoch), 10)}
}

// RootBox gives what wraps under a root key. Its id is derived from the key,
// so that a wrong key is told from a damaged one, and says nothing about it.
func RootBox(root Key) *Box {
	m := hmac.New(sha256.New, root[:])
	io.WriteString(m, "portolan root key id 1")
	return NewBox(binary.BigEndian.Uint64(m.Sum(nil)), root)
}

// Wrap seals a key under this one.
func (b *Box) Wrap(rand io.Reader, name KeyName, k Key) ([]byte, error) {
	return b.seal(nil, rand, k[:], useKey, name.parts()...)
}

// Unwrap opens what Wrap made for this name.
func (b *Box) Unwrap(name KeyName, wrapped []byte) (Key, error) {
	var k Key
	plain, err := b.open(nil, wrapped, useKey, name.parts()...)
	if err != nil {
		return k, err
	}
	if len(plain) != KeyBytes {
		return k, ErrFormat
	}
	copy(k[:], plain)
	clear(plain)
	return k, nil
}

// Derive gives another key for one use, which ends with this one.
func (k Key) Derive(use string) (out Key) {
	m := hmac.New(sha256.New, k[:])
	io.WriteString(m, use)
	m.Sum(out[:0])
	return out
}

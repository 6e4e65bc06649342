package audit

import (
	"crypto/sha256"
	"encoding/base64"
)

// SaltBytes is the length of the random salt of a leaf: with it destroyed
// nobody can try which event a commitment was made over.
const SaltBytes = 32

// leafContext keeps a commitment from being taken for a hash of another kind.
const leafContext = "portolan audit leaf 1\n"

// Commitment stands in the tree for an event.
type Commitment [sha256.Size]byte

// Commit makes the commitment to an event in its one form.
func Commit(salt [SaltBytes]byte, event []byte) Commitment {
	h := sha256.New()
	h.Write([]byte(leafContext))
	h.Write(salt[:])
	h.Write(event)
	return Commitment(h.Sum(nil))
}

// Detail is what opens a commitment: salt and event, as they are sealed.
func Detail(salt [SaltBytes]byte, event []byte) []byte {
	return append(salt[:len(salt):len(salt)], event...)
}

// OpenDetail reads a detail and returns the event, and the commitment that it
// opens.
func OpenDetail(b []byte) (Event, Commitment, error) {
	if len(b) < SaltBytes {
		return Event{}, Commitment{}, errDetail
	}
	e, err := DecodeEvent(b[SaltBytes:])
	if err != nil {
		return Event{}, Commitment{}, err
	}
	return e, Commit([SaltBytes]byte(b), b[SaltBytes:]), nil
}

func (c Commitment) String() string { return base64.StdEncoding.EncodeToString(c[:]) }

// ParseCommitment reads what String wrote.
func ParseCommitment(s string) (Commitment, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != sha256.Size {
		return Commitment{}, errDetail
	}
	return Commitment(b), nil
}

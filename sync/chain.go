package fieldsync

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
)

// Link is the head of a replica's hash chain after one change. The zero Link
// stands before the first.
type Link [sha256.Size]byte

// NextLink is SHA-256(prev ‖ SHA-256(raw)). The inner hash is the commitment
// to the change: with the change erased, its commitment keeps the chain whole,
// and the salt inside the raw bytes keeps the erased value from being guessed.
func NextLink(prev Link, raw []byte) Link {
	return LinkOver(prev, sha256.Sum256(raw))
}

// LinkOver continues a chain over a commitment alone, for changes whose bytes
// were erased.
func LinkOver(prev Link, commitment [sha256.Size]byte) Link {
	var b [2 * sha256.Size]byte
	copy(b[:], prev[:])
	copy(b[sha256.Size:], commitment[:])
	return sha256.Sum256(b[:])
}

// String writes the link as hex.
func (l Link) String() string { return hex.EncodeToString(l[:]) }

// ParseLink reads what String writes.
func ParseLink(s string) (Link, error) {
	var l Link
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(l) || s != hex.EncodeToString(b) {
		return Link{}, bad(CodeLink, "a link is 64 lower-case hex digits")
	}
	copy(l[:], b)
	return l, nil
}

// PushMessage is what a device signs: that its replica's chain ends in this
// link after change lastN.
func PushMessage(replica string, lastN uint64, link Link) []byte {
	return []byte("portolan push 1\n" + replica + "\n" + strconv.FormatUint(lastN, 10) + "\n" + link.String() + "\n")
}

// Sign signs the state of a replica's chain, as base64url without padding.
func Sign(key ed25519.PrivateKey, replica string, lastN uint64, link Link) string {
	return base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, PushMessage(replica, lastN, link)))
}

// Verify says whether sig is key's signature over the state of the chain.
func Verify(key ed25519.PublicKey, replica string, lastN uint64, link Link, sig string) bool {
	s, err := base64.RawURLEncoding.Strict().DecodeString(sig)
	return err == nil && len(key) == ed25519.PublicKeySize && ed25519.Verify(key, PushMessage(replica, lastN, link), s)
}

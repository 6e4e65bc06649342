package collections

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"

	"portolan/seal"
	fieldsync "portolan/sync"
)

// mac is macUnder the hub's secret.
func (h *Hub) mac(use string, parts ...string) string {
	if len(h.secret) == 0 {
		panic("collections: something was asked of a locked hub that takes its secret")
	}
	return macUnder(h.secret, use, parts...)
}

// macUnder is HMAC-SHA256 under a key over the parts, each behind its length,
// for one use: base64url without padding.
func macUnder(key []byte, use string, parts ...string) string {
	m := hmac.New(sha256.New, key)
	for _, p := range append([]string{use}, parts...) {
		n := len(p)
		m.Write([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		io.WriteString(m, p)
	}
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func (h *Hub) newSalt() string {
	b := make([]byte, fieldsync.SaltBytes)
	if _, err := io.ReadFull(h.rand, b); err != nil {
		panic("collections: no randomness: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// Places of the secrets that the hub must be able to read again.
func factorPlace(id string) seal.Place {
	return seal.Place{Collection: "second_factors", Record: id, Field: "secret"}
}

func leasePlace(replica string) seal.Place {
	return seal.Place{Collection: "device_keys", Record: replica, Field: "lease_key"}
}

// sealSecret seals a secret under a key of the hub's own, bound to its place.
func (h *Hub) sealSecret(at seal.Place, secret []byte) ([]byte, error) {
	key, err := h.keys.toSeal(seal.Scope{Compartment: hubKeys})
	if err != nil {
		return nil, err
	}
	return key.box.Seal(nil, h.rand, at, secret)
}

func (h *Hub) openSecret(at seal.Place, sealed []byte) ([]byte, error) {
	key, err := h.keys.toOpen(sealed, "", "")
	if err != nil {
		return nil, wrap("opening a secret of "+at.Collection, err)
	}
	secret, err := key.box.Open(nil, at, sealed)
	return secret, wrap("opening a secret of "+at.Collection, err)
}

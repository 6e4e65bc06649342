package collections

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"

	"portolan/seal"
	fieldsync "portolan/sync"
)

// mac is HMAC-SHA256 under the hub's secret over the parts, each behind its
// length, for one use: base64url without padding.
func (h *Hub) mac(use string, parts ...string) string {
	if len(h.secret) == 0 {
		panic("collections: something was asked of a locked hub that takes its secret")
	}
	m := hmac.New(sha256.New, h.secret)
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

// sealSecret seals what the hub must be able to read again of a second factor,
// under a key of the hub's own, bound to the factor's id.
func (h *Hub) sealSecret(id string, secret []byte) ([]byte, error) {
	key, err := h.keys.toSeal(seal.Scope{Compartment: hubKeys})
	if err != nil {
		return nil, err
	}
	return key.box.Seal(nil, h.rand, secretPlace(id), secret)
}

func (h *Hub) openSecret(id string, sealed []byte) ([]byte, error) {
	key, err := h.keys.toOpen(sealed, "", "")
	if err != nil {
		return nil, wrap("opening a second factor", err)
	}
	secret, err := key.box.Open(nil, secretPlace(id), sealed)
	return secret, wrap("opening a second factor", err)
}

func secretPlace(id string) seal.Place {
	return seal.Place{Collection: "second_factors", Record: id, Field: "secret"}
}

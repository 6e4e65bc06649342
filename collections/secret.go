package collections

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"

	"golang.org/x/crypto/chacha20poly1305"

	fieldsync "portolan/sync"
)

// mac is HMAC-SHA256 under the hub's secret over the parts, each behind its
// length, for one use: base64url without padding.
func (h *Hub) mac(use string, parts ...string) string {
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
// bound to the factor's id.
func (h *Hub) sealSecret(id string, secret []byte) ([]byte, error) {
	box, err := h.secretBox()
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, box.NonceSize(), box.NonceSize()+len(secret)+box.Overhead())
	if _, err := io.ReadFull(h.rand, nonce); err != nil {
		return nil, wrap("sealing a second factor", err)
	}
	return box.Seal(nonce, nonce, secret, []byte(id)), nil
}

func (h *Hub) openSecret(id string, sealed []byte) ([]byte, error) {
	box, err := h.secretBox()
	if err != nil {
		return nil, err
	}
	if len(sealed) < box.NonceSize() {
		return nil, errors.New("opening a second factor: it is cut short")
	}
	secret, err := box.Open(nil, sealed[:box.NonceSize()], sealed[box.NonceSize():], []byte(id))
	return secret, wrap("opening a second factor", err)
}

// secretBox is the one place that says under which key second factors lie.
func (h *Hub) secretBox() (cipher.AEAD, error) {
	key := sha256.Sum256([]byte(h.mac("second factors")))
	box, err := chacha20poly1305.NewX(key[:])
	return box, wrap("opening second factors", err)
}

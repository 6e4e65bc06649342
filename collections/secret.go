package collections

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"

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

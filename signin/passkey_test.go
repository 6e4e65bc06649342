package signin

import (
	"errors"
	"testing"
)

// FuzzPasskey: what anybody may send makes an error, never a panic, and is not
// taken for a passkey of this site without its hash.
func FuzzPasskey(f *testing.F) {
	client := []byte(`{"type":"webauthn.create","challenge":"AAAA","origin":"https://hub.example.org"}`)
	f.Add(client, make([]byte, 37), []byte{0x30}, -7)
	f.Add(client, make([]byte, 60), []byte{}, -257)
	f.Add([]byte(`{`), []byte{}, []byte{}, 0)
	site := Site{ID: "hub.example.org", Origin: "https://hub.example.org"}
	f.Fuzz(func(t *testing.T, client, data, key []byte, algorithm int) {
		if _, err := site.Register([]byte{0, 0, 0}, Registration{client, data, key, algorithm}); !errors.Is(err, ErrPasskey) {
			t.Errorf("taken, or another error: %v", err)
		}
		if _, err := site.Check([]byte{0, 0, 0}, Passkey{PublicKey: key}, Assertion{client, data, key}); !errors.Is(err, ErrPasskey) {
			t.Errorf("taken, or another error: %v", err)
		}
	})
}

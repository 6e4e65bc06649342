package hubtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"

	"portolan/signin"
)

// Authenticator is a passkey in software, with the browser before it: it makes
// what both would make (W3C Web Authentication, §6).
type Authenticator struct {
	Origin, Party string // what the browser says, and the relying party that it asks for
	Credential    []byte
	Counter       uint32 // before it is used next; 0 stays 0
	Flags         byte
	Algorithm     int
	key           crypto.Signer
}

// NewAuthenticator makes a passkey of an algorithm for a site.
func NewAuthenticator(t testing.TB, site signin.Site, algorithm int) *Authenticator {
	t.Helper()
	a := &Authenticator{Origin: site.Origin, Party: site.ID, Credential: make([]byte, 32), Flags: 0x05, Algorithm: algorithm}
	rand.Read(a.Credential)
	var err error
	switch algorithm {
	case signin.ES256:
		a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case signin.Ed25519:
		_, a.key, err = ed25519.GenerateKey(rand.Reader)
	default:
		a.key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *Authenticator) clientData(t testing.TB, kind, challenge string) []byte {
	t.Helper()
	b, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": a.Origin, "crossOrigin": false})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (a *Authenticator) data(flags byte) []byte {
	if a.Counter > 0 {
		a.Counter++
	}
	party := sha256.Sum256([]byte(a.Party))
	return binary.BigEndian.AppendUint32(append(party[:], flags), a.Counter)
}

// Register answers a challenge in base64url with a new credential.
func (a *Authenticator) Register(t testing.TB, challenge string) signin.Registration {
	t.Helper()
	data := append(a.data(a.Flags|0x40), make([]byte, 16)...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.Credential)))
	data = append(data, a.Credential...) // the key in COSE follows here, which nobody reads
	der, err := x509.MarshalPKIXPublicKey(a.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return signin.Registration{ClientData: a.clientData(t, "webauthn.create", challenge), AuthenticatorData: data, PublicKey: der, Algorithm: a.Algorithm}
}

// Assert answers a challenge in base64url with a signature.
func (a *Authenticator) Assert(t testing.TB, challenge string) signin.Assertion {
	t.Helper()
	r := signin.Assertion{ClientData: a.clientData(t, "webauthn.get", challenge), AuthenticatorData: a.data(a.Flags)}
	hash := sha256.Sum256(r.ClientData)
	signed, opts := append(append([]byte{}, r.AuthenticatorData...), hash[:]...), crypto.SignerOpts(crypto.SHA256)
	if a.Algorithm == signin.Ed25519 {
		opts = crypto.Hash(0)
	} else {
		sum := sha256.Sum256(signed)
		signed = sum[:]
	}
	var err error
	if r.Signature, err = a.key.Sign(rand.Reader, signed, opts); err != nil {
		t.Fatal(err)
	}
	return r
}

// Created is what a browser sends of a registration (RegistrationResponseJSON).
func (a *Authenticator) Created(r signin.Registration) map[string]any {
	b64 := base64.RawURLEncoding.EncodeToString
	return map[string]any{"id": b64(a.Credential), "rawId": b64(a.Credential), "type": "public-key", "authenticatorAttachment": "platform",
		"clientExtensionResults": map[string]any{}, "response": map[string]any{"clientDataJSON": b64(r.ClientData),
			"authenticatorData": b64(r.AuthenticatorData), "publicKey": b64(r.PublicKey), "publicKeyAlgorithm": r.Algorithm,
			"attestationObject": "o2NmbXRkbm9uZQ", "transports": []string{"internal"}}}
}

// Shown is what a browser sends of an assertion (AuthenticationResponseJSON).
func (a *Authenticator) Shown(r signin.Assertion) map[string]any {
	b64 := base64.RawURLEncoding.EncodeToString
	return map[string]any{"id": b64(a.Credential), "rawId": b64(a.Credential), "type": "public-key", "authenticatorAttachment": "platform",
		"clientExtensionResults": map[string]any{}, "response": map[string]any{"clientDataJSON": b64(r.ClientData),
			"authenticatorData": b64(r.AuthenticatorData), "signature": b64(r.Signature), "userHandle": ""}}
}

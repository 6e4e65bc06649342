package signin

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
)

// Passkeys are Web Authentication (W3C, Level 3) as a second factor, without
// attestation: whose make an authenticator is does not matter here, and nothing
// that only attestation would prove is believed. A browser hands over the parts
// of what the authenticator made (§5.2.1.1, "easily accessing credential data"),
// so that no CBOR is read.

// COSE names of the algorithms that are taken (IANA COSE Algorithms).
const (
	ES256   = -7
	Ed25519 = -8
	RS256   = -257
)

// Algorithms that are offered, the best first.
var Algorithms = []int{ES256, Ed25519, RS256}

// Bounds on what is read, and how many bits an RSA key has at least.
const (
	credentialBytesMax = 1023 // §5.8.3
	rsaBitsMin         = 2048
	headerBytes        = 32 + 1 + 4 // rpIdHash, flags, signCount (§6.1)
)

// Flags of authenticator data (§6.1).
const (
	flagPresent  = 0x01 // somebody touched it
	flagAttested = 0x40 // a credential follows
)

// ErrPasskey says that what a passkey showed is not right.
var ErrPasskey = errors.New("the passkey's answer is not right")

func passkeyError(what string) error { return fmt.Errorf("%w: %s", ErrPasskey, what) }

// Site is whom a passkey is for: the relying party and its one origin.
type Site struct{ ID, Origin string }

// SiteOf is the site at an address. Browsers make passkeys for names alone, and
// only where the line is safe: false for an IP address or plain http, but for
// localhost.
func SiteOf(address string) (Site, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || net.ParseIP(u.Hostname()) != nil {
		return Site{}, false
	}
	if u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "localhost") {
		return Site{}, false
	}
	return Site{ID: u.Hostname(), Origin: u.Scheme + "://" + u.Host}, true
}

// Registration is what a browser hands over of a new passkey.
type Registration struct {
	ClientData        []byte
	AuthenticatorData []byte
	PublicKey         []byte // SubjectPublicKeyInfo, DER
	Algorithm         int
}

// Passkey is what is kept of one.
type Passkey struct {
	Credential []byte
	PublicKey  []byte
	Counter    int64
}

// Register checks a new passkey against the challenge that was given for it.
func (s Site) Register(challenge []byte, r Registration) (Passkey, error) {
	if err := s.clientData(r.ClientData, "webauthn.create", challenge); err != nil {
		return Passkey{}, err
	}
	flags, counter, rest, err := s.authenticatorData(r.AuthenticatorData)
	if err != nil {
		return Passkey{}, err
	}
	const aaguid = 16
	if flags&flagAttested == 0 || len(rest) < aaguid+2 {
		return Passkey{}, passkeyError("there is no credential in it")
	}
	n := int(binary.BigEndian.Uint16(rest[aaguid:]))
	if rest = rest[aaguid+2:]; n == 0 || n > credentialBytesMax || n > len(rest) {
		return Passkey{}, passkeyError("the credential's id is too long")
	}
	if _, err := publicKey(r.PublicKey, r.Algorithm); err != nil {
		return Passkey{}, err
	}
	return Passkey{Credential: bytes.Clone(rest[:n]), PublicKey: r.PublicKey, Counter: counter}, nil
}

// Assertion is what a browser hands over where a passkey is shown.
type Assertion struct {
	ClientData        []byte
	AuthenticatorData []byte
	Signature         []byte
}

// Check checks that a passkey signed the challenge for this site, and returns
// its counter. A counter that does not grow is a copy (§6.1.1); many passkeys
// count nothing and stay at 0.
func (s Site) Check(challenge []byte, p Passkey, a Assertion) (counter int64, err error) {
	if err := s.clientData(a.ClientData, "webauthn.get", challenge); err != nil {
		return 0, err
	}
	_, counter, _, err = s.authenticatorData(a.AuthenticatorData)
	if err != nil {
		return 0, err
	}
	hash := sha256.Sum256(a.ClientData)
	if err := verify(p.PublicKey, append(bytes.Clone(a.AuthenticatorData), hash[:]...), a.Signature); err != nil {
		return 0, err
	}
	if (counter != 0 || p.Counter != 0) && counter <= p.Counter {
		return 0, passkeyError("its counter did not grow: it was copied")
	}
	return counter, nil
}

// clientData checks what the browser says that it was asked (§5.8.1).
func (s Site) clientData(b []byte, kind string, challenge []byte) error {
	var c struct {
		Type        string `json:"type"`
		Challenge   string `json:"challenge"`
		Origin      string `json:"origin"`
		CrossOrigin bool   `json:"crossOrigin"`
		TopOrigin   string `json:"topOrigin"`
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return passkeyError("its client data is no JSON")
	}
	given, err := base64.RawURLEncoding.DecodeString(c.Challenge)
	switch {
	case c.Type != kind:
		return passkeyError("it is of another kind")
	case err != nil || len(challenge) == 0 || subtle.ConstantTimeCompare(given, challenge) != 1:
		return passkeyError("it answers another challenge")
	case c.Origin != s.Origin || c.CrossOrigin || c.TopOrigin != "":
		return passkeyError("it was made for another site")
	}
	return nil
}

func (s Site) authenticatorData(b []byte) (flags byte, counter int64, rest []byte, err error) {
	if len(b) < headerBytes {
		return 0, 0, nil, passkeyError("it is cut short")
	}
	party := sha256.Sum256([]byte(s.ID))
	if subtle.ConstantTimeCompare(b[:32], party[:]) != 1 {
		return 0, 0, nil, passkeyError("it is for another site")
	}
	if flags = b[32]; flags&flagPresent == 0 {
		return 0, 0, nil, passkeyError("nobody touched it")
	}
	return flags, int64(binary.BigEndian.Uint32(b[33:])), b[headerBytes:], nil
}

// publicKey reads a key of the algorithm that is named, 0 for any.
func publicKey(der []byte, algorithm int) (crypto.PublicKey, error) {
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, passkeyError("its public key cannot be read")
	}
	is := 0
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			is = ES256
		}
	case ed25519.PublicKey:
		is = Ed25519
	case *rsa.PublicKey:
		if k.N.BitLen() >= rsaBitsMin {
			is = RS256
		}
	}
	if is == 0 || algorithm != 0 && algorithm != is {
		return nil, passkeyError("its public key is of a kind that is not taken")
	}
	return key, nil
}

func verify(der, signed, signature []byte) error {
	key, err := publicKey(der, 0)
	if err != nil {
		return err
	}
	hash, good := sha256.Sum256(signed), false
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		good = ecdsa.VerifyASN1(k, hash[:], signature)
	case ed25519.PublicKey:
		good = ed25519.Verify(k, signed, signature)
	case *rsa.PublicKey:
		good = rsa.VerifyPKCS1v15(k, crypto.SHA256, hash[:], signature) == nil
	}
	if !good {
		return passkeyError("its signature is wrong")
	}
	return nil
}

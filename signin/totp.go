// Package signin is what a person shows to sign in, beside their password:
// one-time codes of an authenticator app and passkeys. It decides whether what
// was shown is right, and keeps nothing.
package signin

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

// What authenticator apps take everywhere (RFC 6238 §4, and the Key URI format
// of Google Authenticator, whose other settings many apps ignore).
const (
	SecretBytes = 20 // RFC 4226 §4 R6 recommends 160 bits
	CodeDigits  = 6
	StepSeconds = 30
	// Window is how many steps a clock may be off, either way (RFC 6238 §5.2
	// recommends one).
	Window = 1
)

var secretEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewSecret makes the secret that the app and the hub share.
func NewSecret(rand io.Reader) ([]byte, error) {
	b := make([]byte, SecretBytes)
	if _, err := io.ReadFull(rand, b); err != nil {
		return nil, fmt.Errorf("making a secret: %w", err)
	}
	return b, nil
}

// SecretText is a secret as it is typed into an app: base 32.
func SecretText(secret []byte) string { return secretEncoding.EncodeToString(secret) }

// ParseSecret reads a secret that was typed: spaces and small letters do no
// harm.
func ParseSecret(text string) ([]byte, error) {
	b, err := secretEncoding.DecodeString(strings.TrimRight(strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(text)), "="))
	if err != nil || len(b) == 0 {
		return nil, fmt.Errorf("a secret is base 32")
	}
	return b, nil
}

// SecretURI is what an authenticator app reads from a QR code.
func SecretURI(issuer, login string, secret []byte) string {
	q := url.Values{"secret": {SecretText(secret)}, "issuer": {issuer}}
	return "otpauth://totp/" + url.PathEscape(issuer) + ":" + url.PathEscape(login) + "?" + q.Encode()
}

// Step is the number of the time step of a moment (RFC 6238 §4.2).
func Step(at time.Time) int64 {
	step := at.Unix() / StepSeconds
	return max(step, 0)
}

// Code is the code of a step: HOTP with SHA-1 (RFC 4226 §5.3).
func Code(secret []byte, step int64) string { return code(secret, step, CodeDigits) }

func code(secret []byte, step int64, digits int) string {
	m := hmac.New(sha1.New, secret)
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := m.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	n, modulus := binary.BigEndian.Uint32(sum[offset:])&0x7fffffff, uint32(1)
	for range digits {
		modulus *= 10
	}
	return fmt.Sprintf("%0*d", digits, n%modulus)
}

// Check says whether a code is good at a moment, and of which step it is. A
// code of the step after, or of one before it, is never good: each is used
// once (RFC 6238 §5.2), and the caller keeps the last step that was.
func Check(secret []byte, given string, at time.Time, after int64) (step int64, good bool) {
	now := Step(at)
	for s := now - Window; s <= now+Window; s++ {
		// Every step is worked out, so that the time says nothing.
		right := subtle.ConstantTimeCompare([]byte(Code(secret, s)), []byte(given)) == 1
		if right && s > after && !good {
			step, good = s, true
		}
	}
	return step, good
}

package signin

import (
	"bytes"
	"net/url"
	"testing"
	"time"
)

// RFC 6238 appendix B, the rows of SHA-1, 8 digits.
func TestRFC6238Vectors(t *testing.T) {
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{
		59: "94287082", 1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130",
	} {
		if got := code(secret, Step(time.Unix(at, 0)), 8); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
		if got := Code(secret, Step(time.Unix(at, 0))); got != want[2:] {
			t.Errorf("at %d, six digits: %s, want %s", at, got, want[2:])
		}
	}
}

func TestACodeIsGoodInItsWindowAndOnce(t *testing.T) {
	secret, now := []byte("12345678901234567890"), time.Unix(1111111109, 0)
	step := Step(now)
	for off := int64(-3); off <= 3; off++ {
		_, good := Check(secret, Code(secret, step+off), now, 0)
		if want := off >= -Window && off <= Window; good != want {
			t.Errorf("%d steps off: %v, want %v", off, good, want)
		}
	}
	used, good := Check(secret, Code(secret, step), now, 0)
	if !good || used != step {
		t.Fatalf("step %d, %v", used, good)
	}
	for _, s := range []int64{step - 1, step} {
		if _, again := Check(secret, Code(secret, s), now, used); again {
			t.Errorf("the code of step %d is good after that of %d was used", s, used)
		}
	}
	for _, bad := range []string{"", "0", "000000", Code(secret, step) + "0", "٠٠٠٠٠٠"} {
		if _, good := Check(secret, bad, now, 0); good {
			t.Errorf("%q is good", bad)
		}
	}
}

func TestSecretsAreWrittenAndRead(t *testing.T) {
	secret, err := NewSecret(bytes.NewReader(bytes.Repeat([]byte{0xa5}, SecretBytes)))
	if err != nil {
		t.Fatal(err)
	}
	text := SecretText(secret)
	for _, typed := range []string{text, text[:4] + " " + text[4:], string(bytes.ToLower([]byte(text)))} {
		if got, err := ParseSecret(typed); err != nil || !bytes.Equal(got, secret) {
			t.Errorf("%q: %x %v", typed, got, err)
		}
	}
	for _, bad := range []string{"", "1", "!!!!"} {
		if _, err := ParseSecret(bad); err == nil {
			t.Errorf("%q is read as a secret", bad)
		}
	}
	if _, err := NewSecret(bytes.NewReader(nil)); err == nil {
		t.Error("a secret without randomness")
	}
	u, err := url.Parse(SecretURI("Portolan", "a.b@c", secret))
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Portolan:a.b@c" || u.Query().Get("secret") != text || u.Query().Get("issuer") != "Portolan" {
		t.Errorf("%v %v", u, err)
	}
}

package ops

import (
	"bytes"
	"crypto/ed25519"
	"image"
	"image/color"
	"image/png"
	"math/rand"
	"os"
	"regexp"
	"strings"
	"testing"

	"rsc.io/qr"

	"portolan/capsule"
	"portolan/care"
)

// TestCapsulesAndTrustAtTheConsole: a code from another hub, as text, as a
// picture and through a pipe, before and after its hub is trusted.
func TestCapsulesAndTrustAtTheConsole(t *testing.T) {
	c := newConsole(t)
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "asha", "--role", "outreach")
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "olga", "--role", "protection_officer")
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	const words = "bado kiru mesa tilo vuna"
	text, _, err := capsule.Make(rand.New(rand.NewSource(1)), capsule.Record{Paper: capsule.Paper{1}, Day: "2026-11-20", Languages: []string{"fr"},
		Entries: []capsule.Entry{{Collection: "medicines", Set: map[string]care.Value{"substance": care.OfText("ibuprofen"), "dose": care.OfText("417 mg"), "status": care.OfText("active")}}}}, key, words)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.env.Path("code.txt"), []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.env.Path("code.png"), drawn(t, text), 0o600); err != nil {
		t.Fatal(err)
	}
	c.vars[WordsVariable] = "other words"
	c.must(t, ExitFault, "capsule", "open", "--dir", "hub", "--as", "asha", "code.txt")
	c.vars[WordsVariable] = words
	said := c.must(t, ExitFault, "capsule", "open", "--dir", "hub", "--as", "asha", "code.txt")
	if !strings.Contains(said, "UNKNOWN") || !strings.Contains(said, "417 mg") {
		t.Errorf("of nobody who is trusted: %s", said)
	}
	c.must(t, ExitFault, "capsule", "open", "--dir", "hub", "--as", "asha", "--import", "code.txt")
	c.must(t, ExitUsage, "capsule", "open", "--dir", "hub", "code.txt")

	public := key.Public().(ed25519.PublicKey)
	add := func(heard string) []string {
		return []string{"trust", "add", capsule.FormatKey(public), "--dir", "hub", "--name", "The others", "--heard", heard, "--as"}
	}
	c.must(t, ExitForbidden, append(add(capsule.Fingerprint(public)), "asha")...)
	c.secondFactor(t, "olga")
	c.must(t, ExitFault, append(add("11111 22222"), "olga")...)
	c.must(t, ExitOK, append(add(capsule.Fingerprint(public)), "olga")...)
	if l := c.must(t, ExitOK, "trust", "list", "--dir", "hub", "--as", "olga"); !strings.Contains(l, "The others") || !strings.Contains(l, capsule.Fingerprint(public)) {
		t.Errorf("the list: %s", l)
	}
	if own := c.must(t, ExitOK, "trust", "show", "--dir", "hub", "--as", "olga"); !regexp.MustCompile(`(?m)^  (\d{5} ){5}\d{5}$`).MatchString(own) {
		t.Errorf("the own key: %s", own)
	}
	said = c.must(t, ExitOK, "capsule", "open", "--dir", "hub", "--as", "asha", "--import", "code.png")
	if !strings.Contains(said, "signed by    The others") || !strings.Contains(said, "medicines 1") {
		t.Errorf("taken in: %s", said)
	}
	c.env.Stdin = strings.NewReader(text)
	if said := c.must(t, ExitOK, "capsule", "open", "--dir", "hub", "--as", "asha", "--import", "-"); !strings.Contains(said, "taken      0") {
		t.Errorf("again: %s", said)
	}
	c.must(t, ExitOK, "trust", "remove", capsule.FormatKey(public), "--dir", "hub", "--as", "olga")
}

// drawn is a code as a picture.
func drawn(t *testing.T, text string) []byte {
	t.Helper()
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	const dots, edge = 4, 4
	side := (code.Size + 2*edge) * dots
	g := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			if !code.Black(x/dots-edge, y/dots-edge) {
				g.SetGray(x, y, color.Gray{Y: 255})
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

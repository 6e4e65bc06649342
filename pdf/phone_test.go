package pdf

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The edition for a telephone opens with its passphrase and without it shows
// nothing: not its text, its title, its day, nor what lies inside.
func TestThePhoneEditionOpensWithItsWordsAlone(t *testing.T) {
	words, bundle := "bado kiru mesa tilo vuna", []byte(`{"resourceType":"Bundle"}`)
	for _, pair := range [][2]string{{"ar", "fr"}, {"my", "th"}} {
		var b bytes.Buffer
		o := Options{Text: catalogue(t), Phone: &Phone{Passphrase: words, Rand: rand.NewChaCha8([32]byte{1}), Bundle: bundle}}
		if err := Render(&b, example(pair[0], pair[1]), o); err != nil {
			t.Fatal(err)
		}
		title, _ := catalogue(t)(pair[0], "pdf.title")
		for _, secret := range []string{"Sertraline", title, "2026", "Bundle", words, "summary.json", "pdfaid"} {
			if bytes.Contains(b.Bytes(), []byte(secret)) {
				t.Errorf("%v: %q can be read without the words", pair, secret)
			}
		}
		file := filepath.Join(t.TempDir(), "summary.pdf")
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("pdftotext", "-upw", words, file, "-").Output()
		if err != nil || !strings.Contains(string(out), "50 mg") || !strings.Contains(string(out), "2026-12-11") {
			t.Errorf("%v: with the words poppler reads %d bytes, %v", pair, len(out), err)
		}
		inside := filepath.Join(t.TempDir(), "inside.json")
		if said, err := exec.Command("pdfdetach", "-upw", words, "-save", "1", "-o", inside, file).CombinedOutput(); err != nil {
			t.Errorf("%v: %v, %s", pair, err, said)
		}
		if got, err := os.ReadFile(inside); err != nil || !bytes.Equal(got, bundle) {
			t.Errorf("%v: inside lies %q, %v", pair, got, err)
		}
		if out, err := exec.Command("pdftotext", "-upw", "bado kiru mesa tilo vuno", file, "-").Output(); err == nil || len(out) > 0 {
			t.Errorf("%v: it opens with other words", pair)
		}
	}
	for _, bad := range []string{"", "пять слов", strings.Repeat("x", 128)} {
		o := Options{Text: catalogue(t), Phone: &Phone{Passphrase: bad, Rand: rand.NewChaCha8([32]byte{1})}}
		if err := Render(&bytes.Buffer{}, example("fr", "es"), o); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestWordsCanBeSaid(t *testing.T) {
	r := rand.NewChaCha8([32]byte{7})
	seen := map[string]bool{}
	for range 2000 {
		words, err := Words(r)
		if err != nil || !regexp.MustCompile(`^([bdfgklmnprstvz][aeiou]){2}( ([bdfgklmnprstvz][aeiou]){2}){4}$`).MatchString(words) {
			t.Fatalf("%q, %v", words, err)
		}
		if seen[words] {
			t.Fatalf("%q was drawn twice", words)
		}
		seen[words] = true
		for word := range strings.FieldsSeq(words) {
			if slices.Contains(unsaid, word) {
				t.Errorf("%q was drawn", word)
			}
		}
	}
	if _, err := Words(strings.NewReader("abc")); err == nil {
		t.Error("too little chance made a passphrase")
	}
}

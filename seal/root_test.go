package seal

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestAPassphraseOpensItsKeyFileAndNoOther(t *testing.T) {
	k := mustKey(t, dice(1))
	l, err := Lock(dice(2), k, "five plain  words make it ", PassphraseCost)
	if err != nil {
		t.Fatal(err)
	}
	plain, parsed, err := ParseKeyFile(l.File())
	if err != nil || parsed == nil || plain != (Key{}) {
		t.Fatalf("read back: %v %v", parsed, err)
	}
	if got, err := parsed.Open("five plain words  make it"); err != nil || got != k {
		t.Errorf("with its passphrase: %v", err)
	}
	for _, wrong := range []string{"", "five plain words make", "Five plain words make it", "fiveplainwordsmakeit"} {
		if _, err := parsed.Open(wrong); !errors.Is(err, ErrPassphrase) {
			t.Errorf("with %q: %v", wrong, err)
		}
	}
	if bytes.Contains(l.File(), []byte(fmt.Sprintf("%x", k[:8]))) {
		t.Error("the key stands in the file")
	}
	// What asks for less work, or for all the memory, is not believed.
	good := strings.Fields(strings.Split(string(l.File()), "\n")[2])
	for name, change := range map[string][2]string{"little memory": {"65536", "8"}, "all the memory": {"65536", "4294967295"}, "no pass": {" 3 ", " 0 "}, "many passes": {" 3 ", " 4000000 "}} {
		body := strings.Replace(strings.Join(good[:6], " "), change[0], change[1], 1)
		if _, _, err := ParseKeyFile([]byte(body + " " + checkSum(body))); !errors.Is(err, ErrKeyFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEveryChoiceOfEnoughSharesOpensTheKey goes through all subsets.
func TestEveryChoiceOfEnoughSharesOpensTheKey(t *testing.T) {
	k := mustKey(t, dice(1))
	for n := 2; n <= 6; n++ {
		for need := 2; need <= n; need++ {
			shares, err := Split(dice(byte(n*8+need)), k, n, need)
			if err != nil {
				t.Fatal(err)
			}
			for set := range 1 << n {
				var some []Share
				for i, s := range shares {
					if set>>i&1 == 1 {
						some = append(some, s)
					}
				}
				slices.Reverse(some)
				got, err := Combine(some)
				if enough := len(some) >= need; enough != (err == nil) || enough && got != k {
					t.Errorf("%d of %d, set %b: %v", need, n, set, err)
				}
			}
		}
	}
}

func TestSharesArePrintedAndTyped(t *testing.T) {
	k := mustKey(t, dice(1))
	shares, err := Split(dice(2), k, 5, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range shares {
		text := s.Text()
		for _, typed := range []string{text, strings.ToLower(text), strings.ReplaceAll(text, "-", " "), strings.NewReplacer("0", "o", "1", "l").Replace(text) + "\n"} {
			if got, err := ParseShare(typed); err != nil || got != s {
				t.Errorf("%q: %v", typed, err)
			}
		}
		for i, c := range text {
			if c == '-' {
				continue
			}
			other := byte('2')
			if c == '2' {
				other = '3'
			}
			if _, err := ParseShare(text[:i] + string(other) + text[i+1:]); !errors.Is(err, ErrShare) {
				t.Errorf("a slip at %d: %v", i, err)
			}
		}
		if _, err := ParseShare(text[:len(text)-1]); !errors.Is(err, ErrShare) {
			t.Errorf("cut: %v", err)
		}
		if out := fmt.Sprintf("%v %+v %#v", s, s, s); out != "[share] [share] [share]" {
			t.Errorf("a share prints as %s", out)
		}
	}
	again, err := Split(dice(3), k, 5, 3)
	if err != nil {
		t.Fatal(err)
	}
	other, err := Split(dice(2), mustKey(t, dice(9)), 5, 3)
	if err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string][]Share{"none": nil, "of two splittings": {shares[0], shares[1], again[2]}, "of two keys": {shares[0], shares[1], other[2]}, "one twice": {shares[0], shares[1], shares[1]}} {
		if _, err := Combine(set); !errors.Is(err, ErrShares) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range [][2]int{{1, 1}, {5, 1}, {2, 3}, {33, 2}, {0, 0}} {
		if _, err := Split(dice(1), k, c[0], c[1]); !errors.Is(err, ErrShareCount) {
			t.Errorf("%d of %d: %v", c[1], c[0], err)
		}
	}
	if _, err := Split(bytes.NewReader(nil), k, 3, 2); err == nil {
		t.Error("split without randomness")
	}
}

// Fewer shares than needed fit every key: for any key there is a polynomial
// through them. Seen here in its simplest form, one share of two.
func TestOneShareOfTwoFitsEveryKey(t *testing.T) {
	seen := map[byte]bool{}
	for value := range 256 {
		for slope := range 256 {
			if byte(value)^gfMul(byte(slope), 1) == 0x42 {
				seen[byte(value)] = true
			}
		}
	}
	if len(seen) != 256 {
		t.Errorf("a share leaves %d of 256 values", len(seen))
	}
}

func TestTheFieldIsThatOfAES(t *testing.T) {
	// FIPS 197, §4.2: {57}·{83} = {c1}, {57}·{13} = {fe}.
	if gfMul(0x57, 0x83) != 0xc1 || gfMul(0x57, 0x13) != 0xfe {
		t.Error("multiplication differs")
	}
	for a := 1; a < 256; a++ {
		if gfMul(byte(a), gfInverse(byte(a))) != 1 {
			t.Errorf("%#x has no inverse", a)
		}
	}
}

func TestIntakeOpensInItsPlaceAlone(t *testing.T) {
	private, public, err := NewIntakeKey()
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := SealIntake(public, home, []byte("a push"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := OpenIntake(private, home, sealed); err != nil || string(got) != "a push" {
		t.Errorf("%q, %v", got, err)
	}
	other, otherPublic, err := NewIntakeKey()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(public, otherPublic) {
		t.Error("two keys are one")
	}
	if _, err := OpenIntake(other, home, sealed); !errors.Is(err, ErrDamaged) {
		t.Errorf("another key: %v", err)
	}
	if _, err := OpenIntake(private, Place{"intake", "other", ""}, sealed); !errors.Is(err, ErrDamaged) {
		t.Errorf("another place: %v", err)
	}
	for i := 0; i < len(sealed); i += 17 {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := OpenIntake(private, home, bad); err == nil {
			t.Errorf("byte %d altered: it opens", i)
		}
	}
	for _, k := range [][]byte{nil, {1}, public[1:]} {
		if _, err := SealIntake(k, home, nil); err == nil {
			t.Error("sealed to no key")
		}
		if _, err := OpenIntake(k, home, sealed); err == nil {
			t.Error("opened by no key")
		}
	}
}

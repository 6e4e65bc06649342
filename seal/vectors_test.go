package seal

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// vector is one line of testdata/vectors.json; byte strings are base64.
type vector struct {
	Name, Kind string
	ID         uint64
	Key        []byte
	Place      [3]string // of a key: organisation, case, compartment
	Nonce      []byte
	Plain      []byte
	Sealed     []byte
}

func readVectors(t testing.TB) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var l []vector
	if err := json.Unmarshal(b, &l); err != nil || len(l) < 6 {
		t.Fatalf("%d vectors: %v", len(l), err)
	}
	return l
}

func FuzzOpen(f *testing.F) {
	b := NewBox(7, mustKey(f, dice(1)))
	for _, v := range readVectors(f) {
		f.Add(v.Sealed)
	}
	f.Add(mustSeal(f, b, home, "Blue Heron"))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		plain, err := b.Open(nil, home, sealed)
		if err == nil && len(plain) != len(sealed)-Overhead {
			t.Errorf("%d bytes from %d", len(plain), len(sealed))
		}
		if _, err := b.Unwrap(KeyName{ID: 1}, sealed); err == nil {
			t.Error("made bytes open as a key")
		}
	})
}

func FuzzOpenFile(f *testing.F) {
	b := NewBox(7, mustKey(f, dice(1)))
	good := sealFile(f, b, home, bytes.Repeat([]byte("page "), 30_000), 6)
	f.Add(good)
	f.Add(sealFile(f, b, home, nil, 6))
	f.Add(good[:len(good)-sealedChunk])
	f.Fuzz(func(t *testing.T, sealed []byte) {
		plain, err := openFile(b, home, sealed)
		if err != nil {
			return
		}
		again := sealFile(t, b, home, plain, 6)
		if bytes.Equal(sealed[:fileHeadBytes], good[:fileHeadBytes]) && !bytes.Equal(again, sealed) {
			t.Error("two sealed files of one nonce open")
		}
	})
}

func FuzzParseKeyFile(f *testing.F) {
	f.Add(KeyFile(mustKey(f, dice(1))))
	f.Add([]byte("# nothing\n"))
	locked, err := Lock(dice(1), Key{}, "five plain words make it", PassphraseCost)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(locked.File())
	f.Fuzz(func(t *testing.T, b []byte) {
		k, locked, err := ParseKeyFile(b)
		if err != nil {
			return
		}
		again := KeyFile(k)
		if locked != nil {
			again = locked.File()
		}
		if other, lockedToo, err := ParseKeyFile(again); err != nil || other != k || (locked == nil) != (lockedToo == nil) {
			t.Errorf("read back: %v", err)
		}
	})
}

func FuzzParseShare(f *testing.F) {
	shares, err := Split(dice(1), mustKey(f, dice(2)), 3, 2)
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range shares {
		f.Add(s.Text())
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseShare(text)
		if err != nil {
			return
		}
		if again, err := ParseShare(s.Text()); err != nil || again != s {
			t.Errorf("read back: %v", err)
		}
		if _, err := Combine([]Share{s, s}); err == nil {
			t.Error("one share opens the key")
		}
	})
}

func FuzzOpenIntake(f *testing.F) {
	private, public, err := NewIntakeKey()
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := SealIntake(public, home, []byte("a push"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Fuzz(func(t *testing.T, b []byte) {
		if plain, err := OpenIntake(private, home, b); err == nil && string(plain) != "a push" {
			t.Errorf("opens as %q", plain)
		}
	})
}

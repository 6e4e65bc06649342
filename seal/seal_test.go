package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// dice is randomness from a seed: the same seed, the same sealed bytes.
func dice(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

func mustKey(t testing.TB, r io.Reader) Key {
	t.Helper()
	k, err := NewKey(r)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var home = Place{"survivors", "01930000-0000-7000-8000-0000000000a1", "alias"}

func mustSeal(t testing.TB, b *Box, at Place, plain string) []byte {
	t.Helper()
	sealed, err := b.Seal(nil, dice(9), at, []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestASealedValueOpensInItsPlace(t *testing.T) {
	b := NewBox(7, mustKey(t, dice(1)))
	for _, plain := range []string{"", "x", strings.Repeat("long ", 20_000)} {
		sealed, err := b.Seal([]byte("before"), dice(2), home, []byte(plain))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(sealed, []byte("before")) || len(sealed) != len("before")+Overhead+len(plain) {
			t.Errorf("%d bytes for %d", len(sealed), len(plain))
		}
		sealed = sealed[len("before"):]
		if id, err := KeyID(sealed); err != nil || id != 7 {
			t.Errorf("the key's id: %d, %v", id, err)
		}
		opened, err := b.Open([]byte("kept "), home, sealed)
		if err != nil || string(opened) != "kept "+plain {
			t.Errorf("opened %d bytes, %v", len(opened), err)
		}
	}
}

// Whoever can write to the store can move sealed bytes about, but not so that
// they say something in another place.
func TestASealedValueOpensNowhereElse(t *testing.T) {
	k := mustKey(t, dice(1))
	b := NewBox(7, k)
	sealed := mustSeal(t, b, home, "Blue Heron")
	for name, at := range map[string]Place{
		"another collection": {"identities", home.Record, home.Field},
		"another record":     {home.Collection, "01930000-0000-7000-8000-0000000000a2", home.Field},
		"another field":      {home.Collection, home.Record, "pronouns"},
		"parts moved":        {home.Collection + home.Record, "", home.Field},
		"nowhere":            {},
	} {
		if _, err := b.Open(nil, at, sealed); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewBox(7, mustKey(t, dice(2))).Open(nil, home, sealed); !errors.Is(err, ErrDamaged) {
		t.Errorf("another key under the same id: %v", err)
	}
	if _, err := NewBox(8, k).Open(nil, home, sealed); !errors.Is(err, ErrKey) {
		t.Errorf("another id: %v", err)
	}
	if _, err := b.Unwrap(KeyName{ID: 1}, sealed); !errors.Is(err, ErrDamaged) {
		t.Errorf("a value as a key: %v", err)
	}
	if err := b.OpenFile(io.Discard, bytes.NewReader(sealed), home); !errors.Is(err, ErrFormat) {
		t.Errorf("a value as a file: %v", err)
	}
}

func TestEveryBitOfASealedValueCounts(t *testing.T) {
	b := NewBox(7, mustKey(t, dice(1)))
	sealed := mustSeal(t, b, home, "Blue Heron")
	for i := range sealed {
		for bit := range 8 {
			bad := bytes.Clone(sealed)
			bad[i] ^= 1 << bit
			if opened, err := b.Open(nil, home, bad); err == nil || len(opened) > 0 {
				t.Errorf("byte %d bit %d flipped: opens as %q", i, bit, opened)
			}
		}
		if _, err := b.Open(nil, home, sealed[:i]); err == nil {
			t.Errorf("cut to %d bytes it opens", i)
		}
	}
	if _, err := b.Open(nil, home, append(bytes.Clone(sealed), 0)); err == nil {
		t.Error("with a byte more it opens")
	}
}

func TestTheSameValueIsSealedDifferentlyEachTime(t *testing.T) {
	b, r, seen := NewBox(7, mustKey(t, dice(1))), dice(3), map[string]bool{}
	for range 1000 {
		sealed, err := b.Seal(nil, r, home, []byte("positive"))
		if err != nil || seen[string(sealed)] {
			t.Fatalf("twice the same bytes: %v", err)
		}
		seen[string(sealed)] = true
	}
}

func TestWithoutRandomnessNothingIsSealed(t *testing.T) {
	b := NewBox(7, mustKey(t, dice(1)))
	if _, err := b.Seal(nil, strings.NewReader("short"), home, []byte("x")); err == nil {
		t.Error("sealed without a nonce")
	}
	if _, err := NewKey(strings.NewReader("short")); err == nil {
		t.Error("half a key")
	}
	if err := b.SealFile(io.Discard, strings.NewReader("x"), strings.NewReader("short"), home); err == nil {
		t.Error("a file sealed without a nonce")
	}
}

func TestTheTreeOfKeys(t *testing.T) {
	r := dice(4)
	root := RootBox(mustKey(t, r))
	raw := mustKey(t, r)
	name := KeyName{ID: 11, Scope: Scope{Org: "org", Case: "case", Compartment: "health"}, Epoch: 2}
	wrapped, err := root.Wrap(r, name, raw)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := root.Unwrap(name, wrapped); err != nil || got != raw {
		t.Errorf("unwrapped: %v", err)
	}
	for what, other := range map[string]KeyName{
		"another id":           {12, name.Scope, 2},
		"another organisation": {11, Scope{"other", "case", "health"}, 2},
		"another case":         {11, Scope{"org", "other", "health"}, 2},
		"another compartment":  {11, Scope{"org", "case", "legal"}, 2},
		"another epoch":        {11, name.Scope, 3},
	} {
		if _, err := root.Unwrap(other, wrapped); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := RootBox(mustKey(t, r)).Unwrap(name, wrapped); !errors.Is(err, ErrKey) {
		t.Errorf("another root: %v", err)
	}
	if s := fmt.Sprintf("%v %+v %#v %s", raw, raw, raw, raw); strings.Contains(s, fmt.Sprint(raw[0], raw[1])) || s != "[key] [key] [key] [key]" {
		t.Errorf("a key prints as %s", s)
	}
}

func sealFile(t testing.TB, b *Box, at Place, plain []byte, seed byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := b.SealFile(&out, bytes.NewReader(plain), dice(seed), at); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func openFile(b *Box, at Place, sealed []byte) ([]byte, error) {
	var out bytes.Buffer
	err := b.OpenFile(&out, bytes.NewReader(sealed), at)
	return out.Bytes(), err
}

func TestASealedFileOpens(t *testing.T) {
	b := NewBox(7, mustKey(t, dice(1)))
	for _, n := range []int{0, 1, ChunkBytes - 1, ChunkBytes, ChunkBytes + 1, 3 * ChunkBytes, 3*ChunkBytes + 17} {
		plain := make([]byte, n)
		if _, err := io.ReadFull(dice(5), plain); err != nil {
			t.Fatal(err)
		}
		opened, err := openFile(b, home, sealFile(t, b, home, plain, 6))
		if err != nil || !bytes.Equal(opened, plain) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// chunks takes a sealed file apart.
func chunks(sealed []byte) (head []byte, l [][]byte) {
	head, rest := sealed[:fileHeadBytes], sealed[fileHeadBytes:]
	for len(rest) > sealedChunk {
		l, rest = append(l, rest[:sealedChunk]), rest[sealedChunk:]
	}
	return head, append(l, rest)
}

func joined(head []byte, l ...[]byte) []byte {
	return append(bytes.Clone(head), bytes.Join(l, nil)...)
}

func TestASealedFileThatWasCutMovedOrSplicedIsRefused(t *testing.T) {
	b := NewBox(7, mustKey(t, dice(1)))
	plain := make([]byte, 3*ChunkBytes+100)
	sealed := sealFile(t, b, home, plain, 6)
	head, c := chunks(sealed)
	otherHead, other := chunks(sealFile(t, b, home, plain, 8))
	_, whole := chunks(sealFile(t, b, home, plain[:2*ChunkBytes], 6)) // the same nonces: its last chunk is full
	for name, bad := range map[string][]byte{
		"the last chunk gone":          joined(head, c[0], c[1], c[2]),
		"a chunk gone":                 joined(head, c[0], c[2], c[3]),
		"the first chunk gone":         joined(head, c[1], c[2], c[3]),
		"two chunks changed round":     joined(head, c[1], c[0], c[2], c[3]),
		"a chunk twice":                joined(head, c[0], c[0], c[1], c[2], c[3]),
		"a chunk of another file":      joined(head, c[0], other[1], c[2], c[3]),
		"the head of another file":     joined(otherHead, c...),
		"a last chunk in the middle":   joined(head, c[0], whole[1], c[2], c[3]),
		"something behind":             append(bytes.Clone(sealed), 'x'),
		"another file behind":          append(bytes.Clone(sealed), sealed...),
		"the head alone":               head,
		"half a head":                  head[:len(head)-1],
		"an empty last chunk appended": joined(head, c[0], c[1], c[2], b.aead.Seal(nil, lastNonce(head, 3), nil, bind(head[:HeaderBytes], useFile, home.Collection, home.Record, home.Field))),
	} {
		if _, err := openFile(b, home, bad); err == nil {
			t.Errorf("%s: it opens", name)
		}
	}
	for cut := 0; cut < len(sealed); cut += 1021 {
		if _, err := openFile(b, home, sealed[:cut]); err == nil {
			t.Errorf("cut to %d bytes it opens", cut)
		}
		bad := bytes.Clone(sealed)
		bad[cut] ^= 4
		if _, err := openFile(b, home, bad); err == nil {
			t.Errorf("with byte %d altered it opens", cut)
		}
	}
	if _, err := openFile(b, Place{home.Collection, "other", home.Field}, sealed); !errors.Is(err, ErrDamaged) {
		t.Errorf("another record's: %v", err)
	}
	if _, err := openFile(NewBox(8, mustKey(t, dice(1))), home, sealed); !errors.Is(err, ErrKey) {
		t.Errorf("another key's: %v", err)
	}
	if _, err := b.Open(nil, home, sealed); !errors.Is(err, ErrFormat) {
		t.Errorf("a file as a value: %v", err)
	}
}

// lastNonce is the nonce of chunk n as the last.
func lastNonce(head []byte, n uint32) []byte {
	nonce := append(bytes.Clone(head[HeaderBytes:]), 0, 0, 0, 0, 1)
	binary.BigEndian.PutUint32(nonce[prefixBytes:], n)
	return nonce
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
func (brokenPipe) Read([]byte) (int, error)  { return 0, io.ErrClosedPipe }

func TestFaultsOfTheDiskAreNotFaultsOfTheSeal(t *testing.T) {
	b := NewBox(7, mustKey(t, dice(1)))
	sealed := sealFile(t, b, home, []byte("x"), 6)
	for name, err := range map[string]error{
		"writing":           b.SealFile(brokenPipe{}, strings.NewReader("x"), dice(1), home),
		"reading":           b.SealFile(io.Discard, brokenPipe{}, dice(1), home),
		"opening":           b.OpenFile(io.Discard, brokenPipe{}, home),
		"opening, writing":  b.OpenFile(brokenPipe{}, bytes.NewReader(sealed), home),
		"breaking off":      b.OpenFile(io.Discard, io.MultiReader(bytes.NewReader(sealed[:fileHeadBytes+3]), brokenPipe{}), home),
		"sealing, then not": b.SealFile(io.Discard, io.MultiReader(strings.NewReader("x"), brokenPipe{}), dice(1), home),
	} {
		if !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAKeyFileIsWholeOrRefused(t *testing.T) {
	k := mustKey(t, dice(1))
	text := KeyFile(k)
	if got, _, err := ParseKeyFile(text); err != nil || got != k {
		t.Errorf("read back: %v", err)
	}
	if got, _, err := ParseKeyFile([]byte(" \r\n" + strings.ReplaceAll(string(text), "\n", "\r\n"))); err != nil || got != k {
		t.Errorf("with the line ends of another system: %v", err)
	}
	line := text[strings.LastIndex(strings.TrimSpace(string(text)), "\n")+1:]
	for i := range line[:len(line)-1] {
		if _, _, err := ParseKeyFile(line[:i]); !errors.Is(err, ErrKeyFile) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
		bad := bytes.Clone(line)
		bad[i] ^= 3
		if _, _, err := ParseKeyFile(bad); !errors.Is(err, ErrKeyFile) {
			t.Errorf("byte %d altered: %v", i, err)
		}
	}
	for name, b := range map[string][]byte{"nothing": nil, "twice": append(bytes.Clone(line), line...), "too long": bytes.Repeat([]byte("#\n"), KeyFileBytesMax)} {
		if _, _, err := ParseKeyFile(b); !errors.Is(err, ErrKeyFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The golden vectors hold the format: what is sealed today opens for ever.
func TestGoldenVectors(t *testing.T) {
	for _, v := range readVectors(t) {
		var raw Key
		copy(raw[:], v.Key)
		b := NewBox(v.ID, raw)
		at := Place{v.Place[0], v.Place[1], v.Place[2]}
		var opened, again []byte
		var err error
		switch v.Kind {
		case "field":
			opened, err = b.Open(nil, at, v.Sealed)
			again, _ = b.Seal(nil, bytes.NewReader(v.Nonce), at, v.Plain)
		case "file":
			opened, err = openFile(b, at, v.Sealed)
			var out bytes.Buffer
			_ = b.SealFile(&out, bytes.NewReader(v.Plain), bytes.NewReader(v.Nonce), at)
			again = out.Bytes()
		case "key":
			name := KeyName{ID: 5, Scope: Scope{at.Collection, at.Record, at.Field}, Epoch: 3}
			var k Key
			k, err = b.Unwrap(name, v.Sealed)
			opened = k[:]
			copy(k[:], v.Plain)
			again, _ = b.Wrap(bytes.NewReader(v.Nonce), name, k)
		case "root":
			if RootBox(raw).ID() != v.ID || !bytes.Equal(KeyFile(raw), v.Sealed) {
				t.Errorf("%s: the root's id or its file changed", v.Name)
			}
			continue
		}
		if err != nil || !bytes.Equal(opened, v.Plain) {
			t.Errorf("%s does not open: %v", v.Name, err)
		}
		if !bytes.Equal(again, v.Sealed) {
			t.Errorf("%s is sealed another way: %x", v.Name, sha256.Sum256(again))
		}
	}
}

package audit_test

import (
	"bytes"
	"testing"

	"portolan/audit"
)

// FuzzEvent: whatever is read has been written by Encode.
func FuzzEvent(f *testing.F) {
	e := audit.Event{At: "2026-11-20T08:00:00.000Z", Act: "read", Staff: "s", Allowed: true, On: []audit.On{{Case: "c", Count: 1}}, Chain: []audit.Chain{{Replica: "r", N: 1, Link: "l"}}}
	b, err := e.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"at":"","act":"","allowed":false}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := audit.DecodeEvent(b)
		if err != nil {
			return
		}
		if again, err := e.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%q was read as %q (%v)", b, again, err)
		}
	})
}

// FuzzWitness: no head that a stranger sends is taken, and none stops us.
func FuzzWitness(f *testing.F) {
	w := newWorld(f, 1)
	w.grow(f, 5)
	f.Add(w.sign(f, 5, "one"), []byte{})
	f.Add("a\n5\nAAAA\nepoch b\nat c\n\n— a b\n", bytes.Repeat([]byte{1}, 64))
	f.Fuzz(func(t *testing.T, signed string, path []byte) {
		seen := audit.Witness{Key: w.key.Public(), Signed: w.sign(t, 3, "one")}
		var proof []audit.Hash
		for ; len(path) >= 32; path = path[32:] {
			proof = append(proof, audit.Hash(path[:32]))
		}
		if _, err := seen.Take(signed, proof); err == nil && seen.Size() != 3 && seen.Size() != 5 {
			t.Errorf("took %q", signed)
		}
	})
}

// FuzzExport: an export that verifies has the leaves that were signed.
func FuzzExport(f *testing.F) {
	w := newWorld(f, 1)
	w.grow(f, 5)
	f.Add(w.export(f))
	f.Add(w.export(f, 0, 1, 2, 3, 4))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		found, err := audit.VerifyExport(bytes.NewReader(b), w.key, func(l audit.Leaf) error {
			if n < len(w.leaves) && l.Leaf != w.leaves[n].String() {
				n = -1 << 30
			}
			n++
			return nil
		})
		if err == nil && int64(n) != found.Checkpoint.Size {
			t.Errorf("%d leaves verify as %d", n, found.Checkpoint.Size)
		}
	})
}

// FuzzProof: a proof that passes is of a leaf of the log.
func FuzzProof(f *testing.F) {
	w := newWorld(f, 1)
	w.grow(f, 5)
	f.Add([]byte(`{"checkpoint":"","n":1,"leaf":"","path":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, _, err := audit.ReadProof(bytes.NewReader(b), w.key)
		if err == nil && (p.Seq < 1 || p.Seq > 5 || p.Leaf.Leaf != w.leaves[p.Seq-1].String()) {
			t.Errorf("%q passes", b)
		}
	})
}

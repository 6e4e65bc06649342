package audit_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"portolan/audit"
)

var update = flag.Bool("update", false, "write the vectors anew")

// vectors is a small log as others verify it: with another program, in
// another language, years from now.
type vectors struct {
	Key    string         `json:"key"`
	Root   string         `json:"root"`   // of the whole log
	Heads  []string       `json:"heads"`  // signed, from one leaf to all
	Growth [][]audit.Hash `json:"growth"` // from each head to the last
	Proof  audit.Proof    `json:"proof"`  // of the fourth event
}

// TestVectors holds the forms of the log in place: what was written once must
// verify for ever.
func TestVectors(t *testing.T) {
	file, export := filepath.Join("testdata", "vectors.json"), filepath.Join("testdata", "export.ndjson")
	if *update {
		writeVectors(t, file, export)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	key, err := audit.NewVerifier(v.Key)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(export)
	if err != nil {
		t.Fatal(err)
	}
	found, err := audit.VerifyExport(bytes.NewReader(log), key, nil)
	if err != nil || found.Checkpoint.Root.String() != v.Root || found.Closed != 1 {
		t.Errorf("the exported log: %+v %v", found, err)
	}
	for i, signed := range v.Heads {
		head, err := key.Open(signed)
		if err != nil || head.Size != int64(i+1) {
			t.Fatalf("head %d: %+v %v", i, head, err)
		}
		if err := audit.CheckGrowth(v.Growth[i], found.Checkpoint, head); err != nil {
			t.Errorf("growth from %d: %v", i+1, err)
		}
	}
	proof, err := json.Marshal(v.Proof)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := audit.ReadProof(bytes.NewReader(proof), key); err != nil {
		t.Errorf("the proof of one event: %v", err)
	}
}

func writeVectors(t *testing.T, file, export string) {
	w := newWorld(t, 9)
	w.grow(t, 7)
	v := vectors{Key: w.key.Public(), Root: w.head(t, 7).Root.String()}
	for size := int64(1); size <= 7; size++ {
		v.Heads, v.Growth = append(v.Heads, w.sign(t, size, "one")), append(v.Growth, w.growth(t, 7, size))
	}
	path, err := audit.ProveLeaf(7, 4, w)
	if err != nil {
		t.Fatal(err)
	}
	e, leaf, err := audit.OpenDetail(w.details[3])
	if err != nil {
		t.Fatal(err)
	}
	v.Proof = audit.Proof{Checkpoint: v.Heads[6], Path: path, Leaf: audit.Leaf{Seq: 4, Leaf: leaf.String(), Salt: w.details[3][:audit.SaltBytes], Event: &e}}
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{file: b, export: w.export(t, 5)} {
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

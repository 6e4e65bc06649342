package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/audit"
	"portolan/care"
)

var start = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// dice gives the same bytes for the same seed.
func dice(seed uint64) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}) }

// world is a log in memory: what the store of a hub holds.
type world struct {
	tree    *audit.Tree
	nodes   map[int64]audit.Hash
	leaves  []audit.Commitment
	details [][]byte
	signer  *audit.Signer
	key     *audit.Verifier
	dice    *rand.ChaCha8
}

func newWorld(t testing.TB, seed uint64) *world {
	t.Helper()
	secret, public, err := audit.NewKey(dice(seed), "portolan.audit/test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := audit.NewSigner(secret, public)
	if err != nil {
		t.Fatal(err)
	}
	key, err := audit.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return &world{tree: &audit.Tree{}, nodes: map[int64]audit.Hash{}, signer: signer, key: key, dice: dice(seed + 1)}
}

func (w *world) ReadHashes(indexes []int64) ([]audit.Hash, error) {
	out := make([]audit.Hash, len(indexes))
	for i, index := range indexes {
		h, ok := w.nodes[index]
		if !ok {
			return nil, fmt.Errorf("no node %d", index)
		}
		out[i] = h
	}
	return out, nil
}

func (w *world) add(t testing.TB, e audit.Event) {
	t.Helper()
	text, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	var salt [audit.SaltBytes]byte
	w.dice.Read(salt[:])
	leaf := audit.Commit(salt, text)
	_, nodes, err := w.tree.Append(leaf)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		w.nodes[n.Index] = n.Hash
	}
	w.leaves, w.details = append(w.leaves, leaf), append(w.details, audit.Detail(salt, text))
}

func (w *world) grow(t testing.TB, n int) {
	t.Helper()
	for range n {
		i := len(w.leaves)
		w.add(t, audit.Event{At: care.FormatTime(start.Add(time.Duration(i) * time.Second)), Act: "read", Staff: fmt.Sprintf("staff-%d", i%3), Allowed: true,
			On: []audit.On{{Case: fmt.Sprintf("case-%d", i%5), Collection: "survivors", Compartment: "general", Records: []string{"r<1>"}, Count: 1, Reason: "see_grant"}}})
	}
}

func (w *world) sign(t testing.TB, size int64, epoch string) string {
	t.Helper()
	root, err := audit.RootAt(size, w)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := w.signer.Sign(audit.Checkpoint{Size: size, Root: root, Epoch: epoch, At: start})
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func (w *world) head(t testing.TB, size int64) audit.Checkpoint {
	t.Helper()
	c, err := w.key.Open(w.sign(t, size, "one"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) growth(t testing.TB, size, old int64) []audit.Hash {
	t.Helper()
	p, err := audit.ProveGrowth(size, old, w)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (w *world) export(t testing.TB, hidden ...int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := audit.ExportHead(&b, w.sign(t, w.tree.Size(), "one")); err != nil {
		t.Fatal(err)
	}
	for i, leaf := range w.leaves {
		detail := w.details[i]
		for _, h := range hidden {
			if h == i {
				detail = nil
			}
		}
		if err := audit.Export(&b, int64(i+1), leaf, detail); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// TestEveryLeafAndEveryGrowthIsProved: for trees of all small sizes each leaf
// has a proof, each earlier tree has one, and neither fits another.
func TestEveryLeafAndEveryGrowthIsProved(t *testing.T) {
	const most = 40
	w := newWorld(t, 1)
	w.grow(t, most)
	heads := make([]audit.Checkpoint, most+1)
	for size := int64(0); size <= most; size++ {
		heads[size] = w.head(t, size)
	}
	for size := int64(1); size <= most; size++ {
		for seq := int64(1); seq <= size; seq++ {
			p, err := audit.ProveLeaf(size, seq, w)
			if err != nil {
				t.Fatal(err)
			}
			if err := audit.CheckLeaf(p, heads[size], seq, w.leaves[seq-1]); err != nil {
				t.Errorf("leaf %d of %d: %v", seq, size, err)
			}
			if size > 1 && audit.CheckLeaf(p, heads[size], seq, w.leaves[seq%size]) == nil {
				t.Errorf("the proof of leaf %d of %d fits another leaf", seq, size)
			}
		}
		for old := int64(0); old <= size; old++ {
			if err := audit.CheckGrowth(w.growth(t, size, old), heads[size], heads[old]); err != nil {
				t.Errorf("from %d to %d: %v", old, size, err)
			}
			wrong := heads[old]
			wrong.Root[5] ^= 1
			if old > 0 && audit.CheckGrowth(w.growth(t, size, old), heads[size], wrong) == nil {
				t.Errorf("from %d to %d: a wrong beginning passes", old, size)
			}
		}
	}
}

// TestATreeThatIsLoadedGrowsAsOneThatStayed holds the peaks that a restarted
// hub reads against those that it had.
func TestATreeThatIsLoadedGrowsAsOneThatStayed(t *testing.T) {
	w := newWorld(t, 2)
	for size := range 70 {
		loaded, err := audit.LoadTree(int64(size), w)
		if err != nil {
			t.Fatal(err)
		}
		a, err1 := loaded.Root()
		b, err2 := w.tree.Root()
		if a != b || err1 != nil || err2 != nil {
			t.Fatalf("at size %d the roots differ: %v %v", size, err1, err2)
		}
		w.grow(t, 1)
	}
}

func TestAnEventHasOneForm(t *testing.T) {
	e := audit.Event{At: "2026-11-20T08:00:00.000Z", Act: "list", Staff: "s", Allowed: true, On: []audit.On{{Case: "c", Records: []string{"<a>&"}, Count: 2}}}
	b, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]string{
		"a space":       strings.Replace(string(b), ",", ", ", 1),
		"another order": `{"act":"list","at":"2026-11-20T08:00:00.000Z","allowed":true}`,
		"twice":         strings.Replace(string(b), `"act":"list"`, `"act":"list","act":"list"`, 1),
		"unknown":       strings.Replace(string(b), `"act"`, `"name":"x","act"`, 1),
		"escaped":       strings.Replace(string(b), "<", `\u003c`, 1),
		"behind it":     string(b) + "{}",
		"nothing":       "",
	} {
		if _, err := audit.DecodeEvent([]byte(other)); err == nil {
			t.Errorf("%s: was read", name)
		}
	}
	again, err := audit.DecodeEvent(b)
	if err != nil || again.On[0].Records[0] != "<a>&" {
		t.Errorf("its own form: %+v %v", again, err)
	}
	e.On = make([]audit.On, audit.OnMax+1)
	if _, err := e.Encode(); err == nil {
		t.Error("an event about too much was written")
	}
}

// TestAnErasedEventLeavesATombstone: without its salt and text the log
// verifies still, and nothing can be tried against what is left.
func TestAnErasedEventLeavesATombstone(t *testing.T) {
	w := newWorld(t, 3)
	w.grow(t, 12)
	found, err := audit.VerifyExport(bytes.NewReader(w.export(t, 4, 7)), w.key, nil)
	if err != nil || found.Shown != 10 || found.Closed != 2 {
		t.Errorf("with two erased: %+v %v", found, err)
	}
	text := w.details[4][audit.SaltBytes:]
	for b := range 256 {
		if audit.Commit([audit.SaltBytes]byte{byte(b)}, text) == w.leaves[4] {
			t.Error("the event was guessed without its salt")
		}
	}
}

// TestAnExportThatWasAlteredIsRefused alters each line in every way that
// somebody might.
func TestAnExportThatWasAlteredIsRefused(t *testing.T) {
	w := newWorld(t, 4)
	w.grow(t, 9)
	whole := w.export(t, 2)
	if _, err := audit.VerifyExport(bytes.NewReader(whole), w.key, nil); err != nil {
		t.Fatalf("the whole export: %v", err)
	}
	lines := bytes.SplitAfter(whole, []byte("\n"))
	lines = lines[:len(lines)-1]
	try := func(what string, altered [][]byte) {
		t.Helper()
		if _, err := audit.VerifyExport(bytes.NewReader(bytes.Join(altered, nil)), w.key, nil); err == nil {
			t.Errorf("%s: verifies", what)
		}
	}
	for i := range lines {
		without := append(append([][]byte{}, lines[:i]...), lines[i+1:]...)
		try(fmt.Sprintf("without line %d", i), without)
		try(fmt.Sprintf("up to line %d", i), lines[:i])
		twice := append(append(append([][]byte{}, lines[:i+1]...), lines[i]), lines[i+1:]...)
		try(fmt.Sprintf("with line %d twice", i), twice)
		if i > 0 && i < len(lines)-1 {
			swapped := append([][]byte{}, lines...)
			swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
			try(fmt.Sprintf("with line %d behind the next", i), swapped)
		}
	}
	for _, change := range [][2]string{{"staff-1", "staff-2"}, {`"allowed":true`, `"allowed":false`}, {`"n":3`, `"n":4`}} {
		altered := bytes.Replace(whole, []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(altered, whole) {
			t.Fatalf("nothing to alter: %s", change[0])
		}
		if _, err := audit.VerifyExport(bytes.NewReader(altered), w.key, nil); err == nil {
			t.Errorf("%s for %s: verifies", change[1], change[0])
		}
	}
	// A leaf that is closed can be held against nothing but the head.
	closed := bytes.Replace(whole, []byte(w.leaves[2].String()), []byte(w.leaves[3].String()), 1)
	if _, err := audit.VerifyExport(bytes.NewReader(closed), w.key, nil); !errors.Is(err, audit.ErrRewritten) {
		t.Errorf("a closed leaf that is another: %v", err)
	}
	other := newWorld(t, 5)
	if _, err := audit.VerifyExport(bytes.NewReader(whole), other.key, nil); !errors.Is(err, audit.ErrSignature) {
		t.Errorf("with another key: %v", err)
	}
}

// TestAWitness is what a tablet does with the heads that it is shown.
func TestAWitness(t *testing.T) {
	w, forked := newWorld(t, 6), newWorld(t, 6)
	w.grow(t, 10)
	forked.grow(t, 7)
	forked.add(t, audit.Event{At: "x", Act: "other"})
	forked.grow(t, 12)
	seen := &audit.Witness{Key: w.key.Public()}
	take := func(want error, restored bool, signed string, proof []audit.Hash) {
		t.Helper()
		before := *seen
		got, err := seen.Take(signed, proof)
		if !errors.Is(err, want) || got != restored {
			t.Errorf("took it as %v, %v; want %v, %v", got, err, restored, want)
		}
		if err != nil && (seen.Signed != before.Signed || len(seen.Over) != len(before.Over)) {
			t.Error("an alarm changed what is remembered")
		}
	}
	take(nil, false, w.sign(t, 8, "one"), nil)
	take(nil, false, w.sign(t, 8, "one"), w.growth(t, 8, 8))
	take(nil, false, w.sign(t, 10, "one"), w.growth(t, 10, 8))
	take(audit.ErrRolledBack, false, w.sign(t, 9, "one"), nil)
	take(audit.ErrRewritten, false, forked.sign(t, 20, "one"), forked.growth(t, 20, 10))
	take(audit.ErrRewritten, false, forked.sign(t, 20, "one"), nil)
	take(audit.ErrRewritten, false, forked.sign(t, 10, "one"), forked.growth(t, 10, 10))
	take(audit.ErrSignature, false, newWorld(t, 7).sign(t, 0, "one"), nil)
	take(audit.ErrSignature, false, strings.Replace(w.sign(t, 10, "one"), "\n10\n", "\n11\n", 1), nil)
	// A restored hub says so, by a new epoch, and cannot go back.
	take(nil, true, forked.sign(t, 9, "two"), nil)
	take(audit.ErrRolledBack, false, w.sign(t, 10, "one"), w.growth(t, 10, 9))
	take(nil, false, forked.sign(t, 20, "two"), forked.growth(t, 20, 9))
	if seen.Size() != 20 {
		t.Errorf("it remembers a log of %d", seen.Size())
	}
	// Nor is what was closed forgotten, by a restore either.
	closed := func(ended uint64, epoch string) string {
		root, err := audit.RootAt(20, forked)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := forked.signer.Sign(audit.Checkpoint{Size: 20, Root: root, Epoch: epoch, At: start, Ended: ended})
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	take(nil, false, closed(7, "two"), forked.growth(t, 20, 20))
	take(audit.ErrReopened, false, closed(6, "two"), forked.growth(t, 20, 20))
	take(audit.ErrReopened, false, closed(6, "three"), nil)
	take(nil, true, closed(7, "three"), nil)
}

// TestAKeyNamesTheNext: only a head of the key at hand leads to another, and
// only to one of the same log.
func TestAKeyNamesTheNext(t *testing.T) {
	make := func(name string, seed uint64) (*audit.Signer, string) {
		t.Helper()
		secret, public, err := audit.NewKey(dice(seed), name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := audit.NewSigner(secret, public)
		if err != nil {
			t.Fatal(err)
		}
		return s, public
	}
	hand := func(s *audit.Signer, next string) string {
		t.Helper()
		signed, err := s.Sign(audit.Checkpoint{Size: 3, Epoch: "one", Next: next})
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	one, first := make("log", 1)
	two, second := make("log", 2)
	_, third := make("log", 3)
	_, foreign := make("another", 4)
	for name, c := range map[string]struct {
		handovers []string
		key       string // "" for a refusal
	}{
		"none":                   {nil, first},
		"in order":               {[]string{hand(one, second), hand(two, third)}, third},
		"the first followed":     {[]string{hand(two, third), hand(one, second)}, second},
		"of another key":         {[]string{hand(two, third)}, first},
		"a head that names none": {[]string{hand(one, "")}, first},
		"altered":                {[]string{strings.Replace(hand(one, second), second, third, 1)}, first},
		"to another log":         {[]string{hand(one, foreign)}, ""},
		"to no key":              {[]string{hand(one, "nothing")}, ""},
		"too many":               {slices.Repeat([]string{hand(two, third)}, audit.HandoversMax+1), ""},
	} {
		key, err := audit.Follow(first, c.handovers)
		if key != c.key || (c.key == "") != (care.CodeOf(err) == audit.ErrSignature.Code) {
			t.Errorf("%s: %q, %v", name, key, err)
		}
	}
}

func TestAProofStandsByItself(t *testing.T) {
	w := newWorld(t, 8)
	w.grow(t, 21)
	path, err := audit.ProveLeaf(21, 6, w)
	if err != nil {
		t.Fatal(err)
	}
	e, leaf, err := audit.OpenDetail(w.details[5])
	if err != nil || leaf != w.leaves[5] {
		t.Fatalf("opening a detail: %v", err)
	}
	p := audit.Proof{Checkpoint: w.sign(t, 21, "one"), Path: path,
		Leaf: audit.Leaf{Seq: 6, Leaf: leaf.String(), Salt: w.details[5][:audit.SaltBytes], Event: &e}}
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if got, c, err := audit.ReadProof(bytes.NewReader(b), w.key); err != nil || got.Event.Staff != e.Staff || c.Size != 21 {
		t.Errorf("a proof: %+v %v", got, err)
	}
	for _, change := range [][2]string{{`"n":6`, `"n":7`}, {e.Staff, "staff-9"}, {`"read"`, `"list"`}} {
		altered := bytes.Replace(b, []byte(change[0]), []byte(change[1]), 1)
		if _, _, err := audit.ReadProof(bytes.NewReader(altered), w.key); err == nil {
			t.Errorf("a proof with %s for %s passes", change[1], change[0])
		}
	}
}

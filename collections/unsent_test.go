package collections_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// sealTo is what a tablet keeps of a change that it cannot read any more.
func sealTo(t *testing.T, to *fieldsync.HubKey, replica string, n uint64, raw json.RawMessage) fieldsync.Sealed {
	t.Helper()
	public, err := base64.RawURLEncoding.DecodeString(to.Public)
	if err != nil {
		t.Fatal(err)
	}
	c := fieldsync.Sealed{N: n, Of: fieldsync.DotOf(replica, n), Key: to.ID, Sum: sha256.Sum256(raw)}
	c.Box, err = seal.SealIntake(public, seal.Place{Collection: "unsent", Record: replica, Field: strconv.FormatUint(n, 10)}, raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sealed is a push of changes with one of them sealed.
func (d *tabletSide) sealed(t *testing.T, c fieldsync.Sealed, raw json.RawMessage) fieldsync.Push {
	t.Helper()
	p := d.push(raw)
	p.Changes = []json.RawMessage{c.AppendJSON(nil)}
	p, err := fieldsync.DecodePush(p.AppendJSON(nil))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func unsentKey(t *testing.T, h *hubtest.Hub, has string) *fieldsync.HubKey {
	t.Helper()
	k, err := h.UnsentKeyFor(t.Context(), h.Org, has)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestWhatWasSealedIsTakenLikeAnyOther: opened, checked against the chain, and
// at its second coming, in clear or sealed, the same change.
func TestWhatWasSealedIsTakenLikeAnyOther(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	d := enrol(t, h, worker)
	openCase(t, h, d)
	key := unsentKey(t, h, "")
	if unsentKey(t, h, key.ID) != nil {
		t.Error("a key that the tablet has is sent again")
	}
	rename := func(alias string) json.RawMessage {
		return d.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"alias": care.OfText(alias)}})
	}
	raw := rename("Grey Heron")
	good := sealTo(t, key, d.replica, d.n, raw)
	before, push := d.link, fieldsync.Push{}
	for what, alter := range map[string]func(c *fieldsync.Sealed){
		"another sum":     func(c *fieldsync.Sealed) { c.Sum[0] ^= 1 },
		"another number":  func(c *fieldsync.Sealed) { c.Of = fieldsync.DotOf(d.replica, d.n+1) },
		"another replica": func(c *fieldsync.Sealed) { c.Of = fieldsync.DotOf(caseID, d.n) },
		"another content": func(c *fieldsync.Sealed) {
			*c = sealTo(t, key, d.replica, d.n, bytes.Replace(raw, []byte("Grey"), []byte("Pink"), 1))
			c.Sum = good.Sum
		},
		"an altered byte":  func(c *fieldsync.Sealed) { c.Box = bytes.Clone(c.Box); c.Box[len(c.Box)-1] ^= 1 },
		"nothing in it":    func(c *fieldsync.Sealed) { c.Box = []byte{0} },
		"a key of nobody":  func(c *fieldsync.Sealed) { c.Key = "00000000000000ff" },
		"no key but words": func(c *fieldsync.Sealed) { c.Key = "'; DROP" },
	} {
		c := good
		alter(&c)
		d.link = before
		_, err := h.Push(t.Context(), d.actor, d.sealed(t, c, raw))
		if !errors.Is(err, collections.ErrUnsent) && !errors.Is(err, collections.ErrUnsentKey) {
			t.Errorf("%s: %v", what, err)
		}
	}
	d.link = before
	push = d.sealed(t, good, raw)
	first, err := h.Push(t.Context(), d.actor, push)
	if err != nil {
		t.Fatal(err)
	}
	d.link = before
	for what, p := range map[string]fieldsync.Push{"sealed": push, "in clear": d.push(raw)} {
		again, err := h.Push(t.Context(), d.actor, p)
		if err != nil || !bytes.Equal(again[0], first[0]) {
			t.Errorf("again %s: %s, %v", what, again, err)
		}
	}
	// And at a locked hub, which opens nothing before it is unlocked.
	raw = rename("White Heron")
	locked := d.sealed(t, sealTo(t, key, d.replica, d.n, raw), raw)
	var taken *collections.TakenError
	if err := h.TakeLocked(t.Context(), d.replica, locked.AppendJSON(nil), locked); !errors.As(err, &taken) || taken.Taken != d.n {
		t.Fatalf("at a locked hub: %v", err)
	}
	if err := h.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	row, err := h.Read(t.Context(), h.HubActor(), "survivors", survivorID)
	if err != nil || row.Text("alias") != "White Heron" {
		t.Errorf("after it was unlocked: %q, %v", row.Text("alias"), err)
	}
	faults, err := h.Verify(t.Context(), func(collections.Count) {})
	if err != nil || len(faults) > 0 {
		t.Errorf("verify: %v, %v", faults, err)
	}
}

// TestAKeyForWhatIsUnsentLivesAsLongAsSomebodyMayComeWithIt: a new one each
// week, and an old one as long as any tablet that has it may be away; then it
// is destroyed.
func TestAKeyForWhatIsUnsentLivesAsLongAsSomebodyMayComeWithIt(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	d := enrol(t, h, worker)
	openCase(t, h, d)
	first := unsentKey(t, h, "")
	raw := d.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"alias": care.OfText("Grey Heron")}})
	push := d.sealed(t, sealTo(t, first, d.replica, d.n, raw), raw)
	tend := func(days int) {
		h.Clock.Move(time.Duration(days) * 24 * time.Hour)
		if err := h.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	count := func() (n int) {
		if err := keysDB(t, h.Dir()).QueryRow(`SELECT COUNT(*) FROM unsent_keys`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	tend(6)
	if k := unsentKey(t, h, first.ID); k != nil {
		t.Error("a new key after less than a week")
	}
	tend(1)
	tend(0)
	if k := unsentKey(t, h, first.ID); k == nil || count() != 2 {
		t.Fatalf("no new key after a week: %v", k)
	}
	tend(90) // the longest that a tablet that was given the first may be away
	if count() != 3 {
		t.Errorf("%d keys", count())
	}
	if _, err := h.Push(t.Context(), d.actor, push); err != nil {
		t.Errorf("what came as late as it may: %v", err)
	}
	private, err := h.KeysOfUnsent(t.Context())
	if err != nil || len(private) != 3 {
		t.Fatal(err)
	}
	tend(2)
	if count() != 2 {
		t.Errorf("%d keys", count())
	}
	hubtest.LookFor(t, h.Dir(), "no such text anywhere", []string{string(private[0])})
	c := sealTo(t, first, d.replica, d.n+1, raw)
	c.N = d.n + 1
	if _, err := h.Push(t.Context(), d.actor, d.sealed(t, c, raw)); !errors.Is(err, collections.ErrUnsentKey) {
		t.Errorf("with a key that is gone: %v", err)
	}
}

// TestTheVectorsOfWhatIsUnsentOpen: what docs/protocol.md says, in bytes.
func TestTheVectorsOfWhatIsUnsentOpen(t *testing.T) {
	b, err := os.ReadFile("../sync/testdata/vectors/sealed.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct{ Name, Private, Member, Change string }
	if err := json.Unmarshal(b, &vectors); err != nil || len(vectors) < 2 {
		t.Fatalf("%d vectors: %v", len(vectors), err)
	}
	for _, v := range vectors {
		private, err := hex.DecodeString(v.Private)
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := fieldsync.AsSealed([]byte(v.Member))
		if err != nil {
			t.Fatal(err)
		}
		raw, err := seal.OpenIntake(private, seal.Place{Collection: "unsent", Record: c.Of.Replica(), Field: strconv.FormatUint(c.Of.N(), 10)}, c.Box)
		if err != nil || string(raw) != v.Change {
			t.Errorf("%s: %s, %v", v.Name, raw, err)
		}
	}
}

// TestWhatSomebodyElseSealedIsNotOpenedForAnybody: whoever has a tablet that
// was lost could have the hub open for them what was sealed on it, and read it
// as their own held change.
func TestWhatSomebodyElseSealedIsNotOpenedForAnybody(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	other, _ := h.Staff(t, care.Outreach)
	lost := enrol(t, h, worker)
	openCase(t, h, lost)
	key := unsentKey(t, h, "")
	raw := lost.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"contact_notes": care.OfText("hides at her aunt's")}})
	newer := bytes.Replace(raw, []byte(`{`), []byte(`{"of_a_newer_version":1,`), 1)
	for what, raw := range map[string]json.RawMessage{"a change": raw, "one of a newer version": newer} {
		theirs := enrol(t, h, other)
		theirs.n++
		stolen := sealTo(t, key, lost.replica, lost.n, raw)
		stolen.N = theirs.n
		if _, err := h.Push(t.Context(), theirs.actor, theirs.sealed(t, stolen, raw)); !errors.Is(err, collections.ErrUnsent) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// On the next tablet of whoever sealed it, it waits for a person.
	again := enrol(t, h, worker)
	again.n++
	own := sealTo(t, key, lost.replica, lost.n, raw)
	own.N = again.n
	receipts, err := h.Push(t.Context(), again.actor, again.sealed(t, own, raw))
	if err != nil || !bytes.Contains(receipts[0], []byte(collections.HeldEarlier)) {
		t.Errorf("their own: %s, %v", receipts, err)
	}
	// The same once more, on one more tablet: it is taken once.
	third := enrol(t, h, worker)
	third.n++
	own.N = third.n
	once, err := h.Push(t.Context(), third.actor, third.sealed(t, own, raw))
	if err != nil {
		t.Fatal(err)
	}
	officer, _ := h.Staff(t, care.ProtectionOfficer)
	h.Must(t, h.HubActor(), collections.Draft{Collection: "grants", Case: caseID, Set: grant(officer.Staff, care.General, hubtest.Start.Add(time.Hour))})
	verdict := collections.Verdict{Decision: collections.Accept, As: collections.AsAuthor}
	for i, r := range []json.RawMessage{receipts[0], once[0]} {
		var receipt fieldsync.Receipt
		if err := json.Unmarshal(r, &receipt); err != nil {
			t.Fatal(err)
		}
		_, err := h.Decide(t.Context(), h.Reload(t, officer.Staff), receipt.Seq, verdict)
		if twice := errors.Is(err, collections.ErrTwice); twice != (i == 1) || err != nil && !twice {
			t.Errorf("accepting it for the %d. time: %v", i+1, err)
		}
	}
}

// TestTheVectorOfAHalfFilledFormOpens: what docs/protocol.md says, in bytes.
func TestTheVectorOfAHalfFilledFormOpens(t *testing.T) {
	b, err := os.ReadFile("../sync/testdata/vectors/draft.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct{ Name, Replica, Private, Member, Snapshot string }
	if err := json.Unmarshal(b, &vectors); err != nil || len(vectors) == 0 {
		t.Fatalf("%d vectors: %v", len(vectors), err)
	}
	for _, v := range vectors {
		private, err := hex.DecodeString(v.Private)
		if err != nil {
			t.Fatal(err)
		}
		p, err := fieldsync.DecodePush([]byte(`{"v":1,"replica":"` + v.Replica + `","changes":[],"drafts":` + v.Member + `}`))
		if err != nil {
			t.Fatal(err)
		}
		put := p.Drafts.Put[0]
		plain, err := seal.OpenIntake(private, seal.Place{Collection: "unsent_drafts", Record: put.Name.Replica, Field: put.Name.String()}, put.Box)
		if err != nil || string(plain) != v.Snapshot {
			t.Errorf("%s: %s, %v", v.Name, plain, err)
		}
	}
}

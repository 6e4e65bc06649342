package fieldsync

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/care"
)

var seedFlag = flag.Uint64("seed", 0, "seed of the random tests; 0 takes a new one")

// seedOf returns a source and makes a failing test print its seed, which
// go test ./sync -seed N plays again.
func seedOf(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, seed))
}

var lawFields = []*care.Field{
	{Name: "latest", Type: care.Text, Merge: care.Latest},
	{Name: "ask", Type: care.Text, Merge: care.Ask},
	{Name: "safer", Type: care.Code, Merge: care.Safer, Safer: care.Comparator{Order: []string{"a", "b", "c", "d"}}},
	{Name: "undecided", Type: care.Text, Merge: care.Safer},
	{Name: "union", Type: care.Codes, Merge: care.Union},
	{Name: "removal", Type: care.Codes, Merge: care.Union, RemovalWins: true},
}

// write is one version with what its author had seen.
type write struct {
	v    Version
	base []Dot
}

// history makes a random history of one field: replicas that write from what
// they have seen, and see some of what the others wrote.
func history(r *rand.Rand, f *care.Field) []write {
	replicas := []string{replicaA, replicaB, "01960000-0000-7000-8000-0000000000d3"}
	seen := make([]Register, len(replicas))
	n := make([]uint64, len(replicas))
	known := make([]int, len(replicas)) // how many of all each has seen
	var all []write
	for range 2 + r.IntN(14) {
		i := r.IntN(len(replicas))
		if r.IntN(2) == 0 { // sees what the others wrote meanwhile, in order
			for ; known[i] < len(all); known[i]++ {
				seen[i].Apply(f, all[known[i]].v, all[known[i]].base)
			}
		}
		n[i]++
		base := seen[i].Dots()
		v := Version{Dot: DotOf(replicas[i], n[i]), Clock: packHLC(uint64(r.IntN(5))), Author: staffA}
		if f.Merge == care.Union {
			v.Elem = string(rune('a' + r.IntN(3)))
			v.Removed = r.IntN(3) == 0
			if r.IntN(8) == 0 {
				v.Elem, v.Removed, v.Value = "", false, care.OfAbsent(care.AskedDeclined)
			}
		} else {
			v.Value = care.OfText(string(rune('a' + r.IntN(4))))
		}
		seen[i].Apply(f, v, base)
		all = append(all, write{v, base})
	}
	return all
}

// anyOrder shuffles a history so that each write still comes after what its
// author had seen.
func anyOrder(r *rand.Rand, all []write) []write {
	rest := slices.Clone(all)
	r.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
	done := map[Dot]bool{}
	var out []write
	for len(rest) > 0 {
		i := slices.IndexFunc(rest, func(w write) bool {
			return !slices.ContainsFunc(w.base, func(d Dot) bool { return !done[d] })
		})
		done[rest[i].v.Dot] = true
		out = append(out, rest[i])
		rest = slices.Delete(rest, i, i+1)
	}
	return out
}

func applyAll(f *care.Field, writes []write) Register {
	var reg Register
	for i, w := range writes {
		w.v.Seq = uint64(i + 1)
		reg.Apply(f, w.v, w.base)
	}
	return reg
}

// withoutSeq leaves out the hub's numbers, the only thing that may depend on
// the order of arrival.
func withoutSeq(r Register) []byte {
	r.Heads = slices.Clone(r.Heads)
	for i := range r.Heads {
		r.Heads[i].Seq, r.Heads[i].Stands = 0, 0
	}
	return r.AppendJSON(nil)
}

// Law: what is kept, and what is in force but for ask, does not depend on the
// order of arrival; and the same writes again change nothing.
func TestMergeCommutesAndIsIdempotent(t *testing.T) {
	r := seedOf(t)
	for _, f := range lawFields {
		for range 2000 {
			all := history(r, f)
			one, two := applyAll(f, all), applyAll(f, anyOrder(r, all))
			if !bytes.Equal(withoutSeq(one), withoutSeq(two)) {
				t.Fatalf("%s: two orders keep\n%s\n%s", f.Name, one.AppendJSON(nil), two.AppendJSON(nil))
			}
			if f.Merge != care.Ask && !one.InForce(f).Equal(two.InForce(f)) {
				t.Fatalf("%s: two orders put %s and %s in force", f.Name, one.InForce(f), two.InForce(f))
			}
			if one.Conflict(f) != two.Conflict(f) {
				t.Fatalf("%s: a conflict in one order only", f.Name)
			}
			again := one
			for _, w := range all {
				if slices.Contains(one.Dots(), w.v.Dot) {
					again.Apply(f, w.v, w.base)
				}
			}
			if !bytes.Equal(again.AppendJSON(nil), one.AppendJSON(nil)) {
				t.Fatalf("%s: applied twice\n%s\n%s", f.Name, one.AppendJSON(nil), again.AppendJSON(nil))
			}
		}
	}
}

// Law: an accepted value is among the heads, or a version whose author saw it
// (and so spoke about it) has taken its place.
func TestNoValueDisappearsUnseen(t *testing.T) {
	r := seedOf(t)
	for _, f := range lawFields {
		for range 2000 {
			all := history(r, f)
			kept := applyAll(f, anyOrder(r, all))
			for _, w := range all {
				there := slices.ContainsFunc(kept.Heads, func(h Version) bool { return h.Dot == w.v.Dot && h.Elem == w.v.Elem })
				seen := slices.ContainsFunc(all, func(o write) bool {
					return slices.Contains(o.base, w.v.Dot) && (f.Merge != care.Union || o.v.Elem == w.v.Elem || w.v.Elem == "")
				})
				if there == seen {
					t.Fatalf("%s: %s is kept: %v, superseded by one who saw it: %v", f.Name, w.v.Dot, there, seen)
				}
			}
		}
	}
}

// Law: the safer value in force protects at least as much as every other that
// is kept.
func TestSaferIsInForce(t *testing.T) {
	r := seedOf(t)
	f := lawFields[2]
	for range 5000 {
		reg := applyAll(f, history(r, f))
		now := reg.InForce(f)
		for _, h := range reg.Heads {
			if order, ok := f.Safer.Compare(now, h.Value); !ok || order < 0 {
				t.Fatalf("%s is in force beside %s", now, h.Value)
			}
		}
	}
}

// Law: under ask, what stands changes only by a version whose author saw what
// stood. Nobody's decision puts a third person's value in force.
func TestAskStandsUntilSomebodyWhoSawItChangesIt(t *testing.T) {
	r := seedOf(t)
	f := lawFields[1]
	for range 3000 {
		var reg Register
		for i, w := range anyOrder(r, history(r, f)) {
			w.v.Seq = uint64(i + 1)
			before := reg
			reg.Apply(f, w.v, w.base)
			now := slices.MinFunc(reg.Heads, byStanding)
			if i == 0 {
				continue
			}
			stood := slices.MinFunc(before.Heads, byStanding)
			if now.Dot != stood.Dot && (now.Dot != w.v.Dot || !slices.Contains(w.base, stood.Dot)) {
				t.Fatalf("%s stood, %s came with base %v, and %s stands", stood.Dot, w.v.Dot, w.base, now.Dot)
			}
		}
	}
}

// Law: in a set an element is in force exactly when the additions and removals
// that nobody took back say so.
func TestUnionElementByElement(t *testing.T) {
	r := seedOf(t)
	for _, f := range lawFields[4:] {
		for range 3000 {
			reg := applyAll(f, history(r, f))
			list := reg.InForce(f).List()
			for _, e := range []string{"a", "b", "c"} {
				adds, removals := 0, 0
				for _, h := range reg.Heads {
					if h.Elem == e && h.Removed {
						removals++
					} else if h.Elem == e {
						adds++
					}
				}
				want := adds > 0 && (!f.RemovalWins || removals == 0)
				if slices.Contains(list, e) != want {
					t.Fatalf("%s: %s with %d additions and %d removals stands: %v", f.Name, e, adds, removals, !want)
				}
			}
		}
	}
}

func ver(replica string, n, seq uint64, clock HLC, text string) Version {
	return Version{Dot: DotOf(replica, n), Clock: clock, Seq: seq, Value: care.OfText(text), Author: staffA}
}

func TestPolicies(t *testing.T) {
	early, late := HLC("0195d4a2b3c40000"), HLC("0195d4a2b3c50000")
	for _, c := range []struct {
		name     string
		field    care.Field
		heads    []Version
		want     care.Value
		conflict bool
	}{
		{"latest takes the later clock", care.Field{Merge: care.Latest},
			[]Version{ver(replicaA, 1, 1, late, "a"), ver(replicaB, 1, 2, early, "b")}, care.OfText("a"), true},
		{"latest breaks ties by replica", care.Field{Merge: care.Latest},
			[]Version{ver(replicaA, 1, 2, late, "a"), ver(replicaB, 1, 1, late, "b")}, care.OfText("b"), true},
		{"ask keeps what was at the hub first", care.Field{Merge: care.Ask},
			[]Version{ver(replicaA, 1, 8, late, "a"), ver(replicaB, 1, 7, early, "b")}, care.OfText("b"), true},
		{"ask puts the hub before what is unsent", care.Field{Merge: care.Ask},
			[]Version{ver(replicaA, 1, 0, early, "a"), ver(replicaB, 1, 7, late, "b")}, care.OfText("b"), true},
		{"safer takes the protective one", care.Field{Merge: care.Safer, Safer: care.Comparator{Order: []string{"given", "withdrawn"}}},
			[]Version{ver(replicaA, 1, 1, early, "withdrawn"), ver(replicaB, 1, 2, late, "given")}, care.OfText("withdrawn"), true},
		{"safer without order uses neither", care.Field{Merge: care.Safer},
			[]Version{ver(replicaA, 1, 1, early, "+1"), ver(replicaB, 1, 2, late, "+2")}, nil, true},
		{"safer by date", care.Field{Merge: care.Safer, Safer: care.Comparator{Dates: "earliest"}},
			[]Version{ver(replicaA, 1, 1, early, "2026-05-01"), ver(replicaB, 1, 2, late, "2026-04-30")}, care.OfText("2026-04-30"), true},
		{"the same value twice is no conflict", care.Field{Merge: care.Ask},
			[]Version{ver(replicaA, 1, 1, early, "a"), ver(replicaB, 1, 2, late, "a")}, care.OfText("a"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r Register
			var conflict bool
			for _, v := range c.heads {
				var held string
				if conflict, held = r.Apply(&c.field, v, nil); held != "" {
					t.Fatalf("held: %s", held)
				}
			}
			if got := r.InForce(&c.field); !got.Equal(c.want) {
				t.Errorf("in force %s, want %s", got, c.want)
			}
			if conflict != c.conflict || r.Conflict(&c.field) != c.conflict {
				t.Errorf("conflict %v, want %v", conflict, c.conflict)
			}
			if len(r.Heads) != len(c.heads) {
				t.Errorf("%d values kept, want %d", len(r.Heads), len(c.heads))
			}
			// A person who saw all of them decides, and the question is closed.
			if conflict, _ := r.Apply(&c.field, ver(replicaB, 9, 9, late, "z"), r.Dots()); conflict || len(r.Heads) != 1 {
				t.Errorf("after a decision %d values are kept", len(r.Heads))
			}
		})
	}
}

func TestOnce(t *testing.T) {
	f := &care.Field{Merge: care.Once}
	var r Register
	first := ver(replicaA, 1, 1, "0195d4a2b3c40000", "a")
	if _, held := r.Apply(f, first, nil); held != "" {
		t.Fatal(held)
	}
	if _, held := r.Apply(f, ver(replicaB, 1, 2, "0195d4a2b3c50000", "a"), nil); held != "" || len(r.Heads) != 1 {
		t.Errorf("the same value again: held %q, %d heads", held, len(r.Heads))
	}
	for _, base := range [][]Dot{nil, {first.Dot}} {
		if _, held := r.Apply(f, ver(replicaB, 2, 3, "0195d4a2b3c50000", "b"), base); held != HeldWrittenOnce {
			t.Errorf("another value with base %v: held %q", base, held)
		}
	}
	if !r.InForce(f).Equal(care.OfText("a")) {
		t.Errorf("in force %s", r.InForce(f))
	}
}

func TestMisplacedVersionsAreHeld(t *testing.T) {
	var r Register
	elem := Version{Dot: DotOf(replicaA, 1), Elem: "x"}
	if _, held := r.Apply(&care.Field{Merge: care.Latest}, elem, nil); held != HeldNotASet {
		t.Errorf("an element for one value: %q", held)
	}
	if _, held := r.Apply(&care.Field{Merge: care.Union}, ver(replicaA, 1, 1, "", "x"), nil); held != HeldIsASet {
		t.Errorf("one value for a set: %q", held)
	}
	f := &care.Field{Merge: care.Latest}
	for n := range uint64(HeadsMax) {
		if _, held := r.Apply(f, ver(replicaA, n+1, n+1, "", fmt.Sprint(n)), nil); held != "" {
			t.Fatalf("version %d: %s", n, held)
		}
	}
	if _, held := r.Apply(f, ver(replicaB, 1, 1, "", "x"), nil); held != HeldTooManyHeads || len(r.Heads) != HeadsMax {
		t.Errorf("one too many: %q, %d heads", held, len(r.Heads))
	}
}

func TestApplyLeavesCopiesAlone(t *testing.T) {
	f := &care.Field{Merge: care.Latest}
	var r Register
	r.Apply(f, ver(replicaA, 1, 1, "", "a"), nil)
	r.Apply(f, ver(replicaB, 1, 2, "", "b"), nil)
	before, bytesBefore := r, r.AppendJSON(nil)
	r.Apply(f, ver(replicaA, 2, 3, "", "c"), r.Dots())
	if !bytes.Equal(before.AppendJSON(nil), bytesBefore) {
		t.Error("a copy made before was changed")
	}
}

// Law: of two values at most one protects more than the other.
func TestComparatorsAreAntisymmetric(t *testing.T) {
	fields := slices.Clone(lawFields)
	for _, e := range care.Schema {
		for i := range e.Fields {
			if e.Fields[i].Merge == care.Safer {
				fields = append(fields, &e.Fields[i])
			}
		}
	}
	for _, f := range fields {
		values := []care.Value{care.OfText("2026"), care.OfText("2026-01-02"), care.OfText("2026-01-01T00:00:00.000Z"), care.OfText("other"),
			care.OfBool(true), care.OfBool(false), care.OfInt(3), care.OfAbsent(care.Unknown), care.OfAbsent(care.NotAsked)}
		for _, o := range f.Safer.Order {
			values = append(values, care.OfText(o))
		}
		for _, a := range values {
			for _, b := range values {
				x, okX := f.Safer.Compare(a, b)
				y, okY := f.Safer.Compare(b, a)
				if okX != okY || (x > 0) != (y < 0) || (x < 0) != (y > 0) {
					t.Errorf("%s: %s against %s gives %d %v, the other way %d %v", f.Name, a, b, x, okX, y, okY)
				}
			}
		}
	}
}

func TestRegisterRoundTrip(t *testing.T) {
	r := seedOf(t)
	for _, f := range lawFields {
		for range 300 {
			reg := applyAll(f, history(r, f))
			raw := reg.AppendJSON(nil)
			got, err := DecodeRegister(raw)
			if err != nil {
				t.Fatal(err)
			}
			if again := got.AppendJSON(nil); !bytes.Equal(again, raw) {
				t.Fatalf("%s\nread and written again\n%s", raw, again)
			}
		}
	}
	for _, raw := range []string{`{"h":`, `[]`, `{"h":[1]}`, `{"h":[]}x`, `{"h":[{"q":-1}]}`, strings.Repeat("{", 99)} {
		if _, err := DecodeRegister([]byte(raw)); err == nil {
			t.Errorf("%s was read", raw)
		}
	}
}

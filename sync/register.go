package fieldsync

import (
	"cmp"
	"slices"

	"portolan/care"
)

// Apply merges one version into the register. base names the versions that its
// author had seen: those among the heads are superseded, all others stay
// beside it. The result of a set of versions does not depend on their order,
// provided that each comes after those in its base (the door holds a change
// whose base it does not know); only Once depends on it by nature.
//
// conflict tells that more than one distinct value is kept afterwards. held is
// the reason for which the version was not taken, "" where it was. The heads
// are never changed in place: a copy of the register made before stays as it was.
func (r *Register) Apply(f *care.Field, v Version, base []Dot) (conflict bool, held string) {
	if held := misplaced(f, v); held != "" {
		return r.Conflict(f), held
	}
	for i := range r.Heads {
		if r.Heads[i].Dot == v.Dot && r.Heads[i].Elem == v.Elem {
			return r.Conflict(f), ""
		}
	}
	if f.Merge == care.Once && len(r.Heads) > 0 {
		if !r.Heads[0].Value.Equal(v.Value) {
			return false, HeldWrittenOnce
		}
		return false, "" // the first author stays
	}
	next := make([]Version, 0, len(r.Heads)+1)
	for _, h := range r.Heads {
		if !supersedes(f, v, h) || !slices.Contains(base, h.Dot) {
			next = append(next, h)
		} else if f.Merge == care.Ask {
			v.inherit(h)
		}
	}
	if len(next) >= HeadsMax {
		return r.Conflict(f), HeldTooManyHeads
	}
	at, _ := slices.BinarySearchFunc(next, v, compareHeads)
	r.Heads = slices.Insert(next, at, v)
	return r.Conflict(f), ""
}

// inherit keeps for v the place of a version that it supersedes: whoever saw
// the value in force and changed it has changed what is in force, also where
// another value waits beside it for a decision.
func (v *Version) inherit(h Version) {
	if s := h.standsSince(); s != 0 && (v.standsSince() == 0 || s < v.standsSince()) {
		v.Stands = s
	}
}

// standsSince is the hub's number from which this line of values stands, 0
// where the hub has not numbered it.
func (v *Version) standsSince() uint64 {
	if v.Stands != 0 {
		return v.Stands
	}
	return v.Seq
}

// misplaced tells of a version that does not fit the kind of field.
func misplaced(f *care.Field, v Version) string {
	switch {
	case f.Merge != care.Union && (v.Elem != "" || v.Removed):
		return HeldNotASet
	case f.Merge == care.Union && v.Elem == "" && v.Value.Absent() == "":
		return HeldIsASet // a set takes elements, or the reason why there are none
	}
	return ""
}

// supersedes says whether v speaks about the same thing as h. In a set each
// element is a thing of its own, and an element also answers an Absent value.
func supersedes(f *care.Field, v, h Version) bool {
	return f.Merge != care.Union || h.Elem == v.Elem || h.Elem == ""
}

// compareHeads orders heads by dot and element, so that the same set of heads
// is always the same bytes.
func compareHeads(a, b Version) int {
	if c := a.Dot.Compare(b.Dot); c != 0 {
		return c
	}
	return cmp.Compare(a.Elem, b.Elem)
}

// InForce is the value that stands now: nil where nothing was written, or where
// a Safer field has values without order between them and waits for a person.
func (r Register) InForce(f *care.Field) care.Value {
	if len(r.Heads) == 0 {
		return nil
	}
	if f.Merge == care.Union {
		return r.elements(f)
	}
	if len(r.Heads) == 1 {
		return r.Heads[0].Value
	}
	switch f.Merge {
	case care.Safer:
		return r.safest(f)
	case care.Ask:
		return slices.MinFunc(r.Heads, byStanding).Value
	default:
		return slices.MaxFunc(r.Heads, byClock).Value
	}
}

// byClock orders by the clock, and by the dot where clocks tie.
func byClock(a, b Version) int {
	if c := cmp.Compare(a.Clock, b.Clock); c != 0 {
		return c
	}
	return a.Dot.Compare(b.Dot)
}

// byStanding orders by how long a line of values has stood at the hub; what
// the hub has not numbered yet comes last, the earlier clock first.
func byStanding(a, b Version) int {
	if c := cmp.Compare(a.standsSince()-1, b.standsSince()-1); c != 0 { // 0 wraps to the largest
		return c
	}
	return byClock(a, b)
}

// safest is the value that protects at least as much as every other, nil where
// there is none.
func (r Register) safest(f *care.Field) care.Value {
	best := r.Heads[0].Value
	for _, h := range r.Heads[1:] {
		if order, ok := f.Safer.Compare(h.Value, best); ok && order > 0 {
			best = h.Value
		}
	}
	for _, h := range r.Heads {
		if order, ok := f.Safer.Compare(best, h.Value); !ok || order < 0 {
			return nil
		}
	}
	return best
}

// elements is the set in force, sorted: an Absent value only where no element
// was ever added beside it.
func (r Register) elements(f *care.Field) care.Value {
	var present []string
	var absent *Version
	seen := make(map[string]bool, len(r.Heads)) // element → whether it is in
	for i := range r.Heads {
		h := &r.Heads[i]
		if h.Elem == "" {
			if absent == nil || byClock(*absent, *h) < 0 {
				absent = h
			}
			continue
		}
		in, known := seen[h.Elem]
		switch {
		case !known:
			seen[h.Elem] = !h.Removed
		case f.RemovalWins:
			seen[h.Elem] = in && !h.Removed
		default:
			seen[h.Elem] = in || !h.Removed
		}
	}
	for e, in := range seen {
		if in {
			present = append(present, e)
		}
	}
	if len(present) == 0 && absent != nil {
		return absent.Value
	}
	slices.Sort(present)
	return care.OfList(present...)
}

// Conflict says whether more than one distinct value is kept: a question for a
// person. Sets have none.
func (r Register) Conflict(f *care.Field) bool {
	if f.Merge == care.Union {
		return false
	}
	for i := 1; i < len(r.Heads); i++ {
		if !r.Heads[i].Value.Equal(r.Heads[0].Value) {
			return true
		}
	}
	return false
}

// Dots names the versions that are kept, each once and in order: what an
// author who saw the field sends as base, and what the digest covers.
func (r Register) Dots() []Dot {
	dots := make([]Dot, 0, len(r.Heads))
	for i := range r.Heads {
		dots = append(dots, r.Heads[i].Dot)
	}
	if !slices.IsSortedFunc(dots, Dot.Compare) {
		slices.SortFunc(dots, Dot.Compare)
	}
	return slices.Compact(dots)
}

// Authors names who wrote the versions that are kept, each once.
func (r Register) Authors() []string {
	var l []string
	for i := range r.Heads {
		if !slices.Contains(l, r.Heads[i].Author) {
			l = append(l, r.Heads[i].Author)
		}
	}
	return l
}

// Dot names the change once the replica is known that made it.
func (c *Change) Dot(replica string) Dot { return DotOf(replica, c.N) }

// Versions is what the change writes to one field, to be applied in order: one
// version, or one for each element of a set. clock is the change's own on the
// tablet and the clamped one at the hub; seq is 0 on the tablet.
func (c *Change) Versions(field, replica string, clock HLC, seq uint64) []Version {
	v := Version{Dot: c.Dot(replica), Clock: clock, At: c.At, Author: c.Author, Seq: seq}
	var out []Version
	if value, ok := c.Set[field]; ok {
		w := v
		w.Value = value
		out = append(out, w)
	}
	for _, e := range c.Add[field] {
		w := v
		w.Elem = e
		out = append(out, w)
	}
	for _, e := range c.Remove[field] {
		w := v
		w.Elem, w.Removed = e, true
		out = append(out, w)
	}
	return out
}

// Alone is the register of a field in which nothing stands but what the change
// wrote there, under the hub's number seq; stands is that of a field under Ask,
// where it is not seq.
func (c *Change) Alone(field, replica string, seq, stands uint64) Register {
	heads := c.Versions(field, replica, c.Clock, seq)
	slices.SortFunc(heads, compareHeads)
	for i := range heads {
		heads[i].Stands = stands
	}
	return Register{heads}
}

// Equal says whether two registers keep the same versions.
func (r Register) Equal(o Register) bool {
	return slices.EqualFunc(r.Heads, o.Heads, func(a, b Version) bool {
		return a.Dot == b.Dot && a.Clock == b.Clock && a.At == b.At && a.Author == b.Author && a.Seq == b.Seq &&
			a.Stands == b.Stands && a.Elem == b.Elem && a.Removed == b.Removed && a.Value.Equal(b.Value)
	})
}

// Fields names every field that the change writes, in order.
func (c *Change) Fields() []string {
	names := make([]string, 0, len(c.Set)+len(c.Add)+len(c.Remove))
	for f := range c.Set {
		names = append(names, f)
	}
	for f := range c.Add {
		names = append(names, f)
	}
	for f := range c.Remove {
		names = append(names, f)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

package fieldsync

import "slices"

// HeldBaseUnknown is why the hub keeps a version aside whose author saw
// another one that has not come to it yet.
const HeldBaseUnknown = "base_unknown"

// Fate is what became at the hub of a version that somebody saw.
type Fate struct {
	Here  bool // it came, or is one of the hub's own, which nobody can bring
	Waits bool // it came, and waits itself for one that has not
	As    Dot  // the version that came of it where it was held and then taken, else ""
}

// Seen turns the versions that the author of a change saw into those that the
// change supersedes: each under the name under which it was taken. awaits is the
// first of them that has to be taken before, "" where there is none. fate is
// asked about what is not among the heads.
func (r Register) Seen(base []Dot, fate func(Dot) (Fate, error)) (seen []Dot, awaits Dot, err error) {
	seen = base
	for i, d := range base {
		if slices.ContainsFunc(r.Heads, func(v Version) bool { return v.Dot == d }) {
			continue
		}
		f, err := fate(d)
		if err != nil {
			return nil, "", err
		}
		if awaits == "" && (!f.Here || f.Waits) {
			awaits = d
		}
		if f.As == "" {
			continue
		}
		if &seen[0] == &base[0] {
			seen = slices.Clone(base)
		}
		seen[i] = f.As
	}
	return seen, awaits, nil
}

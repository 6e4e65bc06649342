package simtest

import (
	"errors"
	"slices"
)

// Shrink makes a failing run smaller: it drops steps as long as some invariant
// stays broken. It returns the places of the steps that are enough, and how
// they fail; no error where nothing fails.
func Shrink(seed uint64, script []Step) ([]int, error) {
	at := make([]int, len(script))
	for i := range at {
		at[i] = i
	}
	last := New(seed).Run(script)
	if last == nil {
		return nil, nil
	}
	for size := max(len(at)/2, 1); ; size /= 2 {
		for from := 0; from < len(at); {
			fewer := slices.Delete(slices.Clone(at), from, min(from+size, len(at)))
			if err := New(seed).Run(pick(script, fewer)); err != nil {
				at, last = fewer, err
			} else {
				from += size
			}
		}
		if size == 1 {
			return at, last
		}
	}
}

func pick(script []Step, at []int) []Step {
	out := make([]Step, len(at))
	for i, n := range at {
		out[i] = script[n]
	}
	return out
}

// broken makes steps of a kind fail, so that shrinking can be tested.
var broken func(Kind) bool

var errBroken = errors.New("broken on purpose")

// Add sums up what happened.
func (c *Counts) Add(o Counts) {
	c.Values, c.Syncs, c.Cuts, c.Held, c.TakenUp = c.Values+o.Values, c.Syncs+o.Syncs, c.Cuts+o.Cuts, c.Held+o.Held, c.TakenUp+o.TakenUp
	c.Decided, c.Restores, c.Enrolled, c.Wiped = c.Decided+o.Decided, c.Restores+o.Restores, c.Enrolled+o.Enrolled, c.Wiped+o.Wiped
	c.Locked, c.Walks, c.Evicted, c.Groups = c.Locked+o.Locked, c.Walks+o.Walks, c.Evicted+o.Evicted, c.Groups+o.Groups
}

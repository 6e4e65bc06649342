package simtest

import (
	"bytes"
	"fmt"
	"slices"

	"portolan/care"
	fieldsync "portolan/sync"
)

// check holds the invariants that are true at every moment.
func (w *World) check() error {
	for _, f := range []func() error{w.nothingLost, w.digestsAgree, w.saferStands, w.clocksAreClamped, w.onlyWhatTheyMay} {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// spoken is what one version is about: a field, or one element of a set.
type spoken struct {
	at   place
	elem string
}

// about tells what a change of this world speaks about; each writes one value
// or one element.
func about(c *fieldsync.Change, field string) spoken {
	s := spoken{at: place{c.Record, field}}
	for _, e := range append(slices.Clone(c.Add[field]), c.Remove[field]...) {
		s.elem = e
	}
	return s
}

// superseded is every version whose place another one took that was applied
// and whose author had seen it.
func (w *World) superseded() (map[fieldsync.Dot]map[spoken]bool, error) {
	out := map[fieldsync.Dot]map[spoken]bool{}
	for replica, list := range w.hub.taken {
		for i, t := range list {
			c := t.change
			if c.N != uint64(i+1) {
				return nil, fmt.Errorf("%s/%d stands in the log as number %d", replica, c.N, i+1)
			}
			if w.hub.held[c.Dot(replica)] {
				continue
			}
			for field, dots := range c.Base {
				for _, d := range dots {
					if out[d] == nil {
						out[d] = map[spoken]bool{}
					}
					out[d][about(&c, field)] = true
				}
			}
		}
	}
	return out, nil
}

// nothingLost: every value that was ever entered is in its author's outbox
// with its bytes; and each that the hub took is a head, superseded by a version
// whose author named it, or held.
func (w *World) nothingLost() error {
	superseded, err := w.superseded()
	if err != nil {
		return err
	}
	for _, e := range w.ledger {
		r := w.replicas[e.replica]
		if uint64(len(r.outbox)) < e.n || r.outbox[e.n-1].change.Dot(r.id) != e.dot {
			return fmt.Errorf("%s has gone from its author's store", e.dot)
		}
		if uint64(len(w.hub.taken[r.id])) < e.n {
			continue // not at this hub yet
		}
		reg := w.hub.state[e.at]
		is := about(&r.outbox[e.n-1].change, e.at.field)
		if !slices.Contains(reg.Dots(), e.dot) && !superseded[e.dot][is] && !w.hub.held[e.dot] && !w.sameOnce(e, reg) {
			return fmt.Errorf("%s in %v is lost at the hub", e.dot, e.at)
		}
	}
	return nil
}

// sameOnce: the value of a field that is written once was there already.
func (w *World) sameOnce(e entered, reg fieldsync.Register) bool {
	f := w.schema.field(e.at.field)
	v := w.replicas[e.replica].outbox[e.n-1].change.Set[e.at.field]
	return f.Merge == care.Once && reg.InForce(f).Equal(v)
}

// digestsAgree: the digests that the hub keeps by differences are those of
// what it holds.
func (w *World) digestsAgree() error {
	anew := map[fieldsync.Scope]fieldsync.Digest{}
	for at, reg := range w.hub.state {
		s := w.schema.scopeOf(at)
		anew[s] = anew[s].Add(fieldsync.DigestOf(s, at.record, at.field, reg.Dots()))
	}
	if kept, now := fieldsync.RootDigest(w.hub.digests), fieldsync.RootDigest(anew); kept != now {
		return fmt.Errorf("the hub keeps digest %s of %s", kept, now)
	}
	return nil
}

// saferStands: nothing that is kept protects more than what is in force.
func (w *World) saferStands() error {
	for at, reg := range w.hub.state {
		f := w.schema.field(at.field)
		if f.Merge != care.Safer {
			continue
		}
		now := reg.InForce(f)
		for _, h := range reg.Heads {
			if order, ok := f.Safer.Compare(now, h.Value); !ok || order < 0 {
				return fmt.Errorf("%v: %s is in force beside %s", at, now, h.Value)
			}
		}
	}
	return nil
}

// clocksAreClamped: no version at the hub is dated after the hub's limit.
func (w *World) clocksAreClamped() error {
	limit := fieldsync.HLCOf(w.now.Add(fieldsync.ClockAheadMax))
	for at, reg := range w.hub.state {
		for _, h := range reg.Heads {
			if h.Clock > limit {
				return fmt.Errorf("%v: %s is dated %s, after %s", at, h.Dot, h.Clock, limit)
			}
		}
	}
	return nil
}

// onlyWhatTheyMay: a replica holds registers of no scope but those that it was
// told it may see.
func (w *World) onlyWhatTheyMay() error {
	for _, r := range w.replicas {
		for at := range r.sent {
			if _, ok := r.scopes[w.schema.scopeOf(at)]; !ok {
				return fmt.Errorf("%s holds %v of a scope that it lost", r.id, at)
			}
		}
	}
	return nil
}

// equal: at rest each replica has exactly what the hub has of the scopes that
// it may see, and every value entered is at the hub.
func (w *World) equal() error {
	for i, r := range w.replicas {
		open, _, _ := w.hub.scopes(r.id, w.hub.seq)
		for at, reg := range w.hub.state {
			if !open[w.schema.scopeOf(at)] {
				continue
			}
			if !bytes.Equal(r.sent[at].AppendJSON(nil), reg.AppendJSON(nil)) || !bytes.Equal(r.shown(at).AppendJSON(nil), reg.AppendJSON(nil)) {
				return fmt.Errorf("replica %d shows %v as %s, the hub has %s", i, at, r.shown(at).AppendJSON(nil), reg.AppendJSON(nil))
			}
		}
		for at := range r.sent {
			if !open[w.schema.scopeOf(at)] {
				return fmt.Errorf("replica %d still holds %v", i, at)
			}
		}
		if len(w.hub.taken[r.id]) != len(r.outbox) {
			return fmt.Errorf("the hub has %d of the %d changes of replica %d", len(w.hub.taken[r.id]), len(r.outbox), i)
		}
	}
	return nil
}

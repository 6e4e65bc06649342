package simtest

import (
	"bytes"
	"fmt"
	"slices"

	"portolan/care"
	fieldsync "portolan/sync"
)

// entered is a value that somebody entered: the ledger is written by the world
// alone, and nothing in it is ever taken back.
type entered struct {
	at       place
	value    care.Value
	salt     string // of its change, whatever number that is given
	store    *tablet
	entry    *entry
	restored bool // the hub was restored since
}

func (w *World) enter(t *tablet, e *entry, at place) {
	one := &entered{at: at, value: e.change.Set[at.field], salt: e.change.Salt, store: t, entry: e}
	w.ledger = append(w.ledger, one)
	w.bySalt[one.salt] = one
	w.Values++
}

// touched holds the invariants at every field that this step touched.
func (w *World) touched() error {
	for at := range w.hub.touched {
		for _, f := range []func(place) error{w.nothingReplacedUnseen, w.saferStands, w.clocksAreClamped, w.onceEach} {
			if err := f(at); err != nil {
				return err
			}
		}
	}
	clear(w.hub.touched)
	return w.onlyWhatTheyMay()
}

// whole holds the invariants everywhere.
func (w *World) whole() error {
	for at := range w.hub.state {
		w.hub.touched[at] = true
	}
	for _, f := range []func() error{w.touched, w.nothingLost, w.digestsAgree} {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// about tells what a change of this world speaks about: a field, or one element
// of a set. Each writes one value or one element.
func about(c *fieldsync.Change, name string) (elem string) {
	for _, e := range append(slices.Clone(c.Add[name]), c.Remove[name]...) {
		elem = e
	}
	return elem
}

// stands says whether what a change of the log wrote to a field took effect
// under its own name.
func (h *hub) stands(seq uint64, name string) bool {
	item := h.held[seq]
	return item == nil || !item.holds(name)
}

// nothingReplacedUnseen: each value that the hub took is a head, superseded by
// a version whose author saw it, held, or stands as it was taken up; and what
// was superseded is no head.
func (w *World) nothingReplacedUnseen(at place) error {
	h := w.hub
	type spoken struct {
		dot  fieldsync.Dot
		elem string
	}
	superseded := map[spoken]bool{}
	f := h.state[at]
	for _, seq := range f.writes {
		l := h.log[seq]
		if !h.stands(seq, at.field) {
			continue
		}
		for _, d := range l.Base[at.field] {
			was := h.find(d)
			switch came := was != nil && was.receipt.Seq < seq; {
			case !came && !isHub(d.Replica()) && (l.of == 0 || h.held[l.of].decided != "accepted"):
				return fmt.Errorf("%s/%d in %v was applied before %s, which its author saw", l.replica, l.n, at, d)
			case came:
				superseded[spoken{d, about(&l.Change, at.field)}] = true
				if item := h.held[was.receipt.Seq]; item != nil && item.asSeq > 0 && item.asSeq < seq {
					superseded[spoken{item.as, about(&l.Change, at.field)}] = true
				}
			}
		}
	}
	for _, v := range f.Heads {
		if superseded[spoken{v.Dot, v.Elem}] && fieldOf(at.field).Merge != care.Once {
			return fmt.Errorf("%s in %v stands beside what its reader wrote instead", v.Dot, at)
		}
	}
	for _, seq := range f.writes {
		l := h.log[seq]
		d := fieldsync.DotOf(l.replica, l.n)
		if !h.stands(seq, at.field) || slices.ContainsFunc(f.Heads, func(v fieldsync.Version) bool { return v.Dot == d }) || superseded[spoken{d, about(&l.Change, at.field)}] {
			continue
		}
		if of := fieldOf(at.field); of.Merge == care.Once && f.InForce(of).Equal(l.Set[at.field]) {
			continue // it was there already
		}
		return fmt.Errorf("%s in %v is lost at the hub", d, at)
	}
	return nil
}

// onceEach: each value took effect once, whatever was sent twice.
func (w *World) onceEach(at place) error {
	h, effects := w.hub, map[string]int{}
	for _, seq := range h.state[at].writes {
		l := h.log[seq]
		for l.of != 0 {
			l = h.log[l.of]
		}
		if w.bySalt[l.Salt] == nil {
			return fmt.Errorf("%v holds a value that nobody entered: %s", at, l.Salt)
		}
		if !h.stands(seq, at.field) {
			continue
		}
		if effects[l.Salt]++; effects[l.Salt] > 1 {
			return fmt.Errorf("%s/%d took effect twice in %v", l.replica, l.n, at)
		}
	}
	return nil
}

// nothingLost: every value that was ever entered is in the hub's log, or its
// author's tablet can still bring it. What was delivered, and evicted since, a
// restored hub may lack: nobody else has it.
func (w *World) nothingLost() error {
	inLog := map[string]bool{}
	for _, l := range w.hub.log {
		if l != nil {
			inLog[l.Salt] = true
		}
	}
	for _, e := range w.ledger {
		if inLog[e.salt] || e.entry.raw != nil || e.entry.box != nil || e.restored && e.entry.receipt != nil {
			continue
		}
		return fmt.Errorf("what was entered in %v as %s is nowhere", e.at, e.entry.of)
	}
	return nil
}

// digestsAgree: the digests that the hub keeps by differences are those of
// what it holds.
func (w *World) digestsAgree() error {
	anew := map[fieldsync.Scope]fieldsync.Digest{}
	for at, f := range w.hub.state {
		s := at.scope()
		anew[s] = anew[s].Add(fieldsync.DigestOf(s, at.record, at.field, f.Dots()))
	}
	if kept, now := fieldsync.RootDigest(w.hub.digests), fieldsync.RootDigest(anew); kept != now {
		return fmt.Errorf("the hub keeps digest %s of %s", kept, now)
	}
	return nil
}

// saferStands: nothing that is kept protects more than what is in force.
func (w *World) saferStands(at place) error {
	of, f := fieldOf(at.field), w.hub.state[at]
	if of.Merge != care.Safer || len(f.Heads) == 0 {
		return nil
	}
	worst := ""
	for _, v := range f.Heads {
		worst = max(worst, v.Value.Text()) // their order is that of the letters
	}
	if now := f.InForce(of).Text(); now != worst {
		return fmt.Errorf("%v: %q is in force beside %q", at, now, worst)
	}
	return nil
}

// clocksAreClamped: no version at the hub is dated after the hub's limit.
func (w *World) clocksAreClamped(at place) error {
	limit := fieldsync.HLCOf(w.now.Add(fieldsync.ClockAheadMax))
	for _, v := range w.hub.state[at].Heads {
		if v.Clock > limit {
			return fmt.Errorf("%v: %s is dated %s, after %s", at, v.Dot, v.Clock, limit)
		}
	}
	return nil
}

// disclosed: nothing is sent but what its reader may see at this moment, by the
// world's own book.
func (w *World) disclosed(t *tablet, lines [][]byte) error {
	for _, raw := range lines {
		l, err := fieldsync.DecodeLine(raw)
		if err != nil {
			return err
		}
		named := slices.Clone(l.Enter)
		if l.Row != nil {
			named = append(named, l.Row.Scope)
		}
		for s := range l.Digests {
			named = append(named, fieldsync.Scope(s))
		}
		for _, s := range named {
			if !w.may(t.staff, s) {
				return fmt.Errorf("%s is sent of %s, which is not theirs to see", t.replica, s)
			}
		}
		w.Evicted += len(l.Evict)
	}
	return nil
}

// onlyWhatTheyMay: a tablet holds registers of no scope but those that it was
// told it may see, and nothing once it was wiped.
func (w *World) onlyWhatTheyMay() error {
	for _, t := range w.tablets {
		for at := range t.sent {
			if _, ok := t.scopes[at.scope()]; !ok || t.ended {
				return fmt.Errorf("%s holds %v of a scope that it lost", t.replica, at)
			}
		}
	}
	return nil
}

// afterWhole: after a whole answer a tablet holds nothing that its owner may not
// see now, and differs from the hub only where its disk lost something or the
// hub was restored, and what it is sent then mends that.
func (w *World) afterWhole(t *tablet) error {
	if t.differs && !t.damaged {
		return fmt.Errorf("%s differs from the hub after a whole answer", t.replica)
	}
	t.damaged = t.differs
	for at := range t.sent {
		if !t.differs && !w.may(t.staff, at.scope()) {
			return fmt.Errorf("%s still holds %v", t.replica, at)
		}
	}
	return nil
}

// equal: at rest each tablet has exactly what the hub has of the scopes that
// it may see, and every value that can come is at the hub.
func (w *World) equal() error {
	for i, t := range w.tablets {
		for at, f := range w.hub.state {
			if !w.may(t.staff, at.scope()) {
				continue
			}
			want := f.AppendJSON(nil)
			if !bytes.Equal(t.sent[at].AppendJSON(nil), want) || !bytes.Equal(t.shown(at).AppendJSON(nil), want) {
				return fmt.Errorf("tablet %d shows %v as %s, the hub has %s", i, at, t.shown(at).AppendJSON(nil), want)
			}
		}
		for at := range t.sent {
			if !w.may(t.staff, at.scope()) {
				return fmt.Errorf("tablet %d still holds %v", i, at)
			}
		}
	}
	for _, e := range w.ledger {
		if k := w.hub.replicas[e.entry.replica]; (e.entry.raw != nil || e.entry.box != nil) && (k == nil || uint64(len(k.seqs)) < e.entry.n) {
			return fmt.Errorf("%s was not given back", e.entry.of)
		}
	}
	for seq, item := range w.hub.held {
		if item.awaits == ready {
			return fmt.Errorf("change %d waits for what has come", seq)
		}
		if item.decided == "taken_up" {
			w.TakenUp++
		}
		w.Held++
	}
	return nil
}

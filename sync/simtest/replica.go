package simtest

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"portolan/care"
	fieldsync "portolan/sync"
)

// entry is one change in the outbox of a replica.
type entry struct {
	raw     []byte
	link    fieldsync.Link
	change  fieldsync.Change
	receipt json.RawMessage // nil before there is one
	settled bool
}

// replica is the model of one tablet's store. Its fields are what is on its
// disk; a crash leaves them as they are between two steps.
type replica struct {
	id, staff string
	schema    *schema
	key       ed25519.PrivateKey
	clock     *fieldsync.Clock
	skew      time.Duration // its wall clock against the true one
	lastTick  fieldsync.HLC

	outbox  []entry
	link    fieldsync.Link
	sent    map[place]fieldsync.Register // as the hub sent it
	stale   map[place]bool
	scopes  map[fieldsync.Scope]fieldsync.Digest
	cursor  string
	resend  uint64 // from which number the hub asked for changes again, 0 for none
	differs bool
}

func newReplica(id, staff string, s *schema, seed [32]byte, now func() time.Time) *replica {
	r := &replica{id: id, staff: staff, schema: s, key: ed25519.NewKeyFromSeed(seed[:]), sent: map[place]fieldsync.Register{},
		stale: map[place]bool{}, scopes: map[fieldsync.Scope]fieldsync.Digest{}}
	r.clock = fieldsync.NewClock(func() time.Time { return now().Add(r.skew) })
	return r
}

// shown is a field with what is not in the hub's register yet on top.
func (r *replica) shown(at place) fieldsync.Register {
	reg := r.sent[at]
	for _, e := range r.outbox {
		if e.settled || e.change.Record != at.record || e.holds(at.field) {
			continue
		}
		for _, v := range e.change.Versions(at.field, r.id, e.change.Clock, 0) {
			reg.Apply(r.schema.field(at.field), v, e.change.Base[at.field])
		}
	}
	return reg
}

func (e *entry) holds(field string) bool {
	if e.receipt == nil {
		return false
	}
	var rec fieldsync.Receipt
	if err := json.Unmarshal(e.receipt, &rec); err != nil {
		panic("simtest: a receipt of the model: " + err.Error())
	}
	return slices.ContainsFunc(rec.Held, func(h fieldsync.Held) bool { return h.Field == field })
}

// edit writes a random value to a field, with what the person sees as base.
func (r *replica) edit(rng *rand.Rand, at place, now time.Time) (fieldsync.Change, error) {
	f := r.schema.field(at.field)
	c := fieldsync.Change{N: uint64(len(r.outbox)) + 1, Collection: "cases", Record: at.record, Case: at.record, Author: r.staff,
		At: care.FormatTime(now.Add(r.skew)), Clock: r.clock.Tick(), Salt: base64.RawURLEncoding.EncodeToString(make([]byte, fieldsync.SaltBytes))}
	if c.Clock <= r.lastTick {
		return c, fmt.Errorf("the clock of %s went from %s to %s", r.id, r.lastTick, c.Clock)
	}
	r.lastTick = c.Clock
	value := []string{"a", "b", "c", "d", "e"}[rng.IntN(5)]
	switch {
	case f.Merge != care.Union:
		c.Set = map[string]care.Value{at.field: care.OfText(value)}
	case rng.IntN(3) == 0:
		c.Remove = map[string][]string{at.field: {value}}
	default:
		c.Add = map[string][]string{at.field: {value}}
	}
	if dots := r.shown(at).Dots(); len(dots) > 0 {
		c.Base = map[string][]fieldsync.Dot{at.field: dots}
	}
	raw := fieldsync.EncodeChange(c)
	r.link = fieldsync.NextLink(r.link, raw)
	r.outbox = append(r.outbox, entry{raw: raw, link: r.link, change: c})
	return c, nil
}

// pushBody is the next request: at most limit changes without a receipt, or
// from where the hub asked for them again.
func (r *replica) pushBody(limit int) []byte {
	p := fieldsync.Push{Version: fieldsync.ProtocolVersion, Replica: r.id, Cursor: r.cursor}
	from := slices.IndexFunc(r.outbox, func(e entry) bool { return e.receipt == nil })
	if r.resend > 0 {
		from = int(r.resend) - 1
	}
	last := -1
	for i := from; from >= 0 && i < len(r.outbox) && len(p.Changes) < limit; i++ {
		p.Changes, last = append(p.Changes, r.outbox[i].raw), i
	}
	if last >= 0 {
		p.Link = r.outbox[last].link.String()
		p.Signature = fieldsync.Sign(r.key, r.id, uint64(last+1), r.outbox[last].link)
	}
	return p.AppendJSON(nil)
}

// take takes one line of an answer, in one transaction.
func (r *replica) take(raw []byte) error {
	l, err := fieldsync.DecodeLine(raw)
	if err != nil {
		return err
	}
	switch {
	case l.Evict != nil:
		for _, s := range l.Evict {
			r.evict(s)
		}
	case l.Receipts != nil:
		return r.receipts(l.Receipts)
	case l.Enter != nil:
		for _, s := range l.Enter {
			if _, ok := r.scopes[s]; !ok {
				r.scopes[s] = fieldsync.Digest{}
			}
			for at := range r.sent {
				if r.schema.scopeOf(at) == s {
					r.stale[at] = true
				}
			}
		}
	case l.Row != nil:
		r.row(l.Row)
	case l.End != nil:
		r.end(l.End)
	}
	return nil
}

func (r *replica) evict(s fieldsync.Scope) {
	delete(r.scopes, s)
	for at := range r.sent {
		if r.schema.scopeOf(at) == s {
			delete(r.sent, at)
			delete(r.stale, at)
		}
	}
}

// receipts keeps each receipt. A repeated one must be the same, byte for byte,
// unless the hub was restored in between.
func (r *replica) receipts(list []json.RawMessage) error {
	for _, raw := range list {
		var rec fieldsync.Receipt
		if err := json.Unmarshal(raw, &rec); err != nil {
			return err
		}
		e := &r.outbox[rec.N-1]
		if e.receipt != nil && r.resend == 0 && string(e.receipt) != string(raw) {
			return fmt.Errorf("%s/%d was answered %s and then %s", r.id, rec.N, e.receipt, raw)
		}
		e.receipt, e.settled = slices.Clone(raw), false
		if r.resend > 0 {
			r.resend = rec.N + 1
		}
	}
	if r.resend > uint64(len(r.outbox)) {
		r.resend = 0
	}
	return nil
}

func (r *replica) row(row *fieldsync.Row) {
	for name, reg := range row.Fields {
		at := place{row.Record, name}
		r.add(at, r.sent[at], -1)
		r.add(at, reg, 1)
		r.sent[at] = reg
		delete(r.stale, at)
		for _, h := range reg.Heads {
			r.clock.Observe(h.Clock)
		}
	}
}

func (r *replica) add(at place, reg fieldsync.Register, sign int) {
	s := r.schema.scopeOf(at)
	d := fieldsync.DigestOf(s, at.record, at.field, reg.Dots())
	if sign < 0 {
		r.scopes[s] = r.scopes[s].Sub(d)
	} else {
		r.scopes[s] = r.scopes[s].Add(d)
	}
}

func (r *replica) end(e *fieldsync.End) {
	for at := range r.stale {
		r.add(at, r.sent[at], -1)
		delete(r.sent, at)
	}
	clear(r.stale)
	for i := range r.outbox {
		r.outbox[i].settled = r.outbox[i].receipt != nil && (r.resend == 0 || uint64(i+1) < r.resend)
	}
	r.cursor = e.Cursor
	r.differs = fieldsync.RootDigest(r.scopes) != e.Digest
}

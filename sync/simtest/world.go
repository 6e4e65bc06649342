package simtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"portolan/care"
	fieldsync "portolan/sync"
)

// schema is the few fields of the simulated world, one of each policy.
type schema struct{ fields []care.Field }

func newSchema() *schema {
	return &schema{[]care.Field{
		{Name: "ask", Merge: care.Ask, Compartment: care.General},
		{Name: "latest", Merge: care.Latest, Compartment: care.General},
		{Name: "once", Merge: care.Once, Compartment: care.General},
		{Name: "removal", Merge: care.Union, RemovalWins: true, Compartment: care.General},
		{Name: "safer", Merge: care.Safer, Compartment: care.Health, Safer: care.Comparator{Order: []string{"a", "b", "c", "d", "e"}}},
		{Name: "union", Merge: care.Union, Compartment: care.Health},
	}}
}

func (s *schema) field(name string) *care.Field {
	i := slices.IndexFunc(s.fields, func(f care.Field) bool { return f.Name == name })
	return &s.fields[i]
}

func (s *schema) scope(record string, f *care.Field) fieldsync.Scope {
	return fieldsync.CaseScope(record, f.Compartment)
}

func (s *schema) scopeOf(at place) fieldsync.Scope { return s.scope(at.record, s.field(at.field)) }

// Options sizes a world.
type Options struct {
	Replicas, Records, Steps int
	Grants                   bool // grants come and go
	Restores                 bool // the hub is restored from old backups
}

// World is one run.
type World struct {
	o        Options
	rng      *rand.Rand
	schema   *schema
	now      time.Time
	hub      *hub
	backup   *hub
	replicas []*replica
	records  []string
	late     [][]byte // requests that arrive again, much later
	ledger   []entered
	restored int
}

// entered is a value that somebody entered: the ledger is written by the world
// alone, and nothing in it is ever taken back.
type entered struct {
	dot     fieldsync.Dot
	at      place
	replica int
	n       uint64
}

func id(kind, i int) string { return fmt.Sprintf("01960000-0000-7000-8000-%08x%04x", kind, i) }

// New makes a world from a seed.
func New(seed uint64, o Options) *World {
	w := &World{o: o, rng: rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)), schema: newSchema(), now: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)}
	w.hub = newHub(w.schema)
	for i := range o.Records {
		w.records = append(w.records, id(1, i))
	}
	for i := range o.Replicas {
		var key [32]byte
		key[0] = byte(i + 1)
		w.replicas = append(w.replicas, newReplica(id(2, i), id(3, i), w.schema, key, func() time.Time { return w.now }))
		for _, s := range w.scopes() {
			if !o.Grants || w.rng.IntN(2) == 0 {
				w.hub.grant(w.replicas[i].id, s, true)
			}
		}
	}
	w.backup = w.hub.backup()
	return w
}

func (w *World) scopes() []fieldsync.Scope {
	var out []fieldsync.Scope
	for _, r := range w.records {
		out = append(out, fieldsync.CaseScope(r, care.General), fieldsync.CaseScope(r, care.Health))
	}
	return out
}

// Run takes all steps, then lets the world come to rest. It returns the first
// broken invariant.
func (w *World) Run() error {
	for i := range w.o.Steps {
		if err := w.step(); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
		if err := w.check(); err != nil {
			return fmt.Errorf("after step %d: %w", i, err)
		}
	}
	return w.rest()
}

func (w *World) step() error {
	w.now = w.now.Add(time.Duration(w.rng.IntN(120_000)) * time.Millisecond)
	i := w.rng.IntN(len(w.replicas))
	r := w.replicas[i]
	switch k := w.rng.IntN(20); {
	case k < 9:
		return w.edit(i)
	case k < 15:
		return w.sync(r, true)
	case k == 15:
		// The wall clock jumps, up to three days either way.
		r.skew = time.Duration(w.rng.Int64N(int64(144*time.Hour))) - 72*time.Hour
	case k == 16 && len(w.late) > 0:
		// A request that was thought lost arrives at last; nobody reads the answer.
		j := w.rng.IntN(len(w.late))
		_, err := w.hub.answer(w.late[j], w.now)
		if known(err) != nil {
			return err
		}
	case k == 17 && w.o.Grants:
		all := w.scopes()
		w.hub.grant(r.id, all[w.rng.IntN(len(all))], w.rng.IntN(2) == 0)
	case k == 18 && w.o.Restores && w.rng.IntN(4) == 0:
		w.restore()
	case k == 19 && w.rng.IntN(4) == 0:
		w.backup = w.hub.backup()
	}
	return nil
}

// known passes over the one error that the protocol provides for here.
func known(err error) error {
	var gap *gapError
	if errors.As(err, &gap) {
		return nil
	}
	return err
}

// restore brings back the hub of the last backup, in a new epoch. Whoever
// restores settles the grants anew.
func (w *World) restore() {
	epoch, grants := w.hub.epoch, w.hub.grants
	w.hub = w.backup.backup()
	w.hub.epoch = epoch + 1
	w.hub.seq += 1000 // numbers are not given twice
	w.hub.grants = map[string][]access{}
	for r, list := range grants {
		for _, a := range list {
			if a.until == 0 {
				w.hub.grant(r, a.scope, true)
			} else {
				w.hub.grants[r] = append(w.hub.grants[r], access{a.scope, 1, w.hub.seq})
			}
		}
	}
	w.restored++
	w.late = nil
}

func (w *World) edit(i int) error {
	r := w.replicas[i]
	at := place{w.records[w.rng.IntN(len(w.records))], w.schema.fields[w.rng.IntN(len(w.schema.fields))].Name}
	if _, ok := r.scopes[w.schema.scopeOf(at)]; !ok {
		return nil // a person edits what they see
	}
	c, err := r.edit(w.rng, at, w.now)
	if err != nil {
		return err
	}
	w.ledger = append(w.ledger, entered{c.Dot(r.id), at, i, c.N})
	return nil
}

// sync is one round trip over a line that may lose the request, the answer or
// its end, or deliver the request twice; a crash looks the same.
func (w *World) sync(r *replica, badLine bool) error {
	body := r.pushBody(1 + w.rng.IntN(4))
	fate := 9
	if badLine {
		fate = w.rng.IntN(10)
	}
	if fate == 0 {
		w.late = append(w.late, body)
		return nil
	}
	lines, err := w.hub.answer(body, w.now)
	if fate == 1 && err == nil {
		w.late = append(w.late, body)
		lines, err = w.hub.answer(body, w.now)
	}
	var gap *gapError
	if errors.As(err, &gap) {
		r.resend = gap.expected
		return nil
	}
	if err != nil {
		return err
	}
	if fate == 2 {
		lines = lines[:0]
	} else if fate < 6 {
		lines = lines[:w.rng.IntN(len(lines)+1)]
	}
	for _, l := range lines {
		if err := r.take(l); err != nil {
			return err
		}
	}
	if len(lines) > 0 && r.differs {
		return fmt.Errorf("%s differs from the hub after a whole answer", r.id)
	}
	return nil
}

// restMax bounds how often a replica has to sync until it is at rest.
const restMax = 400

// rest lets the network be good until everybody has everything, and checks
// that the replicas equal the hub.
func (w *World) rest() error {
	for range 3 {
		for _, r := range w.replicas {
			for rounds := 0; ; rounds++ {
				if rounds == restMax {
					return fmt.Errorf("%s does not come to rest", r.id)
				}
				if err := w.sync(r, false); err != nil {
					return fmt.Errorf("coming to rest: %w", err)
				}
				waits := slices.ContainsFunc(r.outbox, func(e entry) bool { return e.receipt == nil || !e.settled })
				if !waits && r.resend == 0 {
					break
				}
			}
		}
		// A replica with nothing of its own to send learns of a restore only
		// when the hub misses something of it: everybody offers their last.
		for _, r := range w.replicas {
			if n := uint64(len(r.outbox)); n > uint64(len(w.hub.taken[r.id])) {
				r.resend = uint64(len(w.hub.taken[r.id])) + 1
			}
		}
	}
	if err := w.check(); err != nil {
		return fmt.Errorf("at rest: %w", err)
	}
	return w.equal()
}

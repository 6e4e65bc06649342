package simtest

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	fieldsync "portolan/sync"
)

// officer decides about held changes and is on every case.
var officer = id(idStaff, 99)

// right is a grant as the world remembers it, beside the hub.
type right struct {
	staff int
	scope fieldsync.Scope
	until time.Time
	ended bool
}

// late is a request that was thought lost.
type late struct {
	tablet int
	body   []byte
}

// Counts is what happened in a run.
type Counts struct {
	Values, Syncs, Cuts, Held, TakenUp, Decided, Restores, Enrolled, Wiped, Locked, Walks, Evicted, Groups int
}

// World is one run.
type World struct {
	Counts
	now      time.Time
	hub      *hub
	backup   *hub
	backedUp int // rights that the backup knows
	epochs   int
	tablets  []*tablet
	replicas int
	records  []string
	rights   []right
	late     []late
	ledger   []*entered
	bySalt   map[string]*entered
	steps    int
}

// Step is one thing that happens; what it does beside its kind is drawn from its
// own number, so that other steps may be left out.
type Step struct {
	Kind Kind
	Draw uint64
}

// Kind of a step.
type Kind uint8

// What may happen, and how often of ten thousand.
const (
	Edit Kind = iota
	EditGroup
	Sync
	Late
	ClockJump
	Grant
	Revoke
	EnrolAgain
	LongPause
	Backup
	Restore
	Decide
	UpgradeHub
	UpgradeTablet
	Damage
	kinds
)

var often = [kinds]int{Edit: 4000, EditGroup: 500, Sync: 4200, Late: 250, ClockJump: 200, Grant: 300, Revoke: 8, EnrolAgain: 100,
	LongPause: 5, Backup: 60, Restore: 12, Decide: 250, UpgradeHub: 5, UpgradeTablet: 20, Damage: 60}

// Script is the steps of a seed.
func Script(seed uint64, steps int) []Step {
	rng := rand.New(rand.NewPCG(seed, 1))
	total := 0
	for _, n := range often {
		total += n
	}
	out := make([]Step, steps)
	for i := range out {
		k, at := Kind(0), rng.IntN(total)
		for at >= often[k] {
			at -= often[k]
			k++
		}
		out[i] = Step{k, rng.Uint64()}
	}
	return out
}

// New makes a world from a seed.
func New(seed uint64) *World {
	rng := rand.New(rand.NewPCG(seed, 2))
	w := &World{now: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), hub: newHub(), epochs: 1, bySalt: map[string]*entered{}}
	for i := range 1 + rng.IntN(recordsMax) {
		w.records = append(w.records, id(idRecord, i))
	}
	for i := range 2 + rng.IntN(4) {
		t := newTablet(i/2+i%2, 1+rng.IntN(2), &w.now) // some people have two
		w.tablets = append(w.tablets, t)
		w.enrol(t)
		for _, s := range w.scopes() {
			if rng.IntN(3) > 0 {
				w.give(t.staff, s, w.now.Add(2000*time.Hour))
			}
		}
	}
	w.settle()
	w.backup, w.backedUp = w.hub.copied(), len(w.rights)
	return w
}

func (w *World) scopes() (out []fieldsync.Scope) {
	for _, r := range w.records {
		for _, c := range compartments {
			if s := fieldsync.CaseScope(caseOf[r], c); !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

func (w *World) give(staff int, s fieldsync.Scope, until time.Time) {
	w.rights = append(w.rights, right{staff, s, until, false})
	parts := partsOf(s)
	w.hub.grants = append(w.hub.grants, grant{staff, parts.Case, parts.Compartment, until, false})
}

// settle has the hub open and close what became of rights.
func (w *World) settle() {
	for staff := range w.hub.staff() {
		w.hub.settleAccess(staff, w.records, w.now)
	}
}

// may says what somebody may see, by the world's own book.
func (w *World) may(staff int, s fieldsync.Scope) bool {
	return slices.ContainsFunc(w.rights, func(r right) bool { return r.staff == staff && r.scope == s && !r.ended && w.now.Before(r.until) })
}

func (w *World) enrol(t *tablet) error {
	w.replicas++
	name := id(idReplica, w.replicas)
	lease := w.now.Add(leaseDays)
	w.hub.devices[name] = &device{staff: t.staff, lease: lease, key: t.key.Public().(ed25519.PublicKey)}
	w.late = slices.DeleteFunc(w.late, func(l late) bool { return w.tablets[l.tablet] == t })
	w.Enrolled++
	return t.enrol(w.hub, name, lease)
}

// Run takes the steps, then lets the world come to rest. It returns the first
// broken invariant.
func (w *World) Run(script []Step) error {
	for i, s := range script {
		if err := w.Take(s); err != nil {
			return fmt.Errorf("step %d, of kind %d: %w", i, s.Kind, err)
		}
	}
	return w.Rest()
}

// Take takes one step and checks the invariants.
func (w *World) Take(s Step) error {
	rng := rand.New(rand.NewPCG(s.Draw, 3))
	w.now = w.now.Add(time.Duration(rng.IntN(120_000)) * time.Millisecond)
	if broken != nil && broken(s.Kind) {
		return errBroken
	}
	if err := w.happen(s.Kind, rng); err != nil {
		return err
	}
	w.steps++
	if err := w.touched(); err != nil {
		return err
	}
	if w.steps%64 == 0 {
		return w.whole()
	}
	return nil
}

func (w *World) happen(k Kind, rng *rand.Rand) error {
	i := rng.IntN(len(w.tablets))
	t := w.tablets[i]
	switch k {
	case Edit:
		return w.edit(t, 1, rng)
	case EditGroup:
		w.Groups++
		return w.edit(t, 2+rng.IntN(2), rng)
	case Sync:
		return w.sync(i, true, rng)
	case Late:
		return w.arriveLate(rng)
	case ClockJump:
		t.skew = time.Duration(rng.Int64N(int64(144*time.Hour))) - 72*time.Hour
	case Grant:
		w.grant(t, rng)
	case Revoke:
		if d := w.hub.devices[t.replica]; d != nil {
			d.revoked = true
			w.Wiped++
		}
	case EnrolAgain:
		if t.ended {
			return w.enrol(t)
		}
	case LongPause:
		w.now = w.now.Add(time.Duration(rng.IntN(40*24)) * time.Hour)
		w.Locked++
	case Backup:
		w.backup, w.backedUp = w.hub.copied(), len(w.rights)
	case Restore:
		w.restore()
	case Decide:
		w.decide(rng)
	case UpgradeHub:
		w.hub.version = 2
	case UpgradeTablet:
		t.version = 2
	case Damage:
		for at := range t.sent {
			if rng.IntN(3) == 0 {
				delete(t.sent, at) // a page that the disk lost
			}
		}
		t.recount()
		t.damaged = true
	}
	return nil
}

// grant gives a right, ends one, or ends one earlier.
func (w *World) grant(t *tablet, rng *rand.Rand) {
	all := w.scopes()
	s := all[rng.IntN(len(all))]
	if rng.IntN(2) == 0 {
		w.give(t.staff, s, w.now.Add(time.Duration(1+rng.IntN(2000))*time.Hour))
	} else {
		for i := range w.rights {
			if r := &w.rights[i]; r.staff == t.staff && r.scope == s {
				if until := w.now.Add(time.Duration(rng.IntN(48)) * time.Hour); rng.IntN(2) == 0 && until.Before(r.until) {
					r.until, w.hub.grants[i].until = until, until
				} else {
					r.ended, w.hub.grants[i].ended = true, true
				}
			}
		}
	}
	w.settle()
	w.hub.takeUp(w.now)
}

// restore brings back the hub of the last backup, in a new epoch. What was
// ended since stays ended, what was given since is not there.
func (w *World) restore() {
	was := w.hub
	w.hub = w.backup.copied()
	w.epochs++
	w.hub.epoch, w.hub.replica, w.hub.version = w.epochs, hubReplica(w.epochs), was.version
	w.rights = w.rights[:w.backedUp]
	for i, r := range w.rights {
		w.hub.grants[i].ended, w.hub.grants[i].until = r.ended, r.until
	}
	for name, d := range was.devices {
		if now := w.hub.devices[name]; now != nil {
			now.revoked = now.revoked || d.revoked
		}
	}
	w.settle()
	w.Restores++
	w.late = nil // requests from before the start are refused
	for _, t := range w.tablets {
		t.damaged = true
	}
	for _, e := range w.ledger {
		e.restored = true
	}
	w.backup, w.backedUp = w.hub.copied(), len(w.rights)
}

func (w *World) edit(t *tablet, count int, rng *rand.Rand) error {
	if t.ended || t.locked(w.now) {
		return nil // nobody reads it, so nobody writes
	}
	group := ""
	if count > 1 {
		group = fmt.Sprintf("g%d", w.steps)
	}
	for range count {
		at := place{w.records[rng.IntN(len(w.records))], fields[rng.IntN(len(fields))].Name}
		if _, ok := t.scopes[at.scope()]; !ok || !knows(t.version, at.field) {
			continue // a person edits what they see
		}
		e, err := t.edit(rng, at, group, uint64(len(w.ledger)+1), w.now)
		if err != nil {
			return err
		}
		w.enter(t, e, at)
	}
	return nil
}

// decide is a person who looks at one held change.
func (w *World) decide(rng *rand.Rand) {
	var open []uint64
	for seq, item := range w.hub.held {
		if item.decided == "" {
			open = append(open, seq)
		}
	}
	if len(open) == 0 {
		return
	}
	slices.Sort(open)
	seq := open[rng.IntN(len(open))]
	as := officer
	if rng.IntN(2) == 0 {
		as = w.hub.log[seq].staff
	}
	w.hub.decide(seq, rng.IntN(3) > 0, as, "accepted", w.now)
	w.hub.takeUp(w.now)
	w.Decided++
}

func (w *World) arriveLate(rng *rand.Rand) error {
	if len(w.late) == 0 {
		return nil
	}
	_, err := w.hub.answer(w.late[rng.IntN(len(w.late))].body, w.records, w.now, rng) // nobody reads the answer
	return foreseen(err)
}

// foreseen passes over the errors that the protocol provides for.
func foreseen(err error) error {
	var gap *gapError
	if errors.As(err, &gap) || errors.Is(err, errUnknown) {
		return nil
	}
	return err
}

// sync is one round trip over a line that may lose the request, the answer or
// its end at any line, or deliver the request twice. A crash on either end
// looks the same: the hub's before or after it committed, the tablet's between
// any two of its transactions.
func (w *World) sync(i int, badLine bool, rng *rand.Rand) error {
	t := w.tablets[i]
	w.Syncs++
	limit := 1 + rng.IntN(6)
	body, err := t.pushBody(limit)
	if errors.Is(err, errHole) || t.ended && !w.unsent(t) {
		return w.enrol(t)
	}
	if err != nil {
		return err
	}
	fate := 9
	if badLine {
		fate = rng.IntN(10)
	}
	if fate == 0 {
		w.late = append(w.late, late{i, body})
		return nil
	}
	lines, err := w.hub.answer(body, w.records, w.now, rng)
	if fate == 1 && err == nil {
		w.late = append(w.late, late{i, body})
		lines, err = w.hub.answer(body, w.records, w.now, rng)
	}
	var gap *gapError
	switch {
	case errors.As(err, &gap):
		t.resend, t.offers = gap.expected, false
		return nil
	case errors.Is(err, errUnknown):
		return w.enrol(t)
	case err != nil:
		return err
	}
	if err := w.disclosed(t, lines); err != nil {
		return err
	}
	if fate < 6 {
		lines = lines[:rng.IntN(len(lines)+1)]
		w.Cuts++
	}
	return w.intake(t, lines, rng)
}

func (w *World) unsent(t *tablet) bool {
	return slices.ContainsFunc(t.outbox, func(e *entry) bool { return e.replica == t.replica && e.receipt == nil })
}

// intake takes lines in transactions of any size. Of a group that is not whole
// nothing is taken.
func (w *World) intake(t *tablet, lines [][]byte, rng *rand.Rand) error {
	t.entered, t.fromBlank, t.digests, t.records = nil, t.cursor == "", nil, nil
	var portion []fieldsync.Line
	whole := false
	for _, raw := range lines {
		l, err := fieldsync.DecodeLine(raw)
		if err != nil {
			return err
		}
		portion = append(portion, l)
		whole = l.End != nil
		if whole || (l.Row == nil || !l.Row.More) && rng.IntN(2) == 0 {
			if err := t.take(portion, w.hub.epoch); err != nil {
				return err
			}
			portion = nil
		}
	}
	for len(portion) > 0 && portion[len(portion)-1].Row != nil && portion[len(portion)-1].Row.More {
		portion = portion[:len(portion)-1]
	}
	if err := t.take(portion, w.hub.epoch); err != nil {
		return err
	}
	if !whole {
		t.check, t.again = nil, nil
		return nil
	}
	if t.check != nil {
		w.Walks++
	}
	return w.afterWhole(t)
}

// restMax bounds how often a tablet has to sync until it is at rest.
const restMax = 2000

// Rest lets the network be good until everybody has everything, and checks
// that the tablets equal the hub.
func (w *World) Rest() error {
	rng := rand.New(rand.NewPCG(uint64(w.steps), 4))
	w.settle()
	for quiet := 0; quiet < 2; quiet++ {
		for i, t := range w.tablets {
			for rounds := 0; ; rounds++ {
				if rounds == restMax {
					return fmt.Errorf("%s does not come to rest", t.replica)
				}
				before := w.hub.seq
				if err := w.sync(i, false, rng); err != nil {
					return fmt.Errorf("coming to rest: %w", err)
				}
				if w.hub.seq != before {
					quiet = 0
				}
				if !t.ended && !w.unsent(t) && t.resend == 0 && t.check == nil && t.again == nil && !t.differs && (!t.offers || t.last() == 0) {
					break
				}
			}
		}
	}
	if err := w.whole(); err != nil {
		return fmt.Errorf("at rest: %w", err)
	}
	return w.equal()
}

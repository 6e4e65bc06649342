package collections

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"portolan/care"
	"portolan/search"
	fieldsync "portolan/sync"
)

// session is the door's work inside one transaction.
type session struct {
	h       *Hub
	t       *tx
	actor   care.Actor
	now     time.Time
	nowText string
	state
	seen   map[seenKey]care.Decision
	grants map[held][]care.Grant // as far as they were asked for
	staff  map[string]care.Actor // in whose name the hub makes changes
	kept   map[recordKey]*record // decoded, as they stand in this transaction
	cited  map[versionOf]*cited  // versions that the changes at hand name
	out    []string              // staff whose sign-ins ended
	era    uint64                // of what is kept of this transaction in memory
	last   func()                // runs once it is committed, before anybody else comes to the door; nil for nothing

	grouped bool // several changes are taken as one
	awaited bool // some held changes wait for others
}

// state is what a group that falls puts back, beside what the database puts
// back itself.
type state struct {
	seq     uint64 // the last sequence number given
	unit    uint64 // the first that was given to the change or group at hand
	hubN    uint64 // the hub replica's last number
	hubLink fieldsync.Link
	digests map[fieldsync.Scope]fieldsync.Digest // changed ones, written at the end
	touched map[fieldsync.Scope]bool
	woken   map[string]bool // staff whose scopes changed
	ended   ending          // whose access became less
	ends    bool            // somebody was given access that ends
	depth   int             // consequences of consequences
	chains  []chainEnd      // of the replicas whose changes came
	made    []made          // for the audit log, in the order in which it was made
	found   []search.Entry  // changed names, for the index
	own     Own             // changes of a tablet that stand as they came
	wrote   []wrote         // rows, for whoever is sent them next
}

// held are the grants of one person for one case.
type held struct{ staff, caseID string }

type seenKey struct {
	staff       string
	act         care.Act
	collection  string
	org, caseID string
	compartment care.Compartment
}

// arrival is a change as it reaches the door.
type arrival struct {
	fieldsync.Change
	raw     []byte
	replica string
	actor   care.Actor
	why     map[care.Compartment]care.Reason // by which its author writes there
	sealed  bool                             // its tablet cannot read it any more
	aside   string                           // why it waits for a person whatever it says, "" where it does not
	unread  string                           // why this version cannot read it, "" where it can

	unbased bool          // a person takes it although a version that its author saw is not here
	awaits  fieldsync.Dot // that version; "" where there is none
}

// enter opens the door for one transaction and, after it is committed, wakes
// whom it concerns.
func (h *Hub) enter(ctx context.Context, a care.Actor, f func(*session) error) error {
	return h.enterBy(ctx, h.writer.write, a, f)
}

// enterBy is enter by one of the writer's ways to write.
func (h *Hub) enterBy(ctx context.Context, write func(context.Context, func(*tx) error) error, a care.Actor, f func(*session) error) error {
	var woken, out []string
	var ended ending
	var ends bool
	var touched map[fieldsync.Scope]bool
	err := write(ctx, func(t *tx) (err error) {
		defer caught(&err)
		now := h.now()
		s := &session{h: h, t: t, actor: a, now: now, nowText: care.FormatTime(now), seen: map[seenKey]care.Decision{}, grants: map[held][]care.Grant{}, staff: map[string]care.Actor{}, kept: map[recordKey]*record{}, cited: map[versionOf]*cited{}, era: h.lately.now()}
		s.digests = map[fieldsync.Scope]fieldsync.Digest{}
		s.touched = map[fieldsync.Scope]bool{}
		s.woken = map[string]bool{}
		s.own = Own{}
		s.ended = newEnding()
		if err := s.open(); err != nil {
			return err
		}
		if err := f(s); err != nil {
			return err
		}
		held, err := s.close()
		woken, out = keysOf(s.woken), s.out
		t.afterwards = func() {
			h.indexFound(s.found)
			s.keepWritten(held)
			if s.last != nil {
				s.last()
			}
		}
		ended, ends, touched = s.ended, s.ends, s.touched
		return err
	})
	if err != nil {
		return err
	}
	h.signedOut(out...)
	h.tellEnded(ended)
	if ends {
		h.endsHaveMoved()
	}
	h.wakeUp(woken)
	h.tellChanged(touched)
	return nil
}

// author is who made a change, with the grants that they hold for one case.
// Grants are looked up here and never taken from the caller, and only those of
// the case at hand: a push costs the same whatever its author's caseload.
func (s *session) author(a *arrival, caseID string) care.Actor {
	actor := a.actor
	actor.Grants = nil
	if actor.IsHub() || caseID == "" {
		return actor
	}
	key := held{actor.Staff, caseID}
	grants, ok := s.grants[key]
	if !ok {
		var err error
		if grants, err = grantsOf(s.t, actor.Staff, caseID); err != nil {
			panic(worldError{err})
		}
		s.grants[key] = grants
	}
	actor.Grants = grants
	return actor
}

// inName is the actor of a draft: whoever acts, or the member of staff in
// whose name the hub does.
func (s *session) inName(d Draft) (care.Actor, error) {
	if d.Author == "" || !s.actor.IsHub() {
		return s.actor, nil
	}
	actor, ok := s.staff[d.Author]
	if !ok {
		var err error
		if actor, err = s.h.loadStaff(s.t, d.Author, ""); err != nil {
			return actor, err
		}
		s.staff[d.Author] = actor
	}
	return actor, nil
}

func (s *session) open() error {
	if _, err := s.t.exec(`INSERT INTO door_open (one) VALUES (1)`); err != nil {
		return fmt.Errorf("opening the door: %w", err)
	}
	if err := s.t.row(`SELECT COALESCE(MAX(seq), 0) FROM changes`).Scan(&s.seq); err != nil {
		return fmt.Errorf("reading the sequence: %w", err)
	}
	if _, err := s.t.exec(`INSERT OR IGNORE INTO replicas (id, staff, device, last_n, link, made_at) VALUES (?, ?, '', 0, ?, ?)`,
		s.h.replica, care.HubStaff, make([]byte, len(s.hubLink)), s.nowText); err != nil {
		return fmt.Errorf("reading the hub's replica: %w", err)
	}
	var link []byte
	if err := s.t.row(`SELECT last_n, link FROM replicas WHERE id = ?`, s.h.replica).Scan(&s.hubN, &link); err != nil {
		return fmt.Errorf("reading the hub's replica: %w", err)
	}
	copy(s.hubLink[:], link)
	return wrap("reading what waits", s.t.row(`SELECT EXISTS (SELECT 1 FROM awaited)`).Scan(&s.awaited))
}

// close writes what was kept back until the end, and finds whom to wake: it
// returns which scopes anybody holds.
func (s *session) close() (map[fieldsync.Scope]bool, error) {
	if err := s.takeUp(); err != nil {
		return nil, err
	}
	for scope, d := range s.digests {
		if _, err := s.t.exec(`INSERT INTO scope_digests (scope, digest) VALUES (?, ?)
			ON CONFLICT (scope) DO UPDATE SET digest = excluded.digest`, string(scope), d.String()); err != nil {
			return nil, fmt.Errorf("writing a digest: %w", err)
		}
	}
	if _, err := s.t.exec(`UPDATE replicas SET last_n = ?, link = ? WHERE id = ?`, s.hubN, s.hubLink[:], s.h.replica); err != nil {
		return nil, fmt.Errorf("noting the hub's last change: %w", err)
	}
	s.noteMade()
	if _, err := s.t.exec(`DELETE FROM door_open`); err != nil {
		return nil, fmt.Errorf("closing the door: %w", err)
	}
	held := map[fieldsync.Scope]bool{}
	for scope := range s.touched {
		var err error
		if held[scope], err = s.holders(scope); err != nil {
			return nil, err
		}
	}
	return held, nil
}

// holders adds those who may see a scope to the woken, and says whether there
// are any.
func (s *session) holders(scope fieldsync.Scope) (any bool, err error) {
	rows, err := s.t.rows(`SELECT staff FROM scope_access WHERE scope = ? AND until_seq IS NULL`, string(scope))
	if err != nil {
		return false, fmt.Errorf("reading who sees a scope: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var staff string
		if err := rows.Scan(&staff); err != nil {
			return false, fmt.Errorf("reading who sees a scope: %w", err)
		}
		s.woken[staff], any = true, true
	}
	return any, wrap("reading who sees a scope", rows.Err())
}

// group applies changes that stand or fall together; a single change is a
// group of one. Where one member of several must be held, all are.
func (s *session) group(build []func() (*arrival, error)) ([]fieldsync.Receipt, error) {
	if len(build) == 1 {
		a, err := build[0]()
		if err != nil {
			return nil, err
		}
		r, err := s.take(a, nil)
		return []fieldsync.Receipt{r}, err
	}
	s.unit, s.grouped = s.seq+1, true
	defer func() { s.grouped = false }()
	var receipts []fieldsync.Receipt
	reasons := make(map[int][]fieldsync.Held)
	var awaits fieldsync.Dot
	stands, err := s.attempt(func() (bool, error) {
		for i := range build {
			a, err := build[i]()
			if err != nil {
				return false, err
			}
			r, err := s.take(a, nil)
			if err != nil {
				return false, err
			}
			receipts, awaits = append(receipts, r), cmp.Or(awaits, a.awaits)
			if r.Status == fieldsync.StatusHeld {
				reasons[i] = r.Held
			}
		}
		return len(reasons) == 0, nil
	})
	if err != nil || stands {
		return receipts, err
	}
	return s.holdGroup(build, reasons, awaits)
}

// attempt does something that falls as a whole: where it does not stand, all is
// as it was before.
func (s *session) attempt(do func() (stands bool, err error)) (bool, error) {
	before := s.state
	before.digests, before.touched, before.woken = maps.Clone(s.digests), maps.Clone(s.touched), maps.Clone(s.woken)
	before.ended, before.own = s.ended.clone(), maps.Clone(s.own)
	noted, ended := len(s.t.noted), len(s.t.ended)
	if _, err := s.t.exec(`SAVEPOINT attempt`); err != nil {
		return false, fmt.Errorf("beginning a group: %w", err)
	}
	stands, err := do()
	if err != nil {
		return false, err
	}
	if !stands {
		if _, err := s.t.exec(`ROLLBACK TO attempt`); err != nil {
			return false, fmt.Errorf("putting a group back: %w", err)
		}
		s.state, s.t.noted, s.t.ended = before, s.t.noted[:noted], s.t.ended[:ended]
		clear(s.kept)
		clear(s.cited)
		clear(s.seen)
		clear(s.grants)
	}
	_, err = s.t.exec(`RELEASE attempt`)
	return stands, wrap("ending a group", err)
}

// holdGroup holds every member of a group, each with its own reason or with
// the reason that another fell; where one waits for a version, all do.
func (s *session) holdGroup(build []func() (*arrival, error), reasons map[int][]fieldsync.Held, awaits fieldsync.Dot) ([]fieldsync.Receipt, error) {
	var receipts []fieldsync.Receipt
	for i := range build {
		a, err := build[i]()
		if err != nil {
			return nil, err
		}
		held := reasons[i]
		if !slices.ContainsFunc(held, func(h fieldsync.Held) bool { return h.Field == "" }) {
			held = append(held, fieldsync.Held{Reason: HeldGroup}) // its other fields fall too
		}
		a.awaits = awaits
		r, err := s.take(a, held)
		if err != nil {
			return nil, err
		}
		receipts = append(receipts, r)
	}
	return receipts, nil
}

// hubChange writes a draft as a change of the hub's own replica, on the base
// of what stands now.
func (s *session) hubChange(actor care.Actor, d Draft) (*arrival, error) {
	t, ok := s.h.tables[d.Collection]
	if !ok {
		return nil, &care.Error{Code: "unknown_collection", Kind: care.Invalid, Hint: "There is no collection of that name."}
	}
	rec, err := s.load(t, d.Record)
	if err != nil {
		return nil, err
	}
	if rec == nil {
		rec = newRecord(t, d.Record)
	}
	org := d.Org
	if org == "" {
		org = actor.Org
	}
	c := fieldsync.Change{
		N: s.hubN + 1, Collection: d.Collection, Record: d.Record, Case: d.Case, Org: org,
		Clock: fieldsync.HLCOf(s.now), At: s.nowText, Author: actor.Staff, Group: d.Group, Schema: care.SchemaVersion,
		Salt: s.h.newSalt(),
	}
	if err := fillChange(&c, rec, d); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("writing a change: %w", err)
	}
	return &arrival{Change: c, raw: raw, replica: s.h.replica, actor: actor}, nil
}

// fillChange sets the fields of a change from a draft, and their bases.
func fillChange(c *fieldsync.Change, rec *record, d Draft) error {
	c.Set, c.Add, c.Remove = map[string]care.Value{}, map[string][]string{}, map[string][]string{}
	c.Base = map[string][]fieldsync.Dot{}
	base := func(field string) (fieldsync.Register, error) {
		reg, err := rec.register(field)
		if dots := reg.Dots(); len(dots) > 0 {
			c.Base[field] = dots
		}
		return reg, err
	}
	for name, v := range d.Set {
		reg, err := base(name)
		if err != nil {
			return err
		}
		f, ok := rec.t.entity.Field(name)
		if !ok || f.Merge != care.Union {
			c.Set[name] = v
			continue
		}
		c.Add[name], c.Remove[name] = listDifference(reg.InForce(f).List(), v.List())
	}
	for name, l := range d.Add {
		if _, err := base(name); err != nil {
			return err
		}
		c.Add[name] = append(c.Add[name], l...)
	}
	for name, l := range d.Remove {
		if _, err := base(name); err != nil {
			return err
		}
		c.Remove[name] = append(c.Remove[name], l...)
	}
	maps.DeleteFunc(c.Add, func(_ string, l []string) bool { return len(l) == 0 })
	maps.DeleteFunc(c.Remove, func(_ string, l []string) bool { return len(l) == 0 })
	return nil
}

func listDifference(from, to []string) (add, remove []string) {
	have := make(map[string]bool, len(from))
	for _, e := range from {
		have[e] = true
	}
	for _, e := range to {
		if !have[e] {
			add = append(add, e)
		}
		delete(have, e)
	}
	for _, e := range from {
		if have[e] {
			remove = append(remove, e)
		}
	}
	return add, remove
}

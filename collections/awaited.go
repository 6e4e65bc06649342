package collections

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"portolan/care"
	fieldsync "portolan/sync"
)

// A change names the versions that its author saw. Where one of them has not
// come to this hub (it was restored, and the tablet that made it has not given
// it back), the change is held with the reason base_unknown and noted in
// `awaited`, until that version comes: then it is taken up by itself, in its
// author's name and with their rights. A person may decide before.

// takeUpMax is how many groups of waiting changes one transaction takes up:
// whoever brings what many wait for is not kept waiting. The next one goes on.
const takeUpMax = 200

// ownTail is where the name of a hub's replica is the same in each epoch.
const ownTail = len("01960000-0000-7000-")

// isOwn says whether a replica is this hub's own, of whatever epoch: what a
// restored hub wrote before nobody can bring.
func (h *Hub) isOwn(replica string) bool {
	return len(replica) == len(h.replica) && replica[ownTail:] == h.replica[ownTail:]
}

// nextReplica is the name of this hub's replica in a new epoch, so that no
// version of the new one has the name of a version that was lost.
func (h *Hub) nextReplica() string { return h.newID()[:ownTail] + h.replica[ownTail:] }

// fate is what became of a version of a field that the author of a change saw.
// Only what was written to that field of that record counts as known: a version
// that the author cannot have seen there looks like one that never was.
func (s *session) fate(a *arrival, field string, d fieldsync.Dot) (fieldsync.Fate, error) {
	if d == a.Dot(a.replica) || s.h.isOwn(d.Replica()) {
		return fieldsync.Fate{Here: true}, nil
	}
	w, err := s.citedBy(a.Record, d)
	switch {
	case err != nil || w == nil:
		return fieldsync.Fate{}, err
	case w.erased:
		return fieldsync.Fate{Here: true}, nil
	case w.collection != a.Collection || !slices.Contains(w.fields, field):
		return fieldsync.Fate{}, nil // of a newer version of the hub, or of another field
	}
	f := fieldsync.Fate{Here: true}
	if !w.held {
		return f, nil
	}
	if err := s.t.row(`SELECT EXISTS (SELECT 1 FROM awaited WHERE seq = ?)`, w.seq).Scan(&f.Waits); err != nil {
		return f, wrap("looking for a version", err)
	}
	f.As, err = s.acceptedAs(w.seq, field)
	return f, err
}

// cited is a change in the log that a change at hand names: to what it wrote,
// which never changes.
type cited struct {
	seq          uint64
	held, erased bool
	collection   string
	fields       []string
}

// versionOf is a version of a record.
type versionOf struct {
	record string
	dot    fieldsync.Dot
}

// citedBy reads to what of a record a version was written, nil where there is
// none. Each is opened once in a transaction: a push may name one version, which
// may be long, ten thousand times, and nobody else is at the door meanwhile.
func (s *session) citedBy(record string, d fieldsync.Dot) (*cited, error) {
	key := versionOf{record, d}
	if c, ok := s.cited[key]; ok {
		return c, nil
	}
	c := &cited{}
	var at logged
	err := s.t.row(`SELECT seq, org, case_id, status = ?, body FROM changes WHERE replica = ? AND n = ? AND record = ?`,
		fieldsync.StatusHeld, d.Replica(), d.N(), record).Scan(&c.seq, &at.org, &at.caseID, &c.held, &at.body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap("looking for a version", err)
	}
	body, whole, err := s.h.keys.openChange(c.seq, at.org, at.caseID, at.body)
	if c.erased = errors.Is(err, ErrErased) || err == nil && !whole; !c.erased {
		if err != nil {
			return nil, err
		}
		if said, err := fieldsync.DecodeChange(body); err == nil {
			c.collection, c.fields = said.Collection, said.Fields()
		}
	}
	s.cited[key] = c
	return c, nil
}

// acceptedAs is the version that came of what a held change wrote to a field,
// "" where it was not held or not accepted.
func (s *session) acceptedAs(seq uint64, field string) (fieldsync.Dot, error) {
	var replica string
	var n uint64
	err := s.t.row(`SELECT after.replica, after.n FROM held_changes h JOIN changes after ON after.seq = h.decided_seq
		WHERE h.seq = ? AND h.decided_seq > 0 AND h.field IN ('', ?)`, seq, field).Scan(&replica, &n)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", wrap("following a decision", err)
	}
	return fieldsync.DotOf(replica, n), nil
}

// lacks is the first version that the author of a change saw and that this hub
// could not have shown them: of a change that must be held because there is
// nothing that they may write to. It may be there and not theirs to hear of.
func (s *session) lacks(a *arrival) (fieldsync.Dot, error) {
	for _, field := range a.Fields() {
		for _, d := range a.Base[field] {
			shown, err := s.shownTo(a, d)
			if err != nil || !shown {
				return d, err
			}
			f, err := s.fate(a, field, d)
			if err != nil || f.Waits || !f.Here {
				return d, err
			}
		}
	}
	return "", nil
}

// shownTo says whether the author of a change may have been shown a version.
func (s *session) shownTo(a *arrival, d fieldsync.Dot) (ever bool, err error) {
	if d.Replica() == a.replica || s.h.isOwn(d.Replica()) {
		return true, nil
	}
	err = s.t.row(`SELECT EXISTS (SELECT 1 FROM changes c JOIN scope_log l ON l.seq = c.seq JOIN scope_access x ON x.scope = l.scope
		WHERE c.replica = ? AND c.n = ? AND x.staff = ? AND (x.until_seq IS NULL OR x.until_seq >= c.seq))`,
		d.Replica(), d.N(), a.actor.Staff).Scan(&ever)
	return ever, wrap("looking for a version", err)
}

// park notes what a held change waits for.
func (s *session) park(seq uint64, d fieldsync.Dot) error {
	s.awaited = true
	_, err := s.t.exec(`INSERT INTO awaited (seq, replica, n) VALUES (?, ?, ?)`, seq, d.Replica(), d.N())
	return wrap("noting what a change waits for", err)
}

// came lets go on what waited for a change that waits for nothing itself.
func (s *session) came(replica string, n uint64) error {
	if !s.awaited {
		return nil
	}
	_, err := s.t.exec(`UPDATE awaited SET replica = '', n = 0 WHERE replica = ? AND n = ?`, replica, n)
	return wrap("finding what waited", err)
}

// admitted lets go on what somebody wrote about a case, or about what belongs
// to none, of which they may see more now: it may have waited for what they
// could not be shown. What they wrote elsewhere waits on: to try all of it for
// each scope would let one person keep everybody else from the door.
func (s *session) admitted(staff string, scope fieldsync.Scope) error {
	if !s.awaited {
		return nil
	}
	parts, err := fieldsync.ParseScope(string(scope))
	if err == nil {
		_, err = s.t.exec(`UPDATE awaited SET replica = '', n = 0 WHERE seq IN (SELECT seq FROM held_changes WHERE author = ? AND case_id = ?)`, staff, parts.Case)
	}
	return wrap("finding what waited", err)
}

// unpark ends the waiting of a held change, and lets go on what waited for it.
func (s *session) unpark(r *heldRow) error {
	if !s.awaited {
		return nil
	}
	if _, err := s.t.exec(`DELETE FROM awaited WHERE seq = ?`, r.Seq); err != nil {
		return wrap("ending what waited", err)
	}
	return s.came(r.replica, r.n)
}

// takeUpRest takes up what one transaction left.
func (h *Hub) takeUpRest(ctx context.Context) error {
	for {
		var rest bool
		if err := (reader{ctx, h.readDB()}).row(`SELECT EXISTS (SELECT 1 FROM awaited WHERE replica = '')`).Scan(&rest); err != nil || !rest {
			return wrap("finding what waited", err)
		}
		if err := h.enter(ctx, h.HubActor(), func(*session) error { return nil }); err != nil {
			return err
		}
	}
}

// takeUp takes up what need not wait any more, the oldest first. What the door
// holds for another reason is left for a person, with that reason.
func (s *session) takeUp() error {
	if !s.awaited {
		return nil
	}
	actor := s.actor
	s.actor = s.h.HubActor()
	defer func() { s.actor = actor }()
	for range takeUpMax {
		var seq uint64
		err := s.t.row(`SELECT seq FROM awaited WHERE replica = '' ORDER BY seq LIMIT 1`).Scan(&seq)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return wrap("finding what waited", err)
		}
		if err := s.takeUpOne(seq); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) takeUpOne(seq uint64) error {
	r, err := s.h.heldAt(s.t, seq)
	if err != nil {
		return err
	}
	group, err := s.groupOf(r)
	if err != nil {
		return err
	}
	var why *care.Error
	var still stillAwaits
	_, err = s.attempt(func() (bool, error) {
		s.unit, s.grouped = s.seq+1, true
		defer func() { s.grouped = false }()
		for _, member := range group {
			_, err := s.decideOne(member, Verdict{Decision: TakenUp, As: AsAuthor})
			if errors.As(err, &still) || errors.As(err, &why) {
				return false, nil
			}
			if err != nil {
				return false, err
			}
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	for _, member := range group {
		switch {
		case still.dot != "":
			_, err = s.t.exec(`UPDATE awaited SET replica = ?, n = ? WHERE seq = ?`, still.dot.Replica(), still.dot.N(), member.Seq)
			err = wrap("noting what a change waits for", err)
		case why != nil:
			if _, err := s.t.exec(`UPDATE held_changes SET reason = ? WHERE seq = ? AND reason = ?`, why.Code, member.Seq, fieldsync.HeldBaseUnknown); err != nil {
				return wrap("noting why a change is held", err)
			}
			err = s.unpark(member)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stillAwaits is the error of taking up what waits for another version, too.
type stillAwaits struct{ dot fieldsync.Dot }

func (stillAwaits) Error() string { return fieldsync.HeldBaseUnknown }

// became is what came of a held version: under which name it was taken, and
// from which number on whoever saw it replaces that.
type became struct {
	as  stamp
	seq uint64
}

// decisions reads what came of held changes.
func (v *verification) decisions() error {
	v.became = map[stamp]became{}
	rows, err := v.r.rows(`SELECT DISTINCT c.replica, c.n, after.replica, after.n, after.seq
		FROM held_changes h JOIN changes c ON c.seq = h.seq JOIN changes after ON after.seq = h.decided_seq WHERE h.decided_seq > 0`)
	if err != nil {
		return wrap("reading decisions", err)
	}
	defer rows.Close()
	for rows.Next() {
		var of, as string
		var n, asN, seq uint64
		if err := rows.Scan(&of, &n, &as, &asN, &seq); err != nil {
			return wrap("reading decisions", err)
		}
		v.became[v.stamp(fieldsync.DotOf(of, n))] = became{v.stamp(fieldsync.DotOf(as, asN)), seq}
	}
	return wrap("reading decisions", rows.Err())
}

// seen is what a change with a number supersedes, as Register.Seen has it.
func (v *verification) seen(base []fieldsync.Dot, seq uint64) []stamp {
	out := v.stamps(base)
	for _, s := range out {
		if b, ok := v.became[s]; ok && b.seq < seq {
			out = append(out, b.as)
		}
	}
	return out
}

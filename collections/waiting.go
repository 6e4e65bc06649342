package collections

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"portolan/care"
)

// Waiting is an act of the console alone that waits, so that whoever it
// concerns can stop it.
type Waiting struct {
	ID      string            `json:"id"`
	Act     care.TwoPersonAct `json:"act"`
	Staff   string            `json:"staff"`
	Terms   string            `json:"terms,omitempty"`
	AskedAt string            `json:"asked_at"`
	DueAt   string            `json:"due_at"`
	Refused string            `json:"refused,omitempty"` // why it was not done when its time had come
}

// wait keeps an act until it is due. Its owner, and those who could have
// agreed to it, are woken. The same act asked again is the one that waits.
func (s *session) wait(act care.TwoPersonAct, who care.Actor, terms string) (time.Time, error) {
	var due string
	err := s.t.row(`SELECT due_at FROM waiting_acts WHERE act = ? AND staff = ? AND terms = ? AND stopped_at = '' AND done_at = ''`,
		string(act), who.Staff, terms).Scan(&due)
	if err == nil {
		at, err := time.Parse(care.TimeFormat, due)
		return at, wrap("reading an act that waits", err)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, wrap("reading an act that waits", err)
	}
	return s.waitFor(act, who, terms, "")
}

// waitFor is wait for an act that is not asked yet, with the hash of the
// password that it sets.
func (s *session) waitFor(act care.TwoPersonAct, who care.Actor, terms, password string) (time.Time, error) {
	at := s.now.Add(WaitTerm)
	if _, err := s.t.exec(`INSERT INTO waiting_acts (id, act, org, staff, terms, asked_at, due_at, password) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		s.h.newID(), string(act), who.Org, who.Staff, terms, s.nowText, care.FormatTime(at), password); err != nil {
		return at, wrap("keeping an act that waits", err)
	}
	s.woken[who.Staff] = true
	if err := s.wakeDeciders(care.Approval{Org: who.Org, Act: act, Collection: "staff", Record: who.Staff, ExpiresAt: at}); err != nil {
		return at, err
	}
	return at, s.t.note(s.nowText, s.h.HubActor(), accountEvent(ActWaiting, who.Org, who.Staff, care.Decision{Allowed: true, Reason: care.Reason(act)}))
}

// hearsOf says whether the actor is told of an act that waits, and may stop
// it: whoever it concerns, and whoever could have agreed to it.
func hearsOf(a care.Actor, org, staff string) bool {
	return !a.Unproved && a.Org == org && (a.Staff == staff || a.Can(care.MayApprove))
}

// WaitingActs lists what waits and the actor may stop, and for as long as they
// had for that what was refused when its time had come.
func (h *Hub) WaitingActs(ctx context.Context, a care.Actor) ([]Waiting, error) {
	rows, err := h.readDB().QueryContext(ctx, `SELECT id, act, org, staff, terms, asked_at, due_at, refused FROM waiting_acts
		WHERE org = ? AND done_at = '' AND (stopped_at = '' OR refused != '' AND stopped_at > ?) ORDER BY due_at, id`,
		a.Org, care.FormatTime(h.now().Add(-WaitTerm)))
	if err != nil {
		return nil, wrap("reading what waits", err)
	}
	defer rows.Close()
	out := []Waiting{}
	for rows.Next() {
		var w Waiting
		var org string
		if err := rows.Scan(&w.ID, &w.Act, &org, &w.Staff, &w.Terms, &w.AskedAt, &w.DueAt, &w.Refused); err != nil {
			return nil, wrap("reading what waits", err)
		}
		if hearsOf(a, org, w.Staff) {
			out = append(out, w)
		}
	}
	return out, wrap("reading what waits", rows.Err())
}

// StopWaiting stops an act that waits; care.ErrNotFound where there is none
// that the actor hears of.
func (h *Hub) StopWaiting(ctx context.Context, a care.Actor, id string) error {
	return h.writer.write(ctx, func(t *tx) error {
		var org, staff string
		err := t.row(`SELECT org, staff FROM waiting_acts WHERE id = ? AND stopped_at = '' AND done_at = ''`, id).Scan(&org, &staff)
		if errors.Is(err, sql.ErrNoRows) || err == nil && !hearsOf(a, org, staff) {
			return care.ErrNotFound
		}
		if err != nil {
			return wrap("reading what waits", err)
		}
		return t.stop(`id = ?`, []any{id}, h.nowText(), a, org, staff)
	})
}

func (t *tx) stop(where string, args []any, now string, a care.Actor, org, staff string) error {
	r, err := t.exec(`UPDATE waiting_acts SET stopped_at = ?, stopped_by = ?, password = '' WHERE stopped_at = '' AND done_at = '' AND `+where, append([]any{now, a.Staff}, args...)...)
	if err != nil {
		return wrap("stopping what waits", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return wrap("stopping what waits", err)
	}
	return t.note(now, a, accountEvent(ActWaiting, org, staff, care.Decision{Allowed: true, Reason: "stopped"}))
}

// stillHas stops what waits for want of what somebody has just shown: a
// password that is to replace theirs, and the loss of second factors where they
// gave one.
func (t *tx) stillHas(a care.Actor, m match, now string) error {
	if a.Unproved { // a password alone, which somebody may have stolen
		return nil
	}
	err := t.stop(`staff = ? AND act = ?`, []any{a.Staff, string(care.ActPasswordSet)}, now, a, a.Org, a.Staff)
	if err != nil || m.kind == "" {
		return err
	}
	return t.stop(`staff = ? AND act = ?`, []any{a.Staff, string(care.ActFactorReset)}, now, a, a.Org, a.Staff)
}

// carryOutDue does what has waited long enough, by what is true now: somebody
// who has left meanwhile gets nothing, and who has become the last who approves
// keeps that.
func (h *Hub) carryOutDue(ctx context.Context) error {
	var any bool
	if err := (reader{ctx, h.readDB()}).row(`SELECT EXISTS (SELECT 1 FROM waiting_acts WHERE stopped_at = '' AND done_at = '' AND due_at <= ?)`, h.nowText()).Scan(&any); err != nil || !any {
		return wrap("reading what waits", err)
	}
	return h.enter(ctx, h.HubActor(), func(s *session) error {
		var due []Waiting
		rows, err := s.t.rows(`SELECT id, act, staff, terms FROM waiting_acts WHERE stopped_at = '' AND done_at = '' AND due_at <= ?`, s.nowText)
		if err != nil {
			return wrap("reading what waits", err)
		}
		defer rows.Close()
		for rows.Next() {
			var w Waiting
			if err := rows.Scan(&w.ID, &w.Act, &w.Staff, &w.Terms); err != nil {
				return wrap("reading what waits", err)
			}
			due = append(due, w)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return wrap("reading what waits", err)
		}
		for _, w := range due {
			if err := s.carryOut(w); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *session) carryOut(w Waiting) error {
	if w.Act == care.ActRoleChange && !strings.HasSuffix(w.Terms, nobodyLeftTerm) {
		last, err := s.leavesNobody(w.Staff, rolesOfTerms(w.Terms))
		if err != nil {
			return err
		}
		if last {
			return s.refuseWaiting(w, ErrLastApprover)
		}
	}
	if err := s.powersAct(string(w.Act), w.Staff, w.Terms, w.ID); err != nil && !errors.Is(err, care.ErrNotFound) {
		return err
	}
	_, err := s.t.exec(`UPDATE waiting_acts SET done_at = ?, password = '' WHERE id = ?`, s.nowText, w.ID)
	return wrap("noting what is done", err)
}

// refuseWaiting ends an act that may not be done any more, and tells whoever
// was told of it, and whoever looks after the hub.
func (s *session) refuseWaiting(w Waiting, why *care.Error) error {
	who, err := s.h.loadStaff(s.t, w.Staff, "")
	if err != nil {
		return err
	}
	if _, err := s.t.exec(`UPDATE waiting_acts SET stopped_at = ?, refused = ? WHERE id = ?`, s.nowText, why.Code, w.ID); err != nil {
		return wrap("refusing what waits", err)
	}
	s.woken[w.Staff] = true
	if err := s.wakeDeciders(care.Approval{Org: who.Org, Act: w.Act, Collection: "staff", Record: w.Staff, ExpiresAt: s.now.Add(WaitTerm)}); err != nil {
		return err
	}
	s.h.log.Warn("what the console asked for is not done now that its time has come", "act", string(w.Act), "code", why.Code)
	return s.t.note(s.nowText, s.h.HubActor(), accountEvent(ActWaiting, who.Org, w.Staff, care.Decision{Reason: care.Reason(why.Code)}))
}

package collections

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"portolan/care"
	fieldsync "portolan/sync"
)

// scope_access says who may see which scope, from and until which sequence
// number. It is brought up to date here, by the changes that decide it, and
// read by every pull; nobody works it out again for each pull.

// access follows a change of a grant or of a member of staff.
func (s *session) access(rec *record) error {
	switch rec.t.entity.Name {
	case "grants":
		row, err := rec.row(nil)
		if err != nil {
			return err
		}
		return s.regrantOne(row.Text("staff"), rec.caseID, care.Compartment(row.Text("compartment")))
	case "staff":
		if err := s.endOtherRoles(rec.id); err != nil {
			return err
		}
		return s.regrant(rec.id)
	case "devices":
		return s.revoked(rec)
	}
	return nil
}

// revoked ends the token of a tablet whose record says that it is revoked,
// whoever wrote that and by which way.
func (s *session) revoked(rec *record) error {
	row, err := rec.row(nil)
	if err != nil || row.Text("status") != "revoked" {
		return err
	}
	return s.endReplicas(rec.id)
}

// regrantOne brings one compartment of one case in line for one member of
// staff, at a cost that does not grow with their caseload.
func (s *session) regrantOne(staff, caseID string, c care.Compartment) error {
	actor, err := s.h.loadStaff(s.t, staff, "")
	if errors.Is(err, care.ErrNotFound) {
		actor = care.Actor{} // left, or not there yet: sees nothing
	} else if err != nil {
		return err
	}
	if actor.Grants, err = grantsOf(s.t, staff, caseID); err != nil {
		return err
	}
	clear(s.seen)
	delete(s.grants, held{staff, caseID})
	scope := fieldsync.CaseScope(caseID, c)
	open := make(map[fieldsync.Scope]string)
	var until string
	switch err := s.t.row(`SELECT until_time FROM scope_access WHERE staff = ? AND scope = ? AND until_seq IS NULL`, staff, string(scope)).Scan(&until); {
	case err == nil:
		open[scope] = until
	case !errors.Is(err, sql.ErrNoRows):
		return wrap("reading who sees what", err)
	}
	d := care.MaySee(actor, care.Carry, care.Target{Org: actor.Org, Case: caseID, Compartment: c}, s.now)
	return s.setAccess(staff, scope, open, d.Allowed, d.Until)
}

// regrant brings every open scope of a member of staff in line with what
// care.MaySee answers now.
func (s *session) regrant(staff string) error {
	actor, err := s.h.loadActor(s.t, staff, "")
	if errors.Is(err, care.ErrNotFound) {
		actor = care.Actor{} // left, or not there yet: sees nothing
	} else if err != nil {
		return err
	}
	clear(s.seen)
	clear(s.grants)
	delete(s.staff, staff)
	open, err := s.openScopes(staff)
	if err != nil {
		return err
	}
	want := wanted(actor, s.now)
	for scope := range open {
		if _, wants := want[scope]; !wants {
			if err := s.setAccess(staff, scope, open, false, time.Time{}); err != nil {
				return err
			}
		}
	}
	for scope, until := range want {
		if err := s.setAccess(staff, scope, open, true, until); err != nil {
			return err
		}
	}
	return nil
}

// setAccess opens, prolongs or closes one scope for one member of staff, as of
// the change at hand.
func (s *session) setAccess(staff string, scope fieldsync.Scope, open map[fieldsync.Scope]string, wants bool, until time.Time) error {
	text := ""
	if !until.IsZero() {
		text = care.FormatTime(until)
	}
	had, isOpen := open[scope]
	s.ends = s.ends || wants && text != had && text != ""
	var err error
	switch {
	case wants && !isOpen:
		_, err = s.t.exec(`INSERT INTO scope_access (staff, scope, from_seq, until_time) VALUES (?, ?, ?, ?)`, staff, string(scope), s.seq, text)
		if err == nil {
			err = s.admitted(staff, scope)
		}
	case wants && had != text:
		_, err = s.t.exec(`UPDATE scope_access SET until_time = ? WHERE staff = ? AND scope = ? AND until_seq IS NULL`, text, staff, string(scope))
		return wrap("prolonging access", err)
	case !wants && isOpen:
		s.ended.staff[staff] = true
		_, err = s.t.exec(`UPDATE scope_access SET until_seq = ? WHERE staff = ? AND scope = ? AND until_seq IS NULL`, s.seq, staff, string(scope))
	default:
		return nil
	}
	s.woken[staff] = true
	return wrap("writing who sees a scope", err)
}

func (s *session) openScopes(staff string) (map[fieldsync.Scope]string, error) {
	rows, err := s.t.rows(`SELECT scope, until_time FROM scope_access WHERE staff = ? AND until_seq IS NULL`, staff)
	if err != nil {
		return nil, wrap("reading who sees what", err)
	}
	defer rows.Close()
	open := make(map[fieldsync.Scope]string)
	for rows.Next() {
		var scope, until string
		if err := rows.Scan(&scope, &until); err != nil {
			return nil, wrap("reading who sees what", err)
		}
		open[fieldsync.Scope(scope)] = until
	}
	return open, wrap("reading who sees what", rows.Err())
}

// wanted is every scope that care.MaySee lets the actor take along on a
// tablet now, and until when.
func wanted(a care.Actor, now time.Time) map[fieldsync.Scope]time.Time {
	want := make(map[fieldsync.Scope]time.Time)
	for _, topic := range care.Topics {
		for _, c := range topicCompartments[topic] {
			t := care.Target{Org: a.Org, Topic: topic, Compartment: c}
			if d := care.MaySee(a, care.Carry, t, now); d.Allowed {
				want[fieldsync.OrgScope(a.Org, topic, c)] = d.Until
			}
		}
	}
	load := caseloadOf(a)
	for _, g := range a.Grants {
		t := care.Target{Org: a.Org, Case: g.Case, Compartment: g.Compartment}
		if d := care.MaySee(load.on(g.Case), care.Carry, t, now); d.Allowed {
			want[fieldsync.CaseScope(g.Case, g.Compartment)] = d.Until
		}
	}
	return want
}

// caseload is an actor who is asked about many cases. care.MaySee looks at
// every grant that it is given: for each scope of 1,000 cases anew, that took
// a second a pull.
type caseload struct {
	actor  care.Actor
	grants map[string][]care.Grant // by case
}

func caseloadOf(a care.Actor) caseload {
	l := caseload{a, make(map[string][]care.Grant)}
	for _, g := range a.Grants {
		l.grants[g.Case] = append(l.grants[g.Case], g)
	}
	return l
}

// on is the actor with the grants of one case.
func (l caseload) on(caseID string) care.Actor {
	a := l.actor
	a.Grants = l.grants[caseID]
	return a
}

// topicCompartments is the compartments that the fields of a topic are in.
var topicCompartments = func() map[care.Topic][]care.Compartment {
	m := make(map[care.Topic][]care.Compartment)
	for _, e := range care.Schema {
		for i := range e.Fields {
			if c := e.Fields[i].Compartment; e.Topic != care.NoTopic && !slices.Contains(m[e.Topic], c) {
				m[e.Topic] = append(m[e.Topic], c)
			}
		}
	}
	return m
}()

// ExpireGrants ends the grants whose date has passed, or that of the yes on
// which they rest, as changes of the hub like any other, so that their scopes
// leave the tablets; the owners of the latter's cases are told. It returns how
// many.
func (h *Hub) ExpireGrants(ctx context.Context) (int, error) {
	due, lapsed, err := h.dueGrants(ctx)
	if err != nil || len(due) == 0 {
		return 0, err
	}
	_, err = h.Do(ctx, h.HubActor(), due...)
	if err != nil {
		return 0, wrap("ending grants", err)
	}
	for _, caseID := range slices.Compact(slices.Sorted(slices.Values(lapsed))) {
		if _, err := h.askAgain(ctx, `case_id = ?`, caseID); err != nil {
			return len(due), err
		}
	}
	return len(due), nil
}

// accessOver says whether anybody's scope is open although its time has passed.
func (h *Hub) accessOver(ctx context.Context) (over bool, err error) {
	err = h.asks(ctx).row(`SELECT EXISTS (SELECT 1 FROM scope_access WHERE until_seq IS NULL AND until_time != '' AND until_time <= ?)`,
		care.FormatTime(h.now())).Scan(&over)
	return over, wrap("reading who sees what", err)
}

func (h *Hub) dueGrants(ctx context.Context) (due []Draft, lapsed []string, err error) {
	now := care.FormatTime(h.now())
	rows, err := h.readDB().QueryContext(ctx, `SELECT id, case_id, until != '' AND until <= ?1 FROM grants
		WHERE status = 'active' AND (until != '' AND until <= ?1 OR rests_until != '' AND rests_until <= ?1)`, now)
	if err != nil {
		return nil, nil, wrap("reading grants", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, caseID string
		var over bool
		if err := rows.Scan(&id, &caseID, &over); err != nil {
			return nil, nil, wrap("reading grants", err)
		}
		set := map[string]care.Value{"status": care.OfText("ended")}
		if !over {
			set["ended_at"], set["ended_reason"] = care.OfTime(h.now()), care.OfText(care.ConsentOver)
			lapsed = append(lapsed, caseID)
		}
		due = append(due, Draft{Collection: "grants", Record: id, Set: set})
	}
	return due, lapsed, wrap("reading grants", rows.Err())
}

// Actor loads a member of staff with their roles and grants; care.ErrNotFound
// where there is none, or they have left.
func (h *Hub) Actor(ctx context.Context, staff, device string) (care.Actor, error) {
	return h.loadActor(h.asks(ctx), staff, device)
}

// StaffHere says whether a member of staff is there and has not left.
func (h *Hub) StaffHere(ctx context.Context, staff string) (bool, error) {
	_, err := h.loadStaff(h.asks(ctx), staff, "")
	if errors.Is(err, care.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// HubActor is the hub acting by its own rules.
func (h *Hub) HubActor() care.Actor { return care.Actor{Staff: care.HubStaff} }

func (h *Hub) loadActor(q querier, staff, device string) (care.Actor, error) {
	a, err := h.loadStaff(q, staff, device)
	if err != nil {
		return a, err
	}
	a.Grants, err = grantsOf(q, staff, "")
	return a, err
}

// present is the actor as they are now, without their grants: a request may
// have been under way for long, and whoever left or lost rights, or a tablet
// that was revoked meanwhile, finishes it with what they have at its end.
func (h *Hub) present(q querier, a care.Actor) (care.Actor, error) {
	if a.Device != "" {
		good, err := h.enrolled(q, a.Device)
		if err != nil {
			return care.Actor{}, err
		}
		if !good {
			return care.Actor{}, ErrToken
		}
	}
	now, err := h.loadStaff(q, a.Staff, a.Device)
	if errors.Is(err, care.ErrNotFound) {
		return care.Actor{}, ErrToken
	}
	now.Unproved = a.Unproved
	return now, err
}

// actorNow is present with the grants that they have now.
func (h *Hub) actorNow(q querier, a care.Actor) (care.Actor, error) {
	now, err := h.present(q, a)
	if err == nil {
		now.Grants, err = grantsOf(q, now.Staff, "")
	}
	return now, err
}

// loadStaff is loadActor without grants.
func (h *Hub) loadStaff(q querier, staff, device string) (care.Actor, error) {
	t := h.tables["staff"]
	rec, err := scanRecord(t, q.row(t.read, staff))
	if err != nil {
		return care.Actor{}, err
	}
	if rec == nil {
		return care.Actor{}, care.ErrNotFound
	}
	row, err := rec.row(nil)
	if err != nil {
		return care.Actor{}, err
	}
	if row.Text("status") != "active" {
		return care.Actor{}, care.ErrNotFound
	}
	a := care.Actor{Staff: staff, Org: rec.org, Device: device}
	for _, r := range row.Get("roles").List() {
		a.Roles = append(a.Roles, care.Role(r))
	}
	return a, nil
}

// grantsOf lists the live grants of a member of staff, of one case where one
// is named.
func grantsOf(q querier, staff, caseID string) ([]care.Grant, error) {
	query, args := `SELECT id, case_id, compartment, until, rests_until, kind FROM grants WHERE staff = ? AND status = 'active'`, []any{staff}
	if caseID != "" {
		// The plus keeps SQLite from the index on staff, which it would prefer
		// and which leads through a whole caseload (sqlite.org/optoverview.html#uplus).
		query, args = `SELECT id, case_id, compartment, until, rests_until, kind FROM grants WHERE case_id = ? AND +staff = ? AND status = 'active'`, []any{caseID, staff}
	}
	rows, err := q.rows(query, args...)
	if err != nil {
		return nil, wrap("reading grants", err)
	}
	defer rows.Close()
	var grants []care.Grant
	for rows.Next() {
		var g care.Grant
		var compartment, until, rests, kind string
		if err := rows.Scan(&g.ID, &g.Case, &compartment, &until, &rests, &kind); err != nil {
			return nil, wrap("reading grants", err)
		}
		g.Compartment, g.BreakGlass = care.Compartment(compartment), kind != "" && kind != "ordinary"
		if g.Until, err = time.Parse(care.TimeFormat, until); err != nil {
			continue // a grant whose end is not settled grants nothing
		}
		if end, err := time.Parse(care.TimeFormat, rests); err == nil && end.Before(g.Until) { // the yes on which it rests
			g.Until = end
		}
		grants = append(grants, g)
	}
	return grants, wrap("reading grants", rows.Err())
}

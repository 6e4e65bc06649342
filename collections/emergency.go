package collections

import (
	"context"
	"errors"
	"time"

	"portolan/care"
	fieldsync "portolan/sync"
)

// ActBreakGlass is how the audit log names access in an emergency, and that
// nobody reviewed it in time.
const ActBreakGlass = "break_glass"

// ErrEmergencyReason says that the reason of an emergency is missing.
var (
	ErrEmergencyReason = &care.Error{Code: "emergency_needs_reason", Kind: care.Unprocessed, Hint: "Say what kind of emergency it is, and in a sentence what happened."}
	ErrNotAtDesk       = &care.Error{Code: string(care.NotAtDesk), Kind: care.Unprocessed, Hint: "What an emergency opens is seen at the desk, and leaves it in no form. Sign in with your password."}
)

// BreakGlass is what somebody opens in an emergency, and why.
type BreakGlass struct {
	Case        string
	Compartment care.Compartment
	Emergency   string // code of emergency_kinds
	Explanation string // in words
}

// BreakGlass opens one compartment of one case to the actor for three hours
// (R30). It is a grant like any other, through the one door, with what
// follows: the owner and a reviewer have a task, and are woken, before it
// returns. A case that is not there is answered as one of somebody else's.
func (h *Hub) BreakGlass(ctx context.Context, a care.Actor, b BreakGlass) (grant string, until time.Time, err error) {
	t := care.Target{Collection: "grants", Org: a.Org, Case: b.Case, Compartment: b.Compartment}
	var d care.Decision
	err = h.enter(ctx, a, func(s *session) error {
		now, err := h.present(s.t, a) // with the rights of this moment
		if err != nil {
			return err
		}
		if d = care.MayBreakGlass(now, t); d.Reason == care.NotAtDesk {
			return ErrNotAtDesk
		} else if !d.Allowed {
			return ErrNoPower // says nothing of the case, which nobody has looked for yet
		}
		if codes, ok := care.FindCodes("emergency_kinds"); !ok || !codes.Has(b.Emergency) || !care.Explains(b.Explanation) {
			return ErrEmergencyReason
		}
		rec, err := s.load(h.tables["cases"], b.Case)
		if err != nil {
			return err
		}
		if rec != nil {
			t.Org = rec.org
		}
		if d = care.MayBreakGlass(now, t); rec == nil || !d.Allowed {
			d = care.Decision{Reason: care.OtherOrg}
			return care.ErrNotFound
		}
		grant, until = h.newID(), s.now.Add(care.BreakGlassTerm)
		d.Basis, d.Until = grant, until
		if err := s.t.note(s.nowText, a, event{act: ActBreakGlass, target: t, decision: d}); err != nil {
			return err
		}
		return s.openInEmergency(now, Draft{Collection: "grants", Record: grant, Case: b.Case, Set: map[string]care.Value{
			"staff": care.OfText(a.Staff), "compartment": care.OfText(string(b.Compartment)), "status": care.OfText("active"),
			"until": care.OfTime(until), "reason": care.OfText("emergency"), "granted_by": care.OfText(a.Staff), "kind": care.OfText("break_glass"),
			"emergency": care.OfText(b.Emergency), "explanation": care.OfText(b.Explanation)}})
	})
	if err != nil && d.Reason != "" && !d.Allowed {
		err = errors.Join(h.audit(ctx, a, event{act: ActBreakGlass, target: t, decision: d}), err)
	}
	return grant, until, err
}

// openInEmergency takes the grant through the door; whoever breaks the glass
// needs no power to give grants for this one.
func (s *session) openInEmergency(a care.Actor, d Draft) error {
	a.Emergency = true
	c, err := s.hubChange(a, d)
	if err != nil {
		return err
	}
	r, err := s.take(c, nil)
	if err != nil {
		return err
	}
	return Refused([]fieldsync.Receipt{r})
}

// Emergency is one use of break-glass as a supervisor's or auditor's list has
// it: who, when and which part of which case, and nothing that is recorded
// there.
type Emergency struct {
	Grant       string           `json:"grant"`
	Case        string           `json:"case"`
	Compartment care.Compartment `json:"compartment"`
	Staff       string           `json:"staff"`
	OpenedAt    string           `json:"opened_at"`
	Until       string           `json:"until"`
	ReviewedBy  string           `json:"reviewed_by,omitempty"`
	ReviewedAt  string           `json:"reviewed_at,omitempty"`
	Overdue     bool             `json:"overdue"`
	Nth         int              `json:"nth"` // the how manieth of this person within 30 days
}

// emergencyListTerm is how far back the list of emergencies goes.
const emergencyListTerm = 366 * 24 * time.Hour

// Emergencies lists the uses of break-glass in the actor's organisation, the
// oldest first, for those who approve or audit.
func (h *Hub) Emergencies(ctx context.Context, a care.Actor) ([]Emergency, error) {
	if a.Org == "" || !a.Can(care.MayAudit) && !a.Can(care.MayApprove) {
		return nil, ErrNoPower
	}
	now := h.now()
	rows, err := reader{ctx, h.readDB()}.rows(`SELECT id, case_id, compartment, staff, arrived_at, until, reviewed_by, reviewed_at FROM grants
		WHERE org = ? AND kind = 'break_glass' AND arrived_at > ? ORDER BY arrived_at, id`, a.Org, care.FormatTime(now.Add(-emergencyListTerm)))
	if err != nil {
		return nil, wrap("listing emergencies", err)
	}
	defer rows.Close()
	out := []Emergency{}
	opened := map[string][]time.Time{} // by whom
	for rows.Next() {
		var e Emergency
		if err := rows.Scan(&e.Grant, &e.Case, &e.Compartment, &e.Staff, &e.OpenedAt, &e.Until, &e.ReviewedBy, &e.ReviewedAt); err != nil {
			return nil, wrap("listing emergencies", err)
		}
		at, err := time.Parse(care.TimeFormat, e.OpenedAt)
		if err != nil {
			return nil, wrap("listing emergencies", err)
		}
		e.Overdue = e.ReviewedBy == "" && !now.Before(at.Add(care.BreakGlassReview))
		opened[e.Staff] = append(opened[e.Staff], at)
		for _, earlier := range opened[e.Staff] {
			if at.Sub(earlier) < care.EmergencyWindow {
				e.Nth++
			}
		}
		out = append(out, e)
	}
	if err := rows.Err(); err != nil {
		return nil, wrap("listing emergencies", err)
	}
	rows.Close() // the audit log is written next
	t := care.Target{Collection: "grants", Org: a.Org}
	return out, h.audit(ctx, a, event{act: ActList, target: t, decision: care.Decision{Allowed: true, Reason: care.SeeGranting}, count: len(out)})
}

// unreviewed lists the emergencies that nobody reviewed in time and that were
// not marked as such yet, with the moment at which each reached the hub.
func (h *Hub) unreviewed(ctx context.Context) (ids []string, opened []time.Time, err error) {
	rows, err := reader{ctx, h.readDB()}.rows(`SELECT id, arrived_at FROM grants
		WHERE kind = 'break_glass' AND reviewed_by = '' AND overdue_at = '' AND arrived_at <= ?`, care.FormatTime(h.now().Add(-care.BreakGlassReview)))
	if err != nil {
		return nil, nil, wrap("looking for reviews", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, text string
		if err := rows.Scan(&id, &text); err != nil {
			return nil, nil, wrap("looking for reviews", err)
		}
		at, err := time.Parse(care.TimeFormat, text)
		if err != nil {
			return nil, nil, wrap("looking for reviews", err)
		}
		ids, opened = append(ids, id), append(opened, at)
	}
	return ids, opened, wrap("looking for reviews", rows.Err())
}

// raise marks an emergency that nobody reviewed in time, asks again, and
// tells the auditor by the log and a wake.
func (s *session) raise(id string, opened time.Time) error {
	grant, ok := s.world().Row("grants", id)
	if !ok {
		return nil
	}
	follows := care.OverdueReview(s.world(), grant, opened)
	if len(follows) == 0 {
		return nil // reviewed meanwhile
	}
	for _, c := range follows {
		if err := s.consequence(c, grant.Org); err != nil {
			return err
		}
	}
	staff, err := s.colleagues(grant.Org)
	for _, who := range staff {
		if who.Can(care.MayAudit) {
			s.woken[who.Staff] = true
		}
	}
	if err != nil {
		return err
	}
	t := care.Target{Collection: "grants", Org: grant.Org, Case: grant.Case, Compartment: care.Compartment(grant.Text("compartment"))}
	return s.t.note(s.nowText, s.actor, event{act: ActBreakGlass, target: t, decision: care.Decision{Reason: care.ReviewOverdue, Basis: id}})
}

package collections

import (
	"context"
	"errors"
	"slices"

	"portolan/care"
	fieldsync "portolan/sync"
)

// RetentionReason is why the hub asks for an erasure by itself.
const RetentionReason = "retention_over"

// AskRetention looks for the closed cases of an organisation whose time is over
// (care.RetentionOver) and asks, for each, a person who may agree to an
// erasure: the schedule and that person are the two. It returns how many
// questions wait.
func (h *Hub) AskRetention(ctx context.Context, org string) (waiting int, err error) {
	cases, err := h.retentionOver(ctx, org)
	if err != nil || len(cases) == 0 {
		return 0, err
	}
	err = h.enter(ctx, h.HubActor(), func(s *session) error {
		waiting = 0 // the session may be entered again
		for _, caseID := range cases {
			p := care.Approval{ID: h.newID(), Org: org, Act: care.ActErase, Collection: "cases", Record: caseID, Reason: RetentionReason, AskedBy: care.HubStaff}
			open, err := s.t.approvals(`act = ? AND record = ? AND used_at = '' AND expires_at > ?`, string(p.Act), caseID, s.nowText)
			if err != nil {
				return err
			}
			waiting++
			if len(open) > 0 { // asked, agreed to, or declined for now
				continue
			}
			if err := s.keepQuestion(s.actor, &p, care.Decision{Allowed: true, Reason: care.ApprovalAsked}); err != nil {
				return err
			}
		}
		return nil
	})
	return waiting, wrap("asking what may be erased", err)
}

// retentionOver lists the cases of an organisation whose time is over.
func (h *Hub) retentionOver(ctx context.Context, org string) (over []string, err error) {
	defer caught(&err)
	rows, err := h.rowsOf(ctx, h.HubActor(), "cases", `org = ?`, org)
	if err != nil {
		return nil, err
	}
	for _, k := range rows {
		holds, err := compartmentsOf(reader{ctx, h.readDB()}, k.ID)
		if err != nil {
			return nil, err
		}
		if care.RetentionOver(h.world(ctx), k, holds) {
			over = append(over, k.ID)
		}
	}
	return over, nil
}

// errStillKept says that a case which the hub asked about is to be kept after
// all: it was taken up again, or its date was moved.
var errStillKept = errors.New("the time for which this case is kept is not over")

// stillOver asks again, in the transaction of the erasure, what the hub asked
// about: days may lie between the question and the yes.
func (s *session) stillOver(rec *record) error {
	k, err := rec.row(nil)
	if err != nil {
		return err
	}
	holds, err := compartmentsOf(s.t, rec.id)
	if err == nil && !care.RetentionOver(s.world(), k, holds) {
		err = errStillKept
	}
	return err
}

// retentionFields are those of a case that say when its time is over.
var retentionFields = []string{"status", "closed_on", "retention_until"}

// setRetention says whether somebody wrote one of the facts for which the hub
// asks to erase a case. Their yes to it would be the act of one person.
func (s *session) setRetention(staff, caseID string) (bool, error) {
	rec, err := s.load(s.h.tables["cases"], caseID)
	if err != nil || rec == nil {
		return false, err
	}
	for _, field := range retentionFields {
		reg, err := rec.register(field)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(reg.Heads, func(v fieldsync.Version) bool { return v.Author == staff }) {
			return true, nil
		}
	}
	return false, nil
}

// compartmentsOf lists the compartments in which a case has anything.
func compartmentsOf(q querier, caseID string) (list []care.Compartment, err error) {
	rows, err := q.rows(`SELECT scope FROM scope_digests WHERE scope > ? AND scope < ?`, "case:"+caseID+"/", "case:"+caseID+"0")
	if err != nil {
		return nil, wrap("reading the scopes of a case", err)
	}
	defer rows.Close()
	for rows.Next() {
		var scope string
		if err := rows.Scan(&scope); err != nil {
			return nil, wrap("reading the scopes of a case", err)
		}
		if parts, err := fieldsync.ParseScope(scope); err == nil {
			list = append(list, parts.Compartment)
		}
	}
	return list, wrap("reading the scopes of a case", rows.Err())
}

// eraseAgreed erases the cases for which the hub asked and a person agreed.
func (h *Hub) eraseAgreed(ctx context.Context) error {
	agreed, err := selectApprovals(reader{ctx, h.readDB()}, `act = ? AND asked_by = ? AND agreed = 1 AND used_at = '' AND expires_at > ?`,
		string(care.ActErase), care.HubStaff, care.FormatTime(h.now()))
	if err != nil {
		return err
	}
	var failed error
	for _, p := range agreed {
		_, err := h.eraseFor(ctx, p)
		if errors.Is(err, errStillKept) {
			continue // the yes runs out by itself
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// eraseFor erases what the hub itself asked for.
func (h *Hub) eraseFor(ctx context.Context, p care.Approval) (Erasure, error) {
	actor := h.HubActor()
	actor.Org = p.Org
	return h.Erase(ctx, actor, p.Record)
}

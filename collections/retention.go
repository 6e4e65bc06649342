package collections

import (
	"context"
	"errors"

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
		holds, err := h.compartmentsOf(ctx, k.ID)
		if err != nil {
			return nil, err
		}
		if care.RetentionOver(h.world(ctx), k, holds) {
			over = append(over, k.ID)
		}
	}
	return over, nil
}

// compartmentsOf lists the compartments in which a case has anything.
func (h *Hub) compartmentsOf(ctx context.Context, caseID string) (list []care.Compartment, err error) {
	rows, err := reader{ctx, h.readDB()}.rows(`SELECT scope FROM scope_digests WHERE scope > ? AND scope < ?`, "case:"+caseID+"/", "case:"+caseID+"0")
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

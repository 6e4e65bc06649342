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

// AskRetention looks for what an organisation's closed cases hold whose time is
// over (care.RetentionOver), whole cases and parts of them, and asks for each a
// person who may agree to its erasure: the schedule and that person are the
// two. It returns how many questions wait.
func (h *Hub) AskRetention(ctx context.Context, org string) (waiting int, err error) {
	over, err := h.retentionOver(ctx, org)
	if err != nil || len(over) == 0 {
		return 0, err
	}
	err = h.enter(ctx, h.HubActor(), func(s *session) error {
		waiting = 0 // the session may be entered again
		for _, o := range over {
			p := care.Approval{ID: h.newID(), Org: org, Act: care.ActErase, Collection: "cases", Record: o.Case, Terms: care.EraseTerms(o.Part),
				Reason: RetentionReason, AskedBy: care.HubStaff}
			open, err := s.t.approvals(`act = ? AND record = ? AND terms = ? AND used_at = '' AND expires_at > ?`, string(p.Act), p.Record, p.Terms, s.nowText)
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

// retentionOver lists the cases of an organisation, and the parts of cases,
// whose time is over.
func (h *Hub) retentionOver(ctx context.Context, org string) (over []ErasedCase, err error) {
	defer caught(&err)
	rows, err := h.rowsOf(ctx, h.HubActor(), "cases", `org = ?`, org)
	if err != nil {
		return nil, err
	}
	for _, k := range rows {
		whole, parts, err := h.over(ctx, h.world(ctx), k)
		if err != nil {
			return nil, err
		}
		if whole {
			parts = []care.Compartment{""}
		}
		for _, c := range parts {
			over = append(over, ErasedCase{Case: k.ID, Part: c, Org: org})
		}
	}
	return over, nil
}

// over says of what of a case the time is over. What it holds is what there are
// keys for.
func (h *Hub) over(ctx context.Context, w care.World, k care.Row) (whole bool, parts []care.Compartment, err error) {
	holds, err := h.keys.partsWithKeys(ctx, k.ID)
	if err != nil {
		return false, nil, err
	}
	whole, parts = care.RetentionOver(w, k, holds)
	return whole, parts, nil
}

// errStillKept says that a case which the hub asked about is to be kept after
// all: it was taken up again, or its date was moved.
var errStillKept = errors.New("the time for which this case is kept is not over")

// stillOver asks again, in the transaction of the erasure, what the hub asked
// about: days may lie between the question and the yes.
func (s *session) stillOver(rec *record, part care.Compartment) error {
	k, err := rec.row(nil)
	if err != nil {
		return err
	}
	whole, parts, err := s.h.over(context.Background(), s.world(), k)
	if err == nil && (part == "" && !whole || part != "" && !whole && !slices.Contains(parts, part)) {
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
	part, ok := care.ErasedPart(p.Terms)
	if !ok {
		return Erasure{}, ErrErasePart
	}
	return h.Erase(ctx, actor, p.Record, part)
}

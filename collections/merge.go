package collections

import (
	"context"

	"portolan/care"
	fieldsync "portolan/sync"
)

// MergeApproval is the question to a second person whether one case of a
// person goes on in another, or, with undo, stands by itself again.
func MergeApproval(from, into string, undo bool) care.Approval {
	p := care.Approval{Act: care.ActMerge, Collection: "cases", Record: into, Terms: "from=" + from, Reason: "same_person"}
	if undo {
		p.Terms, p.Reason = "undo="+from, "undo"
	}
	return p
}

// MergeCases says that two files are of one person: from goes on in into. It
// takes a second person's yes, which it uses up in its own transaction.
// Nothing of either is moved or closed, and who may see which stays as it is,
// so that SplitCases is the same step back.
func (h *Hub) MergeCases(ctx context.Context, a care.Actor, from, into string) error {
	return h.merge(ctx, a, MergeApproval(from, into, false), from, into, care.OfText(into))
}

// SplitCases undoes MergeCases, by two people again.
func (h *Hub) SplitCases(ctx context.Context, a care.Actor, from, into string) error {
	return h.merge(ctx, a, MergeApproval(from, into, true), from, into, care.OfAbsent(care.NotRecorded))
}

func (h *Hub) merge(ctx context.Context, a care.Actor, p care.Approval, from, into string, v care.Value) error {
	return h.enter(ctx, a, func(s *session) error {
		now, err := h.present(s.t, a) // with the rights of this moment
		if err != nil {
			return err
		}
		spent, err := h.spendApproval(s.t, now, p)
		if err != nil {
			return err
		}
		for _, id := range []string{from, into} {
			rec, err := s.load(h.tables["cases"], id)
			if err != nil {
				return err
			}
			if rec == nil || rec.org != spent.Org {
				return care.ErrNotFound
			}
		}
		for _, d := range []Draft{
			{Collection: "cases", Record: from, Set: map[string]care.Value{"merged_into": v}},
			{Collection: "cases", Record: into, Add: map[string][]string{"linked_cases": {from}}},
		} {
			c, err := s.hubChange(h.HubActor(), d)
			if err != nil {
				return err
			}
			r, err := s.take(c, nil)
			if err != nil {
				return err
			}
			if err := Refused([]fieldsync.Receipt{r}); err != nil {
				return err
			}
		}
		return nil
	})
}

package collections

import (
	"context"
	"slices"
	"strings"

	"portolan/care"
)

// ErasedParts says which parts of a case were erased, when and why, to whoever
// works on the case and could be on that part.
func (h *Hub) ErasedParts(ctx context.Context, a care.Actor, caseID string) ([]ErasedCase, error) {
	target := care.Target{Collection: "cases", Org: a.Org, Case: caseID, Compartment: care.General}
	d := care.MaySee(a, care.Read, target, h.now())
	asked := event{act: ActRead, target: target, decision: d}
	if d.Allowed {
		asked.count, asked.records = 1, []string{caseID}
	}
	if err := h.audit(ctx, a, asked); err != nil {
		return nil, err
	}
	if !d.Allowed {
		return nil, care.ErrNotFound
	}
	list := []ErasedCase{}
	for _, c := range care.Compartments {
		if one, ok := h.erased.part(caseID, c); ok && (a.IsHub() || care.MayHold(a.Roles, c)) {
			list = append(list, one)
		}
	}
	slices.SortFunc(list, func(x, y ErasedCase) int { return strings.Compare(x.At, y.At) })
	return list, nil
}

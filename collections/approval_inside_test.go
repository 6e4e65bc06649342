package collections

import (
	"context"

	"portolan/care"
)

// Spend does what an act does that takes two people: it uses the yes up in
// its own transaction, and then does its work, which may fail.
func Spend(ctx context.Context, h *Hub, a care.Actor, p care.Approval, work func() error) error {
	return h.enter(ctx, a, func(s *session) error {
		if _, err := h.spendApproval(s.t, a, p); err != nil {
			return err
		}
		return work()
	})
}

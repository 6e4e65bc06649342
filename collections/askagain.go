package collections

import (
	"context"

	"portolan/care"
)

// AskAgain gives the owners of an organisation's cases a task for each person
// whose yes has run out, or is about to, and was not renewed (care.AskAgain). It
// returns for how many it did so now; called again it does nothing twice.
func (h *Hub) AskAgain(ctx context.Context, org string) (asked int, err error) {
	return h.askAgain(ctx, `org = ?`, org)
}

func (h *Hub) askAgain(ctx context.Context, where, value string) (asked int, err error) {
	follows, err := h.ranOut(ctx, where, value)
	if err != nil || len(follows) == 0 {
		return 0, err
	}
	err = h.enter(ctx, h.HubActor(), func(s *session) error {
		asked = 0 // the session may be entered again
		for _, c := range follows {
			before := s.seq
			if err := s.consequence(c, c.Org); err != nil {
				return err
			}
			if s.seq > before {
				asked++
			}
		}
		return nil
	})
	return asked, wrap("asking people again", err)
}

func (h *Hub) ranOut(ctx context.Context, where, value string) (follows []care.Consequence, err error) {
	defer caught(&err)
	w, t := h.world(ctx), h.tables["consents"]
	for _, consent := range w.many(t, t.selects+` WHERE `+where, value) {
		follows = append(follows, care.AskAgain(w, consent)...)
	}
	return follows, nil
}

package collections

import (
	"context"
	"errors"

	"portolan/care"
)

// Tend does what time brings about with nobody doing anything: grants whose
// date has passed end, emergencies that nobody reviewed are raised (R30),
// urgent tasks that nobody took up go to the next person (R13), beds are free
// again when their hold has run out, what the hub asked to erase and somebody
// agreed to goes (R16), sign-ins of long ago are forgotten, uploads that nobody
// finished end with a word to their owner, half-filled forms end after one, changes whose missing link has come are taken up, what a locked hub took and the door
// refused ends, acts of the console alone have waited
// long enough, keys for what tablets have not sent change and end, and the audit
// log is signed. Whoever serves the hub calls it now and then; called again, it
// does nothing twice.
func (h *Hub) Tend(ctx context.Context) error {
	if h.Locked() {
		return nil // what waits, waits for the key
	}
	h.lately.clear()
	// A log that cannot be signed must not keep grants from ending.
	return errors.Join(h.tend(ctx), h.SignLog(ctx, false))
}

func (h *Hub) tend(ctx context.Context) error {
	if err := h.drainIntake(ctx); err != nil {
		return err
	}
	if _, err := h.ExpireGrants(ctx); err != nil {
		return err
	}
	// What does not get done must not keep the rest from being done.
	return errors.Join(h.eraseAgreed(ctx), h.takeUpRest(ctx), h.forgetSignIns(ctx), h.endUploads(ctx), h.endDrafts(ctx), h.endRefused(ctx), h.carryOutDue(ctx), h.tendRecords(ctx), h.tendUnsentKeys(ctx))
}

// tendRecords raises what nobody took up, and frees beds.
func (h *Hub) tendRecords(ctx context.Context) error {
	due, err := h.overdue(ctx)
	if err != nil {
		return err
	}
	beds, err := h.staleBeds(ctx)
	if err != nil {
		return err
	}
	late, opened, err := h.unreviewed(ctx)
	if err != nil || len(due)+len(beds)+len(late) == 0 {
		return err
	}
	return h.enter(ctx, h.HubActor(), func(s *session) error {
		for _, task := range due {
			for _, c := range care.Escalate(s.world(), task) {
				if err := s.consequence(c, task.Org); err != nil {
					return err
				}
			}
		}
		for i, id := range late {
			if err := s.raise(id, opened[i]); err != nil {
				return err
			}
		}
		for _, bed := range beds {
			c := care.Consequence{Collection: "beds", Record: bed.ID, Set: map[string]care.Value{"state": care.OfText(care.BedState(s.world(), bed))}}
			if err := s.consequence(c, bed.Org); err != nil {
				return err
			}
		}
		return nil
	})
}

// overdue lists the open tasks that are to be escalated.
func (h *Hub) overdue(ctx context.Context) (due []care.Row, err error) {
	defer caught(&err)
	rows, err := h.rowsOf(ctx, h.HubActor(), "tasks", `status = 'open' AND due_at != '' AND due_at <= ?`, care.FormatTime(h.now().Add(-care.EscalateAfter)))
	for _, r := range rows {
		if len(care.Escalate(h.world(ctx), r)) > 0 {
			due = append(due, r)
		}
	}
	return due, err
}

// staleBeds lists the beds whose state is not what the stays in them say.
func (h *Hub) staleBeds(ctx context.Context) (stale []care.Row, err error) {
	defer caught(&err)
	rows, err := h.rowsOf(ctx, h.HubActor(), "beds", `state IN ('held', 'occupied') OR EXISTS
		(SELECT 1 FROM stays WHERE stays.bed = beds.id AND stays.status IN ('planned', 'checked_in'))`)
	for _, r := range rows {
		if care.BedState(h.world(ctx), r) != r.Text("state") {
			stale = append(stale, r)
		}
	}
	return stale, err
}

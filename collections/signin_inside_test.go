package collections

import (
	"context"

	"portolan/audit"
)

// Events are what the audit log holds, for tests.
func Events(ctx context.Context, h *Hub) (events []audit.Event, err error) {
	rows, err := h.readDB().QueryContext(ctx, `SELECT seq, org, case_id, leaf, detail FROM audit_leaves ORDER BY seq`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scanLeaf(rows)
		if err != nil {
			return nil, err
		}
		e, _, err := h.openLeaf(ctx, r)
		if err != nil {
			return nil, err
		}
		if e != nil {
			events = append(events, *e)
		}
	}
	return events, rows.Err()
}

package collections

import (
	"context"

	"portolan/audit"
)

// AuditTrail is every event of the audit log about a case, for tests.
func (h *Hub) AuditTrail(ctx context.Context, caseID string) ([]audit.Event, error) {
	rows, err := h.readDB().QueryContext(ctx, `SELECT seq, org, case_id, leaf, detail FROM audit_leaves WHERE case_id = ? ORDER BY seq`, caseID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []audit.Event
	for rows.Next() {
		r, err := scanLeaf(rows)
		if err != nil {
			return nil, err
		}
		e, _, err := h.openLeaf(ctx, r)
		if err != nil {
			return nil, err
		}
		out = append(out, *e)
	}
	return out, rows.Err()
}

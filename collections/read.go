package collections

import (
	"context"
	"fmt"
	"slices"

	"portolan/audit"
	"portolan/care"
)

// Query asks for records of one collection.
type Query struct {
	Collection string
	Case       string            // "" for all cases that the actor is on
	Where      map[string]string // routing fields and the value each must have
	Limit      int               // 0 means ListMax
}

// ListMax is the most records that one List returns.
const ListMax = 1000

// listScanMax bounds how many rows one List looks at.
const listScanMax = 100_000

// Read returns one record with the fields that the actor may see, and
// care.ErrNotFound where there is none or they may see none of it: the two
// look the same. The decision is in the audit log before it returns.
func (h *Hub) Read(ctx context.Context, a care.Actor, collection, id string) (care.Row, error) {
	t, ok := h.tables[collection]
	if !ok {
		return care.Row{}, care.ErrNotFound
	}
	rec, err := scanRecord(t, reader{ctx, h.readDB()}.row(t.read, id))
	if err != nil {
		return care.Row{}, err
	}
	if rec == nil {
		rec = newRecord(t, id) // belongs to nobody: refused on the same way, and noted with the same statements
	}
	row, events, err := h.disclose(a, rec, ActRead)
	if err != nil {
		return care.Row{}, err
	}
	if err := h.audit(ctx, a, events...); err != nil {
		return care.Row{}, err
	}
	if len(row.V) == 0 {
		return care.Row{}, care.ErrNotFound
	}
	return row, nil
}

// List returns the records that match and of which the actor may see
// something, with the fields that they may see, in the order of their ids.
func (h *Hub) List(ctx context.Context, a care.Actor, q Query) ([]care.Row, error) {
	t, ok := h.tables[q.Collection]
	if !ok {
		return nil, care.ErrNotFound
	}
	query, args, err := t.readMatching(q)
	if err != nil {
		return nil, err
	}
	if d, may := h.mayList(a, t, q); !may {
		denied := event{act: ActList, target: care.Target{Collection: q.Collection, Case: q.Case}, decision: d}
		return nil, h.audit(ctx, a, denied)
	}
	rows, err := reader{ctx, h.readDB()}.rows(query, args...)
	if err != nil {
		return nil, wrap("listing", err)
	}
	defer rows.Close()
	var out []care.Row
	var events []event
	limit := q.Limit
	if limit <= 0 || limit > ListMax {
		limit = ListMax
	}
	load := caseloadOf(a)
	for rows.Next() && len(out) < limit {
		rec, err := scanRecord(t, rows)
		if err != nil {
			return nil, err
		}
		row, decided, err := h.disclose(load.on(rec.caseID), rec, ActList)
		if err != nil {
			return nil, err
		}
		if len(row.V) == 0 {
			continue
		}
		out = append(out, row)
		events = mergeEvents(events, decided)
	}
	if err := rows.Err(); err != nil {
		return nil, wrap("listing", err)
	}
	rows.Close()
	return out, h.audit(ctx, a, events...)
}

// mayList says whether the actor may see anything of the case that a query
// names. Where they may not, its rows are not looked at: a case that is not
// there and one that is not theirs take the same time.
func (h *Hub) mayList(a care.Actor, t *table, q Query) (d care.Decision, may bool) {
	if q.Case == "" || t.entity.Topic != care.NoTopic {
		return d, true
	}
	for _, c := range t.compartments {
		if d = care.MaySee(a, care.Read, care.Target{Collection: q.Collection, Case: q.Case, Compartment: c}, h.now()); d.Allowed {
			return d, true
		}
	}
	return d, false
}

// disclose gives the fields of a record that the actor may see, and the
// decisions that let them; a denial of everything is one decision.
func (h *Hub) disclose(a care.Actor, rec *record, act string) (care.Row, []event, error) {
	decisions := make(map[care.Compartment]care.Decision)
	row, err := rec.row(func(c care.Compartment) bool {
		d, ok := decisions[c]
		if !ok {
			d = care.MaySee(a, care.Read, rec.target(c), h.now())
			decisions[c] = d
		}
		return d.Allowed
	})
	if err != nil {
		return row, nil, err
	}
	var events []event
	for _, c := range care.Compartments {
		d, asked := decisions[c]
		if asked && (d.Allowed || len(row.V) == 0) {
			events = append(events, event{act: act, target: rec.target(c), decision: d, count: 1, records: []string{rec.id}})
		}
		if asked && len(row.V) == 0 {
			events[0].decision.Allowed, events[0].count = false, 0
			events[0].target.Compartment = ""
			break
		}
	}
	return row, events, nil
}

// mergeEvents counts records that were disclosed by the same decision as one
// event.
func mergeEvents(events, more []event) []event {
	for _, e := range more {
		at := slices.IndexFunc(events, func(have event) bool { return have.target == e.target && have.decision == e.decision })
		if at < 0 {
			events = append(events, e)
			continue
		}
		events[at].count += e.count
		if len(events[at].records) < audit.RecordsMax {
			events[at].records = append(events[at].records, e.records...)
		}
	}
	return events
}

// readMatching is the statement for a Query. Only routing fields can be asked
// for: the others are sealed.
func (t *table) readMatching(q Query) (string, []any, error) {
	query := t.selects + " WHERE 1 = 1"
	var args []any
	if q.Case != "" {
		query += " AND case_id = ?"
		args = append(args, q.Case)
	}
	for _, f := range t.clear {
		if v, ok := q.Where[f.Name]; ok {
			query += " AND " + quote(f.Name) + " = ?"
			args = append(args, v)
		}
	}
	if len(args) != len(q.Where)+min(len(q.Case), 1) {
		return "", nil, &care.Error{Code: "unknown_filter", Kind: care.Invalid, Hint: "Records can be listed by their routing fields only."}
	}
	return query + fmt.Sprintf(" ORDER BY id LIMIT %d", listScanMax), args, nil
}

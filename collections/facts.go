package collections

import (
	"context"
	"time"

	"portolan/care"
)

// facts is what the rules may look at outside the door: the state as it was
// last committed. What they find decides and is shown to nobody.
type facts struct {
	ctx context.Context
	h   *Hub
}

// Now is the hub's clock.
func (f facts) Now() time.Time { return f.h.now() }

// Row gives the values in force of one record.
func (f facts) Row(collection, id string) (care.Row, bool) {
	t, ok := f.h.tables[collection]
	if !ok || id == "" {
		return care.Row{}, false
	}
	rec, err := scanRecord(t, reader{f.ctx, f.h.readDB()}.row(t.read, id))
	if err != nil {
		panic(worldError{err})
	}
	if rec == nil {
		return care.Row{}, false
	}
	return f.out(rec), true
}

func (f facts) out(rec *record) care.Row {
	row, err := rec.row(nil)
	if err != nil {
		panic(worldError{err})
	}
	return row
}

// ByField gives every record whose routing field has the value.
func (f facts) ByField(collection, field, value string) []care.Row {
	return f.many(Query{Collection: collection, Where: map[string]string{field: value}})
}

// OfCase gives every record of a case in a collection.
func (f facts) OfCase(collection, caseID string) []care.Row {
	if caseID == "" {
		return nil
	}
	return f.many(Query{Collection: collection, Case: caseID})
}

func (f facts) many(q Query) []care.Row {
	t, ok := f.h.tables[q.Collection]
	if !ok {
		return nil
	}
	query, args, err := t.readMatching(q)
	if err != nil {
		panic(worldError{err})
	}
	rows, err := reader{f.ctx, f.h.readDB()}.rows(query, args...)
	if err != nil {
		panic(worldError{err})
	}
	defer rows.Close()
	var out []care.Row
	for rows.Next() {
		rec, err := scanRecord(t, rows)
		if err != nil {
			panic(worldError{err})
		}
		out = append(out, f.out(rec))
	}
	if err := rows.Err(); err != nil {
		panic(worldError{err})
	}
	return out
}

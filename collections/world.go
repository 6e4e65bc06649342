package collections

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"portolan/care"
)

// world is what the rules may look at (care.World): the state inside the
// door's transaction, or as it was last committed. What they find decides and
// is shown to nobody.
type world struct {
	h    *Hub
	q    querier
	now  time.Time
	load func(*table, string) (*record, error)
	same func(stored *record) *record // one already decoded that stands as stored, nil where there is none
}

// world is the state inside this transaction.
func (s *session) world() world { return world{s.h, s.t, s.now, s.load, s.same} }

// world is the state as it was last committed.
func (h *Hub) world(ctx context.Context) world {
	r := reader{ctx, h.readDB()}
	return world{h, r, h.now(), func(t *table, id string) (*record, error) { return scanRecord(t, r.row(t.read, id)) },
		func(*record) *record { return nil }}
}

// Now is the moment at which the rules are asked.
func (w world) Now() time.Time { return w.now }

// Row gives the values in force of one record.
func (w world) Row(collection, id string) (care.Row, bool) {
	t, ok := w.h.tables[collection]
	if !ok || id == "" {
		return care.Row{}, false
	}
	rec, err := w.load(t, id)
	if err != nil {
		panic(worldError{err})
	}
	if rec == nil {
		return care.Row{}, false
	}
	return rec.asked(), true
}

// ByField gives every record whose routing field has the value.
func (w world) ByField(collection, field, value string) []care.Row {
	t := w.routed(collection, field)
	return w.many(t, t.readWhere(field), value)
}

// Unended leaves out what was over by from. An end that is open or undecided
// stands in its clear column as nothing.
func (w world) Unended(collection, field, value, end string, from time.Time) []care.Row {
	t := w.routed(collection, field, end)
	if from.IsZero() {
		return w.many(t, t.readWhere(field), value)
	}
	return w.many(t, t.readUnended(field, end), value, care.FormatTime(from))
}

// routed is a table whose named fields stand in clear columns.
func (w world) routed(collection string, fields ...string) *table {
	t, ok := w.h.tables[collection]
	if !ok {
		panic(worldError{fmt.Errorf("a rule looks into %s, which is no collection", collection)})
	}
	for _, field := range fields {
		if f, ok := t.entity.Field(field); !ok || !f.Routing {
			panic(worldError{fmt.Errorf("a rule looks for %s.%s, which is no routing field", collection, field)})
		}
	}
	return t
}

// OfCase gives every record of a case in a collection.
func (w world) OfCase(collection, caseID string) []care.Row {
	t, ok := w.h.tables[collection]
	if !ok || caseID == "" {
		return nil
	}
	return w.many(t, t.readWhere("case_id"), caseID)
}

// SignsIn says whether a member of staff has an account.
func (w world) SignsIn(staff string) bool {
	rows, err := w.q.rows(`SELECT 1 FROM `+AccountsCollection+` WHERE id = ?`, staff)
	if err != nil {
		panic(worldError{err})
	}
	defer rows.Close()
	has := rows.Next()
	if err := rows.Err(); err != nil {
		panic(worldError{err})
	}
	return has
}

// many gives the rows that a query of table.selects finds, in the order of
// their ids: SQLite would carry every sealed cell through its sorter.
func (w world) many(t *table, query string, args ...any) []care.Row {
	rows, err := w.q.rows(query, args...)
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
		if kept := w.same(rec); kept != nil {
			rec = kept
		}
		out = append(out, rec.asked())
	}
	if err := rows.Err(); err != nil {
		panic(worldError{err})
	}
	slices.SortFunc(out, func(a, b care.Row) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// worldError carries a database error out of a rule, which has no way to
// return one.
type worldError struct{ err error }

// caught turns a worldError back into an error.
func caught(err *error) {
	switch r := recover().(type) {
	case nil:
	case worldError:
		*err = fmt.Errorf("asking the rules: %w", r.err)
	default:
		panic(r)
	}
}

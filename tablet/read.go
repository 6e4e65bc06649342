package tablet

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"portolan/care"
	fieldsync "portolan/sync"
)

// Kept is one value that is kept in a field.
type Kept struct {
	Value   care.Value `json:"value"`
	Author  string     `json:"author"`
	At      string     `json:"at"` // device time
	Version string     `json:"version"`
	Unsent  bool       `json:"unsent,omitempty"`
}

// Shown is one field as a person sees it.
type Shown struct {
	Name     string     `json:"name"`
	Value    care.Value `json:"value"` // in force; null where nothing is, or where a person must decide
	Unsent   bool       `json:"unsent,omitempty"`
	Conflict bool       `json:"conflict,omitempty"`
	Kept     []Kept     `json:"kept,omitempty"` // every value, where there is more than one
}

// Record is one record as a person sees it.
type Record struct {
	Collection string  `json:"collection"`
	ID         string  `json:"id"`
	Org        string  `json:"org"`
	Case       string  `json:"case,omitempty"`
	CreatedBy  string  `json:"created_by"`
	MadeAt     string  `json:"made_at"`
	Fields     []Shown `json:"fields"`
}

// Get returns the value in force of a field, nil where there is none.
func (r Record) Get(field string) care.Value {
	for _, f := range r.Fields {
		if f.Name == field {
			return f.Value
		}
	}
	return nil
}

// List returns the records of a collection, of one case or of all, the oldest
// first.
func (t *Tablet) List(ctx context.Context, collection, caseID string) ([]Record, error) {
	if _, ok := care.Find(collection); !ok {
		return nil, ErrCollection
	}
	var out []Record
	err := t.inTx(ctx, func(x *tx) error {
		if err := x.readable(); err != nil {
			return err
		}
		ids, err := x.texts(`SELECT id FROM records WHERE collection = ? AND (? = '' OR case_id = ?) ORDER BY made_at, id`, collection, caseID, caseID)
		if err != nil {
			return err
		}
		for _, id := range ids {
			r, err := x.show(id)
			if err != nil {
				return err
			}
			out = append(out, r)
		}
		return nil
	})
	return out, err
}

// Counts returns how many records of each collection the device holds.
func (t *Tablet) Counts(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	err := t.inTx(ctx, func(x *tx) error {
		if err := x.readable(); err != nil {
			return err
		}
		return x.each(func(scan func(...any) error) error {
			var c string
			var n int
			if err := scan(&c, &n); err != nil {
				return fmt.Errorf("counting records: %w", err)
			}
			out[c] = n
			return nil
		}, `SELECT collection, COUNT(*) FROM records GROUP BY collection`)
	})
	return out, err
}

// Show returns one record, care.ErrNotFound where this device has none.
func (t *Tablet) Show(ctx context.Context, id string) (Record, error) {
	var out Record
	err := t.inTx(ctx, func(x *tx) (err error) {
		if err = x.readable(); err == nil {
			out, err = x.show(id)
		}
		return err
	})
	return out, err
}

func (x *tx) show(id string) (Record, error) {
	r, err := x.record(id)
	if err != nil {
		return Record{}, err
	}
	fields, err := x.fieldsOf(id)
	if err != nil {
		return Record{}, err
	}
	out := Record{Collection: r.collection, ID: r.id, Org: r.org, Case: r.caseID, CreatedBy: r.createdBy, MadeAt: r.madeAt}
	e, ok := r.entity()
	if !ok {
		return out, nil // of a newer hub: kept, and not understood
	}
	for i := range e.Fields {
		if s, ok := fields[e.Fields[i].Name]; ok {
			out.Fields = append(out.Fields, showField(&e.Fields[i], s.shown))
		}
	}
	return out, nil
}

func showField(f *care.Field, reg fieldsync.Register) Shown {
	s := Shown{Name: f.Name, Value: reg.InForce(f), Conflict: reg.Conflict(f)}
	for _, h := range reg.Heads {
		s.Unsent = s.Unsent || h.Seq == 0
	}
	if s.Conflict {
		for _, h := range reg.Heads {
			s.Kept = append(s.Kept, Kept{Value: h.Value, Author: h.Author, At: h.At, Version: string(h.Dot), Unsent: h.Seq == 0})
		}
	}
	return s
}

// Question is a field with more than one value, for a person to decide.
type Question struct {
	Collection string     `json:"collection"`
	Record     string     `json:"record"`
	Case       string     `json:"case,omitempty"`
	Field      string     `json:"field"`
	InForce    care.Value `json:"in_force"`
	Kept       []Kept     `json:"kept"`
}

// Aside is a change of this device that the hub keeps aside, or a part of it.
type Aside struct {
	Version    string           `json:"version"`
	Collection string           `json:"collection,omitempty"` // "" where the device does not hold the record any more
	Record     string           `json:"record"`
	Held       []fieldsync.Held `json:"held"`
}

// Conflicts returns what waits for a person: open questions, and what the hub
// keeps aside of what was entered here.
func (t *Tablet) Conflicts(ctx context.Context) ([]Question, []Aside, error) {
	var questions []Question
	var asides []Aside
	err := t.inTx(ctx, func(x *tx) error {
		if err := x.readable(); err != nil {
			return err
		}
		ids, err := x.texts(`SELECT DISTINCT record FROM pieces`)
		if err != nil {
			return err
		}
		for _, id := range ids {
			r, err := x.show(id)
			if err != nil {
				return err
			}
			for _, f := range r.Fields {
				if f.Conflict {
					questions = append(questions, Question{r.Collection, r.ID, r.Case, f.Name, f.Value, f.Kept})
				}
			}
		}
		asides, err = x.asides()
		return err
	})
	slices.SortStableFunc(questions, func(a, b Question) int {
		return cmp.Or(cmp.Compare(a.Case, b.Case), cmp.Compare(a.Collection, b.Collection), cmp.Compare(a.Record, b.Record))
	})
	return questions, asides, err
}

func (x *tx) asides() ([]Aside, error) {
	var out []Aside
	err := x.each(func(scan func(...any) error) error {
		var replica, record, receipt, collection string
		var n uint64
		if err := scan(&replica, &n, &record, &receipt, &collection); err != nil {
			return fmt.Errorf("reading receipts: %w", err)
		}
		var r fieldsync.Receipt
		if err := json.Unmarshal([]byte(receipt), &r); err != nil {
			return fmt.Errorf("reading a receipt: %w", err)
		}
		if len(r.Held) > 0 {
			out = append(out, Aside{Version: string(fieldsync.DotOf(replica, n)), Collection: collection, Record: record, Held: r.Held})
		}
		return nil
	}, `SELECT o.replica, o.n, o.record, o.receipt, COALESCE(r.collection, '') FROM outbox o LEFT JOIN records r ON r.id = o.record
		WHERE o.receipt LIKE '%"held":%' ORDER BY o.replica, o.n`)
	return out, err
}

// Unsent counts the changes that the hub has not answered.
func (t *Tablet) Unsent(ctx context.Context) (int, error) {
	var n int
	err := t.inTx(ctx, func(x *tx) error {
		return x.tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM outbox WHERE receipt IS NULL`).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("counting what is unsent: %w", err)
	}
	return n, nil
}

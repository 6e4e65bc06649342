package collections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"portolan/care"
	fieldsync "portolan/sync"
)

// Entry is one value that somebody entered in a field, whatever became of it.
type Entry struct {
	Seq     uint64     `json:"seq"`              // its change at the hub
	Value   care.Value `json:"value,omitempty"`  // what was entered; for sets also why there is none
	Add     []string   `json:"add,omitempty"`    // elements added to a set
	Remove  []string   `json:"remove,omitempty"` // and removed
	Author  string     `json:"author"`           // staff
	Device  string     `json:"device,omitempty"`
	At      string     `json:"at"`      // when, by the device's clock
	Arrived string     `json:"arrived"` // and when the hub heard of it
	Stands  bool       `json:"stands"`  // no later one that saw it has taken its place
	Held    string     `json:"held,omitempty"`
	Saw     []uint64   `json:"saw"` // the entries that its author saw and replaced
	dot     fieldsync.Dot
	base    []fieldsync.Dot
}

// FieldHistory is every value that was ever entered in a field, the oldest
// first, and how many entries of the record are not readable any more: erased,
// or written by a newer version.
type FieldHistory struct {
	Entries    []Entry `json:"entries"`
	Unreadable int     `json:"unreadable,omitempty"`
}

// History returns what was ever entered in a field of a record that the actor
// may see, and care.ErrNotFound where there is no such field or record, or they
// may not see it: these look the same. The decision is in the audit log before
// it returns.
func (h *Hub) History(ctx context.Context, a care.Actor, collection, id, field string) (FieldHistory, error) {
	out := FieldHistory{Entries: []Entry{}}
	t, ok := h.tables[collection]
	if !ok {
		return out, care.ErrNotFound
	}
	f, ok := t.entity.Field(field)
	if !ok {
		return out, care.ErrNotFound
	}
	q := reader{ctx, h.readDB()}
	rec, err := scanRecord(t, q.row(t.read, id))
	if err != nil {
		return out, err
	}
	if rec == nil {
		rec = newRecord(t, id) // belongs to nobody: refused on the same way
	}
	d := care.MaySee(a, care.Read, rec.target(f.Compartment), h.now())
	if d.Allowed {
		if out, err = h.entries(q, rec, f); err != nil {
			return out, err
		}
	}
	e := event{act: ActRead, target: rec.target(f.Compartment), decision: d, records: []string{rec.id}}
	if d.Allowed {
		e.count = 1
	}
	if err := h.audit(ctx, a, e); err != nil {
		return FieldHistory{}, err
	}
	if !d.Allowed {
		return FieldHistory{}, care.ErrNotFound
	}
	return out, nil
}

// entries reads a field's history out of the change log.
func (h *Hub) entries(q querier, rec *record, f *care.Field) (out FieldHistory, err error) {
	out.Entries = []Entry{}
	rows, err := q.rows(`SELECT seq, replica, n, org, case_id, author, device, made_at, arrived_at, body, receipt FROM changes WHERE record = ? ORDER BY seq`, rec.id)
	if err != nil {
		return out, wrap("reading a history", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e Entry
		var replica, org, caseID string
		var n uint64
		var body, receipt []byte
		if err := rows.Scan(&e.Seq, &replica, &n, &org, &caseID, &e.Author, &e.Device, &e.At, &e.Arrived, &body, &receipt); err != nil {
			return out, wrap("reading a history", err)
		}
		e.dot = fieldsync.DotOf(replica, n)
		raw, _, err := h.keys.openChange(e.Seq, org, caseID, body)
		if errors.Is(err, ErrErased) {
			out.Unreadable++
			continue
		}
		if err != nil {
			return out, err
		}
		c, err := fieldsync.DecodeChange(raw)
		if err != nil {
			out.Unreadable++
			continue
		}
		if !slices.Contains(c.Fields(), f.Name) || c.Collection != rec.t.entity.Name {
			continue
		}
		e.Value, e.Add, e.Remove, e.base = c.Set[f.Name], c.Add[f.Name], c.Remove[f.Name], c.Base[f.Name]
		if e.Held, err = heldReason(receipt, f.Name); err != nil {
			return out, err
		}
		out.Entries = append(out.Entries, e)
	}
	if err := rows.Err(); err != nil {
		return out, wrap("reading a history", err)
	}
	return out, out.relate(rec, f)
}

// heldReason is why a change, or what it wrote to a field, was held; "" where
// it was not.
func heldReason(receipt []byte, field string) (string, error) {
	var r fieldsync.Receipt
	if err := json.Unmarshal(receipt, &r); err != nil {
		return "", fmt.Errorf("reading a receipt: %w", err)
	}
	for _, held := range r.Held {
		if held.Field == "" || held.Field == field {
			return held.Reason, nil
		}
	}
	return "", nil
}

// relate says of each entry whether it stands, and which entries it took the
// place of.
func (f *FieldHistory) relate(rec *record, of *care.Field) error {
	reg, err := rec.register(of.Name)
	if err != nil {
		return err
	}
	heads, bySeq := reg.Dots(), map[fieldsync.Dot]uint64{}
	for _, e := range f.Entries {
		bySeq[e.dot] = e.Seq
	}
	for i := range f.Entries {
		e := &f.Entries[i]
		e.Stands = e.Held == "" && slices.Contains(heads, e.dot)
		e.Saw = []uint64{}
		for _, d := range e.base {
			if seq, ok := bySeq[d]; ok {
				e.Saw = append(e.Saw, seq)
			}
		}
	}
	return nil
}

package collections

import (
	"fmt"
	"slices"

	fieldsync "portolan/sync"
)

// unit is what a device takes whole or not at all: the records that changes of
// one group, and what the hub's rules made of them, wrote to.
type unit struct {
	first uint64   // number of the first of its changes
	seqs  []uint64 // of each line of a log that it is made of
	rows  []*wantedRow
	then  cursor // how far a device has come that has it
	into  *unit  // it became part of this one
}

// wantedRow is a record to send, with the fields by scope; nil fields are all
// of the scope.
type wantedRow struct {
	collection, record string
	scopes             []fieldsync.Scope
	fields             map[fieldsync.Scope][]string
}

func (w *wantedRow) want(scope fieldsync.Scope, fields []string) {
	had, known := w.fields[scope]
	if !known {
		w.scopes = append(w.scopes, scope)
	}
	for _, f := range fields {
		if !slices.Contains(had, f) {
			had = append(had, f)
		}
	}
	w.fields[scope] = had
}

func (u *unit) whole() *unit {
	for u.into != nil {
		u = u.into
	}
	return u
}

// scopeLine is one line of a scope's log.
type scopeLine struct {
	seq, unit          uint64
	scope              fieldsync.Scope
	collection, record string
	fields             []string
}

// unitsOf puts what was logged together by the group that it belongs to. A
// record is sent once, as it stands now: two groups that wrote to it become one
// unit. The log is in the order of its numbers.
func unitsOf(log []scopeLine) []*unit {
	byGroup, byRecord := map[uint64]*unit{}, map[string]*unit{}
	wanted := map[string]*wantedRow{}
	var all []*unit
	for _, l := range log {
		u := byGroup[l.unit]
		if r := byRecord[l.record]; u == nil && r != nil {
			u = r.whole()
		} else if u != nil && r != nil {
			u = join(u.whole(), r.whole())
		}
		if u == nil {
			u = &unit{first: l.seq}
			all = append(all, u)
		}
		u = u.whole()
		u.seqs = append(u.seqs, l.seq)
		byGroup[l.unit], byRecord[l.record] = u, u
		w := wanted[l.record]
		if w == nil {
			w = &wantedRow{collection: l.collection, record: l.record, fields: map[fieldsync.Scope][]string{}}
			wanted[l.record] = w
			u.rows = append(u.rows, w)
		}
		w.want(l.scope, l.fields)
	}
	return slices.DeleteFunc(all, func(u *unit) bool { return u.into != nil })
}

// join makes one unit of two: the later becomes part of the earlier.
func join(a, b *unit) *unit {
	if a == b {
		return a
	}
	if b.first < a.first {
		a, b = b, a
	}
	a.rows, a.seqs = append(a.rows, b.rows...), append(a.seqs, b.seqs...)
	b.rows, b.into = nil, a
	return a
}

// sendUnit sends the records of a unit, each once for each scope; all lines but
// the last say that more follows.
func (p *pull) sendUnit(u *unit) error {
	var last *fieldsync.Row
	for _, w := range u.rows {
		rec, err := p.recordOf(w)
		if err != nil {
			return err
		}
		if rec == nil {
			continue
		}
		for _, scope := range w.scopes {
			if !p.lasts(scope) {
				return ErrAccessEnded
			}
			row, err := rec.inScope(scope, w.fields[scope])
			if err != nil {
				return err
			}
			if row == nil {
				continue
			}
			if last != nil {
				last.More = true
				if err := p.sendRow(last); err != nil {
					return err
				}
			}
			last = row
		}
	}
	if last == nil {
		return nil
	}
	return p.sendRow(last)
}

func (p *pull) sendRow(r *fieldsync.Row) error {
	l := fieldsync.Line{Row: r}
	b := l.AppendJSON(nil)
	p.unmarked += len(b)
	return p.to.Line(b[:len(b)-1])
}

// recordOf reads a record, nil of a collection that this version does not know.
// Those of a case are read once for all its scopes, which come one behind the other.
func (p *pull) recordOf(w *wantedRow) (*record, error) {
	t, ok := p.h.tables[w.collection]
	if !ok {
		return nil, nil
	}
	if rec, ok := p.read[w.record]; ok {
		return rec, nil
	}
	rec, err := scanRecord(t, p.r.row(t.read, w.record))
	if err != nil {
		return nil, err
	}
	if rec == nil {
		return nil, fmt.Errorf("the log of a scope names a record of %s that is not there", w.collection)
	}
	if rec.caseID != p.readCase || rec.caseID == "" || p.read == nil {
		p.read, p.readCase = map[string]*record{}, rec.caseID
	}
	p.read[w.record] = rec
	return rec, nil
}

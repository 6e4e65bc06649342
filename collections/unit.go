package collections

import (
	"bytes"
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

	chunk  *chunk // all of the scope that is gained, in place of rows
	gained entered
	after  int // records of the chunk that were sent before
}

// count is how many rows it may have.
func (u *unit) count() int {
	if u.chunk != nil {
		return len(u.chunk.records) - u.after
	}
	n := 0
	for _, w := range u.rows {
		n += len(w.scopes)
	}
	return n
}

// wantedRow is a record to send, with the fields by scope; nil fields are all
// of the scope.
type wantedRow struct {
	collection, record string
	scopes             []fieldsync.Scope
	fields             map[fieldsync.Scope][]string
	seqs               map[fieldsync.Scope]uint64 // the last number of the record in the scope, where that is known
	lines              map[fieldsync.Scope][]byte // what it shows there, as far as it is made
}

func (w *wantedRow) want(scope fieldsync.Scope, fields []string, seq uint64) {
	w.seqs[scope] = seq
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
			w = &wantedRow{collection: l.collection, record: l.record, fields: map[fieldsync.Scope][]string{}, seqs: map[fieldsync.Scope]uint64{}}
			wanted[l.record] = w
			u.rows = append(u.rows, w)
		}
		w.want(l.scope, l.fields, l.seq)
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
	var last []byte
	for _, w := range u.rows {
		for _, scope := range w.scopes {
			if !p.lasts(scope) {
				return ErrAccessEnded
			}
			line, err := p.lineOf(w, scope)
			if err != nil {
				return err
			}
			if line == nil {
				continue
			}
			if last != nil {
				if err := p.sendRow(fieldsync.MoreFollows(last)); err != nil {
					return err
				}
			}
			last = line
		}
	}
	if last == nil {
		return nil
	}
	return p.sendRow(last)
}

// sendRow sends a line that ends with its line break.
func (p *pull) sendRow(line []byte) error {
	p.unmarked += len(line)
	return p.to.Line(bytes.TrimSuffix(line, []byte{'\n'}))
}

// lineOf is the line of a record in a scope, nil where it shows nothing there.
func (p *pull) lineOf(w *wantedRow, scope fieldsync.Scope) ([]byte, error) {
	if line, ok := w.lines[scope]; ok {
		return line, nil
	}
	rec, err := p.recordOf(w)
	if err != nil || rec == nil {
		return nil, err
	}
	row, err := rec.inScope(scope, w.fields[scope])
	if err != nil || row == nil {
		return nil, err
	}
	l := fieldsync.Line{Row: row}
	line := l.AppendJSON(nil)
	if key, known := w.late(scope); known {
		p.h.lately.put(p.era, key, lateRow{line: line})
	}
	return line, nil
}

// readAhead finds what was sent to somebody else lately, and notes what has to
// be read.
func (p *pull) readAhead(units []*unit) {
	p.ahead = nil
	for _, u := range units {
		for _, w := range u.rows {
			w.lines = make(map[fieldsync.Scope][]byte, len(w.scopes))
			for _, scope := range w.scopes {
				key, known := w.late(scope)
				if !known {
					continue
				}
				if line := p.h.lately.get(key); line != nil {
					w.lines[scope] = line
				}
			}
			if len(w.lines) < len(w.scopes) {
				p.ahead = append(p.ahead, w)
			}
		}
	}
}

// aheadMax is how many records are read before they are sent.
const aheadMax = recordsAtOnce

// recordOf gives a record, nil of a collection that this version does not know.
// With the first of several those that come next are read too.
func (p *pull) recordOf(w *wantedRow) (*record, error) {
	if _, known := p.h.tables[w.collection]; !known {
		return nil, nil
	}
	if rec, ok := p.read[w.record]; ok {
		return rec, nil
	}
	if i := slices.Index(p.ahead, w); i >= 0 {
		p.ahead = p.ahead[i:]
	} else {
		p.ahead = []*wantedRow{w}
	}
	wanted := map[string][]string{}
	for _, next := range p.ahead[:min(len(p.ahead), aheadMax)] {
		wanted[next.collection] = append(wanted[next.collection], next.record)
	}
	p.read = map[string]*record{}
	err := p.h.eachRecord(p.r, wanted, "", func(rec *record) error {
		p.read[rec.id] = rec
		return nil
	})
	rec := p.read[w.record]
	if err == nil && rec == nil {
		err = fmt.Errorf("the log of a scope names a record of %s that is not there", w.collection)
	}
	return rec, err
}

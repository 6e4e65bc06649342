package collections

import (
	fieldsync "portolan/sync"
)

// entered is a scope that the actor may see and the device does not hold yet,
// or not whole.
type entered struct {
	access int64 // scope_access.id: of a rank they come in this order
	rank   rank
	scope  fieldsync.Scope
	parts  fieldsync.ScopeParts // zero where this version does not know it
	from   uint64               // since when the actor may see it
	ended  bool                 // until some time after the cursor was given
	over   bool                 // they may not see it now
	after  string               // records up to this one were sent before
}

// portionRows is how many rows are planned, noted in the audit log and sent at
// one time: an answer of any size needs the memory of so many names, or of so
// many packed lines. portionMade is the same for chunks that have to be made
// first: whoever waits should have something to do meanwhile.
// portionBytes bounds what the chunks of a portion may be in memory, packed:
// few rows may be long.
const (
	portionRows = 4000
	portionMade = 1000
)

var portionBytes = 4 << 20 // a test sets it

// sendEntered sends what stands in the scopes that the device does not hold.
func (p *pull) sendEntered() error {
	at := p.at
	at.told = p.head
	if at.entering == 0 {
		at.entering = p.head
	}
	if err := p.sendToday(at); err != nil {
		return err
	}
	if err := p.sendDrafts(); err != nil {
		return err
	}
	var units []*unit
	rows, made, bytes := 0, 0, 0
	for _, e := range p.entering {
		at.rank, at.access, at.record = e.rank, e.access, wholeScope
		more, fresh, err := p.unitsIn(e, at)
		if err != nil {
			return err
		}
		for _, u := range more {
			rows += u.count()
			bytes += u.chunk.bytes()
			if fresh {
				made += u.count()
			}
		}
		if units = append(units, more...); len(units) > 0 {
			units[len(units)-1].then = at
		}
		if rows >= portionRows || made >= portionMade || bytes >= portionBytes {
			if err := p.disclose(units); err != nil {
				return err
			}
			units, rows, made, bytes = nil, 0, 0, 0
		}
	}
	if len(units) > 0 || len(p.entering) > 0 && !p.named {
		return p.disclose(units)
	}
	return nil
}

// unitsIn is what is to be sent of a scope: its chunk, or where it has none
// each record by itself. It says whether the chunk was made just now.
func (p *pull) unitsIn(e entered, at cursor) (units []*unit, fresh bool, err error) {
	c, fresh, err := p.chunkOf(e.scope)
	if err != nil {
		return nil, false, err
	}
	if c != nil {
		after := 0
		for after < len(c.records) && c.records[after] <= e.after {
			after++
		}
		if after == len(c.records) {
			return nil, false, nil
		}
		return []*unit{{chunk: c, gained: e, after: after, then: at}}, fresh, nil
	}
	records, err := p.recordsIn(e)
	if err != nil {
		return nil, false, err
	}
	for _, w := range records {
		at.record = w.record
		units = append(units, &unit{rows: []*wantedRow{w}, then: at})
	}
	return units, false, nil
}

// sendNames names the scopes that are sent from their beginning, but for those
// that the device was told before its mark: of a thousand cases the names are
// more than a bad line carries at a time.
func (p *pull) sendNames() error {
	var scopes []fieldsync.Scope
	for _, e := range p.entering {
		if e.after == "" && (p.at.entering == 0 || e.from > p.at.told) {
			scopes = append(scopes, e.scope)
		}
	}
	if len(scopes) == 0 {
		return nil
	}
	return p.sendLine(fieldsync.Line{Enter: scopes})
}

// recordsIn gives every record that ever had something in a scope.
func (p *pull) recordsIn(e entered) ([]*wantedRow, error) {
	return p.wantedIn(e.scope, `SELECT DISTINCT record, collection FROM scope_log WHERE scope = ? AND record > ? ORDER BY record`, e.after)
}

// wantedIn gives the records that a query names by scope and one thing more.
func (p *pull) wantedIn(scope fieldsync.Scope, query string, more any) ([]*wantedRow, error) {
	rows, err := p.r.rows(query, string(scope), more)
	if err != nil {
		return nil, wrap("reading a scope", err)
	}
	defer rows.Close()
	var out []*wantedRow
	for rows.Next() {
		w := &wantedRow{scopes: []fieldsync.Scope{scope}, fields: map[fieldsync.Scope][]string{}}
		if err := rows.Scan(&w.record, &w.collection); err != nil {
			return nil, wrap("reading a scope", err)
		}
		out = append(out, w)
	}
	return out, wrap("reading a scope", rows.Err())
}

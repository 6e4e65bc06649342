package collections

import (
	fieldsync "portolan/sync"
)

// entered is a scope that the actor may see and the device does not hold yet,
// or not whole.
type entered struct {
	access int64 // scope_access.id: they come in this order
	scope  fieldsync.Scope
	after  string // records up to this one were sent before
}

// portionRows is how many rows are planned, noted in the audit log and sent at
// one time: an answer of any size needs the memory of so many names.
const portionRows = 4000

// sendEntered sends what stands in the scopes that the device does not hold.
func (p *pull) sendEntered() error {
	at := p.at
	at.told = p.head
	if at.entering == 0 {
		at.entering = p.head
	}
	var units []*unit
	for _, e := range p.entering {
		records, err := p.recordsIn(e)
		if err != nil {
			return err
		}
		at.access = e.access
		for _, w := range records {
			at.record = w.record
			units = append(units, &unit{rows: []*wantedRow{w}, then: at})
		}
		at.record = wholeScope
		if len(units) > 0 {
			units[len(units)-1].then = at
		}
		if len(units) >= portionRows {
			if err := p.disclose(units); err != nil {
				return err
			}
			units = nil
		}
	}
	if len(units) > 0 || len(p.entering) > 0 && !p.named {
		return p.disclose(units)
	}
	return nil
}

// sendNames names the scopes that are sent from their beginning.
func (p *pull) sendNames() error {
	var scopes []fieldsync.Scope
	for _, e := range p.entering {
		if e.after == "" {
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
	rows, err := p.r.rows(`SELECT DISTINCT record, collection FROM scope_log WHERE scope = ? AND record > ? ORDER BY record`, string(e.scope), e.after)
	if err != nil {
		return nil, wrap("reading a scope", err)
	}
	defer rows.Close()
	var out []*wantedRow
	for rows.Next() {
		w := &wantedRow{scopes: []fieldsync.Scope{e.scope}, fields: map[fieldsync.Scope][]string{}}
		if err := rows.Scan(&w.record, &w.collection); err != nil {
			return nil, wrap("reading a scope", err)
		}
		out = append(out, w)
	}
	return out, wrap("reading a scope", rows.Err())
}

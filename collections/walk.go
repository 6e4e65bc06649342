package collections

import (
	"maps"
	"slices"

	fieldsync "portolan/sync"
)

// Ask is what a device asks for in one round trip, beside what it delivers.
type Ask struct {
	Cursor  string
	Check   []string            // fieldsync.EveryScope, or scopes
	Again   map[string][]string // records to be sent anew, by scope
	Own     Own                 // what the device just brought and need not be sent
	Upgrade uint64              // the device's program is older than this version of the protocol: it is sent nothing that is new
	Drafts  *fieldsync.Drafts   // what the device has of its owner's half-filled forms; nil where it knows none
}

// walk answers a device whose root digest differed: the digests of all scopes,
// those of the records of scopes that differ, and the records that differ. What
// the actor may not see is passed over like what is not there.
func (p *pull) walk(ask Ask) error {
	for _, s := range once(ask.Check) {
		var err error
		if s == fieldsync.EveryScope {
			err = p.sendDigests()
		} else if scope := fieldsync.Scope(s); p.opens(scope) {
			err = p.sendRecordDigests(scope)
		}
		if err != nil {
			return err
		}
	}
	for _, s := range slices.Sorted(maps.Keys(ask.Again)) {
		if scope := fieldsync.Scope(s); p.opens(scope) {
			if err := p.sendAgain(scope, ask.Again[s]); err != nil {
				return err
			}
		}
	}
	return nil
}

// once is a list without what stands in it twice, in order.
func once(list []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(list)))
}

func (p *pull) sendDigests() error {
	digests, err := p.digests()
	if err != nil {
		return err
	}
	line := fieldsync.Line{Digests: map[string]string{}}
	for s := range p.open {
		line.Digests[string(s)] = digests[s].String()
	}
	return p.sendLine(line)
}

func (p *pull) sendRecordDigests(scope fieldsync.Scope) error {
	records, err := p.recordsIn(entered{scope: scope})
	if err != nil {
		return err
	}
	line := fieldsync.Line{Records: &fieldsync.RecordDigests{Scope: scope, Digests: map[string]string{}}}
	p.ahead = records
	for _, w := range records {
		rec, err := p.recordOf(w)
		if err != nil {
			return err
		}
		if rec == nil {
			continue
		}
		row, err := rec.inScope(scope, nil)
		if err != nil {
			return err
		}
		if row != nil {
			line.Records.Digests[w.record] = row.Digest().String()
		}
	}
	return p.sendLine(line)
}

func (p *pull) sendAgain(scope fieldsync.Scope, wanted []string) error {
	records, err := p.recordsIn(entered{scope: scope})
	if err != nil {
		return err
	}
	there := map[string]*wantedRow{}
	for _, w := range records {
		there[w.record] = w
	}
	var units []*unit
	gone := fieldsync.Gone{Scope: scope}
	for _, id := range once(wanted) {
		if w := there[id]; w != nil {
			units = append(units, &unit{rows: []*wantedRow{w}, then: p.done()})
		} else {
			gone.Records = append(gone.Records, id)
		}
	}
	if len(units) > 0 {
		if err := p.disclose(units); err != nil {
			return err
		}
	}
	if len(gone.Records) == 0 {
		return nil
	}
	return p.sendLine(fieldsync.Line{Gone: &gone})
}

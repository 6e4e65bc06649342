package collections

import (
	"cmp"
	"slices"
	"strings"
)

// Sizes of what is read of the log at one time. Behind byScopeMin new changes,
// and behind byScopeEach for each scope that the device holds, it is read scope
// by scope, so that what nobody of here may see costs nothing: to look for a
// scope takes as long as to read some four lines.
const (
	byScopeMin   = 20_000
	byScopeEach  = 4
	byScopeAtOne = 100_000
)

// sendChanged sends the fields that changed in scopes that the device holds.
func (p *pull) sendChanged() error {
	from := p.head
	for _, to := range p.complete {
		from = min(from, to)
	}
	for from < p.head {
		to := p.head
		if to-from > byScopeMin {
			to = min(from+byScopeAtOne, p.head)
		}
		to, log, err := p.changedBetween(from, to)
		if err != nil {
			return err
		}
		units, err := p.sendOwn(unitsOf(log))
		if err != nil {
			return err
		}
		for i, u := range units {
			u.then = cursor{seq: to, base: p.head}
			if i+1 < len(units) {
				u.then.seq = units[i+1].first - 1
			}
			if to < p.head { // the record is sent as it stands, with what comes later in the log
				for _, w := range u.rows {
					w.seqs = nil
				}
			}
		}
		if len(units) > 0 {
			if err := p.disclose(units); err != nil {
				return err
			}
		}
		from = to
	}
	return nil
}

// changedBetween reads what was logged after from and up to to, and says up to
// where it really read: a group is not cut.
func (p *pull) changedBetween(from, to uint64) (uint64, []scopeLine, error) {
	if to < p.head {
		var group uint64
		if err := p.r.row(`SELECT COALESCE((SELECT unit FROM scope_log WHERE seq > ? ORDER BY seq LIMIT 1), 0)`, to).Scan(&group); err != nil {
			return to, nil, wrap("reading what changed", err)
		}
		if group <= to && group > from+1 {
			to = group - 1
		}
	}
	var log []scopeLine
	var err error
	if to-from <= min(byScopeMin, byScopeEach*uint64(len(p.complete))) {
		log, err = p.logged(log, `SELECT scope, seq, unit, collection, record, fields FROM scope_log WHERE seq > ? AND seq <= ? ORDER BY seq`, from, to)
		return to, log, err
	}
	for scope := range p.complete {
		log, err = p.logged(log, `SELECT scope, seq, unit, collection, record, fields FROM scope_log WHERE scope = ? AND seq > ? AND seq <= ?`, string(scope), from, to)
		if err != nil {
			return to, nil, err
		}
	}
	slices.SortFunc(log, func(a, b scopeLine) int { return cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(a.scope, b.scope)) })
	return to, log, nil
}

func (p *pull) logged(log []scopeLine, query string, args ...any) ([]scopeLine, error) {
	rows, err := p.r.rows(query, args...)
	if err != nil {
		return log, wrap("reading what changed", err)
	}
	defer rows.Close()
	for rows.Next() {
		var l scopeLine
		var fields string
		if err := rows.Scan((*string)(&l.scope), &l.seq, &l.unit, &l.collection, &l.record, &fields); err != nil {
			return log, wrap("reading what changed", err)
		}
		if since, ok := p.complete[l.scope]; ok && l.seq > since {
			l.fields = strings.Split(fields, ",")
			log = append(log, l)
		}
	}
	return log, wrap("reading what changed", rows.Err())
}

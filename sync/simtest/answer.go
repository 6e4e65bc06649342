package simtest

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"portolan/care"
	fieldsync "portolan/sync"
)

// gapError is the hub's answer when it misses earlier changes.
type gapError struct{ expected uint64 }

func (e *gapError) Error() string { return fmt.Sprintf("sequence_gap, expected %d", e.expected) }

// errUnknown: the hub does not know the replica; it is enrolled again.
var errUnknown = errors.New("replica_unknown")

const leaseDays = 30 * 24 * time.Hour

// push takes a push from the wire and returns the receipts.
func (h *hub) push(p fieldsync.Push, d *device, now time.Time) ([]json.RawMessage, error) {
	k := h.replicas[p.Replica]
	if k == nil {
		k = &known{}
	}
	var list []arrival
	var receipts []json.RawMessage
	link := k.link
	for i, raw := range p.Changes {
		a := arrival{raw: raw, replica: p.Replica, staff: id(idStaff, d.staff)}
		s, sealed, err := fieldsync.AsSealed(raw)
		if err != nil {
			return nil, err
		}
		if sealed {
			a.raw, a.n = s.Box, s.N // the model's seal is none
			if s.Of != fieldsync.DotOf(p.Replica, s.N) {
				a.aside = heldEarlier
			}
		}
		if a.Change, err = fieldsync.DecodeChange(a.raw); err != nil {
			return nil, err
		}
		if !sealed {
			a.n = a.N
		}
		a.N = a.n
		sum, err := fieldsync.Commitment(raw)
		if err != nil {
			return nil, err
		}
		switch {
		case i == 0 && a.n > uint64(len(k.seqs))+1:
			return nil, &gapError{uint64(len(k.seqs)) + 1}
		case a.n <= uint64(len(k.seqs)):
			l := h.log[k.seqs[a.n-1]]
			if l.hash != sum {
				return nil, fmt.Errorf("another change under %s/%d", p.Replica, a.n)
			}
			receipts = append(receipts, l.answer)
			continue
		}
		link = fieldsync.LinkOver(link, sum)
		list = append(list, a)
	}
	if len(list) > 0 && (link.String() != p.Link || !fieldsync.Verify(d.key, p.Replica, list[len(list)-1].n, link, p.Signature)) {
		return nil, fmt.Errorf("the chain of %s is broken", p.Replica)
	}
	for len(list) > 0 {
		end := 1
		for list[0].Group != "" && end < len(list) && list[end].Group == list[0].Group {
			end++
		}
		for i := range list[:end] {
			if d.revoked {
				list[i].aside = heldRevoked
			} else if list[0].n <= d.heldUntil {
				list[i].aside = heldLease
			}
		}
		for _, r := range h.group(list[:end], now) {
			receipts = append(receipts, r.AppendJSON(nil))
		}
		list = list[end:]
	}
	return receipts, nil
}

// cursor is how far a device has come (docs/protocol.md, "The cursor").
type cursor struct {
	Epoch, Staff   int
	Seq, Base      uint64
	Entering, Told uint64
	Access         int
	Record         string
}

func (c cursor) text() string {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

const wholeScope = "~"

func (c cursor) had(at int, from uint64) bool {
	return from <= c.Base || c.Entering != 0 && (at < c.Access || at == c.Access && c.Record != "")
}

func (c cursor) completeTo(at int, from uint64) (uint64, string) {
	switch {
	case from <= c.Base:
		return c.Seq, wholeScope
	case at < c.Access:
		return c.Entering, wholeScope
	}
	return c.Entering, c.Record
}

// answer is one round trip: the lines as they go over the wire. d is how often
// a mark is set.
func (h *hub) answer(body []byte, records []string, now time.Time, rng *rand.Rand) ([][]byte, error) {
	p, err := fieldsync.DecodePush(body)
	if err != nil {
		return nil, err
	}
	d := h.devices[p.Replica]
	if d == nil {
		return nil, errUnknown
	}
	for staff := range h.staff() {
		h.settleAccess(staff, records, now) // what time ended
	}
	if !d.revoked && now.After(d.lease) {
		d.heldUntil = max(d.heldUntil, p.Last)
	}
	receipts, err := h.push(p, d, now)
	if err != nil {
		return nil, err
	}
	h.takeUp(now)
	a := &answering{h: h, d: d, rng: rng, open: map[fieldsync.Scope]bool{}, complete: map[fieldsync.Scope]uint64{}}
	if d.revoked {
		a.send(fieldsync.Line{Wipe: &fieldsync.Wipe{Why: heldRevoked}})
		a.receipts(receipts)
		a.send(fieldsync.Line{End: &fieldsync.End{Digest: fieldsync.RootDigest(nil), Server: care.FormatTime(now)}})
		return a.lines, nil
	}
	a.plan(p.Cursor)
	if len(a.evict) > 0 {
		a.send(fieldsync.Line{Evict: a.evict})
	}
	a.receipts(receipts)
	d.lease = now.Add(leaseDays)
	a.send(fieldsync.Line{Lease: &fieldsync.Lease{Key: "k", Until: care.FormatTime(d.lease)}})
	a.send(fieldsync.Line{Log: &fieldsync.LogHead{Signed: fmt.Sprint(h.epoch)}})
	a.entered()
	a.changed()
	a.walk(p)
	sums := map[fieldsync.Scope]fieldsync.Digest{}
	for s := range a.open {
		sums[s] = h.digests[s]
	}
	a.send(fieldsync.Line{End: &fieldsync.End{Cursor: cursor{Epoch: h.epoch, Staff: d.staff, Seq: h.seq, Base: h.seq}.text(), Digest: fieldsync.RootDigest(sums), Server: care.FormatTime(now)}})
	return a.lines, nil
}

func (h *hub) staff() map[int]bool {
	out := map[int]bool{}
	for _, g := range h.grants {
		out[g.staff] = true
	}
	return out
}

// answering is the work of one answer.
type answering struct {
	h        *hub
	d        *device
	rng      *rand.Rand
	lines    [][]byte
	at       cursor
	evict    []fieldsync.Scope
	entering []int // places in hub.access
	open     map[fieldsync.Scope]bool
	complete map[fieldsync.Scope]uint64
}

func (a *answering) send(l fieldsync.Line) {
	a.lines = append(a.lines, bytes.TrimSpace(l.AppendJSON(nil)))
}

func (a *answering) receipts(list []json.RawMessage) {
	if len(list) > 0 {
		a.send(fieldsync.Line{Receipts: list})
	}
}

func (a *answering) plan(text string) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	var c cursor
	opens := err == nil && json.Unmarshal(b, &c) == nil && c.Epoch == a.h.epoch && c.Staff == a.d.staff
	if opens {
		a.at = c
	}
	since := max(a.at.Base, a.at.Told)
	for i, x := range a.h.access {
		switch {
		case x.staff != a.d.staff || x.until != 0 && x.until <= since:
		case x.until != 0 && (a.at.had(i, x.from) || since > 0):
			a.evict = append(a.evict, x.scope)
		case x.until != 0:
		default:
			a.open[x.scope] = true
			after := ""
			if a.at.had(i, x.from) {
				a.complete[x.scope], after = a.at.completeTo(i, x.from)
			}
			if after != wholeScope {
				a.entering = append(a.entering, i)
			}
		}
	}
	if !opens && text != "" {
		for _, x := range a.h.access {
			if x.staff == a.d.staff && x.until != 0 && !a.open[x.scope] {
				a.evict = append(a.evict, x.scope)
			}
		}
	}
}

// mark sets a mark as often as the line is bad.
func (a *answering) mark(c cursor) {
	if a.rng.IntN(2) == 0 {
		a.send(fieldsync.Line{Mark: c.text()})
	}
}

// row sends fields of a record in a scope; nil for all that stand there.
func (a *answering) row(scope fieldsync.Scope, record string, names []string, more bool) {
	r := &fieldsync.Row{Scope: scope, Collection: "tasks", Record: record, Org: id(idOrg, 0), Case: caseOf[record], More: more, Fields: map[string]fieldsync.Register{}}
	for _, name := range names {
		r.Fields[name] = a.h.state[place{record, name}].Register
	}
	a.send(fieldsync.Line{Row: r})
}

// inScope is what stands in a scope of a record.
func (h *hub) inScope(scope fieldsync.Scope, record string) (names []string) {
	for i := range fields {
		at := place{record, fields[i].Name}
		if caseOf[record] != "" && at.scope() == scope && len(h.state[at].Heads) > 0 {
			names = append(names, at.field)
		}
	}
	return names
}

// recordsOf is the records of the case of a scope.
func recordsOf(s fieldsync.Scope) (list []string) {
	of := partsOf(s).Case
	for record, c := range caseOf {
		if c == of {
			list = append(list, record)
		}
	}
	slices.Sort(list)
	return list
}

func (a *answering) entered() {
	at := a.at
	at.Epoch, at.Staff, at.Told = a.h.epoch, a.d.staff, a.h.seq
	if at.Entering == 0 {
		at.Entering = a.h.seq
	}
	var fresh []fieldsync.Scope
	after := map[int]string{}
	for _, i := range a.entering {
		x := a.h.access[i]
		if a.at.had(i, x.from) {
			_, after[i] = a.at.completeTo(i, x.from)
		} else {
			fresh = append(fresh, x.scope)
		}
	}
	if len(fresh) > 0 {
		a.send(fieldsync.Line{Enter: fresh})
	}
	for _, i := range a.entering {
		scope := a.h.access[i].scope
		at.Access = i
		for _, record := range recordsOf(scope) {
			if names := a.h.inScope(scope, record); record > after[i] && len(names) > 0 {
				a.row(scope, record, names, false)
				at.Record = record
				a.mark(at)
			}
		}
		at.Record = wholeScope
		a.mark(at)
	}
}

// unit is what a device takes whole or not at all.
type unit struct {
	first uint64
	rows  map[rowOf]map[string]bool
}

type rowOf struct {
	scope  fieldsync.Scope
	record string
}

// units puts what was logged behind a number together by what stands or falls
// as one; two that wrote to one record become one.
func (a *answering) units(from uint64) (units []*unit) {
	byUnit, byRecord := map[uint64]*unit{}, map[string]*unit{}
	start, _ := slices.BinarySearchFunc(a.h.scopeLog, from+1, func(l scopeLine, seq uint64) int { return int(int64(l.seq) - int64(seq)) })
	for _, l := range a.h.scopeLog[start:] {
		if to, ok := a.complete[l.scope]; !ok || l.seq <= to {
			continue
		}
		u, r := byUnit[l.unit], byRecord[l.at.record]
		switch {
		case u == nil && r == nil:
			u = &unit{l.seq, map[rowOf]map[string]bool{}}
			units = append(units, u)
		case u == nil:
			u = r
		case r != nil && r != u:
			if r.first < u.first {
				u, r = r, u
			}
			for s, names := range r.rows {
				if u.rows[s] == nil {
					u.rows[s] = map[string]bool{}
				}
				maps.Copy(u.rows[s], names)
			}
			units = slices.DeleteFunc(units, func(x *unit) bool { return x == r })
			for k, v := range byUnit {
				if v == r {
					byUnit[k] = u
				}
			}
			for k, v := range byRecord {
				if v == r {
					byRecord[k] = u
				}
			}
		}
		byUnit[l.unit], byRecord[l.at.record] = u, u
		of := rowOf{l.scope, l.at.record}
		if u.rows[of] == nil {
			u.rows[of] = map[string]bool{}
		}
		u.rows[of][l.at.field] = true
	}
	return units
}

// changed sends what changed, what stands or falls together as one.
func (a *answering) changed() {
	from := a.h.seq
	for _, to := range a.complete {
		from = min(from, to)
	}
	units := a.units(from)
	for i, u := range units {
		rows := slices.SortedFunc(maps.Keys(u.rows), func(x, y rowOf) int {
			return cmp.Or(cmp.Compare(x.record, y.record), cmp.Compare(x.scope, y.scope))
		})
		for j, r := range rows {
			a.row(r.scope, r.record, slices.Sorted(maps.Keys(u.rows[r])), j+1 < len(rows))
		}
		then := cursor{Epoch: a.h.epoch, Staff: a.d.staff, Seq: a.h.seq, Base: a.h.seq}
		if i+1 < len(units) {
			then.Seq = units[i+1].first - 1
		}
		a.mark(then)
	}
}

func (a *answering) walk(p fieldsync.Push) {
	for _, s := range p.Check {
		scope := fieldsync.Scope(s)
		switch {
		case s == fieldsync.EveryScope:
			line := fieldsync.Line{Digests: map[string]string{}}
			for s := range a.open {
				line.Digests[string(s)] = a.h.digests[s].String()
			}
			a.send(line)
		case a.open[scope]:
			line := fieldsync.Line{Records: &fieldsync.RecordDigests{Scope: scope, Digests: map[string]string{}}}
			for _, record := range recordsOf(scope) {
				var sum fieldsync.Digest
				for _, name := range a.h.inScope(scope, record) {
					reg := a.h.state[place{record, name}].Register
					sum = sum.Add(fieldsync.DigestOf(scope, record, name, reg.Dots()))
				}
				if !sum.IsZero() {
					line.Records.Digests[record] = sum.String()
				}
			}
			a.send(line)
		}
	}
	for _, s := range slices.Sorted(maps.Keys(p.Again)) {
		scope := fieldsync.Scope(s)
		if !a.open[scope] {
			continue
		}
		gone := fieldsync.Gone{Scope: scope}
		for _, record := range p.Again[s] {
			if names := a.h.inScope(scope, record); len(names) > 0 {
				a.row(scope, record, names, false)
			} else {
				gone.Records = append(gone.Records, record)
			}
		}
		if len(gone.Records) > 0 {
			a.send(fieldsync.Line{Gone: &gone})
		}
	}
}

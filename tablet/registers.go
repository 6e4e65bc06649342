package tablet

import (
	"database/sql"
	"errors"
	"fmt"

	"portolan/care"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// This file is the only one that reads and writes the bytes of registers in
// the store.

// recordRow is a record without its fields.
type recordRow struct {
	id, collection, org, caseID, createdBy, madeAt string
}

// entity is the schema of the record, false for a collection of a newer hub.
func (r *recordRow) entity() (*care.Entity, bool) { return care.Find(r.collection) }

func (x *tx) record(id string) (recordRow, error) {
	r := recordRow{id: id}
	s, err := x.prepare(`SELECT collection, org, case_id, created_by, made_at FROM records WHERE id = ?`)
	if err != nil {
		return r, fmt.Errorf("reading a record: %w", err)
	}
	err = s.QueryRowContext(x.ctx, id).Scan(&r.collection, &r.org, &r.caseID, &r.createdBy, &r.madeAt)
	if errors.Is(err, sql.ErrNoRows) {
		return r, care.ErrNotFound
	}
	if err != nil {
		return r, fmt.Errorf("reading a record: %w", err)
	}
	return r, nil
}

// saveRecord keeps what is known of a record; what the hub says of it stands
// over what this device noted when it made it.
func (x *tx) saveRecord(r recordRow) error {
	return x.exec(`INSERT INTO records (id, collection, org, case_id, created_by, made_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET org = excluded.org, case_id = excluded.case_id, created_by = excluded.created_by, made_at = excluded.made_at
		WHERE org != excluded.org OR case_id != excluded.case_id OR created_by != excluded.created_by OR made_at != excluded.made_at`,
		r.id, r.collection, r.org, r.caseID, r.createdBy, r.madeAt)
}

// Which of the two that a record has in a scope something sealed is.
const (
	sealedHub   = "hub"
	sealedLocal = "local"
)

func registersPlace(which string, p *piece) seal.Place {
	return seal.Place{Collection: which, Record: p.record, Field: string(p.scope)}
}

// piece is what the store has of one record in one scope: the registers as the
// hub sent them, and of fields that something unsent writes to, what is shown.
// Each of the two is sealed as one.
type piece struct {
	record string
	scope  fieldsync.Scope
	hub    map[string]fieldsync.Register
	shown  map[string]fieldsync.Register
	digest fieldsync.Digest // of the hub's registers, as it was summed up
	stale  bool             // its scope is being sent anew and this has not come yet
	fault  error            // what of it does not open; it reads as empty: what the hub sends takes its place

	sealedHub, sealedShown []byte // as stored; nil where something else was put
	put                    bool   // it is to be written
}

// sealed is what is written of one of the two: as it stood, where nothing was put.
func (x *tx) sealed(which string, p *piece, stood []byte, fields map[string]fieldsync.Register) ([]byte, error) {
	if stood != nil || len(fields) == 0 {
		return stood, nil
	}
	if err := x.t.keys.lockedBy(); err != nil {
		return nil, err
	}
	box, err := x.t.keys.of(x.ctx, p.scope)
	if err != nil {
		return nil, err
	}
	return box.Seal(nil, x.t.rand, registersPlace(which, p), fieldsync.AppendWrites(nil, fields))
}

func (x *tx) opened(which string, p *piece, sealed []byte) (map[string]fieldsync.Register, error) {
	none := map[string]fieldsync.Register{}
	if len(sealed) == 0 {
		return none, nil
	}
	if err := x.t.keys.lockedBy(); err != nil {
		return none, err
	}
	box := x.t.keys.scopes[p.scope]
	if box == nil {
		return none, errNoKey
	}
	plain, err := box.Open(nil, registersPlace(which, p), sealed)
	if err != nil {
		return none, err
	}
	fields, err := fieldsync.DecodeWrites(plain)
	if err != nil {
		return none, err
	}
	return fields, nil
}

const selectPiece = `SELECT record, scope, hub, local, digest, stale FROM pieces `

func (x *tx) scanPiece(scan func(...any) error) (*piece, error) {
	p := &piece{}
	var digest string
	err := scan(&p.record, (*string)(&p.scope), &p.sealedHub, &p.sealedShown, &digest, &p.stale)
	if err == nil {
		p.digest, err = parseDigest(digest)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a record: %w", err)
	}
	var fault error
	p.hub, p.fault = x.opened(sealedHub, p, p.sealedHub)
	p.shown, fault = x.opened(sealedLocal, p, p.sealedShown)
	p.fault = errors.Join(p.fault, fault)
	return p, nil
}

// holding is what the store has of one record.
type holding struct {
	id     string
	pieces []*piece
}

func (x *tx) holding(record string) (*holding, error) {
	h := &holding{id: record}
	err := x.each(func(scan func(...any) error) error {
		p, err := x.scanPiece(scan)
		if err == nil {
			h.pieces = append(h.pieces, p)
		}
		return err
	}, selectPiece+`WHERE record = ?`, record)
	return h, err
}

// in is the piece of a scope, a new one where there is none.
func (h *holding) in(scope fieldsync.Scope) *piece {
	for _, p := range h.pieces {
		if p.scope == scope {
			return p
		}
	}
	p := &piece{record: h.id, scope: scope, hub: map[string]fieldsync.Register{}, shown: map[string]fieldsync.Register{}}
	h.pieces = append(h.pieces, p)
	return p
}

// of is the piece that has a field, nil where none has.
func (h *holding) of(field string) *piece {
	for _, p := range h.pieces {
		_, sent := p.hub[field]
		_, shown := p.shown[field]
		if sent || shown {
			return p
		}
	}
	return nil
}

// keep writes what was put. What is empty goes last: with its last piece a
// record goes too.
func (x *tx) keep(h *holding) error {
	for _, p := range h.pieces {
		if !p.put {
			continue
		}
		var err error
		if p.sealedHub, err = x.sealed(sealedHub, p, p.sealedHub, p.hub); err != nil {
			return err
		}
		if p.sealedShown, err = x.sealed(sealedLocal, p, p.sealedShown, p.shown); err != nil {
			return err
		}
		digest := ""
		if p.sealedHub != nil {
			digest = p.digest.String()
		}
		if err := x.exec(`INSERT INTO pieces (record, scope, hub, local, digest, stale) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (record, scope) DO UPDATE SET hub = excluded.hub, local = excluded.local, digest = excluded.digest, stale = excluded.stale`,
			p.record, string(p.scope), p.sealedHub, p.sealedShown, digest, p.stale); err != nil {
			return err
		}
	}
	for _, p := range h.pieces {
		if p.put && p.sealedHub == nil && p.sealedShown == nil {
			if err := x.exec(`DELETE FROM pieces WHERE record = ? AND scope = ?`, p.record, string(p.scope)); err != nil {
				return err
			}
		}
		p.put = false
	}
	return nil
}

// stored is one field as the store has it.
type stored struct {
	hub   fieldsync.Register // as the hub sent it
	shown fieldsync.Register // with what is unsent on top
}

// fieldsOf reads every field of a record.
func (x *tx) fieldsOf(record string) (map[string]stored, error) {
	h, err := x.holding(record)
	out := map[string]stored{}
	for _, p := range h.pieces {
		if err = errors.Join(err, p.fault); err != nil {
			return nil, fmt.Errorf("reading a field: %w", err)
		}
		for f, reg := range p.hub {
			out[f] = stored{reg, reg}
		}
		for f, reg := range p.shown {
			out[f] = stored{p.hub[f], reg}
		}
	}
	return out, err
}

// putHub takes the registers of a scope as the hub sent them and sums up by how
// much the digest of the scope changes, and of one that a field was in before.
// What was shown on top of the old ones goes.
func (h *holding) putHub(scope fieldsync.Scope, fields map[string]fieldsync.Register, sums digestSums) {
	p := h.in(scope)
	for _, old := range h.pieces {
		if old != p {
			old.drop(fields, sums) // the record is in another case now
		}
	}
	sums.take(scope, p.digest)
	if p.stale || p.fault != nil { // nothing of it is kept beside what comes
		clear(p.hub)
		p.digest = fieldsync.Digest{}
	}
	for f, reg := range fields {
		if _, had := p.hub[f]; had {
			p.digest = p.digest.Sub(p.digestOf(f))
		}
		p.hub[f] = reg
		p.digest = p.digest.Add(p.digestOf(f))
		p.show(f, fieldsync.Register{})
	}
	sums.add(scope, p.digest)
	p.stale, p.put, p.sealedHub = false, true, nil
}

// show puts what is shown of a field on top of what the hub sent, or takes it
// away.
func (p *piece) show(field string, reg fieldsync.Register) {
	_, had := p.shown[field]
	if !had && len(reg.Heads) == 0 {
		return
	}
	delete(p.shown, field)
	if len(reg.Heads) > 0 {
		p.shown[field] = reg
	}
	p.put, p.sealedShown = true, nil
}

// digestOf is that of a field as the hub sent it.
func (p *piece) digestOf(field string) fieldsync.Digest {
	return fieldsync.DigestOf(p.scope, p.record, field, p.hub[field].Dots())
}

// drop removes fields that the hub sent.
func (p *piece) drop(fields map[string]fieldsync.Register, sums digestSums) {
	for f := range fields {
		if _, had := p.hub[f]; !had {
			continue
		}
		digest := p.digestOf(f)
		sums.take(p.scope, digest)
		p.digest, p.put, p.sealedHub = p.digest.Sub(digest), true, nil
		delete(p.hub, f)
		p.show(f, fieldsync.Register{})
	}
}

// digestSums is by how much the digests of scopes change in one transaction.
type digestSums map[fieldsync.Scope]fieldsync.Digest

func (d digestSums) add(s fieldsync.Scope, v fieldsync.Digest)  { d[s] = d[s].Add(v) }
func (d digestSums) take(s fieldsync.Scope, v fieldsync.Digest) { d[s] = d[s].Sub(v) }

// saveSums adds the changes to what is stored.
func (x *tx) saveSums(sums digestSums) error {
	if len(sums) == 0 {
		return nil
	}
	stored, err := x.digests()
	if err != nil {
		return err
	}
	for s, d := range sums {
		err := x.exec(`INSERT INTO scopes (scope, digest) VALUES (?, ?) ON CONFLICT (scope) DO UPDATE SET digest = excluded.digest`,
			string(s), stored[s].Add(d).String())
		if err != nil {
			return err
		}
	}
	return nil
}

// recount works out the digests of all records and scopes from the registers
// that are there; what does not open is not there. The sums that every sync
// keeps say what should be there.
func (x *tx) recount() error {
	var mended []*piece
	sums := digestSums{}
	err := x.each(func(scan func(...any) error) error {
		p, err := x.scanPiece(scan)
		if err != nil {
			return err
		}
		kept := p.digest
		p.digest = fieldsync.Digest{}
		for f := range p.hub {
			p.digest = p.digest.Add(p.digestOf(f))
		}
		sums.add(p.scope, p.digest)
		if kept != p.digest {
			mended = append(mended, p)
		}
		return nil
	}, selectPiece+`WHERE hub IS NOT NULL`)
	if err != nil {
		return err
	}
	for _, p := range mended {
		if err := x.exec(`UPDATE pieces SET digest = ? WHERE record = ? AND scope = ?`, p.digest.String(), p.record, string(p.scope)); err != nil {
			return err
		}
	}
	if err := x.exec(`UPDATE scopes SET digest = ''`); err != nil {
		return err
	}
	return x.saveSums(sums)
}

// refresh rebuilds what is shown of fields from what the hub sent and the
// changes that are not in it yet. fresh says that the hub's registers came in
// an answer to a push of every change that has a receipt.
func (h *holding) refresh(r recordRow, fields []string, open []openChange, fresh bool) {
	e, ok := r.entity()
	if !ok {
		return // a collection of a newer hub: this device writes nothing to it
	}
	for _, field := range fields {
		f, ok := e.Field(field)
		if !ok {
			continue
		}
		p := h.of(field)
		var shown fieldsync.Register
		if p != nil {
			shown = p.hub[field]
		}
		pending := false
		for i := range open {
			c := &open[i]
			if c.answered && (fresh || c.holds(field)) {
				continue
			}
			for _, v := range c.Versions(field, c.replica, c.Clock, 0) {
				shown.Apply(f, v, c.Base[field])
				pending = true
			}
		}
		switch {
		case pending:
			if p == nil {
				p = h.in(fieldsync.ScopeOf(e, f, r.org, r.caseID))
			}
			p.show(field, shown)
		case p != nil:
			p.show(field, fieldsync.Register{})
		}
	}
}

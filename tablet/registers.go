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
	err := x.tx.QueryRowContext(x.ctx, `SELECT collection, org, case_id, created_by, made_at FROM records WHERE id = ?`, id).
		Scan(&r.collection, &r.org, &r.caseID, &r.createdBy, &r.madeAt)
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

// Which of a field's two registers something sealed is.
const (
	sealedHub   = "hub"
	sealedLocal = "local"
)

func registerPlace(which, record, field string) seal.Place {
	return seal.Place{Collection: which, Record: record, Field: field}
}

// sealRegister seals a register under the key of its scope, for its place.
func (x *tx) sealRegister(which, record, field string, scope fieldsync.Scope, r fieldsync.Register) ([]byte, error) {
	if err := x.t.keys.lockedBy(); err != nil {
		return nil, err
	}
	box, err := x.t.keys.of(x.ctx, scope)
	if err != nil {
		return nil, err
	}
	return box.Seal(nil, x.t.rand, registerPlace(which, record, field), r.AppendJSON(nil))
}

func (x *tx) openRegister(which, record, field string, scope fieldsync.Scope, sealed []byte) (fieldsync.Register, error) {
	if len(sealed) == 0 {
		return fieldsync.Register{}, nil
	}
	if err := x.t.keys.lockedBy(); err != nil {
		return fieldsync.Register{}, err
	}
	box := x.t.keys.scopes[scope]
	if box == nil {
		return fieldsync.Register{}, errNoKey
	}
	plain, err := box.Open(nil, registerPlace(which, record, field), sealed)
	if err != nil {
		return fieldsync.Register{}, err
	}
	return fieldsync.DecodeRegister(plain)
}

// stored is one field as the store has it.
type stored struct {
	field string
	scope fieldsync.Scope
	hub   fieldsync.Register // as the hub sent it
	shown fieldsync.Register // with what is unsent on top
	fault error              // what of it does not open
}

const selectField = `SELECT record, field, scope, hub, local FROM fields `

// scanField reads a field. What does not open is its fault and reads as empty:
// what the hub sends takes its place.
func (x *tx) scanField(scan func(...any) error) (record string, s stored, err error) {
	var hub, local []byte
	if err := scan(&record, &s.field, &s.scope, &hub, &local); err != nil {
		return "", s, err
	}
	s.hub, s.fault = x.openRegister(sealedHub, record, s.field, s.scope, hub)
	if s.shown = s.hub; local != nil {
		s.shown, err = x.openRegister(sealedLocal, record, s.field, s.scope, local)
		s.fault = errors.Join(s.fault, err)
	}
	return record, s, nil
}

// fieldOf reads one field, an empty one where there is none.
func (x *tx) fieldOf(record, field string) (stored, error) {
	_, s, err := x.scanField(x.tx.QueryRowContext(x.ctx, selectField+`WHERE record = ? AND field = ?`, record, field).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return stored{field: field}, nil
	}
	if err != nil {
		return s, fmt.Errorf("reading a field: %w", err)
	}
	return s, nil
}

// fieldsOf reads every field of a record.
func (x *tx) fieldsOf(record string) (map[string]stored, error) {
	out := map[string]stored{}
	err := x.each(func(scan func(...any) error) error {
		_, s, err := x.scanField(scan)
		if err = errors.Join(err, s.fault); err != nil {
			return fmt.Errorf("reading a field: %w", err)
		}
		out[s.field] = s
		return nil
	}, selectField+`WHERE record = ?`, record)
	return out, err
}

// saveShown keeps what is shown of a field: the hub's register with unsent
// changes on top. Without any, nothing is kept beside the hub's.
func (x *tx) saveShown(record string, s stored, pending bool) error {
	if !pending {
		if len(s.hub.Heads) == 0 {
			return x.exec(`DELETE FROM fields WHERE record = ? AND field = ? AND hub IS NULL`, record, s.field)
		}
		return x.exec(`UPDATE fields SET local = NULL WHERE record = ? AND field = ? AND local IS NOT NULL`, record, s.field)
	}
	sealed, err := x.sealRegister(sealedLocal, record, s.field, s.scope, s.shown)
	if err != nil {
		return err
	}
	return x.exec(`INSERT INTO fields (record, field, scope, local) VALUES (?, ?, ?, ?)
		ON CONFLICT (record, field) DO UPDATE SET local = excluded.local`, record, s.field, string(s.scope), sealed)
}

// saveHub keeps the registers of a record as the hub sent them and sums up by
// how much the digest of their scope changes, and of one that a field was in
// before. What was shown on top of the old ones goes.
func (x *tx) saveHub(record string, scope fieldsync.Scope, fields map[string]fieldsync.Register, sums digestSums) error {
	err := x.each(func(scan func(...any) error) error {
		var field, before string
		var beforeScope fieldsync.Scope
		if err := scan(&field, &before, (*string)(&beforeScope)); err != nil {
			return fmt.Errorf("reading a field: %w", err)
		}
		old, err := parseDigest(before)
		if err != nil {
			return fmt.Errorf("reading a field's digest: %w", err)
		}
		if _, again := fields[field]; again && !old.IsZero() {
			sums.take(beforeScope, old)
		}
		return nil
	}, `SELECT field, digest, scope FROM fields WHERE record = ?`, record)
	if err != nil {
		return err
	}
	for field, reg := range fields {
		digest := fieldsync.DigestOf(scope, record, field, reg.Dots())
		sums.add(scope, digest)
		sealed, err := x.sealRegister(sealedHub, record, field, scope, reg)
		if err != nil {
			return err
		}
		err = x.exec(`INSERT INTO fields (record, field, scope, hub, digest) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (record, field) DO UPDATE SET scope = excluded.scope, hub = excluded.hub, local = NULL, digest = excluded.digest, stale = 0`,
			record, field, string(scope), sealed, digest.String())
		if err != nil {
			return err
		}
	}
	return nil
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

// recount works out the digests of all fields and scopes from the registers
// that are there; what does not open is not there. The sums that every sync
// keeps say what should be there.
func (x *tx) recount() error {
	type wrong struct{ record, field, digest string }
	var mended []wrong
	sums := digestSums{}
	err := x.each(func(scan func(...any) error) error {
		var kept string
		record, s, err := x.scanField(func(to ...any) error { return scan(append(to, &kept)...) })
		if err != nil {
			return fmt.Errorf("reading a field: %w", err)
		}
		digest := fieldsync.DigestOf(s.scope, record, s.field, s.hub.Dots())
		sums.add(s.scope, digest)
		if kept != digest.String() {
			mended = append(mended, wrong{record, s.field, digest.String()})
		}
		return nil
	}, `SELECT record, field, scope, hub, local, digest FROM fields WHERE hub IS NOT NULL`)
	if err != nil {
		return err
	}
	for _, m := range mended {
		if err := x.exec(`UPDATE fields SET digest = ? WHERE record = ? AND field = ?`, m.digest, m.record, m.field); err != nil {
			return err
		}
	}
	if err := x.exec(`UPDATE scopes SET digest = ''`); err != nil {
		return err
	}
	return x.saveSums(sums)
}

// refresh rebuilds what is shown of one field from what the hub sent and the
// changes that are not in it yet. fresh says that the hub's register came in
// an answer to a push of every change that has a receipt.
func (x *tx) refresh(r recordRow, field string, open []openChange, fresh bool) error {
	e, ok := r.entity()
	if !ok {
		return nil // a collection of a newer hub: this device writes nothing to it
	}
	f, ok := e.Field(field)
	if !ok {
		return nil
	}
	s, err := x.fieldOf(r.id, field)
	if err != nil {
		return err
	}
	if s.scope == "" {
		s.scope = fieldsync.ScopeOf(e, f, r.org, r.caseID)
	}
	s.shown = s.hub
	pending := false
	for i := range open {
		c := &open[i]
		if c.answered && (fresh || c.holds(field)) {
			continue
		}
		for _, v := range c.Versions(field, c.replica, c.Clock, 0) {
			s.shown.Apply(f, v, c.Base[field])
			pending = true
		}
	}
	return x.saveShown(r.id, s, pending)
}

package collections

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"portolan/care"
	fieldsync "portolan/sync"
)

// record is one row as the door and the pull hold it: who made it and when,
// and a register per field. Registers are decoded when they are first asked
// for.
type record struct {
	t         *table
	id        string
	org       string
	caseID    string
	createdBy string
	madeAt    string
	arrivedAt string
	seq       uint64
	stored    bool // it stands in the database
	changed   bool // not as it stands there

	whole *care.Row // the row of all compartments, until a register changes

	raw  map[string][]byte             // registers as stored, not decoded yet
	regs map[string]fieldsync.Register // decoded or changed
}

func newRecord(t *table, id string) *record {
	return &record{t: t, id: id, raw: map[string][]byte{}, regs: map[string]fieldsync.Register{}}
}

// scanner is *sql.Row or *sql.Rows.
type scanner interface{ Scan(...any) error }

// scanRecord reads what table.read selects; nil where there is no such row.
func scanRecord(t *table, row scanner) (*record, error) {
	r := newRecord(t, "")
	var routing []byte
	cells := make([][]byte, len(t.sealed))
	into := []any{&r.id, &r.org, &r.caseID, &r.createdBy, &r.madeAt, &r.arrivedAt, &r.seq, &routing}
	for i := range cells {
		into = append(into, &cells[i])
	}
	if err := row.Scan(into...); errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("reading a row of %s: %w", t.entity.Name, err)
	}
	r.stored = true
	clear, err := fieldsync.DecodeRegisters(routing)
	if err != nil {
		return nil, fmt.Errorf("reading a row of %s: %w", t.entity.Name, err)
	}
	r.regs = clear
	for i, f := range t.sealed {
		if len(cells[i]) > 0 {
			r.raw[f.Name] = cells[i]
		}
	}
	return r, nil
}

// register returns the field's register; an empty one where nothing was
// written.
func (r *record) register(field string) (fieldsync.Register, error) {
	if reg, ok := r.regs[field]; ok {
		return reg, nil
	}
	raw, ok := r.raw[field]
	if !ok {
		return fieldsync.Register{}, nil
	}
	reg, err := openRegister(r, field, raw)
	if err != nil {
		return reg, err
	}
	r.regs[field] = reg
	return reg, nil
}

func (r *record) set(field string, reg fieldsync.Register) {
	r.regs[field], r.whole, r.changed = reg, nil, true
	delete(r.raw, field)
}

// snapshot is enough of a record to put it back.
type snapshot struct {
	raw     map[string][]byte
	regs    map[string]fieldsync.Register
	changed bool
}

func (r *record) save() snapshot { return snapshot{maps.Clone(r.raw), maps.Clone(r.regs), r.changed} }

func (r *record) restore(s snapshot) {
	r.raw, r.regs, r.whole, r.changed = s.raw, s.regs, nil, s.changed
}

// restoreField puts one field back to what it was.
func (r *record) restoreField(s snapshot, field string) {
	r.whole = nil
	delete(r.raw, field)
	delete(r.regs, field)
	if b, ok := s.raw[field]; ok {
		r.raw[field] = b
	}
	if reg, ok := s.regs[field]; ok {
		r.regs[field] = reg
	}
}

// row is the record with the values in force, of the compartments for which
// see answers yes; see nil means all.
func (r *record) row(see func(care.Compartment) bool) (care.Row, error) {
	if see == nil && r.whole != nil {
		return *r.whole, nil
	}
	out := care.Row{Collection: r.t.entity.Name, ID: r.id, Org: r.org, Case: r.caseID, CreatedBy: r.createdBy, V: make(map[string]care.Value)}
	for i := range r.t.entity.Fields {
		f := &r.t.entity.Fields[i]
		if see != nil && !see(f.Compartment) {
			continue
		}
		reg, err := r.register(f.Name)
		if err != nil {
			return out, err
		}
		if v := reg.InForce(f); v.IsSet() {
			out.V[f.Name] = v
		}
	}
	if see == nil {
		r.whole = &out
	}
	return out, nil
}

// inScope is what a record shows in one scope, nil for nothing: the named
// fields, or all for nil.
func (r *record) inScope(scope fieldsync.Scope, named []string) (*fieldsync.Row, error) {
	row := &fieldsync.Row{Scope: scope, Collection: r.t.entity.Name, Record: r.id, Org: r.org, Case: r.caseID, CreatedBy: r.createdBy, MadeAt: r.madeAt,
		Fields: map[string]fieldsync.Register{}}
	parts, err := fieldsync.ParseScope(string(scope))
	if err != nil {
		return nil, fmt.Errorf("reading a scope: %w", err)
	}
	for i := range r.t.entity.Fields {
		f := &r.t.entity.Fields[i]
		if f.Compartment != parts.Compartment || named != nil && !slices.Contains(named, f.Name) {
			continue
		}
		if len(row.Fields) == 0 && r.scope(f) != scope {
			return nil, nil // it belongs to another case by now
		}
		reg, err := r.register(f.Name)
		if err != nil {
			return nil, err
		}
		if len(reg.Heads) > 0 {
			row.Fields[f.Name] = reg
		}
	}
	if len(row.Fields) == 0 {
		return nil, nil
	}
	return row, nil
}

// scope is the scope that a field of this record belongs to.
func (r *record) scope(f *care.Field) fieldsync.Scope {
	if r.t.entity.Topic != care.NoTopic {
		return fieldsync.OrgScope(r.org, r.t.entity.Topic, f.Compartment)
	}
	return fieldsync.CaseScope(r.caseID, f.Compartment)
}

// target is what a decision about a field of this record is asked for.
func (r *record) target(c care.Compartment) care.Target {
	return care.Target{Collection: r.t.entity.Name, Org: r.org, Case: r.caseID, Topic: r.t.entity.Topic, Compartment: c}
}

// recordsKeptMax bounds how many records one session keeps decoded.
const recordsKeptMax = 2048

type recordKey struct {
	t  *table
	id string
}

// load reads a record inside the door's transaction, nil where there is none.
// A session works on one decoded copy of each record.
func (s *session) load(t *table, id string) (*record, error) {
	if rec, ok := s.kept[recordKey{t, id}]; ok {
		return rec, nil
	}
	rec, err := scanRecord(t, s.t.row(t.read, id))
	if err == nil && rec != nil {
		s.keep(rec)
	}
	return rec, err
}

// same is the copy that the session works on, where a row that was read now
// finds it as it stands in the database. One that is being changed is judged
// against what stands.
func (s *session) same(stored *record) *record {
	kept, ok := s.kept[recordKey{stored.t, stored.id}]
	if !ok {
		s.keep(stored)
		return stored
	}
	if kept.changed || kept.seq != stored.seq {
		return nil
	}
	return kept
}

func (s *session) keep(rec *record) {
	if len(s.kept) >= recordsKeptMax {
		clear(s.kept)
	}
	s.kept[recordKey{rec.t, rec.id}] = rec
}

// store writes the whole row.
func (t *tx) store(r *record) error {
	args := []any{r.id, r.org, r.caseID, r.createdBy, r.madeAt, r.arrivedAt, r.seq, nil}
	routing := make(map[string]fieldsync.Register, len(r.t.clear))
	for _, f := range r.t.clear {
		reg, err := r.register(f.Name)
		if err != nil {
			return err
		}
		args = append(args, clearText(reg.InForce(f)))
		if len(reg.Heads) > 0 {
			routing[f.Name] = reg
		}
	}
	args[7] = string(fieldsync.AppendRegisters(nil, routing)) // as TEXT, which a person with a SQLite shell can read; sealed cells are BLOBs
	for _, f := range r.t.sealed {
		cell, err := r.cell(f)
		if err != nil {
			return err
		}
		args = append(args, cell)
	}
	query := r.t.insert
	if r.stored {
		query = r.t.update
		args = append(args[1:], r.id)
	}
	if _, err := t.exec(query, args...); err != nil {
		return fmt.Errorf("writing a row of %s: %w", r.t.entity.Name, err)
	}
	r.stored, r.changed = true, false
	return nil
}

// cell is what stands in a sealed field's column: nil, or the register.
func (r *record) cell(f *care.Field) (any, error) {
	if raw, ok := r.raw[f.Name]; ok {
		return raw, nil
	}
	reg, ok := r.regs[f.Name]
	if !ok || len(reg.Heads) == 0 {
		return nil, nil
	}
	sealed, err := sealRegister(r, f, reg)
	if err != nil {
		return nil, err
	}
	r.raw[f.Name] = sealed
	return sealed, nil
}

// clearText is a routing value as its column holds it: text as it is, other
// types as their JSON, absent and undecided values as nothing.
func clearText(v care.Value) string {
	if len(v) == 0 || v[0] == '{' || bytes.Equal(v, []byte("null")) {
		return ""
	}
	if v[0] == '"' {
		return v.Text()
	}
	return string(v)
}

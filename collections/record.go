package collections

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
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
	routing   string // the clear registers as they stand in the database
	stored    bool   // it stands in the database
	changed   bool   // not as it stands there

	cells  []cell    // by the place of the field in the entity
	shared bool      // a snapshot or a row reads them: they are copied before one is put
	shown  *care.Row // the row of all compartments, until a register changes
}

// cell is the register of one field.
type cell struct {
	raw  []byte // as stored; nil where nothing is, or something else by now
	reg  fieldsync.Register
	open bool // reg is decoded, or changed
}

func newRecord(t *table, id string) *record {
	return &record{t: t, id: id, cells: make([]cell, len(t.entity.Fields))}
}

// scanner is *sql.Row or *sql.Rows.
type scanner interface{ Scan(...any) error }

// scanRecord reads what table.read selects; nil where there is no such row.
func scanRecord(t *table, row scanner) (*record, error) { return scanFields(t, t.sealed, row) }

// scanFields is scanRecord for some of the sealed fields.
func scanFields(t *table, sealed []*care.Field, row scanner) (*record, error) {
	r := newRecord(t, "")
	var routing []byte
	into := make([]any, 0, len(envelope)+len(sealed))
	into = append(into, &r.id, &r.org, &r.caseID, &r.createdBy, &r.madeAt, &r.arrivedAt, &r.seq, &routing)
	for _, f := range sealed {
		into = append(into, &r.cells[t.place[f.Name]].raw)
	}
	if err := row.Scan(into...); errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("reading a row of %s: %w", t.entity.Name, err)
	}
	r.stored, r.routing = true, string(routing)
	clear, err := fieldsync.DecodeRegisters(routing)
	if err != nil {
		return nil, fmt.Errorf("reading a row of %s: %w", t.entity.Name, err)
	}
	for name, reg := range clear {
		if i, ok := t.place[name]; ok {
			r.cells[i] = cell{reg: reg, open: true}
		}
	}
	return r, nil
}

// register returns the field's register; an empty one where nothing was
// written, and where the collection has no such field.
func (r *record) register(field string) (fieldsync.Register, error) {
	i, ok := r.t.place[field]
	if !ok {
		return fieldsync.Register{}, nil
	}
	return r.opened(r.cells, i)
}

// opened decodes a register among cells that are the record's, or were.
func (r *record) opened(cells []cell, i int) (fieldsync.Register, error) {
	c := &cells[i]
	if c.open || len(c.raw) == 0 {
		return c.reg, nil
	}
	reg, err := openRegister(r, &r.t.entity.Fields[i], c.raw)
	if err != nil {
		return reg, err
	}
	c.reg, c.open = reg, true
	return reg, nil
}

func (r *record) set(field string, reg fieldsync.Register) {
	r.put(r.t.place[field], cell{reg: reg, open: true})
	r.changed = true
}

// put replaces a cell; who keeps a snapshot keeps what was there.
func (r *record) put(i int, c cell) {
	if r.shared {
		r.cells, r.shared = slices.Clone(r.cells), false
	}
	r.cells[i], r.shown = c, nil
}

// snapshot is enough of a record to put it back.
type snapshot struct {
	cells   []cell
	changed bool
}

func (r *record) save() snapshot {
	r.shared = true
	return snapshot{r.cells, r.changed}
}

func (r *record) restore(s snapshot) {
	r.cells, r.shared, r.shown, r.changed = s.cells, true, nil, s.changed
}

// restoreField puts one field back to what it was.
func (r *record) restoreField(s snapshot, field string) {
	if i, ok := r.t.place[field]; ok {
		r.put(i, s.cells[i])
	}
}

// head is a row without values.
func (r *record) head() care.Row {
	return care.Row{Collection: r.t.entity.Name, ID: r.id, Org: r.org, Case: r.caseID, CreatedBy: r.createdBy, V: map[string]care.Value{}}
}

// row is the record with the values in force, of the compartments for which
// see answers yes; see nil means all.
func (r *record) row(see func(care.Compartment) bool) (care.Row, error) {
	out := r.head()
	for i := range r.t.entity.Fields {
		f := &r.t.entity.Fields[i]
		if see != nil && !see(f.Compartment) {
			continue
		}
		reg, err := r.opened(r.cells, i)
		if err != nil {
			return out, err
		}
		if v := reg.InForce(f); v.IsSet() {
			out.V[f.Name] = v
		}
	}
	return out, nil
}

// asked is the record as it stands now, for a rule: the few fields that it asks
// for are decoded then. What does not open is a worldError.
func (r *record) asked() care.Row {
	if r.shown == nil {
		cells := r.save().cells
		register := func(field string) (f *care.Field, reg fieldsync.Register) {
			i, ok := r.t.place[field]
			if !ok {
				return nil, reg
			}
			reg, err := r.opened(cells, i)
			if err != nil {
				panic(worldError{err})
			}
			return &r.t.entity.Fields[i], reg
		}
		row := care.OnDemand(r.head(), func(field string) care.Value {
			f, reg := register(field)
			return reg.InForce(f)
		}, func(field string) []string {
			_, reg := register(field)
			return reg.Authors()
		})
		r.shown = &row
	}
	return *r.shown
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
		reg, err := r.opened(r.cells, i)
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
// A session works on one decoded copy of each record, and asks once for what is
// not there as well: what it asks the database must not tell the two apart.
func (s *session) load(t *table, id string) (*record, error) {
	if rec, ok := s.kept[recordKey{t, id}]; ok {
		return rec, nil
	}
	rec, err := scanRecord(t, s.t.row(t.read, id))
	if err == nil {
		s.keep(recordKey{t, id}, rec)
	}
	return rec, err
}

// ahead is load for the records of changes that follow, in one statement for
// each collection.
func (s *session) ahead(changes []arrival) error {
	if len(s.kept)+len(changes) > recordsKeptMax {
		clear(s.kept)
	}
	wanted := map[*table][]string{}
	for i := range changes {
		c := &changes[i]
		t, ok := s.h.tables[c.Collection]
		if !ok || !fieldsync.IsID(c.Record) {
			continue
		}
		if _, have := s.kept[recordKey{t, c.Record}]; !have {
			s.kept[recordKey{t, c.Record}] = nil
			wanted[t] = append(wanted[t], c.Record)
		}
	}
	for t, ids := range wanted {
		if err := s.readAll(t, ids); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) readAll(t *table, ids []string) error {
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	rows, err := s.t.rows(t.readListed, string(list))
	if err != nil {
		return fmt.Errorf("reading %s: %w", t.entity.Name, err)
	}
	defer rows.Close()
	for rows.Next() {
		rec, err := scanRecord(t, rows)
		if err != nil {
			return err
		}
		s.kept[recordKey{t, rec.id}] = rec
	}
	return wrap("reading "+t.entity.Name, rows.Err())
}

// same is the copy that the session works on, where a row that was read now
// finds it as it stands in the database. One that is being changed is judged
// against what stands.
func (s *session) same(stored *record) *record {
	kept := s.kept[recordKey{stored.t, stored.id}]
	if kept == nil {
		s.keep(recordKey{stored.t, stored.id}, stored)
		return stored
	}
	if kept.changed || kept.seq != stored.seq {
		return nil
	}
	return kept
}

func (s *session) keep(key recordKey, rec *record) {
	if len(s.kept) >= recordsKeptMax {
		clear(s.kept)
	}
	s.kept[key] = rec
}

// store writes the row: all of it, or, where nothing clear has changed, what is
// sealed. The indexes are on clear columns, and SQLite writes an index anew for
// every column that is named.
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
	clear := string(fieldsync.AppendRegisters(nil, routing))
	args[7] = clear // as TEXT, which a person with a SQLite shell can read; sealed cells are BLOBs
	for _, f := range r.t.sealed {
		cell, err := r.sealedCell(f)
		if err != nil {
			return err
		}
		args = append(args, cell)
	}
	query := r.t.insert
	switch {
	case r.stored && clear == r.routing:
		query = r.t.updateSealed
		args = append(append([]any{r.seq}, args[len(envelope)+len(r.t.clear):]...), r.id)
	case r.stored:
		query = r.t.update
		args = append(args[1:], r.id)
	}
	if _, err := t.exec(query, args...); err != nil {
		return fmt.Errorf("writing a row of %s: %w", r.t.entity.Name, err)
	}
	r.stored, r.changed, r.routing = true, false, clear
	return nil
}

// sealedCell is what stands in a sealed field's column: nil, or the register.
func (r *record) sealedCell(f *care.Field) (any, error) {
	c := &r.cells[r.t.place[f.Name]]
	if len(c.raw) > 0 {
		return c.raw, nil
	}
	if len(c.reg.Heads) == 0 {
		return nil, nil
	}
	sealed, err := sealRegister(r, f, c.reg)
	if err != nil {
		return nil, err
	}
	c.raw = sealed
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

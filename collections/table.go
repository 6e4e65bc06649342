package collections

import (
	"slices"
	"strings"

	"portolan/care"
)

// envelope are the columns that every collection has before its fields.
var envelope = []string{"id", "org", "case_id", "created_by", "made_at", "arrived_at", "seq", "routing"}

// table is one collection as SQL: the statements that read and write a row.
type table struct {
	entity       *care.Entity
	keys         *keyring
	compartment  map[string]string  // of a field
	sealed       []*care.Field      // in column order
	clear        []*care.Field      // routing fields, in column order
	compartments []care.Compartment // that its fields are in
	selects      string             // all rows: what scanRecord reads
	read         string             // one row by id
	insert       string
	update       string
}

func newTable(e *care.Entity, keys *keyring) *table {
	t := &table{entity: e, keys: keys, compartment: make(map[string]string, len(e.Fields))}
	columns := append([]string(nil), envelope...)
	for i := range e.Fields {
		t.compartment[e.Fields[i].Name] = string(e.Fields[i].Compartment)
		if c := e.Fields[i].Compartment; !slices.Contains(t.compartments, c) {
			t.compartments = append(t.compartments, c)
		}
		if e.Fields[i].Routing {
			t.clear = append(t.clear, &e.Fields[i])
			columns = append(columns, e.Fields[i].Name)
		}
	}
	for i := range e.Fields {
		if !e.Fields[i].Routing {
			t.sealed = append(t.sealed, &e.Fields[i])
			columns = append(columns, e.Fields[i].Name)
		}
	}
	// The values of routing columns stand in the routing registers too; the
	// row is read from those.
	read := append(append([]string(nil), envelope...), names(t.sealed)...)
	t.selects = "SELECT " + quoted(read, ", ") + " FROM " + quote(e.Name)
	t.read = t.selects + " WHERE id = ?"
	t.insert = "INSERT OR FAIL INTO " + quote(e.Name) + " (" + quoted(columns, ", ") + ") VALUES (" +
		strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ") + ")"
	t.update = "UPDATE OR FAIL " + quote(e.Name) + " SET " + quoted(columns[1:], " = ?, ") + " = ? WHERE id = ?"
	return t
}

func names(fields []*care.Field) []string {
	var l []string
	for _, f := range fields {
		l = append(l, f.Name)
	}
	return l
}

func quote(name string) string { return "`" + name + "`" }

func quoted(names []string, between string) string {
	l := make([]string, len(names))
	for i, n := range names {
		l[i] = quote(n)
	}
	return strings.Join(l, between)
}

// readUnended is readWhere without the rows whose time in the clear column end
// is set and not after a moment.
func (t *table) readUnended(column, end string) string {
	return t.selects + " WHERE " + quote(column) + " = ? AND (" + quote(end) + " = '' OR " + quote(end) + " > ?)"
}

// readWhere reads the rows whose clear column has a value.
func (t *table) readWhere(column string) string {
	return t.selects + " WHERE " + quote(column) + " = ?"
}

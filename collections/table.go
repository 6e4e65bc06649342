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
	place        map[string]int     // of a field in the entity
	sealed       []*care.Field      // in column order
	clear        []*care.Field      // routing fields, in column order
	compartments []care.Compartment // that its fields are in
	selects      string             // all rows: what scanRecord reads
	read         string             // one row by id
	readListed   string             // those whose ids stand in a JSON array
	parts        map[care.Compartment]tablePart
	insert       string
	update       string
	updateSealed string // what is sealed, and the number
}

// tablePart is what a table holds in one compartment.
type tablePart struct {
	sealed     []*care.Field
	readListed string // as of the table, without what is in other compartments
}

func newTable(e *care.Entity, keys *keyring) *table {
	t := &table{entity: e, keys: keys, place: make(map[string]int, len(e.Fields))}
	columns := append([]string(nil), envelope...)
	for i := range e.Fields {
		t.place[e.Fields[i].Name] = i
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
	t.selects = selecting(e.Name, t.sealed)
	t.read = t.selects + " WHERE id = ?"
	const listed = " WHERE id IN (SELECT value FROM json_each(?))"
	t.readListed = t.selects + listed
	t.parts = make(map[care.Compartment]tablePart)
	for _, c := range t.compartments {
		var part tablePart
		for _, f := range t.sealed {
			if f.Compartment == c {
				part.sealed = append(part.sealed, f)
			}
		}
		part.readListed = selecting(e.Name, part.sealed) + listed
		t.parts[c] = part
	}
	t.insert = "INSERT OR FAIL INTO " + quote(e.Name) + " (" + quoted(columns, ", ") + ") VALUES (" +
		strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ") + ")"
	t.updateSealed = "UPDATE OR FAIL " + quote(e.Name) + " SET " + quoted(append([]string{"seq"}, names(t.sealed)...), " = ?, ") + " = ? WHERE id = ?"
	t.update = "UPDATE OR FAIL " + quote(e.Name) + " SET " + quoted(columns[1:], " = ?, ") + " = ? WHERE id = ?"
	return t
}

// selecting reads what every row has and some of its sealed fields.
func selecting(table string, sealed []*care.Field) string {
	return "SELECT " + quoted(append(slices.Clone(envelope), names(sealed)...), ", ") + " FROM " + quote(table)
}

// compartment is that of a field, and whether there is such a field.
func (t *table) compartment(field string) (c string, known bool) {
	i, known := t.place[field]
	if known {
		c = string(t.entity.Fields[i].Compartment)
	}
	return c, known
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

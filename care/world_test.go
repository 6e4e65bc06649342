package care

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// memory is a World in maps, for tests.
type memory struct {
	now       time.Time
	rows      map[string]map[string]Row
	noAccount []string // staff who have none
}

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func newMemory() *memory { return &memory{now: noon, rows: map[string]map[string]Row{}} }

func (m *memory) Now() time.Time { return m.now }

func (m *memory) Row(collection, id string) (Row, bool) {
	r, ok := m.rows[collection][id]
	return r, ok
}

func (m *memory) all(collection string, keep func(Row) bool) []Row {
	var l []Row
	for _, r := range m.rows[collection] {
		if keep(r) {
			l = append(l, r)
		}
	}
	slices.SortFunc(l, func(a, b Row) int { // the same order in every run
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return l
}

func (m *memory) ByField(collection, field, value string) []Row {
	e, _ := Find(collection)
	if f, ok := e.Field(field); !ok || !f.Routing {
		panic(fmt.Sprintf("a rule looks for %s.%s, which is no routing field", collection, field))
	}
	return m.all(collection, func(r Row) bool { return r.Text(field) == value })
}

func (m *memory) Unended(collection, field, value, end string, from time.Time) []Row {
	return slices.DeleteFunc(m.ByField(collection, field, value), func(r Row) bool {
		at, ended := r.Get(end).Time()
		return ended && !at.After(from)
	})
}

func (m *memory) OfCase(collection, caseID string) []Row {
	if _, ok := Find(collection); !ok {
		panic("a rule looks into " + collection + ", which is no collection")
	}
	return m.all(collection, func(r Row) bool { return r.Case == caseID })
}

func (m *memory) SignsIn(staff string) bool { return !slices.Contains(m.noAccount, staff) }

// put stores a record as it is, past the rules.
func (m *memory) put(r Row) Row {
	if m.rows[r.Collection] == nil {
		m.rows[r.Collection] = map[string]Row{}
	}
	m.rows[r.Collection][r.ID] = r
	return r
}

const (
	caseA   = "01890a5d-0000-7000-8000-00000000000a"
	caseB   = "01890a5d-0000-7000-8000-00000000000b"
	orgA    = "01890a5d-0000-7000-8000-0000000000a0"
	orgB    = "01890a5d-0000-7000-8000-0000000000b0"
	workerA = "01890a5d-0000-7000-8000-000000000a01"
	workerB = "01890a5d-0000-7000-8000-000000000a02"
	boss    = "01890a5d-0000-7000-8000-000000000a03"
	officer = "01890a5d-0000-7000-8000-000000000a04"
)

var (
	outreachA    = Actor{Staff: workerA, Org: orgA, Roles: []Role{Outreach}}
	outreachB    = Actor{Staff: workerB, Org: orgA, Roles: []Role{Outreach}}
	coordinatorA = Actor{Staff: boss, Org: orgA, Roles: []Role{Coordinator}}
	officerA     = Actor{Staff: officer, Org: orgA, Roles: []Role{ProtectionOfficer}}
	theHub       = Actor{Staff: HubStaff}
)

// id makes an id that sorts by its number.
func id(n int) string { return fmt.Sprintf("01890a5d-0000-7000-9000-%012x", n) }

// fields is a record's values: text, bool, int, time, list or Value.
type fields map[string]any

func values(f fields) map[string]Value {
	v := map[string]Value{}
	for name, x := range f {
		switch x := x.(type) {
		case string:
			v[name] = OfText(x)
		case bool:
			v[name] = OfBool(x)
		case int:
			v[name] = OfInt(int64(x))
		case time.Time:
			v[name] = OfTime(x)
		case []string:
			v[name] = OfList(x...)
		case Value:
			v[name] = x
		default:
			panic(fmt.Sprintf("%T is no value", x))
		}
	}
	return v
}

func row(collection, rowID string, f fields) Row {
	r := Row{Collection: collection, ID: rowID, Org: orgA, Case: caseA, CreatedBy: workerA, V: values(f)}
	if e, ok := Find(collection); ok && e.Topic != NoTopic {
		r.Case = ""
	}
	if collection == "cases" {
		r.Case = rowID
	}
	return r
}

// try judges a change of a record, or a new one, and stores what is not held,
// as the door does; then it makes the consequences. It returns the refusals.
func (m *memory) try(t *testing.T, a Actor, collection, rowID string, set fields) []Refusal {
	t.Helper()
	r := row(collection, rowID, nil)
	r.CreatedBy = a.Staff
	if old, ok := m.Row(collection, rowID); ok {
		r = old
	}
	return m.change(t, a, r, values(set), 0)
}

func (m *memory) change(t *testing.T, a Actor, r Row, set map[string]Value, depth int) []Refusal {
	t.Helper()
	if depth > 6 {
		t.Fatalf("consequences of %s without end", r.Collection)
	}
	e, ok := Find(r.Collection)
	if !ok {
		t.Fatalf("no collection %s", r.Collection)
	}
	before, isOld := m.Row(r.Collection, r.ID)
	if !isOld {
		before = Row{Collection: r.Collection, ID: r.ID, Org: r.Org, Case: r.Case}
	}
	pending := map[string]Value{}
	for name, v := range set {
		f, ok := e.Field(name)
		if !ok {
			t.Fatalf("%s has no field %s", r.Collection, name)
		}
		c, err := Canonical(f, v)
		if err != nil {
			t.Fatalf("%s.%s: %v", r.Collection, name, err)
		}
		pending[name] = c
	}
	var held []Refusal
	for range 3 {
		after, changed := overlay(before, r, pending, a.Staff)
		refused := Check(m, a, before, after, changed)
		if len(refused) == 0 {
			if len(pending) > 0 {
				m.put(after)
				m.follow(t, a, before, after, changed, depth)
			}
			return held
		}
		held = append(held, refused...)
		for _, x := range refused {
			if x.Field == "" {
				return held
			}
			if _, ok := pending[x.Field]; !ok {
				t.Fatalf("%s: %s is held for %s and was not set", r.Collection, x.Field, x.Reason)
			}
			delete(pending, x.Field)
		}
	}
	return append(held, Refusal{Reason: "the rest, too"}) // as at the door: what is still refused then waits whole
}

func overlay(before, r Row, set map[string]Value, author string) (Row, []string) {
	after := Row{Collection: r.Collection, ID: r.ID, Org: r.Org, Case: r.Case, CreatedBy: r.CreatedBy, V: map[string]Value{}}
	after.authors = func(field string) []string {
		if _, ok := set[field]; ok {
			return []string{author}
		}
		return before.Authors(field)
	}
	for f, v := range before.V {
		after.V[f] = v
	}
	var changed []string
	for f, v := range set {
		after.V[f] = v
		changed = append(changed, f)
	}
	slices.Sort(changed)
	return after, changed
}

func (m *memory) follow(t *testing.T, a Actor, before, after Row, changed []string, depth int) {
	t.Helper()
	for _, k := range Consequences(m, a, before, after, changed) {
		r := Row{Collection: k.Collection, ID: k.Record, Org: k.Org, Case: k.Case, CreatedBy: HubStaff}
		if k.Record == "" {
			r.ID = keyID(k.Collection + k.Key)
			if _, made := m.Row(k.Collection, r.ID); made {
				continue
			}
		} else if old, ok := m.Row(k.Collection, k.Record); ok {
			r.CreatedBy = old.CreatedBy
		} else {
			t.Fatalf("a consequence changes %s %s, which is not there", k.Collection, k.Record)
		}
		set := map[string]Value{}
		for f, v := range k.Set {
			set[f] = v
		}
		for f, elements := range k.Add {
			old, _ := m.Row(k.Collection, k.Record)
			set[f] = OfList(append(old.Get(f).List(), elements...)...)
		}
		if held := m.change(t, theHub, r, set, depth+1); len(held) > 0 {
			t.Errorf("the hub's own change of %s %v is held: %v", k.Collection, k.Set, held)
		}
	}
}

// keyID stands for the id that the door derives from a key.
func keyID(key string) string {
	var h uint64 = 14695981039346656037
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	return fmt.Sprintf("01890a5d-0000-7000-a000-%012x", h&0xffffffffffff)
}

func (m *memory) text(t *testing.T, collection, rowID, field string) string {
	t.Helper()
	r, ok := m.Row(collection, rowID)
	if !ok {
		t.Fatalf("no %s %s", collection, rowID)
	}
	return r.Text(field)
}

// tasks lists the rules of the tasks of a case, sorted.
func (m *memory) tasks(caseID string) []string {
	var l []string
	for _, x := range m.OfCase("tasks", caseID) {
		l = append(l, x.Text("rule"))
	}
	slices.Sort(l)
	return l
}

// wantHeld compares the refusals with "field reason" pairs.
func wantHeld(t *testing.T, got []Refusal, want ...string) {
	t.Helper()
	var l []string
	for _, r := range got {
		l = append(l, r.Field+" "+r.Reason)
	}
	slices.Sort(l)
	slices.Sort(want)
	if !slices.Equal(l, want) {
		t.Errorf("held %q, want %q", l, want)
	}
}

// house is a world with an organisation, its staff, a case and three beds.
func house(t *testing.T) *memory {
	t.Helper()
	m := newMemory()
	m.put(row("organisations", orgA, fields{"name": "A", "kind": "NGO"}))
	m.put(row("organisations", orgB, fields{"name": "B", "kind": "NGO", "country": "FR"}))
	for who, role := range map[string]Role{workerA: Outreach, workerB: Outreach, boss: Coordinator, officer: ProtectionOfficer} {
		m.put(row("staff", who, fields{"display_name": "x", "roles": []string{string(role)}, "status": "active"}))
	}
	m.put(row("facilities", id(1), fields{"alias": "house", "status": "open"}))
	m.put(row("units", id(2), fields{"facility": id(1), "name": "room"}))
	for i := range 3 {
		m.put(row("beds", id(10+i), fields{"unit": id(2), "label": "bed", "state": "available"}))
	}
	for i, c := range []string{caseA, caseB} {
		m.put(row("cases", c, fields{"status": "Active", "owner": workerA}))
		s := row("survivors", id(20+i), fields{"alias": "x"})
		s.Case = c
		m.put(s)
	}
	return m
}

package care

import (
	"testing"
	"time"
)

// Each field by which something is due stands in one compartment with its state
// and whoever it is given to, and each state is one of its list.
func TestDuesAreOfTheSchema(t *testing.T) {
	for _, collection := range DueCollections() {
		e, ok := Find(collection)
		if !ok {
			t.Fatalf("there is no %s", collection)
		}
		state, ok := e.Field("status")
		if !ok {
			t.Fatalf("%s has no status", collection)
		}
		for value, name := range dues[collection] {
			f, ok := e.Field(name)
			if !ok || f.Type != Time && f.Type != Date {
				t.Errorf("%s.%s is no time", collection, name)
				continue
			}
			if l, ok := FindCodes(state.Codes); !ok || !l.Has(value) {
				t.Errorf("%s.status is never %q", collection, value)
			}
			if c := DueCompartment(collection); f.Compartment != c || state.Compartment != c {
				t.Errorf("%s.%s and its state are in two compartments", collection, name)
			}
			if a, ok := e.Field("assignee"); ok && a.Compartment != f.Compartment {
				t.Errorf("%s.assignee is in another compartment", collection)
			}
		}
	}
}

func TestWhatIsDue(t *testing.T) {
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	task := func(status, due, assignee string) Row {
		return Row{Collection: "tasks", V: map[string]Value{"status": OfText(status), "due_at": OfText(due), "assignee": OfText(assignee)}}
	}
	for _, c := range []struct {
		row Row
		due bool
	}{
		{task("open", "2026-11-19T08:00:00.000Z", "b"), true},
		{task("open", "2026-12-19T08:00:00.000Z", "b"), false},
		{task("open", "2026-12-19T08:00:00.000Z", "a"), true},
		{task("open", "", "b"), false},
		{task("done", "2026-11-19T08:00:00.000Z", "a"), false},
		{Row{Collection: "deadlines", V: map[string]Value{"status": OfText("open"), "due_on": OfText("2026-11-20")}}, true},
		{Row{Collection: "stays", V: map[string]Value{"status": OfText("checked_in"), "check_in": OfText("2026-01-01T08:00:00.000Z")}}, false},
		{Row{Collection: "stays", V: map[string]Value{"status": OfText("planned"), "check_in": OfText("2026-11-20T09:00:00.000Z")}}, true},
		{Row{Collection: "notes", V: map[string]Value{"status": OfText("open")}}, false},
	} {
		if got := DueBefore(c.row, "a", now.Add(24*time.Hour)); got != c.due {
			t.Errorf("%v is due: %v", c.row.V, got)
		}
	}
}

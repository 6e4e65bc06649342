package care

import (
	"maps"
	"slices"
	"time"
)

// dues says, of each collection in which somebody has to do something by a
// moment, in which states it is still to be done, and which field says by when.
var dues = map[string]map[string]string{
	"tasks":                 {"open": "due_at"},
	"follow_ups":            {"planned": "due_on"},
	"deadlines":             {"open": "due_on"},
	"compelled_disclosures": {"received": "due_on", "under_review": "due_on"},
	"hearings":              {"planned": "starts_at", "confirmed": "starts_at"},
	"encounters":            {"planned": "starts_at", "arrived": "starts_at", "triaged": "starts_at", "in-progress": "starts_at"},
	"stays":                 {"planned": "check_in", "checked_in": "expected_end"},
	"transfers":             {"consented": "departure_at", "sent": "departure_at", "accepted": "departure_at"},
}

// DueCollections are those whose records may have to be dealt with by a moment,
// and DueCompartment is the one that says so.
func DueCollections() []string { return slices.Sorted(maps.Keys(dues)) }

// DueCompartment is where a record of such a collection says when it is due.
func DueCompartment(collection string) Compartment {
	e, _ := Find(collection)
	for _, field := range dues[collection] {
		if f, ok := e.Field(field); ok {
			return f.Compartment
		}
	}
	return General
}

// DueBefore says whether somebody still has to deal with the record before a
// moment, or whether it waits for this person whenever it is due.
func DueBefore(r Row, staff string, until time.Time) bool {
	field, open := dues[r.Collection][r.Text("status")]
	if !open {
		return false
	}
	if staff != "" && r.Text("assignee") == staff {
		return true
	}
	at, known := r.Get(field).Time()
	return known && at.Before(until)
}

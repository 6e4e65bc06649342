package care

import "time"

// World is what a rule may look at: the hub's state inside the transaction of
// the change that is judged.
type World interface {
	Now() time.Time
	Row(collection, id string) (Row, bool)
	ByField(collection, field, value string) []Row // a routing field, every record in force
	// Unended is ByField without the records whose time in another routing
	// field, end, is settled and not after from: what is long over need not be
	// read again and again. A zero from leaves nothing out.
	Unended(collection, field, value, end string, from time.Time) []Row
	OfCase(collection, caseID string) []Row
	// SignsIn says whether a member of staff has an account. Who has none reads
	// no task and agrees to nothing.
	SignsIn(staff string) bool
}

// Refusal names what of a change must be held, and why. It never means that
// anything is dropped.
type Refusal struct {
	Field  string // "" for the whole change
	Reason string // stable code, documented in docs/errors.md
}

// Consequence is a change that the hub makes by its own rules, in the
// transaction of the change that caused it.
type Consequence struct {
	Collection string
	Key        string // stable: the id of a new record is derived from it, so that it is made once
	Record     string // the existing record to change, or "" to create one
	Case       string
	Org        string
	Set        map[string]Value
	Add        map[string][]string
}

// Package interop reads the records of other systems, and writes ours for
// them: the Human Trafficking Case Data Standard (HTCDS 2.0, as CSV and as
// XForm submissions) and FHIR R4. It is pure: it turns a file into drafts of
// records, and knows neither the store nor who may write to it.
//
// What a file says and the schema has no place for is set aside with its path
// and its reason. Nothing is dropped, nothing is guessed.
package interop

import (
	"portolan/care"
)

// Draft is one record as the source tells it.
type Draft struct {
	Key        string // stable name of the record within the source
	Collection string
	Set        map[string]care.Value
	Add        map[string][]string // elements of Union fields
	Refs       map[string]string   // field → Key of another draft of the same case
}

// SetAside is something that the source says and the record cannot hold.
type SetAside struct {
	Path   string // where it stood in the source: a column, an element path
	Value  string // as it stood there, at most SetAsideBytesMax bytes
	Reason string // one of the Reason constants
}

// Case is one person's records in the source. Its drafts stand or fall
// together.
type Case struct {
	Key      string // Key of the draft of the case itself
	Drafts   []Draft
	SetAside []SetAside
}

// Result is a whole file as drafts.
type Result struct {
	Source string         // of the list "import_sources"; also the name space of the keys
	Cases  []Case         // in the order of the file
	Taken  map[string]int // drafts by collection
	Notes  map[string]int // what an operator should hear of, counted: Note constants
}

// Why something was set aside: codes of the list "set_aside_reasons" of the
// schema.
const (
	ReasonFieldUnknown = "unknown_field"        // no field of the schema holds it
	ReasonCodeUnknown  = "unknown_code"         // the field's code list does not have it
	ReasonWrongType    = "wrong_type"           // not the field's kind of value, or not one that can be read without guessing
	ReasonTooLong      = "too_long"             // longer than the field holds
	ReasonNoPlace      = "no_place_for_it"      // the record says less: an hour of a day, a resource that states that nothing is known
	ReasonReference    = "no_such_reference"    // names a person, an organisation or a record that is none here
	ReasonSecondValue  = "second_value"         // differs from the one that the record already has
	ReasonNotAllowed   = "not_allowed"          // a rule forbids to take it: a bare yes as consent (R3), what the source itself takes back
	ReasonResource     = "unsupported_resource" // a whole FHIR resource of a kind that is not taken
)

// NoteFormula counts values that a spreadsheet would run as a formula. They
// are kept as the text that they are.
const NoteFormula = "formula_kept_as_text"

// Bounds of what is read.
const (
	FileBytesMax     = 64 << 20 // bytes of one file
	RecordsMax       = 50_000   // rows of a table, entries of a bundle
	ColumnsMax       = 1_000    // columns of a table
	DepthMax         = 64       // elements or objects inside each other
	SetAsideBytesMax = 30 << 10 // bytes of SetAside.Value; longer ones are split, never cut
)

func newResult(source string) Result {
	return Result{Source: source, Taken: map[string]int{}, Notes: map[string]int{}}
}

// add closes a case and counts it.
func (r *Result) add(c Case) {
	for _, d := range c.Drafts {
		r.Taken[d.Collection]++
	}
	r.Cases = append(r.Cases, c)
}

// Package care is the domain of Portolan, pure: what is recorded about a
// person and their care, who may see it, and which changes make sense.
//
// Everything else in the system is derived from the schema in this package:
// migrations are checked against it, merging, scopes, search, forms, summary
// sections and exports read it. A new field is one edit here, one migration
// and its labels.
package care

// Type says how a field's value is written. On the wire and in the store a
// value is JSON in the shape given beside each type. Any field may instead
// hold an Absent value: the object {"absent":"asked_declined"}.
type Type string

const (
	Text     Type = "text"     // string, one line, at most Field.Max bytes
	LongText Type = "longtext" // string, several lines, at most Field.Max bytes
	Code     Type = "code"     // string, one code of the list Field.Codes
	Codes    Type = "codes"    // array of strings, distinct codes of the list Field.Codes
	Texts    Type = "texts"    // array of distinct strings
	Date     Type = "date"     // string YYYY, YYYY-MM or YYYY-MM-DD (FHIR date: what is known and no more)
	Time     Type = "time"     // string, RFC 3339 in UTC with seconds or milliseconds
	Int      Type = "int"      // JSON number without fraction, within ±2^53
	Decimal  Type = "decimal"  // string of decimal digits (money, doses: never a float)
	Bool     Type = "bool"     // true or false; an unknown is Absent, not false
	Ref      Type = "ref"      // string, UUIDv7 of a record of the collection Field.Ref
	Refs     Type = "refs"     // array of such ids, distinct
	Object   Type = "object"   // JSON object with string values, for small structured parts (an address line by line)
)

// ValueBytesMax bounds one field's value, whatever its type.
const ValueBytesMax = 64 << 10

// Compartment is the part of a case that a person may need to know.
type Compartment string

const (
	General  Compartment = "general"
	Identity Compartment = "identity"
	Location Compartment = "location"
	Health   Compartment = "health"
	Legal    Compartment = "legal"
	Finance  Compartment = "finance"
	Evidence Compartment = "evidence"
)

// Compartments in the order in which they are shown.
var Compartments = []Compartment{General, Identity, Location, Health, Legal, Finance, Evidence}

// Topic groups what belongs to an organisation and to no case.
type Topic string

const (
	NoTopic    Topic = ""
	Facilities Topic = "facilities" // facilities, units, beds, unmet need
	People     Topic = "people"     // staff, teams, memberships, interpreters, devices
	Directory  Topic = "directory"  // organisations, services, funding sources
	CodeLists  Topic = "codes"      // an organisation's own codes
)

// Topics in the order in which they are synced.
var Topics = []Topic{People, Directory, Facilities, CodeLists}

// Policy says what happens to two concurrent values of one field
// (docs/protocol.md, "Merge").
type Policy string

const (
	Latest Policy = "latest" // the later clock stands, the other is kept
	Safer  Policy = "safer"  // the protective value is in force at once, a named person closes the question
	Ask    Policy = "ask"    // the hub's value stays in force, a person is asked
	Union  Policy = "union"  // additions and removals both apply, element by element
	Once   Policy = "once"   // written once; a second write is held
)

// Sensitivity carries the HL7 v3 Confidentiality code and, where one applies,
// the v3-ActCode information sensitivity label (HL7 v3, hl7.org/fhir/R4/security-labels.html),
// or a local label of ours in capitals.
type Sensitivity string

const (
	Normal         Sensitivity = "N"
	Restricted     Sensitivity = "R"
	VeryRestricted Sensitivity = "V"
)

// Label names a particular sensitivity that some purposes must not carry.
type Label string

const (
	LabelSDV         Label = "SDV"      // sexual assault, abuse, domestic violence
	LabelPSY         Label = "PSY"      // mental health
	LabelHIV         Label = "HIV"      // HIV/AIDS
	LabelSTD         Label = "STD"      // sexually transmitted disease
	LabelSUD         Label = "SUD"      // substance use
	LabelSEX         Label = "SEX"      // sexuality and reproductive health
	LabelETH         Label = "ETH"      // substance abuse (alcohol), as HL7 names it
	LabelTrafficking Label = "TRAFFICK" // says or implies that the person was trafficked
	LabelLegal       Label = "LEGAL"    // says or implies an offence or an irregular stay (R26)
	LabelLocation    Label = "LOCATION" // says where the person is or will be (R23)
)

// Field describes one field of one collection, once, for the whole system.
type Field struct {
	Name        string // column name and stable id on the wire, snake_case, never reused
	Type        Type
	Codes       string      // the code list, for Code and Codes
	Ref         string      // the collection referred to, for Ref and Refs
	Compartment Compartment // who may see it
	Sensitivity Sensitivity
	Labels      []Label
	Merge       Policy
	Safer       Comparator // which value protects, for Merge == Safer
	RemovalWins bool       // for Merge == Union: a removal beats a concurrent addition (lists of consent)
	Purpose     Purpose    // the purpose it is collected for (R14)
	HTCDS       string     // name in HTCDS 2.0, empty where the standard has none
	FHIR        string     // place in FHIR R4, as an element path, empty where there is none
	Required    bool       // a record without it (or an Absent value for it) is held
	Max         int        // bytes, for Text and LongText; 0 means TextBytesMax or LongTextBytesMax
	Routing     bool       // stays clear in the store: ids, case, team, state, times
	Own         bool       // for a Ref to staff: names whoever writes it; nobody signs for somebody else
	Search      bool       // staff may find the record by it
	Whole       bool       // for Search: by the whole of it and nothing less (a number, a phone, an address)
	Canary      bool       // names or locates a person: invented people carry a canary here (R9)
}

// Default limits of Text and LongText, in bytes of UTF-8.
const (
	TextBytesMax     = 1 << 10
	LongTextBytesMax = 32 << 10
)

// Entity describes one collection.
type Entity struct {
	Name    string // collection name, plural, snake_case
	Doc     string // one sentence: what one record is
	Topic   Topic  // set for what belongs to an organisation and no case; empty means each record belongs to a case
	FHIR    string // FHIR R4 resource, empty where there is none
	Fields  []Field
	Machine *Machine // the states its status field may take, nil where it has none
}

// Field returns the description of the named field, or false.
func (e *Entity) Field(name string) (*Field, bool) {
	for i := range e.Fields {
		if e.Fields[i].Name == name {
			return &e.Fields[i], true
		}
	}
	return nil, false
}

// LabelKey is the key of the field's label in the message catalogue.
func (e *Entity) LabelKey(f *Field) string { return "field." + e.Name + "." + f.Name }

// Find looks an entity up by collection name.
func Find(collection string) (*Entity, bool) {
	e, ok := byName[collection]
	return e, ok
}

var byName = func() map[string]*Entity {
	m := make(map[string]*Entity, len(Schema))
	for _, e := range Schema {
		m[e.Name] = e
	}
	return m
}()

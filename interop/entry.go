package interop

import (
	"slices"
	"strings"

	"portolan/care"
)

// entry maps one resource to a draft.
type entry struct {
	u          *bundle
	b          *builder
	left       *leftovers
	r          *resource
	collection string
	at         string // key of the draft
	kept       []keptElement
}

// keptElement is an element that a field refused, with the field's reason.
type keptElement struct{ path, reason, json string }

// collections are the resources that become records. All others are kept
// whole.
var collections = map[string]string{
	"Encounter":           "encounters",
	"Condition":           "conditions",
	"MedicationStatement": "medicines",
	"MedicationRequest":   "medicines",
	"AllergyIntolerance":  "allergies",
	"Immunization":        "immunisations",
	"Observation":         "observations",
	"Procedure":           "procedures",
}

func (e *entry) fill() {
	switch e.r.kind {
	case "Encounter":
		e.encounter()
	case "Condition":
		e.condition()
	case "MedicationStatement":
		e.medicationStatement()
	case "MedicationRequest":
		e.medicationRequest()
	case "AllergyIntolerance":
		e.allergy()
	case "Immunization":
		e.immunization()
	case "Observation":
		e.observation()
	case "Procedure":
		e.procedure()
	}
}

func (e *entry) read() {
	e.at = e.b.c.Key + "/" + e.r.key
	if e.r.kind == "Patient" {
		e.patient()
		e.rest()
		return
	}
	collection, ok := collections[e.r.kind]
	if !ok {
		if e.r.kind == "Medication" && e.u.medicines[e.r] {
			return // it went into the medicines that name it
		}
		e.whole(ReasonResource)
		return
	}
	if e.enteredInError() {
		e.whole(ReasonNotAllowed)
		return
	}
	e.collection = collection
	e.fill()
	if e.collection == "" { // the mapping set it aside itself
		return
	}
	if missingOf(e.draft()) != "" {
		e.b.remove(e.at)
		e.whole(ReasonNoPlace)
		return
	}
	e.rest()
}

func (e *entry) draft() *Draft { return e.b.draft(e.collection, e.at) }

// whole keeps the resource as it came.
func (e *entry) whole(reason string) {
	e.b.aside(e.r.kind, e.r.n.whole(), reason) // its id stands in it: a path is read more widely than a value
}

// nothing keeps a resource that says that nothing is known, or that there is
// none of its kind: a record of it would read as a finding.
func (e *entry) nothing() {
	e.whole(ReasonNoPlace)
	e.b.remove(e.at)
	e.collection = ""
}

func (e *entry) enteredInError() bool {
	const code = "entered-in-error"
	if e.r.n.get("status").peek() == code {
		return true
	}
	return e.r.n.get("verificationStatus", "coding", "code").peek() == code
}

// rest keeps every element that was not taken, but for what names the resource
// itself and text that FHIR calls generated: it repeats the elements.
func (e *entry) rest() {
	for _, k := range e.kept {
		e.left.add(k.path, k.reason, e.r.name, k.json)
	}
	n := e.r.n
	takeTechnical(n)
	for _, m := range subjectMembers {
		if e.u.subjectOf(e.r) != "" {
			n.get(m, "reference").take()
		}
	}
	for i, name := range n.names {
		if s := n.members[i].left(); s != "" {
			e.left.add(e.r.kind+"."+name, ReasonFieldUnknown, e.r.name, s)
		}
	}
}

// takeTechnical takes what names the resource itself and not the person, and
// text that FHIR calls generated.
func takeTechnical(n *node) {
	n.get("meta").takeNamed("versionId", "lastUpdated", "source")
	n.get("meta", "profile").takeItems()
	if s := n.get("text", "status").peek(); s == "generated" || s == "empty" {
		n.get("text").takeNamed("status", "div")
	}
}

// keep remembers an element that a field refused, and marks it as seen to.
func (e *entry) keep(path, reason string, n *node) {
	e.kept = append(e.kept, keptElement{e.r.kind + "." + path, reason, n.whole()})
	n.takeAll()
}

// set writes a leaf into a field. Nothing there is no value; a code that says
// why there is none is one.
func (e *entry) set(field, path string, n *node) bool {
	raw := n.peek()
	if strings.TrimSpace(raw) == "" {
		return false
	}
	took, reason := e.b.try(e.draft(), field, raw)
	if reason != "" {
		e.keep(path, reason, n)
	} else {
		n.take()
	}
	return took
}

// write writes a text that the mapping made itself of elements it took.
func (e *entry) write(field, value string) bool {
	if strings.TrimSpace(value) == "" {
		return false
	}
	took, _ := e.b.try(e.draft(), field, value)
	return took
}

// assume writes a value where a required field has none, and says so.
func (e *entry) assume(field, path, value string) {
	if e.draft().Set[field] == nil && e.write(field, value) {
		e.kept = append(e.kept, keptElement{e.r.kind + "." + path, ReasonNoPlace, quote(value)})
	}
}

// absences of FHIR's data-absent-reason as ours
// (hl7.org/fhir/R4/codesystem-data-absent-reason.html).
var absences = map[string]care.Absent{
	"unknown": care.Unknown, "asked-unknown": care.Unknown, "temp-unknown": care.Unknown,
	"asked-declined": care.AskedDeclined, "not-asked": care.NotAsked,
}

const absentURL = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

// absent writes why an element has no value, from the extension beside it.
func (e *entry) absent(field string, of *node) {
	f, ok := fieldOf(e.collection, field)
	if !ok || f.Required || e.draft().Set[field] != nil {
		return
	}
	for _, x := range of.get("extension").items() {
		if x.get("url").peek() != absentURL {
			continue
		}
		reason := x.get("valueCode").peek()
		a, exact := absences[reason]
		if !exact {
			a = care.NotRecorded // masked, not-permitted, error …: the source has it, or would not say
		}
		v, err := care.Canonical(f, care.OfAbsent(a))
		if err != nil {
			return
		}
		e.draft().Set[field] = v
		if exact {
			x.takeNamed("url", "valueCode")
		}
	}
}

// ref points a field at the draft of another resource of the same person.
func (e *entry) ref(field string, n *node) {
	f, ok := fieldOf(e.collection, field)
	to := e.u.find(n.get("reference").peek())
	if !ok || to == nil || !slices.Contains(to.cases, e.b.c.Key) || collections[to.kind] != f.Ref {
		return
	}
	d := e.draft()
	if _, has := d.Refs[field]; has {
		return
	}
	d.Refs[field] = e.b.c.Key + "/" + to.key
	n.get("reference").take()
}

package interop

import (
	"fmt"
	"slices"
	"strings"

	"portolan/care"
)

// medicationStatement maps MedicationStatement.
func (e *entry) medicationStatement() {
	n := e.r.n
	if !e.medicine(n) {
		return
	}
	e.set("status", "status", n.get("status"))
	e.spoken("stop_reason", "statusReason", n.get("statusReason").item(0))
	e.dosages(n.get("dosage").items(), "dosage")
	e.set("started_on", "effectivePeriod.start", n.get("effectivePeriod", "start"))
	e.set("stopped_on", "effectivePeriod.end", n.get("effectivePeriod", "end"))
	e.set("started_on", "effectiveDateTime", n.get("effectiveDateTime"))
	e.absent("started_on", n.get("_effectiveDateTime"))
	e.set("asserted_on", "dateAsserted", n.get("dateAsserted"))
	e.ref("encounter", n.get("context"))
	e.ref("condition", n.get("reasonReference").item(0))
	e.notes("note", n.get("note"))
	e.labels()
	e.write("source", "import")
}

// requestStatuses are those of MedicationRequest that our list of statements
// spells otherwise (hl7.org/fhir/R4/valueset-medicationrequest-status.html).
var requestStatuses = map[string]string{
	"cancelled": "not-taken", // withdrawn before anything was given
	"draft":     "intended",
}

// medicationRequest maps MedicationRequest: what was ordered. When it ended,
// an order does not say.
func (e *entry) medicationRequest() {
	n := e.r.n
	if !e.medicine(n) {
		return
	}
	if same, ok := requestStatuses[n.get("status").peek()]; ok && e.write("status", same) {
		e.keep("status", ReasonNoPlace, n.get("status"))
	} else {
		e.set("status", "status", n.get("status"))
	}
	e.spoken("stop_reason", "statusReason", n.get("statusReason"))
	e.dosages(n.get("dosageInstruction").items(), "dosageInstruction")
	e.set("started_on", "authoredOn", n.get("authoredOn"))
	e.ref("encounter", n.get("encounter"))
	e.ref("condition", n.get("reasonReference").item(0))
	e.notes("note", n.get("note"))
	e.labels()
	e.write("source", "import")
}

// medicine writes what the medicine is: as the resource says it, or as the
// Medication does that it refers to. It is false where that is nothing.
func (e *entry) medicine(n *node) bool {
	what := n.get("medicationCodeableConcept")
	if what == nil {
		ref := n.get("medicationReference")
		m := e.medication(ref)
		if m == nil {
			e.set("substance", "medicationReference.display", ref.get("display"))
			return true
		}
		ref.get("reference").take()
		what = m.get("code")
		e.spoken("form", "form", m.get("form"))
		e.strength(m)
		defer e.restOfMedication(m)
	}
	if nothingKnown(what) {
		e.nothing()
		return false
	}
	e.concept(what, "medication", "substance", "code", "code_system")
	return true
}

// medication finds the Medication that a reference leads to, in the bundle or
// inside the resource.
func (e *entry) medication(ref *node) *node {
	name := ref.get("reference").peek()
	if id, inside := strings.CutPrefix(name, "#"); inside {
		for _, c := range e.r.n.get("contained").items() {
			if c.get("id").peek() == id {
				return c
			}
		}
		return nil
	}
	if r := e.u.find(name); r != nil && r.kind == "Medication" {
		return r.n
	}
	return nil
}

// restOfMedication keeps what of the Medication no field took.
func (e *entry) restOfMedication(m *node) {
	if e.collection == "" || e.u.find(e.r.n.get("medicationReference", "reference").peek()) == nil {
		return
	}
	m.get("id").take()
	m.get("resourceType").take()
	takeTechnical(m)
	for i, name := range m.names {
		if s := m.members[i].left(); s != "" {
			e.kept = append(e.kept, keptElement{"Medication." + name, ReasonFieldUnknown, s})
		}
	}
	m.giveBack() // another medicine may name it too
}

// strength writes how much of one substance one unit holds.
func (e *entry) strength(m *node) {
	in := m.get("ingredient").items()
	if len(in) != 1 {
		return
	}
	over, under := quantity(in[0].get("strength", "numerator")), quantity(in[0].get("strength", "denominator"))
	if over == "" {
		return
	}
	if under != "" && under != "1" {
		over += " / " + under
	}
	if e.write("strength", over) {
		takeQuantity(in[0].get("strength", "numerator"))
		takeQuantity(in[0].get("strength", "denominator"))
	}
}

// quantity is a number with its unit, such as "500 mg".
func quantity(n *node) string {
	d, ok := plainDecimal(n.get("value").peek())
	if !ok {
		return ""
	}
	unit := n.get("code").peek()
	if unit == "" || unit == "1" || strings.Trim(unit, "0123456789") == "" {
		unit = n.get("unit").peek() // "tablet" says more than the code 1 of UCUM, or a number of SNOMED CT
	}
	if l, ok := care.FindCodes("units"); ok {
		for _, counted := range []string{"{" + unit + "}", "{" + strings.TrimSuffix(unit, "s") + "}"} { // UCUM writes what is counted in braces
			if slices.Contains(l.Codes, counted) {
				unit = counted
			}
		}
	}
	return strings.TrimSpace(n.get("comparator").peek() + d + " " + unit)
}

func takeQuantity(n *node) { n.takeNamed("value", "comparator", "unit", "system", "code") }

// dosages writes dose, route and frequency where there is one dosage. Where
// there are several, no one of them is the dose: all their words go into the
// instructions, and the rest is kept.
func (e *entry) dosages(all []*node, path string) {
	var said []string
	for _, d := range all {
		if s := d.get("text").peek(); s != "" {
			said = append(said, s)
		}
	}
	if e.write("instructions", strings.Join(said, "\n")) {
		for _, d := range all {
			d.get("text").take()
		}
	}
	if len(all) != 1 {
		return
	}
	d := all[0]
	e.codeOf("route", path+".route", d.get("route"))
	e.set("as_needed", path+".asNeededBoolean", d.get("asNeededBoolean"))
	if doses := d.get("doseAndRate").items(); len(doses) == 1 && e.write("dose", quantity(doses[0].get("doseQuantity"))) {
		takeQuantity(doses[0].get("doseQuantity"))
	}
	e.times(d.get("timing", "repeat").get("when").items())
	e.frequency(d.get("timing"))
}

// times writes the times of a day and how the medicine goes with meals, where
// our lists have all of them. A field says one thing of several in the order
// of the day.
func (e *entry) times(when []*node) {
	var said []string
	for _, w := range when {
		said = append(said, w.peek())
	}
	for field, of := range map[string][]string{"taken_when": dayTimes, "with_food": {"AC", "C", "PC"}} {
		here := slices.DeleteFunc(slices.Clone(of), func(c string) bool { return !slices.Contains(said, c) })
		if len(here) == 0 || !e.write(field, strings.Join(here, "-")) {
			continue
		}
		for _, w := range when {
			if slices.Contains(here, w.peek()) {
				w.take()
			}
		}
	}
}

// dayTimes are the times of a day in their order (FHIR R4 event-timing).
var dayTimes = []string{"MORN", "NOON", "EVE", "NIGHT"}

// frequencies are the abbreviations of FHIR R4 (timing-abbreviation) for how
// often in which period.
var frequencies = map[string]string{
	"1 1 d": "QD", "2 1 d": "BID", "3 1 d": "TID", "4 1 d": "QID", "1 2 d": "QOD",
	"1 1 h": "Q1H", "1 2 h": "Q2H", "1 3 h": "Q3H", "1 4 h": "Q4H", "1 6 h": "Q6H", "1 8 h": "Q8H",
	"1 1 wk": "WK", "1 1 mo": "MO",
}

func (e *entry) frequency(timing *node) {
	for _, c := range timing.get("code", "coding").items() {
		if e.set("frequency", "timing.code", c.get("code")) {
			takeCoding(c, timing.get("code"))
			return
		}
	}
	r := timing.get("repeat")
	often, period, unit := r.get("frequency").peek(), r.get("period").peek(), r.get("periodUnit").peek()
	if period == "" || unit == "" || slices.ContainsFunc(r.names, func(name string) bool {
		return !slices.Contains(repeatNames, name) && r.get(name).left() != ""
	}) {
		return // no period, or more than these three say: bounds, times of day
	}
	if often == "" {
		often = "1" // the default of Timing.repeat.frequency
	}
	s, known := frequencies[often+" "+period+" "+unit]
	if !known {
		s = fmt.Sprintf("%s x per %s %s", often, period, unit)
	}
	if e.write("frequency", s) {
		r.takeNamed(repeatNames...)
	}
}

var repeatNames = []string{"frequency", "period", "periodUnit"}

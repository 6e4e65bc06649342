package interop

import (
	"strings"

	"portolan/care"
)

// observation maps Observation; the pregnancy statuses among them become
// pregnancies.
func (e *entry) observation() {
	n := e.r.n
	if e.pregnancy() {
		return
	}
	e.concept(n.get("code"), "code", "label", "code", "code_system")
	e.codeOf("category", "category", n.get("category").item(0))
	e.set("status", "status", n.get("status"))
	e.effective(n.get("effectiveDateTime"), "effectiveDateTime")
	e.effective(n.get("effectiveInstant"), "effectiveInstant")
	e.effective(n.get("effectivePeriod", "start"), "effectivePeriod.start")
	e.absent("effective_on", n.get("_effectiveDateTime"))
	e.value(n)
	e.components(n.get("component").items())
	e.codeOf("interpretation", "interpretation", n.get("interpretation").item(0))
	if ranges := n.get("referenceRange").items(); len(ranges) == 1 {
		e.set("reference_range", "referenceRange.text", ranges[0].get("text"))
	}
	e.ref("encounter", n.get("encounter"))
	e.notes("note", n.get("note"))
	e.labels()
}

func (e *entry) effective(n *node, path string) {
	if _, ok := parseMoment(n.peek()); ok {
		e.set("effective_at", path, n)
		return
	}
	e.set("effective_on", path, n)
}

// value writes what was found: a quantity, a concept, words, a number.
func (e *entry) value(n *node) {
	if q := n.get("valueQuantity"); q != nil {
		e.quantityValue(q)
	}
	if c := n.get("valueCodeableConcept"); c != nil {
		e.concept(c, "valueCodeableConcept", "value", "value_code", "")
	}
	for _, kind := range []string{"String", "Integer", "Boolean", "DateTime", "Time"} {
		v := n.get("value" + kind)
		if kind == "String" && strings.ContainsAny(v.peek(), "\r\n") {
			if e.write("note", v.peek()) { // several lines have no room in a value
				v.take()
			}
			continue
		}
		e.set("value", "value"+kind, v)
	}
	e.absent("value", n.get("_valueString"))
	if a, ok := absences[n.get("dataAbsentReason", "coding", "code").peek()]; ok && e.draft().Set["value"] == nil {
		e.draft().Set["value"] = care.OfAbsent(a)
		takeCoding(n.get("dataAbsentReason", "coding").item(0), n.get("dataAbsentReason"))
	}
}

func (e *entry) quantityValue(q *node) {
	d, ok := plainDecimal(q.get("value").peek())
	if !ok {
		e.keep("valueQuantity", ReasonWrongType, q)
		return
	}
	unit := q.get("code")
	if unit.peek() == "" {
		unit = q.get("unit")
	}
	if !e.write("value", q.get("comparator").peek()+d) {
		return
	}
	q.get("value").take()
	q.get("comparator").take()
	if !e.set("unit", "valueQuantity.code", unit) {
		return
	}
	if q.get("system").peek() == care.SystemURIs[care.SystemUCUM] {
		q.get("system").take() // the list of units is UCUM
		q.get("unit").take()   // and the code says what the words do
	}
	if q.get("unit").peek() == unit.peek() {
		q.get("unit").take()
	}
}

// components writes parts such as systolic and diastolic pressure, by code.
func (e *entry) components(parts []*node) {
	for _, p := range parts {
		coding := chosen(p.get("code"))
		name, said := coding.get("code").peek(), ""
		if name == "" {
			name = words(p.get("code"))
		}
		q, c := p.get("valueQuantity"), p.get("valueCodeableConcept")
		switch {
		case q != nil:
			said = quantity(q)
		case c != nil:
			said = words(c)
		default:
			said = p.get("valueString").peek()
		}
		if name == "" || said == "" || !e.component(name, said) {
			continue
		}
		coding.get("code").take()
		p.get("valueString").take()
		if q != nil {
			takeQuantity(q)
		}
		if c != nil {
			takeSaid(c, said)
		}
		if systemOf[coding.get("system").peek()] == care.SystemLOINC {
			coding.get("system").take() // the list of observation codes is LOINC
		}
		if t := p.get("code", "text"); t.peek() == coding.get("display").peek() {
			t.take()
		}
	}
}

func takeSaid(c *node, said string) {
	for _, w := range append(displays(c), c.get("text")) {
		if w.peek() == said {
			w.take()
		}
	}
}

func (e *entry) component(name, said string) bool {
	d := e.draft()
	f, ok := fieldOf(d.Collection, "components")
	if !ok {
		return false
	}
	m := membersOf(d.Set[f.Name])
	if _, twice := m[name]; twice {
		return false
	}
	m[name] = said
	v, err := care.Canonical(f, objectValue(m))
	if err != nil {
		return false
	}
	d.Set[f.Name] = v
	return true
}

// pregnancy makes a pregnancy of an observation of LOINC 82810-3, with the
// date of birth that its members expect.
func (e *entry) pregnancy() bool {
	n := e.r.n
	if !hasCode(n.get("code"), care.LOINCPregnancyStatus) {
		return false
	}
	f, ok := fieldOf("pregnancies", "status")
	if !ok || !statesPregnancy(f, n.get("valueCodeableConcept")) {
		return false
	}
	e.collection = "pregnancies"
	for _, c := range n.get("code", "coding").items() {
		if c.get("code").peek() == care.LOINCPregnancyStatus {
			c.takeNamed(codingNames...)
		}
	}
	e.codeOf("status", "valueCodeableConcept", n.get("valueCodeableConcept"))
	if c := n.get("valueCodeableConcept", "coding").item(0); c.get("code") != nil && c.get("code").taken {
		c.takeNamed(codingNames...) // IPS fixes the system and the words of the four answers
	}
	e.set("observed_on", "effectiveDateTime", n.get("effectiveDateTime"))
	for _, m := range n.get("hasMember").items() {
		r := e.u.find(m.get("reference").peek())
		if r == nil || r.kind != "Observation" {
			continue
		}
		due := r.n.get("valueDateTime").peek()
		method := chosen(r.n.get("code")).get("code").peek()
		if due != "" && e.write("due_on", due) { // the observation of the date stays a record of its own
			e.write("due_method", method)
			m.get("reference").take()
		}
	}
	if n.get("status").peek() == "final" {
		n.get("status").take() // any other status of the observation is kept
	}
	e.notes("note", n.get("note"))
	return true
}

func statesPregnancy(f *care.Field, n *node) bool {
	for _, c := range n.get("coding").items() {
		if _, ok := matchCode(f.Codes, c.get("code").peek()); ok {
			return true
		}
	}
	return false
}

func hasCode(n *node, code string) bool {
	for _, c := range n.get("coding").items() {
		if c.get("code").peek() == code {
			return true
		}
	}
	return false
}

package interop

import (
	"slices"
	"strings"

	"portolan/care"
)

// systemOf is our short name of a code system's address.
var systemOf = func() map[string]string {
	m := map[string]string{}
	for name, uri := range care.SystemURIs {
		m[uri] = name
	}
	return m
}()

// saysNothing are codes that state an absence instead of a finding: those of
// the International Patient Summary and the SNOMED CT codes that it replaced.
var saysNothing = []string{
	"no-allergy-info", "no-known-allergies", "no-known-medication-allergies", "no-known-environmental-allergies", "no-known-food-allergies",
	"no-medication-info", "no-known-medications", "no-problem-info", "no-known-problems",
	"no-immunization-info", "no-known-immunizations", "no-procedure-info", "no-known-procedures",
	"716186003", "409137002", "428607008", "429625007", "428197003", "716184000", "716220001", "160244002", // no known allergy, of any kind or of one
	"787481004", "160245001", "1003774007", // no known medication, no current problems, no known health problem
}

func nothingKnown(n *node) bool {
	for _, c := range n.get("coding").items() {
		if strings.HasSuffix(c.get("system").peek(), "/absent-unknown-uv-ips") || slices.Contains(saysNothing, c.get("code").peek()) {
			return true
		}
	}
	return false
}

// concept writes a CodeableConcept: its words into label, its code and code
// system beside it where the schema has fields for them.
func (e *entry) concept(n *node, path, label, code, system string) {
	if n == nil {
		return
	}
	coding := chosen(n)
	e.label(n, coding, path, label)
	if code == "" || !e.set(code, path+".coding.code", coding.get("code")) || system == "" {
		return
	}
	name, known := systemOf[coding.get("system").peek()]
	if !known {
		name = care.SystemOther // which one stays in the element that is kept
	}
	if e.write(system, name) && known {
		coding.get("system").take()
	}
}

// chosen is the coding that a person chose or, where none is marked, the
// first.
func chosen(n *node) *node {
	codings := n.get("coding").items()
	for _, c := range codings {
		if c.get("userSelected").peek() == "true" {
			return c
		}
	}
	if len(codings) == 0 {
		return nil
	}
	return codings[0]
}

// label writes the words of a concept: the text as somebody wrote it, or the
// name of the code.
func (e *entry) label(n, coding *node, path, field string) {
	candidates := []*node{n.get("text"), coding.get("display")}
	for _, c := range n.get("coding").items() {
		candidates = append(candidates, c.get("display"))
	}
	said := ""
	for _, c := range candidates {
		s := strings.TrimSpace(c.peek())
		if said == "" && e.set(field, path+".text", c) {
			said = s
		}
		if s == said {
			c.take()
		}
	}
	if said == "" {
		e.write(field, coding.get("code").peek())
	}
}

// words are the text of a concept for a field that has no code beside it.
func words(n *node) string {
	if n == nil {
		return ""
	}
	for _, c := range append([]*node{n.get("text")}, displays(n)...) {
		if s := strings.TrimSpace(c.peek()); s != "" {
			return s
		}
	}
	return chosen(n).get("code").peek()
}

func displays(n *node) []*node {
	var l []*node
	for _, c := range n.get("coding").items() {
		l = append(l, c.get("display"))
	}
	return l
}

// spoken writes the words of a concept and takes them where they fit.
func (e *entry) spoken(field, path string, n *node) {
	s := words(n)
	if s == "" || !e.write(field, s) {
		return
	}
	if n.get("text").peek() != "" {
		n.get("text").take()
		for _, d := range displays(n) {
			if strings.TrimSpace(d.peek()) == s {
				d.take()
			}
		}
		return
	}
	for _, d := range displays(n) {
		if strings.TrimSpace(d.peek()) == s {
			d.take()
			return
		}
	}
	chosen(n).get("code").take()
}

// sameMeaning are codes of other systems that mean a code of ours.
var sameMeaning = map[string]map[string]string{
	"condition_severities": { // SNOMED CT and LOINC answers, as IPS bundles carry them
		"255604002": "mild", "6736007": "moderate", "24484000": "severe",
		"LA6752-5": "mild", "LA6751-7": "moderate", "LA6750-9": "severe",
	},
	"medicine_routes": { // HL7 v3 RouteOfAdministration
		"IM": care.RouteIntramuscular, "PO": care.RouteOral, "SQ": care.RouteSubcutaneous, "IV": care.RouteIntravenous,
		"SL": care.RouteSublingual, "PR": care.RouteRectal, "TOPICAL": care.RouteSkin, "TRNSDERM": care.RouteTransdermal,
	},
	"genders": { // FHIR administrative-gender; other is no code of HTCDS
		"female": "Feminine", "male": "Masculine", "unknown": "NonSpecifiedUnknown",
	},
	"marital_statuses": { // HL7 v3 MaritalStatus
		"M": "Married", "S": "Single", "W": "Widowed", "D": "Divorced", "L": "Separated", "T": "RegisteredPartnership",
	},
}

// codeOf writes the code of a concept into a field with a list of its own.
func (e *entry) codeOf(field, path string, n *node) {
	f, ok := fieldOf(e.collection, field)
	if n == nil || !ok {
		return
	}
	codings := n.get("coding").items()
	for _, c := range codings {
		code := c.get("code").peek()
		same, mapped := sameMeaning[f.Codes][code]
		if !mapped {
			same, mapped = otherName(f.Codes, code)
		}
		if mapped {
			code = same
		}
		if code == "" {
			continue
		}
		took, reason := e.b.try(e.draft(), field, code)
		if reason == ReasonSecondValue {
			break
		}
		if took {
			takeCoding(c, n)
			if mapped { // by a table of equal meanings: the code of ours says the rest
				c.takeNamed(codingNames...)
			}
			return
		}
	}
	if len(codings) == 0 && e.write(field, n.get("text").peek()) {
		n.get("text").take()
		return
	}
	e.keep(path, ReasonCodeUnknown, n)
}

// codingNames are the elements of a Coding that a code with a meaning of its
// own says whole.
var codingNames = []string{"system", "version", "code", "display", "userSelected"}

// takeCoding takes a coding whose meaning the field's own list carries, with
// the words that only repeat it.
func takeCoding(c, of *node) {
	code := c.get("code").take()
	display := c.get("display").peek()
	system := c.get("system").peek()
	if strings.HasPrefix(system, "http://terminology.hl7.org/CodeSystem/") || strings.HasPrefix(system, "http://hl7.org/fhir/") {
		c.get("system").take()
		c.get("display").take()
	}
	if fold(display) == fold(code) {
		c.get("display").take()
	}
	if text := of.get("text").peek(); fold(text) == fold(code) || text == display {
		of.get("text").take()
	}
}

// labels adds the security labels of a resource that the schema knows.
func (e *entry) labels() {
	for _, c := range e.r.n.get("meta", "security").items() {
		if took, _ := e.b.try(e.draft(), "security_labels", c.get("code").peek()); took {
			c.takeNamed(codingNames...)
		}
	}
}

// notes joins the annotations of a resource into one field.
func (e *entry) notes(field string, n *node) {
	var all []string
	for _, note := range n.items() {
		if s := note.get("text").peek(); s != "" {
			all = append(all, s)
		}
	}
	if e.write(field, strings.Join(all, "\n")) {
		for _, note := range n.items() {
			note.get("text").take()
		}
	}
}

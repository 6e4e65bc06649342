package interop

import (
	"strings"

	"portolan/care"
)

// encounter maps Encounter.
func (e *entry) encounter() {
	n := e.r.n
	e.set("status", "status", n.get("status"))
	if c := n.get("class"); e.set("class", "class.code", c.get("code")) {
		takeCoding(c, nil)
	}
	e.concept(n.get("type").item(0), "type", "kind", "kind_code", "code_system")
	e.moment("starts_at", "period.start", n.get("period", "start"))
	e.moment("ends_at", "period.end", n.get("period", "end"))
	e.concept(n.get("reasonCode").item(0), "reasonCode", "reason", "reason_code", "")
	e.placeOf(n.get("location").item(0).get("location"))
	e.labels()
}

// moment writes a time. A day without an hour is written as its first moment,
// and the day as it was told is kept beside it: an encounter of an unknown
// hour is still an encounter.
func (e *entry) moment(field, path string, n *node) {
	s := n.peek()
	if _, ok := parseMoment(s); ok || s == "" {
		e.set(field, path, n)
		return
	}
	if t, ok := care.OfText(s).Time(); ok && e.write(field, care.FormatTime(t)) {
		e.keep(path, ReasonNoPlace, n)
		return
	}
	e.keep(path, ReasonWrongType, n)
}

// placeOf writes the name of a place: as it is shown, or of the Location that
// the reference leads to.
func (e *entry) placeOf(n *node) {
	if n == nil {
		return
	}
	if e.set("place", "location", n.get("display")) {
		return
	}
	if l := e.u.find(n.get("reference").peek()); l != nil && e.write("place", l.n.get("name").peek()) {
		n.get("reference").take()
	}
}

// condition maps Condition.
func (e *entry) condition() {
	n := e.r.n
	if nothingKnown(n.get("code")) {
		e.nothing()
		return
	}
	e.concept(n.get("code"), "code", "label", "code", "code_system")
	e.codeOf("clinical_status", "clinicalStatus", n.get("clinicalStatus"))
	e.codeOf("verification_status", "verificationStatus", n.get("verificationStatus"))
	e.codeOf("category", "category", n.get("category").item(0))
	e.codeOf("severity", "severity", n.get("severity"))
	e.set("onset_on", "onsetDateTime", n.get("onsetDateTime"))
	e.set("onset_on", "onsetPeriod.start", n.get("onsetPeriod", "start"))
	e.absent("onset_on", n.get("_onsetDateTime"))
	e.set("abated_on", "abatementDateTime", n.get("abatementDateTime"))
	e.set("recorded_on", "recordedDate", n.get("recordedDate"))
	e.ref("encounter", n.get("encounter"))
	e.notes("note", n.get("note"))
	e.labels()
	e.write("source", "import")
	e.assume("clinical_status", "clinicalStatus", "active") // R4 leaves it out only where the condition was refuted or in error
}

// allergy maps AllergyIntolerance.
func (e *entry) allergy() {
	n := e.r.n
	if nothingKnown(n.get("code")) {
		e.nothing()
		return
	}
	e.concept(n.get("code"), "code", "substance", "code", "code_system")
	e.codeOf("status", "clinicalStatus", n.get("clinicalStatus"))
	e.codeOf("verification_status", "verificationStatus", n.get("verificationStatus"))
	e.set("kind", "type", n.get("type"))
	for _, c := range n.get("category").items() {
		e.set("category", "category", c)
	}
	e.set("criticality", "criticality", n.get("criticality"))
	for _, r := range n.get("reaction").items() {
		for _, m := range r.get("manifestation").items() {
			e.spoken("reaction", "reaction.manifestation", m)
		}
	}
	e.worstSeverity(n.get("reaction").items())
	e.set("onset_on", "onsetDateTime", n.get("onsetDateTime"))
	e.set("last_reaction_on", "lastOccurrence", n.get("lastOccurrence"))
	e.set("recorded_on", "recordedDate", n.get("recordedDate"))
	e.notes("note", n.get("note"))
	e.labels()
	e.write("source", "import")
	e.assume("status", "clinicalStatus", "active") // a warning that need not be is the smaller harm
}

// worstSeverity writes the worst of several reactions.
func (e *entry) worstSeverity(reactions []*node) {
	for _, s := range []string{"severe", "moderate", "mild"} {
		for _, r := range reactions {
			if r.get("severity").peek() == s && e.write("severity", s) {
				r.get("severity").take()
				return
			}
		}
	}
}

// immunization maps Immunization.
func (e *entry) immunization() {
	n := e.r.n
	if nothingKnown(n.get("vaccineCode")) {
		e.nothing()
		return
	}
	e.concept(n.get("vaccineCode"), "vaccineCode", "vaccine", "code", "code_system")
	e.set("status", "status", n.get("status"))
	e.spoken("not_given_reason", "statusReason", n.get("statusReason"))
	e.set("given_on", "occurrenceDateTime", n.get("occurrenceDateTime"))
	e.absent("given_on", n.get("_occurrenceDateTime"))
	e.set("lot", "lotNumber", n.get("lotNumber"))
	e.set("lot_expires_on", "expirationDate", n.get("expirationDate"))
	e.set("manufacturer", "manufacturer.display", n.get("manufacturer", "display"))
	e.codeOf("route", "route", n.get("route"))
	e.spoken("body_site", "site", n.get("site"))
	e.placeOf(n.get("location"))
	e.set("primary_source", "primarySource", n.get("primarySource"))
	dose := n.get("protocolApplied").item(0)
	e.set("dose_number", "protocolApplied.doseNumberPositiveInt", dose.get("doseNumberPositiveInt"))
	e.set("series", "protocolApplied.series", dose.get("series"))
	e.diseases(dose.get("targetDisease").items())
	e.ref("encounter", n.get("encounter"))
	e.notes("note", n.get("note"))
	e.write("source", "import")
}

// diseases writes what a vaccine protects from, several in one line.
func (e *entry) diseases(concepts []*node) {
	var all []string
	for _, c := range concepts {
		all = append(all, words(c))
	}
	if !e.write("target_disease", strings.Join(all, "; ")) {
		return
	}
	for _, c := range concepts { // the codes stay with the element that is kept
		c.get("text").take()
		if len(displays(c)) > 0 {
			displays(c)[0].take()
		}
	}
}

// procedure maps Procedure.
func (e *entry) procedure() {
	n := e.r.n
	if nothingKnown(n.get("code")) {
		e.nothing()
		return
	}
	e.concept(n.get("code"), "code", "label", "code", "code_system")
	e.set("status", "status", n.get("status"))
	e.performed(n.get("performedDateTime"), "performedDateTime")
	e.performed(n.get("performedPeriod", "start"), "performedPeriod.start")
	if _, ok := parseMoment(n.get("performedPeriod", "end").peek()); ok {
		e.set("ends_at", "performedPeriod.end", n.get("performedPeriod", "end"))
	}
	e.absent("performed_on", n.get("_performedDateTime"))
	e.spoken("reason", "reasonCode", n.get("reasonCode").item(0))
	e.ref("condition", n.get("reasonReference").item(0))
	e.spoken("body_site", "bodySite", n.get("bodySite").item(0))
	e.spoken("outcome", "outcome", n.get("outcome"))
	e.spoken("follow_up", "followUp", n.get("followUp").item(0))
	e.ref("encounter", n.get("encounter"))
	e.notes("note", n.get("note"))
	e.labels()
}

// performed writes the day, and the hour where there is one.
func (e *entry) performed(n *node, path string) {
	if _, ok := parseMoment(n.peek()); ok {
		e.write("performed_on", n.peek())
		e.set("starts_at", path, n)
		return
	}
	e.set("performed_on", path, n)
}

package care

import (
	"slices"
	"time"
)

// Terms of consents. A consent to share lasts 90 days unless the person
// chooses another end, and never longer than a year (R3; VAWA: reasonably
// time-limited release).
const (
	ShareTermDefault = 90 * 24 * time.Hour
	ConsentTermMax   = 366 * 24 * time.Hour
)

// ConsentEnd proposes the end of a consent that begins at a moment.
func ConsentEnd(from time.Time, actions []Action) time.Time {
	for _, a := range actions {
		if a == Share || a == Print || a == Export {
			return from.Add(ShareTermDefault)
		}
	}
	return from.Add(ConsentTermMax)
}

// informed is what a person must have been told before their yes counts: of
// the seven points of HTCDS those without which nobody can agree or stop. A
// refusal needs no explanation to stand.
var informed = []string{"told_purpose", "told_data_use", "told_withdrawal"}

func consentEnd(c *check) {
	if !c.setsAny("expires_at", "valid_from") || c.after.Text("decision") == "deny" {
		return
	}
	end, ok := c.after.Get("expires_at").Time()
	if !ok {
		return // required, or two ends wait for a decision and neither is used
	}
	from, ok := c.after.Get("valid_from").Time()
	if !ok {
		from = c.now
	}
	switch {
	case !from.Before(end) && c.after.Get("valid_from").IsSet():
		c.holdChanged("consent_ends_first", "expires_at", "valid_from")
	case end.Sub(from) > ConsentTermMax:
		c.holdChanged("consent_too_long", "expires_at", "valid_from")
	}
}

func consentInformed(c *check) {
	if !c.created || c.after.Text("decision") != "permit" {
		return
	}
	told := c.after.Get("checklist").List()
	for _, p := range informed {
		if !slices.Contains(told, p) {
			c.hold("", "consent_not_informed") // R10
			return
		}
	}
}

// consentOnlyNarrows keeps a decision from growing after it was made: what
// was withdrawn never comes back, and who agrees to more gives a new consent.
// Narrowing is never held.
func consentOnlyNarrows(c *check) {
	if c.created {
		return
	}
	was, is := c.before.Text("decision"), c.after.Text("decision")
	if was == "deny" && is == "permit" {
		c.hold("decision", "consent_widened")
	}
	if is == "deny" {
		c.keepsAll("categories")
		c.keepsAll("actions")
		return
	}
	c.addsNone("categories")
	c.addsNone("actions")
	if was, is, ok := c.moved("expires_at"); ok && is.After(was) {
		c.hold("expires_at", "consent_widened")
	}
	if was, is, ok := c.moved("valid_from"); ok && is.Before(was) {
		c.hold("valid_from", "consent_widened")
	}
}

func (c *check) moved(field string) (was, is time.Time, ok bool) {
	was, had := c.before.Get(field).Time()
	is, has := c.after.Get(field).Time()
	return was, is, had && has && c.sets(field)
}

// addsNone holds a set that a permit did not have before.
func (c *check) addsNone(field string) {
	before := c.before.Get(field).List()
	for _, x := range c.after.Get(field).List() {
		if c.sets(field) && !slices.Contains(before, x) {
			c.hold(field, "consent_widened")
		}
	}
}

// keepsAll holds a set from which a refusal loses a part.
func (c *check) keepsAll(field string) {
	after := c.after.Get(field).List()
	if len(after) == 0 {
		return // a refusal that names nothing refuses everything
	}
	for _, x := range c.before.Get(field).List() {
		if c.sets(field) && !slices.Contains(after, x) {
			c.hold(field, "consent_widened")
		}
	}
	if c.sets(field) && len(c.before.Get(field).List()) == 0 {
		c.hold(field, "consent_widened")
	}
}

// consentWitness: a spoken consent that nobody heard is none; and what is
// tied to a service is not free (R2, R10).
func consentWitness(c *check) {
	if !c.created || c.after.Text("decision") != "permit" {
		return
	}
	free, said := c.after.Get("not_a_condition_of_service").Bool()
	switch {
	case c.after.Text("mode") == "verbal_witnessed" && !hasPlain(c.after, "witness") && !hasPlain(c.after, "witness_staff"):
		c.hold("", "consent_needs_witness")
	case said && !free:
		c.hold("", "consent_as_condition")
	case c.after.Text("capacity") == "not_now":
		c.hold("", "consent_no_capacity")
	}
}

// consentGiver: for a child somebody decides who may, and who gains nothing
// by it (R27). A child's own no needs nobody.
func consentGiver(c *check) {
	if !c.created || c.after.Text("decision") != "permit" {
		return
	}
	checked, _ := c.after.Get("giver_conflict_checked").Bool()
	implicated, _ := c.after.Get("giver_implicated").Bool()
	giver := c.after.Text("giver")
	switch {
	case implicated:
		c.hold("", "consent_giver_implicated")
	case giver == "guardian" && !checked:
		c.hold("", "consent_giver_unchecked")
	case giver == "best_interest_decision" && !c.bestInterest(c.after.Text("best_interest_decision")):
		c.hold("", "consent_needs_decision")
	case (giver == "self" || giver == "child_assent") && IsChild(c.w, c.after.Case):
		c.hold("", "consent_needs_guardian")
	}
}

package care

import (
	"slices"
	"strings"
	"unicode/utf8"
)

func grantTerm(c *check) {
	if c.sets("rests_until") && !c.a.IsHub() { // it follows from the consents
		c.hold("rests_until", "grant_extended")
	}
	until, ok := c.after.Get("until").Time()
	if !ok || !c.sets("until") {
		return
	}
	longest := GrantTermMax
	if c.breaksGlass() {
		longest = BreakGlassTerm
	}
	if until.Sub(c.now) > longest {
		c.holdChanged("grant_too_long", "until")
	}
	if was, had := c.before.Get("until").Time(); had && until.After(was) {
		c.hold("until", "grant_extended") // a longer one is a grant of its own
	}
}

// grantHolder lets a compartment go only to those whose role may hold it, and
// lets nobody give one to themselves, but in an emergency.
func grantHolder(c *check) {
	if !c.created {
		if c.breaksGlass() && c.before.Text("kind") != "break_glass" {
			c.hold("kind", "emergency_at_desk")
		}
		return
	}
	who := c.after.Text("staff")
	staff, ok := c.w.Row("staff", who)
	switch {
	case c.breaksGlass() != c.a.Emergency: // by its own way, where it is decided and in the log before it opens anything
		c.hold("", "emergency_at_desk")
	case c.breaksGlass() && (c.a.IsHub() || c.a.Staff != who):
		c.hold("", "emergency_not_own")
	case c.breaksGlass() && (c.after.Text("reason") != "emergency" || c.after.Text("emergency") == "" || !Explains(c.after.Text("explanation"))):
		c.hold("", "grant_needs_reason")
	case c.a.Staff == who && !c.a.IsHub() && !c.breaksGlass():
		c.hold("", "grant_to_self")
	case !ok || staff.Org != c.after.Org || staff.Text("status") == "left": // of another organisation: by a referral or a hand-over only
		c.hold("", "grant_staff_gone")
	case !MayHold(rolesOf(staff), Compartment(c.after.Text("compartment"))):
		c.hold("", "grant_role")
	}
}

// ExplanationRunesMin is the least that somebody says of an emergency.
const ExplanationRunesMin = 10

// Explains says whether somebody said anything of an emergency at all.
func Explains(s string) bool {
	return utf8.RuneCountInString(strings.TrimSpace(s)) >= ExplanationRunesMin
}

// breaksGlass says whether somebody takes a grant in an emergency (R30).
func (c *check) breaksGlass() bool { return c.after.Text("kind") == "break_glass" }

// grantReview: an emergency is reviewed by somebody else who may approve, in
// one step with what they found; an ordinary grant is not.
func grantReview(c *check) {
	if c.sets("overdue_at") && !c.a.IsHub() { // who sets it would not be asked again
		c.holdChanged("review_not_own", "overdue_at")
	}
	fields := []string{"reviewed_by", "reviewed_at", "review_result", "review_notes"}
	if !c.setsAny(fields...) {
		return
	}
	who := c.after.Text("reviewed_by")
	switch {
	case c.created || !c.breaksGlass():
		c.holdChanged("review_not_due", fields...)
	case !c.sets("reviewed_by") || who == "" || c.after.Text("review_result") == "":
		c.holdChanged("review_incomplete", fields...)
	case who == c.after.Text("staff") || who == c.before.CreatedBy:
		c.holdChanged("approved_by_creator", fields...)
	case who != c.a.Staff || c.a.IsHub():
		c.holdChanged("approval_not_own", fields...)
	case !c.a.Can(MayApprove):
		c.holdChanged("approval_needs_power", fields...)
	}
}

// reviewRules raise the tasks that ask for a review of an emergency.
var reviewRules = []string{"break_glass_review", "break_glass_repeated", "break_glass_overdue"}

// taskOfReview keeps what asks for the review of an emergency, or tells of one,
// out of the hands of whoever took it.
func taskOfReview(c *check) {
	rule := c.before.Text("rule")
	if c.created || rule != "break_glass" && !slices.Contains(reviewRules, rule) {
		return
	}
	if g, ok := c.w.Row("grants", c.before.Text("subject")); ok && !c.a.IsHub() && g.Text("staff") == c.a.Staff {
		c.hold("", "review_not_own")
	}
}

func rolesOf(staff Row) []Role {
	var l []Role
	for _, r := range staff.Get("roles").List() {
		if slices.Contains(Roles, Role(r)) {
			l = append(l, Role(r))
		}
	}
	return l
}

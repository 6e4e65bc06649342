package care

import "slices"

// What an approval that stands in the record itself is about: with other values
// in these fields it would be another approval.
var (
	payable = []string{"amount", "currency", "payee", "method", "claim", "livelihood_grant"}
	paidOut = []string{"paid_at", "paid_amount"}
	granted = []string{"kind", "purpose", "amount", "currency", "tranche", "tranches"}
	planned = []string{"objectives", "action_plan", "budget", "currency", "funding_source"}
	// All that an assessment says of the danger.
	assessed = []string{"kind", "assessed_on", "trigger", "level", "confidence", "survivor_level", "survivor_words",
		"individual_factors", "household_factors", "community_factors", "trafficker_proximity", "retaliation", "self_harm",
		"family_threatened", "exploited_again", "debt", "digital_tracking", "staff_in_danger", "country", "safe_to_travel",
		"safe_to_return", "unsafe_answers", "findings", "mitigation", "assessor"}
)

// approves makes an approval an act of its own: signed by the person who
// gives it, who has the power to, and who gave none of the others.
func approves(field string, others ...string) rule {
	return func(c *check) {
		who := c.after.Text(field)
		if !c.sets(field) || who == "" {
			return
		}
		switch {
		case who != c.a.Staff:
			c.hold(field, "approval_not_own")
		case c.a.IsHub() || !c.a.Can(MayApprove):
			c.hold(field, "approval_needs_power")
		}
		for _, o := range others {
			if c.after.Text(o) == who {
				c.hold(field, "approval_twice")
			}
		}
	}
}

// twoPeople is approves, and the approver wrote nothing of what the approval is
// about: neither the record nor any value that stands in one of the fields,
// before or in the same change (R29). Two people may have written at once: both
// values stand until somebody decides, and either of them could be approved.
func twoPeople(field string, about []string, others ...string) rule {
	own := approves(field, others...)
	return func(c *check) {
		own(c)
		who := c.after.Text(field)
		if !c.sets(field) || who == "" {
			return
		}
		if c.created || c.before.CreatedBy == "" || who == c.before.CreatedBy {
			c.hold(field, "approved_by_creator")
		}
		if slices.ContainsFunc(about, func(f string) bool { return slices.Contains(c.after.Authors(f), who) }) {
			c.hold(field, "approved_by_author")
		}
	}
}

// fixedOnce keeps what an approval is about as it was approved: another sum or
// plan is another record. Only a danger may still be rated higher, and be added.
func fixedOnce(approval string, about []string) rule {
	return func(c *check) {
		if c.created || !hasPlain(c.before, approval) {
			return
		}
		for _, name := range about {
			if f, ok := c.e.Field(name); ok && c.sets(name) && !onlySafer(f, c.before.Get(name), c.after.Get(name)) {
				c.hold(name, "approved_fixed")
			}
		}
	}
}

// onlySafer says whether a value is as before, or protects more. Of the sets
// that an approval is about each element names a danger: they grow.
func onlySafer(f *Field, before, after Value) bool {
	switch {
	case after.Equal(before):
		return true
	case f.Merge == Safer && before.IsSet():
		order, ok := f.Safer.Compare(after, before)
		return ok && order > 0
	case f.Merge == Union:
		now := after.List()
		return !slices.ContainsFunc(before.List(), func(e string) bool { return !slices.Contains(now, e) })
	}
	return false
}

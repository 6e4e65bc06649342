package care

import (
	"cmp"
	"slices"
	"time"
)

// ConsentOver is why a grant ended whose yes to use ran out.
const ConsentOver = "consent_ended"

// restsUntil is when the yes to use runs out on which the access of a member of
// staff to a compartment rests; false where it rests on none. Nobody needs a yes
// to help (R2): who was never asked, or agreed for this person, role or
// organisation to no part like it, is worked with as before. Who was asked, and
// said until when, is taken at their word (R3). The general part rests on no
// date: there the person is asked again, and their answer is written down.
func restsUntil(of Consents, staff Row, comp Compartment, now time.Time) (end time.Time, rests bool) {
	if comp == General {
		return end, false
	}
	type span struct{ from, end time.Time }
	var yes []span
	for _, c := range of.Rows {
		until, ok := c.Get("expires_at").Time()
		if !ok || c.Text("status") == "withdrawn" || !permitsUse(c, staff, comp) {
			continue
		}
		from, _ := c.Get("valid_from").Time()
		if c.Text("status") == "expired" && now.Before(until) {
			until = now
		}
		yes = append(yes, span{from, until})
	}
	slices.SortFunc(yes, func(a, b span) int { return cmp.Or(a.from.Compare(b.from), a.end.Compare(b.end)) })
	for _, s := range yes {
		if rests && s.from.After(end) && s.from.After(now) {
			break // a later yes does not begin before the last one is over
		}
		if !rests || s.end.After(end) {
			end = s.end
		}
		rests = true
	}
	return end, rests
}

// permitsUse says whether a consent is a yes to the use of a compartment by a
// member of staff: by name, by role, or by their organisation.
func permitsUse(c Row, staff Row, comp Compartment) bool {
	cats := CategoriesOf(comp)
	if len(cats) == 0 {
		return false
	}
	r := ShareRequest{Action: Use, RecipientStaff: staff.ID, RecipientOrg: staff.Org}
	for _, r.Purpose = range usePurposes(comp) {
		for _, role := range rolesOf(staff) {
			r.RecipientRole = string(role)
			if MayHold([]Role{role}, comp) && permits(c, r, cats[0]) { // the category of which the compartment has its name

				return true
			}
		}
	}
	return false
}

// lapsed says whether the yes on which access would rest has run out.
func lapsed(of Consents, staff Row, comp Compartment, now time.Time) bool {
	end, rests := restsUntil(of, staff, comp, now)
	return rests && !now.Before(end)
}

// grantsRest brings the end of the yes on which they rest to the grants of a
// case, when a person decides anything.
func grantsRest(c *check) []Consequence {
	if !mentions(c.after, "actions", string(Use)) {
		return nil
	}
	of := ConsentsOf(c.w, c.after.Case)
	var l []Consequence
	for _, g := range c.w.OfCase("grants", c.after.Case) {
		l = append(l, c.rests(of, g)...)
	}
	return l
}

// grantRests does so for a grant that is given.
func grantRests(c *check) []Consequence {
	if !c.created {
		return nil
	}
	return c.rests(ConsentsOf(c.w, c.after.Case), c.after)
}

func (c *check) rests(of Consents, g Row) []Consequence {
	staff, ok := c.w.Row("staff", g.Text("staff"))
	if !ok || g.Text("status") != "active" || g.Text("kind") == "break_glass" {
		return nil
	}
	end, rests := restsUntil(of, staff, Compartment(g.Text("compartment")), c.now)
	if !rests {
		return nil
	}
	return amendment(g, map[string]Value{"rests_until": OfTime(end)})
}

// renewalGivesBack gives again what ended because a yes ran out, to whoever had
// it, for as long as they would have had it.
func renewalGivesBack(c *check) []Consequence {
	if !c.created || c.after.Text("decision") != "permit" || !mentions(c.after, "actions", string(Use)) {
		return nil
	}
	of := ConsentsOf(c.w, c.after.Case)
	var l []Consequence
	for _, g := range c.w.OfCase("grants", c.after.Case) {
		until, ok := g.Get("until").Time()
		staff, known := c.w.Row("staff", g.Text("staff"))
		comp := Compartment(g.Text("compartment"))
		switch {
		case !ok || !known || staff.Text("status") != "active" || g.Text("ended_reason") != ConsentOver || !c.now.Before(until):
		case !permitsUse(c.after, staff, comp) || lapsed(of, staff, comp, c.now) || refusesUse(c.w, of, c.after.Case, staff, comp):
		default:
			set := map[string]Value{"staff": g.Get("staff"), "compartment": g.Get("compartment"), "status": OfText("active"), "until": g.Get("until")}
			if why := g.Get("reason"); why.IsSet() {
				set["reason"] = why
			}
			l = append(l, Consequence{Collection: "grants", Key: "grants/renewed/" + g.ID, Case: g.Case, Org: g.Org, Set: set})
		}
	}
	return l
}

package care

import "slices"

// usePurposes are the purposes for which staff read a compartment. Of most it
// is the service itself.
func usePurposes(comp Compartment) []Purpose {
	switch comp {
	case Health:
		return []Purpose{ServiceDelivery, MedicalTreatment}
	case Legal:
		return []Purpose{ServiceDelivery, LegalProceedings}
	}
	return []Purpose{ServiceDelivery}
}

// refusesUse says whether the person said no, or took a yes back, to the use
// of a compartment by a member of staff: by name, by role, or by the whole
// organisation. Nobody needs a yes to help (R2); a no closes at once, at every door, for grants are what every
// door asks. What an organisation as a whole may not use leaves the general
// part open, so that the case can be ended in good order.
func refusesUse(w World, of Consents, caseID string, staff Row, comp Compartment) bool {
	if caseID == "" || !slices.ContainsFunc(of.Rows, saysNo) {
		return false
	}
	refused := func(cat Category, role Role, purpose Purpose) bool {
		r := ShareRequest{Purpose: purpose, Action: Use, RecipientKind: ToPerson, RecipientStaff: staff.ID, RecipientRole: string(role),
			RecipientOrg: staff.Org, RecipientOrgKind: "NGO", Categories: []Category{cat}} // our own kind plays no part in our own use
		for _, kind := range []string{ToPerson, ToRole, ToOrganisation} {
			r.RecipientKind = kind
			if d := MayShare(of, r, w.Now()); d.Reason == ConsentDenied || d.Reason == ConsentWithdrawn {
				c := consentByID(of, d.Basis)
				if comp != General || c.Text("recipient_staff") != "" || c.Text("recipient_role") != "" {
					return true
				}
			}
		}
		return false
	}
	return slices.ContainsFunc(usePurposes(comp), func(p Purpose) bool {
		return slices.ContainsFunc(rolesOf(staff), func(role Role) bool {
			if !MayHold([]Role{role}, comp) {
				return false
			}
			cats := CategoriesOf(comp)
			if comp != General {
				cats = cats[:1] // the category of which the compartment has its name
			}
			return !slices.ContainsFunc(cats, func(cat Category) bool { return !refused(cat, role, p) })
		})
	})
}

// saysNo says whether a decision is a no, or a yes that was taken back, to use.
func saysNo(c Row) bool {
	return (c.Text("decision") == "deny" || c.Text("status") == "withdrawn") && mentions(c, "actions", string(Use))
}

func consentByID(of Consents, id string) Row {
	i := slices.IndexFunc(of.Rows, func(c Row) bool { return c.ID == id })
	if i < 0 {
		return Row{}
	}
	return of.Rows[i]
}

// grantAgreed lets nobody be given what the person does not want them to see.
// An emergency goes past that, seen by everybody (R30).
func grantAgreed(c *check) {
	if !c.created || c.breaksGlass() {
		return
	}
	staff, ok := c.w.Row("staff", c.after.Text("staff"))
	of, comp := ConsentsOf(c.w, c.after.Case), Compartment(c.after.Text("compartment"))
	switch {
	case !ok:
	case refusesUse(c.w, of, c.after.Case, staff, comp):
		c.hold("", "grant_refused_by_person")
	case lapsed(of, staff, comp, c.now):
		c.hold("", "grant_consent_over")
	}
}

// refusalEndsGrants closes at once what the person does not want somebody to
// see any more: the grants end, and with them every door, tablets first.
func refusalEndsGrants(c *check) []Consequence {
	if !saysNo(c.after) {
		return nil
	}
	of := ConsentsOf(c.w, c.after.Case)
	var l []Consequence
	for _, g := range c.w.OfCase("grants", c.after.Case) {
		staff, ok := c.w.Row("staff", g.Text("staff"))
		if g.Text("status") == "active" && g.Text("kind") != "break_glass" && ok && refusesUse(c.w, of, c.after.Case, staff, Compartment(g.Text("compartment"))) {
			l = append(l, amend(g, map[string]Value{"status": OfText("ended"), "ended_at": OfTime(c.now), "ended_reason": OfText("person_asked")}))
		}
	}
	if len(l) > 0 {
		l = append(l, c.task(order{rule: "use_refused", title: "review", priority: "high", due: c.now}))
	}
	return l
}

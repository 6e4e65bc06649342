package care

import "slices"

// taskOfRule keeps a task that a rule raised for somebody's safety from being
// waved away: it is done, or a person who may approve drops it (R13).
func taskOfRule(c *check) {
	if c.enters("cancelled") && c.before.Text("raised_by") == "rule" && c.before.Text("priority") == "urgent" && !c.a.Can(MayApprove) {
		c.holdState("task_not_done")
	}
}

// taskContact: no task about the people whom the person was kept from, unless
// the person asked for it and the safeguards stand (R36).
func taskContact(c *check) {
	if !c.created || c.after.Text("subject_collection") != "perpetrators" {
		return
	}
	p, ok := c.w.Row("perpetrators", c.after.Text("subject"))
	safeguards := p.Get("contact_safeguards").List()
	switch {
	case !ok || p.Case != c.after.Case || !hasPlain(p, "contact_asked_on"):
		c.hold("", "contact_not_asked")
	case !slices.Contains(safeguards, "asked_by_person") || !slices.Contains(safeguards, "told_of_risks") || !slices.Contains(safeguards, "may_stop_any_time"):
		c.hold("", "contact_needs_safeguards")
	}
}

// feedbackHandler keeps a complaint away from whom it is about, and from who
// leads them; one about sexual exploitation goes past the organisation's own
// chain (R35).
func feedbackHandler(c *check) {
	handler := c.after.Text("handler")
	if handler == "" || !c.setsAny("handler", "about_staff", "category") {
		return
	}
	about := c.after.Text("about_staff")
	staff, known := c.w.Row("staff", handler)
	switch {
	case handler == about || about != "" && c.leads(handler, about):
		c.holdChanged("handler_is_subject", "handler", "about_staff")
	case c.after.Text("category") == "sexual_exploitation_or_abuse" && (!known || !slices.Contains(rolesOf(staff), ProtectionOfficer)):
		c.holdChanged("handler_not_independent", "handler", "category")
	}
}

// leads says whether one person leads a team that the other belongs to.
func (c *check) leads(lead, member string) bool {
	for _, m := range c.w.ByField("memberships", "staff", member) {
		if t, ok := c.w.Row("teams", m.Text("team")); ok && t.Text("lead") == lead {
			return true
		}
	}
	return false
}

// staffOwnRoles: nobody gives themselves a role.
func staffOwnRoles(c *check) {
	if c.after.ID == c.a.Staff && !c.created {
		c.holdSet("roles", "roles_of_self")
	}
}

// staffPowers: a role that carries powers is given by two people, and so is the
// way back for somebody who has one. What two agreed to, the hub writes.
func staffPowers(c *check) {
	if c.a.IsHub() {
		return
	}
	back := !c.created && c.before.Text("status") != "active" && c.after.Text("status") == "active"
	for _, r := range rolesOf(c.after) {
		switch {
		case !NeedsSecondFactor([]Role{r}):
		case back:
			c.hold("status", "roles_need_second_person")
		case !slices.Contains(rolesOf(c.before), r):
			c.holdSet("roles", "roles_need_second_person")
		}
	}
}

// staffLastApprover: nobody leaves an organisation in which nobody could agree
// to anything. What was warned of and confirmed at the console, the hub writes.
func staffLastApprover(c *check) {
	if c.a.IsHub() || !LeavesNobody(c.w, c.before, c.after) {
		return
	}
	if c.after.Text("status") != "active" {
		c.hold("status", "last_approver")
	}
	c.holdSet("roles", "last_approver")
}

// LeavesNobody says whether a member of staff could approve before and, after,
// nobody in their organisation can.
func LeavesNobody(w World, before, after Row) bool {
	approves := func(s Row) bool {
		return s.Text("status") == "active" && Actor{Staff: s.ID, Org: s.Org, Roles: rolesOf(s)}.Can(MayApprove)
	}
	if !approves(before) || approves(after) {
		return false
	}
	return !slices.ContainsFunc(w.ByField("staff", "status", "active"), func(s Row) bool {
		return s.Org == before.Org && s.ID != before.ID && approves(s) && w.SignsIn(s.ID)
	})
}

// deviceRevoked: a tablet that was given up is enrolled anew, as a new one.
func deviceRevoked(c *check) {
	if !c.created && c.before.Text("status") == "revoked" && c.after.Text("status") != "revoked" {
		c.hold("status", "device_revoked")
	}
}

// policeBodies are those to whom an incident is reported only under a consent
// of the purpose law_enforcement_report, or the law's order (R1, R4).
var policeBodies = []string{"police", "embassy"}

func incidentReport(c *check) {
	if !c.sets("reported_to") {
		return
	}
	before := c.before.Get("reported_to").List()
	for _, body := range c.after.Get("reported_to").List() {
		if slices.Contains(before, body) || !slices.Contains(policeBodies, body) || c.ordered() {
			continue
		}
		if !c.consentStands(c.after.Text("report_consent"), LawEnforcementReport) {
			c.hold("reported_to", "report_needs_consent")
		}
	}
}

func (c *check) ordered() bool {
	return slices.ContainsFunc(c.w.OfCase("compelled_disclosures", c.after.Case), func(d Row) bool {
		s := d.Text("status")
		return s == "approved" || s == "disclosed"
	})
}

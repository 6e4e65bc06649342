package care

import "slices"

// matterPathway keeps a legal matter on the pathway that it began on: which
// steps there are depends on the country and the year of its law.
func matterPathway(c *check) {
	p, ok := FindPathway(c.after.Text("pathway"))
	if !ok {
		return // the list of pathways refuses it already
	}
	if c.setsAny("kind", "pathway") && len(p.Kinds) > 0 && !slices.Contains(p.Kinds, c.after.Text("kind")) {
		c.holdChanged("pathway_not_for_kind", "kind", "pathway")
		return
	}
	if !c.sets("status") {
		return
	}
	from, to := c.before.Text("status"), c.after.Text("status")
	if !p.Machine.Allows(from, to) {
		c.holdState("state_step")
	}
}

// hearingTestimony lets "agreed" stand only with the day on which the person
// agreed, or the consent (S1: consent to testify is dated and can be taken
// back).
func hearingTestimony(c *check) {
	if !c.sets("testimony") || c.after.Text("testimony") != "agreed" {
		return
	}
	if !hasPlain(c.after, "testimony_agreed_on") && !c.consentStands(c.after.Text("testimony_consent"), Testimony) {
		c.holdChanged("testimony_needs_date", "testimony")
	}
}

func deadlineMissed(c *check) {
	due, ok := c.after.Get("due_on").Time()
	if c.enters("missed") && ok && c.now.Before(due) {
		c.holdState("deadline_not_due")
	}
}

// custodyNumber keeps the chain of custody one chain: a number is used once,
// and nothing follows a disposal.
func custodyNumber(c *check) {
	if !c.created {
		return
	}
	for _, e := range c.w.OfCase("custody_events", c.after.Case) {
		if e.ID == c.after.ID || e.Text("item") != c.after.Text("item") {
			continue
		}
		n, _ := e.Get("number").Int()
		mine, _ := c.after.Get("number").Int()
		switch {
		case n == mine:
			c.hold("", "custody_number_taken")
		case e.Text("purpose") == "disposed" && n < mine:
			c.hold("", "custody_disposed")
		}
	}
}

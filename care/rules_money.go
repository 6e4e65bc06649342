package care

// paymentBound keeps what is paid within the sum that is approved.
func paymentBound(c *check) {
	if !hasPlain(c.after, "paid_amount") || !c.setsAny("paid_amount", "amount") {
		return
	}
	over, ok := subtract(c.after.Text("paid_amount"), c.after.Text("amount"))
	if !ok || over != "0" && over[0] != '-' {
		c.holdChanged("paid_above_approved", "paid_amount", "amount")
	}
}

// paymentSteps: paid only what somebody else approved; confirmed by the person,
// and reviewed, only once it was paid.
func paymentSteps(c *check) {
	switch {
	case c.enters("paid") && !hasPlain(c.after, "approved_by"):
		c.holdState("payment_not_approved")
	case c.enters("paid") && !hasPlain(c.after, "paid_at"):
		c.holdState("payment_needs_date")
	case c.enters("confirmed") && !hasPlain(c.after, "survivor_confirmed_at"):
		c.holdState("payment_needs_confirmation")
	}
	status := c.after.Text("status")
	if status != "paid" && status != "confirmed" && status != "disputed" {
		c.holdSet("survivor_confirmed_at", "payment_not_paid")
		c.holdSet("survivor_confirmed_amount", "payment_not_paid")
		c.holdSet("oversight_reviewer", "payment_not_paid")
	}
}

// claimPaid calls a claim paid when money of it has reached somebody.
func claimPaid(c *check) {
	if !c.enters("paid") {
		return
	}
	for _, p := range c.w.OfCase("payments", c.after.Case) {
		if s := p.Text("status"); p.Text("claim") == c.after.ID && (s == "paid" || s == "confirmed") {
			return
		}
	}
	c.holdState("claim_not_paid")
}

// livelihoodSteps: money to live from is approved by a second person, and not
// handed to somebody whose scheme was never checked for exploitation.
func livelihoodSteps(c *check) {
	switch {
	case c.enters("approved", "disbursed") && !hasPlain(c.after, "approved_by"):
		c.holdState("approval_missing")
	case c.enters("disbursed") && c.after.Text("due_diligence") != "passed" && c.after.Text("due_diligence") != "concerns":
		c.holdState("livelihood_needs_check")
	}
}

func goalReached(c *check) {
	switch c.after.Text("achievement") {
	case "not-achieved", "no-progress", "not-attainable":
		if c.enters("completed") {
			c.holdState("goal_not_reached")
		}
	}
}

func followUpSteps(c *check) {
	due, ok := c.after.Get("due_on").Time()
	switch {
	case c.enters("done") && !hasPlain(c.after, "outcome"):
		c.holdState("follow_up_needs_outcome")
	case c.enters("missed") && ok && c.now.Before(due):
		c.holdState("follow_up_not_due")
	}
}

package care

import "time"

// RiskFresh is how old the assessment of a return may be on the day of the
// departure (R28; nrm.bg SOP 3.2).
const RiskFresh = 14 * 24 * time.Hour

var transferUnderWay = []string{"sent", "accepted", "departed"}

// transferConsented asks for the one consent that a transfer is about, and
// for no other.
func transferConsented(c *check) {
	if !c.enters("consented", "sent", "departed") {
		return
	}
	for _, k := range c.w.OfCase("consents", c.after.Case) {
		if c.covers(k) {
			return
		}
	}
	c.holdState("transfer_needs_consent")
}

// covers says whether a consent in force names this transfer's destination.
func (c *check) covers(k Row) bool {
	r := TransferRequest(c.w, c.after)
	for _, action := range []Action{Share, Print} {
		for _, cat := range k.Get("categories").List() {
			r.Action, r.Categories = action, []Category{Category(cat)}
			if MayShare(c.w.OfCase("consents", c.after.Case), r, c.now).Allowed {
				return true
			}
		}
	}
	return false
}

// TransferRequest is the disclosure that a transfer needs, without action and
// categories.
func TransferRequest(w World, t Row) ShareRequest {
	r := ShareRequest{Purpose: CrossBorderTransfer, RecipientKind: ToCountry, RecipientCountry: t.Text("destination_country")}
	if org, ok := w.Row("organisations", t.Text("receiving_org")); ok {
		r.RecipientOrg, r.RecipientOrgKind = org.ID, org.Text("kind")
		if r.RecipientCountry == "" {
			r.RecipientKind = ToOrganisation
		}
	}
	return r
}

// transferReturn lets nobody be returned who does not want to, or to a place
// that nobody has looked at (R28).
func transferReturn(c *check) {
	if c.after.Text("kind") != "return" || !c.enters(transferUnderWay...) {
		return
	}
	if v, known := c.after.Get("voluntary").Bool(); !known || !v {
		c.holdState("return_not_voluntary")
		return
	}
	if c.enters("sent", "departed") {
		c.freshRisk()
	}
}

func (c *check) freshRisk() {
	r, ok := c.w.Row("risk_assessments", c.after.Text("risk_assessment"))
	at, known := r.Get("assessed_on").Time()
	switch {
	case !ok || r.Case != c.after.Case:
		c.holdState("return_needs_risk_assessment")
	case !known || c.now.Sub(at) > RiskFresh || at.After(c.now.Add(24*time.Hour)):
		c.holdState("return_risk_too_old")
	case returnUnsafe(r):
		c.holdState("return_unsafe")
	}
}

// transferAccepted lets responsibility move only when both sides say so.
func transferAccepted(c *check) {
	if c.enters("accepted", "departed", "arrived", "completed") && !hasPlain(c.after, "receiver_accepted_at") {
		c.holdState("transfer_not_accepted")
	}
	if c.enters("departed") && !hasPlain(c.after, "departure_at") {
		c.holdState("transfer_needs_departure")
	}
}

func returnUnsafe(r Row) bool {
	level := r.Text("level")
	return level == "high" || level == "imminent"
}

package care

import (
	"slices"
	"time"
)

// RiskFresh is how old the assessment of a return may be on the day of the
// departure (R28; nrm.bg SOP 3.2).
const RiskFresh = 14 * 24 * time.Hour

// TransferRequest is the disclosure that a transfer needs, without categories
// but with those that the person chose for it.
func TransferRequest(w World, t Row, action Action) ShareRequest {
	r := ShareRequest{Purpose: CrossBorderTransfer, Action: action, RecipientKind: ToCountry, RecipientCountry: t.Text("destination_country")}
	if id := t.Text("receiving_org"); id != "" {
		org, _ := w.Row("organisations", id) // one of which nothing is known could be anybody: RecipientUnclear
		r.RecipientOrg, r.RecipientOrgKind = id, org.Text("kind")
		if r.RecipientCountry == "" {
			r.RecipientKind = ToOrganisation
		}
	}
	for _, c := range t.Get("categories").List() {
		r.Chosen = append(r.Chosen, Category(c))
	}
	return r
}

// transferConsented asks for the one consent that a transfer is about, and
// for no other.
func transferConsented(c *check) {
	if !c.enters("consented", "sent", "departed") {
		return
	}
	for _, action := range []Action{Share, Print} {
		if c.sharesSomething(TransferRequest(c.w, c.after, action)) {
			return
		}
	}
	c.holdState("transfer_needs_consent")
}

// sharesSomething says whether the person agreed to share at least one
// category in the way of the request. How much goes is decided part by part
// when it goes.
func (c *check) sharesSomething(r ShareRequest) bool {
	consents := ConsentsOf(c.w, c.after.Case)
	return slices.ContainsFunc(Categories, func(cat Category) bool {
		r.Categories = []Category{cat}
		return MayShare(consents, r, c.now).Allowed
	})
}

// consentStands says whether the named consent of this case is in force, for
// the purpose where one is given, for at least one thing that it names.
func (c *check) consentStands(id string, p Purpose) bool {
	k, ok := c.w.Row("consents", id)
	if !ok || k.Case != c.after.Case || p != "" && k.Text("purpose") != string(p) {
		return false
	}
	r := ShareRequest{
		Purpose: Purpose(k.Text("purpose")), RecipientKind: k.Text("recipient_kind"), RecipientOrg: k.Text("recipient_org"),
		RecipientRole: k.Text("recipient_role"), RecipientStaff: k.Text("recipient_staff"), RecipientName: k.Text("recipient_name"),
		RecipientCountry: k.Text("recipient_country"),
	}
	if org, ok := c.w.Row("organisations", r.RecipientOrg); ok {
		r.RecipientOrgKind = org.Text("kind")
	}
	consents := ConsentsOf(c.w, c.after.Case)
	for _, action := range k.Get("actions").List() {
		for _, cat := range k.Get("categories").List() {
			r.Action, r.Categories = Action(action), []Category{Category(cat)}
			if d := MayShare(consents, r, c.now); d.Allowed && consents.standing(k, r, Category(cat), c.now).Allowed {
				return true
			}
		}
	}
	return false
}

// transferChild lets no child, and nobody whose age is in doubt, be moved
// without a best-interest decision (R27, UNICEF guidelines 2006).
func transferChild(c *check) {
	if !c.enters("sent", "accepted", "departed") || !IsChild(c.w, c.after.Case) {
		return
	}
	if !c.bestInterest(c.after.Text("best_interest_decision")) {
		c.holdState("transfer_needs_best_interest")
	}
}

// bestInterest says whether a document is a best-interest decision of this
// case that stands.
func (c *check) bestInterest(id string) bool {
	d, ok := c.w.Row("documents", id)
	return ok && d.Case == c.after.Case && d.Text("kind") == "best_interest_decision" && d.Text("status") != "cancelled"
}

// transferReturn lets nobody be returned who does not want to, or to a place
// that nobody has looked at (R28).
func transferReturn(c *check) {
	if c.after.Text("kind") != "return" || !c.enters("sent", "accepted", "departed") {
		return
	}
	if v, known := c.after.Get("voluntary").Bool(); !known || !v {
		c.holdState("return_not_voluntary")
		return
	}
	r, ok := c.w.Row("risk_assessments", c.after.Text("risk_assessment"))
	at, known := r.Get("assessed_on").Time()
	switch {
	case !ok || r.Case != c.after.Case || r.Text("status") == "superseded":
		c.holdState("return_needs_assessment")
	case !known || c.now.Sub(at) > RiskFresh || at.After(c.now.Add(24*time.Hour)): // a day of grace for time zones
		c.holdState("return_assessment_old")
	case returnUnsafe(r):
		c.holdState("return_unsafe")
	}
	if safe, known := c.after.Get("safe_to_travel").Bool(); known && !safe {
		c.holdState("return_unsafe")
	}
}

// returnUnsafe says whether any answer of an assessment speaks against the
// return: the worker's, or the person's own.
func returnUnsafe(r Row) bool {
	for _, f := range []string{"level", "survivor_level"} {
		if l := r.Text(f); l == "high" || l == "imminent" {
			return true
		}
	}
	for _, f := range []string{"safe_to_return", "safe_to_travel"} {
		if safe, known := r.Get(f).Bool(); known && !safe {
			return true
		}
	}
	return len(r.Get("unsafe_answers").List()) > 0
}

// transferAccepted lets responsibility move only when both sides say so.
func transferAccepted(c *check) {
	accepted := hasPlain(c.after, "receiver_accepted_at")
	switch {
	case c.enters("accepted", "departed", "arrived", "completed") && !accepted:
		c.holdState("transfer_not_accepted")
	case c.enters("departed") && !hasPlain(c.after, "departure_at"):
		c.holdState("transfer_needs_departure")
	}
	if s := c.after.Text("status"); !accepted || s != "arrived" && s != "completed" {
		c.holdSet("responsibility_moved_at", "transfer_not_accepted")
	}
}

// referralConsent: consent before any contact (nrm.bg SOP 1.4).
func referralConsent(c *check) {
	if c.after.Text("direction") != "outgoing" || !c.enters("sent") {
		return
	}
	if c.consentStands(c.after.Text("consent"), ReferralPurpose) {
		return
	}
	if org, ok := c.w.Row("organisations", c.after.Text("receiving_org")); ok && c.sharesSomething(ShareRequest{
		Purpose: ReferralPurpose, Action: Share, RecipientKind: ToOrganisation, RecipientOrg: org.ID, RecipientOrgKind: org.Text("kind"),
		RecipientCountry: org.Text("country")}) {
		return
	}
	c.holdState("referral_needs_consent")
}

package care

// rules is the conditions that a record must meet beside its machine and its
// required fields, by collection.
var rules = map[string][]rule{
	"cases":                 {caseClosing, caseMerged, caseOwnRisk, caseOwner, approves("closure_approved_by")},
	"survivors":             {},
	"consents":              {consentEnd, consentInformed, consentWitness, consentGiver, consentOnlyNarrows},
	"risk_assessments":      {twoPeople("approved_by"), needs("approved", "approved_by", "approval_missing")},
	"identifier_links":      {linkConsent},
	"stays":                 {stayDates, stayBed, stayPerson},
	"beds":                  {bedState},
	"incidents":             {incidentReport},
	"screenings":            {screeningScore},
	"legal_matters":         {matterPathway},
	"hearings":              {hearingTestimony},
	"deadlines":             {deadlineMissed},
	"custody_events":        {custodyNumber},
	"claims":                {needs("filed", "filed_on", "claim_needs_date"), needs("awarded", "decided_on", "claim_needs_date"), needs("settled", "decided_on", "claim_needs_date"), claimPaid},
	"payments":              {twoPeople("approved_by"), twoPeople("oversight_reviewer", "approved_by"), paymentFixed, paymentSteps},
	"compelled_disclosures": {approves("first_approver"), approves("second_approver", "first_approver"), compelledFixed, compelledSteps},
	"plans":                 {twoPeople("approved_by")},
	"goals":                 {goalReached},
	"livelihood_grants":     {twoPeople("approved_by"), livelihoodSteps},
	"follow_ups":            {followUpSteps},
	"referrals":             {referralConsent, needs("rejected", "reject_reason", "referral_needs_reason"), needs("done", "outcome", "referral_needs_outcome")},
	"transfers":             {transferConsented, transferChild, transferReturn, transferAccepted, needs("failed", "failure_reason", "transfer_needs_reason"), needs("cancelled", "cancel_reason", "transfer_needs_reason")},
	"tasks":                 {taskOfRule, taskContact},
	"documents":             {documentMade, documentHandOut},
	"feedbacks":             {feedbackHandler},
	"grants":                {grantTerm, grantHolder, grantAgreed, grantReview},
	"staff":                 {staffOwnRoles, staffPowers, staffLastApprover},
	"devices":               {deviceRevoked},
}

// needs holds the step into a state while a field has nothing in it. That
// there is no value, and why, is an answer too.
func needs(state, field, reason string) rule {
	return func(c *check) {
		if c.enters(state) && !c.after.Get(field).IsSet() {
			c.holdState(reason)
		}
	}
}

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

// twoPeople is approves, and the approver is not who made the record (R29).
func twoPeople(field string, others ...string) rule {
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
	}
}

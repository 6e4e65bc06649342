package care

// rules is the conditions that a record must meet beside its machine and its
// required fields, by collection.
var rules = map[string][]rule{
	"cases":                 {caseClosing, caseMerged, caseOwnRisk, caseOwner, approves("closure_approved_by")},
	"survivors":             {},
	"consents":              {consentEnd, consentInformed, consentWitness, consentGiver, consentOnlyNarrows},
	"risk_assessments":      {twoPeople("approved_by", assessed), fixedOnce("approved_by", assessed), needs("approved", "approved_by", "approval_missing")},
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
	"payments":              {twoPeople("approved_by", payable), fixedOnce("approved_by", payable), twoPeople("oversight_reviewer", paidOut, "approved_by"), fixedOnce("oversight_reviewer", paidOut), paymentBound, paymentSteps},
	"compelled_disclosures": {approves("first_approver"), approves("second_approver", "first_approver"), compelledFixed, compelledSteps},
	"plans":                 {twoPeople("approved_by", planned), fixedOnce("approved_by", planned)},
	"goals":                 {goalReached},
	"livelihood_grants":     {twoPeople("approved_by", granted), fixedOnce("approved_by", granted), livelihoodSteps},
	"follow_ups":            {followUpSteps},
	"referrals":             {referralConsent, needs("rejected", "reject_reason", "referral_needs_reason"), needs("done", "outcome", "referral_needs_outcome")},
	"transfers":             {transferConsented, transferChild, transferReturn, transferAccepted, needs("failed", "failure_reason", "transfer_needs_reason"), needs("cancelled", "cancel_reason", "transfer_needs_reason")},
	"tasks":                 {taskOfRule, taskOfReview, taskContact},
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

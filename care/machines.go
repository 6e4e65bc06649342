package care

// The states of the records, as data. Which conditions a step needs is said
// by the rules (rules.go); which step exists is said here, once.

var caseMachine = &Machine{
	Field:   "status",
	Initial: []string{"Active", "FollowUp", "Closed", "ClosedReferred"},
	Steps: map[string][]string{
		"Active":         {"FollowUp", "Closed", "ClosedReferred"},
		"FollowUp":       {"Active", "Closed", "ClosedReferred"},
		"Closed":         {"Active", "FollowUp"},
		"ClosedReferred": {"Active", "FollowUp", "Closed"},
	},
}

// consentMachine never leads back to "given": who agrees again gives a new
// consent, with its own end.
var consentMachine = &Machine{
	Field:   "status",
	Initial: []string{"given", "withdrawn", "expired"},
	Steps: map[string][]string{
		"given":   {"withdrawn", "expired"},
		"expired": {"withdrawn"},
	},
}

var grantMachine = &Machine{
	Field:   "status",
	Initial: []string{"active"},
	Steps:   map[string][]string{"active": {"ended"}},
}

// bedMachine is what staff say of a bed. Whether somebody sleeps in it
// follows from the stays.
var bedMachine = &Machine{
	Field:   "state",
	Initial: []string{"available", "blocked"},
	Steps: map[string][]string{
		"available": {"held", "occupied", "blocked"},
		"held":      {"available", "occupied", "blocked"},
		"occupied":  {"available", "held", "blocked"}, // held: somebody is expected next
		"blocked":   {"available"},
	},
}

// stayMachine lets a stay that is over be written down after the fact.
var stayMachine = &Machine{
	Field:   "status",
	Initial: []string{"planned", "checked_in", "checked_out"},
	Steps: map[string][]string{
		"planned":    {"checked_in", "cancelled"},
		"checked_in": {"checked_out"},
	},
}

// referralMachine is Primero's (in_progress, accepted, rejected, done,
// revoked) with what a referral between organisations without a shared
// system needs besides.
var referralMachine = &Machine{
	Field:   "status",
	Initial: []string{"draft", "sent", "received"},
	Steps: map[string][]string{
		"draft":       {"sent", "revoked", "withdrawn_by_survivor"},
		"sent":        {"received", "in_progress", "accepted", "rejected", "expired", "revoked", "withdrawn_by_survivor"},
		"received":    {"in_progress", "accepted", "rejected", "expired", "revoked", "withdrawn_by_survivor"},
		"in_progress": {"accepted", "rejected", "expired", "revoked", "withdrawn_by_survivor"},
		"accepted":    {"done", "revoked", "withdrawn_by_survivor"},
		"rejected":    {"draft"},
		"expired":     {"sent"},
	},
}

// transferMachine goes on only forward, but a person who was thought lost on
// the way may still arrive.
var transferMachine = &Machine{
	Field:   "status",
	Initial: []string{"draft"},
	Steps: map[string][]string{
		"draft":     {"consented", "cancelled"},
		"consented": {"draft", "sent", "cancelled"},
		"sent":      {"accepted", "refused", "cancelled"},
		"refused":   {"draft", "cancelled"},
		"accepted":  {"departed", "cancelled"},
		"departed":  {"arrived", "failed"},
		"arrived":   {"completed", "failed"},
		"failed":    {"arrived"},
	},
}

var taskMachine = &Machine{
	Field:   "status",
	Initial: []string{"open", "done"},
	Steps: map[string][]string{
		"open":      {"done", "cancelled"},
		"done":      {"open"},
		"cancelled": {"open"},
	},
}

// documentMachine: what was handed out cannot be cancelled, only listed as
// not recallable (R20).
var documentMachine = &Machine{
	Field:   "status",
	Initial: []string{"prepared", "kept"},
	Steps: map[string][]string{
		"prepared":   {"handed_out", "cancelled"},
		"kept":       {"handed_out", "cancelled"},
		"handed_out": {"not_recallable"},
	},
}

var linkMachine = &Machine{
	Field:   "status",
	Initial: []string{"active"},
	Steps:   map[string][]string{"active": {"merged", "revoked"}, "merged": {"revoked"}},
}

var assessmentMachine = &Machine{
	Field:   "status",
	Initial: []string{"preliminary", "final"},
	Steps: map[string][]string{
		"preliminary": {"final", "superseded"},
		"final":       {"approved", "superseded"},
		"approved":    {"superseded"},
	},
}

var safetyPlanMachine = &Machine{
	Field:   "status",
	Initial: []string{"draft", "active"},
	Steps: map[string][]string{
		"draft":  {"active", "superseded", "ended"},
		"active": {"superseded", "ended"},
		"ended":  {"active"},
	},
}

var facilityMachine = &Machine{
	Field:   "status",
	Initial: []string{"open", "suspended", "closed"},
	Steps: map[string][]string{
		"open":      {"suspended", "closed"},
		"suspended": {"open", "closed"},
		"closed":    {"open"},
	},
}

var incidentMachine = &Machine{
	Field:   "status",
	Initial: []string{"open"},
	Steps: map[string][]string{
		"open":     {"reviewed"},
		"reviewed": {"closed", "open"},
		"closed":   {"open"},
	},
}

var feedbackMachine = &Machine{
	Field:   "status",
	Initial: []string{"received"},
	Steps: map[string][]string{
		"received":     {"acknowledged", "in_review", "resolved"},
		"acknowledged": {"in_review", "resolved"},
		"in_review":    {"resolved"},
		"resolved":     {"appealed", "closed"},
		"appealed":     {"in_review", "resolved"},
	},
}

var setAsideMachine = &Machine{
	Field:   "status",
	Initial: []string{"open"},
	Steps:   map[string][]string{"open": {"placed", "dismissed"}, "dismissed": {"open"}},
}

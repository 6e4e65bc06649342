package care

var referralCodes = []*CodeList{
	{Name: "referral_directions", Source: "HTCDS 2.0 cas_, incoming and outgoing", Codes: []string{
		"incoming", "outgoing",
	}},
	{Name: "referral_states", Source: "Primero v2 referral states, and local", Codes: []string{
		"draft", "sent", "received", "in_progress", "accepted", "rejected", "done", "revoked", "expired",
		"withdrawn_by_survivor",
	}},
	{Name: "referral_outcomes", Source: "Primero v2 service referral outcomes", Codes: []string{
		"referred", "provided_by_own_agency", "already_received", "declined_by_survivor",
		"service_unavailable", "not_applicable",
	}},
	{Name: "hud_referral_results", Source: "HUD HMIS Data Standards FY2024, 4.20 coordinated entry event, referral result", Codes: []string{
		"1", "2", "3",
	}},
	{Name: "reject_reasons", Source: "local", Codes: []string{
		"no_capacity", "not_eligible", "outside_area", "no_language", "unsafe_here",
		"missing_information", "person_declined", "service_ended", "other",
	}},
	{Name: "accompaniments", Source: "local", Codes: []string{
		"nobody", "staff", "volunteer", "cultural_mediator", "guardian", "medical_escort",
		"police_asked_by_person", "family", "friend",
	}},
	{Name: "transfer_kinds", Source: "ICMPD TRM guidelines, stages 3 and 4", Codes: []string{
		"transfer", "return", "onward",
	}},
	{Name: "transfer_states", Source: "local, after FHIR R4 task-status", Codes: []string{
		"draft", "consented", "sent", "accepted", "refused", "departed", "arrived", "completed",
		"cancelled", "failed",
	}},
	{Name: "transports", Source: "local", Codes: []string{
		"air", "rail", "bus", "car", "sea", "foot", "mixed",
	}},
	{Name: "check_outcomes", Source: "local", Codes: []string{
		"safe", "safe_with_worries", "unsafe", "not_reached",
	}},
	{Name: "transfer_cancel_reasons", Source: "local", Codes: []string{
		"person_changed_mind", "consent_withdrawn", "not_safe", "no_acceptance", "no_documents",
		"illness", "plan_changed", "other",
	}},
	{Name: "transfer_failures", Source: "local", Codes: []string{
		"did_not_depart", "did_not_arrive", "turned_back_at_border", "detained", "missed_connection",
		"left_on_the_way", "illness", "unknown", "other",
	}},
}

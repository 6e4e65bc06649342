package care

var referralCodes = []*CodeList{
	{Name: "transfer_kinds", Source: "ICMPD TRM guidelines, stages 3 and 4", Codes: []string{
		"transfer", "return", "onward",
	}},
	{Name: "transfer_states", Source: "local, after FHIR R4 task-status", Codes: []string{
		"draft", "consented", "sent", "accepted", "refused", "departed", "arrived", "completed",
		"cancelled", "failed",
	}},
}

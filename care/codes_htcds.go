package care

var htcdsCodes = []*CodeList{
	{Name: "case_states", Source: "HTCDS 2.0 cas_Status (IOM, CC BY 4.0)", Codes: []string{
		"Active", "FollowUp", "Closed", "ClosedReferred",
	}},
	{Name: "genders", Source: "HTCDS 2.0 prs_Gender (IOM, CC BY 4.0)", Codes: []string{
		"Feminine", "Masculine", "TransgenderFeminine", "TransgenderMasculine", "NonConforming",
		"NonSpecifiedUnknown",
	}},
}

package care

var shelterCodes = []*CodeList{
	{Name: "facility_states", Source: "FHIR R4 location-status, in words of the field", Codes: []string{
		"open", "suspended", "closed",
	}},
	{Name: "bed_states", Source: "Open Path HMIS and Sahana Eden MRCMS, joined", Codes: []string{
		"available", "held", "occupied", "blocked",
	}},
	{Name: "stay_states", Source: "Sahana Eden MRCMS, check-in states", Codes: []string{
		"planned", "checked_in", "checked_out", "cancelled",
	}},
}

package care

var screeningCodes = []*CodeList{
	{Name: "screening_tools", Source: "local names; sources in screening.go", Codes: []string{ToolPHQ9, ToolPHQ2, ToolGAD7, ToolPCL5, ToolAUDITC}},
	{Name: "screening_bands", Source: "local names; sources in screening.go", Codes: []string{
		BandMinimal, BandMild, BandModerate, BandModeratelySevere, BandSevere, BandNegative, BandPositive}},
	{Name: "screening_flags", Source: "local names; sources in screening.go", Codes: []string{FlagSelfHarm, FlagOfferPHQ9, FlagClinicianReview, FlagClusterRule}},
	{Name: "screening_modes", Source: "local", Codes: []string{"read_aloud", "self_completed", "phone", "interpreter", "audio"}},
}

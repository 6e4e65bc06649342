package care

var organisationCodes = []*CodeList{
	{Name: "roles", Source: "local; docs/terms.md", Codes: codesOf(Roles)},
	{Name: "compartments", Source: "local; docs/terms.md", Codes: codesOf(Compartments)},
	{Name: "organisation_kinds", Source: "HTCDS 2.0 org_Type (IOM, CC BY 4.0) and local", Codes: []string{
		"NGO", "LawEnforcement", "HealthServiceOrganisation", "CentralGovernmentOrganisation",
		"LocalGovernmentOrganisation", "ImmigrationService", "LegalService", "CorporateBusiness",
		"SchoolOrCollege", "intergovernmental_organisation", "embassy_consulate", "faith_community",
		"other",
	}},
	{Name: "organisation_states", Source: "local", Codes: []string{
		"active", "suspended", "closed",
	}},
	{Name: "time_zones", Source: "IANA time zone database", Open: true, Pattern: `[A-Z][A-Za-z0-9_+\-]*(/[A-Za-z0-9_+\-]+){0,2}`, Codes: []string{
		"UTC", "Africa/Addis_Ababa", "Africa/Lagos", "Africa/Nairobi", "America/Bogota",
		"America/Los_Angeles", "America/Mexico_City", "America/New_York", "America/Sao_Paulo",
		"Asia/Bangkok", "Asia/Beirut", "Asia/Dhaka", "Asia/Kathmandu", "Asia/Kolkata",
		"Asia/Kuala_Lumpur", "Asia/Kuwait", "Asia/Manila", "Asia/Phnom_Penh", "Asia/Shanghai",
		"Asia/Tokyo", "Asia/Yangon", "Europe/Berlin", "Europe/Bucharest", "Europe/Istanbul",
		"Europe/Kyiv", "Europe/London", "Europe/Madrid", "Europe/Paris", "Europe/Rome", "Europe/Sofia",
	}},
	{Name: "staff_states", Source: "local", Codes: []string{
		"active", "left",
	}},
	{Name: "team_states", Source: "local", Codes: []string{
		"active", "closed",
	}},
	{Name: "team_duties", Source: "local", Codes: []string{
		"member", "lead", "deputy",
	}},
	{Name: "trainings", Source: "local", Codes: []string{
		"trauma_informed_care", "data_protection", "child_safeguarding", "psea", "first_aid",
		"psychological_first_aid", "suicide_prevention", "evidence_handling", "interpreting",
		"medication_handling",
	}},
	{Name: "service_kinds", Source: "local", Codes: []string{
		"shelter", "health", "mental_health", "sexual_reproductive_health", "substance_use", "legal_aid",
		"interpretation", "psychosocial", "education", "vocational_training", "livelihood", "employment",
		"cash_assistance", "food", "documents", "family_tracing", "return_assistance", "child_protection",
		"transport", "hotline",
	}},
	{Name: "service_states", Source: "local", Codes: []string{
		"open", "paused", "closed",
	}},
	{Name: "populations", Source: "local, after Sahana Eden MRCMS", Codes: []string{
		"women", "men", "girls", "boys", "trans_non_binary", "families", "unaccompanied_children",
		"pregnant", "disabled", "elderly", "any",
	}},
	{Name: "interpreting_modes", Source: "local", Codes: []string{
		"in_person", "telephone", "video", "written", "cultural_mediation",
	}},
	{Name: "interpreter_states", Source: "local", Codes: []string{
		"vetted", "unvetted", "suspended", "left",
	}},
	{Name: "funding_states", Source: "local", Codes: []string{
		"planned", "active", "ended",
	}},
	{Name: "device_states", Source: "local", Codes: []string{
		"enrolled", "revoked",
	}},
	{Name: "revocation_reasons", Source: "local", Codes: []string{
		"lost", "stolen", "seized", "staff_left", "replaced", "other",
	}},
	{Name: "code_entry_states", Source: "local", Codes: []string{
		"active", "retired",
	}},
	{Name: "grant_states", Source: "local", Codes: []string{
		"active", "ended",
	}},
	{Name: "grant_reasons", Source: "local", Codes: []string{
		"owner", "team_member", "specialist", "cover", "handover", "emergency", "review",
	}},
	{Name: "grant_kinds", Source: "local (R30)", Codes: []string{
		"ordinary", "break_glass",
	}},
	{Name: "emergency_kinds", Source: "local, after HL7 v3 PurposeOfUse ETREAT and BTG", Codes: []string{
		"danger_to_life", "medical", "missing_person", "child_in_danger", "violence_in_house", "nobody_reachable", "other",
	}},
	{Name: "emergency_findings", Source: "local (R30)", Codes: []string{
		"justified", "partly_justified", "not_justified",
	}},
	{Name: "grant_end_reasons", Source: "local", Codes: []string{
		"date_passed", "case_closed", "left_team", "no_longer_needed", "person_asked", "consent_ended", "revoked",
	}},
}

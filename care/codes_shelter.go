package care

var shelterCodes = []*CodeList{
	{Name: "facility_states", Source: "FHIR R4 location-status, in words of the field", Codes: []string{
		"open", "suspended", "closed",
	}},
	{Name: "facility_kinds", Source: "local, after Sahana Eden MRCMS", Codes: []string{
		"emergency", "transitional", "long_term", "safe_flat", "hotel_or_voucher", "child_only",
		"reception", "day_centre",
	}},
	{Name: "gender_rules", Source: "local", Codes: []string{
		"women", "men", "all", "families",
	}},
	{Name: "inspection_results", Source: "local, after Sahana Eden MRCMS, shelter inspection", Codes: []string{
		"passed", "passed_with_conditions", "failed",
	}},
	{Name: "inspection_flags", Source: "local, after Sahana Eden MRCMS, shelter inspection", Codes: []string{
		"fire_safety", "hygiene", "overcrowding", "security", "child_safety", "accessibility",
		"electricity", "water", "heating", "repairs", "privacy",
	}},
	{Name: "unit_kinds", Source: "FHIR R4 location-physical-type, in words", Codes: []string{
		"room", "flat", "dormitory", "corridor", "voucher",
	}},
	{Name: "unit_states", Source: "local", Codes: []string{
		"open", "closed",
	}},
	{Name: "unit_attributes", Source: "local", Codes: []string{
		"ground_floor", "own_bathroom", "own_kitchen", "lockable_from_inside", "connecting_room",
		"cot_space", "quiet", "wheelchair_space", "window_secured",
	}},
	{Name: "blocked_reasons", Source: "Sahana Eden MRCMS, blocked capacity", Codes: []string{
		"maintenance", "closed_group", "reserved", "isolation", "security", "cleaning",
	}},
	{Name: "bed_kinds", Source: "local", Codes: []string{
		"bed", "upper_bunk", "lower_bunk", "crib", "sofa", "mattress",
	}},
	{Name: "bed_states", Source: "Open Path HMIS and Sahana Eden MRCMS, joined", Codes: []string{
		"available", "held", "occupied", "blocked",
	}},
	{Name: "hud_household_types", Source: "HUD HMIS Data Standards FY2024, 2.07 bed inventory, household type", Codes: []string{
		"1", "3", "4",
	}},
	{Name: "hud_bed_types", Source: "HUD HMIS Data Standards FY2024, 2.07 bed inventory, bed type", Codes: []string{
		"1", "2", "3",
	}},
	{Name: "hud_bed_availability", Source: "HUD HMIS Data Standards FY2024, 2.07 bed inventory, availability", Codes: []string{
		"1", "2", "3",
	}},
	{Name: "stay_states", Source: "Sahana Eden MRCMS, check-in states", Codes: []string{
		"planned", "checked_in", "checked_out", "cancelled",
	}},
	{Name: "absence_states", Source: "local, after Sahana Eden MRCMS, presence", Codes: []string{
		"present", "on_leave", "absent", "missing",
	}},
	{Name: "move_reasons", Source: "local", Codes: []string{
		"safety", "health", "family_together", "conflict", "repair", "step_down", "person_asked", "other",
	}},
	// The codes are HUD's own numbers, and three of ours: HUD's list ends at a border.
	{Name: "hud_destinations", Source: "HUD HMIS Data Standards FY2024, 3.12 destination, and local", Codes: []string{
		"101", "116", "118", "204", "205", "206", "207", "215", "225", "302", "312", "313", "314", "327",
		"329", "332", "410", "411", "421", "422", "423", "426", "435", "17", "24", "30", "8", "9",
		"99", "shelter_abroad", "own_home_abroad", "family_abroad",
	}},
	{Name: "exit_reasons", Source: "local, after Sahana Eden MRCMS", Codes: []string{
		"goals_met", "moved_on", "transferred", "returned", "person_chose", "rules", "safety",
		"left_without_notice", "hospital", "detained", "deceased", "place_closed",
	}},
	{Name: "incident_kinds", Source: "local, after Sahana Eden MRCMS", Codes: []string{
		"intrusion", "trafficker_contact", "missing", "self_harm", "violence", "medical", "theft",
		"staff_misconduct", "data_breach", "fire", "conflict", "other",
	}},
	{Name: "incident_states", Source: "local", Codes: []string{
		"open", "reviewed", "closed",
	}},
	{Name: "severities", Source: "local", Codes: []string{
		"minor", "moderate", "serious", "critical",
	}},
	{Name: "report_bodies", Source: "local (R1: each needs the person's consent or the law's order)", Codes: []string{
		"police", "child_protection", "health_authority", "data_protection_authority", "embassy", "donor",
		"other",
	}},
	{Name: "unmet_reasons", Source: "local, after the Safe Shelter Collaborative", Codes: []string{
		"full", "not_for_this_group", "children_not_taken", "no_accessible_place", "too_dangerous_here",
		"health_need_not_met", "language", "staff_short", "person_declined", "other",
	}},
}

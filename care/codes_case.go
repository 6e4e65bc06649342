package care

var caseCodes = []*CodeList{
	{Name: "purposes", Source: "local, after FHIR R4 Consent.provision.purpose and VAWA/FVPSA release practice", Codes: codesOf(Purposes)},
	{Name: "categories", Source: "local; one table with the compartments (docs/terms.md)", Codes: codesOf(Categories)},
	{Name: "actions", Source: "FHIR R4 consentaction, narrowed, and local", Codes: codesOf(Actions)},
	{Name: "recipient_kinds", Source: "FHIR R4 Consent.provision.actor, as kinds", Codes: []string{
		"organisation", "role", "person", "country", "anyone_named",
	}},
	{Name: "consent_decisions", Source: "FHIR R4 consent-provision-type", Codes: []string{
		"permit", "deny",
	}},
	{Name: "consent_states", Source: "local, after FHIR R4 consent-state-codes", Codes: []string{
		"given", "withdrawn", "expired",
	}},
	{Name: "consent_modes", Source: "local; IOM Data Protection Manual 2010, principle 4 (consent)", Codes: []string{
		"written", "thumbprint", "verbal_witnessed",
	}},
	{Name: "consent_checklist", Source: "HTCDS 2.0 con_Consent, the seven points of guidance (IOM, CC BY 4.0)", Codes: []string{
		"agrees_to_interview", "told_purpose", "told_data_use", "told_research_use", "told_right_to_data",
		"told_retention", "told_withdrawal",
	}},
	{Name: "consent_givers", Source: "local; UNICEF Guidelines on the Protection of Child Victims of Trafficking 2006", Codes: []string{
		"self", "guardian", "legal_guardian_appointed", "child_assent", "court", "best_interest_decision",
	}},
	{Name: "risk_levels", Source: "local, after IOM Handbook on migrants vulnerable to violence, exploitation and abuse", Codes: []string{
		"low", "medium", "high", "imminent",
	}},
	{Name: "priorities", Source: "local, after FHIR R4 request-priority", Codes: []string{
		"low", "normal", "high", "urgent",
	}},
	{Name: "needs", Source: "local, after HTCDS 2.0 spl_Type and ICMPD TRM stages 2 and 3", Codes: []string{
		"shelter", "safety", "food", "clothing", "health", "mental_health", "sexual_reproductive_health",
		"substance_use", "legal_aid", "documents", "interpretation", "education", "vocational_training",
		"livelihood", "employment", "money", "childcare", "child_protection", "family_tracing",
		"family_mediation", "return", "transport", "psychosocial_support", "disability_support",
		"spiritual_support",
	}},
	{Name: "identification_sources", Source: "local, after HTCDS 2.0 guidance", Codes: []string{
		"self", "hotline", "outreach", "police", "border", "health", "labour_inspection", "NGO",
		"community", "embassy", "other",
	}},
	{Name: "trm_stages", Source: "ICMPD Guidelines for a Transnational Referral Mechanism, five stages", Codes: []string{
		"identification", "first_assistance_and_protection", "long_term_assistance_and_social_inclusion",
		"return_and_social_inclusion", "criminal_and_civil_proceedings",
	}},
	{Name: "nrm_pillars", Source: "ODIHR National Referral Mechanisms handbook 2022, four pillars", Codes: []string{
		"identification_and_protection", "individual_support_and_access_to_services", "social_inclusion",
		"criminal_justice_and_redress",
	}},
	{Name: "handover_states", Source: "local", Codes: []string{
		"none", "offered", "accepted", "handed_over", "received", "returned",
	}},
	{Name: "legal_bases", Source: "EU 2016/679 art. 6 and 9; IOM Data Protection Manual 2010", Codes: []string{
		"consent", "vital_interest", "legal_obligation", "public_interest", "legitimate_interest",
	}},
	{Name: "closure_reasons", Source: "Sahana Eden MRCMS and local", Codes: []string{
		"transferred", "departed", "disappeared", "deported", "returned_voluntarily", "deceased",
		"goals_met", "survivor_request", "lost_contact", "not_eligible", "duplicate",
	}},
	{Name: "age_bands", Source: "CTDC global data set, age bands, split below 18 for child protection", Codes: []string{
		"0-8", "9-11", "12-14", "15-17", "18-20", "21-23", "24-26", "27-29", "30-38", "39-47",
		"48_and_over",
	}},
	{Name: "dob_precisions", Source: "local; Primero, estimated age", Codes: []string{
		"day", "month", "year", "estimated", "disputed",
	}},
	{Name: "migrant_types", Source: "HTCDS 2.0 guidance 7, migration status (IOM, CC BY 4.0)", Codes: []string{
		"family", "visitor_tourist", "labour", "student", "irregular",
	}},
	{Name: "protection_statuses", Source: "HTCDS 2.0 guidance 7, migration status (IOM, CC BY 4.0)", Codes: []string{
		"none", "asylum_seeker", "refugee", "complementary_protection", "stateless",
	}},
	{Name: "migration_circumstances", Source: "HTCDS 2.0 guidance 7, migration status (IOM, CC BY 4.0)", Codes: []string{
		"environmental", "vulnerable", "stranded", "forced_migrant", "deportee", "ex_combatant",
		"internally_displaced", "separated_or_unaccompanied_child", "returnee",
	}},
	{Name: "diets", Source: "local", Codes: []string{
		"halal", "kosher", "vegetarian", "vegan", "no_pork", "no_beef", "gluten_free", "lactose_free",
		"diabetic", "pregnancy", "baby_food", "fasting", "other",
	}},
	{Name: "literacies", Source: "local", Codes: []string{
		"none", "reads_a_little", "reads_well", "reads_other_script",
	}},
	{Name: "interpreter_genders", Source: "local", Codes: []string{
		"woman", "man", "no_preference",
	}},
	{Name: "access_needs", Source: "local", Codes: []string{
		"step_free", "wheelchair_space", "grab_rails", "ground_floor", "hearing_loop", "sign_language",
		"large_print", "braille", "easy_read", "pictures", "quiet_room", "carer_alongside", "assistance_animal",
	}},
	{Name: "wg_difficulties", Source: "Washington Group Short Set on Functioning, answers 1 to 4", Codes: []string{
		"no_difficulty", "some_difficulty", "a_lot_of_difficulty", "cannot_do_at_all",
	}},
	{Name: "contact_channels", Source: "local, after FHIR R4 contact-point-system", Codes: []string{
		"in_person", "phone_call", "sms", "messaging_app", "email", "letter", "through_somebody", "none",
	}},
	{Name: "disclosure_bodies", Source: "local; VAWA/FVPSA release practice", Codes: []string{
		"police", "immigration", "embassy", "family", "spouse", "community", "employer", "landlord",
		"school", "health_services", "social_services", "courts", "media", "other_residents", "anybody",
	}},
	{Name: "told_topics", Source: "local; WHO ethical and safety recommendations 2003, principle 8", Codes: []string{
		"recruitment", "journey", "exploitation", "sexual_violence", "violence", "detention", "family",
		"children", "health", "pregnancy", "losses", "debts", "people_involved", "home_country",
	}},
	{Name: "contact_safeguards", Source: "local, after UN Handbook on Restorative Justice Programmes 2020 (R36)", Codes: []string{
		"asked_by_person", "told_of_risks", "may_stop_any_time", "trained_facilitator", "safe_place",
		"support_person", "no_direct_contact", "lawyer_heard",
	}},
	{Name: "carry_choices", Source: "local (R17)", Codes: []string{
		"nothing", "phone", "paper", "both",
	}},
	{Name: "identity_documents", Source: "local", Codes: []string{
		"passport", "identity_card", "residence_permit", "visa", "birth_certificate",
		"marriage_certificate", "travel_document", "refugee_document", "seafarer_book", "driving_licence",
		"health_card", "school_certificate", "work_permit", "other",
	}},
	{Name: "dependent_relations", Source: "HL7 v3 PersonalRelationshipRoleType, narrowed, as words", Codes: []string{
		"child", "stepchild", "foster_child", "grandchild", "sibling", "parent", "spouse",
		"other_relative", "other",
	}},
	{Name: "dependent_places", Source: "local", Codes: []string{
		"unknown", "with_survivor", "with_other_parent", "with_relatives", "in_care",
		"in_country_of_origin", "living_alone", "with_trafficker",
	}},
	{Name: "custody_states", Source: "local", Codes: []string{
		"survivor", "shared", "other_parent", "relatives", "state", "disputed", "none",
	}},
	{Name: "schooling_states", Source: "local", Codes: []string{
		"too_young", "enrolled", "out_of_school", "finished", "dropped_out",
	}},
	{Name: "link_states", Source: "local", Codes: []string{
		"active", "merged", "revoked",
	}},
	{Name: "identification_stages", Source: "CoE Convention art. 10; UK NRM guidance; local", Codes: []string{
		"presumed", "reasonable_grounds", "conclusive_grounds", "self_identified",
		"declined_identification",
	}},
	{Name: "capacity_findings", Source: "local; IOM Data Protection Manual 2010, principle 4 (consent)", Codes: []string{
		"has_capacity", "has_capacity_with_support", "not_now", "not_assessed",
	}},
	{Name: "child_assents", Source: "UNICEF Guidelines on the Protection of Child Victims of Trafficking 2006", Codes: []string{
		"assents", "not_sought", "dissents",
	}},
	{Name: "risk_assessment_kinds", Source: "local", Codes: []string{
		"initial", "periodic", "event", "pre_departure", "pre_return", "digital",
	}},
	{Name: "assessment_states", Source: "FHIR R4 observation-status, narrowed", Codes: []string{
		"preliminary", "final", "approved", "superseded",
	}},
	{Name: "risk_triggers", Source: "local", Codes: []string{
		"intake", "review", "hearing", "media", "release_of_trafficker", "move", "travel",
		"document_issue", "incident", "contact_by_trafficker", "disclosure", "other",
	}},
	{Name: "confidences", Source: "local", Codes: []string{
		"low", "medium", "high",
	}},
	{Name: "individual_factors", Source: "IOM Handbook on migrants vulnerable to violence, exploitation and abuse, determinants", Codes: []string{
		"age", "sex", "nationality_or_ethnicity", "sexual_orientation_or_gender_identity", "education",
		"health", "disability", "mental_health", "pregnancy", "substance_use", "language",
		"immigration_status", "debt", "beliefs", "earlier_violence", "no_documents",
	}},
	{Name: "household_factors", Source: "IOM Handbook on migrants vulnerable to violence, exploitation and abuse, determinants", Codes: []string{
		"family_size", "household_status", "income", "debt", "violence_or_abuse",
		"preferential_treatment_or_discrimination", "migration_history", "separation",
		"care_of_dependents", "forced_marriage",
	}},
	{Name: "community_factors", Source: "IOM Handbook on migrants vulnerable to violence, exploitation and abuse, determinants", Codes: []string{
		"law_enforcement", "local_governance", "education_services", "health_services", "livelihoods",
		"discrimination", "conflict", "natural_disaster", "social_norms", "recruiters_active",
	}},
	{Name: "return_dangers", Source: "local; nrm.bg SOPs, measure 3.2", Codes: []string{
		"trafficker_at_home", "family_involved", "debt_owed", "threats", "no_housing", "no_income",
		"no_care", "stigma", "conflict", "detention", "persecution", "child_at_risk",
	}},
	{Name: "safety_plan_states", Source: "FHIR R4 request-status, narrowed", Codes: []string{
		"draft", "active", "superseded", "ended",
	}},
}

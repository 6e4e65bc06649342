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
	{Name: "consent_modes", Source: "local; IOM Data Protection Manual 2010, principle 5 (consent)", Codes: []string{
		"written", "thumbprint", "verbal_witnessed",
	}},
	{Name: "consent_checklist", Source: "HTCDS 2.0 con_Consent, the seven points of guidance (IOM, CC BY 4.0)", Codes: []string{
		"agrees_to_interview", "told_purpose", "told_data_use", "told_research_use", "told_right_to_data",
		"told_retention", "told_withdrawal",
	}},
	{Name: "consent_givers", Source: "local; UNICEF Guidelines on the Protection of Child Victims of Trafficking 2006", Codes: []string{
		"self", "guardian", "legal_guardian_appointed", "child_assent", "court", "best_interest_decision",
	}},
}

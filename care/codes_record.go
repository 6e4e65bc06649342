package care

var recordCodes = []*CodeList{
	{Name: "task_states", Source: "local, after FHIR R4 task-status", Codes: []string{
		"open", "done", "cancelled",
	}},
	{Name: "task_titles", Source: "local; neutral words only (R22)", Codes: TaskTitles},
	{Name: "task_origins", Source: "local", Codes: []string{
		"person", "rule", "job", "import", "hand_over",
	}},
	{Name: "collections", Source: "the schema itself (docs/terms.md)", Codes: collectionNames(Schema)},
	{Name: "note_kinds", Source: "Sahana Eden MRCMS, note types, and HTCDS 2.0 cco_", Codes: []string{
		"general", "comment", "visit", "call", "medical", "legal", "security",
	}},
	{Name: "document_kinds", Source: "local", Codes: []string{
		"summary", "consent_copy", "data_copy", "access_log", "letter", "identity_document",
		"medical_report", "legal_document", "best_interest_decision", "photo", "certificate", "form",
		"other",
	}},
	{Name: "document_states", Source: "local, after FHIR R4 composition-status", Codes: []string{
		"prepared", "handed_out", "cancelled", "not_recallable", "kept",
	}},
	{Name: "document_editions", Source: "local; docs/summary.md", Codes: []string{
		"paper", "phone",
	}},
	{Name: "document_receivers", Source: "local (R27: never to a child directly)", Codes: []string{
		"person", "guardian", "lawyer", "receiving_worker",
	}},
	{Name: "document_cancel_reasons", Source: "local", Codes: []string{
		"consent_withdrawn", "consent_ended", "plan_changed", "records_changed", "person_declined",
		"mistake",
	}},
	{Name: "summary_sections", Source: "HL7 FHIR IPS, sections of the composition, and local", Codes: []string{
		"alerts", "problems", "medications", "allergies", "immunizations", "results", "procedures",
		"pregnancy", "functional_status", "past_problems", "social_history", "plan_of_care", "contacts",
		"legal", "needs", "identity", "children", "mental_health", "sexual_health", "hiv",
	}},
	{Name: "feedback_kinds", Source: "local", Codes: []string{
		"satisfaction", "praise", "suggestion", "complaint", "correction", "objection",
	}},
	{Name: "feedback_states", Source: "local", Codes: []string{
		"received", "acknowledged", "in_review", "resolved", "appealed", "closed",
	}},
	{Name: "feedback_channels", Source: "local", Codes: []string{
		"in_person", "through_somebody", "phone_call", "message", "box", "letter", "app", "hotline",
	}},
	{Name: "feedback_categories", Source: "local; sexual exploitation and abuse as in ST/SGB/2003/13", Codes: []string{
		"service", "staff_conduct", "sexual_exploitation_or_abuse", "data_breach", "payment",
		"food_or_housing", "discrimination", "other",
	}},
	{Name: "feedback_outcomes", Source: "local", Codes: []string{
		"upheld", "partly_upheld", "not_upheld", "withdrawn", "referred_on", "no_answer_wanted",
	}},
	{Name: "import_sources", Source: "local", Codes: []string{
		"htcds_table", "htcds_xform", "fhir_bundle", "hand_over", "paper_capsule", "other",
	}},
	{Name: "set_aside_reasons", Source: "local", Codes: []string{
		"unknown_field", "unknown_code", "wrong_type", "too_long", "no_place_for_it", "no_such_reference",
		"second_value", "not_allowed", "unsupported_resource",
	}},
	{Name: "set_aside_states", Source: "local", Codes: []string{
		"open", "dismissed", "placed",
	}},
}

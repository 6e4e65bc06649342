package care

var recordCodes = []*CodeList{
	{Name: "task_states", Source: "local, after FHIR R4 task-status", Codes: []string{
		"open", "done", "cancelled",
	}},
	{Name: "task_titles", Source: "local; neutral words only (R22)", Codes: TaskTitles},
	{Name: "collections", Source: "the schema itself (docs/terms.md)", Codes: nil, Open: true, Pattern: `[a-z_]+`},
	{Name: "document_kinds", Source: "local, after HL7 v3 document class", Codes: []string{
		"summary", "consent_copy", "data_copy", "access_log", "letter", "identity_document",
		"medical_report", "legal_document", "photo_document", "certificate", "form", "other",
	}},
	{Name: "document_states", Source: "local, after FHIR R4 composition-status", Codes: []string{
		"prepared", "handed_out", "cancelled", "not_recallable", "kept",
	}},
}

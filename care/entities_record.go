package care

var recordEntities = []*Entity{
	{
		Name:    "tasks",
		Doc:     "Something that somebody has to do by a time; its title comes from a catalogue of neutral words (R22).",
		FHIR:    "Task",
		Machine: taskMachine,
		Fields: []Field{
			{Name: "title_key", Type: Code, Codes: "task_titles", Compartment: General, Sensitivity: Normal, Merge: Once, Purpose: ServiceDelivery, FHIR: "Task.code", Required: true, Routing: true},
			{Name: "due_at", Type: Time, Compartment: General, Sensitivity: Normal, Merge: Ask, Purpose: ServiceDelivery, FHIR: "Task.restriction.period.end", Routing: true},
			{Name: "status", Type: Code, Codes: "task_states", Compartment: General, Sensitivity: Normal, Merge: Ask, Purpose: ServiceDelivery, FHIR: "Task.status", Required: true, Routing: true},
			{Name: "assignee", Type: Ref, Ref: "staff", Compartment: General, Sensitivity: Normal, Merge: Ask, Purpose: ServiceDelivery, FHIR: "Task.owner", Routing: true},
			{Name: "subject_collection", Type: Code, Codes: "collections", Compartment: General, Sensitivity: Normal, Merge: Once, Purpose: ServiceDelivery, Routing: true},
			{Name: "subject", Type: Text, Compartment: General, Sensitivity: Normal, Merge: Once, Purpose: ServiceDelivery, FHIR: "Task.focus", Max: 36, Routing: true},
		},
	},
	{
		Name:    "documents",
		Doc:     "A document that belongs to the case: made here, or received, or given out.",
		FHIR:    "DocumentReference",
		Machine: documentMachine,
		Fields: []Field{
			{Name: "kind", Type: Code, Codes: "document_kinds", Compartment: General, Sensitivity: Normal, Merge: Once, Purpose: ServiceDelivery, FHIR: "DocumentReference.type", Required: true, Routing: true},
			{Name: "purpose", Type: Code, Codes: "purposes", Compartment: General, Sensitivity: Restricted, Merge: Once, Purpose: ServiceDelivery},
			{Name: "version", Type: Int, Compartment: General, Sensitivity: Normal, Merge: Once, Purpose: ServiceDelivery, Routing: true},
			{Name: "status", Type: Code, Codes: "document_states", Compartment: General, Sensitivity: Normal, Merge: Ask, Purpose: ServiceDelivery, FHIR: "DocumentReference.docStatus", Required: true, Routing: true},
			{Name: "sha256", Type: Text, Compartment: General, Sensitivity: Restricted, Merge: Once, Purpose: ServiceDelivery, FHIR: "DocumentReference.content.attachment.hash", Max: 64},
			{Name: "size", Type: Int, Compartment: General, Sensitivity: Restricted, Merge: Once, Purpose: ServiceDelivery, FHIR: "DocumentReference.content.attachment.size"},
			{Name: "mime", Type: Text, Compartment: General, Sensitivity: Restricted, Merge: Once, Purpose: ServiceDelivery, FHIR: "DocumentReference.content.attachment.contentType", Max: 127},
			{Name: "languages", Type: Codes, Codes: "languages", Compartment: General, Sensitivity: Restricted, Merge: Once, Purpose: ServiceDelivery, FHIR: "DocumentReference.content.attachment.language"},
			{Name: "transfer", Type: Ref, Ref: "transfers", Compartment: General, Sensitivity: Normal, Merge: Once, Purpose: ServiceDelivery, Routing: true},
			{Name: "handed_out_at", Type: Time, Compartment: General, Sensitivity: Normal, Merge: Once, Purpose: ServiceDelivery, Routing: true},
			{Name: "handed_out_by", Type: Ref, Ref: "staff", Compartment: General, Sensitivity: Normal, Merge: Once, Purpose: ServiceDelivery, Routing: true},
		},
	},
}

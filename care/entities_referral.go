package care

var referralEntities = []*Entity{
	{
		Name:    "transfers",
		Doc:     "A move of the person, and of the responsibility for them, to another country or organisation.",
		FHIR:    "ServiceRequest",
		Machine: transferMachine,
		Fields: []Field{
			{Name: "kind", Type: Code, Codes: "transfer_kinds", Compartment: General, Sensitivity: Normal, Merge: Ask, Purpose: CrossBorderTransfer, FHIR: "ServiceRequest.category", Required: true, Routing: true},
			{Name: "status", Type: Code, Codes: "transfer_states", Compartment: General, Sensitivity: Normal, Merge: Ask, Purpose: CrossBorderTransfer, FHIR: "Task.status", Required: true, Routing: true},
			{Name: "destination_country", Type: Code, Codes: "countries", Compartment: General, Sensitivity: Restricted, Merge: Ask, Purpose: CrossBorderTransfer},
			{Name: "receiving_org", Type: Ref, Ref: "organisations", Compartment: General, Sensitivity: Restricted, Merge: Ask, Purpose: CrossBorderTransfer, FHIR: "Task.owner"},
			{Name: "departure_at", Type: Time, Compartment: General, Sensitivity: Normal, Merge: Ask, Purpose: CrossBorderTransfer, FHIR: "Task.restriction.period", Routing: true},
			{Name: "languages", Type: Codes, Codes: "languages", Compartment: General, Sensitivity: Normal, Merge: Union, Purpose: CrossBorderTransfer},
			{Name: "voluntary", Type: Bool, Compartment: General, Sensitivity: Restricted, Merge: Safer, Safer: Comparator{Order: []string{"true", "false"}}, Purpose: CrossBorderTransfer},
			{Name: "voluntary_statement", Type: LongText, Compartment: General, Sensitivity: Restricted, Merge: Latest, Purpose: CrossBorderTransfer},
			{Name: "risk_assessment", Type: Ref, Ref: "risk_assessments", Compartment: General, Sensitivity: Restricted, Merge: Ask, Purpose: CrossBorderTransfer},
			{Name: "receiver_accepted_at", Type: Time, Compartment: General, Sensitivity: Normal, Merge: Ask, Purpose: CrossBorderTransfer, Routing: true},
			{Name: "arrived_at", Type: Time, Compartment: General, Sensitivity: Normal, Merge: Ask, Purpose: CrossBorderTransfer, Routing: true},
		},
	},
}

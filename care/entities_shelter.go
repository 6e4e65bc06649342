package care

var shelterEntities = []*Entity{
	{
		Name:  "facilities",
		Doc:   "A house, flat or other place where people stay; known by its alias, its address in the location compartment.",
		Topic: Facilities,
		FHIR:  "Location",
		Fields: []Field{
			{Name: "alias", Type: Text, Compartment: General, Sensitivity: Normal, Merge: Latest, Purpose: ServiceDelivery, FHIR: "Location.name", Required: true, Search: true},
			{Name: "status", Type: Code, Codes: "facility_states", Compartment: General, Sensitivity: Normal, Merge: Ask, Purpose: ServiceDelivery, FHIR: "Location.status", Routing: true},
			{Name: "address", Type: Object, Compartment: Location, Sensitivity: VeryRestricted, Labels: []Label{LabelLocation}, Merge: Latest, Purpose: ServiceDelivery, FHIR: "Location.address", Canary: true},
		},
	},
	{
		Name:  "units",
		Doc:   "A room or flat of a facility, or a group of its beds.",
		Topic: Facilities,
		FHIR:  "Location",
		Fields: []Field{
			{Name: "facility", Type: Ref, Ref: "facilities", Compartment: General, Sensitivity: Normal, Merge: Ask, Purpose: ServiceDelivery, FHIR: "Location.partOf", Required: true, Routing: true},
			{Name: "name", Type: Text, Compartment: General, Sensitivity: Normal, Merge: Latest, Purpose: ServiceDelivery, FHIR: "Location.name", Required: true, Search: true},
		},
	},
	{
		Name:    "beds",
		Doc:     "One bed.",
		Topic:   Facilities,
		FHIR:    "Location",
		Machine: bedMachine,
		Fields: []Field{
			{Name: "unit", Type: Ref, Ref: "units", Compartment: General, Sensitivity: Normal, Merge: Ask, Purpose: ServiceDelivery, FHIR: "Location.partOf", Required: true, Routing: true},
			{Name: "label", Type: Text, Compartment: General, Sensitivity: Normal, Merge: Latest, Purpose: ServiceDelivery, FHIR: "Location.name", Required: true, Search: true},
			{Name: "state", Type: Code, Codes: "bed_states", Compartment: General, Sensitivity: Normal, Merge: Ask, Purpose: ServiceDelivery, FHIR: "Location.operationalStatus", Required: true, Routing: true},
		},
	},
	{
		Name:    "stays",
		Doc:     "One person's stay in one bed, planned or real; a move is a new stay.",
		FHIR:    "Encounter",
		Machine: stayMachine,
		Fields: []Field{
			{Name: "bed", Type: Ref, Ref: "beds", Compartment: General, Sensitivity: Normal, Labels: []Label{LabelLocation}, Merge: Ask, Purpose: ServiceDelivery, FHIR: "Encounter.location.location", Routing: true},
			{Name: "facility", Type: Ref, Ref: "facilities", Compartment: General, Sensitivity: Normal, Labels: []Label{LabelLocation}, Merge: Ask, Purpose: ServiceDelivery, FHIR: "Encounter.serviceProvider", Routing: true},
			{Name: "status", Type: Code, Codes: "stay_states", Compartment: General, Sensitivity: Normal, Merge: Ask, Purpose: ServiceDelivery, FHIR: "Encounter.status", Required: true, Routing: true},
			{Name: "check_in", Type: Time, Compartment: General, Sensitivity: Normal, Merge: Ask, Purpose: ServiceDelivery, FHIR: "Encounter.period.start", Routing: true},
			{Name: "check_out", Type: Time, Compartment: General, Sensitivity: Normal, Merge: Ask, Purpose: ServiceDelivery, FHIR: "Encounter.period.end", Routing: true},
			{Name: "expected_end", Type: Date, Compartment: General, Sensitivity: Normal, Merge: Ask, Purpose: ServiceDelivery, Routing: true},
		},
	},
}

package care

// Legal aid, evidence and reparation. FHIR R4 has no resources for it; what is
// exported goes as Basic, Task or DocumentReference. Nothing here is a filter
// for whether a person may be served (R26), and everything is off in exports
// by default.
var legalEntities = defaults(Legal, VeryRestricted, LegalProceedings, []*Entity{
	legalMatters, hearings, deadlines, evidenceItems, custodyEvents, claims, payments, compelledDisclosures,
})

// The states of a matter are those of every pathway together (pathways.go);
// the matter's own pathway narrows them.
var legalMatters = &Entity{
	Name: "legal_matters", Doc: "One legal question of the person: a status, a claim, a trial, papers.", FHIR: "Basic",
	Machine: anyPathway,
	Fields: []Field{
		{Name: "kind", Type: Code, Codes: "legal_matter_kinds", Merge: Once, Required: true},
		{Name: "pathway", Type: Code, Codes: "legal_pathways", Merge: Once, Required: true}, // versioned: an old matter keeps the states it began with
		{Name: "status", Type: Code, Codes: "legal_matter_states", Merge: Ask, Labels: []Label{LabelLegal}, Required: true},
		{Name: "jurisdiction", Type: Code, Codes: "countries", Merge: Latest},
		{Name: "authority", Type: Text, Merge: Latest},
		{Name: "reference", Type: Text, Merge: Ask, Search: true, Whole: true, Canary: true}, // the authority's file number finds the person there
		{Name: "opened_on", Type: Date, Merge: Once},
		{Name: "person_informed_on", Type: Date, Merge: Latest},
		{Name: "wishes", Type: LongText, Merge: Latest}, // in the person's own words
		{Name: "legal_aid", Type: Code, Codes: "legal_aid_states", Merge: Ask},
		{Name: "representation", Type: Code, Codes: "representation_states", Merge: Ask}, // indicator I18
		{Name: "lawyer", Type: Text, Merge: Latest, Canary: true},
		{Name: "lawyer_phone", Type: Text, Merge: Latest, Canary: true},
		{Name: "lawyer_organisation", Type: Ref, Ref: "organisations", Merge: Latest},
		{Name: "staff", Type: Ref, Ref: "staff", Merge: Latest},
		{Name: "reflection_offered_on", Type: Date, Merge: Ask},
		{Name: "reflection_from", Type: Date, Merge: Ask}, // at least 30 days: CoE Convention CETS 197, Art. 13
		{Name: "reflection_until", Type: Date, Merge: Ask},
		{Name: "applied_on", Type: Date, Merge: Ask},
		{Name: "decision", Type: Code, Codes: "legal_decisions", Merge: Ask},
		{Name: "decided_on", Type: Date, Merge: Ask},
		{Name: "decision_reasons", Type: LongText, Merge: Latest},
		{Name: "appealed_on", Type: Date, Merge: Ask},
		{Name: "permit_kind", Type: Text, Merge: Ask, Labels: []Label{LabelLegal}},
		{Name: "permit_reference", Type: Text, Merge: Ask, Labels: []Label{LabelLegal}, Canary: true},
		{Name: "permit_from", Type: Date, Merge: Ask, Labels: []Label{LabelLegal}},
		{Name: "permit_until", Type: Date, Merge: Safer, Safer: Comparator{Dates: "earliest"}, Labels: []Label{LabelLegal}}, // the earlier end warns in time
		{Name: "permit_allows_work", Type: Bool, Merge: Ask, Labels: []Label{LabelLegal}},
		{Name: "renewal_on", Type: Date, Merge: Safer, Safer: Comparator{Dates: "earliest"}, Labels: []Label{LabelLegal}},
		{Name: "offence_under_coercion", Type: LongText, Merge: Latest, Labels: []Label{LabelLegal, LabelTrafficking}}, // for non-punishment claims
		{Name: "conflict_check_on", Type: Date, Merge: Latest},
		{Name: "closed_on", Type: Date, Merge: Ask},
		{Name: "outcome", Type: Text, Merge: Ask},
		{Name: "note", Type: LongText, Merge: Latest},
	},
}

var hearings = &Entity{
	Name: "hearings", Doc: "One appointment before a court or authority, with what protects the person there.", FHIR: "Basic",
	Machine: &Machine{
		Field: "status", Initial: []string{"planned", "confirmed", "held", "cancelled"},
		Steps: map[string][]string{
			"planned":   {"confirmed", "adjourned", "held", "cancelled"},
			"confirmed": {"adjourned", "held", "cancelled"},
			"adjourned": {"planned", "confirmed", "held", "cancelled"},
			"cancelled": {"planned"},
		},
	},
	Fields: []Field{
		{Name: "matter", Type: Ref, Ref: "legal_matters", Merge: Once, Required: true},
		{Name: "status", Type: Code, Codes: "hearing_states", Merge: Ask, Required: true},
		{Name: "starts_at", Type: Time, Merge: Ask, Required: true},
		{Name: "ends_at", Type: Time, Merge: Ask},
		{Name: "kind", Type: Code, Codes: "hearing_kinds", Merge: Latest},
		{Name: "court", Type: Text, Merge: Latest, Labels: []Label{LabelLocation}, Canary: true},
		{Name: "room", Type: Text, Merge: Latest, Labels: []Label{LabelLocation}},
		{Name: "remote", Type: Bool, Merge: Ask},
		{Name: "protection_requested", Type: Codes, Codes: "protection_measures", Merge: Union},
		{Name: "protection_granted", Type: Codes, Codes: "protection_measures", Merge: Union},
		{Name: "protection_provided", Type: Codes, Codes: "protection_measures", Merge: Union}, // indicator I20
		{Name: "interpreter_language", Type: Code, Codes: "languages", Merge: Latest},
		{Name: "interpreter", Type: Ref, Ref: "interpreters", Merge: Latest},
		{Name: "interpreter_present", Type: Bool, Merge: Once},
		{Name: "testimony", Type: Code, Codes: "testimony_answers", Merge: Safer, Safer: Comparator{Order: []string{"agreed", "undecided", "declined", "withdrawn"}}}, // no service depends on it (R2)
		{Name: "testimony_consent", Type: Ref, Ref: "consents", Merge: Ask},
		{Name: "testimony_agreed_on", Type: Date, Merge: Ask},
		{Name: "testimony_withdrawn_on", Type: Date, Merge: Safer, Safer: Comparator{Dates: "earliest"}},
		{Name: "prepared_on", Type: Date, Merge: Latest},
		{Name: "accompanied_by", Type: Ref, Ref: "staff", Merge: Latest},
		{Name: "transport", Type: Text, Merge: Latest, Labels: []Label{LabelLocation}},
		{Name: "childcare", Type: Bool, Merge: Latest},
		{Name: "debriefed_on", Type: Date, Merge: Latest},
		{Name: "debrief", Type: LongText, Merge: Once},
		{Name: "outcome", Type: LongText, Merge: Once},
		{Name: "next_step", Type: Text, Merge: Latest},
	},
}

var deadlines = &Entity{
	Name: "deadlines", Doc: "One date after which a right is lost.", FHIR: "Task",
	Machine: &Machine{
		Field: "status", Initial: []string{"open", "met", "missed"},
		Steps: map[string][]string{
			"open":     {"met", "missed", "extended", "cancelled"},
			"extended": {"met", "missed", "cancelled"},
			"missed":   {"met", "extended"}, // met late, or restored to its former state by the authority
		},
	},
	Fields: []Field{
		{Name: "matter", Type: Ref, Ref: "legal_matters", Merge: Once, Required: true},
		{Name: "kind", Type: Code, Codes: "deadline_kinds", Merge: Once, Required: true},
		{Name: "due_on", Type: Date, Merge: Safer, Safer: Comparator{Dates: "earliest"}, FHIR: "Task.restriction.period.end", Required: true},
		{Name: "status", Type: Code, Codes: "deadline_states", Merge: Ask, FHIR: "Task.status", Required: true},
		{Name: "legal_basis", Type: Text, Merge: Latest},
		{Name: "computed_from", Type: Date, Merge: Ask},
		{Name: "computed_how", Type: Text, Merge: Latest},
		{Name: "alert_days", Type: Codes, Codes: "deadline_alerts", Merge: Union}, // days before due_on on which the assignee is told
		{Name: "assignee", Type: Ref, Ref: "staff", Merge: Latest, FHIR: "Task.owner"},
		{Name: "met_on", Type: Date, Merge: Once},
		{Name: "missed_reason", Type: Text, Merge: Latest},
		{Name: "note", Type: LongText, Merge: Latest},
	},
}

// Evidence and its custody are written once and never changed: Berkeley
// Protocol on Digital Open Source Investigations (OHCHR 2022), chapter VI.
var evidenceItems = &Entity{
	Name: "evidence_items", Doc: "One thing that may prove something, with the hash of its bytes.", FHIR: "DocumentReference",
	Fields: defaultsIn(Evidence, []Field{
		{Name: "matter", Type: Ref, Ref: "legal_matters", Merge: Once},
		{Name: "description", Type: LongText, Merge: Once, Labels: []Label{LabelTrafficking}, FHIR: "DocumentReference.description", Required: true},
		{Name: "kind", Type: Code, Codes: "evidence_kinds", Merge: Once, FHIR: "DocumentReference.type", Required: true},
		{Name: "sha256", Type: Text, Max: 64, Merge: Once, FHIR: "DocumentReference.content.attachment.hash"},
		{Name: "size", Type: Int, Merge: Once, FHIR: "DocumentReference.content.attachment.size"},
		{Name: "mime", Type: Text, Merge: Once, FHIR: "DocumentReference.content.attachment.contentType"},
		{Name: "document", Type: Ref, Ref: "documents", Merge: Once},
		{Name: "captured_at", Type: Time, Merge: Once, FHIR: "DocumentReference.date"},
		{Name: "captured_by", Type: Text, Merge: Once, Canary: true},
		{Name: "captured_where", Type: Text, Merge: Once, Labels: []Label{LabelLocation}, Canary: true},
		{Name: "captured_how", Type: LongText, Merge: Once},
		{Name: "original_or_copy", Type: Code, Codes: "evidence_originals", Merge: Once},
		{Name: "copy_of", Type: Ref, Ref: "evidence_items", Merge: Once},
		{Name: "storage_place", Type: Text, Merge: Once, Labels: []Label{LabelLocation}, Canary: true},
		{Name: "seal_number", Type: Text, Merge: Once},
		{Name: "given_by_person", Type: Bool, Merge: Once},
		{Name: "consent", Type: Ref, Ref: "consents", Merge: Once},
		{Name: "language", Type: Code, Codes: "languages", Merge: Once},
		{Name: "corrects", Type: Ref, Ref: "evidence_items", Merge: Once},
		{Name: "retain_until", Type: Date, Merge: Safer, Safer: Comparator{Dates: "latest"}},
	}),
}

var custodyEvents = &Entity{
	Name: "custody_events", Doc: "One time that evidence changed hands, was looked at or moved.", FHIR: "Provenance",
	Fields: defaultsIn(Evidence, []Field{
		{Name: "item", Type: Ref, Ref: "evidence_items", Merge: Once, FHIR: "Provenance.target", Required: true},
		{Name: "number", Type: Int, Merge: Once, Required: true}, // position in the item's chain, from 1
		{Name: "purpose", Type: Code, Codes: "custody_purposes", Merge: Once, FHIR: "Provenance.activity", Required: true},
		{Name: "actor", Type: Ref, Ref: "staff", Merge: Once, FHIR: "Provenance.agent.who"},
		{Name: "handed_from", Type: Text, Merge: Once, Canary: true},
		{Name: "handed_to", Type: Text, Merge: Once, Canary: true},
		{Name: "happened_at", Type: Time, Merge: Once, FHIR: "Provenance.occurredDateTime", Required: true},
		{Name: "place", Type: Text, Merge: Once, Labels: []Label{LabelLocation}, FHIR: "Provenance.location", Canary: true},
		{Name: "condition", Type: Text, Merge: Once},
		{Name: "seal_number", Type: Text, Merge: Once},
		{Name: "reason", Type: Text, Merge: Once, FHIR: "Provenance.reason"},
		{Name: "sha256", Type: Text, Max: 64, Merge: Once},        // of the item's bytes as found then
		{Name: "previous_hash", Type: Text, Max: 64, Merge: Once}, // entry_hash of the event before, empty for the first
		{Name: "entry_hash", Type: Text, Max: 64, Merge: Once},
		{Name: "signature", Type: Text, Merge: Once, FHIR: "Provenance.signature"},
	}),
}

var claims = &Entity{
	Name: "claims", Doc: "One demand for reparation.", FHIR: "Basic",
	Machine: &Machine{
		Field: "status", Initial: []string{"considered", "filed"},
		Steps: map[string][]string{
			"considered":  {"filed", "withdrawn"},
			"filed":       {"awarded", "refused", "settled", "withdrawn"},
			"refused":     {"appealed", "closed"},
			"appealed":    {"awarded", "refused", "settled", "withdrawn"},
			"awarded":     {"appealed", "enforcement", "paid", "closed"},
			"settled":     {"enforcement", "paid", "closed"},
			"enforcement": {"paid", "closed"},
			"paid":        {"closed"},
			"withdrawn":   {"considered"},
		},
	},
	Fields: []Field{
		{Name: "matter", Type: Ref, Ref: "legal_matters", Merge: Once},
		{Name: "status", Type: Code, Codes: "claim_states", Merge: Ask, Required: true},
		{Name: "forms", Type: Codes, Codes: "reparation_forms", Merge: Union},
		{Name: "satisfaction", Type: Codes, Codes: "satisfaction_items", Merge: Union},
		{Name: "respondent_kind", Type: Code, Codes: "respondent_kinds", Merge: Latest},
		{Name: "respondent", Type: Text, Merge: Latest, Labels: []Label{LabelTrafficking}, Canary: true},
		{Name: "wishes", Type: LongText, Merge: Latest},
		{Name: "currency", Type: Code, Codes: "currencies", Merge: Once}, // once: an amount never meets the currency of another edit
		{Name: "amount_claimed", Type: Decimal, Merge: Ask},
		{Name: "amount_awarded", Type: Decimal, Merge: Ask},
		{Name: "filed_on", Type: Date, Merge: Ask},
		{Name: "decided_on", Type: Date, Merge: Ask},
		{Name: "decision", Type: LongText, Merge: Ask},
		{Name: "enforcement", Type: LongText, Merge: Latest},
		{Name: "funded_from", Type: Ref, Ref: "funding_sources", Merge: Latest},
		{Name: "closed_on", Type: Date, Merge: Ask},
		{Name: "note", Type: LongText, Merge: Latest},
	},
}

// A payment goes to the survivor and is over only when the survivor says so.
// Who approved it is never who made the record (R29).
var payments = &Entity{
	Name: "payments", Doc: "One sum that is to reach the survivor.", FHIR: "Basic",
	Machine: &Machine{
		Field: "status", Initial: []string{"pending"},
		Steps: map[string][]string{
			"pending":   {"paid", "refused", "missed"},
			"missed":    {"pending", "paid", "refused"},
			"refused":   {"pending"},
			"paid":      {"confirmed", "disputed"},
			"disputed":  {"pending", "paid", "confirmed"},
			"confirmed": {"disputed"},
		},
	},
	Fields: defaultsIn(Finance, []Field{
		{Name: "claim", Type: Ref, Ref: "claims", Merge: Once},
		{Name: "livelihood_grant", Type: Ref, Ref: "livelihood_grants", Merge: Once},
		{Name: "status", Type: Code, Codes: "payment_states", Merge: Ask, Required: true},
		{Name: "scheduled_on", Type: Date, Merge: Ask, Required: true},
		{Name: "amount", Type: Decimal, Merge: Ask, Required: true},
		{Name: "currency", Type: Code, Codes: "currencies", Merge: Once, Required: true},
		{Name: "payee", Type: Text, Merge: Ask, Canary: true}, // alias of the survivor's account, never its number
		{Name: "method", Type: Code, Codes: "payment_methods", Merge: Latest},
		{Name: "approved_by", Type: Ref, Ref: "staff", Own: true, Merge: Once},
		{Name: "approved_at", Type: Time, Merge: Once},
		{Name: "paid_at", Type: Time, Merge: Once},
		{Name: "paid_amount", Type: Decimal, Merge: Once},
		{Name: "receipt", Type: Ref, Ref: "documents", Merge: Once},
		{Name: "survivor_confirmed_at", Type: Time, Merge: Once},
		{Name: "survivor_confirmed_amount", Type: Decimal, Merge: Once},
		{Name: "variance", Type: Decimal, Merge: Once}, // paid less confirmed, as reviewed (indicator I23)
		{Name: "oversight_reviewer", Type: Ref, Ref: "staff", Own: true, Merge: Once},
		{Name: "reviewed_at", Type: Time, Merge: Once},
		{Name: "complaint", Type: Ref, Ref: "feedbacks", Merge: Latest},
		{Name: "funding_source", Type: Ref, Ref: "funding_sources", Merge: Latest},
		{Name: "note", Type: LongText, Merge: Latest},
	}),
}

// Compelled disclosure: the minimum, after review, with two approvers, and the
// person told wherever that is possible (R4; FVPSA 42 USC 10406(c)(5)).
var compelledDisclosures = &Entity{
	Name: "compelled_disclosures", Doc: "One order that demands data about the person, and what was done about it.", FHIR: "Basic",
	Machine: &Machine{
		Field: "status", Initial: []string{"received"},
		Steps: map[string][]string{
			"received":     {"under_review"},
			"under_review": {"challenged", "approved", "refused"},
			"challenged":   {"approved", "refused", "closed"},
			"approved":     {"disclosed", "challenged", "closed"},
			"disclosed":    {"closed"},
			"refused":      {"challenged", "approved", "closed"},
		},
	},
	Fields: []Field{
		{Name: "status", Type: Code, Codes: "compelled_states", Merge: Ask, Required: true},
		{Name: "order_kind", Type: Code, Codes: "order_kinds", Merge: Once, Required: true},
		{Name: "order_document", Type: Ref, Ref: "documents", Merge: Once, Required: true},
		{Name: "authority", Type: Text, Merge: Once, Required: true},
		{Name: "jurisdiction", Type: Code, Codes: "countries", Merge: Once},
		{Name: "received_at", Type: Time, Merge: Once, Required: true},
		{Name: "due_on", Type: Date, Merge: Safer, Safer: Comparator{Dates: "earliest"}},
		{Name: "scope", Type: LongText, Merge: Once, Required: true},
		{Name: "categories", Type: Codes, Codes: "categories", Merge: Union, RemovalWins: true},
		{Name: "minimum", Type: LongText, Merge: Ask}, // what the least is that satisfies the order
		{Name: "legal_review", Type: LongText, Merge: Latest},
		{Name: "reviewed_by", Type: Ref, Ref: "staff", Own: true, Merge: Once},
		{Name: "challenged_on", Type: Date, Merge: Latest},
		{Name: "notice_attempted_at", Type: Time, Merge: Latest},
		{Name: "notice_result", Type: Code, Codes: "notice_results", Merge: Latest},
		{Name: "notice_forbidden_until", Type: Date, Merge: Safer, Safer: Comparator{Dates: "earliest"}},
		{Name: "protective_steps", Type: LongText, Merge: Latest},
		{Name: "first_approver", Type: Ref, Ref: "staff", Own: true, Merge: Once},
		{Name: "first_approved_at", Type: Time, Merge: Once},
		{Name: "second_approver", Type: Ref, Ref: "staff", Own: true, Merge: Once},
		{Name: "second_approved_at", Type: Time, Merge: Once},
		{Name: "disclosed_at", Type: Time, Merge: Once},
		{Name: "disclosed_to", Type: Text, Merge: Once, Canary: true},
		{Name: "disclosed_what", Type: LongText, Merge: Once},
		{Name: "note", Type: LongText, Merge: Latest},
	},
}

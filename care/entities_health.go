package care

// The health record, as FHIR R4 and the International Patient Summary cut it.
// Events (an encounter, a measurement, a vaccination, a screening) are written
// once: a correction is a new record that names the one it corrects.
//
// A record carries its own security_labels beside those of its fields, because
// whether a condition is about HIV or violence is known by the record alone.
var healthEntities = defaults(Health, Restricted, MedicalTreatment, []*Entity{
	encounters, conditions, medicines, allergies, immunisations, observations, procedures, screenings, pregnancies,
})

var encounters = &Entity{
	Name: "encounters", Doc: "One meeting of the person with a health worker, planned or past.", FHIR: "Encounter",
	Machine: &Machine{
		Field:   "status",
		Initial: []string{"planned", "arrived", "in-progress", "onleave", "finished", "cancelled", "unknown"},
		Steps: map[string][]string{
			"planned":     {"arrived", "in-progress", "finished", "cancelled", "entered-in-error", "unknown"},
			"arrived":     {"triaged", "in-progress", "finished", "cancelled", "entered-in-error", "unknown"},
			"triaged":     {"in-progress", "finished", "cancelled", "entered-in-error", "unknown"},
			"in-progress": {"onleave", "finished", "cancelled", "entered-in-error", "unknown"},
			"onleave":     {"in-progress", "finished", "entered-in-error", "unknown"},
			"unknown":     {"planned", "in-progress", "finished", "cancelled", "entered-in-error"},
			"finished":    {"entered-in-error"},
			"cancelled":   {"entered-in-error"},
		},
	},
	Fields: []Field{
		{Name: "status", Type: Code, Codes: "encounter_statuses", Merge: Ask, FHIR: "Encounter.status", Required: true},
		{Name: "class", Type: Code, Codes: "encounter_classes", Merge: Once, FHIR: "Encounter.class"},
		{Name: "kind", Type: Text, Merge: Once, FHIR: "Encounter.type.text"},
		{Name: "kind_code", Type: Code, Codes: "clinical_codes", Merge: Once, FHIR: "Encounter.type.coding.code"},
		{Name: "code_system", Type: Code, Codes: "code_systems", Merge: Once, FHIR: "Encounter.type.coding.system"},
		{Name: "starts_at", Type: Time, Merge: Ask, FHIR: "Encounter.period.start", Required: true},
		{Name: "ends_at", Type: Time, Merge: Once, FHIR: "Encounter.period.end"},
		{Name: "reason", Type: Text, Merge: Latest, FHIR: "Encounter.reasonCode.text"},
		{Name: "reason_code", Type: Code, Codes: "clinical_codes", Merge: Latest, FHIR: "Encounter.reasonCode.coding.code"},
		{Name: "place", Type: Text, Merge: Latest, Labels: []Label{LabelLocation}, FHIR: "Encounter.location.location.display", Canary: true},
		{Name: "service", Type: Ref, Ref: "services", Merge: Latest, FHIR: "Encounter.serviceProvider"},
		{Name: "practitioner_role", Type: Code, Codes: "practitioner_roles", Merge: Once, FHIR: "Encounter.participant.type"},
		{Name: "staff", Type: Ref, Ref: "staff", Merge: Once, FHIR: "Encounter.participant.individual"},
		{Name: "interpreter", Type: Ref, Ref: "interpreters", Merge: Latest},
		{Name: "interpreter_used", Type: Code, Codes: "interpreter_uses", Merge: Once},
		{Name: "health_screening", Type: Code, Codes: "offer_answers", Merge: Once}, // declining is an answer, not a failure (indicator I16)
		{Name: "chosen_freely", Type: Bool, Merge: Once},                            // care is offered without coercion
		{Name: "findings", Type: LongText, Merge: Once, FHIR: "Encounter.text"},
		{Name: "next_visit_on", Type: Date, Merge: Ask},
		{Name: "corrects", Type: Ref, Ref: "encounters", Merge: Once},
		{Name: "security_labels", Type: Codes, Codes: "security_labels", Merge: Union, FHIR: "Encounter.meta.security"},
	},
}

var conditions = &Entity{
	Name: "conditions", Doc: "One problem or diagnosis of the person.", FHIR: "Condition",
	Fields: []Field{
		{Name: "label", Type: Text, Merge: Latest, FHIR: "Condition.code.text", Required: true},
		{Name: "code", Type: Code, Codes: "condition_codes", Merge: Ask, FHIR: "Condition.code.coding.code"},
		{Name: "code_system", Type: Code, Codes: "code_systems", Merge: Ask, FHIR: "Condition.code.coding.system"},
		{Name: "clinical_status", Type: Code, Codes: "condition_clinical_statuses", Merge: Ask, FHIR: "Condition.clinicalStatus", Required: true},
		{Name: "verification_status", Type: Code, Codes: "condition_verification_statuses", Merge: Ask, FHIR: "Condition.verificationStatus"},
		{Name: "category", Type: Code, Codes: "condition_categories", Merge: Latest, FHIR: "Condition.category"},
		{Name: "severity", Type: Code, Codes: "condition_severities", Merge: Safer, Safer: Comparator{Order: []string{"mild", "moderate", "severe"}}, FHIR: "Condition.severity"},
		{Name: "onset_on", Type: Date, Merge: Ask, FHIR: "Condition.onsetDateTime"},
		{Name: "abated_on", Type: Date, Merge: Ask, FHIR: "Condition.abatementDateTime"},
		{Name: "recorded_on", Type: Date, Merge: Once, FHIR: "Condition.recordedDate"},
		{Name: "encounter", Type: Ref, Ref: "encounters", Merge: Once, FHIR: "Condition.encounter"},
		{Name: "source", Type: Code, Codes: "information_sources", Merge: Once, FHIR: "Condition.asserter"},
		{Name: "needs_when_travelling", Type: LongText, Merge: Latest},
		{Name: "note", Type: LongText, Merge: Latest, FHIR: "Condition.note.text"},
		{Name: "security_labels", Type: Codes, Codes: "security_labels", Merge: Union, FHIR: "Condition.meta.security"},
	},
}

// A dose is one field ("500 mg", "1 {tablet}") and not a number beside a unit:
// two edits that met could otherwise leave the number of one with the unit of
// the other. ParseDose reads it.
var medicines = &Entity{
	Name: "medicines", Doc: "One medicine that the person takes, took or is to take.", FHIR: "MedicationStatement",
	Machine: &Machine{
		Field:   "status",
		Initial: []string{"intended", "active", "on-hold", "stopped", "completed", "not-taken", "unknown"},
		Steps: map[string][]string{
			"intended":  {"active", "not-taken", "stopped", "unknown", "entered-in-error"},
			"active":    {"on-hold", "stopped", "completed", "not-taken", "unknown", "entered-in-error"},
			"on-hold":   {"active", "stopped", "completed", "unknown", "entered-in-error"},
			"not-taken": {"active", "intended", "stopped", "unknown", "entered-in-error"},
			"unknown":   {"active", "on-hold", "stopped", "completed", "not-taken", "entered-in-error"},
			"stopped":   {"active", "entered-in-error"}, // a treatment may be taken up again
			"completed": {"active", "entered-in-error"},
		},
	},
	Fields: []Field{
		{Name: "substance", Type: Text, Merge: Ask, FHIR: "MedicationStatement.medicationCodeableConcept.text", Required: true},
		{Name: "code", Type: Code, Codes: "medicine_codes", Merge: Ask, FHIR: "MedicationStatement.medicationCodeableConcept.coding.code"},
		{Name: "code_system", Type: Code, Codes: "code_systems", Merge: Ask, FHIR: "MedicationStatement.medicationCodeableConcept.coding.system"},
		{Name: "strength", Type: Text, Merge: Ask, FHIR: "Medication.ingredient.strength"},
		{Name: "form", Type: Code, Codes: "medicine_forms", Merge: Ask, FHIR: "Medication.form"},
		{Name: "route", Type: Code, Codes: "medicine_routes", Merge: Ask, FHIR: "MedicationStatement.dosage.route"},
		{Name: "dose", Type: Text, Merge: Ask, FHIR: "MedicationStatement.dosage.doseAndRate.doseQuantity"},
		{Name: "frequency", Type: Code, Codes: "medicine_frequencies", Merge: Ask, FHIR: "MedicationStatement.dosage.timing.code"},
		{Name: "taken_when", Type: Code, Codes: "medicine_times", Merge: Ask, FHIR: "MedicationStatement.dosage.timing.repeat.when"}, // one field: two edits that met are asked about, and do not add up
		{Name: "with_food", Type: Code, Codes: "medicine_food", Merge: Ask, FHIR: "MedicationStatement.dosage.timing.repeat.when"},
		{Name: "as_needed", Type: Bool, Merge: Ask, FHIR: "MedicationStatement.dosage.asNeededBoolean"},
		{Name: "instructions", Type: LongText, Merge: Ask, FHIR: "MedicationStatement.dosage.text"},
		{Name: "started_on", Type: Date, Merge: Ask, FHIR: "MedicationStatement.effectivePeriod.start"},
		{Name: "stopped_on", Type: Date, Merge: Ask, FHIR: "MedicationStatement.effectivePeriod.end"},
		{Name: "days_left", Type: Int, Merge: Ask},   // what the person has in hand matters for travel (indicator I26)
		{Name: "counted_on", Type: Date, Merge: Ask}, // the day on which days_left was true
		{Name: "status", Type: Code, Codes: "medicine_statuses", Merge: Ask, FHIR: "MedicationStatement.status", Required: true},
		{Name: "stop_reason", Type: Text, Merge: Latest, FHIR: "MedicationStatement.statusReason.text"},
		{Name: "must_not_stop", Type: Bool, Merge: Safer, Safer: Comparator{Order: []string{"false", "true"}}}, // interrupting it is dangerous
		{Name: "kept_cold", Type: Bool, Merge: Safer, Safer: Comparator{Order: []string{"false", "true"}}},
		{Name: "controlled", Type: Bool, Merge: Safer, Safer: Comparator{Order: []string{"false", "true"}}}, // needs a letter at a border (INCB travellers' guidance)
		{Name: "prescriber_role", Type: Code, Codes: "practitioner_roles", Merge: Latest, FHIR: "MedicationStatement.informationSource"},
		{Name: "condition", Type: Ref, Ref: "conditions", Merge: Latest, FHIR: "MedicationStatement.reasonReference"},
		{Name: "encounter", Type: Ref, Ref: "encounters", Merge: Once, FHIR: "MedicationStatement.context"},
		{Name: "source", Type: Code, Codes: "information_sources", Merge: Once, FHIR: "MedicationStatement.informationSource"},
		{Name: "asserted_on", Type: Date, Merge: Once, FHIR: "MedicationStatement.dateAsserted"},
		{Name: "note", Type: LongText, Merge: Latest, FHIR: "MedicationStatement.note.text"},
		{Name: "security_labels", Type: Codes, Codes: "security_labels", Merge: Union, FHIR: "MedicationStatement.meta.security"},
	},
}

// The substance of an allergy is asked about and not withheld: a warning that
// vanished while two spellings wait for a decision would be the worse harm.
var allergies = &Entity{
	Name: "allergies", Doc: "One substance that the person does not tolerate.", FHIR: "AllergyIntolerance",
	Fields: []Field{
		{Name: "substance", Type: Text, Merge: Ask, FHIR: "AllergyIntolerance.code.text", Required: true},
		{Name: "code", Type: Code, Codes: "clinical_codes", Merge: Ask, FHIR: "AllergyIntolerance.code.coding.code"},
		{Name: "code_system", Type: Code, Codes: "code_systems", Merge: Ask, FHIR: "AllergyIntolerance.code.coding.system"},
		{Name: "kind", Type: Code, Codes: "allergy_kinds", Merge: Latest, FHIR: "AllergyIntolerance.type"},
		{Name: "category", Type: Codes, Codes: "allergy_categories", Merge: Union, FHIR: "AllergyIntolerance.category"},
		{Name: "criticality", Type: Code, Codes: "allergy_criticalities", Merge: Safer, Safer: Comparator{Order: []string{"low", "unable-to-assess", "high"}}, FHIR: "AllergyIntolerance.criticality"},
		{Name: "reaction", Type: Codes, Codes: "allergy_reactions", Merge: Union, FHIR: "AllergyIntolerance.reaction.manifestation"},
		{Name: "severity", Type: Code, Codes: "condition_severities", Merge: Safer, Safer: Comparator{Order: []string{"mild", "moderate", "severe"}}, FHIR: "AllergyIntolerance.reaction.severity"},
		{Name: "status", Type: Code, Codes: "allergy_statuses", Merge: Safer, Safer: Comparator{Order: []string{"resolved", "inactive", "active"}}, FHIR: "AllergyIntolerance.clinicalStatus", Required: true},
		{Name: "verification_status", Type: Code, Codes: "allergy_verification_statuses", Merge: Safer, Safer: Comparator{Order: []string{"entered-in-error", "refuted", "unconfirmed", "confirmed"}}, FHIR: "AllergyIntolerance.verificationStatus"},
		{Name: "onset_on", Type: Date, Merge: Latest, FHIR: "AllergyIntolerance.onsetDateTime"},
		{Name: "last_reaction_on", Type: Date, Merge: Safer, Safer: Comparator{Dates: "latest"}, FHIR: "AllergyIntolerance.lastOccurrence"},
		{Name: "recorded_on", Type: Date, Merge: Once, FHIR: "AllergyIntolerance.recordedDate"},
		{Name: "source", Type: Code, Codes: "information_sources", Merge: Once, FHIR: "AllergyIntolerance.asserter"},
		{Name: "note", Type: LongText, Merge: Latest, FHIR: "AllergyIntolerance.note.text"},
		{Name: "security_labels", Type: Codes, Codes: "security_labels", Merge: Union, FHIR: "AllergyIntolerance.meta.security"},
	},
}

var immunisations = &Entity{
	Name: "immunisations", Doc: "One vaccination, given or on purpose not given.", FHIR: "Immunization",
	Fields: []Field{
		{Name: "vaccine", Type: Text, Merge: Once, FHIR: "Immunization.vaccineCode.text", Required: true},
		{Name: "code", Type: Code, Codes: "vaccines", Merge: Once, FHIR: "Immunization.vaccineCode.coding.code"},
		{Name: "code_system", Type: Code, Codes: "code_systems", Merge: Once, FHIR: "Immunization.vaccineCode.coding.system"},
		{Name: "target_disease", Type: Text, Merge: Once, FHIR: "Immunization.protocolApplied.targetDisease"},
		{Name: "status", Type: Code, Codes: "immunisation_statuses", Merge: Ask, FHIR: "Immunization.status", Required: true},
		{Name: "not_given_reason", Type: Text, Merge: Once, FHIR: "Immunization.statusReason"},
		{Name: "given_on", Type: Date, Merge: Once, FHIR: "Immunization.occurrenceDateTime"},
		{Name: "dose_number", Type: Int, Merge: Once, FHIR: "Immunization.protocolApplied.doseNumberPositiveInt"},
		{Name: "series", Type: Text, Merge: Once, FHIR: "Immunization.protocolApplied.series"},
		{Name: "lot", Type: Text, Merge: Once, FHIR: "Immunization.lotNumber"},
		{Name: "lot_expires_on", Type: Date, Merge: Once, FHIR: "Immunization.expirationDate"},
		{Name: "manufacturer", Type: Text, Merge: Once, FHIR: "Immunization.manufacturer.display"},
		{Name: "route", Type: Code, Codes: "medicine_routes", Merge: Once, FHIR: "Immunization.route"},
		{Name: "body_site", Type: Text, Merge: Once, FHIR: "Immunization.site.text"},
		{Name: "place", Type: Text, Merge: Once, Labels: []Label{LabelLocation}, FHIR: "Immunization.location.display", Canary: true},
		{Name: "primary_source", Type: Bool, Merge: Once, FHIR: "Immunization.primarySource"},
		{Name: "next_dose_on", Type: Date, Merge: Ask},
		{Name: "encounter", Type: Ref, Ref: "encounters", Merge: Once, FHIR: "Immunization.encounter"},
		{Name: "source", Type: Code, Codes: "information_sources", Merge: Once, FHIR: "Immunization.reportOrigin"},
		{Name: "corrects", Type: Ref, Ref: "immunisations", Merge: Once},
		{Name: "note", Type: LongText, Merge: Latest, FHIR: "Immunization.note.text"},
	},
}

var observations = &Entity{
	Name: "observations", Doc: "One measurement, laboratory result or finding.", FHIR: "Observation",
	Fields: []Field{
		{Name: "label", Type: Text, Merge: Once, FHIR: "Observation.code.text", Required: true},
		{Name: "code", Type: Code, Codes: "observation_codes", Merge: Once, FHIR: "Observation.code.coding.code"},
		{Name: "code_system", Type: Code, Codes: "code_systems", Merge: Once, FHIR: "Observation.code.coding.system"},
		{Name: "category", Type: Code, Codes: "observation_categories", Merge: Once, FHIR: "Observation.category"},
		{Name: "status", Type: Code, Codes: "observation_statuses", Merge: Ask, FHIR: "Observation.status", Required: true},
		{Name: "effective_on", Type: Date, Merge: Once, FHIR: "Observation.effectiveDateTime"}, // the day, where no hour is known
		{Name: "effective_at", Type: Time, Merge: Once, FHIR: "Observation.effectiveDateTime"},
		{Name: "value", Type: Text, Merge: Once, FHIR: "Observation.value[x]"},
		{Name: "value_code", Type: Code, Codes: "clinical_codes", Merge: Once, FHIR: "Observation.valueCodeableConcept.coding.code"},
		{Name: "unit", Type: Code, Codes: "units", Merge: Once, FHIR: "Observation.valueQuantity.code"},
		{Name: "components", Type: Object, Merge: Once, FHIR: "Observation.component"}, // code to "value unit", as for blood pressure
		{Name: "interpretation", Type: Code, Codes: "observation_interpretations", Merge: Once, FHIR: "Observation.interpretation"},
		{Name: "reference_range", Type: Text, Merge: Once, FHIR: "Observation.referenceRange.text"},
		{Name: "encounter", Type: Ref, Ref: "encounters", Merge: Once, FHIR: "Observation.encounter"},
		{Name: "practitioner_role", Type: Code, Codes: "practitioner_roles", Merge: Once, FHIR: "Observation.performer"},
		{Name: "corrects", Type: Ref, Ref: "observations", Merge: Once},
		{Name: "note", Type: LongText, Merge: Latest, FHIR: "Observation.note.text"},
		{Name: "security_labels", Type: Codes, Codes: "security_labels", Merge: Union, FHIR: "Observation.meta.security"},
	},
}

var procedures = &Entity{
	Name: "procedures", Doc: "One operation, treatment or examination that was done or is planned.", FHIR: "Procedure",
	Fields: []Field{
		{Name: "label", Type: Text, Merge: Once, FHIR: "Procedure.code.text", Required: true},
		{Name: "code", Type: Code, Codes: "clinical_codes", Merge: Once, FHIR: "Procedure.code.coding.code"},
		{Name: "code_system", Type: Code, Codes: "code_systems", Merge: Once, FHIR: "Procedure.code.coding.system"},
		{Name: "status", Type: Code, Codes: "procedure_statuses", Merge: Ask, FHIR: "Procedure.status", Required: true},
		{Name: "performed_on", Type: Date, Merge: Once, FHIR: "Procedure.performedDateTime"},
		{Name: "starts_at", Type: Time, Merge: Once, FHIR: "Procedure.performedPeriod.start"},
		{Name: "ends_at", Type: Time, Merge: Once, FHIR: "Procedure.performedPeriod.end"},
		{Name: "reason", Type: Text, Merge: Once, FHIR: "Procedure.reasonCode.text"},
		{Name: "condition", Type: Ref, Ref: "conditions", Merge: Once, FHIR: "Procedure.reasonReference"},
		{Name: "body_site", Type: Text, Merge: Once, FHIR: "Procedure.bodySite.text"},
		{Name: "outcome", Type: Text, Merge: Once, FHIR: "Procedure.outcome.text"},
		{Name: "follow_up", Type: LongText, Merge: Latest, FHIR: "Procedure.followUp.text"},
		{Name: "person_agreed", Type: Bool, Merge: Once}, // a medical act has its own agreement
		{Name: "practitioner_role", Type: Code, Codes: "practitioner_roles", Merge: Once, FHIR: "Procedure.performer.function"},
		{Name: "encounter", Type: Ref, Ref: "encounters", Merge: Once, FHIR: "Procedure.encounter"},
		{Name: "corrects", Type: Ref, Ref: "procedures", Merge: Once},
		{Name: "note", Type: LongText, Merge: Latest, FHIR: "Procedure.note.text"},
		{Name: "security_labels", Type: Codes, Codes: "security_labels", Merge: Union, FHIR: "Procedure.meta.security"},
	},
}

// The answers of a screening are one field, from item to number (screening.go
// lists the items), so that a total always belongs to the answers beside it.
var screenings = &Entity{
	Name: "screenings", Doc: "One questionnaire about mood, anxiety, trauma or alcohol, with its answers and score.", FHIR: "QuestionnaireResponse",
	Fields: []Field{
		{Name: "tool", Type: Code, Codes: "screening_tools", Merge: Once, Labels: []Label{LabelPSY}, FHIR: "QuestionnaireResponse.questionnaire", Required: true},
		{Name: "taken_at", Type: Time, Merge: Once, FHIR: "QuestionnaireResponse.authored", Required: true},
		{Name: "answers", Type: Object, Merge: Once, Sensitivity: VeryRestricted, Labels: []Label{LabelPSY}, FHIR: "QuestionnaireResponse.item.answer"},
		{Name: "total", Type: Int, Merge: Once, Sensitivity: VeryRestricted, Labels: []Label{LabelPSY}, FHIR: "Observation.valueInteger"},
		{Name: "band", Type: Code, Codes: "screening_bands", Merge: Once, Sensitivity: VeryRestricted, Labels: []Label{LabelPSY}, FHIR: "Observation.interpretation"},
		{Name: "flags", Type: Codes, Codes: "screening_flags", Merge: Once, Sensitivity: VeryRestricted, Labels: []Label{LabelPSY}},
		{Name: "offer", Type: Code, Codes: "offer_answers", Merge: Once, Labels: []Label{LabelPSY}},
		{Name: "language", Type: Code, Codes: "languages", Merge: Once, Labels: []Label{LabelPSY}, FHIR: "QuestionnaireResponse.language"},
		{Name: "translation_version", Type: Text, Merge: Once, Labels: []Label{LabelPSY}}, // validated translations only
		{Name: "mode", Type: Code, Codes: "screening_modes", Merge: Once, Labels: []Label{LabelPSY}},
		{Name: "staff", Type: Ref, Ref: "staff", Merge: Once, Labels: []Label{LabelPSY}, FHIR: "QuestionnaireResponse.author"},
		{Name: "interpreter", Type: Ref, Ref: "interpreters", Merge: Once, Labels: []Label{LabelPSY}},
		{Name: "encounter", Type: Ref, Ref: "encounters", Merge: Once, Labels: []Label{LabelPSY}, FHIR: "QuestionnaireResponse.encounter"},
		{Name: "reviewed_by", Type: Ref, Ref: "staff", Own: true, Merge: Once, Labels: []Label{LabelPSY}}, // a clinician, for a positive PCL-5
		{Name: "reviewed_at", Type: Time, Merge: Once, Labels: []Label{LabelPSY}},
		{Name: "action_taken", Type: LongText, Merge: Latest, Sensitivity: VeryRestricted, Labels: []Label{LabelPSY}},
		{Name: "corrects", Type: Ref, Ref: "screenings", Merge: Once, Labels: []Label{LabelPSY}},
	},
}

var pregnancies = &Entity{
	Name: "pregnancies", Doc: "One pregnancy, or the answer that there is none.", FHIR: "Observation",
	Fields: []Field{
		{Name: "status", Type: Code, Codes: "pregnancy_statuses", Merge: Safer, Safer: Comparator{Order: []string{PregnancyNo, PregnancyUnconfirmed, PregnancyPossible, PregnancyYes}}, Sensitivity: VeryRestricted, Labels: []Label{LabelSEX}, FHIR: "Observation.valueCodeableConcept", Required: true}, // LOINC 82810-3
		{Name: "observed_on", Type: Date, Merge: Latest, Sensitivity: VeryRestricted, Labels: []Label{LabelSEX}, FHIR: "Observation.effectiveDateTime"},
		{Name: "due_on", Type: Date, Merge: Ask, Sensitivity: VeryRestricted, Labels: []Label{LabelSEX}, FHIR: "Observation.valueDateTime"}, // LOINC 11778-8
		{Name: "due_method", Type: Code, Codes: "due_date_methods", Merge: Ask, Sensitivity: VeryRestricted, Labels: []Label{LabelSEX}, FHIR: "Observation.code"},
		{Name: "last_period_on", Type: Date, Merge: Ask, Sensitivity: VeryRestricted, Labels: []Label{LabelSEX}}, // LOINC 8665-2
		{Name: "antenatal_visits", Type: Int, Merge: Latest, Sensitivity: VeryRestricted, Labels: []Label{LabelSEX}},
		{Name: "high_risk", Type: Bool, Merge: Safer, Safer: Comparator{Order: []string{"false", "true"}}, Sensitivity: VeryRestricted, Labels: []Label{LabelSEX}},
		{Name: "fit_to_travel", Type: Code, Codes: "travel_fitness", Merge: Safer, Safer: Comparator{Order: []string{"yes", "with_care", "no"}}, Sensitivity: VeryRestricted, Labels: []Label{LabelSEX}},
		{Name: "wishes", Type: LongText, Merge: Latest, Sensitivity: VeryRestricted, Labels: []Label{LabelSEX}}, // in the person's own words
		{Name: "outcome", Type: Code, Codes: "pregnancy_outcomes", Merge: Ask, Sensitivity: VeryRestricted, Labels: []Label{LabelSEX}},
		{Name: "outcome_on", Type: Date, Merge: Ask, Sensitivity: VeryRestricted, Labels: []Label{LabelSEX}},
		{Name: "child", Type: Ref, Ref: "dependents", Merge: Latest, Sensitivity: VeryRestricted, Labels: []Label{LabelSEX}},
		{Name: "note", Type: LongText, Merge: Latest, Sensitivity: VeryRestricted, Labels: []Label{LabelSEX}, FHIR: "Observation.note.text"},
	},
}

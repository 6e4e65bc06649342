package care

import "slices"

// The code systems that clinical codes come from, by short name; SystemURI
// gives the address that FHIR uses.
const (
	SystemICD10   = "icd10"
	SystemICD10CM = "icd10cm"
	SystemICD11   = "icd11"
	SystemSNOMED  = "snomed"
	SystemLOINC   = "loinc"
	SystemATC     = "atc"
	SystemRxNorm  = "rxnorm"
	SystemCVX     = "cvx"
	SystemEDQM    = "edqm"
	SystemUCUM    = "ucum"
	SystemINN     = "inn"
	SystemLocal   = "local"
	SystemOther   = "other"
)

// SystemURIs are the addresses of the code systems in FHIR R4
// (hl7.org/fhir/R4/terminologies-systems.html). INN has none there.
var SystemURIs = map[string]string{
	SystemICD10:   "http://hl7.org/fhir/sid/icd-10",
	SystemICD10CM: "http://hl7.org/fhir/sid/icd-10-cm",
	SystemICD11:   "http://id.who.int/icd/release/11/mms",
	SystemSNOMED:  "http://snomed.info/sct",
	SystemLOINC:   "http://loinc.org",
	SystemATC:     "http://www.whocc.no/atc",
	SystemRxNorm:  "http://www.nlm.nih.gov/research/umls/rxnorm",
	SystemCVX:     "http://hl7.org/fhir/sid/cvx",
	SystemEDQM:    "http://standardterms.edqm.eu",
	SystemUCUM:    "http://unitsofmeasure.org",
}

// Pregnancy status, as the International Patient Summary codes it: answers of
// SNOMED CT to LOINC 82810-3.
const (
	PregnancyYes         = "77386006"
	PregnancyNo          = "60001007"
	PregnancyPossible    = "146799005"
	PregnancyUnconfirmed = "152231000119106"
)

// LOINC codes of pregnancy (IPS value sets).
const (
	LOINCPregnancyStatus = "82810-3"
	LOINCDueDate         = "11778-8"
	LOINCLastPeriod      = "8665-2"
)

// clinicalCode is what a code of a terminology looks like: letters, digits and
// the joiners of ICD-11 clusters, SNOMED expressions aside.
const clinicalCode = `[0-9A-Za-z][0-9A-Za-z./&_-]{0,63}`

var healthCodes = slices.Concat(healthStateCodes, healthTermCodes, medicineCodes, screeningCodes)

var healthStateCodes = []*CodeList{
	{Name: "encounter_statuses", Source: "FHIR R4 encounter-status", Codes: []string{"planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled", "entered-in-error", "unknown"}},
	{Name: "encounter_classes", Source: "HL7 v3 ActEncounterCode", Codes: []string{"AMB", "EMER", "FLD", "HH", "IMP", "ACUTE", "NONAC", "OBSENC", "PRENC", "SS", "VR"}, Open: true, Pattern: `[A-Z]{2,12}`},
	{Name: "condition_clinical_statuses", Source: "FHIR R4 condition-clinical", Codes: []string{"active", "recurrence", "relapse", "inactive", "remission", "resolved"}},
	{Name: "condition_verification_statuses", Source: "FHIR R4 condition-ver-status", Codes: []string{"unconfirmed", "provisional", "differential", "confirmed", "refuted", "entered-in-error"}},
	{Name: "condition_categories", Source: "FHIR R4 condition-category", Codes: []string{"problem-list-item", "encounter-diagnosis"}, Open: true, Pattern: clinicalCode},
	{Name: "condition_severities", Source: "FHIR R4 condition-severity, reaction-event-severity", Codes: []string{"mild", "moderate", "severe"}},
	{Name: "allergy_kinds", Source: "FHIR R4 allergy-intolerance-type", Codes: []string{"allergy", "intolerance"}},
	{Name: "allergy_categories", Source: "FHIR R4 allergy-intolerance-category", Codes: []string{"food", "medication", "environment", "biologic"}},
	{Name: "allergy_criticalities", Source: "FHIR R4 allergy-intolerance-criticality", Codes: []string{"low", "high", "unable-to-assess"}},
	{Name: "allergy_statuses", Source: "FHIR R4 allergyintolerance-clinical", Codes: []string{"active", "inactive", "resolved"}},
	{Name: "allergy_verification_statuses", Source: "FHIR R4 allergyintolerance-verification", Codes: []string{"unconfirmed", "confirmed", "refuted", "entered-in-error"}},
	{Name: "allergy_reactions", Source: "local, after SNOMED CT clinical findings", Codes: []string{"rash", "hives", "itching", "swelling", "breathing_difficulty", "wheezing", "vomiting", "diarrhoea", "dizziness", "fainting", "anaphylaxis", "skin_peeling"}, Open: true},
	{Name: "immunisation_statuses", Source: "FHIR R4 immunization-status", Codes: []string{"completed", "not-done", "entered-in-error"}},
	{Name: "observation_statuses", Source: "FHIR R4 observation-status", Codes: []string{"registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"}},
	{Name: "observation_categories", Source: "FHIR R4 observation-category", Codes: []string{"vital-signs", "laboratory", "imaging", "exam", "procedure", "survey", "social-history", "therapy", "activity"}, Open: true, Pattern: clinicalCode},
	{Name: "observation_interpretations", Source: "HL7 v3 ObservationInterpretation", Codes: []string{"N", "A", "AA", "H", "HH", "L", "LL", "POS", "NEG", "IND", "DET", "ND"}, Open: true, Pattern: `[A-Z<>]{1,5}`},
	{Name: "procedure_statuses", Source: "FHIR R4 event-status", Codes: []string{"preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "entered-in-error", "unknown"}},
	{Name: "medicine_statuses", Source: "FHIR R4 medication-statement-status", Codes: []string{"active", "completed", "entered-in-error", "intended", "stopped", "on-hold", "unknown", "not-taken"}},
	{Name: "pregnancy_statuses", Source: "IPS pregnancy-status-uv-ips (SNOMED CT)", Codes: []string{PregnancyYes, PregnancyNo, PregnancyPossible, PregnancyUnconfirmed}},
	{Name: "due_date_methods", Source: "IPS edd-method-uv-ips (LOINC)", Codes: []string{"11778-8", "11779-6", "11780-4"}},
	{Name: "pregnancy_outcomes", Source: "local, after IPS pregnancies-summary-uv-ips", Codes: []string{"live_birth", "stillbirth", "miscarriage", "ended_by_choice", "ongoing"}},
	{Name: "travel_fitness", Source: "local", Codes: []string{"yes", "with_care", "no"}},
	{Name: "offer_answers", Source: "local", Codes: []string{"accepted", "declined", "postponed", "not_offered"}},
	{Name: "interpreter_uses", Source: "local", Codes: []string{"not_needed", "professional", "phone", "colleague", "none_available", "refused_by_person"}},
	{Name: "information_sources", Source: "local", Codes: []string{"person", "worker", "clinician", "document", "family", "import"}},
	{Name: "practitioner_roles", Source: "local, after ISCO-08 groups 22, 32 and 26", Codes: []string{"doctor", "nurse", "midwife", "psychiatrist", "psychologist", "counsellor", "dentist", "pharmacist", "community_health_worker", "physiotherapist", "social_worker", "other"}},
	{Name: "security_labels", Source: "HL7 v3 ActCode information sensitivity; TRAFFICK, LEGAL and LOCATION local", Codes: []string{
		string(LabelSDV), string(LabelPSY), string(LabelHIV), string(LabelSTD), string(LabelSUD), string(LabelSEX), string(LabelETH),
		string(LabelTrafficking), string(LabelLegal), string(LabelLocation)}},
}

var healthTermCodes = []*CodeList{
	{Name: "code_systems", Source: "FHIR R4 terminologies-systems, short names local", Codes: []string{
		SystemICD10, SystemICD10CM, SystemICD11, SystemSNOMED, SystemLOINC, SystemATC, SystemRxNorm, SystemCVX, SystemEDQM, SystemUCUM, SystemINN, SystemLocal, SystemOther}},
	{Name: "clinical_codes", Source: "any code system, see code_system beside it", Open: true, Pattern: clinicalCode},
	// Common in this work, as ICD-10 (icd.who.int/browse10) and ICD-11
	// (icd.who.int) write them. Any other code of a system is accepted.
	{Name: "condition_codes", Source: "WHO ICD-10 and ICD-11, any other by code_system", Open: true, Pattern: clinicalCode, Codes: []string{
		"F43.1", "F43.2", "F32", "F33", "F41.1", "F41.0", "F10", "F19", "6B40", "6B41", "6A70", "6B00",
		"A15", "B18.1", "B18.2", "B20", "B54", "D50", "E10", "E11", "E44", "G40", "I10", "J45", "K02", "K29", "L20",
		"M54.5", "N39.0", "R51", "S52", "Z34"}},
	// LOINC codes of the vital signs profile of FHIR R4 and of common results.
	{Name: "observation_codes", Source: "LOINC, FHIR R4 observation-vitalsigns", Open: true, Pattern: clinicalCode, Codes: []string{
		"85354-9", "8480-6", "8462-4", "8867-4", "9279-1", "8310-5", "8302-2", "29463-7", "39156-5", "2708-6",
		"718-7", "4548-4", "2339-0", "75622-1", "5195-3", "13955-0", "20507-0", "2106-3", LOINCPregnancyStatus}},
	{Name: "units", Source: "UCUM (ucum.org)", Open: true, Pattern: `[!-~]{1,40}`, Codes: []string{
		"mg", "g", "ug", "mg/mL", "mL", "[IU]", "{tablet}", "{capsule}", "{drop}", "{puff}", "{sachet}", "{application}", "{patch}",
		"kg", "cm", "kg/m2", "mm[Hg]", "/min", "Cel", "%", "g/dL", "mmol/L", "mg/dL", "{score}"}},
	// CVX, CDC (www2a.cdc.gov/vaccines/iis/iisstandards/vaccines.asp?rpt=cvx).
	{Name: "vaccines", Source: "CDC CVX, www2a.cdc.gov/vaccines/iis", Open: true, Pattern: clinicalCode, Codes: []string{
		"02", "03", "05", "08", "09", "10", "19", "20", "21", "25", "37", "38", "43", "45", "52", "62", "83", "85", "88", "90",
		"101", "104", "110", "113", "114", "115", "119", "133", "135", "140", "141", "162", "165", "187", "207", "208", "210", "212", "213"}},
}

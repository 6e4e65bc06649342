package interop

import (
	"fmt"
	"strings"
	"testing"
)

func readFHIR(t *testing.T, text string) Result {
	t.Helper()
	res, err := ReadFHIR(strings.NewReader(text))
	if err != nil {
		t.Fatalf("reading: %v", err)
	}
	return res
}

// bundleOf puts resources beside one patient.
func bundleOf(resources ...string) string {
	entries := []string{`{"fullUrl":"urn:uuid:p","resource":{"resourceType":"Patient","id":"p"}}`}
	for i, r := range resources {
		entries = append(entries, fmt.Sprintf(`{"fullUrl":"urn:uuid:r%d","resource":%s}`, i, r))
	}
	return `{"resourceType":"Bundle","type":"collection","entry":[` + strings.Join(entries, ",") + `]}`
}

const ofP = `"subject":{"reference":"urn:uuid:p"}`

func coded(system, code, display string) string {
	return fmt.Sprintf(`{"coding":[{"system":%q,"code":%q,"display":%q}]}`, system, code, display)
}

func TestAResource(t *testing.T) {
	const snomed, loinc, edqm = "http://snomed.info/sct", "http://loinc.org", "http://standardterms.edqm.eu"
	for _, c := range []struct {
		name, resource string
		want           map[string]string // collection.field → value; "aside PATH" → value and reason
	}{
		{"a condition", `{"resourceType":"Condition","id":"c",` + ofP + `,"code":` + coded(snomed, "386661006", "Fever") + `,
			"clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]},
			"severity":` + coded(loinc, "LA6751-7", "Moderate") + `,"onsetDateTime":"2015","recordedDate":"2016-10-01T10:00:00+02:00","note":[{"text":"one"},{"text":"two"}]}`,
			map[string]string{
				"conditions.label": "Fever", "conditions.code": "386661006", "conditions.code_system": "snomed", "conditions.clinical_status": "active",
				"conditions.severity": "moderate", "conditions.onset_on": "2015", "conditions.recorded_on": "2016-10-01", "conditions.note": "one\ntwo",
				"conditions.source": "import", "aside Condition.severity": "", "aside Condition.code": "",
				"aside Condition.recordedDate": `{"c":"2016-10-01T10:00:00+02:00"} (no_place_for_it)`,
			}},
		{"words beat the name of the code, which is kept", `{"resourceType":"Condition","id":"c",` + ofP + `,"code":{"text":"her words","coding":[{"system":"urn:own","code":"x1","display":"Its name"}]}}`,
			map[string]string{"conditions.label": "her words", "conditions.code": "x1", "conditions.code_system": "other",
				"aside Condition.code":           `{"c":{"coding":[{"system":"urn:own","display":"Its name"}]}} (unknown_field)`,
				"aside Condition.clinicalStatus": `{"c":"active"} (no_place_for_it)`}},
		{"no known problem is no problem", `{"resourceType":"Condition","id":"c",` + ofP + `,"code":` + coded("http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips", "no-problem-info", "No information") + `}`,
			map[string]string{"conditions.label": ""}},
		{"entered in error", `{"resourceType":"Condition","id":"c",` + ofP + `,"code":{"text":"Fever"},"verificationStatus":{"coding":[{"code":"entered-in-error"}]}}`,
			map[string]string{"conditions.label": ""}},
		{"an allergy", `{"resourceType":"AllergyIntolerance","id":"a","patient":{"reference":"urn:uuid:p"},"code":{"text":"Penicillin"},"type":"allergy","category":["medication","food"],
			"criticality":"high","reaction":[{"severity":"mild","manifestation":[{"text":"hives"}]},{"severity":"severe","manifestation":[` + coded(snomed, "39579001", "Anaphylaxis") + `]}]}`,
			map[string]string{"allergies.substance": "Penicillin", "allergies.kind": "allergy", "allergies.category": "medication+food", "allergies.criticality": "high",
				"allergies.reaction": "hives+anaphylaxis", "allergies.severity": "severe", "allergies.status": "active"}},
		{"a medicine", `{"resourceType":"MedicationStatement","id":"m",` + ofP + `,"status":"active","medicationCodeableConcept":` + coded("http://www.whocc.no/atc", "N02BE01", "Paracetamol") + `,
			"effectivePeriod":{"start":"2020-01-02","end":"2020-02"},"dosage":[{"text":"after meals","asNeededBoolean":false,"route":` + coded(edqm, "20053000", "Oral use") + `,
			"timing":{"repeat":{"frequency":2,"period":1,"periodUnit":"d"}},"doseAndRate":[{"doseQuantity":{"value":500,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}}]}]}`,
			map[string]string{"medicines.substance": "Paracetamol", "medicines.code": "N02BE01", "medicines.code_system": "atc", "medicines.status": "active",
				"medicines.started_on": "2020-01-02", "medicines.stopped_on": "2020-02", "medicines.instructions": "after meals", "medicines.route": "26643006",
				"medicines.frequency": "BID", "medicines.dose": "500 mg", "medicines.as_needed": "false", "aside MedicationStatement.dosage": ""}},
		{"of several dosages none is the dose", `{"resourceType":"MedicationStatement","id":"m",` + ofP + `,"status":"active","medicationCodeableConcept":{"text":"Lithium"},
			"dosage":[{"text":"1 in the morning","doseAndRate":[{"doseQuantity":{"value":1}}]},{"text":"2 at night","doseAndRate":[{"doseQuantity":{"value":2}}]}]}`,
			map[string]string{"medicines.dose": "", "medicines.instructions": "1 in the morning\n2 at night",
				"aside MedicationStatement.dosage": `{"m":[{"doseAndRate":[{"doseQuantity":{"value":1}}]},{"doseAndRate":[{"doseQuantity":{"value":2}}]}]} (unknown_field)`}},
		{"an odd frequency", `{"resourceType":"MedicationRequest","id":"m",` + ofP + `,"status":"cancelled","authoredOn":"2020-01-02","medicationCodeableConcept":{"text":"X"},
			"dosageInstruction":[{"timing":{"repeat":{"frequency":3,"period":2,"periodUnit":"wk"}},"doseAndRate":[{"doseQuantity":{"value":1,"unit":"tablets"}}]}]}`,
			map[string]string{"medicines.frequency": "3 x per 2 wk", "medicines.dose": "1 {tablet}", "medicines.status": "not-taken", "medicines.started_on": "2020-01-02",
				"aside MedicationRequest.status": `{"m":"cancelled"} (no_place_for_it)`}},
		{"an immunisation", `{"resourceType":"Immunization","id":"i","patient":{"reference":"Patient/p"},"status":"completed","vaccineCode":` + coded("http://hl7.org/fhir/sid/cvx", "208", "COVID-19 mRNA") + `,
			"occurrenceDateTime":"2022-02-01","lotNumber":"B52","expirationDate":"2023-01-01","primarySource":true,"site":{"text":"left arm"},"route":` + coded("http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration", "IM", "Injection") + `,
			"protocolApplied":[{"series":"first","doseNumberPositiveInt":2,"targetDisease":[{"text":"COVID-19"}]}],"location":{"display":"A clinic"}}`,
			map[string]string{"immunisations.vaccine": "COVID-19 mRNA", "immunisations.code": "208", "immunisations.code_system": "cvx", "immunisations.status": "completed",
				"immunisations.given_on": "2022-02-01", "immunisations.lot": "B52", "immunisations.lot_expires_on": "2023-01-01", "immunisations.primary_source": "true",
				"immunisations.body_site": "left arm", "immunisations.route": "78421000", "immunisations.series": "first", "immunisations.dose_number": "2",
				"immunisations.target_disease": "COVID-19", "immunisations.place": "A clinic"}},
		{"an encounter", `{"resourceType":"Encounter","id":"e",` + ofP + `,"status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},
			"type":[{"text":"A visit"}],"period":{"start":"2011-09-27T03:33:15+00:00","end":"2011-09-27T04:00:00+00:00"},"reasonCode":[` + coded(snomed, "75498004", "Sinusitis") + `]}`,
			map[string]string{"encounters.status": "finished", "encounters.class": "AMB", "encounters.kind": "A visit", "encounters.starts_at": "2011-09-27T03:33:15.000Z",
				"encounters.ends_at": "2011-09-27T04:00:00.000Z", "encounters.reason": "Sinusitis", "encounters.reason_code": "75498004"}},
		{"an encounter of which only the day is known", `{"resourceType":"Encounter","id":"e",` + ofP + `,"status":"finished","period":{"start":"2011-09-27"}}`,
			map[string]string{"encounters.starts_at": "2011-09-27T00:00:00.000Z", "aside Encounter.period.start": `{"e":"2011-09-27"} (no_place_for_it)`}},
		{"a measurement", `{"resourceType":"Observation","id":"o",` + ofP + `,"status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs","display":"vital-signs"}]}],
			"code":` + coded(loinc, "8310-5", "Body temperature") + `,"effectiveDateTime":"2023-09-29T08:00:00+02:00","valueQuantity":{"value":37.50,"unit":"C","system":"http://unitsofmeasure.org","code":"Cel"},
			"interpretation":[{"coding":[{"code":"H"}]}],"referenceRange":[{"text":"36-37"}]}`,
			map[string]string{"observations.label": "Body temperature", "observations.code": "8310-5", "observations.code_system": "loinc", "observations.category": "vital-signs",
				"observations.status": "final", "observations.effective_at": "2023-09-29T06:00:00.000Z", "observations.value": "37.50", "observations.unit": "Cel",
				"observations.interpretation": "H", "observations.reference_range": "36-37"}},
		{"an observation in parts", `{"resourceType":"Observation","id":"o",` + ofP + `,"status":"final","code":` + coded(loinc, "85354-9", "Blood pressure") + `,"effectiveDateTime":"2023-09-29","component":[
			{"code":` + coded(loinc, "8480-6", "Systolic") + `,"valueQuantity":{"value":136,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}},
			{"code":` + coded(loinc, "8462-4", "Diastolic") + `,"valueQuantity":{"value":88,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}}]}`,
			map[string]string{"observations.effective_on": "2023-09-29", "observations.components": `{"8462-4":"88 mm[Hg]","8480-6":"136 mm[Hg]"}`}},
		{"a value that was not told", `{"resourceType":"Observation","id":"o",` + ofP + `,"status":"final","code":{"text":"Weight"},"dataAbsentReason":{"coding":[{"code":"asked-declined"}]}}`,
			map[string]string{"observations.value": `{"absent":"asked_declined"}`}},
		{"a score of a questionnaire", `{"resourceType":"Observation","id":"o",` + ofP + `,"status":"final","code":` + coded(loinc, "44261-6", "PHQ-9 total") + `,"valueInteger":14}`,
			map[string]string{"observations.code": "44261-6", "observations.value": "14"}},
		{"a pregnancy", `{"resourceType":"Observation","id":"o",` + ofP + `,"status":"final","code":` + coded(loinc, "82810-3", "Pregnancy status") + `,"effectiveDateTime":"2020-01-10","valueCodeableConcept":` + coded(snomed, "77386006", "Pregnant") + `}`,
			map[string]string{"pregnancies.status": "77386006", "pregnancies.observed_on": "2020-01-10", "observations.label": ""}},
		{"a procedure", `{"resourceType":"Procedure","id":"x",` + ofP + `,"status":"completed","code":{"text":"Suture"},"performedPeriod":{"start":"2012-05-07T03:33:15+00:00","end":"2012-05-07T03:55:15+00:00"}}`,
			map[string]string{"procedures.label": "Suture", "procedures.status": "completed", "procedures.performed_on": "2012-05-07", "procedures.starts_at": "2012-05-07T03:33:15.000Z", "procedures.ends_at": "2012-05-07T03:55:15.000Z"}},
		{"what has no state that may be first is kept", `{"resourceType":"Procedure","id":"x",` + ofP + `,"code":{"text":"Suture"}}`,
			map[string]string{"procedures.label": ""}},
		{"security labels", `{"resourceType":"Condition","id":"c",` + ofP + `,"meta":{"security":[{"code":"HIV"},{"code":"R"}]},"code":{"text":"x"}}`,
			map[string]string{"conditions.security_labels": "HIV", "aside Condition.meta": `{"c":{"security":[{"code":"R"}]}} (unknown_field)`}},
		{"what we have no record for", `{"resourceType":"Claim","id":"c","patient":{"reference":"urn:uuid:p"},"total":{"value":1.50}}`,
			map[string]string{"aside Claim": `{"resourceType":"Claim","id":"c","patient":{"reference":"urn:uuid:p"},"total":{"value":1.50}} (unsupported_resource)`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := readFHIR(t, bundleOf(c.resource))
			if len(res.Cases) != 1 {
				t.Fatalf("%d cases", len(res.Cases))
			}
			for at, want := range c.want {
				got := ""
				if path, ok := strings.CutPrefix(at, "aside "); ok {
					got = kept(res.Cases[0], path)
				} else {
					collection, field, _ := strings.Cut(at, ".")
					got = found(res.Cases[0], collection, field)
				}
				if got != want {
					t.Errorf("%s is %q, want %q", at, got, want)
				}
			}
		})
	}
}

func TestAPatient(t *testing.T) {
	res := readFHIR(t, `{"resourceType":"Bundle","entry":[{"fullUrl":"https://a.example/fhir/Patient/1","resource":{"resourceType":"Patient","id":"1",
		"identifier":[{"system":"urn:oid:1","value":"77"}],
		"name":[{"use":"maiden","family":"Before"},{"use":"official","family":"Nowak","given":["Ana","Maria"],"prefix":["Dr"]}],
		"telecom":[{"system":"phone","use":"home","value":"tel:+31788700800"},{"system":"phone","value":"123"},{"system":"email","value":"a@b.example"},{"system":"url","value":"http://x"}],
		"gender":"female","_birthDate":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"asked-declined"}]},
		"address":[{"line":["1 Road","Flat 2"],"city":"Town","postalCode":"99","country":"NLD"}],"maritalStatus":{"coding":[{"code":"M"}]},
		"communication":[{"language":{"coding":[{"code":"en-NZ"}]},"preferred":true}],"deceasedBoolean":false,
		"contact":[{"name":{"text":"Kin"}}]}}]}`)
	c := res.Cases[0]
	for at, want := range map[string]string{
		"identities.given_name": "Ana", "identities.middle_name": "Maria", "identities.family_name": "Nowak", "identities.salutation": "Dr", "identities.former_names": "Before",
		"identities.other_identifiers": "urn:oid:1|77", "identities.home_phone": "+31788700800", "identities.phones": "123", "identities.email": "a@b.example",
		"identities.birth_date": `{"absent":"asked_declined"}`, "identities.mailing_street": "1 Road, Flat 2", "identities.mailing_city": "Town", "identities.mailing_postal_code": "99",
		"identities.mailing_country": "NL", "survivors.gender": "Feminine", "survivors.marital_status": "Married", "survivors.languages": "en-NZ", "survivors.primary_language": "en-NZ",
		"survivors.deceased": "false", "identities.safe_phone": "", "survivors.birth_year": "",
	} {
		collection, field, _ := strings.Cut(at, ".")
		if got := found(c, collection, field); got != want {
			t.Errorf("%s is %q, want %q", at, got, want)
		}
	}
	if got := kept(c, "Patient.contact"); got != `{"1":[{"name":{"text":"Kin"}}]} (unknown_field)` {
		t.Errorf("the contact is kept as %q", got)
	}
	if c.Key != "https://a.example/fhir/Patient/1" {
		t.Errorf("key %q", c.Key)
	}
}

func TestReferencesLeadToDrafts(t *testing.T) {
	res := readFHIR(t, bundleOf(
		`{"resourceType":"MedicationRequest","id":"m",`+ofP+`,"status":"active","medicationReference":{"reference":"urn:uuid:r3"},"encounter":{"reference":"Encounter/e"},"reasonReference":[{"reference":"urn:uuid:r2"}]}`,
		`{"resourceType":"Encounter","id":"e",`+ofP+`,"status":"finished","period":{"start":"2011-09-27T03:33:15+00:00"}}`,
		`{"resourceType":"Condition","id":"c",`+ofP+`,"code":{"text":"Fever"}}`,
		`{"resourceType":"Medication","id":"d","code":{"text":"Paracetamol"},"form":{"text":"tablet"},"ingredient":[{"strength":{"numerator":{"value":500,"code":"mg"},"denominator":{"value":1,"unit":"tablet"}}}],"batch":{"lotNumber":"L1"}}`,
	))
	c := res.Cases[0]
	var m Draft
	for _, d := range c.Drafts {
		if d.Collection == "medicines" {
			m = d
		}
	}
	if m.Refs["encounter"] != "urn:uuid:p/urn:uuid:r1" || m.Refs["condition"] != "urn:uuid:p/urn:uuid:r2" {
		t.Errorf("references %v", m.Refs)
	}
	for field, want := range map[string]string{"substance": "Paracetamol", "form": "tablet", "strength": "500 mg / 1 {tablet}"} {
		if got := found(c, "medicines", field); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	if got := kept(c, "Medication.batch"); got != `{"m":{"lotNumber":"L1"}} (unknown_field)` {
		t.Errorf("the batch is kept as %q", got)
	}
	at := map[string]int{}
	for i, d := range c.Drafts {
		at[d.Collection] = i
	}
	if at["cases"] != 0 || at["encounters"] > at["medicines"] || at["conditions"] > at["medicines"] {
		t.Errorf("what is referred to does not come first: %v", at)
	}
}

func TestResourcesGoToTheirOwnPerson(t *testing.T) {
	res := readFHIR(t, `{"resourceType":"Bundle","entry":[
		{"fullUrl":"urn:uuid:a","resource":{"resourceType":"Patient"}},{"fullUrl":"urn:uuid:b","resource":{"resourceType":"Patient"}},
		{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Condition","subject":{"reference":"urn:uuid:a"},"code":{"text":"of a"},"recorder":{"reference":"urn:uuid:doc"}}},
		{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Condition","subject":{"reference":"urn:uuid:b"},"code":{"text":"of b"}}},
		{"fullUrl":"urn:uuid:3","resource":{"resourceType":"Condition","subject":{"reference":"Patient/elsewhere"},"code":{"text":"of c"}}},
		{"fullUrl":"urn:uuid:4","resource":{"resourceType":"Condition","subject":{"reference":"urn:uuid:nobody"},"code":{"text":"of d"}}},
		{"fullUrl":"urn:uuid:doc","resource":{"resourceType":"Practitioner","name":[{"text":"Doc"}]}},
		{"fullUrl":"urn:uuid:lost","resource":{"resourceType":"Organization","name":"Lost"}}]}`)
	labels := map[string]string{}
	for _, c := range res.Cases {
		labels[c.Key] = found(c, "conditions", "label")
		if holds, want := kept(c, "Practitioner") != "", c.Key == "urn:uuid:a"; holds != want {
			t.Errorf("%s holds the practitioner: %v", c.Key, holds)
		}
		if kept(c, "Organization") != "" && labels[c.Key] != "" {
			t.Errorf("%s holds what belongs to nobody", c.Key)
		}
	}
	if len(res.Cases) != 5 || labels["urn:uuid:a"] != "of a" || labels["urn:uuid:b"] != "of b" || labels["urn:uuid:nobody"] != "of d" {
		t.Errorf("%v", labels)
	}
}

func TestUnreadableFHIR(t *testing.T) {
	const secret = "Quillonwick"
	for _, c := range []struct{ name, text, code, says string }{
		{"nothing", "", "import_empty", ""},
		{"XML", "<Bundle/>", "import_fhir_xml", ""},
		{"no JSON", "{\n \"name\": " + secret + "}", "import_malformed", "line 2"},
		{"one resource alone", `{"resourceType":"Patient","id":"` + secret + `"}`, "import_not_fhir", ""},
		{"more after the end", `{"resourceType":"Bundle"} x`, "import_malformed", ""},
		{"a name twice", `{"resourceType":"Bundle","type":"` + secret + `","type":"b"}`, "import_malformed", ""},
		{"too deep", `{"resourceType":"Bundle","entry":` + strings.Repeat("[", DepthMax) + strings.Repeat("]", DepthMax) + "}", "import_too_deep", ""},
		{"cut off", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"` + secret, "import_malformed", ""},
		{"too many entries", `{"resourceType":"Bundle","entry":[1` + strings.Repeat(",1", RecordsMax) + "]}", "import_too_many_records", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadFHIR(strings.NewReader(c.text))
			unreadable(t, err, c.code, c.says, secret)
		})
	}
	t.Run("too large", func(t *testing.T) {
		_, err := ReadFHIR(strings.NewReader(strings.Repeat("x", FileBytesMax+1)))
		unreadable(t, err, "import_too_large", "", secret)
	})
}

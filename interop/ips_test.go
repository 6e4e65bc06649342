package interop

import (
	"bytes"
	"testing"

	"portolan/care"
)

func carriedRow(collection string, set map[string]care.Value) care.Row {
	return care.Row{Collection: collection, V: set}
}

func carriedExample() Summary {
	text := care.OfText
	return Summary{
		Day: "2026-11-20", Language: "en", Name: "Marisol", BirthYear: "1999",
		Allergies: []care.Row{carriedRow("allergies", map[string]care.Value{"substance": text("penicillin"), "criticality": text("high"), "reaction": care.OfList("hives"), "severity": text("severe")})},
		Medicines: []care.Row{
			carriedRow("medicines", map[string]care.Value{"substance": text("sertraline"), "dose": text("50 mg"), "frequency": text("QD"), "route": text(care.RouteOral), "status": text("active"), "started_on": text("2026-01-02"), "taken_when": text("MORN-NIGHT"), "with_food": text("PC")}),
			carriedRow("medicines", map[string]care.Value{"substance": text("salbutamol"), "status": text("active"), "as_needed": care.OfBool(true)}),
		},
		Conditions:    []care.Row{carriedRow("conditions", map[string]care.Value{"label": text("Asthma"), "code": text("J45"), "code_system": text(care.SystemICD10), "clinical_status": text("active"), "onset_on": text("2011-05")})},
		Immunisations: []care.Row{carriedRow("immunisations", map[string]care.Value{"vaccine": text("Hepatitis B"), "code": text("45"), "code_system": text(care.SystemCVX), "status": text("completed"), "given_on": text("2026-09-01"), "dose_number": care.OfInt(2)})},
	}
}

// What is carried comes back whole where the next helper takes it in.
func TestACarriedSummaryIsReadBack(t *testing.T) {
	raw, err := WriteIPS(carriedExample())
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadFHIR(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Cases) != 1 {
		t.Fatalf("%d cases, want 1", len(got.Cases))
	}
	want := map[string]map[string]string{
		"penicillin":  {"criticality": "high", "status": "active"},
		"sertraline":  {"status": "active", "route": care.RouteOral, "started_on": "2026-01-02", "taken_when": "MORN-NIGHT", "with_food": "PC"},
		"salbutamol":  {"as_needed": "true"},
		"Asthma":      {"code": "J45", "code_system": care.SystemICD10, "onset_on": "2011-05"},
		"Hepatitis B": {"code": "45", "code_system": care.SystemCVX, "given_on": "2026-09-01", "dose_number": "2"},
	}
	for _, d := range got.Cases[0].Drafts {
		name := d.Set["substance"].Text() + d.Set["label"].Text() + d.Set["vaccine"].Text()
		for field, value := range want[name] {
			if plain(d.Set[field]) != value {
				t.Errorf("%s: %s is %q, want %q", name, field, plain(d.Set[field]), value)
			}
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("%s did not come back", name)
	}
}

func TestTheSameSummaryIsTheSameBundle(t *testing.T) {
	a, err := WriteIPS(carriedExample())
	if err != nil {
		t.Fatal(err)
	}
	b, err := WriteIPS(carriedExample())
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("two bundles of one summary differ, or %v", err)
	}
	other := carriedExample()
	other.Name, other.BirthYear, other.Allergies = "", "", nil
	c, err := WriteIPS(other)
	if err != nil || bytes.Contains(c, []byte("Marisol")) || !bytes.Contains(c, []byte(`"unavailable"`)) {
		t.Errorf("what is not given stands in it, or %v", err)
	}
}

package main

import (
	"os"

	"portolan/care"
	"portolan/interop"
)

// bundle writes what the invented person carries for machines to read.
func bundle(to string) error {
	row := func(collection string, set map[string]care.Value) []care.Row {
		return []care.Row{{Collection: collection, V: set}}
	}
	text := care.OfText
	raw, err := interop.WriteIPS(interop.Summary{
		Day: "2026-11-20", Language: "en", Name: "Lemlem", BirthYear: "1999",
		Allergies:  row("allergies", map[string]care.Value{"substance": text("penicillin"), "criticality": text("high"), "reaction": care.OfList("hives")}),
		Medicines:  row("medicines", map[string]care.Value{"substance": text("sertraline"), "dose": text("50 mg"), "route": text(care.RouteOral), "frequency": text("QD"), "status": text("active")}),
		Conditions: row("conditions", map[string]care.Value{"label": text("Asthma"), "code": text("J45"), "code_system": text(care.SystemICD10), "clinical_status": text("active")}),
		Immunisations: row("immunisations", map[string]care.Value{"vaccine": text("Hepatitis B"), "code": text("45"), "code_system": text(care.SystemCVX),
			"status": text("completed"), "given_on": text("2026-09-01")}),
	})
	if err != nil {
		return err
	}
	return os.WriteFile(to, raw, 0o600)
}

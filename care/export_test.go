package care

import "testing"

// everyPart is every compartment, as of somebody who may take all along.
func everyPart() map[Compartment]bool {
	m := map[Compartment]bool{}
	for _, c := range Compartments {
		m[c] = true
	}
	return m
}

func agreedTo(but ...Category) map[Category]bool {
	m := map[Category]bool{}
	for _, c := range Categories {
		m[c] = true
	}
	for _, c := range but {
		m[c] = false
	}
	return m
}

// filled is a record with something in every field.
func filled(e *Entity) Row {
	r := Row{Collection: e.Name, ID: id(1), V: map[string]Value{}}
	for i := range e.Fields {
		r.V[e.Fields[i].Name] = OfText("x")
	}
	return r
}

// TestR14AnExportDropsWhatHasAnotherPurpose, and R26: nothing that says or
// implies an offence, and nothing of the parts legal and evidence, is in one.
func TestR14AnExportDropsWhatHasAnotherPurpose(t *testing.T) {
	all, own := everyPart(), func(string) bool { return true }
	eachField(t, func(t *testing.T, e *Entity, f *Field, where string) {
		name := f.Name
		if f.HTCDS != "" {
			name = f.HTCDS
		}
		legal := f.Compartment == Legal || f.Compartment == Evidence
		for _, l := range f.Labels {
			legal = legal || l == LabelLegal
		}
		for _, p := range Purposes {
			out, _ := ExportedFields(filled(e), p, all, agreedTo(), own)
			if _, is := out[name]; is != (f.Purpose == p && !legal) {
				t.Errorf("%s, for %s: %v", where, p, is)
			}
		}
		for _, cat := range CategoriesOf(f.Compartment) {
			placed := e.Name == "medicines" || e.Name == "conditions" || e.Name == "allergies" || e.Name == "immunisations"
			if out, _ := ExportedFields(filled(e), f.Purpose, all, agreedTo(cat), own); out[name] != nil && !(placed && f.Compartment == Health && cat != CatHealth) {
				t.Errorf("%s leaves without a yes to %s", where, cat)
			}
		}
		if out, _ := ExportedFields(filled(e), f.Purpose, map[Compartment]bool{}, agreedTo(), own); len(out) > 0 {
			t.Errorf("%s leaves without a grant", where)
		}
	})
}

// TestNoTwoExportedFieldsHaveOneName: a standard's name may be that of two
// fields only in two collections.
func TestNoTwoExportedFieldsHaveOneName(t *testing.T) {
	for _, e := range Schema {
		seen := map[string]string{}
		for _, f := range e.Fields {
			name := f.Name
			if f.HTCDS != "" {
				name = f.HTCDS
			}
			if other, twice := seen[name]; twice && e.Topic == NoTopic {
				t.Errorf("%s: %s and %s are both exported as %s", e.Name, other, f.Name, name)
			}
			seen[name] = f.Name
		}
	}
}

func TestWhatAnExportLeavesOutOfARecord(t *testing.T) {
	all := everyPart()
	mine := func(s string) bool { return s == id(1) }
	for name, c := range map[string]struct {
		row    Row
		field  string
		agreed map[Category]bool
		leaves bool
	}{
		"a medicine":                      {row("medicines", id(1), fields{"substance": "ibuprofen"}), "substance", agreedTo(CatHIV, CatMentalHealth, CatSexualReproductive), true},
		"one that says what for":          {row("medicines", id(1), fields{"substance": "dolutegravir"}), "substance", agreedTo(CatHIV), false},
		"one that a label places":         {row("medicines", id(1), fields{"substance": "x", "security_labels": []string{"PSY"}}), "substance", agreedTo(CatMentalHealth), false},
		"one that tells of violence":      {row("medicines", id(1), fields{"substance": "x", "security_labels": []string{"SDV"}}), "substance", agreedTo(), false},
		"an encounter could tell of all":  {row("encounters", id(1), fields{"reason": "x"}), "reason", agreedTo(CatHIV), false},
		"the name of the standard":        {row("survivors", id(1), fields{"gender": "female"}), "prs_Gender", agreedTo(), true},
		"a case beside it":                {row("cases", id(1), fields{"linked_cases": []string{id(2)}}), "linked_cases", agreedTo(), false},
		"a task about another's record":   {row("tasks", id(1), fields{"subject": id(2)}), "subject", agreedTo(), false},
		"a task about its own":            {row("tasks", id(1), fields{"subject": id(1)}), "subject", agreedTo(), true},
		"a place without a yes to places": {row("dependents", id(1), fields{"country": "KE"}), "country", agreedTo(CatLocation), false},
	} {
		e, _ := Find(c.row.Collection)
		for i := range e.Fields {
			e := e.Fields[i]
			if e.Name != c.field && e.HTCDS != c.field {
				continue
			}
			out, parts := ExportedFields(c.row, e.Purpose, all, c.agreed, mine)
			if _, is := out[c.field]; is != c.leaves || is != (len(parts) > 0) {
				t.Errorf("%s: %v, %v", name, out, parts)
			}
		}
	}
}

func TestExportTerms(t *testing.T) {
	r, ok := ExportTo("organisation:" + id(1))
	r.Purpose = MedicalTreatment
	if !ok {
		t.Fatal("an organisation is no recipient")
	}
	terms := ExportTerms(r, []string{id(1), id(2)})
	if p := (Approval{Act: ActBulkExport, Terms: terms, Reason: "supervision"}); !p.WellFormed() {
		t.Errorf("nobody can be asked for %s", terms)
	}
	if terms == ExportTerms(r, []string{id(1), id(3)}) {
		t.Error("another set of cases has the same terms")
	}
	for _, s := range []string{"", "country:", "country:FR", "organisation:", "organisation:clinic", "anyone_named:Ana", "role:health", id(1)} {
		if _, ok := ExportTo(s); ok {
			t.Errorf("%q is a recipient", s)
		}
	}
}

package care

import (
	"slices"
	"testing"
)

func TestCarriedNeedsWhatItTells(t *testing.T) {
	row := func(collection string, pairs ...string) Row {
		r := Row{Collection: collection, V: map[string]Value{}}
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == "security_labels" {
				r.V[pairs[i]] = OfList(pairs[i+1])
				continue
			}
			r.V[pairs[i]] = OfText(pairs[i+1])
		}
		return r
	}
	for _, c := range []struct {
		row  Row
		want []string
		may  bool
	}{
		{row("medicines", "substance", "Ibuprofen"), nil, true},
		{row("medicines", "substance", "Sertraline 50 mg"), []string{"mental_health"}, true},
		{row("medicines", "substance", "dolutegravir + lamivudine + tenofovir"), []string{"hiv"}, true},
		{row("medicines", "substance", "levonorgestrel"), []string{"sexual_health"}, true},
		{row("medicines", "substance", "ibuprofen", "security_labels", "PSY"), []string{"mental_health"}, true},
		{row("medicines", "substance", "ibuprofen", "security_labels", "SDV"), nil, false},
		{row("medicines", "substance", "ibuprofen", "security_labels", "TRAFFICK"), nil, false},
		{row("medicines", "substance", "ibuprofen", "code", "F10", "code_system", "rxnorm"), nil, true},
		{row("conditions", "label", "x", "code", "F43.1", "code_system", "icd10"), []string{"mental_health"}, true},
		{row("conditions", "label", "x", "code", "6B41", "code_system", "icd11"), []string{"mental_health"}, true},
		{row("conditions", "label", "x", "code", "B20", "code_system", "icd10"), []string{"hiv"}, true},
		{row("conditions", "label", "x", "code", "A54", "code_system", "icd10"), []string{"sexual_health"}, true},
		{row("conditions", "label", "x", "code", "J45", "code_system", "icd10"), nil, true},
		{row("conditions", "label", "Stress (finding)", "code", "73595000", "code_system", "snomed"), []string{"mental_health"}, true},
		{row("conditions", "label", "Estrés"), []string{"mental_health"}, true},
		{row("conditions", "label", "Obesidad"), nil, true},
		{row("conditions", "label", "post-traumatic stress"), []string{"mental_health"}, true},
		{row("conditions", "label", "x", "code", "T74.51XA", "code_system", "icd10cm"), nil, false},
		{row("conditions", "label", "x", "code", "Z91.42"), nil, false},
	} {
		got, may := Carried(c.row)
		if may != c.may || !slices.Equal(got, c.want) {
			t.Errorf("%v: %v %v, want %v %v", c.row.V, got, may, c.want, c.may)
		}
	}
}

func TestCarriedCategories(t *testing.T) {
	list, _ := FindCodes("summary_sections")
	for section := range carriedSections {
		if !list.Has(section) {
			t.Errorf("%s is no code of summary_sections", section)
		}
	}
	if got := CarriedCategories("legal", "hiv", "allergies"); !slices.Equal(got, []Category{CatHealth, CatHIV, CatLegal}) {
		t.Errorf("categories %v", got)
	}
	if got := CarriedCategories("procedures"); !slices.Equal(got, Categories) {
		t.Errorf("a section that nobody knows needs %v, want everything", got)
	}
	if got := CarriedCategories(); got != nil {
		t.Errorf("nothing needs %v", got)
	}
}

package hooks

import (
	"slices"
	"testing"

	"portolan/care"
	"portolan/pdf"
)

func rowOf(pairs ...any) care.Row {
	r := care.Row{V: map[string]care.Value{}}
	for i := 0; i < len(pairs); i += 2 {
		switch v := pairs[i+1].(type) {
		case string:
			r.V[pairs[i].(string)] = care.OfText(v)
		case []string:
			r.V[pairs[i].(string)] = care.OfList(v...)
		case int:
			r.V[pairs[i].(string)] = care.OfInt(int64(v))
		}
	}
	return r
}

func TestLanguagesOfASummary(t *testing.T) {
	for _, c := range []struct {
		name     string
		survivor care.Row
		chosen   []string
		country  string
		want     []string
	}{
		{"own and the country's", rowOf("primary_language", "es"), nil, "FR", []string{"es", "fr"}},
		{"one language here and there", rowOf("primary_language", "es"), nil, "ES", []string{"es", "es"}},
		{"two chosen", rowOf("primary_language", "es"), []string{"en", "es"}, "ES", []string{"es", "en"}},
		{"one chosen beside the own", rowOf("primary_language", "es"), []string{"en"}, "FR", []string{"es", "en"}},
		{"the own alone", rowOf("primary_language", "es"), []string{"es"}, "FR", []string{"es", "es"}},
		{"two others, one of them spoken", rowOf("primary_language", "ar", "languages", []string{"ar", "fr"}), []string{"en", "fr"}, "GB", []string{"fr", "en"}},
		{"two others, none spoken", rowOf("primary_language", "ar"), []string{"en", "fr"}, "GB", []string{"fr", "en"}},
		{"an own that cannot be set stays, to be refused", rowOf("primary_language", "ar"), nil, "FR", []string{"ar", "fr"}},
		{"no primary", rowOf("languages", []string{"fr"}), nil, "GB", []string{"fr", "en"}},
		{"a regional tag", rowOf("primary_language", "pt-BR"), []string{"en-GB"}, "FR", []string{"pt", "en"}},
		{"nothing known of the person", rowOf(), nil, "FR", []string{"fr", "fr"}},
		{"no country", rowOf("primary_language", "es"), nil, "", []string{"es", "es"}},
	} {
		transfer := rowOf()
		if c.chosen != nil {
			transfer = rowOf("languages", c.chosen)
		}
		if got := chooseLanguages(c.survivor, transfer, c.country); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestDoses(t *testing.T) {
	for written, want := range map[string]pdf.Value{
		"500 mg":       pdf.Exactly("500 mg"),
		"2.5 mg":       pdf.Exactly("2.5 mg"),
		"2 {tablet}":   {List: "dose_units", Code: "tablet", Number: "2"},
		"1/2 tablet":   {List: "dose_units", Code: "tablet", Number: "1/2"},
		"3 drops":      {List: "dose_units", Code: "drop", Number: "3"},
		"2 patches":    {List: "dose_units", Code: "patch", Number: "2"},
		"14 [IU]":      {List: "dose_units", Code: "IU", Number: "14"},
		"50 ug":        {List: "dose_units", Code: "ug", Number: "50"},
		"half a glass": pdf.Free("half a glass", ""),
		"":             pdf.Free("", ""),
	} {
		if got := dose(care.OfText(written)); got != want {
			t.Errorf("%q: %+v, want %+v", written, got, want)
		}
	}
	if got := dose(care.OfAbsent(care.Unknown)); got.List != "absent" || got.Code != "unknown" {
		t.Errorf("an unknown dose: %+v", got)
	}
}

func TestSupplySaysUntilWhen(t *testing.T) {
	details := supply(rowOf("days_left", 12, "counted_on", "2026-12-25"))
	if len(details) != 3 || details[2].Label != "lasts_until" || details[2].Values[0].Text != "2027-01-06" {
		t.Errorf("%+v", details)
	}
	if details := supply(rowOf("days_left", 12)); len(details) != 2 || details[1].Values[0].Code != "not_recorded" {
		t.Errorf("without the day of counting: %+v", details)
	}
	if details := supply(rowOf()); details != nil {
		t.Errorf("nothing recorded: %+v", details)
	}
}

func TestTheWorstReasonIsSaid(t *testing.T) {
	got := whyNothing(map[string]care.Decision{"medications": {Reason: care.NoConsent}, "legal": {Reason: care.ConsentWithdrawn}, "needs": {Reason: care.ConsentExpired}})
	if got != care.ConsentWithdrawn {
		t.Errorf("%s", got)
	}
}

package main

import "portolan/pdf"

// invented is the paper of a person whom nobody knows, with what makes papers
// hard: doses, ranges, dates, a phone number, names in other letters, text that
// somebody wrote, and two pages of it.
func invented(own, other string) pdf.Summary {
	return pdf.Summary{
		Languages: [2]string{own, other},
		Day:       "2026-11-20",
		Essential: []pdf.Section{
			{Key: "allergies", Entries: []pdf.Entry{
				{Head: pdf.Coded("allergens", "penicillin", "penicillin", "penicillin", ""), Details: []pdf.Detail{
					pdf.Of("criticality", pdf.Coded("allergy_criticalities", "high", "", "", "")),
					pdf.Of("reaction", pdf.Coded("allergy_reactions", "anaphylaxis", "", "", ""), pdf.Coded("allergy_reactions", "hives", "", "", "")),
					pdf.Of("last_reaction_on", pdf.Exactly("2024-03-02")),
				}},
				{Head: pdf.Coded("allergens", "latex", "latex", "latex", ""), Details: []pdf.Detail{
					pdf.Of("severity", pdf.Coded("condition_severities", "mild", "", "", "")),
				}},
			}},
			{Key: "interpreter", Entries: []pdf.Entry{{Details: []pdf.Detail{
				pdf.Of("language", pdf.Coded("languages", own, "", "", ""), pdf.Coded("languages", "uk", "", "", "")),
				pdf.Of("interpreter", pdf.Coded("answer", "true", "", "", "")),
				pdf.Of("interpreter_gender", pdf.Coded("interpreter_genders", "woman", "", "", "")),
			}}}},
			{Key: "medicines", Entries: []pdf.Entry{
				medicine("sertraline", "50 mg", "QD", "20", pdf.Coded("medicine_times", "NIGHT", "", "", "")),
				medicine("ferrous sulfate", "200 mg", "BID", "14", pdf.Coded("medicine_times", "MORN", "", "", ""), pdf.Coded("medicine_times", "EVE", "", "", ""), pdf.Coded("medicine_food", "AC", "", "", "")),
				{Head: pdf.Coded("substances", "salbutamol", "salbutamol", "salbutamol", "en"), Details: []pdf.Detail{
					pdf.Of("form", pdf.Coded("medicine_forms", "inhaler", "", "", "")),
					pdf.Of("dose", pdf.Value{List: "dose_units", Code: "puff", Number: "2"}),
					pdf.Of("route", pdf.Coded("medicine_routes", "447694001", "", "", "")),
					pdf.Of("as_needed", pdf.Coded("answer", "true", "", "", "")),
					pdf.Of("instructions", pdf.Free("Not more than 8-10 puffs in 24 h (100 µg each).", "en")),
				}},
			}},
			{Key: "conditions", Entries: []pdf.Entry{
				{Head: pdf.Coded("condition_codes", "J45", "ICD-10 J45", "", ""), Details: []pdf.Detail{
					pdf.Of("onset_on", pdf.Exactly("2011-05")),
				}},
				{Head: pdf.Coded("condition_codes", "D50", "ICD-10 D50", "", ""), Details: []pdf.Detail{
					pdf.Of("severity", pdf.Coded("condition_severities", "moderate", "", "", "")),
				}},
			}},
		},
		Further: further(),
		Agreed: pdf.Section{Key: "agreed", Entries: []pdf.Entry{
			{Details: []pdf.Detail{pdf.Of("country", pdf.Coded("countries", "FR", "FR", "", ""))}},
			{Head: pdf.Coded("categories", "health", "", "", ""), Details: []pdf.Detail{pdf.Of("expires_on", pdf.Exactly("2027-02-18"))}},
			{Head: pdf.Coded("categories", "legal", "", "", ""), Details: []pdf.Detail{pdf.Of("expires_on", pdf.Exactly("2027-01-31"))}},
			{Head: pdf.Value{List: "withdraw", Code: "any_time"}},
		}},
	}
}

func further() []pdf.Section {
	return []pdf.Section{
		{Key: "about", Entries: []pdf.Entry{{Details: []pdf.Detail{
			pdf.Of("name", pdf.Exactly("ለምለም ተስፋይ"), pdf.Exactly("Lemlem Tesfay")),
			pdf.Of("birth_year", pdf.Exactly("1999")),
		}}}},
		{Key: "immunisations", Entries: []pdf.Entry{
			{Head: pdf.Coded("vaccines", "45", "CVX 45", "", ""), Details: []pdf.Detail{
				pdf.Of("given_on", pdf.Exactly("2026-09-01")), pdf.Of("dose_number", pdf.Exactly("2")), pdf.Of("next_dose_on", pdf.Exactly("2027-03-01")),
			}},
		}},
		{Key: "legal", Entries: []pdf.Entry{
			{Head: pdf.Coded("legal_matter_kinds", "asylum", "", "", ""), Details: []pdf.Detail{pdf.Of("valid_until", pdf.Exactly("2027-06-30"))}},
			{Head: pdf.Coded("appointments", "hearing", "", "", ""), Details: []pdf.Detail{pdf.Of("date", pdf.Exactly("2026-12-11 09:30"), pdf.Exactly("Europe/Paris"))}},
		}},
		{Key: "needs", Entries: []pdf.Entry{{Details: []pdf.Detail{
			pdf.Of("needs", pdf.Coded("needs", "shelter", "", "", ""), pdf.Coded("needs", "education", "", "", ""), pdf.Coded("needs", "interpretation", "", "", "")),
			pdf.Of("access_needs", pdf.Coded("access_needs", "ground_floor", "", "", "")),
		}}}},
		{Key: "children", Entries: []pdf.Entry{
			{Head: pdf.Coded("dependent_relations", "child", "", "", ""), Details: []pdf.Detail{
				pdf.Of("age_band", pdf.Exactly("0–8")), pdf.Of("schooling", pdf.Coded("schooling_states", "enrolled", "", "", "")),
			}},
		}},
		{Key: "contact", Entries: []pdf.Entry{{Details: []pdf.Detail{
			pdf.Of("safe_channel", pdf.Coded("contact_channels", "sms", "", "", "")),
			pdf.Of("safe_hours", pdf.Exactly("10:00–12:00")),
			pdf.Of("phone", pdf.Exactly("+961 1 234-567")),
		}}}},
	}
}

func medicine(inn, dose, frequency, left string, when ...pdf.Value) pdf.Entry {
	return pdf.Entry{Head: pdf.Coded("substances", inn, inn, inn, "en"), Details: []pdf.Detail{
		pdf.Of("dose", pdf.Exactly(dose)),
		pdf.Of("route", pdf.Coded("medicine_routes", "26643006", "", "", "")),
		pdf.Of("frequency", pdf.Coded("medicine_frequencies", frequency, "", "", "")),
		pdf.Of("taken_when", when...),
		pdf.Of("days_left", pdf.Exactly(left)),
		pdf.Of("counted_on", pdf.Exactly("2026-11-18")),
		pdf.Of("lasts_until", pdf.Exactly("2026-12-08")),
	}}
}

package gen

import (
	"fmt"
	"strings"
	"time"

	"portolan/care"
)

var aliases = []string{
	"Alba", "Brisa", "Coral", "Duna", "Estrella", "Flor", "Gaviota", "Hiedra", "Iris", "Jara", "Kiwi", "Lluvia", "Menta",
	"Nube", "Olivo", "Palma", "Quinoa", "Roble", "Sauce", "Tilo", "Uva", "Violeta", "Yedra", "Zarza",
}

// people writes the person, their identity and those who depend on them.
func (s *story) people() {
	s.person()
	if !s.anonymous {
		s.vault()
	}
	if !s.child && s.chance(45) {
		for n := range 1 + s.IntN(3) {
			s.dependent(n)
		}
	}
}

func (s *story) person() {
	gender := "Masculine"
	if s.woman {
		gender = "Feminine"
	}
	if s.chance(4) {
		gender = from(s.source, "TransgenderFeminine", "NonConforming", "NonSpecifiedUnknown")
	}
	precision := from(s.source, "day", "day", "year", "estimated")
	if s.disputed {
		precision = "disputed"
	}
	p := s.begin("survivors", s.opened).puts(map[string]any{
		"alias":  fmt.Sprintf("%s %d", aliases[s.i%len(aliases)], s.i+1),
		"gender": gender, "birth_year": s.opened.Year() - s.age, "age_band": ageBand(s.age), "dob_precision": precision,
		"child": s.child, "age_disputed": s.disputed, "unaccompanied": s.child && s.chance(50),
		"citizenships": []string{s.c.country}, "stateless": s.chance(3), "country_of_birth": s.c.country,
		"migrant_type": s.code("migrant_types"), "protection_status": s.code("protection_statuses"),
		"migration_circumstances": s.codes("migration_circumstances", 0, 2), "marital_status": from(s.source, "Single", "Single", "Married", "Separated", "Widowed"),
		"education_level": from(s.source, "PrimaryEducation", "LowerSecondaryEducation", "UpperSecondaryEducation"),
		"diets":           s.codes("diets", 0, 2), "languages": []string{s.c.language, from(s.source, "en", "es")}, "primary_language": s.c.language,
		"secondary_language": "en", "literacy": s.code("literacies"), "interpreter_needed": s.interpreter != "",
		"interpreter_language": s.c.language, "interpreter_gender": from(s.source, "woman", "no_preference"),
		"access_needs": s.codes("access_needs", 0, 1), "wg_seeing": from(s.source, "no_difficulty", "some_difficulty"),
		"wg_hearing": "no_difficulty", "wg_walking": from(s.source, "no_difficulty", "no_difficulty", "some_difficulty"),
		"wg_remembering": from(s.source, "no_difficulty", "a_lot_of_difficulty"), "immediate_danger": s.chance(8), "do_not_contact": s.chance(3),
		"safe_channel": from(s.source, "messaging_app", "phone_call", "in_person"), "safe_hours": "14:00-18:00", "leave_message": s.chance(20),
		"code_word": from(s.source, "umbrella", "library", "bicycle"), "do_not_disclose": s.codes("disclosure_bodies", 1, 4),
		"do_not_ask_again": s.codes("told_topics", 0, 4), "carry_choice": s.carries(),
	})
	s.survivor = p
	if s.chance(25) {
		p.put("religion", care.AskedDeclined)
	}
	if s.chance(20) {
		p.put("number_of_children", care.NotAsked)
	}
}

// carries is what the person wants to have with them. The first one takes
// everything, so that there is something to show.
func (s *story) carries() string {
	if s.i == 0 {
		return "both"
	}
	return from(s.source, "both", "paper", "phone", "nothing")
}

func ageBand(age int) string {
	for _, b := range []struct {
		top  int
		band string
	}{{8, "0-8"}, {11, "9-11"}, {14, "12-14"}, {17, "15-17"}, {20, "18-20"}, {23, "21-23"}, {26, "24-26"}, {29, "27-29"}, {38, "30-38"}, {47, "39-47"}} {
		if age <= b.top {
			return b.band
		}
	}
	return "48_and_over"
}

// vault writes what names the person. A person without a case number of
// theirs anywhere else is found by it alone.
func (s *story) vault() {
	born := s.birthDate(s.age)
	latin := s.given.latin + " " + s.family.latin
	handle := strings.ToLower(strings.ReplaceAll(s.given.latin, " ", "."))
	v := s.begin("identities", s.opened).puts(map[string]any{
		"given_name": s.given.own, "family_name": s.family.own, "romanised_name": latin, "birth_date": born,
		"birth_place": s.c.city.own, "aliases": []string{from(s.source, "Mimi", "Lola", "Titi", "Nana")}, "phones": []string{s.phone()},
		"mobile_phone": s.phone(), "safe_phone": s.phone(), "identity_documents": s.codes("identity_documents", 0, 2),
		"documents_held_by_trafficker": s.codes("identity_documents", 0, 2), "mailing_country": s.c.country,
		"identity_number": fmt.Sprintf("%s%07d", s.c.country, s.IntN(10_000_000)),
		"email":           handle + "@example.org", "social_accounts": []string{"@" + handle},
		"trusted_people": "A cousin, " + from(s.source, s.c.women...).own, "may_answer": []string{from(s.source, s.c.women...).own},
		"never_contact": []string{from(s.source, s.c.men...).own + " " + s.family.own}, "do_not_disclose_to": []string{"The uncle in " + s.c.city.latin},
		"excluded_people": []string{from(s.source, s.c.men...).own},
	})
	s.identity = v
	if s.chance(40) {
		v.puts(map[string]any{
			"middle_name": from(s.source, s.c.women...).own, "former_names": []string{from(s.source, s.c.women...).own + " " + from(s.source, s.c.families...).own},
			"mailing_street": fmt.Sprintf("House %d", 1+s.IntN(200)), "mailing_city": s.c.city.own, "mailing_state": s.c.region,
			"mailing_postal_code": fmt.Sprintf("%05d", s.IntN(100000)), "home_phone": s.phone(), "other_identifiers": []string{fmt.Sprintf("UNHCR-%06d", s.IntN(1000000))},
			"salutation": from(s.source, "Ms", "Mr"),
		})
	}
}

// birthDate gives a date, or as much of it as is known.
func (s *story) birthDate(age int) string {
	born := s.opened.AddDate(-age, -s.IntN(11), -s.IntN(27))
	switch {
	case s.disputed:
		return born.Format("2006")
	case s.chance(15):
		return born.Format("2006-01")
	}
	return born.Format(time.DateOnly)
}

func (s *story) dependent(n int) {
	age := 1 + s.IntN(16)
	along := s.chance(35)
	where := from(s.source, "with_relatives", "in_country_of_origin", "with_other_parent")
	if along {
		where = "with_survivor"
	}
	d := s.begin("dependents", s.opened).puts(map[string]any{
		"alias": fmt.Sprintf("Child %d", n+1), "given_name": from(s.source, append(append([]name{}, s.c.women...), s.c.men...)...).own,
		"family_name": s.family.own, "birth_date": s.birthDate(age), "relation": "child", "gender": from(s.source, "Feminine", "Masculine"),
		"age_band": ageBand(age), "whereabouts": where, "country": s.c.country, "custody": from(s.source, "survivor", "shared", "relatives"),
		"schooling": from(s.source, "enrolled", "out_of_school"), "needs": s.codes("needs", 0, 2), "immediate_danger": s.chance(6), "travels_along": along,
	})
	if along {
		d.put("country", "ES")
	} else {
		d.put("address", map[string]string{"street": fmt.Sprintf("Lane %d", 1+s.IntN(40)), "city": s.c.city.own})
	}
	s.dependents = append(s.dependents, d.id)
}

// history writes what happened to the person, as far as they told.
func (s *story) history() {
	kinds := s.codes("exploitation_types", 1, 2)
	happened := s.opened.AddDate(0, -6-s.IntN(30), 0)
	decided := days(s.opened, 3+s.IntN(30))
	t := s.begin("trafficking_contexts", s.opened).puts(map[string]any{
		"status": from(s.source, "PossibleVictimOfTrafficking", "ActualVictimOfTrafficking"), "stage": from(s.source, "presumed", "reasonable_grounds", "self_identified"),
		"relationship_to_trafficker": s.code("trafficker_relationships"), "age_when_trafficked": max(12, s.age-1-s.IntN(4)),
		"recruitment_methods": s.codes("recruitment_methods", 1, 3), "recruitment_websites": s.codes("websites_and_apps", 0, 2),
		"control_methods": s.codes("control_methods", 2, 6), "exploitation_types": kinds, "told_so_far": "The journey and the work, in outline.",
		"made_to_offend": s.chance(12),
	})
	if !decided.After(s.w.now) {
		t.puts(map[string]any{"decided_by": from(s.source, "NGO", "Police", "NonPoliceGovernmentalOrganization"), "decided_on": decided})
	}
	switch kinds[0] {
	case "ForcedLabour", "ChildLabour", "Servitude":
		t.put("labour_industry", s.code("industries"))
	case "SexualExploitation":
		t.put("sex_exploitation_types", s.codes("sex_exploitation_types", 1, 2))
	}
	if s.chance(50) {
		t.puts(map[string]any{"debt_bondage_amount": fmt.Sprint(500 * (2 + s.IntN(40))), "debt_bondage_currency": "EUR"})
	}
	for n, kind := range []string{"Recruitment", "Transit", "Exploitation"} {
		country := []string{s.c.country, from(s.source, "TR", "LY", "MX", "AE"), "ES"}[n]
		s.begin("exploitation_events", s.opened).puts(map[string]any{
			"kind": kind, "occurred_on": happened.AddDate(0, n, 0).Format("2006-01"), "country": country, "city": []string{s.c.city.own, "", "Almería"}[n],
			"street": fmt.Sprintf("Road %d", 1+s.IntN(90)), "description": "As told in the second meeting; not to be asked again.",
		})
	}
	s.begin("perpetrators", s.opened).puts(map[string]any{
		"alias": "Person A", "name": from(s.source, s.c.men...).own + " " + from(s.source, s.c.families...).own, "roles_in_process": s.codes("perpetrator_roles", 1, 2),
		"relationship": s.code("trafficker_relationships"), "knows_where_person_is": s.chance(15), "at_large": s.chance(70),
		"description": "Tall, a scar on the left hand.",
	})
}

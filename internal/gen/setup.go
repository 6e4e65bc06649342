package gen

import (
	"fmt"
	"time"

	"portolan/care"
)

// The languages in which somebody interprets. Those of the first cases come
// first; nobody interprets Sinhala here, so that some are without.
var interpreted = []string{"es", "ar", "ne", "bn", "am", "uk", "zh-Hans", "my", "km", "th", "ta", "ro", "prs", "ti", "vi", "ur", "fil"}

// How many of each role work here.
var headcount = []struct {
	role   care.Role
	people int
}{
	{care.Outreach, 3}, {care.Coordinator, 2}, {care.HealthWorker, 2}, {care.LegalWorker, 2},
	{care.ReintegrationRole, 2}, {care.ProtectionOfficer, 2}, {care.Auditor, 1}, {care.Operator, 1},
}

var staffNames = []string{
	"Inés Cabrera", "Jordi Puig", "Samira Benali", "Marta Lozano", "Pau Ferrer", "Dr. Elena Ruiz", "Nuria Campos",
	"Óscar Vidal", "Leila Haddou", "Tomás Iglesias", "Ana Belén Soto", "Carmen Otero", "Víctor Salas", "Rocío Prieto",
}

const (
	roomsPerHouse  = 5
	bedsPerRoom    = 3
	housesInCharge = 3
	peopleCanary   = 100 // first canary of each part of the setup
	houseCanary    = 300
	serviceCanary  = 700
)

// nameAll mints the ids of everything that cases refer to.
func (w *World) nameAll(s source, began time.Time) {
	for _, what := range []string{"home", "abroad", "origin", "hospital", "lawyers", "police", "immigration", "school"} {
		w.orgs[what] = s.id(began)
	}
	for _, h := range headcount {
		for range h.people {
			w.staff[h.role] = append(w.staff[h.role], s.id(began))
		}
	}
	for range 2 {
		w.teams = append(w.teams, s.id(began))
	}
	for _, l := range interpreted {
		w.interpreters[l] = s.id(began)
	}
	w.unvetted = s.id(began)
	for _, kind := range serviceKinds {
		w.services[kind] = s.id(began)
	}
	for range 2 {
		w.funding = append(w.funding, s.id(began))
	}
	for i := range housesInCharge {
		w.houses = append(w.houses, house{id: s.id(began), country: "ES", intake: s.id(began), blocked: s.id(began)})
		for range roomsPerHouse*bedsPerRoom - 2 {
			w.beds = append(w.beds, bed{id: s.id(began), house: i})
		}
	}
}

func (w *World) began() time.Time { return w.now.AddDate(-4, 0, 0) }

func (w *World) writerOf(stream uint64, firstCanary int) *writer {
	return &writer{source: newSource(w.seed, stream), w: w, home: w.home, number: firstCanary}
}

// Organisations is the home organisation and those it works with, in three
// countries.
func (w *World) Organisations() []Draft {
	wr := w.writerOf(streamWorld+1, 0)
	for _, o := range []struct{ what, name, kind, country, zone, city string }{
		{"home", "Casa Alba", "NGO", "ES", "Europe/Madrid", "Madrid"},
		{"abroad", "Maison du Pont", "NGO", "FR", "Europe/Paris", "Lyon"},
		{"origin", "Ghar Phirti Sanstha", "NGO", "NP", "Asia/Kathmandu", "Kathmandu"},
		{"hospital", "Hospital San Telmo", "HealthServiceOrganisation", "ES", "Europe/Madrid", "Madrid"},
		{"lawyers", "Abogadas en Red", "LegalService", "ES", "Europe/Madrid", "Madrid"},
		{"police", "Unidad Provincial", "LawEnforcement", "ES", "Europe/Madrid", "Madrid"},
		{"immigration", "Oficina de Extranjería", "ImmigrationService", "ES", "Europe/Madrid", "Madrid"},
		{"school", "Escuela de Adultos Norte", "SchoolOrCollege", "ES", "Europe/Madrid", "Madrid"},
	} {
		wr.beginAs("organisations", w.orgs[o.what]).puts(map[string]any{
			"name": o.name, "kind": o.kind, "country": o.country, "time_zone": o.zone, "city": o.city,
			"status": "active", "languages": []string{"en", languageOf(o.country)},
			"agreement_on": w.began(), "agreement_until": w.now.AddDate(1, 0, 0),
		})
	}
	return wr.drafts
}

// languageOf is the language of an office in one of the three countries.
func languageOf(country string) string {
	return map[string]string{"ES": "es", "FR": "fr", "NP": "ne"}[country]
}

// People is staff of every role, teams, memberships, tablets and interpreters.
// Those whom Employ brought are left out.
func (w *World) People() []Draft {
	wr := w.writerOf(streamWorld+2, peopleCanary)
	n := 0
	for _, h := range headcount {
		for _, id := range w.staff[h.role] {
			if !w.employed[id] {
				wr.colleague(id, h.role, staffNames[n%len(staffNames)])
			}
			n++
		}
	}
	for i, id := range w.teams {
		members := append(append([]string{}, w.staff[care.Outreach]...), w.person(care.Coordinator, i), w.person(care.HealthWorker, i),
			w.person(care.LegalWorker, i), w.person(care.ReintegrationRole, i))
		wr.beginAs("teams", id).puts(map[string]any{
			"name": []string{"Team North", "Team South"}[i%2], "members": members, "lead": w.person(care.Coordinator, i), "status": "active",
		})
		for _, m := range members {
			wr.begin("memberships", w.began()).puts(map[string]any{"team": id, "staff": m, "duty": "member", "from": w.began()})
		}
	}
	for i, id := range w.staff[care.Outreach] {
		wr.begin("devices", w.began()).puts(map[string]any{
			"label": fmt.Sprintf("Tablet %d", i+1), "staff": id, "status": "enrolled", "enrolled_at": w.began(), "last_seen": w.now.Add(-time.Hour),
		})
	}
	wr.interpretersAll()
	return wr.drafts
}

func (w *writer) colleague(id string, role care.Role, name string) {
	began := w.w.began()
	w.beginAs("staff", id).puts(map[string]any{
		"display_name": name, "roles": []string{string(role)}, "team": w.w.teams[0], "status": "active",
		"languages": []string{"es", "en"}, "started_on": began, "confidentiality_signed_on": began, "code_of_conduct_signed_on": began,
		"training": w.codes("trainings", 1, 4), "training_until": w.w.now.AddDate(0, 6, 0), "caseload_max": 25,
	})
}

func (w *writer) interpretersAll() {
	for i, lang := range interpreted {
		c := cultureOf(lang)
		given, family := from(w.source, c.women...), from(w.source, c.families...)
		w.beginAs("interpreters", w.w.interpreters[lang]).puts(map[string]any{
			"alias": fmt.Sprintf("Interpreter %d", i+1), "name": given.own + " " + family.own, "phone": w.phone(), "languages": []string{lang, "es"},
			"gender": "Feminine", "modes": w.codes("interpreting_modes", 1, 3), "nationalities": []string{c.country},
			"vetted_on": w.w.began(), "vetted_until": w.w.now.AddDate(1, 0, 0), "confidentiality_signed_on": w.w.began(),
			"trauma_training": true, "status": "vetted",
		})
	}
	// Somebody who asked to work here and whom nobody may send to a person yet (R8).
	w.beginAs("interpreters", w.w.unvetted).puts(map[string]any{
		"alias": "Applicant", "name": "Dilani Fernando", "phone": w.phone(), "languages": []string{"si"}, "status": "unvetted",
		"communities": []string{"Kurunegala"}, "excluded_cases": []string{w.w.caseID(10)},
	})
}

// Facilities is houses with their rooms and beds, and requests for a bed that
// were declined.
func (w *World) Facilities() []Draft {
	wr := w.writerOf(streamWorld+3, houseCanary)
	next := 0
	for i, h := range w.houses {
		wr.house(i, h)
		var unit *sheet
		for b := range roomsPerHouse * bedsPerRoom {
			if b%bedsPerRoom == 0 {
				unit = wr.begin("units", w.began()).puts(map[string]any{
					"facility": h.id, "name": fmt.Sprintf("Room %d", b/bedsPerRoom+1), "kind": "room", "status": "open",
					"floor": fmt.Sprint(b / bedsPerRoom / 2), "capacity": bedsPerRoom, "blocked_capacity": 0, "attributes": wr.codes("unit_attributes", 1, 3),
				})
			}
			switch b {
			case 0:
				wr.bed(h.intake, unit.id, b, "available")
			case 1:
				wr.bed(h.blocked, unit.id, b, "blocked")
			default:
				wr.bed(w.beds[next].id, unit.id, b, "available")
				next++
			}
		}
	}
	for range 12 {
		declined := wr.between(w.now.AddDate(0, -6, 0), w.now)
		wr.begin("unmet_needs", declined).puts(map[string]any{
			"declined_on": declined, "requested_on": declined, "reason": wr.code("unmet_reasons"), "group_size": 1 + wr.IntN(4),
			"population": wr.code("populations"), "facility": from(wr.source, w.houses...).id, "country": "ES", "region": "Centro",
		})
	}
	return wr.drafts
}

func (w *writer) house(i int, h house) {
	name := []string{"Almendro", "Brezo", "Cedro"}[i%3]
	w.beginAs("facilities", h.id).puts(map[string]any{
		"alias": name, "kind": []string{"emergency", "transitional", "long_term"}[i%3], "status": "open", "organisation": w.home,
		"country": h.country, "region": "Centro", "time_zone": "Europe/Madrid",
		"address": map[string]string{"street": fmt.Sprintf("Calle de la Encina %d", 10+w.IntN(80)), "postal_code": "28039", "city": "Madrid"},
		"phone":   w.phone(), "directions": "Second door behind the courtyard, ring twice.",
		"longitude": "-3.70379", "latitude": "40.41678", "contact_role": "House coordinator",
		"populations": []string{"women", "families"}, "gender_rule": []string{"women", "all", "all"}[i%3], "capacity": roomsPerHouse * bedsPerRoom,
		"children_with_parent": true, "languages": []string{"es", "en"}, "curfew": "22:30", "secret": true,
		"inspected_on": w.between(w.w.now.AddDate(0, -8, 0), w.w.now), "inspection_result": "passed", "next_inspection_on": w.w.now.AddDate(0, 5, 0),
		"funding_source": w.w.funding[i%2], "house_rules": "Visitors are met elsewhere. Nobody takes photographs of the house.",
	})
}

func (w *writer) bed(id, unit string, n int, state string) {
	s := w.beginAs("beds", id).puts(map[string]any{
		"unit": unit, "label": fmt.Sprintf("%d%c", n/bedsPerRoom+1, 'A'+n%bedsPerRoom), "kind": from(w.source, "bed", "lower_bunk", "upper_bunk"),
		"state": state, "household_type": "1", "bed_type": "1", "availability": "1",
	})
	if state == "blocked" {
		s.puts(map[string]any{"blocked_reason": "maintenance", "blocked_until": w.w.now.AddDate(0, 1, 0)})
	}
}

var serviceKinds = []string{"shelter", "health", "mental_health", "legal_aid", "vocational_training", "education", "return_assistance", "hotline"}

// Directory is what organisations offer, the money behind it, and codes that
// the organisation added to the lists.
func (w *World) Directory() []Draft {
	wr := w.writerOf(streamWorld+4, serviceCanary)
	for i, id := range w.funding {
		wr.beginAs("funding_sources", id).puts(map[string]any{
			"name": []string{"City grant", "Foundation for safe houses"}[i%2], "reference": fmt.Sprintf("F-%d", 100+i), "currency": "EUR",
			"amount": "180000", "from": w.began(), "until": w.now.AddDate(1, 0, 0), "status": "active",
		})
	}
	for _, kind := range serviceKinds {
		org := map[string]string{"health": "hospital", "mental_health": "hospital", "legal_aid": "lawyers", "education": "school", "return_assistance": "origin"}[kind]
		if org == "" {
			org = "home"
		}
		wr.beginAs("services", w.services[kind]).puts(map[string]any{
			"name": "Service: " + kind, "organisation": w.orgs[org], "kind": kind, "countries": []string{"ES"}, "languages": []string{"es", "en"},
			"populations": []string{"any"}, "hours": "Mon-Fri 09:00-17:00", "capacity": 20, "places_free": wr.IntN(8),
			"capacity_as_of": wr.between(w.now.AddDate(0, 0, -9), w.now), "accepts_referrals": true, "status": "open",
		})
	}
	wr.begin("code_entries", w.began()).puts(map[string]any{
		"list": "needs", "code": "local_swimming", "labels": map[string]string{"es": "Natación", "en": "Swimming"}, "status": "active",
	})
	return wr.drafts
}

// phone is a number that nobody is given.
func (s source) phone() string { return fmt.Sprintf("+3460000%04d", s.IntN(10000)) }

func cultureOf(language string) culture {
	for _, c := range cultures {
		if c.language == language {
			return c
		}
	}
	panic("gen: nobody speaks " + language)
}

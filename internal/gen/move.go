package gen

import (
	"fmt"
	"time"

	"portolan/care"
)

// handOvers writes referrals and moves across borders.
func (s *story) handOvers() {
	s.referrals()
	if s.child || s.anonymous {
		return
	}
	switch {
	case s.round == 0 && s.i%16 == 0:
		s.transfer("transfer", "FR", "abroad", s.w.now.Add(36*time.Hour), "accepted")
	case s.round == 0 && s.i%16 == 3:
		s.transfer("onward", "FR", "abroad", s.w.now.Add(20*time.Hour), "accepted")
	case s.round == 0 && s.i%16 == 5:
		s.transfer("transfer", "FR", "abroad", days(s.w.now, 40), "sent")
	case s.round == 0 && s.i%16 == 7:
		s.transfer("transfer", "FR", "abroad", days(s.w.now, 5), "draft")
	case s.round == 0 && s.i%16 == 13:
		s.transfer("transfer", "FR", "abroad", days(s.w.now, 12), "cancelled")
	case s.c.country == "NP" && s.round < 3:
		s.transfer("return", "NP", "origin", days(s.w.now, 9), "accepted")
	case s.round > 0 && s.round < 5 && s.i%8 == 3:
		s.transfer("transfer", "FR", "abroad", days(s.until, -6), "completed")
	case s.round > 0 && s.round < 5 && s.i%8 == 6:
		s.transfer("transfer", "FR", "abroad", days(s.until, -6), "failed")
	}
}

// transferSteps is the way to each state.
var transferSteps = map[string][]string{
	"draft":     nil,
	"cancelled": {"consented", "cancelled"},
	"sent":      {"consented", "sent"},
	"accepted":  {"consented", "sent", "accepted"},
	"completed": {"consented", "sent", "accepted", "departed", "arrived", "completed"},
	"failed":    {"consented", "sent", "accepted", "departed", "failed"},
}

// What a person lets travel with them.
var travelling = []string{"identity", "contact", "health", "mental_health", "shelter"}

func (s *story) transfer(kind, country, partner string, departure time.Time, state string) {
	w, planned := s.w, days(departure, -12)
	if planned.After(w.now) {
		planned = days(w.now, -2)
	}
	consent := ""
	if state != "draft" {
		d := decision{key: "crossing", purpose: care.CrossBorderTransfer, country: country, cats: travelling, acts: []string{"share", "print", "export"}, at: planned, days: 300}
		consent = s.consent(d)
		s.pairwise(w.orgs[partner], consent, planned)
	}
	risk := s.preDeparture(kind, country, minTime(days(departure, -3), days(w.now, -1)))
	t := s.begin("transfers", planned).puts(map[string]any{
		"kind": kind, "status": "draft", "departure_at": departure, "origin_country": "ES", "destination_country": country, "destination_region": map[string]string{"FR": "Rhône", "NP": s.c.region}[country],
		"receiving_org": w.orgs[partner], "receiving_worker": "Case worker on duty", "receiving_contact": "Desk of the organisation", "languages": []string{s.c.language, languageOf(country)},
		"voluntary": true, "voluntary_statement": s.c.wish, "voluntary_on": planned, "risk_assessment": risk, "safe_to_travel": true, "consent": consent, "categories": travelling,
		"route": "Night train, one change", "transport": from(s.source, "rail", "air", "bus"), "escort": from(s.source, "staff", "nobody", "volunteer"), "transit_contacts": "Station mission, ask for Rosa",
		"travel_documents": []string{"passport"}, "medicine_days": 30 + s.IntN(30), "first_appointment_at": days(departure, 2), "first_appointment_with": "Health desk",
		"no_show_protocol": "Message to the safe phone; after a day a call to the trusted person.", "follow_up_org": w.orgs[partner],
	})
	for n, step := range transferSteps[state] {
		s.transferStep(t, step, planned.Add(time.Duration(n+1)*time.Hour), departure)
	}
	s.move = Case{Transfer: t.id}
	if departure.After(w.now) && state != "cancelled" {
		s.move.Destination, s.move.Departure = country, departure
	}
}

func (s *story) transferStep(t *sheet, step string, at, departure time.Time) {
	next := t.amend().put("status", step)
	switch step {
	case "sent":
		next.put("sent_at", at)
	case "accepted":
		next.put("receiver_accepted_at", at)
	case "departed":
		next.put("departed_at", departure)
	case "arrived":
		next.put("arrival_confirmed_by", "Desk of the organisation")
	case "completed":
		next.puts(map[string]any{"responsibility_moved_at": days(departure, 1), "check_72h_at": days(departure, 3), "check_72h_outcome": "safe", "sender_access_until": days(departure, 30)})
	case "failed":
		next.put("failure_reason", from(s.source, "did_not_arrive", "left_on_the_way"))
	case "cancelled":
		next.put("cancel_reason", "person_changed_mind")
	}
}

func (s *story) preDeparture(kind, country string, at time.Time) string {
	what := map[string]string{"return": "pre_return"}[kind]
	if what == "" {
		what = "pre_departure"
	}
	return s.begin("risk_assessments", at).puts(map[string]any{
		"kind": what, "status": "final", "assessed_on": at, "trigger": "travel", "level": from(s.source, "low", "medium"), "confidence": "high",
		"survivor_level": "low", "survivor_words": s.c.wish, "country": country, "safe_to_travel": true, "safe_to_return": true, "assessor": s.owner,
		"findings": "Somebody waits at the station.", "mitigation": "Tickets by hand, no names on the luggage.",
	}).id
}

func (s *story) referrals() {
	if consent := s.consents["referral"]; consent != "" {
		at := s.between(days(s.w.now, -10), s.w.now)
		r := s.begin("referrals", at).puts(map[string]any{
			"direction": "outgoing", "status": "draft", "urgency": "normal", "service": s.w.services["education"], "needs": []string{"education"},
			"receiving_org": s.w.orgs["school"], "receiving_organisation": "Escuela de Adultos Norte", "outgoing_on": at, "outgoing_reason": "AdditionalServicesRequired",
			"outgoing_details": "A place in the morning course.", "consent": consent, "categories": []string{"contact"}, "capacity_checked_at": at,
			"meeting_at": days(at, 3), "meeting_place": "At the gate of the school", "accompanied_by": "volunteer",
		})
		r.amend().puts(map[string]any{"status": "sent", "sent_at": at})
		if s.chance(70) {
			r.amend().puts(map[string]any{"status": "accepted", "answered_at": at.Add(time.Hour)})
		}
	}
	if s.chance(30) {
		s.begin("referrals", s.opened).puts(map[string]any{
			"direction": "incoming", "status": "received", "referring_organisation": "Cruz Roja", "referring_worker": "Night shift", "incoming_on": s.opened,
			"incoming_reason": from(s.source, "AdditionalServicesRequired", "MigrationOrChangeOfLocation"), "incoming_details": fmt.Sprintf("Came with %d bag.", 1+s.IntN(2)), "received_at": s.opened,
		})
	}
}

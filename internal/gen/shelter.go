package gen

import (
	"time"

	"portolan/care"
)

// dangers writes what threatens the person and what they will do about it.
func (s *story) dangers() {
	at := s.between(s.opened, s.opened.Add(70*time.Hour))
	if at.After(s.w.now) {
		at = s.opened
	}
	s.risk = s.assess("initial", "intake", at, from(s.source, "high", "high", "medium", "imminent"))
	if s.round > 0 || s.chance(40) {
		s.risk = s.assess("periodic", "review", s.when(days(at, 10)), from(s.source, "low", "medium"))
	}
	if !s.chance(80) {
		return
	}
	s.begin("safety_plans", at).puts(map[string]any{
		"status": "active", "review_on": days(s.w.now, 5+s.IntN(25)), "reviewed_at": s.when(at), "language": s.c.language,
		"warning_signs": "A car that stops twice. Calls from numbers that nobody knows.", "steps": "Go inside. Tell whoever is on duty. Call the number on the card.",
		"agreed_responses": "Staff call back within ten minutes and ask for the code word.", "code_word": from(s.source, "umbrella", "library", "bicycle"),
		"safe_people": from(s.source, s.c.women...).own + ", a neighbour", "safe_places": "The library by the river", "go_bag": "Papers, medicines for a week, charger.",
		"device_safety": "Location off; a new account for messages.", "self_harm_plan": "Call the night line; sit with somebody.",
		"shared_with": s.codes("disclosure_bodies", 0, 1), "shared_with_people": []string{"Sister " + from(s.source, s.c.women...).own}, "risk_assessment": s.risk,
	})
}

func (s *story) assess(kind, trigger string, at time.Time, level string) string {
	lower := from(s.source, "low", "medium")
	r := s.begin("risk_assessments", at).puts(map[string]any{
		"kind": kind, "status": "final", "assessed_on": at, "next_review_on": days(at, 30), "trigger": trigger, "level": level,
		"confidence": from(s.source, "low", "medium", "high"), "survivor_level": s.code("risk_levels"), "survivor_words": s.c.wish,
		"individual_factors": s.codes("individual_factors", 1, 4), "household_factors": s.codes("household_factors", 0, 3),
		"community_factors": s.codes("community_factors", 0, 3), "trafficker_proximity": lower, "retaliation": lower, "self_harm": lower,
		"family_threatened": lower, "exploited_again": lower, "debt": lower, "digital_tracking": lower, "staff_in_danger": "low",
		"findings": "Danger is greatest on the way to and from the centre.", "mitigation": "Somebody goes along for two weeks.", "assessor": s.owner,
	})
	return r.id
}

// shelter writes where the person sleeps: first nights in the intake bed of a
// house, then weeks in a bed of their own.
func (s *story) shelter() {
	if s.i%6 == 5 || s.arrived.After(s.w.now) {
		return // helped without a bed, or not here yet
	}
	w := s.w
	house := w.houses[s.bed.house]
	moved := s.arrived.Add(firstNights)
	if moved.After(w.now) {
		s.stay(house.id, house.intake, s.arrived, time.Time{}, "")
		return
	}
	first := s.stay(house.id, house.intake, s.arrived, moved, "")
	s.leaves = s.arrived.Add(stayLongest - time.Duration(s.IntN(20*24))*time.Hour)
	if s.round == 0 {
		s.leaves = time.Time{}
	}
	own := s.stay(house.id, s.bed.id, moved, s.leaves, first)
	if s.chance(30) {
		s.incident(own)
	}
}

func (s *story) stay(house, bed string, begins, until time.Time, movedFrom string) string {
	status := "checked_in"
	if !until.IsZero() {
		status = "checked_out" // written down after the fact: others have slept there since
	}
	st := s.begin("stays", begins).puts(map[string]any{
		"bed": bed, "facility": house, "status": status, "requested_at": s.opened, "check_in": begins, "expected_end": begins.Add(slot),
		"last_seen_at": s.between(s.w.now.Add(-20*time.Hour), s.w.now), "absence": "present", "rules_explained_on": begins,
		"belongings": "One bag.", "moved_from": movedFrom, "funding_source": s.w.funding[0],
	})
	if movedFrom != "" {
		st.put("move_reason", "step_down")
	}
	if until.IsZero() {
		return st.id
	}
	st.puts(map[string]any{"check_out": until, "last_seen_at": until, "exit_planned": true, "exit_country": "ES"})
	if bed == s.bed.id {
		st.puts(map[string]any{"exit_destination": s.code("hud_destinations"), "exit_reason": from(s.source, "goals_met", "moved_on", "person_chose", "left_without_notice")})
	} else {
		st.puts(map[string]any{"exit_destination": "101", "exit_reason": "moved_on"})
	}
	return st.id
}

func (s *story) incident(stay string) {
	at := s.between(s.arrived.Add(firstNights), s.w.now)
	if !s.leaves.IsZero() {
		at = s.between(s.arrived.Add(firstNights), s.leaves)
	}
	kind := from(s.source, "missing", "conflict", "medical", "trafficker_contact", "theft")
	in := s.begin("incidents", at).puts(map[string]any{
		"kind": kind, "status": "open", "occurred_at": at, "facility": s.w.houses[s.bed.house].id, "severity": from(s.source, "minor", "moderate", "serious"),
		"description": "Noticed at the evening round.", "people_involved": "Another resident, " + from(s.source, s.c.women...).own, "place": "Kitchen on the second floor",
		"action_taken": "Spoken with both; nobody was hurt.", "stay": stay, "follow_up_on": days(at, 3),
	})
	if days(at, 4).Before(s.w.now) {
		in.amend().puts(map[string]any{"status": "reviewed", "reviewed_by": s.w.person(care.Coordinator, s.i), "reviewed_at": days(at, 2)})
	}
}

package gen

import (
	"fmt"
	"time"

	"portolan/care"
)

func (s *story) reintegration() {
	if s.round == 0 && !s.chance(60) {
		return
	}
	began := s.when(days(s.opened, 7))
	s.planIt(began)
	if s.chance(40) {
		s.livelihood(began)
	}
	if s.chance(35) && !s.child {
		s.job(began)
	}
	s.schooling(began)
	if s.closed {
		s.followUps()
	}
}

func (s *story) planIt(began time.Time) {
	p := s.begin("plans", began).puts(map[string]any{
		"kind": s.codes("plan_kinds", 1, 3), "status": "active", "phase": from(s.source, "crisis", "transition", "reintegration"),
		"objectives": s.c.wish, "action_plan": "A course in the morning, counselling on Thursdays, papers by the end of the month.",
		"starts_on": began, "planned_end_on": began.AddDate(0, 6, 0), "agreed_by_person_on": began, "copy_given_on": began, "review_on": days(s.w.now, 10),
		"lead": s.w.person(care.ReintegrationRole, s.i), "budget": fmt.Sprint(200 * (1 + s.IntN(9))), "currency": "EUR", "funding_source": s.w.funding[0],
	})
	s.plan = p.id
	for n := range 2 + s.IntN(2) {
		g := s.begin("goals", began).puts(map[string]any{
			"plan": p.id, "domain": s.code("goal_domains"), "wording": s.c.wish, "measure": from(s.source, "A certificate", "A room of her own", "Papers in hand"),
			"priority": s.code("goal_priorities"), "status": from(s.source, "proposed", "accepted", "active"), "starts_on": began, "due_on": began.AddDate(0, 3, 0),
			"person_rating": 1 + s.IntN(5), "achievement": "in-progress",
		})
		if n == 0 {
			s.activity(g.id, began)
		}
	}
	if s.closed {
		p.amend().puts(map[string]any{"status": "completed", "actual_end_on": s.until, "end_reason": "Agreed at closure."})
	}
}

func (s *story) activity(goal string, began time.Time) {
	a := s.begin("activities", began).puts(map[string]any{
		"plan": s.plan, "goal": goal, "kind": s.code("activity_kinds"), "title": from(s.source, "Spanish, first level", "Sewing workshop", "Kitchen assistant"),
		"status": "active", "provider": "Escuela de Adultos Norte", "service": s.w.services["vocational_training"], "education_field": s.code("education_fields"),
		"hours": fmt.Sprint(20 + s.IntN(200)), "starts_on": began, "childcare": len(s.dependents) > 0, "transport": true,
		"cost": fmt.Sprint(50 * s.IntN(8)), "currency": "EUR", "funding_source": s.w.funding[0],
	})
	if s.closed {
		a.amend().puts(map[string]any{"status": "completed", "ends_on": s.until, "certificate": "Certificate of attendance", "certificate_on": s.until, "outcome": "Finished."})
	}
}

func (s *story) livelihood(began time.Time) {
	amount := fmt.Sprint(100 * (2 + s.IntN(14)))
	g := s.begin("livelihood_grants", began).puts(map[string]any{
		"plan": s.plan, "kind": s.code("livelihood_kinds"), "status": "proposed", "purpose": "A sewing machine and cloth for the first month.",
		"amount": amount, "currency": "EUR", "tranche": 1, "tranches": 1 + s.IntN(2), "due_diligence": from(s.source, "passed", "passed", "concerns"),
		"due_diligence_on": began, "due_diligence_by": s.w.person(care.ReintegrationRole, s.i), "funding_source": s.w.funding[1],
	})
	if s.round == 0 {
		return
	}
	officer := s.approver(0, care.Finance)
	g.signed(officer).puts(map[string]any{"status": "approved", "decided_on": s.when(began), "approved_by": officer})
	s.payment("", g.id, amount, began)
	g.amend().puts(map[string]any{"status": "disbursed", "used_for": "Machine bought in March."})
}

func (s *story) job(began time.Time) {
	s.begin("employments", began).puts(map[string]any{
		"status": from(s.source, "offered", "current"), "occupation": from(s.source, "51", "53", "75", "91", "94"), "industry": s.code("industries"), "title": from(s.source, "Kitchen assistant", "Seamstress", "Carer"),
		"employer": "Cocina Común S.C.", "workplace": fmt.Sprintf("Calle Mayor %d", 1+s.IntN(100)), "contract": "written", "starts_on": s.when(began), "hours_per_week": fmt.Sprint(16 + s.IntN(24)),
		"wage": fmt.Sprint(900 + s.IntN(500)), "wage_period": "month", "currency": "EUR", "wage_against_minimum": from(s.source, "at", "above", "below"),
		"employer_check": from(s.source, "passed", "not_done", "concerns"), "employer_checked_on": began, "holds_own_papers": true, "free_to_leave": true,
	})
}

func (s *story) schooling(began time.Time) {
	for _, d := range s.dependents {
		if !s.chance(60) {
			continue
		}
		s.begin("educations", began).puts(map[string]any{
			"dependent": d, "status": from(s.source, "wanted", "waiting", "enrolled"), "level": from(s.source, "0", "1", "2"), "grade": fmt.Sprint(1 + s.IntN(8)),
			"school": "Colegio del Parque", "language": "es", "barriers": s.codes("education_barriers", 0, 2), "attendance": "regular",
			"cost": "30", "currency": "EUR", "funding_source": s.w.funding[0],
		})
	}
	if s.child {
		s.begin("educations", began).puts(map[string]any{"status": "enrolled", "level": "2", "school": "Instituto Oeste", "language": "es", "enrolled_on": s.when(began)})
	}
}

// followUps plans the contacts after the case was closed; those whose day has
// come were made, or not.
func (s *story) followUps() {
	for _, month := range care.FollowUpMonths {
		due := s.until.AddDate(0, month, 0)
		f := s.begin("follow_ups", s.until).puts(map[string]any{
			"month": month, "status": "planned", "due_on": due, "window_days": 14, "mode": s.code("follow_up_modes"), "responsible_org": s.home,
			"responsible_country": "ES", "assignee": s.owner,
		})
		if due.After(s.w.now) {
			continue
		}
		if s.chance(20) {
			f.amend().put("status", "missed")
			continue
		}
		met := s.codes("mscos_outcomes", 2, 6)
		f.amend().puts(map[string]any{
			"status": "done", "done_at": s.between(due, minTime(days(due, 10), s.w.now)), "outcome": from(s.source, "seen", "safe_remote", "moved"), "outcomes_met": met,
			"outcomes_unmet": without(codesOf("mscos_outcomes"), met), "scale_economic": fmt.Sprintf("0.%d", 2+s.IntN(7)), "scale_social": fmt.Sprintf("0.%d", 2+s.IntN(7)),
			"scale_psychosocial": fmt.Sprintf("0.%d", 2+s.IntN(7)), "retrafficked": from(s.source, "no_sign", "no_sign", "no_sign", "suspected"),
			"needs": s.codes("goal_domains", 0, 2), "agreed_next": "Call again in spring.", "note": "Sounded well.",
		})
	}
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func without(all, some []string) []string {
	var l []string
	for _, a := range all {
		found := false
		for _, b := range some {
			found = found || a == b
		}
		if !found {
			l = append(l, a)
		}
	}
	return l
}

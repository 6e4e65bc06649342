package gen

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"portolan/care"
)

// walk is one way through a pathway that a matter may have gone.
var walk = map[string][]string{
	"victim_identification": {"informed", "reflection_period", "applied", "granted", "permit"},
	"residence_permit":      {"informed", "applied", "granted", "permit"},
	"asylum":                {"informed", "applied", "refused", "appeal"},
	"labour_claim":          {"informed", "prepared", "filed", "under_way", "settled"},
	"criminal_witness":      {"informed", "under_way"},
	"document_recovery":     {"informed", "filed", "granted"},
	"compensation_fund":     {"informed", "prepared", "filed", "granted"},
}

func (s *story) law() {
	if !s.chance(70) {
		return
	}
	kind := from(s.source, "victim_identification", "victim_identification", "residence_permit", "asylum", "labour_claim", "criminal_witness", "document_recovery", "compensation_fund")
	began := s.when(days(s.opened, 3))
	s.matter = s.legalMatter(kind, began)
	if s.chance(60) {
		s.hearing(kind, began)
	}
	s.deadline(began)
	if s.chance(35) {
		s.evidence(began)
	}
	switch kind {
	case "labour_claim", "compensation_fund":
		s.claim(kind, began)
	}
	if s.i%23 == 7 {
		s.compelled(began)
	}
}

func (s *story) legalMatter(kind string, began time.Time) string {
	path := care.PathwayFor(kind, "ES")
	steps := walk[kind]
	m := s.begin("legal_matters", began).puts(map[string]any{
		"kind": kind, "pathway": path.Name, "status": steps[0], "jurisdiction": "ES", "authority": from(s.source, "Oficina de Extranjería", "Juzgado de lo Social 4"),
		"reference": fmt.Sprintf("EXP-%d/%04d", began.Year(), s.IntN(10000)), "opened_on": began, "person_informed_on": began, "wishes": s.c.wish,
		"legal_aid": from(s.source, "granted", "applied", "needed"), "representation": from(s.source, "represented", "needed"), "lawyer": "Lic. Teresa Olmo",
		"lawyer_phone": s.phone(), "lawyer_organisation": s.w.orgs["lawyers"], "staff": s.w.person(care.LegalWorker, s.i), "conflict_check_on": CanaryDay,
	})
	if s.chance(12) {
		m.put("offence_under_coercion", "Carried a parcel on demand; the claim of non-punishment is being prepared.")
	}
	at := began
	for _, step := range steps[1:min(len(steps), 1+s.IntN(len(steps)))] {
		at = s.when(at)
		next := m.amend().put("status", step)
		switch step {
		case "reflection_period":
			next.puts(map[string]any{"reflection_offered_on": at, "reflection_from": at, "reflection_until": days(at, 30+s.IntN(60))})
		case "applied", "filed":
			next.puts(map[string]any{"applied_on": at, "decision": "pending"})
		case "granted", "refused":
			next.puts(map[string]any{"decision": step, "decided_on": at})
		case "appeal":
			next.put("appealed_on", at)
		case "permit":
			next.puts(map[string]any{"permit_kind": "Residence and work, one year", "permit_reference": fmt.Sprintf("X-%07d", s.IntN(10_000_000)),
				"permit_from": at, "permit_until": at.AddDate(1, 0, 0), "permit_allows_work": true, "renewal_on": at.AddDate(0, 10, 0)})
		}
	}
	return m.id
}

func (s *story) hearing(kind string, began time.Time) {
	ahead := !s.closed && s.chance(60)
	at := s.when(began)
	status := "held"
	if ahead {
		at, status = days(s.w.now, 2+s.IntN(50)), "planned"
	}
	asked := s.codes("protection_measures", 2, 5)
	h := s.begin("hearings", began).puts(map[string]any{
		"matter": s.matter, "status": status, "starts_at": at, "kind": from(s.source, "interview", "statement", "trial"), "court": "Juzgado de lo Social 4, Madrid",
		"room": fmt.Sprintf("Room %d", 1+s.IntN(20)), "remote": s.chance(30), "protection_requested": asked, "protection_granted": asked[:len(asked)-1],
		"interpreter_language": s.c.language, "interpreter": s.interpreter, "accompanied_by": s.w.person(care.LegalWorker, s.i), "childcare": len(s.dependents) > 0,
		"transport": "Taxi from the corner, not from the house.", "prepared_on": began,
	})
	if consent := s.consents["testimony"]; consent != "" && kind == "criminal_witness" {
		answer := from(s.source, "agreed", "withdrawn", "declined")
		h.puts(map[string]any{"testimony": answer, "testimony_consent": consent})
		if answer == "agreed" {
			h.put("testimony_agreed_on", began) // the consent itself may have run out since
		}
	}
	if !ahead {
		h.puts(map[string]any{"protection_provided": asked[:1], "interpreter_present": s.interpreter != "", "debriefed_on": at, "debrief": "Shaken, then relieved. Slept at the house of a friend.", "outcome": "Adjourned to a written decision."})
	}
}

func (s *story) deadline(began time.Time) {
	due := days(s.w.now, from(s.source, 1, 2, 6, 13, 29, 60))
	status := "open"
	if s.closed {
		due, status = s.between(began, s.until), from(s.source, "met", "met", "missed")
	}
	d := s.begin("deadlines", began).puts(map[string]any{
		"matter": s.matter, "kind": s.code("deadline_kinds"), "due_on": due, "status": "open", "legal_basis": "Ley Orgánica 4/2000, art. 59 bis",
		"computed_from": began, "computed_how": "Calendar days from notice.", "alert_days": codesOf("deadline_alerts"), "assignee": s.w.person(care.LegalWorker, s.i),
	})
	if status == "open" {
		return
	}
	done := d.amend().put("status", status)
	if status == "met" {
		done.put("met_on", due)
	} else {
		done.put("missed_reason", "The notice came late.")
	}
}

// evidence writes an item and the chain of its custody.
func (s *story) evidence(began time.Time) {
	sum := sha256.Sum256([]byte(fmt.Sprint(s.Uint64())))
	item := s.begin("evidence_items", began).puts(map[string]any{
		"matter": s.matter, "description": "Photographs of pay slips, three pages.", "kind": from(s.source, "photo", "document", "message", "financial_record"),
		"sha256": hex.EncodeToString(sum[:]), "size": 40_000 + s.IntN(4_000_000), "mime": "image/jpeg", "captured_at": began, "captured_by": "Lic. Teresa Olmo",
		"captured_where": "Meeting room", "original_or_copy": "copy", "storage_place": "Cabinet 3, sealed box", "seal_number": fmt.Sprintf("S%06d", s.IntN(1_000_000)),
		"given_by_person": true, "consent": s.consents["proceedings"], "retain_until": began.AddDate(10, 0, 0),
	})
	before, at := "", began
	for n, purpose := range []string{"collected", "stored", "accessed", "transferred"}[:2+s.IntN(3)] {
		at = s.when(at)
		entry := sha256.Sum256([]byte(strings.Join([]string{before, item.id, purpose, care.FormatTime(at)}, "|")))
		s.begin("custody_events", at).puts(map[string]any{
			"item": item.id, "number": n + 1, "purpose": purpose, "actor": s.w.person(care.LegalWorker, s.i), "handed_from": "Lic. Teresa Olmo", "handed_to": "Archive",
			"happened_at": at, "place": "Cabinet 3", "condition": "Seal intact.", "sha256": hex.EncodeToString(sum[:]), "previous_hash": before,
			"entry_hash": hex.EncodeToString(entry[:]), "signature": "on paper",
		})
		before = hex.EncodeToString(entry[:])
	}
}

func (s *story) claim(kind string, began time.Time) {
	amount := 1000 * (2 + s.IntN(18))
	c := s.begin("claims", began).puts(map[string]any{
		"matter": s.matter, "status": "considered", "forms": s.codes("reparation_forms", 1, 3), "satisfaction": s.codes("satisfaction_items", 0, 2),
		"respondent_kind": map[string]string{"labour_claim": "company", "compensation_fund": "state_fund"}[kind], "respondent": "Hortalizas del Sur S.L.",
		"wishes": s.c.wish, "currency": "EUR", "amount_claimed": fmt.Sprint(amount),
	})
	at := s.when(began)
	c.amend().puts(map[string]any{"status": "filed", "filed_on": at})
	if !s.closed && s.round == 0 {
		return
	}
	awarded := amount * (4 + s.IntN(7)) / 10
	c.amend().puts(map[string]any{"status": "awarded", "amount_awarded": fmt.Sprint(awarded), "decided_on": s.when(at), "funded_from": s.w.funding[1]})
	s.payment(c.id, "", fmt.Sprint(awarded), at)
}

// payment writes a sum on its way. Whoever approves it is not who wrote it.
func (s *story) payment(claim, grant, amount string, after time.Time) {
	due := s.when(after)
	p := s.begin("payments", after).puts(map[string]any{
		"claim": claim, "livelihood_grant": grant, "status": "pending", "scheduled_on": due, "amount": amount, "currency": "EUR",
		"payee": "Account of " + s.given.latin, "method": from(s.source, "bank_transfer", "cash"), "funding_source": s.w.funding[1],
	})
	if s.chance(30) {
		return
	}
	officer := s.approver(0, care.Finance)
	p.signed(officer).puts(map[string]any{"approved_by": officer, "approved_at": due})
	p.amend().puts(map[string]any{"status": "paid", "paid_at": due.Add(time.Hour), "paid_amount": amount})
	if !s.chance(75) {
		return
	}
	p.amend().puts(map[string]any{"status": "confirmed", "survivor_confirmed_at": s.when(due.Add(2 * time.Hour)), "survivor_confirmed_amount": amount})
	reviewer := s.approver(1, care.Finance)
	p.signed(reviewer).puts(map[string]any{"variance": "0", "oversight_reviewer": reviewer, "reviewed_at": s.when(due.Add(3 * time.Hour))})
}

func (s *story) compelled(began time.Time) {
	order := s.begin("documents", began).puts(map[string]any{
		"kind": "legal_document", "status": "kept", "title": "Order", "compartment": "legal", "languages": []string{"es"}, "issued_on": began, "received_from": "Court",
	})
	d := s.begin("compelled_disclosures", began).puts(map[string]any{
		"status": "received", "order_kind": from(s.source, "court_order", "subpoena"), "order_document": order.id, "authority": "Juzgado de Instrucción 2", "jurisdiction": "ES",
		"received_at": began, "due_on": days(began, 10), "scope": "Dates of stay in March, and nothing else.", "categories": []string{"shelter"},
		"minimum": "Two dates.", "notice_attempted_at": began.Add(time.Hour), "notice_result": "told", "protective_steps": "The house is not named.",
	})
	d.amend().puts(map[string]any{"status": "under_review", "reviewed_by": s.w.person(care.LegalWorker, s.i), "legal_review": "The order is valid for the dates only."})
	if s.closed {
		one, two := s.approver(0, care.Legal), s.approver(1, care.Legal)
		d.signed(one).puts(map[string]any{"first_approver": one, "first_approved_at": days(began, 1)})
		d.signed(two).puts(map[string]any{"second_approver": two, "second_approved_at": days(began, 2)})
		d.amend().put("status", "approved")
		d.amend().puts(map[string]any{"status": "disclosed", "disclosed_at": days(began, 3), "disclosed_to": "Clerk of the court, Sr. Vega", "disclosed_what": "Two dates."})
	}
}

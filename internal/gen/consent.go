package gen

import (
	"fmt"
	"time"

	"portolan/care"
)

// decision is one answer of the person.
type decision struct {
	key       string // name in story.consents
	purpose   care.Purpose
	deny      bool
	org       string
	country   string
	named     string
	role      care.Role
	cats      []string
	acts      []string
	at        time.Time
	days      int // until its end
	withdrawn time.Time
	expired   bool
}

var everyCategory = []string{"identity", "contact", "location", "health", "mental_health", "family", "shelter", "financial", "legal", "trafficking_history"}

// decide writes what the person allowed and what not: given, denied, withdrawn
// and expired.
func (s *story) decide() {
	w, first := s.w, s.opened.Add(2*time.Hour)
	s.consent(decision{key: "service", purpose: care.ServiceDelivery, org: w.home, cats: everyCategory, acts: []string{"collect", "use"}, at: first, days: 360})
	for n, at := 2, days(first, 350); at.Before(s.w.now) && at.Before(s.until); n, at = n+1, days(at, 350) { // asked again before it runs out
		s.consent(decision{key: fmt.Sprint("service_", n), purpose: care.ServiceDelivery, org: w.home, cats: everyCategory, acts: []string{"collect", "use"}, at: at, days: 360})
	}
	s.consent(decision{key: "treatment", purpose: care.MedicalTreatment, org: w.orgs["hospital"], cats: []string{"health", "mental_health"}, acts: []string{"share"}, at: first, days: 90})
	s.consent(decision{key: "statistics", purpose: care.Statistics, org: w.home, deny: s.chance(35), cats: []string{"trafficking_history", "shelter"}, acts: []string{"use"}, at: first, days: 360})
	s.consent(decision{key: "police", purpose: care.LawEnforcementReport, org: w.orgs["police"], deny: !s.chance(15), cats: []string{"identity", "trafficking_history"}, acts: []string{"share"}, at: first, days: 30})
	s.consent(decision{key: "media", purpose: care.Media, deny: true, named: "Diario del Norte", cats: []string{"identity", "trafficking_history"}, acts: []string{"share", "export"}, at: first, days: 360})
	if s.chance(40) {
		at := s.when(first)
		d := decision{key: "tracing", purpose: care.TracingFamily, country: s.c.country, cats: []string{"family", "contact"}, acts: []string{"share"}, at: at, days: 60}
		if later := days(at, 5); later.Before(w.now) {
			d.withdrawn = later
		}
		s.consent(d)
	}
	if s.round > 2 {
		s.consent(decision{key: "referral_old", purpose: care.ReferralPurpose, org: w.orgs["school"], cats: []string{"contact"}, acts: []string{"share"}, at: first, days: 30, expired: true})
	}
	if s.chance(60) {
		s.consent(decision{key: "referral", purpose: care.ReferralPurpose, org: w.orgs["school"], cats: []string{"contact"}, acts: []string{"share"}, at: s.between(days(w.now, -20), w.now), days: 90})
	}
	if s.chance(55) {
		s.consent(decision{key: "proceedings", purpose: care.LegalProceedings, org: w.orgs["lawyers"], cats: []string{"legal", "identity", "trafficking_history"}, acts: []string{"share"}, at: s.when(first), days: 90})
		s.consent(decision{key: "testimony", purpose: care.Testimony, role: care.LegalWorker, deny: s.chance(40), cats: []string{"evidence"}, acts: []string{"use"}, at: s.when(first), days: 90})
	}
}

// consent writes one decision and returns its id.
func (s *story) consent(d decision) string {
	giver, status := "self", "given"
	if s.child {
		giver = "legal_guardian_appointed"
	}
	if d.expired {
		status = "expired"
	}
	verdict := map[bool]string{false: "permit", true: "deny"}[d.deny]
	end := days(d.at, d.days)
	c := s.begin("consents", d.at).puts(map[string]any{
		"purpose": string(d.purpose), "categories": d.cats, "actions": d.acts, "decision": verdict, "valid_from": d.at, "expires_at": end,
		"status": status, "language": s.c.language, "mode": s.code("consent_modes"), "explanation_version": "2026-1", "giver": giver,
		"checklist": codesOf("consent_checklist"), "capacity": "has_capacity", "not_a_condition_of_service": true, "given_at": d.at, "copy_offered": true,
		"data_from": CanaryDay, "copy_given_at": CanaryMoment,
		"witness_staff": s.owner, "witness": from(s.source, "Inés Cabrera", "Jordi Puig"), "interpreter": s.interpreter,
	})
	switch {
	case d.org != "":
		c.puts(map[string]any{"recipient_kind": "organisation", "recipient_org": d.org})
	case d.country != "":
		c.puts(map[string]any{"recipient_kind": "country", "recipient_country": d.country})
	case d.role != "":
		c.puts(map[string]any{"recipient_kind": "role", "recipient_role": string(d.role)})
	default:
		c.puts(map[string]any{"recipient_kind": "anyone_named", "recipient_name": d.named})
	}
	if s.child {
		c.puts(map[string]any{"giver_name": "Lic. Beatriz Román", "child_assent": map[bool]string{true: "dissents", false: "assents"}[d.deny], "giver_conflict_checked": true, "giver_implicated": false})
	}
	if d.purpose == care.MedicalTreatment {
		c.put("conditions", "No call to the family.")
	}
	if !d.withdrawn.IsZero() {
		c.amend().puts(map[string]any{
			"status": "withdrawn", "withdrawn_at": d.withdrawn, "withdrawn_by": giver, "withdrawal_mode": "verbal_witnessed",
			"withdrawal_reason": "The person no longer wants it.", "effect_on_shared": "The recipient was asked to delete what it had.",
		})
	}
	if !d.deny {
		s.consents[d.key] = c.id
	}
	return c.id
}

// pairwise writes the person's pseudonym for one recipient, which comes from
// chance and from nothing about them.
func (s *story) pairwise(recipient, consent string, at time.Time) {
	s.begin("identifier_links", at).puts(map[string]any{
		"sid": fmt.Sprintf("%016x%016x", s.Uint64(), s.Uint64()), "pairwise_id": fmt.Sprintf("%016x%016x", s.Uint64(), s.Uint64()),
		"recipient": recipient, "status": "active", "consent": consent, "issued_at": at,
	})
}

package care

import "strconv"

var legalCodes = []*CodeList{
	{Name: "legal_matter_kinds", Source: "local, after ODIHR NRM handbook 2022", Codes: []string{
		"victim_identification", "residence_permit", "asylum", "t_visa", "continued_presence", "family", "civil_claim", "labour_claim",
		"criminal_witness", "criminal_defence_non_punishment", "document_recovery", "compensation_fund", "other"}},
	{Name: "legal_pathways", Source: "pathways.go", Codes: pathwayNames()},
	{Name: "legal_matter_states", Source: "pathways.go", Codes: pathwayStates()},
	{Name: "legal_aid_states", Source: "local", Codes: []string{"not_needed", "needed", "applied", "granted", "refused", "private"}},
	{Name: "representation_states", Source: "local", Codes: []string{"not_needed", "needed", "represented", "declined"}},
	{Name: "legal_decisions", Source: "local", Codes: []string{"pending", "granted", "partly_granted", "refused", "withdrawn"}},
	{Name: "hearing_states", Source: "local", Codes: []string{"planned", "confirmed", "adjourned", "held", "cancelled"}},
	{Name: "hearing_kinds", Source: "local", Codes: []string{"interview", "statement", "pre_trial", "trial", "appeal", "decision", "mediation", "administrative", "other"}},
	{Name: "protection_measures", Source: "Directive 2012/29/EU Art. 22-24; Directive 2011/36/EU Art. 12 and 15; words local", Codes: []string{
		"screen", "video_link", "pseudonym", "closed_court", "support_person", "no_direct_questioning", "recorded_testimony",
		"separate_entrance", "scheduling_adjustment", "transport", "childcare", "breaks"}},
	{Name: "testimony_answers", Source: "local", Codes: []string{"agreed", "undecided", "declined", "withdrawn"}},
	{Name: "deadline_kinds", Source: "local", Codes: []string{
		"appeal", "filing", "evidence", "limitation", "permit_renewal", "permit_expiry", "reflection_end", "payment", "response", "other"}},
	{Name: "deadline_states", Source: "local", Codes: []string{"open", "met", "missed", "extended", "cancelled"}},
	{Name: "deadline_alerts", Source: "deadline.go", Codes: alertCodes()},
	{Name: "evidence_kinds", Source: "local", Codes: []string{
		"document", "photo", "audio", "video", "device_image", "message", "medical_report", "object", "testimony", "financial_record"}},
	{Name: "evidence_originals", Source: "local", Codes: []string{"original", "copy", "certified_copy", "extract"}},
	{Name: "custody_purposes", Source: "local, after engineroom, chain of custody guide", Codes: []string{
		"collected", "stored", "accessed", "copied", "transferred", "returned", "disposed"}},
	{Name: "claim_states", Source: "local", Codes: []string{
		"considered", "filed", "awarded", "refused", "appealed", "settled", "enforcement", "paid", "withdrawn", "closed"}},
	{Name: "reparation_forms", Source: "UN Basic Principles on Remedy and Reparation, A/RES/60/147; A/HRC/26/18", Codes: []string{
		"restitution", "compensation", "rehabilitation", "satisfaction", "guarantees_of_non_repetition"}},
	{Name: "satisfaction_items", Source: "UN Basic Principles, principle 22; words local", Codes: []string{
		"apology", "acknowledgement", "memorial", "name_cleared", "record_expunged"}},
	{Name: "respondent_kinds", Source: "local", Codes: []string{"trafficker", "company", "state_fund", "seized_assets_fund", "insurer", "other"}},
	{Name: "payment_states", Source: "Sahana Eden dvr_allowance; confirmed and disputed local", Codes: []string{
		"pending", "paid", "refused", "missed", "confirmed", "disputed"}},
	{Name: "payment_methods", Source: "local", Codes: []string{"bank_transfer", "mobile_money", "cash", "card", "cheque", "in_kind"}},
	{Name: "compelled_states", Source: "local", Codes: []string{
		"received", "under_review", "challenged", "approved", "refused", "disclosed", "closed"}},
	{Name: "order_kinds", Source: "local", Codes: []string{"court_order", "subpoena", "warrant", "statutory_duty", "administrative_order"}},
	{Name: "notice_results", Source: "local", Codes: []string{"told", "not_reached", "not_safe_to_reach", "forbidden_by_order"}},
}

func alertCodes() []string {
	var l []string
	for _, d := range AlertDays {
		l = append(l, strconv.Itoa(d))
	}
	return l
}

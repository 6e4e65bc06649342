package care

import (
	"maps"
	"testing"
	"time"
)

func aTransfer(status string, change fields) fields {
	f := fields{"kind": "transfer", "status": status, "destination_country": "FR", "departure_at": noon.Add(48 * time.Hour)}
	maps.Copy(f, change)
	return f
}

// walk takes a transfer through its states and stops at the first that is held.
func (m *memory) walk(t *testing.T, rowID string, states ...string) (string, []Refusal) {
	t.Helper()
	for _, s := range states {
		if held := m.try(t, outreachA, "transfers", rowID, fields{"status": s}); len(held) > 0 {
			return s, held
		}
	}
	return "", nil
}

func TestTransferNeedsItsOwnConsentOnly(t *testing.T) {
	for name, c := range map[string]struct {
		consent fields
		ok      bool
	}{
		"none":                 {nil, false},
		"for a referral":       {aConsent(fields{"recipient_kind": "country", "recipient_country": "FR", "recipient_org": nil}), false},
		"for another country":  {aTransferConsent(fields{"recipient_country": "DE"}), false},
		"denied":               {aTransferConsent(fields{"decision": "deny"}), false},
		"expired":              {aTransferConsent(fields{"expires_at": noon}), false},
		"withdrawn":            {aTransferConsent(fields{"status": "withdrawn", "withdrawn_at": noon.Add(-time.Minute)}), false},
		"for this country":     {aTransferConsent(nil), true},
		"for the organisation": {aTransferConsent(fields{"recipient_kind": "organisation", "recipient_org": orgB, "recipient_country": nil}), true},
		"to collect":           {aTransferConsent(fields{"actions": []string{"collect"}}), false},
	} {
		t.Run(name, func(t *testing.T) {
			m := house(t)
			if c.consent != nil {
				m.put(row("consents", id(50), c.consent))
			}
			m.put(row("transfers", id(100), aTransfer("draft", fields{"receiving_org": orgB})))
			held := m.try(t, outreachA, "transfers", id(100), fields{"status": "consented"})
			if c.ok {
				wantHeld(t, held)
			} else {
				wantHeld(t, held, "status transfer_needs_consent")
			}
		})
	}
}

// TestR28Return: nobody is returned who does not want to, to a place that
// nobody looked at, or that nobody there has agreed to.
func TestR28Return(t *testing.T) {
	fresh := fields{"kind": "pre_return", "status": "final", "assessed_on": "2026-03-05", "level": "low", "survivor_level": "low", "safe_to_return": true}
	with := func(change fields) fields {
		f := maps.Clone(fresh)
		maps.Copy(f, change)
		return f
	}
	willing := fields{"kind": "return", "voluntary": true, "risk_assessment": id(60), "receiver_accepted_at": noon}
	for name, c := range map[string]struct {
		transfer, risk fields
		at, reason     string
	}{
		"all in order":              {willing, fresh, "", ""},
		"not asked":                 {changed(willing, "voluntary", nil), fresh, "sent", "return_not_voluntary"},
		"does not want to":          {changed(willing, "voluntary", false), fresh, "sent", "return_not_voluntary"},
		"prefers not to say":        {changed(willing, "voluntary", OfAbsent(AskedDeclined)), fresh, "sent", "return_not_voluntary"},
		"no assessment":             {changed(willing, "risk_assessment", nil), fresh, "sent", "return_needs_assessment"},
		"an assessment of 15 days":  {willing, with(fields{"assessed_on": "2026-02-23"}), "sent", "return_assessment_old"},
		"one of 13 days":            {willing, with(fields{"assessed_on": "2026-02-25"}), "", ""},
		"one of next month":         {willing, with(fields{"assessed_on": "2026-04"}), "sent", "return_assessment_old"},
		"one that was replaced":     {willing, with(fields{"status": "superseded"}), "sent", "return_needs_assessment"},
		"high risk":                 {willing, with(fields{"level": "high"}), "sent", "return_unsafe"},
		"the person says high":      {willing, with(fields{"survivor_level": "imminent"}), "sent", "return_unsafe"},
		"an unsafe answer":          {willing, with(fields{"unsafe_answers": []string{"debt_owed"}}), "sent", "return_unsafe"},
		"not safe to return":        {willing, with(fields{"safe_to_return": false}), "sent", "return_unsafe"},
		"not fit to travel":         {changed(willing, "safe_to_travel", false), fresh, "sent", "return_unsafe"},
		"nobody there has accepted": {changed(willing, "receiver_accepted_at", nil), fresh, "accepted", "transfer_not_accepted"},
	} {
		t.Run(name, func(t *testing.T) {
			m := house(t)
			m.put(row("consents", id(50), aTransferConsent(nil)))
			m.put(row("risk_assessments", id(60), c.risk))
			m.put(row("transfers", id(100), aTransfer("draft", c.transfer)))
			state, held := m.walk(t, id(100), "consented", "sent", "accepted", "departed")
			if state != c.at {
				t.Fatalf("stopped at %q by %v, want %q", state, held, c.at)
			}
			if c.at != "" {
				wantHeld(t, held, "status "+c.reason)
			}
		})
	}
	m := house(t)
	m.put(row("consents", id(50), aTransferConsent(nil)))
	other := row("risk_assessments", id(60), fresh)
	other.Case = caseB
	m.put(other)
	m.put(row("transfers", id(100), aTransfer("consented", willing)))
	wantHeld(t, m.try(t, outreachA, "transfers", id(100), fields{"status": "sent"}), "status return_needs_assessment")
}

// changed copies fields with one of them changed, or taken out.
func changed(f fields, name string, v any) fields {
	c := maps.Clone(f)
	if v == nil {
		delete(c, name)
	} else {
		c[name] = v
	}
	return c
}

func TestR28AssessmentAgesWhileTheTransferWaits(t *testing.T) {
	m := house(t)
	m.put(row("consents", id(50), aTransferConsent(nil)))
	m.put(row("risk_assessments", id(60), fields{"kind": "pre_return", "status": "final", "assessed_on": "2026-03-09"}))
	m.put(row("transfers", id(100), aTransfer("accepted", fields{"kind": "return", "voluntary": true, "risk_assessment": id(60), "receiver_accepted_at": noon})))
	m.now = noon.Add(20 * 24 * time.Hour)
	wantHeld(t, m.try(t, outreachA, "transfers", id(100), fields{"status": "departed"}), "status return_assessment_old")
}

// TestR27BestInterest: no child, and nobody whose age is in doubt, is moved
// without a best-interest decision.
func TestR27BestInterest(t *testing.T) {
	for _, child := range []fields{{"child": true}, {"age_disputed": true}} {
		m := house(t)
		m.put(row("survivors", id(20), child))
		m.put(row("consents", id(50), aTransferConsent(fields{"giver": "legal_guardian_appointed"})))
		m.put(row("transfers", id(100), aTransfer("consented", nil)))
		wantHeld(t, m.try(t, outreachA, "transfers", id(100), fields{"status": "sent"}), "status transfer_needs_best_interest")
		m.put(row("documents", id(101), fields{"kind": "letter", "status": "kept"}))
		wantHeld(t, m.try(t, outreachA, "transfers", id(100), fields{"status": "sent", "best_interest_decision": id(101)}), "status transfer_needs_best_interest")
		m.put(row("documents", id(102), fields{"kind": "best_interest_decision", "status": "kept"}))
		wantHeld(t, m.try(t, outreachA, "transfers", id(100), fields{"status": "sent", "best_interest_decision": id(102)}))
	}
}

func TestArrivalPlansWhatComesAfter(t *testing.T) {
	m := house(t)
	m.put(row("transfers", id(100), aTransfer("departed", fields{"receiver_accepted_at": noon})))
	wantHeld(t, m.try(t, outreachA, "transfers", id(100), fields{"responsibility_moved_at": noon}), "responsibility_moved_at transfer_not_accepted")
	wantHeld(t, m.try(t, outreachA, "transfers", id(100), fields{"status": "arrived"}))
	if got := m.text(t, "transfers", id(100), "check_72h_at"); got != FormatTime(noon.Add(72*time.Hour)) {
		t.Errorf("looked in on at %q", got)
	}
	if got := len(m.OfCase("follow_ups", caseA)); got != len(FollowUpMonths) {
		t.Errorf("%d follow-ups are planned", got)
	}
	before := len(m.tasks(caseA))
	wantHeld(t, m.try(t, outreachA, "transfers", id(100), fields{"status": "failed", "failure_reason": "unknown"}))
	wantHeld(t, m.try(t, outreachA, "transfers", id(100), fields{"status": "arrived"}))
	if got := len(m.tasks(caseA)); got != before+1 {
		t.Errorf("a second arrival makes %d tasks of %d", got, before)
	}
	wantHeld(t, m.try(t, outreachA, "transfers", id(100), fields{"status": "completed"}))
	if m.text(t, "transfers", id(100), "responsibility_moved_at") == "" {
		t.Error("nobody wrote when responsibility moved")
	}
}

// TestReferralNeedsConsent: consent before any contact.
func TestReferralNeedsConsent(t *testing.T) {
	out := fields{"direction": "outgoing", "status": "draft", "receiving_org": orgB}
	m := house(t)
	m.put(row("referrals", id(100), out))
	wantHeld(t, m.try(t, outreachA, "referrals", id(100), fields{"status": "sent"}), "status referral_needs_consent")
	m.put(row("consents", id(50), aConsent(nil)))
	wantHeld(t, m.try(t, outreachA, "referrals", id(100), fields{"status": "sent"}))
	wantHeld(t, m.try(t, outreachA, "referrals", id(100), fields{"status": "rejected"}), "status referral_needs_reason")
	wantHeld(t, m.try(t, outreachA, "referrals", id(100), fields{"status": "rejected", "reject_reason": "no_capacity"}))
	wantHeld(t, m.try(t, outreachA, "referrals", id(101), fields{"direction": "incoming", "status": "received"}))
	wantHeld(t, m.try(t, outreachA, "referrals", id(101), fields{"status": "accepted"}))
	wantHeld(t, m.try(t, outreachA, "referrals", id(101), fields{"status": "done"}), "status referral_needs_outcome")
}

// TestR1Referral: a consent to share with partners opens no door to the police.
func TestR1Referral(t *testing.T) {
	m := house(t)
	m.put(row("organisations", orgB, fields{"name": "B", "kind": "LawEnforcement"}))
	m.put(row("consents", id(50), aConsent(nil)))
	m.put(row("referrals", id(100), fields{"direction": "outgoing", "status": "draft", "receiving_org": orgB, "consent": id(50)}))
	wantHeld(t, m.try(t, outreachA, "referrals", id(100), fields{"status": "sent"}), "status referral_needs_consent")
}

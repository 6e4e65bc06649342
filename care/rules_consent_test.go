package care

import (
	"maps"
	"testing"
	"time"
)

// aConsent is a whole consent: to share health data with organisation B.
func aConsent(change fields) fields {
	f := fields{
		"purpose": "referral", "recipient_kind": "organisation", "recipient_org": orgB, "categories": []string{"health", "contact"},
		"actions": []string{"share"}, "decision": "permit", "valid_from": noon.Add(-time.Hour), "expires_at": noon.Add(30 * 24 * time.Hour),
		"status": "given", "language": "en", "mode": "written", "explanation_version": "3", "giver": "self",
		"checklist": []string{"told_purpose", "told_data_use", "told_withdrawal"},
	}
	maps.Copy(f, change)
	maps.DeleteFunc(f, func(_ string, v any) bool { return v == nil })
	return f
}

func aTransferConsent(change fields) fields {
	f := fields{"purpose": "cross_border_transfer", "recipient_kind": "country", "recipient_country": "FR", "recipient_org": nil,
		"actions": []string{"print", "share"}}
	maps.Copy(f, change)
	return aConsent(f)
}

// TestR10 consent cannot be saved without language, explanation, checklist,
// giver and end (R3).
func TestR10ConsentIsWhole(t *testing.T) {
	for _, f := range []string{"language", "explanation_version", "checklist", "giver", "expires_at", "mode", "purpose", "categories", "decision"} {
		m := house(t)
		wantHeld(t, m.try(t, outreachA, "consents", id(100), aConsent(fields{f: nil})), " consent_incomplete")
		if _, ok := m.Row("consents", id(100)); ok {
			t.Errorf("a consent without %s was saved", f)
		}
	}
	m := house(t)
	wantHeld(t, m.try(t, outreachA, "consents", id(100), aConsent(nil)))
	for name, c := range map[string]struct {
		set    fields
		reason string
	}{
		"not told":       {fields{"checklist": []string{"told_purpose", "agrees_to_interview"}}, "consent_not_informed"},
		"no witness":     {fields{"mode": "verbal_witnessed"}, "consent_needs_witness"},
		"a condition":    {fields{"not_a_condition_of_service": false}, "consent_as_condition"},
		"no capacity":    {fields{"capacity": "not_now"}, "consent_no_capacity"},
		"ends first":     {fields{"expires_at": noon.Add(-2 * time.Hour)}, "consent_ends_first"},
		"no end in view": {fields{"expires_at": noon.Add(400 * 24 * time.Hour)}, "consent_too_long"},
	} {
		t.Run(name, func(t *testing.T) {
			wantHeld(t, house(t).try(t, outreachA, "consents", id(100), aConsent(c.set)), " "+c.reason)
			delete(c.set, "expires_at")
			c.set["decision"] = "deny"
			wantHeld(t, house(t).try(t, outreachA, "consents", id(100), aConsent(c.set))) // a no is always taken
		})
	}
}

func TestR3ConsentEnds(t *testing.T) {
	if got := ConsentEnd(noon, []Action{Collect, Share}); got.Sub(noon) > 90*24*time.Hour {
		t.Errorf("sharing lasts until %v by default", got)
	}
	if got := ConsentEnd(noon, []Action{Collect, Use}); got.Sub(noon) != ConsentTermMax {
		t.Errorf("using lasts until %v by default", got)
	}
}

// TestConsentOnlyNarrows: what was withdrawn never comes back, and nothing
// grows after the person decided.
func TestConsentOnlyNarrows(t *testing.T) {
	later := noon.Add(60 * 24 * time.Hour)
	for name, c := range map[string]struct {
		before, set fields
		held        []string
	}{
		"withdrawn is for good":  {fields{"status": "withdrawn"}, fields{"status": "given"}, []string{"status state_step"}},
		"expired is for good":    {fields{"status": "expired"}, fields{"status": "given"}, []string{"status state_step"}},
		"a longer end":           {nil, fields{"expires_at": later}, []string{"expires_at consent_widened"}},
		"an earlier beginning":   {nil, fields{"valid_from": noon.Add(-48 * time.Hour)}, []string{"valid_from consent_widened"}},
		"more categories":        {nil, fields{"categories": []string{"contact", "health", "hiv"}}, []string{"categories consent_widened"}},
		"more actions":           {nil, fields{"actions": []string{"export", "share"}}, []string{"actions consent_widened"}},
		"from no to yes":         {fields{"decision": "deny"}, fields{"decision": "permit"}, []string{"decision consent_widened"}},
		"a no that shrinks":      {fields{"decision": "deny"}, fields{"categories": []string{"health"}}, []string{"categories consent_widened"}},
		"a shorter end":          {nil, fields{"expires_at": noon.Add(24 * time.Hour)}, nil},
		"fewer categories":       {nil, fields{"categories": []string{"health"}}, nil},
		"from yes to no":         {nil, fields{"decision": "deny"}, nil},
		"withdrawn":              {nil, fields{"status": "withdrawn"}, nil},
		"withdrawn after expiry": {fields{"status": "expired"}, fields{"status": "withdrawn"}, nil},
		"a no that grows":        {fields{"decision": "deny"}, fields{"categories": []string{"contact", "health", "hiv"}}, nil},
		"a no taken back":        {fields{"decision": "deny"}, fields{"status": "withdrawn"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := house(t)
			m.put(row("consents", id(100), aConsent(c.before)))
			wantHeld(t, m.try(t, outreachA, "consents", id(100), c.set), c.held...)
		})
	}
}

func TestWithdrawalTakesBackWhatHasNotLeft(t *testing.T) {
	m := house(t)
	m.put(row("consents", id(100), aTransferConsent(nil)))
	m.put(row("documents", id(101), fields{"kind": "summary", "status": "prepared", "consent": id(100)}))
	m.put(row("documents", id(102), fields{"kind": "summary", "status": "handed_out", "consent": id(100)}))
	m.put(row("documents", id(103), fields{"kind": "summary", "status": "prepared", "consent": id(200)}))
	m.put(row("identifier_links", id(104), fields{"pairwise_id": "p", "recipient": orgB, "status": "active", "consent": id(100)}))
	m.put(row("transfers", id(105), fields{"kind": "transfer", "status": "consented", "destination_country": "FR"}))
	m.put(row("transfers", id(106), fields{"kind": "transfer", "status": "accepted", "destination_country": "FR", "receiver_accepted_at": noon}))
	m.now = noon.Add(time.Hour)
	wantHeld(t, m.try(t, outreachA, "consents", id(100), fields{"status": "withdrawn"}))
	for _, c := range []struct{ collection, id, field, want string }{
		{"consents", id(100), "withdrawn_at", FormatTime(m.now)},
		{"documents", id(101), "status", "cancelled"},
		{"documents", id(102), "status", "handed_out"},
		{"documents", id(103), "status", "prepared"},
		{"identifier_links", id(104), "status", "revoked"},
		{"transfers", id(105), "status", "draft"},
		{"transfers", id(106), "status", "accepted"},
	} {
		if got := m.text(t, c.collection, c.id, c.field); got != c.want {
			t.Errorf("%s %s is %q, want %q", c.collection, c.field, got, c.want)
		}
	}
	if got := m.tasks(caseA); len(got) != 1 || got[0] != "consent_over" {
		t.Errorf("tasks %v, want one that tells of the transfer under way", got)
	}
}

// TestR27Guardian: for a child somebody else consents too, who gains nothing
// by it; an age in doubt is a child's.
func TestR27Guardian(t *testing.T) {
	for _, child := range []fields{{"child": true}, {"age_disputed": true}, {"age_band": "15-17"}, {"birth_year": 2010}, {"dob_precision": "disputed"}} {
		m := house(t)
		m.put(row("survivors", id(20), child))
		wantHeld(t, m.try(t, outreachA, "consents", id(100), aConsent(nil)), " consent_needs_guardian")
		wantHeld(t, m.try(t, outreachA, "consents", id(101), aConsent(fields{"giver": "child_assent"})), " consent_needs_guardian")
		wantHeld(t, m.try(t, outreachA, "consents", id(102), aConsent(fields{"giver": "guardian"})), " consent_giver_unchecked")
		wantHeld(t, m.try(t, outreachA, "consents", id(103), aConsent(fields{"giver": "guardian", "giver_conflict_checked": true})))
		wantHeld(t, m.try(t, outreachA, "consents", id(104), aConsent(fields{"giver": "guardian", "giver_conflict_checked": true, "giver_implicated": true})),
			" consent_giver_implicated")
		wantHeld(t, m.try(t, outreachA, "consents", id(105), aConsent(fields{"giver": "legal_guardian_appointed"})))
		wantHeld(t, m.try(t, outreachA, "consents", id(106), aConsent(fields{"decision": "deny"})))
	}
	m := house(t)
	m.put(row("survivors", id(20), fields{"birth_year": 2005, "age_band": "18-20"}))
	wantHeld(t, m.try(t, outreachA, "consents", id(100), aConsent(nil)))
}

func TestR27GuardianTaskWithin24Hours(t *testing.T) {
	m := house(t)
	wantHeld(t, m.try(t, outreachA, "survivors", id(20), fields{"age_disputed": true}))
	wantHeld(t, m.try(t, outreachA, "survivors", id(20), fields{"child": true}))
	tasks := m.OfCase("tasks", caseA)
	if len(tasks) != 1 || tasks[0].Text("rule") != "guardian" {
		t.Fatalf("tasks %v, want one for a guardian", m.tasks(caseA))
	}
	if due, _ := tasks[0].Get("due_at").Time(); due.After(noon.Add(24 * time.Hour)) {
		t.Errorf("the guardian is asked for by %v", due)
	}
}

// TestR8Interpreter: nobody interprets who was not vetted, or must not meet
// the person.
func TestR8Interpreter(t *testing.T) {
	for name, c := range map[string]struct {
		interpreter fields
		held        []string
	}{
		"vetted":        {fields{"status": "vetted"}, nil},
		"unvetted":      {fields{"status": "unvetted"}, []string{"interpreter interpreter_not_vetted"}},
		"suspended":     {fields{"status": "suspended"}, []string{"interpreter interpreter_not_vetted"}},
		"long ago":      {fields{"status": "vetted", "vetted_until": "2026-03-01"}, []string{"interpreter interpreter_not_vetted"}},
		"excluded":      {fields{"status": "vetted", "excluded_cases": []string{caseA}}, []string{"interpreter interpreter_excluded"}},
		"another's foe": {fields{"status": "vetted", "excluded_cases": []string{caseB}}, nil},
		"unknown":       {nil, []string{"interpreter interpreter_not_vetted"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := house(t)
			if c.interpreter != nil {
				m.put(row("interpreters", id(30), c.interpreter))
			}
			wantHeld(t, m.try(t, outreachA, "encounters", id(100), fields{"status": "planned", "starts_at": noon, "interpreter": id(30)}), c.held...)
			wantHeld(t, m.try(t, outreachA, "consents", id(101), aConsent(fields{"interpreter": id(30)})), c.held...)
		})
	}
}

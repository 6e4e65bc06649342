package care

import (
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"
)

func aPayment(change fields) fields {
	f := fields{"status": "pending", "scheduled_on": "2026-03-10", "amount": "120.50", "currency": "EUR"}
	maps.Copy(f, change)
	return f
}

// TestR29Payment: a payment is approved by a second person with the power to,
// stays as it was approved, and is confirmed by the survivor after it was paid.
func TestR29Payment(t *testing.T) {
	m := house(t)
	wantHeld(t, m.try(t, coordinatorA, "payments", id(100), aPayment(fields{"approved_by": boss})), "approved_by approved_by_creator")
	wantHeld(t, m.try(t, coordinatorA, "payments", id(100), fields{"approved_by": boss}), "approved_by approved_by_creator")
	wantHeld(t, m.try(t, coordinatorA, "payments", id(100), fields{"approved_by": officer}), "approved_by approval_not_own")
	wantHeld(t, m.try(t, outreachA, "payments", id(100), fields{"approved_by": workerA}), "approved_by approval_needs_power")
	wantHeld(t, m.try(t, coordinatorA, "payments", id(100), fields{"status": "paid", "paid_at": noon}), "status payment_not_approved")
	wantHeld(t, m.try(t, officerA, "payments", id(100), fields{"approved_by": officer, "approved_at": noon}))
	wantHeld(t, m.try(t, coordinatorA, "payments", id(100), fields{"amount": "1200", "payee": "x"}), "amount approved_fixed", "payee approved_fixed")
	wantHeld(t, m.try(t, coordinatorA, "payments", id(100), fields{"survivor_confirmed_at": noon}), "survivor_confirmed_at payment_not_paid")
	wantHeld(t, m.try(t, coordinatorA, "payments", id(100), fields{"status": "confirmed"}), "status state_step")
	wantHeld(t, m.try(t, coordinatorA, "payments", id(101), aPayment(fields{"status": "paid", "paid_at": noon})), " state_not_first")
	m.put(row("payments", id(102), aPayment(fields{"approved_by": officer})))
	wantHeld(t, m.try(t, coordinatorA, "payments", id(102), fields{"status": "paid"}), "status payment_needs_date")
	wantHeld(t, m.try(t, coordinatorA, "payments", id(100), fields{"status": "paid", "paid_at": noon}))
	wantHeld(t, m.try(t, coordinatorA, "payments", id(100), fields{"status": "confirmed"}), "status payment_needs_confirmation")
	wantHeld(t, m.try(t, coordinatorA, "payments", id(100), fields{"status": "confirmed", "survivor_confirmed_at": noon, "survivor_confirmed_amount": "100"}))
	if got := m.text(t, "payments", id(100), "variance"); got != "20.5" {
		t.Errorf("variance %q, want 20.5", got)
	}
	if got := m.tasks(caseA); !slices.Equal(got, []string{"payment_differs"}) {
		t.Errorf("tasks %v", got)
	}
	wantHeld(t, m.try(t, officerA, "payments", id(100), fields{"oversight_reviewer": officer}), "oversight_reviewer approval_twice")
}

func TestClaimIsPaidByPayments(t *testing.T) {
	m := house(t)
	m.put(row("claims", id(90), fields{"status": "awarded", "decided_on": "2026-01-02"}))
	wantHeld(t, m.try(t, coordinatorA, "claims", id(90), fields{"status": "paid"}), "status claim_not_paid")
	m.put(row("payments", id(100), aPayment(fields{"status": "pending", "claim": id(90)})))
	wantHeld(t, m.try(t, coordinatorA, "claims", id(90), fields{"status": "paid"}), "status claim_not_paid")
	m.put(row("payments", id(100), aPayment(fields{"status": "paid", "claim": id(90)})))
	wantHeld(t, m.try(t, coordinatorA, "claims", id(90), fields{"status": "paid"}))
	wantHeld(t, m.try(t, coordinatorA, "claims", id(91), fields{"status": "filed"}), " claim_needs_date")
}

// TestR11OwnView: where the person sees more danger than the worker, the case
// shows the person's.
func TestR11OwnView(t *testing.T) {
	m := house(t)
	assess := func(n int, on, level, own string) {
		t.Helper()
		wantHeld(t, m.try(t, outreachA, "risk_assessments", id(n), fields{"kind": "initial", "status": "final", "assessed_on": on, "level": level, "survivor_level": own}))
	}
	want := func(level, own string) {
		t.Helper()
		if l, o := m.text(t, "cases", caseA, "risk_level"), m.text(t, "cases", caseA, "survivor_risk_level"); l != level || o != own {
			t.Errorf("the case shows %s (own view %s), want %s (%s)", l, o, level, own)
		}
	}
	assess(100, "2026-03-01", "low", "high")
	want("high", "high")
	wantHeld(t, m.try(t, outreachA, "cases", caseA, fields{"risk_level": "medium"}), "risk_level risk_below_own_view")
	assess(101, "2026-03-05", "low", "low") // the level stays until somebody lowers it
	want("high", "low")
	wantHeld(t, m.try(t, outreachA, "cases", caseA, fields{"risk_level": "medium"}))
	assess(102, "2026-02-01", "imminent", "imminent") // an old one, written down late
	want("medium", "low")
	if got := m.tasks(caseA); !slices.Equal(got, []string{"imminent_risk"}) {
		t.Errorf("tasks %v", got)
	}
}

// TestR13SameDayTasks: who may be in danger is looked after on the same day,
// under a title that says nothing (R22).
func TestR13SameDayTasks(t *testing.T) {
	for name, c := range map[string]struct {
		collection string
		before     fields
		set        fields
		rule       string
	}{
		"danger now":        {"survivors", nil, fields{"immediate_danger": true}, "immediate_danger"},
		"imminent risk":     {"cases", nil, fields{"status": "Active", "risk_level": "imminent"}, "imminent_risk"},
		"assessed imminent": {"risk_assessments", nil, fields{"kind": "event", "status": "final", "assessed_on": "2026-03-10", "survivor_level": "imminent"}, "imminent_risk"},
		"missing":           {"stays", fields{"status": "checked_in", "check_in": at(-9)}, fields{"absence": "missing"}, "missing"},
		"missing, reported": {"incidents", nil, fields{"kind": "missing", "status": "open"}, "incident"},
		"critical":          {"incidents", nil, fields{"kind": "violence", "status": "open", "severity": "critical"}, "incident"},
		"papers kept":       {"employments", fields{"status": "current"}, fields{"holds_own_papers": false}, "employer"},
		"exploited again":   {"follow_ups", nil, fields{"status": "done", "due_on": "2026-03-01", "outcome": "seen", "retrafficked": "suspected"}, "follow_up_alarm"},
		"unreachable":       {"follow_ups", nil, fields{"status": "done", "due_on": "2026-03-01", "outcome": "unreachable"}, "follow_up_alarm"},
		"did not arrive":    {"transfers", fields{"kind": "transfer", "status": "departed"}, fields{"status": "failed", "failure_reason": "did_not_arrive"}, "did_not_arrive"},
	} {
		t.Run(name, func(t *testing.T) {
			m := house(t)
			recordID := id(100)
			if c.collection == "cases" {
				recordID = caseA
			}
			if c.before != nil {
				m.put(row(c.collection, recordID, c.before))
			}
			wantHeld(t, m.try(t, outreachA, c.collection, recordID, c.set))
			var found []Row
			for _, k := range m.OfCase("tasks", caseA) {
				if k.Text("rule") == c.rule {
					found = append(found, k)
				}
			}
			if len(found) != 1 {
				t.Fatalf("tasks %v, want one of %s", m.tasks(caseA), c.rule)
			}
			due, _ := found[0].Get("due_at").Time()
			if due.After(noon) || found[0].Text("priority") != "urgent" || found[0].Text("assignee") != workerA {
				t.Errorf("due %v, priority %s, for %s", due, found[0].Text("priority"), found[0].Text("assignee"))
			}
			if !slices.Contains(TaskTitles, found[0].Text("title_key")) {
				t.Errorf("%s is no neutral title", found[0].Text("title_key"))
			}
		})
	}
}

func TestR13Escalation(t *testing.T) {
	m := house(t)
	wantHeld(t, m.try(t, outreachA, "survivors", id(20), fields{"immediate_danger": true}))
	task := m.OfCase("tasks", caseA)[0]
	if got := Escalate(m, task); got != nil {
		t.Errorf("escalated at once: %v", got)
	}
	m.now = noon.Add(EscalateAfter)
	got := Escalate(m, task)
	if len(got) != 2 || got[0].Record != task.ID || got[1].Collection != "tasks" || got[1].Record != "" {
		t.Fatalf("after %v: %v", EscalateAfter, got)
	}
	task.V["acknowledged_at"] = OfTime(noon)
	if got := Escalate(m, task); got != nil {
		t.Errorf("escalated though somebody took it up: %v", got)
	}
	wantHeld(t, m.try(t, outreachA, "tasks", task.ID, fields{"status": "cancelled"}), "status task_not_done")
	wantHeld(t, m.try(t, outreachA, "tasks", task.ID, fields{"status": "done"}))
	if got := m.text(t, "tasks", task.ID, "done_by"); got != workerA {
		t.Errorf("done by %q", got)
	}
}

func answersOf(tool string, value func(item int) int) map[string]int {
	x, _ := FindTool(tool)
	a := map[string]int{}
	for i := range x.Items {
		a[x.Items[i].Name] = value(i + 1)
	}
	return a
}

func screening(tool string, answers map[string]int, change fields) fields {
	f := fields{"tool": tool, "taken_at": noon, "answers": OfAnswers(answers)}
	maps.Copy(f, change)
	return f
}

func TestScreeningIsScored(t *testing.T) {
	for _, c := range []struct {
		tool        string
		value       func(int) int
		total, band string
		tasks       []string
	}{
		{ToolPHQ9, func(int) int { return 0 }, "0", BandMinimal, nil},
		{ToolPHQ9, func(i int) int { return min(i%2+1, 2) * bit(i < 9) }, "12", BandModerate, nil},
		{ToolPHQ9, func(i int) int { return bit(i == 9) }, "1", BandMinimal, []string{"self_harm"}},
		{ToolPHQ9, func(int) int { return 3 }, "27", BandSevere, []string{"self_harm"}},
		{ToolGAD7, func(int) int { return 1 }, "7", BandMild, nil},
		{ToolGAD7, func(int) int { return 3 }, "21", BandSevere, nil},
		{ToolPCL5, func(int) int { return 2 }, "40", BandPositive, nil},
		{ToolPHQ2, func(int) int { return 2 }, "4", BandPositive, []string{"offer_phq9"}},
	} {
		m := house(t)
		wantHeld(t, m.try(t, outreachA, "screenings", id(100), screening(c.tool, answersOf(c.tool, c.value), nil)))
		r, _ := m.Row("screenings", id(100))
		if string(r.Get("total")) != c.total || r.Text("band") != c.band {
			t.Errorf("%s: %s %s, want %s %s", c.tool, r.Get("total"), r.Text("band"), c.total, c.band)
		}
		if got := m.tasks(caseA); !slices.Equal(got, c.tasks) {
			t.Errorf("%s: tasks %v, want %v", c.tool, got, c.tasks)
		}
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestScreeningThatContradictsItself(t *testing.T) {
	ones := answersOf(ToolPHQ9, func(int) int { return 1 })
	m := house(t)
	wantHeld(t, m.try(t, outreachA, "screenings", id(100), screening(ToolPHQ9, ones, fields{"total": 8, "band": BandSevere})),
		"total screening_total_differs", "band screening_total_differs")
	r, _ := m.Row("screenings", id(100))
	if string(r.Get("total")) != "9" || r.Text("band") != BandMild {
		t.Errorf("%s %s in force", r.Get("total"), r.Text("band"))
	}
	wantHeld(t, m.try(t, outreachA, "screenings", id(101), screening(ToolPHQ9, ones, fields{"total": 9, "band": BandMild})))
	ones[itemName(ToolPHQ9, 1)] = 4
	wantHeld(t, m.try(t, outreachA, "screenings", id(102), screening(ToolPHQ9, ones, nil)), "answers screening_out_of_range")
	ones[itemName(ToolPHQ9, 1)] = 1
	ones["other"] = 1
	wantHeld(t, m.try(t, outreachA, "screenings", id(103), screening(ToolPHQ9, ones, nil)), "answers screening_foreign_item")
	wantHeld(t, m.try(t, outreachA, "screenings", id(104), fields{"tool": ToolPHQ9, "taken_at": noon, "total": 28}), "total screening_out_of_range")
	wantHeld(t, m.try(t, outreachA, "screenings", id(105), fields{"tool": ToolPHQ9, "taken_at": noon, "answers": OfAbsent(AskedDeclined)}))
}

// TestR12ScreeningBrokenOff: nobody has to answer everything, and the answer
// about self-harm counts without the rest.
func TestR12ScreeningBrokenOff(t *testing.T) {
	m := house(t)
	wantHeld(t, m.try(t, outreachA, "screenings", id(100), screening(ToolPHQ9, map[string]int{SelfHarmItem: 1}, nil)))
	if got := m.tasks(caseA); !slices.Equal(got, []string{"self_harm"}) {
		t.Errorf("tasks %v", got)
	}
	wantHeld(t, m.try(t, outreachA, "screenings", id(101), screening(ToolPHQ9, map[string]int{SelfHarmItem: 0}, fields{"total": 0})), "total screening_incomplete")
}

// TestR36Contact: nobody arranges a contact that the person did not ask for.
func TestR36Contact(t *testing.T) {
	set := fields{"title_key": "meeting", "status": "open", "subject_collection": "perpetrators", "subject": id(70)}
	for name, c := range map[string]struct {
		perpetrator fields
		held        []string
	}{
		"nobody":        {nil, []string{" contact_not_asked"}},
		"not asked":     {fields{"alias": "x"}, []string{" contact_not_asked"}},
		"declined":      {fields{"contact_asked_on": OfAbsent(AskedDeclined)}, []string{" contact_not_asked"}},
		"no safeguards": {fields{"contact_asked_on": "2026-03-01", "contact_safeguards": []string{"safe_place", "asked_by_person"}}, []string{" contact_needs_safeguards"}},
		"in order":      {fields{"contact_asked_on": "2026-03-01", "contact_safeguards": []string{"asked_by_person", "may_stop_any_time", "told_of_risks"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := house(t)
			if c.perpetrator != nil {
				m.put(row("perpetrators", id(70), c.perpetrator))
			}
			wantHeld(t, m.try(t, outreachA, "tasks", id(100), set), c.held...)
		})
	}
}

// TestR35Complaint: not handled by whom it is about, nor by who leads them.
func TestR35Complaint(t *testing.T) {
	m := house(t)
	m.put(row("teams", id(40), fields{"name": "t", "lead": boss}))
	m.put(row("memberships", id(41), fields{"team": id(40), "staff": workerB}))
	complaint := fields{"kind": "complaint", "status": "received", "about_staff": workerB}
	wantHeld(t, m.try(t, outreachA, "feedbacks", id(100), complaint))
	wantHeld(t, m.try(t, coordinatorA, "feedbacks", id(100), fields{"handler": workerB}), "handler handler_is_subject")
	wantHeld(t, m.try(t, coordinatorA, "feedbacks", id(100), fields{"handler": boss}), "handler handler_is_subject")
	wantHeld(t, m.try(t, coordinatorA, "feedbacks", id(100), fields{"handler": workerA}))
	complaint["category"] = "sexual_exploitation_or_abuse"
	wantHeld(t, m.try(t, outreachA, "feedbacks", id(101), complaint))
	wantHeld(t, m.try(t, coordinatorA, "feedbacks", id(101), fields{"handler": workerA}), "handler handler_not_independent")
	wantHeld(t, m.try(t, coordinatorA, "feedbacks", id(101), fields{"handler": officer}))
}

// TestR1Incident: the police hear of an incident by the person's own consent
// for it, or by an order of the law.
func TestR1Incident(t *testing.T) {
	report := fields{"kind": "violence", "status": "open", "reported_to": []string{"police"}, "report_consent": id(50)}
	m := house(t)
	wantHeld(t, m.try(t, outreachA, "incidents", id(100), report), "reported_to report_needs_consent")
	m.put(row("consents", id(50), aConsent(nil)))
	wantHeld(t, m.try(t, outreachA, "incidents", id(101), report), "reported_to report_needs_consent")
	m.put(row("organisations", orgB, fields{"name": "B", "kind": "LawEnforcement"}))
	m.put(row("consents", id(50), aConsent(fields{"purpose": "law_enforcement_report"})))
	wantHeld(t, m.try(t, outreachA, "incidents", id(102), report))
	m.put(row("consents", id(50), aConsent(fields{"purpose": "law_enforcement_report", "status": "withdrawn"})))
	wantHeld(t, m.try(t, outreachA, "incidents", id(103), report), "reported_to report_needs_consent")
	m.put(row("compelled_disclosures", id(51), fields{"status": "approved"}))
	wantHeld(t, m.try(t, outreachA, "incidents", id(104), report))
	wantHeld(t, m.try(t, outreachA, "incidents", id(105), fields{"kind": "fire", "status": "open", "reported_to": []string{"donor"}}))
}

// TestR17HandOut: papers go out under a consent that stands, in the form that
// the person chose, and to nobody's child (R27).
func TestR17HandOut(t *testing.T) {
	out := fields{"status": "handed_out", "handed_out_to": "person", "handed_out_by": workerA}
	for name, c := range map[string]struct {
		survivor, consent fields
		edition           string
		out               fields
		held              []string
	}{
		"in order":          {fields{"carry_choice": "both"}, aTransferConsent(nil), "paper", out, nil},
		"not chosen yet":    {fields{"alias": "x"}, aTransferConsent(nil), "paper", out, nil},
		"nothing":           {fields{"carry_choice": "nothing"}, aTransferConsent(nil), "paper", out, []string{"status document_not_wanted"}},
		"phone only":        {fields{"carry_choice": "phone"}, aTransferConsent(nil), "paper", out, []string{"status document_not_wanted"}},
		"paper only":        {fields{"carry_choice": "paper"}, aTransferConsent(nil), "paper", out, nil},
		"consent over":      {fields{"carry_choice": "both"}, aTransferConsent(fields{"expires_at": noon}), "paper", out, []string{"status document_consent_over"}},
		"consent withdrawn": {fields{"carry_choice": "both"}, aTransferConsent(fields{"status": "withdrawn"}), "paper", out, []string{"status document_consent_over"}},
		"a child":           {fields{"child": true}, aTransferConsent(ofGuardian), "paper", out, []string{"status document_to_child"}},
		"a child's lawyer":  {fields{"child": true}, aTransferConsent(ofGuardian), "paper", changed(out, "handed_out_to", "lawyer"), nil},
		"a child's own yes": {fields{"child": true}, aTransferConsent(nil), "paper", changed(out, "handed_out_to", "lawyer"), []string{"status document_consent_over"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := house(t)
			m.put(row("survivors", id(20), c.survivor))
			m.put(row("consents", id(50), c.consent))
			m.put(row("documents", id(100), fields{"kind": "summary", "status": "prepared", "edition": c.edition, "consent": id(50)}))
			wantHeld(t, m.try(t, outreachA, "documents", id(100), c.out), c.held...)
		})
	}
}

func TestLegalMatterStaysOnItsPathway(t *testing.T) {
	m := house(t)
	matter := fields{"kind": "victim_identification", "pathway": "gb-nrm/1", "status": "informed"}
	wantHeld(t, m.try(t, outreachA, "legal_matters", id(100), matter))
	wantHeld(t, m.try(t, outreachA, "legal_matters", id(100), fields{"status": "reflection_period"}), "status state_step") // of another pathway
	wantHeld(t, m.try(t, outreachA, "legal_matters", id(100), fields{"status": "applied"}))
	wantHeld(t, m.try(t, outreachA, "legal_matters", id(101), changed(matter, "kind", "asylum")), " pathway_not_for_kind")
}

func TestPermitEndIsADeadlineWithATask(t *testing.T) {
	m := house(t)
	m.put(row("legal_matters", id(100), fields{"kind": "residence_permit", "pathway": "status/1", "status": "permit"}))
	wantHeld(t, m.try(t, outreachA, "legal_matters", id(100), fields{"permit_until": "2026-09-30"}))
	d := m.OfCase("deadlines", caseA)
	if len(d) != 1 || d[0].Text("due_on") != "2026-09-30" || d[0].Text("kind") != "permit_expiry" {
		t.Fatalf("deadlines %v", d)
	}
	wantHeld(t, m.try(t, outreachA, "deadlines", d[0].ID, fields{"status": "missed"}), "status deadline_not_due")
	wantHeld(t, m.try(t, outreachA, "deadlines", d[0].ID, fields{"due_on": "2026-08-31"}))
	tasks := m.OfCase("tasks", caseA)
	if len(tasks) != 1 || tasks[0].Text("due_at") != "2026-08-31T00:00:00.000Z" {
		t.Fatalf("tasks %v", tasks)
	}
	wantHeld(t, m.try(t, outreachA, "deadlines", d[0].ID, fields{"status": "met"}))
	if got := m.text(t, "tasks", tasks[0].ID, "status"); got != "done" {
		t.Errorf("the deadline is met, its task %s", got)
	}
}

func TestCustodyIsOneChain(t *testing.T) {
	m := house(t)
	event := func(n int, purpose string) fields {
		return fields{"item": id(70), "number": n, "purpose": purpose, "happened_at": noon}
	}
	wantHeld(t, m.try(t, outreachA, "custody_events", id(100), event(1, "collected")))
	wantHeld(t, m.try(t, outreachB, "custody_events", id(101), event(1, "accessed")), " custody_number_taken")
	wantHeld(t, m.try(t, outreachA, "custody_events", id(102), event(2, "disposed")))
	wantHeld(t, m.try(t, outreachA, "custody_events", id(103), event(3, "accessed")), " custody_disposed")
}

func TestGrantsByRule(t *testing.T) {
	give := func(staff string, comp Compartment, days int) fields {
		return fields{"staff": staff, "compartment": string(comp), "status": "active", "until": noon.Add(time.Duration(days) * 24 * time.Hour)}
	}
	m := house(t)
	wantHeld(t, m.try(t, coordinatorA, "grants", id(100), give(workerB, Health, 30)))
	wantHeld(t, m.try(t, coordinatorA, "grants", id(101), give(boss, General, 30)), " grant_to_self")
	wantHeld(t, m.try(t, coordinatorA, "grants", id(102), give(workerB, Evidence, 30)), " grant_role")
	wantHeld(t, m.try(t, coordinatorA, "grants", id(103), give(workerB, General, 400)), " grant_too_long")
	wantHeld(t, m.try(t, coordinatorA, "grants", id(104), give(id(999), General, 30)), " grant_staff_gone")
	wantHeld(t, m.try(t, coordinatorA, "grants", id(100), fields{"until": noon.Add(60 * 24 * time.Hour)}), "until grant_extended")
	wantHeld(t, m.try(t, coordinatorA, "grants", id(100), fields{"status": "ended"}))
	wantHeld(t, m.try(t, coordinatorA, "grants", id(100), fields{"status": "active"}), "status state_step")
}

// TestR25AliasOnly: a whole case, with bed, health and referral, for somebody
// who gave no name; and whoever opened it can work on it at once.
func TestR25AliasOnly(t *testing.T) {
	m := house(t)
	caseC := id(500)
	in := func(collection string, n int, set fields) {
		t.Helper()
		r := row(collection, id(n), nil)
		r.Case = caseC
		wantHeld(t, m.change(t, outreachA, r, values(set), 0))
	}
	in("cases", 500, fields{"status": "Active"})
	in("survivors", 501, fields{"alias": "Swallow"})
	in("stays", 502, fields{"bed": id(10), "status": "checked_in", "check_in": noon})
	in("medicines", 503, fields{"substance": "Salbutamol", "status": "active"})
	in("encounters", 504, fields{"status": "planned", "starts_at": noon})
	in("consents", 505, aConsent(nil))
	in("referrals", 506, fields{"direction": "outgoing", "status": "sent", "receiving_org": orgB, "consent": id(505)})
	in("cases", 500, fields{"status": "FollowUp"})
	in("cases", 500, fields{"status": "Active"})
	var held []string
	for _, g := range m.OfCase("grants", caseC) {
		held = append(held, g.Text("staff")[35:]+" "+g.Text("compartment"))
	}
	slices.Sort(held)
	if want := []string{"1 general", "1 health", "1 identity", "1 location", "3 general"}; !slices.Equal(held, want) {
		t.Errorf("grants %v, want %v", held, want)
	}
}

// TestR2ServiceDependsOnNoConsent: with every sharing denied, each service
// goes its way as if nobody had been asked.
func TestR2ServiceDependsOnNoConsent(t *testing.T) {
	steps := []struct {
		collection string
		n          int
		set        fields
	}{
		{"stays", 100, fields{"bed": id(10), "status": "planned", "check_in": noon}},
		{"stays", 100, fields{"status": "checked_in"}},
		{"medicines", 101, fields{"substance": "x", "status": "active"}},
		{"encounters", 102, fields{"status": "finished", "starts_at": noon}},
		{"screenings", 103, screening(ToolGAD7, answersOf(ToolGAD7, func(int) int { return 1 }), nil)},
		{"legal_matters", 104, fields{"kind": "residence_permit", "pathway": "status/1", "status": "informed"}},
		{"legal_matters", 104, fields{"status": "applied"}},
		{"hearings", 105, fields{"matter": id(104), "status": "planned", "starts_at": noon, "testimony": "declined"}},
		{"claims", 106, fields{"status": "filed", "filed_on": "2026-03-01"}},
		{"plans", 107, fields{"status": "active"}},
		{"goals", 108, fields{"wording": "x", "status": "active"}},
		{"livelihood_grants", 109, fields{"kind": "grant", "status": "proposed"}},
		{"follow_ups", 110, fields{"status": "planned", "due_on": "2026-04-01"}},
		{"risk_assessments", 111, fields{"kind": "initial", "status": "final", "assessed_on": "2026-03-10"}},
		{"transfers", 112, fields{"kind": "transfer", "status": "draft"}},
		{"tasks", 113, fields{"title_key": "visit", "status": "open"}},
		{"cases", 0, fields{"status": "FollowUp"}},
		{"stays", 100, fields{"status": "checked_out", "check_out": noon.Add(time.Hour)}},
		{"cases", 0, fields{"status": "Closed", "closure_reason": "goals_met"}},
	}
	m := house(t)
	n := 0
	for _, p := range Purposes {
		for _, kind := range []fields{{"recipient_kind": "organisation", "recipient_org": orgB}, {"recipient_kind": "country", "recipient_country": "FR", "recipient_org": nil}} {
			n++
			refusal := fields{"purpose": string(p), "decision": "deny", "categories": texts(Categories), "actions": texts(Actions)}
			maps.Copy(refusal, kind)
			wantHeld(t, m.try(t, outreachA, "consents", id(200+n), aConsent(refusal)))
		}
	}
	for i, s := range steps {
		recordID := id(s.n)
		if s.n == 0 {
			recordID = caseA
		}
		if held := m.try(t, outreachA, s.collection, recordID, s.set); len(held) > 0 {
			t.Errorf("step %s, %s: %v", strconv.Itoa(i), s.collection, held)
		}
	}
}

func texts[S ~string](l []S) []string {
	out := make([]string, len(l))
	for i, s := range l {
		out[i] = string(s)
	}
	return out
}

func TestReferenceIntoAnotherCase(t *testing.T) {
	m := house(t)
	other := row("conditions", id(70), fields{"label": "x"})
	other.Case = caseB
	m.put(other)
	set := fields{"substance": "x", "status": "active", "condition": id(70)}
	wantHeld(t, m.try(t, outreachA, "medicines", id(100), set), "condition reference_other_case")
	wantHeld(t, m.try(t, outreachA, "cases", caseA, fields{"linked_cases": []string{caseB}}))
	theirs := row("beds", id(71), fields{"unit": id(72), "label": "bed", "state": "available"})
	theirs.Org = orgB
	m.put(theirs)
	wantHeld(t, m.try(t, outreachA, "stays", id(101), fields{"status": "checked_in", "check_in": noon, "bed": id(71)}), "bed reference_other_org")
	if m.text(t, "stays", id(101), "status") != "checked_in" {
		t.Error("that somebody is in the house must be known in any case")
	}
	wantHeld(t, m.try(t, outreachA, "stays", id(101), fields{"bed": id(10)}))
}

// TestR5NoReferenceOut: of every collection and every field that refers to
// something, none leads to a record of another organisation, and none to
// another case but those that are meant to.
func TestR5NoReferenceOut(t *testing.T) {
	eachField(t, func(t *testing.T, e *Entity, f *Field, where string) {
		if f.Ref == "" || f.Ref == "organisations" {
			return
		}
		target, _ := Find(f.Ref)
		for _, org := range []string{orgA, orgB} {
			m := house(t)
			there := row(f.Ref, id(400), fields{"status": "vetted"}) // whatever else an interpreter is asked
			there.Org = org
			if target.Topic == NoTopic {
				there.Case = caseB
			}
			m.put(there)
			set := fields{f.Name: OfText(id(400))}
			if f.Type == Refs {
				set[f.Name] = []string{id(400)}
			}
			reason, want := "", "reference_other_org"
			if org == orgA {
				want = "reference_other_case"
			}
			before := row(e.Name, id(401), fields{})
			for _, r := range Check(m, theHub, before, row(e.Name, id(401), set), []string{f.Name}) {
				if r.Reason == "reference_other_org" || r.Reason == "reference_other_case" {
					reason = r.Reason
				}
			}
			may := org == orgA && (target.Topic != NoTopic || crossing[f.Ref] || crossing[where])
			if (reason == want) == may {
				t.Errorf("%s to %s of organisation %s: held %q", where, f.Ref, org[34:], reason)
			}
		}
	})
}

func TestNobodyRaisesThemselves(t *testing.T) {
	m := house(t)
	wantHeld(t, m.try(t, coordinatorA, "staff", boss, fields{"roles": []string{"coordinator", "protection_officer"}}), "roles roles_of_self")
	wantHeld(t, m.try(t, coordinatorA, "staff", workerA, fields{"roles": []string{"health"}}))
	m.put(row("devices", id(100), fields{"label": "x", "staff": workerA, "status": "revoked"}))
	wantHeld(t, m.try(t, coordinatorA, "devices", id(100), fields{"status": "enrolled"}), "status device_revoked")
	wantHeld(t, m.try(t, coordinatorA, "cases", caseA, fields{"closure_approved_by": officer}), "closure_approved_by approval_not_own")
	m.put(row("staff", workerB, fields{"display_name": "x", "status": "left"}))
	wantHeld(t, m.try(t, coordinatorA, "cases", caseA, fields{"owner": workerB}), "owner staff_gone")
}

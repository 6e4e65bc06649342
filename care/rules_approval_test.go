package care

import "testing"

// approvedRecords are the kinds of records that one person approves and another
// writes: how one begins, what of it is decisive, and another value of that.
var approvedRecords = []struct {
	collection string
	begin      fields
	decisive   string
	other      string
}{
	{"payments", aPayment(nil), "amount", "9999"},
	{"payments", aPayment(nil), "payee", "Account of a cousin"},
	{"livelihood_grants", fields{"kind": "grant", "status": "proposed", "amount": "100", "currency": "EUR"}, "amount", "50000"},
	{"livelihood_grants", fields{"kind": "grant", "status": "proposed", "amount": "100", "currency": "EUR"}, "purpose", "A car"},
	{"plans", fields{"status": "draft", "budget": "100", "currency": "EUR", "objectives": "a course"}, "budget", "50000"},
	{"plans", fields{"status": "draft", "budget": "100", "currency": "EUR", "objectives": "a course"}, "objectives", "another"},
	{"risk_assessments", fields{"kind": "initial", "status": "final", "assessed_on": "2026-03-10", "level": "medium", "findings": "some"}, "findings", "none"},
	{"risk_assessments", fields{"kind": "initial", "status": "final", "assessed_on": "2026-03-10", "level": "medium"}, "level", "low"},
}

// TestR29NobodyApprovesWhatTheyWrote: whoever approves wrote nothing of what
// the approval is about, neither before it nor with it, and it stays as it was
// approved.
func TestR29NobodyApprovesWhatTheyWrote(t *testing.T) {
	for _, c := range approvedRecords {
		t.Run(c.collection+" "+c.decisive, func(t *testing.T) {
			m := house(t)
			yes := func(n int, with string) {
				t.Helper()
				set := fields{"approved_by": boss}
				if with != "" {
					set[c.decisive] = with
				}
				wantHeld(t, m.try(t, coordinatorA, c.collection, id(n), set), "approved_by approved_by_author")
			}
			begin := func(n int) { wantHeld(t, m.try(t, outreachA, c.collection, id(n), c.begin)) }
			begin(100)
			if c.decisive != "level" { // of two levels the higher stands, whoever wrote it
				yes(100, c.other)
			}
			begin(101)
			wantHeld(t, m.try(t, coordinatorA, c.collection, id(101), fields{c.decisive: c.other}))
			yes(101, "")
			wantHeld(t, m.try(t, officerA, c.collection, id(101), fields{"approved_by": officer}))
			begin(102)
			wantHeld(t, m.try(t, officerA, c.collection, id(102), fields{"approved_by": officer}))
			for _, who := range []Actor{outreachA, coordinatorA, officerA, theHub} {
				wantHeld(t, m.try(t, who, c.collection, id(102), fields{c.decisive: c.other}), c.decisive+" approved_fixed")
			}
		})
	}
}

// TestR29AnApprovedDangerMayStillRise: what protects the person more is in
// force at once, whoever approved what was known before.
func TestR29AnApprovedDangerMayStillRise(t *testing.T) {
	m := house(t)
	wantHeld(t, m.try(t, outreachA, "risk_assessments", id(100), fields{"kind": "pre_return", "status": "final", "assessed_on": "2026-03-10",
		"level": "medium", "safe_to_return": true, "unsafe_answers": []string{returnDanger(t, 0)}}))
	wantHeld(t, m.try(t, officerA, "risk_assessments", id(100), fields{"approved_by": officer}))
	wantHeld(t, m.try(t, outreachA, "risk_assessments", id(100), fields{"level": "high", "safe_to_return": false, "unsafe_answers": []string{returnDanger(t, 0), returnDanger(t, 1)}}))
	wantHeld(t, m.try(t, outreachA, "risk_assessments", id(100), fields{"level": "medium", "safe_to_return": true, "unsafe_answers": []string{returnDanger(t, 1)}}),
		"level approved_fixed", "safe_to_return approved_fixed", "unsafe_answers approved_fixed")
}

// returnDanger is the nth answer that speaks against a return.
func returnDanger(t *testing.T, n int) string {
	t.Helper()
	l, ok := FindCodes("return_dangers")
	if !ok {
		t.Fatal("no such list")
	}
	return l.Codes[n]
}

// TestR29NoMoreIsPaidThanWasApproved: nor is a sum lowered below what is noted
// as paid, and a review is of what was paid, by somebody who did not note it.
func TestR29NoMoreIsPaidThanWasApproved(t *testing.T) {
	m := house(t)
	wantHeld(t, m.try(t, outreachA, "payments", id(100), aPayment(nil)))
	wantHeld(t, m.try(t, coordinatorA, "payments", id(100), fields{"oversight_reviewer": boss}), "oversight_reviewer payment_not_paid")
	wantHeld(t, m.try(t, officerA, "payments", id(100), fields{"approved_by": officer}))
	wantHeld(t, m.try(t, coordinatorA, "payments", id(100), fields{"status": "paid", "paid_at": noon, "paid_amount": "120.51"}), "paid_amount paid_above_approved")
	wantHeld(t, m.try(t, coordinatorA, "payments", id(100), fields{"paid_amount": "120.50"}))
	wantHeld(t, m.try(t, coordinatorA, "payments", id(100), fields{"oversight_reviewer": boss}), "oversight_reviewer approved_by_author")
	wantHeld(t, m.try(t, outreachA, "payments", id(101), aPayment(fields{"paid_amount": "120.51"})), " paid_above_approved")
	wantHeld(t, m.try(t, outreachA, "payments", id(102), aPayment(fields{"paid_amount": "120.50"})))
	wantHeld(t, m.try(t, outreachA, "payments", id(102), fields{"amount": "10"}), "amount paid_above_approved")
}

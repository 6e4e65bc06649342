package care

import (
	"testing"
	"time"
)

// anOrder is a case with an order under review.
func anOrder(t *testing.T) *memory {
	t.Helper()
	m := house(t)
	m.put(row("documents", id(80), fields{"kind": "legal_document", "status": "kept"}))
	wantHeld(t, m.try(t, outreachA, "compelled_disclosures", id(100), fields{"status": "received", "order_kind": "subpoena", "order_document": id(80),
		"authority": "court", "received_at": noon, "scope": "all"}))
	wantHeld(t, m.try(t, outreachA, "compelled_disclosures", id(100), fields{"status": "under_review"}))
	return m
}

// TestR4CompelledDisclosure: two people, the least, the steps, the notice, and
// what went.
func TestR4CompelledDisclosure(t *testing.T) {
	m := anOrder(t)
	try := func(a Actor, set fields, held ...string) {
		t.Helper()
		wantHeld(t, m.try(t, a, "compelled_disclosures", id(100), set), held...)
	}
	approve := fields{"status": "approved"}
	try(officerA, approve, "status compelled_needs_two")
	try(outreachA, fields{"first_approver": workerA}, "first_approver approval_needs_power")
	try(officerA, fields{"categories": []string{"shelter", "contact"}, "minimum": "dates of stay"})
	try(officerA, fields{"first_approver": officer})
	try(officerA, fields{"second_approver": officer}, "second_approver approval_twice")
	try(officerA, fields{"second_approver": boss}, "second_approver approval_not_own")
	try(coordinatorA, fields{"categories": []string{"health", "shelter"}}, "categories compelled_fixed")
	try(coordinatorA, fields{"minimum": "everything"}, "minimum compelled_fixed")
	try(coordinatorA, fields{"categories": []string{"shelter"}})
	try(coordinatorA, fields{"second_approver": boss})
	try(officerA, approve, "status compelled_needs_steps")
	try(officerA, fields{"protective_steps": "sealed"})
	try(officerA, approve, "status compelled_needs_notice")
	try(officerA, fields{"notice_result": "forbidden_by_order", "status": "approved"}, "status compelled_needs_day")
	try(officerA, fields{"notice_forbidden_until": "2026-06-01", "status": "approved"})
	try(officerA, fields{"status": "disclosed"}, "status compelled_needs_record")
	went := fields{"status": "disclosed", "disclosed_at": noon, "disclosed_to": "the clerk", "disclosed_what": "dates of stay"}
	try(officerA, changed(went, "categories", []string{"health", "shelter"}), "categories compelled_fixed", "status compelled_fixed")
	m.put(row("compelled_disclosures", id(101), fields{"status": "disclosed"}))
	if d := MayDisclose(m, m.rows["compelled_disclosures"][id(101)], []Category{CatShelter}); d.Allowed {
		t.Errorf("what went goes again: %+v", d)
	}
	owed := m.OfCase("tasks", caseA)
	if due, _ := owed[0].Get("due_at").Time(); len(owed) != 1 || owed[0].Text("rule") != "notice_owed" || due.Format(time.DateOnly) != "2026-06-01" {
		t.Errorf("that the person is told later: %v", owed)
	}
	try(officerA, fields{"notice_result": "told", "notice_attempted_at": noon})
	if got := m.text(t, "tasks", owed[0].ID, "status"); got != "done" {
		t.Errorf("the person was told, and the task is %s", got)
	}
}

// TestR4NothingElseLeaves: under an order goes what two people approved, while
// both still could, once; and no consent is read into it, nor it into one.
func TestR4NothingElseLeaves(t *testing.T) {
	good := fields{"status": "approved", "first_approver": officer, "second_approver": boss, "categories": []string{"shelter", "contact"}}
	for name, c := range map[string]struct {
		change     fields
		categories []Category
		reason     Reason
	}{
		"as approved":         {nil, []Category{CatShelter}, OrderApproved},
		"all of it":           {nil, []Category{CatShelter, CatContact}, OrderApproved},
		"something else":      {nil, []Category{CatHealth}, OrderScope},
		"something more":      {nil, []Category{CatShelter, CatHealth}, OrderScope},
		"nothing named":       {nil, nil, OrderScope},
		"one approver":        {fields{"second_approver": Value(nil)}, []Category{CatShelter}, OrderNotApproved},
		"one approver, twice": {fields{"second_approver": officer}, []Category{CatShelter}, OrderNotApproved},
		"somebody without":    {fields{"second_approver": workerA}, []Category{CatShelter}, OrderNotApproved},
		"under review":        {fields{"status": "under_review"}, []Category{CatShelter}, OrderNotApproved},
		"challenged":          {fields{"status": "challenged"}, []Category{CatShelter}, OrderNotApproved},
		"gone already":        {fields{"status": "disclosed"}, []Category{CatShelter}, OrderNotApproved},
	} {
		t.Run(name, func(t *testing.T) {
			m := house(t)
			f := good
			for k, v := range c.change {
				f = changed(f, k, v)
			}
			order := m.put(row("compelled_disclosures", id(100), f))
			if d := MayDisclose(m, order, c.categories); d.Reason != c.reason || d.Allowed != (c.reason == OrderApproved) {
				t.Errorf("%+v, want %s", d, c.reason)
			}
			q := ShareRequest{Purpose: LawEnforcementReport, Action: Share, RecipientKind: ToOrganisation, RecipientOrg: orgB, RecipientOrgKind: "LawEnforcement", Categories: []Category{CatShelter}}
			if d := MayShare(ConsentsOf(m, caseA), q, noon); d.Allowed {
				t.Errorf("an order counts as a consent: %+v", d)
			}
		})
	}
	m := house(t)
	order := m.put(row("compelled_disclosures", id(100), good))
	m.put(row("staff", boss, fields{"display_name": "x", "roles": []string{"coordinator"}, "status": "left"}))
	if d := MayDisclose(m, order, []Category{CatShelter}); d.Allowed {
		t.Errorf("under somebody who left: %+v", d)
	}
}

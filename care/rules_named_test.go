package care

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestR6NewCase: of a case that was just opened nothing may be shared, for any
// purpose, in any way, with anybody, and where the person is is hidden from
// whoever was not given that part.
func TestR6NewCase(t *testing.T) {
	m := house(t)
	caseC := id(500)
	r := row("cases", caseC, nil)
	wantHeld(t, m.change(t, outreachB, r, values(fields{"status": "Active"}), 0))
	for _, p := range Purposes {
		for _, a := range Actions {
			for _, cat := range Categories {
				for _, q := range []ShareRequest{{RecipientKind: ToCountry, RecipientCountry: "FR"}, {RecipientKind: ToOrganisation, RecipientOrg: orgB, RecipientOrgKind: "NGO"},
					{RecipientKind: ToPerson, RecipientStaff: workerA}, {RecipientKind: ToAnyoneNamed, RecipientName: "x"}, {RecipientKind: ToRole, RecipientRole: "health"}} {
					q.Purpose, q.Action, q.Categories = p, a, []Category{cat}
					if d := MayShare(ConsentsOf(m, caseC), q, noon); d.Allowed {
						t.Fatalf("%+v: %+v", q, d)
					}
				}
			}
		}
	}
	for _, g := range m.OfCase("grants", caseC) {
		if g.Text("compartment") == string(Location) && g.Text("staff") != workerB {
			t.Errorf("%s was given where the person is", g.Text("staff"))
		}
	}
}

// TestR7CapacityHasItsAge: how old a figure of free places is stands beside
// the figure.
func TestR7CapacityHasItsAge(t *testing.T) {
	e, _ := Find("services")
	for _, name := range []string{"places_free", "capacity_as_of", "accepts_referrals"} {
		if _, ok := e.Field(name); !ok {
			t.Errorf("services have no %s", name)
		}
	}
}

// TestR23WhereAHouseStands: what says where a house or a person is belongs to
// the compartments that few hold, and goes to no tablet by a topic alone.
func TestR23WhereAHouseStands(t *testing.T) {
	seen := 0
	eachField(t, func(t *testing.T, e *Entity, f *Field, where string) {
		precise := slices.ContainsFunc([]string{"street", "postal_code", "latitude", "longitude", "address"}, func(s string) bool { return strings.Contains(f.Name, s) })
		if !precise {
			return
		}
		seen++
		if f.Compartment != Location && f.Compartment != Identity {
			t.Errorf("%s is in %s", where, f.Compartment)
		}
		if e.Topic == NoTopic {
			return
		}
		for _, role := range []Role{HealthWorker, LegalWorker, ReintegrationRole, Auditor, Operator} {
			a := Actor{Staff: workerA, Org: orgA, Roles: []Role{role}}
			if d := MaySee(a, Carry, Target{Collection: e.Name, Org: orgA, Topic: e.Topic, Compartment: f.Compartment}, noon); d.Allowed && e.Topic == Facilities {
				t.Errorf("%s: a %s takes it along", where, role)
			}
		}
	})
	if seen < 8 {
		t.Errorf("%d fields found: the test looks past them", seen)
	}
}

// TestR24NobodyIsFoundByTheirData: what names or describes a person is no
// routing field, so that no list can be asked by it, and nobody of another
// organisation sees any of it.
func TestR24NobodyIsFoundByTheirData(t *testing.T) {
	stranger := Actor{Staff: workerA, Org: orgB, Roles: Roles, Grants: []Grant{{ID: "g", Case: caseA, Compartment: Identity, Until: noon.Add(time.Hour)}}}
	eachField(t, func(t *testing.T, e *Entity, f *Field, where string) {
		if f.Canary && f.Routing {
			t.Errorf("%s can be asked for", where)
		}
		target := Target{Collection: e.Name, Org: orgA, Topic: e.Topic, Compartment: f.Compartment}
		if e.Topic == NoTopic {
			target.Case = caseA
		}
		for _, act := range []Act{Read, Write, Carry} {
			if d := MaySee(stranger, act, target, noon); d.Allowed {
				t.Errorf("%s: somebody of another organisation may %s it", where, act)
			}
		}
	})
}

// TestR26NothingOfAnOffenceTravels: what says or implies an offence or an
// irregular stay is labelled, and a record with that label is carried by
// nobody, whatever the person agreed to.
func TestR26NothingOfAnOffenceTravels(t *testing.T) {
	all := ShareRequest{Purpose: CrossBorderTransfer, Action: Share, RecipientKind: ToCountry, RecipientCountry: "FR"}
	yes := Consents{Rows: []Row{row("consents", id(1), aTransferConsent(fields{"categories": everything()}))}}
	for _, label := range []Label{LabelLegal, LabelTrafficking} {
		r := row("conditions", id(2), fields{"label": "x", "security_labels": []string{string(label)}})
		if _, may := MayCarry(yes, "problems", r, all, noon); may {
			t.Errorf("a record labelled %s is carried", label)
		}
	}
	for _, name := range []string{"migrant_type", "protection_status", "migration_circumstances"} {
		e, _ := Find("survivors")
		f, ok := e.Field(name)
		if !ok || !slices.Contains(f.Labels, LabelLegal) {
			t.Errorf("survivors.%s is not labelled", name)
		}
	}
}

// TestR33StatisticsAreAskedForThemselves: no other yes counts as one to
// statistics.
func TestR33StatisticsAreAskedForThemselves(t *testing.T) {
	q := ShareRequest{Purpose: Statistics, Action: Use, RecipientKind: ToOrganisation, RecipientOrg: orgA, RecipientOrgKind: "NGO", Categories: []Category{CatShelter}}
	for _, p := range Purposes {
		yes := row("consents", id(1), aConsent(fields{"purpose": string(p), "recipient_org": orgA, "actions": []string{"use"}, "categories": everything()}))
		if d := MayShare(Consents{Rows: []Row{yes}}, q, noon); d.Allowed != (p == Statistics) {
			t.Errorf("a yes to %s: %+v", p, d)
		}
	}
	e, _ := Find("cases")
	if _, ok := e.Field("reported_by_other_org"); !ok {
		t.Error("a case cannot say that another organisation reports it")
	}
}

// TestR34StaffHaveNoAddress: no field of staff says where somebody lives.
func TestR34StaffHaveNoAddress(t *testing.T) {
	e, _ := Find("staff")
	for _, f := range e.Fields {
		if f.Compartment == Location || slices.ContainsFunc([]string{"street", "address", "home", "city", "postal", "private"}, func(s string) bool { return strings.Contains(f.Name, s) }) {
			t.Errorf("staff.%s", f.Name)
		}
	}
}

// TestR7NothingIsOfferedBeforeItIsAccepted: a referral is accepted after
// somebody was asked, and help is given after it was accepted; none begins so.
func TestR7NothingIsOfferedBeforeItIsAccepted(t *testing.T) {
	e, _ := Find("referrals")
	m := e.Machine
	for _, state := range []string{"accepted", "done"} {
		if m.Allows("", state) || m.Allows("draft", state) {
			t.Errorf("a referral is %s before anybody was asked", state)
		}
	}
	for from := range m.Steps {
		if from != "accepted" && m.Allows(from, "done") {
			t.Errorf("what was %s is done without having been accepted", from)
		}
	}
}

// TestR5ATeamOpensAndClosesNothing: neither who joins the team of a case, nor a
// case that comes to another team, gives or ends a grant.
func TestR5ATeamOpensAndClosesNothing(t *testing.T) {
	m := house(t)
	m.put(row("grants", id(300), fields{"staff": workerA, "compartment": "general", "status": "active", "until": at(24)}))
	for n := range 2 {
		m.put(row("teams", id(310+n), fields{"name": "x", "lead": boss}))
	}
	m.put(row("cases", caseA, fields{"status": "Active", "owner": workerA, "team": id(310)}))
	wantHeld(t, m.try(t, coordinatorA, "memberships", id(320), fields{"staff": workerB, "team": id(310)}))
	wantHeld(t, m.try(t, outreachA, "cases", caseA, fields{"team": id(311)}))
	wantHeld(t, m.try(t, coordinatorA, "memberships", id(320), fields{"until": at(-24)}))
	if l := m.OfCase("grants", caseA); len(l) != 1 || l[0].Text("status") != "active" {
		t.Errorf("grants after it: %v", l)
	}
}

// TestR12WhatWasToldIsNotAskedAgain: the topics that a person has told of, and
// does not want to tell of again, stand where everybody on the case sees them;
// of two lists that were written at once both count.
func TestR12WhatWasToldIsNotAskedAgain(t *testing.T) {
	e, _ := Find("survivors")
	f, ok := e.Field("do_not_ask_again")
	if !ok || f.Merge != Union || f.RemovalWins || f.Compartment != General {
		t.Fatalf("%+v", f)
	}
	for _, r := range caseRoles {
		if !MayHold([]Role{r}, f.Compartment) {
			t.Errorf("%s asks without knowing", r)
		}
	}
}

// TestR12EveryQuestionCanBeSkipped: any field may say that the person was asked
// and prefers not to say, but for what a record is nothing without: what kind it is
// and how it stands, and nothing that the person would have to tell.
func TestR12EveryQuestionCanBeSkipped(t *testing.T) {
	eachField(t, func(t *testing.T, _ *Entity, f *Field, where string) {
		_, err := Canonical(f, OfAbsent(AskedDeclined))
		if f.Required == (err == nil) {
			t.Errorf("%s: required %t, declining it: %v", where, f.Required, err)
		}
		if f.Required && f.Type != Code && len(f.Labels) > 0 && where != "evidence_items.description" { // what the thing is, as whoever keeps it sees it
			t.Errorf("%s must be told", where)
		}
	})
}

// TestR15CorrectionsAndObjectionsAreAnswered: within a month from the day on
// which the person asked, by somebody who has a task for it until it is done.
func TestR15CorrectionsAndObjectionsAreAnswered(t *testing.T) {
	for _, c := range []struct {
		asked     fields
		due, task time.Time
	}{
		{fields{"kind": "correction"}, noon.Add(SubjectRequestTerm), noon.Add(SubjectRequestTerm)},
		{fields{"kind": "objection", "received_at": at(-48)}, at(-48).Add(SubjectRequestTerm), at(-48).Add(SubjectRequestTerm)},
		{fields{"kind": "objection", "due_at": at(24)}, at(24), at(24)},
		{fields{"kind": "correction", "due_at": noon.Add(2 * SubjectRequestTerm)}, noon.Add(SubjectRequestTerm), noon.Add(SubjectRequestTerm)},
	} {
		m := house(t)
		c.asked["status"], c.asked["words"] = "received", "My name is written wrong."
		wantHeld(t, m.try(t, outreachB, "feedbacks", id(100), c.asked))
		f, _ := m.Row("feedbacks", id(100))
		if due, _ := f.Get("due_at").Time(); !due.Equal(c.due) {
			t.Errorf("%v: due %v", c.asked, due)
		}
		tasks := m.OfCase("tasks", caseA)
		if len(tasks) != 1 || tasks[0].Text("rule") != "subject_request" || tasks[0].Text("assignee") != workerA || !slices.Contains(TaskTitles, tasks[0].Text("title_key")) {
			t.Fatalf("%v: %v", c.asked, m.tasks(caseA))
		}
		if due, _ := tasks[0].Get("due_at").Time(); !due.Equal(c.task) {
			t.Errorf("%v: the task is due %v", c.asked, due)
		}
		wantHeld(t, m.try(t, outreachB, "feedbacks", id(100), fields{"status": "resolved"}))
		if got := m.text(t, "tasks", tasks[0].ID, "status"); got != "done" {
			t.Errorf("the task is %s after the answer", got)
		}
	}
}

// TestR20WhatWasHandedOutIsNotForgotten: a paper in somebody's hands cannot be
// called off, only listed as what nobody can call back.
func TestR20WhatWasHandedOutIsNotForgotten(t *testing.T) {
	m := house(t)
	paper := func(n int, status string) {
		m.put(row("documents", id(n), fields{"kind": "letter", "compartment": "general", "status": status}))
	}
	paper(100, "handed_out")
	for _, status := range []string{"cancelled", "prepared", "kept"} {
		wantHeld(t, m.try(t, outreachA, "documents", id(100), fields{"status": status}), "status state_step")
	}
	wantHeld(t, m.try(t, outreachA, "documents", id(100), fields{"status": "not_recallable"}))
	wantHeld(t, m.try(t, outreachA, "documents", id(100), fields{"status": "handed_out"}), "status state_step")
	paper(101, "kept")
	wantHeld(t, m.try(t, outreachA, "documents", id(101), fields{"status": "not_recallable"}), "status state_step")
}

// TestR3WhoseYesRanOutIsAskedAgain: the owner has a task for it, unless the
// person answered the same question otherwise, or the case is over.
func TestR3WhoseYesRanOutIsAskedAgain(t *testing.T) {
	yes := func(more fields) Row { return row("consents", id(100), aConsent(more)) }
	ended := fields{"expires_at": at(-1), "actions": []string{"use"}}
	for name, c := range map[string]struct {
		yes   Row
		other Row
		state string
		asked int
	}{
		"ran out":          {yes(ended), Row{}, "Active", 1},
		"still stands":     {yes(fields{"expires_at": at(1)}), Row{}, "Active", 0},
		"long ago":         {yes(fields{"expires_at": noon.Add(-AskAgainWithin - time.Hour)}), Row{}, "Active", 0},
		"a no":             {yes(fields{"expires_at": at(-1), "decision": "deny"}), Row{}, "Active", 0},
		"taken back":       {yes(fields{"expires_at": at(-1), "status": "withdrawn"}), Row{}, "Active", 0},
		"the case is over": {yes(ended), Row{}, "Closed", 0},
		"renewed":          {yes(ended), row("consents", id(101), aConsent(fields{"expires_at": at(50)})), "Active", 0},
		"refused since":    {yes(ended), row("consents", id(101), aConsent(fields{"expires_at": at(-1), "decision": "deny"})), "Active", 0},
		"another question": {yes(ended), row("consents", id(101), aConsent(fields{"expires_at": at(50), "purpose": "photo"})), "Active", 1},
	} {
		m := house(t)
		m.put(row("cases", caseA, fields{"status": c.state, "owner": workerA}))
		m.put(c.yes)
		if c.other.ID != "" {
			m.put(c.other)
		}
		l := AskAgain(m, c.yes)
		if len(l) != c.asked || c.asked == 1 && l[0].Set["assignee"].Text() != workerA {
			t.Errorf("%s: %+v", name, l)
		}
	}
}

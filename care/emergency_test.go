package care

import (
	"maps"
	"slices"
	"testing"
	"time"
)

var bossInEmergency = Actor{Staff: boss, Org: orgA, Roles: []Role{Coordinator}, Emergency: true}

// anEmergency is a whole grant of one, for the general part, by the boss.
func anEmergency(change fields) fields {
	f := fields{"staff": boss, "compartment": "general", "status": "active", "until": at(3), "kind": "break_glass", "reason": "emergency",
		"emergency": "medical", "explanation": "She has collapsed in the yard.", "granted_by": boss}
	maps.Copy(f, change)
	maps.DeleteFunc(f, func(_ string, v any) bool { return v == nil })
	return f
}

// TestR30BreakGlass: with a reason, for three hours, for oneself, told at once
// to the owner and to somebody who reviews it.
func TestR30BreakGlass(t *testing.T) {
	m := house(t)
	for name, c := range map[string]struct {
		change fields
		held   string
	}{
		"no reason":          {fields{"reason": "cover"}, " grant_needs_reason"},
		"no kind":            {fields{"emergency": nil}, " grant_needs_reason"},
		"no words":           {fields{"explanation": nil}, " grant_needs_reason"},
		"hardly a word":      {fields{"explanation": "   help   "}, " grant_needs_reason"},
		"too long":           {fields{"until": at(4)}, " grant_too_long"},
		"for somebody else":  {fields{"staff": workerB}, " emergency_not_own"},
		"as somebody else":   {fields{"granted_by": officer}, "granted_by signature_not_own"},
		"a part not for her": {fields{"compartment": "evidence"}, " grant_role"},
		"reviewed already":   {fields{"reviewed_by": boss, "review_result": "justified"}, " review_not_due"},
	} {
		t.Run(name, func(t *testing.T) {
			wantHeld(t, house(t).try(t, bossInEmergency, "grants", id(100), anEmergency(c.change)), c.held)
		})
	}
	wantHeld(t, m.try(t, bossInEmergency, "grants", id(102), anEmergency(nil)))
	who := map[string]string{}
	for _, k := range m.OfCase("tasks", caseA) {
		who[k.Text("rule")] = k.Text("assignee")
	}
	if want := map[string]string{"break_glass": workerA, "break_glass_review": officer}; !maps.Equal(who, want) {
		t.Errorf("told %v, want %v", who, want)
	}
	if !slices.ContainsFunc(m.OfCase("grants", caseA), func(g Row) bool { return g.Text("staff") == officer && g.Text("compartment") == "general" }) {
		t.Error("the reviewer cannot see what to review")
	}
	m.now = noon.Add(2 * time.Hour)
	wantHeld(t, m.try(t, coordinatorA, "grants", id(102), fields{"until": at(5)}), "until grant_extended")
	m.now = noon
	for n := range 2 {
		wantHeld(t, m.try(t, bossInEmergency, "grants", id(103+n), anEmergency(nil)))
	}
	if got := m.tasks(caseA); !slices.Contains(got, "break_glass_repeated") {
		t.Errorf("the third time within a month: tasks %v", got)
	}
}

// TestR30AnEmergencyIsNoGrantThatSomebodyWrites: neither from a tablet nor by
// whoever may give grants, nor is an ordinary grant made one.
func TestR30AnEmergencyIsNoGrantThatSomebodyWrites(t *testing.T) {
	m := house(t)
	for _, who := range []Actor{coordinatorA, {Staff: boss, Org: orgA, Roles: []Role{Coordinator}, Device: id(1)}, theHub} {
		wantHeld(t, m.try(t, who, "grants", id(100), anEmergency(nil)), " emergency_at_desk")
	}
	wantHeld(t, m.try(t, bossInEmergency, "grants", id(100), anEmergency(fields{"kind": "ordinary"})), " emergency_at_desk")
	m.put(row("grants", id(101), fields{"staff": boss, "compartment": "general", "status": "active", "until": at(2)}))
	wantHeld(t, m.try(t, officerA, "grants", id(101), fields{"kind": "break_glass"}), "kind emergency_at_desk")
}

// TestR30EverybodyWhoCouldReviewIsTold: every protection officer who has an
// account, at once, and when it is overdue everybody who may approve: one of
// them on leave silences nothing.
func TestR30EverybodyWhoCouldReviewIsTold(t *testing.T) {
	m := house(t)
	second, third := id(900), id(901)
	for who, role := range map[string]Role{second: ProtectionOfficer, third: Coordinator} {
		m.put(row("staff", who, fields{"display_name": "x", "roles": []string{string(role)}, "status": "active"}))
	}
	told := func(rule string) (l []string) {
		for _, k := range m.OfCase("tasks", caseA) {
			if k.Text("rule") == rule {
				l = append(l, k.Text("assignee"))
			}
		}
		slices.Sort(l)
		return l
	}
	want := func(what, rule string, staff ...string) {
		t.Helper()
		if got := told(rule); !slices.Equal(got, staff) {
			t.Errorf("%s: told %v, want %v", what, got, staff)
		}
	}
	wantHeld(t, m.try(t, bossInEmergency, "grants", id(102), anEmergency(nil)))
	want("two officers", "break_glass_review", officer, second)
	want("the owner", "break_glass", workerA)
	for _, who := range []string{officer, second} {
		if !slices.ContainsFunc(m.OfCase("grants", caseA), func(g Row) bool { return g.Text("staff") == who && g.Text("reason") == "review" }) {
			t.Errorf("%s cannot see what to review", who)
		}
	}
	g, _ := m.Row("grants", id(102))
	m.now = noon.Add(BreakGlassReview)
	again := map[string]bool{}
	for _, k := range OverdueReview(m, g, noon) {
		again[k.Set["assignee"].Text()] = true
	}
	if !again[officer] || !again[second] || !again[third] || again[boss] {
		t.Errorf("asked again: %v", again)
	}
	m = house(t)
	m.put(row("staff", second, fields{"display_name": "x", "roles": []string{string(ProtectionOfficer)}, "status": "active"}))
	m.noAccount = []string{officer, workerA}
	wantHeld(t, m.try(t, bossInEmergency, "grants", id(102), anEmergency(nil)))
	want("one without an account", "break_glass_review", second)
	want("an owner without one", "break_glass", "")
	wantHeld(t, m.try(t, Actor{Staff: second, Org: orgA, Roles: []Role{ProtectionOfficer}}, "grants", id(102),
		fields{"reviewed_by": second, "reviewed_at": noon, "review_result": "justified"}))
	for _, k := range m.OfCase("tasks", caseA) {
		if k.Text("rule") == "break_glass_review" && k.Text("status") != "done" {
			t.Error("a task of the review is open after it")
		}
	}
}

// TestR30NobodySilencesTheirOwnReview: whoever broke the glass closes none of
// the tasks about it, hands none to somebody else, and does not mark it as
// asked for again.
func TestR30NobodySilencesTheirOwnReview(t *testing.T) {
	m := house(t)
	wantHeld(t, m.try(t, bossInEmergency, "grants", id(102), anEmergency(nil)))
	tasks := m.OfCase("tasks", caseA)
	if len(tasks) != 2 {
		t.Fatalf("tasks %v", m.tasks(caseA))
	}
	for _, k := range tasks {
		wantHeld(t, m.try(t, coordinatorA, "tasks", k.ID, fields{"status": "done"}), " review_not_own")
		wantHeld(t, m.try(t, coordinatorA, "tasks", k.ID, fields{"assignee": workerB}), " review_not_own")
	}
	wantHeld(t, m.try(t, coordinatorA, "grants", id(102), fields{"overdue_at": noon}), "overdue_at review_not_own")
	wantHeld(t, m.try(t, officerA, "tasks", tasks[1].ID, fields{"status": "done"}))
}

// TestSomebodyIsLeftWhoCanApprove: and who can sign in to do it.
func TestSomebodyIsLeftWhoCanApprove(t *testing.T) {
	m := house(t)
	before, _ := m.Row("staff", boss)
	after := row("staff", boss, fields{"status": "left", "roles": []string{string(Coordinator)}})
	if LeavesNobody(m, before, after) {
		t.Error("the officer could still approve")
	}
	m.noAccount = []string{officer}
	if !LeavesNobody(m, before, after) {
		t.Error("somebody who cannot sign in counts as one who could approve")
	}
}

// TestR30Review: by somebody else who may approve, in one step, once; of one
// who broke the glass never, in whatever role.
func TestR30Review(t *testing.T) {
	m := house(t)
	wantHeld(t, m.try(t, bossInEmergency, "grants", id(102), anEmergency(nil)))
	found := fields{"reviewed_by": boss, "reviewed_at": noon, "review_result": "justified"}
	all := func(reason string) []string {
		return []string{"reviewed_at " + reason, "reviewed_by " + reason, "review_result " + reason}
	}
	both := Actor{Staff: boss, Org: orgA, Roles: []Role{Coordinator, ProtectionOfficer}}
	wantHeld(t, m.try(t, coordinatorA, "grants", id(102), found), all("approved_by_creator")...)
	wantHeld(t, m.try(t, both, "grants", id(102), found), all("approved_by_creator")...)
	wantHeld(t, m.try(t, officerA, "grants", id(102), found), all("approved_by_creator")...) // in her name
	found["reviewed_by"] = officer
	wantHeld(t, m.try(t, coordinatorA, "grants", id(102), found), all("approval_not_own")...)
	wantHeld(t, m.try(t, theHub, "grants", id(102), found), all("approval_not_own")...)
	wantHeld(t, m.try(t, officerA, "grants", id(102), fields{"review_result": "justified"}), "review_result review_incomplete")
	wantHeld(t, m.try(t, officerA, "grants", id(102), fields{"reviewed_by": officer}), "reviewed_by review_incomplete")
	wantHeld(t, m.try(t, officerA, "grants", id(102), found))
	for _, k := range m.OfCase("tasks", caseA) {
		if k.Text("rule") == "break_glass_review" && k.Text("status") != "done" {
			t.Error("the task of the review is open after it")
		}
	}
	m.put(row("grants", id(103), fields{"staff": boss, "compartment": "general", "status": "active", "until": at(3)}))
	wantHeld(t, m.try(t, officerA, "grants", id(103), found), all("review_not_due")...)
}

// TestR30Overdue: a review that nobody does within 72 hours is marked once and
// asked for again.
func TestR30Overdue(t *testing.T) {
	m := house(t)
	wantHeld(t, m.try(t, bossInEmergency, "grants", id(102), anEmergency(nil)))
	g, _ := m.Row("grants", id(102))
	m.now = noon.Add(BreakGlassReview - time.Minute)
	if l := OverdueReview(m, g, noon); len(l) != 0 {
		t.Errorf("raised too early: %v", l)
	}
	m.now = noon.Add(BreakGlassReview)
	l := OverdueReview(m, g, noon)
	if len(l) != 3 || l[0].Set["overdue_at"] == nil || l[2].Set["rule"].Text() != "break_glass_overdue" || l[2].Set["assignee"].Text() != officer {
		t.Errorf("raised: %+v", l)
	}
	for _, done := range []fields{{"overdue_at": noon}, {"reviewed_by": officer}} {
		g := row("grants", id(102), anEmergency(done))
		if l := OverdueReview(m, g, noon); len(l) != 0 {
			t.Errorf("raised although %v", done)
		}
	}
}

// TestR30OnlyAtTheDesk: what an emergency opens is read and written at the
// desk until its end, and leaves it in no form; any other grant goes before it.
func TestR30OnlyAtTheDesk(t *testing.T) {
	a := Actor{Staff: boss, Org: orgA, Roles: []Role{Coordinator, HealthWorker}, Grants: []Grant{
		{ID: "g1", Case: caseA, Compartment: Health, Until: noon.Add(BreakGlassTerm), BreakGlass: true}}}
	health := Target{Org: orgA, Case: caseA, Compartment: Health}
	want := func(what string, d Decision, allowed bool, reason Reason) {
		t.Helper()
		if d.Allowed != allowed || d.Reason != reason {
			t.Errorf("%s: %+v, want %t %s", what, d, allowed, reason)
		}
	}
	want("reading", MaySee(a, Read, health, noon), true, SeeEmergency)
	want("writing", MaySee(a, Write, health, noon), true, SeeEmergency)
	want("carrying", MaySee(a, Carry, health, noon), false, NotAtDesk)
	want("another part", MaySee(a, Read, Target{Org: orgA, Case: caseA, Compartment: General}, noon), false, NoGrant)
	want("another case", MaySee(a, Read, Target{Org: orgA, Case: caseB, Compartment: Health}, noon), false, NoGrant)
	want("after three hours", MaySee(a, Read, health, noon.Add(BreakGlassTerm)), false, GrantOver)
	tablet := a
	tablet.Device = id(1)
	want("on a tablet", MaySee(tablet, Read, health, noon), false, NotAtDesk)
	a.Grants = append(a.Grants, Grant{ID: "g2", Case: caseA, Compartment: Health, Until: noon.Add(time.Hour)})
	for range 2 {
		want("with another grant", MaySee(a, Carry, health, noon), true, SeeGrant)
		want("reading with another grant", MaySee(a, Read, health, noon), true, SeeGrant)
		slices.Reverse(a.Grants)
	}
	for what, who := range map[string]Actor{"an auditor": {Staff: boss, Org: orgA, Roles: []Role{Auditor}}, "an operator": {Staff: boss, Org: orgA, Roles: []Role{Operator}},
		"no part of hers": {Staff: boss, Org: orgA, Roles: []Role{Coordinator}}, "another organisation": {Staff: boss, Org: orgB, Roles: []Role{HealthWorker}},
		"a tablet": {Staff: boss, Org: orgA, Roles: []Role{HealthWorker}, Device: id(1)}, "the hub": theHub, "nobody": {}, "without the second factor": {Staff: boss, Org: orgA, Roles: []Role{HealthWorker}, Unproved: true}} {
		if d := MayBreakGlass(who, health); d.Allowed {
			t.Errorf("%s breaks the glass: %+v", what, d)
		}
	}
	if d := MayBreakGlass(Actor{Staff: workerB, Org: orgA, Roles: []Role{HealthWorker}}, health); !d.Allowed {
		t.Errorf("a health worker may not: %+v", d)
	}
}

// TestSignaturesAreTheAuthors: every field that says who did something names
// whoever writes it.
func TestSignaturesAreTheAuthors(t *testing.T) {
	seen := 0
	eachField(t, func(t *testing.T, e *Entity, f *Field, where string) {
		signs := slices.ContainsFunc([]string{"_by", "_approver", "_reviewer"}, func(end string) bool {
			return len(f.Name) > len(end) && f.Name[len(f.Name)-len(end):] == end
		}) && f.Type == Ref && f.Ref == "staff" && f.Name != "accompanied_by" // who went along, as anybody may note
		if signs != f.Own {
			t.Errorf("%s: a signature %t, marked %t", where, signs, f.Own)
		}
		if !f.Own {
			return
		}
		seen++
		m := house(t)
		before := row(e.Name, id(300), fields{})
		after := row(e.Name, id(300), fields{f.Name: officer})
		held := Check(m, outreachA, before, after, []string{f.Name})
		if len(held) == 0 {
			t.Errorf("%s: signed in somebody else's name", where)
		}
	})
	if seen == 0 {
		t.Error("no field is marked")
	}
}

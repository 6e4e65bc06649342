package care

import (
	"maps"
	"slices"
	"time"
)

// Consequences are the changes that the hub makes itself in the transaction
// of a change: what must follow from it without anybody thinking of it. They
// follow from the record as it stands after the change, held fields left out.
func Consequences(w World, a Actor, before, after Row, changed []string) []Consequence {
	e, ok := Find(after.Collection)
	if !ok {
		return nil
	}
	c := &check{w: w, a: a, e: e, before: before, after: after, changed: changed, created: before.V == nil, now: w.Now()}
	var l []Consequence
	for _, f := range followers[e.Name] {
		l = append(l, f(c)...)
	}
	return l
}

// follower names what follows from one change.
type follower func(*check) []Consequence

var followers = map[string][]follower{
	"cases":                 {openingGrants, ownerGrants, caseDates, riskTask},
	"survivors":             {childTask, dangerTask},
	"consents":              {withdrawalMoment, withdrawalFollows, refusalEndsGrants, grantsRest, renewalGivesBack},
	"risk_assessments":      {caseShowsHigher, imminentTask},
	"stays":                 {moveFollows, bedFollows, missingTask},
	"incidents":             {incidentTask},
	"screenings":            {scoreFollows, selfHarmTask, offerPHQ9},
	"legal_matters":         {permitDeadline},
	"deadlines":             {deadlineTask},
	"payments":              {paymentVariance},
	"compelled_disclosures": {noticeOwed},
	"employments":           {employmentTask},
	"goals":                 {goalDate},
	"follow_ups":            {followUpTask, followUpAlarm},
	"transfers":             {transferArrival, transferFailure},
	"tasks":                 {taskDone},
	"grants":                {emergencyFollows, reviewFollows, grantRests},
	"feedbacks":             {subjectRequest},
}

// amend changes fields of an existing record. Its key names the change; it
// is not needed to make it once.
func amend(r Row, set map[string]Value) Consequence {
	return Consequence{Collection: r.Collection, Key: r.Collection + "/" + r.ID, Record: r.ID, Case: r.Case, Org: r.Org, Set: set}
}

// amendment is amend where at least one of the fields is not so already.
func amendment(r Row, set map[string]Value) []Consequence {
	maps.DeleteFunc(set, func(f string, v Value) bool { return r.Get(f).Equal(v) })
	if len(set) == 0 {
		return nil
	}
	return []Consequence{amend(r, set)}
}

// became says whether the change gives a field this value, which it did not
// have before.
func (c *check) became(field string, v Value) bool {
	return c.sets(field) && c.after.Get(field).Equal(v) && !c.before.Get(field).Equal(v)
}

func (c *check) today() Value { return OfText(c.now.UTC().Format("2006-01-02")) }

// order is one task that a rule asks for.
type order struct {
	rule     string // why, for the screen: a stable code, never shown on a lock screen
	title    string // of TaskTitles (R22)
	priority string
	due      time.Time
	again    string // makes the key differ where the same may happen again
}

// safetyOrder is a task for somebody's safety: due at once, and therefore on
// the same day wherever the hub stands (R13).
func (c *check) safetyOrder(rule, title string) order {
	return order{rule: rule, title: title, priority: "urgent", due: c.now}
}

// task asks for something to be done about the record at hand.
func (c *check) task(o order) Consequence {
	key := "tasks/" + o.rule + "/" + c.after.ID
	if o.again != "" {
		key += "/" + o.again
	}
	set := map[string]Value{
		"title_key": OfText(o.title), "status": OfText("open"), "due_at": OfTime(o.due), "priority": OfText(o.priority),
		"raised_by": OfText("rule"), "rule": OfText(o.rule),
		"subject_collection": OfText(c.e.Name), "subject": OfText(c.after.ID),
	}
	if who := c.responsible(); who != "" {
		set["assignee"] = OfText(who)
	}
	return Consequence{Collection: "tasks", Key: key, Case: c.after.Case, Org: c.after.Org, Set: set}
}

// responsible is who owns the case, or else whoever made the change.
func (c *check) responsible() string {
	if k, ok := c.w.Row("cases", c.after.Case); ok && k.Text("owner") != "" {
		return k.Text("owner")
	}
	if c.a.IsHub() {
		return ""
	}
	return c.a.Staff
}

// openTasks lists the open tasks that a rule raised about the record at hand.
func (c *check) openTasks(rule string) []Row {
	return slices.DeleteFunc(slices.Clone(c.w.OfCase("tasks", c.after.Case)), func(t Row) bool {
		return t.Text("subject") != c.after.ID || t.Text("rule") != rule || t.Text("status") != "open"
	})
}

// openingGrants gives whoever opened a case the compartments that their roles
// may hold, so that the work can go on from the first minute, and the
// coordinators of the organisation its general part, so that no case is
// without somebody who can pass it on.
func openingGrants(c *check) []Consequence {
	if !c.created {
		return nil
	}
	var l []Consequence
	if !c.a.IsHub() {
		l = grantsFor(c, c.a.Staff, c.a.Roles, "owner")
	}
	for _, s := range c.w.ByField("staff", "status", "active") {
		if s.Org == c.after.Org && s.ID != c.a.Staff && slices.Contains(rolesOf(s), Coordinator) {
			l = append(l, grantFor(c, s.ID, General, "team_member"))
		}
	}
	return l
}

// ownerGrants gives a new owner what the roles of the owner may hold, where
// whoever says so may give grants. Who is only on the case, or names
// themselves, changes who is responsible and nobody's view of it (R5).
func ownerGrants(c *check) []Consequence {
	owner := c.after.Text("owner")
	if !c.sets("owner") || owner == "" || c.created && owner == c.a.Staff || owner == c.before.Text("owner") {
		return nil
	}
	if !c.created && !c.a.IsHub() && (owner == c.a.Staff || !c.a.Can(MayGrant)) {
		return nil
	}
	s, ok := c.w.Row("staff", owner)
	if !ok || s.Text("status") != "active" || s.Org != c.after.Org {
		return nil
	}
	return grantsFor(c, owner, rolesOf(s), "owner")
}

func grantsFor(c *check, staff string, roles []Role, reason string) []Consequence {
	var l []Consequence
	row, _ := c.w.Row("staff", staff)
	of := ConsentsOf(c.w, c.after.ID)
	for _, comp := range Compartments {
		if MayHold(roles, comp) && !hasLiveGrant(c, staff, comp) && !refusesUse(c.w, of, c.after.ID, row, comp) && !lapsed(of, row, comp, c.now) {
			l = append(l, grantFor(c, staff, comp, reason))
		}
	}
	return l
}

func hasLiveGrant(c *check, staff string, comp Compartment) bool {
	return slices.ContainsFunc(c.w.OfCase("grants", c.after.ID), func(g Row) bool {
		until, ok := g.Get("until").Time()
		return g.Text("staff") == staff && g.Text("compartment") == string(comp) && g.Text("status") == "active" && ok && c.now.Before(until)
	})
}

func grantFor(c *check, staff string, comp Compartment, reason string) Consequence {
	until := FormatTime(c.now.Add(GrantTerm))
	return Consequence{
		Collection: "grants", Key: "grants/" + c.after.ID + "/" + staff + "/" + string(comp) + "/" + until, Case: c.after.ID, Org: c.after.Org,
		Set: map[string]Value{
			"staff": OfText(staff), "compartment": OfText(string(comp)), "status": OfText("active"),
			"until": OfText(until), "reason": OfText(reason),
		},
	}
}

// Escalate is what follows when nobody took up a task for somebody's safety:
// it is marked, and whoever stands in for the owner gets one of their own
// (R13). Nothing follows while it is not due, or was taken up.
func Escalate(w World, t Row) []Consequence {
	due, ok := t.Get("due_at").Time()
	if t.Text("status") != "open" || t.Text("priority") != "urgent" || !ok || w.Now().Before(due.Add(EscalateAfter)) ||
		hasPlain(t, "acknowledged_at") || hasPlain(t, "escalated_at") {
		return nil
	}
	e, _ := Find("tasks")
	c := &check{w: w, e: e, after: t, now: w.Now(), a: Actor{Staff: HubStaff}}
	next := c.task(c.safetyOrder("escalated", "urgent"))
	if k, ok := w.Row("cases", t.Case); ok && k.Text("supervisor") != "" {
		next.Set["assignee"] = OfText(k.Text("supervisor"))
	}
	return []Consequence{amend(t, map[string]Value{"escalated_at": OfTime(c.now)}), next}
}

// EscalateAfter is how long a task for somebody's safety may wait for
// somebody to take it up.
const EscalateAfter = 2 * time.Hour

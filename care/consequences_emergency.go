package care

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// EmergencyWindow is for how long emergencies of one person are counted
// together, and EmergencyOften from how many on their review is urgent.
const (
	EmergencyWindow = 30 * 24 * time.Hour
	EmergencyOften  = 3
)

// reviewGrantTerm is for how long a reviewer sees the general part of a case:
// until the review is due, and some days if it is late.
const reviewGrantTerm = BreakGlassReview + 4*24*time.Hour

// emergencyFollows tells the owner of a case at once that somebody opened it
// in an emergency, and every protection officer, of whom one reviews it (R30).
// They are let into the general part of the case, where the grant and the task
// stand.
func emergencyFollows(c *check) []Consequence {
	if !c.created || !c.breaksGlass() {
		return nil
	}
	who := c.after.Text("staff")
	told := c.task(c.safetyOrder("break_glass", "question"))
	if owner := told.Set["assignee"].Text(); owner == who || !c.w.SignsIn(owner) { // else whoever leads them hears of it
		delete(told.Set, "assignee")
		if k, ok := c.w.Row("cases", c.after.Case); ok && k.Text("supervisor") != "" && k.Text("supervisor") != who {
			told.Set["assignee"] = OfText(k.Text("supervisor"))
		}
	}
	review := c.task(order{rule: "break_glass_review", title: "review", priority: "high", due: c.now.Add(BreakGlassReview)})
	if c.emergenciesOf(who) >= EmergencyOften {
		review.Set["priority"], review.Set["rule"] = OfText("urgent"), OfText("break_glass_repeated")
	}
	officers, others := c.reviewers(who)
	if len(officers) == 0 {
		officers = others
	}
	return append([]Consequence{told}, c.toReviewers(review, officers)...)
}

// toReviewers gives each of them a task of their own, and lets them see it: one
// of them may be away. Where there is nobody, it waits on the case.
func (c *check) toReviewers(task Consequence, reviewers []string) []Consequence {
	delete(task.Set, "assignee")
	if len(reviewers) == 0 {
		return []Consequence{task}
	}
	until := c.now.Add(reviewGrantTerm)
	var l []Consequence
	for _, who := range reviewers {
		one := task
		one.Key, one.Set = task.Key+"/"+who, maps.Clone(task.Set)
		one.Set["assignee"] = OfText(who)
		l = append(l, Consequence{
			Collection: "grants", Key: "grants/" + one.Key, Case: c.after.Case, Org: c.after.Org,
			Set: map[string]Value{"staff": OfText(who), "compartment": OfText(string(General)), "status": OfText("active"),
				"until": OfTime(until), "reason": OfText("review")},
		}, one)
	}
	return l
}

// reviewers lists who may review and has an account: protection officers, and
// others who may approve.
func (c *check) reviewers(except string) (officers, others []string) {
	for _, s := range c.w.ByField("staff", "status", "active") {
		a := Actor{Staff: s.ID, Org: s.Org, Roles: rolesOf(s)}
		switch {
		case s.Org != c.after.Org || s.ID == except || !a.Can(MayApprove) || !c.w.SignsIn(s.ID):
		case slices.Contains(a.Roles, ProtectionOfficer):
			officers = append(officers, s.ID)
		default:
			others = append(others, s.ID)
		}
	}
	return officers, others
}

// emergenciesOf counts how often somebody broke the glass lately, this time
// included.
func (c *check) emergenciesOf(who string) (n int) {
	for _, g := range c.w.ByField("grants", "staff", who) {
		until, ok := g.Get("until").Time()
		if g.Text("kind") == "break_glass" && ok && until.After(c.now.Add(-EmergencyWindow)) {
			n++
		}
	}
	return n
}

// reviewFollows closes the tasks that asked for a review when it is done.
func reviewFollows(c *check) []Consequence {
	if !c.sets("reviewed_by") || c.created {
		return nil
	}
	var l []Consequence
	for _, t := range c.w.OfCase("tasks", c.after.Case) {
		if t.Text("subject") == c.after.ID && t.Text("status") == "open" &&
			slices.Contains(reviewRules, t.Text("rule")) {
			l = append(l, amend(t, map[string]Value{"status": OfText("done"), "done_at": OfTime(c.now), "done_by": OfText(c.a.Staff)}))
		}
	}
	return l
}

// OverdueReview is what follows when nobody has reviewed an emergency in
// time: it is marked, once, and asked for again, urgently, of everybody who may
// review it. Nothing follows while there is time, or after the review.
func OverdueReview(w World, grant Row, opened time.Time) []Consequence {
	if grant.Text("kind") != "break_glass" || hasPlain(grant, "reviewed_by") || hasPlain(grant, "overdue_at") || w.Now().Before(opened.Add(BreakGlassReview)) {
		return nil
	}
	e, _ := Find("grants")
	c := &check{w: w, e: e, after: grant, now: w.Now(), a: Actor{Staff: HubStaff}}
	again := c.safetyOrder("break_glass_overdue", "review")
	again.again = strconv.FormatInt(opened.Unix(), 10)
	officers, others := c.reviewers(grant.Text("staff"))
	l := []Consequence{amend(grant, map[string]Value{"overdue_at": OfTime(c.now)})}
	return append(l, c.toReviewers(c.task(again), append(officers, others...))...)
}

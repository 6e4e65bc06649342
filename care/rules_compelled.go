package care

import (
	"slices"
	"time"
)

// Why a disclosure under an order may go out or not (R4; FVPSA 42 USC
// 10406(c)(5)).
const (
	OrderApproved    Reason = "order_approved"     // allowed: two people approved it, for these categories
	OrderNotApproved Reason = "order_not_approved" // denied: two people who may did not both approve it, or it has gone out already
	OrderScope       Reason = "order_scope"        // denied: what is asked for is not in what they approved
)

// MayDisclose decides whether data of some categories may leave under an order.
// It is no consent and stands in for none: each order is one disclosure, of
// what two people found to be the least, and it goes once.
func MayDisclose(w World, order Row, categories []Category) Decision {
	d := Decision{Basis: order.ID, Reason: OrderNotApproved}
	first, second := order.Text("first_approver"), order.Text("second_approver")
	if order.Text("status") != "approved" || first == second || !mayApprove(w, first, order.Org) || !mayApprove(w, second, order.Org) {
		return d
	}
	agreed := order.Get("categories").List()
	if len(categories) == 0 || slices.ContainsFunc(categories, func(c Category) bool { return !slices.Contains(agreed, string(c)) }) {
		d.Reason = OrderScope
		return d
	}
	return Decision{Allowed: true, Reason: OrderApproved, Basis: order.ID}
}

// mayApprove says whether a member of staff still works here and may approve.
func mayApprove(w World, staff, org string) bool {
	s, ok := w.Row("staff", staff)
	return ok && s.Org == org && s.Text("status") == "active" && Actor{Staff: s.ID, Org: s.Org, Roles: rolesOf(s)}.Can(MayApprove)
}

// compelledSteps asks of every disclosure under an order that two people
// looked at it, that as little as possible goes, and that telling the person
// was tried, or is forbidden until a known day (R4).
func compelledSteps(c *check) {
	if !c.enters("approved", "disclosed") {
		return
	}
	forbidden := c.after.Text("notice_result") == "forbidden_by_order"
	switch {
	case !hasPlain(c.after, "first_approver") || !hasPlain(c.after, "second_approver") ||
		c.after.Text("first_approver") == c.after.Text("second_approver"):
		c.holdState("compelled_needs_two")
	case !hasPlain(c.after, "minimum") || !hasPlain(c.after, "categories"):
		c.holdState("compelled_needs_minimum")
	case !hasPlain(c.after, "protective_steps"):
		c.holdState("compelled_needs_steps")
	case forbidden && !hasPlain(c.after, "notice_forbidden_until"):
		c.holdState("compelled_needs_day")
	case !forbidden && !hasPlain(c.after, "notice_attempted_at"):
		c.holdState("compelled_needs_notice")
	case c.enters("disclosed"):
		c.compelledGoes()
	}
}

// compelledGoes holds the last step where the decision falls against it, and
// where what went, to whom and when is not written down.
func (c *check) compelledGoes() {
	var categories []Category
	for _, cat := range c.after.Get("categories").List() {
		categories = append(categories, Category(cat))
	}
	switch d := MayDisclose(c.w, c.before, categories); {
	case d.Reason == OrderScope:
		c.holdState("compelled_fixed")
	case !d.Allowed:
		c.holdState("compelled_needs_two")
	case !hasPlain(c.after, "disclosed_at") || !hasPlain(c.after, "disclosed_to") || !hasPlain(c.after, "disclosed_what"):
		c.holdState("compelled_needs_record")
	}
}

// compelledFixed keeps what an approver approved as it was: less may go, and
// no more.
func compelledFixed(c *check) {
	if c.created || !hasPlain(c.before, "first_approver") && !hasPlain(c.before, "second_approver") {
		return
	}
	if c.sets("minimum") && !c.after.Get("minimum").Equal(c.before.Get("minimum")) {
		c.hold("minimum", "compelled_fixed")
	}
	before := c.before.Get("categories").List()
	if slices.ContainsFunc(c.after.Get("categories").List(), func(cat string) bool { return !slices.Contains(before, cat) }) {
		c.hold("categories", "compelled_fixed")
	}
}

// NoticeTerm is by when telling the person is tried again, where nobody
// reached them.
const NoticeTerm = 14 * 24 * time.Hour

// noticeOwed keeps in mind that the person is told of a disclosure: on the day
// on which the order allows it, or when they can be reached; and closes that
// task when they were.
func noticeOwed(c *check) []Consequence {
	if c.after.Text("notice_result") == "told" {
		var l []Consequence
		for _, t := range c.openTasks("notice_owed") {
			l = append(l, amend(t, map[string]Value{"status": OfText("done"), "done_at": OfTime(c.now)}))
		}
		return l
	}
	if !c.enters("approved") {
		return nil
	}
	due := c.now.Add(NoticeTerm)
	if day, ok := c.after.Get("notice_forbidden_until").Time(); ok && c.after.Text("notice_result") == "forbidden_by_order" {
		due = day
	}
	return c.once(order{rule: "notice_owed", title: "question", priority: "high", due: due})
}

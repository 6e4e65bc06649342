package care

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// caseDates writes the day of a closure, and counts a case that is taken up
// again.
func caseDates(c *check) []Consequence {
	closed := func(s string) bool { return s == "Closed" || s == "ClosedReferred" }
	was, is := closed(c.before.Text("status")), closed(c.after.Text("status"))
	switch {
	case is && !was && !c.after.Get("closed_on").IsSet():
		return amendment(c.after, map[string]Value{"closed_on": c.today()})
	case was && !is && !c.created:
		n, _ := c.after.Get("reopened_count").Int()
		return amendment(c.after, map[string]Value{"reopened_count": OfInt(n + 1)})
	}
	return nil
}

func withdrawalMoment(c *check) []Consequence {
	if c.after.Text("status") != "withdrawn" || hasPlain(c.after, "withdrawn_at") {
		return nil
	}
	return amendment(c.after, map[string]Value{"withdrawn_at": OfTime(c.now)})
}

// withdrawalFollows takes back what rests on a consent and has not left the
// house: papers, pseudonyms, plans. For what is under way somebody is told.
func withdrawalFollows(c *check) []Consequence {
	over := c.became("status", OfText("withdrawn")) || c.became("decision", OfText("deny")) && !c.created || c.became("giver_implicated", OfBool(true))
	if !over || c.after.Text("decision") == "deny" && c.created {
		return nil
	}
	var l []Consequence
	for _, d := range c.w.OfCase("documents", c.after.Case) {
		if d.Text("consent") == c.after.ID && d.Text("status") == "prepared" {
			l = append(l, amend(d, map[string]Value{"status": OfText("cancelled"), "cancel_reason": OfText("consent_withdrawn"), "cancelled_at": OfTime(c.now)}))
		}
	}
	for _, k := range c.w.OfCase("identifier_links", c.after.Case) {
		if k.Text("consent") == c.after.ID && k.Text("status") != "revoked" {
			l = append(l, amend(k, map[string]Value{"status": OfText("revoked"), "revoked_at": OfTime(c.now)}))
		}
	}
	underWay := false
	for _, t := range c.w.OfCase("transfers", c.after.Case) {
		at := &check{w: c.w, after: t, now: c.now}
		if at.sharesSomething(TransferRequest(c.w, t, Share)) || at.sharesSomething(TransferRequest(c.w, t, Print)) {
			continue
		}
		switch t.Text("status") {
		case "consented":
			l = append(l, amend(t, map[string]Value{"status": OfText("draft")}))
		case "sent", "accepted", "departed":
			underWay = true
		}
	}
	if underWay {
		l = append(l, c.task(c.safetyOrder("consent_over", "question")))
	}
	return l
}

// moveFollows ends the stay that somebody moves from.
func moveFollows(c *check) []Consequence {
	old, ok := c.w.Row("stays", c.after.Text("moved_from"))
	in, known := c.after.Get("check_in").Time()
	if !ok || !known || old.Case != c.after.Case || !c.enters("checked_in") || old.Text("status") != "checked_in" || c.after.Text("bed") == "" {
		return nil
	}
	return []Consequence{amend(old, map[string]Value{"status": OfText("checked_out"), "check_out": OfTime(in)})}
}

// bedFollows brings the state of the beds in step with the stays, and a stay
// into the house of its bed.
func bedFollows(c *check) []Consequence {
	var l []Consequence
	seen := map[string]bool{"": true}
	for _, id := range []string{c.before.Text("bed"), c.after.Text("bed")} {
		bed, ok := c.w.Row("beds", id)
		if seen[id] || !ok {
			continue
		}
		seen[id] = true
		l = append(l, amendment(bed, map[string]Value{"state": OfText(BedState(c.w, bed))})...)
	}
	if !c.sets("bed") || c.after.Get("facility").IsSet() {
		return l
	}
	if bed, ok := c.w.Row("beds", c.after.Text("bed")); ok {
		if unit, ok := c.w.Row("units", bed.Text("unit")); ok && unit.Text("facility") != "" {
			l = append(l, amendment(c.after, map[string]Value{"facility": unit.Get("facility")})...)
		}
	}
	return l
}

// permitDeadline makes the end of a permit a deadline of its own.
func permitDeadline(c *check) []Consequence {
	until := c.after.Get("permit_until")
	if !c.sets("permit_until") || !hasPlain(c.after, "permit_until") {
		return nil
	}
	return []Consequence{{Collection: "deadlines", Key: "deadlines/permit/" + c.after.ID + "/" + until.Text(), Case: c.after.Case, Org: c.after.Org,
		Set: map[string]Value{"matter": OfText(c.after.ID), "kind": OfText("permit_expiry"), "due_on": until, "status": OfText("open")}}}
}

// deadlineTask keeps one task beside each deadline that is open.
func deadlineTask(c *check) []Consequence {
	due, ok := c.after.Get("due_on").Time()
	open := c.after.Text("status") == "open" || c.after.Text("status") == "extended"
	tasks := c.openTasks("deadline")
	switch {
	case !open:
		return closeTasks(tasks, c.now)
	case !ok:
		return nil
	case len(tasks) == 0:
		k := c.task(order{rule: "deadline", title: "deadline", priority: "high", due: due})
		if who := c.after.Get("assignee"); who.Text() != "" {
			k.Set["assignee"] = who
		}
		return []Consequence{k}
	}
	var l []Consequence
	for _, t := range tasks {
		l = append(l, amendment(t, map[string]Value{"due_at": OfTime(due)})...)
	}
	return l
}

func closeTasks(tasks []Row, now time.Time) []Consequence {
	var l []Consequence
	for _, t := range tasks {
		l = append(l, amend(t, map[string]Value{"status": OfText("done"), "done_at": OfTime(now)}))
	}
	return l
}

func taskDone(c *check) []Consequence {
	if !c.enters("done") {
		return nil
	}
	set := map[string]Value{}
	if !c.after.Get("done_at").IsSet() {
		set["done_at"] = OfTime(c.now)
	}
	if !c.after.Get("done_by").IsSet() && ValidID(c.a.Staff) && !c.a.IsHub() {
		set["done_by"] = OfText(c.a.Staff)
	}
	return amendment(c.after, set)
}

// paymentVariance writes what lies between the sum that was paid and the sum
// that the person says arrived, and has somebody look at it.
func paymentVariance(c *check) []Consequence {
	paid := c.after.Text("paid_amount")
	if paid == "" {
		paid = c.after.Text("amount")
	}
	got := c.after.Text("survivor_confirmed_amount")
	if !c.sets("survivor_confirmed_amount") || paid == "" || got == "" || c.after.Get("variance").IsSet() {
		return nil
	}
	diff, ok := subtract(paid, got)
	if !ok {
		return nil
	}
	l := amendment(c.after, map[string]Value{"variance": OfText(diff)})
	if diff != "0" {
		l = append(l, c.task(order{rule: "payment_differs", title: "payment", priority: "high", due: c.now.Add(24 * time.Hour)}))
	}
	return l
}

// subtract takes one decimal from another, exactly.
func subtract(a, b string) (string, bool) {
	x, okX := new(big.Rat).SetString(a)
	y, okY := new(big.Rat).SetString(b)
	if !okX || !okY || !decimal.MatchString(a) || !decimal.MatchString(b) {
		return "", false
	}
	digits := 0
	for _, s := range []string{a, b} {
		if _, fraction, ok := strings.Cut(s, "."); ok {
			digits = max(digits, len(fraction))
		}
	}
	d, err := canonicalDecimal(x.Sub(x, y).FloatString(digits))
	return d, err == nil
}

func goalDate(c *check) []Consequence {
	if !c.enters("completed") || c.after.Get("reached_on").IsSet() {
		return nil
	}
	return amendment(c.after, map[string]Value{"reached_on": c.today()})
}

func followUpTask(c *check) []Consequence {
	if c.after.Text("status") != "planned" {
		return closeTasks(c.openTasks("follow_up"), c.now)
	}
	due, ok := c.after.Get("due_on").Time()
	if !ok || !c.setsAny("due_on", "status") {
		return nil
	}
	tasks := c.openTasks("follow_up")
	if len(tasks) > 0 {
		return amendment(tasks[0], map[string]Value{"due_at": OfTime(due)})
	}
	k := c.task(order{rule: "follow_up", title: "follow_up", priority: "normal", due: due})
	if who := c.after.Get("assignee"); who.Text() != "" {
		k.Set["assignee"] = who
	}
	return []Consequence{k}
}

func followUpAlarm(c *check) []Consequence {
	bad := slices.Contains([]string{"suspected", "reported", "confirmed"}, c.after.Text("retrafficked")) && c.sets("retrafficked")
	if !bad && !c.became("outcome", OfText("retrafficked")) && !c.became("outcome", OfText("unreachable")) {
		return nil
	}
	return c.once(c.safetyOrder("follow_up_alarm", "urgent"))
}

// ArrivalCheck is when somebody looks whether the person is safe there.
const ArrivalCheck = 72 * time.Hour

func transferArrival(c *check) []Consequence {
	switch {
	case c.enters("departed") && !c.after.Get("departed_at").IsSet():
		return amendment(c.after, map[string]Value{"departed_at": OfTime(c.now)})
	case c.enters("completed") && !c.after.Get("responsibility_moved_at").IsSet():
		return amendment(c.after, map[string]Value{"responsibility_moved_at": OfTime(c.now)})
	case !c.enters("arrived"):
		return nil
	}
	at, ok := c.after.Get("arrival_at").Time()
	set := map[string]Value{}
	if !ok {
		at = c.now
		set["arrival_at"] = OfTime(at)
	}
	if !c.after.Get("check_72h_at").IsSet() {
		set["check_72h_at"] = OfTime(at.Add(ArrivalCheck))
	}
	l := amendment(c.after, set)
	l = append(l, c.task(order{rule: "arrival_check", title: "check_in", priority: "high", due: at.Add(ArrivalCheck)}))
	for _, m := range FollowUpMonths {
		l = append(l, c.followUp(at.AddDate(0, m, 0), m))
	}
	return l
}

func (c *check) followUp(due time.Time, month int) Consequence {
	set := map[string]Value{
		"month": OfInt(int64(month)), "status": OfText("planned"), "due_on": OfText(due.UTC().Format("2006-01-02")), "transfer": OfText(c.after.ID),
	}
	if org := c.after.Get("follow_up_org"); org.Text() != "" {
		set["responsible_org"] = org
	}
	if country := c.after.Get("destination_country"); country.Text() != "" {
		set["responsible_country"] = country
	}
	return Consequence{Collection: "follow_ups", Key: "follow_ups/" + c.after.ID + "/" + strconv.Itoa(month), Case: c.after.Case, Org: c.after.Org, Set: set}
}

// transferFailure: whoever does not arrive is looked for by the safe contact
// that was agreed, first of all.
func transferFailure(c *check) []Consequence {
	if !c.enters("failed") && !c.became("check_72h_outcome", OfText("unsafe")) && !c.became("check_72h_outcome", OfText("not_reached")) {
		return nil
	}
	return c.once(c.safetyOrder("did_not_arrive", "urgent"))
}

package care

import (
	"slices"
	"time"
)

// FileMissing is what follows when a file of a document was begun and never
// became whole: whoever was bringing it is asked to send it again or, where they
// are not on the case any more, whoever owns the case. The upload's id keeps the
// next one that ends from being taken for the same.
func FileMissing(w World, doc Row, staff, upload string) Consequence {
	e, _ := Find("documents")
	c := &check{w: w, e: e, after: doc, now: w.Now(), a: Actor{Staff: HubStaff}}
	task := c.task(order{rule: "file_missing", title: "file_again", priority: "normal", due: c.now, again: upload})
	onCase := func(g Row) bool { return g.Case == doc.Case && g.Text("status") == "active" }
	if slices.ContainsFunc(w.ByField("grants", "staff", staff), onCase) {
		task.Set["assignee"] = OfText(staff)
	}
	return task
}

// SubjectRequestTerm is by when a survivor who asks for a correction, or objects
// to how their data is used, has an answer (R15; one month in Article 12(3) GDPR).
const SubjectRequestTerm = 30 * 24 * time.Hour

// subjectRequest gives such a request its day and somebody who answers it, and
// closes their task with the answer.
func subjectRequest(c *check) []Consequence {
	if kind := c.after.Text("kind"); kind != "correction" && kind != "objection" {
		return nil
	}
	if c.enters("resolved", "closed") {
		var l []Consequence
		for _, t := range c.openTasks("subject_request") {
			l = append(l, amend(t, map[string]Value{"status": OfText("done"), "done_at": OfTime(c.now)}))
		}
		return l
	}
	if !c.created {
		return nil
	}
	due := c.now
	if at, ok := c.after.Get("received_at").Time(); ok && at.Before(due) {
		due = at
	}
	due = due.Add(SubjectRequestTerm)
	task := c.task(order{rule: "subject_request", title: "question", priority: "high", due: due})
	if sooner, ok := c.after.Get("due_at").Time(); ok && !sooner.After(due) {
		task.Set["due_at"] = OfTime(sooner)
		return []Consequence{task}
	}
	return append(amendment(c.after, map[string]Value{"due_at": OfTime(due)}), task)
}

// AskAgainWithin is how long after a yes ran out its person is still asked
// again: who takes over old files is not sent to everybody at once.
const AskAgainWithin = 30 * 24 * time.Hour

// AskBefore is how long before a yes to use runs out its person is asked whether
// it goes on: what rests on it closes at that moment.
const AskBefore = 14 * 24 * time.Hour

// AskAgain is what follows when a yes has run out, or a yes to use is about to:
// whoever owns the case is to ask the person again. What rests on it ends by
// itself (R3). Nothing follows where there is another answer to the same
// question, or the case is over.
func AskAgain(w World, consent Row) []Consequence {
	end, ok := consent.Get("expires_at").Time()
	from := end
	if mentions(consent, "actions", string(Use)) {
		from = end.Add(-AskBefore)
	}
	if !ok || w.Now().Before(from) || w.Now().Sub(end) > AskAgainWithin || consent.Text("decision") != "permit" || consent.Text("status") == "withdrawn" {
		return nil
	}
	k, ok := w.Row("cases", consent.Case)
	if s := k.Text("status"); !ok || s == "Closed" || s == "ClosedReferred" || k.Text("merged_into") != "" {
		return nil
	}
	question := []string{"purpose", "recipient_kind", "recipient_org", "recipient_role", "recipient_country", "recipient_staff", "recipient_name"}
	for _, other := range w.OfCase("consents", consent.Case) {
		until, known := other.Get("expires_at").Time()
		answers := other.Text("decision") == "deny" || other.Text("status") == "withdrawn" || known && w.Now().Before(until) && end.Before(until)
		same := !slices.ContainsFunc(question, func(f string) bool { return !other.Get(f).Equal(consent.Get(f)) })
		if other.ID != consent.ID && answers && same {
			return nil
		}
	}
	e, _ := Find("consents")
	c := &check{w: w, e: e, after: consent, now: w.Now(), a: Actor{Staff: HubStaff}}
	if c.now.Before(end) {
		return c.once(order{rule: "consent_ending", title: "form", priority: "normal", due: end})
	}
	return c.once(order{rule: "consent_ended", title: "form", priority: "normal", due: c.now})
}

// FormUnfinished asks whoever left a form half-filled to finish it before it
// ends or, where they are not on the case any more, whoever owns the case.
func FormUnfinished(w World, cas Row, staff, form string) Consequence {
	e, _ := Find("cases")
	c := &check{w: w, e: e, after: cas, now: w.Now(), a: Actor{Staff: HubStaff}}
	task := c.task(order{rule: "form_unfinished", title: "form", priority: "normal", due: c.now, again: form})
	onCase := func(g Row) bool { return g.Case == cas.ID && g.Text("status") == "active" }
	if slices.ContainsFunc(w.ByField("grants", "staff", staff), onCase) {
		task.Set["assignee"] = OfText(staff)
	}
	return task
}

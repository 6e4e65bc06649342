package care

import (
	"slices"
	"time"
)

// GuardianTerm is by when a guardian is asked for, for a child and for
// somebody whose age is in doubt (R27).
const GuardianTerm = 24 * time.Hour

func (c *check) once(o order) []Consequence { return []Consequence{c.task(o)} }

// day makes the key of a task that may be raised again on another day.
func (c *check) day() string { return c.now.UTC().Format("2006-01-02") }

func childTask(c *check) []Consequence {
	year := c.now.Year()
	if !childLike(c.after, year) || !c.created && childLike(c.before, year) {
		return nil
	}
	return c.once(order{rule: "guardian", title: "form", priority: "urgent", due: c.now.Add(GuardianTerm)})
}

func dangerTask(c *check) []Consequence {
	if !c.became("immediate_danger", OfBool(true)) {
		return nil
	}
	o := c.safetyOrder("immediate_danger", "urgent")
	o.again = c.day()
	return c.once(o)
}

// riskTask leaves out what the hub carries over from an assessment, which
// has its own task.
func riskTask(c *check) []Consequence {
	if c.a.IsHub() || !c.became("risk_level", OfText("imminent")) && !c.became("survivor_risk_level", OfText("imminent")) {
		return nil
	}
	o := c.safetyOrder("imminent_risk", "urgent")
	o.again = c.day()
	return c.once(o)
}

func imminentTask(c *check) []Consequence {
	for _, f := range []string{"level", "survivor_level", "self_harm", "trafficker_proximity", "retaliation"} {
		if c.became(f, OfText("imminent")) {
			return c.once(c.safetyOrder("imminent_risk", "urgent"))
		}
	}
	return nil
}

// caseShowsHigher carries the newest assessment over to the case: the
// person's own view as it is, and the level as the higher of the two. The hub
// only raises it; lowering is a decision that somebody makes (R6, R11).
func caseShowsHigher(c *check) []Consequence {
	k, ok := c.w.Row("cases", c.after.Case)
	if !ok || c.after.Text("status") == "superseded" || !c.newestAssessment() {
		return nil
	}
	set := map[string]Value{}
	own := c.after.Text("survivor_level")
	if own != "" {
		set["survivor_risk_level"] = OfText(own)
	}
	if level := higher(higher(k.Text("risk_level"), c.after.Text("level")), own); level != "" {
		set["risk_level"] = OfText(level)
	}
	return amendment(k, set)
}

func (c *check) newestAssessment() bool {
	mine, known := c.after.Get("assessed_on").Time()
	return !slices.ContainsFunc(c.w.OfCase("risk_assessments", c.after.Case), func(r Row) bool {
		at, ok := r.Get("assessed_on").Time()
		return r.ID != c.after.ID && r.Text("status") != "superseded" && known && ok && at.After(mine)
	})
}

func missingTask(c *check) []Consequence {
	if !c.became("absence", OfText("missing")) {
		return nil
	}
	o := c.safetyOrder("missing", "check_in")
	o.again = c.day()
	return c.once(o)
}

// dangerousIncidents need somebody on the same day, whatever their severity.
var dangerousIncidents = []string{"missing", "self_harm", "trafficker_contact", "intrusion"}

func incidentTask(c *check) []Consequence {
	grave := c.sets("severity") && (c.after.Text("severity") == "critical" || c.after.Text("severity") == "serious")
	kind := c.created && slices.Contains(dangerousIncidents, c.after.Text("kind"))
	if !grave && !kind {
		return nil
	}
	return c.once(c.safetyOrder("incident", "urgent"))
}

// scoreFollows writes what the answers add up to, where nobody sent it.
func scoreFollows(c *check) []Consequence {
	total, band, flags, err := scoreOf(c.after)
	if err != nil {
		return nil
	}
	set := map[string]Value{}
	if !c.after.Get("total").IsSet() {
		set["total"] = OfInt(int64(total))
	}
	if !c.after.Get("band").IsSet() {
		set["band"] = OfText(band)
	}
	have := c.after.Get("flags").List()
	flags = slices.DeleteFunc(slices.Clone(flags), func(f string) bool { return slices.Contains(have, f) })
	if len(set) == 0 && len(flags) == 0 {
		return nil
	}
	k := amend(c.after, set)
	if len(flags) > 0 {
		k.Add = map[string][]string{"flags": flags}
	}
	return []Consequence{k}
}

// selfHarmTask asks somebody to look in on the same day. It reads the answer
// itself: a questionnaire broken off after it has no score.
func selfHarmTask(c *check) []Consequence {
	answers, err := AnswersOf(c.after.Get("answers"))
	if err != nil || answers[SelfHarmItem] <= 0 || !c.sets("answers") {
		return nil
	}
	return c.once(c.safetyOrder("self_harm", "check_in"))
}

func offerPHQ9(c *check) []Consequence {
	_, _, flags, err := scoreOf(c.after)
	if err != nil || !c.sets("answers") || !slices.Contains(flags, FlagOfferPHQ9) {
		return nil
	}
	return c.once(order{rule: "offer_phq9", title: "form", priority: "normal", due: c.now.Add(7 * 24 * time.Hour)})
}

// employmentTask: somebody whose papers are kept, or who may not leave, may
// be exploited again.
func employmentTask(c *check) []Consequence {
	if c.after.Text("status") != "current" || !c.became("holds_own_papers", OfBool(false)) && !c.became("free_to_leave", OfBool(false)) &&
		!c.became("employer_check", OfText("failed")) {
		return nil
	}
	return c.once(c.safetyOrder("employer", "review"))
}

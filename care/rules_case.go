package care

import "slices"

// RiskLevels from the lowest to the highest.
var RiskLevels = []string{"low", "medium", "high", "imminent"}

// higher gives the higher of two levels; "" is below all.
func higher(a, b string) string {
	if slices.Index(RiskLevels, b) > slices.Index(RiskLevels, a) {
		return b
	}
	return a
}

// caseClosing lets no case be closed over somebody's head: with a reason, and
// not while the person sleeps in one of the beds.
func caseClosing(c *check) {
	if !c.enters("Closed", "ClosedReferred") {
		return
	}
	if !c.after.Get("closure_reason").IsSet() {
		c.holdState("case_needs_reason")
		return
	}
	for _, s := range c.w.OfCase("stays", c.after.ID) {
		if present(s, c.now) {
			c.holdState("case_has_stay")
			return
		}
	}
}

// caseMerged lets a case go on in another only where two people said so, which
// the hub sees to (R29), and in one that goes on itself.
func caseMerged(c *check) {
	into := c.after.Text("merged_into")
	if !c.sets("merged_into") || into == c.before.Text("merged_into") {
		return
	}
	to, ok := c.w.Row("cases", into)
	switch {
	case !c.a.IsHub():
		c.hold("merged_into", "merge_takes_two")
	case into != "" && (!ok || into == c.after.ID || to.Text("merged_into") != "" || c.isMergedInto()):
		c.hold("merged_into", "merge_in_circles")
	}
}

// isMergedInto says whether another case of the organisation goes on in this
// one: then it goes on itself, and in no third.
func (c *check) isMergedInto() bool {
	return slices.ContainsFunc(c.after.Get("linked_cases").List(), func(id string) bool {
		other, ok := c.w.Row("cases", id)
		return ok && other.Text("merged_into") == c.after.ID
	})
}

// caseOwnRisk keeps the level of a case from falling below what the person
// says themselves (R11, WHO 7).
func caseOwnRisk(c *check) {
	own, level := c.after.Text("survivor_risk_level"), c.after.Text("risk_level")
	if c.sets("risk_level") && level != "" && higher(level, own) != level {
		c.hold("risk_level", "risk_below_own_view")
	}
}

func caseOwner(c *check) {
	for _, f := range []string{"owner", "supervisor"} {
		if !c.sets(f) || c.after.Text(f) == "" {
			continue
		}
		if s, ok := c.w.Row("staff", c.after.Text(f)); ok && (s.Org != c.after.Org || s.Text("status") == "left") {
			c.hold(f, "staff_gone")
		}
	}
}

// linkConsent lets a recipient's pseudonym be made only by consent (R24).
func linkConsent(c *check) {
	if c.created && !c.consentStands(c.after.Text("consent"), "") {
		c.hold("", "link_needs_consent")
	}
}

var childBands = []string{"0-8", "9-11", "12-14", "15-17"}

// IsChild says whether the person of a case is protected as a child: one, or
// somebody whose age is in doubt (R27).
func IsChild(w World, caseID string) bool {
	return slices.ContainsFunc(w.OfCase("survivors", caseID), func(s Row) bool { return childLike(s, w.Now().Year()) })
}

func childLike(s Row, year int) bool {
	child, _ := s.Get("child").Bool()
	disputed, _ := s.Get("age_disputed").Bool()
	born, known := s.Get("birth_year").Int()
	return child || disputed || s.Text("dob_precision") == "disputed" ||
		slices.Contains(childBands, s.Text("age_band")) || known && int64(year)-born <= 17
}

// screeningScore holds a total that its own answers contradict. Answers that
// leave a question out are kept: nobody has to answer everything (R12).
func screeningScore(c *check) {
	tool, v := c.after.Text("tool"), c.after.Get("answers")
	total, sent := c.after.Get("total").Int()
	if !v.IsSet() || v.Absent() != "" {
		if t, ok := FindTool(tool); ok && sent && (total < 0 || total > int64(t.Max())) {
			c.hold("total", "screening_out_of_range")
		}
		return
	}
	want, band, _, err := scoreOf(c.after)
	switch code := CodeOf(err); {
	case err != nil && code != "screening_incomplete":
		c.hold("answers", code)
	case err != nil:
		c.holdSet("total", "screening_incomplete")
		c.holdSet("band", "screening_incomplete")
	default:
		if sent && total != int64(want) {
			c.holdSet("total", "screening_total_differs")
		}
		if b := c.after.Text("band"); b != "" && b != band {
			c.holdSet("band", "screening_total_differs")
		}
	}
}

// holdSet holds a field that the change sets, and passes over one that it
// does not.
func (c *check) holdSet(field, reason string) {
	if c.sets(field) && hasPlain(c.after, field) {
		c.hold(field, reason)
	}
}

func scoreOf(screening Row) (total int, band string, flags []string, err error) {
	answers, err := AnswersOf(screening.Get("answers"))
	if err != nil {
		return 0, "", nil, err
	}
	return Score(screening.Text("tool"), answers)
}

package hooks

import (
	"slices"
	"strconv"
	"time"

	"portolan/care"
	"portolan/pdf"
)

// screenings are the newest result of each questionnaire, without the answers.
func (t *teller) screenings() ([]pdf.Entry, error) {
	rows, err := t.list("screenings")
	if err != nil {
		return nil, err
	}
	newest := map[string]care.Row{}
	for _, r := range rows {
		if before, ok := newest[r.Text("tool")]; !ok || before.Text("taken_at") < r.Text("taken_at") {
			newest[r.Text("tool")] = r
		}
	}
	var entries []dated
	for tool, r := range newest {
		head, at := word("screening_tools", tool, pdf.Value{}), r.Get("taken_at")
		taken, ok := at.Time()
		if head.Code == "" || !ok {
			continue
		}
		result := []pdf.Value{code(r, "band", "screening_bands")}
		if total, ok := r.Get("total").Int(); ok {
			result = append(result, pdf.Exactly(strconv.FormatInt(total, 10)))
		}
		entries = append(entries, dated{tool, r.ID, pdf.Entry{Head: head, Details: []pdf.Detail{
			pdf.Of("outcome", result...), pdf.Of("date", pdf.Exactly(taken.In(t.zone).Format(time.DateOnly)))}}})
	}
	return inOrder(entries), nil
}

// goals are what the person wants to reach, in their own words, where what a
// goal is about may be told too.
func (t *teller) goals() ([]pdf.Entry, error) {
	rows, err := t.list("goals")
	if err != nil {
		return nil, err
	}
	var entries []dated
	for _, g := range rows {
		section, may := care.GoalSection(g.Text("domain"))
		if !may || !t.allowed(section) || !slices.Contains([]string{"accepted", "active"}, g.Text("status")) {
			continue
		}
		t.sections[section] = true
		entries = append(entries, dated{g.Text("due_on"), g.ID, pdf.Entry{Head: pdf.Free(g.Text("wording"), ""),
			Details: []pdf.Detail{pdf.Of("target_on", exact(g, "due_on"))}}})
	}
	return inOrder(entries), nil
}

// nextSteps are the days on which somebody expects the person or will ask
// after them; who, where and why stays in the records.
func (t *teller) nextSteps() ([]pdf.Entry, error) {
	rows, err := t.list("follow_ups")
	if err != nil {
		return nil, err
	}
	appointment := pdf.Value{List: "appointments", Code: "hearing"}
	var entries []dated
	for _, f := range rows {
		if f.Text("status") == "planned" && f.Text("due_on") >= t.day {
			t.note("follow_ups", set{"due_on": f.Get("due_on")})
			entries = append(entries, dated{f.Text("due_on"), f.ID, pdf.Entry{Head: appointment, Details: []pdf.Detail{pdf.Of("date", exact(f, "due_on"))}}})
		}
	}
	if at, ok := t.transfer.Get("first_appointment_at").Time(); ok && at.After(t.now) {
		when := at.In(t.zone).Format("2006-01-02 15:04")
		t.note("transfers", set{"first_appointment_at": care.OfTime(at)})
		entries = append(entries, dated{when, t.transfer.ID, pdf.Entry{Head: appointment,
			Details: []pdf.Detail{pdf.Of("date", pdf.Exactly(when), pdf.Exactly(t.zone.String()))}}})
	}
	return inOrder(entries), nil
}

// helpers are how to reach those who expect the person, without a name and
// without an organisation (R17).
func (t *teller) helpers() ([]pdf.Entry, error) {
	reach := t.transfer.Text("receiving_contact")
	if reach == "" {
		return nil, nil
	}
	t.note("transfers", set{"receiving_contact": care.OfText(reach)})
	return oneEntry([]pdf.Detail{pdf.Of("phone", pdf.Exactly(reach))}), nil
}

package hooks

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"portolan/care"
	"portolan/pdf"
)

// part is one section of the paper: where it stands and who says what is in it.
type part struct {
	section   string // code of summary_sections, which decides whether it may be there
	key       string // label
	essential bool   // on the first sheet, also when nothing is recorded
	entries   func(*teller) ([]pdf.Entry, error)
}

// parts in the order on paper. What tells where the person is, who the others
// are, or what happened has no part here (R17, R23, R34).
var parts = []part{
	{"allergies", "allergies", true, (*teller).allergies},
	{"medications", "medicines", true, (*teller).medicines},
	{"problems", "conditions", true, (*teller).conditions},
	{"identity", "about", false, (*teller).about},
	{"immunizations", "immunisations", false, (*teller).immunisations},
	{"pregnancy", "pregnancy", false, (*teller).pregnancy},
	{"functional_status", "screenings", false, (*teller).screenings},
	{"legal", "legal", false, (*teller).legal},
	{"needs", "needs", false, (*teller).needs},
	{"plan_of_care", "plan", false, (*teller).goals},
	{"plan_of_care", "follow_up", false, (*teller).nextSteps},
	{"children", "children", false, (*teller).children},
	{"plan_of_care", "helpers", false, (*teller).helpers},
	{"contacts", "contact", false, (*teller).contact},
}

// tell gathers the whole summary.
func (t *teller) tell() (pdf.Summary, error) {
	s := pdf.Summary{Languages: [2]string{t.languages[0], t.languages[len(t.languages)-1]}, Day: t.day}
	for _, p := range parts {
		if !t.allowed(p.section) {
			continue
		}
		entries, err := p.entries(t)
		if err != nil {
			return s, err
		}
		if len(entries) == 0 && !p.essential {
			continue
		}
		t.sections[p.section] = true
		section := pdf.Section{Key: p.key, Entries: entries}
		if p.essential {
			s.Essential = append(s.Essential, section)
		} else {
			s.Further = append(s.Further, section)
		}
	}
	if len(t.sections) == 0 {
		return s, &care.Error{Code: "summary_empty", Kind: care.Unprocessed,
			Hint: "Of what the person agreed to share you may see nothing, or nothing is recorded."}
	}
	// High up, where it is on the first sheet however long the lists are.
	s.Essential = slices.Insert(s.Essential, min(1, len(s.Essential)), pdf.Section{Key: "interpreter", Entries: t.interpreter()})
	s.Agreed = pdf.Section{Key: care.SectionAgreed, Entries: t.agreed()}
	return s, nil
}

// interpreter says what the person speaks. A paper in their language tells no
// less, so it goes with every summary.
func (t *teller) interpreter() []pdf.Entry {
	languages := t.survivor.Get("languages").List()
	if own := t.survivor.Text("primary_language"); own != "" {
		languages = slices.DeleteFunc(languages, func(l string) bool { return l == own })
		languages = append([]string{own}, languages...)
	}
	if len(languages) == 0 {
		languages = t.languages[:1]
	}
	details := []pdf.Detail{pdf.Of("language", coded("languages", languages...)...)}
	if needed, _ := t.survivor.Get("interpreter_needed").Bool(); needed {
		details = append(details, pdf.Of("interpreter", coded("answer", "true")...),
			pdf.Of("interpreter_language", code(t.survivor, "interpreter_language", "languages")),
			pdf.Of("interpreter_gender", code(t.survivor, "interpreter_gender", "interpreter_genders")))
		t.note("survivors", set{"interpreter_needed": care.OfBool(true), "interpreter_language": t.survivor.Get("interpreter_language"),
			"interpreter_gender": t.survivor.Get("interpreter_gender")})
	}
	t.note("survivors", set{"primary_language": t.survivor.Get("primary_language"), "languages": care.OfList(languages...)})
	return []pdf.Entry{{Details: details}}
}

// about is the name that the person goes by and the year of their birth.
func (t *teller) about() ([]pdf.Entry, error) {
	identities, err := t.list("identities")
	if err != nil {
		return nil, err
	}
	var names []string
	romanised := map[string]string{}
	for _, i := range identities {
		whole := joinNames(i.Text("given_name"), i.Text("middle_name"), i.Text("family_name"))
		names = append(names, whole, i.Text("romanised_name"))
		romanised[whole] = i.Text("romanised_name")
	}
	names = append(names, t.survivor.Text("alias"))
	var details []pdf.Detail
	// The first that can be printed right; where none can, printing says so.
	named := slices.DeleteFunc(names, func(n string) bool { return n == "" })
	if at := slices.IndexFunc(named, t.fonts.CanSet); at >= 0 {
		written := []pdf.Value{pdf.Exactly(named[at])}
		t.machine.Name = named[at]
		t.note("identities", set{"aliases": care.OfList(named[at])})
		// For a reader who does not know the letters.
		if r := romanised[named[at]]; r != "" && r != named[at] && t.fonts.CanSet(r) {
			written = append(written, pdf.Exactly(r))
		}
		details = append(details, pdf.Of("name", written...))
	} else if len(named) > 0 {
		details = append(details, pdf.Of("name", pdf.Exactly(named[0])))
	}
	if year, ok := t.survivor.Get("birth_year").Int(); ok {
		t.machine.BirthYear = strconv.FormatInt(year, 10)
		t.note("survivors", set{"birth_year": care.OfInt(year)})
		details = append(details, pdf.Of("birth_year", pdf.Exactly(t.machine.BirthYear)))
	}
	return oneEntry(details), nil
}

// legal is dates and kinds. Kinds that would tell what happened, authorities,
// courts and references stay in the record.
func (t *teller) legal() ([]pdf.Entry, error) {
	var entries []dated
	matters, err := t.list("legal_matters")
	if err != nil {
		return nil, err
	}
	for _, m := range matters {
		if until := m.Text("permit_until"); until != "" {
			head := word("legal_matter_kinds", m.Text("kind"), pdf.Value{List: "appointments", Code: "matter"})
			t.note("legal_matters", set{"kind": care.OfText(head.Code), "permit_until": care.OfText(until)})
			entries = append(entries, dated{until, m.ID, pdf.Entry{Head: head, Details: []pdf.Detail{pdf.Of("valid_until", pdf.Exactly(until))}}})
		}
	}
	deadlines, err := t.list("deadlines")
	if err != nil {
		return nil, err
	}
	for _, d := range deadlines {
		if s := d.Text("status"); s == "open" || s == "extended" {
			head := word("deadline_kinds", d.Text("kind"), pdf.Value{List: "deadline_kinds", Code: "other"})
			t.note("deadlines", set{"kind": care.OfText(head.Code), "due_on": d.Get("due_on")})
			entries = append(entries, dated{d.Text("due_on"), d.ID, pdf.Entry{Head: head, Details: []pdf.Detail{pdf.Of("due_at", pdf.Exactly(d.Text("due_on")))}}})
		}
	}
	hearings, err := t.list("hearings")
	if err != nil {
		return nil, err
	}
	for _, h := range hearings {
		at, ok := h.Get("starts_at").Time()
		if s := h.Text("status"); ok && at.After(t.now) && (s == "planned" || s == "confirmed") {
			when := at.In(t.zone).Format("2006-01-02 15:04")
			t.note("hearings", set{"starts_at": care.OfTime(at)})
			entries = append(entries, dated{when, h.ID, pdf.Entry{Head: pdf.Value{List: "appointments", Code: "hearing"},
				Details: []pdf.Detail{pdf.Of("date", pdf.Exactly(when), pdf.Exactly(t.zone.String()))}}})
		}
	}
	return inOrder(entries), nil
}

// needs are those that a next helper prepares for. Only the words that the
// papers have: others would tell why.
func (t *teller) needs() ([]pdf.Entry, error) {
	t.note("cases", set{"needs": wordedCodes("needs", t.file.Get("needs").List())})
	t.note("survivors", set{"access_needs": wordedCodes("access_needs", t.survivor.Get("access_needs").List())})
	details := []pdf.Detail{
		pdf.Of("needs", worded("needs", t.file.Get("needs").List())...),
		pdf.Of("access_needs", worded("access_needs", t.survivor.Get("access_needs").List())...),
	}
	return oneEntry(details), nil
}

// children who travel along, without their names.
func (t *teller) children() ([]pdf.Entry, error) {
	rows, err := t.list("dependents")
	if err != nil {
		return nil, err
	}
	var entries []dated
	for _, d := range rows {
		if along, _ := d.Get("travels_along").Bool(); !along {
			continue
		}
		head := word("dependent_relations", d.Text("relation"), pdf.Value{List: "dependent_relations", Code: "other"})
		t.note("dependents", set{"relation": care.OfText(head.Code), "age_band": d.Get("age_band"), "schooling": d.Get("schooling"),
			"needs": wordedCodes("needs", d.Get("needs").List())})
		entries = append(entries, dated{d.Text("age_band"), d.ID, pdf.Entry{
			Head: head,
			Details: []pdf.Detail{
				pdf.Of("age_band", ageBand(d)),
				pdf.Of("schooling", code(d, "schooling", "schooling_states")),
				pdf.Of("needs", worded("needs", d.Get("needs").List())...),
			}}})
	}
	return inOrder(entries), nil
}

// contact is how the person wants to be reached, and only where it is settled.
func (t *teller) contact() ([]pdf.Entry, error) {
	if no, _ := t.survivor.Get("do_not_contact").Bool(); no {
		t.note("survivors", set{"do_not_contact": care.OfBool(true)})
		return oneEntry([]pdf.Detail{pdf.Of("safe_channel", coded("contact_channels", "none")...)}), nil
	}
	identities, err := t.list("identities")
	if err != nil {
		return nil, err
	}
	details := []pdf.Detail{
		pdf.Of("safe_channel", code(t.survivor, "safe_channel", "contact_channels")),
		pdf.Of("safe_hours", pdf.Free(t.survivor.Text("safe_hours"), "")),
	}
	t.note("survivors", set{"safe_channel": t.survivor.Get("safe_channel"), "safe_hours": t.survivor.Get("safe_hours")})
	for _, i := range identities {
		t.note("identities", set{"safe_phone": i.Get("safe_phone")})
		details = append(details, pdf.Of("phone", pdf.Exactly(i.Text("safe_phone"))))
	}
	return oneEntry(details), nil
}

// agreed lists what the person agreed to share, each until when, and that they
// may change their mind.
func (t *teller) agreed() []pdf.Entry {
	var entries []pdf.Entry
	if c := t.request.RecipientCountry; c != "" {
		entries = append(entries, pdf.Entry{Details: []pdf.Detail{pdf.Of("country", pdf.Coded("countries", c, c, "", ""))}})
	}
	for _, cat := range care.CarriedCategories(t.told()...) {
		r := t.request
		r.Categories = []care.Category{cat}
		d := care.MayShare(t.consents, r, t.now)
		entries = append(entries, pdf.Entry{Head: pdf.Value{List: "categories", Code: string(cat)},
			Details: []pdf.Detail{pdf.Of("expires_on", pdf.Exactly(d.Until.In(t.zone).Format(time.DateOnly)))}})
	}
	return append(entries, pdf.Entry{Head: pdf.Value{List: "withdraw", Code: "any_time"}})
}

// dated is an entry with what it is sorted by.
type dated struct {
	by, id string
	entry  pdf.Entry
}

func inOrder(l []dated) []pdf.Entry {
	slices.SortFunc(l, func(a, b dated) int { return cmp.Or(cmp.Compare(a.by, b.by), cmp.Compare(a.id, b.id)) })
	var entries []pdf.Entry
	for _, d := range l {
		entries = append(entries, d.entry)
	}
	return entries
}

// oneEntry makes an entry of those details that say something.
func oneEntry(details []pdf.Detail) []pdf.Entry {
	details = slices.DeleteFunc(details, func(d pdf.Detail) bool {
		return !slices.ContainsFunc(d.Values, func(v pdf.Value) bool { return v.Text != "" || v.Code != "" })
	})
	if len(details) == 0 {
		return nil
	}
	return []pdf.Entry{{Details: details}}
}

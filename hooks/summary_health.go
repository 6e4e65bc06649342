package hooks

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"portolan/care"
	"portolan/locales"
	"portolan/pdf"
)

// carried lists the records of a health collection that the summary may hold,
// each by its own labels, and notes which sections they bring with them.
func (t *teller) carried(section, collection string, current func(care.Row) bool) ([]care.Row, error) {
	rows, err := t.list(collection)
	if err != nil {
		return nil, err
	}
	var l []care.Row
	for _, r := range rows {
		if s := r.Text("verification_status"); s == "refuted" || s == "entered-in-error" || !current(r) {
			continue
		}
		d, may := care.MayCarry(t.consents, section, r, t.request, t.now)
		if !may || !d.Allowed {
			continue
		}
		more, _ := care.Carried(r)
		if slices.ContainsFunc(more, func(s string) bool { return !t.ticked(s) }) {
			continue
		}
		for _, s := range more {
			t.sections[s] = true
		}
		l = append(l, r)
	}
	return l, nil
}

func (t *teller) allergies() ([]pdf.Entry, error) {
	rows, err := t.carried("allergies", "allergies", func(r care.Row) bool {
		return r.Text("status") != "inactive" && r.Text("status") != "resolved"
	})
	t.machine.Allergies = rows
	var entries []dated
	for _, r := range rows {
		first := "2"
		if r.Text("criticality") == "high" {
			first = "1"
		}
		entries = append(entries, dated{first + strings.ToLower(r.Text("substance")), r.ID, pdf.Entry{Head: substance(r), Details: []pdf.Detail{
			pdf.Of("criticality", code(r, "criticality", "allergy_criticalities")),
			pdf.Of("reaction", codes(r, "reaction", "allergy_reactions")...),
			pdf.Of("severity", code(r, "severity", "condition_severities")),
			pdf.Of("last_reaction_on", exact(r, "last_reaction_on")),
		}}})
	}
	return inOrder(entries), err
}

func (t *teller) medicines() ([]pdf.Entry, error) {
	rows, err := t.carried("medications", "medicines", func(r care.Row) bool {
		return slices.Contains([]string{"active", "on-hold", "intended", "unknown"}, r.Text("status"))
	})
	t.machine.Medicines = rows
	var entries []dated
	for _, r := range rows {
		details := []pdf.Detail{}
		if r.Text("status") != "active" {
			details = append(details, pdf.Of("status", code(r, "status", "medicine_statuses")))
		}
		details = append(details,
			pdf.Of("strength", strength(r)),
			pdf.Of("form", code(r, "form", "medicine_forms")),
			pdf.Of("dose", dose(r.Get("dose"))),
			pdf.Of("route", code(r, "route", "medicine_routes")),
			pdf.Of("frequency", code(r, "frequency", "medicine_frequencies")),
			pdf.Of("taken_when", times(r)...),
			pdf.Of("as_needed", onlyYes(r, "as_needed")),
			pdf.Of("instructions", pdf.Free(r.Text("instructions"), "")))
		details = append(details, supply(r)...)
		details = append(details, pdf.Of("must_not_stop", onlyYes(r, "must_not_stop")), pdf.Of("kept_cold", onlyYes(r, "kept_cold")))
		entries = append(entries, dated{strings.ToLower(r.Text("substance")), r.ID, pdf.Entry{Head: substance(r), Details: details}})
	}
	return inOrder(entries), err
}

// times are those of the day at which a medicine is taken, and how it goes with
// meals.
func times(r care.Row) []pdf.Value {
	var l []pdf.Value
	if at := r.Get("taken_when"); at.Absent() == "" && at.Text() != "" {
		l = coded("medicine_times", strings.Split(at.Text(), "-")...)
	}
	if food := code(r, "with_food", "medicine_food"); food.Code != "" && food.List == "medicine_food" {
		l = append(l, food)
	}
	return l
}

// supply says for how long the person has the medicine in hand. The number
// alone would be wrong the day after, so the day on which it was counted and
// the day until which it lasts stand beside it.
func supply(r care.Row) []pdf.Detail {
	left, ok := r.Get("days_left").Int()
	if !ok {
		if a := r.Get("days_left").Absent(); a != "" {
			return []pdf.Detail{pdf.Of("days_left", pdf.Value{List: "absent", Code: string(a)})}
		}
		return nil
	}
	details := []pdf.Detail{pdf.Of("days_left", pdf.Exactly(strconv.FormatInt(left, 10)))}
	counted, err := time.Parse(time.DateOnly, r.Text("counted_on"))
	if err != nil {
		return append(details, pdf.Of("counted_on", pdf.Value{List: "absent", Code: string(care.NotRecorded)}))
	}
	return append(details, pdf.Of("counted_on", pdf.Exactly(r.Text("counted_on"))),
		pdf.Of("lasts_until", pdf.Exactly(counted.AddDate(0, 0, int(left)).Format(time.DateOnly))))
}

func (t *teller) conditions() ([]pdf.Entry, error) {
	rows, err := t.carried("problems", "conditions", func(r care.Row) bool {
		return !slices.Contains([]string{"resolved", "inactive", "remission"}, r.Text("clinical_status"))
	})
	t.machine.Conditions = rows
	var entries []dated
	for _, r := range rows {
		entries = append(entries, dated{strings.ToLower(r.Text("label")), r.ID, pdf.Entry{
			Head: pdf.Coded("condition_codes", r.Text("code"), codeBeside(r), r.Text("label"), ""),
			Details: []pdf.Detail{
				pdf.Of("severity", code(r, "severity", "condition_severities")),
				pdf.Of("onset_on", exact(r, "onset_on")),
				pdf.Of("needs_when_travelling", pdf.Free(r.Text("needs_when_travelling"), "")),
			}}})
	}
	return inOrder(entries), err
}

func (t *teller) immunisations() ([]pdf.Entry, error) {
	rows, err := t.carried("immunizations", "immunisations", func(r care.Row) bool { return r.Text("status") == "completed" })
	t.machine.Immunisations = rows
	var entries []dated
	for _, r := range rows {
		number := pdf.Value{}
		if n, ok := r.Get("dose_number").Int(); ok {
			number = pdf.Exactly(strconv.FormatInt(n, 10))
		}
		entries = append(entries, dated{r.Text("given_on"), r.ID, pdf.Entry{
			Head:    pdf.Coded("vaccines", r.Text("code"), codeBeside(r), r.Text("vaccine"), ""),
			Details: []pdf.Detail{pdf.Of("given_on", exact(r, "given_on")), pdf.Of("dose_number", number), pdf.Of("next_dose_on", exact(r, "next_dose_on"))}}})
	}
	return inOrder(entries), err
}

func (t *teller) pregnancy() ([]pdf.Entry, error) {
	rows, err := t.carried("pregnancy", "pregnancies", func(r care.Row) bool {
		return r.Text("outcome") == "" || r.Text("outcome") == "ongoing"
	})
	var entries []dated
	for _, r := range rows {
		if r.Text("status") == "" {
			continue
		}
		entries = append(entries, dated{r.Text("observed_on"), r.ID, pdf.Entry{Head: code(r, "status", "pregnancy_statuses"),
			Details: []pdf.Detail{pdf.Of("due_on", exact(r, "due_on"))}}})
		t.note("pregnancies", set{"status": r.Get("status"), "due_on": r.Get("due_on")})
	}
	return inOrder(entries), err
}

// substance names what a medicine or an allergy is about, with its
// international name beside the translation.
func substance(r care.Row) pdf.Value {
	written := r.Text("substance")
	inn := strings.ToLower(strings.TrimSpace(written))
	if _, ok := locales.Text("en", "pdf.allergens."+inn); ok && r.Collection == "allergies" {
		return pdf.Coded("allergens", inn, inn, written, "")
	}
	return pdf.Coded("substances", inn, inn, written, "")
}

// codeBeside writes a code with its system, so that it can be looked up.
func codeBeside(r care.Row) string {
	c := r.Text("code")
	system := map[string]string{care.SystemICD10: "ICD-10", care.SystemICD10CM: "ICD-10-CM", care.SystemICD11: "ICD-11",
		care.SystemSNOMED: "SNOMED CT", care.SystemCVX: "CVX"}[r.Text("code_system")]
	if c == "" || system == "" {
		return c
	}
	return system + " " + c
}

// counted finds a dose that is told in words, as people write it.
var counted = regexp.MustCompile(`^(\d+(?:[.,/]\d+)?)\s*(tablet|capsule|drop|puff|sachet|application|patch)(?:s|es)?$`)

// dose is a number with its unit; anything else stands as it was written.
func dose(v care.Value) pdf.Value {
	if a := v.Absent(); a != "" {
		return pdf.Value{List: "absent", Code: string(a)}
	}
	written := strings.TrimSpace(v.Text())
	number, unit, ok := care.ParseDose(written)
	if m := counted.FindStringSubmatch(written); !ok && m != nil {
		number, unit, ok = m[1], m[2], true
	}
	if !ok {
		return pdf.Free(written, "")
	}
	plain := strings.Trim(unit, "{}[]")
	if _, translated := locales.Text("en", "pdf.dose_units."+plain); translated {
		return pdf.Value{List: "dose_units", Code: plain, Number: number}
	}
	return pdf.Exactly(fmt.Sprintf("%s %s", number, unit))
}

// plainUnits writes the units of UCUM (ucum.org) as people read them.
var plainUnits = strings.NewReplacer("[IU]", "IU", " ug", " µg", "{", "", "}", "")

func strength(r care.Row) pdf.Value {
	v := exact(r, "strength")
	v.Text = plainUnits.Replace(v.Text)
	return v
}

// code is the value of a Code field: its word, or why there is none.
func code(r care.Row, field, list string) pdf.Value {
	v := r.Get(field)
	if a := v.Absent(); a != "" {
		return pdf.Value{List: "absent", Code: string(a)}
	}
	if v.Text() == "" {
		return pdf.Value{}
	}
	if _, ok := locales.Text("en", "pdf."+list+"."+v.Text()); !ok {
		// A code that an import brought stands as it was written.
		return pdf.Coded(list, v.Text(), "", v.Text(), "")
	}
	return pdf.Value{List: list, Code: v.Text()}
}

func codes(r care.Row, field, list string) []pdf.Value {
	var l []pdf.Value
	for _, c := range r.Get(field).List() {
		l = append(l, pdf.Coded(list, c, "", c, ""))
	}
	return l
}

func coded(list string, codes ...string) []pdf.Value {
	var l []pdf.Value
	for _, c := range codes {
		l = append(l, pdf.Value{List: list, Code: c})
	}
	return l
}

// worded are those codes for which the papers have words.
func worded(list string, codes []string) []pdf.Value {
	var l []pdf.Value
	for _, c := range codes {
		if _, ok := locales.Text("en", "pdf."+list+"."+c); ok {
			l = append(l, pdf.Value{List: list, Code: c})
		}
	}
	return l
}

// word is a code for which the papers have a word, or what stands for all
// others.
func word(list, code string, otherwise pdf.Value) pdf.Value {
	if l := worded(list, []string{code}); len(l) == 1 {
		return l[0]
	}
	return otherwise
}

// exact is a value that is the same in every language: a date, a strength.
func exact(r care.Row, field string) pdf.Value {
	v := r.Get(field)
	if a := v.Absent(); a != "" {
		return pdf.Value{List: "absent", Code: string(a)}
	}
	return pdf.Exactly(v.Text())
}

// onlyYes says a yes and is silent about a no.
func onlyYes(r care.Row, field string) pdf.Value {
	if yes, _ := r.Get(field).Bool(); !yes {
		return pdf.Value{}
	}
	return pdf.Value{List: "answer", Code: "true"}
}

func ageBand(r care.Row) pdf.Value {
	if b := r.Text("age_band"); b != "48_and_over" {
		return pdf.Exactly(strings.ReplaceAll(b, "-", "–"))
	}
	return pdf.Exactly("48+")
}

func joinNames(names ...string) string {
	return strings.Join(slices.DeleteFunc(names, func(n string) bool { return n == "" }), " ")
}

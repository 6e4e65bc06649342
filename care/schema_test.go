package care

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var snakeCase = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// columns that every collection has besides its fields.
var commonColumns = []string{"id", "org", "case_id", "created_by", "made_at", "arrived_at", "seq", "routing"}

func eachField(t *testing.T, check func(t *testing.T, e *Entity, f *Field)) {
	for _, e := range Schema {
		for i := range e.Fields {
			f := &e.Fields[i]
			t.Run(e.Name+"."+f.Name, func(t *testing.T) { check(t, e, f) })
		}
	}
}

func TestEntitiesAreNamedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range Schema {
		if !snakeCase.MatchString(e.Name) || seen[e.Name] || e.Doc == "" || !strings.HasSuffix(e.Doc, ".") {
			t.Errorf("%s: name not snake_case or taken, or no sentence about it", e.Name)
		}
		seen[e.Name] = true
		fields := map[string]bool{}
		for _, f := range e.Fields {
			if !snakeCase.MatchString(f.Name) || fields[f.Name] || slices.Contains(commonColumns, f.Name) {
				t.Errorf("%s.%s: not snake_case, taken, or a common column", e.Name, f.Name)
			}
			fields[f.Name] = true
		}
	}
}

func TestFieldsSayAllThatIsDerivedFromThem(t *testing.T) {
	eachField(t, func(t *testing.T, e *Entity, f *Field) {
		if !slices.Contains(Compartments, f.Compartment) {
			t.Errorf("compartment %q", f.Compartment)
		}
		if !slices.Contains(Purposes, f.Purpose) {
			t.Errorf("purpose %q", f.Purpose)
		}
		if !slices.Contains([]Sensitivity{Normal, Restricted, VeryRestricted}, f.Sensitivity) {
			t.Errorf("sensitivity %q", f.Sensitivity)
		}
		if f.FHIR != "" && !strings.Contains(f.FHIR, ".") {
			t.Errorf("FHIR place %q is no element path", f.FHIR)
		}
	})
}

func TestFieldsReferToWhatExists(t *testing.T) {
	eachField(t, func(t *testing.T, e *Entity, f *Field) {
		coded := f.Type == Code || f.Type == Codes
		if _, ok := FindCodes(f.Codes); coded != ok || coded != (f.Codes != "") {
			t.Errorf("type %s with code list %q", f.Type, f.Codes)
		}
		refers := f.Type == Ref || f.Type == Refs
		if _, ok := Find(f.Ref); refers != ok || refers != (f.Ref != "") {
			t.Errorf("type %s refers to %q", f.Type, f.Ref)
		}
	})
}

func TestFieldsMergeAsTheirTypeCan(t *testing.T) {
	eachField(t, func(t *testing.T, e *Entity, f *Field) {
		list := f.Type == Codes || f.Type == Texts || f.Type == Refs
		switch f.Merge {
		case Union:
			if !list {
				t.Errorf("union of %s", f.Type)
			}
		case Latest, Safer, Ask, Once:
		default:
			t.Errorf("policy %q", f.Merge)
		}
		if f.Merge != Safer && f.Safer.HasOrder() {
			t.Error("a comparator that nothing uses")
		}
		if f.RemovalWins && f.Merge != Union {
			t.Error("removal wins in what is no union")
		}
		if f.Safer.Dates != "" && (f.Type != Date && f.Type != Time || f.Safer.Dates != "earliest" && f.Safer.Dates != "latest") {
			t.Errorf("comparator of dates %q on %s", f.Safer.Dates, f.Type)
		}
		if len(f.Safer.Order) > 0 && f.Type == Code {
			l, _ := FindCodes(f.Codes)
			for _, v := range f.Safer.Order {
				if !l.Has(v) && !slices.Contains(Absents, Absent(v)) {
					t.Errorf("comparator orders %q, which is no code of %s", v, f.Codes)
				}
			}
			for _, c := range l.Codes {
				if !slices.Contains(f.Safer.Order, c) {
					t.Errorf("comparator does not order %q", c)
				}
			}
		}
		if len(f.Safer.Order) > 0 && f.Type == Bool && !slices.Contains(f.Safer.Order, "true") {
			t.Error("comparator of a truth value without true")
		}
	})
}

func TestMachinesSpeakTheirCodeList(t *testing.T) {
	for _, e := range Schema {
		m := e.Machine
		if m == nil {
			continue
		}
		f, ok := e.Field(m.Field)
		if !ok || f.Type != Code || f.Merge == Latest {
			t.Errorf("%s: state field %q is missing, no code, or decided by a clock", e.Name, m.Field)
			continue
		}
		l, _ := FindCodes(f.Codes)
		states := slices.Clone(m.Initial)
		for i := 0; i < len(states); i++ {
			for _, next := range m.Steps[states[i]] {
				if !slices.Contains(states, next) {
					states = append(states, next)
				}
			}
		}
		for _, s := range l.Codes {
			if !slices.Contains(states, s) {
				t.Errorf("%s: %q of %s cannot be reached", e.Name, s, l.Name)
			}
		}
		for _, s := range states {
			if !l.Has(s) {
				t.Errorf("%s: state %q is not in %s", e.Name, s, l.Name)
			}
		}
		for from := range m.Steps {
			if !slices.Contains(states, from) {
				t.Errorf("%s: a step from %q, which cannot be reached", e.Name, from)
			}
		}
	}
}

func TestCodeListsAreSound(t *testing.T) {
	used := map[string]bool{}
	for _, e := range Schema {
		for _, f := range e.Fields {
			used[f.Codes] = true
		}
	}
	names := map[string]bool{}
	for _, l := range codeLists {
		if !snakeCase.MatchString(l.Name) || names[l.Name] || l.Source == "" {
			t.Errorf("%s: name not snake_case or taken, or no source", l.Name)
		}
		names[l.Name] = true
		seen := map[string]bool{}
		for _, c := range l.Codes {
			if c == "" || seen[c] || !l.Has(c) || len(c) > CodeBytesMax {
				t.Errorf("%s: %q is empty, there twice or too long", l.Name, c)
			}
			seen[c] = true
		}
		if len(l.Codes) == 0 && !l.Open {
			t.Errorf("%s: nothing fits", l.Name)
		}
		if l.Pattern != "" && !l.Open {
			t.Errorf("%s: a pattern on a closed list", l.Name)
		}
		if l.Has("") || l.Open && l.Pattern != "" && l.Has("\n") {
			t.Errorf("%s accepts nothing at all or a line break", l.Name)
		}
	}
}

// What the summary, the forms and the hub ask for by name.
func TestFieldsThatOthersRelyOn(t *testing.T) {
	for collection, fields := range map[string]string{
		"medicines":     "substance code strength form route dose frequency started_on stopped_on days_left status",
		"allergies":     "substance criticality reaction status",
		"screenings":    "tool answers total band flags",
		"consents":      "purpose recipient_kind recipient_org recipient_role recipient_country categories actions decision valid_from expires_at status withdrawn_at language mode explanation_version checklist giver",
		"transfers":     "kind status destination_country receiving_org departure_at languages voluntary risk_assessment receiver_accepted_at",
		"stays":         "bed facility status check_in check_out expected_end",
		"grants":        "staff compartment until status",
		"identities":    "given_name family_name middle_name birth_date phones",
		"documents":     "kind purpose version status sha256 size mime languages transfer handed_out_at handed_out_by",
		"tasks":         "title_key due_at status assignee subject_collection subject",
		"organisations": "name kind country time_zone",
		"staff":         "display_name roles team status",
	} {
		e, ok := Find(collection)
		if !ok {
			t.Errorf("no collection %s", collection)
			continue
		}
		for _, name := range strings.Fields(fields) {
			if _, ok := e.Field(name); !ok {
				t.Errorf("%s has no field %s", collection, name)
			}
		}
	}
}

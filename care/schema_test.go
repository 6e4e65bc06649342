package care

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// eachField runs f for every field of the schema.
func eachField(t *testing.T, f func(t *testing.T, e *Entity, f *Field, where string)) {
	t.Helper()
	n := 0
	for _, e := range Schema {
		for i := range e.Fields {
			f(t, e, &e.Fields[i], e.Name+"."+e.Fields[i].Name)
			n++
		}
	}
	if n < 500 {
		t.Fatalf("the schema has %d fields: a group is missing", n)
	}
}

var snake = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// columns are the columns that every table has beside its fields, and the
// names that PocketBase keeps for itself.
var columns = []string{
	"id", "org", "case_id", "created_by", "made_at", "arrived_at", "seq", "routing",
	"created", "updated", "expand", "collectionid", "collectionname", "rowid",
}

func TestNamesAreUniqueAndUsable(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range Schema {
		if seen[e.Name] || !snake.MatchString(e.Name) {
			t.Errorf("collection %q: twice, or not snake_case", e.Name)
		}
		seen[e.Name] = true
		if !strings.HasSuffix(e.Doc, ".") {
			t.Errorf("%s: Doc is not a sentence", e.Name)
		}
		if e.Topic != NoTopic && !slices.Contains(Topics, e.Topic) {
			t.Errorf("%s: topic %q is unknown", e.Name, e.Topic)
		}
	}
	names := map[string]bool{}
	eachField(t, func(t *testing.T, e *Entity, f *Field, where string) {
		if names[where] || !snake.MatchString(f.Name) || slices.Contains(columns, f.Name) {
			t.Errorf("%s: twice, not snake_case, or a column of every table", where)
		}
		names[where] = true
	})
}

// The collections that other parts are built on by name.
func TestCollectionsAreThere(t *testing.T) {
	for _, name := range strings.Fields(`organisations staff teams memberships services interpreters
		funding_sources devices code_entries grants cases survivors identities dependents identifier_links
		trafficking_contexts exploitation_events perpetrators consents risk_assessments safety_plans facilities
		units beds stays incidents unmet_needs encounters conditions medicines allergies immunisations observations
		procedures screenings pregnancies legal_matters hearings deadlines evidence_items custody_events claims
		payments compelled_disclosures plans goals activities livelihood_grants employments educations follow_ups
		referrals transfers tasks notes documents feedbacks set_asides`) {
		if e, ok := Find(name); !ok || len(e.Fields) == 0 {
			t.Errorf("%s is missing or empty", name)
		}
	}
}

func TestTypesSayWhatTheyNeed(t *testing.T) {
	types := []Type{Text, LongText, Code, Codes, Texts, Date, Time, Int, Decimal, Bool, Ref, Refs, Object}
	eachField(t, func(t *testing.T, e *Entity, f *Field, where string) {
		if !slices.Contains(types, f.Type) {
			t.Errorf("%s: type %q is unknown", where, f.Type)
		}
		if coded := f.Type == Code || f.Type == Codes; coded != (f.Codes != "") {
			t.Errorf("%s: type %s with code list %q", where, f.Type, f.Codes)
		}
		if refers := f.Type == Ref || f.Type == Refs; refers != (f.Ref != "") {
			t.Errorf("%s: type %s with a reference to %q", where, f.Type, f.Ref)
		}
		if _, ok := Find(f.Ref); f.Ref != "" && !ok {
			t.Errorf("%s refers to %s, which is no collection", where, f.Ref)
		}
		if f.Max < 0 || f.Max > ValueBytesMax || f.Max != 0 && f.Type != Text && f.Type != LongText {
			t.Errorf("%s: Max %d", where, f.Max)
		}
	})
}

func TestR14EveryFieldSaysWhoSeesItAndWhy(t *testing.T) {
	sensitivities := []Sensitivity{Normal, Restricted, VeryRestricted}
	labels := []Label{LabelSDV, LabelPSY, LabelHIV, LabelSTD, LabelSUD, LabelSEX, LabelETH, LabelTrafficking, LabelLegal, LabelLocation}
	eachField(t, func(t *testing.T, e *Entity, f *Field, where string) {
		if !slices.Contains(Compartments, f.Compartment) {
			t.Errorf("%s: compartment %q is unknown", where, f.Compartment)
		}
		if !slices.Contains(sensitivities, f.Sensitivity) {
			t.Errorf("%s: sensitivity %q is unknown", where, f.Sensitivity)
		}
		if !slices.Contains(Purposes, f.Purpose) {
			t.Errorf("%s: purpose %q is unknown", where, f.Purpose)
		}
		for i, l := range f.Labels {
			if !slices.Contains(labels, l) || slices.Contains(f.Labels[:i], l) {
				t.Errorf("%s: label %q is unknown or twice", where, l)
			}
		}
	})
}

func TestMergePoliciesFitTheTypes(t *testing.T) {
	policies := []Policy{Latest, Safer, Ask, Union, Once}
	eachField(t, func(t *testing.T, e *Entity, f *Field, where string) {
		if !slices.Contains(policies, f.Merge) {
			t.Errorf("%s: merge policy %q is unknown", where, f.Merge)
		}
		list := f.Type == Codes || f.Type == Texts || f.Type == Refs
		if f.Merge == Union && !list || list && f.Merge != Union && f.Merge != Once {
			t.Errorf("%s: a %s that merges by %s", where, f.Type, f.Merge)
		}
		if f.RemovalWins && f.Merge != Union {
			t.Errorf("%s: removal wins where nothing is removed", where)
		}
		if f.Safer.HasOrder() && f.Merge != Safer {
			t.Errorf("%s: an order that nothing asks for", where)
		}
		if f.Merge == Safer {
			checkSafer(t, f, where)
		}
	})
}

// checkSafer asks for an order wherever the values have one, and that it
// covers what the field can hold.
func checkSafer(t *testing.T, f *Field, where string) {
	t.Helper()
	switch f.Type {
	case Date, Time:
		if d := f.Safer.Dates; d != "earliest" && d != "latest" {
			t.Errorf("%s: which date is safer, %q?", where, d)
		}
	case Bool:
		if o := slices.Sorted(slices.Values(f.Safer.Order)); !slices.Equal(o, []string{"false", "true"}) {
			t.Errorf("%s: order %v", where, f.Safer.Order)
		}
	case Code:
		list, _ := FindCodes(f.Codes)
		if len(f.Safer.Order) == 0 || list == nil {
			return // channels and places have none: neither is used until somebody decides
		}
		order := slices.Sorted(slices.Values(f.Safer.Order))
		if codes := slices.Sorted(slices.Values(list.Codes)); !slices.Equal(order, codes) {
			t.Errorf("%s: the order %v leaves out some of %v", where, order, codes)
		}
	case Text, LongText:
		if f.Safer.HasOrder() {
			t.Errorf("%s: free text has no order", where)
		}
	default:
		t.Errorf("%s: a %s cannot be safer than another", where, f.Type)
	}
}

// What changes a decision about a person's safety is never settled by a clock.
func TestNoClockDecidesSafety(t *testing.T) {
	for _, where := range []string{
		"consents.decision", "consents.status", "consents.expires_at", "consents.valid_from", "consents.conditions",
		"cases.risk_level", "cases.survivor_risk_level", "risk_assessments.level", "risk_assessments.survivor_level",
		"survivors.safe_channel", "survivors.safe_hours", "survivors.leave_message", "survivors.do_not_contact",
		"survivors.immediate_danger", "survivors.child", "survivors.age_disputed", "identities.safe_phone",
		"transfers.voluntary", "stays.absence", "grants.until", "grants.status", "devices.status", "staff.status",
	} {
		collection, name, _ := strings.Cut(where, ".")
		if f := mustField(t, collection, name); f.Merge != Safer {
			t.Errorf("%s merges by %s", where, f.Merge)
		}
	}
	for _, where := range []string{"identities.never_contact", "survivors.do_not_disclose"} {
		collection, name, _ := strings.Cut(where, ".")
		if f := mustField(t, collection, name); f.Merge != Union || f.RemovalWins {
			t.Errorf("%s: an entry could get lost", where)
		}
	}
	for _, where := range []string{"consents.categories", "consents.actions", "consents.checklist", "staff.roles"} {
		collection, name, _ := strings.Cut(where, ".")
		if f := mustField(t, collection, name); !f.RemovalWins {
			t.Errorf("%s: what was taken back could return", where)
		}
	}
}

func mustField(t *testing.T, collection, name string) *Field {
	t.Helper()
	e, ok := Find(collection)
	if !ok {
		t.Fatalf("no collection %s", collection)
	}
	f, ok := e.Field(name)
	if !ok {
		t.Fatalf("no field %s.%s", collection, name)
	}
	return f
}

// Routing fields stay clear in the store, so they say nothing about a person.
func TestRoutingFieldsSayNothing(t *testing.T) {
	allowed := []Type{Ref, Code, Time} // never what a person can type
	// Codes that are no state and tell nothing that the table's name does not.
	codes := []string{
		"grants.compartment", "grants.kind", "tasks.title_key", "tasks.subject_collection", "tasks.raised_by",
		"documents.kind", // the job asks for a case's summaries before it opens anything
	}
	eachField(t, func(t *testing.T, e *Entity, f *Field, where string) {
		if !f.Routing {
			return
		}
		if !slices.Contains(allowed, f.Type) {
			t.Errorf("%s: a %s stays clear", where, f.Type)
		}
		if f.Type == Code && f.Name != "status" && f.Name != "state" && !slices.Contains(codes, where) {
			t.Errorf("%s: which code a person's record has stays clear", where)
		}
		if f.Sensitivity != Normal || f.Canary || f.Search || f.Compartment == Identity || f.Compartment == Location {
			t.Errorf("%s stays clear and is sensitive", where)
		}
		for _, l := range f.Labels {
			if l != LabelLocation { // the id of a bed; where the house stands is sealed
				t.Errorf("%s stays clear and is labelled %s", where, l)
			}
		}
	})
}

// vault is the HTCDS fields that name a person or lead to them (R9).
var vault = strings.Fields(`prs_Salutation prs_FirstName prs_MiddleName prs_SecondName prs_Birthdate prs_IdentityNumber
	prs_Title prs_Email prs_HomePhone prs_MobilePhone prs_MailingCity prs_MailingCountry prs_MailingState
	prs_MailingStreet prs_MailingPostalCode prs_MailingLongitude prs_MailingLatitude`)

func TestR9IdentityStaysInTheVault(t *testing.T) {
	naming := regexp.MustCompile(`^(Patient|RelatedPerson)\.(name\.(given|family|prefix)|birthDate|address|photo|telecom)($|\.(line|city|state|postalCode|country|value)$)`)
	eachField(t, func(t *testing.T, e *Entity, f *Field, where string) {
		if e.Name == "identities" && f.Compartment != Identity {
			t.Errorf("%s is in the compartment %s", where, f.Compartment)
		}
		if slices.Contains(vault, f.HTCDS) && (e.Name != "identities" || f.Compartment != Identity) {
			t.Errorf("%s holds %s outside the vault", where, f.HTCDS)
		}
		if naming.MatchString(f.FHIR) && f.Compartment != Identity && f.Compartment != Location {
			t.Errorf("%s holds %s in the compartment %s", where, f.FHIR, f.Compartment)
		}
		locates := slices.Contains(f.Labels, LabelLocation) // an employer, a school: it leads to a person
		if f.Canary && (f.Compartment == General && !locates || f.Sensitivity == Normal) {
			t.Errorf("%s names or locates a person, and is %s %s", where, f.Compartment, f.Sensitivity)
		}
		if f.Canary && !slices.Contains([]Type{Text, LongText, Texts, Object}, f.Type) {
			t.Errorf("%s: a %s cannot carry a canary", where, f.Type)
		}
		if e.Topic == Facilities && f.Canary && f.Compartment != Location {
			t.Errorf("%s: where a house stands belongs to %s (R23)", where, Location)
		}
	})
}

// Who a person says may not know is not found out through a field of a lower
// compartment: words that say "trafficked" or "offence" are never Normal.
func TestTellingLabelsAreRestricted(t *testing.T) {
	telling := []Label{LabelTrafficking, LabelLegal, LabelSDV, LabelHIV, LabelSTD, LabelPSY, LabelSUD, LabelSEX}
	eachField(t, func(t *testing.T, e *Entity, f *Field, where string) {
		for _, l := range f.Labels {
			if slices.Contains(telling, l) && f.Sensitivity == Normal {
				t.Errorf("%s is labelled %s and Normal", where, l)
			}
		}
	})
}

func TestEveryHTCDSFieldHasOnePlace(t *testing.T) {
	if len(HTCDSFields) != 84 {
		t.Fatalf("%d fields of HTCDS, the standard has 84", len(HTCDSFields))
	}
	places := map[string][]string{}
	eachField(t, func(t *testing.T, e *Entity, f *Field, where string) {
		if f.HTCDS != "" {
			places[f.HTCDS] = append(places[f.HTCDS], where)
		}
	})
	for _, h := range HTCDSFields {
		if len(places[h.Name]) != 1 {
			t.Errorf("%s has the places %v", h.Name, places[h.Name])
		}
		delete(places, h.Name)
	}
	for name, where := range places {
		t.Errorf("%s is no field of HTCDS 2.0 (%v)", name, where)
	}
}

func TestFHIRPlacesAreElementPaths(t *testing.T) {
	path := regexp.MustCompile(`^[A-Z][A-Za-z]+(\.[a-z][A-Za-z0-9\-]*)+(\[x\])?$`)
	eachField(t, func(t *testing.T, e *Entity, f *Field, where string) {
		if f.FHIR != "" && !path.MatchString(f.FHIR) {
			t.Errorf("%s: %q is no element path", where, f.FHIR)
		}
	})
}

func TestMachinesFitTheirFields(t *testing.T) {
	for _, e := range Schema {
		m := e.Machine
		if m == nil {
			continue
		}
		f := mustField(t, e.Name, m.Field)
		list, ok := FindCodes(f.Codes)
		if !ok || !f.Required {
			t.Errorf("%s: the state %s has no codes or is not required", e.Name, m.Field)
			continue
		}
		if f.Merge != Ask && f.Merge != Safer {
			t.Errorf("%s: a clock would decide the state %s", e.Name, m.Field)
		}
		known := func(s string) bool { return slices.Contains(list.Codes, s) }
		reached := slices.Clone(m.Initial)
		for i := 0; i < len(reached); i++ {
			for _, s := range m.Steps[reached[i]] {
				if !slices.Contains(reached, s) {
					reached = append(reached, s)
				}
			}
		}
		for from, steps := range m.Steps {
			if !known(from) || slices.Contains(steps, from) || !slices.ContainsFunc(steps, known) {
				t.Errorf("%s: steps from %q to %v", e.Name, from, steps)
			}
		}
		slices.Sort(reached)
		if codes := slices.Sorted(slices.Values(list.Codes)); !slices.Equal(reached, codes) {
			t.Errorf("%s: the states %v can be reached, the list has %v", e.Name, reached, codes)
		}
	}
}

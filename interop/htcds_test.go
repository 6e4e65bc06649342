package interop

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"portolan/care"
)

func readHTCDS(t *testing.T, text string) Result {
	t.Helper()
	res, err := ReadHTCDS(strings.NewReader(text), "test.csv")
	if err != nil {
		t.Fatalf("reading: %v", err)
	}
	return res
}

// found is the value or the elements that a case has for collection.field.
func found(c Case, collection, field string) string {
	for _, d := range c.Drafts {
		if d.Collection != collection {
			continue
		}
		if v, ok := d.Set[field]; ok {
			return plain(v)
		}
		if l := d.Add[field]; l != nil {
			return strings.Join(l, "+")
		}
	}
	return ""
}

// kept is what was set aside under a path: value and reason.
func kept(c Case, path string) string {
	var all []string
	for _, a := range c.SetAside {
		if a.Path == path {
			all = append(all, a.Value+" ("+a.Reason+")")
		}
	}
	return strings.Join(all, ", ")
}

func TestATableCell(t *testing.T) {
	for _, c := range []struct {
		column, cell string
		place, value string // collection.field
		aside        string
	}{
		{"prs_FirstName", "ኣስመረት", "identities.given_name", "ኣስመረት", ""},
		{"prs_First_Name", "Ana", "identities.given_name", "Ana", ""},
		{"PRS_first_name", "Ana", "identities.given_name", "Ana", ""},
		{"person/prs_First_Name", "Ana", "identities.given_name", "Ana", ""},
		{"prs_Birthdate", "1998-04-12", "identities.birth_date", "1998-04-12", ""},
		{"prs_Birthdate", "1998", "identities.birth_date", "1998", ""},
		{"prs_Birthdate", "12/04/1998", "identities.birth_date", "", "12/04/1998 (wrong_type)"},
		{"prs_Birthdate", "1998-02-30", "identities.birth_date", "", "1998-02-30 (wrong_type)"},
		{"prs_Birthdate", "unknown", "identities.birth_date", `{"absent":"unknown"}`, ""},
		{"prs_Citizenship", "NP", "survivors.citizenships", "NP", ""},
		{"prs_Citizenship", "NPL;IND", "survivors.citizenships", "NP+IN", ""},
		{"prs_Citizenship", "NP, IN", "survivors.citizenships", "NP+IN", ""},
		{"prs_PrimaryLanguage", "BUR", "survivors.primary_language", "my", ""},
		{"prs_PrimaryLanguage", "TIR", "survivors.primary_language", "ti", ""},
		{"prs_NumberOfChildren", "two", "survivors.number_of_children", "", "two (wrong_type)"},
		{"prs_NumberOfChildren", "2", "survivors.number_of_children", "2", ""},
		{"prs_Deceased", "FALSE", "survivors.deceased", "false", ""},
		{"prs_MailingLatitude", "27.7", "identities.mailing_latitude", "27.7", ""},
		{"vic_RelationshipToTrafficker", "Unaquainted", "trafficking_contexts.relationship_to_trafficker", "Unaquainted", ""},
		{"vic_MethodsOfControl", "DebtBondage;TakesEarnings", "trafficking_contexts.control_methods", "DebtBondage+TakesEarnings", ""},
		{"vic_MethodsOfControl", "DebtBondage | TakesEarnings", "trafficking_contexts.control_methods", "DebtBondage+TakesEarnings", ""},
		{"vic_Methods_of_Control", "DebtBondage TakesEarnings", "trafficking_contexts.control_methods", "DebtBondage+TakesEarnings", ""},
		{"vic_MethodsOfControl", "DebtBondage;Not in the list", "trafficking_contexts.control_methods", "DebtBondage", "Not in the list (unknown_code)"},
		{"vic_MethodsOfControl", "RestrictsMovement", "trafficking_contexts.control_methods", "RestrictsMovement", ""},
		{"vic_MethodsOfControl", "takes_earnings", "trafficking_contexts.control_methods", "TakesEarnings", ""},
		{"vic_ForcedLabourIndustry", "T_DomesticWork", "trafficking_contexts.labour_industry", "", "T_DomesticWork (unknown_code)"},
		{"cas_Status", "Closed", "cases.status", "Closed", ""},
		{"cas_CaseOwner", "somebody", "cases.owner", "", "somebody (no_such_reference)"},
		{"cas_OutgoingReferralDate", "2026-05-01", "referrals.outgoing_on", "2026-05-01", ""},
		{"cco_CaseComment", "=2+5 must stay text", "notes.text", "=2+5 must stay text", ""},
		{"cco_CaseComment", "a\r\nb", "notes.text", "a\nb", ""},
		{"prs_SecondName", "two\nlines", "identities.family_name", "", "two\nlines (wrong_type)"},
		{"prs_SecondName", strings.Repeat("a", care.TextBytesMax+1), "identities.family_name", "", strings.Repeat("a", care.TextBytesMax+1) + " (too_long)"},
		{"spl_Type", "Livelihood", "plans.kind", "Livelihood", ""},
		{"con_Consent", "true", "consents.decision", "", "true (not_allowed)"},
		{"favourite_colour", "green", "survivors.favourite_colour", "", "green (unknown_field)"},
		{"org_Name", "Some house", "organisations.name", "", "Some house (unknown_field)"},
	} {
		t.Run(c.column+"="+c.cell[:min(len(c.cell), 20)], func(t *testing.T) {
			quoted := `"` + strings.ReplaceAll(c.cell, `"`, `""`) + `"`
			res := readHTCDS(t, "prs_Title,"+c.column+"\n,"+quoted+"\n")
			collection, field, _ := strings.Cut(c.place, ".")
			if got := found(res.Cases[0], collection, field); got != c.value {
				t.Errorf("%s is %q, want %q", c.place, got, c.value)
			}
			if got := kept(res.Cases[0], c.column); got != c.aside {
				t.Errorf("set aside %q, want %q", got, c.aside)
			}
		})
	}
}

func TestEveryFieldOfTheStandardHasItsPlace(t *testing.T) {
	for _, f := range care.HTCDSFields {
		if strings.HasPrefix(f.Name, "org_") || foldName(f.Name) == noPermission {
			continue
		}
		if _, ok := htcdsPlaces[foldName(f.Name)]; !ok {
			t.Errorf("%s has no place", f.Name)
		}
	}
}

func TestATable(t *testing.T) {
	t.Run("a byte order mark, semicolons and line breaks in quotes", func(t *testing.T) {
		res := readHTCDS(t, "\ufeffprs_FirstName;cas_IncomingReferralDetails\r\nAna;\"one, \"\"two\"\"\r\nthree\"\r\n")
		if got := found(res.Cases[0], "referrals", "incoming_details"); got != "one, \"two\"\nthree" {
			t.Errorf("details %q", got)
		}
	})
	t.Run("a cell without a column's name is kept", func(t *testing.T) {
		res := readHTCDS(t, "prs_FirstName\nAna,stray\n")
		if got := kept(res.Cases[0], ""); got != "" {
			t.Errorf("the path is empty: %q", got)
		}
		if got := kept(res.Cases[0], "column 2"); got != "stray (unknown_field)" {
			t.Errorf("kept %q", got)
		}
	})
	t.Run("an alias alone is a whole case", func(t *testing.T) {
		res := readHTCDS(t, "prs_FirstName,prs_Gender\n,NonSpecifiedUnknown\n")
		c := res.Cases[0]
		if got := found(c, "cases", "status"); got != "Active" {
			t.Errorf("status %q", got)
		}
		if got := found(c, "survivors", "alias"); got != `{"absent":"not_recorded"}` {
			t.Errorf("alias %q", got)
		}
		if found(c, "identities", "given_name") != "" || found(c, "survivors", "birth_year") != "" {
			t.Error("an identity was made of nothing")
		}
	})
	t.Run("a name never stands outside the vault", func(t *testing.T) {
		res := readHTCDS(t, "prs_FirstName,prs_SecondName,prs_Birthdate\nQuillonwick,Zephyranth,1998-04-12\n")
		for _, d := range res.Cases[0].Drafts {
			text := fmt.Sprint(plainSet(d))
			if d.Collection != "identities" && (strings.Contains(text, "Quillonwick") || strings.Contains(text, "Zephyranth")) {
				t.Errorf("%s holds a name", d.Collection)
			}
		}
		if got := found(res.Cases[0], "survivors", "birth_year"); got != "1998" {
			t.Errorf("birth year %q", got)
		}
	})
	t.Run("incoming and outgoing are two referrals", func(t *testing.T) {
		res := readHTCDS(t, "cas_IncomingReferralDate,cas_OutgoingReferralDate\n2026-01-01,2026-02-01\n")
		if res.Taken["referrals"] != 2 {
			t.Errorf("taken %v", res.Taken)
		}
	})
	t.Run("formulas are counted", func(t *testing.T) {
		res := readHTCDS(t, "prs_FirstName,prs_MobilePhone,cco_CaseComment\n=HYPERLINK(1),+977 98,@sum\n")
		if res.Notes[NoteFormula] != 2 { // a phone number is none
			t.Errorf("notes %v", res.Notes)
		}
	})
}

func plainSet(d Draft) []string {
	var l []string
	for _, v := range d.Set {
		l = append(l, string(v))
	}
	return l
}

func TestTheKeyOfARow(t *testing.T) {
	keys := func(text string) []string {
		var l []string
		for _, c := range readHTCDS(t, text).Cases {
			l = append(l, c.Key)
		}
		return l
	}
	twice := keys("prs_FirstName,prs_Gender\nAna,Feminine\nAna,Feminine\n")
	if twice[0] == twice[1] {
		t.Error("two people who are described alike have one key")
	}
	if again := keys("prs_FirstName,prs_Gender\nAna,Feminine\nAna,Feminine\n"); !slices.Equal(twice, again) {
		t.Error("the same table has other keys")
	}
	if moved := keys("prs_Gender,prs_Title,prs_FirstName\nFeminine,,Ana\n"); moved[0] != twice[0] {
		t.Error("a column that moved makes another person")
	}
	named := keys("_uuid,prs_FirstName\nu1,Ana\nu1,Bea\nu2,Ana\n")
	if named[0] != "id:u1" || named[1] == named[0] || named[2] != "id:u2" {
		t.Errorf("keys %v", named)
	}
}

const submission = `<?xml version="1.0"?><data id="htcds" version="v1"><start>2026-05-01T09:00:00.000+05:45</start>
<prs_First_Name>Ana</prs_First_Name><vic_Methods_of_Control>DebtBondage ExcessiveWorkingHours Unlisted code kept</vic_Methods_of_Control>
<hte><hte_Type>Transit</hte_Type><hte_Country>KW</hte_Country></hte><hte><hte_Type>Exploitation</hte_Type></hte>
<own_question>an answer</own_question>
<__version__>v1</__version__><meta><instanceID>uuid:1</instanceID></meta></data>`

func TestASubmission(t *testing.T) {
	res := readHTCDS(t, submission)
	c := res.Cases[0]
	if res.Source != "htcds_xform" || c.Key != "uuid:1" {
		t.Errorf("source %q, key %q", res.Source, c.Key)
	}
	if got := found(c, "trafficking_contexts", "control_methods"); got != "DebtBondage+ExcessiveWorkingHours" {
		t.Errorf("methods of control %q", got)
	}
	if got := kept(c, "vic_Methods_of_Control"); got != "Unlisted code kept (unknown_code)" {
		t.Errorf("kept %q", got)
	}
	if got := kept(c, "own_question"); got != "an answer (unknown_field)" {
		t.Errorf("kept %q", got)
	}
	if res.Taken["exploitation_events"] != 2 {
		t.Errorf("a repeated group is not two events: %v", res.Taken)
	}
	if got := kept(c, "data"); got != "data@id=htcds\ndata@version=v1\nstart=2026-05-01T09:00:00.000+05:45\n__version__=v1\ninstanceID=uuid:1 (no_place_for_it)" {
		t.Errorf("provenance %q", got)
	}
}

func TestUnreadableHTCDS(t *testing.T) {
	const secret = "Quillonwick"
	for _, c := range []struct{ name, text, code, says string }{
		{"nothing", " \n", "import_empty", ""},
		{"no table of the standard", "name,age\n" + secret + ",7\n", "import_not_htcds", ""},
		{"a quote that does not end", "prs_FirstName,prs_Gender\nAna,Feminine\n\"" + secret + ",Feminine\n", "import_malformed", "line 3"},
		{"a quote inside a cell", "prs_FirstName\n" + secret + "\"x\n", "import_malformed", "line 2"},
		{"not UTF-8", "prs_FirstName\n" + secret + "\xff\n", "import_not_utf8", "line 2, column 12"},
		{"broken XML", "<data>\n<prs_First_Name>" + secret + "</prs_Second_Name></data>", "import_malformed", "line 2"},
		{"two documents", submission + submission[len(`<?xml version="1.0"?>`):], "import_malformed", ""},
		{"an entity of its own", `<!DOCTYPE d [<!ENTITY x "` + secret + `">]><data><prs_First_Name>&x;</prs_First_Name></data>`, "import_malformed", ""},
		{"no XForm of the standard", "<data><name>" + secret + "</name></data>", "import_not_htcds", ""},
		{"too deep", strings.Repeat("<a>", DepthMax+1) + strings.Repeat("</a>", DepthMax+1), "import_too_deep", ""},
		{"too many columns", "prs_FirstName" + strings.Repeat(",x", ColumnsMax) + "\n", "import_too_many_records", ""},
		{"too many rows", "prs_FirstName\n" + strings.Repeat("a\n", RecordsMax+1), "import_too_many_records", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadHTCDS(strings.NewReader(c.text), "x")
			unreadable(t, err, c.code, c.says, secret)
		})
	}
	t.Run("too large", func(t *testing.T) {
		_, err := ReadHTCDS(strings.NewReader(strings.Repeat("x", FileBytesMax+1)), "x")
		unreadable(t, err, "import_too_large", "", secret)
	})
}

// unreadable checks that an error has its code, names the place and holds
// nothing of what stands there.
func unreadable(t *testing.T, err error, code, says, secret string) {
	t.Helper()
	var known *care.Error
	if !errors.As(err, &known) || known.Code != code {
		t.Fatalf("error %v, want the code %s", err, code)
	}
	if !strings.Contains(err.Error(), says) {
		t.Errorf("%q does not say %q", err, says)
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("the error repeats what stands in the file: %q", err)
	}
}

// TestARowWithEverything fills in every field of the standard and finds each
// answer where the schema says.
func TestARowWithEverything(t *testing.T) {
	var header, row []string
	want := map[string]string{} // collection.field → value
	for _, f := range care.HTCDSFields {
		p, ok := htcdsPlaces[foldName(f.Name)]
		if !ok || foldName(f.Name) == noPermission {
			continue
		}
		answer := map[care.Type]string{care.Text: "Words of " + f.Name, care.LongText: "Lines of " + f.Name, care.Date: "2025-03-04",
			care.Int: "3", care.Decimal: "12.5", care.Bool: "true"}[p.field.Type]
		if p.field.Codes != "" {
			l, ok := care.FindCodes(p.field.Codes)
			if !ok || len(l.Codes) == 0 {
				t.Fatalf("%s has no codes", f.Name)
			}
			answer = l.Codes[0]
		}
		if answer == "" { // cas_CaseOwner names a colleague, who is no record of the file
			continue
		}
		header, row = append(header, f.Name), append(row, answer)
		want[p.collection+"."+p.field.Name] = answer
	}
	res := readHTCDS(t, strings.Join(header, ",")+"\n"+strings.Join(row, ",")+"\n")
	lawful(t, res)
	c := res.Cases[0]
	if len(c.SetAside) > 0 || len(want) < 60 {
		t.Errorf("%d answers, set aside: %v", len(want), c.SetAside)
	}
	values := map[string]bool{}
	for _, d := range c.Drafts {
		for name, v := range d.Set {
			values[d.Collection+"."+name+"="+plain(v)] = true
		}
		for name, l := range d.Add {
			values[d.Collection+"."+name+"="+l[0]] = true
		}
	}
	for at, answer := range want {
		if !values[at+"="+answer] {
			t.Errorf("%s is not %q", at, answer)
		}
	}
}

package ops

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portolan/care"
	"portolan/collections"
)

const importedTable = "prs_FirstName,prs_SecondName,prs_Gender,vic_MethodsOfControl,cas_Status\n" +
	"Quillonwick,Zephyranth,Feminine,DebtBondage;Not in the list,Active\n" +
	"Marrowfen,Zephyranth,Masculine,,Active\n"

const importedBundle = `{"resourceType":"Bundle","type":"collection","entry":[
{"fullUrl":"urn:uuid:p","resource":{"resourceType":"Patient","id":"p","name":[{"family":"Quillonwick"}]}},
{"fullUrl":"urn:uuid:m","resource":{"resourceType":"MedicationStatement","id":"m","status":"active","subject":{"reference":"urn:uuid:p"},"medicationCodeableConcept":{"text":"Paracetamol"}}},
{"fullUrl":"urn:uuid:o","resource":{"resourceType":"Observation","id":"o","status":"final","subject":{"reference":"urn:uuid:p"},"code":{"text":"Weight"},"valueQuantity":{"value":61,"code":"kg"}}}]}`

// importConsole is a console with a hub, a coordinator and files.
func importConsole(t *testing.T, files map[string]string) *console {
	t.Helper()
	c := newConsole(t)
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "coordinator")
	c.secondFactor(t, "ana")
	for name, text := range files {
		c.file(t, name, text)
	}
	return c
}

func (c *console) file(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(c.env.Path(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// hub opens the console's hub for a look, and closes it.
func (c *console) hub(t *testing.T, look func(*collections.Hub)) {
	t.Helper()
	c.hubIn(t, "hub", look)
}

func (c *console) hubIn(t *testing.T, dir string, look func(*collections.Hub)) {
	t.Helper()
	hub, done, err := c.env.OpenHub(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	look(hub)
}

func (c *console) rows(t *testing.T, collection string) (rows []care.Row) {
	t.Helper()
	c.hub(t, func(hub *collections.Hub) {
		var err error
		if rows, err = hub.List(t.Context(), hub.HubActor(), collections.Query{Collection: collection}); err != nil {
			t.Fatal(err)
		}
	})
	return rows
}

// changes counts the change log of a hub that verifies.
func (c *console) changes(t *testing.T) (n int) {
	t.Helper()
	c.hub(t, func(hub *collections.Hub) {
		faults, err := hub.Verify(t.Context(), func(count collections.Count) {
			if count.What == "changes" {
				n = count.N
			}
		})
		if err != nil || len(faults) > 0 || n == 0 {
			t.Fatalf("verify: %d changes, %v %v", n, faults, err)
		}
	})
	return n
}

func TestAnImportSaysWhatItTookAndNoMore(t *testing.T) {
	c := importConsole(t, map[string]string{"people.csv": importedTable, "one.json": importedBundle})
	out := c.must(t, ExitOK, "import", "htcds", "--dir", "hub", "people.csv")
	for _, want := range []string{"people.csv: 2 people", "cases 2", "identities 2", "unknown_code 1"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	out += c.must(t, ExitOK, "import", "fhir", "--dir", "hub", "one.json")
	for _, name := range []string{"Quillonwick", "Zephyranth", "Not in the list", "Paracetamol"} {
		if strings.Contains(out, name) {
			t.Errorf("it shows %s", name)
		}
	}
	if rows := c.rows(t, "set_asides"); len(rows) != 1 || rows[0].Text("value") != "Not in the list" || rows[0].Text("path") != "vic_MethodsOfControl" || rows[0].Text("status") != "open" {
		t.Errorf("kept aside: %v", rows)
	}
	for _, r := range c.rows(t, "cases") {
		if r.Get("owner").IsSet() || r.Org == "" {
			t.Errorf("a case of nobody has the owner %s in %q", r.Get("owner"), r.Org)
		}
	}
}

func TestASecondImportChangesNothing(t *testing.T) {
	c := importConsole(t, map[string]string{"people.csv": importedTable, "one.json": importedBundle})
	both := func() {
		c.must(t, ExitOK, "import", "htcds", "--dir", "hub", "people.csv")
		c.must(t, ExitOK, "import", "fhir", "--dir", "hub", "one.json")
	}
	both()
	first := c.changes(t)
	both()
	if second := c.changes(t); second != first {
		t.Errorf("%d changes after the second import, %d after the first", second, first)
	}
	t.Run("nor what somebody corrected since", func(t *testing.T) {
		medicine := c.rows(t, "medicines")[0]
		c.hub(t, func(hub *collections.Hub) {
			receipts, err := hub.Do(t.Context(), hub.HubActor(), collections.Draft{Collection: "medicines", Record: medicine.ID, Set: map[string]care.Value{"substance": care.OfText("Ibuprofen")}})
			if err != nil || collections.Refused(receipts) != nil {
				t.Fatal(err, receipts)
			}
		})
		both()
		if got := c.rows(t, "medicines")[0].Text("substance"); got != "Ibuprofen" {
			t.Errorf("the correction became %q", got)
		}
		if n := c.changes(t); n != first+1 {
			t.Errorf("%d changes, want %d", n, first+1)
		}
	})
}

func TestANewerFileChangesOnlyWhatIsNew(t *testing.T) {
	c := importConsole(t, map[string]string{"one.json": importedBundle,
		"newer.json": strings.Replace(importedBundle, `"status":"active"`, `"status":"stopped"`, 1)})
	c.must(t, ExitOK, "import", "fhir", "--dir", "hub", "one.json")
	first := c.changes(t)
	out := c.must(t, ExitOK, "import", "fhir", "--dir", "hub", "newer.json")
	if n := c.changes(t); n != first+1 || !strings.Contains(out, "medicines 1") {
		t.Errorf("%d changes more:\n%s", n-first, out)
	}
	if got := c.rows(t, "medicines")[0].Text("status"); got != "stopped" {
		t.Errorf("the medicine is %q", got)
	}
	// The older file does not come back over the newer.
	c.must(t, ExitOK, "import", "fhir", "--dir", "hub", "one.json")
	if n := c.changes(t); n != first+1 {
		t.Errorf("the older file made %d changes", n-first-1)
	}
}

func TestWhatTheDoorHoldsIsCounted(t *testing.T) {
	c := importConsole(t, map[string]string{"one.json": importedBundle, "newer.json": strings.Replace(importedBundle, `"value":61`, `"value":16`, 1)})
	c.must(t, ExitOK, "import", "fhir", "--dir", "hub", "one.json")
	out := c.must(t, ExitOK, "import", "fhir", "--dir", "hub", "newer.json") // a measurement is written once
	if !strings.Contains(out, "held           1") {
		t.Errorf("it does not say what was held:\n%s", out)
	}
	first := c.changes(t)
	c.must(t, ExitOK, "import", "fhir", "--dir", "hub", "newer.json")
	if n := c.changes(t); n != first {
		t.Error("what is held is held again")
	}
}

func TestAnImportThatBrokeOffGoesOn(t *testing.T) {
	c := importConsole(t, map[string]string{"one.json": importedBundle})
	f, err := os.Open(filepath.Join(c.env.WorkDir, "one.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	res, err := (&importer{kind: "fhir"}).read(f, "one.json")
	if err != nil {
		t.Fatal(err)
	}
	c.hub(t, func(hub *collections.Hub) { // the ids are reserved, and changes are in, but that they are is not noted
		drafts := res.Cases[0].Drafts[:2]
		ids, err := hub.ImportIDs(t.Context(), res.Source, drafts[0].Key, drafts[1].Key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := hub.Do(t.Context(), hub.HubActor(), collections.Draft{Collection: drafts[0].Collection, Record: ids[0].ID, Set: drafts[0].Set, Add: drafts[0].Add},
			collections.Draft{Collection: drafts[1].Collection, Record: ids[1].ID, Case: ids[0].ID, Set: drafts[1].Set, Add: drafts[1].Add}); err != nil {
			t.Fatal(err)
		}
	})
	c.must(t, ExitOK, "import", "fhir", "--dir", "hub", "one.json")
	for collection, want := range map[string]int{"cases": 1, "identities": 1, "medicines": 1, "observations": 1} {
		if n := len(c.rows(t, collection)); n != want {
			t.Errorf("%d %s", n, collection)
		}
	}
	first := c.changes(t)
	c.must(t, ExitOK, "import", "fhir", "--dir", "hub", "one.json")
	if n := c.changes(t); n != first {
		t.Errorf("%d changes more", n-first)
	}
}

func TestAnImportForSomebody(t *testing.T) {
	c := importConsole(t, map[string]string{"people.csv": importedTable})
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ben", "--role", "outreach")
	c.must(t, ExitForbidden, "import", "htcds", "--dir", "hub", "--as", "ben", "people.csv")
	c.vars[PasswordVariable] = "another password entirely"
	c.must(t, ExitForbidden, "import", "htcds", "--dir", "hub", "--as", "ana", "people.csv")
	if n := len(c.rows(t, "cases")); n != 0 {
		t.Fatalf("%d cases were imported by nobody", n)
	}
	c.vars[PasswordVariable] = password
	c.must(t, ExitOK, "import", "htcds", "--dir", "hub", "--as", "ana", "people.csv")
	c.hub(t, func(hub *collections.Hub) {
		ana, err := c.actor(t, hub, "ana")
		if err != nil {
			t.Fatal(err)
		}
		rows, err := hub.List(t.Context(), ana, collections.Query{Collection: "cases"})
		if err != nil || len(rows) != 2 || rows[0].Text("owner") != ana.Staff {
			t.Errorf("ana sees %v %v", rows, err)
		}
	})
	first := c.changes(t)
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "eva", "--role", "coordinator")
	added := c.changes(t)
	for _, login := range []string{"ana", "eva"} { // nor does the case change hands
		if login == "eva" {
			c.secondFactor(t, login)
		}
		c.must(t, ExitOK, "import", "htcds", "--dir", "hub", "--as", login, "people.csv")
	}
	if n := c.changes(t); n != added || added == first {
		t.Errorf("%d changes more", n-added)
	}
}

func TestAFileThatCannotBeReadLeavesTheOthers(t *testing.T) {
	c := importConsole(t, map[string]string{"good.csv": importedTable, "bad.csv": "prs_FirstName\n\"Quillonwick\n", "empty.csv": ""})
	out := c.must(t, ExitFault, "import", "htcds", "--dir", "hub", "bad.csv", "missing.csv", "empty.csv", ".", "good.csv")
	for _, want := range []string{"bad.csv: import_malformed", "line 2", "missing.csv: opening", "empty.csv: import_empty", ".: this is a folder", "4 of 5 files", "good.csv: 2 people"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "Quillonwick") {
		t.Error("the error repeats the file")
	}
	for _, args := range [][]string{{"import"}, {"import", "htcds"}, {"import", "xlsx", "good.csv"}} {
		c.must(t, ExitUsage, args...)
	}
}

func TestAnImportIntoAFolderWithoutAHub(t *testing.T) {
	c := newBareConsole(t)
	c.file(t, "people.csv", importedTable)
	out := c.must(t, ExitOK, "import", "htcds", "--dir", "hub", "people.csv")
	if !strings.Contains(out, "there was no hub") {
		t.Errorf("it does not say that it made one:\n%s", out)
	}
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "coordinator")
	if rows := c.rows(t, "organisations"); len(rows) != 1 {
		t.Errorf("%d organisations", len(rows))
	}
}

func TestAnImportGoesThroughTheRunningHub(t *testing.T) {
	c := importConsole(t, map[string]string{"people.csv": importedTable})
	r := c.start(t)
	out := c.must(t, ExitOK, "import", "htcds", "--dir", "hub", "people.csv")
	if !strings.Contains(out, "people.csv: 2 people") {
		t.Errorf("it says %s", out)
	}
	rows, err := r.Hub.List(t.Context(), r.Hub.HubActor(), collections.Query{Collection: "cases"})
	if err != nil || len(rows) != 2 {
		t.Errorf("the running hub has %d cases: %v", len(rows), err)
	}
}

package collections_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
)

// Each way of damaging a hub's database that a bad disk, a restored file or a
// person with a SQL shell could bring about is found.
func TestVerifyFindsWhatIsWrong(t *testing.T) {
	damage := []struct{ name, sql, finds string }{
		{"a value changed", `UPDATE survivors SET alias = CAST(SUBSTR(alias, 1, 40) || CASE SUBSTR(alias, 41, 1) WHEN X'00' THEN X'01' ELSE X'00' END || SUBSTR(alias, 42) AS BLOB)`, "field alias cannot be read: seal_damaged"},
		{"a value of another record", `UPDATE survivors SET alias = (SELECT name FROM organisations)`, "field alias cannot be read: seal_key"},
		{"a value of another field", `UPDATE survivors SET pronouns = alias`, "field pronouns cannot be read: seal_damaged"},
		{"a value in clear", `UPDATE survivors SET alias = '{}'`, "field alias cannot be read: seal_format"},
		{"a value gone", `UPDATE survivors SET alias = NULL`, "lost a value"},
		{"a change gone", `DELETE FROM changes WHERE seq = (SELECT MAX(seq) - 1 FROM changes)`, "goes from"},
		{"a change altered", `UPDATE changes SET body = CAST(SUBSTR(body, 1, 60) || CASE SUBSTR(body, 61, 1) WHEN X'00' THEN X'01' ELSE X'00' END || SUBSTR(body, 62) AS BLOB) WHERE seq = 9`, "change 9 does not open"},
		{"a change moved", `UPDATE changes SET body = (SELECT body FROM changes WHERE seq = 8) WHERE seq = 9`, "change 9 does not open"},
		{"a hash altered", `UPDATE changes SET hash = X'0000000000000000000000000000000000000000000000000000000000000000' WHERE seq = 9`, "hash chain"},
		{"a digest wrong", `UPDATE scope_digests SET digest = '00000000000000000000000000000001'`, "digest"},
		{"a case gone", `DELETE FROM cases`, "belong to no case"},
		{"a grant's column altered", `UPDATE grants SET until = '2099-01-01T00:00:00.000Z' WHERE case_id != ''`, "column until says something else than its field"},
		{"a grant's column and its field", `UPDATE grants SET until = '2099-01-01T00:00:00.000Z', routing = REPLACE(routing, '2026', '2099')`, "does not stand as it was written"},
		{"a grant given to somebody else", `UPDATE grants SET routing = REPLACE(routing, staff, org), staff = org`, "field staff does not stand as it was written"},
		{"a grant for another case", `UPDATE grants SET case_id = (SELECT id FROM organisations)`, "under another case"},
		{"a record gone", `DELETE FROM survivors`, "is not there"},
	}
	for _, d := range damage {
		t.Run(d.name, func(t *testing.T) {
			h := hubtest.New(t)
			worker, _ := h.Staff(t, care.Outreach)
			openCase(t, h, enrol(t, h, worker))
			clean(t, h, true, "")
			undo := attack(t, h, d.sql)
			clean(t, h, false, d.finds)
			undo()
		})
	}
}

func clean(t *testing.T, h *hubtest.Hub, want bool, finds string) {
	t.Helper()
	faults, err := h.Verify(context.Background(), func(collections.Count) {})
	if err != nil {
		t.Fatal(err)
	}
	if (len(faults) == 0) != want || !strings.Contains(strings.Join(faults, "\n"), finds) {
		t.Errorf("the verification finds %q, want a fault with %q", faults, finds)
	}
}

// attack does what the triggers forbid, and returns how to undo it.
func attack(t *testing.T, h *hubtest.Hub, sql string) (undo func()) {
	t.Helper()
	exec := func(sql string) {
		if _, err := h.App().NonconcurrentDB().NewQuery(sql).Execute(); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	copyOf := h.Dir() + "/before.db"
	exec(`VACUUM INTO '` + copyOf + `'`)
	var triggers []struct {
		Name string `db:"name"`
		SQL  string `db:"sql"`
	}
	if err := h.App().DB().NewQuery(`SELECT name, sql FROM sqlite_master WHERE type = 'trigger'`).All(&triggers); err != nil {
		t.Fatal(err)
	}
	for _, tr := range triggers {
		exec("DROP TRIGGER `" + tr.Name + "`")
	}
	exec(sql)
	return func() {
		exec(`ATTACH '` + copyOf + `' AS before`)
		for _, table := range []string{"survivors", "identities", "cases", "grants", "changes", "scope_digests"} {
			exec("DELETE FROM main." + table)
			exec("INSERT INTO main." + table + " SELECT * FROM before." + table)
		}
		exec(`DETACH before`)
	}
}

// TestVerifyMissesAFileThatWasAcknowledged, and none that nobody has sent yet:
// a tablet may send the record first.
func TestVerifyMissesAFileThatWasAcknowledged(t *testing.T) {
	h := hubtest.New(t)
	owner, _ := h.Staff(t, care.Outreach)
	h.Must(t, owner, collections.Draft{Collection: "cases", Record: caseID, Case: caseID, Set: map[string]care.Value{"status": care.OfText("Active"), "owner": care.OfText(owner.Staff)}})
	owner = h.Reload(t, owner.Staff)
	letter, promised := h.NewID(), h.NewID()
	for id, set := range map[string]map[string]care.Value{letter: {}, promised: {}} {
		set["kind"], set["status"], set["compartment"] = care.OfText("letter"), care.OfText("kept"), care.OfText("general")
		h.Must(t, owner, collections.Draft{Collection: "documents", Record: id, Case: caseID, Set: set})
	}
	words := []byte("what the clinic wrote")
	h.Bring(t, owner, letter, "text/plain", words, len(words))
	paper, err := h.KeepPaper(t.Context(), h.HubActor(), []byte("%PDF-1.7 a paper"), collections.Draft{Case: caseID, Org: h.Org,
		Set: map[string]care.Value{"kind": care.OfText("summary"), "status": care.OfText("prepared")}})
	if err != nil {
		t.Fatal(err)
	}
	faults := func() []string {
		t.Helper()
		list, err := h.Verify(t.Context(), func(collections.Count) {})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if list := faults(); len(list) > 0 {
		t.Errorf("a file that nobody sent is a fault: %v", list)
	}
	for _, id := range []string{letter, paper} {
		at := filepath.Join(h.FilesDir(), id[:2], id)
		whole, err := os.ReadFile(at)
		if err == nil {
			err = os.Remove(at)
		}
		if err != nil {
			t.Fatal(err)
		}
		if list := faults(); len(list) != 1 || !strings.Contains(list[0], "acknowledged") {
			t.Errorf("the file is gone: %v", list)
		}
		if err := os.WriteFile(at, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// What was lost, or damaged, can be sent again, by any document whose bytes
	// they are.
	again := h.NewID()
	h.Must(t, owner, collections.Draft{Collection: "documents", Record: again, Case: caseID, Set: map[string]care.Value{
		"kind": care.OfText("letter"), "status": care.OfText("kept"), "compartment": care.OfText("general")}})
	h.Bring(t, owner, again, "text/plain", words, len(words))
	at := filepath.Join(h.FilesDir(), letter[:2], letter)
	for what, lose := range map[string]func() error{
		"lost": func() error { return os.Remove(at) },
		"damaged": func() error {
			return os.WriteFile(at, []byte("not what was sealed, by far, and long enough for a head"), 0o600)
		},
		"empty": func() error { return os.Truncate(at, 0) },
	} {
		for _, id := range []string{letter, again} {
			if err := lose(); err != nil {
				t.Fatal(err)
			}
			if list := faults(); len(list) != 1 {
				t.Errorf("%s: %v", what, list)
			}
			h.Bring(t, owner, id, "text/plain", words, len(words))
			if list := faults(); len(list) > 0 {
				t.Errorf("%s, and sent again: %v", what, list)
			}
		}
	}
}

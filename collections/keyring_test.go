package collections_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
)

func keysDB(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, collections.KeysPath))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func mustExec(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.Exec(query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func newCase(h *hubtest.Hub, n int) []collections.Draft {
	id := fmt.Sprintf("01930000-0000-7000-8000-0000000c%04d", n)
	return []collections.Draft{
		{Collection: "cases", Record: id, Case: id, Org: h.Org, Set: map[string]care.Value{"status": care.OfText("Active")}},
		{Collection: "survivors", Case: id, Set: map[string]care.Value{"alias": care.OfText("Blue Heron")}},
	}
}

// A key that cannot be kept seals nothing: otherwise a crash would leave data
// that no key opens.
func TestDataWaitsForItsKey(t *testing.T) {
	h := hubtest.New(t)
	db := keysDB(t, h.Dir())
	count := func() (n int) {
		if err := h.App().DB().NewQuery(`SELECT COUNT(*) FROM changes`).Row(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := count()
	mustExec(t, db, `CREATE TRIGGER full BEFORE INSERT ON deks BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`)
	if _, err := h.Do(context.Background(), h.HubActor(), newCase(h, 1)...); err == nil {
		t.Error("a case was written whose keys were not")
	}
	if after := count(); after != before {
		t.Errorf("%d changes were kept whose keys were not", after-before)
	}
	mustExec(t, db, `DROP TRIGGER full`)
	h.Must(t, h.HubActor(), newCase(h, 1)...)
}

// The copy of keys.db as it was before the last case is what a crash between
// the two databases can never leave; verify says so if it is put there.
func TestKeysThatAreOlderThanTheDataAreFound(t *testing.T) {
	dir := hubtest.Dir(t)
	clock := hubtest.NewClock()
	h, err := collections.Open(collections.Config{Dir: dir, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	older := filepath.Join(t.TempDir(), "keys.db")
	if err := h.SnapshotKeys(context.Background(), older); err != nil {
		t.Fatal(err)
	}
	org := h.NewID()
	if _, err := h.Do(context.Background(), h.HubActor(), collections.Draft{Collection: "organisations", Record: org, Org: org, Set: map[string]care.Value{
		"name": care.OfText("Harbour House"), "kind": care.OfText("NGO"), "country": care.OfText("KE"), "time_zone": care.OfText("Africa/Nairobi")}}); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(older)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, collections.KeysPath), b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	again, err := collections.Open(collections.Config{Dir: dir, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	faults, err := again.Verify(context.Background(), func(collections.Count) {})
	if err != nil || !strings.Contains(strings.Join(faults, "\n"), "key_gone") {
		t.Errorf("verify: %q, %v", faults, err)
	}
}

func TestKeysOnTheDiskAreWrapped(t *testing.T) {
	h := hubtest.New(t)
	h.Must(t, h.HubActor(), newCase(h, 1)...)
	db := keysDB(t, h.Dir())
	var keks, deks, bare int
	if err := db.QueryRow(`SELECT (SELECT COUNT(*) FROM keks), (SELECT COUNT(*) FROM deks),
		(SELECT COUNT(*) FROM deks WHERE LENGTH(wrapped) < 80) + (SELECT COUNT(*) FROM keks WHERE LENGTH(wrapped) < 80)`).Scan(&keks, &deks, &bare); err != nil {
		t.Fatal(err)
	}
	if keks < 2 || deks < 3 || bare > 0 {
		t.Errorf("%d key keys, %d data keys, %d of them too short to be wrapped", keks, deks, bare)
	}
	for _, query := range []string{
		// Each with another's wrapped key in its place.
		`UPDATE deks SET wrapped = (SELECT wrapped FROM deks d WHERE d.id != deks.id LIMIT 1)`,
		`UPDATE keks SET wrapped = (SELECT wrapped FROM keks k WHERE k.id != keks.id LIMIT 1)`,
		`UPDATE deks SET kek = (SELECT id FROM keks WHERE id != deks.kek LIMIT 1)`,
	} {
		dir := copyOf(t, h.Dir())
		mustExec(t, keysDB(t, dir), query)
		other, err := collections.Open(collections.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		faults, err := other.Verify(context.Background(), func(collections.Count) {})
		if err != nil || !strings.Contains(strings.Join(faults, "\n"), "seal_") {
			t.Errorf("%s: %q, %v", query, faults, err)
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "hub")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(to, collections.KeyFileName), 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// folderPrint is what a folder holds, but for what opening SQLite touches.
func folderPrint(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), "data.db") || strings.HasPrefix(d.Name(), "auxiliary.db") {
			return err
		}
		b, err := os.ReadFile(path)
		if err == nil {
			fmt.Fprintf(&out, "%s %x\n", path, sha256.Sum256(b))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// A hub whose key is not there, cut, or another's says so and writes nothing:
// no new key over an old one, no new keys.db beside sealed data.
func TestAHubWithoutItsKeyRefusesAndWritesNothing(t *testing.T) {
	template := hubtest.Dir(t)
	key := func(dir string) string { return filepath.Join(dir, collections.KeyFileName) }
	keys := func(dir string) string { return filepath.Join(dir, collections.KeysPath) }
	other := filepath.Join(t.TempDir(), "other")
	h, err := collections.Open(collections.Config{Dir: other})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	move := func(from, to string) {
		b, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, code string
		harm       func(dir string)
	}{
		{"no key file", "key_file_missing", func(dir string) { os.Remove(key(dir)) }},
		{"a key file that was cut", "key_file_damaged", func(dir string) { os.Truncate(key(dir), 250) }},
		{"an empty key file", "key_file_damaged", func(dir string) { os.Truncate(key(dir), 0) }},
		{"another hub's key file", "key_file_wrong", func(dir string) { move(key(other), key(dir)) }},
		{"no keys.db", "keys_missing", func(dir string) { os.Remove(keys(dir)) }},
		{"another hub's keys.db", "key_file_wrong", func(dir string) { move(keys(other), keys(dir)) }},
		{"another hub's key file and keys.db", "keys_missing", func(dir string) { move(keys(other), keys(dir)); move(key(other), key(dir)) }},
		{"neither", "keys_missing", func(dir string) { os.Remove(keys(dir)); os.Remove(key(dir)) }},
	} {
		dir := copyOf(t, template)
		c.harm(dir)
		before := folderPrint(t, dir)
		h, err := collections.Open(collections.Config{Dir: dir})
		if err == nil {
			h.Close()
		}
		if care.CodeOf(err) != c.code {
			t.Errorf("%s: %v", c.name, err)
		}
		if after := folderPrint(t, dir); after != before {
			t.Errorf("%s: the folder was\n%sand is\n%s", c.name, before, after)
		}
	}
}

func TestTheFirstRunMakesAKeyFileWhereItIsAskedTo(t *testing.T) {
	dir, key := filepath.Join(t.TempDir(), "hub"), filepath.Join(t.TempDir(), "stick.key")
	for range 2 {
		h, err := collections.Open(collections.Config{Dir: dir, KeyFile: key})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file: %v, %v", info, err)
	}
	if _, err := os.Stat(filepath.Join(dir, collections.KeyFileName)); err == nil {
		t.Error("the key lies in the folder too")
	}
	if _, err := collections.Open(collections.Config{Dir: dir}); care.CodeOf(err) != "key_file_missing" {
		t.Errorf("without the stick: %v", err)
	}
	if _, err := collections.Open(collections.Config{Dir: filepath.Join(t.TempDir(), "hub"), KeyFile: filepath.Join(t.TempDir(), "no", "such", "folder")}); err == nil {
		t.Error("a key file was made in a folder that is not there")
	}
}

// TestAttack11CiphertextIsNotMovedAbout pastes sealed values wherever somebody
// with a SQLite shell could, and reads them through the hub's doors: nothing
// comes out, and verify names the field.
func TestAttack11CiphertextIsNotMovedAbout(t *testing.T) {
	for _, c := range []struct{ name, sql string }{
		{"from another field", `UPDATE survivors SET pronouns = alias`},
		{"from another record of the case", `UPDATE survivors SET alias = (SELECT o.alias FROM survivors o WHERE o.case_id = survivors.case_id AND o.id != survivors.id)`},
		{"from another case", `UPDATE survivors SET alias = (SELECT o.alias FROM survivors o WHERE o.case_id != survivors.case_id LIMIT 1)`},
		{"from another collection", `UPDATE survivors SET alias = (SELECT n.text FROM notes n WHERE n.case_id = survivors.case_id) WHERE case_id IN (SELECT case_id FROM notes)`},
		{"from another compartment", `UPDATE identities SET given_name = (SELECT s.alias FROM survivors s WHERE s.case_id = identities.case_id LIMIT 1)`},
		{"with a bit flipped", `UPDATE survivors SET alias = CAST(SUBSTR(alias, 1, LENGTH(alias) - 1) || CASE SUBSTR(alias, -1) WHEN X'00' THEN X'01' ELSE X'00' END AS BLOB)`},
		{"cut", `UPDATE survivors SET alias = CAST(SUBSTR(alias, 1, LENGTH(alias) - 1) AS BLOB)`},
		{"cut to its header", `UPDATE survivors SET alias = CAST(SUBSTR(alias, 1, 10) AS BLOB)`},
		{"under a case that it is not of", `UPDATE survivors SET case_id = (SELECT c.id FROM cases c WHERE c.id != survivors.case_id LIMIT 1)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := hubtest.New(t)
			for n := 1; n <= 2; n++ {
				drafts := newCase(h, n)
				drafts = append(drafts, drafts[1])
				drafts = append(drafts, collections.Draft{Collection: "notes", Case: drafts[0].Record, Set: map[string]care.Value{"kind": care.OfText("visit"), "text": care.OfText("Blue Heron came")}},
					collections.Draft{Collection: "identities", Case: drafts[0].Record, Set: map[string]care.Value{"given_name": care.OfText("Invented")}})
				h.Must(t, h.HubActor(), drafts...)
			}
			clean(t, h, true, "")
			undo := attack(t, h, c.sql)
			clean(t, h, false, "seal_")
			for _, collection := range []string{"survivors", "identities"} {
				rows, err := h.List(context.Background(), h.HubActor(), collections.Query{Collection: collection})
				if err == nil && collection == "survivors" != strings.Contains(c.name, "compartment") {
					t.Errorf("%s are listed as if nothing were: %d", collection, len(rows))
				}
			}
			undo()
		})
	}
}

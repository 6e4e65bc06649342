package collections_test

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"portolan/internal/hubtest"
)

const newerProgram = "PORTOLAN_TEST_NEWER_PROGRAM"

// TestAnUpgradeIsPrecededByACopy: a program with one step more copies what it
// finds before it takes the step, once; a new hub has nothing to copy.
func TestAnUpgradeIsPrecededByACopy(t *testing.T) {
	if dir := os.Getenv(newerProgram); dir != "" {
		core.AppMigrations.Register(func(app core.App) error {
			_, err := app.DB().NewQuery(`CREATE TABLE from_the_future (id INTEGER PRIMARY KEY)`).Execute()
			return err
		}, nil, "29991231000000_future.go")
		h := openWith(t, dir, nil)
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		return
	}
	dir := hubtest.Dir(t)
	copies := func() []string {
		t.Helper()
		l, err := filepath.Glob(filepath.Join(dir, "before-upgrade-*"))
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	if err := openWith(t, dir, nil).Close(); err != nil {
		t.Fatal(err)
	}
	if l := copies(); len(l) != 0 {
		t.Fatalf("without a new step it copies %v", l)
	}
	for range 2 {
		newer := exec.Command(os.Args[0], "-test.run", "^TestAnUpgradeIsPrecededByACopy$")
		newer.Env = append(os.Environ(), newerProgram+"="+dir)
		if out, err := newer.CombinedOutput(); err != nil {
			t.Fatalf("the newer program: %v\n%s", err, out)
		}
	}
	l := copies()
	if len(l) != 1 {
		t.Fatalf("copies: %v", l)
	}
	for name, query := range map[string]string{"data.db": `SELECT COUNT(*) FROM sqlite_master WHERE name = 'from_the_future'`, "keys.db": `SELECT COUNT(*) - 1 FROM meta WHERE name = 'id'`} {
		db, err := sql.Open("sqlite", filepath.Join(l[0], name))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var n int
		if err := db.QueryRow(query).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s is not as it was before: %d %v", name, n, err)
		}
	}
}

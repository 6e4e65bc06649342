package main_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// checksums lists the migrations that a tagged version has shipped, one
// "SHA-256  file" a line. A hub somewhere has run them: what they do must not
// change any more. The list is empty before the first version.
const checksums = "pb_migrations/checksums.txt"

func TestReleasedMigrationsStayAsTheyWere(t *testing.T) {
	for i, line := range strings.Split(strings.TrimSpace(read(t, checksums)), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		want, name, ok := strings.Cut(line, "  ")
		if !ok {
			t.Errorf("%s:%d: want \"SHA-256  file\"", checksums, i+1)
			continue
		}
		b, err := os.ReadFile("pb_migrations/" + name)
		if err != nil {
			t.Errorf("a released migration is gone: %v", err)
			continue
		}
		sum := sha256.Sum256(b)
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("pb_migrations/%s was released as %s and is %s now: write a new migration", name, want, got)
		}
	}
}

// TestMigrationsHaveDates: PocketBase orders and remembers migrations by the
// base name of their file, so that a name is for ever.
func TestMigrationsHaveDates(t *testing.T) {
	load(t)
	dated := regexp.MustCompile(`^\d{14}_[a-z0-9_]+\.go$`)
	seen := 0
	for _, s := range goSources {
		if s.dir != "pb_migrations" || s.test {
			continue
		}
		registers := false
		for _, p := range importsOf(s.file) {
			registers = registers || strings.HasSuffix(p, "/pocketbase/migrations")
		}
		if dated.MatchString(path.Base(s.path)) {
			seen++
			for _, p := range importsOf(s.file) {
				if under(p, modulePath) {
					t.Errorf("%s imports %s: a frozen file must not depend on what may change", s.path, p)
				}
			}
		} else if registers && path.Base(s.path) != "schema.go" {
			t.Errorf("%s registers migrations and has no date in its name", s.path)
		}
	}
	if seen == 0 {
		t.Error("no dated migrations found")
	}
}

package main_test

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sideBySide is the test of a package that is otherwise tested alone, which
// `make test` runs under the race detector.
const sideBySide = "TestSideBySide"

// TestTheRaceDetectorWatchesWhatRunsSideBySide: in the packages that `make
// test` runs without the race detector nothing begins a goroutine; and nothing
// of ours is hidden from it where it watches.
func TestTheRaceDetectorWatchesWhatRunsSideBySide(t *testing.T) {
	load(t)
	makefile := strings.ReplaceAll(read(t, "Makefile"), "\\\n", " ")
	listed := func(name string) []string {
		m := regexp.MustCompile(`(?m)^` + name + ` = (.*)$`).FindStringSubmatch(makefile)
		if m == nil {
			t.Fatalf("the Makefile has no list %s", name)
		}
		return strings.Fields(m[1])
	}
	if got := listed("SIDE_BY_SIDE"); !slices.Equal(got, []string{"^" + sideBySide + "$$"}) {
		t.Errorf("the Makefile runs %v under the race detector", got)
	}
	var alone []string
	for _, p := range listed("ALONE") {
		dir := strings.TrimPrefix(strings.TrimPrefix(p, modulePath), "/")
		if dir == "" {
			dir = "."
		}
		alone = append(alone, dir)
	}
	for _, s := range goSources {
		if !slices.Contains(alone, s.dir) || s.path == "main.go" { // the tests beside main.go only read
			continue
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == sideBySide && strings.HasPrefix(s.dir, "pdf") {
				continue // `go test -race -run … ./pdf/...`
			}
			ast.Inspect(d, func(n ast.Node) bool {
				if begins(n) {
					t.Errorf("%s: runs beside something else, in a package that the race detector does not watch", fset.Position(n.Pos()))
				}
				return true
			})
		}
	}
	// What is not watched is named whole, and shares no memory with us.
	for _, p := range listed("UNWATCHED") {
		if !slices.Contains([]string{"modernc.org/sqlite/lib", "modernc.org/libc", "modernc.org/memory", "golang.org/x/crypto/blowfish"}, p) {
			t.Errorf("the race detector does not watch %s", p)
		}
	}
	if strings.Count(makefile, "-race=false") != 1 {
		t.Error("the race detector is turned off elsewhere than by UNWATCHED")
	}
}

// begins says whether something is run beside the rest here: by go, by a
// WaitGroup or an errgroup, by a test beside others.
func begins(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		return true
	case *ast.SelectorExpr:
		return slices.Contains([]string{"Go", "AfterFunc", "Parallel", "RunParallel", "ListenAndServe", "Serve"}, n.Sel.Name) ||
			strings.HasPrefix(n.Sel.Name, "NewServer")
	}
	return false
}

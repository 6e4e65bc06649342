// Package main_test holds what must be true of the project as a whole: which
// package may know which, what a function may weigh, which words and calls
// have no place here. Each rule has its reason beside it.
package main_test

import (
	"bytes"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const modulePath = "portolan"

// Limits on size. A longer file holds more than one noun, a longer function
// does not fit on a screen (TIGER_STYLE: 70 lines).
const (
	fileLinesMax     = 600
	functionLinesMax = 70
)

// long lists the files that are exempt from both limits, each with its reason.
var long = map[string]string{
	"pb_migrations/20261120000300_schema.go": "one list, written once by internal/schemagen from the schema",
}

// arrows is who may import whom inside the project. care is the domain and
// imports nothing of ours; the packages beside it know care and not each
// other, so that each can be read, tested and replaced alone. What two of them
// need belongs in care.
var arrows = map[string][]string{
	"care":          {},
	"locales":       {},
	"sync":          {"care"},
	"sync/simtest":  {"care", "sync"},
	"search":        {"care"},
	"seal":          {"care"},
	"audit":         {"care"},
	"signin":        {},
	"handover":      {"care"},
	"indicators":    {"care"},
	"interop":       {"care"},
	"pdf":           {"care", "locales", "pdf/typeset"},
	"capsule":       {"care"},
	"photo":         {"care"},
	"strip":         {"care"},
	"pdf/typeset":   {},
	"pb_migrations": {},
	"tablet":        {"care", "sync", "locales", "audit", "seal"},
	"collections":   {"care", "search", "sync", "seal", "audit", "signin", "photo", "strip", "handover", "pb_migrations"},
	"hooks":         {"care", "search", "sync", "seal", "audit", "handover", "indicators", "interop", "pdf", "capsule", "locales", "collections", "signin", "web"},
	"ops":           {"care", "sync", "seal", "audit", "handover", "indicators", "interop", "pdf", "capsule", "locales", "collections", "hooks", "signin", "tablet", "internal/gen"},
	"web":           {},
	"internal/gen":  {"care", "sync"},
}

// pocketBaseSide may import PocketBase; nothing else does, so that an upgrade
// of it is read in four folders.
var pocketBaseSide = []string{".", "hooks", "collections", "pb_migrations", "internal/hubtest"}

// thirdParty is which modules from elsewhere a package may import. The tools
// under internal and the tests of a package follow the same list.
var thirdParty = map[string][]string{
	"care":          {"github.com/google/uuid"},
	"audit":         {"golang.org/x/mod"},
	"pdf":           {"github.com/jung-kurt/gofpdf", "golang.org/x/text", "rsc.io/qr"},
	"capsule":       {"github.com/fxamacker/cbor/v2", "github.com/makiuchi-d/gozxing", "golang.org/x/crypto", "golang.org/x/image", "rsc.io/qr"},
	"photo":         {"golang.org/x/image"},
	"pdf/typeset":   {"github.com/go-text/typesetting", "github.com/jung-kurt/gofpdf", "golang.org/x/image", "golang.org/x/text"},
	"search":        {"golang.org/x/text"},
	"collections":   {"github.com/pocketbase/pocketbase", "github.com/pocketbase/dbx", "github.com/google/uuid", "modernc.org/sqlite", "golang.org/x/crypto"},
	"hooks":         {"github.com/pocketbase/pocketbase", "github.com/pocketbase/dbx", "github.com/robfig/cron/v3", "golang.org/x/crypto"},
	"pb_migrations": {"github.com/pocketbase/pocketbase", "github.com/pocketbase/dbx"},
	"seal":          {"golang.org/x/crypto"},
	"tablet":        {"github.com/google/uuid", "modernc.org/sqlite"},
	"ops":           {"github.com/google/uuid", "golang.org/x/term", "golang.org/x/crypto", "modernc.org/sqlite", "rsc.io/qr"},
	"internal/gen":  {"github.com/google/uuid"},
	"internal/hubtest": {
		"github.com/pocketbase/pocketbase", "github.com/pocketbase/dbx", "github.com/google/uuid", "modernc.org/sqlite", "github.com/santhosh-tekuri/jsonschema/v6",
	},
	".":                  {"github.com/pocketbase/pocketbase", "golang.org/x/crypto"},
	"internal/specimen":  {"github.com/jung-kurt/gofpdf"},
	"internal/benchsync": {"modernc.org/sqlite"},
	"internal/kills":     {"modernc.org/sqlite"},
}

// pure packages take the time and the randomness that they need as arguments:
// the same input gives the same output, in a test and on a tablet.
var pure = []string{"care", "sync", "pdf", "pdf/typeset", "capsule", "interop", "search", "seal", "audit", "signin", "photo", "strip", "handover", "indicators", "internal/gen", "sync/simtest"}

// clockCalls of package time read or wait for the real clock.
var clockCalls = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// speakers may write to the terminal: they are the terminal's side of the
// program. Everything else returns errors or logs through slog.
var speakers = []string{".", "ops", "tablet", "internal/outside", "internal/docgen", "internal/schemagen", "internal/specimen", "internal/papers", "internal/benchsync", "internal/kills"}

// vagueWords say nothing about what a package or file holds.
var vagueWords = []string{"util", "utils", "common", "helper", "helpers", "manager", "base", "misc", "shared", "lib"}

// source is one parsed Go file.
type source struct {
	path string // slash-separated, from the root of the project
	dir  string // its folder, "." for the root
	file *ast.File
	test bool
}

var (
	fset      = token.NewFileSet()
	loadOnce  sync.Once
	goSources []source
	allFiles  []string
)

// load walks the project once, without what is built or kept beside it.
func load(t *testing.T) {
	t.Helper()
	loadOnce.Do(func() {
		err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			p = filepath.ToSlash(p)
			if d.IsDir() {
				name := d.Name()
				hidden := strings.HasPrefix(name, ".") && p != "." && name != ".ci"
				if hidden || slices.Contains([]string{"node_modules", "portolan-data", "pb_data", "bin", "test-results"}, name) {
					return filepath.SkipDir
				}
				return nil
			}
			if p == ".git" { // a work tree beside the clone names its clone
				return nil
			}
			allFiles = append(allFiles, p)
			if path.Ext(p) != ".go" {
				return nil
			}
			f, err := parser.ParseFile(fset, p, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			goSources = append(goSources, source{path: p, dir: path.Dir(p), file: f, test: strings.HasSuffix(p, "_test.go")})
			return nil
		})
		if err != nil {
			t.Fatalf("walking the project: %v", err)
		}
	})
	if len(goSources) == 0 {
		t.Fatal("no Go file found: is the test run in the project's root?")
	}
}

func importsOf(f *ast.File) []string {
	list := make([]string, 0, len(f.Imports))
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			panic(err) // the parser has accepted it
		}
		list = append(list, p)
	}
	return list
}

func under(p, module string) bool { return p == module || strings.HasPrefix(p, module+"/") }

func TestArrowsBetweenPackages(t *testing.T) {
	load(t)
	for _, s := range goSources {
		allowed, listed := arrows[s.dir]
		if !listed && s.dir != "." && !strings.HasPrefix(s.dir, "internal/") {
			t.Errorf("%s: the folder %s is not in the table of arrows: say there what it may import", s.path, s.dir)
			continue
		}
		for _, p := range importsOf(s.file) {
			if !under(p, modulePath) {
				continue
			}
			to := strings.TrimPrefix(p, modulePath+"/")
			if !listed || to == s.dir || slices.Contains(allowed, to) || s.test && testMayImport(s.dir, to) {
				continue
			}
			t.Errorf("%s imports %s: not an arrow of the table. What two packages need belongs in care.", s.path, p)
		}
	}
}

// testMayImport says which further packages a test may use: the schema and
// invented people everywhere, a real hub where the package is not pure.
func testMayImport(dir, to string) bool {
	aHub := []string{"internal/hubtest", "collections", "hooks"}
	return to == "care" || to == "internal/gen" || to == "internal/camera" || slices.Contains(aHub, to) && !slices.Contains(pure, dir)
}

func TestImportsFromElsewhere(t *testing.T) {
	load(t)
	for _, s := range goSources {
		for _, p := range importsOf(s.file) {
			first, _, _ := strings.Cut(p, "/")
			if !strings.Contains(first, ".") {
				continue
			}
			if strings.HasPrefix(p, "github.com/pocketbase/") && !slices.Contains(pocketBaseSide, s.dir) {
				t.Errorf("%s imports %s: only %s may know PocketBase", s.path, p, strings.Join(pocketBaseSide, ", "))
				continue
			}
			if s.test && !slices.Contains(pure, s.dir) && under(p, "modernc.org/sqlite") {
				continue // to look at a database past the program
			}
			if !slices.ContainsFunc(thirdParty[s.dir], func(m string) bool { return under(p, m) }) {
				t.Errorf("%s imports %s: not in the table of what %s may import from elsewhere", s.path, p, s.dir)
			}
		}
	}
}

// calls reports every use of a name of an imported package: "time", "Now".
func calls(f *ast.File, report func(pkg, name string, at token.Pos)) {
	names := map[string]string{}
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			panic(err)
		}
		name := path.Base(p)
		if name == "v2" {
			name = path.Base(path.Dir(p))
		}
		if i.Name != nil {
			name = i.Name.Name
		}
		names[name] = p
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && names[x.Name] != "" {
				report(names[x.Name], sel.Sel.Name, sel.Pos())
			}
		}
		return true
	})
}

func TestPurePackagesAreHandedClockAndDice(t *testing.T) {
	load(t)
	for _, s := range goSources {
		if s.test || !slices.Contains(pure, s.dir) {
			continue
		}
		for _, p := range importsOf(s.file) {
			if p == "math/rand" || p == "crypto/rand" || p == "os" && s.dir != "sync/simtest" || p == "net/http" || p == "database/sql" {
				t.Errorf("%s imports %s: a pure package is handed what it reads", s.path, p)
			}
		}
		calls(s.file, func(pkg, name string, at token.Pos) {
			if pkg == "time" && slices.Contains(clockCalls, name) {
				t.Errorf("%s: time.%s in a pure package: take now func() time.Time", fset.Position(at), name)
			}
			if pkg == "math/rand/v2" && !slices.Contains([]string{"New", "NewPCG", "NewChaCha8", "Rand", "PCG", "ChaCha8", "Source"}, name) {
				t.Errorf("%s: rand.%s draws from a source without a seed", fset.Position(at), name)
			}
		})
	}
}

func TestNames(t *testing.T) {
	load(t)
	word := regexp.MustCompile(`[A-Za-z0-9]+`)
	for _, s := range goSources {
		want := path.Base(s.dir)
		switch s.dir {
		case "sync":
			want = "fieldsync" // a package named sync would hide the standard one
		case ".":
			want = "main"
		}
		got := strings.TrimSuffix(s.file.Name.Name, "_test")
		if got != want && got != "main" {
			t.Errorf("%s declares package %s, its folder says %s", s.path, got, want)
		}
	}
	for _, p := range allFiles {
		stem := strings.TrimSuffix(p, path.Ext(p))
		for _, w := range word.FindAllString(stem, -1) {
			if slices.Contains(vagueWords, strings.ToLower(w)) {
				t.Errorf("%s: %q says nothing about what is in it", p, w)
			}
		}
	}
}

func TestSizes(t *testing.T) {
	load(t)
	for _, s := range goSources {
		lines := fset.File(s.file.Pos()).LineCount()
		_, exempt := long[s.path]
		if lines > fileLinesMax && !exempt {
			t.Errorf("%s has %d lines, at most %d", s.path, lines, fileLinesMax)
		}
		if s.test || exempt {
			continue
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := fset.Position(f.End()).Line - fset.Position(f.Pos()).Line + 1; n > functionLinesMax {
				t.Errorf("%s: %s has %d lines, at most %d", fset.Position(f.Pos()), f.Name.Name, n, functionLinesMax)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	load(t)
	documented := map[string]bool{}
	for _, s := range goSources {
		if s.test && s.dir != "." {
			continue
		}
		documented[s.dir] = documented[s.dir] || s.file.Doc != nil && len(s.file.Doc.Text()) > 20
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

// TestTestsRunAlways holds the promise that no test is skipped, hidden behind
// a build tag or waits for time to pass: it waits for what it waits for.
func TestTestsRunAlways(t *testing.T) {
	load(t)
	for _, s := range goSources {
		for _, group := range s.file.Comments {
			for _, c := range group.List {
				if constraint.IsGoBuild(c.Text) && (s.test || !platformsOnly(c.Text)) {
					t.Errorf("%s: a build tag (%s)", s.path, c.Text)
				}
			}
		}
		if !s.test {
			continue
		}
		calls(s.file, func(pkg, name string, at token.Pos) {
			if pkg == "time" && name == "Sleep" || pkg == "testing" && name == "Short" {
				t.Errorf("%s: %s.%s in a test", fset.Position(at), pkg, name)
			}
		})
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, sel.Sel.Name) {
				t.Errorf("%s: a test that skips proves nothing", fset.Position(sel.Pos()))
			}
			return true
		})
	}
}

// platformsOnly says whether a build constraint asks for nothing but an
// operating system or a processor.
func platformsOnly(text string) bool {
	e, err := constraint.Parse(text)
	if err != nil {
		return false
	}
	platforms := []string{"unix", "linux", "darwin", "windows", "freebsd", "amd64", "arm64", "arm"}
	only := true
	e.Eval(func(tag string) bool {
		only = only && slices.Contains(platforms, tag)
		return true
	})
	return only
}

func TestOnlyTheTerminalSidePrints(t *testing.T) {
	load(t)
	for _, s := range goSources {
		if s.test || slices.Contains(speakers, s.dir) {
			continue
		}
		calls(s.file, func(pkg, name string, at token.Pos) {
			raw := pkg == "fmt" && strings.HasPrefix(name, "Print") ||
				pkg == "log" && (strings.HasPrefix(name, "Print") || strings.HasPrefix(name, "Fatal") || strings.HasPrefix(name, "Panic")) ||
				pkg == "os" && (name == "Stdout" || name == "Stderr" || name == "Exit")
			if raw {
				t.Errorf("%s: %s.%s: return an error, or log through slog", fset.Position(at), pkg, name)
			}
		})
	}
}

// TestNothingLeftLying looks for notes to self, and for paths of the machine
// on which the project was written.
func TestNothingLeftLying(t *testing.T) {
	load(t)
	notes := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)
	machine := regexp.MustCompile(`(^|[^A-Za-z0-9_.\-])/(wo` + `rk|ro` + `ot|tmp/ba` + `sh_jobs)/`)
	for _, p := range allFiles {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Errorf("reading %s: %v", p, err)
			continue
		}
		if bytes.IndexByte(b, 0) >= 0 || strings.HasPrefix(p, "web/dist/") {
			continue // not text, or written by a tool
		}
		for i, line := range strings.Split(string(b), "\n") {
			if notes.MatchString(line) {
				t.Errorf("%s:%d: a note to self: %s", p, i+1, strings.TrimSpace(line))
			}
			if machine.MatchString(line) {
				t.Errorf("%s:%d: a path of one machine: %s", p, i+1, strings.TrimSpace(line))
			}
		}
	}
}

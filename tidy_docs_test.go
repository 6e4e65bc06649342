package main_test

import (
	"encoding/json"
	"go/ast"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// The pages that must name everything of one kind, and nothing besides.
const (
	operatingPage    = "docs/operating.md"
	httpPage         = "docs/http.md"
	apiPage          = "docs/openapi.json" // package hooks checks every answer of its tests against it
	errorsPage       = "docs/errors.md"
	dependenciesPage = "docs/dependencies.md"
)

func read(t *testing.T, p string) string {
	t.Helper()
	b, err := os.ReadFile(p)
	if err != nil {
		t.Fatalf("reading %s: %v", p, err)
	}
	return string(b)
}

// found is a set of names with the place where each was seen first.
type found map[string]string

func (f found) add(name, where string) {
	if _, ok := f[name]; !ok {
		f[name] = where
	}
}

func (f found) sorted() []string {
	list := make([]string, 0, len(f))
	for name := range f {
		list = append(list, name)
	}
	sort.Strings(list)
	return list
}

// compare reports what the program has and the page lacks, and the reverse.
func compare(t *testing.T, what, page string, program, documented found) {
	t.Helper()
	if len(program) == 0 {
		t.Fatalf("no %s found in the program: has its table moved?", what)
	}
	for _, name := range program.sorted() {
		if _, ok := documented[name]; !ok {
			t.Errorf("%s %s (%s) is not in %s", what, name, program[name], page)
		}
	}
	for _, name := range documented.sorted() {
		if _, ok := program[name]; !ok {
			t.Errorf("%s: %s %s is not in the program", documented[name], what, name)
		}
	}
}

// onPage finds a pattern's first group in a page, line by line.
func onPage(t *testing.T, page, pattern string) found {
	t.Helper()
	re, names := regexp.MustCompile(pattern), found{}
	for i, line := range strings.Split(read(t, page), "\n") {
		for _, m := range re.FindAllStringSubmatch(line, -1) {
			names.add(m[1], page+":"+strconv.Itoa(i+1))
		}
	}
	return names
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(l.Value)
	return s, err == nil
}

// commandNames reads the table of commands.
func commandNames(t *testing.T) found {
	t.Helper()
	load(t)
	names := found{}
	for _, s := range goSources {
		if s.path != "ops/commands.go" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			list, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if a, ok := list.Type.(*ast.ArrayType); ok {
				if id, ok := a.Elt.(*ast.Ident); ok && id.Name == "Command" {
					for _, e := range list.Elts {
						if c, ok := e.(*ast.CompositeLit); ok && len(c.Elts) > 0 {
							if name, ok := literal(c.Elts[0]); ok {
								names.add(name, fset.Position(c.Pos()).String())
							}
						}
					}
				}
			}
			return true
		})
	}
	return names
}

func TestEveryCommandIsDocumented(t *testing.T) {
	compare(t, "command", operatingPage, commandNames(t), onPage(t, operatingPage, `^#+ .*`+"`?"+`portolan ([a-z]+)`))
}

// TestPagesNameCommandsThatExist reads every page: whoever types what stands
// there must not be told that there is no such command.
func TestPagesNameCommandsThatExist(t *testing.T) {
	commands := commandNames(t)
	typed := regexp.MustCompile("(?:^|[`$(] ?|\\./)portolan ([a-z]+)")
	for _, p := range allFiles {
		if path.Ext(p) != ".md" {
			continue
		}
		for i, line := range strings.Split(read(t, p), "\n") {
			if strings.Contains(line, `portolan push 1\n`) {
				continue // the text that a tablet signs
			}
			for _, m := range typed.FindAllStringSubmatch(line, -1) {
				if _, ok := commands[m[1]]; !ok && m[1] != "help" {
					t.Errorf("%s:%d: there is no command %q", p, i+1, m[1])
				}
			}
		}
	}
}

// flagNames reads every flag that a command of ops or tablet defines: calls
// such as fs.String("dir", …) and fs.StringVar(&dir, "dir", …), and maps whose
// keys are spelt "--dir".
func flagNames(t *testing.T) found {
	t.Helper()
	load(t)
	kinds := []string{"String", "Bool", "Int", "Int64", "Uint", "Uint64", "Duration", "Float64", "Func", "BoolFunc"}
	names := found{}
	for _, s := range goSources {
		if s.test || s.dir != "ops" && s.dir != "tablet" && s.dir != "." {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if kv, ok := n.(*ast.KeyValueExpr); ok {
				if key, ok := literal(kv.Key); ok && strings.HasPrefix(key, "--") {
					names.add(strings.TrimPrefix(key, "--"), fset.Position(kv.Pos()).String())
				}
			}
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			at := 0
			if strings.HasSuffix(sel.Sel.Name, "Var") || sel.Sel.Name == "TextVar" {
				at = 1
			} else if !slices.Contains(kinds, sel.Sel.Name) {
				return true
			}
			if len(call.Args) < at+2 {
				return true
			}
			if name, ok := literal(call.Args[at]); ok && regexp.MustCompile(`^[a-z][a-z-]*$`).MatchString(name) {
				names.add(name, fset.Position(call.Pos()).String())
			}
			return true
		})
	}
	return names
}

func TestEveryFlagIsDocumented(t *testing.T) {
	documented := onPage(t, operatingPage, "(?:^|[ `\\[(|])--([a-z][a-z-]*)")
	delete(documented, "help")
	compare(t, "flag", operatingPage, flagNames(t), documented)
}

func TestEveryEnvironmentVariableIsDocumented(t *testing.T) {
	load(t)
	names := found{}
	variable := regexp.MustCompile(`^PORTOLAN_[A-Z_]+$`)
	for _, s := range goSources {
		if s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if e, ok := n.(ast.Expr); ok {
				if v, ok := literal(e); ok && variable.MatchString(v) {
					names.add(v, fset.Position(e.Pos()).String())
				}
			}
			return true
		})
	}
	compare(t, "environment variable", operatingPage, names, onPage(t, operatingPage, `\b(PORTOLAN_[A-Z_]+)\b`))
}

// routeNames reads what hooks binds: "GET /healthz" from calls such as
// r.GET("/healthz", …), r.Handle("GET /healthz", …) or rows of a table.
func routeNames(t *testing.T) found {
	t.Helper()
	load(t)
	methods := []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
	whole := regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) (/\S*)$`)
	names := found{}
	for _, s := range goSources {
		if s.test || s.dir != "hooks" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				sel, ok := n.Fun.(*ast.SelectorExpr)
				if ok && slices.Contains(methods, sel.Sel.Name) && len(n.Args) > 1 {
					if p, ok := literal(n.Args[0]); ok {
						names.add(sel.Sel.Name+" "+p, fset.Position(n.Pos()).String())
					}
				}
			case *ast.CompositeLit:
				if len(n.Elts) >= 2 {
					m, ok1 := rowText(n.Elts[0])
					p, ok2 := rowText(n.Elts[1])
					if ok1 && ok2 && slices.Contains(methods, m) && strings.HasPrefix(p, "/") {
						names.add(m+" "+p, fset.Position(n.Pos()).String())
					}
				}
			case *ast.BasicLit:
				if v, ok := literal(n); ok && whole.MatchString(v) {
					names.add(v, fset.Position(n.Pos()).String())
				}
			}
			return true
		})
	}
	return names
}

// rowText reads one cell of a table: a literal, http.MethodGet, or either
// behind a key.
func rowText(e ast.Expr) (string, bool) {
	if kv, ok := e.(*ast.KeyValueExpr); ok {
		e = kv.Value
	}
	if sel, ok := e.(*ast.SelectorExpr); ok && strings.HasPrefix(sel.Sel.Name, "Method") {
		return strings.ToUpper(strings.TrimPrefix(sel.Sel.Name, "Method")), true
	}
	return literal(e)
}

func TestEveryRouteIsDocumented(t *testing.T) {
	documented := found{}
	re := regexp.MustCompile("`((?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) /[^` ?]*)")
	for i, line := range strings.Split(read(t, httpPage), "\n") {
		// A route is documented by its heading or by its row; prose may name
		// routes that answer 404 on purpose.
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "| `") {
			continue
		}
		for _, m := range re.FindAllStringSubmatch(line, -1) {
			documented.add(m[1], httpPage+":"+strconv.Itoa(i+1))
		}
	}
	compare(t, "route", httpPage, routeNames(t), documented)
	forMachines := found{}
	var api struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(read(t, apiPage)), &api); err != nil {
		t.Fatalf("%s: %v", apiPage, err)
	}
	for p, methods := range api.Paths {
		for m := range methods {
			forMachines.add(strings.ToUpper(m)+" "+p, apiPage)
		}
	}
	compare(t, "route", apiPage, routeNames(t), forMachines)
}

// errorCodes reads every stable code that the program may answer with: the
// Code of an Error, constants named Code…, Held… or Reason…, and what is
// handed to a function's parameter named code, reason or why.
func errorCodes(t *testing.T) found {
	t.Helper()
	load(t)
	codes := found{"internal": "care/error.go"}
	parameters := codeParameters()
	for _, s := range goSources {
		if s.test {
			continue
		}
		add := func(e ast.Expr) {
			if v, ok := literal(e); ok && regexp.MustCompile(`^[a-z][a-z0-9_]*$`).MatchString(v) {
				codes.add(v, fset.Position(e.Pos()).String())
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if typeName(n.Type) == "Error" || typeName(n.Type) == "Held" {
					for _, e := range n.Elts {
						if kv, ok := e.(*ast.KeyValueExpr); ok && slices.Contains([]string{"Code", "Reason"}, typeName(kv.Key)) {
							add(kv.Value)
						}
					}
				}
			case *ast.ValueSpec:
				for i, name := range n.Names {
					named := codeConstant.MatchString(name.Name) && slices.Contains([]string{"", "string"}, typeName(n.Type))
					if (named || typeName(n.Type) == "Reason") && i < len(n.Values) {
						add(n.Values[i])
					}
				}
			case *ast.CallExpr:
				if at, ok := parameters[s.dir+" "+typeName(n.Fun)]; ok && at < len(n.Args) {
					add(n.Args[at])
				}
			}
			return true
		})
	}
	return codes
}

var codeConstant = regexp.MustCompile(`^(Code|Held|Reason)[A-Z]`)

// codeParameters finds the functions that take a code: "folder name" → which
// argument it is. A code of another kind, such as a language's, is told by
// what the function returns; a reason for a grant is none for a refusal.
func codeParameters() map[string]int {
	at := map[string]int{}
	for _, s := range goSources {
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || s.test {
				continue
			}
			i := 0
			for _, p := range f.Type.Params.List {
				for _, name := range p.Names {
					refuses := name.Name == "code" && returnsError(f) ||
						(name.Name == "reason" || name.Name == "why") && slices.Contains([]string{"care", "collections", "sync"}, s.dir) && !strings.HasPrefix(f.Name.Name, "grant")
					if refuses && slices.Contains([]string{"string", "Reason"}, typeName(p.Type)) {
						at[s.dir+" "+f.Name.Name] = i
					}
					i++
				}
			}
		}
	}
	return at
}

func returnsError(f *ast.FuncDecl) bool {
	if f.Type.Results == nil {
		return false
	}
	return slices.ContainsFunc(f.Type.Results.List, func(r *ast.Field) bool {
		return strings.EqualFold(typeName(r.Type), "error")
	})
}

// typeName is the last word of Name, pkg.Name or *pkg.Name.
func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.StarExpr:
		return typeName(e.X)
	}
	return ""
}

func TestEveryErrorCodeIsDocumented(t *testing.T) {
	compare(t, "error code", errorsPage, errorCodes(t), onPage(t, errorsPage, "^\\| `([a-z0-9_]+)`"))
}

func TestEveryDependencyHasItsReason(t *testing.T) {
	module := regexp.MustCompile(`^\s*(?:require )?([a-z0-9.-]+\.[a-z]+/\S+|modernc\.org/\S+) v\S+( // indirect)?$`)
	all, direct := found{}, found{}
	tools := []string{}
	for i, line := range strings.Split(read(t, "go.mod"), "\n") {
		if m := module.FindStringSubmatch(line); m != nil {
			all.add(m[1], "go.mod:"+strconv.Itoa(i+1))
			if m[2] == "" {
				direct.add(m[1], "go.mod:"+strconv.Itoa(i+1))
			}
		}
		if tool, ok := strings.CutPrefix(line, "tool "); ok {
			tools = append(tools, tool)
		}
	}
	for _, tool := range tools {
		for m, where := range all {
			if under(tool, m) {
				direct.add(m, where)
			}
		}
	}
	load(t)
	for _, s := range goSources {
		for _, p := range importsOf(s.file) {
			for m, where := range all {
				if under(p, m) {
					direct.add(m, where)
				}
			}
		}
	}
	compare(t, "module", dependenciesPage, direct, onPage(t, dependenciesPage, "^\\| `([^`]+)`"))
}

// TestReadmeGuaranteesHaveTests follows the README's table: each row of
// "guarantee | test | run" names test functions that exist where it says.
func TestReadmeGuaranteesHaveTests(t *testing.T) {
	load(t)
	tests := map[string]bool{}
	for _, s := range goSources {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test {
				tests[s.dir+" "+f.Name.Name] = true
			}
		}
	}
	row := regexp.MustCompile("^\\| .+ \\| (`Test.+) \\| `go test (?:\\./([a-z_/]+)|\\.) (-v|-run ([A-Za-z0-9]+))` \\|$")
	name := regexp.MustCompile("`(Test[A-Za-z0-9_]+)`")
	rows := 0
	for i, line := range strings.Split(read(t, "README.md"), "\n") {
		m := row.FindStringSubmatch(line)
		if m == nil {
			if strings.Contains(line, "`Test") {
				t.Errorf("README.md:%d: a test outside the form of the table", i+1)
			}
			continue
		}
		rows++
		dir := m[2]
		if dir == "" {
			dir = "."
		}
		for _, n := range name.FindAllStringSubmatch(m[1], -1) {
			if !tests[strings.TrimSuffix(dir, "/")+" "+n[1]] {
				t.Errorf("README.md:%d: there is no %s in %s", i+1, n[1], dir)
			}
			if !strings.Contains(n[1], m[4]) {
				t.Errorf("README.md:%d: -run %s does not run %s", i+1, m[4], n[1])
			}
		}
	}
	if rows == 0 {
		t.Error("README.md has no table guarantee → test → how to run it")
	}
}

var link = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)

// TestPagesAreFoundFromTheReadme follows the links from README.md: a page that
// nobody comes to might as well not be there.
func TestPagesAreFoundFromTheReadme(t *testing.T) {
	load(t)
	seen, next := map[string]bool{}, []string{"README.md"}
	for len(next) > 0 {
		p := next[0]
		next = next[1:]
		if seen[p] || path.Ext(p) != ".md" {
			continue
		}
		seen[p] = true
		for _, m := range link.FindAllStringSubmatch(read(t, p), -1) {
			to := path.Join(path.Dir(p), m[1])
			next = append(next, to)
			for _, f := range allFiles { // a link to a folder leads to its files
				if path.Dir(f) == to {
					next = append(next, f)
				}
			}
		}
	}
	for _, p := range allFiles {
		if strings.HasPrefix(p, "docs/") && path.Ext(p) == ".md" && !seen[p] {
			t.Errorf("no way leads from README.md to %s", p)
		}
	}
}

// TestLinksLead follows every relative link of every page.
func TestLinksLead(t *testing.T) {
	load(t)
	for _, p := range allFiles {
		if path.Ext(p) != ".md" {
			continue
		}
		for i, line := range strings.Split(read(t, p), "\n") {
			for _, m := range link.FindAllStringSubmatch(line, -1) {
				to := filepath.Join(filepath.Dir(p), m[1])
				if _, err := os.Stat(to); err != nil {
					t.Errorf("%s:%d: %s leads nowhere", p, i+1, m[1])
				}
			}
		}
	}
}

// TestDecisionsKeepTheirForm: five parts and at most a page.
func TestDecisionsKeepTheirForm(t *testing.T) {
	load(t)
	seen := 0
	for _, p := range allFiles {
		if !strings.HasPrefix(p, "docs/decisions/") {
			continue
		}
		seen++
		text := read(t, p)
		for _, part := range []string{"**Context.**", "**Options.**", "**Decision.**", "**Consequences.**", "**What would change our mind.**"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s has no part %s", p, part)
			}
		}
		if n := len(strings.Fields(text)); n > 500 {
			t.Errorf("%s has %d words: a page is at most 500", p, n)
		}
	}
	if seen == 0 {
		t.Error("no decisions found")
	}
}

// TestListsOfTestsNameTestsThatExist reads the pages that promise a test for
// each line. Forty attacks have forty rows, in their order.
func TestListsOfTestsNameTestsThatExist(t *testing.T) {
	load(t)
	tests := map[string]bool{}
	for _, s := range goSources {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test {
				tests[f.Name.Name] = true
			}
		}
	}
	name := regexp.MustCompile("`(Test[A-Za-z0-9_]+)`")
	for _, page := range []string{"docs/attacks.md", "docs/asvs.md", "docs/do-no-harm.md"} {
		named := 0
		for i, line := range strings.Split(read(t, page), "\n") {
			for _, m := range name.FindAllStringSubmatch(line, -1) {
				named++
				if !tests[m[1]] {
					t.Errorf("%s:%d: there is no test %s", page, i+1, m[1])
				}
			}
		}
		if named == 0 {
			t.Errorf("%s names no test", page)
		}
	}
	row := regexp.MustCompile(`(?m)^\| ([0-9]+) \| [^|]+ \| [^|]+ \| ([^|]+) \| [^|]*\|$`)
	rows := row.FindAllStringSubmatch(read(t, "docs/attacks.md"), -1)
	for i, m := range rows {
		if m[1] != strconv.Itoa(i+1) {
			t.Errorf("docs/attacks.md: row %d is numbered %s", i+1, m[1])
		}
		if !name.MatchString(m[2]) && !strings.HasPrefix(m[2], "not yet: with ") {
			t.Errorf("docs/attacks.md: case %s is not tried against the built program", m[1])
		}
	}
	if len(rows) != 40 {
		t.Errorf("docs/attacks.md has %d rows, want 40", len(rows))
	}
	// Every requirement of the levels that we hold ourselves to has its line:
	// 253 of levels 1 and 2, 7 of level 3 in V8 and V16, and 4.1.5, which
	// signed pushes are about.
	lines := regexp.MustCompile(`(?m)^\| [0-9]+\.[0-9]+\.[0-9]+ \| [123] \| (yes|part|no|–) \| .+ \|$`).FindAllString(read(t, "docs/asvs.md"), -1)
	if len(lines) != 261 {
		t.Errorf("docs/asvs.md has %d lines, want 261", len(lines))
	}
}

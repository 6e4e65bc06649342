package care

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestRulesNameFieldsThatExist reads the rules' own source: a field that was
// renamed in the schema would otherwise make its rule silently true.
func TestRulesNameFieldsThatExist(t *testing.T) {
	known := map[string]bool{}
	for _, e := range Schema {
		for _, f := range e.Fields {
			known[f.Name] = true
		}
	}
	seen := 0
	eachCall(t, func(name string, args []string, at token.Position) {
		fieldsOf := map[string]int{"Get": 1, "Text": 1, "sets": 1, "hasPlain": 1, "setsAny": 9, "became": 1, "holdSet": 1, "moved": 1, "addsNone": 1, "keepsAll": 1, "approves": 9, "twoPeople": 9, "mentions": 1}
		for i, a := range args {
			if a == "" || i >= fieldsOf[name] {
				continue
			}
			seen++
			if !known[a] {
				t.Errorf("%s: no collection has a field %q", at, a)
			}
		}
	})
	if seen < 100 {
		t.Errorf("only %d names were read; the test says little", seen)
	}
}

// eachNode walks the source of the rules.
func eachNode(t *testing.T, visit func(n ast.Node, at token.Position)) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		rule := strings.HasPrefix(n, "rules") || strings.HasPrefix(n, "consequences") || slices.Contains([]string{"check.go", "mayshare.go", "stay.go"}, n)
		if rule && !strings.HasSuffix(n, "_test.go") {
			eachNodeOf(t, n, visit)
		}
	}
}

// eachNodeOf walks the source of one file.
func eachNodeOf(t *testing.T, file string, visit func(n ast.Node, at token.Position)) {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if n != nil {
			visit(n, set.Position(n.Pos()))
		}
		return true
	})
}

// eachCall visits the calls of the rules with their plain string arguments.
func eachCall(t *testing.T, visit func(name string, args []string, at token.Position)) {
	t.Helper()
	eachNode(t, func(n ast.Node, at token.Position) {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return
		}
		name := ""
		switch f := call.Fun.(type) {
		case *ast.Ident:
			name = f.Name
		case *ast.SelectorExpr:
			name = f.Sel.Name
		}
		args := make([]string, len(call.Args))
		for i, a := range call.Args {
			args[i] = literal(a)
		}
		visit(name, args, at)
	})
}

// literal is the text of a plain string, "" for anything else.
func literal(e ast.Expr) string {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return ""
	}
	s, _ := strconv.Unquote(l.Value)
	return s
}

// TestEveryRefusalHasAMeaning, and none is left over that nothing gives.
func TestEveryRefusalHasAMeaning(t *testing.T) {
	listed := RefusalReasons()
	if !slices.IsSorted(listed) || len(slices.Compact(slices.Clone(listed))) != len(listed) {
		t.Error("the list of reasons is not sorted, or has one twice")
	}
	given := map[string]bool{}
	eachCall(t, func(name string, args []string, at token.Position) {
		i := map[string]int{"hold": 2, "holdSet": 2, "holdState": 1, "holdChanged": 1, "holdStay": 1, "needs": 3}[name]
		if i == 0 || len(args) < i || args[i-1] == "" {
			return
		}
		given[args[i-1]] = true
		if !slices.Contains(listed, args[i-1]) {
			t.Errorf("%s: %q has no meaning", at, args[i-1])
		}
	})
	// Given through a variable, or by Canonical and Score.
	through := []string{"collection_unknown", "screening_foreign_item", "screening_unknown_tool"}
	for _, r := range listed {
		if !given[r] && !slices.Contains(through, r) && !strings.HasPrefix(r, "value_") {
			t.Errorf("nothing gives the reason %q", r)
		}
		if RefusalMeaning(r) == "" {
			t.Errorf("%q means nothing", r)
		}
	}
}

// TestConsequencesWriteFieldsThatExist reads the maps that become changes.
func TestConsequencesWriteFieldsThatExist(t *testing.T) {
	known := map[string]bool{}
	for _, e := range Schema {
		for _, f := range e.Fields {
			known[f.Name] = true
		}
	}
	seen := 0
	eachNode(t, func(n ast.Node, at token.Position) {
		l, ok := n.(*ast.CompositeLit)
		if !ok {
			return
		}
		m, ok := l.Type.(*ast.MapType)
		if !ok {
			return
		}
		if v, ok := m.Value.(*ast.Ident); !ok || v.Name != "Value" {
			return
		}
		for _, e := range l.Elts {
			if k := literal(e.(*ast.KeyValueExpr).Key); k != "" {
				seen++
				if !known[k] {
					t.Errorf("%s: no collection has a field %q", at, k)
				}
			}
		}
	})
	if seen < 30 {
		t.Errorf("only %d names were read; the test says little", seen)
	}
}

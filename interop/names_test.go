package interop

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"portolan/care"
)

// TestMappingsNameFields reads the mappings and asks the schema for every
// field that they name: a field that was renamed must not turn into things set
// aside.
func TestMappingsNameFields(t *testing.T) {
	writers := map[string][]int{ // method → which arguments name fields
		"set": {0}, "write": {0}, "assume": {0}, "absent": {0}, "ref": {0}, "moment": {0}, "codeOf": {0}, "spoken": {0}, "notes": {0},
		"concept": {2, 3, 4},
	}
	mapped := []string{"survivors", "identities", "pregnancies"}
	for _, c := range collections {
		mapped = append(mapped, c)
	}
	isField := func(name string) bool {
		return slices.ContainsFunc(mapped, func(c string) bool {
			e, ok := care.Find(c)
			if !ok {
				return false
			}
			_, ok = e.Field(name)
			return ok
		})
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatalf("listing: %v", err)
	}
	named := 0
	fset := token.NewFileSet()
	for _, file := range files {
		f, err := parser.ParseFile(fset, file, nil, 0)
		if err != nil {
			t.Fatalf("parsing: %v", err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if x, isName := call.Fun.(*ast.SelectorExpr); !ok || !isName || receiver(x) != "e" {
				return true
			}
			for _, i := range writers[sel.Sel.Name] {
				lit, ok := call.Args[i].(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING || lit.Value == `""` {
					continue
				}
				name, err := strconv.Unquote(lit.Value)
				named++
				if err != nil || !isField(name) {
					t.Errorf("%s: the schema has no field %q", fset.Position(lit.Pos()), name)
				}
			}
			return true
		})
	}
	if named < 80 {
		t.Errorf("only %d names found: have the mappings moved?", named)
	}
}

func receiver(s *ast.SelectorExpr) string {
	if id, ok := s.X.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

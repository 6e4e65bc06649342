package main_test

import (
	"go/ast"
	"testing"
)

// TestWholeRecordsAreReadAsSomebody: no exported function of collections hands
// out a record, or a value with one in it, without being told who asks. What
// has no actor cannot ask whether they may see it.
func TestWholeRecordsAreReadAsSomebody(t *testing.T) {
	load(t)
	holds := map[string]bool{"Row": true, "Consents": true} // types that hold records
	for again := true; again; {
		again = false
		for _, s := range goSources {
			if s.dir != "collections" || s.test {
				continue
			}
			ast.Inspect(s.file, func(n ast.Node) bool {
				if d, ok := n.(*ast.TypeSpec); ok && ast.IsExported(d.Name.Name) && !holds[d.Name.Name] && mentionsRecord(d.Type, holds) {
					holds[d.Name.Name], again = true, true
				}
				return true
			})
		}
	}
	seen := 0
	for _, s := range goSources {
		if s.dir != "collections" || s.test {
			continue
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !f.Name.IsExported() || f.Type.Results == nil || !mentionsRecord(f.Type.Results, holds) || !onHub(f) {
				continue
			}
			seen++
			asked := false
			for _, p := range f.Type.Params.List {
				asked = asked || typeName(p.Type) == "Actor"
			}
			if !asked {
				t.Errorf("%s: %s hands out records and is not told who asks", fset.Position(f.Pos()), f.Name.Name)
			}
		}
	}
	if seen < 5 {
		t.Errorf("%d functions hand out records: the test finds too few", seen)
	}
}

// onHub says whether a function can be reached from outside: it is none of a
// type of ours that is not exported.
func onHub(f *ast.FuncDecl) bool {
	return f.Recv == nil || len(f.Recv.List) == 0 || ast.IsExported(typeName(f.Recv.List[0].Type))
}

// mentionsRecord says whether a type has a record in it, functions that it
// holds left out.
func mentionsRecord(n ast.Node, holds map[string]bool) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncType:
			return false
		case *ast.Field: // its type counts, not its name
			found = found || mentionsRecord(n.Type, holds)
			return false
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "care" {
				found = found || holds[n.Sel.Name]
			}
			return false
		case *ast.Ident:
			found = found || n.Name != "Row" && n.Name != "Consents" && holds[n.Name]
		}
		return true
	})
	return found
}

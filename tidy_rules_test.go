package main_test

import (
	"fmt"
	"go/ast"
	"regexp"
	"strings"
	"testing"
)

// rulesPage maps each do-no-harm rule to its tests.
const rulesPage = "docs/do-no-harm.md"

// TestEveryRuleHasItsTest: the page has each of R1 to R36 once, in order, with
// tests that exist or with why there is none yet; and every test that is
// called after a rule stands in that rule's row.
func TestEveryRuleHasItsTest(t *testing.T) {
	load(t)
	named := regexp.MustCompile(`^TestR(\d+)[A-Z]`)
	tests, rules := map[string]bool{}, map[string]string{} // test → the number in its name
	for _, s := range goSources {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test {
				tests[f.Name.Name] = true
				if m := named.FindStringSubmatch(f.Name.Name); m != nil {
					rules[f.Name.Name] = m[1]
				}
			}
		}
	}
	row := regexp.MustCompile(`^\| R(\d+) \| [^|]+ \| ([^|]+) \|$`)
	name := regexp.MustCompile("`(Test[A-Za-z0-9]+)`")
	next := 1
	for i, line := range strings.Split(read(t, rulesPage), "\n") {
		m := row.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		where := fmt.Sprintf("%s:%d", rulesPage, i+1)
		if m[1] != fmt.Sprint(next) {
			t.Errorf("%s: R%s where R%d should be", where, m[1], next)
		}
		next++
		listed := name.FindAllStringSubmatch(m[2], -1)
		if len(listed) == 0 && !strings.HasPrefix(m[2], "not yet") {
			t.Errorf("%s: R%s has no test, and no reason", where, m[1])
		}
		for _, l := range listed {
			if !tests[l[1]] {
				t.Errorf("%s: there is no %s", where, l[1])
			}
			if n, ok := rules[l[1]]; ok && n != m[1] {
				t.Errorf("%s: %s is called after R%s", where, l[1], n)
			}
			delete(rules, l[1])
		}
	}
	if next != 37 {
		t.Errorf("%s has %d of 36 rules", rulesPage, next-1)
	}
	for l, n := range rules {
		t.Errorf("%s is not in the row of R%s in %s", l, n, rulesPage)
	}
}

// TestEveryVerbOfTheTabletIsDocumented: what `portolan tablet` takes stands in
// its table, and nothing else does.
func TestEveryVerbOfTheTabletIsDocumented(t *testing.T) {
	verbs := found{}
	for _, m := range regexp.MustCompile(`(?m)^\t"([a-z]+)": +\{[^}]*\(\*command\)`).FindAllStringSubmatch(read(t, "tablet/command.go"), -1) {
		verbs[m[1]] = "tablet/command.go"
	}
	compare(t, "verb", operatingPage, verbs, onPage(t, operatingPage, `^\| .tablet --dir T ([a-z]+)`))
}

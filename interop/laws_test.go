package interop

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/care"
)

// lawful checks what holds of every result, whatever the file was.
func lawful(t *testing.T, res Result) {
	t.Helper()
	taken := map[string]int{}
	for _, c := range res.Cases {
		if len(c.Drafts) == 0 || c.Drafts[0].Key != c.Key || c.Drafts[0].Collection != "cases" {
			t.Fatal("a case does not begin with itself")
		}
		keys := map[string]string{}
		for _, d := range c.Drafts {
			if keys[d.Key] != "" {
				t.Fatalf("two drafts have the key of a record of %s", d.Collection)
			}
			keys[d.Key] = d.Collection
			taken[d.Collection]++
			lawfulDraft(t, d)
		}
		for _, d := range c.Drafts {
			e, _ := care.Find(d.Collection)
			for name, key := range d.Refs {
				if f, ok := e.Field(name); !ok || keys[key] != f.Ref {
					t.Errorf("%s.%s leads to %q", d.Collection, name, keys[key])
				}
			}
		}
		for _, a := range c.SetAside {
			lawfulSetAside(t, a)
		}
	}
	if !reflect.DeepEqual(taken, res.Taken) {
		t.Errorf("taken %v, counted %v", taken, res.Taken)
	}
	if l, ok := care.FindCodes("import_sources"); !ok || !l.Has(res.Source) {
		t.Errorf("the source %q is not in the list", res.Source)
	}
}

func lawfulDraft(t *testing.T, d Draft) {
	t.Helper()
	e, ok := care.Find(d.Collection)
	if !ok || e.Topic != care.NoTopic {
		t.Fatalf("%q is no collection of a case", d.Collection)
	}
	for name, v := range d.Set {
		f, ok := e.Field(name)
		if !ok || f.Merge == care.Union {
			t.Fatalf("%s.%s is set", d.Collection, name)
		}
		if c, err := care.Canonical(f, v); err != nil || !c.Equal(v) {
			t.Errorf("%s.%s is not canonical: %v", d.Collection, name, err)
		}
	}
	for name, elements := range d.Add {
		f, ok := e.Field(name)
		if !ok || f.Merge != care.Union {
			t.Fatalf("%s.%s is added to", d.Collection, name)
		}
		for _, x := range elements {
			if c, err := care.CanonicalElement(f, x); err != nil || c != x {
				t.Errorf("an element of %s.%s is not canonical: %v", d.Collection, name, err)
			}
		}
	}
	if m := missingOf(&d); m != "" {
		t.Errorf("%s has no %s", d.Collection, m)
	}
	if m := e.Machine; m != nil && !m.Allows("", d.Set[m.Field].Text()) {
		t.Errorf("%s may not begin as %s", d.Collection, d.Set[m.Field])
	}
}

func lawfulSetAside(t *testing.T, a SetAside) {
	t.Helper()
	e, ok := care.Find("set_asides")
	if !ok {
		t.Fatal("the schema has no set_asides")
	}
	for name, s := range map[string]string{"path": a.Path, "value": a.Value, "reason": a.Reason} {
		f, ok := e.Field(name)
		if !ok {
			t.Fatalf("set_asides has no %s", name)
		}
		if _, err := care.Canonical(f, care.OfText(s)); err != nil {
			t.Errorf("the %s of a set-aside does not fit: %v", name, err)
		}
	}
}

// everything is all that a result holds, as one text.
func everything(res Result) string {
	var b strings.Builder
	for _, c := range res.Cases {
		for _, d := range c.Drafts {
			for _, v := range d.Set {
				b.WriteString(plain(v) + " " + string(v) + "\n")
			}
			for _, l := range d.Add {
				b.WriteString(strings.Join(l, " ") + "\n")
			}
		}
		for _, a := range c.SetAside {
			b.WriteString(a.Value + "\n")
		}
	}
	return b.String()
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatalf("reading a fixture: %v", err)
	}
	return b
}

// TestNothingIsDropped sprinkles elements that nobody knows, each with a word
// of its own, over a bundle and asks for every word afterwards. The words that
// stand in the bundle itself are asked for too.
func TestNothingIsDropped(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 20 {
		root, err := parseTree(fixture(t, "bundle.json"))
		if err != nil {
			t.Fatalf("parsing: %v", err)
		}
		var words []string
		for _, entry := range root.get("entry").items() {
			sprinkle(r, entry.get("resource"), 0, &words)
		}
		for _, entry := range root.get("entry").items() {
			words = append(words, wordsIn(entry.get("resource"), "")...)
		}
		res, err := ReadFHIR(strings.NewReader(root.whole()))
		if err != nil {
			t.Fatalf("reading: %v", err)
		}
		lawful(t, res)
		all := everything(res)
		for _, w := range words {
			if !strings.Contains(all, w) && !strings.Contains(all, strings.Trim(quote(w), `"`)) {
				t.Errorf("lost: %s", w)
			}
		}
	}
}

// sprinkle adds members with words of their own to objects at random.
func sprinkle(r *rand.Rand, n *node, depth int, words *[]string) {
	if n == nil {
		return
	}
	for _, m := range n.members {
		sprinkle(r, m, depth+1, words)
	}
	if n.kind != '{' || r.IntN(4) > 0 {
		return
	}
	word := fmt.Sprintf("canary-%d-%d", len(*words), r.Uint32())
	*words = append(*words, word)
	leaf := &node{kind: '"', text: word}
	if r.IntN(2) == 0 {
		leaf = &node{kind: '[', members: []*node{leaf, {kind: '{', names: []string{"deeper"}, members: []*node{{kind: 'b', text: "true"}}}}}
	}
	n.names, n.members = append(n.names, "unheardOf"), append(n.members, leaf)
}

// wordsIn are the texts of a resource that must be found again: all but the
// names of resources and code systems, what FHIR calls generated, and codes
// and moments that the schema writes in its own way.
func wordsIn(n *node, name string) []string {
	if n == nil {
		return nil
	}
	if n.kind == '"' {
		if slices.Contains([]string{"id", "resourceType", "reference", "system", "code", "div", "versionId", "lastUpdated", "url", "unit", "gender", "use"}, name) {
			return nil
		}
		if _, moment := parseMoment(n.text); moment || name == "status" {
			return nil
		}
		return []string{strings.TrimPrefix(n.text, "tel:")}
	}
	var l []string
	for i, m := range n.members {
		child := name
		if n.kind == '{' {
			child = n.names[i]
		}
		// The words of a code that another code of the same meaning replaces.
		if child == "display" && slices.Contains([]string{"severity", "route", "clinicalStatus", "verificationStatus", "valueCodeableConcept", "category", "maritalStatus", "language", "interpretation"}, name) {
			continue
		}
		if n.kind == '{' && child != "display" && child != "coding" {
			l = append(l, wordsIn(m, child)...)
			continue
		}
		if child == "display" || child == "coding" && n.kind == '{' {
			l = append(l, wordsIn(m, keepName(name, child))...)
			continue
		}
		l = append(l, wordsIn(m, name)...)
	}
	return l
}

// keepName lets the codings of a concept know which concept they stand in.
func keepName(name, child string) string {
	if child == "coding" {
		return name
	}
	return child
}

func TestTheFixtureIsRead(t *testing.T) {
	res, err := ReadFHIR(bytes.NewReader(fixture(t, "bundle.json")))
	if err != nil {
		t.Fatalf("reading: %v", err)
	}
	lawful(t, res)
	for _, collection := range collections {
		if res.Taken[collection] == 0 {
			t.Errorf("the fixture has nothing for %s", collection)
		}
	}
	table, err := ReadHTCDS(bytes.NewReader(fixture(t, "table.csv")), "table.csv")
	if err != nil {
		t.Fatalf("reading: %v", err)
	}
	lawful(t, table)
	again, err := ReadHTCDS(bytes.NewReader(fixture(t, "table.csv")), "table.csv")
	if err != nil || !reflect.DeepEqual(table, again) {
		t.Errorf("the same table reads differently: %v", err)
	}
	all := everything(table)
	for _, w := range []string{"एक, दुई", "Unlisted code", "own answer", "=1+1", "stray", "42"} {
		if !strings.Contains(all, w) {
			t.Errorf("lost: %s", w)
		}
	}
}

func FuzzReadHTCDS(f *testing.F) {
	f.Add(fixture(f, "table.csv"))
	f.Add(fixture(f, "submission.xml"))
	f.Add([]byte("prs_FirstName;vic_MethodsOfControl\n\"a\nb\";DebtBondage|x\n"))
	f.Add([]byte("<data><prs_Title>\u0085</prs_Title><g><hte_Date>2020</hte_Date></g><g/></data>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		res, err := ReadHTCDS(bytes.NewReader(b), "fuzz")
		refusedOrLawful(t, res, err)
	})
}

func FuzzReadFHIR(f *testing.F) {
	f.Add(fixture(f, "bundle.json"))
	f.Add([]byte(bundleOf(`{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1e3}}`)))
	f.Add([]byte(`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","name":[{"text":"\u0000"}]}},{},{"resource":7}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		res, err := ReadFHIR(bytes.NewReader(b))
		refusedOrLawful(t, res, err)
	})
}

func refusedOrLawful(t *testing.T, res Result, err error) {
	t.Helper()
	if err == nil {
		lawful(t, res)
		return
	}
	var known *care.Error
	if !errors.As(err, &known) {
		t.Fatalf("an error without a code: %v", err)
	}
}

func TestATreeIsWrittenAsItWasRead(t *testing.T) {
	for _, text := range []string{`{"a":[1,2.50,{"b":null}],"c":"\u00e9\n<>"}`, `[]`, `{}`, `"x"`, `-0.0`} {
		n, err := parseTree([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var want, got bytes.Buffer
		if json.Compact(&want, []byte(text)) != nil || json.Compact(&got, []byte(n.whole())) != nil {
			t.Fatalf("%s became %s", text, n.whole())
		}
		var a, b any
		if json.Unmarshal(want.Bytes(), &a) != nil || json.Unmarshal(got.Bytes(), &b) != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%s became %s", text, n.whole())
		}
	}
}

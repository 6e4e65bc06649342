package gen

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"portolan/care"
)

var (
	testNow  = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	testSeed = uint64(7)
	many     = 200
)

func bytesOf(t *testing.T, seed uint64, n int) string {
	t.Helper()
	w := New(seed, testNow)
	l := []any{w.Setup()}
	for i := range n {
		l = append(l, w.Case(i))
	}
	b, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSameSeedSameBytes(t *testing.T) {
	a, b := bytesOf(t, testSeed, 30), bytesOf(t, testSeed, 30)
	if a != b {
		t.Fatal("two worlds of one seed differ")
	}
	if a == bytesOf(t, testSeed+1, 30) {
		t.Fatal("two seeds give one world")
	}
}

func TestCaseDoesNotDependOnWhatWasAskedBefore(t *testing.T) {
	w, v := New(testSeed, testNow), New(testSeed, testNow)
	for i := range 20 {
		w.Case(i)
	}
	a, _ := json.Marshal(w.Case(20))
	b, _ := json.Marshal(v.Case(20))
	if string(a) != string(b) {
		t.Fatal("a case depends on those written before it")
	}
}

// everything gives the setup and many cases, and all drafts in order.
func everything(t *testing.T) (*World, []Case, []Draft) {
	t.Helper()
	all := written()
	return all.w, all.cases, all.drafts
}

type world struct {
	w      *World
	cases  []Case
	drafts []Draft
}

var written = sync.OnceValue(func() world {
	all := world{w: New(testSeed, testNow)}
	all.drafts = all.w.Setup()
	for i := range many {
		c := all.w.Case(i)
		all.cases = append(all.cases, c)
		all.drafts = append(all.drafts, c.Drafts...)
	}
	return all
})

func TestEveryCollectionIsCovered(t *testing.T) {
	_, _, drafts := everything(t)
	records := map[string]map[string]bool{}
	for _, d := range drafts {
		if records[d.Collection] == nil {
			records[d.Collection] = map[string]bool{}
		}
		records[d.Collection][d.Record] = true
	}
	for _, e := range care.Schema {
		if len(records[e.Name]) == 0 {
			t.Errorf("nothing in %s", e.Name)
		}
	}
}

func TestEveryCanaryFieldCarriesACanary(t *testing.T) {
	w, _, drafts := everything(t)
	filled := map[string]bool{}
	owner := map[string]string{}
	for _, d := range drafts {
		e, _ := care.Find(d.Collection)
		check := func(field string, texts []string) {
			f, _ := e.Field(field)
			for _, text := range texts {
				at := max(strings.Index(text, w.CanaryPrefix()), strings.Index(text, w.CanaryDigits()))
				if f.Canary != (at >= 0) {
					t.Fatalf("%s.%s: canary field %v, canary there %v", d.Collection, field, f.Canary, at >= 0)
				}
				if at < 0 {
					continue
				}
				filled[d.Collection+"."+field] = true
				canary := text[at:]
				if other, taken := owner[canary]; taken {
					t.Fatalf("%s stands in %s and in %s.%s", canary, other, d.Collection, field)
				}
				owner[canary] = d.Collection + "." + field
			}
		}
		for field, v := range d.Set {
			texts := []string{string(v)}
			if strings.HasPrefix(string(v), `"`) {
				texts = []string{v.Text()}
			} else if m := map[string]string{}; json.Unmarshal(v, &m) == nil && v.Absent() == "" {
				texts = nil
				for _, s := range m {
					texts = append(texts, s)
				}
			} else if l := v.List(); l != nil {
				texts = l
			}
			check(field, texts)
		}
		for field, l := range d.Add {
			check(field, l)
		}
	}
	for _, e := range care.Schema {
		for _, f := range e.Fields {
			if f.Canary && !filled[e.Name+"."+f.Name] {
				t.Errorf("%s.%s has no canary", e.Name, f.Name)
			}
		}
	}
}

func TestNamesAreInManyScripts(t *testing.T) {
	_, _, drafts := everything(t)
	found := map[*unicode.RangeTable]bool{}
	for _, d := range drafts {
		if d.Collection != "identities" {
			continue
		}
		name, _, _ := strings.Cut(d.Set["given_name"].Text(), " CANARY")
		for _, script := range Scripts() {
			if strings.ContainsFunc(name, func(r rune) bool { return unicode.Is(script, r) }) {
				found[script] = true
			}
		}
	}
	if len(found) < 8 || len(found) != len(Scripts()) {
		t.Errorf("names in %d scripts of %d", len(found), len(Scripts()))
	}
	for _, c := range cultures {
		for _, n := range slices.Concat(c.women, c.men, c.families, []name{c.city}) {
			foreign := strings.ContainsFunc(n.own, func(r rune) bool { return unicode.IsLetter(r) && !unicode.Is(c.script, r) })
			latin := !strings.ContainsFunc(n.latin, func(r rune) bool { return r > unicode.MaxASCII })
			if foreign || !latin {
				t.Errorf("%s: %q has letters of another script, or %q is not plain Latin", c.language, n.own, n.latin)
			}
		}
	}
}

func TestDraftsAreWellFormed(t *testing.T) {
	_, cases, drafts := everything(t)
	ids := map[string]string{}
	for _, d := range drafts {
		e, ok := care.Find(d.Collection)
		if !ok || !care.ValidID(d.Record) {
			t.Fatalf("%s %s: no such collection or no id", d.Collection, d.Record)
		}
		if where, taken := ids[d.Record]; taken && where != d.Collection {
			t.Fatalf("%s is in %s and in %s", d.Record, where, d.Collection)
		}
		ids[d.Record] = d.Collection
		if (e.Topic == care.NoTopic) != (d.Case != "") {
			t.Fatalf("%s: case %q", d.Collection, d.Case)
		}
		for field, v := range d.Set {
			f, ok := e.Field(field)
			if !ok || f.Merge == care.Union {
				t.Fatalf("%s.%s is no field to set", d.Collection, field)
			}
			if c, err := care.Canonical(f, v); err != nil || !c.Equal(v) {
				t.Fatalf("%s.%s: %v", d.Collection, field, err)
			}
			checkRefs(t, ids, d, f, v)
		}
		for field, l := range d.Add {
			f, ok := e.Field(field)
			if !ok || f.Merge != care.Union || len(l) == 0 {
				t.Fatalf("%s.%s is no set to add to", d.Collection, field)
			}
			for _, element := range l {
				if c, err := care.CanonicalElement(f, element); err != nil || c != element {
					t.Fatalf("%s.%s: %v", d.Collection, field, err)
				}
			}
			if f.Ref != "cases" { // a case may name one that comes later
				checkRefs(t, ids, d, f, care.OfList(l...))
			}
		}
	}
	for _, c := range cases {
		if c.ID != c.Drafts[0].Record || c.Drafts[0].Collection != "cases" {
			t.Fatalf("case %d does not begin with itself", c.Index)
		}
	}
}

// checkRefs wants what a field names to be written before it.
func checkRefs(t *testing.T, ids map[string]string, d Draft, f *care.Field, v care.Value) {
	t.Helper()
	if f.Ref == "" {
		return
	}
	l := v.List()
	if s := v.Text(); s != "" {
		l = []string{s}
	}
	for _, id := range l {
		if ids[id] != f.Ref && !isForward(d.Collection, f.Name) {
			t.Fatalf("%s.%s names %s, which is in %q and not in %s", d.Collection, f.Name, id, ids[id], f.Ref)
		}
	}
}

// isForward lists what is made in one go with what it names.
func isForward(collection, field string) bool {
	return collection == "staff" && field == "team" || collection == "facilities" && field == "funding_source"
}

// ledger is the world as the rules see it, in memory.
type ledger struct {
	now  time.Time
	rows map[string]map[string]care.Row
	made map[string]string // who made a record
}

func (l *ledger) Now() time.Time { return l.now }

func (l *ledger) Row(collection, id string) (care.Row, bool) {
	r, ok := l.rows[collection][id]
	return r, ok
}

func (l *ledger) ByField(collection, field, value string) []care.Row {
	return l.filter(collection, func(r care.Row) bool { return r.Text(field) == value })
}

func (l *ledger) SignsIn(string) bool { return true }

func (l *ledger) Unended(collection, field, value, end string, from time.Time) []care.Row {
	return l.filter(collection, func(r care.Row) bool {
		at, ended := r.Get(end).Time()
		return r.Text(field) == value && (!ended || at.After(from))
	})
}

func (l *ledger) OfCase(collection, caseID string) []care.Row {
	return l.filter(collection, func(r care.Row) bool { return r.Case == caseID })
}

func (l *ledger) filter(collection string, keep func(care.Row) bool) []care.Row {
	var out []care.Row
	for _, r := range l.rows[collection] {
		if keep(r) {
			out = append(out, r)
		}
	}
	return out
}

func (l *ledger) apply(a care.Actor, d Draft) []care.Refusal {
	before, known := l.rows[d.Collection][d.Record]
	if !known {
		before = care.Row{Collection: d.Collection, ID: d.Record, Org: cmp.Or(d.Org, l.rows["cases"][d.Case].Org), Case: d.Case}
		l.made[d.Record] = a.Staff
	}
	after := before
	after.CreatedBy = l.made[d.Record]
	if known {
		before.CreatedBy = after.CreatedBy
	}
	after.V = map[string]care.Value{}
	for k, v := range before.V {
		after.V[k] = v
	}
	var changed []string
	for field, v := range d.Set {
		after.V[field] = v
		changed = append(changed, field)
	}
	for field, add := range d.Add {
		all := append(append([]string{}, after.V[field].List()...), add...)
		slices.Sort(all)
		after.V[field] = care.OfList(slices.Compact(all)...)
		changed = append(changed, field)
	}
	slices.Sort(changed)
	held := care.Check(l, a, before, after, changed)
	if l.rows[d.Collection] == nil {
		l.rows[d.Collection] = map[string]care.Row{}
	}
	l.rows[d.Collection][d.Record] = after
	for _, c := range care.Consequences(l, a, before, after, changed) {
		if c.Record != "" {
			r := l.rows[c.Collection][c.Record]
			for field, v := range c.Set {
				r.V[field] = v
			}
		}
	}
	return held
}

// actor is who signs a draft, as the hub would know them.
func (l *ledger) actor(staff string) care.Actor {
	if staff == "" {
		return care.Actor{Staff: care.HubStaff}
	}
	row := l.rows["staff"][staff]
	a := care.Actor{Staff: staff, Org: row.Org}
	for _, r := range row.Get("roles").List() {
		a.Roles = append(a.Roles, care.Role(r))
	}
	return a
}

// Whoever signs something has been given what they sign.
func TestSignersMaySeeWhatTheySign(t *testing.T) {
	_, _, drafts := everything(t)
	type key struct{ staff, caseID, compartment string }
	granted := map[key]bool{}
	signed := 0
	for _, d := range drafts {
		if d.Collection == "grants" {
			granted[key{d.Set["staff"].Text(), d.Case, d.Set["compartment"].Text()}] = true
		}
		if d.Author == "" {
			continue
		}
		signed++
		e, _ := care.Find(d.Collection)
		for field := range d.Set {
			f, _ := e.Field(field)
			if !granted[key{d.Author, d.Case, string(f.Compartment)}] {
				t.Fatalf("%s.%s is signed by somebody who may not see it", d.Collection, field)
			}
		}
	}
	if signed == 0 {
		t.Error("nobody signed anything")
	}
}

// The rules of care hold nothing of it.
func TestNothingIsHeld(t *testing.T) {
	_, _, drafts := everything(t)
	l := &ledger{now: testNow, rows: map[string]map[string]care.Row{}, made: map[string]string{}}
	reasons := map[string]int{}
	for _, d := range drafts {
		for _, r := range l.apply(l.actor(d.Author), d) {
			reasons[fmt.Sprintf("%s.%s: %s", d.Collection, r.Field, r.Reason)]++
		}
	}
	for r, n := range reasons {
		t.Errorf("%s (%d times)", r, n)
	}
}

func TestNoTwoPeopleInOneBed(t *testing.T) {
	_, _, drafts := everything(t)
	type night struct{ bed, day string }
	taken := map[night]string{}
	stays := map[string]map[string]care.Value{}
	for _, d := range drafts {
		if d.Collection != "stays" {
			continue
		}
		if stays[d.Record] == nil {
			stays[d.Record] = map[string]care.Value{"case": care.OfText(d.Case)}
		}
		for k, v := range d.Set {
			stays[d.Record][k] = v
		}
	}
	for _, s := range stays {
		from, _ := s["check_in"].Time()
		until, ended := s["check_out"].Time()
		if !ended {
			until = testNow
		}
		for at := from; at.Before(until); at = at.Add(time.Hour) {
			n := night{s["bed"].Text(), at.Truncate(time.Hour).String()}
			if other, ok := taken[n]; ok && other != s["case"].Text() {
				t.Fatalf("two people in one bed at %s", n.day)
			}
			taken[n] = s["case"].Text()
		}
	}
	if len(stays) < many {
		t.Errorf("only %d stays", len(stays))
	}
}

// What a demonstration and the tests of others look for is there.
func TestTheStoriesAreThere(t *testing.T) {
	_, cases, drafts := everything(t)
	count := map[string]int{}
	for _, d := range drafts {
		for field, v := range d.Set {
			count[d.Collection+"."+field+"="+strings.Trim(string(v), `"`)]++
		}
	}
	for _, want := range []string{
		"consents.decision=permit", "consents.decision=deny", "consents.status=withdrawn", "consents.status=expired",
		"survivors.age_disputed=true", "survivors.child=true", "cases.anonymous=true", "cases.status=Closed", "transfers.kind=return",
		"transfers.status=completed", "transfers.status=accepted", "transfers.status=cancelled", "documents.status=handed_out", "payments.status=confirmed",
		"screenings.tool=phq9", "screenings.tool=pcl5", "conditions.code=T74.61XA", "follow_ups.status=done", "deadlines.status=missed",
	} {
		if count[want] == 0 {
			t.Errorf("no %s", want)
		}
	}
	c := cases[0]
	if c.Destination != "FR" || c.Language != "es" || !c.Departure.After(testNow) || c.Departure.Sub(testNow) > 48*time.Hour {
		t.Errorf("the first case does not move soon: %s %s %s", c.Destination, c.Language, c.Departure)
	}
}

func TestAWorldMadeTwiceOnOneDayHasTheSameCases(t *testing.T) {
	v, w := New(testSeed, testNow), New(testSeed, testNow.Add(3*time.Hour))
	if v.Home() != w.Home() || v.Case(5).ID != w.Case(5).ID || v.Staff(care.Outreach)[0] != w.Staff(care.Outreach)[0] {
		t.Error("they differ")
	}
}

func TestEmployedStaffGetTheCases(t *testing.T) {
	w := New(testSeed, testNow)
	id := newSource(1, 1).id(testNow)
	w.Employ(care.Outreach, id)
	if w.Case(0).Owner != id {
		t.Error("the first case is not theirs")
	}
	for _, d := range w.People() {
		if d.Collection == "staff" && d.Record == id {
			t.Error("their record is written again")
		}
	}
}

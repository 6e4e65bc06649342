package care

import (
	"fmt"
	"go/ast"
	"go/token"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// randomValue makes a value that the field accepts, most of the time.
func randomValue(r *rand.Rand, f *Field) Value {
	switch r.IntN(12) {
	case 0:
		return OfAbsent(pick(r, Absents))
	case 1:
		return nil
	}
	codes := func() []string {
		if l, ok := FindCodes(f.Codes); ok && len(l.Codes) > 0 {
			return l.Codes
		}
		return []string{"x"}
	}
	ids := []string{id(10), id(11), id(100), id(101), caseA, caseB, workerA, workerB, boss, officer, orgA, orgB}
	switch f.Type {
	case Code:
		return OfText(pick(r, codes()))
	case Codes:
		return OfList(some(r, codes())...)
	case Ref:
		return OfText(pick(r, ids))
	case Refs:
		return OfList(some(r, ids)...)
	case Texts:
		return OfList(some(r, []string{"a", "b"})...)
	case Date:
		return OfText(noon.AddDate(0, 0, r.IntN(400)-200).Format("2006-01-02"))
	case Time:
		return OfTime(noon.Add(time.Duration(r.IntN(400)-200) * time.Hour))
	case Int:
		return OfInt(int64(r.IntN(40)))
	case Decimal:
		return OfText(fmt.Sprint(r.IntN(500)))
	case Bool:
		return OfBool(r.IntN(2) == 0)
	case Object:
		return Value(`{"phq9_9":"1","x":"y"}`)
	}
	return OfText("x")
}

func randomRow(r *rand.Rand, e *Entity, rowID string) Row {
	w := row(e.Name, rowID, nil)
	if e.Topic == NoTopic && e.Name != "cases" {
		w.Case = pick(r, []string{caseA, caseB})
	}
	w.CreatedBy = pick(r, []string{workerA, boss, officer, ""})
	for i := range e.Fields {
		if r.IntN(2) == 0 {
			w.V[e.Fields[i].Name] = randomValue(r, &e.Fields[i])
		}
	}
	return w
}

var people = []Actor{outreachA, outreachB, coordinatorA, officerA, theHub, {}}

// TestRulesTakeAnything: whatever stands in the records, no rule panics, and
// each names only fields that the change sets, with a reason that has a
// meaning; what follows is a change that the schema knows.
func TestRulesTakeAnything(t *testing.T) {
	r, seed := seeded(t)
	held, followed := 0, 0
	for range 300 {
		m := house(t)
		for _, e := range Schema {
			for n := range 3 {
				m.put(randomRow(r, e, id(100+n)))
			}
		}
		m.now = noon.Add(time.Duration(r.IntN(1000)-500) * time.Hour)
		for range 60 {
			e := pick(r, Schema)
			after := randomRow(r, e, id(100+r.IntN(4)))
			before, ok := m.Row(e.Name, after.ID)
			if !ok {
				before = Row{Collection: e.Name, ID: after.ID, Org: after.Org, Case: after.Case}
			} else {
				after.Case = before.Case
			}
			var changed []string
			for name, v := range after.V {
				if !v.Equal(before.Get(name)) {
					changed = append(changed, name)
				}
			}
			a := pick(r, people)
			for _, x := range Check(m, a, before, after, changed) {
				held++
				if RefusalMeaning(x.Reason) == "" || x.Field != "" && !slices.Contains(changed, x.Field) {
					t.Fatalf("seed %d: %s holds %q for %q; changed were %v", seed, e.Name, x.Field, x.Reason, changed)
				}
			}
			for _, k := range Consequences(m, a, before, after, changed) {
				followed++
				checkConsequence(t, seed, k)
			}
			if task, ok := m.Row("tasks", id(100)); ok {
				Escalate(m, task)
			}
		}
	}
	if held < 1000 || followed < 1000 {
		t.Errorf("seed %d: %d held, %d followed; the test says little", seed, held, followed)
	}
}

func checkConsequence(t *testing.T, seed uint64, k Consequence) {
	t.Helper()
	e, ok := Find(k.Collection)
	if !ok || k.Key == "" || e.Topic == NoTopic && k.Case == "" {
		t.Fatalf("seed %d: %+v goes nowhere", seed, k)
	}
	for name, v := range k.Set {
		f, ok := e.Field(name)
		if !ok {
			t.Fatalf("seed %d: %s has no field %s", seed, k.Collection, name)
		}
		if c, err := Canonical(f, v); err != nil || !c.Equal(v) {
			t.Fatalf("seed %d: %s.%s is set to %s: %v", seed, k.Collection, name, v, err)
		}
	}
	for name, l := range k.Add {
		f, ok := e.Field(name)
		if !ok || f.Merge != Union {
			t.Fatalf("seed %d: %s.%s is no set", seed, k.Collection, name)
		}
		for _, x := range l {
			if _, err := CanonicalElement(f, x); err != nil {
				t.Fatalf("seed %d: %s.%s takes no %s", seed, k.Collection, name, x)
			}
		}
	}
}

// TestMachinesAreWalkedLegally: random people push every machine about, and
// no record is ever in a state that its machine does not lead to.
func TestMachinesAreWalkedLegally(t *testing.T) {
	r, seed := seeded(t)
	steps := map[string]int{}
	for _, e := range Schema {
		if e.Machine == nil {
			continue
		}
		f, ok := e.Field(e.Machine.Field)
		if !ok {
			t.Fatalf("%s has no field %s", e.Name, e.Machine.Field)
		}
		l, _ := FindCodes(f.Codes)
		for range 40 {
			m := house(t)
			m.put(row("consents", id(50), aTransferConsent(nil)))
			m.put(row("consents", id(51), aConsent(nil)))
			state := ""
			w := wholeRow(r, e)
			for range 15 {
				next := pick(r, l.Codes)
				w.V[f.Name] = OfText(next)
				m.change(t, pick(r, people[:5]), w, w.V, 0)
				got, ok := m.Row(e.Name, w.ID)
				if !ok {
					continue
				}
				now := got.Text(f.Name)
				if !e.Machine.Allows(state, now) {
					t.Fatalf("seed %d: a record of %s went from %q to %q", seed, e.Name, state, now)
				}
				if now != state {
					steps[e.Name]++
				}
				state = now
				w = Row{Collection: w.Collection, ID: w.ID, Org: w.Org, Case: w.Case, CreatedBy: got.CreatedBy, V: map[string]Value{}}
			}
		}
		if steps[e.Name] == 0 {
			t.Errorf("seed %d: no record of %s ever took a step", seed, e.Name)
		}
	}
}

// wholeRow is a new record with every required field.
func wholeRow(r *rand.Rand, e *Entity) Row {
	w := row(e.Name, id(100), nil)
	for i := range e.Fields {
		f := &e.Fields[i]
		if !f.Required {
			continue
		}
		for v := (Value)(nil); ; v = randomValue(r, f) {
			if c, err := Canonical(f, v); err == nil && v.Absent() == "" {
				w.V[f.Name] = c
				break
			}
		}
	}
	switch e.Name {
	case "consents":
		w.V = values(aConsent(nil))
	case "stays":
		w.V = values(fields{"status": "planned", "bed": id(10), "check_in": noon, "check_out": noon.Add(time.Hour)})
	case "identifier_links":
		w.V["consent"], w.V["status"] = OfText(id(51)), OfText("active")
	case "legal_matters":
		w.V["pathway"], w.V["kind"] = OfText("status/1"), OfText("residence_permit")
	}
	return w
}

// TestBedLaw: random stays are pushed at three beds by many hands. Whatever
// is accepted, no moment has two people in one bed, as a plain look at every
// hour tells, and a stay is only refused where it would have.
func TestBedLaw(t *testing.T) {
	r, seed := seeded(t)
	refused := 0
	for range 200 {
		m := house(t)
		for range 25 {
			caseID := pick(r, []string{caseA, caseB, id(900), id(901), id(902)})
			rowID := id(100 + r.IntN(8))
			old, exists := m.Row("stays", rowID)
			if exists {
				caseID = old.Case
			}
			set := fields{}
			if !exists || r.IntN(3) == 0 {
				set["bed"] = id(10 + r.IntN(3))
			}
			in := r.IntN(60) - 50
			switch status := pick(r, []string{"planned", "checked_in", "checked_out", "cancelled"}); status {
			case "checked_out":
				set["status"], set["check_in"], set["check_out"] = status, at(in), at(in+r.IntN(30))
			default:
				set["status"], set["check_in"] = status, at(in)
			}
			if len(m.tryStay(t, caseID, rowID, set)) > 0 {
				refused++
			}
			m.lookAtEveryHour(t, seed)
		}
	}
	if refused < 250 {
		t.Errorf("seed %d: only %d were refused; the test says little", seed, refused)
	}
}

// lookAtEveryHour is the oracle: who lies in which bed at each hour.
func (m *memory) lookAtEveryHour(t *testing.T, seed uint64) {
	t.Helper()
	type night struct {
		id, bed, person string
		in, out         time.Time
	}
	var nights []night
	for _, s := range m.rows["stays"] {
		in, hasIn := s.Get("check_in").Time()
		out, hasOut := s.Get("check_out").Time()
		if !hasOut {
			out = at(1000)
		}
		if status := s.Text("status"); hasIn && (status == "checked_in" || status == "checked_out") {
			nights = append(nights, night{s.ID, s.Text("bed"), s.Case, in, out})
		}
	}
	for hour := -60; hour < 40; hour++ {
		beds, persons := map[string]string{}, map[string]string{}
		for _, n := range nights {
			if at(hour).Before(n.in) || !at(hour).Before(n.out) {
				continue
			}
			if other := beds[n.bed]; other != "" && n.bed != "" {
				t.Fatalf("seed %d: at hour %d stays %s and %s are in bed %s", seed, hour, other, n.id, n.bed)
			}
			if other := persons[n.person]; other != "" {
				t.Fatalf("seed %d: at hour %d one person has the stays %s and %s", seed, hour, other, n.id)
			}
			beds[n.bed], persons[n.person] = n.id, n.id
		}
	}
	for i := range 3 {
		bed, _ := m.Row("beds", id(10+i))
		occupied := false
		for _, s := range m.ByField("stays", "bed", bed.ID) {
			in, _ := s.Get("check_in").Time()
			out, hasOut := s.Get("check_out").Time()
			occupied = occupied || s.Text("status") == "checked_in" && !m.now.Before(in) && (!hasOut || m.now.Before(out))
		}
		if occupied != (bed.Text("state") == "occupied") {
			t.Fatalf("seed %d: bed %d is %s", seed, i, bed.Text("state"))
		}
	}
}

// TestEveryReasonIsListed reads the constants from the source.
func TestEveryReasonIsListed(t *testing.T) {
	listed := Reasons()
	seen := 0
	for _, file := range []string{"maysee.go", "mayshare.go", "summary.go", "approval.go", "rules_paper.go", "rules_compelled.go"} {
		eachNodeOf(t, file, func(n ast.Node, at token.Position) {
			v, ok := n.(*ast.ValueSpec)
			if !ok || len(v.Values) != 1 {
				return
			}
			if x, ok := v.Type.(*ast.Ident); !ok || x.Name != "Reason" {
				return
			}
			seen++
			if !slices.Contains(listed, Reason(literal(v.Values[0]))) {
				t.Errorf("%s: %s is in no list", at, v.Names[0].Name)
			}
		})
	}
	if seen != len(listed) {
		t.Errorf("%d constants, %d listed", seen, len(listed))
	}
}

package hooks_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// whole is a record of the generated matrix with the parts that it has.
type whole struct {
	kept
	parts []care.Compartment
}

// oracle is a world with a record of every collection of the schema in each of
// two organisations, on a hub that writes down its statements.
type oracle struct {
	*world
	said    *hubtest.Statements
	records []whole
}

func newOracle(t testing.TB) *oracle {
	t.Helper()
	h, said := hubtest.Recorded(t)
	o := &oracle{world: newWorldOn(t, h), said: said}
	for n, org := range map[int]string{1: h.Org, 2: otherOrg} {
		for _, consents := range []bool{true, false} { // other records rest on one
			for at, e := range care.Schema {
				if (e.Name == "consents") == consents {
					o.records = append(o.records, o.make(t, e, at, n, org))
				}
			}
		}
	}
	return o
}

func wholeID(at, n int) string { return fmt.Sprintf("01930000-0000-7000-8000-00000b%05x%d", at, n) }

// unusual is what a record must say beside its required fields, or instead of
// the first code of a list, for the rules to take it.
var unusual = map[string]map[string]care.Value{
	"grants": {"staff": nil, "until": nil},
	"consents": {"decision": text("permit"), "status": text("given"), "mode": text("written"), "giver": text("self"), "recipient_kind": text("country"),
		"recipient_country": text("FR"), "checklist": care.OfList("told_data_use", "told_purpose", "told_withdrawal"), "expires_at": nil},
	"identifier_links": {"consent": nil},
	"documents":        {"kind": text("letter"), "status": text("kept")},
	"stays":            {"status": text("planned")},
	"devices":          {"status": text("enrolled")},
	"staff":            {"status": text("active")},
}

// make makes the smallest record of a collection that the rules take, with a
// canary in one text.
func (o *oracle) make(t testing.TB, e *care.Entity, at, n int, org string) whole {
	t.Helper()
	k := whole{kept: kept{collection: e.Name, id: wholeID(at, n), org: org}}
	if e.Topic == care.NoTopic {
		k.caseID = caseOf(n)
	}
	if e.Name == "cases" {
		k.caseID = k.id
	}
	s, sown := set{}, false
	for i := range e.Fields {
		f := &e.Fields[i]
		v, said := unusual[e.Name][f.Name]
		sow := !sown && e.Name != "grants" && !f.Routing && (f.Type == care.Text || f.Type == care.LongText) && f.Max == 0 && f.Codes == ""
		if !f.Required && !said && !sow {
			continue
		}
		if v == nil {
			v = o.some(t, e, f, n, org)
		}
		if sow {
			v, sown = text(canary), true
		}
		s[f.Name] = v
		if !slices.Contains(k.parts, f.Compartment) {
			k.parts = append(k.parts, f.Compartment)
		}
	}
	o.hub.Must(t, o.hub.HubActor(), collections.Draft{Collection: e.Name, Record: k.id, Case: k.caseID, Org: org, Set: s})
	return k
}

func (o *oracle) some(t testing.TB, e *care.Entity, f *care.Field, n int, org string) care.Value {
	t.Helper()
	switch f.Type {
	case care.Code, care.Codes:
		l, ok := care.FindCodes(f.Codes)
		if !ok {
			t.Fatalf("no codes %s", f.Codes)
		}
		code := l.Codes[0]
		if e.Machine != nil && e.Machine.Field == f.Name {
			code = e.Machine.Initial[0]
		}
		if f.Type == care.Codes {
			return care.OfList(code)
		}
		return text(code)
	case care.Ref:
		if f.Ref == "staff" {
			return text(o.world.record("staff", org).id)
		}
		return text(wholeID(slices.IndexFunc(care.Schema, func(x *care.Entity) bool { return x.Name == f.Ref }), n))
	case care.Date:
		return text("2026-11-01")
	case care.Time:
		return care.OfTime(o.hub.Clock.Now().Add(care.ShareTermDefault))
	case care.Int:
		return care.OfInt(1)
	case care.Decimal:
		return text("1")
	case care.Bool:
		return care.OfBool(true)
	}
	return text("x")
}

// sees says whether somebody may see anything of a record, by the grants that
// they hold and the roles that the collections' topics name, and by nothing
// that the code under test decides.
func (o *oracle) sees(who asker, grants []care.Grant, k whole) bool {
	if !who.staff || k.org != who.actor.Org {
		return false
	}
	e, _ := care.Find(k.collection)
	role := who.actor.Roles[0]
	if e.Topic == care.NoTopic {
		return slices.ContainsFunc(grants, func(g care.Grant) bool { return g.Case == k.caseID && slices.Contains(k.parts, g.Compartment) })
	}
	return e.Topic != care.Facilities || role != care.Auditor && role != care.Operator
}

// asked is everything of an answer that somebody could learn from.
type asked struct {
	code       int
	body       string
	headers    string
	statements []string
}

func (o *oracle) asks(t testing.TB, who asker, d idDoor) asked {
	t.Helper()
	o.said.Take()
	code, body, header := o.askWhole(t, who, d.method, d.path, d.body)
	header.Del("Date")
	var lines []string
	for name, v := range header {
		lines = append(lines, name+": "+strings.Join(v, ","))
	}
	slices.Sort(lines)
	return asked{code, string(body), strings.Join(lines, "\n"), o.said.Take()}
}

func (a asked) differs(b asked) string {
	switch {
	case a.code != b.code:
		return fmt.Sprintf("status %d, and %d where there is none", a.code, b.code)
	case a.body != b.body:
		return fmt.Sprintf("%.200s, and where there is none %.200s", a.body, b.body)
	case a.headers != b.headers:
		return fmt.Sprintf("headers %s, and where there is none %s", a.headers, b.headers)
	case !slices.Equal(a.statements, b.statements):
		return fmt.Sprintf("%d statements, and %d where there is none:\n%s", len(a.statements), len(b.statements), apart(a.statements, b.statements))
	}
	return ""
}

// apart shows the statements that are in one list more often than in the other.
func apart(a, b []string) string {
	count := map[string]int{}
	for _, q := range a {
		count[q]++
	}
	for _, q := range b {
		count[q]--
	}
	var l []string
	for q, n := range count {
		if n != 0 {
			l = append(l, fmt.Sprintf("%+d %s", n, q))
		}
	}
	slices.Sort(l)
	return strings.Join(l, "\n")
}

// doors is every way to name a record of a collection to the hub.
func (o *oracle) doors(collection, id string) []idDoor {
	var l []idDoor
	for _, d := range o.idDoors(collection, id) {
		if d.only == "" || d.only == collection {
			l = append(l, d)
		}
	}
	for _, e := range care.Schema {
		path := "/api/portolan/records/" + e.Name
		if collection == "cases" && e.Topic == care.NoTopic {
			l = append(l, idDoor{"POST", path, path, map[string]any{"case": id}, ""})
		}
		for _, f := range e.Fields {
			if f.Routing && f.Ref == collection {
				l = append(l, idDoor{"POST", path, path, map[string]any{"where": map[string]string{f.Name: id}}, ""})
			}
		}
	}
	ask := func(act care.TwoPersonAct) idDoor {
		return idDoor{"POST", "/api/portolan/approvals", "/api/portolan/approvals",
			map[string]any{"act": act, "collection": collection, "record": id, "reason": "security"}, ""}
	}
	switch collection {
	case "cases":
		l = append(l, ask(care.ActMerge), ask(care.ActErase))
		for _, c := range care.Compartments {
			l = append(l, idDoor{"POST", "/api/portolan/emergencies", "/api/portolan/emergencies",
				map[string]any{"case": id, "compartment": c, "emergency": "medical", "explanation": "Somebody has collapsed."}, ""})
		}
	case "staff":
		l = append(l, ask(care.ActRoleChange))
	}
	return l
}

// opens are doors that work by a power and not by a grant, for cases of one's
// own organisation: that is their purpose, and each leaves a trace.
func opens(d idDoor, who asker, k whole) bool {
	return k.org == who.actor.Org && (d.path == "/api/portolan/emergencies" || d.path == "/api/portolan/approvals")
}

// TestMatrixHasNoOracle asks, as every role, by every door, for a record of
// every collection that they may not see: status, body, headers and the
// statements that the hub asks its database are those of an id that nobody
// has. Counts are part of the body.
func TestMatrixHasNoOracle(t *testing.T) {
	o := newOracle(t)
	pairs, seen := 0, 0
	for _, who := range o.askers {
		if !who.staff {
			continue // a guest reads no body: TestMatrixOfCollectionsRolesAndVerbs
		}
		grants := o.hub.Reload(t, who.actor.Staff).Grants
		for _, k := range o.records {
			if o.sees(who, grants, k) {
				if code, body := o.ask(t, who, "POST", "/api/portolan/records/"+k.collection, map[string]any{"id": k.id}); code != http.StatusOK {
					t.Errorf("%s may not read what they may see of %s: %d %s", who.name, k.collection, code, body)
				}
				seen++
				continue
			}
			hidden, none := o.doors(k.collection, k.id), o.doors(k.collection, nobodyHasThis)
			for i := range hidden {
				if opens(hidden[i], who, k) {
					continue
				}
				got, want := o.asks(t, who, hidden[i]), o.asks(t, who, none[i])
				if d := got.differs(want); d != "" {
					t.Errorf("%s asks %s %s %v for %s: %s", who.name, hidden[i].method, hidden[i].path, hidden[i].body, k.collection, d)
				}
				if strings.Contains(got.body, canary) {
					t.Errorf("%s asks for %s and reads it", who.name, k.collection)
				}
				pairs++
			}
		}
	}
	t.Logf("%d pairs of questions; %d records seen", pairs, seen)
	if pairs < 1000 || seen == 0 {
		t.Error("too few: the test proves nothing")
	}
}

// TestListsOfEverythingHoldNothingHidden lists every collection as every role,
// looks for the canary, and asks for the worklist and a whole pull: nothing of
// what they may not see is in any, by id or by count.
func TestListsOfEverythingHoldNothingHidden(t *testing.T) {
	o := newOracle(t)
	for _, who := range o.askers {
		if !who.staff {
			continue
		}
		grants := o.hub.Reload(t, who.actor.Staff).Grants
		var answers bytes.Buffer
		for _, e := range care.Schema {
			code, body := o.ask(t, who, "POST", "/api/portolan/records/"+e.Name, map[string]any{})
			if code != http.StatusOK {
				t.Errorf("%s lists %s: %d %s", who.name, e.Name, code, body)
			}
			answers.Write(body)
		}
		for _, d := range []idDoor{{"GET", "", "/api/portolan/worklist", nil, ""}, {"POST", "", "/api/portolan/search", map[string]any{"text": canary}, ""},
			{"GET", "", "/api/portolan/approvals", nil, ""}, {"GET", "", "/api/portolan/emergencies", nil, ""},
			{"GET", "", "/api/portolan/devices", nil, ""}} {
			_, body := o.ask(t, who, d.method, d.path, d.body)
			answers.Write(body)
		}
		err := o.hub.Pull(t.Context(), o.hub.Reload(t, who.actor.Staff), "", func(line []byte) error {
			answers.Write(line)
			return nil
		})
		if err != nil {
			t.Fatalf("%s pulls: %v", who.name, err)
		}
		for _, k := range o.records {
			// A task may say what it is about; the record itself is in no answer.
			for _, member := range []string{"id", "record", "r", "device"} {
				if !o.sees(who, grants, k) && bytes.Contains(answers.Bytes(), []byte(`"`+member+`":"`+k.id+`"`)) {
					t.Errorf("%s finds %s of %s", who.name, k.collection, k.org)
				}
			}
		}
	}
}

// TestAPushHasNoOracle writes, from the tablets of two roles, to a record of
// every collection that their owners may not see: receipt and statements are
// those of an id that nobody has.
func TestAPushHasNoOracle(t *testing.T) {
	o := newOracle(t)
	for _, role := range []care.Role{care.Outreach, care.HealthWorker, care.Coordinator} {
		d := o.newTablet(t, o.byRole(role))
		d.push(t, fieldsync.Change{Collection: "survivors", Record: freshID(0), Set: map[string]care.Value{"alias": text("x")}}) // its first pull is long
		grants := o.hub.Reload(t, d.owner.actor.Staff).Grants
		for _, k := range o.records {
			e, _ := care.Find(k.collection)
			if o.sees(d.owner, grants, k) || k.collection == "cases" && k.org == d.owner.actor.Org || e.Topic != care.NoTopic && d.owner.actor.Can(care.MayPeople) {
				continue // a topic's record that is not there is made, by whoever may
			}
			if k.collection == "cases" || k.collection == "grants" && d.owner.actor.Can(care.MayGrant) {
				continue // a case that is not there is opened; grants go by power
			}
			c := fieldsync.Change{Collection: k.collection, Record: k.id, Set: map[string]care.Value{o.anyField(e): text("x")}}
			none := c
			none.Record = freshID(d.n)
			o.pushesAlike(t, d, c, none)
			c.Base = map[string][]fieldsync.Dot{o.anyField(e): {fieldsync.DotOf(nobodyHasThis, 1)}} // on top of what they never saw
			none.Base, none.Record = c.Base, freshID(d.n)
			o.pushesAlike(t, d, c, none)
			c.Base, none.Base = nil, nil
			if k.caseID == "" {
				continue
			}
			c.Case, none.Case = k.caseID, nobodyHasThis // with its case
			none.Record = freshID(d.n)
			o.pushesAlike(t, d, c, none)
			c.Record, none.Record = freshID(d.n+1), freshID(d.n+2) // a new one, in a case that is hidden
			o.pushesAlike(t, d, c, none)
		}
		if d.n == 0 {
			t.Errorf("nothing was hidden from the %s: the test proves nothing", role)
		}
	}
}

func (o *oracle) pushesAlike(t testing.TB, d *tablet, hidden, none fieldsync.Change) {
	t.Helper()
	o.said.Take()
	got := d.push(t, hidden, hidden) // records of several changes are read together
	said := o.said.Take()
	want := d.push(t, none, none)
	there := o.said.Take()
	if got != want {
		t.Errorf("%s writes to %s: %s; where there is none %s", d.owner.name, hidden.Collection, got, want)
	}
	// The same ones, for they stand for the time that it takes; two that go
	// over connections of their own may overtake each other.
	slices.Sort(said)
	slices.Sort(there)
	if !slices.Equal(said, there) {
		t.Errorf("%s writes to %s: %d statements, where there is none %d:\n%s", d.owner.name, hidden.Collection, len(said), len(there), apart(said, there))
	}
}

// anyField is a text of a collection, or whatever comes first.
func (o *oracle) anyField(e *care.Entity) string {
	for _, f := range e.Fields {
		if f.Type == care.Text || f.Type == care.LongText {
			return f.Name
		}
	}
	return e.Fields[0].Name
}

package care

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestR6NewCase: of a case that was just opened nothing may be shared, for any
// purpose, in any way, with anybody, and where the person is is hidden from
// whoever was not given that part.
func TestR6NewCase(t *testing.T) {
	m := house(t)
	caseC := id(500)
	r := row("cases", caseC, nil)
	wantHeld(t, m.change(t, outreachB, r, values(fields{"status": "Active"}), 0))
	for _, p := range Purposes {
		for _, a := range Actions {
			for _, cat := range Categories {
				for _, q := range []ShareRequest{{RecipientKind: ToCountry, RecipientCountry: "FR"}, {RecipientKind: ToOrganisation, RecipientOrg: orgB, RecipientOrgKind: "NGO"},
					{RecipientKind: ToPerson, RecipientStaff: workerA}, {RecipientKind: ToAnyoneNamed, RecipientName: "x"}, {RecipientKind: ToRole, RecipientRole: "health"}} {
					q.Purpose, q.Action, q.Categories = p, a, []Category{cat}
					if d := MayShare(ConsentsOf(m, caseC), q, noon); d.Allowed {
						t.Fatalf("%+v: %+v", q, d)
					}
				}
			}
		}
	}
	for _, g := range m.OfCase("grants", caseC) {
		if g.Text("compartment") == string(Location) && g.Text("staff") != workerB {
			t.Errorf("%s was given where the person is", g.Text("staff"))
		}
	}
}

// TestR7CapacityHasItsAge: how old a figure of free places is stands beside
// the figure.
func TestR7CapacityHasItsAge(t *testing.T) {
	e, _ := Find("services")
	for _, name := range []string{"places_free", "capacity_as_of", "accepts_referrals"} {
		if _, ok := e.Field(name); !ok {
			t.Errorf("services have no %s", name)
		}
	}
}

// TestR23WhereAHouseStands: what says where a house or a person is belongs to
// the compartments that few hold, and goes to no tablet by a topic alone.
func TestR23WhereAHouseStands(t *testing.T) {
	seen := 0
	eachField(t, func(t *testing.T, e *Entity, f *Field, where string) {
		precise := slices.ContainsFunc([]string{"street", "postal_code", "latitude", "longitude", "address"}, func(s string) bool { return strings.Contains(f.Name, s) })
		if !precise {
			return
		}
		seen++
		if f.Compartment != Location && f.Compartment != Identity {
			t.Errorf("%s is in %s", where, f.Compartment)
		}
		if e.Topic == NoTopic {
			return
		}
		for _, role := range []Role{HealthWorker, LegalWorker, ReintegrationRole, Auditor, Operator} {
			a := Actor{Staff: workerA, Org: orgA, Roles: []Role{role}}
			if d := MaySee(a, Carry, Target{Collection: e.Name, Org: orgA, Topic: e.Topic, Compartment: f.Compartment}, noon); d.Allowed && e.Topic == Facilities {
				t.Errorf("%s: a %s takes it along", where, role)
			}
		}
	})
	if seen < 8 {
		t.Errorf("%d fields found: the test looks past them", seen)
	}
}

// TestR24NobodyIsFoundByTheirData: what names or describes a person is no
// routing field, so that no list can be asked by it, and nobody of another
// organisation sees any of it.
func TestR24NobodyIsFoundByTheirData(t *testing.T) {
	stranger := Actor{Staff: workerA, Org: orgB, Roles: Roles, Grants: []Grant{{ID: "g", Case: caseA, Compartment: Identity, Until: noon.Add(time.Hour)}}}
	eachField(t, func(t *testing.T, e *Entity, f *Field, where string) {
		if f.Canary && f.Routing {
			t.Errorf("%s can be asked for", where)
		}
		target := Target{Collection: e.Name, Org: orgA, Topic: e.Topic, Compartment: f.Compartment}
		if e.Topic == NoTopic {
			target.Case = caseA
		}
		for _, act := range []Act{Read, Write, Carry} {
			if d := MaySee(stranger, act, target, noon); d.Allowed {
				t.Errorf("%s: somebody of another organisation may %s it", where, act)
			}
		}
	})
}

// TestR26NothingOfAnOffenceTravels: what says or implies an offence or an
// irregular stay is labelled, and a record with that label is carried by
// nobody, whatever the person agreed to.
func TestR26NothingOfAnOffenceTravels(t *testing.T) {
	all := ShareRequest{Purpose: CrossBorderTransfer, Action: Share, RecipientKind: ToCountry, RecipientCountry: "FR"}
	yes := Consents{Rows: []Row{row("consents", id(1), aTransferConsent(fields{"categories": everything()}))}}
	for _, label := range []Label{LabelLegal, LabelTrafficking} {
		r := row("conditions", id(2), fields{"label": "x", "security_labels": []string{string(label)}})
		if _, may := MayCarry(yes, "problems", r, all, noon); may {
			t.Errorf("a record labelled %s is carried", label)
		}
	}
	for _, name := range []string{"migrant_type", "protection_status", "migration_circumstances"} {
		e, _ := Find("survivors")
		f, ok := e.Field(name)
		if !ok || !slices.Contains(f.Labels, LabelLegal) {
			t.Errorf("survivors.%s is not labelled", name)
		}
	}
}

// TestR33StatisticsAreAskedForThemselves: no other yes counts as one to
// statistics.
func TestR33StatisticsAreAskedForThemselves(t *testing.T) {
	q := ShareRequest{Purpose: Statistics, Action: Use, RecipientKind: ToOrganisation, RecipientOrg: orgA, RecipientOrgKind: "NGO", Categories: []Category{CatShelter}}
	for _, p := range Purposes {
		yes := row("consents", id(1), aConsent(fields{"purpose": string(p), "recipient_org": orgA, "actions": []string{"use"}, "categories": everything()}))
		if d := MayShare(Consents{Rows: []Row{yes}}, q, noon); d.Allowed != (p == Statistics) {
			t.Errorf("a yes to %s: %+v", p, d)
		}
	}
	e, _ := Find("cases")
	if _, ok := e.Field("reported_by_other_org"); !ok {
		t.Error("a case cannot say that another organisation reports it")
	}
}

// TestR34StaffHaveNoAddress: no field of staff says where somebody lives.
func TestR34StaffHaveNoAddress(t *testing.T) {
	e, _ := Find("staff")
	for _, f := range e.Fields {
		if f.Compartment == Location || slices.ContainsFunc([]string{"street", "address", "home", "city", "postal", "private"}, func(s string) bool { return strings.Contains(f.Name, s) }) {
			t.Errorf("staff.%s", f.Name)
		}
	}
}

package care

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func grant(caseID string, comp Compartment, until time.Time) Grant {
	return Grant{ID: caseID + "/" + string(comp), Case: caseID, Compartment: comp, Until: until}
}

// TestR5NeedToKnow is the matrix of roles and compartments, with a grant for
// everything: only what the role may hold is seen.
func TestR5NeedToKnow(t *testing.T) {
	want := map[Role][]Compartment{
		Outreach:          {General, Identity, Location, Health},
		Coordinator:       {General, Identity, Location, Finance},
		HealthWorker:      {General, Health},
		LegalWorker:       {General, Legal, Evidence},
		ReintegrationRole: {General, Finance},
		ProtectionOfficer: Compartments,
		Auditor:           nil,
		Operator:          nil,
	}
	for _, r := range Roles {
		a := Actor{Staff: workerA, Org: orgA, Roles: []Role{r}}
		for _, c := range Compartments {
			a.Grants = append(a.Grants, grant(caseA, c, noon.Add(time.Hour)))
		}
		for _, c := range Compartments {
			for _, act := range []Act{Read, Write} {
				d := MaySee(a, act, Target{Org: orgA, Case: caseA, Compartment: c}, noon)
				if d.Allowed != slices.Contains(want[r], c) {
					t.Errorf("%s %s %s: %v %s", r, act, c, d.Allowed, d.Reason)
				}
				if d.Allowed && (d.Basis == "" || !d.Until.After(noon)) {
					t.Errorf("%s %s %s is allowed without a basis or an end: %+v", r, act, c, d)
				}
				if d := MaySee(a, act, Target{Org: orgA, Case: caseB, Compartment: c}, noon); d.Allowed {
					t.Errorf("%s %s %s of another case", r, act, c)
				}
			}
		}
		if got := CompartmentsOf(r); !slices.Equal(got, want[r]) {
			t.Errorf("%s may hold %v", r, got)
		}
	}
}

func TestMaySeeReasons(t *testing.T) {
	granted := outreachA
	granted.Grants = []Grant{grant(caseA, General, noon.Add(time.Hour)), grant(caseA, Legal, noon.Add(time.Hour)), grant(caseB, General, noon)}
	endless := outreachA
	endless.Grants = []Grant{grant(caseA, General, time.Time{})}
	of := func(caseID string, c Compartment) Target { return Target{Org: orgA, Case: caseID, Compartment: c} }
	topic := func(x Topic, c Compartment) Target { return Target{Org: orgA, Topic: x, Compartment: c} }
	for name, c := range map[string]struct {
		a    Actor
		act  Act
		t    Target
		want Reason
	}{
		"granted":              {granted, Read, of(caseA, General), SeeGrant},
		"a grant past its end": {granted, Read, of(caseB, General), GrantOver},
		"a grant without end":  {endless, Read, of(caseA, General), GrantOver},
		"another compartment":  {granted, Read, of(caseA, Identity), NoGrant},
		"not for the role":     {granted, Read, of(caseA, Legal), NoRole},
		"another organisation": {granted, Read, Target{Org: orgB, Case: caseA, Compartment: General}, OtherOrg},
		"nobody":               {Actor{}, Read, of(caseA, General), NotSignedIn},
		"no organisation":      {Actor{Staff: workerA, Roles: []Role{Outreach}}, Read, of(caseA, General), NotActorsOrg},
		"the hub":              {theHub, Write, of(caseA, Evidence), SeeHub},
		"no act":               {granted, "", of(caseA, General), NoSuchAct},
		"no target":            {theHub, Read, Target{}, NoSuchTarget},
		"no compartment":       {granted, Read, of(caseA, ""), NoSuchTarget},
		"a case and a topic":   {granted, Read, Target{Org: orgA, Case: caseA, Topic: People, Compartment: General}, NoSuchTarget},
		"a topic of nobody":    {granted, Read, Target{Topic: People, Compartment: General}, NoSuchTarget},
		"an unknown topic":     {granted, Read, topic("secrets", General), NoSuchTarget},
		"a collection amiss":   {granted, Read, Target{Collection: "beds", Org: orgA, Case: caseA, Compartment: General}, NoSuchTarget},
		"an unknown one":       {granted, Read, Target{Collection: "secrets", Org: orgA, Case: caseA, Compartment: General}, NoSuchTarget},

		"beds, read by outreach":        {outreachA, Read, topic(Facilities, General), SeeTopic},
		"beds, written by outreach":     {outreachA, Write, topic(Facilities, General), NoPower},
		"beds, written by coordinator":  {coordinatorA, Write, topic(Facilities, General), SeeTopic},
		"address, read by outreach":     {outreachA, Read, topic(Facilities, Location), NoRole},
		"address, read by coordinator":  {coordinatorA, Read, topic(Facilities, Location), SeeTopic},
		"address, read by officer":      {officerA, Read, topic(Facilities, Location), SeeTopic},
		"beds, read by auditor":         {Actor{Staff: workerA, Org: orgA, Roles: []Role{Auditor}}, Read, topic(Facilities, General), NoRole},
		"staff, read by auditor":        {Actor{Staff: workerA, Org: orgA, Roles: []Role{Auditor}}, Read, topic(People, General), SeeTopic},
		"staff, written by outreach":    {outreachA, Write, topic(People, General), NoPower},
		"staff, written by operator":    {Actor{Staff: workerA, Org: orgA, Roles: []Role{Operator}}, Write, topic(People, General), SeeTopic},
		"phone of one, read by auditor": {Actor{Staff: workerA, Org: orgA, Roles: []Role{Auditor}}, Read, topic(People, Identity), NoRole},
		"staff of another organisation": {coordinatorA, Read, Target{Org: orgB, Topic: People, Compartment: General}, OtherOrg},

		"granting by coordinator": {coordinatorA, Write, Target{Collection: "grants", Org: orgA, Case: caseA, Compartment: General}, SeeGranting},
		"granting by outreach":    {granted, Write, Target{Collection: "grants", Org: orgA, Case: caseA, Compartment: General}, NoPower},
		"granting elsewhere":      {coordinatorA, Write, Target{Collection: "grants", Org: orgB, Case: caseA, Compartment: General}, OtherOrg},
		"granting where unknown":  {coordinatorA, Write, Target{Collection: "grants", Case: caseA, Compartment: General}, OtherOrg},
		"reading grants":          {coordinatorA, Read, Target{Collection: "grants", Org: orgA, Case: caseA, Compartment: General}, NoGrant},
	} {
		t.Run(name, func(t *testing.T) {
			if d := MaySee(c.a, c.act, c.t, noon); d.Reason != c.want {
				t.Errorf("%+v, want %s", d, c.want)
			}
		})
	}
}

func TestMayOpenCase(t *testing.T) {
	for _, r := range Roles {
		d := MayOpenCase(Actor{Staff: workerA, Org: orgA, Roles: []Role{r}}, orgA)
		if d.Allowed != (r != Auditor && r != Operator) {
			t.Errorf("%s: %+v", r, d)
		}
	}
	for _, d := range []Decision{MayOpenCase(outreachA, orgB), MayOpenCase(Actor{}, orgA), MayOpenCase(outreachA, ""), MayOpenCase(Actor{Staff: workerA, Roles: []Role{Outreach}}, "")} {
		if d.Allowed {
			t.Errorf("allowed: %+v", d)
		}
	}
}

// TestMaySeeNeedsALiveGrant: in random worlds nobody but the hub sees a case
// without a grant in force for that very case and compartment and a role that
// may hold it; and time only takes away.
func TestMaySeeNeedsALiveGrant(t *testing.T) {
	r, seed := seeded(t)
	allowed := 0
	for range 50000 {
		a, target := randomActor(r), randomTarget(r)
		act := []Act{Read, Write}[r.IntN(2)]
		d := MaySee(a, act, target, noon)
		if d.Allowed {
			allowed++
		}
		if d.Allowed && target.Topic == NoTopic && d.Reason != SeeHub && d.Reason != SeeGranting {
			live := slices.ContainsFunc(a.Grants, func(g Grant) bool {
				return g.ID == d.Basis && g.Case == target.Case && g.Compartment == target.Compartment && noon.Before(g.Until)
			})
			if !live || !MayHold(a.Roles, target.Compartment) || target.Org != "" && target.Org != a.Org {
				t.Fatalf("seed %d: %+v may %s %+v: %+v", seed, a, act, target, d)
			}
		}
		later := noon.Add(time.Duration(r.Int64N(int64(100 * time.Hour))))
		if e := MaySee(a, act, target, later); e.Allowed && !d.Allowed {
			t.Fatalf("seed %d: time gave %+v what was denied (%s)", seed, a, d.Reason)
		} else if d.Allowed && !d.Until.IsZero() && e.Allowed != later.Before(d.Until) {
			t.Fatalf("seed %d: allowed until %v, and at %v %v", seed, d.Until, later, e.Allowed)
		}
		without := a
		without.Grants = nil
		if e := MaySee(without, act, target, noon); e.Allowed && !d.Allowed {
			t.Fatalf("seed %d: a grant took away: %+v", seed, a)
		}
	}
	if allowed < 500 {
		t.Errorf("seed %d: only %d were allowed; the test says little", seed, allowed)
	}
}

func pick[T any](r *rand.Rand, l []T) T { return l[r.IntN(len(l))] }

func some[T any](r *rand.Rand, l []T) []T {
	var out []T
	for _, x := range l {
		if r.IntN(3) == 0 {
			out = append(out, x)
		}
	}
	return out
}

func randomActor(r *rand.Rand) Actor {
	a := Actor{Staff: pick(r, []string{workerA, workerB, "", HubStaff, workerA, workerB, workerA}), Org: pick(r, []string{orgA, orgA, orgA, orgB, ""}), Roles: some(r, Roles)}
	for range r.IntN(5) {
		g := grant(pick(r, []string{caseA, caseB}), pick(r, Compartments), noon.Add(time.Duration(r.IntN(200)-100)*time.Hour))
		if r.IntN(10) == 0 {
			g.Until = time.Time{}
		}
		g.ID += g.Until.String()
		a.Grants = append(a.Grants, g)
	}
	return a
}

func randomTarget(r *rand.Rand) Target {
	t := Target{Org: pick(r, []string{orgA, orgA, orgB, ""}), Compartment: pick(r, append([]Compartment{""}, Compartments...)),
		Collection: pick(r, []string{"", "", "grants", "medicines", "beds", "nothing"})}
	if r.IntN(3) > 0 {
		t.Case = pick(r, []string{caseA, caseB})
	} else {
		t.Topic = pick(r, Topics)
	}
	return t
}

func TestOneTableOfCompartments(t *testing.T) {
	for _, c := range Categories {
		comp := CategoryCompartment(c)
		if !slices.Contains(Compartments, comp) || !slices.Contains(CategoriesOf(comp), c) {
			t.Errorf("category %s lies in %q", c, comp)
		}
	}
	for _, c := range Compartments {
		if !MayHold(Roles, c) {
			t.Errorf("no role may hold %s", c)
		}
	}
	if CategoryCompartment("nothing") != "" || MayHold(Roles, "nothing") || len(CategoriesOf("nothing")) > 0 {
		t.Error("what does not exist has a place")
	}
	for _, p := range []Power{MayGrant, MayEnrol, MayApprove, MayExport, MayErase, MayAudit, MayBeds, MayPeople, MayOperate} {
		if !slices.ContainsFunc(Roles, func(r Role) bool { return slices.Contains(PowersOf(r), p) }) {
			t.Errorf("nobody has the power %s", p)
		}
	}
	if len(TopicsOf(Auditor)) == 0 || slices.Contains(TopicsOf(Auditor), Facilities) {
		t.Errorf("the auditor reads %v", TopicsOf(Auditor))
	}
	if outreachA.Can(MayGrant) || !coordinatorA.Can(MayGrant) || !theHub.Can(MayErase) || (Actor{Staff: workerA, Roles: []Role{"king"}}).Can(MayGrant) {
		t.Error("powers are given to the wrong")
	}
}

// TestR5AuditorAndOperatorSeeNoContents: no field of any case, nor what names
// or locates anybody, nor a reference to a case, whatever they were granted.
func TestR5AuditorAndOperatorSeeNoContents(t *testing.T) {
	eachField(t, func(t *testing.T, e *Entity, f *Field, where string) {
		for _, role := range []Role{Auditor, Operator} {
			a := Actor{Staff: workerA, Org: orgA, Roles: []Role{role}, Grants: []Grant{
				{ID: "g", Case: caseA, Compartment: f.Compartment, Until: noon.Add(time.Hour)},
				{ID: "h", Case: caseA, Compartment: f.Compartment, Until: noon.Add(time.Hour), BreakGlass: true}}}
			target := Target{Collection: e.Name, Org: orgA, Topic: e.Topic, Compartment: f.Compartment}
			if e.Topic == NoTopic {
				target.Case = caseA
			}
			contents := e.Topic == NoTopic || f.Canary || f.Compartment != General || f.Ref == "cases"
			for _, act := range []Act{Read, Carry} {
				if d := MaySee(a, act, target, noon); d.Allowed && contents {
					t.Errorf("%s: the %s may %s it: %+v", where, role, act, d)
				}
			}
			if d := MayBreakGlass(a, target); d.Allowed {
				t.Errorf("%s: the %s breaks the glass", where, role)
			}
		}
	})
}

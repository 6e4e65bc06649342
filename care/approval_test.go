package care

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestR29TwoPersonRule: for every act and every pair of people with every set
// of roles, nobody decides what they asked, nor what is about them, nor what
// their roles do not let them decide, nor what is decided or over; and a yes
// serves the asker alone, once, while its giver could still give it.
func TestR29TwoPersonRule(t *testing.T) {
	seed := uint64(29)
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, seed))
	some := func() []Role {
		var l []Role
		for _, role := range Roles {
			if r.IntN(3) == 0 {
				l = append(l, role)
			}
		}
		return l
	}
	people := []string{workerA, workerB, boss, officer}
	allowed, spent := 0, 0
	for range 20_000 {
		act := TwoPersonActs()[r.IntN(len(TwoPersonActs()))]
		row := twoPersonActs[act]
		p := Approval{ID: id(1), Org: orgA, Act: act, Collection: row.about, Reason: ApprovalReasons[0], AskedBy: people[r.IntN(4)],
			AskedAt: noon, ExpiresAt: noon.Add(ApprovalTerm)}
		switch row.about {
		case "staff":
			p.Record = people[r.IntN(4)]
		case "cases":
			p.Record = caseA
		}
		if !p.WellFormed() {
			t.Fatalf("%+v is not well formed", p)
		}
		asker := Actor{Staff: p.AskedBy, Org: []string{orgA, orgB}[r.IntN(2)], Roles: some()}
		b := Actor{Staff: people[r.IntN(4)], Org: []string{orgA, orgB}[r.IntN(2)], Roles: some()}
		if d := MayAsk(asker, p); d.Allowed && (asker.Org != orgA || p.Collection == "staff" && p.Record == asker.Staff) {
			t.Fatalf("%v asks for %+v: %v", asker, p, d)
		}
		now := noon.Add(time.Duration(r.Int64N(int64(2 * ApprovalTerm))))
		d := MayDecide(b, p, now)
		if !d.Allowed {
			continue
		}
		allowed++
		has := false
		for _, power := range row.decide {
			has = has || b.Can(power)
		}
		if b.Staff == p.AskedBy || b.Org != orgA || !has || !now.Before(p.ExpiresAt) || p.Collection == "staff" && p.Record == b.Staff {
			t.Fatalf("%v decides %+v at %v", b, p, now)
		}
		if MaySpend(asker, b, p, now).Allowed {
			t.Fatal("a question that nobody answered was spent")
		}
		p.DecidedBy, p.DecidedAt, p.Agreed, p.ExpiresAt = b.Staff, now, r.IntN(4) > 0, d.Until
		if d := MayDecide(b, p, now); d.Allowed {
			t.Fatal("an answer was given twice")
		}
		later := now.Add(time.Duration(r.Int64N(int64(2 * row.use))))
		if MaySpend(asker, b, p, later).Allowed != (p.Agreed && later.Before(now.Add(row.use)) && MayAsk(asker, p).Allowed) {
			t.Fatalf("%+v spent at %v", p, later)
		}
		if !p.Agreed || !later.Before(p.ExpiresAt) {
			continue
		}
		spent++
		if MaySpend(b, b, p, later).Allowed || MaySpend(asker, Actor{Staff: b.Staff, Org: orgA}, p, later).Allowed || MaySpend(asker, Actor{}, p, later).Allowed {
			t.Fatal("spent by the decider, or under somebody who may not decide any more")
		}
		p.UsedAt = later
		if MaySpend(asker, b, p, later).Allowed {
			t.Fatal("spent twice")
		}
	}
	if allowed < 100 || spent < 100 {
		t.Errorf("%d decided, %d spent: the test proves little", allowed, spent)
	}
}

func TestApprovalIsWellFormed(t *testing.T) {
	good := Approval{Act: ActRoleChange, Collection: "staff", Record: workerA, Terms: "roles=coordinator,health", Reason: "new_duties"}
	if !good.WellFormed() {
		t.Error("a good question is refused")
	}
	for name, change := range map[string]func(*Approval){
		"no act":            func(p *Approval) { p.Act = "" },
		"another act":       func(p *Approval) { p.Act = "sing" },
		"another kind":      func(p *Approval) { p.Collection = "cases" },
		"no subject":        func(p *Approval) { p.Record = "" },
		"no reason":         func(p *Approval) { p.Reason = "" },
		"a reason in words": func(p *Approval) { p.Reason = "because Amina asked" },
		"words as terms":    func(p *Approval) { p.Terms = "for Amina" },
	} {
		p := good
		if change(&p); p.WellFormed() {
			t.Errorf("%s: well formed", name)
		}
	}
}

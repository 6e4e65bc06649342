package care

import (
	"slices"
	"testing"
	"time"
)

var ofGuardian = fields{"giver": "guardian", "giver_conflict_checked": true}

// TestR27YesOfSomebodyFoundToBeAChild: a yes that somebody gave alone counts
// for nothing from the moment at which they are found to be a child, or their
// age comes into doubt; a guardian's does if nobody looked at whether their
// interests conflict; a court's and a best-interest decision stand.
func TestR27YesOfSomebodyFoundToBeAChild(t *testing.T) {
	r := ShareRequest{Purpose: CrossBorderTransfer, Action: Share, RecipientKind: ToCountry, RecipientCountry: "FR", Categories: []Category{CatHealth}}
	for name, c := range map[string]struct {
		giver  fields
		counts bool
	}{
		"alone":              {fields{"giver": "self"}, false},
		"with assent only":   {fields{"giver": "child_assent"}, false},
		"a guardian":         {ofGuardian, true},
		"one not looked at":  {fields{"giver": "guardian"}, false},
		"one who gains":      {fields{"giver": "guardian", "giver_conflict_checked": true, "giver_implicated": true}, false},
		"against their will": {fields{"giver": "guardian", "giver_conflict_checked": true, "child_assent": "dissents"}, false},
		"an appointed one":   {fields{"giver": "legal_guardian_appointed"}, true},
		"a court":            {fields{"giver": "court", "child_assent": "dissents"}, true},
		"best interest":      {fields{"giver": "best_interest_decision", "child_assent": "dissents"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := house(t)
			m.put(row("consents", id(50), aTransferConsent(c.giver)))
			before := MayShare(ConsentsOf(m, caseA), r, noon)
			m.put(row("survivors", id(20), fields{"age_disputed": true}))
			d := MayShare(ConsentsOf(m, caseA), r, noon)
			if d.Allowed != c.counts || !c.counts && d.Reason != ConsentGiverUnfit {
				t.Errorf("%+v, want %t; before %+v", d, c.counts, before)
			}
			if name == "alone" && !before.Allowed {
				t.Errorf("an adult's yes: %+v", before)
			}
			wantHeld(t, m.try(t, outreachA, "transfers", id(60), fields{"kind": "transfer", "status": "draft", "destination_country": "FR"}))
			held := m.try(t, outreachA, "transfers", id(60), fields{"status": "consented"})
			if (len(held) == 0) != c.counts {
				t.Errorf("the transfer: %v", held)
			}
		})
	}
}

// TestR27BestInterestIsADocument: a consent that rests on such a decision
// names it.
func TestR27BestInterestIsADocument(t *testing.T) {
	m := house(t)
	m.put(row("survivors", id(20), fields{"child": true}))
	m.put(row("documents", id(60), fields{"kind": "letter", "status": "kept"}))
	m.put(row("documents", id(61), fields{"kind": "best_interest_decision", "status": "kept"}))
	for n, decision := range []any{nil, id(99), id(60)} {
		f := aConsent(fields{"giver": "best_interest_decision", "best_interest_decision": decision})
		wantHeld(t, m.try(t, outreachA, "consents", id(100+n), f), " consent_needs_decision")
	}
	wantHeld(t, m.try(t, outreachA, "consents", id(110), aConsent(fields{"giver": "best_interest_decision", "best_interest_decision": id(61)})))
}

// TestR3NoClosesTheGrants: a no to the use of a part of the case, or a yes
// taken back, ends the grants of whom it names at once; no new one is given;
// what has run out, or was never asked, closes nothing (R2).
func TestR3NoClosesTheGrants(t *testing.T) {
	year := noon.Add(300 * 24 * time.Hour)
	no := func(f fields) fields {
		c := aConsent(fields{"purpose": "service_delivery", "actions": []string{"use"}, "decision": "deny", "categories": []string{"health"},
			"recipient_kind": "role", "recipient_role": "outreach", "recipient_org": nil})
		for k, v := range f {
			c[k] = v
		}
		return c
	}
	both := []string{workerA + " health", workerB + " health"}
	for name, c := range map[string]struct {
		consent fields
		ended   []string
	}{
		"a role":                   {no(nil), both},
		"one person":               {no(fields{"recipient_kind": "person", "recipient_role": "", "recipient_staff": workerB}), both[1:]},
		"one person, everything":   {no(fields{"recipient_kind": "person", "recipient_role": "", "recipient_staff": workerB, "categories": everything()}), []string{workerB + " general", workerB + " health"}},
		"the organisation":         {no(fields{"recipient_kind": "organisation", "recipient_role": "", "recipient_org": orgA, "categories": everything()}), both},
		"treatment":                {no(fields{"purpose": "medical_treatment"}), both},
		"another organisation":     {no(fields{"recipient_kind": "organisation", "recipient_role": "", "recipient_org": orgB}), nil},
		"sharing":                  {no(fields{"actions": []string{"share"}}), nil},
		"statistics":               {no(fields{"purpose": "statistics"}), nil},
		"a part of the part":       {no(fields{"categories": []string{"hiv"}}), nil},
		"another role":             {no(fields{"recipient_role": "health"}), nil},
		"a yes":                    {no(fields{"decision": "permit"}), nil},
		"a yes that has run out":   {no(fields{"decision": "permit", "status": "expired"}), nil},
		"a yes that is taken back": {no(fields{"decision": "permit", "status": "withdrawn"}), both},
	} {
		t.Run(name, func(t *testing.T) {
			m := house(t)
			for n, who := range []string{workerA, workerB} {
				for k, comp := range []string{"general", "health"} {
					m.put(row("grants", id(200+10*n+k), fields{"staff": who, "compartment": comp, "status": "active", "until": year}))
				}
			}
			for f, v := range c.consent {
				if v == "" {
					delete(c.consent, f)
				}
			}
			wantHeld(t, m.try(t, outreachA, "consents", id(100), c.consent))
			var ended []string
			for _, g := range m.OfCase("grants", caseA) {
				if g.Text("status") == "ended" {
					ended = append(ended, g.Text("staff")+" "+g.Text("compartment"))
				}
			}
			slices.Sort(ended)
			if !slices.Equal(ended, c.ended) {
				t.Errorf("ended %v, want %v", ended, c.ended)
			}
			held := m.try(t, coordinatorA, "grants", id(300), fields{"staff": workerB, "compartment": "health", "status": "active", "until": at(24)})
			if again := slices.Contains(c.ended, both[1]); again != (len(held) == 1 && held[0].Reason == "grant_refused_by_person") {
				t.Errorf("given again: %v", held)
			}
		})
	}
}

func everything() []string {
	var l []string
	for _, c := range Categories {
		l = append(l, string(c))
	}
	return l
}

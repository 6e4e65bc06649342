package hooks_test

import (
	"context"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
)

// A permit for one named person is none for whoever else asks, also where the
// asker may not see the name.
func TestAPermitForOnePersonStaysNarrowForWhoeverDoesNotSeeTheName(t *testing.T) {
	p := newTraveller(t)
	p.withdraw(t)
	p.Clock.Move(time.Hour)
	p.agreeWith(t, recordID(9), set{"recipient_name": text("Dr Invented")}, "health")
	officer, _ := p.Staff(t, care.ProtectionOfficer)
	nurse, _ := p.Staff(t, care.HealthWorker)
	for _, c := range []care.Compartment{care.General, care.Health} {
		p.Must(t, officer, collections.Draft{Collection: "grants", Case: p.caseID, Set: set{"staff": text(nurse.Staff), "compartment": text(string(c)),
			"until": care.OfTime(p.Clock.Now().Add(time.Hour)), "status": text("active")}})
	}
	for _, who := range []string{p.owner.Staff, nurse.Staff} {
		_, err := hooks.MakeSummary(context.Background(), p.Hub.Hub, p.Reload(t, who), hooks.SummaryOrder{Case: p.caseID, Country: "ES", Languages: []string{"fr", "es"}})
		if care.CodeOf(err) != "summary_not_agreed" {
			t.Errorf("a summary for anybody in the country: %v", err)
		}
	}
}

// Whom a move goes to is known, or it goes to nobody.
func TestAMoveToAnOrganisationThatNobodyKnowsSharesNothing(t *testing.T) {
	p := newTraveller(t)
	p.change(t, "transfers", p.transfer, set{"receiving_org": text(p.NewID())})
	_, err := hooks.MakeSummary(context.Background(), p.Hub.Hub, p.Reload(t, p.owner.Staff), hooks.SummaryOrder{Case: p.caseID, Transfer: p.transfer, Languages: []string{"fr", "es"}})
	if care.CodeOf(err) != "summary_not_agreed" {
		t.Errorf("a summary for an organisation of no known kind: %v", err)
	}
}

// Whoever is a child by any sign gets their paper, through the guardian (R27).
func TestAPaperOfAChildIsHandedToTheGuardian(t *testing.T) {
	p := newTraveller(t)
	p.look(t)
	_, paper := p.papers(t)
	p.change(t, "survivors", p.survivor, set{"age_band": text("15-17")})
	p.guardianAgrees(t)
	if err := p.HandOut(context.Background(), p.Reload(t, p.owner.Staff), paper.ID); err != nil {
		t.Fatal(err)
	}
	if _, paper = p.papers(t); paper.Text("handed_out_to") != "guardian" {
		t.Errorf("it was handed to %q", paper.Text("handed_out_to"))
	}
}

// A paper that only says that it is the hub's would keep the real one from
// being made.
func TestNobodyButTheHubMakesASummary(t *testing.T) {
	p := newTraveller(t)
	r, err := p.Do(context.Background(), p.owner, collections.Draft{Collection: "documents", Case: p.caseID, Set: set{
		"kind": text("summary"), "status": text("prepared"), "transfer": text(p.transfer), "version": care.OfInt(1<<53 - 1)}})
	if err != nil || len(r[0].Held) == 0 {
		t.Errorf("a worker's own summary: %+v, %v", r, err)
	}
	p.look(t)
	if states, _ := p.papers(t); len(states) != 1 || states[0] != "prepared" {
		t.Errorf("the papers are %v", states)
	}
}

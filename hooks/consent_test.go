package hooks_test

import (
	"errors"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
)

// doorsOut is every place where something of a case leaves the hub on the
// person's agreement, tried with a paper that was made while they agreed.
func (p *traveller) doorsOut(t *testing.T, paper string, made hooks.Summary) map[string]error {
	t.Helper()
	ctx := t.Context()
	_, _, print := p.DocumentFile(ctx, p.owner, paper)
	_, export := hooks.MakeSummary(ctx, p.Hub.Hub, p.owner, hooks.SummaryOrder{Case: p.caseID})
	_, job := hooks.MakeSummary(ctx, p.Hub.Hub, p.HubActor(), hooks.SummaryOrder{Case: p.caseID})
	kept := p.keepMade(t, made)
	return map[string]error{"print": print, "hand-out": p.HandOut(ctx, p.owner, paper), "export": export, "the job": job, "the job's last step": kept}
}

// keepMade is the last step of the job: the paper is made, and kept.
func (p *traveller) keepMade(t *testing.T, made hooks.Summary) error {
	t.Helper()
	_, err := p.KeepPaper(t.Context(), p.HubActor(), made.PDF, collections.Draft{Case: p.caseID, Set: set{
		"kind": text("summary"), "status": text("prepared"), "purpose": text(string(care.CrossBorderTransfer)), "edition": text("paper"), "version": care.OfInt(7),
		"sections": care.OfList(made.Sections...), "transfer": text(p.transfer), "consent": text(made.Basis), "destination_country": text("ES"), "prepared_at": care.OfTime(p.Clock.Now())}})
	return err
}

// TestR3ConsentBitesAtEveryDoor: a yes that is taken back, has run out, meets
// a no, or was a child's own, closes every door out at once, also between the
// steps of a job that is under way.
func TestR3ConsentBitesAtEveryDoor(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *traveller){
		"":          func(*testing.T, *traveller) {},
		"withdrawn": func(t *testing.T, p *traveller) { p.withdraw(t) },
		"run out":   func(_ *testing.T, p *traveller) { p.Clock.Move(91 * 24 * time.Hour) },
		"met by a no": func(t *testing.T, p *traveller) {
			p.agreeWith(t, recordID(9), set{"decision": text("deny")}, "health", "identity")
		},
		"a child's": func(t *testing.T, p *traveller) {
			p.change(t, "survivors", p.survivor, set{"age_disputed": care.OfBool(true)})
		},
		"of a giver who gains": func(t *testing.T, p *traveller) {
			p.change(t, "consents", p.consent, set{"giver_implicated": care.OfBool(true)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTraveller(t)
			p.look(t)
			paper := p.expectPapers(t, "prepared").ID
			made, err := hooks.MakeSummary(t.Context(), p.Hub.Hub, p.HubActor(), hooks.SummaryOrder{Case: p.caseID})
			if err != nil {
				t.Fatalf("making a summary: %v", err)
			}
			end(t, p)
			for door, err := range p.doorsOut(t, paper, made) {
				var refused *care.Error
				if name == "" && err != nil {
					t.Errorf("%s is closed although the person agrees: %v", door, err)
				}
				if name != "" && (!errors.As(err, &refused) || refused.Kind != care.Unprocessed && refused.Kind != care.Conflict) {
					t.Errorf("%s: %v", door, err)
				}
			}
			if name == "" {
				return
			}
			p.look(t)
			if states, _ := p.papers(t); states[0] == "prepared" || len(states) != 1 {
				t.Errorf("the job leaves papers %v", states)
			}
		})
	}
}

// TestR3ConsentEndsWhileASummaryIsMade moves the end of the consent through
// every millisecond of the making: no summary comes out after it.
func TestR3ConsentEndsWhileASummaryIsMade(t *testing.T) {
	p := newTraveller(t)
	end := p.Clock.Now().Add(24 * time.Hour)
	p.change(t, "consents", p.consent, set{"expires_at": care.OfTime(end)})
	made, refused := 0, 0
	for n := range 60 {
		p.Clock.Move(end.Sub(p.Clock.Now()) - time.Duration(n)*time.Millisecond)
		_, err := hooks.MakeSummary(t.Context(), p.Hub.Hub, p.HubActor(), hooks.SummaryOrder{Case: p.caseID})
		switch after := p.Clock.Now(); {
		case err != nil && care.CodeOf(err) != "summary_not_agreed":
			t.Fatalf("%d ms before the end: %v", n, err)
		case err != nil:
			refused++
		case !after.Add(-2 * time.Millisecond).Before(end): // the last question was asked one tick before
			t.Errorf("%d ms before the end: a summary came out %v after it", n, after.Sub(end))
		default:
			made++
		}
	}
	if made == 0 || refused < 2 {
		t.Errorf("%d made, %d refused: the test proves nothing", made, refused)
	}
}

// TestR3NoClosesReading: what a person does not want somebody to see is gone
// for them in the same moment, at the desk and, first of all, on their tablets.
func TestR3NoClosesReading(t *testing.T) {
	p := newTraveller(t)
	ctx := t.Context()
	officer, _ := p.Staff(t, care.ProtectionOfficer)
	if _, err := p.Read(ctx, p.owner, "medicines", p.medicine); err != nil {
		t.Fatalf("reading before: %v", err)
	}
	open := func() (n int) {
		t.Helper()
		if err := p.App().DB().NewQuery("SELECT COUNT(*) FROM scope_access WHERE staff = {:staff} AND scope = {:scope} AND until_seq IS NULL").
			Bind(map[string]any{"staff": p.owner.Staff, "scope": "case:" + p.caseID + "/health"}).Row(&n); err != nil {
			t.Fatalf("reading who sees what: %v", err)
		}
		return n
	}
	if open() != 1 {
		t.Fatal("the owner's tablet has no health scope: the test proves nothing")
	}
	p.agreeWith(t, recordID(9), set{"decision": text("deny"), "purpose": text(string(care.ServiceDelivery)), "recipient_kind": text("role"), "recipient_role": text("outreach"),
		"recipient_country": care.OfAbsent(care.NotAsked), "actions": care.OfList("use")}, "health")
	if _, err := p.Read(ctx, p.Reload(t, p.owner.Staff), "medicines", p.medicine); !errors.Is(err, care.ErrNotFound) {
		t.Errorf("reading after: %v", err)
	}
	rows, err := p.List(ctx, p.Reload(t, p.owner.Staff), collections.Query{Collection: "medicines", Case: p.caseID})
	if err != nil || len(rows) != 0 {
		t.Errorf("listing after: %d rows %v", len(rows), err)
	}
	if open() != 0 {
		t.Error("the tablet keeps the scope")
	}
	if _, err := p.Read(ctx, p.Reload(t, p.owner.Staff), "survivors", p.survivor); err != nil {
		t.Errorf("the rest of the case: %v", err)
	}
	receipts, err := p.Do(ctx, officer, collections.Draft{Collection: "grants", Case: p.caseID, Set: set{"staff": text(p.owner.Staff), "compartment": text("health"),
		"status": text("active"), "until": care.OfTime(p.Clock.Now().Add(time.Hour))}})
	if err == nil {
		err = collections.Refused(receipts)
	}
	wantCode(t, "giving it again", err, "grant_refused_by_person")
}

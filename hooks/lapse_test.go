package hooks_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
)

// lapsing is a traveller who agreed until a moment that their organisation uses
// what is said of their health.
type lapsing struct {
	*traveller
	end time.Time
}

func newLapsing(t *testing.T, term time.Duration) *lapsing {
	t.Helper()
	p := &lapsing{traveller: newTraveller(t)}
	p.end = p.Clock.Now().Add(term)
	p.use(t, recordID(9), p.end)
	return p
}

func (p *lapsing) use(t *testing.T, id string, until time.Time) {
	t.Helper()
	p.agreeWith(t, id, set{"purpose": text(string(care.ServiceDelivery)), "recipient_kind": text("organisation"), "recipient_org": text(p.Org),
		"recipient_country": care.OfAbsent(care.NotAsked), "actions": care.OfList("use"), "expires_at": care.OfTime(until)}, "health", "mental_health")
}

// sync gives whether the health part is open for the owner's tablets.
func (p *lapsing) sync(t *testing.T) bool {
	t.Helper()
	var n int
	if err := p.App().DB().NewQuery("SELECT COUNT(*) FROM scope_access WHERE staff = {:staff} AND scope = {:scope} AND until_seq IS NULL").
		Bind(map[string]any{"staff": p.owner.Staff, "scope": "case:" + p.caseID + "/health"}).Row(&n); err != nil {
		t.Fatalf("reading who sees what: %v", err)
	}
	return n == 1
}

// doors tries each way to what is said of the person's health.
func (p *lapsing) doors(t *testing.T, paper string) map[string]error {
	t.Helper()
	ctx, owner := t.Context(), p.Reload(t, p.owner.Staff)
	_, read := p.Read(ctx, owner, "medicines", p.medicine)
	rows, list := p.List(ctx, owner, collections.Query{Collection: "medicines", Case: p.caseID})
	if list == nil && len(rows) == 0 {
		list = care.ErrNotFound
	}
	_, _, print := p.DocumentFile(ctx, owner, paper)
	made, export := hooks.MakeSummary(ctx, p.Hub.Hub, owner, hooks.SummaryOrder{Case: p.caseID})
	if export == nil && !slices.Contains(made.Sections, "medications") {
		export = care.ErrNotFound
	}
	return map[string]error{"reading": read, "a list": list, "print": print, "export": export}
}

// TestR3AYesToUseThatRunsOut closes what rests on it at its moment: reading,
// sync, print, export. Its owner was told before, and is told then; an
// emergency goes past it with a reason; what the person says next gives it back.
func TestR3AYesToUseThatRunsOut(t *testing.T) {
	p := newLapsing(t, 30*24*time.Hour)
	ctx := t.Context()
	p.look(t)
	paper := p.expectPapers(t, "prepared").ID
	// asks gives how many open tasks a rule raised, once the daily job has run.
	asks := func(rule string) (n int) {
		t.Helper()
		if _, err := p.AskAgain(ctx, p.Org); err != nil {
			t.Fatal(err)
		}
		for _, said := range p.openTasks(t) {
			if said == "form "+rule {
				n++
			}
		}
		return n
	}
	if asks("consent_ending") != 0 {
		t.Error("the owner is asked a month before")
	}
	p.Clock.Move(20 * 24 * time.Hour)
	for range 2 {
		if asks("consent_ending") != 1 {
			t.Error("the owner is not asked before it runs out, or twice")
		}
	}
	p.Clock.Move(p.end.Sub(p.Clock.Now()) - time.Second)
	if _, err := p.Read(ctx, p.Reload(t, p.owner.Staff), "medicines", p.medicine); err != nil || !p.sync(t) {
		t.Fatalf("a second before: %v, on the tablet: %v", err, p.sync(t))
	}
	next, err := p.NextEnd(ctx)
	if err != nil || !next.Equal(p.end.UTC().Truncate(time.Millisecond)) {
		t.Errorf("the hub waits for %v, and it runs out at %v (%v)", next, p.end, err)
	}
	p.Clock.Move(time.Second)
	for door, err := range p.doors(t, paper) { // before anything was done about it
		if err == nil {
			t.Errorf("%s is open", door)
		}
	}
	if err := p.EndOver(ctx); err != nil {
		t.Fatal(err)
	}
	if p.sync(t) {
		t.Error("the tablet keeps the part")
	}
	if !slices.Contains(p.openTasks(t), "form consent_ended") {
		t.Errorf("the owner is not told at the moment: %v", p.openTasks(t))
	}
	if _, err := p.Read(ctx, p.Reload(t, p.owner.Staff), "survivors", p.survivor); err != nil {
		t.Errorf("the rest of the case: %v", err)
	}
	officer, _ := p.Staff(t, care.ProtectionOfficer)
	receipts, err := p.Do(ctx, officer, collections.Draft{Collection: "grants", Case: p.caseID, Set: set{"staff": text(p.owner.Staff), "compartment": text("health"),
		"status": text("active"), "until": care.OfTime(p.Clock.Now().Add(time.Hour))}})
	if err == nil {
		err = collections.Refused(receipts)
	}
	wantCode(t, "giving it past the person", err, "grant_consent_over")
	if _, _, err := p.BreakGlass(ctx, p.Reload(t, p.owner.Staff), collections.BreakGlass{Case: p.caseID, Compartment: care.Health, Emergency: "medical", Explanation: "She is unconscious; is she allergic?"}); err != nil {
		t.Errorf("an emergency: %v", err)
	}
	if _, err := p.Read(ctx, p.Reload(t, p.owner.Staff), "medicines", p.medicine); err != nil {
		t.Errorf("reading in an emergency: %v", err)
	}
	p.Clock.Move(4 * time.Hour)
	if err := p.Tend(ctx); err != nil {
		t.Fatal(err)
	}
	p.use(t, recordID(10), p.Clock.Now().Add(30*24*time.Hour))
	if _, err := p.Read(ctx, p.Reload(t, p.owner.Staff), "medicines", p.medicine); err != nil || !p.sync(t) {
		t.Errorf("after they agreed again: %v, on the tablet: %v", err, p.sync(t))
	}
}

// TestR3ARenewalBeforeItsEndLosesNothing: who asks in time closes nothing; a yes
// that is shortened closes at its new end.
func TestR3ARenewalBeforeItsEndLosesNothing(t *testing.T) {
	p := newLapsing(t, 10*24*time.Hour)
	p.Clock.Move(9 * 24 * time.Hour)
	p.use(t, recordID(10), p.end.Add(20*24*time.Hour))
	p.Clock.Move(5 * 24 * time.Hour)
	if err := p.Tend(t.Context()); err != nil || !p.sync(t) {
		t.Errorf("it closed at the end of the first: %v", err)
	}
	p.change(t, "consents", recordID(10), set{"expires_at": care.OfTime(p.Clock.Now().Add(time.Hour))})
	p.Clock.Move(time.Hour)
	if _, err := p.Read(t.Context(), p.Reload(t, p.owner.Staff), "medicines", p.medicine); !errors.Is(err, care.ErrNotFound) {
		t.Errorf("after the end that was brought forward: %v", err)
	}
	held, err := p.Do(t.Context(), p.owner, collections.Draft{Collection: "grants", Record: p.grant(t), Set: set{"rests_until": care.OfTime(p.Clock.Now().Add(time.Hour))}})
	if err == nil && collections.Refused(held) == nil {
		t.Error("somebody else than the hub says on what access rests")
	}
}

func (p *lapsing) grant(t *testing.T) string {
	t.Helper()
	for _, g := range p.list(t, "grants") {
		if g.Text("staff") == p.owner.Staff && g.Text("compartment") == "health" {
			return g.ID
		}
	}
	t.Fatal("no grant")
	return ""
}

// TestR3AYesToUseRunsOutInsideAJob moves its end through every millisecond of
// the making of a summary by somebody whose access rests on it: nothing of the
// person's health comes out after it.
func TestR3AYesToUseRunsOutInsideAJob(t *testing.T) {
	p := newLapsing(t, 24*time.Hour)
	whole, refused := 0, 0
	for n := range 60 {
		p.Clock.Move(p.end.Sub(p.Clock.Now()) - time.Duration(n)*time.Millisecond)
		made, err := hooks.MakeSummary(t.Context(), p.Hub.Hub, p.Reload(t, p.owner.Staff), hooks.SummaryOrder{Case: p.caseID})
		switch {
		case err != nil:
			refused++
		case !slices.Contains(made.Sections, "medications"):
			refused++
		case p.Clock.Now().After(p.end.Add(2 * time.Millisecond)):
			t.Errorf("%d ms before the end: a summary came out %v after it", n, p.Clock.Now().Sub(p.end))
		default:
			whole++
		}
	}
	if whole == 0 || refused < 2 {
		t.Errorf("%d whole, %d refused: the test proves nothing", whole, refused)
	}
}

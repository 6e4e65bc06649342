package hooks_test

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
	"portolan/internal/hubtest"
)

// traveller is a person who is about to move, on a hub of their own.
type traveller struct {
	*hubtest.Hub
	jobs     *hooks.Jobs
	owner    care.Actor
	login    string
	caseID   string
	survivor string
	consent  string
	transfer string
	medicine string
}

type set = map[string]care.Value

var text = care.OfText

func recordID(n int) string {
	return "01930000-0000-7000-8000-0000000000a" + "0123456789abcdef"[n:n+1]
}

// newTraveller opens a case whose person leaves for Spain in three days and
// agreed to share health and identity with whoever is there.
func newTraveller(t *testing.T) *traveller {
	t.Helper()
	return newTravellerOn(t, hubtest.New(t))
}

func newTravellerOn(t *testing.T, h *hubtest.Hub) *traveller {
	t.Helper()
	p := &traveller{Hub: h, caseID: recordID(1), survivor: recordID(2), consent: recordID(3), transfer: recordID(4), medicine: recordID(5)}
	p.jobs = hooks.NewJobs(p.Hub.Hub)
	p.owner, p.login = p.Staff(t, care.Outreach)
	p.Must(t, p.owner, collections.Draft{Collection: "cases", Record: p.caseID, Set: set{"status": text("Active"), "owner": text(p.owner.Staff)}})
	p.owner = p.Reload(t, p.owner.Staff)
	p.put(t, "survivors", p.survivor, set{"alias": text("Marisol"), "primary_language": text("fr"), "languages": care.OfList("fr"), "birth_year": care.OfInt(1999)})
	p.put(t, "medicines", p.medicine, set{"substance": text("Amoxicillin"), "dose": text("500 mg"), "route": text(care.RouteOral), "frequency": text("TID"),
		"status": text("active"), "days_left": care.OfInt(12), "counted_on": text("2026-11-19")})
	p.put(t, "medicines", recordID(6), set{"substance": text("sertraline"), "dose": text("51 mg"), "status": text("active")})
	p.put(t, "allergies", recordID(7), set{"substance": text("Penicillin"), "criticality": text("high"), "status": text("active")})
	p.put(t, "conditions", recordID(8), set{"label": text("Assault, confirmed"), "code": text("T74.51XA"), "code_system": text("icd10cm"), "clinical_status": text("active")})
	p.agree(t, p.consent, "health", "identity")
	p.put(t, "transfers", p.transfer, set{"kind": text("transfer"), "status": text("draft"), "destination_country": text("ES"),
		"departure_at": care.OfTime(p.Clock.Now().Add(72 * time.Hour))})
	p.change(t, "transfers", p.transfer, set{"status": text("consented")})
	return p
}

func (p *traveller) put(t *testing.T, collection, id string, s set) {
	t.Helper()
	p.Must(t, p.owner, collections.Draft{Collection: collection, Record: id, Case: p.caseID, Set: s})
}

func (p *traveller) change(t *testing.T, collection, id string, s set) {
	t.Helper()
	p.Must(t, p.owner, collections.Draft{Collection: collection, Record: id, Set: s})
}

func (p *traveller) agree(t *testing.T, id string, categories ...string) {
	t.Helper()
	p.agreeWith(t, id, nil, categories...)
}

// agreeWith is agree, with more said about it.
func (p *traveller) agreeWith(t *testing.T, id string, more set, categories ...string) {
	t.Helper()
	now := p.Clock.Now()
	s := set{
		"purpose": text(string(care.CrossBorderTransfer)), "recipient_kind": text("country"), "recipient_country": text("ES"),
		"categories": care.OfList(categories...), "actions": care.OfList("print", "share"), "decision": text("permit"), "status": text("given"),
		"valid_from": care.OfTime(now), "expires_at": care.OfTime(now.Add(60 * 24 * time.Hour)), "language": text("fr"), "mode": text("written"),
		"explanation_version": text("2026-1"), "giver": text("self"),
		"checklist": care.OfList("agrees_to_interview", "told_data_use", "told_purpose", "told_research_use", "told_retention", "told_right_to_data", "told_withdrawal"),
	}
	maps.Copy(s, more)
	p.put(t, "consents", id, s)
}

// guardianAgrees gives the yes of a guardian whose interests were looked at.
func (p *traveller) guardianAgrees(t *testing.T) {
	t.Helper()
	p.agreeWith(t, recordID(9), set{"giver": text("guardian"), "giver_conflict_checked": care.OfBool(true)}, "health", "identity")
}

func (p *traveller) withdraw(t *testing.T) {
	t.Helper()
	p.change(t, "consents", p.consent, set{"status": text("withdrawn"), "withdrawn_at": care.OfTime(p.Clock.Now())})
}

func (p *traveller) look(t *testing.T) {
	t.Helper()
	if err := p.jobs.Look(context.Background()); err != nil {
		t.Fatalf("looking for moves: %v", err)
	}
}

func (p *traveller) list(t *testing.T, collection string) []care.Row {
	t.Helper()
	rows, err := p.List(context.Background(), p.owner, collections.Query{Collection: collection, Case: p.caseID})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// papers gives the state of each paper, in the order of versions.
func (p *traveller) papers(t *testing.T) (states []string, newest care.Row) {
	t.Helper()
	rows := p.list(t, "documents")
	slices.SortFunc(rows, func(a, b care.Row) int {
		x, _ := a.Get("version").Int()
		y, _ := b.Get("version").Int()
		return int(x - y)
	})
	for _, r := range rows {
		states, newest = append(states, r.Text("status")), r
	}
	return states, newest
}

func (p *traveller) expectPapers(t *testing.T, want ...string) care.Row {
	t.Helper()
	states, newest := p.papers(t)
	if !slices.Equal(states, want) {
		t.Fatalf("papers %v, want %v; open tasks %v", states, want, p.openTasks(t))
	}
	return newest
}

// openTasks gives title and rule of each open task.
func (p *traveller) openTasks(t *testing.T) []string {
	t.Helper()
	var l []string
	for _, r := range p.list(t, "tasks") {
		if r.Text("status") == "open" {
			l = append(l, strings.TrimSpace(r.Text("title_key")+" "+r.Text("rule")))
			if r.Text("assignee") != p.owner.Staff {
				t.Errorf("the task %s is not the owner's", r.Text("title_key"))
			}
		}
	}
	slices.Sort(l)
	return l
}

func (p *traveller) expectTasks(t *testing.T, want ...string) {
	t.Helper()
	if got := p.openTasks(t); !slices.Equal(got, want) {
		t.Fatalf("open tasks %v, want %v", got, want)
	}
}

func TestANearMoveGetsOnePaper(t *testing.T) {
	p := newTraveller(t)
	p.look(t)
	paper := p.expectPapers(t, "prepared")
	p.expectTasks(t, "paper_ready")
	if got := paper.Get("sections").List(); !slices.Equal(got, []string{"allergies", "identity", "medications", "problems"}) {
		t.Errorf("sections %v", got)
	}
	if got := paper.Get("languages").List(); !slices.Equal(got, []string{"es", "fr"}) {
		t.Errorf("languages %v", got)
	}
	if paper.Text("consent") != p.consent || paper.Text("transfer") != p.transfer {
		t.Error("the paper does not name its consent and its move")
	}
	name, b, err := p.DocumentFile(context.Background(), p.owner, paper.ID)
	if err != nil || name != "summary.pdf" || !bytes.HasPrefix(b, []byte("%PDF-")) {
		t.Fatalf("printing: %q, %d bytes, %v", name, len(b), err)
	}
	// Again, by the same job and after a restart that remembers nothing.
	p.look(t)
	p.jobs = hooks.NewJobs(p.Hub.Hub)
	p.look(t)
	p.Clock.Move(26 * time.Hour) // another day: the same content is no new version
	p.jobs = hooks.NewJobs(p.Hub.Hub)
	p.look(t)
	p.expectPapers(t, "prepared")
	p.expectTasks(t, "paper_ready")
}

func TestAFarMoveGetsNoPaperYet(t *testing.T) {
	p := newTraveller(t)
	p.change(t, "transfers", p.transfer, set{"departure_at": care.OfTime(p.Clock.Now().Add(8 * 24 * time.Hour))})
	p.look(t)
	p.expectPapers(t)
	p.Clock.Move(25 * time.Hour)
	p.look(t)
	p.expectPapers(t, "prepared")
}

func TestChangedRecordsMakeANewVersion(t *testing.T) {
	p := newTraveller(t)
	p.look(t)
	first := p.expectPapers(t, "prepared")
	p.change(t, "medicines", p.medicine, set{"dose": text("250 mg")})
	p.look(t)
	second := p.expectPapers(t, "cancelled", "prepared")
	if second.Text("replaces") != first.ID {
		t.Error("the second version does not replace the first")
	}
	p.expectTasks(t, "paper_ready")
	if _, _, err := p.DocumentFile(context.Background(), p.owner, first.ID); care.CodeOf(err) != "paper_state" {
		t.Errorf("printing the cancelled one: %v", err)
	}
}

func TestWithdrawnConsentTakesThePaperBack(t *testing.T) {
	p := newTraveller(t)
	p.look(t)
	p.expectPapers(t, "prepared")
	p.withdraw(t)
	p.look(t)
	paper := p.expectPapers(t, "cancelled")
	if paper.Text("cancel_reason") != "consent_withdrawn" {
		t.Errorf("cancelled for %s", paper.Text("cancel_reason"))
	}
	p.expectTasks(t, "paper_needs_you summary_not_agreed")
	ctx := context.Background()
	if _, _, err := p.DocumentFile(ctx, p.owner, paper.ID); care.CodeOf(err) != "paper_state" {
		t.Errorf("printing: %v", err)
	}
	if err := p.HandOut(ctx, p.owner, paper.ID); care.CodeOf(err) != "paper_state" {
		t.Errorf("handing out: %v", err)
	}
	p.jobs = hooks.NewJobs(p.Hub.Hub)
	p.look(t)
	p.expectPapers(t, "cancelled")
	p.expectTasks(t, "paper_needs_you summary_not_agreed")
	// A new agreement makes a new paper and ends the task.
	p.Clock.Move(time.Minute)
	p.agree(t, recordID(9), "health")
	p.change(t, "transfers", p.transfer, set{"status": text("consented")})
	p.look(t)
	p.expectPapers(t, "cancelled", "prepared")
	p.expectTasks(t, "paper_ready")
}

// A no that is written down between the making and the giving out counts at
// once, before any job has run.
func TestTheAgreementIsAskedAtThatMoment(t *testing.T) {
	p := newTraveller(t)
	p.look(t)
	paper := p.expectPapers(t, "prepared")
	p.put(t, "consents", recordID(9), set{"purpose": text(string(care.CrossBorderTransfer)), "recipient_kind": text("country"), "recipient_country": text("ES"),
		"categories": care.OfList("health"), "actions": care.OfList("print"), "decision": text("deny"), "status": text("given"),
		"expires_at": care.OfTime(p.Clock.Now().Add(time.Hour)), "language": text("fr"), "mode": text("written"), "explanation_version": text("2026-1"),
		"giver": text("self"), "checklist": care.OfList("told_purpose")})
	ctx := context.Background()
	if _, b, err := p.DocumentFile(ctx, p.owner, paper.ID); care.CodeOf(err) != "summary_not_agreed" || b != nil || !strings.Contains(err.Error(), "said no") {
		t.Errorf("printing: %v", err)
	}
	if err := p.HandOut(ctx, p.owner, paper.ID); care.CodeOf(err) != "summary_not_agreed" {
		t.Errorf("handing out: %v", err)
	}
	p.expectPapers(t, "prepared")
	p.look(t)
	p.expectPapers(t, "cancelled", "prepared") // what they still agree to: the name they use
}

func TestConsentThatEndsTakesThePaperBack(t *testing.T) {
	p := newTraveller(t)
	p.change(t, "transfers", p.transfer, set{"departure_at": care.OfTime(p.Clock.Now().Add(7 * 24 * time.Hour))})
	p.change(t, "consents", p.consent, set{"expires_at": care.OfTime(p.Clock.Now().Add(48 * time.Hour))})
	p.look(t)
	p.expectPapers(t, "prepared")
	p.Clock.Move(49 * time.Hour)
	p.look(t)
	if paper := p.expectPapers(t, "cancelled"); paper.Text("cancel_reason") != "consent_ended" {
		t.Errorf("cancelled for %s", paper.Text("cancel_reason"))
	}
}

func TestAMoveCalledOffTakesThePaperBack(t *testing.T) {
	p := newTraveller(t)
	p.look(t)
	p.expectPapers(t, "prepared")
	p.change(t, "transfers", p.transfer, set{"status": text("cancelled"), "cancel_reason": text("person_changed_mind")})
	p.look(t)
	if paper := p.expectPapers(t, "cancelled"); paper.Text("cancel_reason") != "plan_changed" {
		t.Errorf("cancelled for %s", paper.Text("cancel_reason"))
	}
}

func TestWhatStandsInTheWayIsSaid(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(*traveller)
		rule    string
		says    string
	}{
		{"a language that cannot be set", func(p *traveller) { p.change(t, "survivors", p.survivor, set{"primary_language": text("de")}) }, "summary_language", "German (de)"},
		{"a script without a font", func(p *traveller) {
			p.change(t, "medicines", p.medicine, set{"instructions": text("식후 30분")})
		}, "summary_text", "Instructions"},
		{"a word that gives away", func(p *traveller) {
			p.change(t, "medicines", p.medicine, set{"instructions": text("ask at the shelter")})
		}, "summary_words", "Instructions"},
		{"nothing to carry", func(p *traveller) { p.change(t, "survivors", p.survivor, set{"carry_choice": text("nothing")}) }, "summary_not_agreed", "chose not to carry"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newTraveller(t)
			c.prepare(p)
			p.look(t)
			p.look(t)
			p.jobs = hooks.NewJobs(p.Hub.Hub)
			p.look(t)
			p.expectPapers(t)
			p.expectTasks(t, "paper_needs_you "+c.rule)
			for _, r := range p.list(t, "tasks") {
				if !strings.Contains(r.Text("details"), c.says) {
					t.Errorf("the task says %q, want %q in it", r.Text("details"), c.says)
				}
				for _, secret := range []string{"식후", "shelter", "Marisol"} {
					if strings.Contains(r.Text("details"), secret) {
						t.Errorf("the task holds %q", secret)
					}
				}
			}
		})
	}
}

func TestHandingOutIsRecorded(t *testing.T) {
	p := newTraveller(t)
	p.look(t)
	paper := p.expectPapers(t, "prepared")
	ctx := context.Background()
	stranger, _ := p.Staff(t, care.Outreach)
	if err := p.HandOut(ctx, stranger, paper.ID); care.CodeOf(err) != "not_found" {
		t.Errorf("by a stranger: %v", err)
	}
	if err := p.HandOut(ctx, p.owner, paper.ID); err != nil {
		t.Fatal(err)
	}
	paper = p.expectPapers(t, "handed_out")
	if paper.Text("handed_out_by") != p.owner.Staff || paper.Text("handed_out_to") != "person" || paper.Text("handed_out_at") == "" {
		t.Errorf("handed out by %s to %s at %s", paper.Text("handed_out_by"), paper.Text("handed_out_to"), paper.Text("handed_out_at"))
	}
	p.expectTasks(t)
	if err := p.HandOut(ctx, p.owner, paper.ID); care.CodeOf(err) != "paper_state" {
		t.Errorf("a second time: %v", err)
	}
	// What went out cannot be called back, and the owner hears of it.
	p.withdraw(t)
	p.look(t)
	p.expectPapers(t, "not_recallable")
	if tasks := p.openTasks(t); len(tasks) != 1 || !strings.HasPrefix(tasks[0], "paper_needs_you") {
		t.Errorf("open tasks %v", tasks)
	}
}

func TestAChildsPaperGoesToTheGuardian(t *testing.T) {
	p := newTraveller(t)
	p.look(t)
	paper := p.expectPapers(t, "prepared")
	p.change(t, "survivors", p.survivor, set{"age_disputed": care.OfBool(true)})
	wantCode(t, "on a child's own yes", p.HandOut(context.Background(), p.owner, paper.ID), "summary_not_agreed")
	p.guardianAgrees(t)
	if err := p.HandOut(context.Background(), p.owner, paper.ID); err != nil {
		t.Fatal(err)
	}
	if paper = p.expectPapers(t, "handed_out"); paper.Text("handed_out_to") != "guardian" {
		t.Errorf("handed out to %s", paper.Text("handed_out_to"))
	}
}

func TestOnlyWhoIsOnItPrintsIt(t *testing.T) {
	p := newTraveller(t)
	p.look(t)
	paper := p.expectPapers(t, "prepared")
	lead, _ := p.Staff(t, care.Coordinator)
	p.Must(t, p.HubActor(), collections.Draft{Collection: "grants", Case: p.caseID, Set: set{"staff": text(lead.Staff), "compartment": text("general"),
		"until": care.OfTime(p.Clock.Now().Add(24 * time.Hour)), "status": text("active")}})
	lead = p.Reload(t, lead.Staff)
	if _, _, err := p.DocumentFile(context.Background(), lead, paper.ID); care.CodeOf(err) != "paper_compartment" {
		t.Errorf("a coordinator without health: %v", err)
	}
	// A summary made for them leaves out what they may not see.
	_, err := hooks.MakeSummary(context.Background(), p.Hub.Hub, lead, hooks.SummaryOrder{Case: p.caseID, Languages: []string{"fr", "en"}})
	if care.CodeOf(err) != "summary_empty" {
		t.Errorf("a summary for them: %v, want nothing to show", err)
	}
	other, _ := p.Staff(t, care.Outreach)
	_, err = hooks.MakeSummary(context.Background(), p.Hub.Hub, other, hooks.SummaryOrder{Case: p.caseID, Languages: []string{"fr", "en"}})
	if care.CodeOf(err) != "not_found" {
		t.Errorf("a summary for a stranger: %v", err)
	}
}

func TestTheMindIsShownOnlyWhereAgreed(t *testing.T) {
	p := newTraveller(t)
	made, err := hooks.MakeSummary(context.Background(), p.Hub.Hub, p.owner, hooks.SummaryOrder{Case: p.caseID})
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(made.Sections, "mental_health") {
		t.Error("the medicine for the mind is told without agreement")
	}
	p.Clock.Move(time.Minute)
	p.agree(t, recordID(9), "health", "mental_health", "identity")
	with, err := hooks.MakeSummary(context.Background(), p.Hub.Hub, p.owner, hooks.SummaryOrder{Case: p.caseID})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(with.Sections, "mental_health") || bytes.Equal(made.PDF, with.PDF) {
		t.Errorf("sections %v after the person agreed", with.Sections)
	}
}

// TestCase22APaperOfTheProgramRunsNothing is attack case 22 in the built
// program: whatever stands in the records, what an operator's command writes
// holds pages and no action (what else a PDF could hold: TestAPaperRunsNothing).
func TestCase22APaperOfTheProgramRunsNothing(t *testing.T) {
	p := newTravellerOn(t, hubtest.Arranged(t))
	p.change(t, "survivors", p.survivor, set{"alias": text(`=cmd|' /C calc'!A0`)})
	p.put(t, "allergies", p.NewID(), set{"substance": text(`) /AA << /S /JavaScript /JS (app.alert(1)) >> endobj`), "criticality": text("high"), "status": text("active")})
	p.Aside(t)
	t.Setenv("PORTOLAN_PASSWORD", hubtest.Password)
	out := filepath.Join(t.TempDir(), "paper.pdf")
	if said, exit := hubtest.Console(t, "summary", "--dir", p.Dir(), "--as", p.login, "--case", p.caseID, "--languages", "fr,es", "--out", out); exit != 0 {
		t.Fatalf("exit code %d: %s", exit, said)
	}
	paper, err := os.ReadFile(out)
	if err != nil || !bytes.HasPrefix(paper, []byte("%PDF-")) {
		t.Fatalf("%.20q %v", paper, err)
	}
	plain := regexp.MustCompile(`(?s)stream\r?\n.*?endstream`).ReplaceAll(paper, nil) // what pages draw is no instruction to a reader
	for _, key := range []string{"/JavaScript", "/JS", "/OpenAction", "/AA", "/Launch", "/URI", "/AcroForm", "cmd|"} {
		if bytes.Contains(plain, []byte(key)) {
			t.Errorf("the paper holds %s", key)
		}
	}
}

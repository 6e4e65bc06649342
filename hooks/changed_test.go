package hooks_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
	"portolan/internal/hubtest"
)

// What changes after a paper was made reaches it before the clock's next look,
// and only what changed is looked at.
func TestWhatChangesReachesThePaper(t *testing.T) {
	p := newTraveller(t)
	p.jobs = hooks.NewJobs(p.Hub.Hub)
	p.Hub.Hub.OnChange(p.jobs.Note)
	changed := func() {
		t.Helper()
		if err := p.jobs.LookAtChanged(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	changed() // nothing did
	p.expectPapers(t)
	p.change(t, "transfers", p.transfer, set{"status": text("sent")})
	changed()
	p.expectPapers(t, "prepared")

	p.put(t, "medicines", recordID(9), set{"substance": text("ibuprofen"), "dose": text("417 mg"), "status": text("active")})
	changed()
	p.expectPapers(t, "cancelled", "prepared")

	p.agree(t, recordID(10), "legal")
	lawyers := func(collection, id string, s set) { // who is on that part of the case
		p.Must(t, p.HubActor(), collections.Draft{Collection: collection, Record: id, Case: p.caseID, Set: s})
	}
	lawyers("legal_matters", recordID(11), set{"kind": text("asylum"), "pathway": text("asylum/1"), "status": text("applied")})
	lawyers("deadlines", recordID(12), set{"matter": text(recordID(11)), "kind": text("appeal"), "due_on": text("2026-12-11"), "status": text("open")})
	changed()
	paper := p.expectPapers(t, "cancelled", "cancelled", "prepared")
	if !slices.Contains(paper.Get("sections").List(), "legal") {
		t.Errorf("a new deadline is not on the paper: %v", paper.Get("sections").List())
	}

	// Narrowed: of health and identity, health alone is left.
	p.change(t, "consents", p.consent, set{"categories": care.OfList("health")})
	changed()
	paper = p.expectPapers(t, "cancelled", "cancelled", "cancelled", "prepared")
	if slices.Contains(paper.Get("sections").List(), "identity") {
		t.Error("what is not agreed to any more is on the paper")
	}

	// Put off, and near again.
	p.change(t, "transfers", p.transfer, set{"departure_at": care.OfTime(p.Clock.Now().Add(30 * 24 * time.Hour))})
	changed()
	if paper = p.expectPapers(t, "cancelled", "cancelled", "cancelled", "cancelled"); paper.Text("cancel_reason") != "plan_changed" {
		t.Errorf("put off: cancelled for %s", paper.Text("cancel_reason"))
	}
	if tasks := p.openTasks(t); slices.Contains(tasks, "paper_ready") {
		t.Errorf("a paper that is gone has a task: %v", tasks)
	}
	p.change(t, "transfers", p.transfer, set{"departure_at": care.OfTime(p.Clock.Now().Add(48 * time.Hour))})
	changed()
	p.expectPapers(t, "cancelled", "cancelled", "cancelled", "cancelled", "prepared")

	p.change(t, "transfers", p.transfer, set{"status": text("cancelled"), "cancel_reason": text("person_changed_mind")})
	changed()
	p.expectPapers(t, "cancelled", "cancelled", "cancelled", "cancelled", "cancelled")
}

// A hub that serves follows what changes by itself.
func TestAHubFollowsWhatChanges(t *testing.T) {
	p := newTraveller(t)
	made := make(chan struct{}, 1)
	p.Hub.Hub.OnChange(func([]string) {
		select {
		case made <- struct{}{}:
		default:
		}
	})
	if err := p.jobs.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.jobs.Stop)
	until := func(want ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for {
			if states, _ := p.papers(t); slices.Equal(states, want) {
				return
			}
			select {
			case <-made:
			case <-ctx.Done():
				states, _ := p.papers(t)
				t.Fatalf("after a minute there are %v, want %v", states, want)
			}
		}
	}
	until("prepared") // the look that was missed
	p.change(t, "medicines", p.medicine, set{"dose": text("250 mg")})
	until("cancelled", "prepared")
}

// A yes that is taken back while a paper is made, at each point of it: nothing
// lies ready, nothing can be handed out or printed.
func TestAYesTakenBackWhileAPaperIsMade(t *testing.T) {
	for _, point := range []string{"paper made", "paper written", "paper kept"} {
		t.Run(point, func(t *testing.T) {
			var p *traveller
			var came int
			h := hubtest.Reaching(t, func(label string) {
				if label == point && p != nil {
					came++
					p.withdraw(t)
				}
			})
			p = newTravellerOn(t, h)
			_ = p.jobs.Look(t.Context()) // held at the door, and tried again
			if came != 1 {
				t.Fatalf("the paper came %d times to that point", came)
			}
			p.look(t)
			states, paper := p.papers(t)
			if slices.Contains(states, "prepared") || slices.Contains(states, "handed_out") {
				t.Errorf("papers %v", states)
			}
			if paper.ID != "" {
				wantCode(t, "handing it out", p.HandOut(t.Context(), p.owner, paper.ID), "paper_state")
				_, b, err := p.DocumentFile(t.Context(), p.owner, paper.ID)
				if wantCode(t, "printing it", err, "paper_state"); b != nil {
					t.Error("its bytes came out")
				}
			}
			if tasks := p.openTasks(t); slices.Contains(tasks, "paper_ready") {
				t.Errorf("open tasks %v", tasks)
			}
			if aside, err := p.SweepFiles(t.Context()); err != nil || aside != 0 {
				t.Errorf("%d files without a record, %v", aside, err)
			}
		})
	}
}

package hooks_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
	"portolan/internal/hubtest"
)

type jobRun struct {
	Job      string `db:"job"`
	Due      string `db:"due_at"`
	Finished string `db:"finished_at"`
	Outcome  string `db:"outcome"`
}

func runs(t *testing.T, h *hubtest.Hub) (l []jobRun) {
	t.Helper()
	err := h.App().ConcurrentDB().NewQuery(`SELECT job, due_at, finished_at, outcome FROM job_runs ORDER BY job, due_at`).All(&l)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func catchUp(t *testing.T, h *hubtest.Hub) {
	t.Helper()
	if err := hooks.NewJobs(h.Hub).CatchUp(context.Background()); err != nil {
		t.Fatalf("catching up: %v", err)
	}
}

func dues(l []jobRun, job string) []string {
	var d []string
	for _, r := range l {
		if r.Job == job {
			d = append(d, r.Due)
		}
	}
	return d
}

// The clock of the tests begins at 08:00 UTC, which is 11:00 in Nairobi.
func TestMissedRunsAreCaughtUpOnce(t *testing.T) {
	h := hubtest.New(t)
	catchUp(t, h)
	catchUp(t, h) // a restart a moment later
	l := runs(t, h)
	if got := dues(l, "summaries_daily"); !slices.Equal(got, []string{"2026-11-20T02:30:00.000Z"}) {
		t.Errorf("the daily run of 05:30 in Nairobi was due at %v", got)
	}
	if got := dues(l, "summaries_look"); !slices.Equal(got, []string{"2026-11-20T08:00:00.000Z"}) {
		t.Errorf("looks at %v", got)
	}
	h.Clock.Move(10 * 24 * time.Hour) // ten days without power: the last due time of each, once
	catchUp(t, h)
	catchUp(t, h)
	l = runs(t, h)
	if got := dues(l, "summaries_daily"); !slices.Equal(got, []string{"2026-11-20T02:30:00.000Z", "2026-11-30T02:30:00.000Z"}) {
		t.Errorf("daily runs %v", got)
	}
	if got := dues(l, "retention"); !slices.Equal(got, []string{"2026-11-20T03:15:00.000Z", "2026-11-30T03:15:00.000Z"}) {
		t.Errorf("retention runs %v", got)
	}
	if len(l) != 6 {
		t.Errorf("%d runs, want 6", len(l))
	}
	for _, r := range l {
		if r.Finished == "" || !strings.HasPrefix(r.Outcome, "0 ") {
			t.Errorf("%s of %s ended at %q with %q", r.Job, r.Due, r.Finished, r.Outcome)
		}
	}
}

func TestEachSiteRunsInItsOwnTime(t *testing.T) {
	h := hubtest.New(t)
	other := "01930000-0000-7000-8000-000000000002"
	partner := "01930000-0000-7000-8000-000000000003"
	h.Must(t, h.HubActor(),
		collections.Draft{Collection: "organisations", Record: other, Org: other, Set: set{"name": text("Quay House"), "kind": text("NGO"), "time_zone": text("America/Mexico_City")}},
		collections.Draft{Collection: "organisations", Record: partner, Org: h.Org, Set: set{"name": text("A partner"), "kind": text("NGO"), "time_zone": text("Asia/Tokyo")}})
	catchUp(t, h)
	// 05:30 in Nairobi of the 20th, and in Mexico City of the 19th: at 08:00
	// UTC it is two in the morning there. The partner is no site of this hub.
	if got := dues(runs(t, h), "summaries_daily"); !slices.Equal(got, []string{"2026-11-19T11:30:00.000Z", "2026-11-20T02:30:00.000Z"}) {
		t.Errorf("daily runs %v", got)
	}
}

func TestSitesAreScheduledAsTheyCome(t *testing.T) {
	h := hubtest.New(t)
	jobs := hooks.NewJobs(h.Hub)
	noon := time.Date(2026, 11, 20, 12, 1, 0, 0, time.UTC)
	look, daily := noon.Add(14*time.Minute), time.Date(2026, 11, 21, 2, 30, 0, 0, time.UTC)
	const retention = 45 * time.Minute // after the daily look
	expect := func(want map[string][]time.Time) {
		t.Helper()
		if err := jobs.Schedule(); err != nil {
			t.Fatal(err)
		}
		got := jobs.Scheduled(noon)
		if len(got) != len(want) {
			t.Errorf("%d sites are scheduled, want %d", len(got), len(want))
		}
		for site, times := range want {
			if !slices.Equal(got[site], times) {
				t.Errorf("%s is due at %v, want %v", site, got[site], times)
			}
		}
	}
	expect(map[string][]time.Time{h.Org: {look, daily, daily.Add(retention)}})
	other := "01930000-0000-7000-8000-000000000002"
	h.Must(t, h.HubActor(), collections.Draft{Collection: "organisations", Record: other, Org: other, Set: set{"name": text("Quay House"), "kind": text("NGO")}})
	expect(map[string][]time.Time{h.Org: {look, daily, daily.Add(retention)}, other: {look, time.Date(2026, 11, 21, 5, 30, 0, 0, time.UTC), time.Date(2026, 11, 21, 5, 30, 0, 0, time.UTC).Add(retention)}}) // UTC where no zone is known
	h.Must(t, h.HubActor(), collections.Draft{Collection: "organisations", Record: other, Set: set{"time_zone": text("Asia/Kathmandu")}})
	expect(map[string][]time.Time{h.Org: {look, daily, daily.Add(retention)}, other: {look, time.Date(2026, 11, 20, 23, 45, 0, 0, time.UTC), time.Date(2026, 11, 20, 23, 45, 0, 0, time.UTC).Add(retention)}})
}

func TestARunThatWasCutOffIsTakenUpAgain(t *testing.T) {
	p := newTraveller(t)
	run := collections.Run{Job: "summaries_daily", Site: p.Org, Due: time.Date(2026, 11, 20, 2, 30, 0, 0, time.UTC)}
	if claimed, err := p.ClaimRun(context.Background(), run, false); err != nil || !claimed {
		t.Fatalf("claiming: %v %v", claimed, err)
	}
	if claimed, err := p.ClaimRun(context.Background(), run, false); err != nil || claimed {
		t.Fatalf("claiming twice: %v %v", claimed, err)
	}
	catchUp(t, p.Hub) // the next start
	p.expectPapers(t, "prepared")
	catchUp(t, p.Hub)
	p.expectPapers(t, "prepared")
	for _, r := range runs(t, p.Hub) {
		if r.Finished == "" {
			t.Errorf("%s of %s is not finished", r.Job, r.Due)
		}
	}
}

func TestJobsStopAndWait(t *testing.T) {
	p := newTraveller(t)
	jobs := hooks.NewJobs(p.Hub.Hub)
	if err := jobs.Start(); err != nil {
		t.Fatal(err)
	}
	jobs.Stop()
	before := len(runs(t, p.Hub))
	jobs.Stop() // a second time changes nothing
	if err := jobs.CatchUp(p.Cancelled()); err == nil {
		t.Error("a stopped hub still ran a job")
	}
	if got := len(runs(t, p.Hub)); got != before {
		t.Errorf("%d runs after the stop, %d at it", got, before)
	}
}

// Cancelled is the context of a hub that stops.
func (p *traveller) Cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestAnUnclaimedFileIsSetAside(t *testing.T) {
	p := newTraveller(t)
	p.look(t)
	paper := p.expectPapers(t, "prepared")
	if aside, err := p.SweepFiles(context.Background()); err != nil || aside != 0 {
		t.Fatalf("sweeping: %d %v", aside, err)
	}
	if _, _, err := p.DocumentFile(context.Background(), p.owner, paper.ID); err != nil {
		t.Errorf("printing after a sweep: %v", err)
	}
	if _, err := p.KeepPaper(context.Background(), care.Actor{Staff: recordID(9), Org: p.Org}, []byte("%PDF-"),
		collections.Draft{Case: p.caseID, Set: set{"kind": text("summary"), "status": text("prepared")}}); err == nil {
		t.Error("a stranger kept a paper")
	}
	if aside, err := p.SweepFiles(context.Background()); err != nil || aside != 0 {
		t.Errorf("a refused paper left %d files: %v", aside, err)
	}
	// As after a crash between the bytes and their record.
	lost := filepath.Join(p.FilesDir(), "01", recordID(9))
	if err := os.WriteFile(lost, []byte("%PDF-"), 0o600); err != nil {
		t.Fatal(err)
	}
	if aside, err := p.SweepFiles(context.Background()); err != nil || aside != 1 {
		t.Errorf("%d files set aside, want the one without a record: %v", aside, err)
	}
	if _, err := os.Stat(filepath.Join(p.Dir(), "files-unclaimed", recordID(9))); err != nil {
		t.Errorf("what was set aside is gone: %v", err)
	}
}

package hooks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"portolan/care"
	"portolan/collections"
)

// LeadDays is how long before a departure the paper is prepared: time for the
// owner to look at it with the person, and to mend what stands in the way.
const LeadDays = 7

// Names of the jobs and when they are due, in the time of each site. The look
// passes over cases in which nothing changed; the daily one takes each again.
// Retention asks somebody about the cases whose time is over (R16), and about
// what people agreed to, where that time is (R3).
const (
	jobLook      = "summaries_look"
	jobDaily     = "summaries_daily"
	jobRetention = "retention"
)

var schedules = []struct{ job, spec string }{
	{jobLook, "*/15 * * * *"},
	{jobDaily, "30 5 * * *"},
	{jobRetention, "15 6 * * *"},
}

// sitesSpec is how often new sites are looked for: an empty hub gets its first
// one while it runs.
const sitesSpec = "@every 1m"

// Limits of the jobs.
const (
	catchUpSpan    = 25 * time.Hour // how far back a missed run is looked for: one of each job lies in it
	stopJobsWithin = 30 * time.Second
)

// Jobs runs what the hub does by the clock: robfig/cron with a schedule in the
// time zone of each site, each run noted in job_runs, none twice, none beside
// another.
type Jobs struct {
	hub  *collections.Hub
	log  *slog.Logger
	cron *cron.Cron

	turn  sync.Mutex // one run at a time, whatever started it
	seen  map[string]uint64
	sites map[string]scheduled // by site

	changed *changedCases // since the last look at them

	ctx     context.Context
	cancel  context.CancelFunc
	catchUp sync.WaitGroup
	ending  sync.Mutex // held where catchUp is added to, and where it ends
}

// scheduled is what the cron holds of one site.
type scheduled struct {
	zone    string
	entries []cron.EntryID
}

// NewJobs prepares the jobs of a hub; Start begins them.
func NewJobs(hub *collections.Hub) *Jobs {
	ctx, cancel := context.WithCancel(context.Background())
	log := cronLog{hub.Log()}
	return &Jobs{
		hub: hub, log: hub.Log(), seen: map[string]uint64{}, sites: map[string]scheduled{}, changed: newChangedCases(), ctx: ctx, cancel: cancel,
		cron: cron.New(cron.WithLogger(log), cron.WithChain(cron.Recover(log), cron.SkipIfStillRunning(log))),
	}
}

// Start catches up what was missed while the hub was down, once, and goes on
// by the clock.
func (j *Jobs) Start() error {
	if err := j.Schedule(); err != nil {
		return err
	}
	j.hub.OnUnlock(j.begin)
	j.hub.OnChange(j.changed.note)
	j.ending.Lock()
	j.catchUp.Go(j.follow)
	j.ending.Unlock()
	if _, err := j.cron.AddFunc(sitesSpec, j.newSites); err != nil {
		return fmt.Errorf("scheduling: %w", err)
	}
	j.cron.Start()
	j.begin()
	return nil
}

// begin catches up, once the hub is unlocked: until then the jobs wait.
func (j *Jobs) begin() {
	if j.hub.Locked() {
		return
	}
	j.ending.Lock()
	defer j.ending.Unlock()
	if j.ctx.Err() != nil {
		return // Stop waits for those that have begun
	}
	j.catchUp.Go(func() {
		j.newSites()
		if err := j.CatchUp(j.ctx); err != nil && j.ctx.Err() == nil {
			j.log.Error("catching up missed jobs", "code", care.CodeOf(err))
		}
	})
}

// Stop lets the run that is under way end and waits for it.
func (j *Jobs) Stop() {
	j.ending.Lock()
	j.cancel()
	j.ending.Unlock()
	late := time.NewTimer(stopJobsWithin)
	defer late.Stop()
	select {
	case <-j.cron.Stop().Done():
	case <-late.C:
		j.log.Error("a job does not end")
	}
	j.catchUp.Wait() // the hub is closed next
}

// newSites is what the cron calls to keep in step with the sites.
func (j *Jobs) newSites() {
	if err := j.Schedule(); err != nil && j.ctx.Err() == nil {
		j.log.Error("scheduling jobs", "code", care.CodeOf(err))
	}
}

// Schedule brings the cron in step with the sites: new ones, and those that
// moved to another time zone.
func (j *Jobs) Schedule() error {
	j.turn.Lock()
	defer j.turn.Unlock()
	if j.hub.Locked() {
		return nil // begin calls again
	}
	sites, err := j.hub.Sites(j.ctx, j.hub.HubActor())
	if err != nil {
		return fmt.Errorf("reading the sites: %w", err)
	}
	for _, s := range sites {
		zone := zoneOf(s)
		had, ok := j.sites[s.ID]
		if ok && had.zone == zone.String() {
			continue
		}
		for _, id := range had.entries {
			j.cron.Remove(id)
		}
		now := scheduled{zone: zone.String()}
		for _, p := range schedules {
			id, err := j.cron.AddFunc("CRON_TZ="+zone.String()+" "+p.spec, func() { j.onTime(p.job, s.ID) })
			if err != nil {
				return fmt.Errorf("scheduling %s: %w", p.job, err)
			}
			now.entries = append(now.entries, id)
		}
		j.sites[s.ID] = now
	}
	return nil
}

// Scheduled lists, for each site, when each job is due next after a moment.
func (j *Jobs) Scheduled(after time.Time) map[string][]time.Time {
	j.turn.Lock()
	defer j.turn.Unlock()
	next := make(map[string][]time.Time, len(j.sites))
	for site, s := range j.sites {
		for _, id := range s.entries {
			next[site] = append(next[site], j.cron.Entry(id).Schedule.Next(after).UTC())
		}
	}
	return next
}

// zoneOf is a site's time zone; UTC where none is recorded or known.
func zoneOf(site care.Row) *time.Location {
	zone, err := time.LoadLocation(site.Text("time_zone"))
	if err != nil {
		return time.UTC
	}
	return zone
}

// onTime is what the cron calls.
func (j *Jobs) onTime(job, site string) {
	row, err := j.hub.Read(j.ctx, j.hub.HubActor(), "organisations", site)
	if err == nil {
		err = j.runDue(j.ctx, job, row, false)
	}
	if err != nil && j.ctx.Err() == nil {
		j.log.Error("running a job", "job", job, "code", care.CodeOf(err))
	}
}

// CatchUp runs, for each site, the last due time of each job that was missed,
// once, and takes up a run that was cut off.
func (j *Jobs) CatchUp(ctx context.Context) error {
	sites, err := j.hub.Sites(ctx, j.hub.HubActor())
	if err != nil {
		return fmt.Errorf("reading the sites: %w", err)
	}
	var failed error
	for _, s := range sites {
		for _, p := range schedules {
			failed = errors.Join(failed, j.runDue(ctx, p.job, s, true))
		}
	}
	return failed
}

// runDue runs the last due time of a job at a site, unless it was run.
func (j *Jobs) runDue(ctx context.Context, job string, site care.Row, resume bool) (err error) {
	j.turn.Lock()
	defer j.turn.Unlock()
	due, ok := lastDue(job, zoneOf(site), j.hub.Now())
	if !ok || ctx.Err() != nil {
		return ctx.Err()
	}
	run := collections.Run{Job: job, Site: site.ID, Due: due}
	claimed, err := j.hub.ClaimRun(ctx, run, resume)
	if err != nil || !claimed {
		return err
	}
	outcome := "failed"
	defer func() {
		if ctx.Err() != nil {
			return // cut off: taken up again at the next start
		}
		err = errors.Join(err, j.hub.FinishRun(ctx, run, outcome))
	}()
	said, err := j.run(ctx, job, site)
	if err == nil {
		outcome = said
	}
	return err
}

// run does what a job is for, and says how it went.
func (j *Jobs) run(ctx context.Context, job string, site care.Row) (string, error) {
	switch job {
	case jobRetention:
		n, err := j.hub.AskRetention(ctx, site.ID)
		again, askErr := j.hub.AskAgain(ctx, site.ID)
		return fmt.Sprintf("%d cases over their time, %d people to be asked again", n, again), errors.Join(err, askErr)
	case jobDaily:
		clear(j.seen)
	}
	tally, err := j.look(ctx, collections.Where{Org: site.ID})
	return tally.String(), err
}

// lastDue is the last moment, up to now, at which a job was due.
func lastDue(job string, zone *time.Location, now time.Time) (due time.Time, ok bool) {
	for _, p := range schedules {
		if p.job != job {
			continue
		}
		s, err := cron.ParseStandard("CRON_TZ=" + zone.String() + " " + p.spec)
		if err != nil {
			return due, false
		}
		for at := s.Next(now.Add(-catchUpSpan)); !at.IsZero() && !at.After(now); at = s.Next(at) {
			due, ok = at, true
		}
	}
	return due.UTC(), ok
}

// Look prepares the papers of all sites now, whatever the clock says: for a
// person who does not want to wait, and for the demo.
func (j *Jobs) Look(ctx context.Context) error {
	sites, err := j.hub.Sites(ctx, j.hub.HubActor())
	if err != nil {
		return fmt.Errorf("reading the sites: %w", err)
	}
	j.turn.Lock()
	defer j.turn.Unlock()
	for _, s := range sites {
		if _, err := j.look(ctx, collections.Where{Org: s.ID}); err != nil {
			return err
		}
	}
	return nil
}

// cronLog gives the cron's log to ours. What a panic says could hold personal
// data, so only its type is told.
type cronLog struct{ log *slog.Logger }

// Info is silent: each run is in job_runs.
func (cronLog) Info(string, ...any) {}

// Error says that a job broke.
func (l cronLog) Error(err error, msg string, _ ...any) {
	l.log.Error("a job broke", "what", msg, "type", fmt.Sprintf("%T", err))
}

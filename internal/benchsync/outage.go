package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"portolan/care"
	fieldsync "portolan/sync"
)

// A week's work of one tablet without a network.
const (
	outageTeam   = 5 // tablets that share cases, one a person
	outageCases  = 10
	outageRows   = 7 * outageTeam // records that each case has before
	outageDays   = 7
	madeEachDay  = 20
	editsEachDay = 40
	hubMemoryMax = 500 << 20
)

// editedEachWeek are the fields of one's share of the records that are edited:
// with outageCases times 7 records, editsEachDay a day.
var editedEachWeek = []string{planField, versionField, "receiving_worker", "outgoing_details"}

// outage: tablets with a week of work each come back all at once.
func (s *scale) outage() error {
	w := crew{Staff: s.tablets / outageTeam * outageTeam, Team: outageTeam, Cases: outageCases, Rows: outageRows, First: crowdFirst, Term: grantTerm}
	if err := s.made(w); err != nil {
		return err
	}
	tablets, err := s.enrol(w, 1)
	if err != nil {
		return err
	}
	work := make([][]json.RawMessage, len(tablets))
	for i, c := range tablets {
		if err := c.sync(s.ctx); err != nil {
			return err
		}
		c.http.CloseIdleConnections()
		work[i] = s.week(w, c, i)
	}
	took, waits := make([]time.Duration, len(tablets)), make([]int, len(tablets))
	var most, changes atomic.Int64
	began := time.Now()
	err = atOnce(len(tablets), func(i int) error {
		n, err := tablets[i].syncPatiently(s.ctx, work[i])
		took[i], waits[i] = time.Since(began), n
		for old := most.Load(); int64(n) > old && !most.CompareAndSwap(old, int64(n)); old = most.Load() {
		}
		changes.Add(int64(len(work[i])))
		return err
	})
	if err != nil {
		return err
	}
	wall := time.Since(began)
	peak, err := memoryOf(s.hub.cmd.Process.Pid, "VmHWM")
	if err != nil {
		return err
	}
	asked := 0
	for _, n := range waits {
		asked += n
	}
	if err := s.converged(w, tablets); err != nil {
		return err
	}
	s.row(fmt.Sprintf("%d tablets with a week of work each (%d changes) come at once: until the last has delivered and pulled", len(tablets), changes.Load()),
		fmt.Sprintf("%.1f s, %.0f changes/s; a tablet: %s", wall.Seconds(), float64(changes.Load())/wall.Seconds(), spread(took)), "no error that a person sees")
	s.row("How often the hub asked one of them to come later, in all and at most", fmt.Sprintf("%d, %d", asked, most.Load()), "fair")
	s.row("Peak resident memory of the hub meanwhile, the making of people included", fmt.Sprintf("%d MB", peak>>20), fmt.Sprintf("< %d MB", hubMemoryMax>>20))
	return nil
}

// week is what the i-th tablet did: records of its own, and edits of its share
// of what was there.
func (s *scale) week(w crew, c *client, i int) (all []json.RawMessage) {
	team, member := i/w.Team, i%w.Team
	for n := range outageDays * madeEachDay {
		number := crowdNewFirst + i*outageDays*madeEachDay + n
		set, needs := peerRecordOf(number, firstVersion).ours()
		all = append(all, c.change(len(all), recordID(number), w.caseOf(team, n%w.Cases), set, map[string][]string{"needs": needs}))
	}
	for n := range outageDays * editsEachDay {
		row := n / len(editedEachWeek)
		number := w.recordIn(team, row%w.Cases, row/w.Cases*w.Team+member)
		set := map[string]care.Value{editedEachWeek[n%len(editedEachWeek)]: care.OfText(fmt.Sprintf("edit %d of tablet %d", n, i))}
		all = append(all, c.change(len(all), recordID(number), "", set, nil))
	}
	return all
}

// syncPatiently sends changes and takes what is new, and comes again when the
// hub says so, as every tablet does; it says how often it was told to.
func (c *client) syncPatiently(ctx context.Context, changes []json.RawMessage) (waits int, err error) {
	for first := true; first || len(changes) > 0; {
		n, link := c.n, c.link
		now := changes[:min(pushMax, len(changes))]
		err := c.sync(ctx, now...)
		var later *statusError
		switch {
		case err == nil:
			first, changes = false, changes[len(now):]
		case errors.As(err, &later) && (later.status == http.StatusServiceUnavailable || later.status == http.StatusTooManyRequests):
			waits++
			c.n, c.link = n, link
			wait := max(later.wait, time.Second)
			if err := pauseFor(ctx, wait+rand.N(wait)); err != nil {
				return waits, err
			}
		default:
			return waits, err
		}
	}
	return waits, nil
}

// converged has every tablet pull once more, and checks that each holds what
// all of its team did, once.
func (s *scale) converged(w crew, tablets []*client) error {
	for i, c := range tablets {
		if err := c.sync(s.ctx); err != nil {
			return err
		}
		if n, want := len(c.records), w.Cases*w.Rows+w.Team*outageDays*madeEachDay; n != want {
			return fmt.Errorf("tablet %d holds %d records instead of %d", i, n, want)
		}
		for id, fields := range c.records {
			for name, reg := range fields {
				if name != "needs" && len(reg.Heads) > 1 { // a set has a head an element
					return fmt.Errorf("tablet %d: field %s of %s has two values", i, name, id)
				}
			}
		}
		c.records = map[string]map[string]fieldsync.Register{} // of 500, in this process
		c.http.CloseIdleConnections()
	}
	return nil
}

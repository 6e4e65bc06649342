package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"portolan/care"
	"portolan/tablet"
)

const (
	lineCases  = 20
	lineRows   = 250 // records in each: 5,000
	lineTasks  = 10  // tasks of today, in as many cases
	dayEdits   = 60
	dayNews    = 200
	lineTries  = 40 // syncs that a person, or the tablet itself, begins until all is there
	daysWorked = 3
)

// slowLine is a first sync and then days of work over EDGE.
func (s *scale) slowLine() error {
	w := crew{Staff: 1, Team: 1, Cases: lineCases, Rows: lineRows, First: crowdFirst, Term: grantTerm, Tasks: lineTasks}
	if err := s.made(w); err != nil {
		return err
	}
	address, err := url.Parse(s.hub.url)
	if err != nil {
		return err
	}
	line, err := newEdge(address.Host)
	if err != nil {
		return err
	}
	defer line.close() // nothing is on its way any more
	if err := s.todaysList(w, line); err != nil {
		return err
	}
	line.shaped.Store(false)
	r, err := s.hub.tell(order{Do: "codes", Login: crewLogin(0), Count: 1})
	if err != nil {
		return err
	}
	t, err := tablet.Open(filepath.Join(s.dir, "tablet"), time.Now, rand.Reader)
	if err != nil {
		return err
	}
	defer t.Close() // its folder goes with the run
	if err := t.Enrol(s.ctx, line.url(), r.Codes[0], tablet.Owner{Password: password, Passphrase: password}); err != nil {
		return err
	}
	if err := s.firstOverEdge(t, line); err != nil {
		return err
	}
	for day := range daysWorked {
		if err := s.dayOverEdge(w, t, line, day); err != nil {
			return err
		}
	}
	return nil
}

// todaysList is how long it takes until the tasks of today and the cases that
// they are about have come, in a first sync over the line.
func (s *scale) todaysList(w crew, line *edge) error {
	tablets, err := s.enrol(w, 1)
	if err != nil {
		return err
	}
	c := tablets[0].at(line.url())
	wanted := map[string]bool{}
	for k := range w.Tasks {
		wanted[w.taskOf(k)], wanted[w.caseOf(0, k)] = true, true
	}
	var there time.Duration
	line.shaped.Store(true)
	began := time.Now()
	c.keep = func(raw []byte) {
		var l struct {
			Row struct {
				Record string `json:"r"`
			} `json:"row"`
		}
		if json.Unmarshal(raw, &l) != nil || len(wanted) == 0 {
			return
		}
		if delete(wanted, l.Row.Record); len(wanted) == 0 {
			there = time.Since(began)
		}
	}
	for try := 0; ; try++ {
		err := c.sync(s.ctx)
		if len(wanted) == 0 {
			break // the rest of it is measured with the tablet
		}
		if err == nil || try == lineTries {
			return errors.Join(fmt.Errorf("%d of today's records never came", len(wanted)), err)
		}
	}
	s.row(fmt.Sprintf("EDGE: today's list (%d tasks and their cases) is there, in a first sync of %d records", w.Tasks, w.Cases*w.Rows), fmt.Sprintf("%.1f s", there.Seconds()), "≤ 5 s")
	return nil
}

func (s *scale) firstOverEdge(t *tablet.Tablet, line *edge) error {
	line.shaped.Store(true)
	began, down, cuts := time.Now(), line.down.bytes.Load(), line.cuts.Load()
	var err error
	tries := 0
	for tries = 1; tries <= lineTries; tries++ {
		if _, err = t.Sync(s.ctx); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	counts, err := t.Counts(s.ctx)
	if err == nil && counts[collection] != lineCases*lineRows {
		err = fmt.Errorf("%d records", counts[collection])
	}
	s.row(fmt.Sprintf("EDGE: a first sync of %d records by the Go tablet, whole", lineCases*lineRows),
		fmt.Sprintf("%.0f s, %d KB down, %d cuts, %d syncs begun", time.Since(began).Seconds(), (line.down.bytes.Load()-down)>>10, line.cuts.Load()-cuts, tries), "–")
	return err
}

// dayOverEdge: 60 changes up and 200 down.
func (s *scale) dayOverEdge(w crew, t *tablet.Tablet, line *edge, day int) error {
	for i := range dayNews {
		if _, err := s.hub.tell(order{Do: "stir", Record: recordID(w.recordIn(0, i%lineCases, i/lineCases)), Number: 100*day + i}); err != nil {
			return err
		}
	}
	for i := range dayEdits {
		set := map[string]care.Value{planField: care.OfText(fmt.Sprintf("day %d: %s", day, offlinePlan(i)))}
		if _, err := t.Set(s.ctx, recordID(w.recordIn(0, i%lineCases, lineRows-1-i/lineCases)), tablet.Edit{Set: set}); err != nil {
			return err
		}
	}
	asked, up, down := line.asked.Load(), line.up.bytes.Load(), line.down.bytes.Load()
	began := time.Now()
	done, err := t.Sync(s.ctx)
	if err == nil && (done.Sent != dayEdits || done.Held > 0 || done.Differs) {
		err = fmt.Errorf("%+v", done)
	}
	s.row(fmt.Sprintf("EDGE: a day's work of one tablet, %d changes up and %d down", dayEdits, dayNews),
		fmt.Sprintf("%.1f s, %d round trips, %.1f KB up, %.1f KB down", time.Since(began).Seconds(), line.asked.Load()-asked,
			float64(line.up.bytes.Load()-up)/1024, float64(line.down.bytes.Load()-down)/1024), "≤ 12 s, one round trip")
	return err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	fieldsync "portolan/sync"
)

const (
	evictedRows  = 500
	evictedCases = 20
	dateAhead    = 3 * time.Second // how far ahead a grant's end by its date lies
)

func pauseFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// evicting ends grants of a tablet that listens: from the end until the order
// to destroy the case's scope was read from the wire.
func (s *scale) evicting() error {
	w := crew{Staff: 1, Team: 1, Cases: evictedCases, Rows: evictedRows, First: crowdFirst, Term: grantTerm}
	if err := s.made(w); err != nil {
		return err
	}
	tablets, err := s.enrol(w, 1)
	if err != nil {
		return err
	}
	c := tablets[0]
	if err := c.sync(s.ctx); err != nil {
		return err
	}
	l, err := c.listen(s, 0)
	if err != nil {
		return err
	}
	var byHand, byDate []time.Duration
	for k := range evictedCases {
		until := time.Time{}
		if k%2 == 1 {
			until = time.Now().Add(dateAhead)
		}
		began := time.Now()
		if _, err := s.hub.tell(order{Do: "grant", Record: w.grantOf(0, k), Until: until}); err != nil {
			return err
		}
		if !until.IsZero() {
			began = until
		}
		at, err := c.evicted(s.ctx, l, fieldsync.CaseScope(w.caseOf(0, k), "general"))
		if err != nil {
			return err
		}
		if until.IsZero() {
			byHand = append(byHand, at.Sub(began))
		} else {
			byDate = append(byDate, at.Sub(began))
		}
		if err := pauseFor(s.ctx, wakePause); err != nil {
			return err
		}
	}
	s.row(fmt.Sprintf("Eviction of %d records ordered, from before the grant is ended by somebody", evictedRows), spread(byHand), "≤ 100 ms")
	s.row(fmt.Sprintf("Eviction of %d records ordered, from the date of the grant's end", evictedRows), spread(byDate), "≤ 100 ms")
	return l.conn.Close()
}

// evicted syncs at each wake-up until a scope is to be destroyed, and says when
// that was read.
func (c *client) evicted(ctx context.Context, l *listener, scope fieldsync.Scope) (at time.Time, err error) {
	patience := time.After(wakePatience)
	for at.IsZero() {
		select {
		case _, open := <-l.came:
			if !open {
				return at, errors.New("hung up")
			}
		case <-patience:
			return at, errors.New("never evicted")
		}
		c.evict = func(lost []fieldsync.Scope) {
			for _, s := range lost {
				if s == scope {
					at = time.Now()
				}
			}
		}
		if err := c.sync(ctx); err != nil {
			return at, err
		}
	}
	return at, nil
}

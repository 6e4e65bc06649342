package hooks

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"portolan/care"
	"portolan/collections"
)

// settleFor is how long after a change its case is looked at: who enters a
// medicine enters its dose next, and one paper is made of both.
const settleFor = 2 * time.Second

// changedCases are the cases in which something changed since they were looked
// at.
type changedCases struct {
	mu    sync.Mutex
	cases map[string]bool
	some  chan struct{} // holds one where there are any
}

func newChangedCases() *changedCases {
	return &changedCases{cases: map[string]bool{}, some: make(chan struct{}, 1)}
}

// note is called after each commit.
func (c *changedCases) note(cases []string) {
	if len(cases) == 0 {
		return
	}
	c.mu.Lock()
	for _, id := range cases {
		c.cases[id] = true
	}
	c.mu.Unlock()
	select {
	case c.some <- struct{}{}:
	default:
	}
}

func (c *changedCases) take() map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.cases
	c.cases = map[string]bool{}
	return taken
}

// follow looks at cases soon after something changed in them, until the hub
// stops: what was taken back leaves at once, and what is new is on the paper
// before somebody prints it. What it misses the clock's next look finds.
func (j *Jobs) follow() {
	for {
		select {
		case <-j.changed.some:
		case <-j.ctx.Done():
			return
		}
		settled := time.NewTimer(settleFor)
		select {
		case <-settled.C:
		case <-j.ctx.Done():
			settled.Stop()
			return
		}
		if err := j.LookAtChanged(j.ctx); err != nil && j.ctx.Err() == nil {
			j.log.Error("looking at what changed", "code", care.CodeOf(err))
		}
	}
}

// LookAtChanged brings the papers of those cases up to date in which something
// changed since it was called last.
func (j *Jobs) LookAtChanged(ctx context.Context) error {
	if j.hub.Locked() {
		return nil // the look at the unlocking sees all cases
	}
	var failed error
	for id := range j.changed.take() {
		failed = errors.Join(failed, j.lookAt(ctx, id))
	}
	return failed
}

// Note says in which cases something changed (collections.Hub.OnChange).
func (j *Jobs) Note(cases []string) { j.changed.note(cases) }

func (j *Jobs) lookAt(ctx context.Context, caseID string) error {
	j.turn.Lock()
	defer j.turn.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	n, err := j.look(ctx, collections.Where{Case: caseID})
	if err == nil && n.failed > 0 {
		err = fmt.Errorf("%d papers of a case", n.failed)
	}
	return err
}

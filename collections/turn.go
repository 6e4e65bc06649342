package collections

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
)

// turns bounds how many answers are worked on at one time: more than keep the
// processors busy would each open a connection, fill its page cache and hold
// what they pack, and none would be done sooner. Whoever waits, for a line or
// for the audit log, gives its turn away meanwhile.
type turns struct {
	free   chan struct{}
	wanted atomic.Int32 // by those who work and those who wait to
}

// turnsEach is how many work at one time for each processor.
const turnsEach = 2

func newTurns() *turns { return &turns{free: make(chan struct{}, turnsEach*runtime.NumCPU())} }

// Turn is somebody's, until they leave it.
type Turn struct {
	all     *turns
	ctx     context.Context
	release func() // nil while it is not held
}

// take waits for a turn, in the order in which it is called and no longer than
// until late.
func (t *turns) take(ctx context.Context, late <-chan time.Time) (*Turn, error) {
	one := &Turn{all: t, ctx: ctx}
	return one, one.take(late)
}

func (t *Turn) take(late <-chan time.Time) error {
	t.all.wanted.Add(1)
	release, err := slotOf(t.ctx, t.all.free, late)
	if err != nil {
		t.all.wanted.Add(-1)
	}
	t.release = release
	return err
}

func (t *Turn) leave() {
	if t.release != nil {
		t.release()
		t.release = nil
		t.all.wanted.Add(-1)
	}
}

// Rest gives the turn away while something is waited for, and waits for
// another. Where the answer is over meanwhile it says so.
func (t *Turn) Rest(wait func() error) error {
	if t.release == nil { // what is behind the answer, that was worked on to its end
		return wait()
	}
	t.leave()
	if err := wait(); err != nil {
		return err
	}
	return t.take(nil) // what was begun is ended
}

// Crowded says whether more want to work than there are processors.
func (t *Turn) Crowded() bool { return int(t.all.wanted.Load()) > runtime.NumCPU() }

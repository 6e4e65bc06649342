package hooks

import (
	"context"
	"time"
)

const (
	tendTick = time.Minute // how often the hub does what time brings about
	// endSlack is how long after its moment an end is looked for: the hub's
	// clock may be a little behind the timer's.
	endSlack = 2 * time.Millisecond
)

// tend does what time brings about, though nobody asks for it: everything now
// and then, and the ends of access at their moment, so that a tablet which is
// connected loses then what it may keep no longer.
func (f *Front) tend(ctx context.Context) {
	tick := time.NewTicker(f.tick)
	defer tick.Stop()
	for {
		end := time.NewTimer(f.untilNextEnd(ctx))
		var err error
		select {
		case <-ctx.Done():
		case <-tick.C:
			err = f.hub.Tend(ctx)
		case <-end.C:
			err = f.hub.EndOver(ctx)
		case <-f.hub.EndsMoved():
		}
		end.Stop()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			f.log.Error("tending the hub", "error", err)
		}
	}
}

// untilNextEnd is at most a tick: then everything is looked at anyway. What
// should be over already could not be ended, and waits for that too.
func (f *Front) untilNextEnd(ctx context.Context) time.Duration {
	if f.hub.Locked() {
		return f.tick
	}
	at, err := f.hub.NextEnd(ctx)
	if err != nil && ctx.Err() == nil {
		f.log.Error("looking for the next end of access", "error", err)
	}
	left := at.Sub(f.hub.Now())
	if err != nil || at.IsZero() || left < 0 {
		return f.tick
	}
	return min(left+endSlack, f.tick)
}

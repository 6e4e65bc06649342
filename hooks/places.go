package hooks

import (
	"context"
	"sync"
	"time"

	"portolan/care"
	"portolan/collections"
)

// readersMax bounds how many large bodies are in memory at once; whoever
// comes after waits a little, then is asked to come again. One tablet, or one
// person at the desk, has few of them: a body may take as long as its line
// needs, and one that crawls on all places would keep everybody else out.
const (
	readersMax  = 16
	readersEach = 2
	readerWait  = 10 * time.Second

	uploadsMax, uploadsEach = 64, 4 // a piece of each is in memory, at most wholeMax
)

// places are what large bodies need one of.
type places struct {
	most int // that one tablet or person has
	all  chan struct{}
	mu   sync.Mutex
	each map[string]int // by tablet, or member of staff
}

func newPlaces(all, most int) *places {
	return &places{most: most, all: make(chan struct{}, all), each: map[string]int{}}
}

// take takes one of the places for large bodies.
func (p *places) take(ctx context.Context, a care.Actor) (release func(), err error) {
	who := a.Staff + "/" + a.Device
	if !p.enter(who) {
		return nil, collections.ErrBusy
	}
	wait := time.NewTimer(readerWait)
	defer wait.Stop()
	select {
	case p.all <- struct{}{}:
		return func() { <-p.all; p.leave(who) }, nil
	case <-wait.C:
		p.leave(who)
		return nil, collections.ErrBusy
	case <-ctx.Done():
		p.leave(who)
		return nil, ctx.Err()
	}
}

func (p *places) enter(who string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.each[who] >= p.most {
		return false
	}
	p.each[who]++
	return true
}

func (p *places) leave(who string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.each[who]--; p.each[who] == 0 {
		delete(p.each, who)
	}
}

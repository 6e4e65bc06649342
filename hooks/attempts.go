package hooks

import (
	"sync"
	"time"
)

// Bounds on guessing. A shelter is one address for all its tablets, so an
// address may fail more often than a login.
var (
	perLogin   = bound{free: 5, first: 2 * time.Second, most: 15 * time.Minute}
	perAddress = bound{free: 30, first: time.Second, most: 5 * time.Minute}
	perCode    = bound{free: 10, first: 2 * time.Second, most: 15 * time.Minute} // enrolment codes, per address
)

const (
	attemptsMax    = 20_000           // keys remembered
	attemptsMemory = 30 * time.Minute // after which a key's failures are forgotten
)

// bound says how often one may fail, and how the pause grows after that.
type bound struct {
	free        int
	first, most time.Duration
}

func (b bound) pause(failed int) time.Duration {
	if failed < b.free {
		return 0
	}
	pause := b.first
	for range failed - b.free {
		if pause *= 2; pause >= b.most {
			return b.most
		}
	}
	return pause
}

// attempts remembers failures in memory: a restart forgets them, and nobody
// can fill a disk with them.
type attempts struct {
	now  func() time.Time
	mu   sync.Mutex
	keys map[string]*failures
}

type failures struct {
	n    int
	last time.Time
}

func newAttempts(now func() time.Time) *attempts {
	return &attempts{now: now, keys: make(map[string]*failures)}
}

// begin counts an attempt as failed before it is made, so that many at once
// count too. ok takes that back for the first key, whose owner has shown that
// they know the secret, and gives the second key its one attempt back.
func (a *attempts) begin(key string, of bound, address string, ofAddress bound) (ok func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	for k, b := range map[string]bound{key: of, address: ofAddress} {
		if f := a.keys[k]; f != nil && now.Sub(f.last) < attemptsMemory {
			if wait := b.pause(f.n) - now.Sub(f.last); wait > 0 {
				return nil, &waitError{errTooMany, wait}
			}
		}
	}
	a.fail(key, now)
	if address != key {
		a.fail(address, now)
	}
	return func() { a.succeed(key, address) }, nil
}

func (a *attempts) fail(key string, now time.Time) {
	f := a.keys[key]
	if f == nil {
		a.makeRoom(now)
		f = new(failures)
		a.keys[key] = f
	}
	if now.Sub(f.last) >= attemptsMemory {
		f.n = 0
	}
	f.n, f.last = f.n+1, now
}

// makeRoom forgets what is old, and where that does not help, anything: the
// bound on memory holds even against a flood of invented logins.
func (a *attempts) makeRoom(now time.Time) {
	if len(a.keys) < attemptsMax {
		return
	}
	for k, f := range a.keys {
		if now.Sub(f.last) >= attemptsMemory {
			delete(a.keys, k)
		}
	}
	for k := range a.keys {
		if len(a.keys) < attemptsMax {
			return
		}
		delete(a.keys, k)
	}
}

func (a *attempts) succeed(key, address string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.keys, key)
	if f := a.keys[address]; f != nil && f.n > 0 {
		f.n--
	}
}

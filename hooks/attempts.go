package hooks

import (
	"net/netip"
	"sync"
	"time"
)

// Bounds on guessing. A shelter is one address for all its tablets, so an
// address may fail more often than one login from there. A login as such has
// only a short pause, so that nobody is locked out by somebody else's guesses.
var (
	perPair    = bound{free: 5, first: 2 * time.Second, most: 15 * time.Minute} // one login from one address
	perLogin   = bound{free: 30, first: time.Second, most: 30 * time.Second}
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

// attempt is what one try counts against.
type attempt struct {
	key string
	of  bound
}

// begin counts a try as failed before it is made, so that many at once count
// too. ok takes that back: of the first attempt, whose owner has shown that
// they know the secret, everything; of the others this one try.
func (a *attempts) begin(against ...attempt) (ok func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	for _, t := range against {
		if f := a.keys[t.key]; f != nil && now.Sub(f.last) < attemptsMemory {
			if wait := t.of.pause(f.n) - now.Sub(f.last); wait > 0 {
				return nil, &waitError{errTooMany, wait}
			}
		}
	}
	for _, t := range against {
		a.fail(t.key, now)
	}
	return func() { a.succeed(against) }, nil
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

// makeRoom forgets what is old, and where that does not help, half of
// everything: the bound on memory holds even against a flood of invented
// logins, and a flood costs no more a try than anything else.
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
		if len(a.keys) <= attemptsMax/2 {
			return
		}
		delete(a.keys, k)
	}
}

func (a *attempts) succeed(against []attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.keys, against[0].key)
	for _, t := range against[1:] {
		if f := a.keys[t.key]; f != nil && f.n > 0 {
			f.n--
		}
	}
}

// addressKey counts an IPv6 network of one household (/64) as one address:
// whoever has one has 2^64 of them.
func addressKey(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil || a.Unmap().Is4() {
		return ip
	}
	n, err := a.Prefix(64)
	if err != nil {
		return ip
	}
	return n.String()
}

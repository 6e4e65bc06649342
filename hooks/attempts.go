package hooks

import (
	"net/netip"
	"sync"
	"time"
)

// Bounds on guessing. Whoever signed in of late from the same address, or shows
// that they did from the same device, has an allowance of their own: nobody
// else's guesses lock them out. All others who try one login, from wherever,
// share one (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
var (
	perLane    = bound{free: 5, first: time.Minute, most: 15 * time.Minute}
	perAddress = bound{free: 30, first: time.Second, most: 5 * time.Minute}      // of strangers: a shelter is one address
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

// attempt is what one try counts against. Who owns it has it for themselves.
type attempt struct {
	key   string
	of    bound
	owned bool
}

// try is one that was let through.
type try struct {
	ok   func() // takes it back: of what the one who tried owns everything, of the rest this one try
	last bool   // where it fails, the next one waits
}

// begin counts a try as failed before it is made, so that many at once count
// too.
func (a *attempts) begin(against ...attempt) (try, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	for _, t := range against {
		if f := a.keys[t.key]; f != nil && now.Sub(f.last) < attemptsMemory {
			if wait := t.of.pause(f.n) - now.Sub(f.last); wait > 0 {
				return try{}, &waitError{errTooMany, wait}
			}
		}
	}
	last := false
	for _, t := range against {
		last = a.fail(t.key, now) >= t.of.free || last
	}
	return try{func() { a.succeed(against) }, last}, nil
}

func (a *attempts) fail(key string, now time.Time) int {
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
	return f.n
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
	for _, t := range against {
		if t.owned {
			delete(a.keys, t.key)
		} else if f := a.keys[t.key]; f != nil && f.n > 0 {
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

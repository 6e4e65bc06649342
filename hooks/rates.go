package hooks

import (
	"sync"
	"time"

	"portolan/care"
)

// Rate is how many requests may come a minute, and how many at once.
type Rate struct{ PerMinute, Burst int }

// Rates bound how much of the hub one tablet, one person and one address take.
// A shelter is one address for all its tablets, and so is a proxy that was not
// named; guessing has bounds of its own (attempts.go).
// A search is asked as one types; who goes through a list of names is slower.
// A file comes in as many requests as its line breaks, each with an end to wait
// for: it is metered apart, so that it is not stopped, nor stops a sync.
// A summary takes the hub's processor as long as a hundred records do.
type Rates struct{ Device, Account, Address, Search, Upload, Summary, Verify Rate }

var usualRates = Rates{
	Device:  Rate{PerMinute: 300, Burst: 200},
	Account: Rate{PerMinute: 600, Burst: 400},
	Address: Rate{PerMinute: 6000, Burst: 6000},
	Upload:  Rate{PerMinute: 3000, Burst: 3000},
	Search:  Rate{PerMinute: 20, Burst: 60}, // of one person, on all their devices
	Summary: Rate{PerMinute: 30, Burst: 60}, // and so is this one
	Verify:  Rate{PerMinute: 10, Burst: 20}, // of one address: anybody may ask
}

var errTooFast = &care.Error{Code: "too_many_requests", Kind: tooMany, Hint: "That was faster than the hub answers one device, person or address. Nothing was lost; go on after a pause."}

// bucketsMax bounds how many callers are remembered.
const bucketsMax = 20_000

// meter counts requests, in memory, with one bucket for each caller that leaks
// at its rate.
type meter struct {
	now     func() time.Time
	mu      sync.Mutex
	buckets map[string]*bucket
}

type bucket struct {
	rate Rate
	left float64
	at   time.Time
}

func newMeter(now func() time.Time) *meter {
	return &meter{now: now, buckets: make(map[string]*bucket)}
}

// fill brings a bucket up to a moment.
func (b *bucket) fill(now time.Time) {
	if passed := now.Sub(b.at); passed > 0 {
		b.left = min(float64(b.rate.Burst), b.left+passed.Minutes()*float64(b.rate.PerMinute))
	}
	b.at = now
}

// take counts one request of a caller, or says how long they have to wait.
func (m *meter) take(key string, rate Rate) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	b := m.buckets[key]
	if b == nil {
		m.makeRoom(now)
		b = &bucket{rate: rate, left: float64(rate.Burst), at: now}
		m.buckets[key] = b
	}
	b.fill(now)
	if b.left < 1 {
		return &waitError{errTooFast, time.Duration((1 - b.left) / float64(rate.PerMinute) * float64(time.Minute))}
	}
	b.left--
	return nil
}

// makeRoom forgets whoever has not asked for long, who loses nothing by it,
// and, against a flood of addresses, half of everybody.
func (m *meter) makeRoom(now time.Time) {
	if len(m.buckets) < bucketsMax {
		return
	}
	for k, b := range m.buckets {
		if b.fill(now); b.left >= float64(b.rate.Burst) {
			delete(m.buckets, k)
		}
	}
	for k := range m.buckets {
		if len(m.buckets) <= bucketsMax/2 {
			return
		}
		delete(m.buckets, k)
	}
}

// metered counts a request of whoever is signed in.
func (f *Front) metered(a care.Actor, door route) error {
	if door.often {
		return f.meter.take("upload:"+a.Staff+"/"+a.Device, f.cfg.Rates.Upload)
	}
	if a.Device != "" {
		if err := f.meter.take("device:"+a.Device, f.cfg.Rates.Device); err != nil {
			return err
		}
	}
	return f.meter.take("account:"+a.Staff, f.cfg.Rates.Account)
}

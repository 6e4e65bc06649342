package fieldsync

import (
	"sync"
	"time"

	"portolan/care"
)

// HLC is a hybrid logical clock (Kulkarni et al. 2014) as 16 lower-case hex
// digits, so that the order of strings is the order of time: 12 digits of
// milliseconds since 1970, 4 digits of a counter.
type HLC string

// ClockAheadMax is how far a device's clock may run before the hub's. What is
// later is clamped to it, so that a wrong clock cannot win for long.
const ClockAheadMax = 5 * time.Minute

const (
	hlcDigits  = 16
	hlcTicks   = 1 << 16 // values of the counter within one millisecond
	hlcLastMS  = 1<<48 - 1
	hexDigits  = "0123456789abcdef"
	hlcCounter = 16 // bits
)

// HLCOf returns the first clock value of a moment's millisecond. Moments
// before 1970 give the zero clock: a dead battery often wakes there.
func HLCOf(t time.Time) HLC {
	ms := t.UnixMilli()
	if ms < 0 {
		ms = 0
	}
	if ms > hlcLastMS {
		ms = hlcLastMS
	}
	return packHLC(uint64(ms) << hlcCounter)
}

// ParseHLC checks that s is a clock value.
func ParseHLC(s string) (HLC, error) {
	if len(s) != hlcDigits {
		return "", bad(CodeClock, "a clock is 16 lower-case hex digits")
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", bad(CodeClock, "a clock is 16 lower-case hex digits")
		}
	}
	return HLC(s), nil
}

// Time returns the moment of the clock, without its counter. A clock that was
// never parsed and is malformed gives 1970.
func (h HLC) Time() time.Time { return time.UnixMilli(int64(h.pack() >> hlcCounter)).UTC() }

func packHLC(n uint64) HLC {
	var b [hlcDigits]byte
	for i := hlcDigits - 1; i >= 0; i-- {
		b[i] = hexDigits[n&15]
		n >>= 4
	}
	return HLC(b[:])
}

func (h HLC) pack() uint64 {
	if len(h) != hlcDigits {
		return 0
	}
	var n uint64
	for i := 0; i < len(h); i++ {
		c := h[i]
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			n = n<<4 | uint64(c-'a'+10)
		default:
			return 0
		}
	}
	return n
}

// Clamp returns h, or the latest clock that the hub accepts at now where h is
// later than that.
func Clamp(h HLC, now time.Time) HLC {
	if limit := HLCOf(now.Add(ClockAheadMax)); h > limit {
		return limit
	}
	return h
}

// Clock makes clock values that only ever rise: through a wall clock that
// stands still, runs backwards or is three days wrong. Safe for concurrent use.
type Clock struct {
	now func() time.Time

	mu   sync.Mutex
	last uint64
}

// NewClock returns a clock over a wall clock. Observe the last value that was
// stored before the first Tick, so that it also rises across restarts.
func NewClock(now func() time.Time) *Clock { return &Clock{now: now} }

// Tick returns the next value, above every value ticked or observed before.
func (c *Clock) Tick() HLC {
	wall := HLCOf(c.now()).pack()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = max(c.last+1, wall)
	return packHLC(c.last)
}

// Observe raises the clock to a value that came from elsewhere, so that what
// this device writes next counts as later than what it has seen.
func (c *Clock) Observe(h HLC) {
	n := h.pack()
	c.mu.Lock()
	defer c.mu.Unlock()
	// One millisecond below the end of time stays free, so that a Tick never wraps.
	c.last = max(c.last, min(n, hlcLastMS*hlcTicks))
}

// bad is the error of something that makes no sense on the wire.
func bad(code, hint string) *care.Error {
	return &care.Error{Code: code, Kind: care.Invalid, Hint: hint}
}

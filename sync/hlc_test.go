package fieldsync

import (
	"sync"
	"testing"
	"time"

	"portolan/care"
)

// Law: whatever the wall clock does, and whatever is observed, each tick is
// above everything ticked and observed before.
func TestClockOnlyRises(t *testing.T) {
	r := seedOf(t)
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for range 200 {
		wall := start
		c := NewClock(func() time.Time { return wall })
		var last HLC
		for range 200 {
			switch r.IntN(6) {
			case 0:
				wall = start.Add(time.Duration(r.Int64N(int64(144*time.Hour))) - 72*time.Hour)
			case 1:
				wall = wall.Add(-time.Duration(r.Int64N(int64(time.Hour))))
			case 2:
				seen := HLCOf(start.Add(time.Duration(r.Int64N(int64(144*time.Hour))) - 72*time.Hour))
				c.Observe(seen)
				last = max(last, seen)
			case 3:
				wall = wall.Add(time.Millisecond)
			}
			now := c.Tick()
			if now <= last {
				t.Fatalf("%s after %s", now, last)
			}
			if _, err := ParseHLC(string(now)); err != nil {
				t.Fatal(err)
			}
			last = now
		}
	}
}

func TestClockTicksAreDistinctAcrossGoroutines(t *testing.T) {
	c := NewClock(func() time.Time { return time.UnixMilli(5) })
	var mu sync.Mutex
	var wg sync.WaitGroup
	seen := map[HLC]bool{}
	for range 8 {
		wg.Go(func() {
			for range 500 {
				h := c.Tick()
				mu.Lock()
				seen[h] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != 4000 {
		t.Errorf("%d distinct values of 4000", len(seen))
	}
}

func TestClockEdges(t *testing.T) {
	c := NewClock(func() time.Time { return time.Unix(-5, 0) })
	if h := c.Tick(); h != "0000000000000001" {
		t.Errorf("before 1970: %s", h)
	}
	c.Observe("000000000001ffff")
	if h := c.Tick(); h != "0000000000020000" {
		t.Errorf("a full counter carries into the milliseconds: %s", h)
	}
	c.Observe("ffffffffffffffff")
	if a, b := c.Tick(), c.Tick(); a >= b {
		t.Errorf("at the end of time: %s, %s", a, b)
	}
	c.Observe("nonsense")
	if h := HLCOf(time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)); h != "ffffffffffff0000" {
		t.Errorf("beyond the end of time: %s", h)
	}
}

func TestClamp(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	limit := HLCOf(now.Add(ClockAheadMax))
	for _, c := range []struct{ in, want HLC }{
		{HLCOf(now.Add(-72 * time.Hour)), HLCOf(now.Add(-72 * time.Hour))},
		{HLCOf(now), HLCOf(now)},
		{limit, limit},
		{limit[:15] + "1", limit},
		{HLCOf(now.Add(72 * time.Hour)), limit},
	} {
		if got := Clamp(c.in, now); got != c.want {
			t.Errorf("Clamp(%s) = %s, want %s", c.in, got, c.want)
		}
	}
	if got := limit.Time(); !got.Equal(now.Add(ClockAheadMax)) {
		t.Errorf("Time = %s", got)
	}
}

func TestParseHLCRefuses(t *testing.T) {
	for _, s := range []string{"", "0", "0195d4a2b3c4000", "0195d4a2b3c400011", "0195D4A2B3C40001", "0195d4a2b3c4000g", "+195d4a2b3c40001"} {
		if _, err := ParseHLC(s); care.CodeOf(err) != CodeClock {
			t.Errorf("%q: %v", s, err)
		}
	}
}

package main

import (
	"os"
	"testing"
	"time"
)

func init() {
	if os.Getenv(childDoes) != "" {
		os.Exit(beChild())
	}
}

// TestAHubThatIsKilledAtEachPoint kills a hub once at each point; `make kills`
// does it a thousand times.
func TestAHubThatIsKilledAtEachPoint(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	c, err := newCampaign(t.Context(), seed)
	if err == nil {
		t.Cleanup(c.close)
		err = c.run(t.Context(), len(points))
	}
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	t.Log(c.told(0))
	if c.acknowledged == 0 || len(c.killed) < len(points)/2 {
		t.Errorf("nothing was acknowledged, or few points were reached: %v", c.killed)
	}
}

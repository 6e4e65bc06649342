package simtest

import (
	"flag"
	"testing"
	"time"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "first seed; 0 takes a new one")
	seedsFlag = flag.Int("seeds", 200, "number of seeds")
	stepsFlag = flag.Int("steps", 150, "steps of each run")
)

// The invariants hold after every step of many worlds, and everybody ends
// equal to the hub. A failure names the seed that plays it again:
// go test ./sync/simtest -seed N -seeds 1
func TestWorlds(t *testing.T) {
	first := *seedFlag
	if first == 0 {
		first = uint64(time.Now().UnixNano())
	}
	entries, restores := 0, 0
	for seed := first; seed < first+uint64(*seedsFlag); seed++ {
		w := New(seed, Options{Replicas: 2 + int(seed%4), Records: 1 + int(seed%3), Steps: *stepsFlag, Grants: seed%2 == 0, Restores: seed%5 == 0})
		if err := w.Run(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		entries += len(w.ledger)
		restores += w.restored
	}
	if entries < *seedsFlag**stepsFlag/10 {
		t.Errorf("only %d values were entered: the worlds do not work", entries)
	}
	t.Logf("first seed %d: %d worlds, %d values entered, %d restores", first, *seedsFlag, entries, restores)
}

// The invariants can fail: a hub that forgets a change is found.
func TestAHubThatForgetsIsFound(t *testing.T) {
	w := New(7, Options{Replicas: 3, Records: 1, Steps: 300})
	if err := w.Run(); err != nil {
		t.Fatal(err)
	}
	for at, reg := range w.hub.state {
		if len(reg.Heads) > 0 {
			reg.Heads = reg.Heads[1:]
			w.hub.state[at] = reg
			break
		}
	}
	for name, find := range map[string]func() error{"the ledger": w.nothingLost, "the digests": w.digestsAgree, "the comparison": w.equal} {
		if find() == nil {
			t.Errorf("%s does not find a lost value", name)
		}
	}
}

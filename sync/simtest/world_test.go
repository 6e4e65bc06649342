package simtest

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	seedFlag     = flag.Uint64("seed", 0, "first seed; 0 takes a new one")
	seedsFlag    = flag.Int("seeds", 12, "number of seeds")
	stepsFlag    = flag.Int("steps", 1500, "steps of each seed")
	durationFlag = flag.Duration("duration", 0, "go on with further seeds for so long")
	keepFlag     = flag.String("keep", "", "of the one seed only these steps, as a failure names them")
)

// TestWorlds: the invariants hold after every step of many worlds, and
// everybody ends equal to the hub. A failure names its seed and the few steps
// that are enough for it: go test ./sync/simtest -run Worlds -seed N -steps M -keep 1,2,3
func TestWorlds(t *testing.T) {
	first, began := *seedFlag, time.Now()
	if first == 0 {
		first = uint64(began.UnixNano())
	}
	var sum Counts
	steps, seeds := 0, uint64(0)
	for ; seeds < uint64(*seedsFlag) || time.Since(began) < *durationFlag; seeds++ {
		seed := first + seeds
		script := Script(seed, *stepsFlag)
		if *keepFlag != "" {
			script = kept(t, script)
		}
		w := New(seed)
		if err := w.Run(script); err != nil {
			at, small := Shrink(seed, script)
			t.Fatalf("seed %d: %v\nsmaller: %v\ngo test ./sync/simtest -run Worlds -seeds 1 -seed %d -steps %d -keep %s", seed, err, small, seed, *stepsFlag, list(at))
		}
		steps += len(script)
		sum.Add(w.Counts)
	}
	t.Logf("first seed %d: %d seeds, %d steps: %+v", first, seeds, steps, sum)
	if seeds >= 10 && (sum.Values < steps/10 || sum.TakenUp == 0 || sum.Restores == 0 || sum.Walks == 0 || sum.Decided == 0 || sum.Wiped == 0) {
		t.Errorf("the worlds do not work: %+v", sum)
	}
}

func kept(t *testing.T, script []Step) (out []Step) {
	t.Helper()
	for _, s := range strings.Split(*keepFlag, ",") {
		i, err := strconv.Atoi(s)
		if err != nil || i < 0 || i >= len(script) {
			t.Fatalf("-keep: %q", s)
		}
		out = append(out, script[i])
	}
	return out
}

func list(at []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(at), "[]"), " ", ",")
}

// TestAFaultIsFoundAndMadeSmaller: the invariants can fail, and a run that
// fails ends as a short one.
func TestAFaultIsFoundAndMadeSmaller(t *testing.T) {
	w := New(1)
	if err := w.Run(Script(1, 300)); err != nil {
		t.Fatal(err)
	}
	for at, f := range w.hub.state {
		if len(f.Heads) > 0 {
			w.hub.state[at] = field{writes: f.writes}
			if w.nothingReplacedUnseen(at) == nil || w.digestsAgree() == nil || w.equal() == nil {
				t.Errorf("a hub that forgets %v is not found", at)
			}
			break
		}
	}
	broken = func(k Kind) bool { return k == ClockJump }
	t.Cleanup(func() { broken = nil })
	at, err := Shrink(7, Script(7, 400))
	if err == nil || len(at) != 1 || !slices.Contains([]Kind{ClockJump}, Script(7, 400)[at[0]].Kind) {
		t.Errorf("made smaller to %v: %v", at, err)
	}
}

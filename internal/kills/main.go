// Kills kills a hub with -9, as often as it is told, at every labelled point of
// push, pull, evict, backup and restore and now and then at any moment, while
// tablets work with it. After each kill the hub's folder verifies, and what it
// had acknowledged is there, once. In the end everybody agrees.
//
//	go run ./internal/kills -n 1000
package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

func main() {
	if os.Getenv(childDoes) != "" {
		os.Exit(beChild())
	}
	n := flag.Int("n", 1000, "kills")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the moments and of what the tablets do")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	began := time.Now()
	c, err := newCampaign(ctx, *seed)
	if err == nil {
		err = c.run(ctx, *n)
		c.close()
	}
	if c != nil {
		fmt.Print(c.told(time.Since(began)))
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "seed %d: %v\n", *seed, err)
		os.Exit(1)
	}
}

// Points at which a hub that serves is killed. "any" is none of them: a moment.
var points = []string{"door decided", "keys written", "door ready", "door committed", "ending listed", "ending kept",
	"answer planned", "answer evicts", "answer discloses", "answer marked", "answer is whole", "any"}

// Points of the commands.
var (
	backupPoints  = []string{"backup copied the database", "backup wrote the archive", "backup wrote the keys", "backup tried the copy", "backup is there"}
	restorePoints = []string{"restore begun", "restore has the keys", "restore has the data", "restore is checked"}
)

// copyEvery is after how many kills of the hub a copy is made or restored.
const copyEvery = 10

// run kills n times.
func (c *campaign) run(ctx context.Context, n int) error {
	stopped := ctx // what is under way is finished, also where somebody stops it
	ctx = context.WithoutCancel(ctx)
	for i := 0; c.kills() < n && stopped.Err() == nil; i++ {
		var err error
		if c.old && i%(2*copyEvery) == copyEvery/2 { // half a round was for giving back what the copy lacked
			if err := c.agree(ctx); err != nil {
				return fmt.Errorf("after a restore: %w", err)
			}
		}
		switch {
		case i%(2*copyEvery) == copyEvery-1:
			err = c.backup(ctx, backupPoints[i/(2*copyEvery)%len(backupPoints)])
		case i%(2*copyEvery) == 2*copyEvery-1:
			err = c.restore(ctx, restorePoints[i/(2*copyEvery)%len(restorePoints)])
		default:
			err = c.killHub(ctx, points[i%len(points)])
		}
		if err != nil {
			return fmt.Errorf("kill %d: %w", i, err)
		}
	}
	return c.agree(ctx)
}

func (c *campaign) kills() (sum int) {
	for _, n := range c.killed {
		sum += n
	}
	return sum
}

func (c *campaign) told(took time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: killed %d times in %s; %d changes acknowledged, %d restores\n", c.seed, c.kills(), took.Round(time.Second), c.acknowledged, c.restores)
	for _, at := range slices.Sorted(maps.Keys(c.killed)) {
		fmt.Fprintf(&b, "%6d  %s\n", c.killed[at], at)
	}
	return b.String()
}

// moment draws at which coming to a point the hub is killed.
func moment(rng *rand.Rand) int { return 1 + rng.IntN(4) }

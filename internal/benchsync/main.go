// Command benchsync measures the sync side by side with others, in one run on
// one machine: `make bench-sync`, docs/benchmarks.md; and with `scale` what many
// tablets, a bad line and rights that end cost: `make bench-scale`. The peers and the
// workloads come from a folder that was made elsewhere; the hub is a process of
// its own with everything on that a hub has.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if len(os.Args) == 3 && os.Args[1] == "hub" {
		err = runHub(ctx, os.Args[2], os.Stdin, os.Stdout)
	} else if len(os.Args) > 1 && os.Args[1] == "scale" {
		err = runScale(ctx, os.Args[2:])
	} else {
		err = run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchsync:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	from := flag.String("peers", "../shared/peers", "`folder` with the peers and their workloads; \"\" measures the hub alone")
	n := flag.Int("n", 10_000, "records of the first pull, 1,000 at least")
	runs := flag.Int("runs", 3, "how often each is measured; the table has the medians")
	profiles := flag.String("profiles", "", "`folder` for processor profiles, of the hub and of the Go tablet, one for each workload")
	flag.Parse()
	if *n < pushedEdits || *runs < 1 || flag.NArg() > 0 {
		return errors.New("-n is at least 1,000, -runs at least 1, and there are no other words")
	}
	work, err := os.MkdirTemp("", "benchsync-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	before := load()
	var all []entrant
	if *from != "" {
		dir := filepath.Join(work, "peers")
		if err := copyPeers(*from, dir); err != nil {
			return err
		}
		for _, p := range peers {
			f, err := p.measure(ctx, dir, *n, *runs)
			if err != nil {
				return err
			}
			all = append(all, entrant{p.name, f})
		}
	}
	m, err := measureOurs(ctx, work, *n, *runs, *profiles)
	if err != nil {
		return err
	}
	all = append(all, entrant{ourName + ", hub just started", m.cold}, entrant{ourName, m.warm},
		entrant{ourName + ", Go tablet with its sealed store", m.durable}, entrant{floorName, m.floor})
	fmt.Printf("%s, %s/%s, %d processors, %s; medians of %d; load average %s before, %s after.\n", time.Now().UTC().Format(time.DateOnly),
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), *runs, before, load())
	fmt.Printf("A first pull of ours has %.0f rows, %.0f of them records that the peers have too; %.0f bytes a row before packing.\n\n", m.warm["t1_rows"], float64(*n), m.bytesPerRow)
	table(os.Stdout, *n, all, m.warm, m.floor)
	return nil
}

// measured is the medians of all runs of ours.
type measured struct {
	cold, warm, durable, floor figures
	bytesPerRow                float64
}

func measureOurs(ctx context.Context, work string, n, runs int, profiles string) (m measured, err error) {
	var cold, warm, durable, floors []figures
	for i := range runs {
		o := &ours{ctx: ctx, n: n, dir: filepath.Join(work, fmt.Sprint("run", i)), profiles: profiles}
		if err := os.MkdirAll(o.dir, 0o700); err != nil {
			return m, err
		}
		if err := o.run(); err != nil {
			return m, err
		}
		f, err := newFloor(o.dir, o.lines)
		if err != nil {
			return m, err
		}
		set := offlineEdit(0)
		edit := fmt.Appendf(nil, "%s%s", set[planField], set[versionField])
		if err := errors.Join(f.measure(edit), f.db.Close()); err != nil {
			return m, err
		}
		total := 0
		for _, l := range o.lines {
			total += len(l)
		}
		m.bytesPerRow = float64(total) / float64(len(o.lines))
		cold, warm, durable, floors = append(cold, o.cold), append(warm, o.warm), append(durable, o.durable), append(floors, f.into)
		fmt.Fprintf(os.Stderr, "run %d: cold %v\n  warm %v\n  durable %v\n  floor %v\n", i, o.cold, o.warm, o.durable, f.into)
	}
	m.cold, m.warm, m.durable, m.floor = medians(cold), medians(warm), medians(durable), medians(floors)
	return m, nil
}

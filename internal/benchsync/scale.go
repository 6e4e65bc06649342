package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// scale is the workloads of many tablets, of a bad line and of rights that end:
// `make bench-scale`, docs/benchmarks.md.
type scale struct {
	ctx       context.Context
	dir       string
	listeners int
	tablets   int
	hub       *hubProcess
	rows      [][3]string // what, figure, target
}

// workloadsOfScale, in the order in which they run; each has a hub of its own.
var workloadsOfScale = []struct {
	name string
	run  func(*scale) error
}{{"listeners", (*scale).listening}, {"eviction", (*scale).evicting}, {"outage", (*scale).outage}, {"line", (*scale).slowLine}}

func runScale(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("scale", flag.ContinueOnError)
	s := &scale{ctx: ctx}
	flags.IntVar(&s.listeners, "listeners", 5000, "tablets that listen at once")
	flags.IntVar(&s.tablets, "tablets", 500, "tablets that come back after an outage")
	only := flags.String("only", "", "the workloads to run, with commas between; all where nothing is said")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if s.listeners < listeningTeams || s.tablets < outageTeam || flags.NArg() > 0 {
		return fmt.Errorf("-listeners is at least %d, -tablets at least %d, and there are no other words", listeningTeams, outageTeam)
	}
	work, err := os.MkdirTemp("", "benchscale-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	before := load()
	for _, w := range workloadsOfScale {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), w.name) {
			continue
		}
		s.dir = filepath.Join(work, w.name)
		if s.hub, err = startHub(ctx, s.dir); err != nil {
			return err
		}
		if err := errors.Join(w.run(s), s.hub.stop()); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	fmt.Printf("%s, %d processors, %s; load average %s before, %s after.\n\n| What | Figure | Target |\n|---|---|---|\n",
		time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), runtime.Version(), before, load())
	for _, r := range s.rows {
		fmt.Printf("| %s | %s | %s |\n", r[0], r[1], r[2])
	}
	return nil
}

func (s *scale) row(what, figure, target string) {
	s.rows = append(s.rows, [3]string{what, figure, target})
	fmt.Fprintf(os.Stderr, "%s: %s\n", what, figure)
}

func (s *scale) made(w crew) error {
	_, err := s.hub.tell(order{Do: "crew", Crew: &w})
	return err
}

// places are addresses of this machine, so that tablets do not all come from
// one: an address has bounds of its own.
const places = 100

func addressOf(i int) *net.TCPAddr { return &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+i%places))} }

// enrol makes tablets of members of a crew: each of them has `each`.
func (s *scale) enrol(w crew, each int) ([]*client, error) {
	codes := make([][]string, w.Staff)
	for i := range codes {
		r, err := s.hub.tell(order{Do: "codes", Login: crewLogin(i), Count: each})
		if err != nil {
			return nil, err
		}
		codes[i] = r.Codes
	}
	all := make([]*client, w.Staff*each)
	const workers = 4
	err := atOnce(workers, func(k int) (err error) {
		for i := k; i < w.Staff; i += workers {
			for j, code := range codes[i] {
				n := i*each + j
				by := &http.Transport{DialContext: (&net.Dialer{LocalAddr: addressOf(n)}).DialContext}
				if all[n], err = enrol(s.ctx, by, s.hub.url, code); err != nil {
					return err
				}
				all[n].http.CloseIdleConnections()
			}
		}
		return nil
	})
	return all, err
}

// spread is what lies at shares of what was measured.
func spread(all []time.Duration) string {
	slices.Sort(all)
	at := func(share float64) float64 { return ms(all[min(len(all)-1, int(share*float64(len(all))))]) }
	return fmt.Sprintf("p50 %.0f ms, p99 %.0f ms, longest %.0f ms", at(0.5), at(0.99), ms(all[len(all)-1]))
}

// memoryOf is a figure of /proc/<pid>/status in bytes (proc_pid_status(5)).
func memoryOf(pid int, name string) (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), name+":")
	var kb int
	_, err = fmt.Sscanf(rest, "%d kB", &kb)
	return kb << 10, err
}

package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// figures is what one run measured, by the names that the peers' report uses:
// <workload>_ms, _srvcpu_ms and _clicpu_ms, _up_kb and _down_kb.
type figures map[string]float64

// The workloads by the names of common.cjs, and what we add.
const (
	first   = "t1_initial"
	news    = "t2_inc"
	nothing = "t0_nothing"
	push    = "t3_push"
	crowd   = "t4_wall"
)

// short is how the bytes of a workload are called: t1_down_kb.
func short(workload string) string { return workload[:2] }

// medians of several runs.
func medians(runs []figures) figures {
	m := figures{}
	for name := range runs[0] {
		var l []float64
		for _, r := range runs {
			l = append(l, r[name])
		}
		slices.Sort(l)
		m[name] = (l[(len(l)-1)/2] + l[len(l)/2]) / 2
	}
	return m
}

// meter measures a piece of work between a server and this process.
type meter struct {
	server int    // its process
	relay  *relay // nil where bytes are not counted
	into   figures
}

func (m meter) measure(workload string, work func() error) error {
	var up, down int64
	if m.relay != nil {
		up, down = m.relay.up.Load(), m.relay.down.Load()
	}
	server, err := processorOf(m.server)
	if err != nil {
		return err
	}
	client, began := ownProcessor(), time.Now()
	if err := work(); err != nil {
		return err
	}
	m.into[workload+"_ms"] = ms(time.Since(began))
	m.into[workload+"_clicpu_ms"] = ms(ownProcessor() - client)
	after, err := processorOf(m.server)
	if err != nil {
		return err
	}
	m.into[workload+"_srvcpu_ms"] = ms(after - server)
	if m.relay != nil {
		m.into[short(workload)+"_up_kb"] = float64(m.relay.up.Load()-up) / 1024
		m.into[short(workload)+"_down_kb"] = float64(m.relay.down.Load()-down) / 1024
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// tick is the unit of /proc/<pid>/stat (USER_HZ, 100 on every Linux).
const tick = 10 * time.Millisecond

// processorOf is the processor's time that a process has used, as common.cjs
// reads it (proc_pid_stat(5): utime and stime).
func processorOf(pid int) (time.Duration, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	user, err := strconv.Atoi(f[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(f[12])
	return time.Duration(user+system) * tick, err
}

func ownProcessor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // EFAULT and EINVAL only (getrusage(2))
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// load is the machine's load average, for the figures' heading.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(b))[:3], " ")
}

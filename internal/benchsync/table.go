package main

import (
	"fmt"
	"io"
	"strings"
)

// entrant is a line of the table.
type entrant struct {
	name string
	figures
}

// target is what the sync has to reach against the faster peer and the
// floor; 0 where there is no such target.
type target struct {
	workload, what string
	ofPeer         float64 // at most this share of the faster peer's time
	ofFloor        float64
	down, up       float64 // KB on the wire
}

var targets = []target{
	{first, "first %d records", 2. / 3, 2.5, 2048, 0},
	{news, "100 changes", 0.5, 2.5, 6, 0},
	{nothing, "nothing new", 0, 0, 0, 0},
	{push, "1,000 edits pushed", 0.5, 0, 0, 80},
	{crowd, "50 tablets at once", 2. / 3, 2.5, 0, 0},
}

// emptyBodyMax is how many bytes an answer without news may have.
const emptyBodyMax = 200

// table writes everything as markdown.
func table(w io.Writer, n int, all []entrant, warm, floor figures) {
	fmt.Fprint(w, "| Workload | Who | Time ms | Server CPU ms | Client CPU ms | KB down | KB up |\n|---|---|---|---|---|---|---|\n")
	for _, t := range targets {
		for _, e := range all {
			if _, there := e.figures[t.workload+"_ms"]; !there {
				continue
			}
			fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s |\n", titleOf(t, n), e.name, e.cell(t.workload+"_ms"), e.cell(t.workload+"_srvcpu_ms"),
				e.cell(t.workload+"_clicpu_ms"), e.cell(short(t.workload)+"_down_kb"), e.cell(short(t.workload)+"_up_kb"))
		}
	}
	fmt.Fprint(w, "\n| Workload | Time to the faster peer's | Target | CPU of both ends to that peer's | Time to the floor's | Target | Bytes | Target |\n|---|---|---|---|---|---|---|---|\n")
	for _, t := range targets {
		best, peer, peerCPU := "", 0.0, 0.0
		for _, e := range all {
			if v := e.figures[t.workload+"_ms"]; v > 0 && !e.isOurs() && (peer == 0 || v < peer) {
				best, peer, peerCPU = e.name, v, e.processor(t.workload)
			}
		}
		own := warm[t.workload+"_ms"]
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", titleOf(t, n), ratio(own, peer, best), wanted(own, peer, t.ofPeer),
			ratio(entrant{ourName, warm}.processor(t.workload), peerCPU, ""), ratio(own, floor[t.workload+"_ms"], ""), wanted(own, floor[t.workload+"_ms"], t.ofFloor), bytesOf(t, warm), bytesWanted(t, warm))
	}
}

func titleOf(t target, n int) string {
	if strings.Contains(t.what, "%d") {
		return fmt.Sprintf(t.what, n)
	}
	return t.what
}

// ourName begins the names of our lines, floorName is that of the floor's.
const (
	ourName   = "Portolan"
	floorName = "floor"
)

func (e entrant) isOurs() bool { return strings.HasPrefix(e.name, ourName) || e.name == floorName }

// processor is the processor's time of both ends: on a busy machine it says
// more than the clock does.
func (e entrant) processor(workload string) float64 {
	return e.figures[workload+"_srvcpu_ms"] + e.figures[workload+"_clicpu_ms"]
}

func (e entrant) cell(name string) string {
	v, there := e.figures[name]
	switch {
	case !there:
		return "–"
	case v < 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

func ratio(own, other float64, name string) string {
	if other == 0 {
		return "–"
	}
	if name != "" {
		name = " of " + name
	}
	return fmt.Sprintf("%.2f×%s", own/other, name)
}

func wanted(own, other, share float64) string {
	switch {
	case share == 0 || other == 0:
		return "–"
	case own <= share*other:
		return fmt.Sprintf("≤ %.2f×, reached", share)
	}
	return fmt.Sprintf("≤ %.2f×, **missed** by %.1f times", share, own/other/share)
}

func bytesOf(t target, f figures) string {
	switch {
	case t.workload == nothing:
		return fmt.Sprintf("body %.0f B", f["t0_body_b"])
	case t.down > 0:
		return fmt.Sprintf("%.1f KB down", f[short(t.workload)+"_down_kb"])
	case t.up > 0:
		return fmt.Sprintf("%.1f KB up", f[short(t.workload)+"_up_kb"])
	}
	return "–"
}

func bytesWanted(t target, f figures) string {
	own, most, unit := f[short(t.workload)+"_down_kb"], t.down, "KB"
	switch {
	case t.workload == nothing:
		own, most, unit = f["t0_body_b"], emptyBodyMax, "B"
	case t.up > 0:
		own, most = f[short(t.workload)+"_up_kb"], t.up
	case t.down == 0:
		return "–"
	}
	if own <= most {
		return fmt.Sprintf("≤ %.0f %s, reached", most, unit)
	}
	return fmt.Sprintf("≤ %.0f %s, **missed** by %.2f times", most, unit, own/most)
}

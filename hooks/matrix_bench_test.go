package hooks_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"portolan/care"
)

// BenchmarkForbiddenAndAbsent asks, in an order from a seed, for a record that
// somebody may not see and for one that nobody has. It gives the medians, and
// how far apart the ranks of the two are, in standard deviations of chance
// (Mann and Whitney 1947): beyond three somebody who asks so often could tell.
func BenchmarkForbiddenAndAbsent(b *testing.B) {
	const each = 2000
	o := newOracle(b)
	who := o.byRole(care.Outreach)
	at := slices.IndexFunc(o.records, func(k whole) bool { return k.collection == "identities" && k.org == otherOrg })
	random := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		var took [2][]time.Duration
		for len(took[0])+len(took[1]) < 2*each {
			kind := random.IntN(2)
			id := o.records[at].id
			if kind == 1 {
				id = nobodyHasThis
			}
			began := time.Now()
			o.ask(b, who, "POST", "/api/portolan/records/identities", map[string]any{"id": id})
			took[kind] = append(took[kind], time.Since(began))
			o.said.Take()
		}
		b.ReportMetric(float64(median(took[0]).Microseconds()), "µs/forbidden")
		b.ReportMetric(float64(median(took[1]).Microseconds()), "µs/absent")
		b.ReportMetric(math.Abs(apartBy(took[0], took[1])), "deviations")
	}
}

func median(l []time.Duration) time.Duration {
	l = slices.Sorted(slices.Values(l))
	return l[len(l)/2]
}

// apartBy is how many standard deviations the sum of the ranks of x is from
// what it would be by chance.
func apartBy(x, y []time.Duration) float64 {
	type one struct {
		d   time.Duration
		ofX bool
	}
	var all []one
	for _, d := range x {
		all = append(all, one{d, true})
	}
	for _, d := range y {
		all = append(all, one{d, false})
	}
	slices.SortFunc(all, func(a, b one) int { return int(a.d - b.d) })
	sum := 0.0
	for rank, o := range all {
		if o.ofX {
			sum += float64(rank + 1)
		}
	}
	n, m := float64(len(x)), float64(len(y))
	return (sum - n*(n+m+1)/2) / math.Sqrt(n*m*(n+m+1)/12)
}

package collections_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
)

// BenchmarkSearch measures, on a hub with 1,000 invented cases, how long the
// first search takes, which fills the index, what the index weighs a case, and
// how long the next searches take, of somebody who is on 100 cases.
func BenchmarkSearch(b *testing.B) {
	ctx, n := context.Background(), casesOfBenchmark(b)
	h := hubtest.New(b)
	w, _, _, _ := populate(b, h, 1, n)
	h.Org = w.Home()
	worker, _ := h.Staff(b, care.Coordinator)
	var grants []collections.Draft
	for i := range min(n, casesPerWorker) {
		for _, c := range []care.Compartment{care.General, care.Identity} {
			grants = append(grants, collections.Draft{Collection: "grants", Case: w.Case(i).ID, Set: grant(worker.Staff, c, hubtest.Start.Add(48*time.Hour))})
		}
	}
	h.Must(b, h.HubActor(), grants...)
	worker = h.Reload(b, worker.Staff)
	search := func(text string) {
		if _, _, err := h.Search(ctx, worker, text); err != nil {
			b.Fatal(err)
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := time.Now()
	search("nobody of this name")
	filled := time.Since(began)
	runtime.GC()
	runtime.ReadMemStats(&after)
	for b.Loop() {
		search("Fatima al-Hasan")
	}
	b.ReportMetric(filled.Seconds()*1000, "ms/first")
	b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/float64(n), "bytes/case")
}

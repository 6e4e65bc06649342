package collections_test

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/gen"
	"portolan/internal/hubtest"
)

// casesPerBatch is how many cases go through the door in one transaction, as
// an import or a backlog brings them.
const casesPerBatch = 10

// casesPerWorker is the caseload of the benchmark's pull.
const casesPerWorker = 100

// populate brings an invented world with n cases through the door and returns
// how many changes that was, how many the rules held, and how long it took.
func populate(tb testing.TB, h *hubtest.Hub, seed uint64, n int) (w *gen.World, changes, held int, took time.Duration) {
	tb.Helper()
	ctx := context.Background()
	w = gen.New(seed, hubtest.Start)
	take := func(drafts []gen.Draft) {
		began := time.Now()
		batch := make([]collections.Draft, len(drafts))
		for i, d := range drafts {
			batch[i] = collections.Draft{Collection: d.Collection, Record: d.Record, Case: d.Case, Org: d.Org, Author: d.Author, Set: d.Set, Add: d.Add}
		}
		receipts, err := h.Do(ctx, h.HubActor(), batch...)
		if err != nil {
			tb.Fatalf("an invented case: %v", err)
		}
		for _, r := range receipts {
			if len(r.Held) > 0 {
				held++
				tb.Logf("held: %+v", r.Held)
			}
		}
		took += time.Since(began)
	}
	take(w.Setup())
	var waiting []gen.Draft
	for i := range n {
		waiting = append(waiting, w.Case(i).Drafts...)
		if (i+1)%casesPerBatch == 0 || i == n-1 {
			take(waiting)
			waiting = waiting[:0]
		}
	}
	// With those that the hub's own rules made.
	if err := h.App().DB().NewQuery(`SELECT COUNT(*) FROM changes`).Row(&changes); err != nil {
		tb.Fatal(err)
	}
	return w, changes, held, took
}

// casesOfBenchmark is how many cases the benchmark invents; the figure in
// docs/benchmarks.md is for 1,000.
func casesOfBenchmark(b *testing.B) int {
	n, err := strconv.Atoi(os.Getenv("PORTOLAN_BENCH_CASES"))
	if err != nil {
		n = 1000
	}
	b.Logf("%d cases", n)
	return n
}

// BenchmarkInventedCases measures whole cases through the one door.
func BenchmarkInventedCases(b *testing.B) { sealedAndNot(b, inventedCases) }

func inventedCases(b *testing.B) {
	n := casesOfBenchmark(b)
	for b.Loop() {
		h := hubtest.New(b)
		_, changes, held, took := populate(b, h, 1, n)
		b.ReportMetric(float64(changes)/took.Seconds(), "changes/s")
		b.ReportMetric(float64(changes), "changes")
		b.ReportMetric(float64(held), "held")
	}
}

// sealedAndNot runs a benchmark with the real sealer and with one that does
// nothing, so that the cost of sealing is a ratio of one run.
func sealedAndNot(b *testing.B, measure func(b *testing.B)) {
	b.Run("sealed", measure)
	b.Run("unsealed", func(b *testing.B) {
		defer collections.SealNothing()()
		measure(b)
	})
}

// BenchmarkFullPull measures the first pull of somebody who is on 100 cases,
// with every compartment that their role may hold.
func BenchmarkFullPull(b *testing.B) { sealedAndNot(b, fullPull) }

func fullPull(b *testing.B) {
	h := hubtest.New(b)
	w, _, _, _ := populate(b, h, 1, casesPerWorker)
	h.Org = w.Home()
	worker, _ := h.Staff(b, care.ProtectionOfficer)
	var grants []collections.Draft
	for i := range casesPerWorker {
		for _, c := range care.CompartmentsOf(care.ProtectionOfficer) {
			grants = append(grants, collections.Draft{Collection: "grants", Case: w.Case(i).ID, Set: map[string]care.Value{
				"staff": care.OfText(worker.Staff), "compartment": care.OfText(string(c)), "status": care.OfText("active"),
				"until": care.OfTime(hubtest.Start.Add(48 * time.Hour))}})
		}
	}
	h.Must(b, h.HubActor(), grants...)
	b.ResetTimer()
	rows, bytes := 0, 0
	for b.Loop() {
		rows, bytes = 0, 0
		err := h.Pull(context.Background(), worker, "", func(line []byte) error {
			rows++
			bytes += len(line)
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows), "rows")
	b.ReportMetric(float64(bytes), "bytes")
}

// BenchmarkFloor is what SQLite itself does with rows like those of a change:
// the floor that the door is compared with, in the same run.
func BenchmarkFloor(b *testing.B) {
	h := hubtest.New(b)
	db := h.App().NonconcurrentDB()
	if _, err := db.NewQuery(`CREATE TABLE floor (id INTEGER PRIMARY KEY, body TEXT NOT NULL)`).Execute(); err != nil {
		b.Fatal(err)
	}
	body := string(make([]byte, 900))
	const batch = 100
	began, n := time.Now(), 0
	for b.Loop() {
		if _, err := db.NewQuery(`INSERT INTO floor (body) WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < {:n}) SELECT {:b} FROM c`).
			Bind(map[string]any{"n": batch, "b": body}).Execute(); err != nil {
			b.Fatal(err)
		}
		n += batch
	}
	b.ReportMetric(float64(n)/time.Since(began).Seconds(), "rows/s")
}

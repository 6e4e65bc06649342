package collections

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"portolan/care"
)

const readersOfBenchmark = 16

// BenchmarkReaders measures what the audit log costs those who read at the
// same time: together, as Audit writes it, and apart, one commit a reader.
func BenchmarkReaders(b *testing.B) {
	h, err := Open(Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	org := h.newID()
	receipts, err := h.Do(context.Background(), h.HubActor(), Draft{Collection: "organisations", Record: org, Org: org,
		Set: map[string]care.Value{"name": care.OfText("Harbour House"), "kind": care.OfText("NGO")}})
	if err != nil || Refused(receipts) != nil {
		b.Fatal(err, receipts)
	}
	d := care.Decision{Allowed: true, Reason: care.SeeHub}
	target := care.Target{Collection: "organisations", Org: org, Topic: care.People, Compartment: care.General}
	apart := func(ctx context.Context) error {
		return h.writer.write(ctx, func(t *tx) error {
			return t.note(care.FormatTime(h.now()), h.HubActor(), event{act: ActRead, target: target, decision: d, count: 1})
		})
	}
	for name, note := range map[string]func(context.Context) error{
		"together": func(ctx context.Context) error { return h.Audit(ctx, h.HubActor(), ActRead, target, d) },
		"apart":    apart,
	} {
		b.Run(name, func(b *testing.B) {
			var left atomic.Int64
			left.Store(int64(b.N))
			var readers sync.WaitGroup
			for range readersOfBenchmark {
				readers.Go(func() {
					for left.Add(-1) >= 0 {
						if err := note(context.Background()); err != nil {
							b.Error(err)
							return
						}
						if _, err := scanRecord(h.tables["organisations"], reader{context.Background(), h.readDB()}.row(h.tables["organisations"].read, org)); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			readers.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
		})
	}
}

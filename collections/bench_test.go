package collections_test

import (
	"context"
	"fmt"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
)

// BenchmarkDoor measures changes through the one door, in groups as an import
// or a push brings them. Compare changes/s.
func BenchmarkDoor(b *testing.B) {
	h := hubtest.New(b)
	const batch = 250
	ctx := context.Background()
	actor := h.HubActor()
	cases := 0
	b.ResetTimer()
	for done := 0; done < b.N; done += batch {
		cases++
		caseID := fmt.Sprintf("01930000-0000-7000-8000-%012x", cases)
		drafts := []collections.Draft{{Collection: "cases", Record: caseID, Case: caseID, Org: h.Org, Set: map[string]care.Value{"status": care.OfText("Active")}}}
		for len(drafts) < batch {
			drafts = append(drafts, collections.Draft{Collection: "medicines", Case: caseID, Set: map[string]care.Value{
				"substance": care.OfText("paracetamol"), "strength": care.OfText("500 mg"), "dose": care.OfText("1 tablet"),
				"frequency": care.OfText("TID"), "status": care.OfText("active"), "days_left": care.OfInt(30)}})
		}
		if _, err := h.Do(ctx, actor, drafts...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "changes/s")
}

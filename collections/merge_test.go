package collections_test

import (
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
)

// TestR29MergeIsUndone: two files of one person become one by two people, with
// nothing moved, and two again by two people.
func TestR29MergeIsUndone(t *testing.T) {
	h := hubtest.New(t)
	ctx := t.Context()
	lead, _ := h.Staff(t, care.Coordinator)
	officer, _ := h.Staff(t, care.ProtectionOfficer)
	const one, two, three = "01930000-0000-7000-8000-0000000000c1", "01930000-0000-7000-8000-0000000000c2", "01930000-0000-7000-8000-0000000000c3"
	for _, id := range []string{one, two, three} {
		h.Must(t, lead, collections.Draft{Collection: "cases", Record: id, Set: map[string]care.Value{"status": care.OfText("Active")}})
	}
	into := func() string {
		t.Helper()
		row, err := h.Read(ctx, h.HubActor(), "cases", two)
		if err != nil {
			t.Fatalf("reading a case: %v", err)
		}
		return row.Text("merged_into")
	}
	agree := func(p care.Approval) {
		t.Helper()
		p, err := h.AskApproval(ctx, lead, p)
		if err == nil {
			_, err = h.DecideApproval(ctx, officer, p.ID, true)
		}
		if err != nil {
			t.Fatalf("agreeing: %v", err)
		}
	}
	receipts, err := h.Do(ctx, h.Reload(t, lead.Staff), collections.Draft{Collection: "cases", Record: two, Set: map[string]care.Value{"merged_into": care.OfText(one)}})
	if err == nil {
		err = collections.Refused(receipts)
	}
	wantCode(t, "by the door alone", err, "merge_takes_two")
	wantCode(t, "by one person", h.MergeCases(ctx, lead, two, one), "approval_needed")
	agree(collections.MergeApproval(two, one, false))
	wantCode(t, "another pair", h.MergeCases(ctx, lead, three, one), "approval_needed")
	if err := h.MergeCases(ctx, lead, two, one); err != nil || into() != one {
		t.Fatalf("merging: %v, into %q", err, into())
	}
	for _, half := range []string{one, two} {
		p, err := h.AskApproval(ctx, officer, care.Approval{Act: care.ActErase, Collection: "cases", Record: half, Reason: "person_asked"})
		if err == nil {
			_, err = h.DecideApproval(ctx, lead, p.ID, true)
		}
		if err != nil {
			t.Fatalf("agreeing to an erasure: %v", err)
		}
		_, err = h.Erase(ctx, officer, half, "")
		wantCode(t, "erasing one of two files of a person", err, "erase_merged")
	}
	wantCode(t, "again", h.MergeCases(ctx, lead, two, one), "approval_needed")
	agree(collections.MergeApproval(one, three, false))
	wantCode(t, "one that others went on in", h.MergeCases(ctx, lead, one, three), "merge_in_circles")
	agree(collections.MergeApproval(three, two, false))
	wantCode(t, "into one that went on elsewhere", h.MergeCases(ctx, lead, three, two), "merge_in_circles")
	wantCode(t, "undoing by one person", h.SplitCases(ctx, lead, two, one), "approval_needed")
	agree(collections.MergeApproval(two, one, true))
	if err := h.SplitCases(ctx, lead, two, one); err != nil || into() != "" {
		t.Fatalf("undoing: %v, into %q", err, into())
	}
}

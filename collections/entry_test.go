package collections_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// Everything that anybody ever entered in a field can be opened by whoever may
// see the field: what stands, what took its place and saw it, what came beside
// it, and what was held.
func TestTheHistoryOfAFieldHoldsEveryValue(t *testing.T) {
	h, worker, d := newOpenCase(t)
	second, _ := h.Staff(t, care.Outreach)
	h.Must(t, h.HubActor(), collections.Draft{Collection: "grants", Case: caseID, Set: grant(second.Staff, care.General, hubtest.Start.Add(time.Hour))})
	other := enrol(t, h, second)
	enter := func(from *tabletSide, text string, saw ...fieldsync.Dot) fieldsync.Dot {
		t.Helper()
		c := fieldsync.Change{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"contact_notes": care.OfText(text)}}
		if len(saw) > 0 {
			c.Base = map[string][]fieldsync.Dot{"contact_notes": saw}
		}
		from.send(t, h, from.change(t, h, c))
		return fieldsync.DotOf(from.replica, from.n)
	}
	first := enter(d, "first")
	enter(d, "second", first)
	enter(other, "beside", first)
	d.send(t, h, d.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Case: "01930000-0000-7000-8000-0000000000ce",
		Set: map[string]care.Value{"contact_notes": care.OfText("of another case")}}))

	got, err := h.History(t.Context(), h.Reload(t, worker.Staff), "survivors", survivorID, "contact_notes")
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		text   string
		stands bool
		held   string
		saw    int
	}
	var lines []line
	for _, e := range got.Entries {
		lines = append(lines, line{e.Value.Text(), e.Stands, e.Held, len(e.Saw)})
		if !slices.Contains([]string{worker.Staff, second.Staff}, e.Author) || e.At == "" || e.Arrived == "" || !slices.Contains([]string{d.actor.Device, other.actor.Device}, e.Device) {
			t.Errorf("%q does not say who, when and where: %+v", e.Value.Text(), e)
		}
	}
	want := []line{{"first", false, "", 0}, {"second", true, "", 1}, {"beside", true, "", 1}, {"of another case", false, "case_mismatch", 0}}
	if !slices.Equal(lines, want) || got.Unreadable != 0 {
		t.Errorf("the history is %+v (%d unreadable), want %+v", lines, got.Unreadable, want)
	}
	colleague, _ := h.Staff(t, care.Outreach)
	for name, id := range map[string]string{"somebody without a grant": survivorID, "of a record that is not there": "01930000-0000-7000-8000-0000000000cf"} {
		if _, err := h.History(t.Context(), h.Reload(t, colleague.Staff), "survivors", id, "contact_notes"); !errors.Is(err, care.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package care

import (
	"testing"
	"time"
)

func at(hours int) time.Time { return noon.Add(time.Duration(hours) * time.Hour) }

func stayOf(caseID, rowID string, f fields) Row {
	r := row("stays", rowID, f)
	r.Case = caseID
	return r
}

func (m *memory) tryStay(t *testing.T, caseID, rowID string, set fields) []Refusal {
	t.Helper()
	return m.change(t, outreachA, stayOf(caseID, rowID, nil), values(set), 0)
}

// TestNoTwoPeopleInOneBed is the case of two tablets that admit two people
// offline: the second is in the house, and the bed stays open to decide.
func TestNoTwoPeopleInOneBed(t *testing.T) {
	m := house(t)
	wantHeld(t, m.tryStay(t, caseA, id(100), fields{"bed": id(10), "status": "checked_in", "check_in": at(-5)}))
	wantHeld(t, m.tryStay(t, caseB, id(101), fields{"bed": id(10), "status": "checked_in", "check_in": at(-4)}), "bed bed_taken")
	if m.text(t, "stays", id(101), "status") != "checked_in" || m.text(t, "stays", id(101), "bed") != "" {
		t.Error("that the second person is in the house was lost, or they have the bed")
	}
	if got := m.text(t, "beds", id(10), "state"); got != "occupied" {
		t.Errorf("the bed is %s", got)
	}
	wantHeld(t, m.tryStay(t, caseB, id(101), fields{"bed": id(11)}))
	wantHeld(t, m.tryStay(t, caseA, id(100), fields{"status": "checked_out", "check_out": at(-1)}))
	if got := m.text(t, "beds", id(10), "state"); got != "available" {
		t.Errorf("the bed is %s after the stay", got)
	}
	wantHeld(t, m.tryStay(t, caseA, id(102), fields{"bed": id(10), "status": "checked_in", "check_in": at(-1)})) // [in, out): no overlap
}

func TestStays(t *testing.T) {
	there := fields{"bed": id(10), "status": "checked_in", "check_in": at(-48)}
	for name, c := range map[string]struct {
		other, set fields // of case B, of case A
		held       []string
	}{
		"planned after the expected end":  {fields{"bed": id(10), "status": "checked_in", "check_in": at(-48), "expected_end": "2026-03-12"}, fields{"bed": id(10), "status": "planned", "check_in": at(48)}, nil},
		"planned before the expected end": {fields{"bed": id(10), "status": "checked_in", "check_in": at(-48), "expected_end": "2026-03-14"}, fields{"bed": id(10), "status": "planned", "check_in": at(48)}, []string{"bed bed_taken"}},
		"planned without an end in sight": {there, fields{"bed": id(10), "status": "planned", "check_in": at(48)}, []string{"bed bed_taken"}},
		"a plan holds its bed":            {fields{"bed": id(10), "status": "planned", "check_in": at(5)}, fields{"bed": id(10), "status": "checked_in", "check_in": at(-1)}, []string{"bed bed_taken"}},
		"a plan lets go after a day":      {fields{"bed": id(10), "status": "planned", "check_in": at(-25)}, fields{"bed": id(10), "status": "checked_in", "check_in": at(-1)}, nil},
		"a hold that has run out":         {fields{"bed": id(10), "status": "planned", "check_in": at(5), "held_until": at(-1)}, fields{"bed": id(10), "status": "checked_in", "check_in": at(-1)}, nil},
		"a hold without a day":            {fields{"bed": id(10), "status": "planned", "held_until": at(3)}, fields{"bed": id(10), "status": "checked_in", "check_in": at(-1)}, []string{"bed bed_taken"}},
		"cancelled":                       {fields{"bed": id(10), "status": "cancelled", "check_in": at(-5)}, fields{"bed": id(10), "status": "checked_in", "check_in": at(-1)}, nil},
		"written down later, and over":    {there, fields{"bed": id(10), "status": "checked_out", "check_in": at(-96), "check_out": at(-48)}, nil},
		"written down later, and in it":   {there, fields{"bed": id(10), "status": "checked_out", "check_in": at(-96), "check_out": at(-47)}, []string{"bed bed_taken"}},
		"without a beginning":             {nil, fields{"bed": id(10), "status": "checked_in"}, []string{" stay_needs_check_in"}},
		"over without an end":             {nil, fields{"bed": id(10), "status": "checked_out", "check_in": at(-9)}, []string{" stay_needs_check_out"}},
		"ends before it begins":           {nil, fields{"bed": id(10), "status": "checked_out", "check_in": at(-9), "check_out": at(-10)}, []string{" stay_ends_first"}},
		"no bed yet":                      {nil, fields{"status": "checked_in", "check_in": at(-9)}, nil},
		"a blocked bed":                   {nil, fields{"bed": id(12), "status": "planned", "check_in": at(9)}, []string{"bed bed_blocked"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := house(t)
			m.put(row("beds", id(12), fields{"unit": id(2), "label": "bed", "state": "blocked"}))
			if c.other != nil {
				m.put(stayOf(caseB, id(100), c.other))
			}
			wantHeld(t, m.tryStay(t, caseA, id(101), c.set), c.held...)
		})
	}
}

func TestOnePersonOneBed(t *testing.T) {
	m := house(t)
	wantHeld(t, m.tryStay(t, caseA, id(100), fields{"bed": id(10), "status": "checked_in", "check_in": at(-5)}))
	wantHeld(t, m.tryStay(t, caseA, id(101), fields{"bed": id(11), "status": "checked_in", "check_in": at(-4)}), " person_has_stay")
	wantHeld(t, m.tryStay(t, caseA, id(102), fields{"bed": id(11), "status": "checked_in", "check_in": at(-4), "household_stays": []string{id(100)}}))
	wantHeld(t, m.tryStay(t, caseA, id(103), fields{"bed": id(12), "status": "checked_in", "check_in": at(-2), "moved_from": id(100)}), " person_has_stay")
	wantHeld(t, m.tryStay(t, caseA, id(102), fields{"status": "checked_out", "check_out": at(-3)}))
	wantHeld(t, m.tryStay(t, caseA, id(103), fields{"bed": id(12), "status": "checked_in", "check_in": at(-2), "moved_from": id(100)}))
	if got := m.text(t, "stays", id(100), "check_out"); got != FormatTime(at(-2)) {
		t.Errorf("after the move the old stay ended at %q", got)
	}
	for bed, want := range map[string]string{id(10): "available", id(11): "available", id(12): "occupied"} {
		if got := m.text(t, "beds", bed, "state"); got != want {
			t.Errorf("bed %s is %s, want %s", bed, got, want)
		}
	}
	if got := m.text(t, "stays", id(100), "facility"); got != id(1) {
		t.Errorf("the stay is in house %q", got)
	}
}

func TestBedStateFollowsTheStays(t *testing.T) {
	m := house(t)
	wantHeld(t, m.tryStay(t, caseA, id(100), fields{"bed": id(10), "status": "planned", "check_in": at(2)}))
	if got := m.text(t, "beds", id(10), "state"); got != "held" {
		t.Errorf("with a plan the bed is %s", got)
	}
	m.now = at(2)
	wantHeld(t, m.tryStay(t, caseA, id(100), fields{"status": "checked_in", "check_in": at(2)}))
	for _, state := range []string{"available", "blocked", "held"} {
		wantHeld(t, m.try(t, coordinatorA, "beds", id(10), fields{"state": state}), "state bed_occupied")
	}
	wantHeld(t, m.try(t, coordinatorA, "beds", id(11), fields{"state": "occupied"}), "state bed_not_occupied")
	wantHeld(t, m.try(t, coordinatorA, "beds", id(11), fields{"state": "blocked", "blocked_reason": "cleaning"}))
	wantHeld(t, m.tryStay(t, caseB, id(101), fields{"bed": id(10), "status": "planned", "check_in": at(30)}), "bed bed_taken")
	wantHeld(t, m.tryStay(t, caseA, id(100), fields{"expected_end": "2026-03-11"}))
	wantHeld(t, m.tryStay(t, caseB, id(101), fields{"bed": id(10)}))
	m.now = at(30)
	wantHeld(t, m.tryStay(t, caseB, id(101), fields{"status": "checked_in", "check_in": at(30)}), "check_in bed_taken", "status bed_taken")
	wantHeld(t, m.tryStay(t, caseA, id(100), fields{"status": "checked_out", "check_out": at(29)}))
	if got := m.text(t, "beds", id(10), "state"); got != "held" {
		t.Errorf("the next is expected, and the bed is %s", got)
	}
	wantHeld(t, m.tryStay(t, caseB, id(101), fields{"status": "checked_in", "check_in": at(30)}))
}

func TestCaseIsNotClosedOverASleeper(t *testing.T) {
	m := house(t)
	m.put(stayOf(caseA, id(100), fields{"bed": id(10), "status": "checked_in", "check_in": at(-5)}))
	wantHeld(t, m.try(t, outreachA, "cases", caseA, fields{"status": "Closed"}), "status case_needs_reason")
	wantHeld(t, m.try(t, outreachA, "cases", caseA, fields{"status": "Closed", "closure_reason": "goals_met"}), "status case_has_stay")
	wantHeld(t, m.tryStay(t, caseA, id(100), fields{"status": "checked_out", "check_out": noon}))
	wantHeld(t, m.try(t, outreachA, "cases", caseA, fields{"status": "Closed", "closure_reason": OfAbsent(NotRecorded)}))
	if got := m.text(t, "cases", caseA, "closed_on"); got != "2026-03-10" {
		t.Errorf("closed on %q", got)
	}
	wantHeld(t, m.try(t, outreachA, "cases", caseA, fields{"status": "Active"}))
	r, _ := m.Row("cases", caseA)
	if n, _ := r.Get("reopened_count").Int(); n != 1 {
		t.Errorf("reopened %d times", n)
	}
}

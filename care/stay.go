package care

import "time"

// PlannedHold is how long a planned stay keeps its bed after the moment when
// the person was expected, if nobody checks them in and no other end is set.
const PlannedHold = 24 * time.Hour

// interval is [from, to) of one stay in one bed. A zero to is open.
type interval struct{ from, to time.Time }

func (i interval) meets(j interval) bool {
	return (j.to.IsZero() || i.from.Before(j.to)) && (i.to.IsZero() || j.from.Before(i.to))
}

// stayInterval is when a stay keeps its bed, and whether it does at all. Of a
// stay that is not over, the expected end counts against plans only: whoever
// is still there is still there. A planned stay that nobody began lets its
// bed go after PlannedHold.
func stayInterval(s Row, againstPlan bool, now time.Time) (interval, bool) {
	from, known := s.Get("check_in").Time()
	to, ended := s.Get("check_out").Time()
	expected, expects := s.Get("expected_end").Time()
	switch s.Text("status") {
	case "checked_out":
		return interval{from, to}, known && ended && from.Before(to)
	case "checked_in":
		switch {
		case ended:
			return interval{from, to}, from.Before(to)
		case againstPlan && expects && expected.After(from):
			return interval{from, later(expected, now)}, true
		}
		return interval{from: from}, true // without a known beginning: since ever
	case "planned":
		return plannedInterval(s, now)
	}
	return interval{}, false // cancelled, or not known yet
}

func plannedInterval(s Row, now time.Time) (interval, bool) {
	from, known := s.Get("check_in").Time()
	expected, expects := s.Get("expected_end").Time()
	until, limited := s.Get("held_until").Time()
	switch {
	case limited && !now.Before(until), !limited && !known, !limited && !now.Before(from.Add(PlannedHold)):
		return interval{}, false
	case !known:
		from = now
	}
	if expects && expected.After(from) {
		return interval{from, expected}, true
	}
	return interval{from: from}, true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// staysMeet says whether two stays claim the same nights.
func staysMeet(s, t Row, now time.Time) bool {
	plan := s.Text("status") == "planned" || t.Text("status") == "planned"
	i, ok := stayInterval(s, plan, now)
	if !ok {
		return false
	}
	j, ok := stayInterval(t, plan, now)
	return ok && i.meets(j)
}

// present says whether somebody is in the bed of this stay now.
func present(s Row, now time.Time) bool {
	i, ok := stayInterval(s, false, now)
	return ok && s.Text("status") == "checked_in" && !now.Before(i.from) && (i.to.IsZero() || now.Before(i.to))
}

// BedState is what follows for a bed from the stays in it. A bed that staff
// blocked stays blocked until they unblock it.
func BedState(w World, bed Row) string {
	state := "available"
	for _, s := range w.Unended("stays", "bed", bed.ID, "check_out", w.Now()) {
		switch {
		case present(s, w.Now()):
			return "occupied"
		case s.Text("status") == "planned":
			if _, holds := stayInterval(s, true, w.Now()); holds {
				state = "held"
			}
		}
	}
	if bed.Text("state") == "blocked" {
		return "blocked"
	}
	return state
}

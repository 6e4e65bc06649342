package care

import (
	"slices"
	"time"
)

// How long records are kept (R16; IOM Data Protection Manual, principle 9: no
// longer than the purpose needs, then destroyed). The law of the place goes
// before these figures, and a case may name its own date
// (cases.retention_until). The years are ours, on the long side: what was
// destroyed too early can never be had again.
var retentionRows = []struct {
	compartment Compartment
	years       int // after the case was closed
}{
	{General, 5},
	{Identity, 5},
	{Location, 1},
	{Health, 10},
	{Legal, 10},
	{Finance, 7},
	{Evidence, 10},
}

// retentionHolds are the states in which something of a closed case is still
// under way, so that nothing of it may go.
var retentionHolds = map[string][]string{
	"deadlines":             {"open"},
	"claims":                {"filed", "awarded", "appealed", "settled", "enforcement"},
	"payments":              {"pending", "disputed"},
	"feedbacks":             {"received", "acknowledged", "in_review", "appealed"},
	"compelled_disclosures": {"received", "under_review", "challenged", "approved"},
}

// closedCase are the states of a case that is over.
var closedCase = []string{"Closed", "ClosedReferred"}

// RetentionYears is for how many years after its closing a case's compartment
// is kept.
func RetentionYears(c Compartment) int {
	for _, row := range retentionRows {
		if row.compartment == c {
			return row.years
		}
	}
	return 0
}

// RetentionOver says whether the time for which a case is kept is over: it is
// closed, nothing of it is under way, and the date that it names has passed,
// or else the longest of the terms of what it holds. It goes as a whole: the
// history of one part says what stood in the others.
func RetentionOver(w World, k Row, holds []Compartment) bool {
	if !slices.Contains(closedCase, k.Text("status")) {
		return false
	}
	until, named := k.Get("retention_until").Time()
	if !named {
		closed, known := k.Get("closed_on").Time()
		if !known || k.Get("retention_until").IsSet() { // nobody knows since when, or until when
			return false
		}
		years := RetentionYears(General)
		for _, c := range holds {
			years = max(years, RetentionYears(c))
		}
		until = closed.AddDate(years, 0, 0)
	}
	return !w.Now().Before(until.Add(24*time.Hour)) && !underWay(w, k.ID)
}

func underWay(w World, caseID string) bool {
	for collection, states := range retentionHolds {
		for _, r := range w.OfCase(collection, caseID) {
			if slices.Contains(states, r.Text("status")) {
				return true
			}
		}
	}
	return false
}

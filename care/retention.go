package care

import (
	"slices"
	"strings"
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

// EndsAlone says whether a part of a case may be erased before the rest. The
// general one may not: it says whose case it is, who may see the other parts
// and until when they are kept, so it is kept as long as any of them.
func EndsAlone(c Compartment) bool { return c != General && slices.Contains(Compartments, c) }

// EraseTerms is what an approval of an erasure names beside the case (R29):
// the part, or nothing where all of it goes.
func EraseTerms(part Compartment) string {
	if part == "" {
		return ""
	}
	return "part=" + string(part)
}

// ErasedPart is the part that the terms of an erasure name; it says no to
// terms that name anything else.
func ErasedPart(terms string) (part Compartment, ok bool) {
	if terms == "" {
		return "", true
	}
	name, ok := strings.CutPrefix(terms, "part=")
	return Compartment(name), ok && EndsAlone(Compartment(name))
}

// RetentionOver says of what the time for which it is kept is over: of the
// case as a whole, or else of which of the parts that it holds. Nothing of it
// goes before it is closed, nor while something of it is under way. A date
// that the case names is that of all of it.
func RetentionOver(w World, k Row, holds []Compartment) (whole bool, parts []Compartment) {
	if !slices.Contains(closedCase, k.Text("status")) {
		return false, nil
	}
	over := func(until time.Time) bool { return !w.Now().Before(until.Add(24 * time.Hour)) }
	if until, named := k.Get("retention_until").Time(); named {
		return over(until) && !underWay(w, k.ID), nil
	}
	closed, known := k.Get("closed_on").Time()
	if !known || k.Get("retention_until").IsSet() { // nobody knows since when, or until when
		return false, nil
	}
	whole = over(closed.AddDate(RetentionYears(General), 0, 0))
	for _, c := range holds {
		if over(closed.AddDate(RetentionYears(c), 0, 0)) {
			parts = append(parts, c)
		} else {
			whole = false
		}
	}
	parts = slices.DeleteFunc(parts, func(c Compartment) bool { return whole || !EndsAlone(c) })
	if len(parts) == 0 && !whole || underWay(w, k.ID) {
		return false, nil
	}
	return whole, parts
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

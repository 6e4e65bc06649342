package care

import (
	"slices"
	"testing"
	"time"
)

// TestR16Retention: nothing goes before its time, nothing that is under way,
// and nothing of which the time is not known.
func TestR16Retention(t *testing.T) {
	now := time.Date(2030, 6, 15, 12, 0, 0, 0, time.UTC)
	closed := func(set map[string]Value) Row {
		v := map[string]Value{"status": OfText("Closed"), "closed_on": OfText("2024-06-14")}
		for k, x := range set {
			v[k] = x
		}
		return Row{Collection: "cases", ID: id(1), Case: id(1), V: v}
	}
	for what, c := range map[string]struct {
		k     Row
		holds []Compartment
		other []Row
		over  bool
		parts []Compartment
	}{
		"five years and more ago":      {k: closed(nil), holds: []Compartment{General, Identity, Location}, over: true},
		"health is kept longer":        {k: closed(nil), holds: []Compartment{General, Health}},
		"what is kept shorter goes":    {k: closed(nil), holds: []Compartment{Evidence, General, Identity, Location, Health}, parts: []Compartment{Identity, Location}},
		"after a year, where they are": {k: closed(map[string]Value{"closed_on": OfText("2029-06-13")}), holds: []Compartment{General, Identity, Location}, parts: []Compartment{Location}},
		"a part, and a deadline":       {k: closed(nil), holds: []Compartment{General, Health, Location}, other: []Row{{Collection: "deadlines", ID: id(2), Case: id(1), V: map[string]Value{"status": OfText("open")}}}},
		"a part, and a date not yet":   {k: closed(map[string]Value{"retention_until": OfText("2031-01-01")}), holds: []Compartment{General, Location}},
		"open":                         {k: closed(map[string]Value{"status": OfText("Active")})},
		"no closing date":              {k: closed(map[string]Value{"closed_on": OfAbsent("unknown")})},
		"a date of its own, passed":    {k: closed(map[string]Value{"retention_until": OfText("2030-06-13")}), holds: []Compartment{Health}, over: true},
		"a date of its own, today":     {k: closed(map[string]Value{"retention_until": OfText("2030-06-15")})},
		"a date of its own, undecided": {k: closed(map[string]Value{"retention_until": OfAbsent("unknown")})},
		"closed too short a time ago":  {k: closed(map[string]Value{"closed_on": OfText("2025-06-16")})},
		"a deadline is open":           {k: closed(nil), other: []Row{{Collection: "deadlines", ID: id(2), Case: id(1), V: map[string]Value{"status": OfText("open")}}}},
		"a deadline was met":           {k: closed(nil), other: []Row{{Collection: "deadlines", ID: id(2), Case: id(1), V: map[string]Value{"status": OfText("met")}}}, over: true},
		"a payment is disputed":        {k: closed(nil), other: []Row{{Collection: "payments", ID: id(2), Case: id(1), V: map[string]Value{"status": OfText("disputed")}}}},
	} {
		w := newMemory()
		w.now = now
		w.put(c.k)
		for _, r := range c.other {
			w.put(r)
		}
		if got, parts := RetentionOver(w, c.k, c.holds); got != c.over || !slices.Equal(parts, c.parts) {
			t.Errorf("%s: over is %v, of parts %v", what, got, parts)
		}
	}
	for collection, states := range retentionHolds {
		e, ok := Find(collection)
		if !ok {
			t.Fatalf("%s is no collection", collection)
		}
		f, _ := e.Field("status")
		codes, _ := FindCodes(f.Codes)
		for _, s := range states {
			if !codes.Has(s) {
				t.Errorf("%s has no state %s", collection, s)
			}
		}
	}
	for _, c := range Compartments {
		if RetentionYears(c) == 0 {
			t.Errorf("%s has no term", c)
		}
	}
}

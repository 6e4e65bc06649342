package care

import (
	"testing"
	"time"
)

// TestR3WhatRestsOnAYes: access rests on the last of the yeses to its use that
// follow each other, and on none where the person was never asked about it.
func TestR3WhatRestsOnAYes(t *testing.T) {
	yes := func(n int, from, until time.Time, more fields) Row {
		f := fields{"purpose": "service_delivery", "recipient_org": orgA, "actions": []string{"use"}, "valid_from": from, "expires_at": until}
		for k, v := range more {
			f[k] = v
		}
		return row("consents", id(n), aConsent(f))
	}
	day := func(n int) time.Time { return noon.AddDate(0, 0, n) }
	for name, c := range map[string]struct {
		rows []Row
		comp Compartment
		end  time.Time
	}{
		"never asked":               {nil, Health, time.Time{}},
		"one yes":                   {[]Row{yes(1, day(-5), day(5), nil)}, Health, day(5)},
		"one that ran out":          {[]Row{yes(1, day(-9), day(-1), nil)}, Health, day(-1)},
		"renewed":                   {[]Row{yes(1, day(-9), day(1), nil), yes(2, day(-1), day(20), nil)}, Health, day(20)},
		"renewed by a shorter one":  {[]Row{yes(1, day(-9), day(9), nil), yes(2, day(-1), day(2), nil)}, Health, day(9)},
		"renewed too late":          {[]Row{yes(1, day(-9), day(1), nil), yes(2, day(3), day(20), nil)}, Health, day(1)},
		"given again after a pause": {[]Row{yes(1, day(-9), day(-5), nil), yes(2, day(-1), day(20), nil)}, Health, day(20)},
		"said to be over":           {[]Row{yes(1, day(-9), day(9), fields{"status": "expired"})}, Health, noon},
		"of another part":           {[]Row{yes(1, day(-9), day(-1), nil)}, Legal, time.Time{}},
		"of another organisation":   {[]Row{yes(1, day(-9), day(-1), fields{"recipient_org": orgB})}, Health, time.Time{}},
		"to share":                  {[]Row{yes(1, day(-9), day(-1), fields{"actions": []string{"share"}})}, Health, time.Time{}},
		"for statistics":            {[]Row{yes(1, day(-9), day(-1), fields{"purpose": "statistics"})}, Health, time.Time{}},
		"to a role":                 {[]Row{yes(1, day(-9), day(3), fields{"recipient_kind": "role", "recipient_org": nil, "recipient_role": "health"})}, Health, day(3)},
		"to another role":           {[]Row{yes(1, day(-9), day(3), fields{"recipient_kind": "role", "recipient_org": nil, "recipient_role": "legal"})}, Health, time.Time{}},
		"to the person by name":     {[]Row{yes(1, day(-9), day(3), fields{"recipient_kind": "person", "recipient_org": nil, "recipient_staff": workerA})}, Health, day(3)},
		"of the general part":       {[]Row{yes(1, day(-9), day(-1), fields{"categories": []string{"contact", "shelter", "family"}})}, General, time.Time{}},
	} {
		staff := row("staff", workerA, fields{"display_name": "x", "roles": []string{string(HealthWorker)}, "status": "active"})
		end, rests := restsUntil(Consents{Rows: c.rows}, staff, c.comp, noon)
		if rests != !c.end.IsZero() || !end.Equal(c.end) {
			t.Errorf("%s: until %v, %v; want %v", name, end, rests, c.end)
		}
	}
}

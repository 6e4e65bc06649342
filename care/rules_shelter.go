package care

import "slices"

// stayFields are the fields that say when and where somebody sleeps.
var stayFields = []string{"bed", "status", "check_in", "check_out", "expected_end", "held_until"}

func stayDates(c *check) {
	in, hasIn := c.after.Get("check_in").Time()
	out, hasOut := c.after.Get("check_out").Time()
	switch {
	case c.enters("checked_in", "checked_out") && !hasIn:
		c.holdState("stay_needs_check_in")
	case c.enters("checked_out") && !hasOut:
		c.holdState("stay_needs_check_out")
	case hasIn && hasOut && out.Before(in) && c.setsAny("check_in", "check_out"):
		c.holdChanged("stay_ends_first", "check_in", "check_out")
	}
}

// stayBed keeps two people out of one bed. Of a new stay only the bed is
// held: that the person is in the house must be known in any case.
func stayBed(c *check) {
	bed := c.after.Text("bed")
	if bed == "" || !c.setsAny(stayFields...) {
		return
	}
	if b, ok := c.w.Row("beds", bed); ok && b.Text("state") == "blocked" && c.takesBed() {
		c.holdStay("bed_blocked")
		return
	}
	own, keeps := stayInterval(c.after, false, c.now)
	if !keeps {
		return // with its expected end counted or not, it claims no night
	}
	for _, s := range c.w.Unended("stays", "bed", bed, "check_out", own.from) {
		if s.ID != c.after.ID && s.Text("bed") == bed && staysMeet(c.after, s, c.now) {
			c.holdStay("bed_taken")
			return
		}
	}
}

// takesBed says whether the stay begins to keep a bed with this change.
func (c *check) takesBed() bool {
	s := c.after.Text("status")
	return (s == "planned" || s == "checked_in") && (c.sets("bed") || c.enters(s))
}

func (c *check) holdStay(reason string) {
	if c.sets("bed") {
		c.hold("bed", reason)
		return
	}
	c.holdChanged(reason, stayFields...)
}

// stayPerson keeps one person out of two beds. Not meant are the stay that
// they move from, those of their household, and a plan beside the stay that
// it will follow: the step into the second bed is judged when it is taken.
func stayPerson(c *check) {
	if !c.setsAny(stayFields...) {
		return
	}
	for _, s := range c.w.OfCase("stays", c.after.Case) {
		if s.ID == c.after.ID || !staysMeet(c.after, s, c.now) || sameMove(c.after, s) {
			continue
		}
		if bed := s.Text("bed"); bed != "" && bed == c.after.Text("bed") {
			continue // said by stayBed
		}
		if (s.Text("status") == "planned") != (c.after.Text("status") == "planned") {
			continue
		}
		c.holdChanged("person_has_stay", stayFields...)
		return
	}
}

func sameMove(s, t Row) bool {
	return s.Text("moved_from") == t.ID || t.Text("moved_from") == s.ID ||
		slices.Contains(s.Get("household_stays").List(), t.ID) || slices.Contains(t.Get("household_stays").List(), s.ID)
}

// bedState keeps what staff say of a bed in step with who sleeps in it.
func bedState(c *check) {
	if !c.enters("available", "held", "blocked", "occupied") || c.a.IsHub() {
		return
	}
	state := c.after.Text("state")
	for _, s := range c.w.Unended("stays", "bed", c.after.ID, "check_out", c.now) {
		if present(s, c.now) {
			if state != "occupied" {
				c.holdState("bed_occupied")
			}
			return
		}
	}
	if state == "occupied" {
		c.holdState("bed_not_occupied")
	}
}

package care

import "slices"

func grantTerm(c *check) {
	until, ok := c.after.Get("until").Time()
	if !ok || !c.sets("until") {
		return
	}
	longest := GrantTermMax
	if c.breaksGlass() {
		longest = BreakGlassTerm
	}
	if until.Sub(c.now) > longest {
		c.holdChanged("grant_too_long", "until")
	}
	if was, had := c.before.Get("until").Time(); had && until.After(was) {
		c.hold("until", "grant_extended") // a longer one is a grant of its own
	}
}

// grantHolder lets a compartment go only to those whose role may hold it, and
// lets nobody give one to themselves.
func grantHolder(c *check) {
	if !c.created {
		return
	}
	staff, ok := c.w.Row("staff", c.after.Text("staff"))
	switch {
	case c.breaksGlass() && c.after.Text("reason") != "emergency":
		c.hold("", "grant_needs_reason")
	case c.a.Staff == c.after.Text("staff") && !c.a.IsHub() && !c.breaksGlass():
		c.hold("", "grant_to_self")
	case !ok || staff.Org != c.after.Org || staff.Text("status") == "left": // of another organisation: by a referral or a hand-over only
		c.hold("", "grant_staff_gone")
	case !MayHold(rolesOf(staff), Compartment(c.after.Text("compartment"))):
		c.hold("", "grant_role")
	}
}

// breaksGlass says whether somebody with the power to give grants takes one
// in an emergency, for themselves or another (R30).
func (c *check) breaksGlass() bool {
	b, _ := c.after.Get("break_glass").Bool()
	return b
}

func rolesOf(staff Row) []Role {
	var l []Role
	for _, r := range staff.Get("roles").List() {
		if slices.Contains(Roles, Role(r)) {
			l = append(l, Role(r))
		}
	}
	return l
}

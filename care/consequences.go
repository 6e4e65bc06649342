package care

// Consequences are the changes that the hub makes itself in the transaction
// of a change: what must follow from it without anybody thinking of it. They
// follow from the record as it stands after the change, held fields left out.
func Consequences(w World, a Actor, before, after Row, changed []string) []Consequence {
	e, ok := Find(after.Collection)
	if !ok {
		return nil
	}
	c := &check{w: w, a: a, e: e, before: before, after: after, changed: changed, created: before.V == nil, now: w.Now()}
	var l []Consequence
	for _, f := range followers[e.Name] {
		l = append(l, f(c)...)
	}
	return l
}

// follower names what follows from one change.
type follower func(*check) []Consequence

var followers = map[string][]follower{
	"cases":    {openingGrants},
	"consents": {withdrawalMoment},
	"stays":    {bedFollows},
}

// amend is a change of an existing record.
func amend(r Row, field string, v Value) Consequence {
	return Consequence{Collection: r.Collection, Key: r.Collection + "/" + r.ID + "/" + field, Record: r.ID,
		Case: r.Case, Org: r.Org, Set: map[string]Value{field: v}}
}

// openingGrants gives whoever opened a case the compartments that their roles
// may hold, so that the work can go on from the first minute.
func openingGrants(c *check) []Consequence {
	if !c.created || c.a.IsHub() {
		return nil
	}
	var l []Consequence
	for _, comp := range Compartments {
		if MayHold(c.a.Roles, comp) {
			l = append(l, grantFor(c, c.a.Staff, comp, "owner"))
		}
	}
	return l
}

func grantFor(c *check, staff string, comp Compartment, reason string) Consequence {
	return Consequence{
		Collection: "grants", Key: "grants/" + c.after.ID + "/" + staff + "/" + string(comp), Case: c.after.ID, Org: c.after.Org,
		Set: map[string]Value{
			"staff": OfText(staff), "compartment": OfText(string(comp)), "status": OfText("active"),
			"until": OfTime(c.now.Add(GrantTerm)), "reason": OfText(reason),
		},
	}
}

func withdrawalMoment(c *check) []Consequence {
	if c.after.Text("status") != "withdrawn" || hasPlain(c.after, "withdrawn_at") {
		return nil
	}
	return []Consequence{amend(c.after, "withdrawn_at", OfTime(c.now))}
}

// bedFollows brings the state of the beds in step with the stays.
func bedFollows(c *check) []Consequence {
	var l []Consequence
	seen := map[string]bool{"": true}
	for _, id := range []string{c.before.Text("bed"), c.after.Text("bed")} {
		if seen[id] {
			continue
		}
		seen[id] = true
		bed, ok := c.w.Row("beds", id)
		if !ok {
			continue
		}
		if state := BedState(c.w, bed); state != bed.Text("state") {
			l = append(l, amend(bed, "state", OfText(state)))
		}
	}
	return l
}

package care

// crossing are the references that may lead from one case of an organisation
// to another: the people of a household, and a child with a case of its own.
var crossing = map[string]bool{"cases": true, "stays.household_stays": true}

// references keeps a record from pointing into somebody else's case, or to
// what belongs to another organisation, its beds for one: what stands there
// must not be reached by a field of this one (R5). Only organisations may be
// others': to whom something is referred or moved. A record that is not there
// yet may come with the next push.
func (c *check) references() {
	for _, f := range c.e.Fields {
		if f.Ref == "" || f.Ref == "organisations" || !c.sets(f.Name) {
			continue
		}
		e, ok := Find(f.Ref)
		if !ok {
			continue
		}
		for _, id := range idsOf(c.after.Get(f.Name)) {
			switch r, ok := c.w.Row(f.Ref, id); {
			case !ok:
			case r.Org != c.after.Org:
				c.hold(f.Name, "reference_other_org")
			case e.Topic == NoTopic && r.Case != c.after.Case && !crossing[f.Ref] && !crossing[c.e.Name+"."+f.Name]:
				c.hold(f.Name, "reference_other_case")
			}
		}
	}
}

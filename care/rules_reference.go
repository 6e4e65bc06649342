package care

// crossing are the references that may lead from one case to another: the
// people of a household, and a child with a case of its own.
var crossing = map[string]bool{"cases": true, "stays.household_stays": true}

// references keeps a record from pointing into somebody else's case: what
// stands there must not be reached by a field of this one (R5).
func (c *check) references() {
	for _, f := range c.e.Fields {
		if f.Ref == "" || crossing[f.Ref] || crossing[c.e.Name+"."+f.Name] || !c.sets(f.Name) {
			continue
		}
		if e, ok := Find(f.Ref); !ok || e.Topic != NoTopic {
			continue
		}
		for _, id := range idsOf(c.after.Get(f.Name)) {
			if r, ok := c.w.Row(f.Ref, id); ok && r.Case != c.after.Case {
				c.hold(f.Name, "reference_other_case")
			}
		}
	}
}

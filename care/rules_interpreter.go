package care

import "slices"

// interpreters keeps an interpreter who was not vetted, or who must not meet
// the person, from every field that names one (R8).
func (c *check) interpreters() {
	for _, f := range c.e.Fields {
		if f.Ref != "interpreters" || !c.sets(f.Name) {
			continue
		}
		for _, id := range idsOf(c.after.Get(f.Name)) {
			c.interpreter(f.Name, id)
		}
	}
}

func idsOf(v Value) []string {
	if s := v.Text(); s != "" {
		return []string{s}
	}
	return v.List()
}

func (c *check) interpreter(field, id string) {
	i, ok := c.w.Row("interpreters", id)
	until, dated := i.Get("vetted_until").Time()
	switch {
	case !ok || i.Text("status") != "vetted" || dated && !c.now.Before(until):
		c.hold(field, "interpreter_not_vetted")
	case slices.Contains(i.Get("excluded_cases").List(), c.after.Case):
		c.hold(field, "interpreter_excluded")
	}
}

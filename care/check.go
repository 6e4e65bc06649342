package care

import (
	"slices"
	"time"
)

// check is one judgement under way: a record before and after a change, and
// what of the change must be held.
type check struct {
	w             World
	a             Actor
	e             *Entity
	before, after Row
	changed       []string
	created       bool
	now           time.Time
	held          []Refusal
}

// rule looks at one change and holds what must not take effect.
type rule func(*check)

// Check judges a record as it would stand after a change. before.V is nil for
// a new record. It answers what must be held, field by field or, with "", the
// whole change. It reads only what the rules of care need: never a consent to
// share, except for sharing itself (R2).
func Check(w World, a Actor, before, after Row, changed []string) []Refusal {
	e, ok := Find(after.Collection)
	if !ok {
		return []Refusal{{Reason: "collection_unknown"}}
	}
	c := &check{w: w, a: a, e: e, before: before, after: after, changed: changed, created: before.V == nil, now: w.Now()}
	c.required()
	c.machine()
	c.references()
	c.interpreters()
	for _, r := range rules[e.Name] {
		r(c)
	}
	c.signatures()
	return c.held
}

// signatures holds a field that names its author with somebody else's name.
// The hub may: it carries over what others signed, and says who did.
func (c *check) signatures() {
	for _, f := range c.e.Fields {
		if !f.Own || c.a.IsHub() || !c.sets(f.Name) {
			continue
		}
		if who := c.after.Text(f.Name); who != "" && who != c.a.Staff {
			c.hold(f.Name, "signature_not_own")
		}
	}
}

// hold keeps one field aside, once per field; a change that is held whole
// needs no more. What is wrong with a field that the change does not set
// cannot be mended by leaving that field out: then the whole change waits.
func (c *check) hold(field, reason string) {
	if !slices.Contains(c.changed, field) {
		field = ""
	}
	whole := func(r Refusal) bool { return r.Field == "" }
	same := func(r Refusal) bool { return r.Field == field }
	switch {
	case slices.ContainsFunc(c.held, whole):
	case field == "":
		c.held = []Refusal{{Reason: reason}}
	case !slices.ContainsFunc(c.held, same):
		c.held = append(c.held, Refusal{Field: field, Reason: reason})
	}
}

// holdChanged holds those of the named fields that the change sets; of a new
// record nothing is left without them, so it is held whole.
func (c *check) holdChanged(reason string, fields ...string) {
	if c.created {
		c.hold("", reason)
		return
	}
	for _, f := range fields {
		if c.sets(f) {
			c.hold(f, reason)
		}
	}
}

func (c *check) sets(field string) bool {
	return c.created && c.after.Get(field).IsSet() || slices.Contains(c.changed, field)
}

func (c *check) setsAny(fields ...string) bool { return slices.ContainsFunc(fields, c.sets) }

// enters says whether the change brings the machine's field into one of the
// states, from another or in a new record.
func (c *check) enters(states ...string) bool {
	if c.e.Machine == nil {
		return false
	}
	s := c.after.Text(c.e.Machine.Field)
	return slices.Contains(states, s) && (c.created || s != c.before.Text(c.e.Machine.Field))
}

// holdState holds the step of the machine; a record may not begin in a state
// whose condition is not met.
func (c *check) holdState(reason string) { c.holdChanged(reason, c.e.Machine.Field) }

// hasPlain says that there is a value, and not only a reason why there is none.
func hasPlain(r Row, field string) bool {
	v := r.Get(field)
	return v.IsSet() && v.Absent() == "" && string(v) != `""` && string(v) != "[]"
}

func (c *check) required() {
	if !c.created {
		return
	}
	for _, f := range c.e.Fields {
		if f.Required && !hasPlain(c.after, f.Name) {
			if c.e.Name == "consents" {
				c.hold("", "consent_incomplete") // R10
			} else {
				c.hold("", "value_required")
			}
			return
		}
	}
}

func (c *check) machine() {
	m := c.e.Machine
	if m == nil || !c.sets(m.Field) {
		return
	}
	from, to := c.before.Text(m.Field), c.after.Text(m.Field)
	switch {
	case c.created && !m.Allows("", to):
		c.hold("", "state_not_first")
	case !c.created && from == "" && !m.Allows("", to):
		c.hold(m.Field, "state_not_first")
	case from != "" && !m.Allows(from, to):
		c.hold(m.Field, "state_step")
	}
}

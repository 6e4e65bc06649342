package fieldsync

import (
	"slices"
	"strings"

	"portolan/care"
)

// Scope is what a device may see or not see as one: a compartment of a case,
// "case:<id>/<compartment>", or a topic of an organisation, "org:<id>/<topic>",
// with "/<compartment>" behind it for fields outside the general one.
type Scope string

// CaseScope is one compartment of one case.
func CaseScope(caseID string, c care.Compartment) Scope {
	return Scope("case:" + caseID + "/" + string(c))
}

// OrgScope is one compartment of one topic of one organisation.
func OrgScope(org string, t care.Topic, c care.Compartment) Scope {
	s := "org:" + org + "/" + string(t)
	if c != care.General && c != "" {
		s += "/" + string(c)
	}
	return Scope(s)
}

// ScopeParts is a scope taken apart: Case or Org is set, never both.
type ScopeParts struct {
	Case        string
	Org         string
	Topic       care.Topic // with Org
	Compartment care.Compartment
}

// Scope puts the parts together again.
func (p ScopeParts) Scope() Scope {
	if p.Case != "" {
		return CaseScope(p.Case, p.Compartment)
	}
	return OrgScope(p.Org, p.Topic, p.Compartment)
}

// ParseScope takes a scope apart and refuses anything that is not exactly as
// CaseScope or OrgScope write it.
func ParseScope(s string) (ScopeParts, error) {
	errScope := bad(CodeScope, "a scope is case:<id>/<compartment> or org:<id>/<topic>[/<compartment>]")
	kind, rest, _ := strings.Cut(s, ":")
	parts := strings.Split(rest, "/")
	if !IsID(parts[0]) {
		return ScopeParts{}, errScope
	}
	switch {
	case kind == "case" && len(parts) == 2:
		c := care.Compartment(parts[1])
		if slices.Contains(care.Compartments, c) {
			return ScopeParts{Case: parts[0], Compartment: c}, nil
		}
	case kind == "org" && (len(parts) == 2 || len(parts) == 3):
		p := ScopeParts{Org: parts[0], Topic: care.Topic(parts[1]), Compartment: care.General}
		if len(parts) == 3 {
			p.Compartment = care.Compartment(parts[2])
			if p.Compartment == care.General || !slices.Contains(care.Compartments, p.Compartment) {
				return ScopeParts{}, errScope
			}
		}
		if slices.Contains(care.Topics, p.Topic) {
			return p, nil
		}
	}
	return ScopeParts{}, errScope
}

// ScopeOf is the scope in which a field of a record syncs.
func ScopeOf(e *care.Entity, f *care.Field, org, caseID string) Scope {
	if e.Topic != care.NoTopic {
		return OrgScope(org, e.Topic, f.Compartment)
	}
	return CaseScope(caseID, f.Compartment)
}

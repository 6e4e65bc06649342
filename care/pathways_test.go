package care

import (
	"slices"
	"testing"
)

// Every state of a pathway can be reached, every matter can come to an end,
// and the machine of the collection allows whatever the pathway allows.
func TestPathways(t *testing.T) {
	for _, p := range Pathways {
		reached := slices.Clone(p.Machine.Initial)
		for i := 0; i < len(reached); i++ {
			for _, next := range p.Machine.Steps[reached[i]] {
				if !anyPathway.Allows(reached[i], next) {
					t.Errorf("%s: the collection forbids %s to %s", p.Name, reached[i], next)
				}
				if !slices.Contains(reached, next) {
					reached = append(reached, next)
				}
			}
		}
		for from := range p.Machine.Steps {
			if !slices.Contains(reached, from) {
				t.Errorf("%s: %s cannot be reached", p.Name, from)
			}
		}
		if !slices.Contains(reached, "closed") {
			t.Errorf("%s never ends", p.Name)
		}
		for _, s := range p.Machine.Initial {
			if !anyPathway.Allows("", s) {
				t.Errorf("%s: the collection forbids to begin with %s", p.Name, s)
			}
		}
	}
}

func TestPathwayFor(t *testing.T) {
	for _, c := range []struct{ kind, country, want string }{
		{"victim_identification", "GB", "gb-nrm/1"},
		{"victim_identification", "RO", "status/1"},
		{"residence_permit", "GB", "status/1"},
		{"t_visa", "US", "us-t/1"},
		{"t_visa", "FR", "proceedings/1"},
		{"asylum", "DE", "asylum/1"},
		{"labour_claim", "", "proceedings/1"},
	} {
		if p := PathwayFor(c.kind, c.country); p.Name != c.want {
			t.Errorf("%s in %s: %s, want %s", c.kind, c.country, p.Name, c.want)
		}
	}
	kinds, _ := FindCodes("legal_matter_kinds")
	for _, k := range kinds.Codes {
		if PathwayFor(k, "") == nil {
			t.Errorf("%s has no pathway", k)
		}
	}
}

package care

import (
	"maps"
	"slices"
)

// Pathway is the states of one kind of legal matter in one country, as they
// were when the matter began. A change of the law is a new version beside the
// old one; a matter that is under way keeps its own.
type Pathway struct {
	Name    string // "<area>/<version>", what legal_matters.pathway holds
	Country string // ISO 3166-1 alpha-2, "" for any
	Kinds   []string
	Source  string
	Machine *Machine
}

// Pathways is every version of every pathway.
var Pathways = []*Pathway{
	{
		Name: "status/1", Kinds: []string{"victim_identification", "residence_permit"},
		Source: "Council of Europe Convention CETS 197, Art. 10, 13, 14 (recovery and reflection of at least 30 days)",
		Machine: pathway([]string{"informed", "reflection_period", "applied", "permit"}, map[string][]string{
			"informed":          {"reflection_period", "applied", "closed"},
			"reflection_period": {"applied", "closed"},
			"applied":           {"granted", "refused", "withdrawn"},
			"refused":           {"appeal", "closed"},
			"appeal":            {"granted", "refused", "withdrawn"},
			"granted":           {"permit"},
			"permit":            {"renewal", "long_term", "expired", "closed"},
			"renewal":           {"permit", "refused", "withdrawn"},
			"expired":           {"renewal", "applied", "closed"},
			"withdrawn":         {"informed", "closed"},
			"long_term":         {"closed"},
		}),
	},
	{
		Name: "gb-nrm/1", Country: "GB", Kinds: []string{"victim_identification"},
		Source: "UK National Referral Mechanism, two decisions (guidance of 2017; its periods have changed since and stand in deadlines, not here)",
		Machine: pathway([]string{"informed", "applied"}, map[string][]string{
			"informed":           {"applied", "closed"},
			"applied":            {"reasonable_grounds", "refused", "withdrawn"},
			"reasonable_grounds": {"reflection_period"},
			"reflection_period":  {"conclusive_grounds", "refused", "withdrawn"},
			"refused":            {"reconsideration", "closed"},
			"reconsideration":    {"reasonable_grounds", "conclusive_grounds", "refused", "closed"},
			"conclusive_grounds": {"permit", "closed"},
			"permit":             {"renewal", "long_term", "expired", "closed"},
			"renewal":            {"permit", "refused", "withdrawn"},
			"expired":            {"renewal", "closed"},
			"withdrawn":          {"informed", "closed"},
			"long_term":          {"closed"},
		}),
	},
	{
		Name: "us-t/1", Country: "US", Kinds: []string{"t_visa", "continued_presence"},
		Source: "8 CFR 214.200 and following (T nonimmigrant status)",
		Machine: pathway([]string{"informed", "applied", "permit"}, map[string][]string{
			"informed":           {"applied", "closed"},
			"applied":            {"bona_fide", "evidence_requested", "granted", "refused", "withdrawn"},
			"evidence_requested": {"bona_fide", "granted", "refused", "withdrawn"},
			"bona_fide":          {"evidence_requested", "granted", "refused", "withdrawn"},
			"refused":            {"appeal", "closed"},
			"appeal":             {"granted", "refused", "withdrawn"},
			"granted":            {"permit"},
			"permit":             {"renewal", "long_term", "expired", "closed"},
			"renewal":            {"permit", "refused", "withdrawn"},
			"expired":            {"closed"},
			"withdrawn":          {"informed", "closed"},
			"long_term":          {"closed"},
		}),
	},
	{
		Name: "asylum/1", Kinds: []string{"asylum"},
		Source: "Directive 2013/32/EU; Convention relating to the Status of Refugees 1951",
		Machine: pathway([]string{"informed", "applied"}, map[string][]string{
			"informed":           {"applied", "closed"},
			"applied":            {"evidence_requested", "granted", "refused", "withdrawn"},
			"evidence_requested": {"granted", "refused", "withdrawn"},
			"refused":            {"appeal", "closed"},
			"appeal":             {"granted", "refused", "withdrawn"},
			"granted":            {"permit", "closed"},
			"permit":             {"renewal", "long_term", "expired", "closed"},
			"renewal":            {"permit", "refused", "withdrawn"},
			"expired":            {"renewal", "closed"},
			"withdrawn":          {"informed", "closed"},
			"long_term":          {"closed"},
		}),
	},
	{
		Name: "proceedings/1",
		Kinds: []string{"family", "civil_claim", "labour_claim", "criminal_witness", "criminal_defence_non_punishment",
			"document_recovery", "compensation_fund", "other"},
		Source: "local: proceedings before a court, a fund or an authority",
		Machine: pathway([]string{"informed", "prepared", "filed", "under_way"}, map[string][]string{
			"informed":  {"prepared", "filed", "under_way", "closed"},
			"prepared":  {"filed", "under_way", "withdrawn", "closed"},
			"filed":     {"under_way", "granted", "refused", "settled", "withdrawn"},
			"under_way": {"granted", "refused", "settled", "withdrawn"},
			"refused":   {"appeal", "closed"},
			"appeal":    {"granted", "refused", "settled", "withdrawn"},
			"granted":   {"appeal", "closed"},
			"settled":   {"closed"},
			"withdrawn": {"informed", "closed"},
		}),
	},
}

// FindPathway looks a pathway up by name.
func FindPathway(name string) (*Pathway, bool) {
	i := slices.IndexFunc(Pathways, func(p *Pathway) bool { return p.Name == name })
	if i < 0 {
		return nil, false
	}
	return Pathways[i], true
}

// PathwayFor proposes the newest pathway for a kind of matter in a country:
// the country's own where there is one, else the general one.
func PathwayFor(kind, country string) *Pathway {
	var found *Pathway
	for _, p := range Pathways {
		if !slices.Contains(p.Kinds, kind) || p.Country != "" && p.Country != country {
			continue
		}
		if found == nil || found.Country == "" || p.Country != "" {
			found = p
		}
	}
	if found == nil {
		found, _ = FindPathway("proceedings/1")
	}
	return found
}

func pathway(initial []string, steps map[string][]string) *Machine {
	return &Machine{Field: "status", Initial: initial, Steps: steps}
}

func pathwayNames() []string {
	var l []string
	for _, p := range Pathways {
		l = append(l, p.Name)
	}
	return l
}

func pathwayStates() []string {
	set := map[string]bool{}
	for _, p := range Pathways {
		for from, next := range p.Machine.Steps {
			set[from] = true
			for _, to := range next {
				set[to] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// anyPathway allows what some pathway allows.
var anyPathway = func() *Machine {
	m := &Machine{Field: "status", Steps: map[string][]string{}}
	for _, p := range Pathways {
		m.Initial = append(m.Initial, p.Machine.Initial...)
		for from, next := range p.Machine.Steps {
			m.Steps[from] = append(m.Steps[from], next...)
		}
	}
	m.Initial = slices.Compact(slices.Sorted(slices.Values(m.Initial)))
	for from, next := range m.Steps {
		m.Steps[from] = slices.Compact(slices.Sorted(slices.Values(next)))
	}
	return m
}()

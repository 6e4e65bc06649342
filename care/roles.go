package care

import (
	"slices"
	"time"
)

// compartmentRows is the one table of consent category → compartment → role:
// what a consent names, which part of a case that is, and who may be granted
// it. No other list of either exists. Listing a role allows a grant; it is
// none (R5). The auditor and the operator stand in no row: they never see
// contents.
var compartmentRows = []struct {
	compartment Compartment
	categories  []Category
	roles       []Role
}{
	{General, []Category{CatTraffickingHistory, CatFamily, CatShelter},
		[]Role{Outreach, Coordinator, HealthWorker, LegalWorker, ReintegrationRole, ProtectionOfficer}},
	{Identity, []Category{CatIdentity, CatContact}, []Role{Outreach, Coordinator, ProtectionOfficer}},
	{Location, []Category{CatLocation}, []Role{Outreach, Coordinator, ProtectionOfficer}},
	{Health, []Category{CatHealth, CatMentalHealth, CatSexualReproductive, CatHIV},
		[]Role{Outreach, HealthWorker, ProtectionOfficer}}, // outreach workers do the screenings and carry the medicine list
	{Legal, []Category{CatLegal}, []Role{LegalWorker, ProtectionOfficer}},
	{Finance, []Category{CatFinancial}, []Role{Coordinator, ReintegrationRole, ProtectionOfficer}},
	{Evidence, []Category{CatEvidence}, []Role{LegalWorker, ProtectionOfficer}},
}

// powerRows is which role has which powers.
var powerRows = map[Role][]Power{
	Coordinator:       {MayGrant, MayEnrol, MayApprove, MayExport, MayBeds, MayPeople},
	ProtectionOfficer: {MayGrant, MayEnrol, MayApprove, MayExport, MayErase},
	Auditor:           {MayAudit},
	Operator:          {MayOperate, MayPeople},
}

var caseRoles = compartmentRows[0].roles

// topicRows is what belongs to an organisation: who reads a topic, and the
// powers of which one is needed to write to it. Facilities are read by those
// who work with beds and stays; where they are (compartment Location), only by
// those who run them (R23).
var topicRows = []struct {
	topic  Topic
	read   []Role
	locate []Role // who may read and write its Location compartment
	write  []Power
}{
	{People, Roles, []Role{}, []Power{MayPeople, MayEnrol}},
	{Directory, Roles, caseRoles, []Power{MayPeople}},
	{Facilities, caseRoles, []Role{Coordinator, ProtectionOfficer}, []Power{MayBeds}},
	{CodeLists, Roles, []Role{}, []Power{MayPeople}},
}

// Terms of grants.
const (
	GrantTerm    = 180 * 24 * time.Hour // what the hub's own rules give
	GrantTermMax = 366 * 24 * time.Hour // what anybody may give

	BreakGlassTerm   = 3 * time.Hour  // what an emergency opens (R30)
	BreakGlassReview = 72 * time.Hour // by when somebody else has looked at it
)

// Can says whether the actor has a power. The hub has those its rules need.
func (a Actor) Can(p Power) bool {
	if a.IsHub() {
		return true
	}
	if a.Unproved {
		return false
	}
	return slices.ContainsFunc(a.Roles, func(r Role) bool { return slices.Contains(powerRows[r], p) })
}

// IsHub says whether the actor is the hub itself, acting by its own rules.
func (a Actor) IsHub() bool { return a.Staff == HubStaff }

func (a Actor) hasAny(roles []Role) bool {
	return slices.ContainsFunc(a.Roles, func(r Role) bool { return slices.Contains(roles, r) })
}

// NeedsSecondFactor says whether somebody with these roles signs in with a
// second factor: whoever has any power. Those who may approve, enrol, export
// or erase have; and so does whoever could give these powers to themselves or
// reads who saw what.
func NeedsSecondFactor(roles []Role) bool {
	return slices.ContainsFunc(roles, func(r Role) bool { return len(powerRows[r]) > 0 })
}

// PowersOf lists the powers of a role.
func PowersOf(r Role) []Power { return slices.Clone(powerRows[r]) }

// CompartmentsOf lists the compartments that a role may be granted, in the
// order of Compartments.
func CompartmentsOf(r Role) []Compartment {
	var l []Compartment
	for _, row := range compartmentRows {
		if slices.Contains(row.roles, r) {
			l = append(l, row.compartment)
		}
	}
	return l
}

// MayHold says whether any of the roles may be granted the compartment.
func MayHold(roles []Role, c Compartment) bool {
	for _, row := range compartmentRows {
		if row.compartment == c {
			return slices.ContainsFunc(roles, func(r Role) bool { return slices.Contains(row.roles, r) })
		}
	}
	return false
}

// CategoryCompartment gives the compartment where the data of a category of
// consent are kept, "" for a category that is none.
func CategoryCompartment(cat Category) Compartment {
	for _, row := range compartmentRows {
		if slices.Contains(row.categories, cat) {
			return row.compartment
		}
	}
	return ""
}

// CategoriesOf lists the categories of consent whose data a compartment holds.
func CategoriesOf(c Compartment) []Category {
	for _, row := range compartmentRows {
		if row.compartment == c {
			return slices.Clone(row.categories)
		}
	}
	return nil
}

// TopicsOf lists the topics of its organisation that a role reads.
func TopicsOf(r Role) []Topic {
	var l []Topic
	for _, row := range topicRows {
		if slices.Contains(row.read, r) {
			l = append(l, row.topic)
		}
	}
	return l
}

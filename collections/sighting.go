package collections

import (
	"context"
	"slices"
	"strings"
	"time"

	"portolan/audit"
	"portolan/care"
)

// ActWhoSaw is how the audit log names that somebody asked who has seen what
// is known of a person: themselves, through whoever works with them.
const ActWhoSaw = "who_saw"

// Sighting is that one person, on one day, in one way, saw parts of a case.
// Its words are keys of the catalogue: a survivor reads it in their language.
type Sighting struct {
	Day   string   `json:"day"`             // in the time zone of the organisation
	Staff string   `json:"staff,omitempty"` // for whoever is on the case; not for an auditor
	Who   []string `json:"who"`             // keys of their roles
	How   string   `json:"how"`             // key: seen.how.…
	What  []string `json:"what"`            // keys of the parts of the case
	Why   []string `json:"why"`             // keys: seen.why.…
	Times int      `json:"times"`
}

// seenHow gives the ways in which data is seen their key. Other acts disclose
// nothing of a case.
var seenHow = map[string]string{
	ActRead: "read", ActList: "read", ActSearch: "read", ActFile: "read", ActUpload: "wrote", ActSync: "carried", ActPrint: "printed", ActHandOut: "handed_out", ActExport: "exported", ActChange: "wrote",
	ActBreakGlass: "opened",
}

// seenWhy gives the reasons of decisions words that a survivor understands.
var seenWhy = map[care.Reason]string{
	care.SeeGrant: "works_with_you", care.SeeGranting: "gives_access", care.SeeEmergency: "emergency",
	care.ShareConsented: "you_agreed", care.SeeHub: "prepared",
}

// WhoSaw tells who has seen what is known of a person: for each day and person
// what kinds of data, how and why. Whoever is on the general part of the case
// may ask, with the survivor beside them; an auditor may too, and is not told
// which colleague it was. That it was asked is in the log before it returns.
func (h *Hub) WhoSaw(ctx context.Context, a care.Actor, caseID string) ([]Sighting, error) {
	target := care.Target{Collection: "cases", Org: a.Org, Case: caseID, Compartment: care.General}
	d := care.MaySee(a, care.Read, target, h.now())
	auditing := !d.Allowed && a.Can(care.MayAudit)
	if auditing {
		d = care.Decision{Allowed: true, Reason: "power_audit"}
	}
	rec, err := scanRecord(h.tables["cases"], reader{ctx, h.readDB()}.row(h.tables["cases"].read, caseID))
	if err != nil {
		return nil, err
	}
	if rec == nil || rec.org != a.Org && !a.IsHub() {
		d = care.Decision{Reason: care.NoGrant} // another's, or none: alike
	}
	asked := event{act: ActWhoSaw, target: target, decision: d, count: 1}
	if !d.Allowed {
		asked.count = 0
	}
	if err := h.audit(ctx, a, asked); err != nil {
		return nil, err
	}
	if !d.Allowed {
		return nil, care.ErrNotFound
	}
	zone, err := h.zoneOf(ctx, rec.org)
	if err != nil {
		return nil, err
	}
	s := sightings{zone: zone, caseID: caseID, nameless: auditing, at: map[sightingKey]int{}}
	err = h.eachLeaf(ctx, caseID, 0, func(row leafRow) (bool, error) {
		e, _, err := h.openLeaf(ctx, row)
		if err == nil && e != nil {
			s.add(*e)
		}
		return true, err
	})
	return s.sorted(), err
}

// zoneOf is the time zone of an organisation, UTC where it is not known.
func (h *Hub) zoneOf(ctx context.Context, org string) (zone *time.Location, err error) {
	defer caught(&err)
	row, _ := h.world(ctx).Row("organisations", org)
	zone, err = time.LoadLocation(row.Text("time_zone"))
	if err != nil {
		return time.UTC, nil
	}
	return zone, nil
}

type sightings struct {
	zone     *time.Location
	caseID   string
	nameless bool
	list     []Sighting
	at       map[sightingKey]int
}

type sightingKey struct{ day, staff, who, how string }

// add counts an event, where it disclosed something of the case to a person.
func (s *sightings) add(e audit.Event) {
	how, ok := seenHow[e.Act]
	if !ok || !e.Allowed || e.Staff == care.HubStaff && e.Act != ActPrint {
		return
	}
	at, err := time.Parse(care.TimeFormat, e.At)
	if err != nil {
		return
	}
	who := make([]string, 0, len(e.Roles))
	for _, r := range e.Roles {
		who = append(who, "code.roles."+r)
	}
	if e.Staff == care.HubStaff {
		who = []string{"seen.who.hub"}
	}
	k := sightingKey{at.In(s.zone).Format(time.DateOnly), e.Staff, strings.Join(who, " "), how}
	i, ok := s.at[k]
	if !ok {
		i, s.at[k] = len(s.list), len(s.list)
		s.list = append(s.list, Sighting{Day: k.day, Staff: e.Staff, Who: who, How: "seen.how." + how, What: []string{}, Why: []string{}})
		if s.nameless {
			s.list[i].Staff = ""
		}
	}
	one, counted := &s.list[i], false
	for _, o := range e.On {
		if o.Case != s.caseID {
			continue
		}
		if o.Reason == string(care.SeeEmergency) && o.Collection == "grants" && e.Act == ActChange {
			continue // the grant that opening it is: nothing was written about them
		}
		why, ok := seenWhy[care.Reason(o.Reason)]
		if !ok {
			why = "works_with_you"
		}
		one.What = addKey(one.What, o.Compartment != "", "code.compartments."+o.Compartment)
		one.Why = addKey(one.Why, true, "seen.why."+why)
		counted = true
	}
	if counted {
		one.Times++
	}
}

func addKey(l []string, wanted bool, key string) []string {
	if !wanted || slices.Contains(l, key) {
		return l
	}
	return append(l, key)
}

// sorted is the list with the last day first.
func (s *sightings) sorted() []Sighting {
	for i := range s.list {
		slices.Sort(s.list[i].What)
		slices.Sort(s.list[i].Why)
	}
	slices.SortStableFunc(s.list, func(a, b Sighting) int { return strings.Compare(b.Day, a.Day) })
	return slices.DeleteFunc(s.list, func(one Sighting) bool { return one.Times == 0 })
}

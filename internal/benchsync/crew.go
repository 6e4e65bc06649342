package main

import (
	"fmt"
	"time"

	"portolan/care"
	"portolan/collections"
)

// A crew is the people and cases of the workloads of scale: teams that share
// their cases.
type crew struct {
	Staff int           `json:"staff"` // accounts, crewLogin(0) on
	Team  int           `json:"team"`  // how many of them share a team's cases
	Cases int           `json:"cases"` // of each team
	Rows  int           `json:"rows"`  // records that each case has at the beginning
	First int           `json:"first"` // number of the first of these records
	Term  time.Duration `json:"term"`  // of the grants
	Tasks int           `json:"tasks"` // of today, the k-th in the k-th case of the first team, for the first of its people
}

// crewCaseFirst is the number of a crew's first case: those before are the
// peers' scopes.
const crewCaseFirst = 1000

func crewLogin(i int) string { return fmt.Sprintf("crew%d", i) }

func (w crew) caseOf(team, k int) string { return caseID(crewCaseFirst + team*w.Cases + k) }

// grantOf is the id of one person's grant on one of their team's cases.
func (w crew) grantOf(staff, k int) string {
	return fmt.Sprintf("01990004-0000-7000-8000-%012x", staff*w.Cases+k)
}

// recordIn is the number of a record that a case has at the beginning.
func (w crew) recordIn(team, k, row int) int { return w.First + (team*w.Cases+k)*w.Rows + row }

func (w crew) taskOf(k int) string { return fmt.Sprintf("01990005-0000-7000-8000-%012x", k) }

func (c *child) crew(w crew) error {
	text := care.OfText
	if err := c.organisation(); err != nil {
		return err
	}
	var drafts []collections.Draft
	for i := range w.Staff {
		team := i / w.Team
		staff, err := c.hub.AddAccount(c.ctx, c.hub.HubActor(), collections.NewAccount{
			Login: crewLogin(i), Password: password, DisplayName: "Invented " + crewLogin(i), Roles: []care.Role{care.Outreach}, Org: orgID})
		if err != nil {
			return err
		}
		for k := range w.Cases {
			id := w.caseOf(team, k)
			if i%w.Team == 0 {
				drafts = append(drafts, collections.Draft{Collection: "cases", Record: id, Case: id, Org: orgID, Set: map[string]care.Value{
					"status": text("Active"), "opened_on": text(time.Now().UTC().Format(time.DateOnly))}})
			}
			if i == 0 && k < w.Tasks {
				drafts = append(drafts, collections.Draft{Collection: "tasks", Record: w.taskOf(k), Case: id, Set: map[string]care.Value{
					"title_key": text("call"), "status": text("open"), "assignee": text(staff), "due_at": care.OfTime(time.Now())}})
			}
			drafts = append(drafts, collections.Draft{Collection: "grants", Record: w.grantOf(i, k), Case: id, Set: map[string]care.Value{
				"staff": text(staff), "compartment": text(string(care.General)), "status": text("active"), "until": care.OfTime(time.Now().Add(w.Term))}})
		}
	}
	if err := c.do(drafts); err != nil {
		return err
	}
	for team := range (w.Staff + w.Team - 1) / w.Team { // by the team: all of them would be most of the hub's memory
		drafts = nil
		for k := range w.Cases {
			for row := range w.Rows {
				i := w.recordIn(team, k, row)
				set, needs := peerRecordOf(i, firstVersion).ours()
				drafts = append(drafts, collections.Draft{Collection: collection, Record: recordID(i), Case: w.caseOf(team, k), Set: set, Add: map[string][]string{"needs": needs}})
			}
		}
		if err := c.do(drafts); err != nil {
			return err
		}
	}
	return nil
}

// stir changes one record, or, without one, something that concerns everybody.
func (c *child) stir(record string, version int) error {
	d := collections.Draft{Collection: "services", Record: serviceID(0), Set: map[string]care.Value{"name": care.OfText(versionText(version))}}
	if record != "" {
		d = collections.Draft{Collection: collection, Record: record, Set: map[string]care.Value{versionField: care.OfText(versionText(version))}}
	}
	return c.do([]collections.Draft{d})
}

// grant ends a grant, or gives it another date.
func (c *child) grant(id string, until time.Time) error {
	set := map[string]care.Value{"status": care.OfText("ended")}
	if !until.IsZero() {
		set = map[string]care.Value{"until": care.OfTime(until)}
	}
	return c.do([]collections.Draft{{Collection: "grants", Record: id, Set: set}})
}

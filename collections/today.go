package collections

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"portolan/care"
	fieldsync "portolan/sync"
)

// Of what a device gains, today's work comes first: before all else, what the
// list of today shows, record by record; then the scopes in which colleagues,
// places and codes are named, those of the cases that are on that list, and the
// rest.

// rank is how soon a scope is sent; of the same rank they come in the order in
// which they were granted.
type rank uint64

const (
	rankNames rank = iota // colleagues, places and codes
	rankToday             // cases with something to do today
	rankRest
)

// namingTopics are those of rankNames.
var namingTopics = []care.Topic{care.People, care.Facilities, care.CodeLists}

const (
	// todayAhead is until when from now something belongs to today, in
	// whatever time zone its worker is.
	todayAhead = 24 * time.Hour
	// todayReadMax bounds how many records of a collection are looked at, the
	// newest first.
	todayReadMax = 2000
	// todayCasesMin is of how many cases at least scopes are gained where the
	// order matters.
	todayCasesMin = 2
)

// today is the work of today of the actor, as far as they may see it.
type today struct {
	cases map[string][]string // case → records due in it
	in    map[string]string   // record → collection
	mark  uint64              // by what these cases are known again; zero where there are none
}

// todays finds what is due in the cases of which the actor sees something.
func (p *pull) todays() (today, error) {
	t := today{cases: map[string][]string{}, in: map[string]string{}}
	until := p.h.now().Add(todayAhead)
	for _, collection := range care.DueCollections() {
		c := care.DueCompartment(collection)
		var cases []string
		for scope := range p.open {
			if parts, err := fieldsync.ParseScope(string(scope)); err == nil && parts.Case != "" && parts.Compartment == c {
				cases = append(cases, parts.Case)
			}
		}
		if err := p.dueIn(collection, c, cases, until, &t); err != nil {
			return t, err
		}
	}
	sum := sha256.New()
	for _, id := range slices.Sorted(maps.Keys(t.cases)) {
		sum.Write([]byte(id))
	}
	if len(t.cases) > 0 {
		t.mark = binary.BigEndian.Uint64(sum.Sum(nil)) | 1
	}
	return t, nil
}

// dueIn adds what is due in a collection.
func (p *pull) dueIn(collection string, c care.Compartment, cases []string, until time.Time, t *today) error {
	list, err := json.Marshal(cases)
	if err != nil {
		return wrap("reading what is due", err)
	}
	query := `SELECT id FROM ` + quote(collection) + ` WHERE case_id IN (SELECT value FROM json_each(?))`
	if f, ok := p.h.tables[collection].entity.Field("due_at"); ok && f.Routing {
		query += ` AND status = 'open'` // tasks, of which most are done
	}
	rows, err := p.r.rows(query+` ORDER BY id DESC LIMIT ?`, string(list), todayReadMax)
	if err != nil {
		return wrap("reading what is due", err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return wrap("reading what is due", err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return wrap("reading what is due", err)
	}
	return p.h.eachRecord(p.r, map[string][]string{collection: ids}, c, func(rec *record) error {
		row, err := rec.row(func(in care.Compartment) bool { return in == c })
		if err == nil && care.DueBefore(row, p.actor.Staff, until) {
			t.cases[rec.caseID] = append(t.cases[rec.caseID], rec.id)
			t.in[rec.id] = collection
		}
		return err
	})
}

// rankOf is how soon a scope is sent.
func (t today) rankOf(s fieldsync.ScopeParts) rank {
	switch {
	case s.Case == "" && slices.Contains(namingTopics, s.Topic):
		return rankNames
	case s.Case != "" && t.cases[s.Case] != nil:
		return rankToday
	}
	return rankRest
}

// sendToday sends what today's list shows, as far as the device has not come
// behind it: of each case what is due, the case and its people. It is sent once
// more with its scope, so that nothing depends on it.
func (p *pull) sendToday(at cursor) error {
	if at.rank != rankNames || at.access != 0 {
		return nil
	}
	gained := map[string][]fieldsync.Scope{} // by case
	for _, e := range p.entering {
		if parts, err := fieldsync.ParseScope(string(e.scope)); err == nil && parts.Case != "" {
			gained[parts.Case] = append(gained[parts.Case], e.scope)
		}
	}
	var units []*unit
	for _, caseID := range slices.Sorted(maps.Keys(p.today.cases)) {
		records := map[string]string{caseID: "cases"}
		for _, id := range p.today.cases[caseID] {
			records[id] = p.today.in[id]
		}
		if err := p.peopleOf(caseID, records); err != nil {
			return err
		}
		for _, id := range slices.Sorted(maps.Keys(records)) {
			// The key is longer than an id, and sorts as the records come.
			if at.record = caseID + "/" + id; at.record <= p.at.record || len(gained[caseID]) == 0 {
				continue
			}
			w := &wantedRow{collection: records[id], record: id, scopes: gained[caseID], fields: map[fieldsync.Scope][]string{}}
			units = append(units, &unit{rows: []*wantedRow{w}, then: at})
		}
	}
	if len(units) == 0 {
		return nil
	}
	at.record = wholeScope
	units[len(units)-1].then = at
	if err := p.disclose(units); err != nil {
		return err
	}
	return p.markFrom(1)
}

// peopleOf adds the survivors of a case.
func (p *pull) peopleOf(caseID string, to map[string]string) error {
	rows, err := p.r.rows(`SELECT id FROM survivors WHERE case_id = ?`, caseID)
	if err != nil {
		return wrap("reading the people of a case", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return wrap("reading the people of a case", err)
		}
		to[id] = "survivors"
	}
	return wrap("reading the people of a case", rows.Err())
}

package collections

import (
	"context"

	"portolan/care"
)

// Worklist is what waits for a person, the oldest first.
type Worklist struct {
	Conflicts []WorkItem `json:"conflicts"` // fields with more than one value
	Held      []WorkItem `json:"held"`      // changes, or fields of them, that were kept aside
	More      bool       `json:"more"`      // there are others, over WorklistMax
}

// WorkItem names where to look and holds no value.
type WorkItem struct {
	Collection  string           `json:"collection"`
	Record      string           `json:"record"`
	Case        string           `json:"case,omitempty"`
	Field       string           `json:"field,omitempty"` // "" for a whole change
	Reason      string           `json:"reason,omitempty"`
	Compartment care.Compartment `json:"compartment"`
	Seq         uint64           `json:"seq"`              // the change since which it is so
	Author      string           `json:"author,omitempty"` // of a held change
}

// WorklistMax is the most conflicts, and the most held changes, that one
// Worklist returns: many of the one do not hide the other.
const WorklistMax = 1000

// Worklist returns what waits for a decision and the actor may see. The
// disclosure is in the audit log before it returns.
func (h *Hub) Worklist(ctx context.Context, a care.Actor) (Worklist, error) {
	list := Worklist{Conflicts: []WorkItem{}, Held: []WorkItem{}}
	rows, err := h.readDB().QueryContext(ctx, `SELECT * FROM (
		SELECT 0 AS held, collection, record, org, case_id, field, '', compartment, since_seq AS seq, '' AS author, 1 AS placed FROM conflicts
		UNION ALL
		SELECT 1, collection, record, org, case_id, field, reason, compartment, seq, author,
			EXISTS (SELECT 1 FROM cases WHERE cases.id = held_changes.case_id) FROM held_changes WHERE decided_at = '')
		ORDER BY seq, field`)
	if err != nil {
		return list, wrap("reading the worklist", err)
	}
	defer rows.Close()
	var events []event
	load := caseloadOf(a)
	for rows.Next() {
		var w WorkItem
		var held, placed bool
		var org string
		if err := rows.Scan(&held, &w.Collection, &w.Record, &org, &w.Case, &w.Field, &w.Reason, &w.Compartment, &w.Seq, &w.Author, &placed); err != nil {
			return list, wrap("reading the worklist", err)
		}
		t := care.Target{Collection: w.Collection, Org: org, Case: w.Case, Compartment: w.Compartment}
		if e, ok := care.Find(w.Collection); ok {
			t.Topic = e.Topic
		}
		if t.Compartment == "" {
			t.Compartment = care.General // a whole change: whoever is on the case hears that it waits
		}
		d := care.MaySee(load.on(t.Case), care.Read, t, h.now())
		if !d.Allowed && held {
			d = mayHear(a, t, w.Author, placed)
		}
		if !d.Allowed {
			continue
		}
		if d.Reason == care.SeeOwn && held {
			w.Case = "" // where a record belongs that they may not see is not theirs to hear
		}
		of := &list.Conflicts
		if held {
			of = &list.Held
		}
		if len(*of) == WorklistMax {
			list.More = true
			continue
		}
		*of = append(*of, w)
		events = mergeEvents(events, []event{{act: ActList, target: t, decision: d, count: 1, records: []string{w.Record}}})
	}
	if err := rows.Err(); err != nil {
		return list, wrap("reading the worklist", err)
	}
	rows.Close() // the audit log is written next
	return list, h.audit(ctx, a, events...)
}

// mayHear decides who hears that a change waits, beside those who see where it
// belongs: its author, and, where it belongs to nothing that this hub knows,
// whoever may give grants in the author's organisation. A change that nobody
// hears of would be as good as lost; what it says is in the log, not here.
func mayHear(a care.Actor, t care.Target, author string, placed bool) care.Decision {
	switch {
	case author == a.Staff:
		return care.Decision{Allowed: true, Reason: care.SeeOwn}
	case t.Topic == care.NoTopic && !placed && t.Org == a.Org && a.Can(care.MayGrant):
		return care.Decision{Allowed: true, Reason: care.SeeGranting}
	}
	return care.Decision{Reason: care.NoGrant}
}

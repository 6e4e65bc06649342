package collections

import (
	"context"

	"portolan/care"
)

// HeldChange is one field, or one whole change, that waits for a person.
type HeldChange struct {
	Seq        uint64 `json:"seq"`
	Collection string `json:"collection"`
	Record     string `json:"record"`
	Case       string `json:"case"`
	Field      string `json:"field,omitempty"`
	Reason     string `json:"reason"`
	Author     string `json:"author"`
	ArrivedAt  string `json:"arrived_at"`
}

// OpenConflict is one field that has more than one value.
type OpenConflict struct {
	Collection string `json:"collection"`
	Record     string `json:"record"`
	Case       string `json:"case"`
	Field      string `json:"field"`
	Since      uint64 `json:"since"` // the hub's number of the change that made it one
}

// Worklist is what waits for a person, as far as the actor may see it.
type Worklist struct {
	Conflicts []OpenConflict `json:"conflicts"`
	Held      []HeldChange   `json:"held"`
}

// worklistMax bounds each of the two lists.
const worklistMax = 1000

// Worklist lists the conflicts and held changes of the cases and compartments
// that the actor may see, the oldest first, without any value. A change that
// belongs nowhere (a case that is not there) is shown to those who may approve,
// in the organisation of its author.
func (h *Hub) Worklist(ctx context.Context, a care.Actor) (Worklist, error) {
	list := Worklist{Conflicts: []OpenConflict{}, Held: []HeldChange{}}
	r := reader{ctx, h.readDB()}
	rows, err := r.rows(`SELECT collection, record, org, case_id, compartment, field, since_seq FROM conflicts ORDER BY since_seq`)
	if err != nil {
		return list, wrap("reading conflicts", err)
	}
	defer rows.Close()
	for rows.Next() && len(list.Conflicts) < worklistMax {
		var c OpenConflict
		var org, compartment string
		if err := rows.Scan(&c.Collection, &c.Record, &org, &c.Case, &compartment, &c.Field, &c.Since); err != nil {
			return list, wrap("reading conflicts", err)
		}
		if h.onWorklist(a, c.Collection, org, c.Case, care.Compartment(compartment)) {
			list.Conflicts = append(list.Conflicts, c)
		}
	}
	if err := rows.Err(); err != nil {
		return list, wrap("reading conflicts", err)
	}
	if list.Held, err = h.heldFor(r, a); err != nil {
		return list, err
	}
	target := care.Target{Org: a.Org}
	return list, h.audit(ctx, a, event{act: ActList, target: target, decision: care.Decision{Allowed: true, Reason: "worklist"}, count: len(list.Conflicts) + len(list.Held)})
}

func (h *Hub) heldFor(r reader, a care.Actor) ([]HeldChange, error) {
	rows, err := r.rows(`SELECT seq, collection, record, org, case_id, compartment, field, reason, author, arrived_at
		FROM held_changes WHERE decided_at = '' ORDER BY id`)
	if err != nil {
		return nil, wrap("reading held changes", err)
	}
	defer rows.Close()
	held := []HeldChange{}
	for rows.Next() && len(held) < worklistMax {
		var c HeldChange
		var org, compartment string
		if err := rows.Scan(&c.Seq, &c.Collection, &c.Record, &org, &c.Case, &compartment, &c.Field, &c.Reason, &c.Author, &c.ArrivedAt); err != nil {
			return nil, wrap("reading held changes", err)
		}
		if c.Author == a.Staff || h.onWorklist(a, c.Collection, org, c.Case, care.Compartment(compartment)) {
			held = append(held, c)
		}
	}
	return held, wrap("reading held changes", rows.Err())
}

func (h *Hub) onWorklist(a care.Actor, collection, org, caseID string, c care.Compartment) bool {
	e, ok := care.Find(collection)
	if !ok || (caseID == "" && e.Topic == care.NoTopic) {
		return a.Can(care.MayApprove) && (a.IsHub() || a.Org == org)
	}
	return care.MaySee(a, care.Read, care.Target{Collection: collection, Org: org, Case: caseID, Topic: e.Topic, Compartment: c}, h.now()).Allowed
}

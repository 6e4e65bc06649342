package collections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"

	"portolan/audit"
	"portolan/care"
)

// leaves is where the audit log is written: what a transaction noted becomes
// leaves at its end. Only whoever holds the writer's turn uses it.
type leaves struct {
	h    *Hub
	tree *audit.Tree // as it was last committed, nil until it is read
}

// chainEnd is how far the chain of a replica has come with a transaction.
type chainEnd = audit.Chain

// casesApart is up to how many cases one act is noted case by case, each
// sealed under that case's own key. A list over more is one event, under the
// organisation's.
const casesApart = 8

// eventBytesSoft is the size from which an event is continued in another one;
// what one more thing adds stays under the hard limit.
const eventBytesSoft = audit.EventBytesMax / 2

// keep writes what a transaction noted, behind a tree that may be committed
// with it, nil where it is not known, and returns the tree as it is if the
// transaction is committed.
func (l *leaves) keep(t *tx, before *audit.Tree) (*audit.Tree, error) {
	if len(t.noted) == 0 {
		return before, nil
	}
	if before == nil {
		var err error
		if before, err = loadTree(t); err != nil {
			return nil, err
		}
	}
	tree := before.Clone()
	for _, n := range t.noted {
		if err := withOrg(t, &n); err != nil {
			return nil, err
		}
		for _, e := range eventsOf(n) {
			if err := l.write(t, tree, e); err != nil {
				return nil, err
			}
		}
	}
	return tree, nil
}

// withOrg looks up whose auditor an event belongs to where whoever noted it
// knew the person alone.
func withOrg(t *tx, n *noted) error {
	if n.actor.Org != "" || n.actor.Staff == "" || n.actor.IsHub() {
		return nil
	}
	err := t.row(`SELECT org FROM staff WHERE id = ?`, n.actor.Staff).Scan(&n.actor.Org)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return wrap("writing the audit log", err)
}

// grown notes that a tree was committed.
func (l *leaves) grown(tree *audit.Tree) { l.tree = tree }

// forget has the tree read again: it is not known what stands in the store.
func (l *leaves) forget() { l.tree = nil }

// write adds one event as a leaf.
func (l *leaves) write(t *tx, tree *audit.Tree, e audit.Event) error {
	text, err := e.Encode()
	if err != nil {
		return err
	}
	var salt [audit.SaltBytes]byte
	if _, err := io.ReadFull(l.h.rand, salt[:]); err != nil {
		return wrap("salting the audit log", err)
	}
	leaf := audit.Commit(salt, text)
	seq, nodes, err := tree.Append(leaf)
	if err != nil {
		return err
	}
	about, several := casesOf(e)
	if l.h.erased.has(about) { // its key is gone, and no other is made
		about, several = "", []string{about}
	}
	detail, err := l.h.sealDetail(e.Org, about, seq, audit.Detail(salt, text))
	if err != nil {
		return err
	}
	if _, err := t.exec(`INSERT INTO audit_leaves (seq, org, case_id, leaf, detail) VALUES (?, ?, ?, ?, ?)`, seq, e.Org, about, leaf[:], detail); err != nil {
		return wrap("writing the audit log", err)
	}
	for _, n := range nodes {
		if _, err := t.exec(`INSERT INTO audit_nodes (idx, hash) VALUES (?, ?)`, n.Index, n.Hash[:]); err != nil {
			return wrap("writing the audit log", err)
		}
	}
	for _, c := range several {
		if _, err := t.exec(`INSERT INTO audit_cases (case_id, seq) VALUES (?, ?)`, c, seq); err != nil {
			return wrap("writing the audit log", err)
		}
	}
	return nil
}

// casesOf says under which case's key an event is sealed, "" for the
// organisation's, and which cases it is found by where they are several. A
// denial is never filed under a case: what exists and is not for the reader
// is written with the same statements as what does not exist.
func casesOf(e audit.Event) (about string, several []string) {
	cases := e.Cases()
	switch {
	case !e.Allowed:
		return "", nil
	case len(cases) == 1 && !slices.ContainsFunc(e.On, func(o audit.On) bool { return o.Case == "" }):
		return cases[0], nil
	}
	return "", cases
}

// eventsOf gives what was noted its form in the log: one event for each act
// and outcome; about few cases, one for each of them.
func eventsOf(n noted) []audit.Event {
	apart := map[string]bool{}
	for _, e := range n.events {
		if e.target.Case != "" {
			apart[e.target.Case] = true
		}
	}
	type key struct {
		act, org, caseID, purpose, approval string
		allowed                             bool
	}
	var events []audit.Event
	at, sizes := map[key]int{}, map[int]int{}
	for _, e := range n.events {
		k := key{act: e.act, org: n.actor.Org, purpose: e.purpose, approval: e.approval, allowed: e.decision.Allowed}
		if k.org == "" {
			k.org = e.target.Org
		}
		if len(apart) <= casesApart {
			k.caseID = e.target.Case
		}
		o := onOf(e, k.org)
		size := 64 + len(o.Org) + len(o.Case) + len(o.Collection) + len(o.Basis) + len(o.Reason) + 40*len(o.Records) + 64
		i, ok := at[k]
		if !ok || len(events[i].On) == audit.OnMax || sizes[i]+size > eventBytesSoft {
			i = len(events)
			at[k] = i
			events = append(events, audit.Event{At: n.at, Act: e.act, Staff: n.actor.Staff, Org: k.org, Roles: rolesOf(n.actor),
				Device: n.actor.Device, Allowed: e.decision.Allowed, Purpose: e.purpose, Approval: e.approval})
		}
		events[i].On = append(events[i].On, o)
		sizes[i] += size
	}
	if len(events) > 0 {
		events[len(events)-1].Chain = n.chains
	}
	return events
}

func rolesOf(a care.Actor) []string {
	l := make([]string, len(a.Roles))
	for i, r := range a.Roles {
		l[i] = string(r)
	}
	return l
}

// onOf is what an event is about.
func onOf(e event, org string) audit.On {
	o := audit.On{Case: e.target.Case, Topic: string(e.target.Topic), Collection: e.target.Collection, Compartment: string(e.target.Compartment),
		Records: e.records, Count: e.count, Reason: string(e.decision.Reason), Basis: e.decision.Basis}
	if e.target.Org != org {
		o.Org = e.target.Org
	}
	if len(o.Records) > audit.RecordsMax {
		o.Records = o.Records[:audit.RecordsMax]
	}
	return o
}

// loadTree reads the tree as it stands.
func loadTree(q querier) (*audit.Tree, error) {
	size, err := logSize(q)
	if err != nil {
		return nil, err
	}
	return audit.LoadTree(size, nodesOf(q))
}

// logSize is the number of leaves.
func logSize(q querier) (size int64, err error) {
	return size, wrap("reading the audit log", q.row(`SELECT COALESCE(MAX(seq), 0) FROM audit_leaves`).Scan(&size))
}

// nodesOf reads nodes of the tree from the store.
func nodesOf(q querier) audit.Hashes {
	return audit.HashesOf(func(indexes []int64) ([]audit.Hash, error) {
		out := make([]audit.Hash, len(indexes))
		for i, index := range indexes {
			var b []byte
			if err := q.row(`SELECT hash FROM audit_nodes WHERE idx = ?`, index).Scan(&b); err != nil {
				return nil, wrap("reading the audit log", err)
			}
			if len(b) != len(out[i]) {
				return nil, fmt.Errorf("node %d of the audit log has %d bytes", index, len(b))
			}
			out[i] = audit.Hash(b)
		}
		return out, nil
	})
}

// leafRow is one leaf as it is stored.
type leafRow struct {
	seq         int64
	org, caseID string
	leaf        audit.Commitment
	detail      []byte
}

// scanLeaf reads seq, org, case_id, leaf and detail.
func scanLeaf(from scanner) (leafRow, error) {
	var r leafRow
	var leaf []byte
	if err := from.Scan(&r.seq, &r.org, &r.caseID, &leaf, &r.detail); err != nil {
		return r, wrap("reading the audit log", err)
	}
	if len(leaf) != len(r.leaf) {
		return r, fmt.Errorf("leaf %d of the audit log has %d bytes", r.seq, len(leaf))
	}
	r.leaf = audit.Commitment(leaf)
	return r, nil
}

// open reads what a leaf was made over: nil, nil where its key was destroyed.
func (h *Hub) openLeaf(ctx context.Context, r leafRow) (*audit.Event, []byte, error) {
	detail, err := h.openDetail(ctx, r.org, r.caseID, r.seq, r.detail)
	if err != nil || detail == nil {
		return nil, nil, err
	}
	e, leaf, err := audit.OpenDetail(detail)
	if err != nil {
		return nil, nil, err
	}
	if leaf != r.leaf {
		return nil, nil, fmt.Errorf("event %d of the audit log is not the one that was committed to", r.seq)
	}
	return &e, detail, nil
}

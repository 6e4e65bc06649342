package collections

import (
	"bytes"
	"context"
	"database/sql"
	"slices"

	"portolan/audit"
	fieldsync "portolan/sync"
)

// VerifyLog checks the audit log: that no leaf is missing, that the nodes
// above the leaves are theirs, that every event that can be opened is the one
// that was committed to, and that every head that was ever signed is a head of
// this log. checkpoints are signed heads that were kept elsewhere, such as on
// a tablet or on paper: what a thief of the signing key cannot forge.
func (h *Hub) VerifyLog(ctx context.Context, report func(Count), checkpoints ...string) (faults []string, err error) {
	snapshot, err := h.readDB().BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, wrap("beginning to verify", err)
	}
	defer snapshot.Rollback() // a reading transaction has nothing to keep
	v := &verification{h: h, r: reader{ctx, snapshot}, report: report, elsewhere: checkpoints}
	err = v.audit()
	return v.faults, err
}

// audit walks the audit log in the order of its numbers.
func (v *verification) audit() error {
	v.pins, v.numbers = map[stamp]fieldsync.Link{}, map[string]uint32{}
	signed, err := v.checkpoints()
	if err != nil {
		return err
	}
	roots := make(map[int64]audit.Hash)
	for _, c := range signed {
		roots[c.Size] = audit.Hash{}
	}
	size, closed, err := v.leaves(roots)
	if err != nil {
		return err
	}
	for _, c := range signed {
		switch {
		case c.Size > size:
			v.fault("the audit log has %d events, and a head of %d was signed", size, c.Size)
		case c.Size > 0 && roots[c.Size] != c.Root:
			v.fault("the audit log was rewritten: its head at event %d is not the one that was signed", c.Size)
		}
	}
	v.report(Count{int(size), "audit events"})
	v.report(Count{len(closed), "of them erased"})
	v.report(Count{len(signed), "signed heads of the audit log"})
	return v.filedUnder(closed)
}

// leaves builds the tree anew beside the one that is stored, notes its roots
// at the sizes that are asked for, and returns its size and what was erased.
func (v *verification) leaves(roots map[int64]audit.Hash) (size int64, closed map[int64]bool, err error) {
	nodes, err := v.r.rows(`SELECT idx, hash FROM audit_nodes ORDER BY idx`)
	if err != nil {
		return 0, nil, wrap("reading the audit log", err)
	}
	defer nodes.Close()
	rows, err := v.r.rows(`SELECT seq, org, case_id, leaf, detail FROM audit_leaves ORDER BY seq`)
	if err != nil {
		return 0, nil, wrap("reading the audit log", err)
	}
	defer rows.Close()
	tree := &audit.Tree{}
	closed = map[int64]bool{}
	for rows.Next() {
		row, err := scanLeaf(rows)
		if err != nil {
			return 0, nil, err
		}
		seq, above, err := tree.Append(row.leaf)
		if err != nil {
			return 0, nil, err
		}
		if seq != row.seq {
			v.fault("the audit log goes from event %d to %d", seq-1, row.seq)
			return seq - 1, closed, nil
		}
		if err := v.nodes(nodes, seq, above); err != nil {
			return 0, nil, err
		}
		if !v.leaf(row) {
			closed[seq] = true
		}
		if _, asked := roots[seq]; asked {
			if roots[seq], err = tree.Root(); err != nil {
				return 0, nil, err
			}
		}
	}
	if nodes.Next() {
		v.fault("the audit log has nodes above no leaf")
	}
	return tree.Size(), closed, wrap("reading the audit log", rows.Err())
}

// checkpoints reads every head that was signed.
func (v *verification) checkpoints() ([]audit.Checkpoint, error) {
	rows, err := v.r.rows(`SELECT signed FROM audit_checkpoints ORDER BY size`)
	if err != nil {
		return nil, wrap("reading the checkpoints", err)
	}
	defer rows.Close()
	all := slices.Clone(v.elsewhere)
	for rows.Next() {
		var signed string
		if err := rows.Scan(&signed); err != nil {
			return nil, wrap("reading the checkpoints", err)
		}
		all = append(all, signed)
	}
	var out []audit.Checkpoint
	for _, signed := range all {
		c, err := v.h.logKeys.open(signed)
		if err != nil {
			v.fault("a checkpoint of the audit log is not signed with this hub's key")
			continue
		}
		out = append(out, c)
	}
	return out, wrap("reading the checkpoints", rows.Err())
}

// nodes compares the nodes that a leaf completed with those that are stored.
func (v *verification) nodes(stored *sql.Rows, seq int64, above []audit.Node) error {
	for _, n := range above {
		var index int64
		var hash []byte
		if !stored.Next() {
			if err := stored.Err(); err != nil {
				return wrap("reading the audit log", err)
			}
			v.fault("the audit log lacks nodes above event %d", seq)
			return nil
		}
		if err := stored.Scan(&index, &hash); err != nil {
			return wrap("reading the audit log", err)
		}
		if index != n.Index || !bytes.Equal(hash, n.Hash[:]) {
			v.fault("the audit log was altered: a node above event %d is not that of its leaves", seq)
		}
	}
	return nil
}

// leaf checks what a leaf was made over, as far as it still opens.
func (v *verification) leaf(row leafRow) (opened bool) {
	detail, err := v.h.openDetail(v.r.ctx, row.org, row.caseID, row.seq, row.detail)
	if err != nil {
		v.fault("event %d of the audit log does not open", row.seq)
		return true
	}
	if detail == nil {
		return false
	}
	e, leaf, err := audit.OpenDetail(detail)
	if err != nil || leaf != row.leaf {
		v.fault("event %d of the audit log is not the one that was committed to", row.seq)
		return true
	}
	about, several := casesOf(e)
	if row.caseID == "" && v.h.erased.has(about) { // of after its erasure (leaves.write)
		about, several = "", []string{about}
	}
	if row.org != e.Org || row.caseID != about {
		v.fault("event %d of the audit log is filed under another case than its own", row.seq)
	}
	for _, c := range several {
		v.filed = append(v.filed, filing{row.seq, c})
	}
	for _, c := range e.Chain {
		if link, err := fieldsync.ParseLink(c.Link); err == nil && c.N > 0 {
			v.pins[v.stamp(fieldsync.DotOf(c.Replica, c.N))] = link
		}
	}
	return true
}

// filing is that an event is found by a case.
type filing struct {
	seq    int64
	caseID string
}

// filedUnder compares by which cases events are found with what they say, for
// those that still say anything.
func (v *verification) filedUnder(closed map[int64]bool) error {
	rows, err := v.r.rows(`SELECT seq, case_id FROM audit_cases`)
	if err != nil {
		return wrap("reading the audit log", err)
	}
	defer rows.Close()
	open := make(map[filing]bool, len(v.filed))
	for _, f := range v.filed {
		open[f] = true
	}
	v.filed = nil
	for rows.Next() {
		var f filing
		if err := rows.Scan(&f.seq, &f.caseID); err != nil {
			return wrap("reading the audit log", err)
		}
		if !open[f] && !closed[f.seq] {
			v.fault("event %d of the audit log is found by a case that it does not name", f.seq)
		}
		delete(open, f)
	}
	for f := range open {
		v.fault("event %d of the audit log is not found by a case that it names", f.seq)
	}
	return wrap("reading the audit log", rows.Err())
}

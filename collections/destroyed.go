package collections

import (
	"context"
	"errors"
	"slices"

	"portolan/care"
)

// What the hub keeps of keys that an erasure destroyed: their ids, so that a
// value whose key is gone on purpose is told from one whose key is lost.

// destroy deletes the data keys of an erased case, or of one part of it:
// overwritten in the file (secure_delete) and gone from its write-ahead log
// once it returns. It gives how many there were. Of a part it is done once:
// what was entered since has a key of its own, which a second time would not
// be spared. Nobody may be at the door meanwhile.
func (k *keyring) destroy(ctx context.Context, one ErasedCase) (n int, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	t, err := k.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, wrap("destroying keys", err)
	}
	defer t.Rollback() // after a commit this does nothing
	where, args := `case_id = ?`, []any{one.Case}
	if one.Part != "" {
		where, args = `case_id = ? AND compartment = ?`, []any{one.Case, string(one.Part)}
		var done bool
		if err := t.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM erased WHERE case_id = ? AND part = ? AND at = ?)`,
			one.Case, string(one.Part), one.At).Scan(&done); err != nil || done {
			return 0, wrap("destroying keys", err)
		}
	}
	k.forget(one)
	if _, err := t.ExecContext(ctx, `INSERT OR IGNORE INTO erased (case_id, part, at) VALUES (?, ?, ?)`, one.Case, string(one.Part), one.At); err != nil {
		return 0, wrap("destroying keys", err)
	}
	if _, err := t.ExecContext(ctx, `INSERT INTO destroyed (id, case_id, compartment, at) SELECT id, case_id, compartment, ? FROM deks WHERE `+where,
		append([]any{one.At}, args...)...); err != nil {
		return 0, wrap("destroying keys", err)
	}
	result, err := t.ExecContext(ctx, `DELETE FROM deks WHERE `+where, args...)
	if err != nil {
		return 0, wrap("destroying keys", err)
	}
	destroyed, err := result.RowsAffected()
	if err := errors.Join(err, t.Commit()); err != nil {
		return 0, wrap("destroying keys", err)
	}
	return int(destroyed), k.scrub(ctx)
}

// forget drops the opened keys of what is erased.
func (k *keyring) forget(one ErasedCase) {
	of := func(d *dataKey) bool {
		return d.scope.Case == one.Case && (one.Part == "" || d.scope.Compartment == string(one.Part))
	}
	for scope, d := range k.byScope {
		if of(d) {
			delete(k.byScope, scope)
			delete(k.byID, d.id)
		}
	}
	k.fresh = slices.DeleteFunc(k.fresh, of)
}

var errKeysInUse = errors.New("somebody reads keys.db for long; the erasure goes on when it is done again")

// scrub clears destroyed keys out of the write-ahead log of keys.db.
func (k *keyring) scrub(ctx context.Context) error {
	var busy, frames, moved int
	if err := k.db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &frames, &moved); err != nil {
		return wrap("destroying keys", err)
	}
	if busy != 0 {
		return wrap("destroying keys", errKeysInUse)
	}
	return nil
}

// partsWithKeys lists the parts of a case, beside the general one, of which
// the hub keeps anything, and the general one where there is any key at all.
func (k *keyring) partsWithKeys(ctx context.Context, caseID string) (parts []care.Compartment, err error) {
	rows, err := k.db.QueryContext(ctx, `SELECT compartment FROM deks WHERE case_id = ? ORDER BY compartment`, caseID)
	if err != nil {
		return nil, wrap("reading the keys", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c care.Compartment
		if err := rows.Scan(&c); err != nil {
			return nil, wrap("reading the keys", err)
		}
		if c == historyKeys {
			c = care.General
		}
		if !slices.Contains(parts, c) {
			parts = append(parts, c)
		}
	}
	return parts, wrap("reading the keys", rows.Err())
}

// countOf is how many data keys are left in keys.db of what an erasure was to
// destroy: of a case all, of a part those that were destroyed and came back.
func (k *keyring) countOf(ctx context.Context, one ErasedCase) (n int, err error) {
	query, args := `SELECT COUNT(*) FROM deks WHERE case_id = ?`, []any{one.Case}
	if one.Part != "" {
		query = `SELECT COUNT(*) FROM deks WHERE case_id = ? AND compartment = ? AND
			(id IN (SELECT id FROM destroyed) OR NOT EXISTS (SELECT 1 FROM erased WHERE case_id = ? AND part = ? AND at = ?))`
		args = []any{one.Case, string(one.Part), one.Case, string(one.Part), one.At}
	}
	err = k.db.QueryRowContext(ctx, query, args...).Scan(&n)
	return n, wrap("reading the keys", err)
}

// tombstones lists what keys.db says was erased.
func (k *keyring) tombstones(ctx context.Context) (list []ErasedCase, err error) {
	rows, err := k.db.QueryContext(ctx, `SELECT case_id, part, at FROM erased UNION
		SELECT case_id, '', at FROM destroyed d WHERE NOT EXISTS
			(SELECT 1 FROM erased e WHERE e.case_id = d.case_id AND e.at = d.at AND e.part IN ('', d.compartment)) ORDER BY 1`)
	if err != nil {
		return nil, wrap("reading the keys", err)
	}
	defer rows.Close()
	for rows.Next() {
		var one ErasedCase
		if err := rows.Scan(&one.Case, &one.Part, &one.At); err != nil {
			return nil, wrap("reading the keys", err)
		}
		list = append(list, one)
	}
	return list, wrap("reading the keys", rows.Err())
}

package collections

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"portolan/care"
	fieldsync "portolan/sync"
)

// What is left of a case, or of a part of it, once its keys are destroyed: the
// bytes that they opened. They are removed here, and it is proved that none is
// left.

// eraseFiles removes the sealed bytes of documents whose keys are gone, and of
// those that were still coming in.
func (h *Hub) eraseFiles(ctx context.Context, one ErasedCase, done *Erasure) error {
	if err := h.eraseUploads(ctx, one); err != nil {
		return err
	}
	rows, err := reader{ctx, h.readDB()}.rows(`SELECT id, org FROM documents WHERE case_id = ?`, one.Case)
	if err != nil {
		return wrap("reading documents", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, org string
		if err := rows.Scan(&id, &org); err != nil {
			return wrap("reading documents", err)
		}
		if one.Part != "" {
			if gone, err := h.fileErased(org, one.Case, id); err != nil || !gone {
				if err != nil {
					return err
				}
				continue
			}
			if err := h.forgetContent(ctx, id); err != nil {
				return err
			}
		}
		err := os.Remove(h.filePath(id))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return wrap("removing a file", err)
		}
		if err == nil {
			done.Files++
		}
	}
	return wrap("reading documents", rows.Err())
}

// caseTables are the collections whose records belong to cases, those first
// that refer to others.
func (h *Hub) caseTables() (list []*table) {
	for _, e := range slices.Backward(care.Schema) {
		if e.Topic == care.NoTopic {
			list = append(list, h.tables[e.Name])
		}
	}
	return list
}

// eraseRows removes what stands of a case, or of a part of it, beside its
// sealed history: the triggers let records go only while their case is named in
// `erasing`, which no committed state ever shows.
func (h *Hub) eraseRows(ctx context.Context, one ErasedCase, done *Erasure) error {
	return h.writer.write(ctx, func(t *tx) error {
		// Not there in a database from before it.
		if _, err := t.exec(`INSERT OR IGNORE INTO erasures (case_id, part, org, begun_at, approval, why) VALUES (?, ?, ?, ?, '', ?)`,
			one.Case, string(one.Part), one.Org, one.At, one.Why); err != nil {
			return wrap("noting an erasure", err)
		}
		if _, err := t.exec(`INSERT INTO erasing (case_id) VALUES (?)`, one.Case); err != nil {
			return wrap("erasing records", err)
		}
		for _, table := range h.caseTables() {
			var err error
			if one.Part == "" {
				err = t.eraseTable(table, one.Case, done)
			} else if slices.Contains(table.compartments, one.Part) {
				err = t.erasePart(table, one, done)
			}
			if err != nil {
				return wrap("erasing records", err)
			}
		}
		var err error
		if one.Part == "" {
			err = t.eraseTraces(one.Case)
		} else {
			err = h.erasePartTraces(t, one)
		}
		if err != nil {
			return err
		}
		if _, err := t.exec(`UPDATE erasures SET done_at = ? WHERE case_id = ? AND part = ? AND done_at = ''`,
			care.FormatTime(h.now()), one.Case, string(one.Part)); err != nil {
			return wrap("noting an erasure", err)
		}
		_, err = t.exec(`DELETE FROM erasing WHERE case_id = ?`, one.Case)
		return wrap("erasing records", err)
	})
}

// eraseTable removes the records of a case from a table.
func (t *tx) eraseTable(of *table, caseID string, done *Erasure) error {
	name := quote(of.entity.Name)
	if err := t.forgetImports(`IN (SELECT id FROM `+name+` WHERE case_id = ?)`, caseID); err != nil {
		return err
	}
	result, err := t.exec(`DELETE FROM `+name+` WHERE case_id = ?`, caseID)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	done.Records += int(n)
	return err
}

// erasePart removes from a table the values of a part of a case whose keys are
// gone, and the records that have no others.
func (t *tx) erasePart(of *table, one ErasedCase, done *Erasure) error {
	recs, err := t.recordsOf(of, one.Case)
	if err != nil {
		return err
	}
	for _, rec := range recs {
		var gone []string
		for _, f := range of.sealed {
			raw := rec.cells[of.place[f.Name]].raw
			if len(raw) == 0 || f.Compartment != one.Part {
				continue
			}
			switch _, err := of.keys.toOpen(raw, rec.org, rec.caseID); {
			case errors.Is(err, ErrErased):
				gone = append(gone, f.Name)
			case err != nil:
				return err
			}
		}
		if len(gone) == 0 {
			continue
		}
		done.Records++
		if err := t.eraseFields(rec, gone); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) recordsOf(of *table, caseID string) (recs []*record, err error) {
	rows, err := t.rows(of.readWhere("case_id"), caseID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		rec, err := scanRecord(of, rows)
		if err != nil {
			return nil, err
		}
		recs = append(recs, rec)
	}
	return recs, rows.Err()
}

// eraseFields removes fields from a record, and the record where it has no
// others.
func (t *tx) eraseFields(rec *record, gone []string) error {
	name := quote(rec.t.entity.Name)
	for _, field := range gone {
		rec.put(rec.t.place[field], cell{})
		if _, err := t.exec(`DELETE FROM conflicts WHERE record = ? AND field = ?`, rec.id, field); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(rec.cells, func(c cell) bool { return c.open || len(c.raw) > 0 }) {
		if err := t.forgetImports(`= ?`, rec.id); err != nil {
			return err
		}
		_, err := t.exec(`DELETE FROM `+name+` WHERE id = ?`, rec.id)
		return err
	}
	if _, err := t.exec(`INSERT INTO door_open (one) VALUES (1)`); err != nil {
		return err
	}
	if _, err := t.exec(`UPDATE `+name+` SET `+quoted(gone, " = NULL, ")+` = NULL WHERE id = ?`, rec.id); err != nil {
		return err
	}
	_, err := t.exec(`DELETE FROM door_open`)
	return err
}

// eraseTraces removes what the sync keeps of an erased case. Who could see its scopes
// stays, so that their tablets are told to evict them.
func (t *tx) eraseTraces(caseID string) error {
	// Every scope of the case lies between these two: '0' follows '/'.
	from, to := "case:"+caseID+"/", "case:"+caseID+"0"
	for _, x := range []struct {
		query string
		args  []any
	}{
		{`DELETE FROM conflicts WHERE case_id = ?`, []any{caseID}},
		{`DELETE FROM uploads WHERE case_id = ?`, []any{caseID}},
		{`DELETE FROM contents WHERE case_id = ?`, []any{caseID}},
		{`DELETE FROM drafts WHERE case_id = ?`, []any{caseID}},
		{`DELETE FROM scope_log WHERE scope > ? AND scope < ?`, []any{from, to}},
		{`DELETE FROM scope_digests WHERE scope > ? AND scope < ?`, []any{from, to}},
		{`UPDATE scope_access SET until_seq = (SELECT COALESCE(MAX(seq), 0) FROM changes) WHERE scope > ? AND scope < ? AND until_seq IS NULL`, []any{from, to}},
	} {
		if _, err := t.exec(x.query, x.args...); err != nil {
			return wrap("erasing a case", err)
		}
	}
	return nil
}

// erasePartTraces brings what the sync keeps of a part of a case in line with
// what is left of it: nothing, but for what was entered since.
func (h *Hub) erasePartTraces(t *tx, one ErasedCase) error {
	scope := fieldsync.CaseScope(one.Case, one.Part)
	var digest fieldsync.Digest
	left := map[string]bool{}
	if _, err := t.exec(`DELETE FROM contents WHERE case_id = ? AND compartment = ? AND facts != x''`, one.Case, string(one.Part)); err != nil {
		return wrap("erasing a part of a case", err)
	}
	for _, table := range h.caseTables() {
		recs, err := t.recordsOf(table, one.Case)
		if err != nil {
			return wrap("erasing a part of a case", err)
		}
		for _, rec := range recs {
			for i := range table.entity.Fields {
				f := &table.entity.Fields[i]
				if f.Compartment != one.Part {
					continue
				}
				reg, err := rec.register(f.Name)
				if err != nil {
					return err
				}
				if dots := reg.Dots(); len(dots) > 0 {
					left[rec.id], digest = true, digest.Add(fieldsync.DigestOf(scope, rec.id, f.Name, dots))
				}
			}
		}
	}
	query, args := `DELETE FROM scope_digests WHERE scope = ?`, []any{string(scope)}
	if len(left) > 0 {
		query, args = `UPDATE scope_digests SET digest = ? WHERE scope = ?`, []any{digest.String(), string(scope)}
	}
	if _, err := t.exec(query, args...); err != nil {
		return wrap("erasing a part of a case", err)
	}
	if _, err := t.exec(`DELETE FROM drafts WHERE case_id = ? AND compartment = ?`, one.Case, string(one.Part)); err != nil {
		return wrap("erasing a part of a case", err)
	}
	logged, err := t.texts(`SELECT DISTINCT record FROM scope_log WHERE scope = ?`, string(scope))
	for _, record := range logged {
		if left[record] {
			continue
		}
		if _, err := t.exec(`DELETE FROM scope_log WHERE scope = ? AND record = ?`, string(scope), record); err != nil {
			return wrap("erasing a part of a case", err)
		}
	}
	return err
}

func (t *tx) texts(query string, args ...any) (list []string, err error) {
	rows, err := t.rows(query, args...)
	if err != nil {
		return nil, wrap("reading", err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, wrap("reading", err)
		}
		list = append(list, s)
	}
	return list, wrap("reading", rows.Err())
}

// ErrErasureUnproved says that something of what was erased still opens.
var ErrErasureUnproved = &care.Error{Code: "erasure_unproved", Kind: care.Damaged,
	Hint: "Something of what was erased is still there. The erasure is not finished; run it again, and if this stays, tell whoever keeps the program."}

// proveErased tries: no key is left under which anything could be opened, no
// value, no file, and nothing in the log opens.
func (h *Hub) proveErased(ctx context.Context, one ErasedCase) error {
	n, err := h.keys.countOf(ctx, one)
	if err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("%w: %d keys", ErrErasureUnproved, n)
	}
	r := reader{ctx, h.readDB()}
	for _, t := range h.caseTables() {
		n, err := h.leftIn(r, t, one)
		if err != nil {
			return wrap("proving an erasure", err)
		}
		if n > 0 {
			return fmt.Errorf("%w: %d records of %s", ErrErasureUnproved, n, t.entity.Name)
		}
	}
	return h.historyShut(r, one)
}

// leftIn counts the records of a table in which something erased stands still.
func (h *Hub) leftIn(r reader, t *table, one ErasedCase) (n int, err error) {
	if one.Part == "" {
		err = r.row(`SELECT COUNT(*) FROM `+quote(t.entity.Name)+` WHERE case_id = ?`, one.Case).Scan(&n)
		return n, err
	}
	rows, err := r.rows(t.readWhere("case_id"), one.Case)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		rec, err := scanRecord(t, rows)
		if err != nil {
			return 0, err
		}
		for _, c := range rec.cells {
			if len(c.raw) == 0 {
				continue
			}
			if _, err := h.keys.toOpen(c.raw, rec.org, rec.caseID); errors.Is(err, ErrErased) {
				n++
			}
		}
	}
	return n, rows.Err()
}

// historyShut tries to open every change of the case in the log: nothing of it
// opens, or, where a part was erased, nothing of that part that was made
// before.
func (h *Hub) historyShut(r reader, one ErasedCase) error {
	query, args := `SELECT seq, org, body FROM changes WHERE case_id = ?`, []any{one.Case}
	if one.Part != "" {
		query, args = query+` AND arrived_at <= ?`, append(args, one.At)
	}
	rows, err := r.rows(query, args...)
	if err != nil {
		return wrap("proving an erasure", err)
	}
	defer rows.Close()
	for rows.Next() {
		var seq uint64
		var org string
		var body []byte
		if err := rows.Scan(&seq, &org, &body); err != nil {
			return wrap("proving an erasure", err)
		}
		opened, err := h.keys.openParts(seq, org, one.Case, body)
		if err != nil {
			continue // nothing of it opens, if for another reason: verify says so
		}
		for _, part := range opened {
			if part.plain != nil && (one.Part == "" || part.of == string(one.Part)) {
				return fmt.Errorf("%w: change %d", ErrErasureUnproved, seq)
			}
		}
	}
	return wrap("proving an erasure", rows.Err())
}

// compact rewrites the database without what was removed, so that no free page
// of it keeps an old state, and empties the write-ahead log. Where the disk has
// no room for it the erasure stands all the same: what is on the free pages
// was sealed.
func (h *Hub) compact(ctx context.Context) error {
	for _, query := range []string{`VACUUM`, `PRAGMA wal_checkpoint(TRUNCATE)`} {
		if _, err := h.sqlDB().ExecContext(ctx, query); err != nil {
			h.log.Warn("an erasure is done; its free pages stay until the database is compacted", "error", err)
			return nil
		}
	}
	return nil
}

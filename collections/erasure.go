package collections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"portolan/care"
)

// Lawful erasure (R16, GDPR art. 17) of what the hub holds of one case: two
// people decide, the keys go first, then everything that they opened, and a
// list outside the database remembers it, so that neither a backup nor a
// tablet brings anybody back. What stays is the numbers and the chain of the
// change log and the leaves of the audit log, which say nothing without their
// keys. It is begun in one transaction and finished step by step; each step
// may be done again, so that a hub that was killed goes on where it was.

// HeldErased is why a change about an erased case is held: what it says is
// not kept.
const HeldErased = "erased"

// ErrErased says that a case was erased.
var ErrErased = &care.Error{Code: HeldErased, Kind: care.Conflict, Hint: "This case was erased. Nothing more can be written to it."}

// ActErase is an erasure in the audit log.
const ActErase = "erase"

// erasedCases are the cases of which the hub keeps nothing. The door, the keys
// and the search ask it.
type erasedCases struct {
	mu    sync.RWMutex
	cases map[string]bool
}

func (e *erasedCases) has(caseID string) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return caseID != "" && e.cases[caseID]
}

func (e *erasedCases) add(caseID string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cases == nil {
		e.cases = make(map[string]bool)
	}
	e.cases[caseID] = true
}

// any says whether anything was ever erased.
func (e *erasedCases) any() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return len(e.cases) > 0
}

// ofErased says whether a change is about an erased case.
func (s *session) ofErased(a *arrival) (bool, error) {
	if !s.h.erased.any() {
		return false, nil
	}
	_, caseID, err := s.home(a, nil)
	return s.h.erased.has(caseID), err
}

// Erasure says what an erasure destroyed.
type Erasure struct {
	Case    string
	Keys    int // data keys
	Records int
	Files   int
	// Papers that were given out: they cannot be called back.
	Papers []string
	// KeyBackups are folders with a copy of the keys that the hub cannot reach
	// now: until it is replaced or destroyed, it still opens old backups.
	KeyBackups []string
}

// Erase erases one case under a second person's yes (care.ActErase) and
// proves it. care.ErrNotFound where the actor could not erase it, or it is
// not there; ErrApprovalNeeded without the second person. Erased already, it
// goes through all steps again.
func (h *Hub) Erase(ctx context.Context, a care.Actor, caseID string) (Erasure, error) {
	h.erasing.Lock()
	defer h.erasing.Unlock()
	var one ErasedCase
	err := h.enter(ctx, a, func(s *session) error {
		now := a
		if !a.IsHub() { // with the rights of this moment
			var err error
			if now, err = h.present(s.t, a); err != nil {
				return err
			}
		}
		var err error
		one, err = s.beginErasure(now, caseID)
		return err
	})
	if err != nil {
		return Erasure{}, err
	}
	h.reached("erase begun")
	return h.erase(ctx, one)
}

// beginErasure decides, ends every grant, so that the case leaves all tablets,
// and notes what is under way.
func (s *session) beginErasure(a care.Actor, caseID string) (ErasedCase, error) {
	one := ErasedCase{Case: caseID, At: s.nowText}
	err := s.t.row(`SELECT org, begun_at FROM erasures WHERE case_id = ?`, caseID).Scan(&one.Org, &one.At)
	if !errors.Is(err, sql.ErrNoRows) {
		if err == nil && (one.Org != a.Org || !a.Can(care.MayErase)) {
			err = care.ErrNotFound
		}
		return one, wrap("reading the erasures", err)
	}
	if !a.Can(care.MayErase) {
		return one, care.ErrNotFound
	}
	// Before the case is looked for: whether it is there shows to nobody who
	// was not told so by the second person's yes.
	p, err := s.h.spendApproval(s.t, a, care.Approval{Org: a.Org, Act: care.ActErase, Collection: "cases", Record: caseID})
	if err != nil {
		return one, err
	}
	rec, err := s.load(s.h.tables["cases"], caseID)
	if err != nil {
		return one, err
	}
	if rec == nil || rec.org != a.Org {
		return one, care.ErrNotFound
	}
	if p.AskedBy == care.HubStaff {
		if err := s.stillOver(rec); err != nil {
			return one, err
		}
	}
	if err := s.parted(rec); err != nil {
		return one, err
	}
	one.Org = rec.org
	if err := s.endGrants(caseID); err != nil {
		return one, err
	}
	if _, err := s.t.exec(`INSERT INTO erasures (case_id, org, begun_at, approval) VALUES (?, ?, ?, ?)`, caseID, one.Org, one.At, p.ID); err != nil {
		return one, wrap("noting an erasure", err)
	}
	return one, s.t.note(s.nowText, a, event{act: ActErase, target: care.Target{Collection: "cases", Org: one.Org, Case: caseID},
		decision: care.Decision{Allowed: true, Reason: care.ApprovalSpent, Basis: p.ID}, approval: p.ID, count: 1})
}

// ErrEraseMerged says that a file of the same person would stay.
var ErrEraseMerged = &care.Error{Code: "erase_merged", Kind: care.Unprocessed,
	Hint: "This file was merged with another of the same person. Part them first, then erase each: erasing one would leave the other, and nobody could part them any more."}

// parted refuses a case that goes on in another, or in which another goes on.
func (s *session) parted(rec *record) error {
	row, err := rec.row(nil)
	if err != nil {
		return err
	}
	if row.Text("merged_into") != "" {
		return ErrEraseMerged
	}
	for _, id := range row.Get("linked_cases").List() {
		if other, ok := s.world().Row("cases", id); ok && other.Text("merged_into") == rec.id {
			return ErrEraseMerged
		}
	}
	return nil
}

// endGrants ends every grant of a case as changes of the hub: each ends a
// scope at a number of the log, and the tablets are told by it.
func (s *session) endGrants(caseID string) error {
	rows, err := s.t.rows(`SELECT id FROM grants WHERE case_id = ? AND status = 'active' ORDER BY id`, caseID)
	if err != nil {
		return wrap("reading grants", err)
	}
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return errors.Join(wrap("reading grants", err), rows.Close())
		}
		ids = append(ids, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return wrap("reading grants", err)
	}
	for _, id := range ids {
		a, err := s.hubChange(s.h.HubActor(), Draft{Collection: "grants", Record: id, Set: map[string]care.Value{"status": care.OfText("ended")}})
		if err != nil {
			return err
		}
		if _, err := s.take(a, nil); err != nil {
			return err
		}
	}
	return nil
}

// erase does, or does again, every step after the decision.
func (h *Hub) erase(ctx context.Context, one ErasedCase) (done Erasure, err error) {
	done.Case = one.Case
	h.erased.add(one.Case) // from here on nobody writes to it
	h.forgetCase(one.Case)
	if err := AddErased(filepath.Join(h.dir, ErasedPath), one); err != nil {
		return done, err
	}
	h.reached("erase listed")
	if err := h.listPapers(ctx, one.Case, &done); err != nil {
		return done, err
	}
	if done.Keys, err = h.keys.destroy(ctx, one.Case); err != nil {
		return done, err
	}
	h.reached("erase keys destroyed")
	if err := h.keepUpgradeCopies(0); err != nil {
		return done, err
	}
	if done.KeyBackups, err = h.renewKeyBackups(ctx); err != nil {
		return done, err
	}
	h.reached("erase key backups rewritten")
	if err := h.eraseFiles(ctx, one.Case, &done); err != nil {
		return done, err
	}
	h.reached("erase files removed")
	if err := h.eraseRows(ctx, one, &done); err != nil {
		return done, err
	}
	h.reached("erase rows removed")
	if err := h.proveErased(ctx, one.Case); err != nil {
		return done, err
	}
	return done, h.compact(ctx)
}

// listPapers names the documents of a case that are in somebody's hands.
func (h *Hub) listPapers(ctx context.Context, caseID string, done *Erasure) error {
	rows, err := reader{ctx, h.readDB()}.rows(`SELECT id FROM documents WHERE case_id = ? AND status = 'handed_out' ORDER BY id`, caseID)
	if err != nil {
		return wrap("reading documents", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return wrap("reading documents", err)
		}
		done.Papers = append(done.Papers, id)
	}
	return wrap("reading documents", rows.Err())
}

// eraseFiles removes the sealed bytes of a case's documents. Their keys are
// gone already.
func (h *Hub) eraseFiles(ctx context.Context, caseID string, done *Erasure) error {
	rows, err := reader{ctx, h.readDB()}.rows(`SELECT id FROM documents WHERE case_id = ?`, caseID)
	if err != nil {
		return wrap("reading documents", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return wrap("reading documents", err)
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

// eraseRows removes what stands of a case beside its sealed history: the
// triggers let records go only while their case is named in `erasing`, which
// no committed state ever shows.
func (h *Hub) eraseRows(ctx context.Context, one ErasedCase, done *Erasure) error {
	return h.writer.write(ctx, func(t *tx) error {
		if _, err := t.exec(`INSERT OR IGNORE INTO erasures (case_id, org, begun_at, approval) VALUES (?, ?, ?, '')`, one.Case, one.Org, one.At); err != nil {
			return wrap("noting an erasure", err) // of a database from before it
		}
		if _, err := t.exec(`INSERT INTO erasing (case_id) VALUES (?)`, one.Case); err != nil {
			return wrap("erasing records", err)
		}
		for _, table := range h.caseTables() {
			name := quote(table.entity.Name)
			if _, err := t.exec(`DELETE FROM import_keys WHERE record IN (SELECT id FROM `+name+` WHERE case_id = ?)`, one.Case); err != nil {
				return wrap("erasing what an import remembers", err)
			}
			result, err := t.exec(`DELETE FROM `+name+` WHERE case_id = ?`, one.Case)
			if err != nil {
				return wrap("erasing records", err)
			}
			n, err := result.RowsAffected()
			if err != nil {
				return wrap("erasing records", err)
			}
			done.Records += int(n)
		}
		return t.eraseTraces(one.Case, care.FormatTime(h.now()))
	})
}

// eraseTraces removes what the sync keeps of a case. Who could see its scopes
// stays, so that their tablets are told to evict them.
func (t *tx) eraseTraces(caseID, now string) error {
	// Every scope of the case lies between these two: '0' follows '/'.
	from, to := "case:"+caseID+"/", "case:"+caseID+"0"
	for _, x := range []struct {
		query string
		args  []any
	}{
		{`DELETE FROM conflicts WHERE case_id = ?`, []any{caseID}},
		{`DELETE FROM scope_log WHERE scope > ? AND scope < ?`, []any{from, to}},
		{`DELETE FROM scope_digests WHERE scope > ? AND scope < ?`, []any{from, to}},
		{`UPDATE scope_access SET until_seq = (SELECT COALESCE(MAX(seq), 0) FROM changes) WHERE scope > ? AND scope < ? AND until_seq IS NULL`, []any{from, to}},
		{`UPDATE erasures SET done_at = ? WHERE case_id = ?`, []any{now, caseID}},
		{`DELETE FROM erasing WHERE case_id = ?`, []any{caseID}},
	} {
		if _, err := t.exec(x.query, x.args...); err != nil {
			return wrap("erasing a case", err)
		}
	}
	return nil
}

// ErrErasureUnproved says that something of an erased case still opens.
var ErrErasureUnproved = &care.Error{Code: "erasure_unproved", Kind: care.Damaged,
	Hint: "Something of the erased case is still there. The erasure is not finished; run it again, and if this stays, tell whoever keeps the program."}

// proveErased tries: no key of the case is left under which anything could be
// opened, no record, no file, and no change in the log opens.
func (h *Hub) proveErased(ctx context.Context, caseID string) error {
	n, err := h.keys.countOf(ctx, caseID)
	if err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("%w: %d keys", ErrErasureUnproved, n)
	}
	r := reader{ctx, h.readDB()}
	for _, t := range h.caseTables() {
		var n int
		if err := r.row(`SELECT COUNT(*) FROM `+quote(t.entity.Name)+` WHERE case_id = ?`, caseID).Scan(&n); err != nil {
			return wrap("proving an erasure", err)
		}
		if n > 0 {
			return fmt.Errorf("%w: %d records of %s", ErrErasureUnproved, n, t.entity.Name)
		}
	}
	return h.historyShut(r, caseID)
}

// historyShut tries to open every change of the case in the log.
func (h *Hub) historyShut(r reader, caseID string) error {
	rows, err := r.rows(`SELECT seq, org, body FROM changes WHERE case_id = ?`, caseID)
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
		if len(body) == 0 {
			continue
		}
		if _, err := h.keys.openChange(seq, org, caseID, body); err == nil {
			return fmt.Errorf("%w: change %d", ErrErasureUnproved, seq)
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

// knowErased reads which cases were erased, before anybody may ask.
func (h *Hub) knowErased() error {
	listed, err := ReadErased(filepath.Join(h.dir, ErasedPath))
	for _, one := range listed {
		h.erased.add(one.Case)
	}
	return err
}

// finishErasures takes up what a killed hub left, and what the list knows and
// this database does not: it was restored from a copy made before.
func (h *Hub) finishErasures(ctx context.Context) error {
	listed, err := ReadErased(filepath.Join(h.dir, ErasedPath))
	if err != nil {
		return err
	}
	finished := make(map[string]bool)
	rows, err := reader{ctx, h.readDB()}.rows(`SELECT case_id, org, begun_at, done_at != '' FROM erasures`)
	if err != nil {
		return wrap("reading the erasures", err)
	}
	for rows.Next() {
		var one ErasedCase
		var done bool
		if err := rows.Scan(&one.Case, &one.Org, &one.At, &done); err != nil {
			return errors.Join(wrap("reading the erasures", err), rows.Close())
		}
		finished[one.Case] = done
		if !slices.ContainsFunc(listed, func(l ErasedCase) bool { return l.Case == one.Case }) {
			listed = append(listed, one)
			finished[one.Case] = false // the list must know it
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return wrap("reading the erasures", err)
	}
	for _, one := range listed {
		h.erased.add(one.Case)
	}
	for _, one := range listed {
		if finished[one.Case] {
			continue
		}
		if _, err := h.erase(ctx, one); err != nil {
			return fmt.Errorf("finishing an erasure: %w", err)
		}
	}
	return nil
}

package collections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"portolan/care"
)

// Lawful erasure (R16, GDPR art. 17) of what the hub holds of one case, or of
// one part of it whose term is over: two people decide, the keys go first, then
// everything that they opened, and a list outside the database remembers it, so
// that neither a backup nor a tablet brings anybody back. What stays is the numbers and the chain of the
// change log and the leaves of the audit log, which say nothing without their
// keys. It is begun in one transaction and finished step by step; each step
// may be done again, so that a hub that was killed goes on where it was.

// HeldErased is why a change about an erased case is held: what it says is
// not kept.
const HeldErased = "erased"

// Errors of erasing.
var (
	ErrErased    = &care.Error{Code: HeldErased, Kind: care.Conflict, Hint: "This was erased: the case, or this part of it. Nothing of it is kept, and nothing from before it is taken."}
	ErrErasePart = &care.Error{Code: "erase_part", Kind: care.Invalid, Hint: "There is no such part of a case, or it cannot be erased alone: the general part goes with the case."}
)

// ActErase is an erasure in the audit log.
const ActErase = "erase"

// Erasure says what an erasure destroyed.
type Erasure struct {
	Case    string
	Part    care.Compartment // "" where all of it was erased
	Keys    int              // data keys
	Records int
	Files   int
	// Papers that were given out: they cannot be called back.
	Papers []string
	// KeyBackups are folders with a copy of the keys that the hub cannot reach
	// now: until it is replaced or destroyed, it still opens old backups.
	KeyBackups []string
}

// Erase erases one case, or one part of it, under a second person's yes
// (care.ActErase, care.EraseTerms) and proves it. care.ErrNotFound where the
// actor could not erase it, or it is not there; ErrApprovalNeeded without the
// second person. Erased already, a case goes through all steps again.
func (h *Hub) Erase(ctx context.Context, a care.Actor, caseID string, part care.Compartment) (Erasure, error) {
	if part != "" && !care.EndsAlone(part) {
		return Erasure{}, ErrErasePart
	}
	h.erasing.Lock()
	defer h.erasing.Unlock()
	back, err := h.disk.lend()
	if err != nil {
		return Erasure{}, err
	}
	defer func() { h.notLaid(back()) }()
	var one ErasedCase
	var done Erasure
	var shut error
	err = h.enter(ctx, a, func(s *session) error {
		now := a
		if !a.IsHub() { // with the rights of this moment
			var err error
			if now, err = h.present(s.t, a); err != nil {
				return err
			}
		}
		var err error
		one, err = s.beginErasure(now, caseID, part)
		s.last = func() {
			h.reached("erase begun")
			done, shut = h.shut(context.WithoutCancel(ctx), one)
		}
		return err
	})
	if err := errors.Join(err, shut); err != nil {
		return Erasure{}, err
	}
	return h.erase(ctx, one, done)
}

// beginErasure decides, ends every grant, so that the case, or its part, leaves
// all tablets, and notes what is under way.
func (s *session) beginErasure(a care.Actor, caseID string, part care.Compartment) (ErasedCase, error) {
	one := ErasedCase{Case: caseID, Part: part, At: s.nowText}
	// What is under way goes on; a part that was erased may be erased again.
	err := s.t.row(`SELECT org, begun_at, why FROM erasures WHERE case_id = ? AND part = ? AND (part = '' OR done_at = '')`, caseID, string(part)).
		Scan(&one.Org, &one.At, &one.Why)
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
	p, err := s.h.spendApproval(s.t, a, care.Approval{Org: a.Org, Act: care.ActErase, Collection: "cases", Record: caseID, Terms: care.EraseTerms(part)})
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
		if err := s.stillOver(rec, part); err != nil {
			return one, err
		}
	}
	if err := s.parted(rec); err != nil {
		return one, err
	}
	one.Org, one.Why = rec.org, p.Reason
	if err := s.endGrants(caseID, part); err != nil {
		return one, err
	}
	if _, err := s.t.exec(`INSERT INTO erasures (case_id, part, org, begun_at, approval, why) VALUES (?, ?, ?, ?, ?, ?)`,
		caseID, string(part), one.Org, one.At, p.ID, one.Why); err != nil {
		return one, wrap("noting an erasure", err)
	}
	return one, s.t.note(s.nowText, a, event{act: ActErase, target: care.Target{Collection: "cases", Org: one.Org, Case: caseID, Compartment: part},
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

// endGrants ends every grant of a case, or of a part of it, as changes of the
// hub: each ends a scope at a number of the log, and the tablets are told by it.
func (s *session) endGrants(caseID string, part care.Compartment) error {
	rows, err := s.t.rows(`SELECT id FROM grants WHERE case_id = ?1 AND status = 'active' AND (?2 = '' OR compartment = ?2) ORDER BY id`, caseID, string(part))
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

// shut lists what is erased outside the database and destroys its keys. Nobody
// is at the door meanwhile: what comes later is refused, or is of what was
// entered since, and lies under another key.
func (h *Hub) shut(ctx context.Context, one ErasedCase) (done Erasure, err error) {
	done.Case, done.Part = one.Case, one.Part
	h.erased.add(one)
	h.forgetErased(one)
	if err := AddErased(filepath.Join(h.dir, ErasedPath), one); err != nil {
		return done, err
	}
	h.reached("erase listed")
	done.Keys, err = h.keys.destroy(ctx, one)
	h.lately.erased()
	if err == nil {
		h.reached("erase keys destroyed")
	}
	return done, err
}

// erase does, or does again, every step after the keys are gone.
func (h *Hub) erase(ctx context.Context, one ErasedCase, done Erasure) (_ Erasure, err error) {
	if err := h.listPapers(ctx, one, &done); err != nil {
		return done, err
	}
	if err := h.keepUpgradeCopies(0); err != nil {
		return done, err
	}
	if done.KeyBackups, err = h.renewKeyBackups(ctx); err != nil {
		return done, err
	}
	h.reached("erase key backups rewritten")
	if err := h.eraseFiles(ctx, one, &done); err != nil {
		return done, err
	}
	h.reached("erase files removed")
	h.chunks.forget(ctx, one)
	if err := h.eraseRows(ctx, one, &done); err != nil {
		return done, err
	}
	h.reached("erase rows removed")
	if err := h.proveErased(ctx, one); err != nil {
		return done, err
	}
	return done, h.compact(ctx)
}

// listPapers names the papers with what is erased that are in somebody's hands.
func (h *Hub) listPapers(ctx context.Context, one ErasedCase, done *Erasure) error {
	papers, err := h.rowsOf(ctx, h.HubActor(), "documents", `case_id = ? AND status = 'handed_out'`, one.Case)
	for _, p := range papers {
		if one.Part == "" || slices.Contains(paperCompartments(p), one.Part) {
			done.Papers = append(done.Papers, p.ID)
		}
	}
	return err
}

// knowErased reads which cases were erased, before anybody may ask.
func (h *Hub) knowErased() error {
	listed, err := ReadErased(filepath.Join(h.dir, ErasedPath))
	for _, one := range listed {
		h.erased.add(one)
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
	var finished []ErasedCase
	rows, err := reader{ctx, h.readDB()}.rows(`SELECT case_id, part, org, begun_at, why, done_at != '' FROM erasures`)
	if err != nil {
		return wrap("reading the erasures", err)
	}
	for rows.Next() {
		var one ErasedCase
		var done bool
		if err := rows.Scan(&one.Case, &one.Part, &one.Org, &one.At, &one.Why, &done); err != nil {
			return errors.Join(wrap("reading the erasures", err), rows.Close())
		}
		if !slices.ContainsFunc(listed, one.same) {
			listed = append(listed, one)
			done = false // the list must know it
		}
		if done {
			finished = append(finished, one)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return wrap("reading the erasures", err)
	}
	for _, one := range listed {
		h.erased.add(one)
	}
	for _, one := range listed {
		if slices.ContainsFunc(finished, one.same) {
			continue
		}
		if err := h.finishErasure(ctx, one); err != nil {
			return fmt.Errorf("finishing an erasure: %w", err)
		}
	}
	return nil
}

func (h *Hub) finishErasure(ctx context.Context, one ErasedCase) error {
	var done Erasure
	err := h.writer.write(ctx, func(*tx) (err error) { // which keeps everybody else from the door
		done, err = h.shut(ctx, one)
		return err
	})
	if err == nil {
		_, err = h.erase(ctx, one, done)
	}
	return err
}

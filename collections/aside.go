package collections

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"slices"

	"portolan/care"
	"portolan/photo"
	fieldsync "portolan/sync"
)

// Files that their tablets sealed, whole, and wait for a person: each with a
// held change that names it, in the worklist like any other. They lie among the
// uploads, under keys of their own, and are decided about with the record whose
// file they are, or after it. What is accepted becomes the record's file as an
// upload does; what was decided is kept for a while and then destroyed.

// DeclinedTerm is how long a file that was declined is kept.
const DeclinedTerm = refusedTerm

// namesFile says whether the held change names a file that lies aside.
func (r *heldRow) namesFile() bool {
	return slices.Contains(r.Held, fieldsync.Held{Reason: HeldFile})
}

// waits says whether a change of a record waits for a person, but for its file.
func (s *session) waits(record string) (any bool, err error) {
	err = s.t.row(`SELECT EXISTS (SELECT 1 FROM changes c JOIN held_changes h ON h.seq = c.seq WHERE c.record = ? AND h.reason != ? AND h.decided_at = '')`,
		record, HeldFile).Scan(&any)
	return any, wrap("looking for held changes", err)
}

// filesOfNew lists the files that wait for a record which is not there yet.
func (s *session) filesOfNew(record string) (files []uint64, err error) {
	rows, err := s.t.rows(`SELECT aside FROM uploads WHERE aside > 0 AND done_at = '' AND document = ?
		AND NOT EXISTS (SELECT 1 FROM documents WHERE id = uploads.document) ORDER BY aside`, record)
	if err != nil {
		return nil, wrap("looking for files", err)
	}
	defer rows.Close()
	for rows.Next() {
		var n uint64
		if err := rows.Scan(&n); err != nil {
			return nil, wrap("looking for files", err)
		}
		files = append(files, n)
	}
	return files, wrap("looking for files", rows.Err())
}

// asideAt is the file that waits with a held change; nil where it is not kept
// any more.
func (h *Hub) asideAt(ctx context.Context, seq uint64) (*Receiving, error) {
	r := &Receiving{h: h, p: &partial{}}
	err := r.row.scan(reader{ctx, h.readDB()}.row(uploadColumns+` WHERE aside = ?`, seq).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err == nil {
		err = r.open()
	}
	if errors.Is(err, ErrErased) {
		return nil, nil
	}
	return r, wrap("reading a file that waits", err)
}

// decideFile accepts or declines a file that lies aside. Where the hub dies
// between the two, what was accepted is the document's file and still in the
// worklist, and the same decision again ends that.
func (h *Hub) decideFile(ctx context.Context, a care.Actor, seq uint64, v Verdict) (Outcome, error) {
	h.contents.Lock() // and so one decision about a file at a time
	defer h.contents.Unlock()
	q := reader{ctx, h.readDB()}
	r, err := h.heldAt(q, seq)
	if err != nil {
		return Outcome{}, err
	}
	decides, err := h.present(q, a)
	if err != nil {
		return Outcome{}, err
	}
	if done, err := h.mayDecide(q, decides, r, v); err != nil || done != nil {
		if done != nil {
			return *done, nil
		}
		return Outcome{}, err
	}
	f, err := h.asideAt(ctx, seq)
	if err == nil {
		err = h.seesFile(ctx, decides, r, f)
	}
	if err == nil && v.Decision == Accept {
		err = h.acceptFile(ctx, decides, r, f, v.As)
	}
	if err != nil {
		return Outcome{}, err
	}
	h.reached("file decided")
	var d Outcome
	err = h.enter(ctx, a, func(s *session) error {
		d = Outcome{Decision: v.Decision, By: decides.Staff, At: s.nowText, Why: v.Why}
		until := s.now.Add(uploadRemember) // a backup that is being made may name it
		if v.Decision == Decline {
			until = s.now.Add(DeclinedTerm)
		}
		if _, err := s.t.exec(`UPDATE uploads SET done_at = ?, expires_at = ? WHERE aside = ?`, d.At, care.FormatTime(until), seq); err != nil {
			return wrap("noting a decision", err)
		}
		s.actor = decides
		return s.noteDecided(r, d)
	})
	if err == nil {
		h.reached("file decision kept")
	}
	return d, err
}

// partOfFile is where the bytes of a file that lies aside belong: where its
// document says, or, while there is none, where its author said. placed says
// that anybody of this hub could see it there.
func (h *Hub) partOfFile(ctx context.Context, r *heldRow, f *Receiving) (of care.Target, placed bool, err error) {
	row, placed, err := h.rowOf(ctx, "documents", r.Record)
	if err != nil || placed {
		return documentOf(row).target, placed, err
	}
	of = r.target(care.General)
	if f != nil {
		of.Compartment = care.Compartment(f.row.of.Compartment)
	}
	_, placed, err = h.rowOf(ctx, "cases", r.Case)
	return of, placed, err
}

// seesFile refuses a decision of somebody who may not see the part of the case
// that the file belongs to, as seesHeld does.
func (h *Hub) seesFile(ctx context.Context, decides care.Actor, r *heldRow, f *Receiving) error {
	of, placed, err := h.partOfFile(ctx, r, f)
	if err != nil || !placed {
		return err
	}
	if decides.Grants, err = grantsOf(reader{ctx, h.readDB()}, decides.Staff, r.Case); err != nil {
		return err
	}
	if !care.MaySee(decides, care.Read, of, h.now()).Allowed {
		return ErrUnseen
	}
	return nil
}

// acceptFile has a file that lies aside become its document's, by the rules of
// every other: a picture is written anew, evidence kept byte for byte.
func (h *Hub) acceptFile(ctx context.Context, decides care.Actor, r *heldRow, f *Receiving, as string) error {
	if f == nil {
		return ErrNoFile
	}
	q := reader{ctx, h.readDB()}
	who, err := h.inWhoseName(q, decides, r, as)
	if err != nil {
		return err
	}
	if who.Grants, err = grantsOf(q, who.Staff, ""); err != nil {
		return err
	}
	if _, there, err := h.rowOf(ctx, "documents", r.Record); err != nil {
		return err
	} else if !there {
		return ErrFirst
	}
	said, b, err := f.opened()
	if err != nil {
		return err
	}
	err = h.keepContent(ctx, who, r.Record, said.Type, b, f.unerased)
	if errors.Is(err, care.ErrNotFound) {
		err = heldAgain(fieldsync.Held{Reason: HeldNoGrant})
	}
	return err
}

// HeldFile gives a file that lies aside to whoever hears of it and may take
// along what it belongs to: as it would be given out if it were accepted.
func (h *Hub) HeldFile(ctx context.Context, a care.Actor, seq uint64) (c Content, err error) {
	r, _, err := h.heard(ctx, a, seq)
	if err != nil {
		return c, err
	}
	if !r.namesFile() {
		return c, errNotHeard
	}
	f, err := h.asideAt(ctx, seq)
	if err == nil && f == nil {
		err = ErrNoFile
	}
	if err != nil {
		return c, err
	}
	of, _, err := h.partOfFile(ctx, r, f)
	if err != nil {
		return c, err
	}
	decision := care.MaySee(caseloadOf(a).on(r.Case), care.Carry, of, h.now())
	if err := h.audit(ctx, a, event{act: ActFile, target: of, decision: decision, count: 1, records: []string{r.Record}}); err != nil {
		return c, err
	}
	if !decision.Allowed {
		return c, ErrUnseen
	}
	h.contents.Lock()
	said, b, err := f.opened()
	h.contents.Unlock()
	if err != nil {
		return c, err
	}
	return h.shownAside(of, said, b)
}

// shownAside is a file that lies aside as it is given out, by the rules for one
// that does not: of evidence a copy of a picture, and nothing else.
func (h *Hub) shownAside(of care.Target, said fieldsync.UnsentFile, b []byte) (c Content, err error) {
	switch {
	case of.Compartment != care.Evidence:
		b, c.Type, err = h.tame(b, said.Type)
	case photo.Sniff(b) == "":
		err = ErrContentHidden
	default:
		b, c.Type, err = h.clean(b)
	}
	if err != nil {
		return c, err
	}
	k, _ := kindOf(c.Type)
	c.Name, c.Sum = "document"+k.ending, sumOf(b)
	c.Tag, c.Bytes = h.mac("tag", of.Org, of.Case, string(of.Compartment), said.SHA256), inMemory{bytes.NewReader(b)}
	return c, nil
}

// asides checks that each file that waits for a person is there, whole, and the
// one that was attached, and that its held change waits too.
func (v *verification) asides() error {
	waiting, err := uploadsWhere(v.r, `aside > 0 AND done_at = ''`)
	if err != nil {
		return err
	}
	n := 0
	for _, u := range waiting {
		r := &Receiving{h: v.h, p: &partial{}, row: u}
		err := r.open()
		if errors.Is(err, ErrErased) || v.h.erased.has(u.of.Case) {
			continue // it may be going at this moment
		}
		n++
		if err == nil {
			_, _, err = r.opened()
		}
		if err != nil {
			v.fault("the file that waits with change %d is not the one that was brought", u.aside)
		}
		var waits bool
		if err := v.r.row(`SELECT EXISTS (SELECT 1 FROM held_changes WHERE seq = ? AND record = ? AND reason = ? AND decided_at = '')`, u.aside, u.document, HeldFile).Scan(&waits); err != nil {
			return wrap("checking the files that wait", err)
		}
		if !waits {
			v.fault("a file waits with change %d, and nobody can decide about it", u.aside)
		}
	}
	v.report(Count{n, "files kept aside"})
	return nil
}

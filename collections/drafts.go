package collections

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"portolan/care"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// Half-filled forms. Their author's tablet seals a snapshot of each part of a
// form to the hub, which keeps the last one, sealed under the key of that part
// of the case, for their other tablets and for nobody else. A snapshot is no
// record: no rule reads it, nobody searches it, and it ends.

// Terms of half-filled forms.
const (
	DraftTerm   = 90 * 24 * time.Hour // from the last snapshot
	DraftNotice = 14 * 24 * time.Hour // so long before that, whoever began it is told
)

// Bounds of the forms of one person.
const (
	draftsEachMax     = 256
	draftsEachBytes   = 4 << 20
	draftsNoticesEach = 256 // that one Tend gives
)

// CodeDraftsTooMany is why a snapshot is refused that would be one too many.
const CodeDraftsTooMany = "drafts_too_many"

// ErrDraft says that what was sealed is not the snapshot that it is called.
var ErrDraft = &care.Error{Code: "draft_wrong", Kind: care.Invalid, Hint: "What was sealed is not the half-filled form that it is called, or is somebody else's. Nothing was taken."}

// ErrDrafts says that a person has as many half-filled forms as the hub keeps.
var ErrDrafts = &care.Error{Code: CodeDraftsTooMany, Kind: care.Unprocessed, Hint: "You have as many half-filled forms as the hub keeps. Save or discard some; this one stays on the tablet."}

func draftPlace(name string) seal.Place {
	return seal.Place{Collection: "drafts", Record: name, Field: "snapshot"}
}

// unsentDraftPlace is where what a tablet sealed of a form belongs.
func unsentDraftPlace(n fieldsync.DraftName) seal.Place {
	return seal.Place{Collection: "unsent_drafts", Record: n.Replica, Field: n.String()}
}

// arrived is a snapshot that came.
type arrivedDraft struct {
	fieldsync.SealedDraft
	fieldsync.Snapshot
	plain []byte
}

// TakeDrafts keeps snapshots that a tablet brings, in the place of those that
// their author had seen, and forgets those that they saved or discarded. It
// comes from whoever made them, also where they may see nothing of the case any
// more, and from a tablet that has ended: whether there is such a case is told
// by nothing that is answered. What a tablet brings that has ended takes nobody's
// place, and forgets nothing: its finder could have made it.
func (h *Hub) TakeDrafts(ctx context.Context, c Contact, d *fieldsync.Drafts) (*fieldsync.DraftsSaid, error) {
	if d == nil || len(d.Put)+len(d.Drop) == 0 {
		return nil, h.noteDraftsOwed(ctx, c, d)
	}
	if err := h.room(); err != nil {
		return nil, err
	}
	said := &fieldsync.DraftsSaid{Refused: map[string]string{}}
	var came []arrivedDraft
	for _, p := range d.Put {
		a, err := h.openDraft(ctx, c.Staff, p)
		if err != nil {
			known := care.CodeOf(err)
			if !slices.Contains([]string{ErrUnsentKey.Code, ErrUnsent.Code, ErrDraft.Code}, known) {
				return nil, err
			}
			said.Refused[p.Name.String()] = known
			continue
		}
		came = append(came, a)
	}
	h.reached("drafts opened")
	err := h.writer.write(ctx, func(t *tx) error {
		said.Taken = said.Taken[:0]
		for _, n := range d.Drop {
			if !c.Ended {
				if _, err := t.exec(`DELETE FROM drafts WHERE name = ? AND staff = ?`, n.String(), c.Staff); err != nil {
					return wrap("forgetting a form", err)
				}
			}
			said.Taken = append(said.Taken, n.String())
		}
		for _, a := range came {
			switch err := h.keepDraft(t, c, a); {
			case errors.Is(err, ErrErased), errors.Is(err, ErrDrafts):
				said.Refused[a.SealedDraft.Name.String()] = care.CodeOf(err)
			case err != nil:
				return err
			default:
				said.Taken = append(said.Taken, a.SealedDraft.Name.String())
			}
		}
		_, err := t.exec(`UPDATE device_keys SET drafts_owed = ? WHERE replica = ?`, d.Wait, c.Replica)
		return wrap("noting what a tablet owes", err)
	})
	if err != nil {
		return nil, err
	}
	h.reached("drafts kept")
	h.wakeUp([]string{c.Staff})
	return said, nil
}

// noteDraftsOwed notes how many snapshots wait on a tablet, where that is
// another number than before.
func (h *Hub) noteDraftsOwed(ctx context.Context, c Contact, d *fieldsync.Drafts) error {
	if d == nil {
		return nil
	}
	var had uint64
	if err := (reader{ctx, h.readDB()}).row(`SELECT drafts_owed FROM device_keys WHERE replica = ?`, c.Replica).Scan(&had); err != nil || had == d.Wait {
		return wrap("reading what a tablet owes", err)
	}
	return h.writer.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE device_keys SET drafts_owed = ? WHERE replica = ?`, d.Wait, c.Replica)
		return wrap("noting what a tablet owes", err)
	})
}

// NoteFilesOwed notes how many files wait on a tablet, where that is another
// number than before.
func (h *Hub) NoteFilesOwed(ctx context.Context, c Contact, files uint64) error {
	var had uint64
	if err := (reader{ctx, h.readDB()}).row(`SELECT files_owed FROM device_keys WHERE replica = ?`, c.Replica).Scan(&had); err != nil || had == files {
		return wrap("reading what a tablet owes", err)
	}
	return h.writer.share(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE device_keys SET files_owed = ? WHERE replica = ?`, files, c.Replica)
		return wrap("noting what a tablet owes", err)
	})
}

// openDraft opens what a tablet sealed of a form. It must be of whoever brings
// it.
func (h *Hub) openDraft(ctx context.Context, staff string, p fieldsync.SealedDraft) (a arrivedDraft, err error) {
	a.SealedDraft = p
	if a.plain, err = h.openSealed(ctx, p.Key, unsentDraftPlace(p.Name), p.Box); err != nil {
		return a, err
	}
	if a.Snapshot, err = fieldsync.DecodeSnapshot(a.plain); err != nil || a.Snapshot.Name(p.Name.Replica) != p.Name || a.Author != staff {
		return a, ErrDraft
	}
	if e, ok := care.Find(a.Collection); ok && !formOf(e, a.Snapshot) {
		return a, ErrDraft
	}
	return a, nil
}

// formOf says whether a snapshot holds fields of its own part alone. What this
// version does not know is its author's to place.
func formOf(e *care.Entity, s fieldsync.Snapshot) bool {
	fields, err := fieldsync.FormFields(s.Form)
	return err == nil && e.Topic == care.NoTopic && !slices.ContainsFunc(fields, func(name string) bool {
		f, known := e.Field(name)
		return known && f.Compartment != s.Part
	})
}

func (h *Hub) keepDraft(t *tx, c Contact, a arrivedDraft) error {
	name := a.SealedDraft.Name
	if h.erased.covers(a.Case, a.Part, a.Clock) { // at the door: it may have been erased since it was opened
		return ErrErased
	}
	var newer bool // it came twice, or behind its own successor
	if err := t.row(`SELECT EXISTS (SELECT 1 FROM drafts WHERE staff = ? AND name >= ? AND name < ?)`, c.Staff, name.String(), name.Earlier()+"g").Scan(&newer); err != nil || newer {
		return wrap("reading the forms", err)
	}
	replaced, args, err := a.replaces(c)
	if err != nil {
		return err
	}
	var n, bytes int
	if err := t.row(`SELECT COUNT(*), COALESCE(SUM(LENGTH(sealed)), 0) FROM drafts WHERE staff = ?1 AND NOT `+replaced, args...).Scan(&n, &bytes); err != nil {
		return wrap("reading the forms", err)
	}
	if n >= draftsEachMax || bytes+len(a.plain) > draftsEachBytes {
		return ErrDrafts // and what was there stays
	}
	if _, err := t.exec(`DELETE FROM drafts WHERE staff = ?1 AND `+replaced, args...); err != nil {
		return wrap("replacing a form", err)
	}
	org := c.Org
	err = t.row(`SELECT COALESCE((SELECT org FROM cases WHERE id = ?), ?)`, a.Case, org).Scan(&org)
	if err != nil {
		return wrap("reading a form's case", err)
	}
	key, err := h.keys.toSeal(seal.Scope{Org: org, Case: a.Case, Compartment: string(a.Part)})
	if err != nil {
		return err
	}
	sealed, err := key.box.Seal(nil, h.rand, draftPlace(name.String()), a.plain)
	if err != nil {
		return wrap("sealing a form", err)
	}
	now := h.now()
	_, err = t.exec(`INSERT INTO drafts (name, staff, org, case_id, compartment, record, sealed, arrived_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		name.String(), c.Staff, org, a.Case, string(a.Part), a.Record, sealed, care.FormatTime(now), care.FormatTime(now.Add(DraftTerm)))
	return wrap("keeping a form", err)
}

// replaces is a condition for the snapshots whose place this one takes: those
// that its author had seen, and what the same tablet made before.
func (a *arrivedDraft) replaces(c Contact) (where string, args []any, err error) {
	name, over, from := a.SealedDraft.Name, []string{}, a.SealedDraft.Name.Earlier()
	for _, n := range a.Over {
		if n.Draft == name.Draft && n.Part == name.Part && !c.Ended {
			over = append(over, n.String())
		}
	}
	if c.Ended {
		from = name.String()
	}
	list, err := json.Marshal(over)
	return `(name IN (SELECT value FROM json_each(?2)) OR name >= ?3 AND name < ?4)`, []any{c.Staff, string(list), from, name.String()}, wrap("replacing a form", err)
}

// draftRow is a snapshot as it is kept.
type draftRow struct {
	name, staff, record string
	of                  seal.Scope
	sealed              []byte
	until               string
}

func draftsWhere(q querier, where string, args ...any) (list []draftRow, err error) {
	rows, err := q.rows(`SELECT name, staff, record, org, case_id, compartment, sealed, expires_at FROM drafts WHERE `+where, args...)
	if err != nil {
		return nil, wrap("reading the forms", err)
	}
	defer rows.Close()
	for rows.Next() {
		var d draftRow
		if err := rows.Scan(&d.name, &d.staff, &d.record, &d.of.Org, &d.of.Case, &d.of.Compartment, &d.sealed, &d.until); err != nil {
			return nil, wrap("reading the forms", err)
		}
		list = append(list, d)
	}
	return list, wrap("reading the forms", rows.Err())
}

// openKeptDraft opens a snapshot as it is kept.
func (h *Hub) openKeptDraft(d draftRow) ([]byte, error) {
	key, err := h.keys.toOpen(d.sealed, d.of.Org, d.of.Case)
	if err != nil {
		return nil, err
	}
	plain, err := key.box.Open(nil, draftPlace(d.name), d.sealed)
	return plain, wrap("opening a form", err)
}

// sendDrafts sends a device its owner's half-filled forms that it does not have,
// as far as they may see that part of the case, and says which of those that it
// has are there no more. A case that is not at the hub yet is seen by whoever
// begins it.
func (p *pull) sendDrafts() error {
	if p.drafts == nil {
		return nil
	}
	list, err := draftsWhere(p.r, `staff = ? ORDER BY name`, p.actor.Staff)
	if err != nil {
		return err
	}
	var kept []fieldsync.KeptDraft
	var events []event
	there := map[string]bool{}
	for _, d := range list {
		e, may, err := p.maySeeDraft(d)
		if err != nil {
			return err
		}
		if !may {
			continue
		}
		if there[d.name] = true; slices.Contains(p.drafts.Have, d.name) {
			continue
		}
		plain, err := p.h.openKeptDraft(d)
		if errors.Is(err, ErrErased) {
			delete(there, d.name)
			continue
		}
		if err != nil {
			return err
		}
		kept, events = append(kept, fieldsync.KeptDraft{Name: d.name, Until: d.until, Snapshot: plain}), append(events, e)
	}
	if err := p.sayGone(there); err != nil || len(kept) == 0 {
		return err
	}
	if err := p.h.audit(p.ctx, p.actor, events...); err != nil {
		return err
	}
	if err := p.to.Disclose(true); err != nil {
		return err
	}
	p.disclosed = true
	for i := range kept {
		if err := p.sendLine(fieldsync.Line{Draft: &kept[i]}); err != nil {
			return err
		}
	}
	return nil
}

// sayGone names the snapshots that the device has and the hub does not.
func (p *pull) sayGone(there map[string]bool) error {
	var gone []string
	for _, name := range p.drafts.Have {
		if !there[name] {
			gone = append(gone, name)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	if !p.disclosed { // nothing is, but what the hub took goes first
		if err := p.to.Disclose(true); err != nil {
			return err
		}
		p.disclosed = true
	}
	return p.sendLine(fieldsync.Line{Drafts: &fieldsync.DraftsSaid{Gone: gone}})
}

func (p *pull) maySeeDraft(d draftRow) (event, bool, error) {
	scope := fieldsync.CaseScope(d.of.Case, care.Compartment(d.of.Compartment))
	t, decision := p.maySee(scope)
	var known bool
	if err := p.r.row(`SELECT EXISTS (SELECT 1 FROM cases WHERE id = ?)`, d.of.Case).Scan(&known); err != nil {
		return event{}, false, wrap("reading a form's case", err)
	}
	if !known {
		decision = care.Decision{Allowed: true, Reason: care.SeeOwnDraft}
	}
	return event{act: ActSync, target: t, decision: decision, count: 1, records: []string{d.record}}, decision.Allowed && (!known || p.opens(scope)), nil
}

// endDrafts tells whoever left a form half-filled that it is about to end, and
// ends those whose time is over.
func (h *Hub) endDrafts(ctx context.Context) error {
	now := h.now()
	due, err := draftsWhere(reader{ctx, h.readDB()}, `NOT told AND expires_at <= ? ORDER BY expires_at LIMIT ?`, care.FormatTime(now.Add(DraftNotice)), draftsNoticesEach)
	if err != nil {
		return err
	}
	if len(due) > 0 {
		err := h.enter(ctx, h.HubActor(), func(s *session) error {
			for _, d := range due {
				if err := s.tellDraft(d); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	over, err := draftsWhere(reader{ctx, h.readDB()}, `told AND expires_at <= ?`, care.FormatTime(now))
	if err != nil || len(over) == 0 {
		return err
	}
	return h.writer.write(ctx, func(t *tx) error {
		_, err := t.exec(`DELETE FROM drafts WHERE told AND expires_at <= ?`, care.FormatTime(now))
		return wrap("ending forms", err)
	})
}

// tellDraft asks whoever left a form half-filled to finish it, by a task in its
// case, once for each form. Of a case that is not here there is no task: their
// tablet says until when the hub keeps it.
func (s *session) tellDraft(d draftRow) error {
	if _, err := s.t.exec(`UPDATE drafts SET told = 1, expires_at = MAX(expires_at, ?) WHERE name = ?`, care.FormatTime(s.now.Add(DraftNotice)), d.name); err != nil {
		return wrap("telling of a form", err)
	}
	row, ok := s.world().Row("cases", d.of.Case)
	if !ok {
		return nil
	}
	n, err := fieldsync.ParseDraftName(d.name)
	if err != nil {
		return err
	}
	return s.consequence(care.FormUnfinished(s.world(), row, d.staff, n.Draft), row.Org)
}

// drafts tries to open every half-filled form.
func (v *verification) drafts() error {
	list, err := draftsWhere(v.r, `TRUE`)
	if err != nil {
		return err
	}
	for _, d := range list {
		plain, err := v.h.openKeptDraft(d)
		if errors.Is(err, ErrErased) {
			continue
		}
		var s fieldsync.Snapshot
		if err == nil {
			s, err = fieldsync.DecodeSnapshot(plain)
		}
		n, nameErr := fieldsync.ParseDraftName(d.name)
		if err != nil || nameErr != nil || s.Name(n.Replica) != n || s.Case != d.of.Case || s.Author != d.staff {
			v.fault("a half-filled form cannot be opened, or is not what it is called")
		}
	}
	v.report(Count{len(list), "half-filled forms"})
	return nil
}

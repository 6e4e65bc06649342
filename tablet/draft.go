package tablet

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"portolan/care"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// Half-filled forms. Of each part of the case that a form says something about
// there is a snapshot, sealed under the key of that part and, until the hub has
// it, to the hub. It goes to the other tablets of the same person; a form that
// is saved becomes changes, and ends.

// ErrForm says that a form is of no collection whose records belong to a case.
var ErrForm = &care.Error{Code: "form_unknown", Kind: care.Invalid, Hint: "A half-filled form is of a record of a case, and of fields that its collection has."}

// Form is a half-filled form. What stands in its fields need not be a value yet.
type Form struct {
	ID         string
	Collection string
	Record     string // that it becomes, or is about
	Case       string
	Fields     map[string]json.RawMessage
	Others     map[string][]json.RawMessage // what stands beside them: entered on two tablets, neither of which knew of the other
	Until      string                       // then the hub destroys it; "" while it knows nothing of it
	Unsent     bool
	Refused    string // why the hub does not take it, "" where it does
}

// draft is a row of the store.
type draft struct {
	name        fieldsync.DraftName
	sealed, box []byte // box is nil once the hub has it
	key         string
	over        []fieldsync.DraftName
	until       string
	refused     string
}

const draftColumns = `SELECT name, sealed, box, hub_key, over, until, refused FROM drafts WHERE `

func (x *tx) draftsWhere(where string, args ...any) (list []draft, err error) {
	err = x.each(func(scan func(...any) error) error {
		var d draft
		var name, over string
		if err := scan(&name, &d.sealed, &d.box, &d.key, &over, &d.until, &d.refused); err != nil {
			return fmt.Errorf("reading the tablet's forms: %w", err)
		}
		if d.name, err = fieldsync.ParseDraftName(name); err != nil {
			return fmt.Errorf("reading the tablet's forms: %w", err)
		}
		var names []string
		if err := json.Unmarshal([]byte(over), &names); err != nil {
			return fmt.Errorf("reading the tablet's forms: %w", err)
		}
		for _, n := range names {
			seen, err := fieldsync.ParseDraftName(n)
			if err != nil {
				return fmt.Errorf("reading the tablet's forms: %w", err)
			}
			d.over = append(d.over, seen)
		}
		list = append(list, d)
		return nil
	}, draftColumns+where+` ORDER BY name`, args...)
	return list, err
}

func (x *tx) saveDraft(caseID string, d draft) error {
	names := make([]string, len(d.over))
	for i, n := range d.over {
		names[i] = n.String()
	}
	over, err := json.Marshal(names)
	if err != nil {
		return fmt.Errorf("keeping a form: %w", err)
	}
	return x.exec(`INSERT INTO drafts (name, draft, scope, sealed, box, hub_key, over, until, refused) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, box = excluded.box, hub_key = excluded.hub_key, over = excluded.over, until = excluded.until, refused = excluded.refused`,
		d.name.String(), d.name.Draft, string(fieldsync.CaseScope(caseID, d.name.Part)), d.sealed, d.box, d.key, string(over), d.until, d.refused)
}

func draftPlace(n fieldsync.DraftName) seal.Place {
	return seal.Place{Collection: "drafts", Record: n.Replica, Field: n.String()}
}

// unsentDraftPlace is where what is sealed to the hub belongs (docs/protocol.md).
func unsentDraftPlace(n fieldsync.DraftName) seal.Place {
	return seal.Place{Collection: "unsent_drafts", Record: n.Replica, Field: n.String()}
}

// SaveDraft keeps a form as it stands, in the place of what was kept of it, and
// returns its id: a new one where it has none.
func (t *Tablet) SaveDraft(ctx context.Context, f Form) (string, error) {
	e, ok := care.Find(f.Collection)
	if !ok || e.Topic != care.NoTopic {
		return "", ErrForm
	}
	parts := map[care.Compartment]map[string]json.RawMessage{}
	for name, v := range f.Fields {
		field, ok := e.Field(name)
		if !ok {
			return "", fieldError(name, ErrForm)
		}
		if parts[field.Compartment] == nil {
			parts[field.Compartment] = map[string]json.RawMessage{}
		}
		parts[field.Compartment][name] = v
	}
	for _, id := range []*string{&f.ID, &f.Record} {
		if *id == "" {
			made, err := t.newID()
			if err != nil {
				return "", err
			}
			*id = made
		}
	}
	if f.Case == "" && f.Collection == "cases" {
		f.Case = f.Record
	}
	return f.ID, t.inTx(ctx, func(x *tx) error {
		if err := x.writable(); err != nil {
			return err
		}
		before, err := x.draftsWhere(`draft = ?`, f.ID)
		if err != nil {
			return err
		}
		for _, d := range before {
			if parts[d.name.Part] == nil {
				if err := x.dropSnapshot(d); err != nil {
					return err
				}
			}
		}
		for _, part := range slices.Sorted(maps.Keys(parts)) {
			if err := x.savePart(f, part, parts[part], before); err != nil {
				return err
			}
		}
		return nil
	})
}

// savePart makes a snapshot of one part of a form, in the place of those that
// its author has seen.
func (x *tx) savePart(f Form, part care.Compartment, fields map[string]json.RawMessage, before []draft) error {
	form, err := json.Marshal(fields)
	if err != nil {
		return fmt.Errorf("writing a form: %w", err)
	}
	id, err := x.identity()
	if err != nil {
		return err
	}
	if err := x.t.observe(x); err != nil {
		return err
	}
	s := fieldsync.Snapshot{Draft: f.ID, Collection: f.Collection, Record: f.Record, Case: f.Case, Part: part, Author: id.Staff,
		Clock: x.t.clock.Tick(), At: care.FormatTime(x.t.now()), Form: form}
	if err := x.setMeta(metaClock, string(s.Clock)); err != nil {
		return err
	}
	d := draft{name: s.Name(id.Replica)}
	for _, was := range before {
		if was.name.Part != part {
			continue
		}
		d.over = append(append(d.over, was.over...), was.name)
		if err := x.exec(`DELETE FROM drafts WHERE name = ?`, was.name.String()); err != nil {
			return err
		}
	}
	plain, err := s.Encode()
	if err != nil {
		return err
	}
	if d.sealed, err = x.sealPiece(fieldsync.CaseScope(f.Case, part), draftPlace(d.name), plain); err != nil {
		return err
	}
	if err := x.sealDraft(&d, plain); err != nil {
		return err
	}
	return x.saveDraft(f.Case, d)
}

// sealDraft seals a snapshot to the hub.
func (x *tx) sealDraft(d *draft, plain []byte) error {
	var to fieldsync.HubKey
	if err := x.metaJSON(metaHubKey, &to); err != nil {
		return err
	}
	public, err := base64.RawURLEncoding.DecodeString(to.Public)
	if err != nil {
		return errAnswer
	}
	d.key = to.ID
	d.box, err = seal.SealIntake(public, unsentDraftPlace(d.name), plain)
	return err
}

// Drafts lists the half-filled forms that can be read here, as far as they can.
func (t *Tablet) Drafts(ctx context.Context) (forms []Form, err error) {
	err = t.inTx(ctx, func(x *tx) error {
		if err := x.readable(); err != nil {
			return err
		}
		list, err := x.draftsWhere(`sealed IS NOT NULL`)
		if err != nil {
			return err
		}
		slices.SortStableFunc(list, func(a, b draft) int { // of each form the newest first
			return cmp.Or(cmp.Compare(a.name.Draft, b.name.Draft), cmp.Compare(b.name.Clock, a.name.Clock))
		})
		for _, d := range list {
			s, err := x.openDraft(d)
			if errors.Is(err, errNoKey) {
				continue
			}
			if err != nil {
				return err
			}
			if len(forms) == 0 || forms[len(forms)-1].ID != s.Draft {
				forms = append(forms, Form{ID: s.Draft, Collection: s.Collection, Record: s.Record, Case: s.Case,
					Fields: map[string]json.RawMessage{}, Others: map[string][]json.RawMessage{}})
			}
			if err := forms[len(forms)-1].take(d, s); err != nil {
				return err
			}
		}
		return nil
	})
	return forms, err
}

func (x *tx) openDraft(d draft) (fieldsync.Snapshot, error) {
	var scope fieldsync.Scope
	if err := x.tx.QueryRowContext(x.ctx, `SELECT scope FROM drafts WHERE name = ?`, d.name.String()).Scan((*string)(&scope)); err != nil {
		return fieldsync.Snapshot{}, fmt.Errorf("reading the tablet's forms: %w", err)
	}
	plain, err := x.openPiece(scope, draftPlace(d.name), d.sealed)
	if err != nil {
		return fieldsync.Snapshot{}, err
	}
	return fieldsync.DecodeSnapshot(plain)
}

func (f *Form) take(d draft, s fieldsync.Snapshot) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(s.Form, &fields); err != nil {
		return fmt.Errorf("reading a form: %w", err)
	}
	for name, v := range fields {
		had, there := f.Fields[name]
		switch {
		case !there:
			f.Fields[name] = v
		case string(had) != string(v):
			f.Others[name] = append(f.Others[name], v)
		}
	}
	f.Until, f.Unsent, f.Refused = cmp.Or(f.Until, d.until), f.Unsent || d.box != nil, cmp.Or(f.Refused, d.refused)
	return nil
}

// DropDraft discards a form, here and on its author's other tablets. What was
// entered there meanwhile stays there.
func (t *Tablet) DropDraft(ctx context.Context, id string) error {
	return t.inTx(ctx, func(x *tx) error {
		if err := x.writable(); err != nil {
			return err
		}
		return x.dropDraft(id)
	})
}

func (x *tx) dropDraft(id string) error {
	list, err := x.draftsWhere(`draft = ?`, id)
	for _, d := range list {
		if err := x.dropSnapshot(d); err != nil {
			return err
		}
	}
	return errors.Join(err, x.exec(`UPDATE drafts SET refused = ''`)) // there may be room now
}

// dropSnapshot forgets a snapshot, and has the hub forget it and what it was
// made over.
func (x *tx) dropSnapshot(d draft) error {
	for _, n := range append(d.over, d.name) {
		if err := x.exec(`INSERT OR IGNORE INTO draft_drops (name) VALUES (?)`, n.String()); err != nil {
			return err
		}
	}
	return x.exec(`DELETE FROM drafts WHERE name = ?`, d.name.String())
}

// draftsOut is what the next push says of forms, and whether more waits behind.
func (x *tx) draftsOut(bare bool, pushBytes int) (*fieldsync.Drafts, bool, error) {
	out := &fieldsync.Drafts{Have: []string{}}
	if err := x.resealDrafts(); err != nil {
		return nil, false, err
	}
	have, err := x.texts(`SELECT name FROM drafts WHERE box IS NULL ORDER BY name LIMIT ?`, fieldsync.DraftsNamedMax)
	if err != nil {
		return nil, false, err
	}
	out.Have = append(out.Have, have...)
	drops, err := x.texts(`SELECT name FROM draft_drops ORDER BY name LIMIT ?`, fieldsync.DraftsNamedMax)
	for _, name := range drops {
		n, err := fieldsync.ParseDraftName(name)
		if err != nil {
			return nil, false, err
		}
		out.Drop = append(out.Drop, n)
	}
	if err != nil {
		return nil, false, err
	}
	waiting, err := x.draftsWhere(`box IS NOT NULL AND refused = ''`)
	if err != nil {
		return nil, false, err
	}
	size := 0
	for i, d := range waiting {
		if size += len(d.box); bare || len(out.Put) == fieldsync.DraftsPutMax || i > 0 && size > pushBytes {
			out.Wait = uint64(len(waiting) - i)
			break
		}
		out.Put = append(out.Put, fieldsync.SealedDraft{Name: d.name, Over: d.over, Key: d.key, Box: d.box})
	}
	var refused uint64
	if err := x.tx.QueryRowContext(x.ctx, `SELECT COUNT(*) FROM drafts WHERE refused != ''`).Scan(&refused); err != nil {
		return nil, false, fmt.Errorf("reading the tablet's forms: %w", err)
	}
	more := out.Wait > 0 && !bare
	out.Wait += refused
	return out, more, nil
}

// metaDraftsAgain says that the hub was restored, and may lack what it had of
// the forms.
const metaDraftsAgain = "drafts_again"

// resealDrafts has the hub sent anew what it may have lost, or cannot open for
// want of its key: as far as this device can read it.
func (x *tx) resealDrafts() error {
	if x.t.keys.lockedBy() != nil {
		return nil
	}
	again, err := x.meta(metaDraftsAgain)
	if err != nil {
		return err
	}
	var to fieldsync.HubKey
	if err := x.metaJSON(metaHubKey, &to); err != nil {
		return err
	}
	list, err := x.draftsWhere(`sealed IS NOT NULL AND (box IS NULL AND ? OR refused = ? AND hub_key != ?)`, again != "", codeKeyGone, to.ID)
	if err != nil {
		return err
	}
	for _, d := range list {
		s, err := x.openDraft(d)
		if errors.Is(err, errNoKey) {
			continue
		}
		var plain []byte
		if err == nil {
			plain, err = s.Encode()
		}
		if err == nil {
			d.refused = ""
			err = errors.Join(x.sealDraft(&d, plain), x.saveDraft(s.Case, d))
		}
		if err != nil {
			return err
		}
	}
	if again == "" {
		return nil
	}
	return x.setMeta(metaDraftsAgain, "")
}

// draftsSaid takes what the hub says of snapshots: what it took of this push,
// also in an alarm, and which of those that are here it has no more.
func (x *tx) draftsSaid(said *fieldsync.DraftsSaid, alarm bool) error {
	for _, name := range said.Taken {
		if err := errors.Join(x.exec(`UPDATE drafts SET box = NULL, over = '[]' WHERE name = ?`, name), x.exec(`DELETE FROM draft_drops WHERE name = ?`, name),
			x.exec(`DELETE FROM drafts WHERE name = ? AND sealed IS NULL AND box IS NULL`, name)); err != nil {
			return err
		}
	}
	for name, code := range said.Refused {
		query, args := `UPDATE drafts SET refused = ? WHERE name = ?`, []any{code, name}
		if code == codeErased {
			query, args = `DELETE FROM drafts WHERE name = ?`, args[1:]
		}
		if err := x.exec(query, args...); err != nil {
			return err
		}
	}
	again, err := x.meta(metaDraftsAgain)
	if err != nil || alarm || again != "" {
		return err
	}
	for _, name := range said.Gone {
		if err := x.exec(`DELETE FROM drafts WHERE name = ? AND box IS NULL`, name); err != nil {
			return err
		}
	}
	return nil
}

// keepDraft takes a snapshot that another tablet of the same person made.
func (x *tx) keepDraft(k *fieldsync.KeptDraft) error {
	n, err := fieldsync.ParseDraftName(k.Name)
	if err != nil {
		return errAnswer
	}
	s, err := fieldsync.DecodeSnapshot(k.Snapshot)
	if err != nil || s.Name(n.Replica) != n {
		return errAnswer
	}
	if x.t.keys.lockedBy() != nil {
		return nil // it comes again
	}
	d := draft{name: n, until: k.Until}
	if d.sealed, err = x.sealPiece(fieldsync.CaseScope(s.Case, s.Part), draftPlace(n), k.Snapshot); err != nil {
		return err
	}
	return x.saveDraft(s.Case, d)
}

// DraftsUnsent counts the snapshots that the hub does not have yet.
func (t *Tablet) DraftsUnsent(ctx context.Context) (n int, err error) {
	err = t.inTx(ctx, func(x *tx) error {
		return x.tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM drafts WHERE box IS NOT NULL`).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("counting the tablet's forms: %w", err)
	}
	return n, nil
}

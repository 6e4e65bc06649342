package collections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"portolan/care"
	"portolan/seal"
)

// What an import remembers of its sources stands in import_keys and nowhere
// else: which record stands for which key, and which values a source has
// delivered already. Both are HMACs. Keys are looked for before anybody knows
// whose they are, so theirs is under the hub's secret, which lies with the
// wrapped keys; values are marked under a key that ends with the part of the
// case that they are in, so that none can be guessed from an old copy once it
// was erased.

// importMarkBytes is how much of a value's HMAC is kept: 66 bits. Two values
// of one field that share a mark are not to be met by chance.
const importMarkBytes = 11

// deliveredSource is the name under which the marks of a source's values stand
// beside its keys.
func deliveredSource(source string) string { return source + " values" }

// ImportedKey is the record that stands for a key of a source.
type ImportedKey struct {
	ID      string
	Existed bool // an import has met the key before
}

// ImportID is ImportIDs for one key.
func (h *Hub) ImportID(ctx context.Context, source, key string) (id string, existed bool, err error) {
	ids, err := h.ImportIDs(ctx, source, key)
	if err != nil {
		return "", false, err
	}
	return ids[0].ID, ids[0].Existed, nil
}

// ImportIDs gives the records that stand for the keys of a source, minted on
// first use. They are committed when it returns and before anything is made
// under them: an import that was broken off goes on under the same ids.
func (h *Hub) ImportIDs(ctx context.Context, source string, keys ...string) ([]ImportedKey, error) {
	if err := h.room(); err != nil {
		return nil, err
	}
	var out []ImportedKey
	err := h.writer.write(ctx, func(t *tx) error {
		s := &session{h: h, t: t}
		out = make([]ImportedKey, len(keys))
		for i, key := range keys {
			id, existed, err := s.keyedID(source, key)
			if err != nil {
				return err
			}
			out[i] = ImportedKey{id, existed}
		}
		return nil
	})
	return out, wrap("reserving ids for an import", err)
}

// Undelivered takes out of drafts, which stand for keys of a source, what
// there is no need to write: values that the source delivered before, whatever
// became of them since (a correction made here is not undone by reading the
// same file again), and values that stand already. It writes nothing.
func (h *Hub) Undelivered(ctx context.Context, source string, keys []string, drafts []Draft) ([]Draft, error) {
	out := make([]Draft, len(drafts))
	db := reader{ctx, h.readDB()}
	for i, d := range drafts {
		marks, err := h.deliveredMarks(db, source, keys[i])
		if err != nil {
			return nil, err
		}
		t, ok := h.tables[d.Collection]
		if !ok {
			return nil, &care.Error{Code: "unknown_collection", Kind: care.Invalid, Hint: "There is no collection of that name."}
		}
		rec, err := scanRecord(t, db.row(t.read, d.Record))
		if err != nil {
			return nil, err
		}
		var standing care.Row
		if rec != nil {
			if standing, err = rec.row(nil); err != nil {
				return nil, err
			}
		}
		m := marker{keys: h.keys, t: t}
		if len(marks) > 0 {
			if err := m.find(db, d.Record); err != nil {
				return nil, err
			}
		}
		if out[i], err = m.lessDelivered(d, marks, standing); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// marker marks the values of one record.
type marker struct {
	keys        *keyring
	t           *table
	org, caseID string // "" where nothing is known of it
}

// find looks for where a record belongs, also where all of it was held.
func (m *marker) find(q querier, record string) error {
	err := q.row(`SELECT org, case_id FROM changes WHERE record = ? ORDER BY seq LIMIT 1`, record).Scan(&m.org, &m.caseID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return wrap("looking for a record's case", err)
}

// mark is the mark of a value; "" where it was erased, or nothing is known.
func (m *marker) mark(field, value string) (string, error) {
	if m.org == "" {
		return "", nil
	}
	part, known := m.t.compartment(field)
	if !known {
		part = historyKeys
	}
	key, err := m.keys.toSeal(seal.Scope{Org: m.org, Case: m.caseID, Compartment: part})
	if errors.Is(err, ErrErased) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return macUnder(key.marks[:], "import_value", field, value)[:importMarkBytes], nil
}

func (m *marker) delivered(marks []string, field, value string) (bool, error) {
	if len(marks) == 0 {
		return false, nil
	}
	mark, err := m.mark(field, value)
	return mark != "" && slices.Contains(marks, mark), err
}

func (m *marker) lessDelivered(d Draft, marks []string, standing care.Row) (Draft, error) {
	set, add := map[string]care.Value{}, map[string][]string{}
	for field, v := range d.Set {
		had, err := m.delivered(marks, field, string(v))
		if err != nil {
			return d, err
		}
		if !had && !v.Equal(standing.Get(field)) {
			set[field] = v
		}
	}
	for field, elements := range d.Add {
		have := standing.Get(field).List()
		for _, e := range elements {
			had, err := m.delivered(marks, field, e)
			if err != nil {
				return d, err
			}
			if !had && !slices.Contains(have, e) {
				add[field] = append(add[field], e)
			}
		}
	}
	d.Set, d.Add = set, add
	return d, nil
}

// Delivered notes that a source delivered the values of drafts, which stand
// for keys of it. It is called when the door has them, applied or held.
func (h *Hub) Delivered(ctx context.Context, source string, keys []string, drafts []Draft) error {
	err := h.writer.write(ctx, func(t *tx) error {
		for i, d := range drafts {
			marks, err := h.marksOf(t, d)
			if err != nil {
				return err
			}
			if len(marks) == 0 {
				continue
			}
			old, err := h.deliveredMarks(t, source, keys[i])
			if err != nil {
				return err
			}
			all := slices.Compact(slices.Sorted(slices.Values(append(old, marks...))))
			if slices.Equal(all, old) {
				continue
			}
			if _, err := t.exec(`INSERT INTO import_keys (source, key, record) VALUES (?, ?, ?)
				ON CONFLICT (source, key) DO UPDATE SET record = excluded.record`,
				deliveredSource(source), h.mac("import_key", source, keys[i]), strings.Join(all, " ")); err != nil {
				return fmt.Errorf("writing what was delivered: %w", err)
			}
		}
		return nil
	})
	return wrap("noting what an import delivered", err)
}

// forgetImports forgets what imports remember of records: of which keys they
// are, and the marks of what was delivered for those.
func (t *tx) forgetImports(records string, args ...any) error {
	if _, err := t.exec(`DELETE FROM import_keys WHERE (source, key) IN (SELECT source || ?, key FROM import_keys WHERE record `+records+`)`,
		append([]any{deliveredSource("")}, args...)...); err != nil {
		return wrap("erasing what an import remembers", err)
	}
	_, err := t.exec(`DELETE FROM import_keys WHERE record `+records, args...)
	return wrap("erasing what an import remembers", err)
}

func (h *Hub) marksOf(q querier, d Draft) (marks []string, err error) {
	m := marker{keys: h.keys, t: h.tables[d.Collection]}
	if m.t == nil {
		return nil, nil
	}
	if err := m.find(q, d.Record); err != nil {
		return nil, err
	}
	add := func(field, value string) error {
		mark, err := m.mark(field, value)
		if mark != "" {
			marks = append(marks, mark)
		}
		return err
	}
	for field, v := range d.Set {
		if err := add(field, string(v)); err != nil {
			return nil, err
		}
	}
	for field, elements := range d.Add {
		for _, e := range elements {
			if err := add(field, e); err != nil {
				return nil, err
			}
		}
	}
	return marks, nil
}

func (h *Hub) deliveredMarks(db querier, source, key string) ([]string, error) {
	var marks string
	err := db.row(`SELECT record FROM import_keys WHERE source = ? AND key = ?`,
		deliveredSource(source), h.mac("import_key", source, key)).Scan(&marks)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading what was delivered: %w", err)
	}
	return strings.Fields(marks), nil
}

package collections

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"portolan/care"
	fieldsync "portolan/sync"
)

// follow does what a change entails: who may see what, and the changes that
// the hub's own rules make because of it.
func (s *session) follow(a *arrival, rec *record, before care.Row, effects []effect) error {
	if err := s.access(rec); err != nil {
		return err
	}
	after, err := rec.row(nil)
	if err != nil {
		return err
	}
	actor := a.actor
	if actor.Staff == s.actor.Staff {
		actor.Grants = s.grants
	}
	consequences := care.Consequences(world{s}, actor, before, after, effectNames(effects))
	if len(consequences) == 0 {
		return nil
	}
	if s.depth >= consequencesDeepMax {
		return &care.Error{Code: HeldTooDeep, Kind: care.Unprocessed, Hint: "The hub's rules answer each other without end. This is a fault of Portolan; please report it."}
	}
	s.depth++
	defer func() { s.depth-- }()
	for _, c := range consequences {
		if err := s.consequence(c, rec.org); err != nil {
			return err
		}
	}
	return nil
}

// consequence makes one change of the hub's rules. What a rule wants to make
// anew is made once, whatever happens again later.
func (s *session) consequence(c care.Consequence, org string) error {
	d := Draft{Collection: c.Collection, Record: c.Record, Case: c.Case, Org: c.Org, Set: c.Set, Add: c.Add}
	if d.Org == "" {
		d.Org = org
	}
	if d.Record == "" {
		id, existed, err := s.keyedID("consequence", c.Collection+"\x00"+c.Key)
		if err != nil || existed {
			return err
		}
		d.Record = id
	}
	a, err := s.hubChange(s.h.HubActor(), d)
	if err != nil {
		return err
	}
	_, err = s.take(a, nil)
	return err
}

// keyedID is the id of the record that stands for a key of a source, minted on
// first use. Only an HMAC of the key is kept.
func (s *session) keyedID(source, key string) (id string, existed bool, err error) {
	mac := s.h.mac("import_key", source, key)
	err = s.t.row(`SELECT record FROM import_keys WHERE source = ? AND key = ?`, source, mac).Scan(&id)
	if err == nil {
		return id, true, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return "", false, fmt.Errorf("reading a key: %w", err)
	}
	id = s.h.newID()
	if _, err := s.t.exec(`INSERT INTO import_keys (source, key, record) VALUES (?, ?, ?)`, source, mac, id); err != nil {
		return "", false, fmt.Errorf("writing a key: %w", err)
	}
	return id, false, nil
}

// world is what the rules may look at: the state inside this transaction.
type world struct{ s *session }

// Now is the moment of the transaction.
func (w world) Now() time.Time { return w.s.now }

// Row gives the values in force of one record.
func (w world) Row(collection, id string) (care.Row, bool) {
	t, ok := w.s.h.tables[collection]
	if !ok || id == "" {
		return care.Row{}, false
	}
	rec, err := w.s.load(t, id)
	return w.out(rec, err)
}

func (w world) out(rec *record, err error) (care.Row, bool) {
	if err == nil && rec != nil {
		row, rowErr := rec.row(nil)
		if rowErr == nil {
			return row, true
		}
		err = rowErr
	}
	if err != nil {
		panic(worldError{err}) // a rule cannot go on without its facts; the door turns it into an error
	}
	return care.Row{}, false
}

// ByField gives every record whose routing field has the value.
func (w world) ByField(collection, field, value string) []care.Row {
	t, ok := w.s.h.tables[collection]
	if !ok {
		return nil
	}
	if f, ok := t.entity.Field(field); !ok || !f.Routing {
		panic(worldError{fmt.Errorf("a rule looks for %s.%s, which is no routing field", collection, field)})
	}
	return w.many(t, t.readWhere(field), value)
}

// OfCase gives every record of a case in a collection.
func (w world) OfCase(collection, caseID string) []care.Row {
	t, ok := w.s.h.tables[collection]
	if !ok || caseID == "" {
		return nil
	}
	return w.many(t, t.readWhere("case_id"), caseID)
}

func (w world) many(t *table, query, arg string) []care.Row {
	rows, err := w.s.t.rows(query, arg)
	if err != nil {
		panic(worldError{err})
	}
	defer rows.Close()
	var out []care.Row
	for rows.Next() {
		rec, err := scanRecord(t, rows)
		if row, ok := w.out(rec, err); ok {
			out = append(out, row)
		}
	}
	if err := rows.Err(); err != nil {
		panic(worldError{err})
	}
	return out
}

// worldError carries a database error out of a rule, which has no way to
// return one.
type worldError struct{ err error }

// caught turns a worldError back into an error.
func caught(err *error) {
	switch r := recover().(type) {
	case nil:
	case worldError:
		*err = fmt.Errorf("asking the rules: %w", r.err)
	default:
		panic(r)
	}
}

func (s *session) storedDigest(scope fieldsync.Scope) (fieldsync.Digest, error) {
	var text string
	err := s.t.row(`SELECT digest FROM scope_digests WHERE scope = ?`, string(scope)).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return fieldsync.Digest{}, nil
	}
	if err != nil {
		return fieldsync.Digest{}, fmt.Errorf("reading a digest: %w", err)
	}
	return fieldsync.ParseDigest(text)
}

package collections

import (
	"database/sql"
	"errors"
	"fmt"

	"portolan/care"
	fieldsync "portolan/sync"
)

// follow does what a change entails: who may see what, and the changes that
// the hub's own rules make because of it.
func (s *session) follow(a *arrival, rec *record, before care.Row, effects []effect) error {
	if err := s.access(rec); err != nil {
		return err
	}
	after := rec.asked()
	s.closed(rec, before, after)
	consequences := care.Consequences(s.world(), s.author(a, rec.caseID), before, after, effectNames(effects))
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

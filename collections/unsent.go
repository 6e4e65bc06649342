package collections

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"portolan/care"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// A tablet seals each change to a key of the hub's as it saves it, so that it
// still delivers what it must not read any more. The hub publishes one such
// key for each organisation and makes a new one now and then; the private
// parts live as long as somebody may come with what was sealed to them.
const (
	unsentKeyAge = 7 * day // then there is a new one
	// A key opens what was sealed to it until every tablet that was given it
	// has met the hub or has to be enrolled anew: that is longer than the
	// longest lease, under which anything can be written.
	unsentKeyTerm = DeviceTerm + LeaseDaysMin*day
)

const unsentKeysTable = `CREATE TABLE IF NOT EXISTS unsent_keys (
	id INTEGER PRIMARY KEY NOT NULL, org TEXT NOT NULL, epoch INTEGER NOT NULL, public BLOB NOT NULL, sealed BLOB NOT NULL,
	made_at TEXT NOT NULL, UNIQUE (org, epoch))`

// Errors of what was sealed on a tablet.
var (
	ErrUnsentKey = &care.Error{Code: "unsent_key_gone", Kind: care.Conflict, Hint: "The hub's key to what this tablet sealed is gone: it was too long ago, or the hub was put back from an older copy. Sync once without it; where the tablet opens again, it sends what it can read."}
	ErrUnsent    = &care.Error{Code: "unsent_sealed_wrong", Kind: care.Invalid, Hint: "What was sealed does not open, or is not what the chain says. Nothing was taken."}
)

func unsentPlace(of fieldsync.Dot) seal.Place {
	return seal.Place{Collection: "unsent", Record: of.Replica(), Field: strconv.FormatUint(of.N(), 10)}
}

func unsentKeyPlace(id int64) seal.Place {
	return seal.Place{Collection: "unsent_keys", Record: fmtKeyID(uint64(id)), Field: "private"}
}

// UnsentKeyFor is the key to which a tablet of an organisation seals what is
// unsent; nil where that is the one that it has.
func (h *Hub) UnsentKeyFor(ctx context.Context, org, has string) (*fieldsync.HubKey, error) {
	var id int64
	err := h.keys.db.QueryRowContext(ctx, `SELECT id FROM unsent_keys WHERE org = ? ORDER BY epoch DESC LIMIT 1`, org).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		id, err = h.newUnsentKey(ctx, org, 0)
	}
	if err != nil {
		return nil, wrap("reading the key for what is unsent", err)
	}
	if fmtKeyID(uint64(id)) == has {
		return nil, nil
	}
	var public []byte
	if err := h.keys.db.QueryRowContext(ctx, `SELECT public FROM unsent_keys WHERE id = ?`, id).Scan(&public); err != nil {
		return nil, wrap("reading the key for what is unsent", err)
	}
	return &fieldsync.HubKey{ID: fmtKeyID(uint64(id)), Public: base64.RawURLEncoding.EncodeToString(public)}, nil
}

// newUnsentKey makes the key of the epoch after one, or finds the one that
// somebody else made meanwhile.
func (h *Hub) newUnsentKey(ctx context.Context, org string, after int) (id int64, err error) {
	private, public, err := seal.NewIntakeKey()
	if err != nil {
		return 0, err
	}
	made, err := h.keys.newKeyID()
	if err != nil {
		return 0, err
	}
	sealed, err := h.sealSecret(unsentKeyPlace(int64(made)), private)
	if err != nil {
		return 0, err
	}
	if err := h.keys.flush(ctx); err != nil {
		return 0, err
	}
	if _, err := h.keys.db.ExecContext(ctx, `INSERT INTO unsent_keys (id, org, epoch, public, sealed, made_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (org, epoch) DO NOTHING`, int64(made), org, after+1, public, sealed, h.nowText()); err != nil {
		return 0, wrap("keeping a key for what is unsent", err)
	}
	err = h.keys.db.QueryRowContext(ctx, `SELECT id FROM unsent_keys WHERE org = ? AND epoch = ?`, org, after+1).Scan(&id)
	return id, wrap("reading the key for what is unsent", err)
}

// tendUnsentKeys makes new keys for what is unsent where the last has served
// for a while, and destroys those that nobody can come with any more: what
// was sealed to them opens nowhere then.
func (h *Hub) tendUnsentKeys(ctx context.Context) error {
	now := h.now()
	rows, err := h.keys.db.QueryContext(ctx, `SELECT org, MAX(epoch) FROM unsent_keys GROUP BY org HAVING MAX(made_at) <= ?`, care.FormatTime(now.Add(-unsentKeyAge)))
	if err != nil {
		return wrap("reading the keys for what is unsent", err)
	}
	defer rows.Close()
	due := map[string]int{}
	for rows.Next() {
		var org string
		var epoch int
		if err := rows.Scan(&org, &epoch); err != nil {
			return wrap("reading the keys for what is unsent", err)
		}
		due[org] = epoch
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return wrap("reading the keys for what is unsent", err)
	}
	for org, epoch := range due {
		if _, err := h.newUnsentKey(ctx, org, epoch); err != nil {
			return err
		}
	}
	return h.keys.endUnsentKeys(ctx, now)
}

// endUnsentKeys destroys the keys whose successor was made so long ago that
// no tablet can come with what is sealed to them.
func (k *keyring) endUnsentKeys(ctx context.Context, now time.Time) error {
	const over = ` FROM unsent_keys AS o WHERE EXISTS (SELECT 1 FROM unsent_keys n WHERE n.org = o.org AND n.epoch > o.epoch AND n.made_at <= ?)`
	limit := care.FormatTime(now.Add(-unsentKeyTerm))
	var n int
	if err := k.db.QueryRowContext(ctx, `SELECT COUNT(*)`+over, limit).Scan(&n); err != nil || n == 0 {
		return wrap("reading the keys for what is unsent", err)
	}
	if _, err := k.db.ExecContext(ctx, `DELETE`+over, limit); err != nil {
		return wrap("destroying keys", err)
	}
	return k.scrub(ctx)
}

// unsealed gives the changes of a push as their bytes: what was sealed on the
// tablet is opened, and is what the chain says. was has those that were sealed.
// One of an earlier replica must be of whoever delivers it: they hear what is
// held of them, and what lies sealed on a tablet that was lost is not opened
// for its finder.
func (h *Hub) unsealed(ctx context.Context, staff string, p fieldsync.Push) (changes []json.RawMessage, was map[int]fieldsync.Sealed, err error) {
	for i, raw := range p.Changes {
		c, sealed, err := fieldsync.AsSealed(raw)
		if err != nil {
			return nil, nil, err
		}
		if !sealed {
			continue
		}
		if was == nil {
			was, changes = map[int]fieldsync.Sealed{}, slices.Clone(p.Changes)
		}
		if changes[i], err = h.openUnsent(ctx, c); err != nil {
			return nil, nil, err
		}
		if c.Of.Replica() != p.Replica && fieldsync.AuthorOf(changes[i]) != staff {
			return nil, nil, ErrUnsent
		}
		was[i] = c
	}
	if was == nil {
		changes = p.Changes
	}
	return changes, was, nil
}

func (h *Hub) openUnsent(ctx context.Context, c fieldsync.Sealed) (json.RawMessage, error) {
	raw, err := h.openSealed(ctx, c.Key, unsentPlace(c.Of), c.Box)
	if err != nil {
		return nil, err
	}
	if sha256.Sum256(raw) != c.Sum {
		return nil, ErrUnsent
	}
	if n, err := fieldsync.NumberOf(raw); err != nil || n != c.Of.N() {
		return nil, ErrUnsent
	}
	return raw, nil
}

// openSealed opens what a tablet sealed for a place to the key with an id.
func (h *Hub) openSealed(ctx context.Context, key string, at seal.Place, box []byte) ([]byte, error) {
	id, err := strconv.ParseUint(key, 16, 64)
	if err != nil || fmtKeyID(id) != key {
		return nil, ErrUnsentKey
	}
	var sealed []byte
	err = h.keys.db.QueryRowContext(ctx, `SELECT sealed FROM unsent_keys WHERE id = ?`, int64(id)).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrUnsentKey
	}
	if err != nil {
		return nil, wrap("reading the key for what is unsent", err)
	}
	private, err := h.openSecret(unsentKeyPlace(int64(id)), sealed)
	if err != nil {
		return nil, err
	}
	raw, err := seal.OpenIntake(private, at, box)
	if err != nil {
		return nil, ErrUnsent
	}
	return raw, nil
}

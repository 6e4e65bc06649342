package tablet

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	fieldsync "portolan/sync"
)

// The store keeps, for each record and scope that this device may see, the
// registers as the hub sent them, and beside them those with this device's own
// unsent changes on top, which is what is shown. Registers are read and written
// in registers.go only.
const tables = `
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
	id TEXT PRIMARY KEY, collection TEXT NOT NULL, org TEXT NOT NULL, case_id TEXT NOT NULL,
	created_by TEXT NOT NULL, made_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_listed ON records (collection, case_id, made_at, id);
CREATE TABLE IF NOT EXISTS pieces (
	record TEXT NOT NULL, scope TEXT NOT NULL,
	hub BLOB,                        -- sealed: registers as the hub sent them, NULL while only this device knows of any
	local BLOB,                      -- sealed: those with unsent changes on top, NULL where there are none
	digest TEXT NOT NULL DEFAULT '', -- of the hub's registers
	stale INTEGER NOT NULL DEFAULT 0, -- its scope is being sent anew and this record has not come yet
	UNIQUE (record, scope)
);
CREATE INDEX IF NOT EXISTS pieces_scope ON pieces (scope);
CREATE INDEX IF NOT EXISTS pieces_stale ON pieces (scope) WHERE stale = 1;
CREATE INDEX IF NOT EXISTS pieces_empty ON pieces (record) WHERE hub IS NULL AND local IS NULL;
CREATE INDEX IF NOT EXISTS pieces_local ON pieces (record) WHERE local IS NOT NULL;
-- A record of which the device holds no field is none. Whoever looked for them
-- would read the whole store at each sync.
CREATE TRIGGER IF NOT EXISTS records_end AFTER DELETE ON pieces BEGIN
	DELETE FROM records WHERE id = OLD.record AND NOT EXISTS (SELECT 1 FROM pieces WHERE record = OLD.record);
END;
CREATE TABLE IF NOT EXISTS scopes (scope TEXT PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
	replica TEXT NOT NULL, n INTEGER NOT NULL,
	record TEXT NOT NULL,
	raw BLOB,                        -- sealed under the key of each scope that it writes to; NULL once one of them is evicted
	sum BLOB NOT NULL,               -- hash of the change, which the chain is over
	link TEXT NOT NULL,              -- the chain after this change
	sealed BLOB,                     -- the change sealed to the hub, until it has a receipt
	hub_key TEXT NOT NULL,           -- to which key of the hub's
	sealed_of TEXT NOT NULL,         -- as which change: of an earlier replica, where this device was enrolled anew since
	receipt TEXT,                    -- the hub's answer, NULL before there is one
	settled INTEGER NOT NULL DEFAULT 0, -- what became of it is in what the hub has sent
	PRIMARY KEY (replica, n)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS outbox_open ON outbox (record, n) WHERE settled = 0;
CREATE TABLE IF NOT EXISTS outbox_scopes (
	replica TEXT NOT NULL, n INTEGER NOT NULL, scope TEXT NOT NULL, PRIMARY KEY (scope, replica, n)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS outbox_scopes_change ON outbox_scopes (replica, n);
CREATE TABLE IF NOT EXISTS files (
	document TEXT NOT NULL,
	up INTEGER NOT NULL,             -- on its way to the hub, else from it
	scope TEXT NOT NULL,
	facts BLOB,                      -- sealed under the key of the scope: hash, type, length, and what the hub calls it; NULL once it is evicted
	-- Of one that goes up:
	sealed BLOB,                     -- its key, and what the hub must know of it, sealed to the hub
	hub_key TEXT NOT NULL DEFAULT '', -- to which key of the hub's
	sealed_of TEXT NOT NULL DEFAULT '', -- under which replica
	length INTEGER NOT NULL DEFAULT 0, -- as it lies
	place TEXT NOT NULL DEFAULT '',  -- what the hub calls it as it was sealed
	PRIMARY KEY (document, up)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS drafts (
	name TEXT PRIMARY KEY, draft TEXT NOT NULL, scope TEXT NOT NULL,
	sealed BLOB,                     -- under the key of the scope; NULL once it is evicted
	box BLOB,                        -- sealed to the hub, until it has it
	hub_key TEXT NOT NULL,           -- to which key of the hub's
	over TEXT NOT NULL,              -- snapshots that it takes the place of at the hub
	until TEXT NOT NULL,             -- when the hub destroys it
	refused TEXT NOT NULL            -- why the hub does not take it
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS draft_drops (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS file_pieces (
	document TEXT NOT NULL, up INTEGER NOT NULL, at INTEGER NOT NULL, length INTEGER NOT NULL,
	sealed BLOB NOT NULL, PRIMARY KEY (document, up, at)
) WITHOUT ROWID;
`

// Keys of the table meta.
const (
	metaURL         = "url"
	metaFingerprint = "fingerprint"
	metaDevice      = "device"
	metaReplica     = "replica"
	metaStaff       = "staff"
	metaOrg         = "org"
	metaHub         = "hub"
	metaCursor      = "cursor"
	metaClock       = "clock"     // last clock value written or seen
	metaShift       = "shift_ms"  // hub's clock before ours
	metaSigned      = "signed_at" // time of the last signed request, in milliseconds
	metaMet         = "met"       // the last time that is known from the hub
	metaHubKey      = "hub_key"   // to which changes are sealed
	metaEnded       = "ended"     // why the hub ended this replica
	metaN           = "n"         // number of the last change
	metaLink        = "link"      // chain after the last change
	metaSynced      = "synced_at"
	metaRecounted   = "recounted_at" // when the digests were last worked out from the registers
	metaRepaired    = "repaired_at"  // when everything was last sent anew since the digest differed
	metaPace        = "pace"         // bytes that the line carries in one push
	metaOffers      = "offers"       // from which number a restored hub is given back what it lacks; offersLast: it is to say so yet
	metaWitness     = "log_witness"  // what is remembered of the hub's audit log
	metaAlarm       = "log_alarm"    // what was wrong with it, "" where nothing was
)

// tx is one immediate transaction on the store. A statement is prepared once
// in it: an intake runs the same few some thousand times.
type tx struct {
	t        *Tablet
	ctx      context.Context
	tx       *sql.Tx
	prepared map[string]*sql.Stmt // the end of the transaction closes them

	looked, quiet bool // whether a change of this device waits to be settled was looked for, and there is none
}

func (x *tx) prepare(query string) (*sql.Stmt, error) {
	if s, ok := x.prepared[query]; ok {
		return s, nil
	}
	s, err := x.tx.PrepareContext(x.ctx, query)
	if err != nil {
		return nil, err
	}
	x.prepared[query] = s
	return s, nil
}

// inTx runs f in one transaction: all of it stands, or nothing.
func (t *Tablet) inTx(ctx context.Context, f func(x *tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// It waits for nobody: whoever hangs up finds it done or not begun. A
	// context that can end costs a goroutine for each statement.
	ctx = context.WithoutCancel(ctx)
	s, err := t.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning to write the tablet's store: %w", err)
	}
	x := &tx{t: t, ctx: ctx, tx: s, prepared: map[string]*sql.Stmt{}}
	if err = x.openKeys(); err == nil {
		err = f(x)
	}
	if err != nil {
		t.keys.stale = true // what was removed with its key is there again
		if back := s.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
			return errors.Join(err, back)
		}
		return err
	}
	if err := s.Commit(); err != nil {
		return fmt.Errorf("writing the tablet's store: %w", err)
	}
	return nil
}

func (x *tx) exec(query string, args ...any) error {
	s, err := x.prepare(query)
	if err == nil {
		_, err = s.ExecContext(x.ctx, args...)
	}
	if err != nil {
		return fmt.Errorf("writing the tablet's store: %w", err)
	}
	return nil
}

func (x *tx) meta(key string) (string, error) {
	var v string
	err := x.tx.QueryRowContext(x.ctx, `SELECT value FROM meta WHERE key = ?`, key).Scan(&v)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("reading the tablet's store: %w", err)
	}
	return v, nil
}

func (x *tx) setMeta(key, value string) error {
	return x.exec(`INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
}

// each runs a query and calls row for each of its rows.
func (x *tx) each(row func(scan func(...any) error) error, query string, args ...any) error {
	s, err := x.prepare(query)
	if err != nil {
		return fmt.Errorf("reading the tablet's store: %w", err)
	}
	rows, err := s.QueryContext(x.ctx, args...)
	if err != nil {
		return fmt.Errorf("reading the tablet's store: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading the tablet's store: %w", err)
	}
	return nil
}

// texts returns the one column of a query.
func (x *tx) texts(query string, args ...any) ([]string, error) {
	var out []string
	err := x.each(func(scan func(...any) error) error {
		var s string
		if err := scan(&s); err != nil {
			return fmt.Errorf("reading the tablet's store: %w", err)
		}
		out = append(out, s)
		return nil
	}, query, args...)
	return out, err
}

// digests reads the digest of each scope that the device holds.
func (x *tx) digests() (map[fieldsync.Scope]fieldsync.Digest, error) {
	out := map[fieldsync.Scope]fieldsync.Digest{}
	err := x.each(func(scan func(...any) error) error {
		var s, d string
		if err := scan(&s, &d); err != nil {
			return fmt.Errorf("reading the tablet's digests: %w", err)
		}
		digest, err := parseDigest(d)
		out[fieldsync.Scope(s)] = digest
		return err
	}, `SELECT scope, digest FROM scopes`)
	return out, err
}

// parseDigest reads a stored digest; nothing stored is zero.
func parseDigest(s string) (fieldsync.Digest, error) {
	if s == "" {
		return fieldsync.Digest{}, nil
	}
	return fieldsync.ParseDigest(s)
}

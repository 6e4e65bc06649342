package tablet

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"portolan/care"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// The keys of a tablet. The passphrase opens the device's root (device.key),
// from which the key that signs is derived. The root and the hub's lease key
// together open the store key; neither of them alone does. The store key wraps
// a key for each scope, and these seal what is stored. Lease, store key and
// scope keys lie in a database of their own, so that destroying one of them
// destroys what it sealed, wherever that lies.
const keyTables = `
CREATE TABLE IF NOT EXISTS leases (device TEXT PRIMARY KEY, until TEXT NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stores (device TEXT PRIMARY KEY, wrapped BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS scopes (scope TEXT PRIMARY KEY, id INTEGER NOT NULL, wrapped BLOB NOT NULL) WITHOUT ROWID;
`

// clockSlack is how far this device's clock may be put back before that looks
// like somebody who wants an old lease to last.
const clockSlack = 10 * time.Minute

// Errors of a locked store. Nothing is lost by any of them.
var (
	ErrLocked     = &care.Error{Code: "tablet_locked", Kind: care.Signin, Hint: "The tablet is locked: its passphrase opens it."}
	ErrPassphrase = &care.Error{Code: seal.ErrPassphrase.Code, Kind: care.Signin, Hint: "This passphrase does not open this tablet. Nothing was altered. Where it is forgotten: wipe, and enrol this same folder again; what was not sent is delivered then."}
	ErrShort      = &care.Error{Code: "passphrase_short", Kind: care.Invalid, Hint: "A passphrase has at least 20 characters: five plain words, drawn by lot."}
	ErrLease      = &care.Error{Code: "lease_over", Kind: care.Signin, Hint: "This tablet has not met its hub for longer than its lease lasts, or its clock was put back: it opens again with the next sync. Nothing is lost."}
)

// errNoKey says that the key of a scope is destroyed.
var errNoKey = errors.New("the key of a scope is destroyed")

// keys is a tablet's keys, as far as they are open.
type keys struct {
	db   *sql.DB
	rand io.Reader

	device *device   // nil while nobody gave the passphrase
	store  *seal.Box // nil while there is no lease
	until  time.Time // of the lease with which the store was opened

	version int64 // of the database, when it was looked at last
	scopes  map[fieldsync.Scope]*seal.Box
	stale   bool // keys were destroyed whose rows may still be there
}

// device is what the passphrase opens.
type device struct {
	name string // of its root: what is sealed under an earlier one is told apart
	seed []byte // of the key that signs
	root seal.Key
	box  *seal.Box
}

// deviceOf derives from a root what the device needs of it.
func deviceOf(root seal.Key) (*device, error) {
	d := &device{root: root, box: seal.RootBox(root)}
	d.name = strconv.FormatUint(d.box.ID(), 16)
	var err error
	d.seed, err = hkdf.Key(sha256.New, root[:], nil, "portolan tablet signing key 1", seal.KeyBytes)
	return d, err
}

// unlocking is the key that opens the store: of root and lease together.
func (d *device) unlocking(lease []byte) (*seal.Box, error) {
	b, err := hkdf.Key(sha256.New, d.root[:], lease, "portolan tablet store 1", seal.KeyBytes)
	if err != nil {
		return nil, fmt.Errorf("deriving the store's key: %w", err)
	}
	return seal.NewBox(0, seal.Key(b)), nil
}

func (d *device) storeName() seal.KeyName {
	return seal.KeyName{Scope: seal.Scope{Org: d.name, Compartment: "store"}}
}

func (d *device) leasePlace(until string) seal.Place {
	return seal.Place{Collection: "lease", Record: d.name, Field: until}
}

func openKeys(dir string, rand io.Reader) (*keys, error) {
	db, err := openSQLite(filepath.Join(dir, keysFile), "journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(20000)", "secure_delete(1)")
	if err != nil {
		return nil, fmt.Errorf("opening the tablet's keys: %w", err)
	}
	if _, err := db.Exec(keyTables); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the tablet's keys: %w", err), db.Close())
	}
	return &keys{db: db, rand: rand}, guard(dir, keysFile)
}

// destroy deletes keys: overwritten in the file, and gone from its
// write-ahead log once it returns.
func (k *keys) destroy(ctx context.Context, query string, args ...any) error {
	k.stale, k.scopes = true, nil
	if _, err := k.db.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("destroying keys: %w", err)
	}
	var busy, frames, moved int
	if err := k.db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &frames, &moved); err != nil {
		return fmt.Errorf("destroying keys: %w", err)
	}
	if busy != 0 {
		return fmt.Errorf("destroying keys: somebody reads them for long: %w", ErrSyncing)
	}
	return nil
}

// destroyScope destroys the key of a scope.
func (k *keys) destroyScope(ctx context.Context, s fieldsync.Scope) error {
	open := k.scopes
	delete(open, s)
	defer func() { k.scopes = open }()
	return k.destroy(ctx, `DELETE FROM scopes WHERE scope = ?`, string(s))
}

// destroyAll destroys every key: nothing that is here opens any more.
func (k *keys) destroyAll(ctx context.Context) error {
	k.close()
	for _, q := range []string{`DELETE FROM scopes`, `DELETE FROM stores`, `DELETE FROM leases`} {
		if err := k.destroy(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

func (k *keys) exec(ctx context.Context, query string, args ...any) error {
	if _, err := k.db.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("writing the tablet's keys: %w", err)
	}
	return nil
}

// keep writes a lease for a device, and the store key under both.
func (k *keys) keep(ctx context.Context, d *device, l fieldsync.Lease, store *seal.Key) error {
	lease, err := base64.RawURLEncoding.DecodeString(l.Key)
	if err != nil || len(lease) != seal.KeyBytes {
		return errAnswer
	}
	sealed, err := d.box.Seal(nil, k.rand, d.leasePlace(l.Until), lease)
	if err != nil {
		return err
	}
	if store != nil {
		unlocking, err := d.unlocking(lease)
		if err != nil {
			return err
		}
		wrapped, err := unlocking.Wrap(k.rand, d.storeName(), *store)
		if err != nil {
			return err
		}
		if err := k.exec(ctx, `INSERT INTO stores (device, wrapped) VALUES (?, ?) ON CONFLICT (device) DO UPDATE SET wrapped = excluded.wrapped`, d.name, wrapped); err != nil {
			return err
		}
	}
	return k.exec(ctx, `INSERT INTO leases (device, until, sealed) VALUES (?, ?, ?)
		ON CONFLICT (device) DO UPDATE SET until = excluded.until, sealed = excluded.sealed`, d.name, l.Until, sealed)
}

// begin makes a store anew, whose key nothing that is here was sealed under.
func (k *keys) begin(ctx context.Context, d *device, l fieldsync.Lease) error {
	if err := k.destroyAll(ctx); err != nil {
		return err
	}
	store, err := seal.NewKey(k.rand)
	if err != nil {
		return err
	}
	if err := k.keep(ctx, d, l, &store); err != nil {
		return err
	}
	end, err := time.Parse(care.TimeFormat, l.Until)
	if err != nil {
		return errAnswer
	}
	k.device, k.store, k.until = d, seal.RootBox(store), end
	return nil
}

// lease is until when the hub's part of the store key is here, "" where it is
// not, or is no good.
func (k *keys) lease(ctx context.Context) (until string, err error) {
	if k.store == nil {
		return "", nil
	}
	err = k.db.QueryRowContext(ctx, `SELECT COALESCE(MAX(until), '') FROM leases WHERE device = ?`, k.device.name).Scan(&until)
	if err != nil {
		return "", fmt.Errorf("reading the tablet's keys: %w", err)
	}
	return until, nil
}

// storeKey opens the store key; nil where there is no lease for it.
func (k *keys) storeKey(ctx context.Context, d *device) (*seal.Key, time.Time, error) {
	var until string
	var sealed, wrapped []byte
	err := k.db.QueryRowContext(ctx, `SELECT l.until, l.sealed, s.wrapped FROM leases l JOIN stores s ON s.device = l.device WHERE l.device = ?`, d.name).
		Scan(&until, &sealed, &wrapped)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("reading the tablet's keys: %w", err)
	}
	end, err := time.Parse(care.TimeFormat, until)
	if err != nil {
		return nil, end, seal.ErrDamaged
	}
	lease, err := d.box.Open(nil, d.leasePlace(until), sealed)
	if err != nil {
		return nil, end, err
	}
	unlocking, err := d.unlocking(lease)
	if err != nil {
		return nil, end, err
	}
	store, err := unlocking.Unwrap(d.storeName(), wrapped)
	return &store, end, err
}

// open opens the store, where its lease is here. One that was altered is none:
// the hub gives it again.
func (k *keys) open(ctx context.Context) error {
	k.close()
	store, until, err := k.storeKey(ctx, k.device)
	var sealed *care.Error
	if errors.As(err, &sealed) && sealed.Kind == care.Damaged {
		return nil
	}
	if err != nil || store == nil {
		return err
	}
	k.store, k.until = seal.RootBox(*store), until
	return nil
}

// close forgets the keys that were opened.
func (k *keys) close() { k.store, k.scopes = nil, nil }

// altered says whether keys were destroyed, or altered by another process,
// since they were read.
func (k *keys) altered(ctx context.Context) (bool, error) {
	before := k.version
	if err := k.db.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&k.version); err != nil {
		return false, fmt.Errorf("reading the tablet's keys: %w", err)
	}
	return k.version != before, nil
}

// load reads the keys of the scopes, where they are not open. It says whether
// it did.
func (k *keys) load(ctx context.Context) (bool, error) {
	if k.scopes != nil {
		return false, nil
	}
	rows, err := k.db.QueryContext(ctx, `SELECT scope, id, wrapped FROM scopes`)
	if err != nil {
		return false, fmt.Errorf("reading the tablet's keys: %w", err)
	}
	defer rows.Close()
	scopes := map[fieldsync.Scope]*seal.Box{}
	for rows.Next() {
		var scope fieldsync.Scope
		var id int64
		var wrapped []byte
		if err := rows.Scan(&scope, &id, &wrapped); err != nil {
			return false, fmt.Errorf("reading the tablet's keys: %w", err)
		}
		key, err := k.store.Unwrap(scopeName(scope, uint64(id)), wrapped)
		if err != nil {
			return false, fmt.Errorf("opening the key of a scope: %w", err)
		}
		scopes[scope] = seal.NewBox(uint64(id), key)
	}
	if err := rows.Err(); err != nil {
		return false, fmt.Errorf("reading the tablet's keys: %w", err)
	}
	k.scopes = scopes
	return true, nil
}

func scopeName(s fieldsync.Scope, id uint64) seal.KeyName {
	return seal.KeyName{ID: id, Scope: seal.Scope{Compartment: string(s)}}
}

// of is the key of a scope, made where there is none. It is on the disk
// before anything that is sealed under it.
func (k *keys) of(ctx context.Context, s fieldsync.Scope) (*seal.Box, error) {
	if box, ok := k.scopes[s]; ok {
		return box, nil
	}
	if k.store == nil {
		return nil, ErrLocked
	}
	key, err := seal.NewKey(k.rand)
	if err != nil {
		return nil, err
	}
	var b [8]byte
	if _, err := io.ReadFull(k.rand, b[:]); err != nil {
		return nil, fmt.Errorf("drawing a key's id: %w", err)
	}
	id := binary.BigEndian.Uint64(b[:]) >> 1 // positive, as SQLite counts
	wrapped, err := k.store.Wrap(k.rand, scopeName(s, id), key)
	if err != nil {
		return nil, err
	}
	if err := k.exec(ctx, `INSERT INTO scopes (scope, id, wrapped) VALUES (?, ?, ?)`, string(s), int64(id), wrapped); err != nil {
		return nil, err
	}
	k.scopes[s] = seal.NewBox(id, key)
	return k.scopes[s], nil
}

// guard keeps a database from everybody else on the machine.
func guard(dir, name string) error {
	for _, part := range []string{"", "-wal", "-shm"} {
		if err := os.Chmod(filepath.Join(dir, name+part), 0o600); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("guarding the tablet's store: %w", err)
		}
	}
	return nil
}

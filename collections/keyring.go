package collections

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"github.com/pocketbase/dbx"

	"portolan/care"
	"portolan/seal"
)

// KeysPath is the database of wrapped keys inside the hub's folder. It is
// small and apart from the data, so that its copies can be short-lived: what
// is erased there opens nowhere any more.
const KeysPath = "keys.db"

// Compartments of the key tree beside those of care.
const (
	historyKeys = "history" // the log of a case: bodies of changes, details of the audit log
	hubKeys     = "hub"     // what the hub keeps for itself, of no organisation
)

// keysPragmas: a key that is deleted is overwritten, and one that is written
// survives a power cut before the data that it opens does.
const keysPragmas = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
	"&_pragma=secure_delete(ON)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-2000)"

var keysSchema = []string{
	`CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID`, // in clear
	`CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID`,
	`CREATE TABLE IF NOT EXISTS keks (
		id INTEGER PRIMARY KEY NOT NULL, org TEXT NOT NULL, compartment TEXT NOT NULL, epoch INTEGER NOT NULL,
		wrapped BLOB NOT NULL, made_at TEXT NOT NULL, UNIQUE (org, compartment, epoch))`,
	`CREATE TABLE IF NOT EXISTS deks (
		id INTEGER PRIMARY KEY NOT NULL, org TEXT NOT NULL, case_id TEXT NOT NULL, compartment TEXT NOT NULL,
		kek INTEGER NOT NULL, wrapped BLOB NOT NULL, made_at TEXT NOT NULL, UNIQUE (case_id, org, compartment))`,
	`CREATE INDEX IF NOT EXISTS deks_kek ON deks (kek)`,
	// What was erased, a case or a part of one, and the ids of the data keys
	// that were destroyed for it: a key that is not there and not among them is
	// lost.
	`CREATE TABLE IF NOT EXISTS erased (case_id TEXT NOT NULL, part TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (case_id, part, at)) WITHOUT ROWID`,
	`CREATE TABLE IF NOT EXISTS destroyed (
		id INTEGER PRIMARY KEY NOT NULL, case_id TEXT NOT NULL, compartment TEXT NOT NULL, at TEXT NOT NULL)`,
	keyBackupsTable,
	unsentKeysTable,
}

// Errors of keys.
var (
	ErrKeyGone = &care.Error{Code: "key_gone", Kind: care.Damaged, Hint: "The key to this is not among the hub's keys and was not destroyed by an erasure: keys.db is older than the data. Put the newest copy back that there is."}
	ErrKeysDB  = &care.Error{Code: "keys_missing", Kind: care.Damaged, Hint: "The hub's keys.db is missing or is another hub's, and without it nothing here can be read. Nothing was written. Put the keys.db back that belongs to this folder."}
)

// box seals and opens under one key. A test's benchmark puts one that does
// nothing in its place (export_test.go); nothing else can.
type box interface {
	ID() uint64
	Seal(dst []byte, rand io.Reader, at seal.Place, plain []byte) ([]byte, error)
	Open(dst []byte, at seal.Place, sealed []byte) ([]byte, error)
	SealFile(dst io.Writer, src io.Reader, rand io.Reader, at seal.Place) error
	OpenFile(dst io.Writer, src io.Reader, at seal.Place) error
	ReadFile(src io.ReaderAt, size int64, at seal.Place) (*seal.FileReader, error)
}

var newBox = func(id uint64, k seal.Key) box { return seal.NewBox(id, k) }

// dataKey is an opened data key.
type dataKey struct {
	id      uint64
	scope   seal.Scope
	kek     uint64
	wrapped []byte // until it is in keys.db
	box     box
	marks   seal.Key // of what imports remember of values in this scope
}

// useMarks is what a data key's marks are derived for.
const useMarks = "portolan import marks 1"

// keyKey is an opened key key.
type keyKey struct {
	name    seal.KeyName
	wrapped []byte // until it is in keys.db
	box     *seal.Box
}

// openKeysMax bounds how many opened data keys are kept: those of some 4,000
// cases, about 13 MB.
const openKeysMax = 32 << 10

// keyring is the hub's keys, opened as they are asked for.
type keyring struct {
	db   *sql.DB
	rand io.Reader
	now  func() string

	mu      sync.RWMutex
	root    *seal.Box // nil while the hub is locked
	rootKey seal.Key
	byID    map[uint64]*dataKey
	byScope map[seal.Scope]*dataKey
	keks    map[uint64]*keyKey
	current map[seal.Scope]*keyKey // the newest epoch, by organisation and compartment
	reached func(label string)
	erased  *erasedCases // no key is made for these again
	fresh   []*dataKey   // made and not in keys.db yet; so are their key keys
	newKeks []*keyKey
}

// openKeysDB opens the database of keys and makes its tables.
func openKeysDB(dir string) (*sql.DB, error) {
	d, err := dbx.Open("sqlite", filepath.Join(dir, KeysPath)+keysPragmas)
	if err != nil {
		return nil, wrap("opening the keys", err)
	}
	db := d.DB()
	db.SetMaxIdleConns(2)
	db.SetMaxOpenConns(8)
	for _, q := range keysSchema {
		if _, err := db.Exec(q); err != nil {
			return nil, errors.Join(wrap("opening the keys", err), db.Close())
		}
	}
	return db, nil
}

func newKeyring(db *sql.DB, rand io.Reader, now func() string) *keyring {
	return &keyring{db: db, rand: rand, now: now, reached: func(string) {}, erased: new(erasedCases), byID: map[uint64]*dataKey{},
		byScope: map[seal.Scope]*dataKey{}, keks: map[uint64]*keyKey{}, current: map[seal.Scope]*keyKey{}}
}

// setRoot gives the keyring its root key, or takes it away.
func (k *keyring) setRoot(root *seal.Key) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.root, k.rootKey = nil, seal.Key{}
	if root != nil {
		k.root, k.rootKey = seal.RootBox(*root), *root
	}
}

// rootBox is the root key; ErrLocked while there is none.
func (k *keyring) rootBox() (*seal.Box, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.root == nil {
		return nil, ErrLocked
	}
	return k.root, nil
}

// toSeal is the data key of a scope, made where there is none. A key that was
// made is in keys.db before the transaction that asked for it is committed
// (writer.write), or after flush.
func (k *keyring) toSeal(scope seal.Scope) (*dataKey, error) {
	key, err := k.there(scope)
	if key != nil || err != nil {
		return key, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if key, ok := k.byScope[scope]; ok {
		return key, nil
	}
	if k.erased.has(scope.Case) {
		return nil, ErrErased
	}
	if k.root == nil {
		return nil, ErrLocked
	}
	return k.make(scope)
}

// there is the data key of a scope, nil where none was made yet.
func (k *keyring) there(scope seal.Scope) (*dataKey, error) {
	k.mu.RLock()
	key, ok := k.byScope[scope]
	k.mu.RUnlock()
	if ok {
		return key, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if key, ok := k.byScope[scope]; ok {
		return key, nil
	}
	if k.erased.has(scope.Case) {
		return nil, ErrErased
	}
	if k.root == nil {
		return nil, ErrLocked
	}
	err := k.load(scope.Org, scope.Case)
	return k.byScope[scope], err
}

// toOpen is the data key under which something is sealed, by the id that
// stands in it; the key must be one of the organisation and case that the
// thing belongs to.
func (k *keyring) toOpen(sealed []byte, org, caseID string) (*dataKey, error) {
	id, err := seal.KeyID(sealed)
	if err != nil {
		return nil, err
	}
	k.mu.RLock()
	key, ok := k.byID[id]
	k.mu.RUnlock()
	if !ok {
		if key, err = k.find(id, org, caseID); err != nil {
			return nil, err
		}
	}
	if key.scope.Org != org || key.scope.Case != caseID {
		return nil, seal.ErrKey
	}
	return key, nil
}

// find loads the keys of a case and looks again.
func (k *keyring) find(id uint64, org, caseID string) (*dataKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if key, ok := k.byID[id]; ok {
		return key, nil
	}
	if k.root == nil {
		return nil, ErrLocked
	}
	if err := k.load(org, caseID); err != nil {
		return nil, err
	}
	if key, ok := k.byID[id]; ok {
		return key, nil
	}
	var others, destroyed bool
	if err := k.db.QueryRow(`SELECT EXISTS (SELECT 1 FROM deks WHERE id = ?1), EXISTS (SELECT 1 FROM destroyed WHERE id = ?1 AND case_id = ?2)`,
		int64(id), caseID).Scan(&others, &destroyed); err != nil {
		return nil, wrap("reading the keys", err)
	}
	switch {
	case others:
		return nil, seal.ErrKey
	case destroyed || k.erased.has(caseID):
		return nil, ErrErased
	}
	return nil, ErrKeyGone
}

// load opens every data key of a case, or of an organisation without a case.
func (k *keyring) load(org, caseID string) error {
	rows, err := k.db.Query(`SELECT id, compartment, kek, wrapped FROM deks WHERE org = ? AND case_id = ?`, org, caseID)
	if err != nil {
		return wrap("reading the keys", err)
	}
	defer rows.Close()
	var found []*dataKey
	for rows.Next() {
		d := &dataKey{scope: seal.Scope{Org: org, Case: caseID}}
		var id, kek int64
		if err := rows.Scan(&id, &d.scope.Compartment, &kek, &d.wrapped); err != nil {
			return wrap("reading the keys", err)
		}
		d.id, d.kek = uint64(id), uint64(kek)
		found = append(found, d)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return wrap("reading the keys", err)
	}
	for _, d := range found {
		kek, err := k.kek(d.kek)
		if err != nil {
			return err
		}
		raw, err := kek.box.Unwrap(seal.KeyName{ID: d.id, Scope: d.scope}, d.wrapped)
		if err != nil {
			return wrap("opening a data key", err)
		}
		d.wrapped, d.box, d.marks = nil, newBox(d.id, raw), raw.Derive(useMarks)
		k.remember(d)
	}
	return nil
}

func (k *keyring) remember(d *dataKey) {
	if len(k.byID) >= openKeysMax && len(k.fresh) == 0 {
		clear(k.byID)
		clear(k.byScope)
	}
	k.byID[d.id], k.byScope[d.scope] = d, d
}

// kek is a key key that data keys name.
func (k *keyring) kek(id uint64) (*keyKey, error) {
	if key, ok := k.keks[id]; ok {
		return key, nil
	}
	return k.readKek(`id = ?`, int64(id))
}

// readKek reads and opens the key key that a condition names, nil where there
// is none.
func (k *keyring) readKek(where string, args ...any) (*keyKey, error) {
	var n seal.KeyName
	var id int64
	var wrapped []byte
	err := k.db.QueryRow(`SELECT id, org, compartment, epoch, wrapped FROM keks WHERE `+where+` ORDER BY epoch DESC LIMIT 1`, args...).
		Scan(&id, &n.Org, &n.Compartment, &n.Epoch, &wrapped)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrKeyGone
	}
	if err != nil {
		return nil, wrap("reading the keys", err)
	}
	n.ID = uint64(id)
	raw, err := k.root.Unwrap(n, wrapped)
	if err != nil {
		return nil, wrap("opening a key key", err)
	}
	key := &keyKey{name: n, box: seal.NewBox(n.ID, raw)}
	k.keks[n.ID] = key
	return key, nil
}

// make draws the data key of a scope, and the key key above it where there is
// none yet.
func (k *keyring) make(scope seal.Scope) (*dataKey, error) {
	above := seal.Scope{Org: scope.Org, Compartment: scope.Compartment}
	kek, err := k.newest(above)
	if errors.Is(err, ErrKeyGone) {
		kek, err = k.makeKek(above, 1)
	}
	if err != nil {
		return nil, err
	}
	raw, err := seal.NewKey(k.rand)
	if err != nil {
		return nil, err
	}
	d := &dataKey{scope: scope, kek: kek.name.ID}
	if d.id, err = k.newKeyID(); err != nil {
		return nil, err
	}
	if d.wrapped, err = kek.box.Wrap(k.rand, seal.KeyName{ID: d.id, Scope: scope}, raw); err != nil {
		return nil, err
	}
	d.box, d.marks = newBox(d.id, raw), raw.Derive(useMarks)
	k.fresh = append(k.fresh, d)
	k.remember(d)
	return d, nil
}

// newest is the key key of an organisation's compartment in its newest epoch.
func (k *keyring) newest(of seal.Scope) (*keyKey, error) {
	if kek, ok := k.current[of]; ok {
		return kek, nil
	}
	kek, err := k.readKek(`org = ? AND compartment = ?`, of.Org, of.Compartment)
	if err == nil {
		k.current[of] = kek
	}
	return kek, err
}

// makeKek draws the first key key of an organisation's compartment. It is
// written with the data keys under it.
func (k *keyring) makeKek(of seal.Scope, epoch uint32) (*keyKey, error) {
	key, err := k.drawKek(of, epoch)
	if err == nil {
		k.keks[key.name.ID], k.current[of] = key, key
		k.newKeks = append(k.newKeks, key)
	}
	return key, err
}

// drawKek draws a key key of an epoch.
func (k *keyring) drawKek(of seal.Scope, epoch uint32) (*keyKey, error) {
	raw, err := seal.NewKey(k.rand)
	if err != nil {
		return nil, err
	}
	key := &keyKey{name: seal.KeyName{Scope: of, Epoch: epoch}}
	if key.name.ID, err = k.newKeyID(); err != nil {
		return nil, err
	}
	if key.wrapped, err = k.root.Wrap(k.rand, key.name, raw); err != nil {
		return nil, err
	}
	key.box = seal.NewBox(key.name.ID, raw)
	return key, nil
}

func insertKek(ctx context.Context, t execer, key *keyKey, at string) error {
	_, err := t.ExecContext(ctx, `INSERT INTO keks (id, org, compartment, epoch, wrapped, made_at) VALUES (?, ?, ?, ?, ?, ?)`,
		int64(key.name.ID), key.name.Org, key.name.Compartment, key.name.Epoch, key.wrapped, at)
	return wrap("writing keys", err)
}

// newKeyID draws the id of a key: random, so that none is ever given twice,
// also by a hub that was restored; positive, as SQLite counts.
func (k *keyring) newKeyID() (uint64, error) {
	var b [8]byte
	if _, err := io.ReadFull(k.rand, b[:]); err != nil {
		return 0, wrap("drawing a key's id", err)
	}
	return binary.BigEndian.Uint64(b[:]) >> 1, nil
}

// flush writes the keys that were made since and are not in keys.db yet, with
// a full fsync. Data sealed under them may be committed once it returns nil.
func (k *keyring) flush(ctx context.Context) error {
	k.mu.RLock()
	none := len(k.fresh) == 0 && len(k.newKeks) == 0
	k.mu.RUnlock()
	if none {
		return nil
	}
	k.mu.Lock() // nobody makes keys meanwhile, and nobody else writes them
	defer k.mu.Unlock()
	t, err := k.db.BeginTx(ctx, nil)
	if err != nil {
		return wrap("writing keys", err)
	}
	defer t.Rollback() // after a commit this does nothing
	at := k.now()
	for _, key := range k.newKeks {
		if err := insertKek(ctx, t, key, at); err != nil {
			return err
		}
	}
	for _, d := range k.fresh {
		if _, err := t.Exec(`INSERT INTO deks (id, org, case_id, compartment, kek, wrapped, made_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			int64(d.id), d.scope.Org, d.scope.Case, d.scope.Compartment, int64(d.kek), d.wrapped, at); err != nil {
			return wrap("writing keys", err)
		}
	}
	if err := t.Commit(); err != nil {
		return wrap("writing keys", err)
	}
	for _, d := range k.fresh {
		d.wrapped = nil
	}
	k.fresh, k.newKeks = nil, nil
	k.reached("keys written")
	return nil
}

// close ends the database of keys.
func (k *keyring) close() error { return wrap("closing the keys", k.db.Close()) }

// fmtKeyID is how a key is named to a person.
func fmtKeyID(id uint64) string { return fmt.Sprintf("%016x", id) }

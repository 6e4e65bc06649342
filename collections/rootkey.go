package collections

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"portolan/care"
	"portolan/seal"
)

// KeyFileName is the key file inside the hub's folder where no other is named.
const KeyFileName = "hub.key"

// Errors of the root key. In none of these cases is anything written.
var (
	ErrKeyFileMissing = &care.Error{Code: "key_file_missing", Kind: care.Damaged, Hint: "This hub has been sealed with a key file that is not where it is looked for. Put the copy that you kept there, or say with --key-file where it lies. Nothing was written."}
	ErrKeyFileWrong   = &care.Error{Code: "key_file_wrong", Kind: care.Damaged, Hint: "This key is whole and belongs to another hub, or to an earlier key of this one: it opens nothing here. Nothing was written."}
	ErrLocked         = &care.Error{Code: "hub_locked", Kind: care.Busy, Hint: "The hub is locked: nobody can read in it until its key is given (`portolan keys unlock`). Nothing was lost."}
)

// Facts are what keys.db says in clear of the hub's keys.
type facts struct {
	id      string  // of this keys.db, as data.db names it; "" for a new one
	root    string  // id of the root key
	intake  []byte  // public half of the intake key
	custody Custody // who holds the root key
	shed    string  // id of an earlier root key whose file is to go, "" for none
}

// Custody says how the root key is kept beside, or instead of, the key file.
type Custody struct {
	Shares int    `json:"shares,omitempty"` // into how many it is split, 0 where it is not
	Need   int    `json:"need,omitempty"`   // how many of them open it
	At     string `json:"at,omitempty"`
	Root   string `json:"root,omitempty"` // id of the root key that was split
}

// split says whether shares open the hub: those of an earlier root key do not.
func (f facts) split() bool { return f.custody.Shares > 0 && f.custody.Root == f.root }

func (k *keyring) facts(ctx context.Context) (f facts, err error) {
	rows, err := k.db.QueryContext(ctx, `SELECT name, value FROM facts`)
	if err != nil {
		return f, wrap("reading about the keys", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var value []byte
		if err := rows.Scan(&name, &value); err != nil {
			return f, wrap("reading about the keys", err)
		}
		switch name {
		case "id":
			f.id = string(value)
		case "root":
			f.root = string(value)
		case "intake":
			f.intake = value
		case factShed:
			f.shed = string(value)
		case "custody":
			if err := json.Unmarshal(value, &f.custody); err != nil {
				return f, wrap("reading who keeps the key", err)
			}
		}
	}
	return f, wrap("reading about the keys", rows.Err())
}

// execer is a database or a transaction of it.
type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func setFact(ctx context.Context, db execer, name string, value []byte) error {
	_, err := db.ExecContext(ctx, `INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return wrap("writing about the keys", err)
}

// metaPlace is where something of keys.db's own table belongs.
func metaPlace(name string) seal.Place {
	return seal.Place{Collection: "meta", Record: name, Field: "value"}
}

// openKeys opens the hub's keys, and makes key file and keys.db on first use:
// the key file first, so that no key is ever wrapped under a root that a crash
// could lose. A hub whose root key takes a passphrase or shares stays locked.
func (h *Hub) openKeys(ctx context.Context) error {
	h.locked.Store(true)
	var known string
	err := h.sqlDB().QueryRowContext(ctx, `SELECT value FROM hub_meta WHERE name = 'keys'`).Scan(&known)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return wrap("reading about the keys", err)
	}
	_, err = os.Stat(filepath.Join(h.dir, KeysPath))
	there := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return wrap("looking for the keys", err)
	}
	if known != "" && !there {
		return ErrKeysDB
	}
	file, err := h.givenKey()
	if errors.Is(err, fs.ErrNotExist) && !there {
		file, err = h.makeKeyFile()
	}
	if err != nil && !(errors.Is(err, fs.ErrNotExist) && there) {
		return err
	}
	db, err := openKeysDB(h.dir)
	if err != nil {
		return err
	}
	h.keys = newKeyring(db, h.rand, func() string { return care.FormatTime(h.now()) })
	h.keys.erased, h.keys.reached = &h.erased, h.reached
	f, err := h.keys.facts(ctx)
	if err != nil {
		return err
	}
	if known != "" && f.id != "" && known != f.id {
		if file != nil && f.root != fmtKeyID(file.id()) {
			return ErrKeyFileWrong // more likely said than "another hub's keys.db"
		}
		return ErrKeysDB
	}
	if file != nil && f.shed != "" && fmtKeyID(file.id()) == f.shed && h.givenRoot == nil {
		if file, err = nil, h.shedKeyFile(ctx); err != nil {
			return err
		}
	}
	if file, err = h.rightKeyFile(file, f); err != nil || file == nil || file.locked != nil {
		return err
	}
	return h.setRoot(ctx, file.key)
}

// givenKey is the root key that the hub was opened with, or its key file.
func (h *Hub) givenKey() (*keyFile, error) {
	if h.givenRoot != nil {
		return &keyFile{key: *h.givenRoot}, nil
	}
	return readKeyFile(h.keyFile)
}

// ReadKeyFile reads a root key; ask is called where the file takes a
// passphrase.
func ReadKeyFile(path string, ask func() (passphrase string, err error)) (seal.Key, error) {
	f, err := readKeyFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return seal.Key{}, ErrKeyFileMissing
	}
	if err != nil || f.locked == nil {
		if err != nil {
			return seal.Key{}, err
		}
		return f.key, nil
	}
	passphrase, err := ask()
	if err != nil {
		return seal.Key{}, err
	}
	return f.locked.Open(passphrase)
}

// Root is the root key of an unlocked hub, to open a copy of it with.
func (h *Hub) Root() (seal.Key, error) {
	h.keys.mu.RLock()
	defer h.keys.mu.RUnlock()
	if h.keys.root == nil {
		return seal.Key{}, ErrLocked
	}
	return h.keys.rootKey, nil
}

// keyFile is a key file that was read: the key, or what a passphrase opens.
type keyFile struct {
	key    seal.Key
	locked *seal.Locked
}

func (f *keyFile) id() uint64 {
	if f.locked != nil {
		return f.locked.ID()
	}
	return seal.RootBox(f.key).ID()
}

func readKeyFile(path string) (*keyFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, wrap("opening the key file", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, seal.KeyFileBytesMax+1))
	if err != nil {
		return nil, wrap("reading the key file", err)
	}
	k, locked, err := seal.ParseKeyFile(b)
	return &keyFile{k, locked}, err
}

// newSuffix names the key file that a change of the root key prepares beside
// the one in force.
const newSuffix = ".new"

// rightKeyFile gives the key file of this hub's root key. A change of the root
// that was broken off between the new key file and keys.db, or between keys.db
// and the file's name, is finished here, on the side on which keys.db stands.
// It returns nil where the hub starts locked without any.
func (h *Hub) rightKeyFile(file *keyFile, f facts) (*keyFile, error) {
	next, err := readKeyFile(h.keyFile + newSuffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && care.CodeOf(err) != seal.ErrKeyFile.Code {
		return nil, err
	}
	right := func(k *keyFile) bool { return k != nil && (f.root == "" || fmtKeyID(k.id()) == f.root) }
	switch {
	case h.givenRoot != nil && right(file):
		return file, nil
	case right(file):
		if info, err := os.Stat(h.keyFile); err == nil && info.Mode().Perm()&0o077 != 0 {
			h.log.Warn("the key file can be read by others than its owner", "file", h.keyFile)
		}
		err := os.Remove(h.keyFile + newSuffix)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return file, wrap("putting the key files in order", err)
	case err == nil && right(next):
		return next, wrap("putting the key files in order", RenameSynced(h.keyFile+newSuffix, h.keyFile))
	case file != nil:
		return nil, ErrKeyFileWrong
	case f.split():
		return nil, nil
	}
	return nil, ErrKeyFileMissing
}

// makeKeyFile draws a root key and has it on the disk before anybody uses it.
func (h *Hub) makeKeyFile() (*keyFile, error) {
	root, err := seal.NewKey(h.rand)
	if err != nil {
		return nil, err
	}
	return &keyFile{key: root}, writeKeyFile(h.keyFile, seal.KeyFile(root))
}

// writeKeyFile has a key file whole on the disk, or not at all.
func writeKeyFile(path string, text []byte) error {
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return wrap("making the key file", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = RenameSynced(part, path)
	}
	return wrap("making the key file", err)
}

// RenameSynced gives a file its name, and has the name on the disk when it
// returns. Another file of that name is replaced.
func RenameSynced(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

// setRoot opens the keys with the root key: it holds key, keys.db and data.db
// against each other, and reads what is sealed under the root itself.
func (h *Hub) setRoot(ctx context.Context, root seal.Key) (err error) {
	f, err := h.keys.facts(ctx)
	if err != nil {
		return err
	}
	id := fmtKeyID(seal.RootBox(root).ID())
	if f.root != "" && f.root != id {
		return ErrKeyFileWrong
	}
	h.keys.setRoot(&root)
	defer func() {
		if err != nil {
			h.keys.setRoot(nil)
		}
	}()
	own, err := h.keys.meta(ctx, "id", func() ([]byte, error) { return []byte(h.newID()), nil })
	if err != nil {
		return err
	}
	h.secret, err = h.keys.meta(ctx, "secret", func() ([]byte, error) {
		k, err := seal.NewKey(h.rand)
		return k[:], err
	})
	if err != nil {
		return err
	}
	var public []byte
	if h.intakeKey, err = h.keys.meta(ctx, "intake", func() (private []byte, err error) {
		private, public, err = seal.NewIntakeKey()
		if err == nil {
			err = setFact(ctx, h.keys.db, "intake", public)
		}
		return private, err
	}); err != nil {
		return err
	}
	if err := errors.Join(setFact(ctx, h.keys.db, "id", own), setFact(ctx, h.keys.db, "root", []byte(id))); err != nil {
		return err
	}
	if _, err = h.sqlDB().ExecContext(ctx, `INSERT OR IGNORE INTO hub_meta (name, value) VALUES ('keys', ?)`, string(own)); err != nil {
		return wrap("noting which keys are the hub's", err)
	}
	h.rooted.Store(true)
	return nil
}

// Locked says whether the hub's records cannot be read, for want of its key.
func (h *Hub) Locked() bool { return h.locked.Load() }

// TakesShares says whether shares open the hub.
func (h *Hub) TakesShares(ctx context.Context) (bool, error) {
	f, err := h.keys.facts(ctx)
	return f.split(), err
}

// TakesPassphrase says whether the hub's key file takes a passphrase.
func (h *Hub) TakesPassphrase() bool {
	f, err := readKeyFile(h.keyFile)
	return err == nil && f.locked != nil
}

// UnlockWithPassphrase opens a locked hub whose key file takes a passphrase.
func (h *Hub) UnlockWithPassphrase(ctx context.Context, passphrase string) error {
	f, err := readKeyFile(h.keyFile)
	if err != nil {
		return err
	}
	root := f.key
	if f.locked != nil {
		if root, err = f.locked.Open(passphrase); err != nil {
			return err
		}
	}
	return h.unlock(ctx, root)
}

// UnlockWithShares opens a locked hub with the shares of its custodians.
func (h *Hub) UnlockWithShares(ctx context.Context, shares []seal.Share) error {
	root, err := h.combine(ctx, shares)
	if err != nil {
		return err
	}
	return h.unlock(ctx, root)
}

// ErrSharesStale says that a root key was split and then replaced.
var ErrSharesStale = &care.Error{Code: "shares_stale", Kind: care.Invalid, Hint: "These shares fit together and are not of this hub's root key: it was changed since, or they are another hub's. Take those of the last splitting (`portolan keys status` says when that was)."}

// combine gives the hub's root key from shares of it.
func (h *Hub) combine(ctx context.Context, shares []seal.Share) (seal.Key, error) {
	root, err := seal.Combine(shares)
	if err != nil {
		return root, err
	}
	f, err := h.keys.facts(ctx)
	if err == nil && f.root != "" && fmtKeyID(seal.RootBox(root).ID()) != f.root {
		err = ErrSharesStale
	}
	return root, err
}

func (h *Hub) unlock(ctx context.Context, root seal.Key) error {
	h.unlocking.Lock()
	defer h.unlocking.Unlock()
	if !h.Locked() {
		return nil
	}
	if !h.rooted.Load() {
		if err := h.setRoot(ctx, root); err != nil {
			return err
		}
	}
	return h.unlocked(ctx)
}

// unlocked does what waits for the key: what tablets brought meanwhile goes
// through the door first, in its order, then everybody else; and a rotation
// that was broken off goes on beside them.
func (h *Hub) unlocked(ctx context.Context) error {
	if err := h.openLogKey(ctx); err != nil {
		return err
	}
	if err := h.finishErasures(ctx); err != nil {
		return err
	}
	if err := h.endAgain(ctx); err != nil {
		return err
	}
	if err := h.drainIntake(ctx); err != nil {
		// What cannot be taken now stays where it is, and is tried again by
		// Tend: it is no reason to keep everybody out.
		h.log.Error("what came while the hub was locked is not applied yet", "code", care.CodeOf(err))
	}
	h.locked.Store(false)
	h.wakeMu.Lock()
	waiting := h.onUnlock
	h.wakeMu.Unlock()
	for _, f := range waiting {
		f()
	}
	return h.resumeRotation(ctx)
}

// OnUnlock adds a listener that is called once a locked hub is unlocked.
func (h *Hub) OnUnlock(f func()) {
	h.wakeMu.Lock()
	defer h.wakeMu.Unlock()
	h.onUnlock = append(h.onUnlock, f)
}

// meta opens what stands under a name in keys.db, sealed under the root key,
// and makes it where there is nothing.
func (k *keyring) meta(ctx context.Context, name string, fresh func() ([]byte, error)) ([]byte, error) {
	root, err := k.rootBox()
	if err != nil {
		return nil, err
	}
	var sealed []byte
	err = k.db.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = ?`, name).Scan(&sealed)
	if err == nil {
		plain, err := root.Open(nil, metaPlace(name), sealed)
		return plain, wrap("opening the hub's "+name, err)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return nil, wrap("reading about the keys", err)
	}
	plain, err := fresh()
	if err != nil {
		return nil, err
	}
	if sealed, err = root.Seal(nil, k.rand, metaPlace(name), plain); err != nil {
		return nil, err
	}
	_, err = k.db.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES (?, ?)`, name, sealed)
	return plain, wrap("writing about the keys", err)
}

// setMeta puts something in the place of what stands under a name in keys.db;
// secure_delete overwrites what stood there.
func (k *keyring) setMeta(ctx context.Context, name string, plain []byte) error {
	k.mu.Lock() // the root key does not change meanwhile
	defer k.mu.Unlock()
	if k.root == nil {
		return ErrLocked
	}
	sealed, err := k.root.Seal(nil, k.rand, metaPlace(name), plain)
	if err != nil {
		return err
	}
	_, err = k.db.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, sealed)
	return wrap("writing about the keys", err)
}

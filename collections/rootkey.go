package collections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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
	ErrKeyFileWrong   = &care.Error{Code: "key_file_wrong", Kind: care.Damaged, Hint: "This key file is whole and belongs to another hub: it opens none of the keys here. Nothing was written."}
)

// metaPlace is where something of keys.db's own table belongs.
func metaPlace(name string) seal.Place {
	return seal.Place{Collection: "meta", Record: name, Field: "value"}
}

// openKeys opens the hub's keys, and makes key file and keys.db on first use:
// the key file first, so that no key is ever wrapped under a root that a crash
// could lose.
func (h *Hub) openKeys(ctx context.Context) error {
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
	root, err := h.rootKey(!there)
	if err != nil {
		return err
	}
	db, err := openKeysDB(h.dir)
	if err != nil {
		return err
	}
	h.keys = newKeyring(db, root, h.rand, func() string { return care.FormatTime(h.now()) })
	h.keys.erased = &h.erased
	if err := h.identify(ctx, known); err != nil {
		return errors.Join(err, h.keys.close())
	}
	return nil
}

// rootKey reads the key file; mayMake says that a hub without keys may be
// given its first.
func (h *Hub) rootKey(mayMake bool) (seal.Key, error) {
	if _, err := os.Stat(h.keyFile); errors.Is(err, fs.ErrNotExist) && mayMake {
		return h.makeKeyFile()
	}
	if info, err := os.Stat(h.keyFile); err == nil && info.Mode().Perm()&0o077 != 0 {
		h.log.Warn("the key file can be read by others than its owner", "file", h.keyFile)
	}
	return ReadKeyFile(h.keyFile)
}

// ReadKeyFile reads a root key.
func ReadKeyFile(path string) (seal.Key, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return seal.Key{}, ErrKeyFileMissing
	}
	if err != nil {
		return seal.Key{}, wrap("opening the key file", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, seal.KeyFileBytesMax+1))
	if err != nil {
		return seal.Key{}, wrap("reading the key file", err)
	}
	return seal.ParseKeyFile(b)
}

// makeKeyFile draws a root key and has it on the disk before anybody uses it.
func (h *Hub) makeKeyFile() (seal.Key, error) {
	root, err := seal.NewKey(h.rand)
	if err != nil {
		return root, err
	}
	// Beside it first: a key file is whole or not there.
	part := h.keyFile + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return root, wrap("making the key file", err)
	}
	_, err = f.Write(seal.KeyFile(root))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(part, h.keyFile)
	}
	if err == nil {
		err = syncDir(filepath.Dir(h.keyFile))
	}
	return root, wrap("making the key file", err)
}

// identify holds key file, keys.db and data.db against each other, and reads
// the hub's secret.
func (h *Hub) identify(ctx context.Context, known string) error {
	id, err := h.keys.meta(ctx, "id", func() ([]byte, error) { return []byte(h.newID()), nil })
	if errors.Is(err, seal.ErrKey) {
		return ErrKeyFileWrong
	}
	if err != nil {
		return err
	}
	if known != "" && known != string(id) {
		return ErrKeysDB
	}
	h.secret, err = h.keys.meta(ctx, "secret", func() ([]byte, error) {
		k, err := seal.NewKey(h.rand)
		return k[:], err
	})
	if err != nil || known != "" {
		return err
	}
	_, err = h.sqlDB().ExecContext(ctx, `INSERT INTO hub_meta (name, value) VALUES ('keys', ?)`, string(id))
	return wrap("noting which keys are the hub's", err)
}

// meta opens what stands under a name in keys.db, sealed under the root key,
// and makes it where there is nothing.
func (k *keyring) meta(ctx context.Context, name string, fresh func() ([]byte, error)) ([]byte, error) {
	var sealed []byte
	err := k.db.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = ?`, name).Scan(&sealed)
	if err == nil {
		plain, err := k.root.Open(nil, metaPlace(name), sealed)
		if err != nil {
			return nil, fmt.Errorf("opening the hub's %s: %w", name, err)
		}
		return plain, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return nil, wrap("reading about the keys", err)
	}
	plain, err := fresh()
	if err != nil {
		return nil, err
	}
	if sealed, err = k.root.Seal(nil, k.rand, metaPlace(name), plain); err != nil {
		return nil, err
	}
	_, err = k.db.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES (?, ?)`, name, sealed)
	return plain, wrap("writing about the keys", err)
}

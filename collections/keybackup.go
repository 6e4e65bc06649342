package collections

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"portolan/care"
	"portolan/seal"
)

// Copies of the hub leave its folder in two parts. The backup itself holds
// data that do not open without keys.db and can be kept for years. The wrapped
// keys go into a file of their own beside it, of which there is one in each
// folder, always the newest: it opens every backup there, and an erasure writes
// it anew, so that what was erased opens from no backup. Both are sealed under
// the root key, which is in neither.

// RestoringPath marks a folder into which a backup is being restored. Until the
// restore is done and checked it is no hub: half of its papers might be missing.
const RestoringPath = "restore.unfinished"

// ErrRestoring says that a restore into the folder was cut off.
var ErrRestoring = &care.Error{Code: "restore_unfinished", Kind: care.Conflict, Hint: "A restore into this folder was cut off, so it is no whole hub. Run the same restore again: it begins anew."}

// refuseHalf refuses a folder that is not restored to its end.
func refuseHalf(cfg Config) error {
	_, err := os.Stat(filepath.Join(cfg.Dir, RestoringPath))
	if errors.Is(err, fs.ErrNotExist) || err == nil && cfg.Restoring {
		return nil
	}
	if err != nil {
		return wrap("looking into the folder", err)
	}
	return ErrRestoring
}

// sweepCopies removes what a backup that was killed left in the hub's folder.
func (h *Hub) sweepCopies() error {
	left, err := filepath.Glob(filepath.Join(h.dir, "backup-*"))
	if err != nil {
		return fmt.Errorf("looking for what a backup left: %w", err)
	}
	parts, err := filepath.Glob(filepath.Join(h.dir, upgradeCopies+"*.part"))
	if err != nil {
		return fmt.Errorf("looking for what an upgrade left: %w", err)
	}
	for _, path := range append(left, parts...) {
		if err := os.RemoveAll(path); err != nil {
			return wrap("removing what a backup left", err)
		}
	}
	return nil
}

// KeyBackupName is the newest copy of a hub's keys in a folder of backups.
const KeyBackupName = "hub.keys"

// Errors of key backups.
var (
	ErrKeyBackup      = &care.Error{Code: "key_backup_missing", Kind: care.Damaged, Hint: "The backup's keys are missing. They are in hub.keys, beside the backup; say with --keys where that file is. Without it nothing in the backup opens."}
	ErrKeyBackupOther = &care.Error{Code: "key_backup_other", Kind: care.Conflict, Hint: "In this folder lie the backups of another hub. Two hubs keep their backups in two folders."}
)

// Places to which the two parts of a backup are bound.
var (
	backupPlace     = seal.Place{Collection: "backup", Record: "archive", Field: "1"}
	keyBackupPlace  = seal.Place{Collection: "backup", Record: "keys", Field: "1"}
	keyBackupsTable = `CREATE TABLE IF NOT EXISTS key_backups (folder TEXT PRIMARY KEY NOT NULL, made_at TEXT NOT NULL) WITHOUT ROWID`
)

// backupKeyName is where keys.db holds the key of the archives. It is not the
// root key: old backups still open when that was changed.
const backupKeyName = "backup"

// backupBox seals and opens archives.
func (k *keyring) backupBox(ctx context.Context) (*seal.Box, error) {
	raw, err := k.meta(ctx, backupKeyName, func() ([]byte, error) {
		key, err := seal.NewKey(k.rand)
		return key[:], err
	})
	if err != nil {
		return nil, err
	}
	if len(raw) != seal.KeyBytes {
		return nil, ErrKeyBackup
	}
	return seal.NewBox(0, seal.Key(raw)), nil
}

// SealBackup reads an archive to its end and writes it sealed.
func (h *Hub) SealBackup(ctx context.Context, dst io.Writer, archive io.Reader) error {
	box, err := h.keys.backupBox(ctx)
	if err != nil {
		return err
	}
	return box.SealFile(dst, archive, h.rand, backupPlace)
}

// OpenBackup writes what SealBackup sealed, with the keys.db that lies in a
// folder (OpenKeyBackup) and its root key.
func OpenBackup(ctx context.Context, dir string, root seal.Key, dst io.Writer, sealed io.Reader) (err error) {
	db, err := openKeysDB(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	keys := newKeyring(db, rand.Reader, nil)
	keys.setRoot(&root)
	box, err := keys.backupBox(ctx)
	if errors.Is(err, seal.ErrKey) {
		return ErrKeyFileWrong
	}
	if err != nil {
		return err
	}
	return box.OpenFile(dst, sealed, backupPlace)
}

// OpenKeyBackup writes the keys.db of a key backup into a folder.
func OpenKeyBackup(root seal.Key, from, dir string) error {
	in, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrKeyBackup
	}
	if err != nil {
		return wrap("opening the backup's keys", err)
	}
	defer in.Close()
	out, err := os.OpenFile(filepath.Join(dir, KeysPath), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return wrap("writing the keys", err)
	}
	err = errors.Join(seal.RootBox(root).OpenFile(out, in, keyBackupPlace), out.Sync(), out.Close())
	if errors.Is(err, seal.ErrKey) {
		return ErrKeyFileWrong
	}
	if err != nil {
		return wrap("opening the backup's keys", err)
	}
	return ForgetKeyBackups(dir)
}

// ForgetKeyBackups makes restored keys those of a new life: it must not write
// over the copies that the hub from which they came goes on making.
func ForgetKeyBackups(dir string) error {
	db, err := openKeysDB(dir)
	if err != nil {
		return err
	}
	_, err = db.Exec(`DELETE FROM key_backups`)
	return wrap("opening the backup's keys", errors.Join(err, db.Close()))
}

// BackUpKeys puts the newest copy of the keys, and the lists of who was
// erased and what ended, into a folder of backups, in the place of the copy that was there, and
// remembers the folder: an erasure must reach every copy of a key.
func (h *Hub) BackUpKeys(ctx context.Context, folder string) error {
	if err := h.ownKeyBackup(folder); err != nil {
		return err
	}
	// Remembered first: an erasure that comes between looks there once too often.
	if _, err := h.keys.db.ExecContext(ctx, `INSERT INTO key_backups (folder, made_at) VALUES (?, ?)
		ON CONFLICT (folder) DO UPDATE SET made_at = excluded.made_at`, folder, care.FormatTime(h.now())); err != nil {
		return wrap("noting where keys are backed up", err)
	}
	return h.writeKeyBackup(ctx, folder)
}

// ownKeyBackup refuses a folder in which another hub keeps its keys.
func (h *Hub) ownKeyBackup(folder string) error {
	var known bool // under another root key it is still ours
	if err := h.keys.db.QueryRow(`SELECT EXISTS (SELECT 1 FROM key_backups WHERE folder = ?)`, folder).Scan(&known); err != nil || known {
		return wrap("reading where keys are backed up", err)
	}
	f, err := os.Open(filepath.Join(folder, KeyBackupName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return wrap("looking at the keys that lie there", err)
	}
	defer f.Close()
	head := make([]byte, seal.HeaderBytes)
	if _, err := io.ReadFull(f, head); err != nil {
		return nil // cut: it opens nothing, and is replaced
	}
	root, err := h.keys.rootBox()
	if err != nil {
		return err
	}
	if id, err := seal.KeyID(head); err == nil && id != root.ID() {
		return ErrKeyBackupOther
	}
	return nil
}

func (h *Hub) writeKeyBackup(ctx context.Context, folder string) (err error) {
	defer func() { err = wrap("backing up the keys", err) }()
	tmp, err := os.MkdirTemp(h.dir, "backup-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	copied := filepath.Join(tmp, KeysPath)
	if err := h.SnapshotKeys(ctx, copied); err != nil {
		return err
	}
	in, err := os.Open(copied)
	if err != nil {
		return err
	}
	defer in.Close()
	final := filepath.Join(folder, KeyBackupName)
	out, err := os.OpenFile(final+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	root, err := h.keys.rootBox()
	if err == nil {
		err = root.SealFile(out, in, h.rand, keyBackupPlace)
	}
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		return err
	}
	if err := os.Rename(final+".new", final); err != nil {
		return err
	}
	listed, err := ReadErased(filepath.Join(h.dir, ErasedPath))
	if err != nil {
		return err
	}
	if err := AddErased(filepath.Join(folder, ErasedPath), listed...); err != nil {
		return err
	}
	if err := h.copyEnded(ctx, folder); err != nil {
		return err
	}
	return syncDir(folder)
}

// renewKeyBackups writes every copy of the keys anew that is older than the
// last erasure, and returns the folders that it could not reach.
func (h *Hub) renewKeyBackups(ctx context.Context) (unreached []string, err error) {
	folders, err := h.keyBackupFolders(ctx)
	if err != nil {
		return nil, err
	}
	for _, folder := range folders {
		if err := h.renewKeyBackup(ctx, folder); err != nil {
			h.log.Warn("a copy of the keys could not be written anew", "error", err)
			unreached = append(unreached, folder)
		}
	}
	return unreached, nil
}

func (h *Hub) renewKeyBackup(ctx context.Context, folder string) error {
	if _, err := os.Stat(filepath.Join(folder, KeyBackupName)); err != nil {
		return fmt.Errorf("looking for it: %w", err) // taken away, or a medium that is not there now
	}
	return h.BackUpKeys(ctx, folder)
}

func (h *Hub) keyBackupFolders(ctx context.Context) (folders []string, err error) {
	rows, err := h.keys.db.QueryContext(ctx, `SELECT folder FROM key_backups ORDER BY folder`)
	if err != nil {
		return nil, wrap("reading where keys are backed up", err)
	}
	defer rows.Close()
	for rows.Next() {
		var folder string
		if err := rows.Scan(&folder); err != nil {
			return nil, wrap("reading where keys are backed up", err)
		}
		folders = append(folders, folder)
	}
	return folders, wrap("reading where keys are backed up", rows.Err())
}

package ops

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"portolan/care"
	"portolan/collections"
	"portolan/seal"
)

const restoreUsage = `[--dir D] [--key-file F | --shares] [--keys K] [--erased L] [--ended L] [--head H]... [--without-head] FILE|COPY

Puts a backup into an empty folder and checks it. Beside FILE lie hub.keys, its
sealed keys, erased.list, the cases that were erased since, and ended.list, what
was closed since, with ended.head, which proves that it is whole; take the newest
of each that there are. A head that somebody kept elsewhere, such as a tablet's
witness, proves more: say it with --head. The key file of that hub must be there: as hub.key in
the folder, or where --key-file says; or its custodians, whose shares are asked
for with --shares. Who was erased stays erased; tablets, second factors, accounts,
roles, grants and consents that ended stay ended; a password that was changed
since is none, and another has to be set (portolan user password). Tablets that knew more than the backup give it back when they next sync.

COPY is a folder before-upgrade-… of a stopped hub, given to the program from
before the upgrade: what is restored has that hub's files, and its lists, which
need no head.
`

// restoreOrder is what a restore needs to know.
type restoreOrder struct {
	file, dir, keyFile, keys, erased, ended string
	copied                                  bool      // file is the folder of a copy from before an upgrade
	heads                                   []string  // files with signed heads of the audit log
	shares                                  bool      // ask for the custodians' shares
	root                                    *seal.Key // where it is known already
}

// Restore puts a backup into an empty folder.
func Restore(ctx context.Context, env Env, args []string) int {
	flags := env.flags("restore")
	dir := flags.String("dir", DefaultDir, "the `folder`; made if it is not there, and empty if it is")
	key := flags.String("key-file", "", keyFileHelp)
	shares := flags.Bool("shares", false, "ask for shares of the root key instead of reading a key file")
	keys := flags.String("keys", "", "the `file` with the backup's keys; hub.keys beside the backup where none is named")
	erased := flags.String("erased", "", "the list of erased cases, a `file`; erased.list beside the backup where none is named")
	ended := flags.String("ended", "", "the list of what ended, a `file`; ended.list beside the backup where none is named")
	var heads many
	flags.Var(&heads, "head", "a signed head of the audit log, a `file`; may be repeated; ended.head beside the backup where none is named")
	without := flags.Bool("without-head", false, "go on where there is no signed head: nothing then proves that the list of what ended is whole")
	words, exit, stop := env.parse(flags, args, restoreUsage)
	if stop {
		return exit
	}
	if len(words) != 1 {
		return env.misused(flags, restoreUsage, "it takes the FILE of one backup, or the folder of one copy")
	}
	o := restoreOrder{file: env.Path(words[0]), dir: env.Path(*dir), keyFile: env.keyFile(*key), shares: *shares}
	beside := func(named, name string) string {
		if named != "" {
			return env.Path(named)
		}
		return filepath.Join(filepath.Dir(o.file), name)
	}
	o.keys, o.erased = beside(*keys, collections.KeyBackupName), beside(*erased, collections.ErasedPath)
	info, err := os.Stat(o.file)
	if o.copied = err == nil && info.IsDir(); o.copied {
		o.keys = filepath.Join(o.file, collections.KeysPath)
	}
	o.ended = beside(*ended, collections.EndedPath)
	for _, head := range heads {
		o.heads = append(o.heads, env.Path(head))
	}
	if len(heads) == 0 && !*without && !o.copied {
		o.heads = []string{beside("", collections.EndedHeadPath)}
	}
	if o.keyFile == "" {
		o.keyFile = filepath.Join(o.dir, collections.KeyFileName)
	}
	if err := env.restore(ctx, o); err != nil {
		return env.Fail(err)
	}
	return ExitOK
}

var errNoEndedList = &care.Error{Code: "ended_list_missing", Kind: care.Damaged,
	Hint: "The list of what ended is missing. It is ended.list, beside the backups; say with --ended where it is. Without it a tablet that was revoked, or a consent that was withdrawn, would come back."}

var errNoEndedHead = &care.Error{Code: "ended_head_missing", Kind: care.Damaged,
	Hint: "The signed head that proves that the list of what ended is whole is missing. It is ended.head, beside the backups; say with --head where it is, or another head of the audit log. --without-head goes on, and whoever was shut out since may be in again."}

var errNoErasedList = &care.Error{Code: "erased_list_missing", Kind: care.Damaged,
	Hint: "The list of erased cases is missing. It is erased.list, beside the backups; say with --erased where it is. Without it somebody who was erased would come back."}

func (e Env) restore(ctx context.Context, o restoreOrder) (err error) {
	f, err := os.Open(o.file)
	if err != nil {
		return fmt.Errorf("opening the backup: %w", err)
	}
	defer f.Close()
	if err := isEmpty(o.dir); err != nil {
		return err
	}
	if err := o.hasLists(); err != nil {
		return err
	}
	erased, err := collections.ReadErased(o.erased)
	if err != nil {
		return err
	}
	heads, err := readHeads(o.heads)
	if err != nil {
		return err
	}
	root, err := e.rootKey(ctx, o)
	if err != nil {
		return err
	}
	o.root = &root
	folder, err := TakeFolder(o.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Release()) }()
	if err := beginRestore(o.dir); err != nil {
		return err
	}
	e.reach("restore begun")
	took, err := e.bring(ctx, o, f)
	if err == nil {
		e.reach("restore has the data")
		err = errors.Join(collections.AddErased(filepath.Join(o.dir, collections.ErasedPath), erased...),
			collections.AddEnded(o.ended, filepath.Join(o.dir, collections.EndedPath)))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("restoring: %w", err), removeRestored(o.dir))
	}
	fmt.Fprintln(e.Stdout, took)
	if err := e.openRestored(ctx, o, heads); err != nil {
		return err
	}
	e.reach("restore is checked")
	return os.Remove(filepath.Join(o.dir, collections.RestoringPath))
}

// hasLists refuses to restore without the lists of what a copy must not undo.
// Beside a copy from before an upgrade they are the hub's own, of which one
// that was never written has nothing in it.
func (o restoreOrder) hasLists() error {
	if _, err := os.Stat(o.erased); err != nil && !(o.copied && errors.Is(err, fs.ErrNotExist)) {
		return errNoErasedList
	}
	if _, err := os.Stat(o.ended); err != nil && !(o.copied && errors.Is(err, fs.ErrNotExist)) {
		return errNoEndedList
	}
	return nil
}

// bring puts keys, data and files into the folder, and says what came.
func (e Env) bring(ctx context.Context, o restoreOrder, f *os.File) (took string, err error) {
	if o.copied {
		n, err := o.bringCopy()
		e.reach("restore has the keys")
		return fmt.Sprintf("the databases of %s and %d files restored", filepath.Base(o.file), n), err
	}
	if err := collections.OpenKeyBackup(*o.root, o.keys, o.dir); err != nil {
		return "", err
	}
	e.reach("restore has the keys")
	m, err := openArchive(ctx, o.dir, *o.root, f)
	return fmt.Sprintf("%d files of %s restored", len(m.Files), m.Made), err
}

// bringCopy takes the databases from before an upgrade, and the files of the
// hub beside which they lie: those that came since are known to nobody, and
// their senders bring them again.
func (o restoreOrder) bringCopy() (files int, err error) {
	hub := filepath.Dir(o.file)
	take := func(name, from string) error {
		f, err := os.Open(from)
		if err != nil {
			return err
		}
		_, err = unpackFile(f, o.dir, &tar.Header{Name: name})
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(take(collections.KeysPath, o.keys), take(collections.DatabasePath, filepath.Join(o.file, filepath.Base(collections.DatabasePath)))); err != nil {
		return 0, err
	}
	if err := collections.ForgetKeyBackups(o.dir); err != nil {
		return 0, err
	}
	for _, sub := range backupFolders {
		if sub == filepath.Dir(collections.DatabasePath) {
			continue // has come
		}
		err := filepath.WalkDir(filepath.Join(hub, sub), func(p string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) || err == nil && !d.Type().IsRegular() {
				return nil
			}
			rel, relErr := filepath.Rel(hub, p)
			if err := errors.Join(err, relErr); err != nil {
				return err
			}
			files++
			return take(filepath.ToSlash(rel), p)
		})
		if err != nil {
			return files, err
		}
	}
	return files, nil
}

// readHeads reads signed heads of the audit log.
func readHeads(files []string) (heads []string, err error) {
	for _, file := range files {
		b, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, errNoEndedHead
		}
		if err != nil {
			return nil, fmt.Errorf("reading a head of the audit log: %w", err)
		}
		heads = append(heads, string(b))
	}
	return heads, nil
}

// beginRestore marks the folder as no hub yet, and takes away what a restore
// that was cut off left there.
func beginRestore(dir string) error {
	if err := removeRestored(dir); err != nil {
		return fmt.Errorf("removing half a restore: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, collections.RestoringPath), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("marking the folder: %w", err)
	}
	return errors.Join(f.Sync(), f.Close())
}

// rootKey is the root key of what is restored, from its file or its custodians.
func (e Env) rootKey(ctx context.Context, o restoreOrder) (seal.Key, error) {
	if o.root != nil {
		return *o.root, nil
	}
	if o.shares {
		shares, err := e.askShares(ctx)
		if err != nil {
			return seal.Key{}, err
		}
		return seal.Combine(shares)
	}
	return collections.ReadKeyFile(o.keyFile, func() (string, error) { return e.Ask(ctx, askPassphrase) })
}

// openArchive unpacks a sealed backup into a folder that has its keys.db.
func openArchive(ctx context.Context, dir string, root seal.Key, sealed io.Reader) (Manifest, error) {
	return openSealed(dir, func(archive io.Writer) error { return collections.OpenBackup(ctx, dir, root, archive, sealed) }, backupFolders...)
}

// openRestored opens what was restored, which finishes what was erased and ends
// what ended since the backup was made, and verifies the rest.
func (e Env) openRestored(ctx context.Context, o restoreOrder, heads []string) (err error) {
	hub, err := collections.Open(collections.Config{Dir: o.dir, KeyFile: o.keyFile, Root: o.root, Restoring: true, EndedHeads: heads, Log: slog.New(slog.NewTextHandler(e.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		// A wrong key file must not leave a folder that looks like a hub.
		return errors.Join(fmt.Errorf("opening what was restored: %w", err), removeRestored(o.dir))
	}
	defer func() { err = errors.Join(err, hub.Close()) }()
	if n := hub.EndedAgain(); n > 0 {
		fmt.Fprintf(e.Stdout, "what had ended since the backup ended again: %d\n", n)
	}
	// Cursors from the life that ended may count changes which this hub will
	// give to others; with a new epoch none of them opens.
	if err := hub.NewEpoch(ctx); err != nil {
		return fmt.Errorf("beginning a new epoch: %w", err)
	}
	if code := e.verify(ctx, hub); code != ExitOK {
		return &exitError{code}
	}
	return nil
}

// isEmpty refuses a folder in which anything lies but the lock of a finished
// command and the key file, which is no part of a backup.
func isEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking into the folder: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, collections.RestoringPath)); err == nil {
		return nil // a restore was cut off: it begins anew
	}
	for _, entry := range entries {
		if entry.Name() != lockName && entry.Name() != collections.KeyFileName {
			return errors.New("the folder " + dir + " is not empty; a backup is restored into an empty one")
		}
	}
	return nil
}

// removeRestored takes back a restore that failed; the folder was empty.
func removeRestored(dir string) error {
	var errs []error
	for _, sub := range []string{"pb_data", "files", "uploads", "tls", collections.KeysPath, collections.KeysPath + "-wal", collections.KeysPath + "-shm", collections.ChunksPath, collections.ErasedPath, collections.EndedPath, collections.RestoringPath} {
		errs = append(errs, os.RemoveAll(filepath.Join(dir, sub)))
	}
	return errors.Join(errs...)
}

package ops

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"portolan/care"
	"portolan/collections"
)

const backupUsage = `[--dir D] --out FILE

Copies the whole hub, as of one moment, into one sealed file, while it goes on
working, and restores it to a folder of its own to see that it is whole. Beside
it, in the same folder, it puts hub.keys, the sealed keys of every backup there,
always the newest, erased.list, the cases that were erased, and ended.list, what
was closed: all four are needed to restore. The key file is in none of them, and without it nothing opens:
keep a copy of it in another place than the backups.
`

// Backup copies the hub into one file.
func Backup(ctx context.Context, env Env, args []string) int {
	fs := env.flags("backup")
	dir := fs.String("dir", DefaultDir, "the hub's `folder`")
	out := fs.String("out", "", "`file` to write; it must not be there yet")
	words, exit, stop := env.parse(fs, args, backupUsage)
	if stop {
		return exit
	}
	if *out == "" || len(words) > 0 {
		return env.misused(fs, backupUsage, "--out FILE says where to")
	}
	hub, done, err := env.OpenHub(ctx, *dir)
	if err != nil {
		return env.Fail(err)
	}
	defer done()
	m, err := env.backup(ctx, hub, env.Path(*out))
	if err != nil {
		return env.Fail(fmt.Errorf("making the backup: %w", err))
	}
	fmt.Fprintf(env.Stdout, "%d files copied to %s, restored from it and found whole\n", len(m.Files), env.Path(*out))
	fmt.Fprintf(env.Stderr, "Keep %s, %s, %s and %s with it. The key is in none of them: without %s nothing opens. Keep a copy of that, apart from the backups.\n",
		collections.KeyBackupName, collections.ErasedPath, collections.EndedPath, collections.EndedHeadPath, hub.KeyFile())
	return ExitOK
}

func (e Env) backup(ctx context.Context, hub *collections.Hub, out string) (m Manifest, err error) {
	if _, err := os.Stat(out); err == nil {
		return m, errors.New(out + " is there already")
	}
	// A copy of what is damaged must not push whole ones out of somebody's
	// cupboard.
	if faults, err := hub.Verify(ctx, func(collections.Count) {}); err != nil || len(faults) > 0 {
		return m, errors.Join(collections.ErrDamaged, err)
	}
	// The copy of the database lies beside the hub's own, on a disk that is
	// as well kept, for as long as it takes.
	tmp, err := os.MkdirTemp(hub.Dir(), "backup-")
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	db := filepath.Join(tmp, "data.db")
	files, err := hub.Snapshot(ctx, db)
	if err != nil {
		return m, err
	}
	e.reach("backup copied the database")
	// A file that was never finished has another name.
	f, err := os.CreateTemp(filepath.Dir(out), filepath.Base(out)+".*.part") // for its owner alone (0600)
	if err != nil {
		return m, err
	}
	part := f.Name()
	m, err = e.writeArchive(ctx, hub, f, db, files)
	if err = errors.Join(err, f.Sync(), f.Close(), ctx.Err()); err == nil {
		e.reach("backup wrote the archive")
		// After the data: every key that opens it is there by now.
		err = hub.BackUpKeys(ctx, filepath.Dir(out))
	}
	if err == nil {
		e.reach("backup wrote the keys")
		err = e.tryBackup(ctx, hub, part, filepath.Dir(out), filepath.Join(tmp, "restored"))
	}
	if err != nil {
		return m, errors.Join(err, os.Remove(part))
	}
	e.reach("backup tried the copy")
	if err := os.Rename(part, out); err != nil {
		return m, err
	}
	e.reach("backup is there")
	return m, hub.NoteBackup(ctx)
}

// writeArchive writes what a backup holds, sealed on its way.
func (e Env) writeArchive(ctx context.Context, hub *collections.Hub, to io.Writer, db string, files map[string]bool) (Manifest, error) {
	m := Manifest{Format: manifestFormat, Made: care.FormatTime(e.Now()), Version: e.Version, Schema: care.SchemaVersion, Epoch: hub.Epoch()}
	seal := func(archive io.Reader) error { return hub.SealBackup(ctx, to, archive) }
	return sealedArchive(m, e.Now(), seal, func(a *archiveWriter) error {
		// Files come after the database that names them, so that each is there;
		// one that was added since belongs to the next backup.
		return errors.Join(a.add(collections.DatabasePath, db),
			a.addTree(hub.Dir(), "files", func(name string) bool { return files[name] }),
			a.addTree(hub.Dir(), "uploads", func(name string) bool { return files[name] }),
			a.addTree(hub.Dir(), "tls", func(name string) bool { return !strings.HasSuffix(name, ".new") }))
	})
}

// tryBackup restores a backup to see that it can be: one that was never
// restored is none (SQLite and Litestream both lost data behind a copy that
// nobody had opened).
func (e Env) tryBackup(ctx context.Context, hub *collections.Hub, file, beside, dir string) error {
	quiet := e
	quiet.Stdout, quiet.Stderr, quiet.Reached = io.Discard, io.Discard, nil
	root, err := hub.Root()
	if err != nil {
		return err
	}
	err = quiet.restore(ctx, restoreOrder{file: file, dir: dir, keyFile: hub.KeyFile(), root: &root,
		keys: filepath.Join(beside, collections.KeyBackupName), erased: filepath.Join(beside, collections.ErasedPath), ended: filepath.Join(beside, collections.EndedPath),
		heads: []string{filepath.Join(beside, collections.EndedHeadPath)}})
	if err != nil {
		return fmt.Errorf("%w (%w)", errBackupUntrue, err)
	}
	return nil
}

var errBackupUntrue = errors.New("the backup could not be restored from, so it was not kept; older ones were left alone")

package ops

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"portolan/care"
	"portolan/collections"
)

const backupUsage = `[--dir D] --out FILE

Copies the whole hub, as of one moment, into one file, while it goes on
working: what is sealed in the hub is sealed in the copy. The key file is not in
it, and without that nothing in it opens: keep a copy of the key file, in another
place than the backups.
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
	fmt.Fprintf(env.Stdout, "%d files copied to %s\n", len(m.Files), env.Path(*out))
	fmt.Fprintf(env.Stderr, "The key is not in it: without %s nothing in it opens. Keep a copy of that, apart from the backups.\n", hub.KeyFile())
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
	documents, err := hub.Snapshot(ctx, db)
	if err != nil {
		return m, err
	}
	// A file that was never finished has another name and no manifest.
	f, err := os.OpenFile(out+".part", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return m, err
	}
	now := e.Now()
	a := newArchiveWriter(f, Manifest{Format: manifestFormat, Made: care.FormatTime(now), Version: e.Version, Schema: care.SchemaVersion, Epoch: hub.Epoch()}, now)
	err = a.add(collections.DatabasePath, db)
	// The keys come after the data that they open (collections.SnapshotKeys).
	keys := filepath.Join(tmp, collections.KeysPath)
	if err == nil {
		if err = hub.SnapshotKeys(ctx, keys); err == nil {
			err = a.add(collections.KeysPath, keys)
		}
	}
	// Files come after the database that names them, so that each is there;
	// one that was added since belongs to the next backup.
	err = errors.Join(err,
		a.addTree(hub.Dir(), "files", func(name string) bool { return documents[name] }),
		a.addTree(hub.Dir(), "tls", func(name string) bool { return !strings.HasSuffix(name, ".new") }))
	if err == nil {
		err = a.close()
	}
	if err = errors.Join(err, f.Sync(), f.Close(), ctx.Err()); err != nil {
		return m, errors.Join(err, os.Remove(out+".part"))
	}
	if err := os.Rename(out+".part", out); err != nil {
		return m, err
	}
	return a.m, hub.NoteBackup(ctx)
}

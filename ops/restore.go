package ops

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"portolan/collections"
)

const restoreUsage = `[--dir D] [--key-file F] FILE

Puts a backup into an empty folder and checks it. The key file of that hub must
be there: as hub.key in the folder, or where --key-file says. Tablets that knew
more than the backup give it back when they next sync.
`

// Restore puts a backup into an empty folder.
func Restore(ctx context.Context, env Env, args []string) int {
	flags := env.flags("restore")
	dir := flags.String("dir", DefaultDir, "the `folder`; made if it is not there, and empty if it is")
	key := flags.String("key-file", "", keyFileHelp)
	words, exit, stop := env.parse(flags, args, restoreUsage)
	if stop {
		return exit
	}
	if len(words) != 1 {
		return env.misused(flags, restoreUsage, "it takes the FILE of one backup")
	}
	if err := env.restore(ctx, env.Path(words[0]), env.Path(*dir), env.keyFile(*key)); err != nil {
		return env.Fail(err)
	}
	return ExitOK
}

func (e Env) restore(ctx context.Context, file, dir, keyFile string) (err error) {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("opening the backup: %w", err)
	}
	defer f.Close()
	if err := isEmpty(dir); err != nil {
		return err
	}
	folder, err := TakeFolder(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Release()) }()
	m, err := unpack(f, dir)
	if err != nil {
		return errors.Join(fmt.Errorf("restoring: %w", err), removeRestored(dir))
	}
	fmt.Fprintf(e.Stdout, "%d files of %s restored\n", len(m.Files), m.Made)
	hub, err := collections.Open(collections.Config{Dir: dir, KeyFile: keyFile, Log: slog.New(slog.NewTextHandler(e.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		// A wrong key file must not leave a folder that looks like a hub.
		return errors.Join(fmt.Errorf("opening what was restored: %w", err), removeRestored(dir))
	}
	defer func() { err = errors.Join(err, hub.Close()) }()
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
	for _, sub := range []string{"pb_data", "files", "tls", collections.KeysPath, collections.KeysPath + "-wal", collections.KeysPath + "-shm"} {
		errs = append(errs, os.RemoveAll(filepath.Join(dir, sub)))
	}
	return errors.Join(errs...)
}

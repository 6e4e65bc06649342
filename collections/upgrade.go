package collections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
)

// A newer program may have steps that bring the database to a newer shape.
// Before the first of them the databases are copied into a folder beside them,
// so that whoever must go back has where to: stop the hub, put data.db and
// keys.db of that folder back in their places, and start the older program.

// upgradeCopies begins the names of those folders.
const upgradeCopies = "before-upgrade-"

// upgradeCopiesMax is how many of them are kept. They hold keys: an erasure
// takes them all away.
const upgradeCopiesMax = 2

// copyBeforeUpgrade copies the databases where a step is about to change one
// that was used before.
func (h *Hub) copyBeforeUpgrade(ctx context.Context) error {
	pending, err := h.pendingSteps(ctx)
	if err != nil || len(pending) == 0 {
		return err
	}
	final := filepath.Join(h.dir, upgradeCopies+strings.ReplaceAll(care.FormatTime(h.now()), ":", "-"))
	part := final + ".part"
	if err := os.Mkdir(part, 0o700); err != nil {
		return wrap("copying the database before an upgrade", err)
	}
	if err := copyDatabase(ctx, h.sqlDB(), filepath.Join(part, filepath.Base(DatabasePath))); err != nil {
		return errors.Join(wrap("copying the database before an upgrade", err), os.RemoveAll(part))
	}
	if err := h.copyKeysBeforeUpgrade(ctx, part); err != nil {
		return errors.Join(err, os.RemoveAll(part))
	}
	if err := errors.Join(syncDir(part), os.Rename(part, final), syncDir(h.dir)); err != nil {
		return wrap("copying the database before an upgrade", err)
	}
	h.log.Info("the database is brought to a newer shape; how it was stands in a folder beside it", "folder", filepath.Base(final), "steps", len(pending))
	return h.keepUpgradeCopies(upgradeCopiesMax)
}

// copyKeysBeforeUpgrade copies keys.db, which no step changes, to go with the
// copy of the data. It is opened for this alone: the hub's own keys are opened
// after the steps.
func (h *Hub) copyKeysBeforeUpgrade(ctx context.Context, to string) (err error) {
	if _, err := os.Stat(filepath.Join(h.dir, KeysPath)); err != nil {
		return wrap("copying the keys before an upgrade", err)
	}
	db, err := openKeysDB(h.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return copyDatabase(ctx, db, filepath.Join(to, KeysPath))
}

// pendingSteps lists the steps that a database which was used before has not
// seen; none for a new one.
func (h *Hub) pendingSteps(ctx context.Context) (pending []string, err error) {
	if there, err := hasMigrations(ctx, h.sqlDB()); err != nil || !there {
		return nil, err
	}
	rows, err := h.sqlDB().QueryContext(ctx, `SELECT file FROM _migrations`)
	if err != nil {
		return nil, wrap("reading which steps were taken", err)
	}
	defer rows.Close()
	taken := map[string]bool{}
	for rows.Next() {
		var file string
		if err := rows.Scan(&file); err != nil {
			return nil, wrap("reading which steps were taken", err)
		}
		taken[file] = true
	}
	if err := rows.Err(); err != nil {
		return nil, wrap("reading which steps were taken", err)
	}
	used := false
	for _, step := range core.AppMigrations.Items() {
		used = used || taken[step.File]
		if !taken[step.File] {
			pending = append(pending, step.File)
		}
	}
	if !used {
		return nil, nil
	}
	return pending, nil
}

// keepUpgradeCopies removes the oldest copies but so many.
func (h *Hub) keepUpgradeCopies(n int) error {
	folders, err := filepath.Glob(filepath.Join(h.dir, upgradeCopies+"*"))
	if err != nil {
		return fmt.Errorf("looking for old copies: %w", err)
	}
	slices.Sort(folders) // by their time
	for i := 0; i < len(folders)-n; i++ {
		if err := os.RemoveAll(folders[i]); err != nil {
			return wrap("removing an old copy", err)
		}
	}
	return nil
}

// hasMigrations says whether the database has the table of steps at all: a new
// one gets it with the first.
func hasMigrations(ctx context.Context, db *sql.DB) (there bool, err error) {
	err = db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '_migrations')`).Scan(&there)
	return there, wrap("reading which steps were taken", err)
}

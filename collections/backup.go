package collections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"portolan/care"
)

// DatabasePath is the hub's database inside its folder.
const DatabasePath = "pb_data/data.db"

// Snapshot writes a whole copy of the database, as of one moment, to a file
// that does not exist yet, and returns the ids under which bytes lie that
// belong to it: of documents, and of files that wait for a person. Writers go on meanwhile: VACUUM INTO reads one snapshot of the
// WAL (sqlite.org/lang_vacuum.html#vacuuminto). That there is a copy is in the
// audit log before there is one.
func (h *Hub) Snapshot(ctx context.Context, path string) (files map[string]bool, err error) {
	if err := h.audit(ctx, h.HubActor(), event{act: ActBackup, decision: care.Decision{Allowed: true, Reason: care.SeeHub}}); err != nil {
		return nil, err
	}
	if err := copyDatabase(ctx, h.readDB(), path); err != nil {
		return nil, err
	}
	return filesIn(ctx, path)
}

// SnapshotKeys writes a copy of the wrapped keys. Made after Snapshot it opens
// everything in that copy but what was erased meanwhile: keys are written
// before the data that they open, and destroyed first.
func (h *Hub) SnapshotKeys(ctx context.Context, path string) error {
	return copyDatabase(ctx, h.keys.db, path)
}

func copyDatabase(ctx context.Context, db *sql.DB, path string) error {
	// SQLite makes the file with the process's umask; what is in it is for
	// the owner alone.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("making the copy's file: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("making the copy's file: %w", err)
	}
	_, err = db.ExecContext(ctx, `VACUUM INTO ?`, path)
	return wrap("copying the database", err)
}

func filesIn(ctx context.Context, path string) (ids map[string]bool, err error) {
	db, err := connect(path)
	if err != nil {
		return nil, wrap("opening the copy", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.DB().QueryContext(ctx, `SELECT id FROM documents UNION ALL SELECT id FROM uploads WHERE aside > 0 AND done_at = ''`)
	if err != nil {
		return nil, wrap("reading the copy", err)
	}
	defer rows.Close()
	ids = make(map[string]bool)
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, wrap("reading the copy", err)
		}
		ids[id] = true
	}
	return ids, wrap("reading the copy", rows.Err())
}

// Epoch tells one life of the hub's database from the next: it changes when a
// copy was put in its place.
func (h *Hub) Epoch() string { return h.epoch }

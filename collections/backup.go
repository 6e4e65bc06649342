package collections

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// DatabasePath is the hub's database inside its folder.
const DatabasePath = "pb_data/data.db"

// Snapshot writes a whole copy of the database, as of one moment, to a file
// that does not exist yet, and returns the ids of the documents whose bytes
// belong to it. Writers go on meanwhile: VACUUM INTO reads one snapshot of the
// WAL (sqlite.org/lang_vacuum.html#vacuuminto).
func (h *Hub) Snapshot(ctx context.Context, path string) (documents map[string]bool, err error) {
	// SQLite makes the file with the process's umask; what is in it is for
	// the owner alone.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making the copy's file: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("making the copy's file: %w", err)
	}
	if _, err := h.readDB().ExecContext(ctx, `VACUUM INTO ?`, path); err != nil {
		return nil, wrap("copying the database", err)
	}
	return documentsIn(ctx, path)
}

func documentsIn(ctx context.Context, path string) (ids map[string]bool, err error) {
	db, err := connect(path)
	if err != nil {
		return nil, wrap("opening the copy", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.DB().QueryContext(ctx, `SELECT id FROM documents`)
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

package collections

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"portolan/care"
)

// Bounds on how long the hub looks at itself, beside its work.
const (
	quickCheckMax = 5 * time.Minute
	wholeCheckMax = time.Hour
)

// CheckEvery is how often a hub that serves checks itself whole.
const CheckEvery = 24 * time.Hour

// ErrDamaged says that the hub's own records do not hold together.
var ErrDamaged = &care.Error{Code: "hub_damaged", Kind: care.Conflict,
	Hint: "The hub's records are damaged: `portolan verify` says where. Do not throw old backups away."}

// Checked is what the hub found when it last looked at itself.
type Checked struct {
	At     time.Time // zero where it never did
	Faults int
	Log    int  // of these, in the numbers of the change log (quick alone)
	Failed bool // it could not finish
}

// Good says whether nothing was found.
func (c Checked) Good() bool { return c.Faults == 0 && !c.Failed }

// Health is the state of the hub. It names nobody and counts no people.
type Health struct {
	Database bool      // it answers
	Quick    Checked   // of the database file and the numbers of the change log
	Whole    Checked   // of everything, as verify does
	Free     int64     // bytes on the disk
	Full     bool      // it takes nothing more
	Backup   time.Time // when the last one was made, zero where none was
}

// Good says whether everything is as it must be.
func (h Health) Good() bool { return h.Database && !h.Full && h.Quick.Good() && h.Whole.Good() }

// checks keeps what was found.
type checks struct {
	mu           sync.Mutex
	quick, whole Checked
}

func (c *checks) note(whole bool, found Checked) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if whole {
		c.whole = found
	} else {
		c.quick = found
	}
}

// Health says how the hub is, from what is known and one question to the
// database.
func (h *Hub) Health(ctx context.Context) Health {
	var now Health
	h.checks.mu.Lock()
	now.Quick, now.Whole = h.checks.quick, h.checks.whole
	h.checks.mu.Unlock()
	var made string
	err := reader{ctx, h.readDB()}.row(`SELECT value FROM hub_meta WHERE name = 'backup_at'`).Scan(&made)
	if now.Database = err == nil || errors.Is(err, sql.ErrNoRows); !now.Database {
		h.log.Error("the database does not answer", "error", err)
	}
	if at, err := time.Parse(care.TimeFormat, made); err == nil {
		now.Backup = at
	}
	now.Full, err = h.DiskFull()
	if err == nil {
		now.Free, err = freeBytes(h.dir)
	}
	if err != nil {
		h.log.Error("looking at the disk", "error", err)
		now.Full = true // nobody knows that there is room
	}
	return now
}

// NoteBackup keeps when a backup was made.
func (h *Hub) NoteBackup(ctx context.Context) error {
	at := care.FormatTime(h.now())
	return wrap("noting the backup", h.writer.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO hub_meta (name, value) VALUES ('backup_at', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, at)
		return err
	}))
}

// CheckUp looks at the database file and the numbers of the change log, or,
// whole, at everything, and keeps what it finds for Health. It reads beside
// whoever writes.
func (h *Hub) CheckUp(ctx context.Context, whole bool) {
	if whole && h.Locked() {
		return // nothing opens, which is no fault
	}
	limit, look := quickCheckMax, h.quickFaults
	if whole {
		limit, look = wholeCheckMax, func(ctx context.Context) (n, log int, err error) {
			faults, err := h.Verify(ctx, func(Count) {})
			return len(faults), 0, err
		}
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	n, log, err := look(bounded)
	if ctx.Err() != nil {
		return // the hub stops: nothing was found out
	}
	found := Checked{At: h.now(), Faults: n, Log: log, Failed: err != nil}
	if !found.Good() {
		h.log.Error("the hub looked at itself", "whole", whole, "faults", n, "error", err)
	}
	h.checks.note(whole, found)
}

// LastCheck is when the hub was last checked whole.
func (h *Hub) LastCheck() time.Time {
	h.checks.mu.Lock()
	defer h.checks.mu.Unlock()
	return h.checks.whole.At
}

// quickFaults asks SQLite whether its file is whole, and whether the numbers
// of the change log are dense.
func (h *Hub) quickFaults(ctx context.Context) (faults, log int, err error) {
	r := reader{ctx, h.readDB()}
	var answer string
	if err := r.row(`PRAGMA quick_check(1)`).Scan(&answer); err != nil {
		return 0, 0, wrap("checking the database file", err)
	}
	if answer != "ok" {
		faults++
	}
	var n, last int64
	if err := r.row(`SELECT COUNT(*), COALESCE(MAX(seq), 0) FROM changes`).Scan(&n, &last); err != nil {
		return faults, 0, wrap("counting the change log", err)
	}
	if n != last {
		faults, log = faults+1, 1
	}
	if short, err := h.EndedShort(ctx); err != nil || short {
		h.log.Error("the list of what ended is shorter than the database knows", "code", ErrEndedListShort.Code, "error", err)
		faults++
	}
	return faults, log, nil
}

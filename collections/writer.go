package collections

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"portolan/care"
)

// Limits of the queue before the one writing connection.
const (
	writersWaitingMax = 64
	writerWaitMax     = 15 * time.Second
)

// ErrBusy says that too many wait to write, or one waited too long. Nothing
// was lost: the caller still has what it sent.
var ErrBusy = &care.Error{Code: "hub_busy", Kind: care.Busy, Hint: "The hub is busy. Nothing was lost; try again in a moment."}

// writer hands the single writing connection to one transaction at a time and
// keeps prepared statements for it.
type writer struct {
	db    *sql.DB
	keys  *keyring
	named func(error) error // gives an error of the disk its name
	slots chan struct{}     // one per transaction that waits or runs
	turn  chan struct{}     // held by the one that runs
	mu    *sync.Mutex
	stmts map[string]*sql.Stmt
	log   *leaves // what a transaction notes goes in at its end
	ended *endedList
	carry func(ctx context.Context) // brings the copies of the list of what ended in step
}

func newWriter(db *sql.DB, log *leaves, keys *keyring, ended *endedList, named func(error) error) writer {
	return writer{db: db, ended: ended, keys: keys, named: named, log: log, slots: make(chan struct{}, writersWaitingMax), turn: make(chan struct{}, 1),
		mu: new(sync.Mutex), stmts: make(map[string]*sql.Stmt)}
}

func (w *writer) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.stmts {
		s.Close() // the database is about to close; a statement has nothing to lose
	}
	w.stmts = make(map[string]*sql.Stmt)
}

// keep prepares statements that a transaction had to prepare for itself, so
// that the next ones find them. It runs between transactions: the pool has
// one connection, and a statement must be prepared on that one.
func (w *writer) keep(queries []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, q := range queries {
		if _, ok := w.stmts[q]; ok {
			continue
		}
		if s, err := w.db.Prepare(q); err == nil { // it worked a moment ago; if not, the next use says why
			w.stmts[q] = s
		}
	}
}

// tx is one transaction of the writer.
type tx struct {
	w          *writer
	sql        *sql.Tx
	stmts      map[string]*sql.Stmt
	missed     []string
	noted      []noted // for the audit log, in the order in which it happened
	ended      []Ended // for the list of what ended
	again      bool    // what ends was listed before: it ends again
	afterwards func()  // runs once it is committed, before the next transaction; nil for nothing
}

// write runs f in one transaction with a full fsync at its end. Where f fails
// nothing of it stays.
func (w *writer) write(ctx context.Context, f func(*tx) error) error {
	ended, err := w.writeOne(ctx, f)
	if err == nil && ended {
		w.keys.reached("ending kept")
		w.carry(context.WithoutCancel(ctx))
	}
	return err
}

// writeOne is write, and says whether anything ended.
func (w *writer) writeOne(ctx context.Context, f func(*tx) error) (ended bool, err error) {
	select {
	case w.slots <- struct{}{}:
		defer func() { <-w.slots }()
	default:
		return false, ErrBusy
	}
	wait := time.NewTimer(writerWaitMax)
	defer wait.Stop()
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-wait.C:
		return false, ErrBusy
	case <-ctx.Done():
		return false, ctx.Err()
	}
	// A push that was received whole is finished even where its sender hung
	// up: the answer is lost then, the work is not.
	ctx = context.WithoutCancel(ctx)
	t, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return false, w.named(fmt.Errorf("beginning to write: %w", err))
	}
	defer t.Rollback() // after a commit this does nothing
	x := &tx{w: w, sql: t, stmts: make(map[string]*sql.Stmt)}
	if err := f(x); err != nil {
		return false, w.named(err)
	}
	w.keys.reached("door decided")
	grown, err := w.log.keep(x)
	if err != nil {
		return false, w.named(err)
	}
	// Keys before the data that they open: a crash in between leaves a key
	// that opens nothing, never data that no key opens.
	if err := w.keys.flush(ctx); err != nil {
		return false, w.named(err)
	}
	if err := w.list(x, w.keys.now()); err != nil {
		return false, w.named(err)
	}
	w.keys.reached("door ready")
	if err := t.Commit(); err != nil {
		w.log.forget()
		w.unlist()
		return false, w.named(fmt.Errorf("committing: %w", err))
	}
	w.keys.reached("door committed")
	w.log.grown(grown)
	w.keep(x.missed)
	if x.afterwards != nil {
		x.afterwards()
	}
	return len(x.ended) > 0, nil
}

func (t *tx) stmt(query string) (*sql.Stmt, error) {
	if s, ok := t.stmts[query]; ok {
		return s, nil
	}
	t.w.mu.Lock()
	kept, ok := t.w.stmts[query]
	t.w.mu.Unlock()
	var s *sql.Stmt
	var err error
	if ok {
		s = t.sql.Stmt(kept)
	} else if s, err = t.sql.Prepare(query); err != nil {
		return nil, fmt.Errorf("preparing a statement: %w", err)
	} else {
		t.missed = append(t.missed, query)
	}
	t.stmts[query] = s
	return s, nil
}

func (t *tx) exec(query string, args ...any) (sql.Result, error) {
	s, err := t.stmt(query)
	if err != nil {
		return nil, err
	}
	return s.Exec(args...)
}

func (t *tx) row(query string, args ...any) *sql.Row {
	s, err := t.stmt(query)
	if err != nil {
		return t.sql.QueryRow(query, args...) // reports the same error on Scan
	}
	return s.QueryRow(args...)
}

func (t *tx) rows(query string, args ...any) (*sql.Rows, error) {
	s, err := t.stmt(query)
	if err != nil {
		return nil, err
	}
	return s.Query(args...)
}

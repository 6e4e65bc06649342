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

// Bounds of what is committed together. Who was first waits for those behind,
// so it is short; a disk takes as long for one sync of it as for many.
const (
	togetherMax     = 64
	togetherTime    = 20 * time.Millisecond // after which nobody else is taken in
	togetherChanges = 64                    // of one push
	togetherPushMax = 64 << 10              // bytes of one push
	savepointOfOne  = `SAVEPOINT one`
	rollbackOfOne   = `ROLLBACK TO one`
	releaseOfOne    = `RELEASE one`
)

// ErrBusy says that too many wait to write, or one waited too long. Nothing
// was lost: the caller still has what it sent.
var ErrBusy = &care.Error{Code: "hub_busy", Kind: care.Busy, Hint: "The hub is busy. Nothing was lost; try again in a moment."}

// writer hands the single writing connection to one transaction at a time and
// keeps prepared statements for it. Of several that wait, those that allow it
// go into one transaction with one sync of the disk, each in a savepoint: what
// fails of them falls alone, and none is answered before all are on the disk.
type writer struct {
	db    *sql.DB
	keys  *keyring
	named func(error) error // gives an error of the disk its name
	queue *queue
	mu    *sync.Mutex
	stmts map[string]*sql.Stmt
	log   *leaves // what a transaction notes goes in at its end
	ended *endedList
	carry func(ctx context.Context) // brings the copies of the list of what ended in step
}

func newWriter(db *sql.DB, log *leaves, keys *keyring, ended *endedList, named func(error) error) writer {
	return writer{db: db, ended: ended, keys: keys, named: named, log: log, queue: new(queue),
		mu: new(sync.Mutex), stmts: make(map[string]*sql.Stmt)}
}

func (w *writer) close() {
	w.queue.idle.Wait()
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

// statementsOf are those that one transaction uses.
type statementsOf struct {
	kept   map[string]*sql.Stmt
	missed []string
}

// tx is one transaction of the writer, or one of several that are committed
// together.
type tx struct {
	w          *writer
	sql        *sql.Tx
	stmts      *statementsOf
	noted      []noted // for the audit log, in the order in which it happened
	ended      []Ended // for the list of what ended
	again      bool    // what ends was listed before: it ends again
	afterwards func()  // runs once it is committed, before the next transaction; nil for nothing
}

// write runs f in one transaction with a full fsync at its end. Where f fails
// nothing of it stays.
func (w *writer) write(ctx context.Context, f func(*tx) error) error {
	return w.do(ctx, &writing{f: f})
}

// share is write for what may be committed together with others: f may run a
// second time, where one of these brought all down. f is short.
func (w *writer) share(ctx context.Context, f func(*tx) error) error {
	return w.do(ctx, &writing{f: f, shares: true})
}

func (t *tx) stmt(query string) (*sql.Stmt, error) {
	if s, ok := t.stmts.kept[query]; ok {
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
		t.stmts.missed = append(t.stmts.missed, query)
	}
	t.stmts.kept[query] = s
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

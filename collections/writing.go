package collections

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"
	"time"

	"portolan/audit"
)

// writing is what somebody wants to write.
type writing struct {
	f      func(*tx) error
	shares bool // may be committed together with others
	first  bool // goes before the others that share, with the next of them

	x        *tx
	err      error
	panicked any
	done     chan struct{} // closed once it is answered
}

// queue is who waits to write, in the order in which they came.
type queue struct {
	mu      sync.Mutex
	waiting []*writing
	running bool // somebody works at it
	busy    int  // how many are being written
	idle    sync.WaitGroup
}

// join adds to the queue, and says whether somebody must begin to work at it.
func (q *queue) join(j *writing) (begin bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting)+q.busy >= writersWaitingMax {
		return false, ErrBusy
	}
	at := len(q.waiting)
	if j.first {
		// Nobody whom it cannot go with is overtaken.
		if i := slices.IndexFunc(q.waiting, func(o *writing) bool { return o.shares }); i >= 0 {
			at = i
		}
	}
	q.waiting = slices.Insert(q.waiting, at, j)
	begin, q.running = !q.running, true
	return begin, nil
}

// leave takes back what nobody has begun to write.
func (q *queue) leave(j *writing) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, j)
	if i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
	return i >= 0
}

// next takes the first, and those behind it that go with it; none where nobody
// waits: whoever works at the queue ends then.
func (q *queue) next() []*writing {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), 1)
	for n > 0 && n < min(len(q.waiting), togetherMax) && q.waiting[0].shares && q.waiting[n].shares {
		n++
	}
	batch := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	q.busy, q.running = n, n > 0
	return batch
}

// back gives back, to the front, what was taken and not begun.
func (q *queue) back(late []*writing) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = slices.Insert(q.waiting, 0, late...)
	q.busy -= len(late)
}

// do waits until it is written.
func (w *writer) do(ctx context.Context, j *writing) error {
	j.done = make(chan struct{})
	begin, err := w.queue.join(j)
	if err != nil {
		return err
	}
	if begin {
		w.queue.idle.Go(w.work)
	}
	wait := time.NewTimer(writerWaitMax)
	defer wait.Stop()
	select {
	case <-j.done:
	case <-wait.C:
		if w.queue.leave(j) {
			return ErrBusy
		}
	case <-ctx.Done():
		if w.queue.leave(j) {
			return ctx.Err()
		}
	}
	// A push that was received whole is finished even where its sender hung
	// up: the answer is lost then, the work is not.
	<-j.done
	if j.panicked != nil {
		panic(j.panicked) // as it would have where it was called
	}
	if j.err == nil && len(j.x.ended) > 0 {
		w.keys.reached("ending kept")
		w.carry(context.WithoutCancel(ctx))
	}
	return j.err
}

// work writes what waits until nothing does.
func (w *writer) work() {
	for {
		batch := w.queue.next()
		if len(batch) == 0 {
			return
		}
		begun, whole := w.together(batch)
		for i, j := range begun {
			if !whole && !j.failed() { // each by itself: what one spoils is not refused to the others
				w.together(begun[i : i+1])
			}
		}
		for _, j := range begun {
			close(j.done)
		}
	}
}

// together writes all in one transaction, as far as the time reaches: the rest
// goes back to the queue. whole is false where one brought all down, which has
// its error then; those without an error are not written.
func (w *writer) together(batch []*writing) (begun []*writing, whole bool) {
	ctx := context.Background()
	t, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		w.refuse(batch, fmt.Errorf("beginning to write: %w", err))
		return batch, true
	}
	defer t.Rollback() // after a commit this does nothing
	stmts := &statementsOf{kept: make(map[string]*sql.Stmt)}
	tree, began := w.log.tree, time.Now()
	var written []*writing
	for i, j := range batch {
		// What ended is listed for one of them: for the last.
		if i > 0 && (time.Since(began) > togetherTime || len(written) > 0 && len(written[len(written)-1].x.ended) > 0) {
			w.queue.back(batch[i:])
			batch = batch[:i]
			break
		}
		j.x = &tx{w: w, sql: t, stmts: stmts}
		grown, whole := w.one(j, tree, len(batch) > 1)
		if !whole {
			return batch, false
		}
		if !j.failed() {
			tree, written = grown, append(written, j)
		}
	}
	if len(written) == 0 {
		return batch, true
	}
	if err := w.commit(ctx, t, written[len(written)-1].x, tree); err != nil {
		w.refuse(written, err)
		return batch, true
	}
	w.keep(stmts.missed)
	for _, j := range written {
		if j.x.afterwards != nil {
			j.x.afterwards()
		}
	}
	return batch, true
}

// refuse gives all the same error.
func (w *writer) refuse(batch []*writing, err error) {
	for _, j := range batch {
		j.err = w.named(err)
	}
}

// one does one of several, and puts it back alone where it fails. whole is
// false where that cannot be done: SQLite ends some transactions by itself
// (sqlite.org/lang_transaction.html, "Response To Errors Within A Transaction").
func (w *writer) one(j *writing, before *audit.Tree, several bool) (tree *audit.Tree, whole bool) {
	if several {
		if _, j.err = j.x.exec(savepointOfOne); j.err != nil {
			return nil, false
		}
	}
	j.run()
	if !j.failed() {
		w.keys.reached("door decided")
		tree, j.err = w.log.keep(j.x, before)
	}
	j.err = w.named(j.err)
	if !several {
		return tree, true
	}
	if j.failed() {
		if _, err := j.x.exec(rollbackOfOne); err != nil {
			return nil, false
		}
	}
	_, err := j.x.exec(releaseOfOne)
	return tree, err == nil
}

func (j *writing) failed() bool { return j.err != nil || j.panicked != nil }

// run calls f, and keeps for its caller what it panics with.
func (j *writing) run() {
	defer func() { j.panicked = recover() }()
	j.err = j.f(j.x)
}

// commit brings a transaction onto the disk. last is the only part of it that
// may have ended anything.
func (w *writer) commit(ctx context.Context, t *sql.Tx, last *tx, tree *audit.Tree) error {
	// Keys before the data that they open: a crash in between leaves a key
	// that opens nothing, never data that no key opens.
	if err := w.keys.flush(ctx); err != nil {
		return err
	}
	if err := w.list(last, w.keys.now()); err != nil {
		return err
	}
	w.keys.reached("door ready")
	if err := t.Commit(); err != nil {
		w.log.forget()
		w.unlist()
		return fmt.Errorf("committing: %w", err)
	}
	w.keys.reached("door committed")
	w.log.grown(tree)
	return nil
}

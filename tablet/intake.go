package tablet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"portolan/care"
	fieldsync "portolan/sync"
)

// Size of what is taken into the store at once. The network is never waited
// for inside a transaction, so that typing goes on while a sync runs.
const (
	intakeLines = 200
	intakeBytes = 512 << 10
	intakePause = time.Second // over a line that is slower than that, what is whole is taken at each mark, and seen
)

// intake takes the answer of one round trip into the store while it streams.
type intake struct {
	t       *Tablet
	replica string
	whole   bool  // the hub was asked for everything: what it does not name is not ours to see
	walk    *walk // nil where none is under way
	report  Report

	lines []fieldsync.Line
	size  int
	since time.Time // when something was taken last
	ended bool

	shown bool  // the head of the audit log came, and is good
	alarm error // it did not, or is not: nothing that is disclosed is taken
}

// read takes lines until the answer ends. Whole portions that came before a
// broken line are kept; an answer without its last line is an error.
func (in *intake) read(ctx context.Context, body io.Reader) error {
	r := bufio.NewReaderSize(body, 64<<10)
	for !in.ended {
		raw, err := readLine(r)
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			} else {
				err = errBroken
			}
			return errors.Join(err, in.flush(context.WithoutCancel(ctx), true))
		}
		l, err := fieldsync.DecodeLine(raw)
		if err != nil {
			return errors.Join(err, in.flush(ctx, true))
		}
		in.lines, in.size, in.ended = append(in.lines, l), in.size+len(raw), l.End != nil
		grouped := l.Row != nil && l.Row.More
		seen := l.Mark != "" && in.t.now().Sub(in.since).Abs() >= intakePause
		if in.ended || !grouped && (seen || len(in.lines) >= intakeLines || in.size >= intakeBytes || l.Receipts != nil || l.Evict != nil || l.Drafts != nil || l.Wipe != nil || l.Log != nil) {
			if err := in.flush(ctx, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// readLine reads one line of the answer, without keeping more than one of the
// largest size.
func readLine(r *bufio.Reader) ([]byte, error) {
	var long []byte
	for {
		part, err := r.ReadSlice('\n')
		if err == nil && long == nil {
			return slices.Clone(part), nil
		}
		long = append(long, part...)
		switch {
		case err == nil:
			return long, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(long) > fieldsync.LineBytesMax:
			return nil, &care.Error{Code: fieldsync.CodeLineTooLarge, Kind: care.TooLarge}
		}
	}
}

// flush takes the lines that wait in one transaction. Of a broken answer the
// last group is left out if it is not whole.
func (in *intake) flush(ctx context.Context, broken bool) error {
	if broken {
		for len(in.lines) > 0 {
			if last := in.lines[len(in.lines)-1]; last.Row == nil || !last.Row.More {
				break
			}
			in.lines = in.lines[:len(in.lines)-1]
		}
	}
	if len(in.lines) == 0 {
		return nil
	}
	report := in.report
	err := in.t.inTx(ctx, func(x *tx) error {
		report = in.report
		sums := digestSums{}
		var seen fieldsync.HLC
		for i := range in.lines {
			if err := in.take(x, &in.lines[i], sums, &report, &seen); err != nil {
				return err
			}
		}
		if err := x.saveSums(sums); err != nil {
			return err
		}
		return in.noteClock(x, seen)
	})
	if err != nil {
		return err
	}
	evicted := len(report.Evicted) > len(in.report.Evicted)
	in.report, in.lines, in.size, in.since = report, in.lines[:0], 0, in.t.now()
	if evicted {
		return in.t.scrub(ctx)
	}
	return nil
}

// take takes one line. Digests are summed up over the transaction.
func (in *intake) take(x *tx, l *fieldsync.Line, sums digestSums, report *Report, seen *fieldsync.HLC) error {
	switch {
	case l.Evict != nil:
		for _, s := range l.Evict {
			if err := evict(x, s, sums, report); err != nil {
				return err
			}
		}
		return nil
	case l.Receipts != nil:
		return in.receipts(x, l, report)
	case l.Drafts != nil:
		return x.draftsSaid(l.Drafts, in.alarm != nil)
	case l.Log != nil:
		return in.log(x, l.Log, report)
	case in.withheld(l, report):
		if err := in.noLog(x); err != nil {
			return err
		}
	}
	switch {
	case in.alarm != nil:
		return nil
	case l.Wipe != nil:
		return in.wipe(x, l.Wipe, sums, report)
	case l.Lease != nil:
		return x.renew(*l.Lease)
	case l.HubKey != nil:
		return x.setMetaJSON(metaHubKey, l.HubKey)
	case l.Enter != nil:
		return in.enter(x, l.Enter, sums, report)
	case l.Upgrade != nil:
		report.Upgrade = true
		return nil
	case l.Draft != nil:
		return x.keepDraft(l.Draft)
	case l.Own != nil:
		return in.own(x, l.Own, sums)
	case l.Row != nil:
		return in.row(x, l.Row, sums, report, seen)
	case l.Mark != "":
		return x.setMeta(metaCursor, l.Mark)
	case l.Digests != nil || l.Records != nil || l.Gone != nil:
		return in.note(x, l, sums)
	case l.End != nil:
		return in.end(x, l.End, sums, report)
	}
	return nil // of a newer hub
}

func (in *intake) receipts(x *tx, l *fieldsync.Line, report *Report) error {
	for _, raw := range l.Receipts {
		r, err := x.receive(in.replica, raw)
		if err != nil {
			return err
		}
		report.Sent++
		switch r.Status {
		case fieldsync.StatusConflict:
			report.Conflicts++
		case fieldsync.StatusHeld:
			report.Held++
		}
	}
	return nil
}

// enter begins scopes, each with nothing in it. What is there already of a
// scope that is sent anew stays readable until all of it came. Of an answer to
// no cursor these are all that the device may see.
func (in *intake) enter(x *tx, scopes []fieldsync.Scope, sums digestSums, report *Report) error {
	for _, s := range scopes {
		if err := x.exec(`INSERT OR IGNORE INTO scopes (scope, digest) VALUES (?, '')`, string(s)); err != nil {
			return err
		}
		if err := x.exec(`UPDATE pieces SET stale = 1 WHERE scope = ? AND hub IS NOT NULL`, string(s)); err != nil {
			return err
		}
		report.Entered = append(report.Entered, s)
	}
	if in.whole {
		return in.dropUnnamed(x, sums, report)
	}
	return nil
}

func (in *intake) row(x *tx, r *fieldsync.Row, sums digestSums, report *Report, seen *fieldsync.HLC) error {
	rec := recordRow{id: r.Record, collection: r.Collection, org: r.Org, caseID: r.Case, createdBy: r.CreatedBy, madeAt: r.MadeAt}
	if err := x.saveRecord(rec); err != nil {
		return err
	}
	for _, reg := range r.Fields {
		for i := range reg.Heads {
			*seen = max(*seen, reg.Heads[i].Clock)
		}
	}
	report.Rows++
	return x.brought(rec, r.Scope, r.Fields, sums)
}

// brought takes registers of a record as the hub has them, with what is unsent
// on top.
func (x *tx) brought(r recordRow, scope fieldsync.Scope, fields map[string]fieldsync.Register, sums digestSums) error {
	h, err := x.holding(r.id)
	if err != nil {
		return err
	}
	h.putHub(scope, fields, sums)
	open, err := x.openChanges(r.id)
	if err != nil {
		return err
	}
	h.refresh(r, slices.Collect(maps.Keys(fields)), open, true)
	return x.keep(h)
}

// own takes changes of this device that stand at the hub as they were sent, in
// place of rows. One that the device cannot read, or whose record it does not
// hold, the digest tells of.
func (in *intake) own(x *tx, stood []fieldsync.Stood, sums digestSums) error {
	for _, o := range stood {
		c, r, scope, err := x.answeredChange(in.replica, o.N)
		if errors.Is(err, care.ErrNotFound) || errors.Is(err, errNoKey) {
			continue
		}
		if err != nil {
			return err
		}
		fields := map[string]fieldsync.Register{}
		for _, f := range c.Fields() {
			fields[f] = c.Alone(f, in.replica, c.seq, o.Stands[f])
		}
		if err := x.brought(r, scope, fields, sums); err != nil {
			return err
		}
	}
	return nil
}

// evict destroys what the store has of a scope: its key first, then all that
// lies under it. A crash in between leaves what nothing opens.
func evict(x *tx, s fieldsync.Scope, sums digestSums, report *Report) error {
	if err := x.t.keys.destroyScope(x.ctx, s); err != nil {
		return err
	}
	delete(sums, s)
	report.Evicted = append(report.Evicted, s)
	return x.remove(s)
}

// remove deletes what lies under the key of a scope. Of what is unsent, changes
// and files, what is sealed to the hub stays.
func (x *tx) remove(s fieldsync.Scope) error {
	for _, q := range []string{`DELETE FROM pieces WHERE scope = ?`, `DELETE FROM scopes WHERE scope = ?`,
		`DELETE FROM file_pieces WHERE NOT up AND document IN (SELECT document FROM files WHERE NOT up AND scope = ?)`,
		`DELETE FROM drafts WHERE box IS NULL AND scope = ?`, `UPDATE drafts SET sealed = NULL WHERE scope = ?`,
		`DELETE FROM files WHERE NOT up AND scope = ?`, `UPDATE files SET facts = NULL WHERE up AND scope = ?`,
		`UPDATE outbox SET raw = NULL WHERE EXISTS (SELECT 1 FROM outbox_scopes o WHERE o.scope = ? AND o.replica = outbox.replica AND o.n = outbox.n)`} {
		if err := x.exec(q, string(s)); err != nil {
			return err
		}
	}
	return nil
}

// wipe destroys all that the store holds of the hub's, as one eviction of
// everything. What is not delivered stays until it is.
func (in *intake) wipe(x *tx, w *fieldsync.Wipe, sums digestSums, report *Report) error {
	clear(sums)
	report.Ended = true
	gone, err := x.empty(w.Why)
	report.Evicted = append(report.Evicted, gone...)
	return err
}

// end closes the answer: the cursor goes in with the last rows before it.
func (in *intake) end(x *tx, e *fieldsync.End, sums digestSums, report *Report) error {
	if report.Ended {
		clear(sums)
		if err := x.settle(); err != nil {
			return err
		}
		if err := in.t.setShift(x, e.Server); err != nil {
			return err
		}
		return x.setMeta(metaCursor, "")
	}
	if report.Upgrade { // what is here stands as it stood
		return in.t.setShift(x, e.Server)
	}
	if err := x.dropStale(sums); err != nil {
		return err
	}
	if in.whole && len(report.Entered) == 0 {
		if err := in.dropUnnamed(x, sums, report); err != nil {
			return err
		}
	}
	if err := x.saveSums(sums); err != nil {
		return err
	}
	clear(sums)
	if err := x.settle(); err != nil {
		return err
	}
	digests, err := x.digests()
	if err != nil {
		return err
	}
	report.Differs = fieldsync.RootDigest(digests) != e.Digest
	if err := in.t.setShift(x, e.Server); err != nil {
		return err
	}
	if err := x.setMeta(metaSynced, care.FormatTime(in.t.now())); err != nil {
		return err
	}
	return x.setMeta(metaCursor, e.Cursor)
}

// dropStale removes what the hub did not send again of a scope that it sent
// anew: what is unsent of it stays.
func (x *tx) dropStale(sums digestSums) error {
	err := x.each(func(scan func(...any) error) error {
		var scope, digest string
		if err := scan(&scope, &digest); err != nil {
			return fmt.Errorf("reading a scope: %w", err)
		}
		d, err := parseDigest(digest)
		sums.take(fieldsync.Scope(scope), d)
		return err
	}, `SELECT scope, digest FROM pieces WHERE stale = 1`)
	if err != nil {
		return err
	}
	if err := x.exec(`UPDATE pieces SET hub = NULL, digest = '', stale = 0 WHERE stale = 1`); err != nil {
		return err
	}
	return x.exec(`DELETE FROM pieces WHERE hub IS NULL AND local IS NULL`)
}

// dropUnnamed evicts the scopes that a whole answer did not name: the device
// may not see them any more. What it wrote itself and has not sent stays.
func (in *intake) dropUnnamed(x *tx, sums digestSums, report *Report) error {
	held, err := x.texts(`SELECT scope FROM scopes`)
	if err != nil {
		return err
	}
	for _, s := range held {
		if !slices.Contains(report.Entered, fieldsync.Scope(s)) {
			if err := evict(x, fieldsync.Scope(s), sums, report); err != nil {
				return err
			}
		}
	}
	return nil
}

// noteClock raises the clock to what was seen.
func (in *intake) noteClock(x *tx, seen fieldsync.HLC) error {
	last, err := x.meta(metaClock)
	if err != nil || seen <= fieldsync.HLC(last) {
		return err
	}
	in.t.clock.Observe(seen)
	return x.setMeta(metaClock, string(seen))
}

// scrub clears evicted bytes out of the write-ahead log; secure_delete has
// cleared the pages themselves.
func (t *Tablet) scrub(ctx context.Context) error {
	if _, err := t.db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		return fmt.Errorf("clearing what was evicted: %w", err)
	}
	return nil
}

package collections

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"portolan/audit"
	"portolan/care"
	fieldsync "portolan/sync"
)

// checkpointEvery is how often a hub that is tended signs its log without
// being asked.
const checkpointEvery = 5 * time.Minute

// LogHead is a signed head of the audit log, with the proof that it grew out
// of an earlier one.
type LogHead struct {
	Signed string
	Size   int64
	Proof  []audit.Hash // nil where the earlier one is not a beginning of this log
}

// LogHead signs the audit log as it stands. seen is the size at which whoever
// asks last saw it, 0 for the first time.
func (h *Hub) LogHead(ctx context.Context, seen int64) (LogHead, error) {
	snapshot, err := h.readDB().BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return LogHead{}, wrap("beginning to read the audit log", err)
	}
	defer snapshot.Rollback() // a reading transaction has nothing to keep
	return h.logHead(h.within(ctx, snapshot), seen)
}

// LogHeadFor is the head of the audit log for a tablet that last saw it at a
// size, with each answer that has news for it, and otherwise when one was
// signed since: an answer without news stays small. size is that of the log, 0
// where no head is due.
func (h *Hub) LogHeadFor(ctx context.Context, seen uint64, news bool) (line fieldsync.LogHead, size uint64, err error) {
	if !news {
		last, err := h.lastCheckpoint(h.asks(ctx))
		if err != nil {
			return line, 0, err
		}
		size, err := logSize(h.asks(ctx))
		if err != nil || uint64(last.Size) <= seen && seen <= uint64(size) {
			return line, 0, err
		}
	}
	head, err := h.LogHead(ctx, int64(min(seen, audit.SizeMax)))
	if err != nil {
		return line, 0, err
	}
	line.Signed = head.Signed
	for _, p := range head.Proof {
		line.Proof = append(line.Proof, p.String())
	}
	line.Keys = h.logKeys.handovers(int64(min(seen, audit.SizeMax)), h.epoch)
	return line, uint64(head.Size), nil
}

func (h *Hub) logHead(q querier, seen int64) (LogHead, error) {
	h.logKeys.mu.RLock() // a head that is under way is signed before the key changes
	defer h.logKeys.mu.RUnlock()
	return h.signHead(q, seen, "")
}

// signHead is logHead for whoever holds the key; next is the one to which this
// head hands over.
func (h *Hub) signHead(q querier, seen int64, next string) (head LogHead, err error) {
	tree, err := loadTree(q)
	if err != nil {
		return head, err
	}
	root, err := tree.Root()
	if err != nil {
		return head, wrap("reading the head of the audit log", err)
	}
	head.Size = tree.Size()
	ended, err := metaNumber(q, metaEnded)
	if err != nil {
		return head, err
	}
	if head.Signed, err = h.logKeys.signer.Sign(audit.Checkpoint{Size: head.Size, Root: root, Epoch: h.epoch, At: h.now(), Ended: ended, Next: next}); err != nil {
		return head, err
	}
	if seen > 0 && seen <= head.Size {
		head.Proof, err = audit.ProveGrowth(head.Size, seen, nodesOf(q))
	}
	return head, err
}

// SignLog keeps a signed head of the audit log where the last one is some
// minutes old and something was added since. now says not to wait for that.
func (h *Hub) SignLog(ctx context.Context, now bool) error {
	if h.Locked() {
		return nil // nothing was noted, and the key that signs is not there
	}
	last, err := h.lastCheckpoint(h.asks(ctx))
	if err != nil {
		return err
	}
	size, err := logSize(h.asks(ctx))
	if err != nil || size == 0 || last.Size == size && last.Epoch == h.epoch || !now && h.now().Sub(last.At).Abs() < checkpointEvery {
		return err
	}
	return wrap("keeping a checkpoint", h.writer.write(ctx, func(t *tx) error {
		head, err := h.logHead(t, 0)
		if err != nil {
			return err
		}
		_, err = t.exec(`INSERT OR IGNORE INTO audit_checkpoints (size, epoch, signed) VALUES (?, ?, ?)`, head.Size, h.epoch, head.Signed)
		return err
	}))
}

// lastCheckpoint is the largest head that was kept, of size 0 where none was.
func (h *Hub) lastCheckpoint(q querier) (c audit.Checkpoint, err error) {
	var signed string
	err = q.row(`SELECT signed FROM audit_checkpoints WHERE epoch = ? ORDER BY size DESC LIMIT 1`, h.epoch).Scan(&signed)
	if errors.Is(err, sql.ErrNoRows) {
		return c, nil
	}
	if err != nil {
		return c, wrap("reading a checkpoint", err)
	}
	c, err = h.logKeys.open(signed)
	if err != nil && care.CodeOf(err) == audit.ErrSignature.Code {
		return audit.Checkpoint{}, nil // of another key; verifying says so
	}
	return c, err
}

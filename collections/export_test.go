package collections

import (
	"context"
	"encoding/binary"
	"errors"
	"io"

	"portolan/care"
	"portolan/seal"
)

// SealNothing puts a sealer in the place of the real one that does nothing:
// what sealing costs is measured against it, and nothing but a test can ask
// for it. It returns how to undo it.
func SealNothing() (undo func()) {
	real := newBox
	newBox = func(id uint64, _ seal.Key) box { return open(id) }
	return func() { newBox = real }
}

// RewrapBatch sets how many data keys one transaction wraps anew.
func RewrapBatch(n int) { rewrapBatch = n }

// IntakeBounds sets how much a locked hub keeps, in all and of one replica.
func IntakeBounds(all, replica int) (undo func()) {
	a, r := intakeBytesMax, intakeReplicaBytesMax
	intakeBytesMax, intakeReplicaBytesMax = all, replica
	return func() { intakeBytesMax, intakeReplicaBytesMax = a, r }
}

// RunOut lets a hub find that there was no room, and that its reserve cannot be
// laid aside again.
func RunOut(h *Hub) error {
	h.disk.size = 1 << 60
	_, err := h.disk.ran()
	return err
}

// open is a box that anybody can look into: a header, and what was to be sealed.
type open uint64

func (o open) ID() uint64 { return uint64(o) }

func (o open) Seal(dst []byte, _ io.Reader, _ seal.Place, plain []byte) ([]byte, error) {
	return append(binary.BigEndian.AppendUint64(append(dst, 1, 1), uint64(o)), plain...), nil
}

func (o open) Open(dst []byte, _ seal.Place, sealed []byte) ([]byte, error) {
	return append(dst, sealed[seal.HeaderBytes:]...), nil
}

func (o open) SealFile(dst io.Writer, src io.Reader, _ io.Reader, at seal.Place) error {
	head, err := o.Seal(nil, nil, at, nil)
	if err == nil {
		_, err = dst.Write(head)
	}
	if err == nil {
		_, err = io.Copy(dst, src)
	}
	return err
}

func (o open) OpenFile(dst io.Writer, src io.Reader, _ seal.Place) error {
	_, err := io.CopyN(io.Discard, src, seal.HeaderBytes)
	if err == nil {
		_, err = io.Copy(dst, src)
	}
	return err
}

func (o open) ReadFile(io.ReaderAt, int64, seal.Place) (*seal.FileReader, error) {
	return nil, errors.ErrUnsupported // nothing that is measured reads a file
}

// KeepBytes keeps the bytes of a document as an upload does that has come whole.
func KeepBytes(ctx context.Context, h *Hub, a care.Actor, id, declared string, b []byte) error {
	h.contents.Lock()
	defer h.contents.Unlock()
	return h.keepContent(ctx, a, id, declared, b, nil)
}

// KeysOf is how many data keys the hub has of a case.
func KeysOf(ctx context.Context, h *Hub, caseID string) int {
	n, err := h.keys.countOf(ctx, ErasedCase{Case: caseID})
	if err != nil {
		panic(err)
	}
	return n
}

// PartKeysOf is how many data keys the hub has of a part of a case.
func PartKeysOf(ctx context.Context, h *Hub, caseID string, part care.Compartment) (n int) {
	err := h.keys.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM deks WHERE case_id = ? AND compartment = ?`, caseID, string(part)).Scan(&n)
	if err != nil {
		panic(err)
	}
	return n
}

// KeysOfUnsent is the private parts of the keys for what is unsent, as keys.db
// has them: the oldest first.
func (h *Hub) KeysOfUnsent(ctx context.Context) (sealed [][]byte, err error) {
	rows, err := h.keys.db.QueryContext(ctx, `SELECT sealed FROM unsent_keys ORDER BY epoch`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			return nil, err
		}
		sealed = append(sealed, b)
	}
	return sealed, rows.Err()
}

// PortionBytes sets from how many bytes of chunks on a portion of an answer is
// sent.
func PortionBytes(n int) (undo func()) {
	was := portionBytes
	portionBytes = n
	return func() { portionBytes = was }
}

// ByRows has scopes sent row by row, without chunks.
func ByRows() (undo func()) {
	had := chunkRowsMax
	chunkRowsMax = 0
	return func() { chunkRowsMax = had }
}

package collections

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"portolan/care"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// While a hub is locked it can read nothing, and still takes what tablets
// bring: a push whose signatures and chain fit what stands in clear is
// sealed to the hub's intake key and kept, in order. Once the hub is unlocked
// it goes through the door like any other; until then its tablet keeps it too,
// as it has no receipts.

// Bounds of what is kept, in all and of one replica, in bytes.
var (
	intakeBytesMax        = 256 << 20
	intakeReplicaBytesMax = 32 << 20
)

// refusedTerm is how long what the door refused is kept. Its tablet has it too,
// and hears the same refusal at its next sync; until then its enrolment is over,
// and it has handed over under a new one what it had.
const refusedTerm = DeviceTerm

// ActIntake is how the audit log names what becomes of a push that came while
// the hub was locked and was refused.
const ActIntake = "locked_push"

// ErrIntakeFull says that a locked hub keeps no more.
var ErrIntakeFull = &care.Error{Code: "intake_full", Kind: care.Busy, Hint: "The hub is locked and keeps as much as it may until it is unlocked. What was sent is still on the tablet."}

// TakenError is the answer to a push at a locked hub: it is kept there, sealed,
// up to a number, and not applied yet.
type TakenError struct{ Taken uint64 }

// ErrTaken is what a TakenError is.
var ErrTaken = &care.Error{Code: ErrLocked.Code, Kind: care.Busy, Hint: "The hub is locked. What was sent is kept there, sealed, and applied when it is unlocked; the tablet keeps it too until then."}

func (e *TakenError) Error() string { return ErrTaken.Error() }

// Unwrap makes it hub_locked.
func (e *TakenError) Unwrap() error { return ErrTaken }

func intakePlace(replica string, first uint64) seal.Place {
	return seal.Place{Collection: "intake", Record: replica, Field: strconv.FormatUint(first, 10)}
}

// TakeLocked keeps a push at a locked hub, with a full fsync, and returns a
// TakenError; or the error for which it is not kept. The same push again is
// kept once.
func (h *Hub) TakeLocked(ctx context.Context, replica string, body []byte, p fieldsync.Push) error {
	if err := h.room(); err != nil {
		return err
	}
	f, err := h.keys.facts(ctx)
	if err != nil {
		return err
	}
	if p.Replica != replica {
		return ErrReplica
	}
	if len(f.intake) == 0 || len(p.Changes) == 0 {
		return ErrLocked
	}
	first, err := fieldsync.NumberOf(p.Changes[0])
	if err != nil {
		return err
	}
	sealed, err := seal.SealIntake(f.intake, intakePlace(p.Replica, first), body)
	if err != nil {
		return err
	}
	var taken uint64
	err = h.writer.write(ctx, func(t *tx) error {
		key, err := keyOf(t, replica)
		if err != nil {
			return err
		}
		k := &keeping{t: t, now: care.FormatTime(h.now()), p: p, first: first, key: key.key}
		taken, err = k.keep(sealed)
		return err
	})
	if err != nil {
		return err
	}
	h.reached("intake kept")
	return &TakenError{taken}
}

// SignedAtLocked says which replica signed a request to a locked hub, by what
// stands in clear. One that was revoked delivers too: what it brings is decided
// when it is applied.
func (h *Hub) SignedAtLocked(ctx context.Context, r fieldsync.Request, sig []byte) (care.Actor, error) {
	k, err := keyOf(h.asks(ctx), r.Replica)
	if err != nil {
		return care.Actor{}, err
	}
	if !r.Verify(k.key, sig) || k.revoked == "" && k.wiped == "" && k.expires <= care.FormatTime(h.now()) {
		return care.Actor{}, ErrToken
	}
	return care.Actor{Staff: k.staff, Org: k.org, Device: k.device}, h.requests.take(r.Replica, r.At, h.now())
}

// keeping is one push on its way into the intake.
type keeping struct {
	t     *tx
	now   string
	p     fieldsync.Push
	first uint64
	key   ed25519.PublicKey
}

// keep checks the numbers and the chain against what the hub has of the
// replica, in its log and in the intake, and keeps what is new.
func (k *keeping) keep(sealed []byte) (taken uint64, err error) {
	var last uint64
	var link fieldsync.Link
	var b []byte
	err = k.t.row(`SELECT last_n, link FROM replicas WHERE id = ?`, k.p.Replica).Scan(&last, &b)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ErrReplica
	}
	if err != nil {
		return 0, wrap("reading the replica", err)
	}
	copy(link[:], b)
	hashes, size, err := k.waiting()
	if err != nil {
		return 0, err
	}
	known := last + uint64(len(hashes)/sha256.Size)
	if k.first > known+1 {
		return 0, &GapError{Expected: known + 1}
	}
	links := chainOver(link, hashes) // after last, last+1, …
	fresh := []byte{}
	for i, raw := range k.p.Changes {
		n, err := fieldsync.NumberOf(raw)
		if err != nil {
			return 0, err
		}
		if n != k.first+uint64(i) {
			return 0, ErrNotDense
		}
		sum, err := fieldsync.Commitment(raw)
		if err != nil {
			return 0, err
		}
		have := sum[:]
		switch {
		case n <= last:
			if err := k.t.row(`SELECT hash FROM changes WHERE replica = ? AND n = ?`, k.p.Replica, n).Scan(&have); err != nil {
				return 0, wrap("reading a known change", err)
			}
		case n <= known:
			at := int(n-last-1) * sha256.Size
			have = hashes[at : at+sha256.Size]
		default:
			fresh = append(fresh, sum[:]...)
			links = append(links, fieldsync.LinkOver(links[len(links)-1], sum))
		}
		if !bytes.Equal(have, sum[:]) {
			return 0, ErrForked
		}
	}
	end := k.first + uint64(len(k.p.Changes)) - 1
	if len(fresh) == 0 {
		return end, nil
	}
	head := links[len(links)-1]
	if head.String() != k.p.Link || len(k.key) != ed25519.PublicKeySize || !fieldsync.Verify(k.key, k.p.Replica, end, head, k.p.Signature) {
		return 0, ErrChain
	}
	if err := k.fits(size, len(sealed)); err != nil {
		return 0, err
	}
	_, err = k.t.exec(`INSERT INTO intake (replica, first_n, hashes, arrived_at, sealed) VALUES (?, ?, ?, ?, ?)`,
		k.p.Replica, k.first, fresh, k.now, sealed)
	return end, wrap("keeping a push", err)
}

// fits says whether the intake takes so many bytes more of a replica that has
// so many in it.
func (k *keeping) fits(has, more int) error {
	var all int
	if err := k.t.row(`SELECT COALESCE(SUM(LENGTH(sealed)), 0) FROM intake WHERE refused = ''`).Scan(&all); err != nil {
		return wrap("measuring the intake", err)
	}
	if has+more > intakeReplicaBytesMax || all+more > intakeBytesMax {
		return ErrIntakeFull
	}
	return nil
}

// waiting gives the hashes of the replica's changes that wait in the intake,
// one after the other, and how many bytes they take.
func (k *keeping) waiting() (hashes []byte, size int, err error) {
	rows, err := k.t.rows(`SELECT hashes, LENGTH(sealed) FROM intake WHERE replica = ? AND refused = '' ORDER BY id`, k.p.Replica)
	if err != nil {
		return nil, 0, wrap("reading the intake", err)
	}
	defer rows.Close()
	for rows.Next() {
		var b []byte
		var n int
		if err := rows.Scan(&b, &n); err != nil {
			return nil, 0, wrap("reading the intake", err)
		}
		hashes, size = append(hashes, b...), size+n
	}
	return hashes, size, wrap("reading the intake", rows.Err())
}

// chainOver is the links of a chain, from one before the first hash on.
func chainOver(link fieldsync.Link, hashes []byte) []fieldsync.Link {
	links := []fieldsync.Link{link}
	for ; len(hashes) > 0; hashes = hashes[sha256.Size:] {
		link = fieldsync.LinkOver(link, [sha256.Size]byte(hashes[:sha256.Size]))
		links = append(links, link)
	}
	return links
}

// kept is one push that waits in the intake.
type kept struct {
	id      int64
	replica string
	first   uint64
	sealed  []byte
}

// drainIntake takes what came while the hub was locked through the door, in
// the order in which it came. What the door refuses as a whole is marked with
// why, and is still on its tablet; a fault of the hub leaves the rest for the
// next time.
func (h *Hub) drainIntake(ctx context.Context) error {
	for {
		k := kept{}
		err := h.sqlDB().QueryRowContext(ctx, `SELECT id, replica, first_n, sealed FROM intake WHERE refused = '' ORDER BY id LIMIT 1`).
			Scan(&k.id, &k.replica, &k.first, &k.sealed)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return wrap("reading the intake", err)
		}
		if err := h.applyKept(ctx, k); err != nil {
			return err
		}
		h.reached("intake applied")
	}
}

// pushKept does with a push what is done when its tablet brings it.
func (h *Hub) pushKept(ctx context.Context, p fieldsync.Push) error {
	k, err := keyOf(reader{ctx, h.readDB()}, p.Replica)
	if err != nil {
		return err
	}
	c, err := h.contact(ctx, p.Replica, k)
	if err != nil {
		return err
	}
	if _, err := h.Meet(ctx, c, p); err != nil {
		return err
	}
	_, err = h.Push(ctx, c.Actor, p)
	return err
}

func (h *Hub) applyKept(ctx context.Context, k kept) error {
	var push fieldsync.Push
	body, err := seal.OpenIntake(h.intakeKey, intakePlace(k.replica, k.first), k.sealed)
	if err == nil {
		push, err = fieldsync.DecodePush(body)
	}
	if err == nil {
		err = h.pushKept(ctx, push)
	}
	h.reached("intake through the door")
	var known *care.Error
	if err != nil && (!errors.As(err, &known) || known.Kind == care.Busy || known.Kind == care.Full) {
		return fmt.Errorf("applying what came while the hub was locked: %w", err)
	}
	return h.writer.write(ctx, func(t *tx) error {
		if err == nil {
			_, err := t.exec(`DELETE FROM intake WHERE id = ?`, k.id)
			return wrap("noting that a push was applied", err)
		}
		// Whatever hangs on it in the chain is refused with it.
		h.log.Warn("a push that came while the hub was locked is refused", "code", known.Code)
		now := h.nowText()
		if _, err := t.exec(`UPDATE intake SET refused = ?, refused_at = ? WHERE id = ?`, known.Code, now, k.id); err != nil {
			return wrap("noting that a push was refused", err)
		}
		return t.noteIntake(now, h.HubActor(), k.replica, care.Decision{Reason: care.Reason(known.Code)})
	})
}

// endRefused destroys what was refused long ago, and the oldest of it where it
// takes more room than what waits may.
func (h *Hub) endRefused(ctx context.Context) error {
	over, err := h.refusedOver(ctx)
	if err != nil || len(over) == 0 {
		return err
	}
	h.log.Warn("pushes that were refused after the hub was locked are destroyed", "pushes", len(over))
	return h.writer.write(ctx, func(t *tx) error {
		for _, k := range over {
			if _, err := t.exec(`DELETE FROM intake WHERE id = ?`, k.id); err != nil {
				return wrap("ending what was refused", err)
			}
			if err := t.noteIntake(h.nowText(), h.HubActor(), k.replica, care.Decision{Allowed: true, Reason: "ended"}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (h *Hub) refusedOver(ctx context.Context) (over []kept, err error) {
	rows, err := reader{ctx, h.readDB()}.rows(`SELECT id, replica FROM (
		SELECT id, replica, refused_at, SUM(LENGTH(sealed)) OVER (ORDER BY id DESC) AS size FROM intake WHERE refused != '')
		WHERE refused_at <= ? OR size > ?`, care.FormatTime(h.now().Add(-refusedTerm)), intakeBytesMax)
	if err != nil {
		return nil, wrap("reading what was refused", err)
	}
	defer rows.Close()
	for rows.Next() {
		var k kept
		if err := rows.Scan(&k.id, &k.replica); err != nil {
			return nil, wrap("reading what was refused", err)
		}
		over = append(over, k)
	}
	return over, wrap("reading what was refused", rows.Err())
}

// noteIntake notes what became of a push of a replica.
func (t *tx) noteIntake(now string, hub care.Actor, replica string, d care.Decision) error {
	k, err := keyOf(t, replica)
	if err != nil && !errors.Is(err, ErrToken) {
		return err
	}
	return t.note(now, hub, accountEvent(ActIntake, k.org, k.staff, d))
}

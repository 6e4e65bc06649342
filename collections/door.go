package collections

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"portolan/care"
	fieldsync "portolan/sync"
)

// Draft is a change that is made at the hub itself, by a person at the
// console, a job or an import. Set may name Union fields: the list is then
// what should stand, and the door works out what to add and to remove.
type Draft struct {
	Collection string
	Record     string // "" mints an id
	Case       string // for a new record that belongs to a case
	Org        string // for a new case or record of a topic; the actor's own where ""
	Set        map[string]care.Value
	Add        map[string][]string
	Remove     map[string][]string
	Group      string // drafts of one group stand or fall together
	Author     string // staff in whose name the hub makes it, with their rights and no more; only the hub may name one
}

// Do takes changes made at the hub through the door, as the hub's own replica
// and in the actor's name: authorise, validate, merge, write, sequence. The
// receipts are in the order of the drafts. Drafts without an id get one, which
// the caller reads from its own slice.
func (h *Hub) Do(ctx context.Context, a care.Actor, drafts ...Draft) ([]fieldsync.Receipt, error) {
	for i := range drafts {
		if drafts[i].Record == "" {
			drafts[i].Record = h.newID()
		}
	}
	var receipts []fieldsync.Receipt
	err := h.enter(ctx, a, func(s *session) error {
		receipts = make([]fieldsync.Receipt, 0, len(drafts)) // the session may be entered again
		for start := 0; start < len(drafts); {
			end := start + 1
			for drafts[start].Group != "" && end < len(drafts) && drafts[end].Group == drafts[start].Group {
				end++
			}
			group, err := s.doGroup(drafts[start:end])
			if err != nil {
				return err
			}
			receipts = append(receipts, group...)
			start = end
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return receipts, nil
}

func (s *session) doGroup(drafts []Draft) ([]fieldsync.Receipt, error) {
	build := make([]func() (*arrival, error), len(drafts))
	for i := range drafts {
		build[i] = func() (*arrival, error) {
			actor, err := s.inName(drafts[i])
			if err != nil {
				return nil, err
			}
			return s.hubChange(actor, drafts[i])
		}
	}
	return s.group(build)
}

// Errors of a push as a whole. The tablet still has everything it sent.
var (
	ErrReplica  = &care.Error{Code: "replica_unknown", Kind: care.Signin, Hint: "This tablet is not enrolled under that replica; enrol it again. Nothing on it is lost."}
	ErrGap      = &care.Error{Code: "sequence_gap", Kind: care.Conflict, Hint: "The hub misses earlier changes of this tablet; it sends them again from the number that the hub names."}
	ErrForked   = &care.Error{Code: "replica_forked", Kind: care.Conflict, Hint: "The hub holds another change under that number: this tablet was copied or restored. Enrol it again; its unsent changes go under the new replica."}
	ErrNotDense = &care.Error{Code: "numbers_not_dense", Kind: care.Invalid, Hint: "The changes of a push are numbered one after the other."}
	ErrChain    = &care.Error{Code: "chain_broken", Kind: care.Invalid, Hint: "The hash chain or its signature does not fit the changes. Nothing was taken; the tablet still has them."}
)

// GapError says from which number the hub wants to be sent changes again.
type GapError struct{ Expected uint64 }

func (e *GapError) Error() string { return ErrGap.Error() }

// Unwrap makes it an ErrGap.
func (e *GapError) Unwrap() error { return ErrGap }

// Push is Take for whoever needs the receipts alone.
func (h *Hub) Push(ctx context.Context, a care.Actor, p fieldsync.Push) ([]json.RawMessage, error) {
	taken, err := h.Take(ctx, a, p)
	return taken.Receipts, err
}

// Taken is what became of a push.
type Taken struct {
	Receipts []json.RawMessage // one per change, in their order
	Own      Own
}

// Take takes what a tablet made through the door. It returns one receipt per
// change; a change that the hub knows already gets the receipt
// it got before, byte for byte. A change that this version cannot read is held
// as it came, under its number: a newer tablet must not be stuck behind it.
func (h *Hub) Take(ctx context.Context, a care.Actor, p fieldsync.Push) (taken Taken, err error) {
	if len(p.Changes) == 0 {
		return taken, nil
	}
	if err := h.room(); err != nil {
		return taken, err
	}
	var sealed map[int]fieldsync.Sealed
	if p.Changes, sealed, err = h.unsealed(ctx, a.Staff, p); err != nil {
		return taken, err
	}
	changes := make([]arrival, len(p.Changes))
	var unreadable error
	for i, raw := range p.Changes {
		c, err := fieldsync.DecodeChange(raw)
		if err != nil {
			n, numberErr := fieldsync.NumberOf(raw)
			if numberErr != nil {
				return taken, err
			}
			c, unreadable = fieldsync.Change{N: n, Author: a.Staff}, err
			changes[i].unread = care.CodeOf(err)
		}
		changes[i].Change, changes[i].raw, changes[i].replica = c, raw, p.Replica
		s, ok := sealed[i]
		if changes[i].sealed = ok; ok && s.Of != fieldsync.DotOf(p.Replica, s.N) {
			changes[i].N, changes[i].aside = s.N, HeldEarlier
		}
	}
	write := h.writer.write
	if isShort(p) {
		write = h.writer.share
	}
	err = h.enterBy(ctx, write, a, func(s *session) error {
		var err error
		if s.actor, err = h.present(s.t, a); errors.Is(err, ErrToken) {
			// A tablet that was revoked, or whose owner has left, delivers what
			// was made on it, for others to decide.
			s.actor = care.Actor{Staff: a.Staff, Org: a.Org, Device: a.Device}
		} else if err != nil {
			return err
		}
		taken.Receipts, err = s.push(p, changes)
		taken.Own = s.own
		return err
	})
	if err != nil {
		taken = Taken{}
	}
	if unreadable != nil && errors.Is(err, ErrChain) {
		return taken, unreadable // it says more about what was sent
	}
	return taken, err
}

// isShort says whether a push takes so little time that others need not mind
// being committed with it.
func isShort(p fieldsync.Push) bool {
	bytes := 0
	for _, raw := range p.Changes {
		bytes += len(raw)
	}
	return len(p.Changes) <= togetherChanges && bytes <= togetherPushMax
}

// readAhead is of how many changes the records are read together.
const readAhead = 128

func (s *session) push(p fieldsync.Push, changes []arrival) ([]json.RawMessage, error) {
	lastN, link, err := s.replica(p.Replica)
	if err != nil {
		return nil, err
	}
	known, receipts, err := s.known(p, changes, lastN)
	if err != nil || known == len(changes) {
		return receipts, err
	}
	for i := known; i < len(changes); i++ {
		link = fieldsync.NextLink(link, p.Changes[i])
	}
	if err := s.checkChain(p, changes[len(changes)-1].N, link); err != nil {
		return nil, err
	}
	reason, heldUntil, err := s.quarantine(p.Replica)
	if err != nil {
		return nil, err
	}
	if len(s.actor.Roles) == 0 {
		reason, heldUntil = HeldRevoked, fieldsync.NumberMax
	}
	read := known
	for start := known; start < len(changes); {
		if start >= read {
			read = min(start+readAhead, len(changes))
			if err := s.ahead(changes[start:read]); err != nil {
				return nil, err
			}
		}
		end := start + 1
		for changes[start].Group != "" && end < len(changes) && changes[end].Group == changes[start].Group {
			end++
		}
		var build []func() (*arrival, error)
		for i := start; i < end; i++ {
			build = append(build, func() (*arrival, error) {
				a := changes[i]
				a.actor = s.actor
				if changes[start].N <= heldUntil {
					a.aside = reason
				}
				return &a, nil
			})
		}
		group, err := s.group(build)
		if err != nil {
			return nil, err
		}
		for _, r := range group {
			b, err := json.Marshal(r)
			if err != nil {
				return nil, fmt.Errorf("writing a receipt: %w", err)
			}
			receipts = append(receipts, b)
		}
		start = end
	}
	s.chains = append(s.chains, chainEnd{Replica: p.Replica, N: changes[len(changes)-1].N, Link: link.String()})
	last := changes[len(changes)-1].N
	_, err = s.t.exec(`UPDATE replicas SET last_n = ?, link = ? WHERE id = ?`, last, link[:], p.Replica)
	if err != nil {
		return nil, fmt.Errorf("noting the replica's last change: %w", err)
	}
	_, err = s.t.exec(`UPDATE device_keys SET announced_n = MAX(announced_n, ?, ?), seen_at = ?, border_at = '' WHERE replica = ?`, last, p.Last, s.nowText, p.Replica)
	if err != nil {
		return nil, fmt.Errorf("noting the tablet's visit: %w", err)
	}
	return receipts, nil
}

// notReplaced refuses what comes under the name of a replica in whose place its
// tablet was enrolled again.
func (s *session) notReplaced(replica string) error {
	var at string
	if err := s.t.row(`SELECT replaced_at FROM replicas WHERE id = ?`, replica).Scan(&at); err != nil {
		return fmt.Errorf("reading the replica: %w", err)
	}
	if at != "" {
		return ErrReplica
	}
	return nil
}

// replica reads how far the hub knows a replica, which must be one of the
// actor's on this device.
func (s *session) replica(id string) (lastN uint64, link fieldsync.Link, err error) {
	var b []byte
	err = s.t.row(`SELECT last_n, link FROM replicas WHERE id = ? AND staff = ? AND device = ?`, id, s.actor.Staff, s.actor.Device).Scan(&lastN, &b)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, link, ErrReplica
	}
	if err != nil {
		return 0, link, fmt.Errorf("reading the replica: %w", err)
	}
	copy(link[:], b)
	return lastN, link, nil
}

// known returns the stored receipts of the changes that the hub has already,
// and how many they are. It checks that numbers are dense and go on from there.
func (s *session) known(p fieldsync.Push, changes []arrival, lastN uint64) (int, []json.RawMessage, error) {
	receipts := make([]json.RawMessage, 0, len(changes))
	for i, c := range changes {
		if c.N != changes[0].N+uint64(i) {
			return 0, nil, ErrNotDense
		}
		if c.N > lastN+1 && i == 0 {
			return 0, nil, &GapError{Expected: lastN + 1}
		}
		if c.N > lastN {
			return i, receipts, nil
		}
		var hash, receipt []byte
		if err := s.t.row(`SELECT hash, receipt FROM changes WHERE replica = ? AND n = ?`, p.Replica, c.N).Scan(&hash, &receipt); err != nil {
			return 0, nil, fmt.Errorf("reading a known change: %w", err)
		}
		// The hash stays when a change is erased, so that its replica still
		// gets the receipt that it had.
		if sum := sha256.Sum256(p.Changes[i]); !bytes.Equal(hash, sum[:]) {
			return 0, nil, ErrForked
		}
		receipts = append(receipts, receipt)
	}
	return len(changes), receipts, nil
}

func (s *session) checkChain(p fieldsync.Push, lastN uint64, link fieldsync.Link) error {
	if err := s.notReplaced(p.Replica); err != nil {
		return err
	}
	if link.String() != p.Link {
		return ErrChain
	}
	var key []byte
	err := s.t.row(`SELECT public_key FROM device_keys WHERE replica = ?`, p.Replica).Scan(&key)
	if err != nil {
		return fmt.Errorf("reading the tablet's key: %w", err)
	}
	if len(key) != ed25519.PublicKeySize || !fieldsync.Verify(key, p.Replica, lastN, link, p.Signature) {
		return ErrChain
	}
	return nil
}

package collections

import (
	"context"
	"crypto/hmac"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"portolan/care"
	fieldsync "portolan/sync"
)

// RequestWindow is how far the time of a signed request may be from the
// hub's. Beyond it the tablet is told the time and signs again.
const RequestWindow = 10 * time.Minute

// Errors of signed requests. The tablet signs again and has lost nothing.
var (
	ErrClockOff = &care.Error{Code: "clock_off", Kind: care.Conflict, Hint: "The request was signed at another time than the hub's. Sign it again, by the time that the hub names."}
	ErrReplayed = &care.Error{Code: "request_replayed", Kind: care.Conflict, Hint: "The hub has seen this request, or one that was signed after it. Sign it again."}
)

// TimeError is ErrClockOff or ErrReplayed with what the tablet needs to sign
// again.
type TimeError struct {
	Err   *care.Error
	Now   int64 // milliseconds since 1970, by the hub's clock
	After int64 // the next request is signed at a later time than this
}

func (e *TimeError) Error() string { return e.Err.Error() }

// Unwrap gives the error with its code.
func (e *TimeError) Unwrap() error { return e.Err }

// signed remembers, for each replica that asked lately, when its last request
// was signed. Requests from before the hub started are too old, and so are
// those outside the window: nothing else needs to be remembered, neither for
// long nor on the disk.
type signed struct {
	mu     sync.Mutex
	since  int64
	last   map[string]int64
	swept  int64
	window int64
}

func newSigned(now time.Time) *signed {
	return &signed{since: now.UnixMilli(), last: map[string]int64{}, window: RequestWindow.Milliseconds()}
}

// take counts a request, or says what is wrong with its time.
func (s *signed) take(replica string, at int64, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ms := now.UnixMilli()
	last := s.last[replica]
	switch {
	case at <= s.since || at < ms-s.window || at > ms+s.window:
		return &TimeError{Err: ErrClockOff, Now: max(ms, s.since+1), After: max(last, s.since)}
	case at <= last:
		return &TimeError{Err: ErrReplayed, Now: ms, After: last}
	}
	s.last[replica] = at
	if ms-s.swept >= s.window {
		for r, t := range s.last {
			if t < ms-s.window {
				delete(s.last, r)
			}
		}
		s.swept = ms
	}
	return nil
}

// Contact is a tablet that signed a request.
type Contact struct {
	care.Actor // with no role where Ended
	Replica    string
	Ended      bool // revoked, wiped, or its owner has left: it delivers and gets nothing
}

// replicaKey is what the hub keeps of a replica beside its chain.
type replicaKey struct {
	device, staff, org, factor  string
	key                         []byte
	expires, revoked            string
	lease                       []byte
	leaseUntil                  string
	heldUntil, announced        uint64
	border, wiped, seen, madeAt string
}

func keyOf(q querier, replica string) (k replicaKey, err error) {
	err = q.row(`SELECT device, staff, org, factor, public_key, expires_at, revoked_at, lease_key, lease_until, held_until_n, announced_n, border_at, wiped_at, seen_at, made_at
		FROM device_keys WHERE replica = ?`, replica).Scan(&k.device, &k.staff, &k.org, &k.factor, &k.key, &k.expires, &k.revoked, &k.lease, &k.leaseUntil,
		&k.heldUntil, &k.announced, &k.border, &k.wiped, &k.seen, &k.madeAt)
	if errors.Is(err, sql.ErrNoRows) {
		return k, ErrToken
	}
	return k, wrap("reading a tablet's key", err)
}

// SignedBy says who signed a request: ErrToken where nobody known did or the
// enrolment is over, a TimeError where it is old, seen, or the tablet's clock
// is wrong. A replayed request is refused here and has no effect.
func (h *Hub) SignedBy(ctx context.Context, r fieldsync.Request, sig []byte) (Contact, error) {
	k, err := keyOf(h.asks(ctx), r.Replica)
	if err != nil {
		return Contact{}, err
	}
	if !r.Verify(k.key, sig) {
		return Contact{}, ErrToken
	}
	if err := h.requests.take(r.Replica, r.At, h.now()); err != nil {
		return Contact{}, err
	}
	return h.contact(ctx, r.Replica, k)
}

func (h *Hub) contact(ctx context.Context, replica string, k replicaKey) (Contact, error) {
	c := Contact{Actor: care.Actor{Staff: k.staff, Org: k.org, Device: k.device}, Replica: replica, Ended: true}
	if k.revoked != "" || k.wiped != "" {
		return c, nil
	}
	if k.expires <= care.FormatTime(h.now()) {
		return Contact{}, ErrToken
	}
	a, err := h.Actor(ctx, k.staff, k.device)
	if errors.Is(err, care.ErrNotFound) {
		return c, nil // has left
	}
	// Whoever was given a power since then enrols the tablet again, with a
	// second factor.
	a.Unproved = k.factor == "" && care.NeedsSecondFactor(a.Roles)
	return Contact{Actor: a, Replica: replica}, err
}

// TokenTerm is how long a token for realtime and files is good.
const TokenTerm = 10 * time.Minute

// BearerToken makes a token for those requests of a tablet that cannot be
// signed: realtime and files. It says which replica and until when, and is
// good as long as the replica itself.
func (h *Hub) BearerToken(c Contact) (token string, until time.Time) {
	until = h.now().Add(TokenTerm).Truncate(time.Second)
	end := strconv.FormatInt(until.Unix(), 10)
	return c.Replica + "~" + end + "~" + h.mac("bearer", c.Replica, end), until
}

// BearerOf is whose tablet a token belongs to: ErrToken for one that is wrong
// or over, or whose replica has ended.
func (h *Hub) BearerOf(ctx context.Context, token string) (Contact, error) {
	parts := strings.Split(token, "~")
	if len(parts) != 3 || !hmac.Equal([]byte(parts[2]), []byte(h.mac("bearer", parts[0], parts[1]))) {
		return Contact{}, ErrToken
	}
	replica := parts[0]
	if end, err := strconv.ParseInt(parts[1], 10, 64); err != nil || end <= h.now().Unix() {
		return Contact{}, ErrToken
	}
	k, err := keyOf(h.asks(ctx), replica)
	if err != nil {
		return Contact{}, err
	}
	c, err := h.contact(ctx, replica, k)
	if err == nil && c.Ended {
		return Contact{}, ErrToken
	}
	return c, err
}

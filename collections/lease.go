package collections

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"time"

	"portolan/care"
	fieldsync "portolan/sync"
)

// Terms of leases: how long a tablet's store can be opened without meeting the
// hub. A month without a network is a promise.
const (
	LeaseDays    = 30 // where nothing is set
	LeaseDaysMin = 1
	LeaseDaysMax = 35
	leaseBytes   = 32
	leaseStep    = time.Hour // a lease that would move by less is not renewed
)

const day = 24 * time.Hour

// ErrLeaseDays says that the term of a lease is out of its bounds.
var ErrLeaseDays = &care.Error{Code: "lease_days_invalid", Kind: care.Invalid, Hint: "A lease lasts from 1 to 35 days, for a role that there is or, without one, for the organisation."}

// Reasons why what a tablet delivers is held for a person, whatever it says.
const (
	HeldLeaseOver = "lease_over"        // made, or delivered first, after the tablet's lease had run out
	HeldRevoked   = "device_revoked"    // delivered by a tablet that was revoked, or whose owner has left
	HeldEarlier   = "earlier_enrolment" // made before its tablet was enrolled anew, which cannot read it any more
)

// SetLeaseTerm sets for how many days a tablet of the actor's organisation can
// be opened without meeting the hub: for a role, or for everybody where role
// is "". Of several roles of a person the shortest counts. The actor needs the
// power enrol.
func (h *Hub) SetLeaseTerm(ctx context.Context, a care.Actor, role care.Role, days int) error {
	if !a.Can(care.MayEnrol) {
		return ErrNoPower
	}
	if days < LeaseDaysMin || days > LeaseDaysMax || role != "" && !slices.Contains(care.Roles, role) {
		return ErrLeaseDays
	}
	at := care.FormatTime(h.now())
	target := care.Target{Collection: "devices", Org: a.Org, Topic: care.People, Compartment: care.General}
	return wrap("setting the term of leases", h.writer.write(ctx, func(t *tx) error {
		if _, err := t.exec(`INSERT INTO lease_terms (org, role, days, set_by, set_at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (org, role) DO UPDATE SET days = excluded.days, set_by = excluded.set_by, set_at = excluded.set_at`,
			a.Org, string(role), days, a.Staff, at); err != nil {
			return err
		}
		return t.note(at, a, event{act: ActLease, target: target, decision: care.Decision{Allowed: true, Reason: "power_enrol"}, count: 1})
	}))
}

// LeaseTerm is a term as it is set, for everybody else where Role is "".
type LeaseTerm struct {
	Role care.Role `json:"role,omitempty"`
	Days int       `json:"days"`
}

// LeaseTerms lists the terms of the actor's organisation, that of everybody
// first. The actor needs the power enrol.
func (h *Hub) LeaseTerms(ctx context.Context, a care.Actor) ([]LeaseTerm, error) {
	if !a.Can(care.MayEnrol) {
		return nil, ErrNoPower
	}
	out := []LeaseTerm{{Days: LeaseDays}}
	rows, err := h.readDB().QueryContext(ctx, `SELECT role, days FROM lease_terms WHERE org = ? ORDER BY role`, a.Org)
	if err != nil {
		return nil, wrap("reading the terms of leases", err)
	}
	defer rows.Close()
	for rows.Next() {
		var t LeaseTerm
		if err := rows.Scan(&t.Role, &t.Days); err != nil {
			return nil, wrap("reading the terms of leases", err)
		}
		if t.Role == "" {
			out[0] = t
		} else {
			out = append(out, t)
		}
	}
	return out, wrap("reading the terms of leases", rows.Err())
}

// leaseTerm is how long a lease of somebody lasts.
func leaseTerm(q querier, a care.Actor) (time.Duration, error) {
	rows, err := q.rows(`SELECT role, days FROM lease_terms WHERE org = ?`, a.Org)
	if err != nil {
		return 0, wrap("reading the terms of leases", err)
	}
	defer rows.Close()
	all, own := LeaseDays, 0
	for rows.Next() {
		var role care.Role
		var days int
		if err := rows.Scan(&role, &days); err != nil {
			return 0, wrap("reading the terms of leases", err)
		}
		switch {
		case role == "":
			all = days
		case slices.Contains(a.Roles, role) && (own == 0 || days < own):
			own = days
		}
	}
	if own == 0 {
		own = all
	}
	return time.Duration(own) * day, wrap("reading the terms of leases", rows.Err())
}

func newLease(key []byte, until time.Time) fieldsync.Lease {
	return fieldsync.Lease{Key: base64.RawURLEncoding.EncodeToString(key), Until: care.FormatTime(until)}
}

// firstLease makes the lease of a new replica, and its key as it is kept.
func (s *session) firstLease(a care.Actor, replica string) (sealed []byte, l fieldsync.Lease, err error) {
	key := make([]byte, leaseBytes)
	if _, err := io.ReadFull(s.h.rand, key); err != nil {
		return nil, l, wrap("making a lease", err)
	}
	term, err := leaseTerm(s.t, a)
	if err != nil {
		return nil, l, err
	}
	sealed, err = s.h.sealSecret(leasePlace(replica), key)
	return sealed, newLease(key, s.now.Add(term)), err
}

// Meet notes that a tablet is here, before its push is taken, and gives the
// lease that it should have now, nil where it has it. Where its lease had run
// out, all that it has made until now is held when it arrives: nobody knows
// who opened the store. It costs a write at most once an hour.
func (h *Hub) Meet(ctx context.Context, c Contact, p fieldsync.Push) (*fieldsync.Lease, error) {
	r := h.asks(ctx)
	k, err := keyOf(r, c.Replica)
	if err != nil || c.Ended {
		return nil, err
	}
	term, err := leaseTerm(r, c.Actor)
	if err != nil {
		return nil, err
	}
	now := h.now()
	until := now.Add(term)
	stored, over := leaseEnd(k.leaseUntil), k.leaseUntil <= care.FormatTime(now)
	last := max(p.Last, k.announced)
	if n := len(p.Changes); n > 0 {
		number, err := fieldsync.NumberOf(p.Changes[n-1])
		if err != nil {
			return nil, err
		}
		last = max(last, number)
	}
	if over || stored.Sub(until).Abs() >= leaseStep || p.Last > k.announced && len(p.Changes) == 0 {
		heldUntil := k.heldUntil
		if over {
			heldUntil = max(heldUntil, last)
		}
		stored = until
		err := h.writer.write(ctx, func(t *tx) error {
			_, err := t.exec(`UPDATE device_keys SET lease_until = ?, held_until_n = MAX(held_until_n, ?), announced_n = MAX(announced_n, ?), seen_at = ?
				WHERE replica = ? AND revoked_at = ''`, care.FormatTime(stored), heldUntil, p.Last, care.FormatTime(now), c.Replica)
			return err
		})
		if err != nil {
			return nil, wrap("renewing a lease", err)
		}
	}
	if leaseEnd(p.Lease).Sub(stored).Abs() < leaseStep {
		return nil, nil
	}
	key, err := h.openSecret(leasePlace(c.Replica), k.lease)
	if err != nil {
		return nil, err
	}
	l := newLease(key, stored)
	return &l, nil
}

// leaseEnd reads the end of a lease; what is none ended long ago.
func leaseEnd(s string) time.Time {
	t, err := time.Parse(care.TimeFormat, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// quarantine says why whatever a replica delivers now is held, and up to which
// of its numbers; "" where it is not.
func (s *session) quarantine(replica string) (reason string, until uint64, err error) {
	k, err := keyOf(s.t, replica)
	switch {
	case errors.Is(err, ErrToken):
		return "", 0, nil // the hub's own
	case err != nil:
		return "", 0, err
	case k.revoked != "" || k.wiped != "":
		return HeldRevoked, fieldsync.NumberMax, nil
	case k.heldUntil > 0:
		return HeldLeaseOver, k.heldUntil, nil
	}
	return "", 0, nil
}

// endReplicas ends a tablet's access for good: its key opens nothing any more
// but the way to deliver, and the hub's part of the key to its store is gone.
func (s *session) endReplicas(device string) error {
	s.ended.devices[device] = true
	r, err := s.t.exec(`UPDATE device_keys SET revoked_at = ?, lease_key = x'', lease_until = ? WHERE device = ? AND revoked_at = ''`, s.nowText, s.nowText, device)
	if err != nil {
		return wrap("revoking", err)
	}
	n, err := r.RowsAffected()
	if n > 0 {
		s.t.end(endedTablet, device, "", "")
	}
	return wrap("revoking", err)
}

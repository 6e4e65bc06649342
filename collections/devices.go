package collections

import (
	"context"
	"errors"

	"portolan/care"
	fieldsync "portolan/sync"
)

// DeviceEnrolled says whether a tablet's key is good now: neither revoked nor
// expired.
func (h *Hub) DeviceEnrolled(ctx context.Context, device string) (bool, error) {
	return h.enrolled(h.asks(ctx), device)
}

func (h *Hub) enrolled(q querier, device string) (good bool, err error) {
	err = q.row(`SELECT EXISTS (SELECT 1 FROM device_keys WHERE device = ? AND revoked_at = '' AND expires_at > ?)`,
		device, care.FormatTime(h.now())).Scan(&good)
	return good, wrap("reading a tablet's key", err)
}

// States that a tablet reports of itself.
const (
	StateBorder = "border" // all is delivered, and its keys are about to go
	StateWiped  = "wiped"  // its keys are destroyed
)

// Errors of what a tablet reports.
var (
	ErrState = &care.Error{Code: "state_unknown", Kind: care.Invalid, Hint: "A tablet reports border or wiped."}
	ErrOwed  = &care.Error{Code: "changes_owed", Kind: care.Conflict, Hint: "The hub does not hold everything that this tablet made. Sync first; nothing may be destroyed yet."}
)

// Holdings is what the hub has of what a tablet made.
type Holdings struct {
	Received uint64 `json:"received"` // number of the last change that the hub holds
	Owed     uint64 `json:"owed"`     // how many changes, half-filled forms and files that the tablet has announced are still to come
}

// holdings is what the hub has of a replica, and how much is still to come as
// far as the tablet has ever said; last is what it says now.
func holdings(q querier, replica string, last uint64) (Holdings, error) {
	var got Holdings
	var announced uint64
	err := q.row(`SELECT r.last_n, k.announced_n, k.drafts_owed + k.files_owed FROM replicas r JOIN device_keys k ON k.replica = r.id WHERE r.id = ?`, replica).Scan(&got.Received, &announced, &got.Owed)
	if last = max(last, announced); last > got.Received {
		got.Owed += last - got.Received
	}
	return got, wrap("reading what a tablet delivered", err)
}

// TabletReports notes what a tablet says of itself and answers with what the
// hub holds of it: the number of its last change, and how many files wait on it. Before a border it is told to go on only where nothing is
// owed. A tablet whose keys are destroyed has ended: it can do nothing but
// deliver the rest, and is enrolled anew by a fresh code.
func (h *Hub) TabletReports(ctx context.Context, c Contact, state string, last, files uint64) (Holdings, error) {
	if state != StateBorder && state != StateWiped || last > fieldsync.NumberMax || files > fieldsync.NumberMax {
		return Holdings{}, ErrState
	}
	var got Holdings
	err := h.enter(ctx, h.HubActor(), func(s *session) error {
		var err error
		if _, err = s.t.exec(`UPDATE device_keys SET announced_n = MAX(announced_n, ?), files_owed = ?, seen_at = ? WHERE replica = ?`, last, files, s.nowText, c.Replica); err != nil {
			return wrap("noting a report", err)
		}
		if got, err = holdings(s.t, c.Replica, last); err != nil {
			return err
		}
		switch {
		case state == StateBorder && got.Owed > 0:
			return nil // said below, and the number is kept
		case state == StateBorder:
			_, err = s.t.exec(`UPDATE device_keys SET border_at = ? WHERE replica = ? AND border_at = ''`, s.nowText, c.Replica)
			return wrap("noting a report", err)
		}
		if _, err = s.t.exec(`UPDATE device_keys SET wiped_at = ? WHERE replica = ? AND wiped_at = ''`, s.nowText, c.Replica); err != nil {
			return wrap("noting a report", err)
		}
		return s.endDevice(c.Device, "replaced")
	})
	if err == nil && state == StateBorder && got.Owed > 0 {
		err = ErrOwed
	}
	return got, err
}

// endDevice writes into a tablet's record that it has ended.
func (s *session) endDevice(device, cause string) error {
	if err := s.endReplicas(device); err != nil {
		return err
	}
	rec, err := s.load(s.h.tables["devices"], device)
	if err != nil || rec == nil {
		return err
	}
	row, err := rec.row(nil)
	if err != nil || row.Text("status") == "revoked" {
		return err
	}
	set := map[string]care.Value{"status": care.OfText("revoked"), "revoked_at": care.OfTime(s.now)}
	if cause != "" {
		set["revoked_reason"] = care.OfText(cause)
	}
	c, err := s.hubChange(s.h.HubActor(), Draft{Collection: "devices", Record: device, Set: set})
	if err != nil {
		return err
	}
	r, err := s.take(c, nil)
	if err != nil {
		return err
	}
	return Refused([]fieldsync.Receipt{r})
}

// DeviceState is what the hub knows of a tablet: no more than a coordinator
// needs to decide what to do about it.
type DeviceState struct {
	Device     string `json:"device"`
	Staff      string `json:"staff"`
	State      string `json:"state"` // enrolled, lease_over, expired, border, ordered (to wipe itself) or wiped
	EnrolledAt string `json:"enrolled_at"`
	SeenAt     string `json:"seen_at,omitempty"`
	LeaseUntil string `json:"lease_until,omitempty"`
	RevokedAt  string `json:"revoked_at,omitempty"`
	BorderAt   string `json:"border_at,omitempty"`
	WipedAt    string `json:"wiped_at,omitempty"`
	Holdings
}

// DeviceState says what the hub knows of a tablet of the actor's organisation.
// The actor needs the power enrol.
func (h *Hub) DeviceState(ctx context.Context, a care.Actor, device string) (DeviceState, error) {
	if !a.Can(care.MayEnrol) {
		return DeviceState{}, ErrNoPower
	}
	row, err := h.Read(ctx, a, "devices", device)
	if err != nil {
		return DeviceState{}, err
	}
	return h.stateOfDevice(reader{ctx, h.readDB()}, row.ID)
}

// DeviceStates says the same of every tablet of the actor's organisation that
// was ever enrolled, at most ListMax.
func (h *Hub) DeviceStates(ctx context.Context, a care.Actor) ([]DeviceState, error) {
	if !a.Can(care.MayEnrol) {
		return nil, ErrNoPower
	}
	rows, err := h.List(ctx, a, Query{Collection: "devices"})
	if err != nil {
		return nil, err
	}
	out, q := []DeviceState{}, reader{ctx, h.readDB()}
	for _, row := range rows {
		s, err := h.stateOfDevice(q, row.ID)
		if errors.Is(err, care.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// stateOfDevice is what the hub knows of a tablet, care.ErrNotFound of one that
// never enrolled.
func (h *Hub) stateOfDevice(q querier, device string) (DeviceState, error) {
	var replica string
	if err := q.row(`SELECT COALESCE(MAX(replica), '') FROM device_keys WHERE device = ?`, device).Scan(&replica); err != nil {
		return DeviceState{}, wrap("reading a tablet's key", err)
	}
	k, err := keyOf(q, replica)
	if err != nil {
		return DeviceState{}, care.ErrNotFound
	}
	s := DeviceState{Device: device, Staff: k.staff, EnrolledAt: k.madeAt, SeenAt: k.seen, LeaseUntil: k.leaseUntil, RevokedAt: k.revoked, BorderAt: k.border, WipedAt: k.wiped}
	if s.Holdings, err = holdings(q, replica, 0); err != nil {
		return s, err
	}
	now := care.FormatTime(h.now())
	switch {
	case k.wiped != "":
		s.State = "wiped"
	case k.revoked != "":
		s.State = "ordered"
	case k.border != "":
		s.State = "border"
	case k.expires <= now:
		s.State = "expired"
	case k.leaseUntil <= now:
		s.State = "lease_over"
	default:
		s.State = "enrolled"
	}
	return s, nil
}

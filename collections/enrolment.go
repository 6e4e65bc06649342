package collections

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	fieldsync "portolan/sync"
)

// Terms of enrolment (OWASP ASVS 5.0, 6.5.4 and 6.5.5: codes of at least 20
// bits that live at most ten minutes).
const (
	EnrolmentTerm = 10 * time.Minute
	codeBytes     = 8                   // 64 bits: 13 characters of base 32
	DeviceTerm    = 90 * 24 * time.Hour // then a tablet is enrolled again
	labelBytesMax = 80

	codeTries          = 5  // wrong passwords, after which a code is no good
	earlierReplicasMax = 64 // a tablet that is enrolled anew four times a year fills them in sixteen years
)

// Errors of enrolment and of tablets.
var (
	ErrCode    = &care.Error{Code: "enrolment_code_invalid", Kind: care.Signin, Hint: "The code is wrong, used, or older than ten minutes; or the password of its owner or their second factor is wrong. Try again, then ask for a new code."}
	ErrEarlier = &care.Error{Code: "replicas_too_many", Kind: care.Invalid, Hint: "A tablet names at most 64 replicas that it had before."}
	ErrKey     = &care.Error{Code: "device_key_invalid", Kind: care.Invalid, Hint: "The tablet's key is no Ed25519 public key."}
	ErrToken   = &care.Error{Code: "token_invalid", Kind: care.Signin, Hint: "This sign-in is wrong, expired or revoked. Nothing on the tablet is lost; enrol it again."}
)

// codeAlphabet is Crockford's base 32: no I, L, O, U, so that a code can be
// read out (crockford.com/base32.html).
const codeAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

var codeEncoding = base32.NewEncoding(codeAlphabet)

// NewEnrolment makes a one-time code with which a member of staff enrols a
// tablet. The actor needs the power enrol; the member of staff is of their
// organisation. Only a hash of the code is kept. Alone it opens nothing: on the
// tablet its owner shows their password too.
func (h *Hub) NewEnrolment(ctx context.Context, a care.Actor, staff string) (string, error) {
	if !a.Can(care.MayEnrol) {
		return "", h.refuse(ctx, a, ActEnrol, peopleTarget("devices", a.Org))
	}
	who, err := h.loadStaff(reader{ctx, h.readDB()}, staff, "")
	if err != nil {
		return "", err
	}
	if !a.IsHub() && who.Org != a.Org {
		return "", care.ErrNotFound
	}
	// Accounts are made at the console alone. Without one there is nobody but
	// a record, which whoever gives grants could have written for themselves.
	var login string
	if err := (reader{ctx, h.readDB()}).row(`SELECT login FROM `+AccountsCollection+` WHERE id = ?`, staff).Scan(&login); errors.Is(err, sql.ErrNoRows) {
		return "", care.ErrNotFound
	} else if err != nil {
		return "", wrap("looking for the account", err)
	}
	b := make([]byte, codeBytes)
	if _, err := io.ReadFull(h.rand, b); err != nil {
		return "", wrap("making a code", err)
	}
	code := strings.TrimRight(codeEncoding.EncodeToString(b), "=")
	now := h.now()
	err = h.writer.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO enrolments (code_hash, staff, made_by, made_at, expires_at) VALUES (?, ?, ?, ?, ?)`,
			hashText(normalCode(code)), staff, a.Staff, care.FormatTime(now), care.FormatTime(now.Add(EnrolmentTerm)))
		if err != nil {
			return wrap("keeping a code", err)
		}
		return t.note(care.FormatTime(now), a, accountEvent(ActEnrol, who.Org, staff, care.Decision{Allowed: true, Reason: "power_enrol"}))
	})
	if err != nil {
		return "", err
	}
	return groupCode(code), nil
}

// groupCode sets a code in groups of four, as it is read out.
func groupCode(code string) string {
	var parts []string
	for len(code) > 4 {
		parts, code = append(parts, code[:4]), code[4:]
	}
	return strings.Join(append(parts, code), "-")
}

// normalCode undoes what people do to a code when they type it.
func normalCode(code string) string {
	return strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(strings.TrimSpace(code)))
}

func hashText(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// Enrolled is what a tablet is given once.
type Enrolled struct {
	Device  string `json:"device"`
	Replica string `json:"replica"`
	Staff   string `json:"staff"`
	Org     string `json:"org"`
	// Lease is what the tablet needs to open its store, beside what it knows
	// itself; each contact renews it.
	Lease fieldsync.Lease `json:"lease"`
	// Known is, for each replica that the tablet had before, what the hub holds
	// of it: one that was restored from an older copy is given back what lies
	// above.
	Known map[string]Known `json:"known,omitempty"`
	// HubKey is the key of the hub to which the tablet seals what it saves.
	HubKey *fieldsync.HubKey `json:"hub_key"`
	// LogKey is the public key of the hub's audit log, by which the tablet
	// knows its checkpoints.
	LogKey string `json:"log_key"`
}

// Enrol takes a one-time code, what its owner shows on the tablet, and the
// tablet's public key, and makes the device and its
// replica. There is no token: whoever holds the key signs. Of the
// owner's credentials the login is not read: the code says whose it is. ErrCode
// where any of it is wrong; ErrSecondFactor where only the second factor is
// missing.
func (h *Hub) Enrol(ctx context.Context, code string, owner Credentials, key ed25519.PublicKey, label string, earlier ...Earlier) (Enrolled, error) {
	if len(earlier) > earlierReplicasMax {
		return Enrolled{}, ErrEarlier
	}
	if len(key) != ed25519.PublicKeySize {
		return Enrolled{}, ErrKey
	}
	if label = strings.TrimSpace(label); label == "" || len(label) > labelBytesMax {
		label = "tablet"
	}
	who, err := h.ownerOf(ctx, normalCode(code), owner)
	if err != nil {
		return Enrolled{}, err
	}
	e := Enrolled{Device: h.newID(), Replica: h.newID(), LogKey: h.LogKey()}
	if e.HubKey, err = h.UnsentKeyFor(ctx, who.actor.Org, ""); err != nil {
		return Enrolled{}, err
	}
	err = h.enter(ctx, h.HubActor(), func(s *session) error { return s.enrol(&e, normalCode(code), who, key, label, earlier) })
	if errors.Is(err, ErrSignIn) { // somebody else was faster with the same second factor
		err = ErrCode
	}
	if err != nil {
		return Enrolled{}, err
	}
	return e, nil
}

// ownerOf is whose code it is, where they have shown that it is theirs. For a
// code that nobody has it does the same work.
func (h *Hub) ownerOf(ctx context.Context, code string, shownOnTablet Credentials) (shown, error) {
	var staff string
	var account *core.Record
	err := reader{ctx, h.readDB()}.row(`SELECT staff FROM enrolments WHERE code_hash = ? AND used_at = '' AND expires_at > ? AND failed < ?`,
		hashText(code), h.nowText(), codeTries).Scan(&staff)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return shown{}, wrap("reading a code", err)
	}
	if account, err = h.app.FindRecordById(AccountsCollection, staff); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return shown{}, wrap("looking for the account", err)
	} else if err != nil {
		account = nil
	}
	who, err := h.checkAccount(ctx, account, shownOnTablet)
	if errors.Is(err, ErrSignIn) {
		err = h.writer.write(ctx, func(t *tx) error {
			_, err := t.exec(`UPDATE enrolments SET failed = failed + 1 WHERE code_hash = ?`, hashText(code))
			return wrap("noting a wrong password", err)
		})
		if err == nil {
			err = ErrCode
		}
	}
	if err == nil && who.actor.Unproved {
		err = ErrSecondFactor
	}
	return who, err
}

// Earlier is a replica that a tablet had before, and up to which of its changes
// it has receipts.
type Earlier struct {
	Replica  string `json:"id"`
	Answered uint64 `json:"answered"`
}

// Known is what the hub holds of a replica: all up to N, where its chain is at
// Link, and the receipts that the tablet never saw. N is 0 for a replica that
// the hub does not know, or that is another person's.
type Known struct {
	N        uint64            `json:"n"`
	Link     string            `json:"link,omitempty"`
	Receipts []json.RawMessage `json:"receipts,omitempty"`
}

// knownReplicas says how far the hub holds the replicas that a tablet had
// before, and takes nothing more under their names.
func (s *session) knownReplicas(staff string, earlier []Earlier) (map[string]Known, error) {
	known := make(map[string]Known, len(earlier))
	for _, e := range earlier {
		var k Known
		var link []byte
		err := s.t.row(`SELECT last_n, link FROM replicas WHERE id = ? AND staff = ?`, e.Replica, staff).Scan(&k.N, &link)
		if errors.Is(err, sql.ErrNoRows) {
			known[e.Replica] = k
			continue
		}
		if err != nil {
			return nil, wrap("reading the replica", err)
		}
		// What it brings from now on it brings under the new one: a push that is
		// under way would arrive twice.
		if _, err := s.t.exec(`UPDATE replicas SET replaced_at = ? WHERE id = ? AND staff = ?`, s.nowText, e.Replica, staff); err != nil {
			return nil, wrap("ending the earlier replica", err)
		}
		k.Link = hex.EncodeToString(link)
		if k.Receipts, err = s.receiptsAfter(e); err != nil {
			return nil, err
		}
		known[e.Replica] = k
	}
	return known, nil
}

// receiptsAfter are those that a tablet may have missed: not more than one push
// was under way when its line broke.
func (s *session) receiptsAfter(e Earlier) ([]json.RawMessage, error) {
	rows, err := s.t.rows(`SELECT receipt FROM changes WHERE replica = ? AND n > ? ORDER BY n LIMIT ?`, e.Replica, e.Answered, fieldsync.PushChangesMax)
	if err != nil {
		return nil, wrap("reading receipts", err)
	}
	defer rows.Close()
	var out []json.RawMessage
	for rows.Next() {
		var r []byte
		if err := rows.Scan(&r); err != nil {
			return nil, wrap("reading receipts", err)
		}
		out = append(out, r)
	}
	return out, wrap("reading receipts", rows.Err())
}

func (s *session) enrol(e *Enrolled, code string, who shown, key ed25519.PublicKey, label string, earlier []Earlier) error {
	var expires, used string
	var failed int
	err := s.t.row(`SELECT staff, expires_at, used_at, failed FROM enrolments WHERE code_hash = ?`, hashText(code)).Scan(&e.Staff, &expires, &used, &failed)
	if errors.Is(err, sql.ErrNoRows) || (err == nil && (used != "" || expires <= s.nowText || failed >= codeTries || e.Staff != who.actor.Staff)) {
		return ErrCode
	}
	if err != nil {
		return wrap("reading a code", err)
	}
	actor, err := s.h.loadStaff(s.t, e.Staff, e.Device)
	if errors.Is(err, care.ErrNotFound) {
		return ErrCode
	}
	if err != nil {
		return err
	}
	e.Org = actor.Org
	if err := who.match.burn(s.t, s.nowText); err != nil {
		return err
	}
	lease, first, err := s.firstLease(actor, e.Replica)
	if err != nil {
		return err
	}
	e.Lease = first
	if e.Known, err = s.knownReplicas(e.Staff, earlier); err != nil {
		return err
	}
	for _, q := range []struct {
		sql  string
		args []any
	}{
		{`UPDATE enrolments SET used_at = ? WHERE code_hash = ?`, []any{s.nowText, hashText(code)}},
		{`INSERT INTO replicas (id, staff, device, last_n, link, made_at) VALUES (?, ?, ?, 0, ?, ?)`,
			[]any{e.Replica, e.Staff, e.Device, make([]byte, len(fieldsync.Link{})), s.nowText}},
		{`INSERT INTO device_keys (replica, device, staff, org, public_key, factor, made_at, expires_at, lease_key, lease_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			[]any{e.Replica, e.Device, e.Staff, e.Org, []byte(key), who.match.kind, s.nowText, care.FormatTime(s.now.Add(DeviceTerm)), lease, e.Lease.Until}},
	} {
		if _, err := s.t.exec(q.sql, q.args...); err != nil {
			return wrap("enrolling", err)
		}
	}
	a, err := s.hubChange(s.h.HubActor(), Draft{Collection: "devices", Record: e.Device, Org: e.Org, Set: map[string]care.Value{
		"label": care.OfText(label), "staff": care.OfText(e.Staff), "status": care.OfText("enrolled"), "enrolled_at": care.OfTime(s.now)}})
	if err != nil {
		return err
	}
	r, err := s.take(a, nil)
	if err == nil {
		err = Refused([]fieldsync.Receipt{r})
	}
	if err != nil {
		return err
	}
	return s.t.note(s.nowText, actor, deviceEvent(ActEnrol, e.Org, e.Device, care.Decision{Allowed: true, Reason: "code_and_password"}))
}

// deviceEvent is an act on a tablet.
func deviceEvent(act, org, device string, d care.Decision) event {
	return event{act: act, target: peopleTarget("devices", org), decision: d, count: 1, records: []string{device}}
}

// RevokeDevice ends a tablet's access and its lease. The actor needs the power enrol.
func (h *Hub) RevokeDevice(ctx context.Context, a care.Actor, device string) error {
	if !a.Can(care.MayEnrol) {
		return h.refuse(ctx, a, ActRevoke, peopleTarget("devices", a.Org))
	}
	row, err := h.Read(ctx, a, "devices", device)
	if err != nil {
		return err
	}
	return h.enter(ctx, a, func(s *session) error {
		if err := s.endDevice(row.ID, ""); err != nil {
			return err
		}
		return s.t.note(s.nowText, a, deviceEvent(ActRevoke, row.Org, row.ID, care.Decision{Allowed: true, Reason: "power_enrol"}))
	})
}

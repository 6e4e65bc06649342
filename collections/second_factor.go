package collections

import (
	"context"
	"errors"
	"io"
	"strings"

	"portolan/care"
	"portolan/signin"
)

// A second factor is what somebody shows beside their password: a code of an
// authenticator app, a passkey, or one of the recovery codes that they were
// given on paper. Whoever has one is always asked for it; whoever has a power
// must have one (care.NeedsSecondFactor).

const (
	issuer            = "Portolan" // what an authenticator app shows; it says nothing about the people in care
	recoveryCodes     = 10
	recoveryCodeBytes = 10 // 80 bits: 16 characters of base 32

	factorTOTP     = "totp"
	factorPasskey  = "passkey"
	factorRecovery = "recovery"
)

// Errors of second factors.
var (
	ErrSecondFactor = &care.Error{Code: "second_factor_needed", Kind: care.Forbidden, Hint: "Give the second factor, or set one up, before anything else."}
	ErrFactorCode   = &care.Error{Code: "second_factor_code_wrong", Kind: care.Unprocessed, Hint: "This code is wrong, or was used. Take the one that the app shows now."}
	ErrFactorLast   = &care.Error{Code: "second_factor_last", Kind: care.Unprocessed, Hint: "Your role needs a second factor: set up another one before you remove this."}
)

// match is the second factor that a code was found to be; kind is "" where it
// was none.
type match struct {
	kind, id string
	counter  int64
	staff    string
	asked    bool // the account has a second factor at all
}

// matchCode finds what a code is good for. For the same number of codes given
// it does the same work, whoever asks and whether they have one or not.
func (h *Hub) matchCode(q querier, staff, code string) (match, error) {
	m := match{staff: staff}
	rows, err := q.rows(`SELECT id, kind, secret, counter FROM second_factors WHERE staff = ? AND confirmed_at != '' AND removed_at = ''`, staff)
	if err != nil {
		return m, wrap("reading second factors", err)
	}
	defer rows.Close()
	tried := false
	for rows.Next() {
		var id, kind string
		var sealed []byte
		var counter int64
		if err := rows.Scan(&id, &kind, &sealed, &counter); err != nil {
			return m, wrap("reading second factors", err)
		}
		m.asked = true
		if kind != factorTOTP {
			continue
		}
		secret, err := h.openSecret(factorPlace(id), sealed)
		if err != nil {
			return m, err
		}
		tried = true
		if step, good := signin.Check(secret, plainCode(code), h.now(), counter); good {
			m.kind, m.id, m.counter = factorTOTP, id, step
		}
	}
	if err := rows.Err(); err != nil {
		return m, wrap("reading second factors", err)
	}
	if !tried {
		signin.Check(h.secret, plainCode(code), h.now(), 0) // as much work as for somebody who has one
	}
	var unused bool
	hash := recoveryHash(staff, code)
	err = q.row(`SELECT EXISTS (SELECT 1 FROM recovery_codes WHERE code_hash = ? AND staff = ? AND used_at = '')`, hash, staff).Scan(&unused)
	if unused && m.kind == "" {
		m.kind, m.id = factorRecovery, hash
	}
	return m, wrap("reading recovery codes", err)
}

// plainCode undoes what people do to six digits when they type them.
func plainCode(code string) string { return strings.NewReplacer(" ", "", "-", "").Replace(code) }

func recoveryHash(staff, code string) string { return hashText(staff + " " + normalCode(code)) }

// burn uses a code up, in the transaction of what it is used for: of two that
// race with one code, one gets ErrSignIn.
func (m match) burn(t *tx, now string) error {
	query, args := "", []any(nil)
	switch m.kind {
	case "":
		return nil
	case factorRecovery:
		query, args = `UPDATE recovery_codes SET used_at = ? WHERE code_hash = ? AND used_at = ''`, []any{now, m.id}
	default:
		query, args = `UPDATE second_factors SET used_at = ?, counter = ? WHERE id = ? AND counter < ? AND removed_at = ''`, []any{now, m.counter, m.id, m.counter}
	}
	r, err := t.exec(query, args...)
	if err != nil {
		return wrap("using a code up", err)
	}
	if n, err := r.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, ErrSignIn)
	}
	if m.kind == factorRecovery {
		t.end(endedCode, m.id, "", "")
	}
	return nil
}

func hasSecondFactor(q querier, staff string) (has bool, err error) {
	err = q.row(`SELECT EXISTS (SELECT 1 FROM second_factors WHERE staff = ? AND confirmed_at != '' AND removed_at = '')`, staff).Scan(&has)
	return has, wrap("reading second factors", err)
}

// HasSecondFactor says whether somebody has set one up.
func (h *Hub) HasSecondFactor(ctx context.Context, staff string) (bool, error) {
	return hasSecondFactor(reader{ctx, h.readDB()}, staff)
}

// Factor is one second factor as its owner sees it.
type Factor struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	Label  string `json:"label"`
	MadeAt string `json:"made_at"`
	UsedAt string `json:"used_at,omitempty"`
}

// FactorState is what an account has of second factors.
type FactorState struct {
	Given         bool     `json:"given"`  // in this sign-in
	Needed        bool     `json:"needed"` // before anything else can be done
	Factors       []Factor `json:"factors"`
	RecoveryCodes int      `json:"recovery_codes"` // that are left
}

// SecondFactors lists the actor's own.
func (h *Hub) SecondFactors(ctx context.Context, a care.Actor, session string) (FactorState, error) {
	q := reader{ctx, h.readDB()}
	in, err := h.liveSignIn(q, a.Staff, session)
	if err != nil {
		return FactorState{}, err
	}
	s := FactorState{Given: in.factor != "", Needed: a.Unproved, Factors: []Factor{}}
	rows, err := q.rows(`SELECT id, kind, label, confirmed_at, used_at FROM second_factors WHERE staff = ? AND confirmed_at != '' AND removed_at = '' ORDER BY id`, a.Staff)
	if err != nil {
		return s, wrap("reading second factors", err)
	}
	defer rows.Close()
	for rows.Next() {
		var f Factor
		if err := rows.Scan(&f.ID, &f.Kind, &f.Label, &f.MadeAt, &f.UsedAt); err != nil {
			return s, wrap("reading second factors", err)
		}
		s.Factors = append(s.Factors, f)
	}
	if err := rows.Err(); err != nil {
		return s, wrap("reading second factors", err)
	}
	err = q.row(`SELECT COUNT(*) FROM recovery_codes WHERE staff = ? AND used_at = ''`, a.Staff).Scan(&s.RecoveryCodes)
	return s, wrap("reading recovery codes", err)
}

// maySetUp says whether the actor may set up a second factor now: with the one
// that they have, or as the first one, with their password. It is asked in the
// transaction that keeps the new one, so that two cannot both be the first.
func maySetUp(q querier, a care.Actor) error {
	if !a.Unproved {
		return nil
	}
	has, err := hasSecondFactor(q, a.Staff)
	if err == nil && has {
		return ErrSecondFactor
	}
	return err
}

// NewTOTP is the secret of an authenticator app, shown once.
type NewTOTP struct {
	Secret string `json:"secret"`
	URI    string `json:"uri"`
}

// BeginTOTP makes a secret for the actor's authenticator app. It counts for
// nothing until a code of it was shown; one that was begun before is void.
func (h *Hub) BeginTOTP(ctx context.Context, a care.Actor) (NewTOTP, error) {
	secret, err := signin.NewSecret(h.rand)
	if err != nil {
		return NewTOTP{}, err
	}
	id := h.newID()
	sealed, err := h.sealSecret(factorPlace(id), secret)
	if err != nil {
		return NewTOTP{}, err
	}
	var login string
	err = h.writer.write(ctx, func(t *tx) error {
		if err := maySetUp(t, a); err != nil {
			return err
		}
		if err := t.row(`SELECT login FROM `+AccountsCollection+` WHERE id = ?`, a.Staff).Scan(&login); err != nil {
			return wrap("looking for the account", err)
		}
		if _, err := t.exec(`DELETE FROM second_factors WHERE staff = ? AND kind = ? AND confirmed_at = ''`, a.Staff, factorTOTP); err != nil {
			return wrap("forgetting an unfinished second factor", err)
		}
		_, err := t.exec(`INSERT INTO second_factors (id, staff, kind, label, secret, made_at) VALUES (?, ?, ?, ?, ?, ?)`,
			id, a.Staff, factorTOTP, "authenticator app", sealed, h.nowText())
		return wrap("keeping a second factor", err)
	})
	return NewTOTP{Secret: signin.SecretText(secret), URI: signin.SecretURI(issuer, login, secret)}, err
}

// ConfirmTOTP makes the secret that was begun count, once a code of it is
// shown. An earlier app's ends, every other sign-in of the person ends, and
// where they have no recovery codes yet they get them, this once.
func (h *Hub) ConfirmTOTP(ctx context.Context, a care.Actor, session, code string) (recovery []string, err error) {
	err = h.writer.write(ctx, func(t *tx) error {
		if err := maySetUp(t, a); err != nil {
			return err
		}
		id, step, err := h.begunTOTP(t, a.Staff, code)
		if err != nil {
			return err
		}
		now := h.nowText()
		if _, err := t.removeFactors(now, `staff = ? AND kind = ? AND confirmed_at != ''`, a.Staff, factorTOTP); err != nil {
			return err
		}
		if _, err := t.exec(`UPDATE second_factors SET confirmed_at = ?, counter = ? WHERE id = ?`, now, step, id); err != nil {
			return wrap("confirming a second factor", err)
		}
		recovery, err = h.confirmed(t, a, session, factorTOTP)
		return err
	})
	if err == nil {
		h.signedOut(a.Staff)
	}
	return recovery, err
}

// begunTOTP is the secret that was begun and not confirmed, where the code is
// of it.
func (h *Hub) begunTOTP(t *tx, staff, code string) (id string, step int64, err error) {
	var sealed []byte
	rows, err := t.rows(`SELECT id, secret FROM second_factors WHERE staff = ? AND kind = ? AND confirmed_at = ''`, staff, factorTOTP)
	if err != nil {
		return "", 0, wrap("reading a second factor", err)
	}
	defer rows.Close()
	if !rows.Next() {
		return "", 0, errors.Join(rows.Err(), ErrFactorCode)
	}
	if err := rows.Scan(&id, &sealed); err != nil {
		return "", 0, wrap("reading a second factor", err)
	}
	secret, err := h.openSecret(factorPlace(id), sealed)
	if err != nil {
		return "", 0, err
	}
	step, good := signin.Check(secret, plainCode(code), h.now(), 0)
	if !good {
		return "", 0, ErrFactorCode
	}
	return id, step, nil
}

// confirmed is what follows from a new second factor, of either kind.
func (h *Hub) confirmed(t *tx, a care.Actor, session, kind string) (recovery []string, err error) {
	now := h.nowText()
	if err := t.proved(a.Staff, session, kind); err != nil {
		return nil, err
	}
	if err := t.endSignIns(a.Staff, session, now); err != nil {
		return nil, err
	}
	var left int
	if err := t.row(`SELECT COUNT(*) FROM recovery_codes WHERE staff = ?`, a.Staff).Scan(&left); err != nil {
		return nil, wrap("reading recovery codes", err)
	}
	if left == 0 {
		if recovery, err = h.makeRecoveryCodes(t, a.Staff); err != nil {
			return nil, err
		}
	}
	return recovery, t.note(now, a, factorEvent(a, "set_up_"+kind))
}

// proved notes that the second factor was given in a sign-in.
func (t *tx) proved(staff, session, kind string) error {
	_, err := t.exec(`UPDATE sign_ins SET factor = ? WHERE id_hash = ? AND staff = ? AND ended_at = ''`, kind, hashText(session), staff)
	return wrap("noting a second factor", err)
}

func factorEvent(a care.Actor, what string) event {
	return accountEvent(ActSecondFactor, a.Org, a.Staff, care.Decision{Allowed: true, Reason: care.Reason(what)})
}

// removeFactors ends the second factors of a condition, and says how many.
func (t *tx) removeFactors(now, where string, args ...any) (int, error) {
	rows, err := t.rows(`UPDATE second_factors SET removed_at = ? WHERE removed_at = '' AND `+where+` RETURNING id`, append([]any{now}, args...)...)
	if err != nil {
		return 0, wrap("ending second factors", err)
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var id string
		if err := rows.Scan(&id); err != nil {
			return n, wrap("ending second factors", err)
		}
		t.end(endedFactor, id, "", "")
	}
	return n, wrap("ending second factors", rows.Err())
}

// endRecoveryCodes ends every recovery code of a member of staff.
func (t *tx) endRecoveryCodes(staff string) error {
	r, err := t.exec(`DELETE FROM recovery_codes WHERE staff = ?`, staff)
	if err != nil {
		return wrap("ending recovery codes", err)
	}
	n, err := r.RowsAffected()
	if n > 0 {
		t.end(endedCodes, staff, "", "")
	}
	return wrap("ending recovery codes", err)
}

// makeRecoveryCodes replaces the recovery codes of an account. Only hashes are
// kept.
func (h *Hub) makeRecoveryCodes(t *tx, staff string) ([]string, error) {
	if err := t.endRecoveryCodes(staff); err != nil {
		return nil, err
	}
	codes := make([]string, recoveryCodes)
	for i := range codes {
		b := make([]byte, recoveryCodeBytes)
		if _, err := io.ReadFull(h.rand, b); err != nil {
			return nil, wrap("making recovery codes", err)
		}
		codes[i] = groupCode(codeEncoding.EncodeToString(b))
		if _, err := t.exec(`INSERT INTO recovery_codes (code_hash, staff, made_at) VALUES (?, ?, ?)`, recoveryHash(staff, codes[i]), staff, h.nowText()); err != nil {
			return nil, wrap("keeping recovery codes", err)
		}
	}
	return codes, nil
}

// NewRecoveryCodes gives the actor new ones; the earlier ones end.
func (h *Hub) NewRecoveryCodes(ctx context.Context, a care.Actor) (codes []string, err error) {
	if a.Unproved {
		return nil, ErrSecondFactor
	}
	err = h.writer.write(ctx, func(t *tx) error {
		if has, err := hasSecondFactor(t, a.Staff); err != nil || !has {
			return errors.Join(err, ErrSecondFactor)
		}
		if codes, err = h.makeRecoveryCodes(t, a.Staff); err != nil {
			return err
		}
		return t.note(h.nowText(), a, factorEvent(a, "recovery_codes_made"))
	})
	return codes, err
}

// GiveCode gives the second factor in a sign-in that was begun with the
// password: from then on its token is good for all that the person may do.
// ErrSignIn where the code is wrong, as for a wrong password.
func (h *Hub) GiveCode(ctx context.Context, a care.Actor, session, code string) error {
	m, err := h.matchCode(reader{ctx, h.readDB()}, a.Staff, code)
	if err != nil {
		return err
	}
	if m.kind == "" {
		return h.noteFailure(ctx, a.Staff)
	}
	return h.writer.write(ctx, func(t *tx) error {
		if err := errors.Join(m.burn(t, h.nowText()), t.stillHas(a, m, h.nowText())); err != nil {
			return err
		}
		if err := t.proved(a.Staff, session, m.kind); err != nil {
			return err
		}
		return t.note(h.nowText(), a, signInEvent(a, m.kind))
	})
}

// RemoveFactor takes one of the actor's own second factors away. The last one
// stays where their role needs one; recovery codes go with the last.
func (h *Hub) RemoveFactor(ctx context.Context, a care.Actor, session, id string) error {
	if a.Unproved {
		return ErrSecondFactor
	}
	err := h.writer.write(ctx, func(t *tx) error {
		var others int
		if err := t.row(`SELECT COUNT(*) FROM second_factors WHERE staff = ? AND id != ? AND confirmed_at != '' AND removed_at = ''`, a.Staff, id).Scan(&others); err != nil {
			return wrap("reading second factors", err)
		}
		if n, err := t.removeFactors(h.nowText(), `id = ? AND staff = ? AND confirmed_at != ''`, id, a.Staff); err != nil || n == 0 {
			return errors.Join(err, care.ErrNotFound)
		}
		if others == 0 {
			if care.NeedsSecondFactor(a.Roles) {
				return ErrFactorLast
			}
			if err := t.endRecoveryCodes(a.Staff); err != nil {
				return err
			}
		}
		if err := t.endSignIns(a.Staff, session, h.nowText()); err != nil {
			return err
		}
		return t.note(h.nowText(), a, factorEvent(a, "removed"))
	})
	if err == nil {
		h.signedOut(a.Staff)
	}
	return err
}

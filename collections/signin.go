package collections

import (
	"context"
	"crypto/hmac"
	"database/sql"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/security"

	"portolan/care"
)

// How long a sign-in at the desk lasts. The end is one long shift, whatever is
// done; the pause is a person who was called away and whose screen is open
// (OWASP ASVS 5.0, 7.3.1 and 7.3.2; NIST SP 800-63B §2.2.3 allows 12 hours and
// 30 minutes at AAL2).
const (
	SignInTerm   = 12 * time.Hour
	SignInPause  = 30 * time.Minute
	signInNoted  = time.Minute // how often it is noted that somebody is still there
	signInsLive  = 16          // of one account at once
	signInsKept  = 30 * 24 * time.Hour
	sessionBytes = 32
	claimSession = "session"
)

// Acts of signing in, as the audit log names them.
const (
	ActSignIn       = "sign_in"
	ActSignOut      = "sign_out"
	ActSecondFactor = "second_factor"
	ActAccount      = "account"
	ActPassword     = "password"
)

// Credentials are what somebody shows to sign in.
type Credentials struct {
	Login, Password string
	Code            string // of an authenticator app, or a recovery code; "" where none was given
	Address         string // network address, "" at the console
}

// SignedIn is somebody who has signed in at the desk.
type SignedIn struct {
	Actor   care.Actor
	Account *core.Record
	Session string // which sign-in this is; the token carries it
	Token   string
}

// shown is what a check of credentials found.
type shown struct {
	account *core.Record
	actor   care.Actor
	match   match
}

// check says whose credentials these are: ErrSignIn where anything of them is
// wrong. A login that nobody has costs as much as a wrong password, and a wrong
// code no less. Failures are in the audit log when it returns.
func (h *Hub) check(ctx context.Context, c Credentials) (shown, error) {
	account, err := h.app.FindFirstRecordByData(AccountsCollection, "login", c.Login)
	if errors.Is(err, sql.ErrNoRows) {
		return h.checkAccount(ctx, nil, c)
	}
	if err != nil {
		return shown{}, wrap("looking for the login", err) // not a wrong password
	}
	return h.checkAccount(ctx, account, c)
}

// checkAccount is check for an account that was found, nil for none.
func (h *Hub) checkAccount(ctx context.Context, account *core.Record, c Credentials) (shown, error) {
	known := account != nil
	if !known {
		account = h.decoy()
	}
	right := account.ValidatePassword(c.Password)
	m, err := h.matchCode(reader{ctx, h.readDB()}, account.Id, c.Code)
	if err != nil {
		return shown{}, err
	}
	if !known || !right || c.Code != "" && m.kind == "" {
		return shown{}, h.noteFailure(ctx, account.Id)
	}
	actor, err := h.Actor(ctx, account.Id, "")
	if errors.Is(err, care.ErrNotFound) { // has left, or was disabled
		return shown{}, h.noteFailure(ctx, account.Id)
	}
	actor.Unproved = m.kind == "" && (m.asked || care.NeedsSecondFactor(actor.Roles))
	return shown{account, actor, m}, err
}

// noteFailure keeps that somebody failed to sign in; for a login that nobody
// has, whose it was not.
func (h *Hub) noteFailure(ctx context.Context, staff string) error {
	if err := h.audit(ctx, care.Actor{Staff: staff}, accountEvent(ActSignIn, "", staff, care.Decision{Reason: "signin_failed"})); err != nil {
		return err
	}
	return ErrSignIn
}

// accountEvent is an act on the account of a member of staff.
func accountEvent(act, org, staff string, d care.Decision) event {
	e := event{act: act, target: peopleTarget("accounts", org), decision: d, count: 1}
	if staff != "" {
		e.records = []string{staff}
	}
	return e
}

// peopleTarget is what acts on accounts are about: no case.
func peopleTarget(collection, org string) care.Target {
	return care.Target{Collection: collection, Org: org, Topic: care.People, Compartment: care.General}
}

// SignIn checks who is at the console. Where a second factor is asked of them
// and they gave none it returns ErrSecondFactor, and the actor, who has no
// power then and sees nothing.
func (h *Hub) SignIn(ctx context.Context, c Credentials) (care.Actor, error) {
	s, err := h.check(ctx, c)
	if err != nil {
		return care.Actor{}, err
	}
	if s.actor.Unproved {
		return s.actor, ErrSecondFactor
	}
	err = h.writer.write(ctx, func(t *tx) error {
		if err := errors.Join(s.match.burn(t, h.nowText()), t.stillHas(s.actor, s.match, h.nowText())); err != nil {
			return err
		}
		return t.note(h.nowText(), s.actor, signInEvent(s.actor, s.match.kind))
	})
	return s.actor, wrap("signing in", err)
}

func signInEvent(a care.Actor, factor string) event {
	reason := care.Reason("password")
	if factor != "" {
		reason = care.Reason("second_factor_" + factor)
	}
	return accountEvent(ActSignIn, a.Org, a.Staff, care.Decision{Allowed: true, Reason: reason})
}

func (h *Hub) nowText() string { return care.FormatTime(h.now()) }

// SignInAtDesk checks credentials and begins a sign-in, with a token that ends
// with it. Where a second factor is asked and was not given the sign-in is
// good for giving it, or for setting one up, and for nothing else.
func (h *Hub) SignInAtDesk(ctx context.Context, c Credentials) (SignedIn, error) {
	s, err := h.check(ctx, c)
	if err != nil {
		return SignedIn{}, err
	}
	b := make([]byte, sessionBytes)
	if _, err := io.ReadFull(h.rand, b); err != nil {
		return SignedIn{}, wrap("making a sign-in", err)
	}
	in := SignedIn{Actor: s.actor, Account: s.account, Session: base64.RawURLEncoding.EncodeToString(b)}
	err = h.writer.write(ctx, func(t *tx) error {
		now := h.now()
		if err := errors.Join(s.match.burn(t, care.FormatTime(now)), t.stillHas(s.actor, s.match, care.FormatTime(now))); err != nil {
			return err
		}
		if err := t.crowd(s.actor, care.FormatTime(now)); err != nil {
			return err
		}
		_, err := t.exec(`INSERT INTO sign_ins (id_hash, staff, roles, factor, address, made_at, seen_at, until) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			hashText(in.Session), s.actor.Staff, rolesText(s.actor.Roles), s.match.kind, h.addressMark(s.actor.Staff, c.Address),
			care.FormatTime(now), care.FormatTime(now), care.FormatTime(now.Add(SignInTerm)))
		if err != nil {
			return wrap("keeping a sign-in", err)
		}
		return t.note(care.FormatTime(now), s.actor, signInEvent(s.actor, s.match.kind))
	})
	if err != nil {
		return SignedIn{}, wrap("signing in", err)
	}
	in.Token, err = token(in.Account, in.Session, SignInTerm)
	return in, err
}

// crowd ends the oldest sign-in of an account that has too many: an unproved
// one never pushes out a proved one, which somebody with a stolen password
// alone could do otherwise.
func (t *tx) crowd(a care.Actor, now string) error {
	_, err := t.exec(`UPDATE sign_ins SET ended_at = ? WHERE id_hash IN (
		SELECT id_hash FROM sign_ins WHERE staff = ? AND ended_at = '' AND until > ? AND (factor = '' OR ?) ORDER BY made_at DESC LIMIT -1 OFFSET ?)`,
		now, a.Staff, now, !a.Unproved, signInsLive-1)
	return wrap("ending old sign-ins", err)
}

// token is a sign-in as PocketBase writes one, so that its own routes and
// clients take it, with the sign-in's name in it.
func token(account *core.Record, session string, life time.Duration) (string, error) {
	t, err := security.NewJWT(map[string]any{core.TokenClaimType: core.TokenTypeAuth, core.TokenClaimId: account.Id,
		core.TokenClaimCollectionId: account.Collection().Id, core.TokenClaimRefreshable: true, claimSession: session},
		account.TokenKey()+account.Collection().AuthToken.Secret, life)
	return t, wrap("making a token", err)
}

// SessionOf reads which sign-in a token is of. The caller has checked its
// signature.
func SessionOf(token string) string {
	claims, err := security.ParseUnverifiedJWT(token)
	if err != nil {
		return ""
	}
	session, _ := claims[claimSession].(string)
	return session
}

func rolesText(roles []care.Role) string {
	l := make([]string, len(roles))
	for i, r := range roles {
		l[i] = string(r)
	}
	slices.Sort(l)
	return strings.Join(l, " ")
}

// addressMark stands for an address from which somebody signed in: it can be
// compared and not read.
func (h *Hub) addressMark(staff, address string) string { return h.mac("address", staff, address) }

// signIn is a row of sign_ins that has not ended.
type signIn struct {
	factor string
	until  time.Time
	seen   time.Time
}

// liveSignIn reads a sign-in: ErrToken where it has ended, by itself or by
// somebody.
func (h *Hub) liveSignIn(q querier, staff, session string) (signIn, error) {
	var s signIn
	var seen, until, ended string
	err := q.row(`SELECT factor, seen_at, until, ended_at FROM sign_ins WHERE id_hash = ? AND staff = ?`, hashText(session), staff).
		Scan(&s.factor, &seen, &until, &ended)
	if errors.Is(err, sql.ErrNoRows) {
		return s, ErrToken
	}
	if err != nil {
		return s, wrap("reading a sign-in", err)
	}
	if s.until, err = time.Parse(care.TimeFormat, until); err != nil {
		return s, wrap("reading a sign-in", err)
	}
	if s.seen, err = time.Parse(care.TimeFormat, seen); err != nil {
		return s, wrap("reading a sign-in", err)
	}
	if now := h.now(); ended != "" || !now.Before(s.until) || now.Sub(s.seen) >= SignInPause {
		return s, ErrToken
	}
	return s, nil
}

// SessionActor is who has signed in: ErrToken where the sign-in has ended or
// its owner has left. Asking keeps it from ending by a pause.
func (h *Hub) SessionActor(ctx context.Context, staff, session string) (care.Actor, error) {
	q := reader{ctx, h.readDB()}
	s, err := h.liveSignIn(q, staff, session)
	if err != nil {
		return care.Actor{}, err
	}
	a, err := h.loadActor(q, staff, "")
	if errors.Is(err, care.ErrNotFound) {
		return a, ErrToken
	}
	if err != nil {
		return a, err
	}
	if s.factor == "" {
		asked, err := hasSecondFactor(q, staff)
		if err != nil {
			return a, err
		}
		a.Unproved = asked || care.NeedsSecondFactor(a.Roles)
	}
	if now := h.now(); now.Sub(s.seen) >= signInNoted {
		err = h.writer.write(ctx, func(t *tx) error {
			_, err := t.exec(`UPDATE sign_ins SET seen_at = ? WHERE id_hash = ?`, care.FormatTime(now), hashText(session))
			return err
		})
		if errors.Is(err, ErrBusy) {
			err = nil // the next request notes it
		}
	}
	return a, wrap("noting who is still there", err)
}

// SessionLive says whether a sign-in goes on, without keeping it from ending.
func (h *Hub) SessionLive(ctx context.Context, staff, session string) (bool, error) {
	_, err := h.liveSignIn(reader{ctx, h.readDB()}, staff, session)
	if errors.Is(err, ErrToken) {
		return false, nil
	}
	return err == nil, err
}

// RenewToken is a token of the same sign-in. It ends when the sign-in does.
func (h *Hub) RenewToken(ctx context.Context, account *core.Record, session string) (string, error) {
	s, err := h.liveSignIn(reader{ctx, h.readDB()}, account.Id, session)
	if err != nil {
		return "", err
	}
	return token(account, session, s.until.Sub(h.now()))
}

// SignOut ends a sign-in, or all of that person's.
func (h *Hub) SignOut(ctx context.Context, a care.Actor, session string, everywhere bool) error {
	err := h.writer.write(ctx, func(t *tx) error {
		reason := care.Reason("own")
		if everywhere {
			reason = "everywhere"
			if err := t.endSignIns(a.Staff, "", h.nowText()); err != nil {
				return err
			}
		} else if _, err := t.exec(`UPDATE sign_ins SET ended_at = ? WHERE id_hash = ? AND staff = ? AND ended_at = ''`, h.nowText(), hashText(session), a.Staff); err != nil {
			return err
		}
		return t.note(h.nowText(), a, accountEvent(ActSignOut, a.Org, a.Staff, care.Decision{Allowed: true, Reason: reason}))
	})
	if err != nil {
		return wrap("signing out", err)
	}
	h.signedOut(a.Staff)
	return nil
}

// endSignIns ends all sign-ins of a member of staff but one, "" for none.
func (t *tx) endSignIns(staff, but, now string) error {
	_, err := t.exec(`UPDATE sign_ins SET ended_at = ? WHERE staff = ? AND ended_at = '' AND id_hash != ?`, now, staff, hashText(but))
	return wrap("ending sign-ins", err)
}

// endOtherRoles ends the sign-ins that were begun with other roles than the
// person has now, all of them where they have left.
func (s *session) endOtherRoles(staff string) error {
	roles := "left"
	switch actor, err := s.h.loadStaff(s.t, staff, ""); {
	case err == nil:
		roles = rolesText(actor.Roles)
	case !errors.Is(err, care.ErrNotFound):
		return err
	}
	r, err := s.t.exec(`UPDATE sign_ins SET ended_at = ? WHERE staff = ? AND ended_at = '' AND roles != ?`, s.nowText, staff, roles)
	if err != nil {
		return wrap("ending sign-ins", err)
	}
	if n, err := r.RowsAffected(); err != nil || n > 0 || roles == "left" { // their tablets hear of it too
		s.out = append(s.out, staff)
		return wrap("ending sign-ins", err)
	}
	return nil
}

// OnSignOut adds a listener that hears whose sign-ins ended, after that is
// kept. It must not block.
func (h *Hub) OnSignOut(f func(staff string)) {
	h.wakeMu.Lock()
	defer h.wakeMu.Unlock()
	h.out = append(h.out, f)
}

func (h *Hub) signedOut(staff ...string) {
	h.wakeMu.Lock()
	listeners := h.out
	h.wakeMu.Unlock()
	for _, f := range listeners {
		for _, s := range staff {
			f(s)
		}
	}
}

// KnownAddress says whether somebody with this login signed in from the
// address of late, with all that is asked of them. A login that nobody has
// costs the same question.
func (h *Hub) KnownAddress(ctx context.Context, login, address string) (known bool, err error) {
	staff, err := h.StaffOf(ctx, login)
	if err != nil && !errors.Is(err, care.ErrNotFound) {
		return false, err
	}
	err = reader{ctx, h.readDB()}.row(`SELECT EXISTS (SELECT 1 FROM sign_ins WHERE staff = ? AND made_at > ? AND address = ?
		AND (factor != '' OR NOT EXISTS (SELECT 1 FROM second_factors WHERE staff = sign_ins.staff AND confirmed_at != '')))`,
		staff, care.FormatTime(h.now().Add(-signInsKept)), h.addressMark(staff, address)).Scan(&known)
	return known, wrap("looking for earlier sign-ins", err)
}

// forgetSignIns removes those that ended long ago.
func (h *Hub) forgetSignIns(ctx context.Context) error {
	return h.writer.write(ctx, func(t *tx) error {
		_, err := t.exec(`DELETE FROM sign_ins WHERE until < ?`, care.FormatTime(h.now().Add(-signInsKept)))
		return wrap("forgetting old sign-ins", err)
	})
}

// rememberedTerm is how long a device is remembered from which somebody signed
// in with all that is asked of them.
const rememberedTerm = 90 * 24 * time.Hour

// RememberDesk is what a device keeps to show that its owner signed in from it
// before. It opens nothing: it keeps strangers' guesses from locking them out.
// A new password ends it.
func (h *Hub) RememberDesk(account *core.Record) (string, error) {
	b := make([]byte, sessionBytes/2)
	if _, err := io.ReadFull(h.rand, b); err != nil {
		return "", wrap("remembering a device", err)
	}
	id, until := base64.RawURLEncoding.EncodeToString(b), care.FormatTime(h.now().Add(rememberedTerm))
	return id + "~" + until + "~" + h.mac("remembered", account.Id, account.TokenKey(), id, until), nil
}

// RememberedDesk is the name of the remembered device, "" where what was shown
// is none of that login. For a login that nobody has it does the same work.
func (h *Hub) RememberedDesk(ctx context.Context, login, shown string) (string, error) {
	var staff, key string
	err := reader{ctx, h.readDB()}.row(`SELECT id, tokenKey FROM `+AccountsCollection+` WHERE login = ?`, login).Scan(&staff, &key)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", wrap("looking for the login", err)
	}
	id, rest, _ := strings.Cut(shown, "~")
	until, mac, _ := strings.Cut(rest, "~")
	if !hmac.Equal([]byte(mac), []byte(h.mac("remembered", staff, key, id, until))) || staff == "" || until <= h.nowText() {
		return "", nil
	}
	return id, nil
}

// NoteLocked keeps that a login was guessed at so often that strangers wait.
func (h *Hub) NoteLocked(ctx context.Context, login string) error {
	staff, err := h.StaffOf(ctx, login)
	if err != nil && !errors.Is(err, care.ErrNotFound) {
		return err
	}
	return h.audit(ctx, care.Actor{Staff: staff}, accountEvent(ActSignIn, "", staff, care.Decision{Reason: "too_many_attempts"}))
}

package collections

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"time"

	"portolan/care"
	"portolan/signin"
)

// Bounds of passkeys.
const (
	challengeTerm  = 5 * time.Minute
	challengeBytes = 32
	passkeysMax    = 8
)

// Errors of passkeys.
var (
	ErrPasskey      = &care.Error{Code: "passkey_refused", Kind: care.Unprocessed, Hint: "The passkey's answer is not right for this hub and this moment. Begin again."}
	ErrPasskeysMany = &care.Error{Code: "passkeys_too_many", Kind: care.Unprocessed, Hint: "Remove a passkey before you add another one."}
)

// What a challenge was given for: one for a new passkey shows none.
const (
	toRegister = "register "
	toShow     = "show "
)

// Challenge is what a browser is given to have a passkey answer.
type Challenge struct {
	Challenge string   // base64url
	Login     string   // of whoever asks
	Known     []string // credentials that the person has, base64url
}

// BeginPasskey gives a challenge for a new passkey of the actor's.
func (h *Hub) BeginPasskey(ctx context.Context, a care.Actor, session string) (Challenge, error) {
	return h.challenge(ctx, a, session, toRegister)
}

// AskPasskey gives a challenge for a passkey that the actor has, as the second
// factor in a sign-in that was begun with the password.
func (h *Hub) AskPasskey(ctx context.Context, a care.Actor, session string) (Challenge, error) {
	return h.challenge(ctx, a, session, toShow)
}

func (h *Hub) challenge(ctx context.Context, a care.Actor, session, use string) (Challenge, error) {
	b := make([]byte, challengeBytes)
	if _, err := io.ReadFull(h.rand, b); err != nil {
		return Challenge{}, wrap("making a challenge", err)
	}
	c := Challenge{Challenge: base64.RawURLEncoding.EncodeToString(b), Known: []string{}}
	err := h.writer.write(ctx, func(t *tx) error {
		c.Known = c.Known[:0]
		if use == toRegister {
			if err := maySetUp(t, a); err != nil {
				return err
			}
		}
		if err := t.row(`SELECT login FROM `+AccountsCollection+` WHERE id = ?`, a.Staff).Scan(&c.Login); err != nil {
			return wrap("looking for the account", err)
		}
		rows, err := t.rows(`SELECT credential FROM second_factors WHERE staff = ? AND kind = ? AND confirmed_at != '' AND removed_at = ''`, a.Staff, factorPasskey)
		if err != nil {
			return wrap("reading passkeys", err)
		}
		defer rows.Close()
		for rows.Next() {
			var known string
			if err := rows.Scan(&known); err != nil {
				return wrap("reading passkeys", err)
			}
			c.Known = append(c.Known, known)
		}
		if err := rows.Err(); err != nil {
			return wrap("reading passkeys", err)
		}
		if use == toRegister && len(c.Known) >= passkeysMax {
			return ErrPasskeysMany
		}
		_, err = t.exec(`UPDATE sign_ins SET challenge = ?, challenge_until = ? WHERE id_hash = ? AND staff = ?`,
			use+c.Challenge, care.FormatTime(h.now().Add(challengeTerm)), hashText(session), a.Staff)
		return wrap("keeping a challenge", err)
	})
	return c, err
}

// given takes the challenge of a sign-in, which is good once; nil where there
// is none, it was for something else or is too old.
func (t *tx) given(staff, session, use, now string) ([]byte, error) {
	var text, until string
	err := t.row(`SELECT challenge, challenge_until FROM sign_ins WHERE id_hash = ? AND staff = ?`, hashText(session), staff).Scan(&text, &until)
	if err != nil {
		return nil, wrap("reading a challenge", err)
	}
	if _, err := t.exec(`UPDATE sign_ins SET challenge = '' WHERE id_hash = ?`, hashText(session)); err != nil {
		return nil, wrap("using a challenge up", err)
	}
	text, ok := strings.CutPrefix(text, use)
	if !ok || until <= now {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	return b, wrap("reading a challenge", err)
}

// AddPasskey keeps a new passkey of the actor's, where it answers the challenge
// that was given for it. Recovery codes come with a first second factor.
func (h *Hub) AddPasskey(ctx context.Context, a care.Actor, session, label string, site signin.Site, r signin.Registration) (recovery []string, err error) {
	if label = strings.TrimSpace(label); label == "" || len(label) > labelBytesMax {
		label = "passkey"
	}
	refused := false
	err = h.writer.write(ctx, func(t *tx) error {
		refused = false
		now := h.nowText()
		if err := maySetUp(t, a); err != nil {
			return err
		}
		challenge, err := t.given(a.Staff, session, toRegister, now)
		if err != nil {
			return err
		}
		key, err := site.Register(challenge, r)
		if err != nil {
			refused = true // the challenge is used up all the same
			return nil
		}
		credential := base64.RawURLEncoding.EncodeToString(key.Credential)
		var taken bool
		if err := t.row(`SELECT EXISTS (SELECT 1 FROM second_factors WHERE credential = ?)`, credential).Scan(&taken); err != nil || taken {
			refused = err == nil
			return wrap("reading passkeys", err)
		}
		id := h.newID()
		sealed, err := h.sealSecret(factorPlace(id), key.PublicKey)
		if err != nil {
			return err
		}
		if _, err := t.exec(`INSERT INTO second_factors (id, staff, kind, label, secret, credential, made_at, confirmed_at, counter) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			id, a.Staff, factorPasskey, label, sealed, credential, now, now, key.Counter); err != nil {
			return wrap("keeping a passkey", err)
		}
		recovery, err = h.confirmed(t, a, session, factorPasskey)
		return err
	})
	if err == nil && refused {
		return nil, ErrPasskey
	}
	if err == nil {
		h.signedOut(a.Staff)
	}
	return recovery, err
}

// GivePasskey gives the second factor in a sign-in with a passkey: ErrSignIn
// where its answer is wrong, as for a wrong password.
func (h *Hub) GivePasskey(ctx context.Context, a care.Actor, session, credential string, site signin.Site, shown signin.Assertion) error {
	wrong := false
	err := h.writer.write(ctx, func(t *tx) error {
		wrong = false
		now := h.nowText()
		challenge, err := t.given(a.Staff, session, toShow, now)
		if err != nil {
			return err
		}
		var id string
		var sealed []byte
		var key signin.Passkey
		err = t.row(`SELECT id, secret, counter FROM second_factors WHERE credential = ? AND staff = ? AND kind = ? AND confirmed_at != '' AND removed_at = ''`,
			credential, a.Staff, factorPasskey).Scan(&id, &sealed, &key.Counter)
		if errors.Is(err, sql.ErrNoRows) {
			wrong = true
			return nil
		}
		if err != nil {
			return wrap("reading a passkey", err)
		}
		if key.PublicKey, err = h.openSecret(factorPlace(id), sealed); err != nil {
			return err
		}
		counter, err := site.Check(challenge, key, shown)
		if err != nil {
			wrong = true // the challenge is used up all the same
			return nil
		}
		if _, err := t.exec(`UPDATE second_factors SET used_at = ?, counter = ? WHERE id = ?`, now, counter, id); err != nil {
			return wrap("using a passkey", err)
		}
		if err := errors.Join(t.proved(a.Staff, session, factorPasskey), t.stillHas(a, match{kind: factorPasskey}, now)); err != nil {
			return err
		}
		return t.note(now, a, signInEvent(a, factorPasskey))
	})
	if err == nil && wrong {
		return h.noteFailure(ctx, a.Staff)
	}
	return err
}

package collections

import (
	"context"
	"errors"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
)

// withPassword is an account that nobody has yet, with a password and a key
// for tokens of its own.
func (h *Hub) withPassword(password string) (*core.Record, error) {
	if len([]rune(password)) < PasswordRunesMin {
		return nil, ErrPassword
	}
	if len(password) > passwordBytesMax {
		return nil, ErrPasswordLong
	}
	account, err := h.withTokenKey()
	if err != nil {
		return nil, err
	}
	account.SetPassword(password)
	if account.GetString("password:hash") == "" {
		return nil, errors.New("hashing a password failed")
	}
	return account, nil
}

// withTokenKey is an account that nobody has, with a key for tokens.
func (h *Hub) withTokenKey() (*core.Record, error) {
	c, err := h.app.FindCachedCollectionByNameOrId(AccountsCollection)
	if err != nil {
		return nil, wrap("finding the accounts", err)
	}
	account := core.NewRecord(c)
	account.RefreshTokenKey()
	return account, nil
}

// PasswordAsked is the question to a second person whether a member of staff
// gets a password that whoever asks types.
func PasswordAsked(staff string) care.Approval {
	return care.Approval{Act: care.ActPasswordSet, Collection: "staff", Record: staff, Reason: "password_lost"}
}

// ConsolePassword gives an account a new password at the console, with nobody
// signed in, and ends its sign-ins at the desk: at once where its owner shows
// their second factor or a recovery code, or where the password opens nothing
// yet, no case and no power; otherwise with notice, when WaitTerm is over,
// unless its owner signs in with the one that they have, or somebody stops it
// (docs/decisions/015-two-people-for-powers.md). The moment is zero where it is
// done. Another password asked for begins the time anew.
func (h *Hub) ConsolePassword(ctx context.Context, login, password, code string) (due time.Time, err error) {
	staff, err := h.StaffOf(ctx, login)
	if err != nil {
		return due, err
	}
	account, err := h.withPassword(password)
	if err != nil {
		return due, err
	}
	var m match
	if code != "" {
		if m, err = h.matchCode(reader{ctx, h.readDB()}, staff, code); err == nil && m.kind == "" {
			err = h.noteFailure(ctx, staff)
		}
		if err != nil {
			return due, err
		}
	}
	err = h.enter(ctx, h.HubActor(), func(s *session) error {
		who, err := h.loadStaff(s.t, staff, "")
		if err != nil {
			return err
		}
		opens, err := s.opensSomething(who)
		if err != nil {
			return err
		}
		if err := s.noOtherPassword(h.HubActor(), who); err != nil {
			return err
		}
		if opens && m.kind == "" {
			due, err = s.waitFor(care.ActPasswordSet, who, "", account.GetString("password:hash"))
			return err
		}
		if err := m.burn(s.t, s.nowText); err != nil {
			return err
		}
		return s.setPassword(h.HubActor(), who, account.GetString("password:hash"), account.TokenKey(), "")
	})
	return due, err
}

// AgreedPassword gives an account a new password under a second person's yes
// that the actor asked for, and uses it up.
func (h *Hub) AgreedPassword(ctx context.Context, a care.Actor, staff, password string) error {
	if !a.Can(care.MayPeople) || a.IsHub() {
		return ErrNoPower
	}
	account, err := h.withPassword(password)
	if err != nil {
		return err
	}
	return h.enter(ctx, a, func(s *session) error {
		who, err := h.loadStaff(s.t, staff, "")
		if err != nil {
			return err
		}
		p, err := h.spendApproval(s.t, a, PasswordAsked(staff))
		if err == nil {
			err = s.noOtherPassword(a, who)
		}
		if err != nil {
			return err
		}
		return s.setPassword(a, who, account.GetString("password:hash"), account.TokenKey(), p.ID)
	})
}

// noOtherPassword stops a password that waits, for another one.
func (s *session) noOtherPassword(a, who care.Actor) error {
	return s.t.stop(`staff = ? AND act = ?`, []any{who.Staff, string(care.ActPasswordSet)}, s.nowText, a, who.Org, who.Staff)
}

// opensSomething says whether whoever signs in as somebody sees any case, or
// has a power that takes two people.
func (s *session) opensSomething(who care.Actor) (bool, error) {
	grants, err := grantsOf(s.t, who.Staff, "")
	if err != nil {
		return false, err
	}
	for _, g := range grants {
		if g.Until.After(s.now) {
			return true, nil
		}
	}
	two, err := s.twoPeople()
	return two && care.NeedsSecondFactor(who.Roles), err
}

// setWaited gives an account the password that has waited.
func (s *session) setWaited(who care.Actor, id string) error {
	var hash string
	if err := s.t.row(`SELECT password FROM waiting_acts WHERE id = ?`, id).Scan(&hash); err != nil || hash == "" {
		return errors.Join(ErrApprovalMalformed, err)
	}
	account, err := s.h.withTokenKey()
	if err != nil {
		return err
	}
	return s.setPassword(s.h.HubActor(), who, hash, account.TokenKey(), "")
}

func (s *session) setPassword(a, who care.Actor, hash, tokenKey, approval string) error {
	s.out = append(s.out, who.Staff)
	e := accountEvent(ActPassword, who.Org, who.Staff, care.Decision{Allowed: true, Reason: "set"})
	e.approval = approval
	return s.t.newPassword(a, who.Staff, hash, tokenKey, s.nowText, e)
}

// newPassword replaces a password, ends the sign-ins at the desk that were made
// with the one before. Tablets keep theirs: they
// are revoked one by one.
func (t *tx) newPassword(a care.Actor, staff, hash, tokenKey, now string, e event) error {
	if _, err := t.exec(`UPDATE `+AccountsCollection+` SET password = ?, tokenKey = ? WHERE id = ?`, hash, tokenKey, staff); err != nil {
		return wrap("setting a password", err)
	}
	t.end(endedPassword, staff, "", "")
	if err := t.endSignIns(staff, "", now); err != nil {
		return err
	}
	return t.note(now, a, e)
}

// ChangePassword gives somebody who has signed in a new password, where they
// show the one that they have, and their second factor if there is one.
func (h *Hub) ChangePassword(ctx context.Context, c Credentials, password string) error {
	shown, err := h.check(ctx, c)
	if err != nil {
		return err
	}
	if shown.actor.Unproved {
		return ErrSecondFactor
	}
	account, err := h.withPassword(password)
	if err != nil {
		return err
	}
	a := shown.actor
	err = h.writer.write(ctx, func(t *tx) error {
		now := h.nowText()
		if err := errors.Join(shown.match.burn(t, now), t.stillHas(a, shown.match, now)); err != nil {
			return err
		}
		return t.newPassword(a, a.Staff, account.GetString("password:hash"), account.TokenKey(), now,
			accountEvent(ActPassword, a.Org, a.Staff, care.Decision{Allowed: true, Reason: "changed"}))
	})
	if err == nil {
		h.signedOut(a.Staff)
	}
	return err
}

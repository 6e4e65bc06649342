package collections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	fieldsync "portolan/sync"
)

// An account is how a member of staff signs in: a record of PocketBase's auth
// collection "accounts" with the id of their record in staff. Names, roles and
// teams stand in staff and go through the door.

// AccountsCollection is the name of the auth collection.
const AccountsCollection = "accounts"

// PasswordRunesMin is the shortest password; long beats complicated
// (NIST SP 800-63B §3.1.1.2 asks for at least 15 where it stands alone).
const PasswordRunesMin = 12

// passwordBytesMax is what bcrypt reads; it would take the rest for nothing.
const passwordBytesMax = 72

// Errors of accounts.
var (
	ErrLoginTaken   = &care.Error{Code: "login_taken", Kind: care.Conflict, Hint: "There is an account with this login already."}
	ErrLoginBad     = &care.Error{Code: "login_bad", Kind: care.Invalid, Hint: "A login is 2 to 80 lower-case letters, digits, dots, dashes or @."}
	ErrPassword     = &care.Error{Code: "password_short", Kind: care.Invalid, Hint: fmt.Sprintf("A password has at least %d characters; a few plain words do.", PasswordRunesMin)}
	ErrPasswordLong = &care.Error{Code: "password_long", Kind: care.Invalid, Hint: fmt.Sprintf("A password has at most %d bytes.", passwordBytesMax)}
	ErrSignIn       = &care.Error{Code: "signin_failed", Kind: care.Signin, Hint: "Login, password or code is wrong, or the account is closed. A code is good once: wait for the next one."}
	ErrNoPower      = &care.Error{Code: "no_power", Kind: care.Unprocessed, Hint: "Your role may not do this; ask a coordinator or an operator."}
)

// NewAccount is a person who starts to work.
type NewAccount struct {
	Login       string
	Password    string
	DisplayName string
	Roles       []care.Role
	Org         string // the actor's own where ""
}

// AddAccount makes the staff record, through the door, and the account beside
// it, in one transaction, and returns their common id. The actor needs the
// power people.
func (h *Hub) AddAccount(ctx context.Context, a care.Actor, n NewAccount) (string, error) {
	if !a.Can(care.MayPeople) {
		return "", ErrNoPower
	}
	if len(n.Login) < 2 || len(n.Login) > 80 || strings.Trim(n.Login, "abcdefghijklmnopqrstuvwxyz0123456789._@-") != "" {
		return "", ErrLoginBad
	}
	account, err := h.withPassword(n.Password)
	if err != nil {
		return "", err
	}
	roles := make([]string, len(n.Roles))
	for i, r := range n.Roles {
		roles[i] = string(r)
	}
	id := h.newID()
	err = h.enter(ctx, a, func(s *session) error {
		var taken bool
		if err := s.t.row(`SELECT EXISTS (SELECT 1 FROM `+AccountsCollection+` WHERE login = ?)`, n.Login).Scan(&taken); err != nil {
			return wrap("looking for the login", err)
		}
		if taken {
			return ErrLoginTaken
		}
		receipts, err := s.doGroup([]Draft{{Collection: "staff", Record: id, Org: n.Org,
			Set: map[string]care.Value{"display_name": care.OfText(n.DisplayName), "status": care.OfText("active")},
			Add: map[string][]string{"roles": roles}}})
		if err == nil {
			err = Refused(receipts)
		}
		if err != nil {
			return wrap("adding a member of staff", err)
		}
		if _, err := s.t.exec(`INSERT INTO `+AccountsCollection+` (id, login, password, tokenKey, verified) VALUES (?, ?, ?, ?, TRUE)`,
			id, n.Login, account.GetString("password:hash"), account.TokenKey()); err != nil {
			return wrap("adding an account", err)
		}
		if _, err := s.twoPeople(); err != nil { // from now on, perhaps
			return err
		}
		return s.t.note(s.nowText, a, accountEvent(ActAccount, n.Org, id, care.Decision{Allowed: true, Reason: "made"}))
	})
	if err != nil {
		return "", err
	}
	return id, nil
}

// Refused is an error where anything of a hub's own change was held: what a
// person does at the console either happens or is said not to have.
func Refused(receipts []fieldsync.Receipt) error {
	for _, r := range receipts {
		for _, held := range r.Held {
			return &care.Error{Code: held.Reason, Kind: care.Unprocessed, Hint: "The change was kept aside and is in the worklist: " + held.Reason + " " + held.Field}
		}
	}
	return nil
}

// decoy is an account that nobody has, to spend a password check on.
func (h *Hub) decoy() *core.Record {
	h.decoyOnce.Do(func() {
		c, err := h.app.FindCachedCollectionByNameOrId(AccountsCollection)
		if err != nil {
			panic("collections: the accounts are gone: " + err.Error())
		}
		h.decoyAccount = core.NewRecord(c)
		h.decoyAccount.SetPassword(h.newSalt())
	})
	return h.decoyAccount
}

// Account is one account as the console lists it.
type Account struct {
	Staff string
	Login string
	Row   care.Row // the staff record
}

// Accounts lists the accounts in the order of their logins.
func (h *Hub) Accounts(ctx context.Context, a care.Actor) ([]Account, error) {
	records, err := h.app.FindRecordsByFilter(AccountsCollection, "", "login", 0, 0)
	if err != nil {
		return nil, wrap("listing accounts", err)
	}
	var out []Account
	for _, r := range records {
		row, err := h.Read(ctx, a, "staff", r.Id)
		if errors.Is(err, care.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, Account{Staff: r.Id, Login: r.GetString("login"), Row: row})
	}
	return out, nil
}

// StaffOf is the id of the account with a login, care.ErrNotFound where there
// is none.
func (h *Hub) StaffOf(ctx context.Context, login string) (string, error) {
	var id string
	err := reader{ctx, h.readDB()}.row(`SELECT id FROM `+AccountsCollection+` WHERE login = ?`, login).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", care.ErrNotFound
	}
	return id, wrap("looking for the login", err)
}

// Empty says whether nobody has an account yet.
func (h *Hub) Empty() (bool, error) {
	n, err := h.app.CountRecords(AccountsCollection)
	return n == 0, wrap("counting accounts", err)
}

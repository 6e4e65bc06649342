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

// Errors of accounts.
var (
	ErrLoginTaken = &care.Error{Code: "login_taken", Kind: care.Conflict, Hint: "There is an account with this login already."}
	ErrLoginBad   = &care.Error{Code: "login_bad", Kind: care.Invalid, Hint: "A login is 2 to 80 lower-case letters, digits, dots, dashes or @."}
	ErrPassword   = &care.Error{Code: "password_short", Kind: care.Invalid, Hint: fmt.Sprintf("A password has at least %d characters; a few plain words do.", PasswordRunesMin)}
	ErrSignIn     = &care.Error{Code: "signin_failed", Kind: care.Signin, Hint: "Login or password is wrong, or the account is closed."}
	ErrNoPower    = &care.Error{Code: "no_power", Kind: care.Unprocessed, Hint: "Your role may not do this; ask a coordinator or an operator."}
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
// it, and returns their common id. The actor needs the power people.
func (h *Hub) AddAccount(ctx context.Context, a care.Actor, n NewAccount) (string, error) {
	if !a.Can(care.MayPeople) {
		return "", ErrNoPower
	}
	if err := h.checkLogin(n.Login, n.Password); err != nil {
		return "", err
	}
	roles := make([]string, len(n.Roles))
	for i, r := range n.Roles {
		roles[i] = string(r)
	}
	id := h.newID()
	receipts, err := h.Do(ctx, a, Draft{Collection: "staff", Record: id, Org: n.Org,
		Set: map[string]care.Value{"display_name": care.OfText(n.DisplayName), "status": care.OfText("active")},
		Add: map[string][]string{"roles": roles}})
	if err != nil {
		return "", wrap("adding a member of staff", err)
	}
	if err := Refused(receipts); err != nil {
		return "", err
	}
	c, err := h.app.FindCachedCollectionByNameOrId(AccountsCollection)
	if err != nil {
		return "", wrap("finding the accounts", err)
	}
	account := core.NewRecord(c)
	account.Id = id
	account.Set("login", n.Login)
	account.SetPassword(n.Password)
	account.SetVerified(true)
	if err := h.app.SaveWithContext(ctx, account); err != nil {
		return "", wrap("adding an account", err)
	}
	return id, nil
}

func (h *Hub) checkLogin(login, password string) error {
	if len(login) < 2 || len(login) > 80 || strings.Trim(login, "abcdefghijklmnopqrstuvwxyz0123456789._@-") != "" {
		return ErrLoginBad
	}
	if len([]rune(password)) < PasswordRunesMin {
		return ErrPassword
	}
	if _, err := h.app.FindFirstRecordByData(AccountsCollection, "login", login); err == nil {
		return ErrLoginTaken
	} else if !errors.Is(err, sql.ErrNoRows) {
		return wrap("looking for the login", err)
	}
	return nil
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

// SetPassword gives an account a new password and ends all its sign-ins at
// the desk. Tablets keep theirs: they are revoked one by one.
func (h *Hub) SetPassword(ctx context.Context, a care.Actor, login, password string) error {
	if !a.Can(care.MayPeople) {
		return ErrNoPower
	}
	if len([]rune(password)) < PasswordRunesMin {
		return ErrPassword
	}
	account, err := h.app.FindFirstRecordByData(AccountsCollection, "login", login)
	if errors.Is(err, sql.ErrNoRows) {
		return care.ErrNotFound
	}
	if err != nil {
		return wrap("looking for the login", err)
	}
	account.SetPassword(password) // refreshes the token key too
	return wrap("setting a password", h.app.SaveWithContext(ctx, account))
}

// SignIn checks a password and returns whose it is. A wrong login costs the
// same time as a wrong password.
func (h *Hub) SignIn(ctx context.Context, login, password string) (care.Actor, error) {
	account, err := h.app.FindFirstRecordByData(AccountsCollection, "login", login)
	if errors.Is(err, sql.ErrNoRows) {
		h.decoy().ValidatePassword(password)
		return care.Actor{}, ErrSignIn
	}
	if err != nil {
		return care.Actor{}, wrap("looking for the login", err) // not a wrong password
	}
	if !account.ValidatePassword(password) {
		return care.Actor{}, ErrSignIn
	}
	actor, err := h.Actor(ctx, account.Id, "")
	if errors.Is(err, care.ErrNotFound) {
		return actor, ErrSignIn
	}
	return actor, err
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

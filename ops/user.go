package ops

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"portolan/care"
	"portolan/collections"
)

const userUsage = `add|list|role|password|disable|second-factor|waiting|approve|stop [flags] [LOGIN|ID]

  add LOGIN --role R[,R]  makes an account; the first one makes the organisation too
  list                    shows logins, roles and whether the person still works here
  password LOGIN          sets a new password and ends that person's sign-ins; with
                          --code at once, where that person gives their code
  disable LOGIN           ends the account: the person has left
  role LOGIN --role R[,R]    gives these roles instead of those that the person has
  second-factor setup LOGIN  sets up an authenticator app, as that person
  second-factor reset LOGIN  takes the second factors away, where they were lost
  waiting --as LOGIN         what waits for a second person, or for its time
  approve ID --as LOGIN      agrees, as the second person
  stop ID --as LOGIN         says no, or stops what waits for its time

Roles that carry powers, taking second factors away, and another's password need
two people: one asks with --as, another approves. Without --as it happens after
three days, unless somebody whom it concerns stops it. On a hub that never had two
such people, roles are given at once; so is a password that opens no case yet.
Whoever still signs in with the old password stops a new one. An organisation
keeps somebody who can approve, unless --nobody-left says otherwise, and then
after three days.

Passwords are asked for; that of whoever gives the command is taken from
PORTOLAN_PASSWORD, a new one from PORTOLAN_NEW_PASSWORD.
`

// User manages the accounts of staff. Whoever may write to the hub's folder
// may do this: that is how the first account comes into being, and how a
// forgotten password is replaced without e-mail.
func User(ctx context.Context, env Env, args []string) int {
	fs := env.flags("user")
	u := user{env: env}
	dir := fs.String("dir", DefaultDir, "the hub's `folder`")
	fs.StringVar(&u.name, "name", "", "the person's `name` as colleagues see it (add)")
	fs.StringVar(&u.roles, "role", "", "`roles`, separated by commas: "+roleNames()+" (add)")
	fs.StringVar(&u.org, "org", "", "`id` of the organisation, where the hub has several (add)")
	fs.StringVar(&u.orgName, "org-name", "This organisation", "`name` of the organisation, for the first account (add)")
	fs.StringVar(&u.country, "country", "", "the organisation's country, ISO 3166 `code`, for the first account (add)")
	fs.StringVar(&u.zone, "time-zone", "UTC", "the organisation's time `zone`, such as Africa/Nairobi, for the first account (add)")
	fs.StringVar(&u.as, "as", "", "`login` of whoever does this (role, password, second-factor reset, waiting, approve, stop)")
	fs.BoolVar(&u.code, "code", false, "that person is here and gives their second factor or a recovery code (password)")
	fs.BoolVar(&u.nobodyLeft, "nobody-left", false, "take the power to approve away also from the last who has it (role)")
	words, exit, stop := env.parse(fs, args, userUsage)
	if stop {
		return exit
	}
	acts := map[string]func(context.Context, *collections.Hub, string) error{
		"add": u.add, "list": u.list, "role": u.role, "password": u.password, "disable": u.disable, "second-factor setup": u.setUpFactor,
		"second-factor reset": u.resetFactors, "waiting": u.waiting, "approve": u.approve, "stop": u.stop}
	if len(words) > 1 && words[0] == "second-factor" {
		words = append([]string{words[0] + " " + words[1]}, words[2:]...)
	}
	if len(words) == 0 || acts[words[0]] == nil {
		return env.misused(fs, userUsage, "say add, list, role, password, disable, second-factor setup, second-factor reset, waiting, approve or stop")
	}
	fs.Visit(func(f *flag.Flag) {
		u.placed = u.placed || f.Name == "org-name" || f.Name == "country" || f.Name == "time-zone"
	})
	u.country = strings.ToUpper(u.country)
	if problem := u.placeProblem(); problem != "" {
		return env.misused(fs, userUsage, problem)
	}
	act, login := words[0], ""
	alone := act == "list" || act == "waiting"
	switch {
	case alone && len(words) == 1:
	case !alone && len(words) == 2:
		login = words[1]
	default:
		return env.misused(fs, userUsage, act+" takes one LOGIN or ID, and list and waiting take none")
	}
	if slices.Contains([]string{"waiting", "approve", "stop"}, act) && u.as == "" {
		return env.misused(fs, userUsage, "--as says who does this")
	}
	open := env.OpenHub
	if act == "add" || act == "role" {
		if err := u.readRoles(); err != nil {
			return env.Fail(err)
		}
	}
	if act == "add" {
		open = env.MakeHub
	}
	hub, done, err := open(ctx, *dir)
	if err != nil {
		return env.Fail(err)
	}
	defer done()
	if err := acts[act](ctx, hub, login); err != nil {
		return env.Fail(err)
	}
	return ExitOK
}

type user struct {
	env                         Env
	name, roles, as             string
	org, orgName, country, zone string
	wanted                      []care.Role
	nobodyLeft                  bool // the last who approves loses that, and it is meant
	code                        bool // their owner shows a second factor
	placed                      bool // the organisation's name or place was typed
}

func roleNames() string {
	names := make([]string, len(care.Roles))
	for i, r := range care.Roles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}

// placeProblem says what is wrong with where the organisation is, "" where
// nothing is: a record of it that was half kept aside would stay.
func (u *user) placeProblem() string {
	if countries, _ := care.FindCodes("countries"); u.country != "" && !countries.Has(u.country) {
		return "--country is not a country of ISO 3166-1, two letters"
	}
	if _, err := time.LoadLocation(u.zone); err != nil || u.zone == "" || u.zone == "Local" {
		return "--time-zone is not a zone of the IANA database, such as Africa/Nairobi"
	}
	return ""
}

func (u *user) readRoles() error {
	for _, r := range strings.Split(u.roles, ",") {
		role := care.Role(strings.TrimSpace(r))
		if !slices.Contains(care.Roles, role) {
			return &care.Error{Code: "role_unknown", Kind: care.Invalid, Hint: "--role takes one or more of " + roleNames() + "."}
		}
		u.wanted = append(u.wanted, role)
	}
	return nil
}

func (u *user) add(ctx context.Context, hub *collections.Hub, login string) error {
	password, err := u.env.newPassword(ctx, login)
	if err != nil {
		return err
	}
	org, err := u.organisation(ctx, hub)
	if err != nil {
		return err
	}
	if u.name == "" {
		u.name = login
	}
	two, err := hub.TwoPeople(ctx)
	if err != nil {
		return err
	}
	now := u.wanted
	if two { // roles with powers come when a second person has agreed
		now = slices.DeleteFunc(slices.Clone(u.wanted), func(r care.Role) bool { return care.NeedsSecondFactor([]care.Role{r}) })
	}
	id, err := hub.AddAccount(ctx, hub.HubActor(), collections.NewAccount{
		Login: login, Password: password, DisplayName: u.name, Roles: now, Org: org})
	if err != nil {
		return err
	}
	if len(now) < len(u.wanted) {
		if err := u.role(ctx, hub, login); err != nil {
			return err
		}
	}
	fmt.Fprintf(u.env.Stdout, "%s can sign in now (%s).\n", login, id)
	if care.NeedsSecondFactor(u.wanted) {
		fmt.Fprintf(u.env.Stdout, "This role needs a second factor: `%s user second-factor setup %s`, typed by that person.\n", u.env.Program, login)
	}
	return nil
}

// organisation is the hub's own one, made for the first account. Others may
// be on record too, as places to refer to; a hub's own are those that hold
// themselves.
func (u *user) organisation(ctx context.Context, hub *collections.Hub) (string, error) {
	if u.org != "" {
		return u.org, nil
	}
	rows, err := hub.List(ctx, hub.HubActor(), collections.Query{Collection: "organisations"})
	if err != nil {
		return "", err
	}
	var own []string
	for _, r := range rows {
		if r.ID == r.Org {
			own = append(own, r.ID)
		}
	}
	switch len(own) {
	case 1:
		if u.placed {
			fmt.Fprintln(u.env.Stderr, "portolan: the organisation is on record already; --org-name, --country and --time-zone change nothing")
		}
		return own[0], nil
	case 0:
		return u.makeOrganisation(ctx, hub)
	}
	return "", &care.Error{Code: "which_organisation", Kind: care.Invalid, Hint: "This hub has several organisations; say which with --org: " + strings.Join(own, ", ")}
}

func (u *user) makeOrganisation(ctx context.Context, hub *collections.Hub) (string, error) {
	id := hub.NewID()
	set := map[string]care.Value{"name": care.OfText(u.orgName), "time_zone": care.OfText(u.zone), "kind": care.OfAbsent(care.NotRecorded), "country": care.OfAbsent(care.NotRecorded)}
	if u.country != "" {
		set["country"] = care.OfText(u.country)
	}
	receipts, err := hub.Do(ctx, hub.HubActor(), collections.Draft{Collection: "organisations", Record: id, Org: id, Set: set})
	if err != nil {
		return "", fmt.Errorf("making the organisation: %w", err)
	}
	return id, collections.Refused(receipts)
}

func (u *user) list(ctx context.Context, hub *collections.Hub, _ string) error {
	accounts, err := hub.Accounts(ctx, hub.HubActor())
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(u.env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "LOGIN\tROLES\tSTATUS\tID")
	for _, a := range accounts {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", a.Login, strings.Join(a.Row.Get("roles").List(), ","), a.Row.Text("status"), a.Staff)
	}
	return w.Flush()
}

// password sets a new password: with a second person's yes, or at the console
// alone, where it waits as soon as it would open anything.
func (u *user) password(ctx context.Context, hub *collections.Hub, login string) error {
	staff, err := hub.StaffOf(ctx, login)
	if err != nil {
		return errNoLogin
	}
	const done = "The password is set; earlier sign-ins have ended. Tablets keep theirs: see portolan device."
	if u.as != "" {
		actor, err := u.env.SignIn(ctx, hub, u.as)
		if err != nil {
			return err
		}
		password, err := u.env.newPassword(ctx, login)
		if err != nil {
			return err
		}
		err = hub.AgreedPassword(ctx, actor, staff, password)
		if errors.Is(err, collections.ErrApprovalNeeded) {
			if err = u.ask(ctx, hub, actor, collections.PasswordAsked(staff)); err == nil {
				fmt.Fprintln(u.env.Stdout, "Then give this command again, and the password with it: this one is kept nowhere.")
			}
			return err
		}
		if err == nil {
			fmt.Fprintln(u.env.Stdout, done)
		}
		return err
	}
	password, err := u.env.newPassword(ctx, login)
	if err != nil {
		return err
	}
	code := ""
	if u.code {
		if code, err = u.env.code(ctx, login); err != nil {
			return err
		}
	}
	due, err := hub.ConsolePassword(ctx, login, password, code)
	if err == nil {
		u.tellDue(due, done)
	}
	return err
}

func (u *user) disable(ctx context.Context, hub *collections.Hub, login string) error {
	staff, err := hub.StaffOf(ctx, login)
	if err != nil {
		return errNoLogin
	}
	if err := hub.CloseAccount(ctx, staff); err != nil {
		return err
	}
	fmt.Fprintln(u.env.Stdout, "The account is closed; desk and tablets are refused from now on.")
	return nil
}

var errNoLogin = &care.Error{Code: "login_unknown", Kind: care.NotFound, Hint: "There is no account with this login."}

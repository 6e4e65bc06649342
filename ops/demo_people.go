package ops

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/gen"
	"portolan/signin"
)

// demoStaff is who works at the demo's hub.
var demoStaff = []struct {
	login string
	role  care.Role
	name  string
}{
	{"coordinator", care.Coordinator, "Coordinator (demo)"},
	{"outreach", care.Outreach, "Outreach worker one (demo)"},
	{"outreach2", care.Outreach, "Outreach worker two (demo)"},
	{"health", care.HealthWorker, "Health worker (demo)"},
	{"legal", care.LegalWorker, "Legal worker (demo)"},
	{"reintegration", care.ReintegrationRole, "Reintegration worker (demo)"},
	{"protection", care.ProtectionOfficer, "Protection officer (demo)"},
	{"auditor", care.Auditor, "Auditor (demo)"},
	{"operator", care.Operator, "Operator (demo)"},
}

// password is one that can be read out and typed: 80 random bits.
func demoPassword() string {
	text := strings.ToLower(rand.Text()[:16])
	return "demo-" + text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
}

// surroundings makes the organisation, its staff with accounts, and what
// belongs to no case.
func (d *demo) surroundings(ctx context.Context) error {
	w := gen.New(d.Seed, d.env.Now())
	d.world = w
	if err := d.draft(ctx, w.Organisations()); err != nil {
		return err
	}
	hub := d.hub.Hub
	for _, s := range demoStaff {
		a := demoAccount{Role: s.role, Login: s.login, Password: demoPassword()}
		var err error
		a.staff, err = hub.AddAccount(ctx, hub.HubActor(), collections.NewAccount{
			Login: s.login, Password: a.Password, DisplayName: s.name, Roles: []care.Role{s.role}, Org: w.Home()})
		if err != nil {
			return err
		}
		if a.TOTPSecret, err = d.secondFactor(ctx, a); err != nil {
			return err
		}
		d.Accounts = append(d.Accounts, a)
		w.Employ(s.role, a.staff)
	}
	for _, part := range [][]gen.Draft{w.People(), w.Facilities(), w.Directory()} {
		if err := d.draft(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// draft takes invented records through the door, each in the name of whoever
// is said to have made it. What the rules hold is no error: it is in the
// worklist, as it would be in life.
func (d *demo) draft(ctx context.Context, drafts []gen.Draft) error {
	hub := d.hub.Hub
	batch := make([]collections.Draft, len(drafts))
	for i, g := range drafts {
		batch[i] = collections.Draft{Collection: g.Collection, Record: g.Record, Case: g.Case, Org: g.Org, Author: g.Author, Set: g.Set, Add: g.Add}
	}
	_, err := hub.Do(ctx, hub.HubActor(), batch...)
	return err
}

// invent makes the people.
func (d *demo) invent(ctx context.Context) error {
	w := d.world
	began, records := time.Now(), 0
	for i := range d.people {
		drafts := w.Case(i).Drafts
		if err := d.draft(ctx, drafts); err != nil {
			return err
		}
		records += len(drafts)
		if (i+1)%100 == 0 {
			fmt.Fprintf(d.env.Stdout, "      %d of %d\n", i+1, d.people)
		}
	}
	d.note("%d people with %d records came through the door in %s.", d.people, records, time.Since(began).Round(10*time.Millisecond))
	return nil
}

func (d *demo) account(login string) demoAccount {
	for _, a := range d.Accounts {
		if a.Login == login {
			return a
		}
	}
	panic("ops: the demo has no account " + login)
}

// actor is a member of the demo's staff with the grants that they hold now.
func (d *demo) actor(ctx context.Context, login string) (care.Actor, error) {
	staff, err := d.hub.Hub.StaffOf(ctx, login)
	if err != nil {
		return care.Actor{}, err
	}
	return d.hub.Hub.Actor(ctx, staff, "")
}

// secondFactor sets up an authenticator app for those whose role needs one. It
// is confirmed with the code before the present one, which stays unused.
func (d *demo) secondFactor(ctx context.Context, a demoAccount) (string, error) {
	if !care.NeedsSecondFactor([]care.Role{a.Role}) {
		return "", nil
	}
	actor, err := d.hub.Hub.Actor(ctx, a.staff, "")
	if err != nil {
		return "", err
	}
	made, err := d.hub.Hub.BeginTOTP(ctx, actor)
	if err != nil {
		return "", err
	}
	secret, err := signin.ParseSecret(made.Secret)
	if err != nil {
		return "", err
	}
	for range 2 { // the earlier code may end between here and the hub's look at its clock
		_, err = d.hub.Hub.ConfirmTOTP(ctx, actor, "", signin.Code(secret, signin.Step(d.env.Now())-signin.Window))
		if !errors.Is(err, collections.ErrFactorCode) {
			break
		}
	}
	return made.Secret, err
}

// codes makes fresh enrolment codes; they live ten minutes.
func (d *demo) codes(ctx context.Context) error {
	d.Codes = nil
	for _, login := range []string{"outreach", "outreach2", "health", "coordinator"} {
		c, err := d.code(ctx, login)
		if err != nil {
			return err
		}
		d.Codes = append(d.Codes, c)
	}
	return nil
}

func (d *demo) code(ctx context.Context, login string) (demoCode, error) {
	coordinator, err := d.actor(ctx, "coordinator")
	if err != nil {
		return demoCode{}, err
	}
	who, err := d.actor(ctx, login)
	if err != nil {
		return demoCode{}, err
	}
	code, err := d.hub.Hub.NewEnrolment(ctx, coordinator, who.Staff)
	if err != nil {
		return demoCode{}, err
	}
	return demoCode{Login: login, URL: d.hub.Front.Address(), Code: code,
		ExpiresAt: care.FormatTime(d.env.Now().Add(collections.EnrolmentTerm))}, nil
}

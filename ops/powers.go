package ops

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"portolan/care"
	"portolan/collections"
)

// role gives a person these roles instead of those that they have.
func (u *user) role(ctx context.Context, hub *collections.Hub, login string) error {
	staff, err := hub.StaffOf(ctx, login)
	if err != nil {
		return errNoLogin
	}
	if u.as == "" {
		due, err := hub.ConsoleRoles(ctx, staff, u.wanted, u.nobodyLeft)
		if err == nil {
			u.tellDue(due, "The roles are given; earlier sign-ins of that person have ended.")
		}
		return err
	}
	actor, err := u.env.SignIn(ctx, hub, u.as)
	if err != nil {
		return err
	}
	err = hub.ChangeRoles(ctx, actor, staff, u.wanted)
	if errors.Is(err, collections.ErrApprovalNeeded) {
		return u.ask(ctx, hub, actor, collections.RolesAsked(staff, u.wanted))
	}
	if err == nil {
		fmt.Fprintln(u.env.Stdout, "The roles are given; earlier sign-ins of that person have ended.")
	}
	return err
}

// resetFactors takes a person's second factors away.
func (u *user) resetFactors(ctx context.Context, hub *collections.Hub, login string) error {
	staff, err := hub.StaffOf(ctx, login)
	if err != nil {
		return errNoLogin
	}
	if u.as == "" {
		due, err := hub.ConsoleFactorReset(ctx, staff)
		if err == nil {
			u.tellDue(due, "")
		}
		return err
	}
	actor, err := u.env.SignIn(ctx, hub, u.as)
	if err != nil {
		return err
	}
	return u.ask(ctx, hub, actor, collections.FactorResetAsked(staff))
}

// ask puts a question to a second person.
func (u *user) ask(ctx context.Context, hub *collections.Hub, actor care.Actor, p care.Approval) error {
	p, err := hub.AskApproval(ctx, actor, p)
	if err != nil {
		return err
	}
	fmt.Fprintf(u.env.Stdout, "Asked. It is done when somebody else agrees: %s user approve %s --as THEIR-LOGIN\n", u.env.Program, p.ID)
	return nil
}

func (u *user) tellDue(due time.Time, done string) {
	if due.IsZero() {
		fmt.Fprintln(u.env.Stdout, done)
		return
	}
	fmt.Fprintf(u.env.Stdout, "Nobody else agreed to it, so it waits until %s, and whoever it concerns is told and can stop it. With --as it is done when a second person agrees.\n", due.UTC().Format("2006-01-02 15:04 UTC"))
}

// approve agrees as the second person, and does what was agreed to.
func (u *user) approve(ctx context.Context, hub *collections.Hub, id string) error {
	actor, err := u.env.SignIn(ctx, hub, u.as)
	if err != nil {
		return err
	}
	p, err := hub.DecideApproval(ctx, actor, id, true)
	if err != nil {
		return err
	}
	if p.Act != care.ActRoleChange && p.Act != care.ActFactorReset {
		fmt.Fprintln(u.env.Stdout, "Agreed. Whoever asked can do it now.")
		return nil
	}
	if err := hub.CarryOut(ctx, p); err != nil {
		return err
	}
	fmt.Fprintln(u.env.Stdout, "Agreed, and done.")
	return nil
}

// stop says no to a question, or stops what waits for its time.
func (u *user) stop(ctx context.Context, hub *collections.Hub, id string) error {
	actor, err := u.env.SignIn(ctx, hub, u.as)
	if err != nil {
		return err
	}
	err = hub.StopWaiting(ctx, actor, id)
	if errors.Is(err, care.ErrNotFound) {
		_, err = hub.DecideApproval(ctx, actor, id, false)
	}
	if err == nil {
		fmt.Fprintln(u.env.Stdout, "Stopped.")
	}
	return err
}

// waiting lists what waits for a second person, and for its time.
func (u *user) waiting(ctx context.Context, hub *collections.Hub, _ string) error {
	actor, err := u.env.SignIn(ctx, hub, u.as)
	if err != nil {
		return err
	}
	asked, err := hub.Approvals(ctx, actor)
	if err != nil {
		return err
	}
	due, err := hub.WaitingActs(ctx, actor)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(u.env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tACT\tABOUT\tTERMS\tASKED BY\tUNTIL")
	for _, p := range asked {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", p.ID, p.Act, p.Record, p.Terms, p.AskedBy, care.FormatTime(p.ExpiresAt))
	}
	for _, p := range due {
		if p.Refused != "" {
			p.DueAt = "not done: " + p.Refused
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\tthe console alone\t%s\n", p.ID, p.Act, p.Staff, p.Terms, p.DueAt)
	}
	return w.Flush()
}

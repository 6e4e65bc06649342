package ops

import (
	"context"
	"fmt"
	"strconv"
	"text/tabwriter"

	"portolan/care"
	"portolan/collections"
)

const leaseUsage = `show|set [flags] [DAYS]

  show --as LOGIN               for how many days tablets open without meeting the hub
  set DAYS --as LOGIN [--role R]  sets it, from 1 to 35, for a role or for the organisation

Of several roles of a person the shortest counts. 30 days where nothing is set.
It takes the power enrol.
`

// Lease shows and sets the terms of leases, as a named person who signs in.
func Lease(ctx context.Context, env Env, args []string) int {
	fs := env.flags("lease")
	dir := fs.String("dir", DefaultDir, "the hub's `folder`")
	as := fs.String("as", "", "`login` of whoever does this")
	role := fs.String("role", "", "the `role` whose tablets it is about (set); the organisation where none is named")
	words, exit, stop := env.parse(fs, args, leaseUsage)
	if stop {
		return exit
	}
	act, days := "", 0
	if len(words) > 0 {
		act = words[0]
	}
	if len(words) == 2 {
		var err error
		if days, err = strconv.Atoi(words[1]); err != nil {
			return env.misused(fs, leaseUsage, "DAYS is a number")
		}
	}
	switch {
	case act == "show" && len(words) == 1, act == "set" && len(words) == 2:
	default:
		return env.misused(fs, leaseUsage, "say show, or set with the number of days")
	}
	if *as == "" {
		return env.misused(fs, leaseUsage, "--as says who does this")
	}
	hub, done, err := env.OpenHub(ctx, *dir)
	if err != nil {
		return env.Fail(err)
	}
	defer done()
	actor, err := env.SignIn(ctx, hub, *as)
	if err == nil && act == "set" {
		err = hub.SetLeaseTerm(ctx, actor, care.Role(*role), days)
	}
	if err == nil {
		err = env.leaseTerms(ctx, hub, actor)
	}
	if err != nil {
		return env.Fail(err)
	}
	return ExitOK
}

func (e Env) leaseTerms(ctx context.Context, hub *collections.Hub, actor care.Actor) error {
	terms, err := hub.LeaseTerms(ctx, actor)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(e.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ROLE\tDAYS")
	for _, t := range terms {
		role := string(t.Role)
		if role == "" {
			role = "everybody else"
		}
		fmt.Fprintf(w, "%s\t%d\n", role, t.Days)
	}
	return w.Flush()
}

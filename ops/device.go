package ops

import (
	"context"
	"fmt"
	"text/tabwriter"

	"portolan/care"
	"portolan/collections"
	fieldsync "portolan/sync"
)

const deviceUsage = `code|list|revoke [flags] [ID]

  code --as LOGIN [--for LOGIN]  makes a one-time code with which a tablet enrols
  list --as LOGIN                shows the tablets and whose they are
  revoke ID --as LOGIN           ends a tablet's access, such as one that was lost
`

// Device manages tablets, as a named person who signs in.
func Device(ctx context.Context, env Env, args []string) int {
	fs := env.flags("device")
	dir := fs.String("dir", DefaultDir, "the hub's `folder`")
	as := fs.String("as", "", "`login` of whoever does this")
	whose := fs.String("for", "", "`login` of the person who gets the tablet (code); --as where it is not said")
	words, exit, stop := env.parse(fs, args, deviceUsage)
	if stop {
		return exit
	}
	act := ""
	if len(words) > 0 {
		act = words[0]
	}
	switch {
	case *as == "":
		return env.misused(fs, deviceUsage, "--as says who does this")
	case act == "code" && len(words) == 1, act == "list" && len(words) == 1, act == "revoke" && len(words) == 2:
	default:
		return env.misused(fs, deviceUsage, "say code, list, or revoke with the id of a tablet")
	}
	hub, done, err := env.OpenHub(ctx, *dir)
	if err != nil {
		return env.Fail(err)
	}
	defer done()
	actor, err := env.SignIn(ctx, hub, *as)
	if err != nil {
		return env.Fail(err)
	}
	switch act {
	case "code":
		err = env.deviceCode(ctx, hub, actor, *whose)
	case "list":
		err = env.deviceList(ctx, hub, actor)
	case "revoke":
		if err = hub.RevokeDevice(ctx, actor, words[1]); err == nil {
			fmt.Fprintln(env.Stdout, "The tablet's access has ended.")
		}
	}
	if err != nil {
		return env.Fail(err)
	}
	return ExitOK
}

func (e Env) deviceCode(ctx context.Context, hub *collections.Hub, actor care.Actor, whose string) error {
	staff := actor.Staff
	if whose != "" {
		var err error
		if staff, err = hub.StaffOf(ctx, whose); err != nil {
			return errNoLogin
		}
	}
	code, err := hub.NewEnrolment(ctx, actor, staff)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.Stdout, "code    %s\n", code)
	if e.address == "" {
		fmt.Fprintln(e.Stdout, "The hub is not running: start it before the code ends, and take the address that it prints.")
	} else {
		fmt.Fprintf(e.Stdout, "address %s\n", e.address)
		scan := fieldsync.Invitation{Hub: e.address, Code: code}.String()
		fmt.Fprintf(e.Stdout, "or scan %s\n", scan)
		if err := drawQR(e.Stdout, scan); err != nil {
			return err
		}
	}
	fmt.Fprintf(e.Stdout, "It is good for %s, once.\n", collections.EnrolmentTerm)
	return nil
}

func (e Env) deviceList(ctx context.Context, hub *collections.Hub, actor care.Actor) error {
	rows, err := hub.List(ctx, actor, collections.Query{Collection: "devices"})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(e.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSTATUS\tSTAFF\tLABEL")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.ID, r.Text("status"), r.Text("staff"), r.Text("label"))
	}
	return w.Flush()
}

package ops

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"portolan/care"
	"portolan/collections"
)

const heldUsage = `list|show|accept|decline [flags] [N]

  list --as LOGIN                what was kept aside and this person may decide about
  show N --as LOGIN              one of them, with as much as this person may see, as JSON
  accept N --as LOGIN [--own]    takes it through the door, as its author's or as one's own
  decline N --as LOGIN --why W   leaves it aside for good; W is one of the reasons below

`

// Held decides about changes that the hub kept aside, as a named person who
// signs in: they see what they may see, and it is in the audit log.
func Held(ctx context.Context, env Env, args []string) int {
	usage := heldUsage + "Reasons: " + strings.Join(collections.DeclineReasons, ", ") + "\n"
	fs := env.flags("held")
	dir := fs.String("dir", DefaultDir, "the hub's `folder`")
	as := fs.String("as", "", "`login` of whoever decides")
	own := fs.Bool("own", false, "accept it as one's own change, with one's own rights (accept)")
	why := fs.String("why", "", "`reason` for which it is declined (decline)")
	words, exit, stop := env.parse(fs, args, usage)
	if stop {
		return exit
	}
	act, seq := "", uint64(0)
	if len(words) > 0 {
		act = words[0]
	}
	if len(words) == 2 {
		var err error
		if seq, err = strconv.ParseUint(words[1], 10, 63); err != nil {
			return env.misused(fs, usage, "N is the number that list shows")
		}
	}
	numbered := act == "show" || act == "accept" || act == "decline"
	switch {
	case act == "list" && len(words) == 1, numbered && len(words) == 2:
	default:
		return env.misused(fs, usage, "say list, or show, accept or decline with a number")
	}
	if *as == "" {
		return env.misused(fs, usage, "--as says who decides")
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
	verdict := collections.Verdict{Decision: act, Why: *why}
	if act == collections.Accept && *own {
		verdict.As = collections.AsMe
	}
	switch act {
	case "list":
		err = env.heldList(ctx, hub, actor)
	case "show":
		err = env.heldShow(ctx, hub, actor, seq)
	default:
		err = env.heldDecide(ctx, hub, actor, seq, verdict)
	}
	if err != nil {
		return env.Fail(err)
	}
	return ExitOK
}

func (e Env) heldList(ctx context.Context, hub *collections.Hub, actor care.Actor) error {
	list, err := hub.Worklist(ctx, actor)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(e.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "N\tREASON\tCOLLECTION\tRECORD\tFIELD\tCASE\tAUTHOR")
	for _, h := range list.Held {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", h.Seq, h.Reason, h.Collection, h.Record, h.Field, h.Case, h.Author)
	}
	if list.More {
		fmt.Fprintln(w, "There are more, which come when these are decided.")
	}
	return w.Flush()
}

func (e Env) heldShow(ctx context.Context, hub *collections.Hub, actor care.Actor, seq uint64) error {
	held, err := hub.Held(ctx, actor, seq)
	if err != nil {
		return err
	}
	out := json.NewEncoder(e.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(held)
}

func (e Env) heldDecide(ctx context.Context, hub *collections.Hub, actor care.Actor, seq uint64, v collections.Verdict) error {
	done, err := hub.Decide(ctx, actor, seq, v)
	if err != nil {
		return err
	}
	switch {
	case done.Decision != collections.Accept:
		fmt.Fprintln(e.Stdout, "Declined. It stays in the log.")
	case done.Change > 0:
		fmt.Fprintf(e.Stdout, "Accepted: it is change %d now.\n", done.Change)
	default:
		fmt.Fprintln(e.Stdout, "Accepted: it is the document's file now.")
	}
	for _, f := range done.Files {
		if f.Code != "" {
			fmt.Fprintf(e.Stderr, "Its file, number %d, still waits: %s\n", f.Seq, f.Code)
			continue
		}
		fmt.Fprintf(e.Stdout, "And so is its file, number %d.\n", f.Seq)
	}
	return nil
}

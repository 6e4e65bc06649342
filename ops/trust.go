package ops

import (
	"context"
	"fmt"

	"portolan/capsule"
	"portolan/collections"
	"portolan/hooks"
)

const trustUsage = `show|list|add|remove [flags] [KEY]

  show --as LOGIN                 this hub's own key and its fingerprint, to be given to others
  list --as LOGIN                 the hubs whose signature counts here
  add KEY --name N --heard DIGITS --as LOGIN
                                  trusts a hub: call somebody there whose voice you know, let them
                                  read you the digits of "show", and type what you hear
  remove KEY --as LOGIN           what this hub signed is unknown from now on

Adding and removing take the power approve.
`

// Trust keeps the list of hubs whose signature counts, as a named person who
// signs in.
func Trust(ctx context.Context, env Env, args []string) int {
	fs := env.flags("trust")
	dir := fs.String("dir", DefaultDir, "the hub's `folder`")
	as := fs.String("as", "", "`login` of whoever does this")
	name := fs.String("name", "", "how the hub is `called` here (add)")
	address := fs.String("address", "", "`URL` at which that hub says whether a paper was taken back (add)")
	heard := fs.String("heard", "", "the `digits` of its fingerprint as you heard them (add)")
	words, exit, stop := env.parse(fs, args, trustUsage)
	if stop {
		return exit
	}
	act, key := "", ""
	if len(words) > 0 {
		act = words[0]
	}
	if len(words) == 2 {
		key = words[1]
	}
	switch {
	case (act == "show" || act == "list") && len(words) == 1, act == "remove" && len(words) == 2:
	case act == "add" && len(words) == 2 && *name != "" && *heard != "":
	default:
		return env.misused(fs, trustUsage, "say show, list, add with the key, --name and --heard, or remove with the key")
	}
	if *as == "" {
		return env.misused(fs, trustUsage, "--as says who does this")
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
	case "show":
		err = env.ownKey(ctx, hub)
	case "add":
		var added hooks.KnownHub
		if added, err = hooks.Trust(ctx, hub, actor, *name, key, *address, *heard); err == nil {
			fmt.Fprintf(env.Stdout, "What %s signs counts here from now on.\n", added.Name)
		}
	case "remove":
		public, bad := capsule.ParseKey(key)
		if err = bad; err == nil {
			err = hub.Distrust(ctx, actor, capsule.FormatKey(public))
		}
		if err == nil {
			fmt.Fprintln(env.Stdout, "What it signed is unknown here from now on.")
		}
	}
	if err == nil && act == "list" {
		err = env.trustedHubs(ctx, hub)
	}
	if err != nil {
		return env.Fail(err)
	}
	return ExitOK
}

func (e Env) ownKey(ctx context.Context, hub *collections.Hub) error {
	own, err := hooks.OwnHub(ctx, hub)
	if err == nil {
		fmt.Fprintf(e.Stdout, "The key of this hub:\n  %s\nIts fingerprint, to be read out:\n  %s\n", own.Key, own.Fingerprint)
	}
	return err
}

func (e Env) trustedHubs(ctx context.Context, hub *collections.Hub) error {
	known, err := hooks.KnownHubs(ctx, hub)
	for _, k := range known {
		fmt.Fprintf(e.Stdout, "%s\n  key          %s\n  fingerprint  %s\n  since        %s\n", k.Name, k.Key, k.Fingerprint, k.AddedAt)
		if k.Address != "" {
			fmt.Fprintf(e.Stdout, "  address      %s\n", k.Address)
		}
	}
	if err == nil && len(known) == 0 {
		fmt.Fprintln(e.Stdout, "No other hub is trusted.")
	}
	return err
}

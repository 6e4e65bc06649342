package ops

import (
	"context"
	"fmt"
)

const endedUsage = `--as LOGIN --and LOGIN [--dir D]

Goes on with a hub whose list of what ended (ended.list) has fewer lines than
the hub has written, and which serves nothing therefore. First look for a whole
copy, beside the backups, and put it back: then nothing of this is needed. What
the list lacks comes back with a restore from before, and has to be shut out
again by hand. Two people who may approve sign in, one after the other.
Passwords are asked for, or taken from PORTOLAN_PASSWORD.
`

// Ended has two people go on with a list that was cut.
func Ended(ctx context.Context, env Env, args []string) int {
	fs := env.flags("ended")
	dir := fs.String("dir", DefaultDir, "the hub's `folder`")
	one := fs.String("as", "", "`login` of the first")
	other := fs.String("and", "", "`login` of the second")
	words, exit, stop := env.parse(fs, args, endedUsage)
	switch {
	case stop:
		return exit
	case len(words) > 0:
		return env.misused(fs, endedUsage, fmt.Sprintf("%q is one word too many", words[0]))
	case *one == "" || *other == "":
		return env.misused(fs, endedUsage, "say with --as and --and which two people go on")
	}
	hub, done, err := env.OpenHub(ctx, *dir)
	if err != nil {
		return env.Fail(err)
	}
	defer done()
	if short, err := hub.EndedShort(ctx); err != nil || !short {
		if err == nil {
			fmt.Fprintln(env.Stdout, "The list is whole. Nothing was changed.")
			return ExitOK
		}
		return env.Fail(err)
	}
	first, err := env.SignIn(ctx, hub, *one)
	if err != nil {
		return env.Fail(err)
	}
	second, err := env.SignIn(ctx, hub, *other)
	if err == nil {
		err = hub.GoOnWithShortList(ctx, first, second)
	}
	if err != nil {
		return env.Fail(err)
	}
	fmt.Fprintln(env.Stdout, "The hub goes on with the list that there is. Make a backup now: what ended before is told by no list any more.")
	return ExitOK
}

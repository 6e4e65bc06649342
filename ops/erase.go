package ops

import (
	"context"
	"fmt"

	"portolan/care"
	"portolan/collections"
)

const eraseUsage = `--as LOGIN --case ID [--part P] [--dir D]

Erases everything that the hub holds of one case: its keys first, so that
nothing of it opens any more, in no backup either, then the records and files;
with --part one part of it alone, such as health. It cannot be undone. A second
person must have agreed to it before (at the desk: POST /api/portolan/approvals,
act "erase", for a part with terms "part=health"), and whoever asked them signs
in here.
The password is asked for, or taken from PORTOLAN_PASSWORD.
`

// Erase erases a case.
func Erase(ctx context.Context, env Env, args []string) int {
	fs := env.flags("erase")
	dir := fs.String("dir", DefaultDir, "the hub's `folder`")
	login := fs.String("as", "", "`login` of whoever asked for the second person's yes")
	caseID := fs.String("case", "", "`id` of the case")
	part := fs.String("part", "", "the `part` of it that is erased alone: identity, location, health, legal, finance or evidence")
	words, exit, stop := env.parse(fs, args, eraseUsage)
	if stop {
		return exit
	}
	switch {
	case len(words) > 0:
		return env.misused(fs, eraseUsage, fmt.Sprintf("%q is one word too many", words[0]))
	case *login == "":
		return env.misused(fs, eraseUsage, "say with --as who erases")
	case *caseID == "":
		return env.misused(fs, eraseUsage, "say with --case what to erase")
	}
	hub, done, err := env.OpenHub(ctx, *dir)
	if err != nil {
		return env.Fail(err)
	}
	defer done()
	actor, err := env.SignIn(ctx, hub, *login)
	if err != nil {
		return env.Fail(err)
	}
	erased, err := hub.Erase(ctx, actor, *caseID, care.Compartment(*part))
	if err != nil {
		return env.Fail(err)
	}
	env.tellErased(erased)
	return ExitOK
}

func (e Env) tellErased(done collections.Erasure) {
	what := "the case"
	if done.Part != "" {
		what = "its part " + string(done.Part)
	}
	fmt.Fprintf(e.Stdout, "Erased: %d keys destroyed, then %d records and %d files removed. Nothing of %s opens any more.\n", done.Keys, done.Records, done.Files, what)
	for _, paper := range done.Papers {
		fmt.Fprintf(e.Stdout, "A paper was handed out and cannot be called back: document %s\n", paper)
	}
	for _, folder := range done.KeyBackups {
		fmt.Fprintf(e.Stdout, "NOT REACHED: the copy of the keys in %s still opens old backups. Make a backup there, or destroy that %s.\n", folder, collections.KeyBackupName)
	}
}

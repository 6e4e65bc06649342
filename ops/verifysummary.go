package ops

import (
	"context"
	"fmt"
	"os"

	"portolan/capsule"
	"portolan/hooks"
)

const verifySummaryUsage = `verify [--dir D] FILE

Says whether a summary is valid, changed, unknown or withdrawn, and nothing else.
FILE is the file itself, which needs no words, or a picture of the code on a paper
(PNG or JPEG), which needs those of its holder. No network is needed; where the hub
that made it has an address in the list of trusted hubs and answers, it is asked
whether it was taken back. The exit code is 0 for what is valid alone.
`

// verifySummary says whether a summary can be trusted. It shows nobody's data,
// so whoever runs the hub may ask.
func verifySummary(ctx context.Context, env Env, args []string) int {
	fs := env.flags("summary")
	dir := fs.String("dir", DefaultDir, "the hub's `folder`, with its list of trusted hubs")
	words, exit, stop := env.parse(fs, args, verifySummaryUsage)
	if stop {
		return exit
	}
	if len(words) != 1 {
		return env.misused(fs, verifySummaryUsage, "name the file")
	}
	b, err := os.ReadFile(env.Path(words[0]))
	if err != nil {
		return env.Fail(err)
	}
	hub, done, err := env.OpenHub(ctx, *dir)
	if err != nil {
		return env.Fail(err)
	}
	defer done()
	said := ""
	if !capsule.IsFile(b) {
		if said, err = env.words(ctx); err != nil {
			return env.Fail(err)
		}
	}
	verdict, err := hooks.Verify(ctx, hub, b, said)
	if err != nil {
		return env.Fail(err)
	}
	fmt.Fprintln(env.Stdout, verdict)
	if verdict != capsule.Valid {
		return ExitFault
	}
	return ExitOK
}

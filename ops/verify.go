package ops

import (
	"context"
	"fmt"

	"portolan/collections"
)

// faultsShown bounds how many faults are printed; all are counted.
const faultsShown = 100

const verifyUsage = `[--dir D]

Checks the database file, the audit log, the change log and its chains, every
record against the log, digests, orphans and files, and prints each with its
count. Exit code
1 means that something is wrong; nothing is repaired or altered.
`

// Verify checks that a hub's folder is whole.
func Verify(ctx context.Context, env Env, args []string) int {
	fs := env.flags("verify")
	dir := fs.String("dir", DefaultDir, "the hub's `folder`")
	words, exit, stop := env.parse(fs, args, verifyUsage)
	if stop {
		return exit
	}
	if len(words) > 0 {
		return env.misused(fs, verifyUsage, "it takes no words")
	}
	hub, done, err := env.OpenHub(ctx, *dir)
	if err != nil {
		return env.Fail(err)
	}
	defer done()
	return env.verify(ctx, hub)
}

func (e Env) verify(ctx context.Context, hub *collections.Hub) int {
	faults, err := hub.Verify(ctx, e.count)
	if err := e.faults(faults, err); err != nil {
		return e.Fail(err)
	}
	return ExitOK
}

// count prints how many there are of what was looked at.
func (e Env) count(c collections.Count) { fmt.Fprintf(e.Stdout, "%d %s\n", c.N, c.What) }

// faults prints what is wrong, and ends the command with exit code 1 where
// anything is.
func (e Env) faults(faults []string, err error) error {
	for i, f := range faults {
		if i == faultsShown {
			fmt.Fprintf(e.Stdout, "… and %d more\n", len(faults)-i)
			break
		}
		fmt.Fprintln(e.Stdout, "FAULT:", f)
	}
	if err != nil {
		return fmt.Errorf("verifying could not finish: %w", err)
	}
	fmt.Fprintf(e.Stdout, "%d faults\n", len(faults))
	if len(faults) > 0 {
		return &exitError{ExitFault}
	}
	return nil
}

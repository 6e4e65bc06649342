package ops

import (
	"context"
	"fmt"
	"runtime"
)

// Version prints the version of the program.
func Version(_ context.Context, env Env, args []string) int {
	fs := env.flags("version")
	words, exit, stop := env.parse(fs, args, "")
	if stop {
		return exit
	}
	if len(words) > 0 {
		return env.misused(fs, "", "it takes no words")
	}
	fmt.Fprintf(env.Stdout, "portolan %s %s/%s %s\n", env.Version, runtime.GOOS, runtime.GOARCH, runtime.Version())
	return ExitOK
}

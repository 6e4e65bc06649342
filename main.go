// Command portolan is the whole of Portolan in one program: the hub, the
// tablet without a screen, and the operator's commands.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"portolan/ops"
)

// version is set by the build of a release (-ldflags "-X main.version=…").
var version = "0.1.0-dev"

func main() { os.Exit(run()) }

func run() int {
	syscall.Umask(0o077) // whatever this program writes is for its owner alone
	env, err := ops.NewEnv(version)
	if err != nil {
		fmt.Fprintln(os.Stderr, "portolan:", err)
		return ops.ExitFault
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	return ops.Main(ctx, env, os.Args[1:])
}

package ops

import (
	"context"

	"portolan/tablet"
)

// Tablet is a tablet without a screen. It has a folder of its own and reaches
// its hub as every other tablet does.
func Tablet(ctx context.Context, env Env, args []string) int {
	return tablet.Run(ctx, args, env.Stdin, env.Stdout, env.Stderr)
}

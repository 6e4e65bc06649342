package ops

import (
	"context"

	"portolan/seal"
	"portolan/tablet"
)

// Tablet is a tablet without a screen. It has a folder of its own and reaches
// its hub as every other tablet does.
func Tablet(ctx context.Context, env Env, args []string) int {
	ask := func(ctx context.Context, variable, prompt string) (string, error) {
		if secret := env.Getenv(variable); secret != "" {
			return secret, nil
		}
		return env.Ask(ctx, prompt)
	}
	return tablet.Run(ctx, args, ask, seal.PassphraseCost, env.Stdout, env.Stderr)
}

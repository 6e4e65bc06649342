package tablet

import (
	"context"
	"time"
)

// SetPause takes the place of waiting between two attempts.
func (t *Tablet) SetPause(wait func(context.Context) error) {
	t.pause = func(ctx context.Context, _ time.Duration) error { return wait(ctx) }
}

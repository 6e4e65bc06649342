package tablet

import (
	"context"
	"time"
)

// SetPause takes the place of waiting between two attempts.
func (t *Tablet) SetPause(wait func(context.Context) error) {
	t.pause = func(ctx context.Context, _ time.Duration) error { return wait(ctx) }
}

// Damage alters the store behind the tablet's back.
func (t *Tablet) Damage(query string, args ...any) error {
	_, err := t.db.Exec(query, args...)
	return err
}

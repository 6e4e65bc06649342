package tablet

import (
	"context"
	"errors"
	"fmt"
	"os"
)

func (c *command) attach(ctx context.Context, t *Tablet, words []string) (code int, err error) {
	f, err := os.Open(words[1])
	if err != nil {
		return 0, fmt.Errorf("attaching a file: %w", err)
	}
	defer f.Close()
	if err := t.Attach(ctx, words[0], words[2], f); err != nil {
		return 0, err
	}
	fmt.Fprintln(c.out, "Kept here, sealed. It goes up with the next sync, after what was written.")
	return ExitOK, nil
}

// fetch writes the file of a document where it is told to: from then on it lies
// there in clear. A file that is there already is not overwritten.
func (c *command) fetch(ctx context.Context, t *Tablet, words []string) (code int, err error) {
	f, err := os.OpenFile(words[1], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, fmt.Errorf("writing a file: %w", err)
	}
	err = t.Fetch(ctx, words[0], f)
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, errors.Join(err, os.Remove(words[1]))
	}
	return ExitOK, nil
}

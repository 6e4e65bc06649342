package tablet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// holdings is the hub's answer to a report: what it has of this replica.
type holdings struct {
	Received uint64 `json:"received"`
	Owed     uint64 `json:"owed"`
}

// tell tells the hub in what state this tablet is.
func (t *Tablet) tell(ctx context.Context, l *line, state string) (holdings, error) {
	var got holdings
	var last int64
	err := t.inTx(ctx, func(x *tx) (err error) {
		last, err = x.number(metaN)
		return err
	})
	if err != nil {
		return got, err
	}
	body, err := json.Marshal(struct {
		State string `json:"state"`
		Last  int64  `json:"last"`
	}{state, last})
	if err != nil {
		return got, fmt.Errorf("writing a report: %w", err)
	}
	resp, err := l.ask(ctx, "POST", "/api/portolan/report", body)
	if err != nil {
		return got, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, problemMax)).Decode(&got); err != nil {
		return got, errAnswer
	}
	return got, nil
}

// What ended this store here, before the hub knows of it.
const (
	endedBorder = "border"
	endedWipe   = "wipe"
)

// Border empties this tablet before a border: everything is delivered, the hub
// says that it holds all of it, and only then what is here is destroyed, the
// key last. Where anything is owed nothing is destroyed. Afterwards the same
// folder is enrolled by a fresh code.
func (t *Tablet) Border(ctx context.Context) error {
	if _, err := t.Sync(ctx); err != nil {
		return err
	}
	l, _, _, err := t.reach(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	if _, err := t.tell(ctx, l, "border"); err != nil {
		return err
	}
	if n, err := t.Unsent(ctx); err != nil || n > 0 {
		return errors.Join(err, ErrUnsent) // typed meanwhile
	}
	return t.destroy(ctx, endedBorder)
}

// Wipe destroys what is here at once, also without a network. What was not
// sent stays until it is delivered; nothing shows it any more.
func (t *Tablet) Wipe(ctx context.Context) error { return t.destroy(ctx, endedWipe) }

// destroy empties the store, and then tells the hub.
func (t *Tablet) destroy(ctx context.Context, why string) error {
	err := t.inTx(ctx, func(x *tx) error {
		for _, q := range []string{`DELETE FROM fields`, `DELETE FROM scopes`, `DELETE FROM records`,
			`UPDATE outbox SET raw = NULL, settled = 1 WHERE receipt IS NOT NULL`} {
			if err := x.exec(q); err != nil {
				return err
			}
		}
		if err := x.setMeta(metaCursor, ""); err != nil {
			return err
		}
		return x.setMeta(metaEnded, why)
	})
	if err != nil {
		return err
	}
	if err := t.scrub(ctx); err != nil {
		return err
	}
	if _, err = t.Sync(ctx); errors.Is(err, ErrEnded) {
		return nil
	}
	return err
}

// announceEnd tells the hub, before anything else, that this store was
// destroyed here, so that it gives it nothing more.
func (t *Tablet) announceEnd(ctx context.Context, l *line) error {
	var ended string
	err := t.inTx(ctx, func(x *tx) (err error) {
		ended, err = x.meta(metaEnded)
		return err
	})
	if err != nil || ended != endedBorder && ended != endedWipe {
		return err
	}
	return t.reportWiped(ctx, l)
}

// finishEnd closes a store that has ended: the hub is told, and once nothing
// is left to deliver the key goes too.
func (t *Tablet) finishEnd(ctx context.Context, l *line) error {
	if err := t.reportWiped(ctx, l); err != nil {
		return err
	}
	if n, err := t.Unsent(ctx); err != nil || n > 0 {
		return err
	}
	if err := os.Remove(filepath.Join(t.dir, keyFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("destroying the tablet's key: %w", err)
	}
	return nil
}

// reportWiped tells the hub that what was here is destroyed.
func (t *Tablet) reportWiped(ctx context.Context, l *line) error {
	_, err := t.tell(ctx, l, "wiped")
	return err
}

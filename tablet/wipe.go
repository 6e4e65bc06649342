package tablet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	fieldsync "portolan/sync"
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
	var files uint64
	err := t.inTx(ctx, func(x *tx) (err error) {
		if last, err = x.number(metaN); err == nil {
			files, err = x.filesWaiting()
		}
		return err
	})
	if err != nil {
		return got, err
	}
	body, err := json.Marshal(struct {
		State string `json:"state"`
		Last  int64  `json:"last"`
		Files uint64 `json:"files,omitempty"`
	}{state, last, files})
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
	r, err := t.Sync(ctx)
	if err != nil {
		return err
	}
	if r.FilesWaiting > 0 {
		return ErrUnsent
	}
	l, _, _, err := t.reach(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	if _, err := t.tell(ctx, l, "border"); err != nil {
		return err
	}
	if err := t.destroy(ctx, endedBorder); err != nil {
		return err
	}
	return t.Deliver(ctx)
}

// Wipe destroys what is here at once, also without a network, and then delivers
// what was not sent, or leaves it until there is one.
func (t *Tablet) Wipe(ctx context.Context) error {
	if err := t.Empty(ctx); err != nil {
		return err
	}
	return t.Deliver(ctx)
}

// Empty destroys what is here: the keys first. It needs no passphrase. What was
// not sent stays as it was sealed to the hub.
func (t *Tablet) Empty(ctx context.Context) error { return t.destroy(ctx, endedWipe) }

// Deliver brings the hub what is left of an emptied tablet, tells it, and
// destroys the key that signs.
func (t *Tablet) Deliver(ctx context.Context) error {
	_, err := t.Sync(ctx)
	if errors.Is(err, ErrEnded) {
		return nil
	}
	return err
}

// destroy empties the store; before a border only where the hub has all that
// was entered and attached, also a moment ago.
func (t *Tablet) destroy(ctx context.Context, why string) error {
	err := t.inTx(ctx, func(x *tx) error {
		var owed bool
		err := x.tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM outbox WHERE receipt IS NULL) OR EXISTS (SELECT 1 FROM files WHERE up) OR EXISTS (SELECT 1 FROM drafts WHERE box IS NOT NULL)`).Scan(&owed)
		if err != nil {
			return fmt.Errorf("looking for what is unsent: %w", err)
		}
		if owed && why == endedBorder {
			return ErrUnsent
		}
		_, err = x.empty(why)
		return err
	})
	if err != nil {
		return err
	}
	return t.scrub(ctx)
}

// empty destroys every key of the store and then all that lies under them, and
// ends the store here. What is unsent stays as it was sealed to the hub. It
// says which scopes there were.
func (x *tx) empty(why string) ([]fieldsync.Scope, error) {
	held, err := x.texts(`SELECT scope FROM scopes UNION SELECT DISTINCT scope FROM pieces`)
	if err != nil {
		return nil, err
	}
	if err := x.t.keys.destroyAll(x.ctx); err != nil {
		return nil, err
	}
	for _, q := range []string{`DELETE FROM files WHERE NOT up`, `DELETE FROM file_pieces WHERE NOT up`, `DELETE FROM drafts WHERE box IS NULL`, `UPDATE drafts SET sealed = NULL`, `UPDATE files SET facts = NULL`, `DELETE FROM pieces`, `DELETE FROM scopes`, `DELETE FROM records`,
		`UPDATE outbox SET raw = NULL`, `UPDATE outbox SET settled = 1 WHERE receipt IS NOT NULL`} {
		if err := x.exec(q); err != nil {
			return nil, err
		}
	}
	gone := make([]fieldsync.Scope, len(held))
	for i, s := range held {
		gone[i] = fieldsync.Scope(s)
	}
	return gone, errors.Join(x.setMeta(metaCursor, ""), x.setMeta(metaEnded, why))
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
	for _, left := range []func(context.Context) (int, error){t.Unsent, t.FilesWaiting, t.DraftsUnsent} {
		if n, err := left(ctx); err != nil || n > 0 {
			return err
		}
	}
	if err := os.Remove(filepath.Join(t.dir, keyFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("destroying the tablet's key: %w", err)
	}
	return t.inTx(ctx, func(x *tx) error {
		t.keys.device = nil
		return nil
	})
}

// reportWiped tells the hub that what was here is destroyed.
func (t *Tablet) reportWiped(ctx context.Context, l *line) error {
	_, err := t.tell(ctx, l, "wiped")
	return err
}

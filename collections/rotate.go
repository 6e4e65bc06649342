package collections

import (
	"context"
	"errors"
	"os"
	"sync"

	"portolan/care"
	"portolan/seal"
)

// rewrapBatch is how many data keys one transaction wraps anew: writers wait
// for it no longer than for each other.
var rewrapBatch = 200

// rotation is the work of wrapping data keys anew, beside everything else.
type rotation struct {
	mu      sync.Mutex
	running bool
	stop    context.CancelFunc
	done    sync.WaitGroup
	err     error // why the last one ended early
}

// RotateKeys begins a new epoch for every organisation and compartment: new
// key keys, under which all data keys are wrapped anew in the background. Both
// epochs open meanwhile; an old one is destroyed when nothing hangs on it.
func (h *Hub) RotateKeys(ctx context.Context) error {
	if h.Locked() {
		return ErrLocked
	}
	if err := h.keys.newEpochs(ctx); err != nil {
		return err
	}
	h.reached("rotate epochs")
	return h.resumeRotation(ctx)
}

// newEpochs makes the key keys of the next epoch, all in one transaction.
func (k *keyring) newEpochs(ctx context.Context) error {
	if err := k.flush(ctx); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	rows, err := k.db.QueryContext(ctx, `SELECT org, compartment, MAX(epoch) FROM keks GROUP BY org, compartment`)
	if err != nil {
		return wrap("reading the keys", err)
	}
	defer rows.Close()
	var names []seal.KeyName
	for rows.Next() {
		var n seal.KeyName
		if err := rows.Scan(&n.Org, &n.Compartment, &n.Epoch); err != nil {
			return wrap("reading the keys", err)
		}
		names = append(names, n)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return wrap("reading the keys", err)
	}
	t, err := k.db.BeginTx(ctx, nil)
	if err != nil {
		return wrap("writing keys", err)
	}
	defer t.Rollback() // after a commit this does nothing
	fresh := make([]*keyKey, len(names))
	for i, n := range names {
		if fresh[i], err = k.drawKek(n.Scope, n.Epoch+1); err != nil {
			return err
		}
		if err := insertKek(ctx, t, fresh[i], k.now()); err != nil {
			return err
		}
	}
	if err := t.Commit(); err != nil {
		return wrap("writing keys", err)
	}
	for _, key := range fresh {
		key.wrapped = nil
		k.keks[key.name.ID], k.current[key.name.Scope] = key, key
	}
	return nil
}

// resumeRotation goes on with a rotation where one is under way.
func (h *Hub) resumeRotation(ctx context.Context) error {
	left, err := h.keys.toRewrap(ctx)
	if err != nil || left == 0 {
		return err
	}
	r := &h.rotation
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running {
		return nil
	}
	var work context.Context
	work, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	r.running, r.err = true, nil
	r.done.Go(func() {
		err := h.keys.rewrapAll(work)
		r.mu.Lock()
		r.running, r.err = false, err
		r.mu.Unlock()
		if err != nil && work.Err() == nil {
			h.log.Error("wrapping keys anew", "error", err)
		}
	})
	return nil
}

// stopRotation lets the transaction under way end; the rest is done when the
// hub is opened again.
func (h *Hub) stopRotation() {
	h.rotation.mu.Lock()
	if h.rotation.stop != nil {
		h.rotation.stop()
	}
	h.rotation.mu.Unlock()
	h.rotation.done.Wait()
}

// WaitRotated returns when no rotation is under way, and why it ended early
// where it did.
func (h *Hub) WaitRotated() error {
	h.rotation.done.Wait()
	h.rotation.mu.Lock()
	defer h.rotation.mu.Unlock()
	return h.rotation.err
}

// oldKeks are the key keys of epochs that a later one has followed.
const oldKeks = `SELECT id FROM keks o WHERE EXISTS (SELECT 1 FROM keks n WHERE n.org = o.org AND n.compartment = o.compartment AND n.epoch > o.epoch)`

// toRewrap counts what a rotation has left to do: data keys under old epochs,
// and old epochs.
func (k *keyring) toRewrap(ctx context.Context) (n int, err error) {
	err = k.db.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM deks WHERE kek IN (`+oldKeks+`)) + (SELECT COUNT(*) FROM (`+oldKeks+`))`).Scan(&n)
	return n, wrap("counting keys", err)
}

func (k *keyring) rewrapAll(ctx context.Context) error {
	for {
		n, err := k.rewrapSome(ctx)
		if err != nil {
			return err
		}
		k.reached("rotate batch")
		if n == 0 {
			break
		}
	}
	if err := k.dropOldEpochs(ctx); err != nil {
		return err
	}
	k.reached("rotate dropped")
	return nil
}

// rewrapSome wraps a batch of data keys under the newest epoch. A key that is
// destroyed meanwhile is not brought back: only a row that is as it was read
// is written.
func (k *keyring) rewrapSome(ctx context.Context) (n int, err error) {
	rows, err := k.db.QueryContext(ctx, `SELECT id, org, case_id, compartment, kek, wrapped FROM deks WHERE kek IN (`+oldKeks+`) LIMIT ?`, rewrapBatch)
	if err != nil {
		return 0, wrap("reading the keys", err)
	}
	defer rows.Close()
	type old struct {
		name    seal.KeyName
		kek     uint64
		wrapped []byte
	}
	var batch []old
	for rows.Next() {
		var o old
		var id, kek int64
		if err := rows.Scan(&id, &o.name.Org, &o.name.Case, &o.name.Compartment, &kek, &o.wrapped); err != nil {
			return 0, wrap("reading the keys", err)
		}
		o.name.ID, o.kek = uint64(id), uint64(kek)
		batch = append(batch, o)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, wrap("reading the keys", err)
	}
	t, err := k.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, wrap("writing keys", err)
	}
	defer t.Rollback() // after a commit this does nothing
	for _, o := range batch {
		from, to, err := k.epochsOf(o.kek, seal.Scope{Org: o.name.Org, Compartment: o.name.Compartment})
		if err != nil {
			return 0, err
		}
		raw, err := from.box.Unwrap(o.name, o.wrapped)
		if err != nil {
			return 0, wrap("opening a data key", err)
		}
		wrapped, err := to.box.Wrap(k.rand, o.name, raw)
		if err != nil {
			return 0, err
		}
		if _, err := t.ExecContext(ctx, `UPDATE deks SET kek = ?, wrapped = ? WHERE id = ? AND kek = ?`, int64(to.name.ID), wrapped, int64(o.name.ID), int64(o.kek)); err != nil {
			return 0, wrap("writing keys", err)
		}
	}
	return len(batch), wrap("writing keys", t.Commit())
}

// epochsOf gives the key key that a data key is under, and the newest one.
func (k *keyring) epochsOf(id uint64, of seal.Scope) (from, to *keyKey, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if from, err = k.kek(id); err != nil {
		return nil, nil, err
	}
	to, err = k.newest(of)
	return from, to, err
}

// dropOldEpochs destroys the key keys that nothing hangs on any more, in the
// database and in memory.
func (k *keyring) dropOldEpochs(ctx context.Context) error {
	if err := k.flush(ctx); err != nil {
		return err
	}
	k.mu.Lock() // no data key is made meanwhile
	defer k.mu.Unlock()
	if _, err := k.db.ExecContext(ctx, `DELETE FROM keks WHERE id IN (`+oldKeks+`) AND NOT EXISTS (SELECT 1 FROM deks WHERE deks.kek = keks.id)`); err != nil {
		return wrap("destroying an old epoch", err)
	}
	for id, key := range k.keks {
		if newest := k.current[key.name.Scope]; newest != nil && newest.name.Epoch > key.name.Epoch {
			delete(k.keks, id)
		}
	}
	return nil
}

// RotateRoot gives the hub a new root key: the key file is written anew, under
// a passphrase where one is given, and everything that the old root wrapped is
// wrapped under the new one, in one transaction. Shares of the old root open
// nothing afterwards. It returns the folders of backups whose copy of the keys
// could not be reached and stays under the old root. ErrRootInClear where the
// old root lay in no key file in clear and the new one would.
func (h *Hub) RotateRoot(ctx context.Context, passphrase string) (unreached []string, err error) {
	if h.Locked() {
		return nil, ErrLocked
	}
	if file, err := readKeyFile(h.keyFile); passphrase == "" && (err != nil || file.locked != nil) {
		return nil, ErrRootInClear
	}
	root, err := seal.NewKey(h.rand)
	if err != nil {
		return nil, err
	}
	text, err := h.keyFileText(root, passphrase)
	if err != nil {
		return nil, err
	}
	// First the file, under another name: whatever happens now, one of the two
	// is the one that keys.db names (rightKeyFile).
	if err := writeKeyFile(h.keyFile+newSuffix, text); err != nil {
		return nil, err
	}
	h.reached("root file")
	if err := h.keys.changeRoot(ctx, root, nil); err != nil {
		return nil, errors.Join(err, os.Remove(h.keyFile+newSuffix))
	}
	h.reached("root committed")
	if err := RenameSynced(h.keyFile+newSuffix, h.keyFile); err != nil {
		return nil, wrap("naming the new key file", err)
	}
	// The copies of the keys beside the backups are to open with the new root.
	return h.renewKeyBackups(ctx)
}

// RotateRootInShares gives the hub a new root key that lies in no file: hand
// gets its shares, and gives back enough of them as their custodians wrote
// them down, before anything is changed. Then the old root's key file goes,
// where there is one. It returns what RotateRoot does.
func (h *Hub) RotateRootInShares(ctx context.Context, shares, need int, hand func([]seal.Share) ([]seal.Share, error)) (unreached []string, err error) {
	if h.Locked() {
		return nil, ErrLocked
	}
	root, err := seal.NewKey(h.rand)
	if err != nil {
		return nil, err
	}
	parts, err := seal.Split(h.rand, root, shares, need)
	if err != nil {
		return nil, err
	}
	given, err := hand(parts)
	if err != nil {
		return nil, err
	}
	if typed, err := seal.Combine(given); err != nil || typed != root {
		return nil, seal.ErrShares
	}
	f, err := h.keys.facts(ctx)
	if err != nil {
		return nil, err
	}
	err = h.keys.changeRoot(ctx, root, func(t execer) error {
		return errors.Join(h.noteCustody(ctx, t, root, shares, need), setFact(ctx, t, factShed, []byte(f.root)))
	})
	if err != nil {
		return nil, err
	}
	h.reached("root committed")
	if err := h.shedKeyFile(ctx); err != nil {
		return nil, err
	}
	return h.renewKeyBackups(ctx)
}

// ErrRootInClear says that a new root key would lie in clear where the old one
// did not.
var ErrRootInClear = &care.Error{Code: "root_in_clear", Kind: care.Conflict,
	Hint: "The root key of this hub lies in no file in clear, and the new one would: whoever took the disk could open everything with it alone. Give the new one a passphrase (`--passphrase`), or split it in the same command (`--remove-key-file`, with `--shares` and `--need`). Nothing was changed."}

// keyFileText is a key file, under a passphrase where one is given.
func (h *Hub) keyFileText(root seal.Key, passphrase string) ([]byte, error) {
	if passphrase == "" {
		return seal.KeyFile(root), nil
	}
	if len(passphrase) < seal.PassphraseLengthMin {
		return nil, ErrPassphraseShort
	}
	locked, err := seal.Lock(h.rand, root, passphrase, seal.PassphraseCost)
	return locked.File(), err
}

// changeRoot wraps everything under a new root, and notes what goes with that,
// in one transaction.
func (k *keyring) changeRoot(ctx context.Context, root seal.Key, also func(execer) error) error {
	if err := k.flush(ctx); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	next := seal.RootBox(root)
	t, err := k.db.BeginTx(ctx, nil)
	if err != nil {
		return wrap("writing keys", err)
	}
	defer t.Rollback() // after a commit this does nothing
	var list []rootRow
	rows, err := t.QueryContext(ctx, `SELECT id, org, compartment, epoch, '', wrapped FROM keks UNION ALL SELECT 0, '', '', 0, name, value FROM meta`)
	if err != nil {
		return wrap("reading the keys", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r rootRow
		var id int64
		if err := rows.Scan(&id, &r.name.Org, &r.name.Compartment, &r.name.Epoch, &r.meta, &r.wrapped); err != nil {
			return wrap("reading the keys", err)
		}
		r.name.ID = uint64(id)
		list = append(list, r)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return wrap("reading the keys", err)
	}
	for _, r := range list {
		if err := k.underRoot(ctx, t, next, r); err != nil {
			return wrap("changing the root key", err)
		}
	}
	if err := setFact(ctx, t, "root", []byte(fmtKeyID(next.ID()))); err != nil {
		return err
	}
	if also != nil {
		if err := also(t); err != nil {
			return err
		}
	}
	if err := t.Commit(); err != nil {
		return wrap("changing the root key", err)
	}
	k.root, k.rootKey = next, root
	return nil
}

// rootRow is what lies under the root key: a key key, or something of the table
// meta.
type rootRow struct {
	name    seal.KeyName
	meta    string // "" for a key key
	wrapped []byte
}

// underRoot puts a row under the next root key.
func (k *keyring) underRoot(ctx context.Context, t execer, next *seal.Box, r rootRow) error {
	if r.meta != "" {
		plain, err := k.root.Open(nil, metaPlace(r.meta), r.wrapped)
		if err == nil {
			r.wrapped, err = next.Seal(nil, k.rand, metaPlace(r.meta), plain)
		}
		if err == nil {
			_, err = t.ExecContext(ctx, `UPDATE meta SET value = ? WHERE name = ?`, r.wrapped, r.meta)
		}
		return err
	}
	raw, err := k.root.Unwrap(r.name, r.wrapped)
	if err == nil {
		r.wrapped, err = next.Wrap(k.rand, r.name, raw)
	}
	if err == nil {
		_, err = t.ExecContext(ctx, `UPDATE keks SET wrapped = ? WHERE id = ?`, r.wrapped, int64(r.name.ID))
	}
	return err
}

// ErrPassphraseShort says that a passphrase could be guessed.
var ErrPassphraseShort = &care.Error{Code: "passphrase_short", Kind: care.Invalid, Hint: "A passphrase has at least 20 characters: five plain words, drawn and not thought up."}

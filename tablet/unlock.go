package tablet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"portolan/care"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// deviceFile is the file device.key: the device's root under the passphrase.
type deviceFile struct {
	Locked string `json:"locked"`
}

// loadDevice reads what the passphrase opens; ErrNotEnrolled where there is
// nothing.
func (t *Tablet) loadDevice() (seal.Locked, error) {
	b, err := os.ReadFile(filepath.Join(t.dir, keyFile))
	if errors.Is(err, os.ErrNotExist) {
		return seal.Locked{}, ErrNotEnrolled
	}
	if err != nil {
		return seal.Locked{}, fmt.Errorf("reading the tablet's key: %w", err)
	}
	var f deviceFile
	if err := json.Unmarshal(b, &f); err != nil {
		return seal.Locked{}, fmt.Errorf("reading the tablet's key: %w", err)
	}
	l, err := seal.ParseLine(f.Locked)
	if err != nil {
		return l, fmt.Errorf("reading the tablet's key: %w", err)
	}
	return l, nil
}

// saveDevice replaces the key file in one step: a power cut leaves the old one
// or the new one.
func (t *Tablet) saveDevice(l seal.Locked) error {
	b, err := json.Marshal(deviceFile{l.Line()})
	if err != nil {
		return fmt.Errorf("writing the tablet's key: %w", err)
	}
	path := filepath.Join(t.dir, keyFile)
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("writing the tablet's key: %w", err)
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing the tablet's key: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("writing the tablet's key: %w", err)
	}
	return nil
}

// Guarded says whether there is something here that the passphrase opens.
func (t *Tablet) Guarded() bool {
	_, err := os.Stat(filepath.Join(t.dir, keyFile))
	return err == nil
}

// Unlock opens the tablet with its passphrase: ErrPassphrase where it is
// another one, ErrNotEnrolled where there is nothing to open. Without a lease
// the tablet can do no more than meet its hub.
func (t *Tablet) Unlock(ctx context.Context, passphrase string) error {
	d, err := t.deviceBy(passphrase)
	if err != nil {
		return err
	}
	t.keys.device = d
	return t.keepLease(ctx)
}

func (t *Tablet) deviceBy(passphrase string) (*device, error) {
	l, err := t.loadDevice()
	if err != nil {
		return nil, err
	}
	root, err := l.Open(passphrase)
	if errors.Is(err, seal.ErrPassphrase) {
		return nil, ErrPassphrase
	}
	if err != nil {
		return nil, err
	}
	return deviceOf(root)
}

// hubTime is the hub's time as far as this device knows it.
func (t *Tablet) hubTime() time.Time { return t.now().Add(t.shift) }

// setBack says whether this device's clock stands before what it knows from
// the hub: nobody can tell then how long a lease still lasts.
func (t *Tablet) setBack() bool { return t.hubTime().Before(t.met.Add(-clockSlack)) }

// endLeases destroys the hub's part of the store key where its time is over.
func (t *Tablet) endLeases(ctx context.Context) error {
	now := care.FormatTime(t.hubTime())
	var over int
	if err := t.keys.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM leases WHERE until <= ? OR ?`, now, t.setBack()).Scan(&over); err != nil {
		return fmt.Errorf("reading the tablet's keys: %w", err)
	}
	if over == 0 {
		return nil
	}
	return t.keys.destroy(ctx, `DELETE FROM leases WHERE until <= ? OR ?`, now, t.setBack())
}

// keepLease closes the store once its lease is over, and opens it where there
// is one.
func (t *Tablet) keepLease(ctx context.Context) error {
	k := t.keys
	if k.device == nil {
		return nil
	}
	altered, err := k.altered(ctx)
	if err != nil || !altered && k.store != nil && t.hubTime().Before(k.until) && !t.setBack() {
		return err
	}
	k.close()
	if err := t.endLeases(ctx); err != nil {
		return err
	}
	return k.open(ctx)
}

// lockedBy says why the store cannot be read, nil where it can.
func (k *keys) lockedBy() error {
	switch {
	case k.device == nil:
		return ErrLocked
	case k.store == nil:
		return ErrLease
	}
	return nil
}

// openKeys has the keys that the transaction needs, and removes what a key
// was destroyed for already, before a crash.
func (x *tx) openKeys() error {
	if err := x.t.keepLease(x.ctx); err != nil || x.t.keys.store == nil {
		return err
	}
	return x.loadKeys()
}

func (x *tx) loadKeys() error {
	k := x.t.keys
	changed, err := k.load(x.ctx)
	if err != nil || !changed && !k.stale {
		return err
	}
	k.stale = false
	return x.sweep()
}

// sweep removes what lies under keys that are destroyed. That a scope is
// missing shows in the digest, so that the hub sends anew what should be here.
func (x *tx) sweep() error {
	there, err := x.texts(`SELECT DISTINCT scope FROM pieces UNION SELECT scope FROM files WHERE facts IS NOT NULL UNION SELECT scope FROM drafts WHERE sealed IS NOT NULL UNION
		SELECT s.scope FROM outbox_scopes s JOIN outbox o ON o.replica = s.replica AND o.n = s.n WHERE o.raw IS NOT NULL`)
	if err != nil {
		return err
	}
	for _, s := range there {
		if x.t.keys.scopes[fieldsync.Scope(s)] == nil {
			if err := x.remove(fieldsync.Scope(s)); err != nil {
				return err
			}
		}
	}
	return nil
}

// writable says why nothing can be entered here.
func (x *tx) writable() error {
	if ended, err := x.meta(metaEnded); err != nil || ended != "" {
		return errors.Join(err, ErrEnded)
	}
	return x.readable()
}

// renew takes a lease from the hub, and opens the store with it. A store whose
// key is lost begins anew: the hub sends what should be in it.
func (x *tx) renew(l fieldsync.Lease) error {
	k := x.t.keys
	if err := k.keep(x.ctx, k.device, l, nil); err != nil {
		return err
	}
	if err := k.open(x.ctx); err != nil {
		return err
	}
	if k.store == nil {
		if err := k.begin(x.ctx, k.device, l); err != nil {
			return err
		}
	}
	return x.loadKeys()
}

// readable says why nothing can be shown or entered here, nil where it can.
// Of a tablet that has ended there is nothing left to be locked.
func (x *tx) readable() error {
	if _, err := x.identity(); err != nil {
		return err
	}
	if ended, err := x.meta(metaEnded); err != nil || ended != "" {
		return err
	}
	return x.t.keys.lockedBy()
}

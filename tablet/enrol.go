package tablet

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"unicode/utf8"

	"portolan/care"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// enrolled is the hub's answer to an enrolment.
type enrolled struct {
	Device  string          `json:"device"`
	Replica string          `json:"replica"`
	Staff   string          `json:"staff"`
	Org     string          `json:"org"`
	Lease   fieldsync.Lease `json:"lease"`
	Hub     string          `json:"hub"`
	// Known is what the hub holds of the replicas that this store had before.
	Known map[string]known `json:"known"`
	// HubKey is to which changes are sealed as they are saved.
	HubKey fieldsync.HubKey `json:"hub_key"`
	// LogKey is by what the hub's audit log is known.
	LogKey string `json:"log_key"`
}

// enrolledMax bounds the hub's answer: receipts of one push for each replica.
const enrolledMax = 8 << 20 // bytes

// known is what the hub holds of a replica: all up to N, where its chain is at
// Link, and receipts that may never have come.
type known struct {
	N        uint64            `json:"n"`
	Link     string            `json:"link"`
	Receipts []json.RawMessage `json:"receipts"`
}

// earlier is a replica that this store had before, and up to which of its
// changes it has receipts.
type earlier struct {
	Replica  string `json:"id"`
	Answered uint64 `json:"answered"`
}

// Owner is what the person whose store it becomes shows as it is enrolled. A
// one-time code alone opens nothing.
type Owner struct {
	Password     string
	SecondFactor string // a code of their authenticator app or a recovery code, where they have one
	Passphrase   string // opens this tablet from now on; never sent
}

// Enrol makes this folder a person's store at a hub, with a one-time code. A
// store that was enrolled before, by the same person, is enrolled again under
// a new replica. What is unsent goes with it, and so does what the hub had
// acknowledged and does not hold any more, restored from an older copy.
func (t *Tablet) Enrol(ctx context.Context, hub, code string, owner Owner) error {
	at, err := parseAddress(hub, t.PlainHTTP)
	if err != nil {
		return err
	}
	if utf8.RuneCountInString(owner.Passphrase) < seal.PassphraseLengthMin {
		return ErrShort
	}
	if err := t.openBefore(ctx, owner.Passphrase); err != nil {
		return err
	}
	unlock, err := t.lock()
	if err != nil {
		return err
	}
	defer unlock()
	root, err := seal.NewKey(t.rand)
	if err != nil {
		return err
	}
	next, err := deviceOf(root)
	if err != nil {
		return err
	}
	public := ed25519.NewKeyFromSeed(next.seed).Public().(ed25519.PublicKey)
	locked, err := seal.Lock(t.rand, root, owner.Passphrase, t.Cost)
	if err != nil {
		return err
	}
	before, err := t.replicas(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(struct {
		Code         string    `json:"code"`
		Key          string    `json:"key"`
		Label        string    `json:"label"`
		Password     string    `json:"password"`
		SecondFactor string    `json:"second_factor,omitempty"`
		Replicas     []earlier `json:"replicas,omitempty"`
	}{code, base64.RawURLEncoding.EncodeToString(public), t.Label, owner.Password, owner.SecondFactor, before})
	if err != nil {
		return fmt.Errorf("writing the enrolment: %w", err)
	}
	l := newLine(at, nil, t.now)
	defer l.close()
	resp, err := l.ask(ctx, "POST", "/api/portolan/enrol", body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var e enrolled
	if err := json.NewDecoder(io.LimitReader(resp.Body, enrolledMax)).Decode(&e); err != nil {
		return unreachable(err)
	}
	if !fieldsync.IsID(e.Replica) || !fieldsync.IsID(e.Staff) || !fieldsync.IsID(e.Org) {
		return errAnswer
	}
	if public, err := base64.RawURLEncoding.DecodeString(e.HubKey.Public); err != nil || len(public) == 0 || e.HubKey.ID == "" {
		return errAnswer
	}
	if err := t.adopt(ctx, at, e, next, locked); err != nil {
		return err
	}
	// With what the device had before nothing is opened any more.
	return errors.Join(t.keys.destroy(ctx, `DELETE FROM leases WHERE device != ?`, next.name), t.keys.destroy(ctx, `DELETE FROM stores WHERE device != ?`, next.name))
}

// openBefore opens a store that is enrolled already, with its passphrase, so
// that what is in it can go on. Where its lease is over the hub is met first,
// if it still knows this replica.
func (t *Tablet) openBefore(ctx context.Context, passphrase string) error {
	var ended string
	err := t.inTx(ctx, func(x *tx) (err error) {
		ended, err = x.meta(metaEnded)
		return err
	})
	if err != nil || ended != "" {
		return err // nothing is there to be opened
	}
	if err := t.Unlock(ctx, passphrase); errors.Is(err, ErrNotEnrolled) {
		return nil
	} else if err != nil || t.keys.store != nil {
		return err
	}
	if _, err = t.Sync(ctx); refused(err) {
		return nil
	}
	return err
}

// adopt writes who this store is now. The keys go first: with them and without
// the rest the tablet is refused and enrolled again; the other way round it
// would sign with a key that it does not have.
func (t *Tablet) adopt(ctx context.Context, at address, e enrolled, next *device, locked seal.Locked) error {
	before := t.keys.device
	err := t.inTx(ctx, func(x *tx) error {
		before, err := x.identity()
		switch {
		case errors.Is(err, ErrNotEnrolled):
		case err != nil:
			return err
		case before.Staff != e.Staff:
			return ErrOtherPerson
		case before.Org != e.Org:
			return ErrOtherHub
		}
		if err := x.setMetaJSON(metaHubKey, e.HubKey); err != nil {
			return err
		}
		if err := x.takeOver(next, e.Lease); err != nil {
			return err
		}
		if err := x.renumber(e.Known, e.Replica); err != nil {
			return err
		}
		for key, v := range map[string]string{metaURL: at.base.String(), metaFingerprint: at.fingerprint, metaDevice: e.Device,
			metaReplica: e.Replica, metaStaff: e.Staff, metaOrg: e.Org, metaHub: e.Hub, metaEnded: "", metaSigned: ""} {
			if err := x.setMeta(key, v); err != nil {
				return err
			}
		}
		if err := x.watchLog(e.LogKey); err != nil {
			return err
		}
		return t.saveDevice(locked)
	})
	if err != nil {
		t.keys.device = before
		t.keys.close()
	}
	return err
}

// takeOver opens the store under the keys of a new enrolment: the same store
// where it could be opened, and an empty one where not.
func (x *tx) takeOver(next *device, l fieldsync.Lease) error {
	k := x.t.keys
	if k.store == nil {
		if err := k.begin(x.ctx, next, l); err != nil {
			return err
		}
		return x.loadKeys()
	}
	store, _, err := k.storeKey(x.ctx, k.device)
	if err != nil || store == nil {
		return errors.Join(err, ErrLease)
	}
	if err := k.keep(x.ctx, next, l, store); err != nil {
		return err
	}
	k.device = next
	if err := k.open(x.ctx); err != nil {
		return err
	}
	return x.loadKeys()
}

// replicas lists the replicas under which this store has changes, the newest
// last: their ids are in the order of time.
func (t *Tablet) replicas(ctx context.Context) (all []earlier, err error) {
	err = t.inTx(ctx, func(x *tx) error {
		return x.each(func(scan func(...any) error) error {
			var e earlier
			err := scan(&e.Replica, &e.Answered)
			all = append(all, e)
			return err
		}, `SELECT replica, COALESCE(MAX(CASE WHEN receipt IS NOT NULL THEN n END), 0) FROM outbox GROUP BY replica ORDER BY replica`)
	})
	if len(all) > earlierReplicasMax {
		all = all[len(all)-earlierReplicasMax:]
	}
	return all, err
}

// earlierReplicasMax is how many the hub takes (docs/protocol.md).
const earlierReplicasMax = 64

// waitingChange is one that goes to a new replica.
type waitingChange struct {
	parcel
	change fieldsync.Change // where this device can read it
	from   string           // replica that it was made under
}

// missed takes the receipts that the hub gave for a replica and that never came:
// what has one must not go there again under another number. A hub that holds
// other changes under these numbers knows a copy of this store.
func (x *tx) missed(replica string, k known) error {
	links, err := x.texts(`SELECT link FROM outbox WHERE replica = ? AND n = ?`, replica, k.N)
	if err != nil || len(links) == 0 || links[0] != k.Link {
		return err
	}
	for _, raw := range k.Receipts {
		if _, err := x.receive(replica, raw); err != nil {
			return err
		}
	}
	return nil
}

// waiting takes out of the outbox what the hub does not hold: what it has not
// answered, and what lies above the number up to which it says it knows the
// replica.
func (x *tx) waiting(known map[string]known) ([]waitingChange, error) {
	replicas, err := x.texts(`SELECT DISTINCT replica FROM outbox ORDER BY replica`)
	if err != nil {
		return nil, err
	}
	var waiting []waitingChange
	for _, from := range replicas {
		// A replica that the hub's answer does not name was not asked about:
		// what it acknowledged stays as it is.
		k, asked := known[from]
		n := k.N
		if !asked {
			n = fieldsync.NumberMax
		} else if err := x.missed(from, k); err != nil {
			return nil, err
		}
		const these = `replica = ? AND (receipt IS NULL OR n > ?) AND (raw IS NOT NULL OR sealed IS NOT NULL)`
		err := x.each(func(scan func(...any) error) error {
			c, err := x.scanWaiting(from, scan)
			waiting = append(waiting, c)
			return err
		}, `SELECT n, record, raw, `+scopesColumn+`, sum, sealed, hub_key, sealed_of FROM outbox WHERE `+these+` ORDER BY n`, from, n)
		if err != nil {
			return nil, err
		}
		if err := x.exec(`DELETE FROM outbox_scopes WHERE replica = ? AND n IN (SELECT n FROM outbox WHERE `+these+`)`, from, from, n); err != nil {
			return nil, err
		}
		if err := x.exec(`DELETE FROM outbox WHERE `+these, from, n); err != nil {
			return nil, err
		}
	}
	return waiting, nil
}

func (x *tx) scanWaiting(from string, scan func(...any) error) (c waitingChange, err error) {
	c.from = from
	var sum []byte
	var scopes, of string
	if err := scan(&c.N, &c.record, &c.raw, &scopes, &sum, &c.Box, &c.Key, &of); err != nil {
		return c, fmt.Errorf("reading the outbox: %w", err)
	}
	c.Of, c.Sum, c.scopes = fieldsync.Dot(of), [sha256.Size]byte(sum), scopesIn(scopes)
	if c.raw != nil {
		_, c.change, err = x.openChange(from, c.N, scopes, c.raw)
	}
	return c, err
}

// renumber moves what the hub does not hold to a new replica: new numbers, a
// new chain, and in their bases the new names of the versions that they were.
// What this device cannot read goes on as it was sealed.
func (x *tx) renumber(known map[string]known, to string) error {
	waiting, err := x.waiting(known)
	if err != nil {
		return err
	}
	for _, key := range []string{metaN, metaLink} {
		if err := x.setMeta(key, ""); err != nil {
			return err
		}
	}
	names := map[fieldsync.Dot]fieldsync.Dot{}
	for i, c := range waiting {
		names[fieldsync.DotOf(c.from, c.N)] = fieldsync.DotOf(to, uint64(i+1))
		if c.raw == nil {
			_, link, err := x.chain()
			if err != nil {
				return err
			}
			c.N = uint64(i + 1)
			if err := x.putOut(to, c.parcel, link); err != nil {
				return err
			}
			continue
		}
		for _, dots := range c.change.Base {
			for j, d := range dots {
				if now, ok := names[d]; ok {
					dots[j] = now
				}
			}
		}
		if err := x.post(to, c.scopes, c.change); err != nil {
			return err
		}
	}
	return x.reshow(waiting)
}

// reshow rebuilds what is shown of the records that changes touch.
func (x *tx) reshow(changes []waitingChange) error {
	for _, c := range changes {
		r, err := x.record(c.record)
		if errors.Is(err, care.ErrNotFound) || c.raw == nil {
			continue
		}
		if err != nil {
			return err
		}
		if err := x.reshowOne(r, c.change); err != nil {
			return err
		}
	}
	return nil
}

// reshowOne rebuilds what is shown of the fields that one change touches.
func (x *tx) reshowOne(r recordRow, c fieldsync.Change) error {
	open, err := x.openChanges(r.id)
	if err != nil {
		return err
	}
	h, err := x.holding(r.id)
	if err != nil {
		return err
	}
	h.refresh(r, c.Fields(), open, false)
	return x.keep(h)
}

// lock keeps a second sync out of this folder. It is a transaction on a file
// of its own, which the operating system ends with the process.
func (t *Tablet) lock() (unlock func(), err error) {
	db, err := openSQLite(filepath.Join(t.dir, lockFile), "busy_timeout(0)")
	if err != nil {
		return nil, fmt.Errorf("locking the tablet's folder: %w", err)
	}
	x, err := db.Begin()
	if err != nil {
		return nil, errors.Join(ErrSyncing, db.Close())
	}
	return func() {
		// Nothing was written: ending the transaction and the file cannot lose anything.
		_ = errors.Join(x.Rollback(), db.Close())
	}, nil
}

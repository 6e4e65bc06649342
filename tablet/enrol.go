package tablet

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"portolan/care"
	fieldsync "portolan/sync"
)

// secrets is the file device.key.
type secrets struct {
	Seed []byte `json:"ed25519_seed"`
}

func (s secrets) key() (ed25519.PrivateKey, error) {
	if len(s.Seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("reading the tablet's key: %d bytes", len(s.Seed))
	}
	return ed25519.NewKeyFromSeed(s.Seed), nil
}

func (t *Tablet) loadSecrets() (secrets, error) {
	var s secrets
	b, err := os.ReadFile(filepath.Join(t.dir, keyFile))
	if errors.Is(err, os.ErrNotExist) {
		return s, ErrNotEnrolled
	}
	if err != nil {
		return s, fmt.Errorf("reading the tablet's key: %w", err)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("reading the tablet's key: %w", err)
	}
	return s, nil
}

// saveSecrets replaces the key file in one step: a power cut leaves the old
// one or the new one.
func (t *Tablet) saveSecrets(s secrets) error {
	b, err := json.Marshal(s)
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

// enrolled is the hub's answer to an enrolment.
type enrolled struct {
	Device  string          `json:"device"`
	Replica string          `json:"replica"`
	Staff   string          `json:"staff"`
	Org     string          `json:"org"`
	Lease   fieldsync.Lease `json:"lease"`
	Hub     string          `json:"hub"`
	// Known is how far the hub holds the replicas that this store had before.
	Known map[string]uint64 `json:"known"`
	// LogKey is by what the hub's audit log is known.
	LogKey string `json:"log_key"`
}

// Owner is what the person whose store it becomes shows as it is enrolled. A
// one-time code alone opens nothing.
type Owner struct {
	Password     string
	SecondFactor string // a code of their authenticator app or a recovery code, where they have one
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
	unlock, err := t.lock()
	if err != nil {
		return err
	}
	defer unlock()
	public, private, err := ed25519.GenerateKey(t.rand)
	if err != nil {
		return fmt.Errorf("making the tablet's key: %w", err)
	}
	earlier, err := t.replicas(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(struct {
		Code         string   `json:"code"`
		Key          string   `json:"key"`
		Label        string   `json:"label"`
		Password     string   `json:"password"`
		SecondFactor string   `json:"second_factor,omitempty"`
		Replicas     []string `json:"replicas,omitempty"`
	}{code, base64.RawURLEncoding.EncodeToString(public), t.Label, owner.Password, owner.SecondFactor, earlier})
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
	if err := json.NewDecoder(io.LimitReader(resp.Body, problemMax)).Decode(&e); err != nil {
		return unreachable(err)
	}
	if !fieldsync.IsID(e.Replica) || !fieldsync.IsID(e.Staff) || !fieldsync.IsID(e.Org) {
		return errAnswer
	}
	return t.adopt(ctx, at, e, secrets{Seed: private.Seed()})
}

// adopt writes who this store is now. The secrets go first: with them and
// without the rest the tablet is refused and enrolled again; the other way
// round it would sign with a key that it does not have.
func (t *Tablet) adopt(ctx context.Context, at address, e enrolled, s secrets) error {
	return t.inTx(ctx, func(x *tx) error {
		before, err := x.identity()
		switch {
		case errors.Is(err, ErrNotEnrolled):
		case err != nil:
			return err
		case before.Staff != e.Staff:
			return ErrOtherPerson
		case before.Org != e.Org:
			return ErrOtherHub
		default:
			if err := x.renumber(e.Known, e.Replica); err != nil {
				return err
			}
		}
		for key, v := range map[string]string{metaURL: at.base.String(), metaFingerprint: at.fingerprint, metaDevice: e.Device,
			metaReplica: e.Replica, metaStaff: e.Staff, metaOrg: e.Org, metaHub: e.Hub, metaLease: e.Lease.Until, metaEnded: "", metaSigned: ""} {
			if err := x.setMeta(key, v); err != nil {
				return err
			}
		}
		if err := x.watchLog(e.LogKey); err != nil {
			return err
		}
		return t.saveSecrets(s)
	})
}

// replicas lists the replicas under which this store has changes, the newest
// last: their ids are in the order of time.
func (t *Tablet) replicas(ctx context.Context) (ids []string, err error) {
	err = t.inTx(ctx, func(x *tx) (err error) {
		ids, err = x.texts(`SELECT DISTINCT replica FROM outbox ORDER BY replica`)
		return err
	})
	if len(ids) > earlierReplicasMax {
		ids = ids[len(ids)-earlierReplicasMax:]
	}
	return ids, err
}

// earlierReplicasMax is how many the hub takes (docs/protocol.md).
const earlierReplicasMax = 64

// waitingChange is one that goes to a new replica.
type waitingChange struct {
	fieldsync.Change
	from string // replica that it was made under
}

// waiting takes out of the outbox what the hub does not hold: what it has not
// answered, and what lies above the number up to which it says it knows the
// replica.
func (x *tx) waiting(known map[string]uint64) ([]waitingChange, error) {
	replicas, err := x.texts(`SELECT DISTINCT replica FROM outbox ORDER BY replica`)
	if err != nil {
		return nil, err
	}
	var waiting []waitingChange
	for _, from := range replicas {
		// A replica that the hub's answer does not name was not asked about:
		// what it acknowledged stays as it is.
		n, asked := known[from]
		if !asked {
			n = fieldsync.NumberMax
		}
		err := x.each(func(scan func(...any) error) error {
			var raw []byte
			if err := scan(&raw); err != nil {
				return fmt.Errorf("reading the outbox: %w", err)
			}
			c, err := fieldsync.DecodeChange(raw)
			waiting = append(waiting, waitingChange{c, from})
			return err
		}, `SELECT raw FROM outbox WHERE replica = ? AND (receipt IS NULL OR n > ?) AND raw IS NOT NULL ORDER BY n`, from, n)
		if err != nil {
			return nil, err
		}
		for _, q := range []string{`DELETE FROM outbox_scopes WHERE replica = ? AND n IN
				(SELECT n FROM outbox WHERE replica = outbox_scopes.replica AND (receipt IS NULL OR n > ?) AND raw IS NOT NULL)`,
			`DELETE FROM outbox WHERE replica = ? AND (receipt IS NULL OR n > ?) AND raw IS NOT NULL`} {
			if err := x.exec(q, from, n); err != nil {
				return nil, err
			}
		}
	}
	return waiting, nil
}

// renumber moves what the hub does not hold to a new replica: new numbers, a
// new chain, and in their bases the new names of the versions that they were.
func (x *tx) renumber(known map[string]uint64, to string) error {
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
		names[c.Dot(c.from)] = fieldsync.DotOf(to, uint64(i+1))
		for _, dots := range c.Base {
			for j, d := range dots {
				if now, ok := names[d]; ok {
					dots[j] = now
				}
			}
		}
		r, err := x.record(c.Record)
		if err != nil && !errors.Is(err, care.ErrNotFound) {
			return err
		}
		if err != nil { // evicted: its scopes are known to the hub only
			r = recordRow{id: c.Record, collection: c.Collection, org: c.Org, caseID: c.Case}
		}
		if err := x.post(to, r, c.Change); err != nil {
			return err
		}
	}
	return x.reshow(waiting)
}

// reshow rebuilds what is shown of the records that changes touch.
func (x *tx) reshow(changes []waitingChange) error {
	for _, c := range changes {
		r, err := x.record(c.Record)
		if errors.Is(err, care.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := x.reshowOne(r, c.Change); err != nil {
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
	for _, field := range c.Fields() {
		if err := x.refresh(r, field, open, false); err != nil {
			return err
		}
	}
	return nil
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

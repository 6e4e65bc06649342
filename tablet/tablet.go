// Package tablet is a client of Portolan's sync protocol (docs/protocol.md)
// without a screen: one person's store on one device, which works for weeks
// without a network. It is the reference client, what the tests and the demo
// run, and it uses nothing but the public protocol.
package tablet

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"portolan/care"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// Names of the files in a tablet's folder.
const (
	storeFile = "tablet.db"
	lockFile  = "sync.lock.db"
	keysFile  = "keys.db"    // what opens the store, beside the passphrase
	keyFile   = "device.key" // the device's root under the passphrase
)

// Errors of the tablet itself. Those of the hub come through as they are.
var (
	ErrNotEnrolled = &care.Error{Code: "not_enrolled", Kind: care.Signin, Hint: "This tablet is not enrolled yet: portolan tablet --dir T enrol URL CODE."}
	ErrUnsent      = &care.Error{Code: "changes_owed", Kind: care.Conflict, Hint: "Something was entered meanwhile and is not delivered. Nothing was destroyed; do it again."}
	ErrEnded       = &care.Error{Code: "tablet_ended", Kind: care.Signin, Hint: "The hub has ended this tablet's access. What was here is destroyed; what was not sent is delivered, and people at the hub decide about it. To go on, ask for a new code and enrol this same folder again."}
	ErrOtherPerson = &care.Error{Code: "other_person", Kind: care.Conflict, Hint: "This folder is another person's store. Take an empty folder."}
	ErrOtherHub    = &care.Error{Code: "other_hub", Kind: care.Conflict, Hint: "This folder belongs to another organisation's hub. Take an empty folder."}
	ErrSyncing     = &care.Error{Code: "sync_running", Kind: care.Busy, Hint: "Another sync of this tablet is running."}
	ErrCollection  = &care.Error{Code: "collection_unknown", Kind: care.Invalid, Hint: "There is no such collection."}
	ErrField       = &care.Error{Code: "field_unknown", Kind: care.Invalid, Hint: "The collection has no such field."}
	ErrCaseMissing = &care.Error{Code: "case_missing", Kind: care.Invalid, Hint: "Say to which case the record belongs: --case ID."}
	ErrCaseGiven   = &care.Error{Code: "case_needless", Kind: care.Invalid, Hint: "A record of this collection belongs to no case."}
	ErrUndecided   = &care.Error{Code: "undecided", Kind: care.Conflict, Hint: "The field has more than one value. Look at them and decide: conflicts resolve ID FIELD VALUE."}
	ErrDecided     = &care.Error{Code: "nothing_to_decide", Kind: care.Conflict, Hint: "The field has one value only."}
	ErrOnce        = &care.Error{Code: fieldsync.HeldWrittenOnce, Kind: care.Unprocessed, Hint: "The field is written once. Make a new record with the correction."}
	ErrRequired    = &care.Error{Code: "value_required", Kind: care.Invalid, Hint: "A new record must have this field."}
)

// Tablet is one open store. Several processes may open the same folder; one
// of them syncs at a time.
type Tablet struct {
	// Label names the tablet in the hub's list when it enrols.
	Label string
	// PlainHTTP lets it speak http to a hub on another machine. Only for a
	// network that is protected otherwise.
	PlainHTTP bool
	// Cost is what one guess at the passphrase costs whoever has the folder.
	// It counts when the tablet is enrolled, and is kept there.
	Cost seal.Cost

	dir   string
	db    *sql.DB
	keys  *keys
	now   func() time.Time
	rand  io.Reader
	clock *fieldsync.Clock
	shift time.Duration // how far the hub's clock was before ours at the last sync
	met   time.Time     // the last time that is known from the hub
	pause func(context.Context, time.Duration) error
}

// Open opens or makes the store in a folder. It is locked: Unlock or Enrol
// opens it.
func Open(dir string, now func() time.Time, rand io.Reader) (*Tablet, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the tablet's folder: %w", err)
	}
	// FULL: what was typed is on the disk when the command ends. secure_delete:
	// what was evicted is not left behind in free pages.
	db, err := openSQLite(filepath.Join(dir, storeFile), "journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(20000)", "secure_delete(1)")
	if err != nil {
		return nil, fmt.Errorf("opening the tablet's store: %w", err)
	}
	t := &Tablet{Label: "tablet", Cost: seal.PassphraseCost, dir: dir, db: db, now: now, rand: rand, pause: pause}
	t.clock = fieldsync.NewClock(func() time.Time { return t.now().Add(t.shift) })
	if t.keys, err = openKeys(dir, rand); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := t.prepare(); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

func openSQLite(path string, pragmas ...string) (*sql.DB, error) {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": pragmas}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // one person's store: simple before fast
	return db, nil
}

// Close closes the store.
func (t *Tablet) Close() error {
	if err := errors.Join(t.db.Close(), t.keys.db.Close()); err != nil {
		return fmt.Errorf("closing the tablet's store: %w", err)
	}
	return nil
}

// prepare makes the tables and reads what the tablet knows of itself.
func (t *Tablet) prepare() error {
	// The file is made by the first statement; nobody else may read it.
	if _, err := t.db.Exec(tables); err != nil {
		return fmt.Errorf("making the tablet's tables: %w", err)
	}
	if err := guard(t.dir, storeFile); err != nil {
		return err
	}
	ctx := context.Background()
	err := t.inTx(ctx, func(x *tx) error {
		shift, err := x.meta(metaShift)
		if err != nil {
			return err
		}
		ms, _ := strconv.ParseInt(shift, 10, 64) // never written before the first sync
		t.shift = time.Duration(ms) * time.Millisecond
		met, err := x.meta(metaMet)
		if err != nil {
			return err
		}
		t.met, _ = time.Parse(care.TimeFormat, met) // nor this
		return t.observe(x)
	})
	if err != nil {
		return err
	}
	return t.endLeases(ctx)
}

// observe raises the clock to the last value that any process of this store
// wrote or saw.
func (t *Tablet) observe(x *tx) error {
	last, err := x.meta(metaClock)
	if err != nil {
		return err
	}
	t.clock.Observe(fieldsync.HLC(last))
	return nil
}

// Identity is who and what this store is. Empty before it is enrolled.
type Identity struct {
	Device, Replica, Staff, Org, URL string
}

// Identity returns who and what this store is, ErrNotEnrolled before it is
// anything.
func (t *Tablet) Identity(ctx context.Context) (Identity, error) {
	var id Identity
	err := t.inTx(ctx, func(x *tx) (err error) {
		id, err = x.identity()
		return err
	})
	return id, err
}

func (x *tx) identity() (Identity, error) {
	var id Identity
	for key, to := range map[string]*string{metaDevice: &id.Device, metaReplica: &id.Replica, metaStaff: &id.Staff, metaOrg: &id.Org, metaURL: &id.URL} {
		v, err := x.meta(key)
		if err != nil {
			return id, err
		}
		*to = v
	}
	if id.Replica == "" {
		return id, ErrNotEnrolled
	}
	return id, nil
}

// newID mints a UUIDv7 (RFC 9562 §5.7).
func (t *Tablet) newID() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(t.rand, b[:]); err != nil {
		return "", fmt.Errorf("minting an id: %w", err)
	}
	ms := t.now().UnixMilli()
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16]), nil
}

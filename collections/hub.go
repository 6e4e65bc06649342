// Package collections is PocketBase seen from Go: a hub's database with the
// one door in (door.go, apply.go) and the one door out (pull.go, read.go).
package collections

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	_ "portolan/pb_migrations" // registers the migrations
	"portolan/seal"
	fieldsync "portolan/sync"
)

// Config is what a hub needs to open.
type Config struct {
	Dir     string           // the hub's folder; made if it is not there
	KeyFile string           // the root key; KeyFileName in the folder where empty, made on first use
	Root    *seal.Key        // the root key itself, for a copy of a hub; then KeyFile is not looked at
	Now     func() time.Time // time.Now where nil
	Rand    io.Reader        // crypto/rand where nil
	Log     *slog.Logger     // slog.Default where nil; never given personal data

	// Reached hears of each labelled point of work that goes on after a crash
	// where it was: tests kill the process there.
	Reached func(label string)

	// Driver is the name of another database/sql driver for the records than
	// "sqlite", around the same one: tests write down the statements.
	Driver string

	Restoring bool // the folder is being restored, and opened to be checked
	// EndedHeads are signed heads of the audit log, kept outside the folder: the
	// list of what ended must be as long as each says.
	EndedHeads []string
	// Serving refuses a hub whose own list of what ended was cut.
	Serving bool

	Reserve int64 // bytes laid aside against a full disk; none where 0
}

// Hub is an open hub: its database, its door, its files.
type Hub struct {
	// PullVersionMin is the oldest version of the protocol to which what is new
	// is given. Tests set it.
	PullVersionMin int

	dir     string
	keyFile string
	// restoring says that the folder is opened to be checked.
	restoring  bool
	endedHeads []string
	serving    bool
	app        *core.BaseApp
	connect    func(path string) (*dbx.DB, error)
	now        func() time.Time
	rand       io.Reader
	log        *slog.Logger

	keys      *keyring
	givenRoot *seal.Key
	locked    atomic.Bool // nobody is answered for want of the root key
	rooted    atomic.Bool // the root key was given
	unlocking sync.Mutex
	intakeKey []byte // opens what came while the hub was locked
	rotation  rotation
	onUnlock  []func()

	writer writer
	reads  readQueue // disclosures that wait for the audit log
	disk   *disk
	checks checks

	contents, pictures sync.Mutex // one document's bytes are kept, and one picture written, at a time
	partials           partials

	pulls      chan struct{} // one per pull that is being answered
	answers    *turns        // of those, the ones that are worked on
	chunks     *chunks
	statements statements
	asked      asked
	lately     lately
	tables     map[string]*table
	epoch      string
	secret     []byte // MACs cursors, keys of imports; made once, kept in keys.db
	replica    string // the hub's own replica
	finder     finder
	wakeMu     sync.Mutex
	wake       []func(staff []string)
	changes    []func(cases []string)
	out        []func(staff string) // beside wake: who hears that sign-ins ended
	endings    []func(devices, staff []string)
	// endsMoved has room for one (EndsMoved).
	endsMoved chan struct{}

	erasing sync.Mutex // one erasure at a time
	erased  erasedCases
	ended   endedList
	again   int // how much ended again when the hub was opened
	reached func(label string)

	requests *signed // what tablets signed lately

	logKeys logKeys
	trusted trusted

	decoyOnce    sync.Once
	decoyAccount *core.Record
}

// dataPragmas are PocketBase's own (core.DefaultDBConnect) but for
// synchronous: with FULL an acknowledged push survives a power cut
// (in WAL mode NORMAL may lose the last commits: sqlite.org/pragma.html#pragma_synchronous),
// and for the page cache: there are up to readersMax, and the kernel has the
// pages too. 4 MB each is no slower, and an idle hub is a third smaller.
const dataPragmas = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=journal_size_limit(200000000)" +
	"&_pragma=synchronous(FULL)&_pragma=foreign_keys(ON)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-4000)"

// Connections for reading. Making one costs as much as some fifty reads, since
// SQLite reads the whole schema, and those who were written into the audit log
// together read at the same moment; so they stay for a while, and no longer,
// since each keeps a page cache.
const (
	readersMax  = 32
	readersIdle = 32
	readerStays = time.Minute
)

func connect(path string) (*dbx.DB, error) { return connectBy("sqlite")(path) }

// connectBy opens databases by a driver that speaks SQLite.
func connectBy(driver string) func(path string) (*dbx.DB, error) {
	return func(path string) (*dbx.DB, error) {
		db, err := sql.Open(driver, path+dataPragmas)
		if err != nil {
			return nil, err
		}
		return dbx.NewFromDB(db, "sqlite"), nil
	}
}

// openAsked opens the connections for what every request asks. They are few:
// each question takes a fraction of a millisecond, and making a connection as
// long as fifty.
func (h *Hub) openAsked() error {
	db, err := h.connect(filepath.Join(h.app.DataDir(), "data.db"))
	if err != nil {
		return wrap("opening the database", err)
	}
	h.asked.db = db.DB()
	n := turnsEach * runtime.NumCPU()
	h.asked.db.SetMaxOpenConns(n)
	h.asked.db.SetMaxIdleConns(n)
	h.asked.db.SetConnMaxIdleTime(readerStays)
	return nil
}

func (a *asked) close() error {
	if a.db == nil {
		return nil
	}
	return wrap("closing the database", a.db.Close())
}

// Open boots the hub in its folder and runs pending migrations. It does not
// listen. The caller holds the folder's lock (main).
func Open(cfg Config) (*Hub, error) {
	h := &Hub{PullVersionMin: fieldsync.PullVersionMin, dir: cfg.Dir, keyFile: cfg.KeyFile, restoring: cfg.Restoring, endedHeads: cfg.EndedHeads, serving: cfg.Serving, givenRoot: cfg.Root, now: cfg.Now, rand: cfg.Rand, log: cfg.Log}
	if h.keyFile == "" {
		h.keyFile = filepath.Join(cfg.Dir, KeyFileName)
	}
	if h.now == nil {
		h.now = time.Now
	}
	if h.rand == nil {
		h.rand = rand.Reader
	}
	if h.log == nil {
		h.log = slog.Default()
	}
	h.log = slog.New(quietLog{h.log.Handler()})
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the hub's folder: %w", err)
	}
	if err := refuseHalf(cfg); err != nil {
		return nil, err
	}
	if h.reached = cfg.Reached; h.reached == nil {
		h.reached = func(string) {}
	}
	h.disk = newDisk(cfg.Dir, cfg.Reserve, h.rand)
	if _, err := h.DiskFull(); err != nil {
		return nil, err
	}
	h.connect = connectBy(cmp.Or(cfg.Driver, "sqlite"))
	h.app = core.NewBaseApp(core.BaseAppConfig{
		DataDir: filepath.Join(cfg.Dir, "pb_data"), DBConnect: h.connect,
		DataMaxOpenConns: readersMax, DataMaxIdleConns: readersIdle, AuxMaxOpenConns: 4, AuxMaxIdleConns: 1,
	})
	if err := h.app.Bootstrap(); err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	if err := h.prepare(); err != nil {
		if h.keys != nil {
			err = errors.Join(err, h.keys.close())
		}
		err = errors.Join(err, h.asked.close())
		return nil, errors.Join(err, h.app.ResetBootstrapState(), h.disk.close())
	}
	return h, nil
}

func (h *Hub) prepare() error {
	if err := quietLogs(h.app); err != nil {
		return err
	}
	if err := h.sweepCopies(); err != nil {
		return err
	}
	if err := h.copyBeforeUpgrade(context.Background()); err != nil {
		return err
	}
	if err := h.app.RunAllMigrations(); err != nil {
		return fmt.Errorf("migrating the database: %w", err)
	}
	h.readDB().SetConnMaxIdleTime(readerStays)
	if err := h.openAsked(); err != nil {
		return err
	}
	if err := h.openKeys(context.Background()); err != nil {
		return err
	}
	h.writer, h.pulls = newWriter(h.sqlDB(), &leaves{h: h}, h.keys, &h.ended, h.roomOr), make(chan struct{}, pullsMax)
	h.answers, h.endsMoved = newTurns(), make(chan struct{}, 1)
	h.writer.carry = h.carryEnded
	h.requests, h.chunks = newSigned(h.now()), newChunks(h)
	h.tables = make(map[string]*table, len(care.Schema))
	for _, e := range care.Schema {
		h.tables[e.Name] = newTable(e, h.keys)
	}
	if err := h.loadMeta(); err != nil {
		return err
	}
	h.ended.mac = h.endedMAC
	if err := errors.Join(h.knowErased(), h.ended.open(h.dir)); err != nil {
		return err
	}
	if _, err := h.SweepFiles(context.Background()); err != nil || !h.rooted.Load() {
		return err
	}
	return h.unlocked(context.Background())
}

// App is PocketBase itself, for hooks.
func (h *Hub) App() core.App { return h.app }

// Dir is the hub's folder.
func (h *Hub) Dir() string { return h.dir }

// KeyFile is where the hub's root key lies.
func (h *Hub) KeyFile() string { return h.keyFile }

// Now is the hub's clock.
func (h *Hub) Now() time.Time { return h.now() }

// Log is the hub's log.
func (h *Hub) Log() *slog.Logger { return h.log }

// Close ends what the hub has open. Nothing may be in flight.
func (h *Hub) Close() error {
	h.reads.idle.Wait() // whoever waited for it may have hung up
	h.stopRotation()
	signed := h.SignLog(context.Background(), true)
	h.forgetNames()
	h.writer.close()
	// As PocketBase itself ends: its log's ticker stops before its databases.
	return errors.Join(signed, h.chunks.close(), h.asked.close(), h.keys.close(), h.terminate(), h.disk.close())
}

func (h *Hub) terminate() error {
	return h.app.OnTerminate().Trigger(&core.TerminateEvent{App: h.app}, func(e *core.TerminateEvent) error {
		return e.App.ResetBootstrapState()
	})
}

// quietLogs keeps PocketBase from writing requests into auxiliary.db: its log
// holds addresses, agents and whole URLs (apis/middlewares.go, logRequest).
func quietLogs(app core.App) error {
	s := app.Settings()
	if s.Logs.MaxDays == 0 && !s.Logs.LogIP && !s.Logs.LogAuthId {
		return nil
	}
	s.Logs.MaxDays, s.Logs.LogIP, s.Logs.LogAuthId = 0, false, false
	if err := app.Save(s); err != nil {
		return fmt.Errorf("turning off PocketBase's log of requests: %w", err)
	}
	return nil
}

// sqlDB is PocketBase's single writing connection: door and framework queue
// for the same one, so that neither finds the database locked.
func (h *Hub) sqlDB() *sql.DB { return h.app.NonconcurrentDB().(*dbx.DB).DB() }

// readDB is the pool of reading connections.
func (h *Hub) readDB() *sql.DB { return h.app.ConcurrentDB().(*dbx.DB).DB() }

// loadMeta reads what the hub knows of itself, and makes it on first use.
func (h *Hub) loadMeta() error {
	ctx := context.Background()
	fresh := []struct{ name, value string }{{"epoch", h.newID()}, {"replica", h.newID()}}
	for _, f := range fresh {
		if _, err := h.sqlDB().ExecContext(ctx, `INSERT OR IGNORE INTO hub_meta (name, value) VALUES (?, ?)`, f.name, f.value); err != nil {
			return fmt.Errorf("writing the hub's %s: %w", f.name, err)
		}
	}
	rows, err := h.sqlDB().QueryContext(ctx, `SELECT name, value FROM hub_meta`)
	if err != nil {
		return fmt.Errorf("reading about the hub: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return fmt.Errorf("reading about the hub: %w", err)
		}
		switch name {
		case "epoch":
			h.epoch = value
		case "replica":
			h.replica = value
		}
	}
	return rows.Err()
}

// NewID mints the id of a record that the caller must know before the door
// does: an organisation, which belongs to itself.
func (h *Hub) NewID() string { return h.newID() }

// newID mints a UUIDv7 of the machine's clock and the hub's randomness
// (RFC 9562 §5.7). Nothing reads the time in it: the hub's clock, which a test
// may stop, would give many ids one millisecond and no order.
func (h *Hub) newID() string {
	id, err := uuid.NewV7FromReader(h.rand)
	if err != nil {
		panic("collections: no randomness: " + err.Error())
	}
	return id.String()
}

// OnWake adds a listener that hears, after each commit, for whom something is
// new. It is called outside the transaction and must not block.
func (h *Hub) OnWake(f func(staff []string)) {
	h.wakeMu.Lock()
	defer h.wakeMu.Unlock()
	h.wake = append(h.wake, f)
}

// OnChange adds a listener that hears, after each commit, in which cases
// something is new. It is called outside the transaction and must not block.
func (h *Hub) OnChange(f func(cases []string)) {
	h.wakeMu.Lock()
	defer h.wakeMu.Unlock()
	h.changes = append(h.changes, f)
}

func (h *Hub) tellChanged(scopes map[fieldsync.Scope]bool) {
	h.wakeMu.Lock()
	listeners := h.changes
	h.wakeMu.Unlock()
	if len(listeners) == 0 {
		return
	}
	var cases []string
	for scope := range scopes {
		if id := scope.Case(); id != "" && !slices.Contains(cases, id) {
			cases = append(cases, id)
		}
	}
	for _, f := range listeners {
		f(cases)
	}
}

func (h *Hub) wakeUp(staff []string) {
	if len(staff) == 0 {
		return
	}
	h.wakeMu.Lock()
	listeners := h.wake
	h.wakeMu.Unlock()
	for _, f := range listeners {
		f(staff)
	}
}

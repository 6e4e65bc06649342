package collections

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/pocketbase/dbx"

	"portolan/care"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// ChunksPath is the database of chunks inside the hub's folder. It holds
// nothing that is not in the records: it is in no backup, may be deleted at any
// time, and is made again as scopes are pulled. Each chunk is sealed under the
// key of its case and compartment, and dies with it.
const ChunksPath = "chunks.db"

// chunksPragmas: a power cut may take the last chunks, and damages none.
const chunksPragmas = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)" +
	"&_pragma=journal_size_limit(16000000)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-2000)&_txlock=immediate"

// chunkForm is raised when the lines of a row are written otherwise than
// before, or the chunk around them.
const chunkForm = 2

// standing is at what a scope stands: a chunk that was made there is right.
type standing struct {
	seq    uint64 // the last number of its log
	digest string // of what stands in it
}

// chunks keeps what scopes hold, packed and sealed.
type chunks struct {
	h    *Hub
	form string // what else the lines depend on

	mu     sync.Mutex
	db     *sql.DB // opened when it is first needed
	off    bool    // it cannot be used
	making map[fieldsync.Scope]*making

	turns chan struct{} // one per chunk that is being made
}

// making is who makes the chunk of a scope, and how many wait for it.
type making struct {
	turn  chan struct{}
	asked int
}

func newChunks(h *Hub) *chunks {
	return &chunks{h: h, making: map[fieldsync.Scope]*making{}, turns: make(chan struct{}, runtime.NumCPU())}
}

// formOf is what lines depend on beside the records: the hub's epoch, its
// schema, the steps that its database took.
func (h *Hub) formOf(ctx context.Context) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, chunkForm, h.epoch)
	for _, e := range care.Schema {
		for i := range e.Fields {
			f := &e.Fields[i]
			fmt.Fprintln(sum, e.Name, e.Topic, f.Name, f.Compartment, f.Routing)
		}
	}
	rows, err := reader{ctx, h.readDB()}.rows(`SELECT file FROM _migrations ORDER BY file`)
	if err != nil {
		return "", wrap("reading which steps were taken", err)
	}
	defer rows.Close()
	for rows.Next() {
		var file string
		if err := rows.Scan(&file); err != nil {
			return "", wrap("reading which steps were taken", err)
		}
		fmt.Fprintln(sum, file)
	}
	return hex.EncodeToString(sum.Sum(nil)), wrap("reading which steps were taken", rows.Err())
}

// use gives the database, nil where there is none to be had. One of another
// form, or one that cannot be read, is begun anew.
func (c *chunks) use(ctx context.Context) *sql.DB {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.db != nil || c.off {
		return c.db
	}
	form, err := c.h.formOf(ctx)
	if err != nil {
		if ctx.Err() == nil {
			c.fault("the chunks cannot be used", err)
		}
		return nil
	}
	c.form = form
	if c.db, err = c.open(); err != nil {
		c.fault("the chunks cannot be read, and are made anew", err)
		c.remove()
		if c.db, err = c.open(); err != nil {
			c.fault("there are no chunks until the hub is started again", err)
			c.off = true
		}
	}
	return c.db
}

func (c *chunks) open() (*sql.DB, error) {
	d, err := dbx.Open("sqlite", filepath.Join(c.h.dir, ChunksPath)+chunksPragmas)
	if err != nil {
		return nil, err
	}
	db := d.DB()
	db.SetMaxIdleConns(8)
	db.SetMaxOpenConns(8)
	for _, q := range []string{
		`CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID`,
		`CREATE TABLE IF NOT EXISTS chunks (scope TEXT PRIMARY KEY NOT NULL, org TEXT NOT NULL, seq INTEGER NOT NULL, digest TEXT NOT NULL, sealed BLOB NOT NULL)`,
	} {
		if _, err := db.Exec(q); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	good, err := c.fits(db)
	if err == nil && !good {
		err = c.empty(db)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Facts of the database of chunks.
const (
	factForm = "form"
	factLog  = "log" // the last leaf of the audit log, and its number, when a chunk was kept last
)

// fits says whether the chunks are of this form, and of what became of the
// data. A data.db that was put back as it was, by hand, uses numbers and names
// of versions a second time, but never a leaf: each has a salt of its own.
func (c *chunks) fits(db *sql.DB) (bool, error) {
	var form, log string
	if err := db.QueryRow(`SELECT COALESCE((SELECT value FROM facts WHERE name = ?), ''), COALESCE((SELECT value FROM facts WHERE name = ?), '')`,
		factForm, factLog).Scan(&form, &log); err != nil || form != c.form {
		return false, err
	}
	if log == "" {
		return true, nil
	}
	number, _, _ := strings.Cut(log, "/")
	have, err := c.leaf(`WHERE seq = ?`, number)
	return have == log, err
}

// leaf is a leaf of the audit log with its number, as factLog has it; "" where
// there is none.
func (c *chunks) leaf(which string, args ...any) (string, error) {
	var seq int64
	var leaf []byte
	err := c.h.readDB().QueryRow(`SELECT seq, leaf FROM audit_leaves `+which, args...).Scan(&seq, &leaf)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return fmt.Sprintf("%d/%x", seq, leaf), wrap("reading the audit log", err)
}

func (c *chunks) empty(db *sql.DB) error {
	for _, q := range []string{`DELETE FROM chunks`, `DELETE FROM facts`, `INSERT INTO facts (name, value) VALUES ('` + factForm + `', '` + c.form + `')`} {
		if _, err := db.Exec(q); err != nil {
			return err
		}
	}
	return nil
}

// remove takes the files off the disk, as far as it can.
func (c *chunks) remove() {
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(filepath.Join(c.h.dir, ChunksPath) + end); err != nil && !errors.Is(err, os.ErrNotExist) {
			c.fault("the chunks cannot be removed", err)
		}
	}
}

// fault tells the operator; whoever pulls has the same lines from the records.
func (c *chunks) fault(what string, err error) {
	c.h.log.LogAttrs(context.Background(), slog.LevelWarn, what, slog.Any("error", err))
}

func (c *chunks) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off = true
	if c.db == nil {
		return nil
	}
	return wrap("closing the chunks", c.db.Close())
}

// turn waits until nobody else makes the chunk of a scope, and no more are made
// at one time than there are processors.
func (c *chunks) turn(ctx context.Context, scope fieldsync.Scope) (release func(), err error) {
	c.mu.Lock()
	m := c.making[scope]
	if m == nil {
		m = &making{turn: make(chan struct{}, 1)}
		c.making[scope] = m
	}
	m.asked++
	c.mu.Unlock()
	leave := func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if m.asked--; m.asked == 0 {
			delete(c.making, scope)
		}
	}
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
	select {
	case c.turns <- struct{}{}:
	case <-ctx.Done():
		<-m.turn
		leave()
		return nil, ctx.Err()
	}
	return func() { <-c.turns; <-m.turn; leave() }, nil
}

// keptChunk is a chunk as it lies.
type keptChunk struct {
	org    string
	at     standing
	sealed []byte
}

// read gives what is kept of a scope.
func (c *chunks) read(ctx context.Context, scope fieldsync.Scope) (k keptChunk, there bool) {
	db := c.use(ctx)
	if db == nil {
		return k, false
	}
	err := db.QueryRowContext(ctx, `SELECT org, seq, digest, sealed FROM chunks WHERE scope = ?`, string(scope)).Scan(&k.org, &k.at.seq, &k.at.digest, &k.sealed)
	if err != nil && !errors.Is(err, sql.ErrNoRows) && ctx.Err() == nil {
		c.damaged(db, err)
	}
	return k, err == nil
}

// damaged begins the database anew where it cannot be read.
func (c *chunks) damaged(db *sql.DB, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.db != db { // somebody else was here before
		return
	}
	c.fault("the chunks cannot be read, and are made anew", errors.Join(err, db.Close()))
	c.db = nil
	c.remove()
}

// place is what a chunk is bound to.
func (c *chunks) place(scope fieldsync.Scope, at standing) seal.Place {
	return seal.Place{Collection: "chunks", Record: string(scope), Field: c.form + "/" + strconv.FormatUint(at.seq, 10) + "/" + at.digest}
}

// unseal opens a chunk, nil where it does not open. Under a key that was
// destroyed it is erased, as it should be; anything else is told.
func (c *chunks) unseal(scope fieldsync.Scope, parts fieldsync.ScopeParts, k keptChunk) *chunk {
	key, err := c.h.keys.toOpen(k.sealed, k.org, parts.Case)
	if err == nil && key.scope.Compartment != string(parts.Compartment) {
		err = seal.ErrKey
	}
	var plain []byte
	if err == nil {
		plain, err = key.box.Open(nil, c.place(scope, k.at), k.sealed)
	}
	var opened *chunk
	if err == nil {
		opened, err = readChunk(plain)
	}
	if err != nil && !errors.Is(err, ErrErased) {
		c.fault("a chunk does not open; it is made anew from the records", err)
	}
	return opened
}

// keep seals a chunk under a key that was taken before its records were read:
// what was erased meanwhile went with that key.
func (c *chunks) keep(ctx context.Context, scope fieldsync.Scope, key *dataKey, at standing, made *chunk) {
	db := c.use(ctx)
	if full, err := c.h.DiskFull(); db == nil || full || err != nil {
		return
	}
	plain, err := made.appendTo(nil)
	if err == nil {
		err = c.h.keys.flush(ctx)
	}
	var sealed []byte
	if err == nil {
		sealed, err = key.box.Seal(nil, c.h.rand, c.place(scope, at), plain)
	}
	if err == nil {
		c.h.reached("chunk made")
		err = c.write(ctx, db, string(scope), key.scope.Org, at, sealed)
		c.h.reached("chunk written")
	}
	if err != nil && ctx.Err() == nil {
		c.fault("a chunk cannot be kept", err)
	}
}

func (c *chunks) write(ctx context.Context, db *sql.DB, scope, org string, at standing, sealed []byte) error {
	t, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer t.Rollback()                              // after a commit this does nothing
	log, err := c.leaf(`ORDER BY seq DESC LIMIT 1`) // while nobody else writes: it only grows
	if err != nil {
		return err
	}
	if _, err := t.ExecContext(ctx, `INSERT INTO chunks (scope, org, seq, digest, sealed) VALUES (?1, ?2, ?3, ?4, ?5)
		ON CONFLICT (scope) DO UPDATE SET org = ?2, seq = ?3, digest = ?4, sealed = ?5`, scope, org, at.seq, at.digest, sealed); err != nil {
		return err
	}
	if _, err := t.ExecContext(ctx, `INSERT INTO facts (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2`, factLog, log); err != nil {
		return err
	}
	return t.Commit()
}

// forget removes the chunks of a case, or of a part of it. Their key is gone
// already.
func (c *chunks) forget(ctx context.Context, one ErasedCase) {
	db := c.use(ctx)
	if db == nil {
		return
	}
	from, to := "case:"+one.Case+"/", "case:"+one.Case+"0" // '0' follows '/'
	if one.Part != "" {
		from = string(fieldsync.CaseScope(one.Case, one.Part))
		to = from + "0"
	}
	if _, err := db.ExecContext(ctx, `DELETE FROM chunks WHERE scope >= ? AND scope < ?`, from, to); err != nil && ctx.Err() == nil {
		c.damaged(db, err)
	}
}

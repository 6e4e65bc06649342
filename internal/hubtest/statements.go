package hubtest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"portolan/collections"
)

// Statements is what a hub asked its database, in order.
type Statements struct {
	mu  sync.Mutex
	all []string
}

func (s *Statements) add(query string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, query)
}

// Take returns what was asked since the last Take, without what the audit log
// wrote: how many nodes of its tree a leaf completes depends on its number;
// and without the note that a sign-in is in use, which the clock brings about.
func (s *Statements) Take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := slices.DeleteFunc(s.all, func(q string) bool {
		return strings.Contains(q, "audit_") || strings.HasPrefix(q, "UPDATE sign_ins SET seen_at")
	})
	s.all = nil
	return taken
}

// Recorded opens a hub that writes down every statement, those of PocketBase
// included.
func Recorded(t testing.TB) (*Hub, *Statements) {
	t.Helper()
	plain, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatalf("finding the driver: %v", err)
	}
	inner := plain.Driver()
	if err := plain.Close(); err != nil {
		t.Fatalf("finding the driver: %v", err)
	}
	s, name := &Statements{}, fmt.Sprintf("sqlite-recorded-%d", recorded.Add(1))
	sql.Register(name, recordingDriver{inner, s})
	return open(t, collections.Config{Dir: Dir(t), Driver: name}, NewClock()), s
}

// recorded numbers the drivers: database/sql keeps each name for ever.
var recorded atomic.Uint64

type recordingDriver struct {
	inner driver.Driver
	s     *Statements
}

func (d recordingDriver) Open(name string) (driver.Conn, error) {
	c, err := d.inner.Open(name)
	if err != nil {
		return nil, err
	}
	return recordingConn{c.(sqliteConn), d.s}, nil
}

// sqliteConn is what the driver's connections can do.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type recordingConn struct {
	sqliteConn
	s *Statements
}

func (c recordingConn) ExecContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
	c.s.add(q)
	return c.sqliteConn.ExecContext(ctx, q, args)
}

func (c recordingConn) QueryContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Rows, error) {
	c.s.add(q)
	return c.sqliteConn.QueryContext(ctx, q, args)
}

func (c recordingConn) PrepareContext(ctx context.Context, q string) (driver.Stmt, error) {
	stmt, err := c.sqliteConn.PrepareContext(ctx, q)
	if err != nil {
		return nil, err
	}
	return recordingStmt{stmt.(sqliteStmt), q, c.s}, nil
}

func (c recordingConn) Prepare(q string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), q)
}

type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type recordingStmt struct {
	sqliteStmt
	q string
	s *Statements
}

func (s recordingStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.s.add(s.q)
	return s.sqliteStmt.ExecContext(ctx, args)
}

func (s recordingStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.s.add(s.q)
	return s.sqliteStmt.QueryContext(ctx, args)
}

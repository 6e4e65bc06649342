package collections

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// querier is the writing transaction or a reading connection.
type querier interface {
	rows(query string, args ...any) (*sql.Rows, error)
	row(query string, args ...any) *sql.Row
}

// reader reads outside the door's transaction.
type reader struct {
	ctx context.Context
	db  interface {
		QueryContext(context.Context, string, ...any) (*sql.Rows, error)
		QueryRowContext(context.Context, string, ...any) *sql.Row
	}
}

func (r reader) rows(query string, args ...any) (*sql.Rows, error) {
	return r.db.QueryContext(r.ctx, query, args...)
}

func (r reader) row(query string, args ...any) *sql.Row {
	return r.db.QueryRowContext(r.ctx, query, args...)
}

// statements are those that answers ask again and again. Each is read by SQLite
// once for each connection that it runs on, and not for each answer.
type statements struct {
	mu    sync.Mutex
	known map[string]*sql.Stmt
}

// of prepares a statement where it was not yet. They stay until the database is
// closed: there are as many as places in the program that ask.
func (s *statements) of(ctx context.Context, db *sql.DB, query string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt, ok := s.known[query]; ok {
		return stmt, nil
	}
	stmt, err := db.PrepareContext(ctx, query)
	if err == nil {
		if s.known == nil {
			s.known = map[string]*sql.Stmt{}
		}
		s.known[query] = stmt
	}
	return stmt, err
}

// asks reads outside any transaction by such statements: what every request
// asks, with words that stand in the program. Nobody asks while rows of another
// answer are open, since all who come at one moment wait for few connections.
func (h *Hub) asks(ctx context.Context) reader { return reader{ctx, &h.asked} }

// asked is a pool of reading connections with the statements that are kept.
type asked struct {
	db  *sql.DB
	all statements
}

func (a *asked) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := a.all.of(ctx, a.db, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

func (a *asked) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s, err := a.all.of(ctx, a.db, query)
	if err != nil {
		return a.db.QueryRowContext(ctx, query, args...) // says why on Scan
	}
	return s.QueryRowContext(ctx, args...)
}

// prepared is a transaction of reading that asks by such statements. One is not
// run twice at the same time.
type prepared struct {
	tx  *sql.Tx // its end gives the statements back
	db  *sql.DB
	all *statements
	own map[string]*sql.Stmt
}

// stmt is nil where the statement cannot be prepared: whoever runs it hears why.
// within reads in a transaction by the statements that are kept.
func (h *Hub) within(ctx context.Context, snapshot *sql.Tx) reader {
	return reader{ctx, prepared{snapshot, h.readDB(), &h.statements, map[string]*sql.Stmt{}}}
}

func (p prepared) stmt(ctx context.Context, query string) *sql.Stmt {
	own, ok := p.own[query]
	if !ok {
		s, err := p.all.of(ctx, p.db, query)
		if err != nil {
			return nil
		}
		own = p.tx.StmtContext(ctx, s)
		p.own[query] = own
	}
	return own
}

func (p prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if s := p.stmt(ctx, query); s != nil {
		return s.QueryContext(ctx, args...)
	}
	return p.tx.QueryContext(ctx, query, args...)
}

func (p prepared) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if s := p.stmt(ctx, query); s != nil {
		return s.QueryRowContext(ctx, args...)
	}
	return p.tx.QueryRowContext(ctx, query, args...)
}

// wrap names what was being done when an error came, nil where none did.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

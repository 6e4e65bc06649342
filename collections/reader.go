package collections

import (
	"context"
	"database/sql"
	"fmt"
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

// prepared is a transaction in which each statement is prepared once: an answer
// asks the same few for each of its rows. One statement is not run twice at the
// same time.
type prepared struct {
	tx    *sql.Tx // its end closes the statements
	stmts map[string]*sql.Stmt
}

func newPrepared(tx *sql.Tx) prepared { return prepared{tx, map[string]*sql.Stmt{}} }

// stmt is nil where the statement cannot be prepared: whoever runs it hears why.
func (p prepared) stmt(ctx context.Context, query string) *sql.Stmt {
	s, ok := p.stmts[query]
	if !ok {
		var err error
		if s, err = p.tx.PrepareContext(ctx, query); err != nil {
			return nil
		}
		p.stmts[query] = s
	}
	return s
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

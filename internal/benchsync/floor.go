package main

import (
	"compress/gzip"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the same SQLite as the hub's
)

// floor is what no sync can do without: the same bytes read from SQLite in
// their order, compressed as the hub does, and copied over loopback; for what
// comes up, unpacked and written in one transaction with a full sync. Nobody
// is asked who they are, nothing is opened, checked, merged or noted.
type floor struct {
	db    *sql.DB
	n     int // rows
	crowd int // of them, that each of the crowd pulls
	into  figures
}

func newFloor(dir string, lines [][]byte) (*floor, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "floor.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(20000)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	f := &floor{db: db, n: len(lines), crowd: min(crowdRecords, len(lines)), into: figures{}}
	if _, err := db.Exec(`CREATE TABLE lines (id INTEGER PRIMARY KEY, body BLOB NOT NULL); CREATE TABLE taken (id INTEGER PRIMARY KEY, body BLOB NOT NULL)`); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return f, f.write("lines", lines)
}

func (f *floor) write(table string, bodies [][]byte) error {
	tx, err := f.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // after a commit it does nothing
	insert, err := tx.Prepare(`INSERT INTO ` + table + ` (body) VALUES (?)`)
	if err != nil {
		return err
	}
	for _, b := range bodies {
		if _, err := insert.Exec(b); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// measure does what each workload cannot do without.
func (f *floor) measure(edit []byte) error {
	edits, few := make([][]byte, pushedEdits), make([][]byte, crowdEach)
	for i := range edits {
		edits[i] = edit
	}
	for i := range few {
		few[i] = edit
	}
	for _, w := range []struct {
		name string
		do   func() error
	}{
		{first, func() error { return f.down(f.n) }},
		{news, func() error { return f.down(newsChanges) }},
		{nothing, func() error { return f.down(0) }},
		{push, func() error { return f.up(edits) }},
		{crowd, func() error {
			return atOnce(crowdClients, func(int) error { return errors.Join(f.down(f.crowd), f.up(few)) })
		}},
	} {
		began := time.Now()
		if err := w.do(); err != nil {
			return fmt.Errorf("the floor of %s: %w", w.name, err)
		}
		f.into[w.name+"_ms"] = ms(time.Since(began))
	}
	return nil
}

// over runs two ends of one connection over loopback.
func over(server, client func(net.Conn) error) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close() // one connection is all that is wanted of it
	ends := []func() error{
		func() error { c, err := l.Accept(); return with(c, err, server) },
		func() error { c, err := net.Dial("tcp", l.Addr().String()); return with(c, err, client) },
	}
	return atOnce(len(ends), func(i int) error { return ends[i]() })
}

func with(c net.Conn, err error, do func(net.Conn) error) error {
	if err != nil {
		return err
	}
	return errors.Join(do(c), c.Close())
}

// atOnce does n things at one time, and waits for all.
func atOnce(n int, do func(i int) error) error {
	var all sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		all.Go(func() { errs[i] = do(i) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (f *floor) down(count int) error {
	return over(func(c net.Conn) error {
		rows, err := f.db.Query(`SELECT body FROM lines ORDER BY id LIMIT ?`, count)
		if err != nil {
			return err
		}
		defer rows.Close()
		z := gzip.NewWriter(c)
		for rows.Next() {
			var b sql.RawBytes
			if err := rows.Scan(&b); err != nil {
				return err
			}
			if _, err := z.Write(b); err != nil {
				return err
			}
		}
		return errors.Join(rows.Err(), z.Close())
	}, func(c net.Conn) error {
		_, err := io.Copy(io.Discard, c)
		return err
	})
}

func (f *floor) up(bodies [][]byte) error {
	return over(func(c net.Conn) error {
		z, err := gzip.NewReader(c)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, z); err != nil {
			return err
		}
		return f.write("taken", bodies)
	}, func(c net.Conn) error {
		z := gzip.NewWriter(c)
		for _, b := range bodies {
			if _, err := z.Write(b); err != nil {
				return err
			}
		}
		return z.Close()
	})
}

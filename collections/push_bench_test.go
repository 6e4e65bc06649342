package collections_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// Sizes of BenchmarkPushes.
const (
	pushTablets = 50
	pushEach    = 10 // pushes of one tablet
	pushChanges = 10 // changes of one push
	pushRecords = 40 // records of one tablet
)

// pushing is a hub with tablets of as many people, each on a case of their own.
type pushing struct {
	h       *hubtest.Hub
	tablets []*tabletSide
	cursors []string
	seen    map[string][]fieldsync.Dot // record → the version of the field that is edited
	mu      sync.Mutex
}

func pushRecord(tablet, i int) string {
	return fmt.Sprintf("01990000-0000-7000-8000-%06x%06x", tablet, i)
}
func pushCase(tablet int) string { return fmt.Sprintf("01990001-0000-7000-8000-%012x", tablet) }

func newPushing(b *testing.B) *pushing {
	p := &pushing{h: hubtest.New(b), seen: map[string][]fieldsync.Dot{}}
	text := care.OfText
	for k := range pushTablets {
		worker, _ := p.h.Staff(b, care.Outreach)
		drafts := []collections.Draft{
			{Collection: "cases", Record: pushCase(k), Case: pushCase(k), Org: p.h.Org, Set: map[string]care.Value{"status": text("Active")}},
			{Collection: "grants", Case: pushCase(k), Set: map[string]care.Value{"staff": text(worker.Staff), "compartment": text("general"),
				"status": text("active"), "until": care.OfTime(hubtest.Start.Add(48 * time.Hour))}}}
		for i := range pushRecords {
			drafts = append(drafts, collections.Draft{Collection: "referrals", Record: pushRecord(k, i), Case: pushCase(k), Set: map[string]care.Value{
				"direction": text("incoming"), "status": text("draft"), "urgency": text("normal"), "referring_worker": text("w12"), "outcome": text("referred"),
				"incoming_details": text(strings.Repeat("consent shelter ", 25)), "notes": text(strings.Repeat("clinic visit ", 12)), "feedback": text("version 1")}})
		}
		p.h.Must(b, p.h.HubActor(), drafts...)
		d := enrol(b, p.h, worker)
		first := pull(b, p.h, d.actor, "")
		p.tablets, p.cursors = append(p.tablets, d), append(p.cursors, first.end.Cursor)
		for _, r := range first.rows {
			p.seen[r.Record] = r.Fields["notes"].Dots()
		}
	}
	return p
}

// work is all pushes of one tablet, each with its answer; it says how long each took.
func (p *pushing) work(b *testing.B, k int) (took []time.Duration) {
	d, cursor := p.tablets[k], p.cursors[k]
	for n := range pushEach {
		var raws []json.RawMessage
		for i := range pushChanges {
			id := pushRecord(k, (n*pushChanges+i)%pushRecords)
			p.mu.Lock()
			base := p.seen[id]
			p.seen[id] = []fieldsync.Dot{fieldsync.DotOf(d.replica, d.n+1)}
			p.mu.Unlock()
			raws = append(raws, d.change(b, p.h, fieldsync.Change{Collection: "referrals", Record: id, Base: map[string][]fieldsync.Dot{"notes": base},
				Set: map[string]care.Value{"notes": care.OfText(fmt.Sprint("edited ", n, strings.Repeat(" clinic visit", 12)))}}))
		}
		push := d.push(raws...)
		began := time.Now()
		taken, err := p.h.Take(context.Background(), d.actor, push)
		if err != nil {
			b.Error(err)
			return took
		}
		for _, raw := range taken.Receipts {
			var r fieldsync.Receipt
			if err := json.Unmarshal(raw, &r); err != nil || r.Status != fieldsync.StatusApplied {
				b.Errorf("%s: %v", raw, err)
			}
		}
		var got asked
		if err := p.h.Answer(context.Background(), d.actor, collections.Ask{Cursor: cursor, Own: taken.Own}, &got); err != nil {
			b.Error(err)
			return took
		}
		took = append(took, time.Since(began))
		cursor = got.lines[len(got.lines)-1].End.Cursor
	}
	return took
}

// BenchmarkPushes measures changes that many tablets bring at one time: checked,
// merged, sealed, audited, on the disk with a full fsync for each push, and each
// answered. The floor, in the same run, writes the
// same rows of all tables by prepared statements in bare transactions of the
// same size, with the same fsync, one after the other.
func BenchmarkPushes(b *testing.B) {
	for b.Loop() {
		p := newPushing(b)
		floor := filepath.Join(b.TempDir(), "floor.db")
		if _, err := p.h.App().NonconcurrentDB().NewQuery(`VACUUM INTO '` + floor + `'`).Execute(); err != nil {
			b.Fatal(err)
		}
		var before uint64
		if err := p.h.App().DB().NewQuery(`SELECT MAX(seq) FROM changes`).Row(&before); err != nil {
			b.Fatal(err)
		}
		var all sync.WaitGroup
		took := make([][]time.Duration, pushTablets)
		began := time.Now()
		for k := range pushTablets {
			all.Go(func() { took[k] = p.work(b, k) })
		}
		all.Wait()
		rate := float64(pushTablets*pushEach*pushChanges) / time.Since(began).Seconds()
		each := slices.Sorted(slices.Values(slices.Concat(took...)))
		bare := p.floor(b, floor, before)
		b.ReportMetric(rate, "changes/s")
		b.ReportMetric(bare, "floor-changes/s")
		b.ReportMetric(rate/bare, "of-floor")
		b.ReportMetric(float64(each[len(each)*99/100].Milliseconds()), "ms-p99")
		b.ReportMetric(float64(each[len(each)/2].Milliseconds()), "ms-median")
	}
}

// floorRow is a row that a push wrote, and the statement that writes it.
type floorRow struct {
	query string
	args  []any
}

// floor writes what was written since a number into a copy of the database as
// it was then, and says how many changes a second that is.
func (p *pushing) floor(b *testing.B, path string, before uint64) float64 {
	b.Helper()
	from, err := sql.Open("sqlite", "file:"+filepath.Join(p.h.Dir(), "pb_data", "data.db")+"?mode=ro")
	if err != nil {
		b.Fatal(err)
	}
	defer from.Close()
	into, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		b.Fatal(err)
	}
	defer into.Close()
	into.SetMaxOpenConns(1)
	leaves := 0
	if err := into.QueryRow(`SELECT COUNT(*) FROM audit_leaves`).Scan(&leaves); err != nil {
		b.Fatal(err)
	}
	dropTriggers(b, into)
	const pushes = pushTablets * pushEach
	batches := make([][]floorRow, pushes)
	for _, table := range []struct{ name, where, order string }{
		{"changes", "seq > ?1", "seq"}, {"scope_log", "seq > ?1", "seq"}, {"referrals", "seq > ?1", "id"},
		{"audit_leaves", fmt.Sprint("?1 > 0 AND seq > ", leaves), "seq"}, {"audit_nodes", "?1 > 0 AND idx > (SELECT MAX(idx) FROM audit_nodes) / 2", "idx"},
		{"scope_digests", "?1 > 0", "scope"}, {"replicas", "?1 > 0 AND device != ''", "id"},
	} {
		rows := p.floorRows(b, from, into, table.name, table.where, table.order, before)
		if table.name == "referrals" || table.name == "scope_digests" || table.name == "replicas" {
			rows = repeated(rows, map[string]int{"referrals": pushes * pushChanges, "scope_digests": pushes, "replicas": pushes}[table.name])
		}
		for i := range batches {
			batches[i] = append(batches[i], rows[i*len(rows)/pushes:(i+1)*len(rows)/pushes]...)
		}
	}
	stmts := map[string]*sql.Stmt{}
	for _, r := range slices.Concat(batches...) {
		if stmts[r.query] == nil {
			if stmts[r.query], err = into.Prepare(r.query); err != nil {
				b.Fatal(err)
			}
		}
	}
	began := time.Now()
	for _, rows := range batches {
		t, err := into.Begin()
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range rows {
			if _, err := t.Stmt(stmts[r.query]).Exec(r.args...); err != nil {
				b.Fatalf("%s: %v", r.query, err)
			}
		}
		if err := t.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	return float64(pushes*pushChanges) / time.Since(began).Seconds()
}

// repeated is a list of n rows, over and over: a row that was written several
// times stands once.
func repeated(rows []floorRow, n int) []floorRow {
	out := make([]floorRow, n)
	for i := range out {
		out[i] = rows[i%len(rows)]
	}
	return out
}

// floorRows reads rows and how they are written: anew, or over what is there.
func (p *pushing) floorRows(b *testing.B, from, into *sql.DB, table, where, order string, before uint64) (out []floorRow) {
	b.Helper()
	rows, err := from.Query(`SELECT * FROM `+table+` WHERE `+where+` ORDER BY `+order, before)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		b.Fatal(err)
	}
	query := `INSERT OR REPLACE INTO ` + table + ` VALUES (` + strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ") + `)`
	key := slices.Index(columns, "id")
	if table == "referrals" {
		var set []string
		for _, c := range columns {
			if c != "id" && c != "org" && c != "case_id" {
				set = append(set, "`"+c+"` = ?")
			}
		}
		query = `UPDATE referrals SET ` + strings.Join(set, ", ") + ` WHERE id = ?`
	}
	for rows.Next() {
		args := make([]any, len(columns))
		to := make([]any, len(columns))
		for i := range args {
			to[i] = &args[i]
		}
		if err := rows.Scan(to...); err != nil {
			b.Fatal(err)
		}
		if table == "referrals" {
			var kept []any
			for i, c := range columns {
				if c != "id" && c != "org" && c != "case_id" {
					kept = append(kept, args[i])
				}
			}
			args = append(kept, args[key])
		}
		out = append(out, floorRow{query, args})
	}
	if err := rows.Err(); err != nil || len(out) == 0 {
		b.Fatalf("%s: %d rows, %v", table, len(out), err)
	}
	return out
}

func dropTriggers(b *testing.B, db *sql.DB) {
	b.Helper()
	rows, err := db.Query(`SELECT name FROM sqlite_master WHERE type = 'trigger'`)
	if err != nil {
		b.Fatal(err)
	}
	var drop []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			b.Fatal(err)
		}
		drop = append(drop, "DROP TRIGGER `"+name+"`")
	}
	rows.Close()
	for _, q := range drop {
		if _, err := db.Exec(q); err != nil {
			b.Fatal(err)
		}
	}
}

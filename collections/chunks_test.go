package collections_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// chunked is a hub on which much happens to a few cases.
type chunked struct {
	*hubtest.Hub
	t       *testing.T
	rng     *rand.Rand
	cases   []*partly
	notes   map[string][]string // by case
	workers []care.Actor
	grants  map[string]string // by worker, case and compartment
	n       int
}

func newChunked(t *testing.T, seed uint64) *chunked {
	w := &chunked{Hub: hubtest.New(t), t: t, rng: rand.New(rand.NewPCG(seed, 4)), notes: map[string][]string{}, grants: map[string]string{}}
	w.Org = ""
	for range 3 {
		w.cases = append(w.cases, newPartly(t, w.Hub))
	}
	for range 2 {
		worker, _ := w.Staff(t, care.ProtectionOfficer)
		w.workers = append(w.workers, worker)
	}
	return w
}

// Part of a case that can be seen and written in this test.
var chunkedParts = []care.Compartment{care.General, care.Health, care.Location}

// step lets something happen.
func (w *chunked) step() {
	w.n++
	p := w.cases[w.rng.IntN(len(w.cases))]
	erased := p.caseID == ""
	switch what := w.rng.IntN(20); {
	case what < 5 && !erased: // a note more, now and then a long one
		id := w.NewID()
		w.write(p, id, w.rng.IntN(2)*w.rng.IntN(12_000))
		w.notes[p.caseID] = append(w.notes[p.caseID], id)
	case what < 9 && !erased && len(w.notes[p.caseID]) > 0: // a note of before says something else
		w.write(p, w.notes[p.caseID][w.rng.IntN(len(w.notes[p.caseID]))], 0)
	case what < 15 && !erased:
		w.turn(p, w.workers[w.rng.IntN(len(w.workers))], chunkedParts[w.rng.IntN(len(chunkedParts))])
	case what == 15 && !erased:
		w.erase(p, care.Location)
	case what == 16 && !erased && w.n > 20:
		w.erase(p, "")
		p.caseID = ""
	case what == 17:
		if err := w.RotateKeys(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		if err := w.WaitRotated(); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *chunked) write(p *partly, note string, long int) {
	kinds, _ := care.FindCodes("note_kinds")
	set := map[string]care.Value{"kind": care.OfText(kinds.Codes[0])}
	for _, field := range []string{"text", "health_text", "security_text"} {
		if w.rng.IntN(2) == 0 {
			set[field] = care.OfText(fmt.Sprintf("%s %d %s", field, w.n, strings.Repeat(fmt.Sprint(w.rng.Uint64()), long/20)))
		}
	}
	if _, err := w.Do(w.t.Context(), w.HubActor(), collections.Draft{Collection: "notes", Record: note, Case: p.caseID, Set: set}); err != nil {
		w.t.Fatal(err)
	}
}

// turn gives a grant, or ends it.
func (w *chunked) turn(p *partly, worker care.Actor, c care.Compartment) {
	key := worker.Staff + p.caseID + string(c)
	if id := w.grants[key]; id != "" {
		w.Must(w.t, w.HubActor(), collections.Draft{Collection: "grants", Record: id, Set: map[string]care.Value{"status": care.OfText("ended")}})
		delete(w.grants, key)
		return
	}
	w.grants[key] = w.NewID()
	w.Must(w.t, w.HubActor(), collections.Draft{Collection: "grants", Record: w.grants[key], Case: p.caseID, Set: grant(worker.Staff, c, w.Clock.Now().Add(48*time.Hour))})
}

// erase erases a part of a case, or all of it.
func (w *chunked) erase(p *partly, part care.Compartment) {
	p.agree(w.t, part)
	if _, err := w.Erase(w.t.Context(), p.asks, p.caseID, part); err != nil {
		w.t.Fatal(err)
	}
	for _, worker := range w.workers {
		for _, c := range chunkedParts {
			if part == "" || part == c {
				delete(w.grants, worker.Staff+p.caseID+string(c))
			}
		}
	}
}

// answerOf is an answer without what differs from one moment to the next.
func answerOf(t *testing.T, h *hubtest.Hub, staff, cursor string) (text, next string) {
	t.Helper()
	var out strings.Builder
	if err := h.Pull(context.Background(), h.Reload(t, staff), cursor, func(raw []byte) error {
		l, err := fieldsync.DecodeLine(raw)
		switch {
		case err != nil:
			return err
		case l.Mark != "":
		case l.End != nil:
			fmt.Fprintln(&out, "end", l.End.Digest)
			next = l.End.Cursor
		default:
			fmt.Fprintf(&out, "%s\n", raw)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out.String(), next
}

// sameAnswer compares an answer with chunks with one without.
func sameAnswer(t *testing.T, h *hubtest.Hub, staff, cursor string) (next string) {
	t.Helper()
	undo := collections.ByRows()
	want, _ := answerOf(t, h, staff, cursor)
	undo()
	got, next := answerOf(t, h, staff, cursor)
	if got != want {
		wants := strings.Split(want, "\n")
		for i, line := range strings.Split(got, "\n") {
			if i >= len(wants) || line != wants[i] {
				t.Fatalf("line %d with chunks:\n%.600s\nwithout:\n%.600s", i, line, strings.Join(wants[min(i, len(wants)):min(i+1, len(wants))], ""))
			}
		}
		t.Fatal("with chunks lines are missing")
	}
	return next
}

// TestAnswersWithChunksAreThoseWithout: whatever happened, with chunks that are
// not there, right, or half out of date, an answer has the rows that it has
// without, byte for byte and in their order, and the digest: also that of a
// device that comes with a cursor.
func TestAnswersWithChunksAreThoseWithout(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := newChunked(t, seed)
			cursors := make([]string, len(w.workers))
			for range 40 {
				for range w.rng.IntN(4) {
					w.step()
				}
				i := w.rng.IntN(len(w.workers))
				sameAnswer(t, w.Hub, w.workers[i].Staff, "")
				cursors[i] = sameAnswer(t, w.Hub, w.workers[i].Staff, cursors[i])
			}
		})
	}
}

// chunksDB is the database of chunks beside a hub.
func chunksDB(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, collections.ChunksPath))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// openLogged opens the hub in a folder, and gives what it logs.
func openLogged(t *testing.T, dir string) (*hubtest.Hub, *bytes.Buffer) {
	t.Helper()
	var said bytes.Buffer
	clock := hubtest.NewClock()
	h, err := collections.Open(collections.Config{Dir: dir, Now: clock.Now, Log: slog.New(slog.NewTextHandler(&said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	hubtest.CheapPasswords(t, h.App())
	return &hubtest.Hub{Hub: h, Clock: clock, Org: theOrg}, &said
}

// someCases is a closed hub with a few cases, and a worker who is on them.
func someCases(t *testing.T) (dir string, worker string) {
	t.Helper()
	dir = manyCases(t)
	h, _ := openLogged(t, dir)
	actor, _ := h.Staff(t, care.ProtectionOfficer)
	cases, err := h.List(t.Context(), h.HubActor(), collections.Query{Collection: "cases"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		for _, part := range care.Compartments {
			h.Must(t, h.HubActor(), collections.Draft{Collection: "grants", Case: c.ID, Set: grant(actor.Staff, part, hubtest.Start.Add(48*time.Hour))})
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, actor.Staff
}

// TestADamagedChunkIsMadeAnew: of a chunk of which a bit turned, of one that
// was copied from another scope, and of a file that is no database, nothing is
// sent. The rows are, and it is told.
func TestADamagedChunkIsMadeAnew(t *testing.T) {
	template, worker := someCases(t)
	h, said := openLogged(t, template)
	sameAnswer(t, h, worker, "")
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(said.String(), "chunk") {
		t.Errorf("nothing was wrong, and it says: %s", said)
	}
	for name, damage := range map[string]func(t *testing.T, dir string){
		"a bit": func(t *testing.T, dir string) {
			db := chunksDB(t, dir)
			rows, err := db.Query(`SELECT scope, sealed FROM chunks`)
			if err != nil {
				t.Fatal(err)
			}
			all := map[string][]byte{}
			for rows.Next() {
				var scope string
				var sealed []byte
				if err := rows.Scan(&scope, &sealed); err != nil {
					t.Fatal(err)
				}
				all[scope] = sealed
			}
			if rows.Close(); len(all) < 5 {
				t.Fatalf("%d chunks", len(all))
			}
			rng := rand.New(rand.NewPCG(5, 5))
			for scope, sealed := range all {
				sealed[rng.IntN(len(sealed))] ^= 1 << rng.IntN(8)
				if _, err := db.Exec(`UPDATE chunks SET sealed = ? WHERE scope = ?`, sealed, scope); err != nil {
					t.Fatal(err)
				}
			}
		},
		"another's": func(t *testing.T, dir string) {
			// The same org, case and key for half of them, and still not its own.
			mustExec(t, chunksDB(t, dir), `UPDATE chunks SET sealed = (SELECT o.sealed FROM chunks o WHERE o.scope != chunks.scope ORDER BY o.scope LIMIT 1)`)
		},
		"older than it says": func(t *testing.T, dir string) { mustExec(t, chunksDB(t, dir), `UPDATE chunks SET seq = seq - 1`) },
		"no database": func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, collections.ChunksPath), bytes.Repeat([]byte("not a database "), 1000), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"half a database": func(t *testing.T, dir string) {
			path := filepath.Join(dir, collections.ChunksPath)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := 4096; i < len(b); i++ {
				b[i] ^= 0x55
			}
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyOf(t, template)
			damage(t, dir)
			h, said := openLogged(t, dir)
			sameAnswer(t, h, worker, "")
			if !strings.Contains(said.String(), "chunk") {
				t.Error("nothing is said of it")
			}
			said.Reset()
			sameAnswer(t, h, worker, "")
			if err := h.Close(); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(said.String(), "chunk") {
				t.Errorf("it was not made anew: %s", said)
			}
		})
	}
}

// TestChunksOfAnotherPastAreNotUsed: a database that was put back as it was, by
// hand, gives numbers a second time. Chunks of the first time are none.
func TestChunksOfAnotherPastAreNotUsed(t *testing.T) {
	template, worker := someCases(t)
	write := func(dir, text string) {
		h, _ := openLogged(t, dir)
		notes, err := h.List(t.Context(), h.HubActor(), collections.Query{Collection: "survivors"})
		if err != nil || len(notes) == 0 {
			t.Fatal(notes, err)
		}
		for _, n := range notes {
			h.Must(t, h.HubActor(), collections.Draft{Collection: "survivors", Record: n.ID, Set: map[string]care.Value{"alias": care.OfText(text)}})
		}
		sameAnswer(t, h, worker, "")
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
	}
	first, second := copyOf(t, template), copyOf(t, template)
	write(first, "the first time")
	for _, end := range []string{"", "-wal", "-shm"} {
		if b, err := os.ReadFile(filepath.Join(first, collections.ChunksPath+end)); err == nil {
			if err := os.WriteFile(filepath.Join(second, collections.ChunksPath+end), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(second, "the second time")
}

// TestAHubThatIsKilledOverAChunk leaves one that is right, or none.
func TestAHubThatIsKilledOverAChunk(t *testing.T) {
	template, worker := someCases(t)
	for _, label := range []string{"chunk made", "chunk written"} {
		for _, nth := range []int{1, 5} {
			dir := copyOf(t, template)
			if !killHub(t, dir, "pull, "+worker, fmt.Sprintf("%s:%d", label, nth)) {
				t.Fatalf("not killed at %s", label)
			}
			h, said := openLogged(t, dir)
			sameAnswer(t, h, worker, "")
			if err := h.Close(); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(said.String(), "chunk") {
				t.Errorf("killed at %s: %s", label, said)
			}
		}
	}
}

// TestAnErasureTakesItsChunks: the rows of the chunks go, and copies of them do
// not open.
func TestAnErasureTakesItsChunks(t *testing.T) {
	w := newChunked(t, 1)
	for _, p := range w.cases[:2] {
		for _, c := range chunkedParts {
			w.turn(p, w.workers[0], c)
		}
	}
	sameAnswer(t, w.Hub, w.workers[0].Staff, "")
	db := chunksDB(t, w.Dir())
	count := func(scope string) (n int) {
		if err := db.QueryRow(`SELECT COUNT(*) FROM chunks WHERE scope LIKE ?`, scope).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	whole, part := "case:"+w.cases[0].caseID+"/%", string(fieldsync.CaseScope(w.cases[1].caseID, care.Location))
	if count(whole) != len(chunkedParts) || count(part) != 1 {
		t.Fatalf("%d and %d chunks", count(whole), count(part))
	}
	mustExec(t, db, `CREATE TABLE copied AS SELECT * FROM chunks`)
	w.erase(w.cases[0], "")
	w.erase(w.cases[1], care.Location)
	if count(whole) != 0 || count(part) != 0 || count("case:"+w.cases[1].caseID+"/%") != len(chunkedParts)-1 {
		t.Errorf("%d and %d chunks are left of what was erased", count(whole), count(part))
	}
	mustExec(t, db, `INSERT OR IGNORE INTO chunks SELECT * FROM copied`)
	w.turn(w.cases[1], w.workers[0], care.Location)
	sameAnswer(t, w.Hub, w.workers[0].Staff, "")
}

// TestACutInsideAChunk: wherever an answer is cut inside a chunk of many parts,
// it goes on behind the last mark, and no row is missing or sent in vain.
func TestACutInsideAChunk(t *testing.T) {
	h, worker, _ := newOpenCase(t)
	rng := rand.New(rand.NewPCG(3, 9))
	kinds, _ := care.FindCodes("note_kinds")
	var notes []collections.Draft
	for i := range 300 {
		notes = append(notes, collections.Draft{Collection: "notes", Case: caseID, Set: map[string]care.Value{"kind": care.OfText(kinds.Codes[0]),
			"text": care.OfText(fmt.Sprintf("%d %s", i, strings.Repeat(fmt.Sprintf("%x", rng.Uint64()), rng.IntN(20))))}})
	}
	h.Must(t, h.HubActor(), notes...)
	whole := &carried{fields: map[heldField]fieldsync.Register{}, stale: map[heldField]bool{}, enters: map[fieldsync.Scope]bool{}}
	all, _, _ := whole.sync(t, h, worker, 1<<30)
	for _, line := range []int{30_000, 60_000} {
		device := &carried{fields: map[heldField]fieldsync.Register{}, stale: map[heldField]bool{}, enters: map[fieldsync.Scope]bool{}}
		sent := 0
		for cuts := 0; ; cuts++ {
			came, unmarked, ended := device.sync(t, h, worker, line)
			sent += came - unmarked
			if ended {
				sent += unmarked
				break
			}
			if cuts > 100 {
				t.Fatal("no end")
			}
		}
		if device.root() != device.digest || device.digest != whole.digest || len(device.fields) != len(whole.fields) {
			t.Errorf("cut after each %d bytes the device holds %d fields of %d", line, len(device.fields), len(whole.fields))
		}
		if sent > all+all/8 {
			t.Errorf("cut after each %d bytes %d were sent of %d", line, sent, all)
		}
	}
}

// portions counts in how many portions an answer comes.
type portions struct{ n int }

func (*portions) Line([]byte) error                   { return nil }
func (p *portions) Disclose(bool) error               { p.n++; return nil }
func (*portions) Packed(*fieldsync.Packed, int) error { return nil }
func (*portions) Flush() error                        { return nil }

// TestLongRowsComeInPortions: what an answer keeps in memory is bounded by what
// it is, and not by how many rows that are alone.
func TestLongRowsComeInPortions(t *testing.T) {
	h, worker, d := newOpenCase(t)
	for range 5 {
		d.send(t, h, d.change(t, h, fieldsync.Change{Collection: "cases", Record: h.NewID(), Set: map[string]care.Value{"status": care.OfText("Active"), "owner": care.OfText(worker.Staff)}}))
	}
	count := func() int {
		t.Helper()
		var p portions
		if err := h.Answer(t.Context(), h.Reload(t, worker.Staff), collections.Ask{}, &p); err != nil {
			t.Fatal(err)
		}
		return p.n
	}
	few := count()
	defer collections.PortionBytes(1)()
	if each := count(); few != 1 || each < 6 {
		t.Errorf("%d portions of few bytes, %d where each case is too much for one", few, each)
	}
}

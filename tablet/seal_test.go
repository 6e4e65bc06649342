package tablet_test

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	fieldsync "portolan/sync"
	"portolan/tablet"
)

// canaries of what people tell: what comes from the hub, what was sent, what
// was not.
const (
	told   = "Quetzal-4417"
	sent   = "Axolotl-9920"
	typed  = "Okapi-3306 كركدن"
	secret = "Narwhal-5518"
)

// sealed is a tablet in a folder of its own that holds one case, of which one
// part came from a colleague and one is not sent.
type sealed struct {
	*bench
	tab              *tablet.Tablet
	dir              string
	staff            care.Actor
	caseID, survivor string
}

func newSealed(t *testing.T, b *bench) *sealed {
	t.Helper()
	s := &sealed{bench: b, dir: t.TempDir()}
	anna, _ := s.Staff(t, care.Outreach)
	s.staff, _ = s.Staff(t, care.Outreach)
	colleague := s.tablet(t, anna.Staff)
	s.caseID, s.survivor = intake(t, colleague)
	mustSet(t, colleague, s.survivor, set("contact_notes", told))
	mustSync(t, colleague)
	s.grant(t, s.staff.Staff, s.caseID, care.General)
	s.tab = s.again(t)
	if err := s.tab.Enrol(t.Context(), s.url, s.Code(t, s.staff.Staff), owner(t, s, s.staff.Staff)); err != nil {
		t.Fatal(err)
	}
	mustSync(t, s.tab)
	mustSet(t, s.tab, s.survivor, set("code_word", sent))
	mustSync(t, s.tab)
	mustSet(t, s.tab, s.survivor, set("religion", typed))
	mustNew(t, s.tab, "notes", s.caseID, set("kind", "visit", "text", secret))
	return s
}

// again opens the folder as another process does.
func (s *sealed) again(t *testing.T) *tablet.Tablet {
	t.Helper()
	return open(t, s.dir, s.Clock.Now)
}

func (s *sealed) clear(t *testing.T, when, dir string) {
	t.Helper()
	for _, word := range []string{told, sent, typed, secret, passphrase, "Okapi"} {
		if holds(t, dir, word) {
			t.Errorf("%s: %q lies in clear", when, word)
		}
	}
}

// keys reads the tablet's keys past the program.
func (s *sealed) keys(t *testing.T, query string, args ...any) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(s.dir, "keys.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// image is the folder as a power cut or a thief's copy has it.
func image(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "image")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestR21ASealedTablet: what a tablet keeps opens with its passphrase and the
// hub's lease key together and in no other way, what is destroyed stays so
// through a crash, and whatever it cannot read any more it still delivers. All
// on one hub, whose clock only rises.
func TestR21ASealedTablet(t *testing.T) {
	b := newBench(t)
	for _, promise := range []struct {
		name string
		kept func(*testing.T, *bench)
	}{
		{"nothing lies in clear", nothingLiesInClear},
		{"a wrong passphrase opens nothing and loses nothing", aWrongPassphrase},
		{"what is moved does not open", whatIsMoved},
		{"enrolled again through crashes", enrolledAgainThroughCrashes},
		{"a forgotten passphrase loses nothing", aForgottenPassphrase},
		{"a clock that is put back locks it", aClockPutBack},
		{"an eviction destroys the key first", anEviction},
		{"the end of a lease locks it", theEndOfALease},
		{"it comes back after its enrolment is over", afterItsEnrolment},
		{"a hub that lost its key is given what it reads", aHubWithoutItsKey},
		{"the end of a lease keeps a file", aFileUnderALease},
		{"a file that nobody here reads any more", aFileThatNobodyHereReads},
	} {
		t.Run(promise.name, func(t *testing.T) { promise.kept(t, b) })
	}
}

// nothingLiesInClear: nothing that anybody told, while it runs and
// after it, in no file; and it is all there for whoever has the passphrase.
func nothingLiesInClear(t *testing.T, b *bench) {
	s := newSealed(t, b)
	s.clear(t, "while it runs", s.dir)
	s.clear(t, "as a power cut leaves it", image(t, s.dir))
	copied := open(t, image(t, s.dir), s.Clock.Now)
	r := show(t, copied, s.survivor)
	if r.Get("contact_notes").Text() != told || r.Get("code_word").Text() != sent || r.Get("religion").Text() != typed {
		t.Errorf("with its passphrase: %+v", r)
	}
	if report := mustSync(t, s.tab); report.Sent != 2 || report.Held > 0 {
		t.Errorf("%+v", report)
	}
	s.clear(t, "after a sync", s.dir)
}

// aWrongPassphrase: also as it is enrolled again.
func aWrongPassphrase(t *testing.T, b *bench) {
	s := newSealed(t, b)
	locked, err := tablet.Open(s.dir, s.Clock.Now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	defer locked.Close()
	if err := locked.Unlock(t.Context(), "five plain words and none more"); !errors.Is(err, tablet.ErrPassphrase) {
		t.Errorf("a wrong passphrase: %v", err)
	}
	for what, do := range map[string]func() error{
		"show": func() error { _, err := locked.Show(t.Context(), s.survivor); return err },
		"list": func() error { _, err := locked.List(t.Context(), "notes", ""); return err },
		"sync": func() error { _, err := locked.Sync(t.Context()); return err },
		"set":  func() error { _, err := locked.Set(t.Context(), s.survivor, set("pronouns", "she")); return err },
		"new":  func() error { _, err := locked.New(t.Context(), "notes", s.caseID, set("text", "x")); return err },
	} {
		if err := do(); !errors.Is(err, tablet.ErrLocked) {
			t.Errorf("%s on a locked tablet: %v", what, err)
		}
	}
	other := owner(t, s, s.staff.Staff)
	for phrase, want := range map[string]error{"another passphrase altogether": tablet.ErrPassphrase, "short": tablet.ErrShort} {
		other.Passphrase = phrase
		if err := s.tab.Enrol(t.Context(), s.url, s.Code(t, s.staff.Staff), other); !errors.Is(err, want) {
			t.Errorf("enrolled again with %q: %v", phrase, err)
		}
	}
	if unsent(t, s.again(t)) != 2 || show(t, s.again(t), s.survivor).Get("religion").Text() != typed {
		t.Error("something is lost")
	}
}

// theEndOfALease: the hub's part of the key is destroyed with
// nobody there, what is unsent is delivered as it was sealed, into the held
// ones, and the same sync opens the store again.
func theEndOfALease(t *testing.T, b *bench) {
	s := newSealed(t, b)
	s.Clock.Move(collections.LeaseDays*24*time.Hour + time.Minute)
	if _, err := s.tab.Show(t.Context(), s.survivor); !errors.Is(err, tablet.ErrLease) {
		t.Errorf("a tablet that runs on: %v", err)
	}
	if n := s.keys(t, `SELECT COUNT(*) FROM leases`); n != 0 {
		t.Error("the lease key is there still")
	}
	tab := s.again(t)
	if _, err := tab.Set(t.Context(), s.survivor, set("pronouns", "she")); !errors.Is(err, tablet.ErrLease) {
		t.Errorf("after it: %v", err)
	}
	r, err := tab.Sync(t.Context())
	if err != nil || r.Sent != 2 || r.Held != 2 {
		t.Fatalf("delivered: %+v, %v", r, err)
	}
	_, asides, err := tab.Conflicts(t.Context())
	if err != nil || len(asides) != 2 || asides[0].Held[0].Reason != collections.HeldLeaseOver {
		t.Errorf("it waits for a person: %+v, %v", asides, err)
	}
	tab = s.again(t)
	mustSet(t, tab, mustNew(t, tab, "cases", "", set("status", "Active", "risk_level", "low")), set("risk_level", "high"))
	if r := mustSync(t, tab); r.Sent != 2 || r.Held != 0 {
		t.Errorf("and from then on as ever: %+v", r)
	}
	s.accept(t, []string{typed, secret})
}

// accept has an officer read what is held and accept it.
func (s *sealed) accept(t *testing.T, texts []string) {
	t.Helper()
	officer, _ := s.Staff(t, care.ProtectionOfficer)
	s.grant(t, officer.Staff, s.caseID, care.General)
	list, err := s.Worklist(t.Context(), s.Reload(t, officer.Staff))
	if err != nil || len(list.Held) != len(texts) {
		t.Fatalf("%+v, %v", list.Held, err)
	}
	for _, w := range list.Held {
		if _, err := s.Decide(t.Context(), s.Reload(t, officer.Staff), w.Seq, collections.Verdict{Decision: collections.Accept, As: collections.AsMe}); err != nil {
			t.Fatal(err)
		}
	}
	var all string
	for _, c := range []string{"survivors", "notes"} {
		rows, err := s.List(t.Context(), s.HubActor(), collections.Query{Collection: c})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			all += r.Text("religion") + r.Text("text")
		}
	}
	for _, text := range texts {
		if !bytes.Contains([]byte(all), []byte(text)) {
			t.Errorf("%q did not arrive", text)
		}
	}
	faults, err := s.Verify(t.Context(), func(collections.Count) {})
	if err != nil || len(faults) > 0 {
		t.Errorf("verify: %v, %v", faults, err)
	}
}

// aClockPutBack: no old lease is made to last.
func aClockPutBack(t *testing.T, b *bench) {
	anna, _ := b.Staff(t, care.Outreach)
	var back time.Duration
	tab := open(t, t.TempDir(), func() time.Time { return b.Clock.Now().Add(-back) })
	if err := tab.Enrol(t.Context(), b.url, b.Code(t, anna.Staff), owner(t, b, anna.Staff)); err != nil {
		t.Fatal(err)
	}
	_, survivor := intake(t, tab)
	mustSync(t, tab)
	back = 5 * time.Minute // as a clock is set right
	show(t, tab, survivor)
	back = time.Hour
	if _, err := tab.Show(t.Context(), survivor); !errors.Is(err, tablet.ErrLease) {
		t.Errorf("with a clock that was put back: %v", err)
	}
	mustSync(t, tab)
	show(t, tab, survivor)
}

// anEviction: a crash between the key and the rows
// leaves what nobody reads, an image of the rows from before opens nothing,
// and what was not sent is delivered as it was sealed.
func anEviction(t *testing.T, b *bench) {
	s := newSealed(t, b)
	before := image(t, s.dir)
	scope := fieldsync.CaseScope(s.caseID, care.General)
	if s.keys(t, `SELECT COUNT(*) FROM scopes WHERE scope = ?`, string(scope)) != 1 {
		t.Fatal("the scope has no key of its own")
	}
	s.Clock.Move(49 * time.Hour) // the grant ends
	if err := s.tab.Damage(`CREATE TRIGGER crash BEFORE DELETE ON pieces BEGIN SELECT RAISE(ABORT, 'the power goes'); END`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.tab.Sync(t.Context()); err == nil {
		t.Fatal("nothing broke")
	}
	if s.keys(t, `SELECT COUNT(*) FROM scopes WHERE scope = ?`, string(scope)) != 0 {
		t.Error("the rows would go before their key")
	}
	if err := s.tab.Damage(`DROP TRIGGER crash`); err != nil {
		t.Fatal(err)
	}
	tab := s.again(t)
	if _, err := tab.Show(t.Context(), s.survivor); !errors.Is(err, care.ErrNotFound) {
		t.Errorf("after the crash: %v", err)
	}
	if n := unsent(t, tab); n != 2 {
		t.Fatalf("%d of 2 changes wait", n)
	}
	// The hub has had them as they were written, after the grant had ended: they
	// are the same to it.
	if r := mustSync(t, tab); r.Sent != 2 || r.Held != 2 {
		t.Errorf("what it cannot read is not delivered, or is something else: %+v", r)
	}
	s.clear(t, "after the eviction", s.dir)
	// Rows of an image under the keys of today.
	for _, name := range []string{"keys.db", "keys.db-wal", "keys.db-shm"} {
		if err := os.Remove(filepath.Join(before, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(s.dir, name)); err == nil && name != "keys.db-shm" {
			if err := os.WriteFile(filepath.Join(before, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	old := open(t, before, s.Clock.Now)
	if _, err := old.Show(t.Context(), s.survivor); !errors.Is(err, care.ErrNotFound) {
		t.Errorf("rows of before under the keys of today: %v", err)
	}
}

// whatIsMoved: sealed for its record, field and number.
func whatIsMoved(t *testing.T, b *bench) {
	s := newSealed(t, b)
	second := mustNew(t, s.tab, "survivors", s.caseID, set("alias", "Ren"))
	mustSync(t, s.tab)
	for what, move := range map[string]string{
		"another record":    `UPDATE pieces SET hub = (SELECT hub FROM pieces WHERE record = ?2) WHERE record = ?1`,
		"another register":  `UPDATE pieces SET local = hub WHERE record = ?1 AND ?2 != ''`,
		"another scope":     `UPDATE pieces SET scope = (SELECT MIN(scope) FROM pieces WHERE scope LIKE 'org:%') WHERE record = ?1 AND ?2 != ''`,
		"altered by a byte": `UPDATE pieces SET hub = CAST(SUBSTR(hub, 1, LENGTH(hub) - 1) || X'00' AS BLOB) WHERE record = ?1 AND ?2 != ''`,
	} {
		tab := open(t, image(t, s.dir), s.Clock.Now)
		if err := tab.Damage(move, s.survivor, second); err != nil {
			t.Fatal(err)
		}
		if r, err := tab.Show(t.Context(), s.survivor); err == nil {
			t.Errorf("moved to %s: %+v", what, r)
		}
	}
	mustSet(t, s.tab, s.survivor, set("pronouns", "she"))
	mustSet(t, s.tab, s.survivor, set("pronouns", "they"))
	if err := s.tab.Damage(`UPDATE outbox SET raw = (SELECT raw FROM outbox WHERE n = 4) WHERE n = 5`); err != nil {
		t.Fatal(err)
	}
	if changed, err := s.tab.Set(t.Context(), s.survivor, set("pronouns", "xe")); err == nil || changed {
		t.Errorf("over a change that was moved: %v", err)
	}
}

// aForgottenPassphrase: the store is emptied, enrolled anew
// with another passphrase, and what was unsent is delivered all the same, by
// whoever cannot read it, for a person to decide.
func aForgottenPassphrase(t *testing.T, b *bench) {
	s := newSealed(t, b)
	locked, err := tablet.Open(s.dir, s.Clock.Now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := locked.Empty(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := locked.Close(); err != nil {
		t.Fatal(err)
	}
	if n := s.keys(t, `SELECT (SELECT COUNT(*) FROM scopes) + (SELECT COUNT(*) FROM stores) + (SELECT COUNT(*) FROM leases)`); n != 0 {
		t.Errorf("%d keys are left", n)
	}
	fresh := owner(t, s, s.staff.Staff)
	fresh.Passphrase = "another passphrase altogether"
	if err := s.tab.Enrol(t.Context(), s.url, s.Code(t, s.staff.Staff), fresh); err != nil {
		t.Fatal(err)
	}
	mustNew(t, s.tab, "notes", s.caseID, set("kind", "visit", "text", "after it"))
	r := mustSync(t, s.tab)
	if r.Sent != 3 || r.Held != 2 {
		t.Errorf("%+v", r)
	}
	_, asides, err := s.tab.Conflicts(t.Context())
	if err != nil || len(asides) != 2 || asides[0].Held[0].Reason != collections.HeldEarlier {
		t.Errorf("%+v, %v", asides, err)
	}
	if show(t, s.tab, s.survivor).Get("contact_notes").Text() != told {
		t.Error("the rest did not come from the hub")
	}
	s.accept(t, []string{typed, secret})
}

// afterItsEnrolment delivers what it cannot read
// any more through the new one.
func afterItsEnrolment(t *testing.T, b *bench) {
	s := newSealed(t, b)
	s.Clock.Move(8 * 24 * time.Hour)
	if err := s.Tend(t.Context()); err != nil { // the hub's next key
		t.Fatal(err)
	}
	s.Clock.Move(87 * 24 * time.Hour)
	if err := s.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	tab := s.again(t)
	if _, err := tab.Sync(t.Context()); care.CodeOf(err) != "token_invalid" {
		t.Fatalf("after 95 days: %v", err)
	}
	if err := tab.Enrol(t.Context(), s.url, s.Code(t, s.staff.Staff), owner(t, s, s.staff.Staff)); err != nil {
		t.Fatal(err)
	}
	if r := mustSync(t, tab); r.Sent != 2 || r.Held != 2 {
		t.Errorf("%+v", r)
	}
	s.accept(t, []string{typed, secret})
}

// aHubWithoutItsKey: it was put back from a copy
// that is older than the key, and the tablet's lease was over.
func aHubWithoutItsKey(t *testing.T, b *bench) {
	s := newSealed(t, b)
	mustSync(t, s.tab)
	_, own := intake(t, s.tab)
	mustSync(t, s.tab)
	mustSet(t, s.tab, own, set("religion", typed))
	s.Clock.Move(31 * 24 * time.Hour)
	db, err := sql.Open("sqlite", filepath.Join(s.Dir(), collections.KeysPath))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`DELETE FROM unsent_keys`); err != nil {
		t.Fatal(err)
	}
	if r := mustSync(t, s.again(t)); r.Sent != 1 || r.Held != 1 || r.Rounds < 2 {
		t.Errorf("%+v", r)
	}
}

// enrolledAgainThroughCrashes: whatever write fails, the store opens with
// its passphrase, and the next try goes through.
func enrolledAgainThroughCrashes(t *testing.T, b *bench) {
	s := newSealed(t, b)
	dir := image(t, s.dir)
	crash := func(db, on string) func(*testing.T, string) func() {
		return func(t *testing.T, dir string) func() {
			t.Helper()
			at, err := sql.Open("sqlite", filepath.Join(dir, db))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := at.Exec(`CREATE TRIGGER crash BEFORE ` + on + ` BEGIN SELECT RAISE(ABORT, 'the power goes'); END`); err != nil {
				t.Fatal(err)
			}
			return func() {
				if _, err := at.Exec(`DROP TRIGGER crash`); err != nil {
					t.Error(err)
				}
				at.Close()
			}
		}
	}
	for what, breaks := range map[string]func(*testing.T, string) func(){
		"the store key":      crash("keys.db", "INSERT ON stores"),
		"the lease":          crash("keys.db", "INSERT ON leases"),
		"the outbox":         crash("tablet.db", "INSERT ON outbox"),
		"who it is":          crash("tablet.db", "UPDATE ON meta"),
		"what it had before": crash("keys.db", "DELETE ON stores"),
		"the key file": func(t *testing.T, dir string) func() {
			blocked := filepath.Join(dir, "device.key.new")
			if err := os.Mkdir(blocked, 0o700); err != nil {
				t.Fatal(err)
			}
			return func() { os.Remove(blocked) }
		},
	} {
		t.Run(what, func(t *testing.T) {
			s := *s
			s.dir = image(t, dir)
			mend := breaks(t, s.dir)
			if err := s.again(t).Enrol(t.Context(), s.url, s.Code(t, s.staff.Staff), owner(t, &s, s.staff.Staff)); err == nil {
				t.Error("nothing broke")
			}
			mend()
			tab := s.again(t)
			if r := show(t, tab, s.survivor); r.Get("religion").Text() != typed || r.Get("contact_notes").Text() != told || unsent(t, tab) != 2 {
				t.Errorf("after the crash: %+v", r)
			}
			if err := tab.Enrol(t.Context(), s.url, s.Code(t, s.staff.Staff), owner(t, &s, s.staff.Staff)); err != nil {
				t.Fatal(err)
			}
			if r := show(t, tab, s.survivor); r.Get("religion").Text() != typed {
				t.Errorf("enrolled again: %+v", r)
			}
			s.clear(t, "enrolled again", s.dir)
		})
	}
}

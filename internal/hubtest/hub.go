// Package hubtest gives tests a real hub: real SQLite, real migrations, in a
// folder of its own.
package hubtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
)

// Start is the moment at which a test's clock begins.
var Start = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// Password is every test account's.
const Password = "correct horse battery staple"

// Clock is a clock that a test moves by hand.
type Clock struct {
	mu   sync.Mutex
	now  time.Time
	real bool // it is the machine's, off by what it was moved
	off  time.Duration
}

// NewClock begins at Start.
func NewClock() *Clock { return &Clock{now: Start} }

// MachineClock is the machine's: what the built program goes by.
func MachineClock() *Clock { return &Clock{real: true} }

// Now returns the clock's time, and moves it on by a millisecond so that no
// two moments are the same.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.real {
		return time.Now().Add(c.off)
	}
	c.now = c.now.Add(time.Millisecond)
	return c.now
}

// Move sets the clock forward or back.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.off = c.now.Add(d), c.off+d
}

// Hub is a hub under test, with its clock and an organisation.
type Hub struct {
	*collections.Hub
	Clock *Clock
	Org   string

	cfg            collections.Config
	quiet          func()   // ends what Serve began
	process        *Process // what serves in this process's place
	authenticators authenticators
}

// migrated is an empty hub's folder, made once for all tests of a process.
var migrated = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "hubtest")
	if err != nil {
		return "", err
	}
	kept = append(kept, dir)
	h, err := collections.Open(collections.Config{Dir: dir})
	if err != nil {
		return "", err
	}
	return dir, h.Close()
})

// Dir is a folder with an empty, migrated hub, not open. Its secrets are those
// of the template: a test of secrets opens an empty folder instead.
func Dir(t testing.TB) string {
	t.Helper()
	template, err := migrated()
	if err != nil {
		t.Fatalf("making a hub's folder: %v", err)
	}
	dir := filepath.Join(t.TempDir(), "hub")
	if err := os.CopyFS(dir, os.DirFS(template)); err != nil {
		t.Fatalf("copying a hub's folder: %v", err)
	}
	if err := os.Chmod(filepath.Join(dir, collections.KeyFileName), 0o600); err != nil { // CopyFS does not keep it
		t.Fatalf("copying a hub's folder: %v", err)
	}
	return dir
}

// New opens a hub with one organisation. It is checked and closed when the
// test ends: whatever a test did, nothing may be inconsistent.
func New(t testing.TB) *Hub {
	t.Helper()
	return Open(t, Dir(t), NewClock())
}

// Reaching is New with a listener that hears of each labelled point of work.
func Reaching(t testing.TB, reached func(label string)) *Hub {
	t.Helper()
	return open(t, collections.Config{Dir: Dir(t), Reached: reached}, NewClock())
}

// Open opens the hub in a folder.
func Open(t testing.TB, dir string, clock *Clock) *Hub {
	t.Helper()
	return open(t, collections.Config{Dir: dir}, clock)
}

func open(t testing.TB, cfg collections.Config, clock *Clock) *Hub {
	t.Helper()
	cfg.Now = clock.Now
	inner, err := collections.Open(cfg)
	if err != nil {
		t.Fatalf("opening a hub: %v", err)
	}
	CheapPasswords(t, inner.App())
	h := &Hub{Hub: inner, Clock: clock, Org: "01930000-0000-7000-8000-000000000001", cfg: cfg}
	t.Cleanup(func() {
		h.Back(t)
		faults, err := h.Verify(context.Background(), func(collections.Count) {})
		if err != nil || len(faults) > 0 {
			t.Errorf("the hub is inconsistent after the test: %v %v", faults, err)
		}
		if err := h.Close(); err != nil {
			t.Errorf("closing the hub: %v", err)
		}
	})
	h.do(t, collections.Draft{Collection: "organisations", Record: h.Org, Org: h.Org, Set: map[string]care.Value{
		"name": care.OfText("Harbour House"), "kind": care.OfText("NGO"), "country": care.OfText("KE"), "time_zone": care.OfText("Africa/Nairobi")}})
	return h
}

func (h *Hub) do(t testing.TB, drafts ...collections.Draft) {
	t.Helper()
	receipts, err := h.Do(context.Background(), h.HubActor(), drafts...)
	if err == nil {
		err = collections.Refused(receipts)
	}
	if err != nil {
		t.Fatalf("a change of the hub: %v", err)
	}
}

// Must makes changes as an actor and fails the test where any is held.
func (h *Hub) Must(t testing.TB, a care.Actor, drafts ...collections.Draft) {
	t.Helper()
	receipts, err := h.Do(context.Background(), a, drafts...)
	if err == nil {
		err = collections.Refused(receipts)
	}
	if err != nil {
		t.Fatalf("a change: %v", err)
	}
}

// Staff adds a member of staff with an account, and with a second factor where
// their roles need one; the login is the first role with a number.
func (h *Hub) Staff(t testing.TB, roles ...care.Role) (a care.Actor, login string) {
	t.Helper()
	login = fmt.Sprintf("%s-%d", roles[0], h.Clock.Now().UnixMilli())
	id, err := h.AddAccount(context.Background(), h.HubActor(), collections.NewAccount{
		Login: login, Password: Password, DisplayName: "Invented " + string(roles[0]), Roles: roles, Org: h.Org})
	if err != nil {
		t.Fatalf("adding an account: %v", err)
	}
	a = h.Reload(t, id)
	h.secondFactor(t, a, login)
	return a, login
}

// Reload loads a member of staff with the grants that they hold now.
func (h *Hub) Reload(t testing.TB, staff string) care.Actor {
	t.Helper()
	a, err := h.Actor(context.Background(), staff, "")
	if err != nil {
		t.Fatalf("loading a member of staff: %v", err)
	}
	return a
}

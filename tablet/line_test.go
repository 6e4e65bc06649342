package tablet_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"portolan/care"
	"portolan/tablet"
)

// relay is a line to a hub that a test can cut.
type relay struct {
	l net.Listener

	mu     sync.Mutex
	target string // "" while the hub is away
	after  int64  // bytes of an answer after which a connection breaks, -1 for never
	upMost int64  // bytes of a request after which it breaks, -1 for never

	carried int64 // bytes in both directions
	conns   map[net.Conn]bool
}

// newRelayedBench is a hub with a worker's tablet, and the line between them.
func newRelayedBench(t *testing.T) (*bench, *relay, *tablet.Tablet) {
	t.Helper()
	b, line := newBench(t), newRelay(t)
	line.to(b.url)
	worker, _ := b.Staff(t, care.Outreach)
	return b, line, b.tabletAt(t, line.url(), worker.Staff)
}

func newRelay(t *testing.T) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{l: l, after: -1, upMost: -1, conns: map[net.Conn]bool{}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { r.carry(c) })
		}
	})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		r.hangUp()
		all.Wait()
	})
	return r
}

func (r *relay) url() string { return "http://" + r.l.Addr().String() }

func (r *relay) to(url string) {
	r.mu.Lock()
	r.target = strings.TrimPrefix(url, "http://")
	r.mu.Unlock()
	r.hangUp()
}

func (r *relay) breakAfter(n int64) {
	r.mu.Lock()
	r.after = n
	r.mu.Unlock()
	r.hangUp()
}

func (r *relay) hangUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		c.Close() // the other end has gone: what it could report is known
	}
}

// sink is the way back of a line, on which nothing comes once it is over.
type sink struct {
	net.Conn
	over atomic.Bool
}

func (s *sink) Write(b []byte) (int, error) {
	if s.over.Load() {
		return len(b), nil
	}
	return s.Conn.Write(b)
}

func (r *relay) carry(c net.Conn) {
	r.mu.Lock()
	target, after, upMost := r.target, r.after, r.upMost
	r.conns[c] = true
	r.mu.Unlock()
	defer func() {
		c.Close() // see hangUp
		r.mu.Lock()
		delete(r.conns, c)
		r.mu.Unlock()
	}()
	if target == "" {
		return
	}
	up, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer up.Close()
	back := &sink{Conn: c}
	go func() {
		from := io.Reader(c)
		if upMost >= 0 {
			from = io.LimitReader(c, upMost)
		}
		n, _ := io.Copy(up, counted{r, from}) // ends with either connection
		// Whoever sends hears that the line broke when the hub has all that came
		// over it: how much is sent twice is then no matter of who was faster.
		back.over.Store(n == upMost)
		_ = up.(*net.TCPConn).CloseWrite()
	}()
	from := io.Reader(up)
	if after >= 0 {
		from = io.LimitReader(up, after)
	}
	_, _ = io.Copy(back, counted{r, from})
	if after >= 0 || back.over.Load() {
		_ = c.(*net.TCPConn).SetLinger(0)
	}
}

// counted counts what the relay carries, from either end.
type counted struct {
	r    *relay
	from io.Reader
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.from.Read(b)
	c.r.mu.Lock()
	c.r.carried += int64(n)
	c.r.mu.Unlock()
	return n, err
}

// A line that carries a few kilobytes at a time, then breaks: one sync brings
// a long backlog over it, in pushes that fit it, and answers that go on.
func TestALineThatCarriesLittleAtATime(t *testing.T) {
	const each = 8 << 10 // with the header of a request, about 6 KB of a push
	b, line, tab := newRelayedBench(t)
	caseID, _ := intake(t, tab)
	r := rand.New(rand.NewPCG(5, 6))
	const notes = 150
	for range notes {
		mustNew(t, tab, "notes", caseID, set("kind", "visit", "text", fmt.Sprintf("%x %x %x", r.Uint64(), r.Uint64(), r.Uint64())))
	}
	line.mu.Lock()
	line.after, line.upMost = each, each
	line.mu.Unlock()
	report := mustSync(t, tab)
	if report.Sent != notes+2 || report.Rounds < 3 || unsent(t, tab) != 0 {
		t.Errorf("over a line that breaks: %+v, %d wait", report, unsent(t, tab))
	}

	second := open(t, t.TempDir(), b.Clock.Now)
	self, err := tab.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Enrol(t.Context(), line.url(), b.Code(t, self.Staff), owner(t, b, self.Staff)); err != nil {
		t.Fatal(err)
	}
	mustSync(t, second)
	list, err := second.List(t.Context(), "notes", caseID)
	if err != nil || len(list) != notes {
		t.Errorf("%d of %d notes came to the second tablet (%v)", len(list), notes, err)
	}
}

// The line breaks after each number of bytes in turn: everything is applied
// once, nothing is lost, and the tablet ends equal to the hub.
func TestALineThatBreaksAnywhere(t *testing.T) {
	b, line, tab := newRelayedBench(t)
	caseID, survivor := intake(t, tab)
	mustSync(t, tab)
	broken := 0
	for i := range 16 {
		want := fmt.Sprintf("visit %d", i)
		mustSet(t, tab, survivor, set("contact_notes", want))
		note := mustNew(t, tab, "notes", caseID, set("kind", "visit", "text", want))
		line.breakAfter(int64(i * 90))
		if _, err := tab.Sync(t.Context()); err != nil {
			broken++
			if !tablet.Unreachable(err) {
				t.Fatalf("a broken line after %d bytes: %v", i*90, err)
			}
		}
		if got := show(t, tab, survivor).Get("contact_notes").Text(); got != want {
			t.Fatalf("after a broken line the tablet shows %q, want %q", got, want)
		}
		line.breakAfter(-1)
		if r := mustSync(t, tab); r.Conflicts+r.Held > 0 {
			t.Fatalf("sent again: %+v", r)
		}
		row, err := b.Read(t.Context(), b.HubActor(), "survivors", survivor)
		if err != nil || row.Text("contact_notes") != want {
			t.Fatalf("at the hub %q, want %q (%v)", row.Text("contact_notes"), want, err)
		}
		if _, err := b.Read(t.Context(), b.HubActor(), "notes", note); err != nil {
			t.Fatal(err)
		}
	}
	if broken < 5 {
		t.Errorf("only %d syncs were broken: the relay does not break", broken)
	}
	if n := unsent(t, tab); n != 0 {
		t.Errorf("%d changes wait", n)
	}
}

// A tablet whose push arrived, whose answer did not, and that is enrolled again
// before it heard of it: what the hub has is not sent to it a second time under
// another number.
func TestAnAnswerThatWasLostBeforeATabletIsEnrolledAgain(t *testing.T) {
	b, line, tab := newRelayedBench(t)
	caseID, survivor := intake(t, tab)
	mustSync(t, tab)
	mustSet(t, tab, survivor, set("contact_notes", "once"))
	mustNew(t, tab, "notes", caseID, set("kind", "visit", "text", "once"))
	line.breakAfter(1)
	if _, err := tab.Sync(t.Context()); !tablet.Unreachable(err) {
		t.Fatalf("the answer came: %v", err)
	}
	line.breakAfter(-1)
	mustSet(t, tab, survivor, set("contact_notes", "twice"))
	self, err := tab.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := tab.Enrol(t.Context(), line.url(), b.Code(t, self.Staff), owner(t, b, self.Staff)); err != nil {
		t.Fatal(err)
	}
	if r := mustSync(t, tab); r.Sent != 1 || r.Conflicts+r.Held > 0 {
		t.Errorf("after enrolling again: %+v", r)
	}
	var changes int
	if err := b.App().DB().NewQuery(`SELECT COUNT(*) FROM changes WHERE author = {:who}`).Bind(map[string]any{"who": self.Staff}).Row(&changes); err != nil {
		t.Fatal(err)
	}
	if changes != 5 {
		t.Errorf("the hub holds %d changes of the tablet, made were 5", changes)
	}
	if row, err := b.Read(t.Context(), b.HubActor(), "survivors", survivor); err != nil || row.Text("contact_notes") != "twice" {
		t.Errorf("at the hub %q, %v", row.Text("contact_notes"), err)
	}
}

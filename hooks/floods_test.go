package hooks_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
	fieldsync "portolan/sync"
)

// hurried is how long the hub waits for bytes in these tests. What they prove
// is that it ends a wait, not when.
const hurried = 100 * time.Millisecond

// TestSlowClientsAreCut: attack case 26. Half a header, a body that stops, one
// that crawls: each ends by itself, soon in the built program where a stranger
// sends it; what a tablet may take over its line is hurried here.
func TestSlowClientsAreCut(t *testing.T) {
	s := serve(t, hooks.Config{}, func(f *hooks.Front) { f.Hurry(hurried) })
	s.cutsSlowOnes(t, true)
	s = arrange(t)
	s.cutsSlowOnes(t, false)
}

// cutsSlowOnes sends to the hub what never ends, all at once.
func (s *site) cutsSlowOnes(t *testing.T, tablets bool) {
	t.Helper()
	worker, _ := s.Staff(t, care.Outreach)
	d := s.enrol(t, worker.Staff)
	if !tablets {
		s.aside(t)
	}
	var all sync.WaitGroup
	post := func(path string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: hub\r\nAuthorization: " + authorization(s.url, "POST", path, d.Token, nil) + "\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{"
	}
	for what, c := range map[string]struct{ begin, crawl string }{
		"half a header":                   {"GET / HTTP/1.1\r\nHost: hub\r\nX-A: ", ""},
		"nothing at all":                  {"", ""},
		"a guest's body that stops":       {post("/api/portolan/enrol"), ""},
		"a guest's body that crawls":      {post("/api/portolan/enrol"), " "},
		"a sign-in that crawls":           {post(passwordPath), " "},
		"a subscription that crawls":      {post("/api/realtime"), " "},
		"a push that stops":               {post("/api/portolan/sync"), ""},
		"a push that crawls":              {post("/api/portolan/sync"), " "},
		"a body to a door that is closed": {post("/api/sql"), ""},
		"one that hides another request":  {post("/api/portolan/enrol") + "}GET /hidden HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n", ""},
	} {
		if strings.HasPrefix(what, "a push") && !tablets {
			continue
		}
		all.Go(func() { s.cutsSlowOne(t, what, c.begin, c.crawl) })
	}
	all.Wait()
	if a := s.ask(t, "GET", "/api/portolan/me", d.Token, nil); a.status != http.StatusOK {
		t.Errorf("afterwards: %d %s", a.status, a.body)
	}
}

func (s *site) cutsSlowOne(t *testing.T, what, begin, crawls string) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, begin)
	stop := make(chan struct{})
	defer close(stop)
	if crawls != "" {
		go crawl(conn, crawls, stop)
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Error(err)
	}
	answer, err := io.ReadAll(conn)
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		t.Errorf("%s: the hub still waits", what)
	}
	if strings.HasPrefix(begin, "POST") && (!strings.HasPrefix(string(answer), "HTTP/1.1 4") || strings.Count(string(answer), "HTTP/1.1 ") != 1) {
		t.Errorf("%s: %.300s", what, answer)
	}
}

// crawl writes a little now and then, faster than the hub's patience with a
// line that is silent.
func crawl(conn net.Conn, bytes string, stop <-chan struct{}) {
	tick := time.NewTicker(hurried / 10)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			if _, err := io.WriteString(conn, bytes); err != nil {
				return
			}
		}
	}
}

// TestConnectionsAreBoundedByAddressAndInAll: attack case 26, 2,000 half
// headers. What is over the bound is closed before a byte of it is read.
func TestConnectionsAreBoundedByAddressAndInAll(t *testing.T) {
	const each = 512
	s := arrange(t)
	s.aside(t)
	var open []net.Conn
	closed := 0
	for range each + 1500 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "GET / HTTP/1.1\r\nX-A: ")
		open = append(open, conn)
	}
	for _, conn := range open[each:] {
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			closed++
		}
	}
	if closed != len(open)-each {
		t.Errorf("%d of %d connections were closed, want all but %d", closed, len(open), each)
	}
	for _, conn := range open[:each] {
		conn.Close()
	}
	// Whoever comes once those are gone is answered.
	waitFor(t, "a connection", func() bool {
		resp, err := plain.Get(s.url + "/api/portolan/health")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// waitFor waits for what must come.
func waitFor(t *testing.T, what string, there func() bool) {
	t.Helper()
	tick, late := time.NewTicker(5*time.Millisecond), time.NewTimer(patience)
	defer tick.Stop()
	defer late.Stop()
	for !there() {
		select {
		case <-tick.C:
		case <-late.C:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// TestRealtimeConnectionsAreBounded: attack case 27.
func TestRealtimeConnectionsAreBounded(t *testing.T) {
	s := arrange(t)
	worker, desk := s.staff(t, care.Outreach)
	d, other := s.enrol(t, worker.Staff), s.enrol(t, worker.Staff)
	s.aside(t)
	for token, most := range map[string]int{d.Token: 2, desk: 8} {
		var lines []*sse
		for range most + 2 {
			c := s.listen(t)
			if a := s.subscribe(t, c, token, "wake"); a.status != http.StatusNoContent {
				t.Fatalf("subscribing: %d %s", a.status, a.body)
			}
			lines = append(lines, c)
		}
		lines[0].ended(t) // the oldest: those whose line broke
		lines[1].ended(t)
	}
	elsewhere := s.listen(t)
	s.subscribe(t, elsewhere, other.Token, "wake")
	// 3,000 guests who never say who they are.
	refused := 0
	var kept []io.Closer
	for range 3000 {
		resp, err := plain.Get(s.url + "/api/realtime")
		if err != nil { // closed before a byte of it was read
			refused++
			continue
		}
		kept = append(kept, resp.Body)
		if resp.StatusCode == http.StatusServiceUnavailable {
			refused++
		}
	}
	if refused < 2500 {
		t.Errorf("%d of 3,000 guests were refused", refused)
	}
	for _, guest := range kept {
		guest.Close()
	}
	// Nor do they keep others out: those who are signed in stay.
	waitFor(t, "a connection", func() bool {
		resp, err := plain.Get(s.url + "/api/portolan/health")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
	s.sync(t, d, d.openCase(t, s))
	if e, ok := elsewhere.next(t); !ok || e[0] != "wake" {
		t.Errorf("a tablet is told %v", e)
	}
}

// TestRequestsAreMetered: each tablet, person and address has its share, and
// is told when to come again. Doors that are closed are counted too.
func TestRequestsAreMetered(t *testing.T) {
	s := serve(t, hooks.Config{Rates: hooks.Rates{
		Device: hooks.Rate{PerMinute: 60, Burst: 5}, Account: hooks.Rate{PerMinute: 60, Burst: 12}, Address: hooks.Rate{PerMinute: 600, Burst: 60}}})
	worker, desk := s.staff(t, care.Outreach)
	_, colleague := s.staff(t, care.Outreach)
	first, second := s.enrol(t, worker.Staff), s.enrol(t, worker.Staff)
	until := func(path, token string) (n int, last answer) {
		for n = 0; n < 200; n++ {
			if last = s.ask(t, "GET", path, token, nil); last.status == http.StatusTooManyRequests {
				return n, last
			}
		}
		return n, last
	}
	n, a := until("/api/portolan/me", first.Token)
	if n != 5 || a.code(t) != "too_many_requests" || a.header.Get("Retry-After") != "1" {
		t.Errorf("a tablet asked %d times, then %d %s, Retry-After %q", n, a.status, a.body, a.header.Get("Retry-After"))
	}
	if n, _ := until("/api/portolan/me", second.Token); n != 5 {
		t.Errorf("another tablet of the same person asked %d times", n)
	}
	if n, _ := until("/api/portolan/me", desk); n != 2 {
		t.Errorf("the person at the desk asked %d times more", n)
	}
	if n, _ := until("/api/portolan/me", colleague); n != 12 {
		t.Errorf("a colleague asked %d times", n)
	}
	if n, _ := until("/api/sql", ""); n == 0 || n > 60 {
		t.Errorf("a stranger tried %d doors", n)
	}
	if a := s.ask(t, "GET", "/api/portolan/me", colleague, nil); a.code(t) != "too_many_requests" {
		t.Errorf("from the same address: %d %s", a.status, a.body)
	}
	s.Clock.Move(time.Minute)
	for _, token := range []string{first.Token, desk, colleague} {
		if a := s.ask(t, "GET", "/api/portolan/me", token, nil); a.status != http.StatusOK {
			t.Errorf("a minute later: %d %s", a.status, a.body)
		}
	}
}

// TestAnAnswerThatNobodyTakesIsCut: attack case 26. A reader who reads
// nothing holds a handler for as long as the hub's patience, and no longer.
func TestAnAnswerThatNobodyTakesIsCut(t *testing.T) {
	ended := make(chan error, 1)
	server := httptest.NewServer(hooks.Sending(hurried, make([]byte, 64<<20), ended)) // more than the kernel's buffers hold
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: hub\r\n\r\n")
	if _, err := bufio.NewReaderSize(conn, 16).ReadByte(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("everything was taken: the test proves nothing")
		}
	case <-time.After(patience):
		t.Error("the hub still waits")
	}
}

// TestManyTabletsAtOnceAreAllTaken: attack case 30, with fifty tablets. Some
// are asked to come again; in the end each change is there once, with the
// receipt that its tablet has.
func TestManyTabletsAtOnceAreAllTaken(t *testing.T) {
	const people, each, changes = 5, 10, 10
	s := arrange(t)
	var tablets []*device
	bodies := map[*device][]byte{}
	for p := range people {
		worker, _ := s.Staff(t, care.Outreach)
		id := fmt.Sprintf("01930000-0000-7000-8000-0000000ca%03d", p)
		s.Must(t, worker, collections.Draft{Collection: "cases", Record: id, Case: id, Set: map[string]care.Value{"status": care.OfText("Active"), "owner": care.OfText(worker.Staff)}})
		for range each {
			d := s.enrol(t, worker.Staff)
			var batch []json.RawMessage
			for n := range changes {
				batch = append(batch, d.change(t, s, fieldsync.Change{Collection: "notes", Record: fmt.Sprintf("01930000-0000-7000-8000-%06x%06x", len(tablets)+1, n), Case: id,
					Set: map[string]care.Value{"kind": care.OfText("general"), "text": care.OfText("x")}}))
			}
			tablets, bodies[d] = append(tablets, d), d.push("", batch...)
		}
	}
	s.aside(t)
	receipts := make([][]json.RawMessage, len(tablets))
	var all sync.WaitGroup
	for i, d := range tablets {
		all.Go(func() {
			for {
				a := s.ask(t, "POST", "/api/portolan/sync", d.Token, bodies[d])
				if a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") != "" {
					continue
				}
				if a.status != http.StatusOK {
					t.Errorf("a tablet hears %d %s", a.status, a.body)
					return
				}
				receipts[i] = lines(t, a.body)[0].Receipts
				return
			}
		})
	}
	all.Wait()
	for i, d := range tablets {
		again := lines(t, s.ask(t, "POST", "/api/portolan/sync", d.Token, bodies[d]).body)[0].Receipts
		if len(receipts[i]) != changes || fmt.Sprintf("%s", again) != fmt.Sprintf("%s", receipts[i]) {
			t.Errorf("tablet %d has %d receipts, and others when it asks again", i, len(receipts[i]))
		}
	}
	s.Back(t)
	var kept int
	if err := s.App().ConcurrentDB().NewQuery(`SELECT COUNT(*) FROM changes WHERE collection = 'notes'`).Row(&kept); err != nil {
		t.Fatal(err)
	}
	if want := people * each * changes; kept != want {
		t.Errorf("%d changes are kept, %d were sent", kept, want)
	}
}

// TestALateRefusalIsHeard: whoever took longer to send than the server waits
// for an answer hears what became of it.
func TestALateRefusalIsHeard(t *testing.T) {
	s := serve(t, hooks.Config{}, func(f *hooks.Front) { f.AnswerWithin(hurried) })
	worker, _ := s.Staff(t, care.Outreach)
	d := s.enrol(t, worker.Staff)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := strings.Repeat(" ", 30) + "}"
	fmt.Fprintf(conn, "POST /api/portolan/sync HTTP/1.1\r\nHost: hub\r\nAuthorization: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n",
		authorization(s.url, "POST", "/api/portolan/sync", d.Token, []byte(body)), len(body))
	tick := time.NewTicker(hurried / 10) // three times as long as the answer may take
	defer tick.Stop()
	for i := range body {
		<-tick.C
		if _, err := io.WriteString(conn, body[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
	got, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 400") {
		t.Errorf("%q, %v", got, err)
	}
}

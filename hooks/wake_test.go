package hooks_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
)

// patience bounds how long a test waits for what must come; it is no measure
// of speed.
const patience = time.Minute

// sse is a client of PocketBase's realtime API, as a stock SDK speaks it.
type sse struct {
	id     string
	events chan [2]string // name and data; closed when the hub hangs up
	hangUp func()
}

func (s *site) listen(t *testing.T) *sse {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", s.url+"/api/realtime", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := plain.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("connecting: %d", resp.StatusCode)
	}
	c := &sse{events: make(chan [2]string, 100), hangUp: cancel}
	go func() {
		defer close(c.events)
		defer resp.Body.Close()
		name := ""
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if n, ok := strings.CutPrefix(lines.Text(), "event:"); ok {
				name = n
			}
			if data, ok := strings.CutPrefix(lines.Text(), "data:"); ok {
				c.events <- [2]string{name, data}
			}
		}
	}()
	e, ok := c.next(t)
	var hello struct{ ClientID string }
	if !ok || e[0] != "PB_CONNECT" || json.Unmarshal([]byte(e[1]), &hello) != nil || hello.ClientID == "" {
		t.Fatalf("the first event is %v", e)
	}
	c.id = hello.ClientID
	return c
}

func (c *sse) next(t *testing.T) (e [2]string, ok bool) {
	t.Helper()
	select {
	case e, ok = <-c.events:
		return e, ok
	case <-time.After(patience):
		t.Fatal("nothing came")
		return e, false
	}
}

// ended waits until the hub has hung up.
func (c *sse) ended(t *testing.T) {
	t.Helper()
	for {
		if _, ok := c.next(t); !ok {
			return
		}
	}
}

func (s *site) subscribe(t *testing.T, c *sse, token string, topics ...string) answer {
	t.Helper()
	return s.ask(t, "POST", "/api/realtime", token, map[string]any{"clientId": c.id, "subscriptions": topics})
}

// stir makes a change that concerns whoever is given.
func (s *site) stir(t *testing.T, owner care.Actor, label string) {
	t.Helper()
	s.Must(t, s.HubActor(), collections.Draft{Collection: "cases", Set: map[string]care.Value{
		"status": care.OfText("Active"), "owner": care.OfText(owner.Staff)}, Org: s.Org})
	_ = label
}

func TestWakeUpsReachWhomTheyConcern(t *testing.T) {
	s := serve(t, hooks.Config{})
	worker, desk := s.staff(t, care.Outreach)
	other, _ := s.Staff(t, care.LegalWorker)
	tablet, stranger := s.enrol(t, worker.Staff), s.enrol(t, other.Staff)
	byDevice, byPerson, unconcerned := s.listen(t), s.listen(t), s.listen(t)
	for c, token := range map[*sse]string{byDevice: tablet.Token, byPerson: desk, unconcerned: stranger.Token} {
		if a := s.subscribe(t, c, token, "wake"); a.status != http.StatusNoContent {
			t.Fatalf("subscribing: %d %s", a.status, a.body)
		}
	}
	s.stir(t, worker, "one")
	for _, c := range []*sse{byDevice, byPerson} {
		e, ok := c.next(t)
		if !ok || e[0] != "wake" || e[1] != `{"n":1}` {
			t.Errorf("woken by %v", e)
		}
	}
	// What comes to the other must be the wake-up that is for them, and the
	// first one at that.
	s.stir(t, other, "two")
	if e, ok := unconcerned.next(t); !ok || e[1] != `{"n":1}` {
		t.Errorf("somebody else's change woke the unconcerned: %v", e)
	}
}

func TestManyCommitsMakeFewWakeUps(t *testing.T) {
	s := serve(t, hooks.Config{})
	worker, desk := s.staff(t, care.Outreach)
	c := s.listen(t)
	s.subscribe(t, c, desk, "wake")
	const commits = 50
	for range commits {
		s.stir(t, worker, "many")
	}
	last := 0
	for quiet := false; !quiet; {
		select {
		case e := <-c.events:
			var n int
			if _, err := fmt.Sscanf(e[1], `{"n":%d}`, &n); err != nil {
				t.Fatalf("%v: %v", e, err)
			}
			if n != last+1 {
				t.Errorf("wake-up %d came after %d", n, last)
			}
			last = n
		case <-time.After(2 * time.Second): // longer than two coalesced wake-ups are apart
			quiet = true
		}
	}
	if last == 0 || last >= commits {
		t.Errorf("%d commits made %d wake-ups", commits, last)
	}
}

// TestAnEndWakesAtItsMoment: nobody asks, no minute passes, and whoever may
// carry a case no longer is told to come and lose it.
func TestAnEndWakesAtItsMoment(t *testing.T) {
	s := serve(t, hooks.Config{}, func(f *hooks.Front) { f.TendEach(24 * time.Hour) })
	worker, _ := s.Staff(t, care.Outreach)
	d := s.enrol(t, worker.Staff)
	c := s.listen(t)
	s.subscribe(t, c, d.Token, "wake")
	caseID := s.NewID()
	s.Must(t, s.HubActor(), collections.Draft{Collection: "cases", Record: caseID, Case: caseID, Org: s.Org, Set: map[string]care.Value{"status": care.OfText("Active")}},
		collections.Draft{Collection: "grants", Case: caseID, Set: map[string]care.Value{"staff": care.OfText(worker.Staff), "compartment": care.OfText(string(care.General)),
			"status": care.OfText("active"), "until": care.OfTime(s.Now().Add(time.Second))}})
	if e, ok := c.next(t); !ok || e[1] != `{"n":1}` {
		t.Fatalf("gaining a case: %v", e)
	}
	s.Clock.Move(time.Second)
	if e, ok := c.next(t); !ok || e[1] != `{"n":2}` {
		t.Fatalf("losing it: %v", e)
	}
	for _, l := range s.sync(t, d, d.push("")) {
		if l.Row != nil && l.Row.Record == caseID {
			t.Errorf("the case is still given: %+v", l.Row)
		}
	}
}

func TestOnlyTheOneTopicAndOnlyWhoIsSignedIn(t *testing.T) {
	s := serve(t, hooks.Config{})
	_, token := s.staff(t, care.Coordinator)
	for _, topics := range [][]string{{"cases/*"}, {"cases"}, {"staff/x"}, {"accounts/*"}, {"_superusers/*"}, {"wake", "survivors/*"}, {"wake?options={}"}, {"WAKE"}, {"@oauth2"}} {
		c := s.listen(t)
		if a := s.subscribe(t, c, token, topics...); a.status != http.StatusBadRequest || a.code(t) != "topic_unknown" {
			t.Errorf("%v: %d %s", topics, a.status, a.body)
		}
	}
	c := s.listen(t)
	for what, tok := range map[string]string{"a guest": "", "a wrong token": "x", "a superuser": s.superuser(t)} {
		if a := s.subscribe(t, c, tok, "wake"); a.status != http.StatusUnauthorized {
			t.Errorf("%s subscribes: %d %s", what, a.status, a.body)
		}
	}
	if a := s.subscribe(t, &sse{id: strings.Repeat("x", 40)}, token, "wake"); a.status != http.StatusNotFound {
		t.Errorf("a connection that is not there: %d %s", a.status, a.body)
	}
	if a := s.ask(t, "GET", "/api/realtime", "wrong", nil); a.status != http.StatusUnauthorized {
		t.Errorf("connecting with a wrong token: %d", a.status)
	}
}

func TestSomebodyElsesConnectionCannotBeTaken(t *testing.T) {
	s := serve(t, hooks.Config{})
	_, mine := s.staff(t, care.Outreach)
	_, yours := s.staff(t, care.Outreach)
	c := s.listen(t)
	s.subscribe(t, c, mine, "wake")
	if a := s.subscribe(t, c, yours, "wake"); a.status != http.StatusForbidden {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestARevokedTabletIsCutOff: by a coordinator's click, and with its owner who
// has left.
func TestARevokedTabletIsCutOff(t *testing.T) {
	s := arrange(t)
	_, boss := s.staff(t, care.Coordinator)
	worker, _ := s.Staff(t, care.Outreach)
	leaves, login := s.Staff(t, care.Outreach)
	byRoute, byLeaving := s.enrol(t, worker.Staff), s.enrol(t, leaves.Staff)
	s.aside(t)
	a, b := s.listen(t), s.listen(t)
	s.subscribe(t, a, byRoute.Token, "wake")
	s.subscribe(t, b, byLeaving.Token, "wake")
	if r := s.ask(t, "POST", "/api/portolan/devices/"+byRoute.ID+"/revoke", boss, "{}"); r.status != http.StatusOK {
		t.Fatalf("revoking: %d %s", r.status, r.body)
	}
	a.ended(t)
	s.console(t, "user", "disable", login)
	b.ended(t)
	for _, d := range []*device{byRoute, byLeaving} {
		if got := s.sync(t, d, d.push("")); len(got) != 3 || got[0].Wipe == nil || got[1].Log == nil || got[2].End == nil {
			t.Errorf("a revoked tablet syncs: %+v", got)
		}
	}
}

// TestAHubThatStopsHangsUp: nobody waits for a stop longer than they must.
func TestAHubThatStopsHangsUp(t *testing.T) {
	s := serve(t, hooks.Config{})
	_, token := s.staff(t, care.Outreach)
	c := s.listen(t)
	s.subscribe(t, c, token, "wake")
	before := time.Now()
	s.stop()
	c.ended(t)
	if took := time.Since(before); took > 8*time.Second {
		t.Errorf("stopping took %v: connections were cut by force", took)
	}
	if _, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://")); err == nil {
		t.Error("the port is still open")
	}
}

package hooks_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
	fieldsync "portolan/sync"
)

const syncPath = "/api/portolan/sync"

// signedWith sends a request of a tablet with a header of the test's choice.
func (s *site) signedWith(t *testing.T, method, path, authorization string, body []byte) answer {
	t.Helper()
	return s.ask(t, method, path, "", body, "Authorization", authorization, "Content-Type", "application/json")
}

// TestSignedRequestsAreGoodOnce is attack case 4: replayed, reordered, with
// another body, path, method or replica, a request is refused and has no
// effect; the same push signed anew has its receipts byte for byte.
func TestSignedRequestsAreGoodOnce(t *testing.T) {
	s := arrange(t)
	worker, desk := s.staff(t, care.Outreach)
	d, other := s.enrol(t, worker.Staff), s.enrol(t, worker.Staff)
	s.aside(t)
	body := d.openCase(t, s)
	at := s.Clock.Now().UnixMilli()
	sign := func(d *device, method, path string, body []byte, at int64) string {
		return fieldsync.RequestOf(d.Replica, method, path, body, at).Authorization(d.key)
	}
	header := sign(d, "POST", syncPath, body, at)
	for what, c := range map[string]struct {
		method, path, header string
		body                 []byte
	}{
		"body swapped":            {"POST", syncPath, header, d.push("x")},
		"path swapped":            {"POST", "/api/portolan/report", header, body},
		"method swapped":          {"GET", "/api/portolan/me", header, nil},
		"signed by another":       {"POST", syncPath, strings.Replace(sign(other, "POST", syncPath, body, at+2), other.Replica, d.Replica, 1), body},
		"replica of nobody":       {"POST", syncPath, strings.Replace(header, d.Replica, "01930000-0000-7000-8000-0000000000ff", 1), body},
		"another replica's push":  {"POST", syncPath, sign(other, "POST", syncPath, body, at+3), body},
		"time altered":            {"POST", syncPath, strings.Replace(header, ":", ":1", 1), body},
		"half a header":           {"POST", syncPath, header[:len(header)/2], body},
		"no signature":            {"POST", syncPath, header[:strings.LastIndex(header, ":")+1], body},
		"another way of the path": {"POST", "/api/portolan/sync/", header, body},
	} {
		a := s.signedWith(t, c.method, c.path, c.header, c.body)
		if a.status != http.StatusUnauthorized && a.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	if a := s.ask(t, "POST", "/api/portolan/records/cases", desk, map[string]string{"id": caseID}); a.status != http.StatusNotFound {
		t.Fatalf("a refused request had an effect: %d %s", a.status, a.body)
	}
	at += 10
	header = sign(d, "POST", syncPath, body, at)
	early := sign(d, "POST", syncPath, body, at-1)
	first := s.signedWith(t, "POST", syncPath, header, body)
	if first.status != http.StatusOK {
		t.Fatalf("the real one: %d %s", first.status, first.body)
	}
	for what, h := range map[string]string{"replayed": header, "reordered": early} {
		a := s.signedWith(t, "POST", syncPath, h, body)
		if a.status != http.StatusConflict || a.code(t) != "request_replayed" {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	again := s.signedWith(t, "POST", syncPath, sign(d, "POST", syncPath, body, at+1), body)
	if !bytes.Equal(bytes.SplitN(first.body, []byte("\n"), 2)[0], bytes.SplitN(again.body, []byte("\n"), 2)[0]) || !bytes.HasPrefix(again.body, []byte(`{"receipts"`)) {
		t.Errorf("an honest retry:\n%s\n%s", first.body, again.body)
	}
}

// TestAWrongClockIsToldTheTime is attack case 5 at the hub: days off, a year
// too late for 32 bits, a leap day, before 1970.
func TestAWrongClockIsToldTheTime(t *testing.T) {
	s := arrange(t)
	worker, _ := s.Staff(t, care.Outreach)
	d := s.enrol(t, worker.Staff)
	s.aside(t)
	for _, wrong := range []time.Time{s.Clock.Now().Add(-72 * time.Hour), s.Clock.Now().Add(72 * time.Hour), s.Clock.Now().Add(-11 * time.Minute), s.Clock.Now().Add(11 * time.Minute),
		time.Date(2038, 1, 19, 3, 14, 8, 0, time.UTC), time.Date(2028, 2, 29, 23, 59, 59, 0, time.UTC), time.Unix(0, 1), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)} {
		body := d.push("")
		a := s.signedWith(t, "POST", syncPath, fieldsync.RequestOf(d.Replica, "POST", syncPath, body, wrong.UnixMilli()).Authorization(d.key), body)
		var p hooks.Problem
		if err := json.Unmarshal(a.body, &p); err != nil || a.status != http.StatusConflict || p.Code != "clock_off" || p.Now == 0 {
			t.Fatalf("%v: %d %s", wrong, a.status, a.body)
		}
		at := max(p.Now, p.After+1)
		if a := s.signedWith(t, "POST", syncPath, fieldsync.RequestOf(d.Replica, "POST", syncPath, body, at).Authorization(d.key), body); a.status != http.StatusOK {
			t.Errorf("signed again by the hub's time: %d %s", a.status, a.body)
		}
	}
}

// TestATabletsTokenLivesForMinutes: for realtime and files alone.
func TestATabletsTokenLivesForMinutes(t *testing.T) {
	s := serve(t, hooks.Config{})
	worker, desk := s.staff(t, care.Outreach)
	d := s.enrol(t, worker.Staff)
	token := func() string {
		var in struct{ Token string }
		s.ask(t, "POST", "/api/portolan/token", d.Token, nil).into(t, &in)
		return in.Token
	}
	if a := s.ask(t, "POST", "/api/portolan/token", desk, nil); a.status != http.StatusForbidden || a.code(t) != "tablet_only" {
		t.Errorf("a person asks for a tablet's token: %d %s", a.status, a.body)
	}
	good := token()
	if a := s.subscribe(t, s.listen(t), good, "wake"); a.status != http.StatusNoContent {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for _, path := range []string{syncPath, "/api/portolan/token", "/api/portolan/records/cases"} {
		if a := s.ask(t, "POST", path, good, "{}"); a.status != http.StatusForbidden {
			t.Errorf("%s with a token: %d %s", path, a.status, a.body)
		}
	}
	altered := strings.Replace(good, "~1", "~2", 1) // lives longer
	s.Clock.Move(collections.TokenTerm)
	for what, tok := range map[string]string{"over": good, "altered": altered} {
		if a := s.subscribe(t, s.listen(t), tok, "wake"); a.status != http.StatusUnauthorized {
			t.Errorf("a token that is %s: %d %s", what, a.status, a.body)
		}
	}
	fresh := token()
	if err := s.RevokeDevice(t.Context(), s.HubActor(), d.ID); err != nil {
		t.Fatal(err)
	}
	if a := s.subscribe(t, s.listen(t), fresh, "wake"); a.status != http.StatusUnauthorized {
		t.Errorf("a revoked tablet's token: %d %s", a.status, a.body)
	}
}

func (d *device) rename(t *testing.T, s *site, alias string) json.RawMessage {
	return d.change(t, s, fieldsync.Change{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"alias": care.OfText(alias)}})
}

func (s *site) alias(t *testing.T) string {
	t.Helper()
	row, err := s.Read(t.Context(), s.HubActor(), "survivors", survivorID)
	if err != nil {
		t.Fatal(err)
	}
	return row.Text("alias")
}

func receiptsOf(t *testing.T, lines []fieldsync.Line) (out []fieldsync.Receipt) {
	t.Helper()
	for _, l := range lines {
		for _, raw := range l.Receipts {
			var r fieldsync.Receipt
			if err := json.Unmarshal(raw, &r); err != nil {
				t.Fatal(err)
			}
			out = append(out, r)
		}
	}
	return out
}

func leaseIn(lines []fieldsync.Line) *fieldsync.Lease {
	for _, l := range lines {
		if l.Lease != nil {
			return l.Lease
		}
	}
	return nil
}

// TestALeaseIsRenewedAndItsEndHoldsWhatWasMade: 30 days where nothing is set;
// set for the organisation and for a role. What comes after it is over waits
// for a person, once; then the tablet is one like any other.
func TestALeaseIsRenewedAndItsEndHoldsWhatWasMade(t *testing.T) {
	s := serve(t, hooks.Config{})
	boss, _ := s.Staff(t, care.Coordinator)
	worker, _ := s.Staff(t, care.Outreach)
	d := s.enrol(t, worker.Staff)
	days := func(l fieldsync.Lease) int {
		until, err := time.Parse(care.TimeFormat, l.Until)
		if err != nil || len(l.Key) != 43 {
			t.Fatalf("no lease: %+v, %v", l, err)
		}
		return int(until.Sub(s.Clock.Now()).Round(time.Hour) / (24 * time.Hour))
	}
	if n := days(d.Lease); n != 30 {
		t.Errorf("the first lease is for %d days", n)
	}
	got := s.sync(t, d, d.openCase(t, s))
	if l := leaseIn(got); l != nil {
		t.Errorf("a lease that it has already: %+v", l)
	}
	s.Clock.Move(20 * 24 * time.Hour)
	if l := leaseIn(s.sync(t, d, d.push(""))); l == nil || days(*l) != 30 || l.Key != d.Lease.Key {
		t.Errorf("after twenty days: %+v", l)
	} else {
		d.Lease = *l
	}
	for _, c := range []struct {
		role       care.Role
		days, want int
	}{{"", 10, 10}, {care.Outreach, 14, 14}, {care.Coordinator, 3, 14}} {
		if err := s.SetLeaseTerm(t.Context(), boss, c.role, c.days); err != nil {
			t.Fatal(err)
		}
		if l := leaseIn(s.sync(t, d, d.push(""))); l == nil && c.want != days(d.Lease) || l != nil && days(*l) != c.want {
			t.Errorf("with %d days for %q: %+v", c.days, c.role, l)
		} else if l != nil {
			d.Lease = *l
		}
	}
	for _, bad := range []int{0, 36, -1} {
		if err := s.SetLeaseTerm(t.Context(), boss, "", bad); err == nil {
			t.Errorf("a lease of %d days", bad)
		}
	}
	if err := s.SetLeaseTerm(t.Context(), worker, "", 5); err == nil {
		t.Error("a worker sets the term")
	}
	s.Clock.Move(15 * 24 * time.Hour)
	one, two := d.rename(t, s, "Grey Heron"), d.rename(t, s, "Red Kite")
	d.n-- // the link is signed with the number of the last change sent
	p := d.push("", one)
	p = bytes.Replace(p, []byte(`"last":3`), []byte(`"last":4`), 1)
	got = s.sync(t, d, p)
	if r := receiptsOf(t, got); len(r) != 1 || r[0].Status != fieldsync.StatusHeld || r[0].Held[0].Reason != collections.HeldLeaseOver {
		t.Fatalf("delivered after the lease: %+v", r)
	}
	l := leaseIn(got)
	if l == nil {
		t.Fatal("the lease was not renewed")
	}
	d.Lease = *l
	d.n++
	if r := receiptsOf(t, s.sync(t, d, d.push("", two))); r[0].Status != fieldsync.StatusHeld {
		t.Errorf("the rest of what it had announced: %+v", r)
	}
	if s.alias(t) != "Blue Heron" {
		t.Errorf("something held stands: %s", s.alias(t))
	}
	if r := receiptsOf(t, s.sync(t, d, d.push("", d.rename(t, s, "Osprey")))); r[0].Status == fieldsync.StatusHeld || s.alias(t) != "Osprey" {
		t.Errorf("made after the lease was renewed: %+v, %s", r, s.alias(t))
	}
}

// TestARevokedTabletDeliversAndGetsNothing: receipts and the order to destroy
// everything, and the browser's order to forget once nothing is owed.
func TestARevokedTabletDeliversAndGetsNothing(t *testing.T) {
	for name, end := range map[string]func(s *site, d *device, boss, login string){
		"revoked": func(s *site, d *device, boss, _ string) {
			s.ask(t, "POST", "/api/portolan/devices/"+d.ID+"/revoke", boss, "{}").into(t, new(any))
		},
		"its owner left": func(s *site, _ *device, _, login string) { s.console(t, "user", "disable", login) },
	} {
		t.Run(name, func(t *testing.T) {
			s := arrange(t)
			_, boss := s.staff(t, care.Coordinator)
			worker, login := s.Staff(t, care.Outreach)
			d := s.enrol(t, worker.Staff)
			s.aside(t)
			s.sync(t, d, d.openCase(t, s))
			first, second := d.rename(t, s, "Grey Heron"), d.rename(t, s, "Red Kite")
			end(s, d, boss, login)
			d.n--
			body := bytes.Replace(d.push("", first), []byte(`"last":3`), []byte(`"last":4`), 1)
			a := s.ask(t, "POST", syncPath, d.Token, body)
			got := lines(t, a.body)
			if a.status != http.StatusOK || got[0].Wipe == nil || a.header.Get("Clear-Site-Data") != "" {
				t.Fatalf("with one change owed: %d %s %v", a.status, a.body, a.header)
			}
			if r := receiptsOf(t, got); len(r) != 1 || r[0].Held[0].Reason != collections.HeldRevoked {
				t.Errorf("%+v", r)
			}
			for _, l := range got {
				if l.Row != nil || l.Enter != nil || l.Lease != nil {
					t.Errorf("it was given %+v", l)
				}
			}
			var state collections.DeviceState
			s.ask(t, "GET", "/api/portolan/devices/"+d.ID, boss, nil).into(t, &state)
			if state.Received != 3 || state.Owed != 1 {
				t.Errorf("%+v", state)
			}
			d.n++
			again := d.push("", second)
			a = s.ask(t, "POST", syncPath, d.Token, again)
			if a.header.Get("Clear-Site-Data") != "" {
				t.Errorf("the browser is emptied, where others work too: %v", a.header)
			}
			if b := s.ask(t, "POST", syncPath, d.Token, again); !bytes.Equal(lines(t, a.body)[1].Receipts[0], lines(t, b.body)[1].Receipts[0]) {
				t.Error("a push that is sent again gets another receipt")
			}
			for _, path := range []string{"/api/portolan/me", "/api/portolan/worklist"} {
				if a := s.ask(t, "GET", path, d.Token, nil); a.status != http.StatusUnauthorized {
					t.Errorf("%s: %d %s", path, a.status, a.body)
				}
			}
			s.Back(t)
			if s.alias(t) != "Blue Heron" {
				t.Errorf("something held stands: %s", s.alias(t))
			}
		})
	}
}

// TestBorderAndWipeAreKnown: what was received and what is owed, before the
// keys go and after.
func TestBorderAndWipeAreKnown(t *testing.T) {
	s := serve(t, hooks.Config{})
	_, boss := s.staff(t, care.Coordinator)
	worker, desk := s.staff(t, care.Outreach)
	d := s.enrol(t, worker.Staff)
	s.sync(t, d, d.openCase(t, s))
	report := func(state string, last int) answer {
		return s.ask(t, "POST", "/api/portolan/report", d.Token, map[string]any{"state": state, "last": last})
	}
	known := func(want string, received, owed uint64) {
		t.Helper()
		var got collections.DeviceState
		s.ask(t, "GET", "/api/portolan/devices/"+d.ID, boss, nil).into(t, &got)
		if got.State != want || got.Received != received || got.Owed != owed {
			t.Errorf("the hub knows %+v, want %s %d %d", got, want, received, owed)
		}
		var all struct{ Devices []collections.DeviceState }
		s.ask(t, "GET", "/api/portolan/devices", boss, nil).into(t, &all)
		if !slices.Contains(all.Devices, got) {
			t.Errorf("the list has %+v, without %+v", all.Devices, got)
		}
	}
	known("enrolled", 2, 0)
	if a := report("border", 3); a.status != http.StatusConflict || a.code(t) != "changes_owed" {
		t.Errorf("a border with something unsent: %d %s", a.status, a.body)
	}
	known("enrolled", 2, 1)
	s.sync(t, d, d.push("", d.rename(t, s, "Grey Heron")))
	if a := report("border", 3); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
	known("border", 3, 0)
	if a := report("on fire", 3); a.status != http.StatusBadRequest {
		t.Errorf("%d %s", a.status, a.body)
	}
	for range 2 { // a report whose answer was lost is made again
		if a := report("wiped", 3); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	known("wiped", 3, 0)
	if a := s.ask(t, "POST", "/api/portolan/report", desk, map[string]any{"state": "wiped"}); a.status != http.StatusForbidden {
		t.Errorf("a person reports as a tablet: %d %s", a.status, a.body)
	}
	for _, path := range []string{"/api/portolan/devices/" + d.ID, "/api/portolan/devices"} {
		if a := s.ask(t, "GET", path, desk, nil); a.status != http.StatusUnprocessableEntity {
			t.Errorf("a worker asks: %d %s", a.status, a.body)
		}
	}
	if got := s.sync(t, d, d.push("")); got[0].Wipe == nil {
		t.Errorf("a wiped tablet is one that has ended: %+v", got)
	}
	next := s.enrol(t, worker.Staff)
	if got := s.sync(t, next, next.push("")); got[len(got)-1].End == nil {
		t.Errorf("enrolled anew: %+v", got)
	}
}

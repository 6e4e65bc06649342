package hooks_test

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// nobodyHasThis is a well-formed id of no record.
const nobodyHasThis = "01930000-0000-7000-8000-0000deadbeef"

// canary stands in every record of the matrix; no answer may hold it.
const canary = "Zanzibar-Quetzal-7731"

// asker is one row of the matrix: who asks, and with which token.
type asker struct {
	name  string
	token string // "" for a guest
	staff bool   // a member of staff of the first organisation
	actor care.Actor
}

// kept is a record that somebody may be asked to hide.
type kept struct {
	collection, id, org string
	caseID              string // "" for what belongs to no case
	compartment         care.Compartment
}

// world is a hub with two organisations, a case in each, and somebody of
// every role, none of whom was granted anything by hand. One had a grant, and
// it ended.
type world struct {
	hub     *hubtest.Hub
	url     string
	askers  []asker
	records []kept
	stop    func()
	may     map[string]bool // what sees has said, once the hub is not in this process
}

// aside has the built program answer in the place of this process.
func (w *world) aside(t testing.TB) {
	t.Helper()
	may := map[string]bool{}
	for _, who := range w.askers {
		for _, k := range w.records {
			may[who.name+k.id] = w.sees(t, who, k)
		}
	}
	w.stop()
	w.may, w.url = may, w.hub.Aside(t)
}

// Records of the first organisation end in 1, of the other in 2.
const otherOrg = "01930000-0000-7000-8000-0000000000f2"

func caseOf(n int) string { return fmt.Sprintf("01930000-0000-7000-8000-0000000000c%d", n) }

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOn(t, hubtest.New(t))
}

func newWorldOn(t testing.TB, h *hubtest.Hub) *world {
	t.Helper()
	super := superuserToken(t, h.App())
	front, err := hooks.New(h.Hub, hooks.Config{Version: "test", Rates: hubtest.Unhurried})
	if err != nil {
		t.Fatalf("binding the front: %v", err)
	}
	server := httptest.NewServer(front.Handler())
	w := &world{hub: h, url: server.URL, stop: sync.OnceFunc(func() {
		front.Close()
		server.Close()
	})}
	t.Cleanup(w.stop)
	w.askers = []asker{{name: "guest"}, {name: "superuser", token: super}, {name: "wrong token", token: strings.Repeat("A", 43)}}
	for _, role := range care.Roles {
		actor, login := h.Staff(t, role)
		w.askers = append(w.askers, asker{name: string(role), token: w.signIn(t, login), staff: true, actor: actor})
	}
	worker := w.byRole(care.Outreach).actor
	_, tablet := w.enrol(t, worker.Staff, h.Org)
	lost, revoked := w.enrol(t, worker.Staff, h.Org)
	if err := h.RevokeDevice(t.Context(), h.HubActor(), lost); err != nil {
		t.Fatalf("revoking a tablet: %v", err)
	}
	w.askers = append(w.askers, asker{name: "tablet", token: tablet, staff: true, actor: worker}, asker{name: "revoked tablet", token: revoked})
	w.fill(t)
	return w
}

func superuserToken(t testing.TB, app core.App) string {
	t.Helper()
	c, err := app.FindCachedCollectionByNameOrId(core.CollectionNameSuperusers)
	if err != nil {
		t.Fatalf("finding the superusers: %v", err)
	}
	r := core.NewRecord(c)
	r.SetEmail("root@example.org")
	r.SetPassword(hubtest.Password)
	if err := app.Save(r); err != nil {
		t.Fatalf("making a superuser: %v", err)
	}
	token, err := r.NewAuthToken()
	if err != nil {
		t.Fatalf("making a superuser's token: %v", err)
	}
	return token
}

func (w *world) signIn(t testing.TB, login string) string {
	t.Helper()
	return w.hub.Token(t, w.url, login)
}

// fill makes a case in each organisation, with a record of several
// compartments each, whose texts are canaries.
func (w *world) fill(t testing.TB) {
	t.Helper()
	w.put(t, kept{"organisations", otherOrg, otherOrg, "", care.General}, map[string]care.Value{
		"name": care.OfText("Elsewhere " + canary), "kind": care.OfText("NGO"), "country": care.OfText("NP"), "time_zone": care.OfText("Asia/Kathmandu")})
	for n, org := range map[int]string{1: w.hub.Org, 2: otherOrg} {
		owner, err := w.hub.AddAccount(t.Context(), w.hub.HubActor(), collections.NewAccount{
			Login: fmt.Sprintf("owner-%d", n), Password: hubtest.Password, DisplayName: "Owner " + canary, Roles: []care.Role{care.Coordinator}, Org: org})
		if err != nil {
			t.Fatalf("adding the owner of a case: %v", err)
		}
		id := func(kind string) string { return fmt.Sprintf("01930000-0000-7000-8000-0000000%s%d", kind, n) }
		text := care.OfText(canary)
		w.records = append(w.records, kept{"staff", owner, org, "", care.General})
		w.enrol(t, owner, org)
		w.put(t, kept{"cases", caseOf(n), org, caseOf(n), care.General}, map[string]care.Value{
			"status": care.OfText("Active"), "owner": care.OfText(owner), "number": text})
		w.put(t, kept{"survivors", id("0a1c"), org, caseOf(n), care.General}, map[string]care.Value{"alias": text})
		w.put(t, kept{"identities", id("0a2c"), org, caseOf(n), care.Identity}, map[string]care.Value{"given_name": text})
		w.put(t, kept{"medicines", id("0a3c"), org, caseOf(n), care.Health}, map[string]care.Value{"substance": text, "status": care.OfText("active")})
		w.put(t, kept{"evidence_items", id("0a4c"), org, caseOf(n), care.Evidence}, map[string]care.Value{"description": text, "kind": care.OfText("document")})
		w.put(t, kept{"facilities", id("0a5c"), org, "", care.General}, map[string]care.Value{"alias": text, "status": care.OfText("open")})
	}
	w.grantThatEnded(t)
}

func (w *world) put(t testing.TB, k kept, set map[string]care.Value) {
	t.Helper()
	w.hub.Must(t, w.hub.HubActor(), collections.Draft{Collection: k.collection, Record: k.id, Case: k.caseID, Org: k.org, Set: set})
	w.records = append(w.records, k)
}

// grantThatEnded gives the outreach worker the own organisation's case, and
// takes it back.
func (w *world) grantThatEnded(t testing.TB) {
	t.Helper()
	const grant = "01930000-0000-7000-8000-0000000000e1"
	worker := w.byRole(care.Outreach)
	w.hub.Must(t, w.hub.HubActor(), collections.Draft{Collection: "grants", Record: grant, Case: caseOf(1), Set: map[string]care.Value{
		"staff": care.OfText(worker.actor.Staff), "compartment": care.OfText("general"), "status": care.OfText("active"),
		"until": care.OfTime(w.hub.Clock.Now().Add(care.GrantTerm))}})
	if !w.sees(t, worker, w.record("cases", w.hub.Org)) {
		t.Fatal("a grant grants nothing: the matrix would prove nothing")
	}
	w.hub.Must(t, w.hub.HubActor(), collections.Draft{Collection: "grants", Record: grant, Set: map[string]care.Value{"status": care.OfText("ended")}})
}

func (w *world) byRole(r care.Role) asker {
	return w.askers[slices.IndexFunc(w.askers, func(a asker) bool { return a.name == string(r) })]
}

func (w *world) record(collection, org string) kept {
	return w.records[slices.IndexFunc(w.records, func(k kept) bool { return k.collection == collection && k.org == org })]
}

// sees says whether somebody may see a record, by the grants that they hold
// at the moment and by nothing that the code under test decides.
func (w *world) sees(t testing.TB, who asker, k kept) bool {
	t.Helper()
	if w.may != nil {
		return w.may[who.name+k.id]
	}
	if !who.staff || k.org != who.actor.Org {
		return false
	}
	if k.caseID == "" {
		return k.collection != "facilities" || who.name != string(care.Auditor) && who.name != string(care.Operator)
	}
	return slices.ContainsFunc(w.hub.Reload(t, who.actor.Staff).Grants, func(g care.Grant) bool {
		return g.Case == k.caseID && g.Compartment == k.compartment
	})
}

// enrol enrols a tablet for somebody and returns the device's id and token.
func (w *world) enrol(t testing.TB, staff, org string) (device, token string) {
	t.Helper()
	code, err := w.hub.NewEnrolment(t.Context(), w.hub.HubActor(), staff)
	if err != nil {
		t.Fatalf("making a code: %v", err)
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatalf("making a key: %v", err)
	}
	e, err := w.hub.Enrol(t.Context(), code, w.hub.Owner(t, staff), public, "a tablet "+canary)
	if err != nil {
		t.Fatalf("enrolling: %v", err)
	}
	w.records = append(w.records, kept{"devices", e.Device, org, "", care.General})
	return e.Device, asTablet(e.Replica, private, w.hub.Clock.Now)
}

// ask sends one request and returns the whole answer.
func (w *world) ask(t testing.TB, who asker, method, path string, body any) (int, []byte) {
	t.Helper()
	code, b, _ := w.askWhole(t, who, method, path, body)
	return code, b
}

// askWhole is ask, with the headers of the answer.
func (w *world) askWhole(t testing.TB, who asker, method, path string, body any) (int, []byte, http.Header) {
	t.Helper()
	header, alone := body.(http.Header)
	if !alone && body != nil {
		header = http.Header{"Content-Type": {"application/json"}}
	}
	return w.askBytes(t, who, method, path, bodyOf(t, body), header)
}

// askBytes is askWhole, of a body as it is sent.
func (w *world) askBytes(t testing.TB, who asker, method, path string, sent []byte, header http.Header) (int, []byte, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.url+path, bytes.NewReader(sent))
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if header != nil {
		r.Header = header.Clone()
	}
	if who.token != "" {
		r.Header.Set("Authorization", authorization(w.url, method, path, who.token, sent))
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("%s %s: reading the answer: %v", method, path, err)
	}
	return answer.StatusCode, b, answer.Header
}

// refused fails the test where an answer is anything but a refusal.
func refused(t testing.TB, what string, code int, body []byte, allowed ...int) {
	t.Helper()
	if !slices.Contains(append(allowed, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound), code) {
		t.Errorf("%s: answered %d %.200s", what, code, body)
	}
	if bytes.Contains(body, []byte(canary)) {
		t.Errorf("%s: a record's text came back", what)
	}
}

// snapshot is a hash of every table but the audit log, which notes denials, and
// the runs of the hub's own jobs.
func (w *world) snapshot(t testing.TB) map[string]string {
	t.Helper()
	var tables []string
	if err := w.hub.App().DB().NewQuery(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`).Column(&tables); err != nil {
		t.Fatalf("listing the tables: %v", err)
	}
	sums := map[string]string{}
	for _, name := range tables {
		if strings.HasPrefix(name, "audit_") || name == "job_runs" {
			continue
		}
		rows, err := w.hub.App().DB().NewQuery("SELECT * FROM {{" + name + "}}").Rows()
		if err != nil {
			t.Fatalf("reading %s: %v", name, err)
		}
		sums[name] = hashRows(t, rows)
	}
	return sums
}

func hashRows(t testing.TB, rows *dbx.Rows) string {
	t.Helper()
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatalf("reading columns: %v", err)
	}
	sum, n := sha256.New(), 0
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatalf("reading a row: %v", err)
		}
		fmt.Fprintf(sum, "%v\n", values)
		n++
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("reading rows: %v", err)
	}
	return fmt.Sprintf("%d rows, %x", n, sum.Sum(nil))
}

func (w *world) unchangedSince(t testing.TB, before map[string]string) {
	t.Helper()
	after := w.snapshot(t)
	for name, sum := range before {
		if after[name] != sum {
			t.Errorf("the table %s was %s and is %s", name, sum, after[name])
		}
	}
	if len(after) != len(before) {
		t.Errorf("there were %d tables and are %d", len(before), len(after))
	}
}

// stream is one connection to the realtime API.
type stream struct {
	id   string
	read *bufio.Reader
}

func (w *world) listen(t testing.TB, who asker) *stream {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", w.url+"/api/realtime", nil)
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%s connecting: %v", who.name, err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	s := &stream{read: bufio.NewReader(answer.Body)}
	event, data := s.next(t)
	var hello struct {
		ClientID string `json:"clientId"`
	}
	if err := json.Unmarshal([]byte(data), &hello); err != nil || event != "PB_CONNECT" {
		t.Fatalf("%s connecting: %s %s %v", who.name, event, data, err)
	}
	s.id = hello.ClientID
	return s
}

// next waits for one event.
func (s *stream) next(t testing.TB) (event, data string) {
	t.Helper()
	for {
		line, err := s.read.ReadString('\n')
		if err != nil {
			t.Fatalf("waiting for an event: %v", err)
		}
		line = strings.TrimRight(line, "\r\n")
		if v, ok := strings.CutPrefix(line, "event:"); ok {
			event = v
		}
		if v, ok := strings.CutPrefix(line, "data:"); ok {
			data = v
		}
		if line == "" && event != "" {
			return event, data
		}
	}
}

// tablet is an enrolled tablet that signs what it sends.
type tablet struct {
	w       *world
	owner   asker
	token   string
	replica string
	key     ed25519.PrivateKey
	clock   *fieldsync.Clock
	n       uint64
	link    fieldsync.Link
	cursor  string
}

func (w *world) newTablet(t testing.TB, owner asker) *tablet {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatalf("making a key: %v", err)
	}
	code, err := w.hub.NewEnrolment(t.Context(), w.hub.HubActor(), owner.actor.Staff)
	if err != nil {
		t.Fatalf("making a code: %v", err)
	}
	e, err := w.hub.Enrol(t.Context(), code, w.hub.Owner(t, owner.actor.Staff), public, "a tablet")
	if err != nil {
		t.Fatalf("enrolling: %v", err)
	}
	return &tablet{w: w, owner: owner, token: asTablet(e.Replica, private, w.hub.Clock.Now), replica: e.Replica, key: private, clock: fieldsync.NewClock(w.hub.Clock.Now)}
}

// push sends changes and returns their receipts without their numbers.
func (d *tablet) push(t testing.TB, changes ...fieldsync.Change) string {
	t.Helper()
	var raws []json.RawMessage
	for _, c := range changes {
		d.n++
		c.N, c.Author, c.Schema, c.Salt = d.n, d.owner.actor.Staff, care.SchemaVersion, "AAAAAAAAAAAAAAAAAAAAAA"
		c.Clock, c.At = d.clock.Tick(), care.FormatTime(d.w.hub.Clock.Now())
		raw, err := json.Marshal(c)
		if err != nil {
			t.Fatalf("writing a change: %v", err)
		}
		d.link = fieldsync.NextLink(d.link, raw)
		raws = append(raws, raw)
	}
	code, body := d.w.ask(t, asker{token: d.token}, "POST", "/api/portolan/sync", fieldsync.Push{Version: 1, Replica: d.replica,
		Changes: raws, Link: d.link.String(), Signature: fieldsync.Sign(d.key, d.replica, d.n, d.link), Cursor: d.cursor})
	if code != http.StatusOK {
		t.Fatalf("pushing: %d %s", code, body)
	}
	receipt := ""
	for line := range bytes.Lines(body) {
		var in struct {
			Receipts []fieldsync.Receipt `json:"receipts"`
			End      *fieldsync.End      `json:"end"`
		}
		if err := json.Unmarshal(line, &in); err != nil {
			t.Fatalf("reading an answer: %v", err)
		}
		for _, r := range in.Receipts {
			receipt += fmt.Sprintf("%s %v %v;", r.Status, r.Conflicts, r.Held)
		}
		if in.End != nil {
			d.cursor = in.End.Cursor
		}
	}
	if receipt == "" {
		t.Fatalf("a push without a receipt: %s", body)
	}
	return receipt
}

// freshID is a well-formed id of no record, another for each n.
func freshID(n uint64) string { return fmt.Sprintf("01930000-0000-7000-8000-%012x", 0xdead00000000+n) }

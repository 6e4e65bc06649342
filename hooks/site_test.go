package hooks_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// site is a hub that answers on a real port.
type site struct {
	*hubtest.Hub
	front *hooks.Front
	url   string
	stop  func()
}

func TestMain(m *testing.M) { os.Exit(hubtest.Main(m)) }

// serve makes a hub that answers; each of alter sees its front first.
func serve(t *testing.T, cfg hooks.Config, alter ...func(*hooks.Front)) *site {
	t.Helper()
	return serveOn(t, hubtest.New(t), cfg, alter...)
}

// arrange makes a hub that answers until the built program does (aside).
func arrange(t *testing.T) *site {
	t.Helper()
	return serveOn(t, hubtest.Arranged(t), hooks.Config{})
}

// aside has the built program answer in the place of this process, on the same
// folder: who was here and what they wrote is there, and what they have is good.
func (s *site) aside(t *testing.T, flags ...string) {
	t.Helper()
	s.stop()
	s.url = s.Aside(t, flags...)
}

// console is a command on the folder of a hub that the built program serves.
func (s *site) console(t *testing.T, words ...string) {
	t.Helper()
	if out, exit := hubtest.Console(t, append(words, "--dir", s.Dir())...); exit != 0 {
		t.Errorf("%v: exit code %d\n%s", words, exit, out)
	}
}

func serveOn(t *testing.T, h *hubtest.Hub, cfg hooks.Config, alter ...func(*hooks.Front)) *site {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.URL == "" {
		cfg.URL = "http://" + l.Addr().String()
	}
	cfg.Version = "test"
	if cfg.Rates == (hooks.Rates{}) {
		cfg.Rates = hubtest.Unhurried // a test asks faster than anybody
	}
	front, err := hooks.New(h.Hub, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range alter {
		f(front)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- front.Serve(ctx, l) }()
	s := &site{Hub: h, front: front, url: "http://" + l.Addr().String()}
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serving: %v", err)
		}
	}
	t.Cleanup(s.stop)
	return s
}

// answer is what came back, read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) code(t *testing.T) string {
	t.Helper()
	var p hooks.Problem
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Errorf("the body of a %d is no problem: %q", a.status, a.body)
	}
	return p.Code
}

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if a.status != http.StatusOK {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("reading %q: %v", a.body, err)
	}
}

// plain takes bodies as they come: no gzip behind the test's back. The
// certificate of a test's server is nobody's.
var plain = &http.Client{
	Transport:     &http.Transport{DisableCompression: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (s *site) ask(t *testing.T, method, path, token string, body any, header ...string) answer {
	t.Helper()
	raw := bodyOf(t, body)
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", authorization(s.url, method, path, token, raw))
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := plain.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if over := req.Header.Get("X-HTTP-Method-Override"); over != "" {
		method = over // as clients of tus do where a proxy knows no PATCH
	}
	hubtest.Conform(t, hubtest.Exchange{Method: method, Path: path, Request: raw, Status: resp.StatusCode, Header: resp.Header, Body: b})
	return answer{resp.StatusCode, resp.Header, b}
}

func bodyOf(t testing.TB, body any) []byte {
	t.Helper()
	switch b := body.(type) {
	case nil, http.Header: // it is all in the header
		return nil
	case []byte:
		return b
	case string:
		return []byte(b)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

const passwordPath = "/api/collections/accounts/auth-with-password"

func (s *site) signIn(t *testing.T, login string) (token string) {
	t.Helper()
	return s.Token(t, s.url, login)
}

// staff is a member of staff who has signed in at the desk.
func (s *site) staff(t *testing.T, roles ...care.Role) (care.Actor, string) {
	t.Helper()
	a, login := s.Staff(t, roles...)
	return a, s.signIn(t, login)
}

// device is an enrolled tablet.
type device struct {
	ID      string `json:"device"`
	Replica string `json:"replica"`
	Staff   string `json:"staff"`
	Org     string `json:"org"`
	Token   string `json:"-"` // see asTablet
	Hub     string `json:"hub"`
	Lease   fieldsync.Lease
	key     ed25519.PrivateKey
	n       uint64
	link    fieldsync.Link
	clock   *fieldsync.Clock
	hubKey  string // the id of what it seals to, once it has it
}

func (s *site) enrol(t *testing.T, staff string) *device {
	t.Helper()
	code, err := s.NewEnrolment(t.Context(), s.HubActor(), staff)
	if err != nil {
		t.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	d := &device{key: private, clock: fieldsync.NewClock(s.Clock.Now)}
	owner := s.Owner(t, staff)
	s.ask(t, "POST", "/api/portolan/enrol", "", map[string]string{"password": owner.Password, "second_factor": owner.Code,
		"code": code, "key": base64.RawURLEncoding.EncodeToString(public), "label": "a tablet"}).into(t, d)
	d.Token = asTablet(d.Replica, private, s.Clock.Now)
	return d
}

func (d *device) change(t *testing.T, s *site, c fieldsync.Change) json.RawMessage {
	t.Helper()
	d.n++
	c.N, c.Author, c.Schema, c.Salt = d.n, d.Staff, care.SchemaVersion, "AAAAAAAAAAAAAAAAAAAAAA"
	c.Clock, c.At = d.clock.Tick(), care.FormatTime(s.Clock.Now())
	return fieldsync.EncodeChange(c)
}

func (d *device) push(cursor string, changes ...json.RawMessage) []byte {
	for _, raw := range changes {
		d.link = fieldsync.NextLink(d.link, raw)
	}
	p := fieldsync.Push{Version: fieldsync.ProtocolVersion, Replica: d.Replica, Changes: changes, Cursor: cursor, Link: d.link.String(),
		Signature: fieldsync.Sign(d.key, d.Replica, d.n, d.link), Last: d.n, Lease: d.Lease.Until, HubKey: d.hubKey}
	return p.AppendJSON(nil)
}

// sync is one round trip, as lines.
func (s *site) sync(t *testing.T, d *device, body []byte) []fieldsync.Line {
	t.Helper()
	a := s.ask(t, "POST", "/api/portolan/sync", d.Token, body)
	if a.status != http.StatusOK {
		t.Fatalf("sync: %d %s", a.status, a.body)
	}
	got := lines(t, a.body)
	for _, l := range got {
		if l.HubKey != nil {
			d.hubKey = l.HubKey.ID
		}
	}
	return got
}

func lines(t *testing.T, b []byte) []fieldsync.Line {
	t.Helper()
	var out []fieldsync.Line
	for _, raw := range bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n")) {
		l, err := fieldsync.DecodeLine(raw)
		if err != nil {
			t.Fatalf("line %q: %v", raw, err)
		}
		out = append(out, l)
	}
	return out
}

// superuser makes one past the hooks, as somebody with the database would,
// and gives a token that PocketBase itself would take.
func (s *site) superuser(t *testing.T) string {
	t.Helper()
	c, err := s.App().FindCachedCollectionByNameOrId(core.CollectionNameSuperusers)
	if err != nil {
		t.Fatal(err)
	}
	r := core.NewRecord(c)
	r.Id = "superuser000001"
	r.Set("email", "root@example.org")
	r.SetPassword(hubtest.Password)
	r.RefreshTokenKey()
	if _, err := s.App().NonconcurrentDB().NewQuery("INSERT INTO _superusers (id, email, password, tokenKey, created, updated) VALUES ({:id}, {:email}, {:password}, {:key}, '2026-01-01 00:00:00.000Z', '2026-01-01 00:00:00.000Z')").
		Bind(map[string]any{"id": r.Id, "email": "root@example.org", "password": r.GetString("password:hash"), "key": r.TokenKey()}).Execute(); err != nil {
		t.Fatal(err)
	}
	token, err := r.NewStaticAuthToken(0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.App().FindAuthRecordByToken(token, core.TokenTypeAuth); err != nil {
		t.Fatalf("the superuser's token is no good, so that it proves nothing: %v", err)
	}
	return token
}

// leave ends a person's work here.
func (s *site) leave(t *testing.T, staff string) {
	t.Helper()
	s.Must(t, s.HubActor(), collections.Draft{Collection: "staff", Record: staff, Set: map[string]care.Value{"status": care.OfText("left")}})
}

// endGrant takes a grant back.
func (s *site) endGrant(t *testing.T, id string) {
	t.Helper()
	s.Must(t, s.HubActor(), collections.Draft{Collection: "grants", Record: id, Set: map[string]care.Value{"status": care.OfText("ended")}})
}

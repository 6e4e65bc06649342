package ops

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"portolan/collections"
	"portolan/hooks"
)

// answers has the console give these secrets, one for each question.
func (c *console) answers(t *testing.T, secrets ...string) {
	t.Helper()
	c.env.Ask = func(context.Context, string) (string, error) {
		if len(secrets) == 0 {
			return "", errNoTerminal
		}
		next := secrets[0]
		secrets = secrets[1:]
		return next, nil
	}
}

func (c *console) serving(t *testing.T) *Running {
	t.Helper()
	r, err := Start(t.Context(), c.env, Service{Dir: c.env.Path("hub"), Wire: hooks.Wire{Listen: "127.0.0.1:0"}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func stop(t *testing.T, r *Running) {
	t.Helper()
	if err := r.Stop(); err != nil {
		t.Fatalf("stopping: %v", err)
	}
}

const phrase = "heron harbour lantern willow seven"

// asks sends a request to the hub and gives status and code.
func asks(t *testing.T, method, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer x")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body struct{ Code, Status string }
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return resp.StatusCode, body.Code + body.Status
}

// TestALockedHubTakesWorkAndShowsNothing goes the whole way: a hub whose key
// takes a passphrase starts locked, answers nothing but its health, keeps what
// a tablet brings, and applies it once it is unlocked; the tablet sends it
// again and nothing stands twice.
func TestALockedHubTakesWorkAndShowsNothing(t *testing.T) {
	c := newConsole(t)
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "outreach")
	r := c.serving(t)
	ana, err := r.Hub.StaffOf(t.Context(), "ana")
	if err != nil {
		t.Fatal(err)
	}
	code, err := r.Hub.NewEnrolment(t.Context(), r.Hub.HubActor(), ana)
	if err != nil {
		t.Fatal(err)
	}
	c.must(t, ExitOK, "tablet", "--dir", c.env.Path("tablet"), "enrol", r.Front.Address(), code)
	c.must(t, ExitOK, "tablet", "--dir", c.env.Path("tablet"), "sync")
	made := c.must(t, ExitOK, "tablet", "--dir", c.env.Path("tablet"), "new", "cases", "status=Active")
	id := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`).FindString(made)
	c.must(t, ExitOK, "tablet", "--dir", c.env.Path("tablet"), "sync")

	c.answers(t, phrase, "something else altogether")
	c.must(t, ExitUsage, "keys", "init", "--dir", "hub", "--passphrase")
	c.answers(t, "too short")
	c.must(t, ExitUsage, "keys", "init", "--dir", "hub", "--passphrase")
	c.answers(t, phrase, phrase)
	c.must(t, ExitOK, "keys", "init", "--dir", "hub", "--passphrase")
	stop(t, r)

	address := strings.TrimPrefix(r.URL, "http://")
	r, err = Start(t.Context(), c.env, Service{Dir: c.env.Path("hub"), Wire: hooks.Wire{Listen: address}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, r)
	if status, state := asks(t, "GET", r.URL+"/api/portolan/health"); status != http.StatusOK || state != "locked" {
		t.Errorf("health: %d %s", status, state)
	}
	for _, route := range []string{"POST /api/portolan/records/cases", "GET /api/portolan/me", "GET /api/portolan/worklist", "GET /api/portolan/schema",
		"POST /api/collections/accounts/auth-with-password", "POST /api/portolan/enrol", "GET /api/realtime", "GET /verify"} {
		method, path, _ := strings.Cut(route, " ")
		if status, code := asks(t, method, r.URL+path); status != http.StatusServiceUnavailable || code != "hub_locked" {
			t.Errorf("%s: %d %s", route, status, code)
		}
	}
	if status, code := asks(t, "POST", r.URL+"/api/portolan/sync"); status != http.StatusUnauthorized || code != "token_invalid" {
		t.Errorf("a push that no known tablet signed: %d %s", status, code)
	}
	for _, command := range [][]string{{"verify", "--dir", "hub"}, {"user", "list", "--dir", "hub"}, {"keys", "rotate", "--dir", "hub"}} {
		if out := c.must(t, ExitFault, command...); !strings.Contains(out, "hub_locked") {
			t.Errorf("%v: %s", command, out)
		}
	}

	c.must(t, ExitOK, "tablet", "--dir", c.env.Path("tablet"), "new", "survivors", "--case", id, "alias=Blue Heron")
	for range 2 {
		if out := c.must(t, ExitFault, "tablet", "--dir", c.env.Path("tablet"), "sync"); !strings.Contains(out, "hub_locked") {
			t.Errorf("at a locked hub the tablet says %s", out)
		}
	}
	if out := c.must(t, ExitOK, "keys", "status", "--dir", "hub"); !strings.Contains(out, "state      locked") || !strings.Contains(out, "1 pushes wait") {
		t.Errorf("the keys: %s", out)
	}
	if b := everyByte(t, c.env.Path("hub")); strings.Contains(b, "Blue Heron") {
		t.Error("what was taken lies in clear")
	}
	c.answers(t, "a passphrase that is wrong")
	if out := c.must(t, ExitForbidden, "keys", "unlock", "--dir", "hub"); !strings.Contains(out, "passphrase_wrong") {
		t.Errorf("with a wrong passphrase: %s", out)
	}
	c.answers(t, phrase)
	c.must(t, ExitOK, "keys", "unlock", "--dir", "hub")
	c.must(t, ExitOK, "keys", "unlock", "--dir", "hub")
	rows, err := r.Hub.List(t.Context(), r.Hub.HubActor(), collections.Query{Collection: "survivors"})
	if err != nil || len(rows) != 1 || rows[0].Text("alias") != "Blue Heron" {
		t.Errorf("what was taken is not applied: %v, %v", rows, err)
	}
	c.must(t, ExitOK, "tablet", "--dir", c.env.Path("tablet"), "sync")
	c.must(t, ExitOK, "verify", "--dir", "hub")
	if out := c.must(t, ExitOK, "keys", "status", "--dir", "hub"); !strings.Contains(out, "state      unlocked") || strings.Contains(out, "intake") {
		t.Errorf("the keys: %s", out)
	}
}

func everyByte(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	for _, name := range []string{"pb_data/data.db", "pb_data/data.db-wal", "keys.db", "keys.db-wal"} {
		b, err := os.ReadFile(dir + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

// splitKey splits the hub's key in three of which two open it.
func splitKey(t *testing.T, c *console, more ...string) (shares []string) {
	t.Helper()
	out := c.must(t, ExitOK, append([]string{"keys", "split", "--dir", "hub", "--shares", "3", "--need", "2"}, more...)...)
	for _, m := range regexp.MustCompile(`(?m)^  ([0-9A-Z]{4}(?:-[0-9A-Z]{4}){18})$`).FindAllStringSubmatch(out, -1) {
		shares = append(shares, m[1])
	}
	if len(shares) != 3 {
		t.Fatalf("shares: %s", out)
	}
	return shares
}

// TestCustodiansOpenTheHubTogether: attack case 34, the custodians. Two of
// three open it, one does not; a lost one is replaced by splitting again; a
// new root key makes the old shares and the old key file worthless.
func TestCustodiansOpenTheHubTogether(t *testing.T) {
	c := newConsole(t)
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "coordinator")
	split := func(more ...string) []string {
		t.Helper()
		return splitKey(t, c, more...)
	}
	c.must(t, ExitUsage, "keys", "split", "--dir", "hub", "--shares", "2", "--need", "3")
	earlier := split()
	copyKey(t, c, "hub/hub.key", "old.key")
	// The shares that are typed to take the key file away must be right.
	c.answers(t, earlier[0], earlier[0])
	if out := c.must(t, ExitUsage, "keys", "split", "--dir", "hub", "--shares", "3", "--need", "2", "--remove-key-file"); !strings.Contains(out, "shares_do_not_fit") {
		t.Errorf("one share typed twice: %s", out)
	}
	if _, err := os.Stat(c.env.Path("hub/hub.key")); err != nil {
		t.Fatal("the key file went before the shares were right")
	}
	shares := split()
	c.answers(t, shares[2], shares[0])
	split("--remove-key-file")
	if _, err := os.Stat(c.env.Path("hub/hub.key")); err == nil {
		t.Fatal("the key file is still there")
	}
	c.answers(t, shares[1])
	c.must(t, ExitUsage, "verify", "--dir", "hub")
	c.answers(t, shares[1], earlier[0])
	c.must(t, ExitUsage, "verify", "--dir", "hub")
	c.answers(t, shares[1], shares[2])
	c.must(t, ExitOK, "verify", "--dir", "hub")
	c.answers(t, earlier[1], earlier[2]) // of the same root key
	c.must(t, ExitOK, "verify", "--dir", "hub")
	// What is split comes to lie in clear by no command.
	c.answers(t, shares[1], shares[2])
	if out := c.must(t, ExitFault, "keys", "init", "--dir", "hub"); !strings.Contains(out, "root_in_clear") {
		t.Errorf("writing the key in clear: %s", out)
	}
	if _, err := os.Stat(c.env.Path("hub/hub.key")); err == nil {
		t.Fatal("it wrote the key file")
	}
	// A new root key does not come to lie in clear where the old one did not.
	c.answers(t, shares[1], shares[2])
	if out := c.must(t, ExitFault, "keys", "rotate", "--root", "--dir", "hub"); !strings.Contains(out, "root_in_clear") {
		t.Errorf("a rotation without a passphrase: %s", out)
	}
	if _, err := os.Stat(c.env.Path("hub/hub.key")); err == nil {
		t.Fatal("the rotation wrote the key file")
	}
	c.answers(t, shares[1], shares[2], phrase, phrase)
	if out := c.must(t, ExitOK, "keys", "rotate", "--root", "--passphrase", "--dir", "hub"); !strings.Contains(out, "SPLIT IT AGAIN") {
		t.Errorf("the rotation says: %s", out)
	}
	c.answers(t, "") // no shares of this root: nothing is asked for
	if out := c.must(t, ExitForbidden, "verify", "--dir", "hub"); !strings.Contains(out, "passphrase_wrong") {
		t.Errorf("nothing in the place of the passphrase: %s", out)
	}
	c.answers(t, phrase)
	c.must(t, ExitOK, "verify", "--dir", "hub") // the new key file opens it
	c.answers(t, phrase)
	c.must(t, ExitOK, "keys", "init", "--dir", "hub")
	if out := c.must(t, ExitOK, "keys", "status", "--dir", "hub"); !strings.Contains(out, "STALE") {
		t.Errorf("the status says: %s", out)
	}
	copyKey(t, c, "hub/hub.key", "new.key")
	if err := os.Remove(c.env.Path("hub/hub.key")); err != nil {
		t.Fatal(err)
	}
	if out := c.must(t, ExitFault, "verify", "--dir", "hub"); !strings.Contains(out, "key_file_missing") {
		t.Errorf("with stale shares and no key file: %s", out)
	}
	copyKey(t, c, "new.key", "hub/hub.key")
	c.answers(t, shares[1], shares[2])
	if out := c.must(t, ExitUsage, "keys", "split", "--dir", "hub", "--shares", "3", "--need", "2", "--remove-key-file"); !strings.Contains(out, "shares_stale") {
		t.Errorf("shares of the old key: %s", out)
	}
	if out := c.must(t, ExitOK, "keys", "status", "--dir", "hub"); strings.Contains(out, "STALE") {
		t.Errorf("split again, the status says: %s", out)
	}
	// A passphrase that was forgotten locks nobody out who has shares, though
	// its key file lies there.
	c.answers(t, phrase, phrase)
	c.must(t, ExitOK, "keys", "init", "--dir", "hub", "--passphrase")
	c.answers(t, phrase)
	shares = split()
	c.answers(t, "", shares[0], shares[1])
	c.must(t, ExitOK, "verify", "--dir", "hub")
	copyKey(t, c, "old.key", "hub/hub.key")
	if out := c.must(t, ExitFault, "verify", "--dir", "hub"); !strings.Contains(out, "key_file_wrong") {
		t.Errorf("the old key file: %s", out)
	}
}

// TestANewRootKeyIsSplitAsItIsMade: a hub of custodians gets a new root key
// that was never in a file, and only once enough of the new shares were given.
func TestANewRootKeyIsSplitAsItIsMade(t *testing.T) {
	c := newConsole(t)
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "coordinator")
	rotate := []string{"keys", "rotate", "--root", "--remove-key-file", "--dir", "hub", "--shares", "3", "--need", "2"}
	written := regexp.MustCompile(`(?m)^  ([0-9A-Z]{4}(?:-[0-9A-Z]{4}){18})$`)
	var shares []string
	// The custodians type what was printed, once the first slipped.
	typed := func(which ...int) {
		t.Helper()
		c.env.Ask = func(context.Context, string) (string, error) {
			shares = nil
			for _, m := range written.FindAllStringSubmatch(c.out.String(), -1) {
				shares = append(shares, m[1])
			}
			next := which[0]
			which = which[1:]
			return shares[next], nil
		}
	}
	typed(1, 1)
	if out := c.must(t, ExitUsage, rotate...); !strings.Contains(out, "shares_do_not_fit") {
		t.Errorf("one share twice: %s", out)
	}
	c.must(t, ExitOK, "verify", "--dir", "hub") // with the key file that is there still
	typed(2, 0)
	c.must(t, ExitOK, rotate...)
	if _, err := os.Stat(c.env.Path("hub/hub.key")); err == nil {
		t.Error("a key file lies there")
	}
	c.answers(t, shares[1], shares[2])
	c.must(t, ExitOK, "verify", "--dir", "hub")
	c.answers(t, shares[0], shares[1])
	if out := c.must(t, ExitOK, "keys", "status", "--dir", "hub"); strings.Contains(out, "STALE") || !strings.Contains(out, "3, of which 2 open it") {
		t.Errorf("the status says: %s", out)
	}
}

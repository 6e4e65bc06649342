package hooks_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// peakMax bounds what the program may have taken of memory, ever: what it takes
// in any case, some copies of the largest body, and never the bomb.
const peakMax = 256 << 20

// bomb is gzip of so many MB of spaces, in as many members, at a cost of one.
func bomb(t *testing.T, megabytes int) []byte {
	t.Helper()
	return bytes.Repeat(gzipped(t, bytes.Repeat([]byte(" "), 1<<20)), megabytes)
}

// TestBombsAreStoppedAtTheLimit: attack cases 16 and 17. Whatever the size of
// what is sent, or of what it would become, the hub keeps a bounded part.
func TestBombsAreStoppedAtTheLimit(t *testing.T) {
	s := arrange(t)
	worker, desk := s.staff(t, care.Outreach, care.Coordinator)
	d := s.enrol(t, worker.Staff)
	s.aside(t)
	var keys strings.Builder
	for i := range 1_000_000 {
		fmt.Fprintf(&keys, `"k%d":1,`, i)
	}
	million := gzipped(t, []byte(`{`+keys.String()+`"v":1}`))
	large, packed := bytes.Repeat([]byte(`{"a":1}`), 40<<20/7), bomb(t, 1024)
	deep := strings.Repeat(`{"a":`, 200_000)
	zip := []string{"Content-Encoding", "gzip"}
	for _, path := range []string{passwordPath, "/api/portolan/records/cases", "/api/portolan/sync"} {
		token := desk
		if strings.HasSuffix(path, "/sync") {
			token = d.Token
		}
		for _, c := range []struct {
			what   string
			body   []byte
			status []int
			header []string
		}{
			{"40 MB of JSON", large, []int{413}, nil},
			{"a gigabyte packed into one megabyte", packed, []int{413}, zip},
			{"a million members, packed", million, []int{400, 413}, zip},
			{"200,000 levels", []byte(deep), []int{400, 413}, nil},
			{"200,000 levels, packed", gzipped(t, []byte(deep)), []int{400, 413}, zip},
		} {
			a := s.send(t, path, token, c.body, c.header...)
			ok := false
			for _, want := range c.status {
				ok = ok || a.status == want
			}
			if !ok || a.code(t) == "internal" {
				t.Errorf("%s to %s: %d %.200s", c.what, path, a.status, a.body)
			}
			if peak := s.Process().Peak(t); peak > peakMax {
				t.Errorf("%s to %s takes %d MB of memory", c.what, path, peak>>20)
			}
		}
	}
	if got := s.sync(t, d, d.openCase(t, s)); len(got[0].Receipts) != 2 {
		t.Errorf("after the bombs: %+v", got)
	}
}

// send posts without saying how long the body is, and reads what comes back
// even where the hub stopped listening in the middle.
func (s *site) send(t *testing.T, path, token string, body []byte, header ...string) answer {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: hub\r\nAuthorization: %s\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n", path, authorization(s.url, "POST", path, token, body))
	if !slices.Contains(header, "Content-Type") {
		header = append(header, "Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		fmt.Fprintf(conn, "%s: %s\r\n", header[i], header[i+1])
	}
	answered := make(chan answer, 1)
	go func() {
		var a answer
		if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
			a.status, a.header = resp.StatusCode, resp.Header
			a.body, _ = io.ReadAll(resp.Body) // what is missing fails the test by itself
		}
		answered <- a
	}()
	fmt.Fprint(conn, "\r\n")
	for len(body) > 0 {
		part := body[:min(len(body), 64<<10)]
		body = body[len(part):]
		if _, err := fmt.Fprintf(conn, "%x\r\n%s\r\n", len(part), part); err != nil {
			return <-answered // the hub has heard enough
		}
	}
	fmt.Fprint(conn, "0\r\n\r\n")
	return <-answered
}

// TestNothingIsReadTwoWays: attack cases 16 and 18, for every route with a
// body. Of a member that is named twice the last would win with one reader and
// the first with another; half a character would become another one.
func TestNothingIsReadTwoWays(t *testing.T) {
	s := arrange(t)
	_, login := s.Staff(t, care.Coordinator)
	token := s.signIn(t, login)
	_, another := s.Staff(t, care.Coordinator)
	s.aside(t)
	for what, c := range map[string]struct{ body, code string }{
		"a member twice":                   {`{"%[1]s":"a","%[1]s":"b"}`, "body_member_twice"},
		"a member twice, one in an escape": {`{"\u00%[2]x%[3]s":"a","%[1]s":"b"}`, "body_member_twice"},
		"a member twice, one in capitals":  {`{"%[4]s":"a","%[1]s":"b"}`, "body_member_twice"},
		"a member twice, further inside":   {`{"%[1]s":[{"x":1,"y":{"z":1,"z":2}}]}`, "body_member_twice"},
		"half a surrogate pair":            {`{"%[1]s":"\ud800"}`, "body_not_utf8"},
		"the other half":                   {`{"%[1]s":"x\udc00"}`, "body_not_utf8"},
		"bytes that are no UTF-8":          {"{\"%[1]s\":\"\xc3\x28\"}", "body_not_utf8"},
		"an overlong encoding":             {"{\"%[1]s\":\"\xc0\xaf\"}", "body_not_utf8"},
	} {
		for path, member := range map[string]string{passwordPath: "identity", "/api/realtime": "clientId", "/api/portolan/enrol": "code",
			"/api/portolan/enrolments": "staff", "/api/portolan/records/cases": "case"} {
			body := fmt.Sprintf(c.body, member, member[0], member[1:], strings.ToUpper(member))
			body, _, _ = strings.Cut(body, "%!(EXTRA")
			if a := s.ask(t, "POST", path, token, body); a.status != http.StatusBadRequest || a.code(t) != c.code {
				t.Errorf("%s to %s: %d %s, want %s", what, path, a.status, a.body, c.code)
			}
		}
	}
	if a := s.ask(t, "POST", passwordPath, "", gzipped(t, fmt.Appendf(nil, `{"identity":%q,"password":%q}`, another, hubtest.Password)), "Content-Encoding", "gzip"); a.status != http.StatusOK {
		t.Errorf("a packed sign-in: %d %s", a.status, a.body)
	}
}

// TestOddTextIsRefusedOrKeptAsItWas: attack case 18. What is text comes back
// to the byte; what is none is held and says why.
func TestOddTextIsRefusedOrKeptAsItWas(t *testing.T) {
	s := arrange(t)
	worker, desk := s.staff(t, care.Outreach)
	d := s.enrol(t, worker.Staff)
	s.aside(t)
	s.sync(t, d, d.openCase(t, s))
	for _, c := range []struct{ what, alias, held string }{
		{"an override of the direction", "Ana \u202egnp.exe", ""},
		{"marks of direction", "\u200fמיכל\u200e (2)", ""},
		{"letters that look alike", "Аnа", ""}, // two of them Cyrillic
		{"joiners", "क्\u200dष \u200c👩\u200d👩\u200d👧", ""},
		{"composed and decomposed", "e\u0301é", ""},
		{"a noncharacter", "x\ufffe\U0010ffff", ""},
		{"a replacement character", "\ufffd", ""},
		{"NUL", "A\x00na", "value_control_character"},
		{"an escape sequence", "\x1b[2J", "value_control_character"},
		{"a line break in a name", "Ana\r\nX-Injected: 1", "value_control_character"},
		{"a separator of lines", "Ana\u2028Berta", "value_control_character"},
		{"one letter with 2,000 accents", "a" + strings.Repeat("\u0301", 2000), "value_too_long"},
	} {
		body := d.push("", d.change(t, s, fieldsync.Change{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"alias": care.OfText(c.alias)}}))
		got := s.sync(t, d, body)
		var receipt fieldsync.Receipt
		if err := json.Unmarshal(got[0].Receipts[0], &receipt); err != nil {
			t.Fatal(err)
		}
		if c.held != "" {
			if len(receipt.Held) != 1 || receipt.Held[0].Reason != c.held {
				t.Errorf("%s: %+v, want it held as %s", c.what, receipt, c.held)
			}
			continue
		}
		a := s.ask(t, "POST", "/api/portolan/records/survivors", desk, map[string]string{"id": survivorID})
		var row struct{ Fields map[string]care.Value }
		a.into(t, &row)
		if receipt.Status == fieldsync.StatusHeld || row.Fields["alias"].Text() != c.alias {
			t.Errorf("%s: %+v, and comes back as %q", c.what, receipt, row.Fields["alias"].Text())
		}
	}
	// What no decoder may let through to the log of changes.
	for what, alias := range map[string]string{"bytes that are no UTF-8": "\xff\xfe", "half a pair": `\ud800`, "10 MB of one letter": strings.Repeat("\u0301", 5<<20)} {
		raw := d.change(t, s, fieldsync.Change{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"alias": care.Value(`"` + alias + `"`)}})
		d.n--
		before := d.link
		body := d.push("", raw)
		d.link = before
		if a := s.ask(t, "POST", "/api/portolan/sync", d.Token, body); a.status != http.StatusBadRequest && a.status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d %.200s", what, a.status, a.body)
		}
	}
}

// TestWhatStandsInTheHostIsNotRepeated: attack case 24.
func TestWhatStandsInTheHostIsNotRepeated(t *testing.T) {
	s := arrange(t)
	worker, desk := s.staff(t, care.Coordinator)
	s.aside(t)
	const evil = "evil.example"
	for _, path := range []string{"/", "/api/portolan/health", "/api/portolan/me", "/nothing", "//" + evil, "/\\" + evil} {
		a := s.raw(t, "GET "+path+" HTTP/1.1\r\nHost: "+evil+"\r\nX-Forwarded-Host: "+evil+"\r\nX-Forwarded-Proto: https\r\nForwarded: host="+evil+
			"\r\nX-Original-URL: /api/sql\r\nX-Rewrite-URL: /api/sql\r\nX-HTTP-Method-Override: DELETE\r\nConnection: close\r\n\r\n")
		if strings.Contains(a, evil) || strings.Contains(a, "Location:") || strings.Contains(a, "Strict-Transport-Security") {
			t.Errorf("%s with a foreign host: %s", path, a)
		}
	}
	a := s.ask(t, "POST", "/api/portolan/enrolments", desk, map[string]string{"staff": worker.Staff}, "X-Forwarded-Host", evil, "Forwarded", "host="+evil)
	if a.status != http.StatusOK || strings.Contains(string(a.body), evil) {
		t.Errorf("a tablet is told %d %s", a.status, a.body)
	}
}

// raw writes bytes to the hub and gives everything that comes back until it
// hangs up.
func (s *site) raw(t *testing.T, bytes string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Error(err)
		return ""
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, bytes); err != nil {
		t.Error(err)
	}
	b, err := io.ReadAll(conn)
	if err != nil && len(b) == 0 {
		t.Errorf("%q: %v", bytes, err)
	}
	return string(b)
}

// TestNoRequestHidesInAnother: attack case 24. Where it is not plain where a
// request ends, the hub answers once and hangs up.
func TestNoRequestHidesInAnother(t *testing.T) {
	s := arrange(t)
	s.aside(t)
	const hidden = "GET /hidden HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n"
	post := "POST /api/portolan/enrol HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
	for what, request := range map[string]string{
		"two lengths":                  post + "Content-Length: 2\r\nContent-Length: 60\r\n\r\n{}" + hidden,
		"a length with a sign":         post + "Content-Length: +2\r\n\r\n{}" + hidden,
		"a length in a list":           post + "Content-Length: 2, 60\r\n\r\n{}" + hidden,
		"an unknown coding":            post + "Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + hidden,
		"two codings":                  post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + hidden,
		"a space before the colon":     post + "Content-Length : 2\r\n\r\n{}" + hidden,
		"a bare CR":                    post + "X: a\rContent-Length: 2\r\n\r\n{}" + hidden,
		"a NUL in a header":            post + "X: a\x00b\r\n\r\n" + hidden,
		"a chunk with a bad size":      post + "Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n" + hidden,
		"a chunk with a huge size":     post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}\r\n0\r\n\r\n" + hidden,
		"a header too large":           post + "X: " + strings.Repeat("x", 64<<10) + "\r\n\r\n" + hidden,
		"an address with a line break": "GET /x HTTP/1.1\r\nX: y HTTP/1.1\r\n\r\n" + hidden,
		"no host":                      "GET / HTTP/1.1\r\n\r\n" + hidden,
		"two hosts":                    "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + hidden,
		"a tunnel":                     "CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: elsewhere.example:443\r\nConnection: close\r\n\r\n" + hidden,
		"another protocol in clear":    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + hidden,
		"an upgrade":                   "GET /api/portolan/health HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n" + hidden,
		"a broken line in an answer":   "GET /%0d%0aX-Injected:%201 HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n" + hidden,
		"a body that nobody asked for": "GET /nothing HTTP/1.1\r\nHost: hub\r\nContent-Length: 80\r\nConnection: close\r\n\r\n" + hidden,
	} {
		got := s.raw(t, request)
		if n := strings.Count(got, "HTTP/1.1 "); n != 1 || strings.Contains(got, "X-Injected") {
			t.Errorf("%s: %d answers: %.600s", what, n, got)
		}
	}
}

// TestFiltersAskForRoutingFieldsAlone: attack cases 9 and 25. What a person
// types is never part of a statement, and a sealed field cannot be asked for,
// by value, by order or by count.
func TestFiltersAskForRoutingFieldsAlone(t *testing.T) {
	s := arrange(t)
	worker, desk := s.staff(t, care.Outreach)
	d := s.enrol(t, worker.Staff)
	s.aside(t)
	s.sync(t, d, d.openCase(t, s))
	long := strings.Repeat(" OR 1=1", 1000)
	for _, field := range []string{"alias", "given_name", "id", "org", "case_id", "created_by", "dek", "x' OR '1'='1", "status` = '' OR `id", "status--", "status" + long, "@collection.accounts.password", "cases.status", "rowid", ""} {
		a := s.ask(t, "POST", "/api/portolan/records/survivors", desk, map[string]any{"where": map[string]string{field: "x"}})
		if a.status != http.StatusBadRequest || a.code(t) != "unknown_filter" {
			t.Errorf("by %.40q: %d %s", field, a.status, a.body)
		}
	}
	for _, value := range []string{"' OR '1'='1", "x' UNION SELECT 1--", "%", "*", "\x00", long, "open" + long} {
		a := s.ask(t, "POST", "/api/portolan/records/tasks", desk, map[string]any{"where": map[string]string{"status": value}})
		if a.status != http.StatusOK || len(bytes.TrimSpace(a.body)) != 0 {
			t.Errorf("status %.40q: %d %.200s", value, a.status, a.body)
		}
	}
	for _, member := range []string{"sort", "filter", "expand", "fields", "order", "select"} {
		if a := s.ask(t, "POST", "/api/portolan/records/cases", desk, map[string]any{member: "alias"}); a.code(t) != "body_unknown_field" {
			t.Errorf("%s: %d %s", member, a.status, a.body)
		}
	}
	for _, query := range []string{"?filter=alias~'x'", "?sort=-alias", "?expand=owner", "?fields=*", "?" + long, "?"} {
		if a := s.ask(t, "POST", "/api/portolan/records/cases"+strings.ReplaceAll(query, " ", "+"), desk, "{}"); a.code(t) != "query_refused" {
			t.Errorf("%.40s: %d %s", query, a.status, a.body)
		}
	}
}

// TestNobodyWritesWhatIsNotTheirs: attack case 10. Fields of the machinery do
// not exist for a tablet; roles are not its to give.
func TestNobodyWritesWhatIsNotTheirs(t *testing.T) {
	s := arrange(t)
	worker, _ := s.Staff(t, care.Outreach)
	d := s.enrol(t, worker.Staff)
	s.aside(t)
	s.sync(t, d, d.openCase(t, s))
	for _, c := range []fieldsync.Change{
		{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"dek": care.OfText("x")}},
		{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"org": care.OfText(otherOrg)}},
		{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"created_by": care.OfText(worker.Staff)}},
		{Collection: "survivors", Record: survivorID, Case: nobodyHasThis, Set: map[string]care.Value{"alias": care.OfText("x")}},
		{Collection: "staff", Record: worker.Staff, Add: map[string][]string{"roles": {string(care.ProtectionOfficer)}}},
		{Collection: "staff", Record: worker.Staff, Set: map[string]care.Value{"status": care.OfText("active")}},
		{Collection: "grants", Record: freshID(7), Case: caseID, Set: map[string]care.Value{"staff": care.OfText(worker.Staff), "compartment": care.OfText("evidence"), "status": care.OfText("active")}},
		{Collection: "accounts", Record: freshID(8), Set: map[string]care.Value{"verified": care.Value("true")}},
		{Collection: "_superusers", Record: freshID(9), Set: map[string]care.Value{"email": care.OfText("x@example.org")}},
		{Collection: "devices", Record: d.ID, Set: map[string]care.Value{"status": care.OfText("revoked")}},
	} {
		got := s.sync(t, d, d.push("", d.change(t, s, c)))
		var r fieldsync.Receipt
		if err := json.Unmarshal(got[0].Receipts[0], &r); err != nil || r.Status != fieldsync.StatusHeld {
			t.Errorf("%s %v: %s", c.Collection, c.Fields(), got[0].Receipts[0])
		}
	}
	s.Back(t)
	if now := s.Reload(t, worker.Staff); len(now.Roles) != 1 || now.Roles[0] != care.Outreach {
		t.Errorf("the worker is now %v", now.Roles)
	}
}

// TestAMixedGroupFallsWhole: attack case 12. PocketBase's batch API is closed
// (TestDoorsAreClosed); a group of our own stands or falls together.
func TestAMixedGroupFallsWhole(t *testing.T) {
	s := arrange(t)
	worker, desk := s.staff(t, care.Outreach)
	d := s.enrol(t, worker.Staff)
	s.Must(t, s.HubActor(), collections.Draft{Collection: "cases", Record: caseOf(1), Set: map[string]care.Value{"status": care.OfText("Active")}, Org: s.Org})
	s.aside(t)
	s.sync(t, d, d.openCase(t, s))
	body := d.push("",
		d.change(t, s, fieldsync.Change{Collection: "survivors", Record: survivorID, Group: "g", Set: map[string]care.Value{"alias": care.OfText("Allowed")}}),
		d.change(t, s, fieldsync.Change{Collection: "survivors", Record: freshID(1), Case: caseOf(1), Group: "g", Set: map[string]care.Value{"alias": care.OfText("Forbidden")}}))
	for _, raw := range s.sync(t, d, body)[0].Receipts {
		var r fieldsync.Receipt
		if err := json.Unmarshal(raw, &r); err != nil || r.Status != fieldsync.StatusHeld {
			t.Errorf("a member of the group: %s", raw)
		}
	}
	if a := s.ask(t, "POST", "/api/portolan/records/survivors", desk, map[string]string{"id": survivorID}); strings.Contains(string(a.body), "Allowed") {
		t.Errorf("half of the group was taken: %s", a.body)
	}
}

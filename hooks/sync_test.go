package hooks_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"portolan/care"
	"portolan/hooks"
	fieldsync "portolan/sync"
)

const (
	caseID     = "01930000-0000-7000-8000-00000000ca5e"
	survivorID = "01930000-0000-7000-8000-0000000005a1"
)

// openCase is what a tablet sends for a case with an alias only.
func (d *device) openCase(t *testing.T, s *site) []byte {
	t.Helper()
	return d.push("",
		d.change(t, s, fieldsync.Change{Collection: "cases", Record: caseID, Case: caseID, Set: map[string]care.Value{
			"status": care.OfText("Active"), "owner": care.OfText(d.Staff)}}),
		d.change(t, s, fieldsync.Change{Collection: "survivors", Record: survivorID, Case: caseID, Set: map[string]care.Value{"alias": care.OfText("Blue Heron")}}))
}

func TestOneRoundTrip(t *testing.T) {
	s := serve(t, hooks.Config{})
	worker, _ := s.Staff(t, care.Outreach)
	d := s.enrol(t, worker.Staff)
	body := d.openCase(t, s)
	got := s.sync(t, d, body)
	if len(got) < 3 || len(got[0].Receipts) != 2 {
		t.Fatalf("the first line holds no two receipts: %+v", got)
	}
	end := got[len(got)-1].End
	if end == nil || end.Cursor == "" || end.Digest == "" {
		t.Fatalf("the last line is no end: %+v", got[len(got)-1])
	}
	rows := map[string]bool{}
	for _, l := range got {
		if l.Row != nil {
			rows[l.Row.Collection] = true
		}
	}
	if !rows["cases"] || !rows["survivors"] {
		t.Errorf("the tablet's own case does not come back: %v", rows)
	}
	first := s.ask(t, "POST", "/api/portolan/sync", d.Token, body)
	second := s.ask(t, "POST", "/api/portolan/sync", d.Token, body)
	if string(lines(t, first.body)[0].Receipts[0]) != string(lines(t, second.body)[0].Receipts[0]) {
		t.Error("a push that is sent again gets another receipt")
	}
	// Nothing new: a small body, and no gzip around it.
	a := s.ask(t, "POST", "/api/portolan/sync", d.Token, d.push(end.Cursor), "Accept-Encoding", "gzip")
	if len(a.body) >= 200 || a.header.Get("Content-Encoding") != "" || len(lines(t, a.body)) != 1 {
		t.Errorf("nothing new takes %d bytes (%q): %s", len(a.body), a.header.Get("Content-Encoding"), a.body)
	}
}

// TestEvictionsComeBeforeReceipts: what a tablet must lose, it must lose even
// where the line breaks after the first bytes.
func TestEvictionsComeBeforeReceipts(t *testing.T) {
	s := serve(t, hooks.Config{})
	owner, _ := s.Staff(t, care.Outreach)
	d := s.enrol(t, owner.Staff)
	got := s.sync(t, d, d.openCase(t, s))
	cursor := got[len(got)-1].End.Cursor
	for _, g := range s.Reload(t, owner.Staff).Grants {
		s.endGrant(t, g.ID)
	}
	got = s.sync(t, d, d.push(cursor, d.change(t, s, fieldsync.Change{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"alias": care.OfText("Grey Heron")}})))
	evictions, receipts := -1, -1
	for i, l := range got {
		if len(l.Evict) > 0 && evictions < 0 {
			evictions = i
		}
		if len(l.Receipts) > 0 {
			receipts = i
		}
	}
	if evictions != 0 || receipts != 1 {
		t.Errorf("evictions stand in line %d and receipts in %d: %+v", evictions, receipts, got)
	}
}

func TestGzipBothWays(t *testing.T) {
	s := serve(t, hooks.Config{})
	worker, _ := s.Staff(t, care.Outreach)
	d := s.enrol(t, worker.Staff)
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write(d.openCase(t, s)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	a := s.ask(t, "POST", "/api/portolan/sync", d.Token, z.Bytes(), "Content-Encoding", "gzip", "Accept-Encoding", "br, gzip")
	if a.status != http.StatusOK || a.header.Get("Content-Encoding") != "gzip" || a.header.Get("Vary") != "Accept-Encoding" {
		t.Fatalf("%d %v", a.status, a.header)
	}
	r, err := gzip.NewReader(bytes.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if got := lines(t, b); got[len(got)-1].End == nil || len(got[0].Receipts) != 2 {
		t.Errorf("%+v", got)
	}
}

// TestBadInputHasItsCode sends what makes no sense to every route that reads
// a body.
func TestBadInputHasItsCode(t *testing.T) {
	s := serve(t, hooks.Config{})
	worker, _ := s.Staff(t, care.Outreach, care.Coordinator)
	d := s.enrol(t, worker.Staff)
	deep := strings.Repeat("[", 5000)
	bomb := gzipped(t, bytes.Repeat([]byte(" "), 2*fieldsync.PushBytesMax))
	routes := []struct {
		path    string
		unknown string // body with a member that nobody knows
		typed   string // body with a member of a wrong type
	}{
		{"/api/portolan/enrol", `{"code":"x","colour":"red"}`, `{"code":7}`},
		{"/api/portolan/enrolments", `{"colour":"red"}`, `{"staff":["x"]}`},
		{"/api/portolan/records/cases", `{"colour":"red"}`, `{"limit":"many"}`},
	}
	for _, r := range routes {
		for _, c := range []struct {
			what   string
			body   any
			status int
			code   string
			header []string
		}{
			{"nothing", "", 400, "body_empty", nil},
			{"half a value", `{"code":`, 400, "body_malformed", nil},
			{"two values", `{} {}`, 400, "body_malformed", nil},
			{"no JSON", "code=1", 400, "body_malformed", nil},
			{"bytes that are no UTF-8", []byte("{\"code\":\"\xff\"}"), 400, "body_not_utf8", nil},
			{"depth", deep, 400, "body_too_deep", nil},
			{"an unknown member", r.unknown, 400, "body_unknown_field", nil},
			{"a wrong type", r.typed, 400, "body_wrong_type", nil},
			{"another type of body", "{}", 400, "body_not_json", []string{"Content-Type", "text/plain"}},
			{"no gzip", "{}", 400, "body_bad_gzip", []string{"Content-Encoding", "gzip"}},
			{"an unknown encoding", "{}", 400, "body_encoding_unknown", []string{"Content-Encoding", "br"}},
			{"too much", strings.Repeat(" ", 1<<20), 413, "body_too_large", nil},
			{"too much once unpacked", bomb, 413, "body_too_large", []string{"Content-Encoding", "gzip"}},
		} {
			a := s.ask(t, "POST", r.path, d.Token, c.body, c.header...)
			if a.status != c.status || a.code(t) != c.code {
				t.Errorf("%s to %s answers %d %s, want %d %s", c.what, r.path, a.status, a.body, c.status, c.code)
			}
		}
	}
	for what, c := range map[string]struct {
		body   any
		status int
		header []string
	}{
		"nothing":                 {"", 400, nil},
		"half a value":            {`{"v":1`, 400, nil},
		"bytes that are no UTF-8": {[]byte("{\"v\":1,\"replica\":\"\xff\"}"), 400, nil},
		"depth":                   {`{"v":1,"changes":[{"set":` + deep, 400, nil},
		"an unknown member":       {`{"v":1,"colour":"red"}`, 400, nil},
		"a wrong type":            {`{"v":"one"}`, 400, nil},
		"another version":         {`{"v":99}`, 400, nil},
		"another type of body":    {"{}", 400, []string{"Content-Type", "text/plain"}},
		"too much":                {strings.Repeat(" ", fieldsync.PushBytesMax+1), 413, nil},
		"too much once unpacked":  {bomb, 413, []string{"Content-Encoding", "gzip"}},
	} {
		a := s.ask(t, "POST", "/api/portolan/sync", d.Token, c.body, c.header...)
		if code := a.code(t); a.status != c.status || code == "" || code == "internal" {
			t.Errorf("%s to sync answers %d %s, want %d", what, a.status, a.body, c.status)
		}
	}
	// The tablet still has everything, and the hub takes it now.
	if got := s.sync(t, d, d.openCase(t, s)); len(got[0].Receipts) != 2 {
		t.Errorf("after bad input: %+v", got)
	}
}

func gzipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return z.Bytes()
}

// TestAGapNamesTheNumber: the tablet must know from where to send again.
func TestAGapNamesTheNumber(t *testing.T) {
	s := serve(t, hooks.Config{})
	worker, _ := s.Staff(t, care.Outreach)
	d := s.enrol(t, worker.Staff)
	d.n = 4
	a := s.ask(t, "POST", "/api/portolan/sync", d.Token, d.push("", d.change(t, s, fieldsync.Change{
		Collection: "cases", Record: caseID, Case: caseID, Set: map[string]care.Value{"status": care.OfText("Active")}})))
	if a.status != http.StatusConflict || a.code(t) != "sequence_gap" || !strings.Contains(string(a.body), `"expected":1`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestTheDeskReadsWhatItMay(t *testing.T) {
	s := serve(t, hooks.Config{})
	worker, token := s.staff(t, care.Outreach)
	d := s.enrol(t, worker.Staff)
	s.sync(t, d, d.openCase(t, s))
	a := s.ask(t, "POST", "/api/portolan/records/survivors", token, map[string]any{"case": caseID})
	if a.status != http.StatusOK || !strings.Contains(string(a.body), "Blue Heron") || strings.Count(string(a.body), "\n") != 1 {
		t.Errorf("a list: %d %s", a.status, a.body)
	}
	_, stranger := s.staff(t, care.LegalWorker)
	for _, id := range []string{survivorID, "01930000-0000-7000-8000-00000000dead"} {
		a := s.ask(t, "POST", "/api/portolan/records/survivors", stranger, map[string]any{"id": id})
		if a.status != http.StatusNotFound || string(a.body) != string(s.ask(t, "GET", "/nothing", "", nil).body) {
			t.Errorf("what one may not see, or what is not there: %d %s", a.status, a.body)
		}
	}
	if a := s.ask(t, "POST", "/api/portolan/records/survivors", stranger, map[string]any{"case": caseID}); a.status != http.StatusOK || strings.Contains(string(a.body), "{") {
		t.Errorf("a stranger's list: %d %s", a.status, a.body)
	}
}

func TestTheWorklistNamesAConflict(t *testing.T) {
	s := serve(t, hooks.Config{})
	worker, token := s.staff(t, care.Outreach)
	d := s.enrol(t, worker.Staff)
	s.sync(t, d, d.openCase(t, s))
	base := map[string][]fieldsync.Dot{"alias": {fieldsync.DotOf(d.Replica, 2)}}
	for _, alias := range []string{"Grey Heron", "Red Kite"} {
		s.sync(t, d, d.push("", d.change(t, s, fieldsync.Change{Collection: "survivors", Record: survivorID, Base: base, Set: map[string]care.Value{"alias": care.OfText(alias)}})))
	}
	a := s.ask(t, "GET", "/api/portolan/worklist", token, nil)
	if a.status != http.StatusOK || !strings.Contains(string(a.body), survivorID) || strings.Contains(string(a.body), "Kite") {
		t.Errorf("%d %s", a.status, a.body)
	}
	_, stranger := s.staff(t, care.Outreach)
	if a := s.ask(t, "GET", "/api/portolan/worklist", stranger, nil); strings.Contains(string(a.body), survivorID) {
		t.Errorf("a stranger's worklist: %s", a.body)
	}
}

func TestEnrolmentIsOnceAndBounded(t *testing.T) {
	s := serve(t, hooks.Config{Fingerprint: strings.Repeat("ab", 32)})
	boss, token := s.staff(t, care.Coordinator)
	var made struct{ Code, Hub, Expires string }
	s.ask(t, "POST", "/api/portolan/enrolments", token, map[string]string{"staff": boss.Staff}).into(t, &made)
	if !strings.HasSuffix(made.Hub, "#sha256="+strings.Repeat("ab", 32)) || made.Expires == "" {
		t.Errorf("%+v", made)
	}
	_, plain := s.staff(t, care.HealthWorker)
	if a := s.ask(t, "POST", "/api/portolan/enrolments", plain, map[string]string{}); a.status != http.StatusUnprocessableEntity {
		t.Errorf("without the power: %d %s", a.status, a.body)
	}
	key := strings.Repeat("A", 43)
	use := func(code string) answer {
		owner := s.Owner(t, boss.Staff)
		return s.ask(t, "POST", "/api/portolan/enrol", "", map[string]string{"code": code, "key": key, "label": "x", "password": owner.Password, "second_factor": owner.Code})
	}
	if a := use(made.Code); a.status != http.StatusOK {
		t.Fatalf("the code: %d %s", a.status, a.body)
	}
	if a := use(made.Code); a.status != http.StatusUnauthorized || a.code(t) != "enrolment_code_invalid" {
		t.Errorf("the code again: %d %s", a.status, a.body)
	}
	for i := range 40 {
		a := use(fmt.Sprint("WRONG", i))
		if a.status == http.StatusTooManyRequests {
			if a.code(t) != "too_many_attempts" || a.header.Get("Retry-After") == "" {
				t.Errorf("%s %v", a.body, a.header)
			}
			return
		}
	}
	t.Error("codes may be guessed without bound")
}

func TestPasswordsAreNotGuessedWithoutBound(t *testing.T) {
	s := serve(t, hooks.Config{})
	_, login := s.Staff(t, care.Outreach)
	_, other := s.Staff(t, care.Outreach)
	try := func(login, password string) answer {
		return s.ask(t, "POST", passwordPath, "", map[string]string{"identity": login, "password": password})
	}
	for i := range 5 {
		if a := try(login, "wrong"); a.status != http.StatusUnauthorized || a.code(t) != "signin_failed" {
			t.Fatalf("attempt %d: %d %s", i, a.status, a.body)
		}
	}
	if a := try("nobody", "wrong"); a.status != http.StatusUnauthorized || a.code(t) != "signin_failed" {
		t.Errorf("a login that nobody has: %d %s", a.status, a.body)
	}
	if a := try(login, "correct horse battery staple"); a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
		t.Errorf("the sixth attempt: %d %s", a.status, a.body)
	}
	if a := try(other, "correct horse battery staple"); a.status != http.StatusOK {
		t.Errorf("somebody else from the same address: %d %s", a.status, a.body)
	}
	s.Clock.Move(time.Minute)
	if a := try(login, "correct horse battery staple"); a.status != http.StatusOK {
		t.Errorf("after the pause: %d %s", a.status, a.body)
	}
	if a := s.ask(t, "POST", passwordPath, "", `{"identity":`); a.status != http.StatusBadRequest || a.code(t) == "" {
		t.Errorf("half a body: %d %s", a.status, a.body)
	}
}

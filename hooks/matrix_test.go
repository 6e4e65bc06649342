package hooks_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// collectionDoors is PocketBase's routes for one collection and one record.
func collectionDoors(c, id string) []struct{ method, path string } {
	records := "/api/collections/" + c + "/records"
	doors := []struct{ method, path string }{
		{"GET", records}, {"GET", records + "?perPage=500&filter=id!=''"}, {"GET", records + "/"}, {"GET", records + "/" + id},
		{"POST", records}, {"PATCH", records + "/" + id}, {"PUT", records + "/" + id}, {"DELETE", records + "/" + id},
		{"HEAD", records}, {"GET", "/api/collections/" + c}, {"PATCH", "/api/collections/" + c}, {"DELETE", "/api/collections/" + c},
		{"DELETE", "/api/collections/" + c + "/truncate"}, {"GET", "/api/files/" + c + "/" + id + "/paper.pdf"},
		{"GET", "/api/collections/" + c + "/auth-methods"}, {"POST", "/api/collections/" + c + "/request-otp"},
		{"POST", "/api/collections/" + c + "/auth-with-otp"}, {"POST", "/api/collections/" + c + "/auth-with-oauth2"},
		{"POST", "/api/collections/" + c + "/request-password-reset"}, {"POST", "/api/collections/" + c + "/confirm-password-reset"},
		{"POST", "/api/collections/" + c + "/request-verification"}, {"POST", "/api/collections/" + c + "/request-email-change"},
		{"POST", "/api/collections/" + c + "/impersonate/" + id},
	}
	if c != collections.AccountsCollection { // the one way to sign in
		doors = append(doors, struct{ method, path string }{"POST", "/api/collections/" + c + "/auth-with-password"},
			struct{ method, path string }{"POST", "/api/collections/" + c + "/auth-refresh"})
	}
	return doors
}

// TestMatrixOfCollectionsRolesAndVerbs asks for every collection, as PocketBase
// itself lists them, by every verb, as everybody: nothing comes back and
// nothing is written.
func TestMatrixOfCollectionsRolesAndVerbs(t *testing.T) {
	w := newWorld(t)
	all, err := w.hub.App().FindAllCollections()
	if err != nil {
		t.Fatalf("listing the collections: %v", err)
	}
	if len(all) < len(care.Schema) {
		t.Fatalf("%d collections, the schema has %d", len(all), len(care.Schema))
	}
	before := w.snapshot(t)
	asked := 0
	for _, c := range all {
		id := nobodyHasThis
		if i := slices.IndexFunc(w.records, func(k kept) bool { return k.collection == c.Name }); i >= 0 {
			id = w.records[i].id
		}
		body := map[string]any{"id": id, "org": w.hub.Org, "case_id": caseOf(1), "alias": "x", "login": "intruder", "identity": "root@example.org",
			"email": "intruder@example.org", "password": hubtest.Password, "passwordConfirm": hubtest.Password, "roles": []string{"coordinator"}}
		for _, who := range w.askers {
			for _, d := range collectionDoors(c.Name, id) {
				var in any
				if d.method != "GET" && d.method != "HEAD" {
					in = body
				}
				code, answer := w.ask(t, who, d.method, d.path, in)
				refused(t, who.name+" "+d.method+" "+d.path, code, answer)
				asked++
			}
		}
	}
	t.Logf("%d requests: %d collections, %d askers", asked, len(all), len(w.askers))
	w.unchangedSince(t, before)
}

// TestPocketBasesOwnDoorsAreClosed asks for what is no collection: the
// dashboard, SQL, settings, logs and the rest of the superuser's tools, in
// spellings that a router might forgive.
func TestPocketBasesOwnDoorsAreClosed(t *testing.T) {
	w := newWorld(t)
	before := w.snapshot(t)
	doors := []struct{ method, path string }{
		{"GET", "/_/"}, {"GET", "/_"}, {"GET", "/_/index.html"}, {"POST", "/api/sql"}, {"GET", "/api/sql"}, {"GET", "/api/settings"},
		{"PATCH", "/api/settings"}, {"POST", "/api/settings/test/s3"}, {"POST", "/api/settings/test/email"}, {"GET", "/api/backups"},
		{"POST", "/api/backups"}, {"POST", "/api/backups/upload"}, {"GET", "/api/backups/x.zip"}, {"POST", "/api/backups/x.zip/restore"},
		{"DELETE", "/api/backups/x.zip"}, {"GET", "/api/logs"}, {"GET", "/api/logs/stats"}, {"GET", "/api/crons"}, {"POST", "/api/crons/__pbLogsCleanup__"},
		{"GET", "/api/collections"}, {"POST", "/api/collections"}, {"PUT", "/api/collections/import"}, {"GET", "/api/collections/meta/scaffolds"},
		{"POST", "/api/batch"}, {"POST", "/api/files/token"}, {"POST", "/api/collections/_superusers/auth-with-password"},
		{"GET", "/api//collections/cases/records"}, {"GET", "/api/collections/cases/records//"}, {"GET", "/API/collections"},
		{"GET", "/api/portolan/../collections/cases/records"}, {"GET", "/api/collections/%63ases/records"}, {"GET", "/api/oauth2-redirect"},
		{"TRACE", "/"}, {"OPTIONS", "/api/collections/cases/records"}, {"PUT", "/api/portolan/sync"}, {"DELETE", "/api/portolan/me"},
	}
	body := map[string]any{"query": "SELECT * FROM survivors", "requests": []any{}, "identity": "root@example.org", "password": hubtest.Password}
	for _, who := range w.askers {
		for _, d := range doors {
			var in any
			if d.method == "POST" || d.method == "PATCH" || d.method == "PUT" {
				in = body
			}
			code, answer := w.ask(t, who, d.method, d.path, in)
			refused(t, who.name+" "+d.method+" "+d.path, code, answer)
		}
	}
	w.unchangedSince(t, before)
}

// TestNobodySubscribesToRecords opens a realtime connection as everybody and
// asks for the topics of every collection. Then a record changes, and the one
// topic that there is says so without a word about it.
func TestNobodySubscribesToRecords(t *testing.T) {
	w := newWorld(t)
	all, err := w.hub.App().FindAllCollections()
	if err != nil {
		t.Fatalf("listing the collections: %v", err)
	}
	var streams []*stream
	for _, who := range w.askers {
		s := w.listen(t, who)
		streams = append(streams, s)
		for _, c := range all {
			for _, topic := range []string{c.Name, c.Name + "/*", c.Name + "/" + nobodyHasThis, c.Name + `/*?options={"query":{"expand":"org"}}`} {
				code, body := w.ask(t, who, "POST", "/api/realtime", map[string]any{"clientId": s.id, "subscriptions": []string{"wake", topic}})
				refused(t, who.name+" subscribing to "+topic, code, body, http.StatusBadRequest)
			}
		}
		code, body := w.ask(t, who, "POST", "/api/realtime", map[string]any{"clientId": s.id, "subscriptions": []string{"wake"}})
		if who.staff && code != http.StatusNoContent {
			t.Errorf("%s may not subscribe to wake: %d %s", who.name, code, body)
		} else if !who.staff {
			refused(t, who.name+" subscribing to wake", code, body)
		}
	}
	// Everybody of the organisation reads the directory: this wakes them.
	w.hub.Must(t, w.hub.HubActor(), collections.Draft{Collection: "organisations", Record: w.hub.Org, Set: map[string]care.Value{"city": care.OfText(canary)}})
	for i, who := range w.askers {
		if who.staff {
			event, data := streams[i].next(t)
			if event != "wake" || !regexp.MustCompile(`^\{"n":\d+\}$`).MatchString(data) {
				t.Errorf("%s was told %s %s", who.name, event, data)
			}
		}
	}
}

// idDoor is a route of ours that takes an id, and how the id is sent.
type idDoor struct {
	method, pattern, path string
	body                  any    // what says more, or a header that does
	only                  string // the one collection that it is about
}

// idDoors is all of them; TestEveryRouteWithAnIdIsInTheMatrix holds it whole.
func (w *world) idDoors(collection, id string) []idDoor {
	records := "/api/portolan/records/"
	field := ""
	if e, ok := care.Find(collection); ok {
		field = e.Fields[0].Name
	}
	tus := func(more ...string) http.Header {
		header := http.Header{"Tus-Resumable": {"1.0.0"}}
		for i := 0; i < len(more); i += 2 {
			header.Set(more[i], more[i+1])
		}
		return header
	}
	return []idDoor{
		{"POST", records + "{collection}/history", records + collection + "/history", map[string]any{"id": id, "field": field}, ""},
		{"POST", records + "{collection}", records + collection, map[string]any{"id": id}, ""},
		{"POST", records + "{collection}", records + collection, map[string]any{"case": id}, "cases"},
		{"POST", records + "{collection}", records + "survivors", map[string]any{"case": id}, "cases"},
		{"POST", records + "{collection}", records + "memberships", map[string]any{"where": map[string]string{"staff": id}}, "staff"},
		{"POST", "/api/portolan/devices/{id}/revoke", "/api/portolan/devices/" + id + "/revoke", map[string]any{}, "devices"},
		{"POST", "/api/portolan/enrolments", "/api/portolan/enrolments", map[string]any{"staff": id}, "staff"},
		{"POST", "/api/portolan/cases/{id}/erase", "/api/portolan/cases/" + id + "/erase", map[string]any{}, ""},
		{"POST", "/api/portolan/cases/{id}/erase", "/api/portolan/cases/" + id + "/erase", map[string]any{"part": "health"}, "cases"},
		{"GET", "/api/portolan/cases/{id}/erased", "/api/portolan/cases/" + id + "/erased", nil, ""},
		{"POST", "/api/portolan/approvals/{id}/decide", "/api/portolan/approvals/" + id + "/decide", map[string]any{"agree": true}, ""},
		{"POST", "/api/portolan/accounts/{id}/roles", "/api/portolan/accounts/" + id + "/roles", map[string]any{"roles": []string{"health"}}, "staff"},
		{"POST", "/api/portolan/accounts/{id}/reset-second-factor", "/api/portolan/accounts/" + id + "/reset-second-factor", map[string]any{}, "staff"},
		{"POST", "/api/portolan/waiting/{id}/stop", "/api/portolan/waiting/" + id + "/stop", map[string]any{}, ""},
		{"GET", "/api/portolan/devices/{id}", "/api/portolan/devices/" + id, nil, "devices"},
		{"GET", "/api/portolan/held/{id}", "/api/portolan/held/" + id, nil, ""},
		{"GET", "/api/portolan/held/{id}/file", "/api/portolan/held/" + id + "/file", nil, ""},
		{"POST", "/api/portolan/held/{id}", "/api/portolan/held/" + id, map[string]any{"decision": "accept"}, ""},
		{"GET", "/api/portolan/documents/{id}/file", "/api/portolan/documents/" + id + "/file", nil, "documents"},
		{"POST", uploadsPath, uploadsPath, tus("Upload-Length", "1", "Upload-Metadata", hubtest.FileSaid(id, "text/plain", []byte("x"))), "documents"},
		{"HEAD", uploadsPath + "/{id}", uploadsPath + "/" + id, tus(), "documents"},
		{"PATCH", uploadsPath + "/{id}", uploadsPath + "/" + id, tus("Content-Type", pieceType, "Upload-Offset", "0"), "documents"},
		{"DELETE", uploadsPath + "/{id}", uploadsPath + "/" + id, tus(), "documents"},
		{"POST", "/api/portolan/documents/{id}/hand-out", "/api/portolan/documents/" + id + "/hand-out", map[string]any{}, "documents"},
		{"POST", "/api/portolan/cases/{id}/summary", "/api/portolan/cases/" + id + "/summary", map[string]any{}, "cases"},
		{"POST", "/api/portolan/cases/{id}/hand-out", "/api/portolan/cases/" + id + "/hand-out", map[string]any{}, "cases"},
	}
}

// TestIdsThatOneMayNotSeeLookLikeNone asks, as every role, for records of
// another organisation, of cases and compartments that were not granted, and
// of a grant that ended: status and body are those of an id that nobody has.
func TestIdsThatOneMayNotSeeLookLikeNone(t *testing.T) {
	w := newWorldOn(t, hubtest.Arranged(t))
	before := w.snapshot(t)
	w.aside(t)
	seen := 0
	for _, who := range w.askers {
		none := map[string]string{} // what there is for an id that nobody has; the hub has rates, so each is asked once
		for _, k := range w.records {
			if w.sees(t, who, k) {
				if code, body := w.ask(t, who, "POST", "/api/portolan/records/"+k.collection, map[string]any{"id": k.id}); code != http.StatusOK {
					t.Errorf("%s may not read what they may see of %s: %d %s", who.name, k.collection, code, body)
				}
				seen++
				continue
			}
			doors := w.idDoors(k.collection, nobodyHasThis)
			for i, d := range w.idDoors(k.collection, k.id) {
				if d.only != "" && d.only != k.collection {
					continue
				}
				code, body := w.ask(t, who, d.method, d.path, d.body)
				door := doors[i].method + doors[i].path + fmt.Sprint(doors[i].body)
				if none[door] == "" {
					wantCode, want := w.ask(t, who, doors[i].method, doors[i].path, doors[i].body)
					none[door] = fmt.Sprintf("%d %s", wantCode, want)
				}
				what := fmt.Sprintf("%s asks %s %s %v for %s of case %q", who.name, d.method, d.pattern, d.body, k.collection, k.caseID)
				if got := fmt.Sprintf("%d %s", code, body); got != none[door] {
					t.Errorf("%s: %.200s; for an id of nobody: %.200s", what, got, none[door])
				}
				if bytes.Contains(body, []byte(canary)) {
					t.Errorf("%s: its text came back", what)
				}
			}
		}
	}
	if seen == 0 {
		t.Error("nobody saw anything: the test proves nothing")
	}
	w.hub.Back(t)
	w.unchangedSince(t, before)
}

// TestListsHoldNothingHidden lists every collection as every role: none of
// what one may not see is in it, and nothing else with a canary.
func TestListsHoldNothingHidden(t *testing.T) {
	w := newWorldOn(t, hubtest.Arranged(t))
	before := w.snapshot(t)
	w.aside(t)
	for _, who := range w.askers {
		mine := 0 // records with a canary that they may see
		for _, e := range care.Schema {
			code, body := w.ask(t, who, "POST", "/api/portolan/records/"+e.Name, map[string]any{})
			what := who.name + " lists " + e.Name
			if !who.staff {
				refused(t, what, code, body)
				continue
			}
			if code != http.StatusOK && code != http.StatusNotFound {
				t.Errorf("%s: %d %.200s", what, code, body)
			}
			lines, want := bytes.Count(body, []byte(canary)), 0
			for _, k := range w.records {
				may := w.sees(t, who, k)
				if !may && bytes.Contains(body, []byte(`"id":"`+k.id+`"`)) {
					t.Errorf("%s and finds %s", what, k.id)
				}
				if may && k.collection == e.Name {
					want++
				}
			}
			if lines != want {
				t.Errorf("%s and finds %d canaries, may see %d: %.300s", what, lines, want, body)
			}
			mine += lines
		}
		if who.staff && mine == 0 {
			t.Errorf("%s saw nothing at all: the test proves nothing", who.name)
		}
		code, body := w.ask(t, who, "GET", "/api/portolan/worklist", nil)
		if !who.staff {
			refused(t, who.name+" asks for the worklist", code, body)
		} else if code >= http.StatusInternalServerError || bytes.Contains(body, []byte(canary)) {
			t.Errorf("%s asks for the worklist: %d %.200s", who.name, code, body)
		}
	}
	w.hub.Back(t)
	w.unchangedSince(t, before)
}

// TestAPushLearnsNothingOfHiddenRecords: a tablet that writes to a record it
// may not see is answered as if there were none.
func TestAPushLearnsNothingOfHiddenRecords(t *testing.T) {
	w := newWorld(t)
	d := w.newTablet(t, w.byRole(care.Outreach))
	for _, k := range w.records {
		e, _ := care.Find(k.collection)
		if e.Topic != care.NoTopic || k.collection == "cases" || w.sees(t, d.owner, k) {
			continue // a case that is not there would be opened
		}
		field := map[string]string{"survivors": "alias", "identities": "given_name", "medicines": "substance", "evidence_items": "description"}[k.collection]
		for _, withCase := range []bool{false, true} {
			hidden := fieldsync.Change{Collection: k.collection, Record: k.id, Set: map[string]care.Value{field: care.OfText("x")}}
			none := hidden
			none.Record = freshID(d.n)
			if withCase {
				hidden.Case, none.Case = k.caseID, nobodyHasThis
			}
			got, want := d.push(t, hidden), d.push(t, none)
			if got != want {
				t.Errorf("%s with its case %t: a hidden one is answered %s, one that is not there %s", k.collection, withCase, got, want)
			}
		}
	}
	if d.n == 0 {
		t.Error("nothing was hidden from the tablet: the test proves nothing")
	}
}

// TestEveryRouteWithAnIdIsInTheMatrix: a new route with an id must be asked
// for hidden ids too.
func TestEveryRouteWithAnIdIsInTheMatrix(t *testing.T) {
	w := &world{}
	covered := map[string]bool{}
	for _, d := range w.idDoors("cases", nobodyHasThis) {
		covered[d.method+" "+d.pattern] = true
	}
	for _, r := range hooks.Routes() {
		// A part of the app is the same for everybody.
		if strings.Contains(r, "{") && !covered[r] && r != "GET /app/{file}" {
			t.Errorf("%s takes an id and is not in the matrix", r)
		}
	}
	page, err := os.ReadFile("../docs/http.md")
	if err != nil {
		t.Fatalf("reading the page of routes: %v", err)
	}
	for _, r := range hooks.Routes() {
		if !bytes.Contains(page, []byte(r)) {
			t.Errorf("%s is not in docs/http.md", r)
		}
	}
}

package tablet_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"portolan/collections"
	"portolan/tablet"
)

// TestAPushUnderWayWhileItsTabletIsEnrolledAgain: what stood in a push that hung
// on the way goes under the new replica, and does not arrive a second time when
// the push does.
func TestAPushUnderWayWhileItsTabletIsEnrolledAgain(t *testing.T) {
	b, line, tab := newRelayedBench(t)
	caseID, survivor := intake(t, tab)
	mustSync(t, tab)
	mustSet(t, tab, survivor, set("pronouns", "she"))
	mustNew(t, tab, "notes", caseID, set("kind", "visit", "text", "once"))

	var hung *http.Request
	var body []byte
	way := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.URL.Path == "/api/portolan/sync" && hung == nil {
			hung, body = r.Clone(t.Context()), b
		}
		panic(http.ErrAbortHandler) // the line breaks
	}))
	defer way.Close()
	line.to(way.URL)
	if _, err := tab.Sync(t.Context()); !tablet.Unreachable(err) || hung == nil {
		t.Fatalf("a line that breaks: %v", err)
	}
	line.to(b.url)
	id, err := tab.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := tab.Enrol(t.Context(), line.url(), b.Code(t, id.Staff), owner(t, b, id.Staff)); err != nil {
		t.Fatal(err)
	}
	for _, late := range []bool{true, false} { // before the new replica brought anything, and after
		req, err := http.NewRequestWithContext(t.Context(), "POST", b.url+"/api/portolan/sync", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = hung.Header.Clone()
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode == http.StatusOK || late && !bytes.Contains(said, []byte(collections.ErrReplica.Code)) {
			t.Errorf("the push that hung is answered %d %s", resp.StatusCode, said)
		}
		mustSync(t, tab)
	}
	rows, err := b.List(t.Context(), b.HubActor(), collections.Query{Collection: "notes", Case: caseID})
	if err != nil || len(rows) != 1 {
		t.Errorf("%d notes: %v", len(rows), err)
	}
	if s := field(t, show(t, tab, survivor), "pronouns"); s.Value.Text() != "she" || s.Conflict {
		t.Errorf("%+v", s)
	}
}

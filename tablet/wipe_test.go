package tablet_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"portolan/care"
	"portolan/tablet"
)

// TestBorderLeavesNothingAndLosesNothing: before a border everything is
// delivered and nothing is left; afterwards the same folder begins anew.
func TestBorderLeavesNothingAndLosesNothing(t *testing.T) {
	const canary = "Quetzal-4417"
	b := newBench(t)
	anna, _ := b.Staff(t, care.Outreach)
	dir := t.TempDir()
	tab := open(t, dir, b.Clock.Now)
	if err := tab.Enrol(t.Context(), b.url, b.Code(t, anna.Staff), owner(t, b, anna.Staff)); err != nil {
		t.Fatal(err)
	}
	_, survivor := intake(t, tab)
	mustSet(t, tab, survivor, set("contact_notes", canary))
	self, err := tab.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := tab.Border(t.Context()); err != nil {
		t.Fatal(err)
	}
	if holds(t, dir, canary) || tab.Guarded() {
		t.Error("something is left on the tablet")
	}
	if _, err := tab.New(t.Context(), "cases", "", set("status", "Active", "risk_level", "low")); !errors.Is(err, tablet.ErrEnded) {
		t.Errorf("an emptied tablet takes an entry: %v", err)
	}
	state, err := b.DeviceState(t.Context(), b.HubActor(), self.Device)
	if err != nil || state.State != "wiped" || state.BorderAt == "" || state.Owed != 0 || state.Received != 3 {
		t.Errorf("what the hub knows: %+v, %v", state, err)
	}
	if err := tab.Enrol(t.Context(), b.url, b.Code(t, anna.Staff), owner(t, b, anna.Staff)); err != nil {
		t.Fatal(err)
	}
	mustSync(t, tab)
	if got := show(t, tab, survivor).Get("contact_notes").Text(); got != canary {
		t.Errorf("after the border: %q", got)
	}
}

// TestWipeWithoutANetworkStillDelivers: what is here goes at once, what was
// not sent is delivered later, for a person to decide.
func TestWipeWithoutANetworkStillDelivers(t *testing.T) {
	b, line, tab := newRelayedBench(t)
	_, survivor := intake(t, tab)
	mustSync(t, tab)
	mustSet(t, tab, survivor, set("pronouns", "she"))
	line.to("")
	if err := tab.Wipe(t.Context()); !tablet.Unreachable(err) {
		t.Fatalf("wiping without a network: %v", err)
	}
	if _, err := tab.Show(t.Context(), survivor); !errors.Is(err, care.ErrNotFound) {
		t.Errorf("a wiped tablet shows a record: %v", err)
	}
	line.to(b.url)
	r, err := tab.Sync(t.Context())
	if !errors.Is(err, tablet.ErrEnded) || r.Sent != 1 || r.Held != 1 || r.Rows != 0 {
		t.Errorf("delivering after a wipe: %+v, %v", r, err)
	}
	if n := unsent(t, tab); n != 0 {
		t.Errorf("%d changes are not delivered", n)
	}
}

// TestABorderLeavesWhatWasAttachedMeanwhile: while the hub is told of it
// somebody attaches a file, which the hub does not have yet.
func TestABorderLeavesWhatWasAttachedMeanwhile(t *testing.T) {
	b := newBench(t)
	anna, _ := b.Staff(t, care.Outreach)
	tab := open(t, t.TempDir(), b.Clock.Now)
	document := ""
	hub, err := url.Parse(b.url)
	if err != nil {
		t.Fatal(err)
	}
	through := httputil.NewSingleHostReverseProxy(hub)
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/portolan/report" {
			attach(t, tab, document, aFile(1, 1000))
		}
		through.ServeHTTP(w, r)
	}))
	defer between.Close()
	if err := tab.Enrol(t.Context(), between.URL, b.Code(t, anna.Staff), owner(t, b, anna.Staff)); err != nil {
		t.Fatal(err)
	}
	caseID, _ := intake(t, tab)
	document = mustNew(t, tab, "documents", caseID, set("kind", "letter", "status", "kept", "compartment", "general"))
	mustSync(t, tab)
	if err := tab.Border(t.Context()); !errors.Is(err, tablet.ErrUnsent) {
		t.Errorf("the border: %v", err)
	}
	if _, err := tab.Show(t.Context(), document); err != nil {
		t.Errorf("what was here is gone: %v", err)
	}
}

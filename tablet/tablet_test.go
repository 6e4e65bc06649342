package tablet_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	"portolan/seal"
	fieldsync "portolan/sync"
	"portolan/tablet"
)

func TestMain(m *testing.M) { os.Exit(hubtest.Main(m)) }

// bench is a real hub that answers over real HTTP.
type bench struct {
	*hubtest.Hub
	url string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	h := hubtest.New(t)
	return &bench{h, h.Serve(t)}
}

// tablet enrols a new tablet of a member of staff in a folder of its own.
func (b *bench) tablet(t *testing.T, staff string) *tablet.Tablet {
	t.Helper()
	return b.tabletAt(t, b.url, staff)
}

func (b *bench) tabletAt(t *testing.T, url, staff string) *tablet.Tablet {
	t.Helper()
	tab := open(t, t.TempDir(), b.Clock.Now)
	if err := tab.Enrol(t.Context(), url, b.Code(t, staff), owner(t, b, staff)); err != nil {
		t.Fatalf("enrolling: %v", err)
	}
	return tab
}

// owner is what a member of staff shows as a tablet is enrolled for them.
func owner(t *testing.T, h interface {
	Owner(testing.TB, string) collections.Credentials
}, staff string) tablet.Owner {
	t.Helper()
	c := h.Owner(t, staff)
	return tablet.Owner{Password: c.Password, SecondFactor: c.Code, Passphrase: passphrase}
}

// passphrase of every tablet of these tests, and what a guess at it costs.
const passphrase = "five plain words and then some"

var cheap = seal.Cost{Memory: 64, Passes: 1}

func open(t *testing.T, dir string, now func() time.Time) *tablet.Tablet {
	t.Helper()
	tab, err := tablet.Open(dir, now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tab.Cost = cheap
	if tab.Guarded() {
		if err := tab.Unlock(t.Context(), passphrase); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := tab.Close(); err != nil {
			t.Error(err)
		}
	})
	return tab
}

// grant lets a member of staff see a compartment of a case for two days.
func (b *bench) grant(t *testing.T, staff, caseID string, c care.Compartment) {
	t.Helper()
	b.Must(t, b.HubActor(), collections.Draft{Collection: "grants", Case: caseID, Set: map[string]care.Value{
		"staff": care.OfText(staff), "compartment": care.OfText(string(c)), "status": care.OfText("active"),
		"until": care.OfTime(b.Clock.Now().Add(48 * time.Hour)), "granted_by": care.OfText(care.HubStaff)}})
}

func mustSync(t *testing.T, tab *tablet.Tablet) tablet.Report {
	t.Helper()
	r, err := tab.Sync(t.Context())
	if err != nil {
		t.Fatalf("syncing: %v", err)
	}
	if r.Differs {
		t.Fatalf("the digest differs from the hub's: %+v", r)
	}
	return r
}

func set(pairs ...any) tablet.Edit {
	e := tablet.Edit{Set: map[string]care.Value{}}
	for i := 0; i < len(pairs); i += 2 {
		switch v := pairs[i+1].(type) {
		case string:
			e.Set[pairs[i].(string)] = care.OfText(v)
		case care.Value:
			e.Set[pairs[i].(string)] = v
		}
	}
	return e
}

func mustNew(t *testing.T, tab *tablet.Tablet, collection, caseID string, e tablet.Edit) string {
	t.Helper()
	id, err := tab.New(t.Context(), collection, caseID, e)
	if err != nil {
		t.Fatalf("a new record of %s: %v", collection, err)
	}
	return id
}

func mustSet(t *testing.T, tab *tablet.Tablet, id string, e tablet.Edit) {
	t.Helper()
	if changed, err := tab.Set(t.Context(), id, e); err != nil || !changed {
		t.Fatalf("setting: %v, %v", changed, err)
	}
}

func show(t *testing.T, tab *tablet.Tablet, id string) tablet.Record {
	t.Helper()
	r, err := tab.Show(t.Context(), id)
	if err != nil {
		t.Fatalf("showing: %v", err)
	}
	return r
}

func field(t *testing.T, r tablet.Record, name string) tablet.Shown {
	t.Helper()
	i := slices.IndexFunc(r.Fields, func(f tablet.Shown) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("%s has no field %s: %+v", r.Collection, name, r.Fields)
	}
	return r.Fields[i]
}

func unsent(t *testing.T, tab *tablet.Tablet) int {
	t.Helper()
	n, err := tab.Unsent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// intake enters a case with its person, offline.
func intake(t *testing.T, tab *tablet.Tablet) (caseID, survivor string) {
	t.Helper()
	caseID = mustNew(t, tab, "cases", "", set("status", "Active", "risk_level", "medium"))
	return caseID, mustNew(t, tab, "survivors", caseID, set("alias", "Lis", "languages", care.OfList("es", "fr")))
}

// TestWhatWasEditedHereIsNotSentBack: the hub names the change, and the tablet
// puts what it wrote where the hub's registers are, over both kinds of fields.
func TestWhatWasEditedHereIsNotSentBack(t *testing.T) {
	b := newBench(t)
	anna, _ := b.Staff(t, care.Outreach)
	tab := b.tablet(t, anna.Staff)
	caseID, survivor := intake(t, tab)
	mustSync(t, tab)
	for _, alias := range []string{"Mar", "Sol"} {
		mustSet(t, tab, survivor, set("alias", alias))
		mustSet(t, tab, caseID, set("opened_on", "2026-10-11"))
		mustSet(t, tab, caseID, set("opened_on", "2026-10-12"))
		if r := mustSync(t, tab); r.Rows != 0 || r.Sent == 0 {
			t.Errorf("it was sent back: %+v", r)
		}
		if f := field(t, show(t, tab, survivor), "alias"); f.Value.Text() != alias || f.Unsent {
			t.Errorf("%+v", f)
		}
	}
	b.Clock.Move(25 * time.Hour)
	if r := mustSync(t, tab); r.Repaired {
		t.Error("what is in the store is not what its sums said")
	}
}

func TestWorkOfflineThenSync(t *testing.T) {
	b := newBench(t)
	worker, _ := b.Staff(t, care.Outreach)
	tab := b.tablet(t, worker.Staff)
	mustSync(t, tab)
	caseID, survivor := intake(t, tab)
	mustSet(t, tab, survivor, tablet.Edit{Add: map[string][]string{"languages": {"ar"}}, Remove: map[string][]string{"languages": {"fr"}}})

	shown := field(t, show(t, tab, survivor), "languages")
	if got := shown.Value.List(); !slices.Equal(got, []string{"ar", "es"}) || !shown.Unsent {
		t.Errorf("before any sync the languages are %v, unsent %v", got, shown.Unsent)
	}
	if n := unsent(t, tab); n != 3 {
		t.Errorf("%d changes wait, want 3", n)
	}
	if r := mustSync(t, tab); r.Sent != 3 || r.Held != 0 || r.Conflicts != 0 {
		t.Fatalf("the first sync: %+v", r)
	}
	row, err := b.Read(t.Context(), b.HubActor(), "survivors", survivor)
	if err != nil {
		t.Fatal(err)
	}
	if row.Text("alias") != "Lis" || row.Case != caseID || !slices.Equal(row.Get("languages").List(), []string{"ar", "es"}) {
		t.Errorf("at the hub: %+v", row)
	}
	if s := field(t, show(t, tab, survivor), "languages"); s.Unsent {
		t.Error("after the sync the field still counts as unsent")
	}
	if r := mustSync(t, tab); r.Sent != 0 || r.Rows != 0 || r.Rounds != 1 {
		t.Errorf("nothing new: %+v", r)
	}
	// Another tablet of the same person gets all of it.
	second := b.tablet(t, worker.Staff)
	mustSync(t, second)
	if !sameRecord(show(t, tab, survivor), show(t, second, survivor)) {
		t.Errorf("two tablets show\n%+v\n%+v", show(t, tab, survivor), show(t, second, survivor))
	}
}

func sameRecord(a, b tablet.Record) bool {
	return a.ID == b.ID && a.Case == b.Case && a.Org == b.Org && a.CreatedBy == b.CreatedBy && slices.EqualFunc(a.Fields, b.Fields, func(x, y tablet.Shown) bool {
		return x.Name == y.Name && x.Value.Equal(y.Value) && x.Conflict == y.Conflict && len(x.Kept) == len(y.Kept)
	})
}

func TestTwoTabletsMeetAConflict(t *testing.T) {
	b := newBench(t)
	anna, _ := b.Staff(t, care.Outreach)
	ben, _ := b.Staff(t, care.Outreach)
	first, second := b.tablet(t, anna.Staff), b.tablet(t, ben.Staff)
	caseID, survivor := intake(t, first)
	mustSync(t, first)
	b.grant(t, ben.Staff, caseID, care.General)
	mustSync(t, second)

	// Both are offline. One field each is the other's too, one is not.
	mustSet(t, first, caseID, set("risk_level", "low"))
	mustSet(t, first, survivor, set("pronouns", "she"))
	mustSet(t, second, caseID, set("risk_level", "imminent", "opened_on", "2026-11-02"))
	mustSet(t, second, survivor, set("religion", "none"))
	if r := mustSync(t, first); r.Conflicts != 0 {
		t.Errorf("the first to come meets nobody: %+v", r)
	}
	if r := mustSync(t, second); r.Conflicts != 1 {
		t.Errorf("the second meets the first: %+v", r)
	}
	mustSync(t, first)
	for _, tab := range []*tablet.Tablet{first, second} {
		risk := field(t, show(t, tab, caseID), "risk_level")
		if !risk.Conflict || risk.Value.Text() != "imminent" || len(risk.Kept) != 2 {
			t.Errorf("the safer value is not in force: %+v", risk)
		}
		s := show(t, tab, survivor)
		if s.Get("pronouns").Text() != "she" || s.Get("religion").Text() != "none" {
			t.Errorf("edits of different fields: %+v", s)
		}
	}
	if _, err := first.Set(t.Context(), caseID, set("risk_level", "low")); care.CodeOf(err) != tablet.ErrUndecided.Code {
		t.Errorf("a conflict is overwritten in passing: %v", err)
	}
	if err := first.Resolve(t.Context(), caseID, "risk_level", care.OfText("high")); err != nil {
		t.Fatal(err)
	}
	mustSync(t, first)
	mustSync(t, second)
	for _, tab := range []*tablet.Tablet{first, second} {
		if risk := field(t, show(t, tab, caseID), "risk_level"); risk.Conflict || risk.Value.Text() != "high" {
			t.Errorf("after the decision: %+v", risk)
		}
		if !sameRecord(show(t, tab, caseID), show(t, first, caseID)) {
			t.Error("the tablets differ")
		}
	}
	if err := first.Resolve(t.Context(), caseID, "risk_level", care.OfText("low")); care.CodeOf(err) != tablet.ErrDecided.Code {
		t.Errorf("deciding what is decided: %v", err)
	}
}

func TestUnsentEditsStandOverWhatCame(t *testing.T) {
	b := newBench(t)
	anna, _ := b.Staff(t, care.Outreach)
	first, second := b.tablet(t, anna.Staff), b.tablet(t, anna.Staff)
	_, survivor := intake(t, first)
	mustSync(t, first)
	mustSync(t, second)
	mustSet(t, first, survivor, set("contact_notes", "mornings"))
	mustSync(t, first)
	mustSet(t, second, survivor, set("contact_notes", "evenings"))
	if got := show(t, second, survivor).Get("contact_notes").Text(); got != "evenings" {
		t.Errorf("what was typed last is not shown: %q", got)
	}
	mustSync(t, second)
	mustSync(t, first)
	notes := field(t, show(t, first, survivor), "contact_notes")
	if notes.Value.Text() != "evenings" || !notes.Conflict || len(notes.Kept) != 2 {
		t.Errorf("the later value stands and the other is kept: %+v", notes)
	}
}

func TestHeldChangesAreShownAndBlockNothing(t *testing.T) {
	b := newBench(t)
	anna, _ := b.Staff(t, care.Outreach)
	tab := b.tablet(t, anna.Staff)
	caseID, survivor := intake(t, tab)
	mustSync(t, tab)
	mustSet(t, tab, caseID, set("status", "Closed")) // a rule asks for more than that
	// Legal: not an outreach worker's to write.
	note := mustNew(t, tab, "notes", caseID, set("kind", "legal", "text", "asked about papers", "legal_text", "case number 7"))
	mustSet(t, tab, survivor, set("pronouns", "they"))
	r := mustSync(t, tab)
	if r.Sent != 3 || r.Held == 0 {
		t.Fatalf("%+v", r)
	}
	_, asides, err := tab.Conflicts(t.Context())
	if err != nil || len(asides) != r.Held {
		t.Fatalf("%d are held, %d shown (%v)", r.Held, len(asides), err)
	}
	for _, a := range asides {
		if len(a.Held) == 0 || a.Held[0].Reason == "" {
			t.Errorf("held without a reason: %+v", a)
		}
	}
	s := show(t, tab, survivor)
	if s.Get("pronouns").Text() != "they" {
		t.Error("a change behind held ones did not pass")
	}
	if n := show(t, tab, note); n.Get("legal_text").IsSet() || !n.Get("text").IsSet() {
		t.Errorf("what the hub holds is shown as if it stood, or what stands is not: %+v", n)
	}
	if unsent(t, tab) != 0 {
		t.Error("a held change is sent for ever")
	}
}

// An ended grant destroys the scope in every file of the tablet, and what was
// not sent before is delivered still.
func TestEvictionLeavesNothingBehind(t *testing.T) {
	const canary, typed = "Quetzal-4417", "Axolotl-9920"
	b := newBench(t)
	anna, _ := b.Staff(t, care.Outreach)
	ben, _ := b.Staff(t, care.Outreach)
	first := b.tablet(t, anna.Staff)
	dir := t.TempDir()
	second := open(t, dir, b.Clock.Now)
	if err := second.Enrol(t.Context(), b.url, b.Code(t, ben.Staff), owner(t, b, ben.Staff)); err != nil {
		t.Fatal(err)
	}
	caseID, survivor := intake(t, first)
	mustSet(t, first, survivor, set("contact_notes", canary))
	mustSync(t, first)
	b.grant(t, ben.Staff, caseID, care.General)
	mustSync(t, second)
	mustSet(t, second, survivor, set("code_word", typed))
	mustSync(t, second)
	if show(t, second, survivor).Get("contact_notes").Text() != canary {
		t.Fatal("the tablet never held what it should lose")
	}
	mustSet(t, second, survivor, set("pronouns", "xe"))
	b.Clock.Move(49 * time.Hour)
	r := mustSync(t, second)
	if !slices.Contains(r.Evicted, fieldsync.CaseScope(caseID, care.General)) {
		t.Fatalf("not evicted: %+v", r)
	}
	if r.Sent != 1 {
		t.Errorf("the unsent edit was not delivered: %+v", r)
	}
	if _, err := second.Show(t.Context(), survivor); care.CodeOf(err) != care.ErrNotFound.Code {
		t.Errorf("the record is still shown: %v", err)
	}
	for _, s := range []string{canary, typed} {
		if holds(t, dir, s) {
			t.Errorf("%s is still in a file of the tablet", s)
		}
	}
	if r := mustSync(t, second); r.Sent != 0 || len(r.Evicted) != 0 {
		t.Errorf("after the eviction: %+v", r)
	}
}

// holds says whether any file of a folder holds a string.
func holds(t *testing.T, dir, s string) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		found = found || bytes.Contains(b, []byte(s))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// What a revoked tablet had not sent is delivered when it next meets the hub,
// for a person to decide; the tablet is empty then, and can be enrolled again.
func TestARevokedTabletLosesNothingAndDeliversForAPersonToDecide(t *testing.T) {
	b := newBench(t)
	anna, _ := b.Staff(t, care.Outreach)
	ben, _ := b.Staff(t, care.Outreach)
	officer, _ := b.Staff(t, care.ProtectionOfficer)
	tab := b.tablet(t, anna.Staff)
	caseID, survivor := intake(t, tab)
	mustSync(t, tab)
	mustSet(t, tab, survivor, set("pronouns", "she"))
	mustSet(t, tab, survivor, set("pronouns", "they"))
	before, err := tab.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.RevokeDevice(t.Context(), b.HubActor(), before.Device); err != nil {
		t.Fatal(err)
	}
	b.Clock.Move(30 * 24 * time.Hour)
	b.grant(t, officer.Staff, caseID, care.General)
	r, err := tab.Sync(t.Context())
	if care.CodeOf(err) != tablet.ErrEnded.Code || r.Sent != 2 || r.Held != 2 || !r.Ended {
		t.Fatalf("a revoked tablet: %v, %+v", err, r)
	}
	if _, err := tab.Show(t.Context(), survivor); !errors.Is(err, care.ErrNotFound) {
		t.Errorf("it shows what it should have destroyed: %v", err)
	}
	if n := unsent(t, tab); n != 0 {
		t.Errorf("%d changes are not delivered", n)
	}
	state, err := b.DeviceState(t.Context(), b.HubActor(), before.Device)
	if err != nil || state.State != "wiped" || state.Owed != 0 || state.Received != 4 {
		t.Errorf("what the hub knows of it: %+v, %v", state, err)
	}
	list, err := b.Worklist(t.Context(), b.Reload(t, officer.Staff))
	if err != nil || len(list.Held) != 2 {
		t.Fatalf("what was delivered waits for a person: %+v, %v", list, err)
	}
	for _, w := range list.Held {
		if w.Reason != collections.HeldRevoked || w.Author != anna.Staff {
			t.Errorf("%+v", w)
		}
		if _, err := b.Decide(t.Context(), b.Reload(t, officer.Staff), w.Seq, collections.Verdict{Decision: collections.Accept}); err != nil {
			t.Fatalf("accepting: %v", err)
		}
	}
	if err := tab.Enrol(t.Context(), b.url, b.Code(t, ben.Staff), owner(t, b, ben.Staff)); care.CodeOf(err) != tablet.ErrOtherPerson.Code {
		t.Errorf("another person takes over the store: %v", err)
	}
	if err := tab.Enrol(t.Context(), b.url, b.Code(t, anna.Staff), owner(t, b, anna.Staff)); err != nil {
		t.Fatal(err)
	}
	mustSync(t, tab)
	if s := field(t, show(t, tab, survivor), "pronouns"); s.Value.Text() != "they" || s.Conflict {
		t.Errorf("after the decision: %+v", s)
	}
	mustNew(t, tab, "notes", caseID, set("kind", "visit", "text", "visited"))
	mustSync(t, tab)
}

func TestAWrongCodeAndAStoreWithoutEnrolment(t *testing.T) {
	b := newBench(t)
	tab := open(t, t.TempDir(), b.Clock.Now)
	if _, err := tab.Sync(t.Context()); care.CodeOf(err) != tablet.ErrNotEnrolled.Code {
		t.Errorf("a sync before enrolment: %v", err)
	}
	if _, err := tab.New(t.Context(), "cases", "", set("status", "Active")); care.CodeOf(err) != tablet.ErrNotEnrolled.Code {
		t.Errorf("a record before enrolment: %v", err)
	}
	if err := tab.Enrol(t.Context(), b.url, "AAAA-BBBB-CCCC-D", tablet.Owner{Password: hubtest.Password, Passphrase: passphrase}); care.CodeOf(err) != "enrolment_code_invalid" {
		t.Errorf("a wrong code: %v", err)
	}
	for url, code := range map[string]string{"": "url_malformed", "hub.example": "url_malformed", "ftp://hub": "url_malformed", "https://hub/x": "url_malformed",
		"https://hub#sha256=00": "url_malformed", "http://192.0.2.1": "url_plain_http"} {
		if err := tab.Enrol(t.Context(), url, "x", tablet.Owner{}); care.CodeOf(err) != code {
			t.Errorf("%q: %v, want %s", url, err, code)
		}
	}
}

func TestEditsThatMakeNoSense(t *testing.T) {
	b := newBench(t)
	anna, _ := b.Staff(t, care.Outreach)
	tab := b.tablet(t, anna.Staff)
	caseID, survivor := intake(t, tab)
	ctx := context.Background()
	waiting := unsent(t, tab)
	for name, c := range map[string]struct {
		do   func() error
		code string
	}{
		"collection": {func() error { _, err := tab.New(ctx, "secrets", caseID, set()); return err }, "collection_unknown"},
		"field":      {func() error { _, err := tab.Set(ctx, survivor, set("shoe_size", "9")); return err }, "field_unknown"},
		"record": {func() error {
			_, err := tab.Set(ctx, "01930000-0000-7000-8000-0000deadbeef", set("alias", "x"))
			return err
		}, "not_found"},
		"case missing":  {func() error { _, err := tab.New(ctx, "notes", "", set()); return err }, "case_missing"},
		"case needless": {func() error { _, err := tab.New(ctx, "teams", caseID, set("name", "x")); return err }, "case_needless"},
		"required":      {func() error { _, err := tab.New(ctx, "cases", "", set()); return err }, "value_required"},
		"code":          {func() error { _, err := tab.Set(ctx, caseID, set("risk_level", "enormous")); return err }, "value_not_in_list"},
		"type":          {func() error { _, err := tab.Set(ctx, survivor, set("languages", "es")); return err }, "value_wrong_type"},
		"not a set": {func() error {
			_, err := tab.Set(ctx, survivor, tablet.Edit{Add: map[string][]string{"alias": {"x"}}})
			return err
		}, "field_unknown"},
	} {
		if err := c.do(); care.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	if changed, err := tab.Set(ctx, survivor, set("alias", "Lis")); changed || err != nil {
		t.Errorf("the same value again: %v, %v", changed, err)
	}
	if n := unsent(t, tab); n != waiting {
		t.Errorf("what makes no sense was written: %d changes wait instead of %d", n, waiting)
	}
}

package collections_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

func searchFor(t testing.TB, h *hubtest.Hub, staff, text string) ([]collections.Found, bool) {
	t.Helper()
	found, more, err := h.Search(context.Background(), h.Reload(t, staff), text)
	if err != nil {
		t.Fatalf("searching for %q: %v", text, err)
	}
	return found, more
}

// namedCase opens a case under an alias, and a name where one is given, and
// grants the compartments to staff.
func namedCase(t testing.TB, h *hubtest.Hub, n int, alias, given, family string, staff string, compartments ...care.Compartment) string {
	t.Helper()
	id := func(kind int) string { return fmt.Sprintf("01940000-0000-7000-8000-%04x%08x", kind, n) }
	caseID := id(1)
	drafts := []collections.Draft{
		{Collection: "cases", Record: caseID, Case: caseID, Org: h.Org, Set: map[string]care.Value{"status": care.OfText("Active"), "number": care.OfText(fmt.Sprintf("HH-%d", 1000+n))}},
		{Collection: "survivors", Record: id(2), Case: caseID, Set: map[string]care.Value{"alias": care.OfText(alias)}},
	}
	if given != "" {
		drafts = append(drafts, collections.Draft{Collection: "identities", Record: id(3), Case: caseID, Set: map[string]care.Value{
			"given_name": care.OfText(given), "family_name": care.OfText(family), "mobile_phone": care.OfText(fmt.Sprintf("+254 7%08d", n))}})
	}
	for _, c := range compartments {
		drafts = append(drafts, collections.Draft{Collection: "grants", Case: caseID, Set: grant(staff, c, h.Clock.Now().Add(24*time.Hour))})
	}
	h.Must(t, h.HubActor(), drafts...)
	return caseID
}

func TestOneFindsByWhatOneMaySee(t *testing.T) {
	h := hubtest.New(t)
	plain, _ := h.Staff(t, care.Outreach)
	full, _ := h.Staff(t, care.Outreach)
	none, _ := h.Staff(t, care.Outreach)
	caseID := namedCase(t, h, 1, "Blue Heron", "محمد", "الحسن", full.Staff, care.General, care.Identity)
	h.Must(t, h.HubActor(), collections.Draft{Collection: "grants", Case: caseID, Set: grant(plain.Staff, care.General, h.Clock.Now().Add(24*time.Hour))})
	for _, tc := range []struct {
		text   string
		full   string // the match, "" where nothing is found
		plain  string
		fields []string // of what full is shown
	}{
		{"blue heron", "exact", "exact", []string{"alias"}},
		{"Heron", "exact", "exact", []string{"alias"}},
		{"محمد", "exact", "", []string{"family_name", "given_name"}},
		{"Muhamed al-Hassan", "sound", "", []string{"family_name", "given_name"}},
		{"hasan Мухаммед", "sound", "", []string{"family_name", "given_name"}},
		{"0700000001", "exact", "", []string{"family_name", "given_name", "mobile_phone"}},
		{"HH-1001", "exact", "exact", []string{"number"}},
		{"HH-100", "", "", nil},
		{"محمد Heron", "", "", nil},
	} {
		for _, who := range []struct{ staff, want string }{{full.Staff, tc.full}, {plain.Staff, tc.plain}, {none.Staff, ""}} {
			found, more := searchFor(t, h, who.staff, tc.text)
			switch {
			case more, len(found) > 1, (len(found) == 1) != (who.want != ""):
				t.Errorf("%q: %+v, want %q", tc.text, found, who.want)
			case len(found) == 1 && (string(found[0].Match) != who.want || found[0].Case != caseID):
				t.Errorf("%q: %+v, want %q", tc.text, found, who.want)
			}
			if len(found) == 1 && who.staff == full.Staff {
				var shown []string
				for f := range found[0].V {
					shown = append(shown, f)
				}
				if slices.Sort(shown); !slices.Equal(shown, tc.fields) {
					t.Errorf("%q shows %v, want %v", tc.text, shown, tc.fields)
				}
			}
		}
	}
}

// One and the same hub answers, byte for byte, as it did before there was
// anything that the asker may not see: in what is found, its order, its number
// and whether there is more.
func TestHiddenRecordsHaveNoPartInASearch(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	names := []string{"Fatima", "فاطمة", "Fatma", "Mohammed", "محمد", "Mahmoud", "Yusuf", "Юсуф", "Li", "李", "秀英", "Selam", "ሰላም", "Hasan"}
	some := func() string { return names[r.IntN(len(names))] }
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	const mine = 60
	for n := range mine {
		if n%3 == 0 { // the name is not theirs to see
			namedCase(t, h, n, "Alias "+some(), some(), some(), worker.Staff, care.General)
		} else {
			namedCase(t, h, n, "Alias "+some(), some(), some(), worker.Staff, care.General, care.Identity)
		}
	}
	queries := []string{"al", "alias", "Alias Fatima", "HH-1003", "HH-2003", "0700000003", "0700001003", "nobody", "fat", "Moh", "Hasan Li"}
	for range 25 {
		queries = append(queries, some(), some()+" "+some())
	}
	ask := func() []string {
		var out []string
		for _, q := range queries {
			found, more := searchFor(t, h, worker.Staff, q)
			b, err := json.Marshal([]any{found, more})
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, string(b))
		}
		return out
	}
	before, noted := ask(), events(t, h)
	per := events(t, h)
	ask()
	per = events(t, h) - per // what the same searches note
	for n := range 40 {      // of the same names, and of others' teams
		namedCase(t, h, 1000+n, "Alias "+some(), some(), some(), worker.Staff)
	}
	if after := ask(); !slices.Equal(before, after) {
		for i := range queries {
			if before[i] != after[i] {
				t.Errorf("%q: %s, and with what is hidden: %s", queries[i], before[i], after[i])
			}
		}
	}
	start := events(t, h)
	ask()
	if got := events(t, h) - start; got != per {
		t.Errorf("the same searches note %d events beside what is hidden, %d without (of %d)", got, per, noted)
	}
	if !strings.Contains(strings.Join(before, ""), `identities`) || !strings.Contains(strings.Join(before, ""), "true]") {
		t.Error("nobody was found, or never too many: the test proves nothing")
	}
}

func events(t testing.TB, h *hubtest.Hub) (n int) {
	t.Helper()
	if err := h.App().DB().NewQuery(`SELECT COUNT(*) FROM audit_leaves`).Row(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// The index follows what is committed and nothing else.
func TestTheIndexFollowsTheDoor(t *testing.T) {
	h, worker, d := newOpenCase(t)
	found := func(text string) int {
		l, _ := searchFor(t, h, worker.Staff, text)
		return len(l)
	}
	if found("heron") != 1 {
		t.Fatal("the alias is not found")
	}
	set := func(alias string) map[string]care.Value { return map[string]care.Value{"alias": care.OfText(alias)} }
	base := map[string][]fieldsync.Dot{"alias": {fieldsync.DotOf(d.replica, 2)}}
	r := d.send(t, h, d.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Base: base, Set: set("Kestrel"), Group: "g"}),
		d.change(t, h, fieldsync.Change{Collection: "moon_phases", Record: h.NewID(), Set: set("x"), Group: "g"}))
	if r[0].Status != fieldsync.StatusHeld || found("kestrel") != 0 || found("heron") != 1 {
		t.Errorf("a group that fell left a trace: %+v", r)
	}
	d.send(t, h, d.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Base: base, Set: set("Red Kite")}))
	if found("kite") != 1 || found("heron") != 0 {
		t.Error("a new alias is not found, or the old one still is")
	}
}

// Names come and are looked for at once; the race detector looks on.
func TestSearchesWhileNamesCome(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	actor := h.Reload(t, worker.Staff)
	var searching sync.WaitGroup
	for range 4 {
		searching.Go(func() {
			for range 20 {
				if _, _, err := h.Search(context.Background(), actor, "alias"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for n := range 20 {
		namedCase(t, h, n, "Alias", "Fatima", "Haddad", worker.Staff, care.General)
	}
	searching.Wait()
	if found, _ := searchFor(t, h, worker.Staff, "alias"); len(found) != 20 {
		t.Errorf("%d of 20 are found", len(found))
	}
}

// Each search is in the audit log with every record that it shows, by the
// grant that lets it; one that shows nothing is there too.
func TestSearchesAreInTheAuditLog(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	for n, alias := range []string{"Blue Heron", "Grey Heron", "Red Kite"} {
		namedCase(t, h, n, alias, "", "", worker.Staff, care.General)
	}
	for text, want := range map[string]int{"heron": 2, "kite": 1, "nobody": 1} {
		before := events(t, h)
		searchFor(t, h, worker.Staff, text)
		if got := events(t, h) - before; got != want {
			t.Errorf("%s: %d events in the audit log, want %d", text, got, want)
		}
	}
	// What cannot be noted is not shown.
	if _, err := h.App().NonconcurrentDB().NewQuery(`CREATE TRIGGER full BEFORE INSERT ON audit_leaves BEGIN SELECT RAISE(ABORT, 'no room'); END`).Execute(); err != nil {
		t.Fatal(err)
	}
	found, _, err := h.Search(context.Background(), h.Reload(t, worker.Staff), "heron")
	if err == nil || len(found) > 0 {
		t.Errorf("shown without the audit log: %+v, %v", found, err)
	}
	if _, err := h.App().NonconcurrentDB().NewQuery(`DROP TRIGGER full`).Execute(); err != nil {
		t.Fatal(err)
	}
}

// An erasure takes a person's names out of memory too: what is left there is
// what a new reading of the store finds.
func TestErasedPeopleAreNotFound(t *testing.T) {
	h := hubtest.New(t)
	e := newErasable(t, h)
	var alias string
	for _, d := range e.w.Case(0).Drafts {
		if d.Collection == "survivors" {
			alias = d.Set["alias"].Text()
		}
	}
	search := func() int {
		found, _, err := h.Search(t.Context(), h.HubActor(), alias)
		if err != nil {
			t.Fatal(err)
		}
		return len(slices.DeleteFunc(found, func(f collections.Found) bool { return f.Case != e.gone }))
	}
	if search() == 0 {
		t.Fatalf("%s is not found", alias)
	}
	records, words := h.NamesKept()
	e.agree(t)
	if _, err := h.Erase(t.Context(), e.asks, e.gone, ""); err != nil {
		t.Fatal(err)
	}
	lessRecords, lessWords := h.NamesKept()
	if search() != 0 || lessRecords >= records || lessWords >= words {
		t.Errorf("of %d records and %d words %d and %d are left", records, words, lessRecords, lessWords)
	}
	h.ForgetNames()
	if search() != 0 {
		t.Error("a new reading finds an erased person")
	}
	if r, w := h.NamesKept(); r != lessRecords || w != lessWords {
		t.Errorf("%d records and %d words were left, a new reading has %d and %d", lessRecords, lessWords, r, w)
	}
}

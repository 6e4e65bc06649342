package tablet_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/tablet"
)

// TestAHalfFilledForm: what a worker has not saved goes to their other tablets
// and to nobody else, closes with their access, is lost by nothing, and ends
// when it is saved, discarded, or after notice.
func TestAHalfFilledForm(t *testing.T) {
	b := newBench(t)
	for _, promise := range []struct {
		name string
		kept func(*testing.T, *bench)
	}{
		{"is finished on another tablet of its author", formIsFinishedElsewhere},
		{"is kept twice where two tablets did not know of each other", formOnTwoTablets},
		{"of a case that nobody has saved", formOfANewCase},
		{"closes part by part", formCloses},
		{"is delivered by a tablet that ended", formOfAnEndedTablet},
		{"ends after notice", formEnds},
	} {
		t.Run(promise.name, func(t *testing.T) { promise.kept(t, b) })
	}
	faults, err := b.Verify(t.Context(), func(collections.Count) {})
	if err != nil || len(faults) > 0 {
		t.Errorf("verify: %v, %v", faults, err)
	}
}

func filled(pairs ...string) map[string]json.RawMessage {
	m := map[string]json.RawMessage{}
	for i := 0; i < len(pairs); i += 2 {
		b, err := json.Marshal(pairs[i+1])
		if err != nil {
			panic(err)
		}
		m[pairs[i]] = b
	}
	return m
}

func saveDraft(t *testing.T, tab *tablet.Tablet, f tablet.Form) string {
	t.Helper()
	id, err := tab.SaveDraft(t.Context(), f)
	if err != nil {
		t.Fatalf("keeping a form: %v", err)
	}
	return id
}

func drafts(t *testing.T, tab *tablet.Tablet) []tablet.Form {
	t.Helper()
	list, err := tab.Drafts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// twoTablets are two of one person, who opened a case, and that case.
func twoTablets(t *testing.T, b *bench) (staff care.Actor, one, two *tablet.Tablet, caseID string) {
	t.Helper()
	staff, _ = b.Staff(t, care.Outreach)
	one, two = b.tablet(t, staff.Staff), b.tablet(t, staff.Staff)
	caseID, _ = intake(t, one)
	mustSync(t, one)
	mustSync(t, two)
	return staff, one, two, caseID
}

func formIsFinishedElsewhere(t *testing.T, b *bench) {
	_, one, two, caseID := twoTablets(t, b)
	other, _ := b.Staff(t, care.Outreach)
	b.grant(t, other.Staff, caseID, care.General)
	colleague := b.tablet(t, other.Staff)
	f := tablet.Form{Collection: "notes", Case: caseID, Fields: filled("text", "Ocelot half a sen", "occurred_at", "2026-11")}
	f.ID = saveDraft(t, one, f)
	f.Fields = filled("text", "Ocelot half a sentence", "occurred_at", "2026-11")
	saveDraft(t, one, f)
	if list := drafts(t, one); len(list) != 1 || string(list[0].Fields["text"]) != `"Ocelot half a sentence"` || !list[0].Unsent {
		t.Fatalf("%+v", list)
	}
	mustSync(t, one)
	for _, tab := range []*tablet.Tablet{two, colleague} {
		mustSync(t, tab)
	}
	if list := drafts(t, colleague); len(list) != 0 {
		t.Errorf("a colleague holds it: %+v", list)
	}
	list := drafts(t, two)
	if len(list) != 1 || string(list[0].Fields["text"]) != `"Ocelot half a sentence"` || list[0].Unsent || list[0].Until == "" || len(list[0].Others) > 0 {
		t.Fatalf("on the other tablet: %+v", list)
	}
	list[0].Fields["text"] = json.RawMessage(`"Ocelot on the other tablet"`)
	saveDraft(t, two, list[0])
	mustSync(t, two)
	mustSync(t, one)
	if list := drafts(t, one); len(list) != 1 || string(list[0].Fields["text"]) != `"Ocelot on the other tablet"` || len(list[0].Others) > 0 {
		t.Fatalf("back on the first: %+v", list)
	}
	edit := set("kind", "visit", "text", "Ocelot, saved")
	edit.Draft = f.ID
	note := mustNew(t, one, "notes", caseID, edit)
	if note != list[0].Record {
		t.Errorf("it became %s, and was to become %s", note, list[0].Record)
	}
	mustSync(t, one)
	mustSync(t, two)
	if len(drafts(t, one))+len(drafts(t, two)) > 0 || show(t, two, note).Get("text").Text() != "Ocelot, saved" {
		t.Error("a form that was saved is there still")
	}
}

func formOnTwoTablets(t *testing.T, b *bench) {
	_, one, two, caseID := twoTablets(t, b)
	f := tablet.Form{Collection: "notes", Case: caseID, Fields: filled("text", "both")}
	f.ID = saveDraft(t, one, f)
	mustSync(t, one)
	mustSync(t, two)
	f = drafts(t, two)[0]
	for tab, text := range map[*tablet.Tablet]string{one: "left", two: "right"} {
		f.Fields = filled("text", text)
		saveDraft(t, tab, f)
	}
	for range 2 {
		mustSync(t, one)
		mustSync(t, two)
	}
	for _, tab := range []*tablet.Tablet{one, two} {
		list := drafts(t, tab)
		if len(list) != 1 || len(list[0].Others["text"]) != 1 || string(list[0].Fields["text"])+string(list[0].Others["text"][0]) != `"right""left"` && string(list[0].Fields["text"])+string(list[0].Others["text"][0]) != `"left""right"` {
			t.Fatalf("%+v", list)
		}
	}
	f.Fields = filled("text", "left and right")
	saveDraft(t, two, f)
	mustSync(t, two)
	mustSync(t, one)
	if list := drafts(t, one); len(list) != 1 || len(list[0].Others) > 0 || string(list[0].Fields["text"]) != `"left and right"` {
		t.Fatalf("once somebody saw both: %+v", list)
	}
	if err := one.DropDraft(t.Context(), f.ID); err != nil {
		t.Fatal(err)
	}
	mustSync(t, one)
	mustSync(t, two)
	if len(drafts(t, one))+len(drafts(t, two)) > 0 {
		t.Error("what was discarded is there still")
	}
}

func formOfANewCase(t *testing.T, b *bench) {
	_, one, two, _ := twoTablets(t, b)
	id := saveDraft(t, one, tablet.Form{Collection: "cases", Fields: filled("risk_level", "hi")})
	mustSync(t, one)
	mustSync(t, two)
	list := drafts(t, two)
	if len(list) != 1 || list[0].Case != list[0].Record {
		t.Fatalf("%+v", list)
	}
	edit := set("status", "Active", "risk_level", "high")
	edit.Draft = id
	made := mustNew(t, two, "cases", "", edit)
	mustSync(t, two)
	mustSync(t, one)
	if made != list[0].Case || len(drafts(t, one)) > 0 || show(t, one, made).Get("risk_level").Text() != "high" {
		t.Error("the case is not what the form was about")
	}
}

func formCloses(t *testing.T, b *bench) {
	first := b.tablet(t, func() string { a, _ := b.Staff(t, care.Outreach); return a.Staff }())
	caseID, _ := intake(t, first)
	mustSync(t, first)
	nurse, _ := b.Staff(t, care.HealthWorker)
	b.grant(t, nurse.Staff, caseID, care.General)
	health := b.NewID()
	b.Must(t, b.HubActor(), collections.Draft{Collection: "grants", Record: health, Case: caseID, Set: map[string]care.Value{"staff": care.OfText(nurse.Staff),
		"compartment": care.OfText(string(care.Health)), "status": care.OfText("active"), "until": care.OfTime(b.Clock.Now().Add(40 * time.Hour))}})
	dir := t.TempDir()
	one, two := open(t, dir, b.Clock.Now), b.tablet(t, nurse.Staff)
	if err := one.Enrol(t.Context(), b.url, b.Code(t, nurse.Staff), owner(t, b, nurse.Staff)); err != nil {
		t.Fatal(err)
	}
	mustSync(t, one)
	f := tablet.Form{Collection: "notes", Case: caseID, Fields: filled("text", "Tapir seen", "health_text", "Capybara fever")}
	f.ID = saveDraft(t, one, f)
	mustSync(t, one)
	mustSync(t, two)
	if list := drafts(t, two); len(list) != 1 || len(list[0].Fields) != 2 {
		t.Fatalf("%+v", list)
	}
	f.Fields = filled("text", "Tapir seen", "health_text", "Capybara, not sent")
	saveDraft(t, one, f)
	b.Must(t, b.HubActor(), collections.Draft{Collection: "grants", Record: health, Set: map[string]care.Value{"status": care.OfText("ended")}})
	mustSync(t, one)
	mustSync(t, two)
	for _, tab := range []*tablet.Tablet{one, two} {
		if list := drafts(t, tab); len(list) != 1 || len(list[0].Fields) != 1 || string(list[0].Fields["text"]) != `"Tapir seen"` {
			t.Errorf("without the grant: %+v", list)
		}
	}
	if holds(t, dir, "Capybara") || holds(t, dir, "Tapir") {
		t.Error("it lies in clear")
	}
	if n, err := one.DraftsUnsent(t.Context()); n != 0 || err != nil {
		t.Errorf("%d snapshots were not delivered: %v", n, err)
	}
	// What came sealed is kept for the day on which the grant is given again.
	b.grant(t, nurse.Staff, caseID, care.Health)
	mustSync(t, two)
	if list := drafts(t, two); len(list) != 1 || string(list[0].Fields["health_text"]) != `"Capybara, not sent"` {
		t.Errorf("given again: %+v", list)
	}
}

func formOfAnEndedTablet(t *testing.T, b *bench) {
	_, one, two, caseID := twoTablets(t, b)
	saveDraft(t, one, tablet.Form{Collection: "notes", Case: caseID, Fields: filled("text", "before the wipe")})
	if err := one.Empty(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := one.DraftsUnsent(t.Context()); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	id, err := one.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.Sync(t.Context()); !errors.Is(err, tablet.ErrEnded) {
		t.Fatal(err)
	}
	if one.Guarded() {
		t.Error("the key is there still")
	}
	state, err := b.DeviceState(t.Context(), b.HubActor(), id.Device)
	if err != nil || state.Owed != 0 {
		t.Errorf("%+v, %v", state, err)
	}
	mustSync(t, two)
	if list := drafts(t, two); len(list) != 1 || string(list[0].Fields["text"]) != `"before the wipe"` {
		t.Errorf("%+v", list)
	}
}

func formEnds(t *testing.T, b *bench) {
	staff, one, two, caseID := twoTablets(t, b)
	saveDraft(t, one, tablet.Form{Collection: "notes", Case: caseID, Fields: filled("text", "left lying")})
	mustSync(t, one)
	mustSync(t, two)
	tasks := func() int {
		rows, err := b.List(t.Context(), b.HubActor(), collections.Query{Collection: "tasks", Case: caseID})
		if err != nil {
			t.Fatal(err)
		}
		return len(slices.DeleteFunc(rows, func(r care.Row) bool { return r.Text("rule") != "form_unfinished" || r.Text("assignee") != staff.Staff }))
	}
	b.Clock.Move(collections.DraftTerm - collections.DraftNotice - time.Hour)
	if err := b.Tend(t.Context()); err != nil || tasks() != 0 {
		t.Fatalf("too early: %v", err)
	}
	b.Clock.Move(2 * time.Hour)
	for range 2 {
		if err := b.Tend(t.Context()); err != nil || tasks() != 1 {
			t.Fatalf("%d notices, %v", tasks(), err)
		}
	}
	b.Clock.Move(collections.DraftNotice)
	if err := b.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := two.Enrol(t.Context(), b.url, b.Code(t, staff.Staff), owner(t, b, staff.Staff)); err != nil {
		t.Fatal(err) // 90 days on
	}
	mustSync(t, two)
	if list := drafts(t, two); len(list) > 0 {
		t.Errorf("%+v", list)
	}
}

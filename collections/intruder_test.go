package collections_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// What a person with a tablet and bad intentions tries, and what must come of it.

func grant(staff string, c care.Compartment, until time.Time) map[string]care.Value {
	return map[string]care.Value{"staff": care.OfText(staff), "compartment": care.OfText(string(c)), "until": care.OfTime(until), "status": care.OfText("active")}
}

func pulled(t *testing.T, h *hubtest.Hub, staff, cursor string) string {
	t.Helper()
	var b bytes.Buffer
	if err := h.Pull(context.Background(), h.Reload(t, staff), cursor, func(line []byte) error {
		b.Write(line)
		return b.WriteByte('\n')
	}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// One id in two collections would be two records that hide each other on every
// tablet.
func TestAnIDOfAnotherCollectionIsNotTakenAgain(t *testing.T) {
	h, worker, d := newOpenCase(t)
	r := d.send(t, h, d.change(t, h, fieldsync.Change{Collection: "notes", Record: survivorID, Case: caseID, Set: map[string]care.Value{
		"kind": care.OfText("visit"), "text": care.OfText("in its place")}}))
	if r[0].Status != fieldsync.StatusHeld {
		t.Errorf("a note with the id of a survivor: %+v", r)
	}
	if out := pulled(t, h, worker.Staff, ""); !strings.Contains(out, "Blue Heron") {
		t.Error("the survivor is gone from what tablets pull")
	}
}

func TestWhoIsOnThePlainPartOfACaseDoesNotOpenTheRestByOwningIt(t *testing.T) {
	h := hubtest.New(t)
	owner, _ := h.Staff(t, care.Outreach)
	d := enrol(t, h, owner)
	openCase(t, h, d)
	officer, _ := h.Staff(t, care.ProtectionOfficer)
	ownedSince := map[string][]fieldsync.Dot{"owner": {fieldsync.DotOf(d.replica, 1)}}
	for _, role := range []care.Role{care.Outreach, care.Coordinator} {
		guest, _ := h.Staff(t, role)
		h.Must(t, officer, collections.Draft{Collection: "grants", Case: caseID, Set: grant(guest.Staff, care.General, h.Clock.Now().Add(time.Hour))})
		g := enrol(t, h, guest)
		r := g.send(t, h, g.change(t, h, fieldsync.Change{Collection: "cases", Record: caseID, Base: ownedSince,
			Set: map[string]care.Value{"owner": care.OfText(guest.Staff)}}))
		ownedSince = map[string][]fieldsync.Dot{"owner": {fieldsync.DotOf(g.replica, 1)}}
		if r[0].Status == fieldsync.StatusConflict {
			t.Fatalf("taking the case: %+v", r)
		}
		for _, have := range h.Reload(t, guest.Staff).Grants {
			if have.Compartment != care.General {
				t.Errorf("%s took the case and with it %s", role, have.Compartment)
			}
		}
	}
}

func TestNobodyOfAnotherOrganisationIsGranted(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	openCase(t, h, enrol(t, h, worker))
	coordinator, _ := h.Staff(t, care.Coordinator)
	other := "01930000-0000-7000-8000-000000000002"
	h.Must(t, h.HubActor(), collections.Draft{Collection: "organisations", Record: other, Org: other, Set: map[string]care.Value{
		"name": care.OfText("Elsewhere"), "kind": care.OfText("NGO"), "country": care.OfText("KE"), "time_zone": care.OfText("Africa/Nairobi")}})
	stranger, err := h.AddAccount(context.Background(), h.HubActor(), collections.NewAccount{Login: "stranger", Password: hubtest.Password,
		DisplayName: "Invented", Roles: []care.Role{care.Outreach}, Org: other})
	if err != nil {
		t.Fatal(err)
	}
	r, err := h.Do(context.Background(), h.Reload(t, coordinator.Staff), collections.Draft{Collection: "grants", Case: caseID,
		Set: grant(stranger, care.General, h.Clock.Now().Add(time.Hour))})
	if err != nil {
		t.Fatal(err)
	}
	if r[0].Status != fieldsync.StatusHeld {
		t.Errorf("a grant to somebody of another organisation: %+v", r)
	}
	if out := pulled(t, h, stranger, ""); strings.Contains(out, "Blue Heron") {
		t.Error("the other organisation pulls the case")
	}
}

func TestATabletWhoseRecordSaysRevokedIsRevoked(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	coordinator, _ := h.Staff(t, care.Coordinator)
	d := enrol(t, h, worker)
	device := d.deviceOf(t, h)
	h.Must(t, coordinator, collections.Draft{Collection: "devices", Record: device, Set: map[string]care.Value{"status": care.OfText("revoked")}})
	if ok, err := h.DeviceEnrolled(context.Background(), device); err != nil || ok {
		t.Errorf("the tablet goes on: %v, %v", ok, err)
	}
}

func TestEveryHeldChangeIsOnSomebodysWorklist(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	coordinator, _ := h.Staff(t, care.Coordinator)
	outsider, _ := h.Staff(t, care.Outreach)
	d := enrol(t, h, worker)
	newID := h.NewID
	held := []fieldsync.Change{
		{Collection: "moon_phases", Record: newID(), Case: newID(), Set: map[string]care.Value{"a": care.OfText("b")}},
		{Collection: "moon_phases", Record: newID(), Set: map[string]care.Value{"a": care.OfText("b")}},
		{Collection: "survivors", Record: newID(), Case: newID(), Set: map[string]care.Value{"alias": care.OfText("b")}},
		{Collection: "survivors", Record: newID(), Set: map[string]care.Value{"alias": care.OfText("b")}},
		{Collection: "facilities", Record: newID(), Set: map[string]care.Value{"alias": care.OfText("b")}},
	}
	for _, c := range held {
		r := d.send(t, h, d.change(t, h, c))
		if r[0].Status != fieldsync.StatusHeld {
			t.Fatalf("%s: %+v", c.Collection, r)
		}
		for _, who := range []care.Actor{worker, coordinator} {
			list, err := h.Worklist(context.Background(), h.Reload(t, who.Staff))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(list.Held, func(w collections.WorkItem) bool { return w.Seq == r[0].Seq }) {
				t.Errorf("%v does not see that a change of %s waits", who.Roles, c.Collection)
			}
		}
		list, err := h.Worklist(context.Background(), h.Reload(t, outsider.Staff))
		if err != nil {
			t.Fatal(err)
		}
		if c.Collection != "facilities" && slices.ContainsFunc(list.Held, func(w collections.WorkItem) bool { return w.Seq == r[0].Seq }) {
			t.Errorf("a colleague sees that a change of %s waits", c.Collection)
		}
	}
}

// A receipt must not say whether a record that its author may not see exists.
func TestAReceiptDoesNotTellWhatExists(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	openCase(t, h, enrol(t, h, worker))
	stranger, _ := h.Staff(t, care.Outreach)
	s := enrol(t, h, stranger)
	tries := func(caseOf, record string) []fieldsync.Change {
		alias := map[string]care.Value{"alias": care.OfText("x")}
		return []fieldsync.Change{
			{Collection: "survivors", Record: record, Set: alias},
			{Collection: "survivors", Record: record, Case: caseOf, Set: alias},
			{Collection: "survivors", Record: record, Case: "01930000-0000-7000-8000-00000000c0ff", Set: alias},
			{Collection: "survivors", Record: record, Case: caseOf},
			{Collection: "survivors", Record: record, Case: caseOf, Set: map[string]care.Value{"not_a_field": care.OfText("x")}},
			{Collection: "survivors", Record: record, Case: caseOf, Set: map[string]care.Value{"alias": care.Value("7")}},
			{Collection: "cases", Record: caseOf, Case: record, Set: map[string]care.Value{"status": care.OfText("Active")}},
			{Collection: "notes", Record: record, Case: caseOf, Set: map[string]care.Value{"kind": care.OfText("visit")}},
		}
	}
	there, missing := tries(caseID, survivorID), tries("01930000-0000-7000-8000-00000000c00f", "01930000-0000-7000-8000-00000000d00f")
	for i := range there {
		a := s.send(t, h, s.change(t, h, there[i]))[0]
		b := s.send(t, h, s.change(t, h, missing[i]))[0]
		if a.Status != b.Status || !slices.Equal(a.Held, b.Held) || !slices.Equal(a.Conflicts, b.Conflicts) {
			t.Errorf("try %d: %+v for what is there, %+v for what is not", i, a, b)
		}
	}
}

// Whoever sends a thousand changes that must be held does not push what others
// have to decide out of sight.
func TestManyHeldChangesHideNoConflict(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	stranger, _ := h.Staff(t, care.Outreach)
	d, s := enrol(t, h, worker), enrol(t, h, stranger)
	openCase(t, h, d)
	for range collections.WorklistMax/fieldsync.PushChangesMax + 1 {
		changes := make([]json.RawMessage, fieldsync.PushChangesMax)
		for i := range changes {
			changes[i] = s.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"alias": care.OfText("x")}})
		}
		s.send(t, h, changes...)
	}
	base := map[string][]fieldsync.Dot{"alias": {fieldsync.DotOf(d.replica, 2)}}
	for _, alias := range []string{"Grey Heron", "Red Kite"} {
		d.send(t, h, d.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Base: base, Set: map[string]care.Value{"alias": care.OfText(alias)}}))
	}
	list, err := h.Worklist(context.Background(), h.Reload(t, worker.Staff))
	if err != nil || len(list.Conflicts) != 1 || len(list.Held) != collections.WorklistMax || !list.More {
		t.Errorf("%d conflicts and %d held changes, more: %v, %v", len(list.Conflicts), len(list.Held), list.More, err)
	}
}

// A record of staff that somebody wrote, without an account from the console,
// is nobody: or one coordinator could be a nurse and a lawyer too.
func TestAnInventedColleagueGetsNoTablet(t *testing.T) {
	h := hubtest.New(t)
	coordinator, _ := h.Staff(t, care.Coordinator)
	invented := h.NewID()
	h.Must(t, coordinator, collections.Draft{Collection: "staff", Record: invented,
		Set: map[string]care.Value{"display_name": care.OfText("Invented"), "status": care.OfText("active")}, Add: map[string][]string{"roles": {string(care.HealthWorker)}}})
	if _, err := h.NewEnrolment(context.Background(), coordinator, invented); !errors.Is(err, care.ErrNotFound) {
		t.Errorf("a code for a colleague who was invented: %v", err)
	}
	if _, err := h.NewEnrolment(context.Background(), h.HubActor(), coordinator.Staff); err != nil {
		t.Errorf("a code for somebody who works here: %v", err)
	}
}

// A push may be under way for twenty minutes; what its author lost meanwhile
// is lost.
func TestASlowRequestEndsWithTheRightsOfItsEnd(t *testing.T) {
	h, ctx := hubtest.New(t), context.Background()
	worker, _ := h.Staff(t, care.Outreach)
	guest, _ := h.Staff(t, care.Outreach)
	d, g := enrol(t, h, worker), enrol(t, h, guest)
	openCase(t, h, d)
	id := h.NewID()
	h.Must(t, h.HubActor(), collections.Draft{Collection: "grants", Record: id, Case: caseID, Set: grant(guest.Staff, care.General, h.Clock.Now().Add(time.Hour))})
	before := h.Reload(t, guest.Staff)
	before.Device = g.actor.Device
	h.Must(t, h.HubActor(), collections.Draft{Collection: "grants", Record: id, Set: map[string]care.Value{"status": care.OfText("ended")}})
	if _, err := h.Push(ctx, before, g.push(g.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"alias": care.OfText("x")}}))); err != nil {
		t.Fatal(err)
	}
	if row, err := h.Read(ctx, h.HubActor(), "survivors", survivorID); err != nil || row.Text("alias") != "Blue Heron" {
		t.Errorf("a grant that had ended wrote %q, %v", row.Text("alias"), err)
	}
	if err := h.RevokeDevice(ctx, h.HubActor(), before.Device); err != nil {
		t.Fatal(err)
	}
	last := g.push(g.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"alias": care.OfText("y")}}))
	receipts, err := h.Push(ctx, before, last)
	if err != nil || len(receipts) != 1 || !bytes.Contains(receipts[0], []byte(collections.HeldRevoked)) {
		t.Errorf("what a revoked tablet delivers is held: %s, %v", receipts, err)
	}
	if err := h.Pull(ctx, before, "", func([]byte) error { return nil }); !errors.Is(err, collections.ErrToken) {
		t.Errorf("a revoked tablet finishes its pull: %v", err)
	}
}

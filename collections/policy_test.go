package collections_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// colleague gives another worker the compartments of the case and returns
// their tablet.
func colleague(t testing.TB, h *hubtest.Hub, compartments ...string) *tabletSide {
	t.Helper()
	coordinator, _ := h.Staff(t, care.Coordinator)
	other, _ := h.Staff(t, care.Outreach)
	for _, c := range compartments {
		h.Must(t, coordinator, collections.Draft{Collection: "grants", Case: caseID, Set: map[string]care.Value{
			"staff": care.OfText(other.Staff), "compartment": care.OfText(c), "status": care.OfText("active"),
			"until": care.OfTime(hubtest.Start.Add(48 * time.Hour)), "granted_by": care.OfText(coordinator.Staff)}})
	}
	return enrol(t, h, other)
}

func inForce(t testing.TB, h *hubtest.Hub, collection, id, field string) care.Value {
	t.Helper()
	row, err := h.Read(context.Background(), h.HubActor(), collection, id)
	if err != nil {
		t.Fatalf("reading %s: %v", collection, err)
	}
	return row.Get(field)
}

// Two tablets work offline from the same state; what the hub makes of it is
// the policy of the field, whichever arrives first.
func TestTheFivePolicies(t *testing.T) {
	const medicineID = "01930000-0000-7000-8000-00000000f001"
	tests := []struct {
		name, collection, id, field string
		first, second               string // two concurrent values
		want                        string // in force after both
		status                      string // of the second's receipt
	}{
		{"latest: the later clock stands", "survivors", survivorID, "alias", "Grey Heron", "Red Kite", "Red Kite", fieldsync.StatusConflict},
		{"ask: the hub's value stays", "medicines", medicineID, "dose", "1 tablet", "2 tablets", "1 tablet", fieldsync.StatusConflict},
		{"safer: the protective value is in force", "cases", caseID, "risk_level", "high", "low", "high", fieldsync.StatusConflict},
		{"safer: also when it comes second", "cases", caseID, "risk_level", "low", "high", "high", fieldsync.StatusConflict},
		{"the same value is no conflict", "survivors", survivorID, "alias", "Red Kite", "Red Kite", "Red Kite", fieldsync.StatusApplied},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			h := hubtest.New(t)
			worker, _ := h.Staff(t, care.Outreach)
			d := enrol(t, h, worker)
			openCase(t, h, d)
			d.send(t, h, d.change(t, h, fieldsync.Change{Collection: "medicines", Record: medicineID, Case: caseID, Set: map[string]care.Value{
				"substance": care.OfText("paracetamol"), "status": care.OfText("active")}}))
			other := colleague(t, h, "general", "health")
			base := map[string][]fieldsync.Dot{}
			if tc.field == "alias" {
				base["alias"] = []fieldsync.Dot{fieldsync.DotOf(d.replica, 2)}
			}
			write := func(side *tabletSide, v string) fieldsync.Receipt {
				return side.send(t, h, side.change(t, h, fieldsync.Change{Collection: tc.collection, Record: tc.id,
					Base: base, Set: map[string]care.Value{tc.field: care.OfText(v)}}))[0]
			}
			if r := write(d, tc.first); r.Status != fieldsync.StatusApplied {
				t.Fatalf("the first: %+v", r)
			}
			if r := write(other, tc.second); r.Status != tc.status {
				t.Errorf("the second: %+v, want %s", r, tc.status)
			}
			if got := inForce(t, h, tc.collection, tc.id, tc.field).Text(); got != tc.want {
				t.Errorf("in force is %q, want %q", got, tc.want)
			}
		})
	}
}

func TestSetsKeepBothAndWrittenOnceIsHeld(t *testing.T) {
	h, worker, d := newOpenCase(t)
	other := colleague(t, h, "general")
	for _, s := range []struct {
		side     *tabletSide
		language string
	}{{d, "am"}, {other, "ti"}} {
		s.side.send(t, h, s.side.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Add: map[string][]string{"languages": {s.language}}}))
	}
	if got := inForce(t, h, "survivors", survivorID, "languages"); !got.Equal(care.OfList("am", "ti")) {
		t.Errorf("two additions give %s", got)
	}
	note := "01930000-0000-7000-8000-00000000f002"
	e, _ := care.Find("notes")
	set := map[string]care.Value{"text": care.OfText("came in at night")}
	for i := range e.Fields {
		if f := &e.Fields[i]; f.Required && f.Name != "text" {
			codes, _ := care.FindCodes(f.Codes)
			set[f.Name] = care.OfText(codes.Codes[0])
		}
	}
	if r := d.send(t, h, d.change(t, h, fieldsync.Change{Collection: "notes", Record: note, Case: caseID, Set: set})); r[0].Status != fieldsync.StatusApplied {
		t.Fatalf("a note: %+v", r)
	}
	r := other.send(t, h, other.change(t, h, fieldsync.Change{Collection: "notes", Record: note, Set: map[string]care.Value{"text": care.OfText("never came")}}))
	if r[0].Status != fieldsync.StatusHeld || r[0].Held[0].Reason != fieldsync.HeldWrittenOnce {
		t.Errorf("a second writing of a note: %+v", r)
	}
	list, err := h.Worklist(context.Background(), h.Reload(t, worker.Staff))
	if err != nil || len(list.Held) != 1 {
		t.Errorf("what was held is on the worklist: %+v, %v", list, err)
	}
}

func TestAGroupStandsOrFallsTogether(t *testing.T) {
	h, _, d := newOpenCase(t)
	good := d.change(t, h, fieldsync.Change{Group: "g1", Collection: "survivors", Record: survivorID, Base: map[string][]fieldsync.Dot{"alias": {fieldsync.DotOf(d.replica, 2)}},
		Set: map[string]care.Value{"alias": care.OfText("Red Kite")}})
	bad := d.change(t, h, fieldsync.Change{Group: "g1", Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"no_such_field": care.OfText("x")}})
	behind := d.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Add: map[string][]string{"languages": {"am"}}})
	r := d.send(t, h, good, bad, behind)
	if r[0].Status != fieldsync.StatusHeld || r[0].Held[0].Reason != collections.HeldGroup ||
		r[1].Status != fieldsync.StatusHeld || r[1].Held[0].Reason != collections.HeldUnknownField {
		t.Errorf("the group: %+v", r[:2])
	}
	if r[2].Status != fieldsync.StatusApplied {
		t.Errorf("what is behind a held change waits: %+v", r[2])
	}
	if got := inForce(t, h, "survivors", survivorID, "alias").Text(); got != "Blue Heron" {
		t.Errorf("a part of a held group stands: %q", got)
	}
}

func TestACodeEnrolsOnceAndOnlyForTenMinutes(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	ctx := context.Background()
	key := make([]byte, 32)
	code, err := h.NewEnrolment(ctx, h.HubActor(), worker.Staff)
	if err != nil {
		t.Fatal(err)
	}
	e, err := h.Enrol(ctx, " "+code+" ", h.Owner(t, worker.Staff), key, "t")
	if err != nil {
		t.Fatalf("a fresh code: %v", err)
	}
	if _, err := h.Enrol(ctx, code, h.Owner(t, worker.Staff), key, "t"); !errors.Is(err, collections.ErrCode) {
		t.Errorf("a used code: %v", err)
	}
	late, err := h.NewEnrolment(ctx, h.HubActor(), worker.Staff)
	if err != nil {
		t.Fatal(err)
	}
	h.Clock.Move(collections.EnrolmentTerm)
	if _, err := h.Enrol(ctx, late, h.Owner(t, worker.Staff), key, "t"); !errors.Is(err, collections.ErrCode) {
		t.Errorf("an old code: %v", err)
	}
	coordinator, _ := h.Staff(t, care.Coordinator)
	if ok, err := h.DeviceEnrolled(ctx, e.Device); err != nil || !ok {
		t.Fatalf("an enrolled device: %v, %v", ok, err)
	}
	if err := h.RevokeDevice(ctx, coordinator, e.Device); err != nil {
		t.Fatal(err)
	}
	if ok, err := h.DeviceEnrolled(ctx, e.Device); err != nil || ok {
		t.Errorf("a revoked device: %v, %v", ok, err)
	}
	if err := h.RevokeDevice(ctx, worker, e.Device); !errors.Is(err, collections.ErrNoPower) {
		t.Errorf("a worker revokes: %v", err)
	}
}

package collections_test

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// forms is somebody with two tablets, and what the hub keeps of theirs that they
// have not saved.
type forms struct {
	*hubtest.Hub
	key    *fieldsync.HubKey
	caseID string
	by     care.Actor
	clock  fieldsync.HLC
}

func newForms(t *testing.T, h *hubtest.Hub, caseID string) *forms {
	t.Helper()
	by, _ := h.Staff(t, care.Outreach)
	for _, c := range []care.Compartment{care.General, care.Location} {
		if care.MayHold(by.Roles, c) {
			h.Must(t, h.HubActor(), collections.Draft{Collection: "grants", Case: caseID, Set: grant(by.Staff, c, h.Clock.Now().AddDate(0, 1, 0))})
		}
	}
	return &forms{Hub: h, key: unsentKey(t, h, ""), caseID: caseID, by: by}
}

// snapshot seals a snapshot of a form as one of the tablets does.
func (f *forms) snapshot(t *testing.T, replica, draft string, part care.Compartment, text string, over ...fieldsync.DraftName) fieldsync.SealedDraft {
	t.Helper()
	f.clock = fieldsync.HLCOf(f.Clock.Now()) // which moves on
	field := map[care.Compartment]string{care.General: "text", care.Location: "security_text"}[part]
	form, err := json.Marshal(map[string]string{field: text})
	if err != nil {
		t.Fatal(err)
	}
	s := fieldsync.Snapshot{Draft: draft, Collection: "notes", Record: f.NewID(), Case: f.caseID, Part: part, Author: f.by.Staff,
		Clock: f.clock, At: care.FormatTime(f.Clock.Now()), Form: form}
	plain, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	public, err := base64.RawURLEncoding.DecodeString(f.key.Public)
	if err != nil {
		t.Fatal(err)
	}
	name := s.Name(replica)
	box, err := seal.SealIntake(public, seal.Place{Collection: "unsent_drafts", Record: replica, Field: name.String()}, plain)
	if err != nil {
		t.Fatal(err)
	}
	return fieldsync.SealedDraft{Name: name, Over: over, Key: f.key.ID, Box: box}
}

// brings has a tablet bring snapshots, and drop some.
func (f *forms) brings(t *testing.T, c collections.Contact, drop []fieldsync.DraftName, put ...fieldsync.SealedDraft) *fieldsync.DraftsSaid {
	t.Helper()
	said, err := f.TakeDrafts(t.Context(), c, &fieldsync.Drafts{Put: put, Drop: drop})
	if err != nil {
		t.Fatal(err)
	}
	return said
}

// kept is the names of what their author's next tablet is sent.
func (f *forms) kept(t *testing.T) (names []string) {
	t.Helper()
	var to formNames
	if err := f.Answer(t.Context(), f.Reload(t, f.by.Staff), collections.Ask{Drafts: &fieldsync.Drafts{}}, &to); err != nil {
		t.Fatal(err)
	}
	return to.names
}

// formNames takes the names of the forms in an answer.
type formNames struct {
	portions
	names []string
}

func (n *formNames) Line(line []byte) error {
	l, err := fieldsync.DecodeLine(line)
	if l.Draft != nil {
		n.names = append(n.names, l.Draft.Name)
	}
	return err
}

// TestAFormThatIsRefusedTakesNoPlace: where a person has as many as the hub
// keeps, what a new snapshot would replace stays.
func TestAFormThatIsRefusedTakesNoPlace(t *testing.T) {
	h, _, _ := newOpenCase(t)
	f := newForms(t, h, caseID)
	one := collections.Contact{Actor: f.by, Replica: h.NewID()}
	first := f.snapshot(t, one.Replica, h.NewID(), care.General, "short")
	f.brings(t, one, nil, first)
	long := strings.Repeat("x", 60_000)
	for n := 0; len(f.brings(t, one, nil, f.snapshot(t, one.Replica, h.NewID(), care.General, long)).Refused) == 0; n++ {
		if n > 100 {
			t.Fatal("there is no bound")
		}
	}
	two := collections.Contact{Actor: f.by, Replica: h.NewID()}
	for _, longer := range []fieldsync.SealedDraft{
		f.snapshot(t, one.Replica, first.Name.Draft, care.General, long),
		f.snapshot(t, two.Replica, first.Name.Draft, care.General, long, first.Name),
	} {
		said := f.brings(t, two, nil, longer)
		if said.Refused[longer.Name.String()] != collections.CodeDraftsTooMany || !slices.Contains(f.kept(t), first.Name.String()) {
			t.Errorf("%+v, and what it would replace is kept: %v", said, slices.Contains(f.kept(t), first.Name.String()))
		}
	}
}

// TestATabletThatHasEndedForgetsNoForm: what it brings stays beside what is
// there, and what it says was thrown away is not.
func TestATabletThatHasEndedForgetsNoForm(t *testing.T) {
	h, _, _ := newOpenCase(t)
	f := newForms(t, h, caseID)
	good := collections.Contact{Actor: f.by, Replica: h.NewID()}
	lost := collections.Contact{Actor: care.Actor{Staff: f.by.Staff, Org: f.by.Org}, Replica: h.NewID(), Ended: true}
	draft := h.NewID()
	theirs, own := f.snapshot(t, good.Replica, draft, care.General, "Half a sen"), f.snapshot(t, lost.Replica, h.NewID(), care.General, "Before it was lost")
	f.brings(t, good, nil, theirs, own)
	over := f.snapshot(t, lost.Replica, draft, care.General, "nothing", theirs.Name)
	later := f.snapshot(t, lost.Replica, own.Name.Draft, care.General, "nothing")
	f.brings(t, lost, []fieldsync.DraftName{theirs.Name, own.Name}, over, later)
	for _, d := range []fieldsync.SealedDraft{theirs, own, over, later} {
		if !slices.Contains(f.kept(t), d.Name.String()) {
			t.Errorf("%s is not kept", d.Name)
		}
	}
}

// TestAFormThatMeetsAnErasureIsNotKept: one that was opened before its part of
// the case was erased is of what was erased.
func TestAFormThatMeetsAnErasureIsNotKept(t *testing.T) {
	var p *partly
	meets := false
	h := openWith(t, hubtest.Dir(t), func(label string) {
		if !meets || label != "drafts opened" {
			return
		}
		meets = false
		if _, err := p.Erase(t.Context(), p.asks, p.caseID, care.Location); err != nil {
			t.Error(err)
		}
	})
	defer h.Close()
	p = newPartly(t, h)
	p.agree(t, care.Location)
	f := newForms(t, h, p.caseID)
	d := f.snapshot(t, h.NewID(), h.NewID(), care.Location, "The house behind the mill.")
	h.Clock.Move(1) // and only then
	meets = true
	said := f.brings(t, collections.Contact{Actor: f.by, Replica: d.Name.Replica}, nil, d)
	if meets || said.Refused[d.Name.String()] != collections.ErrErased.Code {
		t.Errorf("%+v", said)
	}
	if n := collections.PartKeysOf(t.Context(), h.Hub, p.caseID, care.Location); n > 0 {
		t.Errorf("%d keys of the part", n)
	}
}

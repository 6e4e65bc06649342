package collections_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
)

// house is a hub of which a copy is made, and people and things that end after
// that.
type house struct {
	*hubtest.Hub
	dir                                           string
	coordinator, officer, leaves, demoted, worker care.Actor
	workerLogin                                   string
	recovery                                      []string
	tablet                                        *tabletSide
	grant                                         string
	permit, other                                 string // of two cases
	otherCase                                     string
}

const houseOrg = "01930000-0000-7000-8000-000000000001"

func newHouse(t *testing.T, dir string) *house {
	t.Helper()
	p := &house{dir: dir, Hub: openWith(t, dir, nil)}
	p.Org = houseOrg
	p.Must(t, p.HubActor(), collections.Draft{Collection: "organisations", Record: p.Org, Org: p.Org, Set: map[string]care.Value{
		"name": care.OfText("Harbour House"), "kind": care.OfText("NGO"), "country": care.OfText("KE"), "time_zone": care.OfText("Africa/Nairobi")}})
	p.coordinator, _ = p.Staff(t, care.Coordinator)
	p.officer, _ = p.Staff(t, care.ProtectionOfficer)
	p.leaves, _ = p.Staff(t, care.Outreach)
	p.demoted, _ = p.Staff(t, care.Outreach, care.Operator)
	p.worker, p.workerLogin = p.Staff(t, care.Outreach)
	p.recovery = p.SetUpTOTP(t, p.worker, "worker")
	p.tablet = enrol(t, p.Hub, p.leaves)
	p.grant, p.permit, p.other, p.otherCase = p.NewID(), p.NewID(), p.NewID(), p.NewID()
	for _, c := range []struct{ id, permit string }{{caseID, p.permit}, {p.otherCase, p.other}} {
		p.Must(t, p.coordinator,
			collections.Draft{Collection: "cases", Record: c.id, Case: c.id, Set: map[string]care.Value{"status": care.OfText("Active"), "owner": care.OfText(p.coordinator.Staff)}},
			collections.Draft{Collection: "survivors", Case: c.id, Set: map[string]care.Value{"alias": care.OfText("Heron")}})
		p.coordinator = p.Reload(t, p.coordinator.Staff)
		p.decide(t, c.permit, c.id, "permit")
	}
	p.Must(t, p.coordinator, collections.Draft{Collection: "grants", Record: p.grant, Case: caseID, Set: map[string]care.Value{
		"staff": care.OfText(p.worker.Staff), "compartment": care.OfText("general"), "status": care.OfText("active"), "until": care.OfTime(p.Clock.Now().Add(24 * time.Hour)),
		"granted_by": care.OfText(p.coordinator.Staff)}})
	return p
}

func (p *house) decide(t *testing.T, id, caseID, decision string) {
	t.Helper()
	now := p.Clock.Now()
	p.Must(t, p.coordinator, collections.Draft{Collection: "consents", Record: id, Case: caseID, Set: map[string]care.Value{
		"purpose": care.OfText(string(care.CrossBorderTransfer)), "recipient_kind": care.OfText("country"), "recipient_country": care.OfText("ES"),
		"categories": care.OfList("health"), "actions": care.OfList("print", "share"), "decision": care.OfText(decision), "status": care.OfText("given"),
		"valid_from": care.OfTime(now), "expires_at": care.OfTime(now.Add(60 * 24 * time.Hour)), "language": care.OfText("fr"), "mode": care.OfText("written"),
		"explanation_version": care.OfText("2026-1"), "giver": care.OfText("self"),
		"checklist": care.OfList("agrees_to_interview", "told_data_use", "told_purpose", "told_research_use", "told_retention", "told_right_to_data", "told_withdrawal"),
	}})
}

// copied is a copy of the hub as it stands, for which it is closed.
func (p *house) copied(t *testing.T) string {
	t.Helper()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(p.dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(to, collections.KeyFileName), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Hub = openWith(t, p.dir, nil)
	p.Clock.Move(time.Hour)
	return to
}

// closeThings ends one of each.
func (p *house) closeThings(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	set := func(a care.Actor, collection, id, field string, v care.Value) {
		p.Must(t, a, collections.Draft{Collection: collection, Record: id, Set: map[string]care.Value{field: v}})
	}
	if err := p.RevokeDevice(ctx, p.coordinator, p.tablet.actor.Device); err != nil {
		t.Fatal(err)
	}
	if _, err := p.SignIn(ctx, collections.Credentials{Login: p.workerLogin, Password: hubtest.Password, Code: p.recovery[0]}); err != nil {
		t.Fatalf("signing in with a recovery code: %v", err)
	}
	q, err := p.AskApproval(ctx, p.coordinator, collections.FactorResetAsked(p.demoted.Staff))
	if err == nil {
		_, err = p.DecideApproval(ctx, p.officer, q.ID, true)
	}
	if err == nil {
		err = p.ResetFactors(ctx, p.coordinator, p.demoted.Staff)
	}
	if err != nil {
		t.Fatalf("taking a second factor away: %v", err)
	}
	set(p.coordinator, "staff", p.demoted.Staff, "roles", care.OfList("outreach"))
	set(p.coordinator, "staff", p.leaves.Staff, "status", care.OfText("left"))
	set(p.coordinator, "grants", p.grant, "status", care.OfText("ended"))
	set(p.coordinator, "consents", p.permit, "status", care.OfText("withdrawn"))
	p.decide(t, p.NewID(), p.otherCase, "deny")
}

// mustBeClosed looks for each at a hub.
func (p *house) mustBeClosed(t *testing.T, h *collections.Hub) {
	t.Helper()
	ctx := t.Context()
	if good, err := h.DeviceEnrolled(ctx, p.tablet.actor.Device); err != nil || good {
		t.Errorf("the tablet that was revoked is back: %v", err)
	}
	codes := func(code string) error {
		_, err := h.SignIn(ctx, collections.Credentials{Login: p.workerLogin, Password: hubtest.Password, Code: code})
		return err
	}
	if err := codes(p.recovery[0]); !errors.Is(err, collections.ErrSignIn) {
		t.Errorf("a recovery code that was used is good again: %v", err)
	}
	if err := codes(p.recovery[1]); err != nil {
		t.Errorf("a recovery code that was not used: %v", err)
	}
	if has, err := h.HasSecondFactor(ctx, p.demoted.Staff); err != nil || has {
		t.Errorf("the second factor that was taken away is back: %v", err)
	}
	if a, err := h.Actor(ctx, p.demoted.Staff, ""); err != nil || !slices.Equal(a.Roles, []care.Role{care.Outreach}) {
		t.Errorf("roles are back: %v %v", a.Roles, err)
	}
	if _, err := h.Actor(ctx, p.leaves.Staff, ""); !errors.Is(err, care.ErrNotFound) {
		t.Errorf("who left is back: %v", err)
	}
	if a, err := h.Actor(ctx, p.worker.Staff, ""); err != nil || len(a.Grants) > 0 {
		t.Errorf("the grant is back: %v %v", a.Grants, err)
	}
	for what, id := range map[string]string{"withdrawn": p.permit, "refused since": p.other} {
		row, err := h.Read(ctx, h.HubActor(), "consents", id)
		if err != nil || row.Text("status") != "withdrawn" {
			t.Errorf("%s: the permit is %q, %v", what, row.Text("status"), err)
		}
	}
}

// TestARestoreDoesNotOpenAgainWhatWasClosed: of every kind, from a copy that
// was made before; the owner of a case is told, once, and what ended before
// the copy was made is not ended again.
func TestARestoreDoesNotOpenAgainWhatWasClosed(t *testing.T) {
	p := newHouse(t, hubtest.Dir(t))
	p.Must(t, p.coordinator, collections.Draft{Collection: "staff", Record: p.worker.Staff, Set: map[string]care.Value{"status": care.OfText("left")}})
	p.Must(t, p.HubActor(), collections.Draft{Collection: "staff", Record: p.worker.Staff, Set: map[string]care.Value{"status": care.OfText("active")}})
	before := p.copied(t)
	p.closeThings(t)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}

	open := func(dir string) (*collections.Hub, error) {
		return collections.Open(collections.Config{Dir: dir, Now: p.Clock.Now, Restoring: true})
	}
	list := filepath.Join(before, collections.EndedPath)
	if err := collections.AddEnded(filepath.Join(p.dir, collections.EndedPath), list); err != nil {
		t.Fatal(err)
	}
	h, err := open(before)
	if err != nil {
		t.Fatal(err)
	}
	again := h.EndedAgain()
	p.mustBeClosed(t, h)
	tasks, err := h.List(t.Context(), h.HubActor(), collections.Query{Collection: "tasks", Where: map[string]string{"status": "open"}})
	told := map[string]int{}
	for _, task := range tasks {
		if task.Text("rule") == "ended_again" && task.Text("assignee") == p.coordinator.Staff {
			told[task.Case]++
		}
	}
	if err != nil || told[caseID] != 1 || told[p.otherCase] != 1 {
		t.Errorf("the owner is told %v, %v", told, err)
	}
	if faults, err := h.Verify(context.Background(), func(collections.Count) {}); err != nil || len(faults) > 0 {
		t.Errorf("verifying: %v %v", faults, err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	lines, err := collections.ReadEnded(list)
	if err != nil || again == 0 || again >= len(lines) {
		t.Errorf("%d of %d lines ended again, %v", again, len(lines), err)
	}
	if h, err = open(before); err != nil {
		t.Fatal(err)
	}
	if n := h.EndedAgain(); n != 0 {
		t.Errorf("opened once more, %d end again", n)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}

	// A list from before the copy is none for it.
	if err := os.Remove(list); err != nil {
		t.Fatal(err)
	}
	if _, err := open(before); !errors.Is(err, collections.ErrEndedListOld) {
		t.Errorf("without what it knows: %v", err)
	}
}

// lostTablet is a hub with one tablet, closed.
func lostTablet(t *testing.T) (dir, device string) {
	t.Helper()
	dir = hubtest.Dir(t)
	h := openWith(t, dir, nil)
	h.Org = houseOrg
	worker, _ := h.Staff(t, care.Outreach)
	device = enrol(t, h, worker).actor.Device
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, device
}

// TestAnEndingThatIsKilledIsOver kills the hub between the list and the
// database, and between the database and the answer: opened again it has ended.
func TestAnEndingThatIsKilledIsOver(t *testing.T) {
	dir, device := lostTablet(t)
	for _, label := range []string{"ending listed", "ending kept"} {
		dir := copyOf(t, dir)
		if !killHub(t, dir, "revoke", label+":1") {
			t.Fatalf("it does not come to %q", label)
		}
		h := openWith(t, dir, nil)
		if good, err := h.DeviceEnrolled(t.Context(), device); err != nil || good {
			t.Errorf("killed at %q the tablet is not revoked: %v", label, err)
		}
		if faults, err := h.Verify(t.Context(), func(collections.Count) {}); err != nil || len(faults) > 0 {
			t.Errorf("verifying: %v %v", faults, err)
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		list, err := collections.ReadEnded(filepath.Join(dir, collections.EndedPath))
		if err != nil || !slices.ContainsFunc(list, func(e collections.Ended) bool { return e.ID == device }) {
			t.Errorf("killed at %q the list is %v, %v", label, list, err)
		}
	}
}

// TestTheListOfWhatEnded: cut in its last line it is read to there and goes on,
// damaged it is refused, and what failed is not in it.
func TestTheListOfWhatEnded(t *testing.T) {
	dir, device := lostTablet(t)
	path := filepath.Join(dir, collections.EndedPath)
	if err := os.WriteFile(path, []byte(`{"n":1,"at":"`), 0o600); err != nil {
		t.Fatal(err)
	}
	h := openWith(t, dir, nil)
	if err := h.RevokeDevice(t.Context(), h.HubActor(), device); err != nil {
		t.Fatal(err)
	}
	if list, err := collections.ReadEnded(path); err != nil || len(list) != 1 || list[0].ID != device {
		t.Errorf("the list is %v, %v", list, err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := collections.Open(collections.Config{Dir: dir}); !errors.Is(err, collections.ErrEndedList) {
		t.Errorf("damaged: %v", err)
	}
}

// TestTheListOfWhatEndedOpensNothing: whoever can write on the disk, and has no
// key, cannot have the hub open by it what somebody closed.
func TestTheListOfWhatEndedOpensNothing(t *testing.T) {
	dir := hubtest.Dir(t)
	p := newHouse(t, dir)
	p.closeThings(t)
	running := p.NewID()
	until := p.Clock.Now().Add(24 * time.Hour)
	p.Must(t, p.coordinator, collections.Draft{Collection: "grants", Record: running, Case: caseID, Set: map[string]care.Value{
		"staff": care.OfText(p.worker.Staff), "compartment": care.OfText("general"), "status": care.OfText("active"), "until": care.OfTime(until),
		"granted_by": care.OfText(p.coordinator.Staff)}})
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, collections.EndedPath)
	list, err := collections.ReadEnded(path)
	if err != nil {
		t.Fatal(err)
	}
	forged := []collections.Ended{
		{What: "grants.status", ID: p.grant, Case: caseID, Value: "active"},
		{What: "grants.until", ID: running, Case: caseID, Value: care.FormatTime(until.Add(300 * 24 * time.Hour))},
		{What: "consents.status", ID: p.permit, Case: caseID, Value: "given"},
		{What: "consents.expires_at", ID: p.permit, Case: caseID, Value: care.FormatTime(until.Add(300 * 24 * time.Hour))},
		{What: "staff.status", ID: p.leaves.Staff, Value: "active"},
		{What: "staff.roles", ID: p.demoted.Staff, Value: "outreach operator coordinator"},
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range forged {
		e.N, e.At = list[len(list)-1].N+uint64(i)+1, care.FormatTime(p.Clock.Now())
		if err := json.NewEncoder(f).Encode(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	h := openWith(t, dir, nil)
	for id, field := range map[string][3]string{
		p.grant:        {"grants", "status", "ended"},
		running:        {"grants", "until", care.FormatTime(until)},
		p.permit:       {"consents", "status", "withdrawn"},
		p.leaves.Staff: {"staff", "status", "left"},
	} {
		row, err := h.Read(t.Context(), h.HubActor(), field[0], id)
		if err != nil || row.Get(field[1]).Text() != field[2] {
			t.Errorf("%s.%s is %q, %v", field[0], field[1], row.Get(field[1]).Text(), err)
		}
	}
	if row, err := h.Read(t.Context(), h.HubActor(), "staff", p.demoted.Staff); err != nil || !slices.Equal(row.Get("roles").List(), []string{"outreach"}) {
		t.Errorf("roles are %v, %v", row.Get("roles").List(), err)
	}
}

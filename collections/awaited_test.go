package collections_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// chain is a case with three people on it, each with a tablet, and an officer
// who may decide what is held.
type chain struct {
	*hubtest.Hub
	tablets [3]*tabletSide
	officer care.Actor
	stood   fieldsync.Dot // the alias as it stood at first
}

func newChain(t *testing.T) *chain {
	t.Helper()
	return chainOn(t, hubtest.New(t))
}

func chainOn(t *testing.T, h *hubtest.Hub) *chain {
	t.Helper()
	worker, _ := h.Staff(t, care.Outreach)
	owner := enrol(t, h, worker)
	openCase(t, h, owner)
	c := &chain{Hub: h, stood: fieldsync.DotOf(owner.replica, 2)}
	for i := range c.tablets {
		staff, _ := h.Staff(t, care.Outreach)
		c.grant(t, staff.Staff)
		c.tablets[i] = enrol(t, h, staff)
	}
	officer, _ := h.Staff(t, care.ProtectionOfficer)
	c.grant(t, officer.Staff)
	c.officer = h.Reload(t, officer.Staff)
	return c
}

// grant lets somebody see and write the general part of the case.
func (c *chain) grant(t *testing.T, staff string) (id string) {
	t.Helper()
	d := []collections.Draft{{Collection: "grants", Record: c.NewID(), Case: caseID, Set: map[string]care.Value{
		"staff": care.OfText(staff), "compartment": care.OfText(string(care.General)), "status": care.OfText("active"),
		"until": care.OfTime(c.Clock.Now().Add(48 * time.Hour)), "granted_by": care.OfText(care.HubStaff)}}}
	c.Must(t, c.HubActor(), d...)
	return d[0].Record
}

// link is a change of a tablet to the alias, on top of one version.
func (c *chain) link(t *testing.T, tablet int, alias, group string, base fieldsync.Dot) (json.RawMessage, fieldsync.Dot) {
	t.Helper()
	of := c.tablets[tablet]
	raw := of.change(t, c.Hub, fieldsync.Change{Collection: "survivors", Record: survivorID, Group: group,
		Set: map[string]care.Value{"alias": care.OfText(alias)}, Base: map[string][]fieldsync.Dot{"alias": {base}}})
	return raw, fieldsync.DotOf(of.replica, of.n)
}

func (c *chain) survivor(t *testing.T) care.Row {
	t.Helper()
	row, err := c.Read(t.Context(), c.HubActor(), "survivors", survivorID)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// expect compares what stands, and what waits for a person.
func (c *chain) expect(t *testing.T, alias string, conflicts int, held ...string) {
	t.Helper()
	list, err := c.Worklist(t.Context(), c.officer)
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, w := range list.Held {
		reasons = append(reasons, w.Reason)
	}
	if got := c.survivor(t).Text("alias"); got != alias || len(list.Conflicts) != conflicts || !slices.Equal(reasons, held) {
		t.Errorf("the alias is %q with %d conflicts, held are %v; want %q, %d, %v", got, len(list.Conflicts), reasons, alias, conflicts, held)
	}
}

// waits sends a change that must be held for want of another one.
func (c *chain) waits(t *testing.T, tablet int, raws ...json.RawMessage) []fieldsync.Receipt {
	t.Helper()
	receipts := c.tablets[tablet].send(t, c.Hub, raws...)
	for _, r := range receipts {
		if r.Status != fieldsync.StatusHeld || !slices.ContainsFunc(r.Held, func(h fieldsync.Held) bool {
			return h.Reason == fieldsync.HeldBaseUnknown || h.Reason == collections.HeldGroup
		}) {
			t.Fatalf("not held for want of another change: %+v", r)
		}
	}
	return receipts
}

const unknown = fieldsync.HeldBaseUnknown

// A chain of edits that arrives backwards is held, link by link, and taken up
// when the first one comes.
func TestAChainThatArrivesBackwardsIsTakenUp(t *testing.T) {
	c := newChain(t)
	one, first := c.link(t, 0, "One", "", c.stood)
	two, second := c.link(t, 1, "Two", "", first)
	three, third := c.link(t, 2, "Three", "", second)
	four, _ := c.link(t, 2, "Four", "", third)
	c.waits(t, 2, three, four)
	c.waits(t, 1, two)
	c.expect(t, "Blue Heron", 0, unknown, unknown, unknown)
	if r := c.tablets[0].send(t, c.Hub, one)[0]; r.Status != fieldsync.StatusApplied {
		t.Fatalf("the first link: %+v", r)
	}
	c.expect(t, "Four", 0)
	list, err := c.History(t.Context(), c.officer, "survivors", survivorID, "alias")
	if err != nil || len(list.Entries) != 8 { // what stood, four that came, and three as they were taken up
		t.Errorf("%+v, %v", list, err)
	}
	got, err := c.Held(t.Context(), c.officer, list.Entries[1].Seq)
	if err != nil || got.Decided == nil || got.Decided.Decision != collections.TakenUp || got.Decided.By != care.HubStaff {
		t.Errorf("how it ended: %+v, %v", got, err)
	}
	// Whoever saw one of them before it was taken up goes on from what came of it.
	five, _ := c.link(t, 1, "Five", "", third)
	c.tablets[1].send(t, c.Hub, five)
	list, err = c.History(t.Context(), c.officer, "survivors", survivorID, "alias")
	if err != nil {
		t.Fatal(err)
	}
	standing := slices.DeleteFunc(list.Entries, func(e collections.Entry) bool { return !e.Stands })
	if len(standing) != 2 || standing[0].Value.Text() != "Four" || standing[1].Value.Text() != "Five" {
		t.Errorf("Four and Five are both on top of Three: %+v", standing)
	}
	clean(t, c.Hub, true, "")
}

// The rest of a change is in force while one field of it waits. A record that
// is not there yet and one that is not theirs to see have the same answer.
func TestWhatWaitsIsAFieldOrARecord(t *testing.T) {
	c := newChain(t)
	one, first := c.link(t, 0, "One", "", c.stood)
	both := c.tablets[1].change(t, c.Hub, fieldsync.Change{Collection: "survivors", Record: survivorID,
		Set: map[string]care.Value{"alias": care.OfText("Two"), "pronouns": care.OfText("she")}, Base: map[string][]fieldsync.Dot{"alias": {first}}})
	if r := c.waits(t, 1, both)[0]; len(r.Held) != 1 || r.Held[0].Field != "alias" || c.survivor(t).Text("pronouns") != "she" {
		t.Errorf("%+v", r)
	}
	const task, hidden, other = "01930000-0000-7000-8000-00000000e101", "01930000-0000-7000-8000-00000000e102", "01930000-0000-7000-8000-00000000e100"
	values := map[string]care.Value{"title_key": care.OfText("review"), "status": care.OfText("open"), "raised_by": care.OfText("rule"), "priority": care.OfText("low")}
	c.Must(t, c.HubActor(), collections.Draft{Collection: "cases", Record: other, Org: c.Org, Set: map[string]care.Value{"status": care.OfText("Active")}},
		collections.Draft{Collection: "tasks", Record: hidden, Case: other, Set: values})
	made := c.tablets[0].change(t, c.Hub, fieldsync.Change{Collection: "tasks", Record: task, Case: caseID, Set: values})
	of := fieldsync.DotOf(c.tablets[0].replica, c.tablets[0].n)
	edit := func(record string) json.RawMessage {
		return c.tablets[1].change(t, c.Hub, fieldsync.Change{Collection: "tasks", Record: record, Set: map[string]care.Value{"priority": care.OfText("urgent")},
			Base: map[string][]fieldsync.Dot{"priority": {of}}})
	}
	rs := c.waits(t, 1, edit(task), edit(hidden))
	if !slices.Equal(rs[0].Held, rs[1].Held) {
		t.Errorf("one that is not there, one that is not theirs: %+v", rs)
	}
	for _, r := range c.tablets[0].send(t, c.Hub, one, made) {
		if r.Status != fieldsync.StatusApplied {
			t.Fatalf("%+v", r)
		}
	}
	row, err := c.Read(t.Context(), c.HubActor(), "tasks", task)
	if err != nil || row.Text("priority") != "urgent" {
		t.Errorf("taken up: %+v, %v", row, err)
	}
	c.expect(t, "Two", 0)
	list, err := c.Worklist(t.Context(), c.HubActor())
	if err != nil || len(list.Held) != 1 || list.Held[0].Record != hidden || list.Held[0].Reason != unknown {
		t.Errorf("%+v, %v", list, err)
	}
	clean(t, c.Hub, true, "")
}

// A group waits whole, and is taken up whole.
func TestAGroupWaitsWhole(t *testing.T) {
	c := newChain(t)
	one, first := c.link(t, 0, "One", "", c.stood)
	two, second := c.link(t, 1, "Two", "g", first)
	more := c.tablets[1].change(t, c.Hub, fieldsync.Change{Collection: "survivors", Record: survivorID, Group: "g", Set: map[string]care.Value{"pronouns": care.OfText("she")}})
	three, _ := c.link(t, 2, "Three", "", second)
	c.waits(t, 1, two, more)
	c.waits(t, 2, three)
	if c.survivor(t).Text("pronouns") != "" {
		t.Error("half of a group is in force")
	}
	c.tablets[0].send(t, c.Hub, one)
	c.expect(t, "Three", 0)
	var units, seqs int
	if err := c.App().NonconcurrentDB().NewQuery(`SELECT COUNT(DISTINCT unit), COUNT(*) FROM scope_log WHERE seq IN
		(SELECT decided_seq FROM held_changes h JOIN changes c ON c.seq = h.seq WHERE c.replica = '`+c.tablets[1].replica+`')`).Row(&units, &seqs); err != nil || units != 1 || seqs != 2 {
		t.Errorf("what stood or fell together comes down in %d units of %d: %v", units, seqs, err)
	}
	if c.survivor(t).Text("pronouns") != "she" {
		t.Error("half of a group was taken up")
	}
	clean(t, c.Hub, true, "")
}

// A person need not wait for what may never come. What comes later stands
// beside what they decided, and those behind go on.
func TestAPersonDecidesAboutWhatWaits(t *testing.T) {
	for _, v := range []collections.Verdict{{Decision: collections.Accept}, {Decision: collections.Decline, Why: "outdated"}} {
		t.Run(v.Decision, func(t *testing.T) {
			c := newChain(t)
			one, first := c.link(t, 0, "One", "", c.stood)
			two, second := c.link(t, 1, "Two", "", first)
			three, _ := c.link(t, 2, "Three", "", second)
			seq := c.waits(t, 1, two)[0].Seq
			if got, err := c.Held(t.Context(), c.officer, seq); err != nil || got.Awaits != first {
				t.Errorf("it waits for %s, %v", got.Awaits, err)
			}
			c.waits(t, 2, three)
			if done, err := c.Decide(t.Context(), c.officer, seq, v); err != nil || done.By != c.officer.Staff {
				t.Fatalf("%+v, %v", done, err)
			}
			// Three goes on: on top of Two where that stands, else beside what stood.
			c.expect(t, "Three", 1)
			c.tablets[0].send(t, c.Hub, one)
			if list, err := c.Worklist(t.Context(), c.officer); err != nil || len(list.Held) != 0 || len(list.Conflicts) != 1 {
				t.Errorf("%+v, %v", list, err)
			}
			clean(t, c.Hub, true, "")
		})
	}
}

// What its author may not write any more when the link comes is left for a
// person. Whoever is let in again has it taken up.
func TestWhatWaitedIsTakenWithTheRightsOfNow(t *testing.T) {
	c := newChain(t)
	one, first := c.link(t, 0, "One", "", c.stood)
	two, second := c.link(t, 1, "Two", "", first)
	three, _ := c.link(t, 2, "Three", "", second)
	c.waits(t, 1, two)
	c.waits(t, 2, three)
	rows, err := c.List(t.Context(), c.HubActor(), collections.Query{Collection: "grants"})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Text("staff") == c.tablets[1].actor.Staff {
			c.Must(t, c.HubActor(), collections.Draft{Collection: "grants", Record: r.ID, Set: map[string]care.Value{"status": care.OfText("ended"), "ended_reason": care.OfText("revoked")}})
		}
	}
	c.tablets[0].send(t, c.Hub, one)
	c.expect(t, "One", 0, unknown, unknown)
	c.grant(t, c.tablets[1].actor.Staff)
	c.expect(t, "Three", 0)
	clean(t, c.Hub, true, "")
}

// What the door holds for another reason when the link comes is left for a
// person, with that reason, and those behind go on.
func TestWhatCannotBeTakenUpSaysWhy(t *testing.T) {
	c := newChain(t)
	one, first := c.link(t, 0, "One", "", c.stood)
	two, second := c.link(t, 1, "Two", "", first)
	three, _ := c.link(t, 2, "Three", "", second)
	c.waits(t, 1, two)
	c.waits(t, 2, three)
	c.Must(t, c.HubActor(), collections.Draft{Collection: "staff", Record: c.tablets[1].actor.Staff, Set: map[string]care.Value{"status": care.OfText("left")}})
	c.tablets[0].send(t, c.Hub, one)
	c.expect(t, "Three", 1, "author_gone") // beside One
	clean(t, c.Hub, true, "")
}

// Whoever brings what many wait for is not kept waiting.
func TestManyThatWaitAreTakenUpByAndBy(t *testing.T) {
	c := newChain(t)
	one, first := c.link(t, 0, "One", "", c.stood)
	for range 2 {
		var raws []json.RawMessage
		for range 150 {
			raw, _ := c.link(t, 1, "Two", "", first)
			raws = append(raws, raw)
		}
		c.waits(t, 1, raws...)
	}
	c.tablets[0].send(t, c.Hub, one)
	if list, err := c.Worklist(t.Context(), c.officer); err != nil || len(list.Held) != 100 {
		t.Errorf("%d wait still, %v", len(list.Held), err)
	}
	if err := c.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.expect(t, "Two", 0)
	clean(t, c.Hub, true, "")
}

// A version of a restored hub never has the name of one that was lost: what was
// written on top of the lost one does not replace the new one unseen.
func TestARestoredHubGivesNoNameTwice(t *testing.T) {
	c := newChain(t)
	write := func(alias string) fieldsync.Dot {
		c.Must(t, c.HubActor(), collections.Draft{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"alias": care.OfText(alias)}})
		var replica string
		var n uint64
		if err := c.App().NonconcurrentDB().NewQuery(`SELECT replica, n FROM changes ORDER BY seq DESC LIMIT 1`).Row(&replica, &n); err != nil {
			t.Fatal(err)
		}
		return fieldsync.DotOf(replica, n)
	}
	if err := c.NewEpoch(t.Context()); err != nil {
		t.Fatal(err)
	}
	lost := write("Lost")
	if err := c.NewEpoch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again := write("Again"); again.Replica() == lost.Replica() {
		t.Fatalf("%s and %s", lost, again)
	}
	// As if the copy had been made before it was written: nobody can bring it.
	forgotten := fieldsync.DotOf(lost.Replica(), lost.N()+7)
	raw, _ := c.link(t, 0, "Mine", "", forgotten)
	if r := c.tablets[0].send(t, c.Hub, raw)[0]; r.Status != fieldsync.StatusConflict {
		t.Errorf("on top of what the restored hub lost: %+v", r)
	}
	clean(t, c.Hub, true, "")
}

// TestNobodyHoldsTheDoorByWhatTheySaw: a version that a push names a hundred
// times is read once, and who is let into another case has nothing tried again
// that waits in this one. Nobody else is at the door meanwhile.
func TestNobodyHoldsTheDoorByWhatTheySaw(t *testing.T) {
	h, said := hubtest.Recorded(t)
	c := chainOn(t, h)
	of := c.tablets[0]
	first, before := c.link(t, 0, "Superseded", "", c.stood)
	next, last := c.link(t, 0, "Next", "", before)
	of.send(t, h, first, next)
	var many, waiting []json.RawMessage
	for range 100 {
		many = append(many, of.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"alias": care.OfText("Again")},
			Base: map[string][]fieldsync.Dot{"alias": {before, last}}}))
		last = fieldsync.DotOf(of.replica, of.n)
	}
	asked := func(what string) (n int) {
		for _, q := range said.Take() {
			if strings.Contains(q, what) {
				n++
			}
		}
		return n
	}
	said.Take()
	of.send(t, h, many...)
	if n := asked("status = ?, body FROM changes"); n != 1 {
		t.Errorf("the one version is read %d times", n)
	}
	for i := range 20 {
		raw, _ := c.link(t, 0, "Waiting", "", fieldsync.DotOf(h.NewID(), uint64(i+1)))
		waiting = append(waiting, raw)
	}
	c.waits(t, 0, waiting...)
	said.Take()
	other := of.change(t, h, fieldsync.Change{Collection: "cases", Record: h.NewID(), Set: map[string]care.Value{"status": care.OfText("Active")}})
	if r := of.send(t, h, other)[0]; r.Status != fieldsync.StatusApplied {
		t.Fatalf("opening another case: %+v", r)
	}
	if n := asked("SAVEPOINT attempt"); n > 0 {
		t.Errorf("%d changes that wait in one case are tried for another", n)
	}
}

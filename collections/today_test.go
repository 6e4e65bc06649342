package collections_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// What a worker has to do today comes before everything else, then the cases
// that it is about, then the rest, each scope whole once.
func TestTodaysWorkComesFirst(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.ProtectionOfficer)
	now := h.Clock.Now()
	var cases []string
	task := map[string]string{}
	for i := range 6 {
		id := h.NewID()
		cases = append(cases, id)
		h.Must(t, h.HubActor(),
			collections.Draft{Collection: "cases", Record: id, Case: id, Org: h.Org, Set: map[string]care.Value{"status": care.OfText("Active")}},
			collections.Draft{Collection: "survivors", Record: h.NewID(), Case: id, Set: map[string]care.Value{"alias": care.OfText(fmt.Sprint("alias ", i))}},
			collections.Draft{Collection: "notes", Record: h.NewID(), Case: id, Set: map[string]care.Value{"kind": care.OfText("general"), "text": care.OfText("seen")}})
		for _, c := range []care.Compartment{care.General, care.Legal} {
			h.Must(t, h.HubActor(), collections.Draft{Collection: "grants", Record: h.NewID(), Case: id, Set: grant(worker.Staff, c, now.Add(30*24*time.Hour))})
		}
		task[id] = h.NewID()
	}
	due := map[string]map[string]care.Value{
		cases[1]: {"status": care.OfText("open"), "due_at": care.OfTime(now.Add(7 * 24 * time.Hour))},
		cases[2]: {"status": care.OfText("open"), "due_at": care.OfTime(now.Add(7 * 24 * time.Hour)), "assignee": care.OfText(worker.Staff)},
		cases[4]: {"status": care.OfText("open"), "due_at": care.OfTime(now.Add(-time.Hour))},
		cases[5]: {"status": care.OfText("done"), "due_at": care.OfTime(now)},
	}
	for id, set := range due {
		set["title_key"] = care.OfText("call")
		h.Must(t, h.HubActor(), collections.Draft{Collection: "tasks", Record: task[id], Case: id, Set: set})
	}
	today := []string{cases[2], cases[4]}

	got := pull(t, h, h.Reload(t, worker.Staff), "")
	first := map[string][]string{}
	for _, r := range got.rows[:6] {
		first[r.Case] = append(first[r.Case], r.Collection)
	}
	for _, id := range today {
		if l := first[id]; !slices.Contains(l, "cases") || !slices.Contains(l, "survivors") || !slices.Contains(l, "tasks") {
			t.Errorf("of a case of today %v came first: %v", l, first)
		}
	}
	var order []string // of the scopes, as each is sent whole: its last row
	last := map[string]int{}
	for i, r := range got.rows {
		last[string(r.Scope)] = i
	}
	for i, r := range got.rows {
		if last[string(r.Scope)] == i && r.Case != "" {
			order = append(order, r.Case)
		}
	}
	if !slices.Equal(slices.Sorted(slices.Values(slices.Compact(order)[:2])), today) {
		t.Errorf("the cases come in the order %v; today's are %v", order, today)
	}
	held := map[heldField]fieldsync.Register{}
	for _, r := range got.rows {
		for f, reg := range r.Fields {
			held[heldField{r.Scope, r.Record, f}] = reg
		}
	}
	if root := (&carried{fields: held}).root(); root != got.end.Digest {
		t.Error("what came is not what the hub holds")
	}
	if again := pull(t, h, h.Reload(t, worker.Staff), got.end.Cursor); len(again.rows)+len(again.enter) > 0 {
		t.Error("something comes twice")
	}
}

// Today's list becomes another between any two cut answers: nothing is left
// out, and it comes to an end.
func TestTodaysListChangesWhileItComes(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.ProtectionOfficer)
	var cases, tasks []string
	for i := range 8 {
		id, task := h.NewID(), h.NewID()
		cases, tasks = append(cases, id), append(tasks, task)
		h.Must(t, h.HubActor(),
			collections.Draft{Collection: "cases", Record: id, Case: id, Org: h.Org, Set: map[string]care.Value{"status": care.OfText("Active")}},
			collections.Draft{Collection: "survivors", Record: h.NewID(), Case: id, Set: map[string]care.Value{"alias": care.OfText(fmt.Sprint("alias ", i))}},
			collections.Draft{Collection: "tasks", Record: task, Case: id, Set: map[string]care.Value{"title_key": care.OfText("call"), "status": care.OfText("open"), "due_at": care.OfTime(h.Clock.Now())}},
			collections.Draft{Collection: "grants", Record: h.NewID(), Case: id, Set: grant(worker.Staff, care.General, h.Clock.Now().Add(30*24*time.Hour))})
		for range 8 {
			h.Must(t, h.HubActor(), collections.Draft{Collection: "notes", Record: h.NewID(), Case: id,
				Set: map[string]care.Value{"kind": care.OfText("general"), "text": care.OfText(strings.Repeat("seen ", 1000))}})
		}
	}
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 8))
		device := &carried{fields: map[heldField]fieldsync.Register{}, stale: map[heldField]bool{}, enters: map[fieldsync.Scope]bool{}}
		cuts := 0
		for whole := false; !whole; cuts++ {
			if cuts > 200 {
				t.Fatalf("seed %d: no end", seed)
			}
			_, _, whole = device.sync(t, h, worker, 30_000+rng.IntN(60_000))
			if rng.IntN(3) > 0 {
				i := rng.IntN(len(cases))
				state := []string{"open", "done"}[rng.IntN(2)]
				h.Must(t, h.HubActor(), collections.Draft{Collection: "tasks", Record: tasks[i], Case: cases[i], Set: map[string]care.Value{"status": care.OfText(state)}})
			}
		}
		if device.root() != device.digest {
			t.Fatalf("seed %d: after %d cuts the device holds something else than the hub thinks", seed, cuts)
		}
	}
}

// What is granted while a first sync is under way comes with it, also where it
// belongs before the place that the device has come to: a part of a case of
// today's list, or a topic.
func TestWhatIsGrantedMeanwhileIsNotPassedOver(t *testing.T) {
	h := hubtest.New(t)
	until := h.Clock.Now().Add(30 * 24 * time.Hour)
	first := h.NewID()
	var cases []string
	for range 6 {
		id := h.NewID()
		cases = append(cases, id)
		h.Must(t, h.HubActor(), collections.Draft{Collection: "cases", Record: id, Case: id, Org: h.Org, Set: map[string]care.Value{"status": care.OfText("Active")}},
			collections.Draft{Collection: "medicines", Record: h.NewID(), Case: id, Set: map[string]care.Value{"substance": care.OfText("x"), "status": care.OfText("active")}})
		for range 8 {
			h.Must(t, h.HubActor(), collections.Draft{Collection: "notes", Record: h.NewID(), Case: id,
				Set: map[string]care.Value{"kind": care.OfText("general"), "text": care.OfText(strings.Repeat("seen ", 1000))}})
		}
	}
	h.Must(t, h.HubActor(), collections.Draft{Collection: "facilities", Record: first, Org: h.Org, Set: map[string]care.Value{
		"alias": care.OfText("Blue house"), "status": care.OfText("open"), "directions": care.OfText("Behind the market")}})
	for _, gain := range []string{"a part", "a topic"} {
		worker, _ := h.Staff(t, care.HealthWorker)
		for i, id := range cases {
			due := h.Clock.Now().AddDate(0, 0, 7*min(i, 1)) // the first is today's
			h.Must(t, h.HubActor(), collections.Draft{Collection: "tasks", Record: h.NewID(), Case: id, Set: map[string]care.Value{"title_key": care.OfText("call"), "status": care.OfText("open"),
				"due_at": care.OfTime(due)}},
				collections.Draft{Collection: "grants", Record: h.NewID(), Case: id, Set: grant(worker.Staff, care.General, until)})
		}
		device := &carried{fields: map[heldField]fieldsync.Register{}, stale: map[heldField]bool{}, enters: map[fieldsync.Scope]bool{}}
		for whole, round := false, 0; !whole; round++ {
			if round > 100 {
				t.Fatal("no end")
			}
			_, _, whole = device.sync(t, h, worker, 150_000)
			if whole && round == 0 {
				t.Fatal("the first answer was not cut: the test proves nothing")
			}
			switch {
			case round > 0:
			case gain == "a part":
				h.Must(t, h.HubActor(), collections.Draft{Collection: "grants", Record: h.NewID(), Case: cases[0], Set: grant(worker.Staff, care.Health, until)})
			default:
				h.Must(t, h.HubActor(), collections.Draft{Collection: "staff", Record: worker.Staff, Set: map[string]care.Value{"roles": care.OfList("health", "coordinator")}})
			}
		}
		if device.root() != device.digest {
			t.Errorf("%s was passed over: the device holds something else than the hub thinks", gain)
		}
	}
}

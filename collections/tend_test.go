package collections_test

import (
	"context"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
)

func countChanges(t testing.TB, h *hubtest.Hub) (n int) {
	t.Helper()
	if err := h.App().DB().NewQuery(`SELECT COUNT(*) FROM changes`).Row(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// R13: an urgent task that nobody takes up goes to the next person, once.
func TestR13AnUrgentTaskThatNobodyTakesUpEscalatesOnce(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	openCase(t, h, enrol(t, h, worker))
	task := "01930000-0000-7000-8000-00000000aa01"
	h.Must(t, h.HubActor(), collections.Draft{Collection: "tasks", Record: task, Case: caseID, Set: map[string]care.Value{
		"title_key": care.OfText(care.TaskTitles[0]), "status": care.OfText("open"), "priority": care.OfText("urgent"),
		"due_at": care.OfTime(hubtest.Start), "assignee": care.OfText(worker.Staff)}})
	if err := h.Tend(context.Background()); err != nil {
		t.Fatal(err)
	}
	if inForce(t, h, "tasks", task, "escalated_at").IsSet() {
		t.Error("escalated before its time")
	}
	h.Clock.Move(care.EscalateAfter + time.Hour)
	if err := h.Tend(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !inForce(t, h, "tasks", task, "escalated_at").IsSet() {
		t.Error("nobody was told of an urgent task that waits")
	}
	after := countChanges(t, h)
	if err := h.Tend(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := countChanges(t, h); n != after {
		t.Errorf("tending again made %d changes", n-after)
	}
}

package collections_test

import (
	"context"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// What the hub makes in a person's name is judged by that person's rights, and
// nobody but the hub may name another.
func TestADraftInAPersonsNameHasThatPersonsRights(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	stranger, _ := h.Staff(t, care.Outreach)
	openCase(t, h, enrol(t, h, worker))
	for _, tc := range []struct {
		name          string
		actor, author care.Actor
		status        string
		by            string
	}{
		{"the hub for a stranger", h.HubActor(), stranger, fieldsync.StatusHeld, stranger.Staff},
		{"the hub for the worker", h.HubActor(), worker, fieldsync.StatusApplied, worker.Staff},
		{"a stranger for the worker", stranger, worker, fieldsync.StatusHeld, stranger.Staff},
	} {
		r, err := h.Do(context.Background(), tc.actor, collections.Draft{Collection: "survivors", Record: survivorID, Author: tc.author.Staff,
			Set: map[string]care.Value{"alias": care.OfText(tc.name)}})
		if err != nil || r[0].Status != tc.status {
			t.Errorf("%s: %+v, %v", tc.name, r, err)
			continue
		}
		var by string
		if err := h.App().DB().NewQuery(`SELECT author FROM changes ORDER BY seq DESC LIMIT 1`).Row(&by); err != nil || by != tc.by {
			t.Errorf("%s: logged as %s, %v", tc.name, by, err)
		}
	}
}

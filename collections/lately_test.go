package collections_test

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"portolan/care"
	"portolan/collections"
)

// lines are those of an answer but its end, which names the time.
func (w *ownWorld) lines(t *testing.T) (all [][]byte) {
	t.Helper()
	err := w.h.Pull(context.Background(), w.d.actor, w.cursor, func(line []byte) error {
		all = append(all, bytes.Clone(line))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all[:len(all)-1]
}

// TestWhatTheDoorWroteIsSentAsItIsRead changes records and asks twice for what
// changed: of what the door has in memory, and of what is read from the store.
func TestWhatTheDoorWroteIsSentAsItIsRead(t *testing.T) {
	w := newOwnWorld(t)
	text := care.OfText
	edit := func(set map[string]care.Value) func() {
		return func() {
			w.h.Must(t, w.h.HubActor(), collections.Draft{Collection: "survivors", Record: survivorID, Set: set})
		}
	}
	for _, c := range []struct {
		name   string
		change []func()
		lines  int // that are made of rows in memory
	}{
		{"a new record", []func(){func() {
			w.h.Must(t, w.h.HubActor(), collections.Draft{Collection: "tasks", Case: caseID, Set: map[string]care.Value{"title_key": text("call"), "status": text("open")}})
		}}, 1},
		{"a field", []func(){edit(map[string]care.Value{"alias": text("Heron")})}, 1},
		{"two fields", []func(){edit(map[string]care.Value{"alias": text("Egret"), "birth_year": care.OfInt(1990)})}, 1},
		{"the same field twice", []func(){edit(map[string]care.Value{"alias": text("Stork")}), edit(map[string]care.Value{"alias": text("Crane")})}, 1},
		{"one field and then another", []func(){edit(map[string]care.Value{"alias": text("Ibis")}), edit(map[string]care.Value{"birth_year": care.OfInt(1991)})}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			collections.ForgetLately(w.h.Hub)
			for _, change := range c.change {
				change()
			}
			rows, _ := collections.Lately(w.h.Hub)
			quick := w.lines(t)
			if rowsAfter, _ := collections.Lately(w.h.Hub); rows-rowsAfter != c.lines {
				t.Errorf("%d rows in memory before, %d after", rows, rowsAfter)
			}
			collections.ForgetLately(w.h.Hub)
			read := w.lines(t)
			if len(quick) == 0 || !slices.EqualFunc(quick, read, bytes.Equal) {
				t.Errorf("from memory %s\nread %s", quick, read)
			}
			w.cursor = pull(t, w.h, w.d.actor, w.cursor).end.Cursor
		})
	}
}

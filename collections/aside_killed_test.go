package collections_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
)

// brought is what the process that is killed needs to bring and to decide.
type brought struct {
	Author, Decides care.Actor
	Said            string
	Sealed          []byte
}

func broughtPath(dir string) string { return filepath.Join(filepath.Dir(dir), "brought") }

func readBrought(dir string) (b brought, err error) {
	raw, err := os.ReadFile(broughtPath(dir))
	if err == nil {
		err = json.Unmarshal(raw, &b)
	}
	return b, err
}

func bringAside(ctx context.Context, h *collections.Hub, dir string) error {
	b, err := readBrought(dir)
	if err != nil {
		return err
	}
	return bringSealed(ctx, h, b.Author, b.Said, b.Sealed)
}

// decideOnAside accepts what waits.
func decideOnAside(ctx context.Context, h *collections.Hub) error {
	b, err := readBrought(h.Dir())
	if err != nil {
		return err
	}
	list, err := h.Worklist(ctx, b.Decides)
	for i := 0; err == nil && i < len(list.Held); i++ {
		_, err = h.Decide(ctx, b.Decides, list.Held[i].Seq, acceptMine)
	}
	return err
}

// TestASealedFileThatIsKilledAnywhereGoesOn kills the hub at every labelled
// point of bringing such a file and of deciding about it: it comes once, waits
// once, is the document's once, and lies nowhere in clear.
func TestASealedFileThatIsKilledAnywhereGoesOn(t *testing.T) {
	dir := hubtest.Dir(t)
	var document string
	words := bytes.Repeat([]byte("what somebody told in confidence. "), 8000)
	t.Run("the document", func(t *testing.T) { // the hub is closed at its end
		d := decisionsOn(t, hubtest.Open(t, dir, hubtest.NewClock()))
		a := &asides{decisions: d, key: unsentKey(t, d.Hub, "")}
		document = a.document(t, care.General)
		b := brought{Author: a.worker.actor, Decides: a.officers[0]}
		b.Said, b.Sealed = hubtest.SealedFile(t, a.key, a.worker.replica, a.file(document, care.General), words)
		raw, err := json.Marshal(b)
		if err == nil {
			err = os.WriteFile(broughtPath(dir), raw, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	for _, c := range []struct{ doing, at string }{{"sealed file", "upload synced:2"}, {"sealed file", "upload aside:1"},
		{"decide file", "upload named:1"}, {"decide file", "file decided:1"}, {"decide file", "file decision kept:1"}} {
		t.Run(c.at, func(t *testing.T) {
			copied := copyOf(t, dir)
			raw, err := os.ReadFile(broughtPath(dir))
			if err == nil {
				err = os.WriteFile(broughtPath(copied), raw, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.doing == "decide file" {
				if killHub(t, copied, "sealed file", "nowhere:1") {
					t.Fatal("killed too early")
				}
			}
			if !killHub(t, copied, c.doing, c.at) {
				t.Fatalf("it was not killed at %s", c.at)
			}
			nothingInClear(t, copied)
			h := hubtest.Open(t, copied, hubtest.NewClock())
			if err := bringAside(t.Context(), h.Hub, copied); err != nil {
				t.Errorf("killed at %s: %v", c.at, err)
			}
			if left := files(t, filepath.Join(copied, "uploads")); left != 1 {
				t.Errorf("killed at %s: %d files lie there", c.at, left)
			}
			if err := decideOnAside(t.Context(), h.Hub); err != nil {
				t.Errorf("killed at %s: %v", c.at, err)
			}
			a := &asides{decisions: &decisions{Hub: h}}
			if !bytes.Equal(a.has(t, document), words) {
				t.Errorf("killed at %s: it is not the document's", c.at)
			}
			a.sound(t)
		})
	}
}

package collections_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
)

const (
	letterCase = "01930000-0000-7000-8000-00000000000c"
	letter     = "01930000-0000-7000-8000-00000000000d"

	seizedLetter = "01930000-0000-7000-8000-00000000000e" // the same bytes as evidence
)

// letterWords is what the upload of these tests brings, in four pieces.
var letterWords = bytes.Repeat([]byte("what somebody told in confidence. "), 8000)

func letterSaid(document string) string { return hubtest.FileSaid(document, "text/plain", letterWords) }

// acknowledgedPath is where the process that is killed writes how much was
// acknowledged.
func acknowledgedPath(dir string) string { return filepath.Join(filepath.Dir(dir), "acknowledged") }

// bringLetter brings the letter in pieces, from where the hub says on.
func bringLetter(ctx context.Context, h *collections.Hub, dir, document string) error {
	u, err := h.BeginUpload(ctx, h.HubActor(), int64(len(letterWords)), letterSaid(document))
	if err != nil {
		return err
	}
	for u.Offset < u.Length {
		r, err := h.Receive(ctx, h.HubActor(), u.ID, func() {})
		if err != nil {
			return err
		}
		next := letterWords[r.Offset:min(r.Length, r.Offset+r.Length/4+1)]
		_, err = r.Take(ctx, r.Offset, bytes.NewReader(next))
		r.Release()
		if err != nil {
			return err
		}
		u = r.Upload
		if err := os.WriteFile(acknowledgedPath(dir), []byte(strconv.FormatInt(u.Offset, 10)), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// TestAnUploadThatIsKilledAnywhereGoesOn kills the hub at every labelled point
// of an upload: what was acknowledged is there, nothing of it is in clear, and
// what comes after makes it whole, once.
func TestAnUploadThatIsKilledAnywhereGoesOn(t *testing.T) {
	dir := letterDir(t)
	for _, at := range []string{"upload written:2", "upload synced:4", "upload named:1", "upload placed:1", "upload kept:1"} {
		t.Run(at, func(t *testing.T) {
			copied := copyOf(t, dir)
			if !killHub(t, copied, "upload", at) {
				t.Fatal("it was not killed")
			}
			nothingInClear(t, copied)
			h := hubtest.Open(t, copied, hubtest.NewClock())
			acknowledged := int64(0)
			if b, err := os.ReadFile(acknowledgedPath(copied)); err == nil {
				if acknowledged, err = strconv.ParseInt(string(b), 10, 64); err != nil {
					t.Fatal(err)
				}
			}
			u, err := h.BeginUpload(t.Context(), h.HubActor(), int64(len(letterWords)), letterSaid(letter))
			if err != nil {
				t.Fatal(err)
			}
			r, err := h.Receive(t.Context(), h.HubActor(), u.ID, func() {})
			if err != nil {
				t.Fatal(err)
			}
			offset := r.Offset
			r.Release()
			if offset < acknowledged {
				t.Errorf("%d bytes were acknowledged, %d are there", acknowledged, offset)
			}
			if err := bringLetter(t.Context(), h.Hub, copied, letter); err != nil {
				t.Fatal(err)
			}
			c, err := h.File(t.Context(), h.HubActor(), letter)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Bytes.Close()
			if b, err := io.ReadAll(c.Bytes); err != nil || !bytes.Equal(b, letterWords) {
				t.Errorf("%d bytes came out: %v", len(b), err)
			}
			nothingInClear(t, copied)
		})
	}
}

// letterDir is the folder of a hub with the letter's documents.
func letterDir(t *testing.T) string {
	t.Helper()
	dir := hubtest.Dir(t)
	t.Run("the document", func(t *testing.T) { // the hub is closed at its end
		h := hubtest.Open(t, dir, hubtest.NewClock())
		document := func(id string, c care.Compartment) collections.Draft {
			return collections.Draft{Collection: "documents", Record: id, Case: letterCase, Org: h.Org, Set: map[string]care.Value{
				"kind": care.OfText("letter"), "status": care.OfText("kept"), "compartment": care.OfText(string(c))}}
		}
		h.Must(t, h.HubActor(), collections.Draft{Collection: "cases", Record: letterCase, Case: letterCase, Org: h.Org, Set: map[string]care.Value{"status": care.OfText("Active")}},
			document(letter, care.General), document(seizedLetter, care.Evidence),
			collections.Draft{Collection: "evidence_items", Record: h.NewID(), Case: letterCase, Org: h.Org, Set: map[string]care.Value{
				"description": care.OfText("A letter"), "kind": care.OfText("document"), "document": care.OfText(seizedLetter)}})
	})
	return dir
}

// TestCustodySaysOnceThatEvidenceWasStored: also where the hub died between
// that and the answer. What was lost and is stored again is another event.
func TestCustodySaysOnceThatEvidenceWasStored(t *testing.T) {
	dir := letterDir(t)
	for _, at := range []string{"upload named:1", "upload placed:1"} {
		copied := copyOf(t, dir)
		if !killHub(t, copied, "evidence", at) {
			t.Fatal("it was not killed")
		}
		h := hubtest.Open(t, copied, hubtest.NewClock())
		stored := func() int {
			events, err := h.List(t.Context(), h.HubActor(), collections.Query{Collection: "custody_events", Case: letterCase})
			if err != nil {
				t.Fatal(err)
			}
			return len(events)
		}
		if err := bringLetter(t.Context(), h.Hub, copied, seizedLetter); err != nil {
			t.Fatal(err)
		}
		if n := stored(); n != 1 {
			t.Errorf("killed at %s: stored %d times", at, n)
		}
		if err := os.Remove(filepath.Join(h.FilesDir(), seizedLetter[:2], seizedLetter)); err != nil {
			t.Fatal(err)
		}
		if err := collections.KeepBytes(t.Context(), h.Hub, h.HubActor(), seizedLetter, "text/plain", letterWords); err != nil {
			t.Fatal(err)
		}
		if n := stored(); n != 2 {
			t.Errorf("killed at %s, and lost and brought again: stored %d times", at, n)
		}
	}
}

// nothingInClear looks for the letter in every file.
func nothingInClear(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, letterWords[:30]) {
			t.Errorf("%s holds some of it", filepath.Base(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

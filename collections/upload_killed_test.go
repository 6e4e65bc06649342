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
)

// letterWords is what the upload of these tests brings, in four pieces.
var letterWords = bytes.Repeat([]byte("what somebody told in confidence. "), 8000)

func letterSaid() string { return hubtest.FileSaid(letter, "text/plain", letterWords) }

// acknowledgedPath is where the process that is killed writes how much was
// acknowledged.
func acknowledgedPath(dir string) string { return filepath.Join(filepath.Dir(dir), "acknowledged") }

// bringLetter brings the letter in pieces, from where the hub says on.
func bringLetter(ctx context.Context, h *collections.Hub, dir string) error {
	u, err := h.BeginUpload(ctx, h.HubActor(), int64(len(letterWords)), letterSaid())
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
	dir := hubtest.Dir(t)
	t.Run("the document", func(t *testing.T) { // the hub is closed at its end
		h := hubtest.Open(t, dir, hubtest.NewClock())
		h.Must(t, h.HubActor(), collections.Draft{Collection: "cases", Record: letterCase, Case: letterCase, Org: h.Org, Set: map[string]care.Value{"status": care.OfText("Active")}},
			collections.Draft{Collection: "documents", Record: letter, Case: letterCase, Org: h.Org, Set: map[string]care.Value{"kind": care.OfText("letter"), "status": care.OfText("kept")}})
	})
	for _, at := range []string{"upload written:2", "upload synced:4", "upload named:1", "upload placed:1", "upload kept:1"} {
		t.Run(at, func(t *testing.T) {
			copied := filepath.Join(t.TempDir(), "hub")
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(filepath.Join(copied, collections.KeyFileName), 0o600); err != nil {
				t.Fatal(err)
			}
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
			u, err := h.BeginUpload(t.Context(), h.HubActor(), int64(len(letterWords)), letterSaid())
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
			if err := bringLetter(t.Context(), h.Hub, copied); err != nil {
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

package collections_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// TestAnErasureAndAnUploadExcludeEachOther stops one of the two at each of its
// labels until the other has gone as far as it can. Whichever came first,
// nothing of the file is left when both are done, with no start in between to
// sweep it.
func TestAnErasureAndAnUploadExcludeEachOther(t *testing.T) {
	for _, c := range []struct {
		part      care.Compartment
		label     string
		uploading bool
		brought   string
	}{
		{"", "upload opening", true, "The blood"}, {"", "upload named", true, bloodCount}, {"", "upload aside", true, ""},
		{"", "erase files removed", false, bloodCount},
		{care.Health, "upload opening", true, "The blood"}, {care.Health, "upload synced", true, "The blood"},
		{care.Health, "upload named", true, bloodCount}, {care.Health, "file sealed", true, bloodCount}, {care.Health, "upload kept", true, bloodCount},
		{care.Health, "upload opening", true, ""}, {care.Health, "upload aside", true, ""},
		{care.Health, "upload ends", false, bloodCount}, {care.Health, "erase files removed", false, bloodCount},
	} {
		meet(t, c.part, c.label, c.uploading, c.brought)
	}
}

const bloodCount = "The blood count."

// meet has an upload, which brings so much of the file (where that is nothing,
// all of it as a tablet with a wrong clock sealed it), or where not uploading an
// erasure, stop at a label for the other one.
func meet(t *testing.T, part care.Compartment, label string, uploading bool, brought string) {
	t.Helper()
	var p *partly
	var doc string
	var upload collections.Upload
	content := []byte(bloodCount)
	erase := func() {
		if _, err := p.Erase(t.Context(), p.asks, p.caseID, part); err != nil {
			t.Errorf("%q, %s: %v", part, label, err)
		}
	}
	waits := make(chan struct{}, 1) // the erasure waits for its turn, or needs none
	goOn := func() {
		select {
		case waits <- struct{}{}:
		default:
		}
	}
	bring := func() { // what it is told depends on who came first
		r, err := p.Receive(t.Context(), p.HubActor(), upload.ID, goOn)
		if err != nil {
			return
		}
		defer r.Release()
		_, _ = r.Take(t.Context(), r.Offset, strings.NewReader(brought))
	}
	armed, erased := false, make(chan struct{})
	h := openWith(t, hubtest.Dir(t), func(reached string) {
		if reached == "erase files removed" {
			goOn()
		}
		if !armed || reached != label {
			return
		}
		armed = false
		if !uploading {
			bring()
			return
		}
		go func() {
			defer close(erased)
			erase()
		}()
		<-waits
	})
	p = newPartly(t, h)
	doc = h.NewID()
	h.Must(t, h.HubActor(), collections.Draft{Collection: "documents", Record: doc, Case: p.caseID, Set: map[string]care.Value{
		"kind": care.OfText("certificate"), "status": care.OfText("kept"), "compartment": care.OfText(string(care.Health))}})
	h.Clock.Move(time.Minute)
	p.agree(t, part)
	said := hubtest.FileSaid(doc, "text/plain", content)
	if brought == "" {
		var sealed []byte
		said, sealed = hubtest.SealedFile(t, unsentKey(t, h, ""), h.NewID(), fieldsync.UnsentFile{Document: doc, Case: p.caseID, Compartment: care.Health,
			Type: "text/plain", Author: care.HubStaff, Clock: fieldsync.HLCOf(h.Clock.Now().AddDate(1, 0, 0))}, content)
		content, brought = sealed, string(sealed)
	}
	var err error
	if upload, err = h.BeginUpload(t.Context(), h.HubActor(), int64(len(content)), said); err != nil {
		t.Fatal(err)
	}
	armed = true
	if uploading {
		bring()
		<-erased
	} else {
		erase()
	}
	if armed {
		t.Errorf("%q: %s was not reached", part, label)
	}
	for what, path := range map[string]string{"upload": filepath.Join(h.Dir(), "uploads", upload.ID), "file": filepath.Join(h.FilesDir(), doc[:2], doc)} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%q, %s: the %s is there still", part, label, what)
		}
	}
	_, err = h.BeginUpload(t.Context(), h.HubActor(), int64(len(content)), said)
	if err == nil && part == "" { // of a part that was erased somebody may bring what came after
		t.Errorf("%q, %s: it is begun again", part, label)
	}
	if faults, err := h.Verify(t.Context(), func(collections.Count) {}); err != nil || len(faults) > 0 {
		t.Errorf("%q, %s: %v %v", part, label, faults, err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

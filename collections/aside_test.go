package collections_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	"portolan/photo"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// asides is a case with a worker who was taken off it, and whose tablet still
// has files of it.
type asides struct {
	*decisions
	key *fieldsync.HubKey
	n   int
}

func newAsides(t *testing.T) *asides {
	t.Helper()
	d := newDecisions(t)
	for _, officer := range d.officers {
		d.Must(t, d.HubActor(), collections.Draft{Collection: "grants", Case: caseID, Set: grant(officer.Staff, care.Evidence, d.Clock.Now().AddDate(1, 0, 0))},
			collections.Draft{Collection: "grants", Case: caseID, Set: grant(officer.Staff, care.General, d.Clock.Now().AddDate(1, 0, 0))})
	}
	return &asides{decisions: d, key: unsentKey(t, d.Hub, "")}
}

// document makes a record that waits for its file.
func (a *asides) document(t *testing.T, c care.Compartment) string {
	t.Helper()
	id := a.NewID()
	a.Must(t, a.HubActor(), collections.Draft{Collection: "documents", Record: id, Case: caseID, Set: map[string]care.Value{
		"kind": care.OfText("letter"), "status": care.OfText("kept"), "compartment": care.OfText(string(c))}})
	return id
}

// file is what the worker's tablet knows of a file.
func (a *asides) file(document string, c care.Compartment) fieldsync.UnsentFile {
	return fieldsync.UnsentFile{Document: document, Case: caseID, Compartment: c, Type: "text/plain", Author: a.worker.actor.Staff, Clock: fieldsync.HLCOf(a.Clock.Now())}
}

// words are the bytes of a file, another each time.
func (a *asides) words() []byte {
	a.n++
	return bytes.Repeat([]byte(fmt.Sprintf("what somebody told in confidence, %d. ", a.n)), 4000)
}

// bring brings a sealed file in pieces, and gives the number under which it
// waits.
func (a *asides) bring(t *testing.T, actor care.Actor, replica string, f fieldsync.UnsentFile, b []byte) uint64 {
	t.Helper()
	said, sealed := hubtest.SealedFile(t, a.key, replica, f, b)
	if err := bringSealed(t.Context(), a.Hub.Hub, actor, said, sealed); err != nil {
		t.Fatal(err)
	}
	list, err := a.Worklist(t.Context(), a.Reload(t, a.officers[0].Staff))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range slices.Backward(list.Held) {
		if w.Record == f.Document && w.Reason == collections.HeldFile {
			return w.Seq
		}
	}
	return 0
}

func bringSealed(ctx context.Context, h *collections.Hub, actor care.Actor, said string, sealed []byte) error {
	u, err := h.BeginUpload(ctx, actor, int64(len(sealed)), said)
	for err == nil && u.Offset < u.Length {
		var r *collections.Receiving
		if r, err = h.Receive(ctx, actor, u.ID, func() {}); err != nil {
			return err
		}
		_, err = r.Take(ctx, r.Offset, bytes.NewReader(sealed[r.Offset:min(r.Length, r.Offset+r.Length/2+1)]))
		u = r.Upload
		r.Release()
	}
	return err
}

func (a *asides) decide(t *testing.T, seq uint64, v collections.Verdict) collections.Outcome {
	t.Helper()
	out, err := a.Decide(t.Context(), a.officers[0], seq, v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// has reads a document's file, nil where it has none.
func (a *asides) has(t *testing.T, document string) []byte {
	t.Helper()
	c, err := a.File(t.Context(), a.HubActor(), document)
	if errors.Is(err, care.ErrNotFound) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Bytes.Close()
	b, err := io.ReadAll(c.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (a *asides) sound(t *testing.T) {
	t.Helper()
	if faults, err := a.Verify(t.Context(), func(collections.Count) {}); err != nil || len(faults) > 0 {
		t.Errorf("verify: %v %v", faults, err)
	}
}

var acceptMine = collections.Verdict{Decision: collections.Accept, As: collections.AsMe}

// TestASealedFileWaitsForAPerson: what a tablet could not read any more comes
// from whoever may not write there, waits in the worklist, lies in nobody's
// clear, and becomes its document's file by a decision and no other way.
func TestASealedFileWaitsForAPerson(t *testing.T) {
	a := newAsides(t)
	ctx, worker := t.Context(), a.worker
	document, b := a.document(t, care.General), a.words()
	seq := a.bring(t, worker.actor, worker.replica, a.file(document, care.General), b)
	if seq == 0 {
		t.Fatal("nobody is told that it waits")
	}
	same := a.document(t, care.General)
	again := a.bring(t, worker.actor, worker.replica, a.file(same, care.General), b)
	if again == seq || again == 0 {
		t.Errorf("another document's file waits as %d", again)
	}
	hubtest.LookFor(t, a.Dir(), string(b[:30]), nil)
	if a.has(t, document) != nil {
		t.Error("it is the document's before anybody decided")
	}
	held, err := a.Held(ctx, a.officers[0], seq)
	if err != nil || held.Author != worker.actor.Staff || len(held.Set) != 1 || !held.Set["filed_at"].IsSet() { // what it is would outlive its part
		t.Errorf("shown to who decides: %+v, %v", held, err)
	}
	// To look at it first one must be able to see where it belongs.
	c, err := a.HeldFile(ctx, a.Reload(t, a.officers[0].Staff), seq)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c.Bytes); err != nil || !bytes.Equal(got, b) || c.Name != "document.txt" {
		t.Errorf("looked at before the decision: %d bytes as %s, %v", len(got), c.Name, err)
	}
	stranger, _ := a.Staff(t, care.ProtectionOfficer)
	if _, err := a.HeldFile(ctx, stranger, seq); !errors.Is(err, care.ErrNotFound) {
		t.Errorf("a stranger looks at it: %v", err)
	}
	if _, err := a.HeldFile(ctx, a.Reload(t, worker.actor.Staff), seq); !errors.Is(err, collections.ErrUnseen) {
		t.Errorf("who was taken off the case reads it again through the hub: %v", err)
	}
	for what, c := range map[string]struct {
		by   care.Actor
		v    collections.Verdict
		code string
	}{
		"its author":               {worker.actor, acceptMine, collections.ErrNoPower.Code},
		"a stranger":               {stranger, acceptMine, care.ErrNotFound.Code},
		"in its author's name":     {a.officers[0], collections.Verdict{Decision: collections.Accept}, collections.HeldNoGrant},
		"no reason for declining":  {a.officers[0], collections.Verdict{Decision: collections.Decline}, collections.ErrVerdict.Code},
		"a number that is nothing": {a.officers[0], collections.Verdict{Decision: "x"}, collections.ErrVerdict.Code},
	} {
		if _, err := a.Decide(ctx, c.by, seq, c.v); care.CodeOf(err) != c.code {
			t.Errorf("%s: %v", what, err)
		}
	}
	first := a.decide(t, seq, acceptMine)
	if !bytes.Equal(a.has(t, document), b) {
		t.Error("what was accepted is not what was attached")
	}
	if twice := a.decide(t, seq, acceptMine); twice.At != first.At || twice.By != first.By {
		t.Errorf("decided again: %+v after %+v", twice, first)
	}
	if _, err := a.Decide(ctx, a.officers[1], seq, collections.Verdict{Decision: collections.Decline, Why: "wrong"}); !errors.Is(err, collections.ErrDecided) {
		t.Errorf("another decides otherwise: %v", err)
	}
	a.decide(t, again, acceptMine)
	if _, err := os.Stat(filepath.Join(a.FilesDir(), same[:2], same)); err == nil || !bytes.Equal(a.has(t, same), b) {
		t.Errorf("the same bytes lie twice in one part of a case: %v", err)
	}
	a.sound(t)
}

// TestASealedFileIsDecidedWithItsDocument: where the record was kept aside too,
// one decision is about both, whichever it is.
func TestASealedFileIsDecidedWithItsDocument(t *testing.T) {
	a := newAsides(t)
	for _, v := range []collections.Verdict{acceptMine, {Decision: collections.Decline, Why: "outdated"}} {
		id, b := a.NewID(), a.words()
		record := a.worker.send(t, a.Hub, a.worker.change(t, a.Hub, fieldsync.Change{Collection: "documents", Record: id, Case: caseID,
			Set: map[string]care.Value{"kind": care.OfText("letter"), "status": care.OfText("kept"), "compartment": care.OfText("general")}}))[0]
		seq := a.bring(t, a.worker.actor, a.worker.replica, a.file(id, care.General), b)
		if record.Status != fieldsync.StatusHeld || seq == 0 {
			t.Fatalf("%+v, %d", record, seq)
		}
		if _, err := a.Decide(t.Context(), a.officers[0], seq, acceptMine); !errors.Is(err, collections.ErrFirst) {
			t.Errorf("the file before its record: %v", err)
		}
		out := a.decide(t, record.Seq, v)
		if len(out.Files) != 1 || out.Files[0] != (collections.FileOutcome{Seq: seq}) {
			t.Errorf("%s: %+v", v.Decision, out)
		}
		if held, err := a.Held(t.Context(), a.officers[0], seq); err != nil || held.Decided == nil || held.Decided.Decision != v.Decision {
			t.Errorf("%s: %+v, %v", v.Decision, held.Decided, err)
		}
		if got := a.has(t, id); v.Decision == collections.Accept && !bytes.Equal(got, b) || v.Decision == collections.Decline && got != nil {
			t.Errorf("%s: %d bytes", v.Decision, len(got))
		}
	}
	a.sound(t)
}

// TestWhatWaitsIsNotItsAuthorsToDestroy: once it is whole nobody ends a file,
// before the decision or after it: a backup may name it, a decision be wrong.
func TestWhatWaitsIsNotItsAuthorsToDestroy(t *testing.T) {
	a := newAsides(t)
	id, b := a.document(t, care.General), a.words()
	said, sealed := hubtest.SealedFile(t, a.key, a.worker.replica, a.file(id, care.General), b)
	if err := bringSealed(t.Context(), a.Hub.Hub, a.worker.actor, said, sealed); err != nil {
		t.Fatal(err)
	}
	end := func() {
		t.Helper()
		u, err := a.BeginUpload(t.Context(), a.worker.actor, int64(len(sealed)), said) // the one that there is
		if err != nil {
			t.Fatal(err)
		}
		r, err := a.Receive(t.Context(), a.worker.actor, u.ID, func() {})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Release()
		if err := r.Drop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	end()
	list, err := a.Worklist(t.Context(), a.Reload(t, a.officers[0].Staff))
	if err != nil || len(list.Held) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	a.decide(t, list.Held[0].Seq, acceptMine)
	if !bytes.Equal(a.has(t, id), b) {
		t.Error("the document has no file")
	}
	end()
	if n := files(t, filepath.Join(a.Dir(), "uploads")); n != 1 {
		t.Errorf("%d files lie there: a backup that is being made may name it", n)
	}
	a.sound(t)
}

// TestASealedFileIsHeldToTheRulesOfEveryOther: evidence to the byte and with its
// custody, a picture without what it says besides, nothing that is not what it
// says it is, nothing in the place of another; a part that the decider does not
// see is not theirs to decide.
func TestASealedFileIsHeldToTheRulesOfEveryOther(t *testing.T) {
	a := newAsides(t)
	evidence := a.document(t, care.Evidence)
	a.Must(t, a.HubActor(), collections.Draft{Collection: "evidence_items", Record: a.NewID(), Case: caseID, Set: map[string]care.Value{
		"description": care.OfText("A letter"), "kind": care.OfText("document"), "document": care.OfText(evidence)}})
	f := a.file(evidence, care.General) // as its author claims it
	f.Type = "text/html"
	b := []byte("<script>alert(1)</script>")
	seq := a.bring(t, a.worker.actor, a.worker.replica, f, b)
	plain, _ := a.Staff(t, care.ProtectionOfficer)
	a.Must(t, a.HubActor(), collections.Draft{Collection: "grants", Case: caseID, Set: grant(plain.Staff, care.General, a.Clock.Now().AddDate(0, 1, 0))})
	for _, v := range []collections.Verdict{acceptMine, {Decision: collections.Decline, Why: "wrong"}} {
		if _, err := a.Decide(t.Context(), plain, seq, v); !errors.Is(err, collections.ErrUnseen) {
			t.Errorf("%s by somebody who does not see the evidence: %v", v.Decision, err)
		}
	}
	if _, err := a.HeldFile(t.Context(), a.Reload(t, a.officers[0].Staff), seq); !errors.Is(err, collections.ErrContentHidden) {
		t.Errorf("evidence that is no picture is given out: %v", err)
	}
	a.decide(t, seq, acceptMine)
	if events, err := a.List(t.Context(), a.HubActor(), collections.Query{Collection: "custody_events", Case: caseID}); err != nil || len(events) != 1 || events[0].Text("sha256") != sumHex(b) {
		t.Errorf("its custody: %v, %v", events, err)
	}
	for what, c := range map[string]struct{ mime, content, code string }{
		"a web page":               {"text/html", "<html>", "document_type"},
		"what it does not say":     {"application/pdf", "MZ", "document_type"},
		"another file than it has": {"text/plain", "another", "document_written"},
	} {
		document := a.document(t, care.General)
		if what == "another file than it has" {
			if err := collections.KeepBytes(t.Context(), a.Hub.Hub, a.HubActor(), document, "text/plain", []byte("the first")); err != nil {
				t.Fatal(err)
			}
		}
		f := a.file(document, care.General)
		f.Type = c.mime
		seq := a.bring(t, a.worker.actor, a.worker.replica, f, []byte(c.content))
		if _, err := a.Decide(t.Context(), a.officers[0], seq, acceptMine); care.CodeOf(err) != c.code {
			t.Errorf("%s is accepted: %v", what, err)
		}
		a.decide(t, seq, collections.Verdict{Decision: collections.Decline, Why: "wrong"})
	}
	picture := a.document(t, care.General)
	f = a.file(picture, care.General)
	f.Type = photo.PNG
	taken := append(onePixel(t), "1.2921S 36.8219E"...)
	a.decide(t, a.bring(t, a.worker.actor, a.worker.replica, f, taken), acceptMine)
	if got := a.has(t, picture); len(got) == 0 || bytes.Contains(got, []byte("36.8219E")) {
		t.Error("the picture still tells where it was taken")
	}
	a.sound(t)
}

// TestASealedFileOfSomebodyElseIsNotOpened: nor one that was altered, moved, or
// is not what was said; and nothing that is answered says whether its document
// is there.
func TestASealedFileOfSomebodyElseIsNotOpened(t *testing.T) {
	a := newAsides(t)
	there, b := a.document(t, care.General), []byte("what somebody told")
	finder, _ := a.Staff(t, care.Outreach)
	theirs := enrol(t, a.Hub, finder)
	said, sealed := hubtest.SealedFile(t, a.key, a.worker.replica, a.file(there, care.General), b)
	moved, _ := hubtest.SealedFile(t, a.key, a.worker.replica, a.file(a.NewID(), care.General), b)
	part := func(said string, n int) string { return strings.Split(said, ",")[n] }
	for what, c := range map[string]struct {
		by     care.Actor
		said   string
		length int
		err    error
	}{
		"by its finder":          {theirs.actor, said, len(sealed), collections.ErrUnsent},
		"as another document's":  {a.worker.actor, part(moved, 0) + "," + part(said, 1) + "," + part(said, 2), len(sealed), collections.ErrUnsent},
		"altered":                {a.worker.actor, strings.TrimRight(said, "=")[:len(said)-8] + "AAAAAAAA", len(sealed), collections.ErrUnsent},
		"to a key of nobody":     {a.worker.actor, part(said, 0) + ",key " + "MDAwMDAwMDAwMDAwMDBmZg==," + part(said, 2), len(sealed), collections.ErrUnsentKey},
		"shorter than it says":   {a.worker.actor, said, len(sealed) - 1, collections.ErrUploadLength},
		"with its hash in clear": {a.worker.actor, said + ",sha256 AAAA", len(sealed), collections.ErrUploadMetadata},
		"without a document":     {a.worker.actor, part(said, 1) + "," + part(said, 2), len(sealed), collections.ErrUploadMetadata},
		"too large":              {a.worker.actor, said, collections.ContentBytesMax + 1<<20, collections.ErrContentTooLarge},
	} {
		if _, err := a.BeginUpload(t.Context(), c.by, int64(c.length), c.said); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	other := bytes.Clone(sealed)
	other[len(other)-1] ^= 1
	if err := bringSealed(t.Context(), a.Hub.Hub, a.worker.actor, said, other); !errors.Is(err, collections.ErrUnsent) {
		t.Errorf("bytes that are not those that were sealed: %v", err)
	}
	if left := files(t, filepath.Join(a.Dir(), "uploads")); left != 0 {
		t.Errorf("%d of them are kept", left)
	}
	// Of a document that is nowhere: it waits, and whoever gives grants hears.
	nowhere := a.file(a.NewID(), care.General)
	nowhere.Case = a.NewID()
	said, sealed = hubtest.SealedFile(t, a.key, a.worker.replica, nowhere, b)
	if err := bringSealed(t.Context(), a.Hub.Hub, a.worker.actor, said, sealed); err != nil {
		t.Errorf("of a document that is nowhere: %v", err)
	}
	coordinator, _ := a.Staff(t, care.Coordinator)
	if list, err := a.Worklist(t.Context(), coordinator); err != nil || len(list.Held) != 1 || list.Held[0].Reason != collections.HeldFile {
		t.Errorf("nobody hears of it: %+v, %v", list, err)
	}
	a.sound(t)
}

func sumHex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func onePixel(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 3, 3))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func files(t *testing.T, dir string) int {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return len(list)
}

// TestWhatWaitsStaysUntilItIsDecided: no time ends it, nor a start; half a one
// ends as every upload, with no task for anybody; it keeps nobody from working;
// what was decided goes, sooner or later.
func TestWhatWaitsStaysUntilItIsDecided(t *testing.T) {
	a := newAsides(t)
	tend := func(after time.Duration) {
		t.Helper()
		a.Clock.Move(after)
		if err := a.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	folder := filepath.Join(a.Dir(), "uploads")
	document := a.document(t, care.General)
	accepted := a.bring(t, a.worker.actor, a.worker.replica, a.file(document, care.General), a.words())
	declined := a.bring(t, a.worker.actor, a.worker.replica, a.file(a.document(t, care.General), care.General), a.words())
	said, sealed := hubtest.SealedFile(t, a.key, a.worker.replica, a.file(a.document(t, care.General), care.General), a.words())
	half, err := a.BeginUpload(t.Context(), a.worker.actor, int64(len(sealed)), said)
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Receive(t.Context(), a.worker.actor, half.ID, func() {})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Take(t.Context(), 0, bytes.NewReader(sealed[:100])); err != nil {
		t.Fatal(err)
	}
	r.Release()
	if files(t, folder) != 3 {
		t.Fatalf("%d files", files(t, folder))
	}
	tend(collections.UploadTerm + time.Hour)
	if _, err := a.SweepFiles(t.Context()); err != nil || files(t, folder) != 2 {
		t.Errorf("after two weeks %d files wait: %v", files(t, folder), err)
	}
	if tasks, err := a.List(t.Context(), a.HubActor(), collections.Query{Collection: "tasks", Case: caseID}); err != nil || len(tasks) > 0 {
		t.Errorf("tasks: %+v, %v", tasks, err)
	}
	a.officers[0] = a.Reload(t, a.officers[0].Staff)
	a.decide(t, accepted, acceptMine)
	a.decide(t, declined, collections.Verdict{Decision: collections.Decline, Why: "other"})
	if _, err := a.SweepFiles(t.Context()); err != nil || files(t, folder) != 2 {
		t.Errorf("a backup that is being made misses %d files: %v", 2-files(t, folder), err)
	}
	tend(25 * time.Hour)
	if files(t, folder) != 1 || len(a.has(t, document)) == 0 {
		t.Errorf("a day after one was accepted there are %d", files(t, folder))
	}
	tend(collections.DeclinedTerm)
	if files(t, folder) != 0 {
		t.Errorf("long after one was declined there are %d", files(t, folder))
	}
	// As many as may be: the next is refused, and stays on its tablet; what is
	// no such file goes on.
	a.key = unsentKey(t, a.Hub, "")
	for range 32 {
		a.bring(t, a.worker.actor, a.worker.replica, a.file(a.NewID(), care.General), []byte("x"))
	}
	said, sealed = hubtest.SealedFile(t, a.key, a.worker.replica, a.file(a.NewID(), care.General), []byte("x"))
	if _, err := a.BeginUpload(t.Context(), a.worker.actor, int64(len(sealed)), said); !errors.Is(err, collections.ErrUploadsEach) {
		t.Errorf("one more than waits: %v", err)
	}
	a.Must(t, a.HubActor(), collections.Draft{Collection: "grants", Case: caseID, Set: grant(a.worker.actor.Staff, care.General, a.Clock.Now().AddDate(0, 1, 0))})
	a.Hub.Bring(t, a.Reload(t, a.worker.actor.Staff), a.document(t, care.General), "text/plain", []byte("a letter"), 8)
	a.sound(t)
}

// TestAnErasureTakesWhatWaits: the case or its part, with the keys first; what
// comes later from before is not taken, and nothing is left to decide but that.
func TestAnErasureTakesWhatWaits(t *testing.T) {
	for _, part := range []care.Compartment{"", care.Evidence} {
		a := newAsides(t)
		document := a.document(t, care.Evidence)
		f := a.file(document, care.Evidence)
		seq := a.bring(t, a.worker.actor, a.worker.replica, f, a.words())
		later, sealed := hubtest.SealedFile(t, a.key, a.worker.replica, f, a.words())
		a.Clock.Move(time.Minute)
		asked := care.Approval{Act: care.ActErase, Collection: "cases", Record: caseID, Terms: care.EraseTerms(part), Reason: "person_asked"}
		q, err := a.AskApproval(t.Context(), a.officers[0], asked)
		if err == nil {
			_, err = a.DecideApproval(t.Context(), a.officers[1], q.ID, true)
		}
		if err == nil {
			_, err = a.Erase(t.Context(), a.officers[0], caseID, part)
		}
		if err != nil {
			t.Fatal(err)
		}
		if left := files(t, filepath.Join(a.Dir(), "uploads")); left != 0 {
			t.Errorf("%q: %d files are left", part, left)
		}
		if err := bringSealed(t.Context(), a.Hub.Hub, a.worker.actor, later, sealed); !errors.Is(err, collections.ErrErased) {
			t.Errorf("%q: what comes from before it: %v", part, err)
		}
		if _, err := a.Decide(t.Context(), a.Reload(t, a.officers[0].Staff), seq, acceptMine); err == nil {
			t.Errorf("%q: what was erased is accepted", part)
		}
		a.sound(t)
	}
}

// TestVerifyMissesAFileThatWaits: gone from the disk, or damaged on it.
func TestVerifyMissesAFileThatWaits(t *testing.T) {
	a := newAsides(t)
	a.bring(t, a.worker.actor, a.worker.replica, a.file(a.document(t, care.General), care.General), a.words())
	a.sound(t)
	folder := filepath.Join(a.Dir(), "uploads")
	list, err := os.ReadDir(folder)
	if err != nil || len(list) != 1 {
		t.Fatal(len(list), err)
	}
	path := filepath.Join(folder, list[0].Name())
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b := bytes.Clone(whole)
	b[len(b)/2] ^= 1
	for what, damage := range map[string]func() error{
		"damaged": func() error { return os.WriteFile(path, b, 0o600) },
		"gone":    func() error { return os.Remove(path) },
	} {
		if err := damage(); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if faults, err := a.Verify(t.Context(), func(collections.Count) {}); err != nil || len(faults) != 1 {
			t.Errorf("%s: %v, %v", what, faults, err)
		}
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	a.sound(t)
}

// TestTheVectorOfAnUnsentFileOpens: what docs/protocol.md says, in bytes.
func TestTheVectorOfAnUnsentFileOpens(t *testing.T) {
	b, err := os.ReadFile("../sync/testdata/vectors/unsent_file.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct{ Name, Private, Of, Said, Sealed, File, Lies string }
	if err := json.Unmarshal(b, &vectors); err != nil || len(vectors) == 0 {
		t.Fatalf("%d vectors: %v", len(vectors), err)
	}
	for _, v := range vectors {
		bytesOf := func(s string) []byte {
			b, err := hex.DecodeString(s)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		replica, document, _ := strings.Cut(v.Of, "/")
		place := seal.Place{Collection: "unsent_files", Record: replica, Field: document}
		said, err := seal.OpenIntake(bytesOf(v.Private), place, bytesOf(v.Sealed))
		if err != nil || string(said) != v.Said {
			t.Fatalf("%s: %s, %v", v.Name, said, err)
		}
		f, err := fieldsync.DecodeUnsentFile(said)
		if err != nil || f.Document != document {
			t.Fatalf("%s: %+v, %v", v.Name, f, err)
		}
		var out bytes.Buffer
		if err := seal.NewBox(0, seal.Key(f.Key)).OpenFile(&out, bytes.NewReader(bytesOf(v.Lies)), place); err != nil || !bytes.Equal(out.Bytes(), bytesOf(v.File)) || sumHex(out.Bytes()) != f.SHA256 {
			t.Errorf("%s: %q, %v", v.Name, out.String(), err)
		}
	}
}

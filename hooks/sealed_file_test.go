package hooks_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// TestASealedFileHasNoOracle brings a file as its tablet sealed it, of documents
// that one may not see, and of none: from the first answer to the last, status,
// body, headers and statements are the same.
func TestASealedFileHasNoOracle(t *testing.T) {
	o := newOracle(t)
	key, err := o.hub.UnsentKeyFor(t.Context(), o.hub.Org, "")
	if err != nil {
		t.Fatal(err)
	}
	pairs := 0
	for _, role := range []care.Role{care.Outreach, care.Auditor} {
		who := o.byRole(role)
		content := []byte("what somebody told")
		bring := func(document, caseID string) []asked {
			said, sealed := hubtest.SealedFile(t, key, freshID(7), fieldsync.UnsentFile{Document: document, Case: caseID, Compartment: care.General,
				Type: "text/plain", Author: who.actor.Staff, Clock: fieldsync.HLCOf(o.hub.Clock.Now())}, content)
			tus := func(more ...string) http.Header {
				h := http.Header{"Tus-Resumable": {"1.0.0"}}
				for i := 0; i < len(more); i += 2 {
					h.Set(more[i], more[i+1])
				}
				return h
			}
			begun := o.asks(t, who, idDoor{"POST", uploadsPath, uploadsPath, tus("Upload-Length", strconv.Itoa(len(sealed)), "Upload-Metadata", said), ""})
			lines := strings.Split(begun.headers, "\n")
			at := strings.TrimPrefix(lines[slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "Location: ") })], "Location: ")
			begun.headers = strings.Replace(begun.headers, at, "", 1)
			o.said.Take()
			code, body, header := o.askBytes(t, who, "PATCH", at, sealed, tus("Content-Type", pieceType, "Upload-Offset", "0"))
			whole := asked{code: code, body: string(body), headers: header.Get("Upload-Offset"), statements: o.said.Take()}
			return []asked{begun, whole}
		}
		for _, k := range o.records {
			if k.collection != "documents" {
				continue
			}
			hidden, none := bring(k.id, k.caseID), bring(freshID(uint64(100+pairs)), k.caseID)
			for i, at := range []string{"its beginning", "its end"} {
				if d := hidden[i].differs(none[i]); d != "" {
					t.Errorf("%s, %s, of a document of %s: %s", who.name, at, k.org, d)
				}
			}
			if hidden[1].code != http.StatusNoContent {
				t.Errorf("it does not come whole: %+v", hidden[1])
			}
			pairs++
		}
	}
	if pairs < 4 {
		t.Errorf("%d pairs: the test proves nothing", pairs)
	}
}

// TestARevokedTabletBringsWhatItSealedAndNothingElse: in signed pieces, for a
// person to decide; what it could bring in clear it brings no more.
func TestARevokedTabletBringsWhatItSealedAndNothingElse(t *testing.T) {
	a := newArchive(t)
	d := a.enrol(t, a.worker.Staff)
	if err := a.RevokeDevice(t.Context(), a.HubActor(), d.ID); err != nil {
		t.Fatal(err)
	}
	id, content := a.document(t, "letter", care.General, nil), []byte("a letter")
	if got := a.tus(t, "POST", uploadsPath, d.Token, nil, "Upload-Length", "8", "Upload-Metadata", hubtest.FileSaid(id, "text/plain", content)); got.status != http.StatusNotFound {
		t.Errorf("in clear: %d %s", got.status, got.body)
	}
	key, err := a.UnsentKeyFor(t.Context(), a.Org, "")
	if err != nil {
		t.Fatal(err)
	}
	said, sealed := hubtest.SealedFile(t, key, freshID(7), fieldsync.UnsentFile{Document: id, Case: caseID, Compartment: care.General,
		Type: "text/plain", Author: a.worker.Staff, Clock: fieldsync.HLCOf(a.Clock.Now())}, content)
	begun := a.tus(t, "POST", uploadsPath, d.Token, nil, "Upload-Length", strconv.Itoa(len(sealed)), "Upload-Metadata", said)
	at := begun.header.Get("Location")
	if begun.status != http.StatusCreated || at == "" {
		t.Fatalf("sealed: %d %s", begun.status, begun.body)
	}
	if got := a.patch(t, at, d.Token, 0, sealed[:20]); got.status != http.StatusNoContent || offsetOf(t, got) != 20 {
		t.Errorf("a piece: %d %s", got.status, got.body)
	}
	if got := a.tus(t, "HEAD", at, a.foreign, nil); got.status != http.StatusNotFound {
		t.Errorf("somebody else asks how far: %d", got.status)
	}
	if got := a.patch(t, at, d.Token, a.reached(t, at, d.Token), sealed[20:]); got.status != http.StatusNoContent || offsetOf(t, got) != len(sealed) {
		t.Errorf("the rest: %d %s", got.status, got.body)
	}
	if got := a.tus(t, "DELETE", at, d.Token, nil); got.status != http.StatusUnauthorized {
		t.Errorf("and takes it back: %d", got.status)
	}
	if got := a.ask(t, "GET", filePath(id), a.desk, nil); got.status != http.StatusNotFound {
		t.Errorf("it is the document's: %d", got.status)
	}
	list, err := a.Worklist(t.Context(), a.Reload(t, a.worker.Staff))
	if err != nil || len(list.Held) != 1 || list.Held[0].Reason != collections.HeldFile {
		t.Fatalf("what waits: %+v, %v", list, err)
	}
	held := "/api/portolan/held/" + strconv.FormatUint(list.Held[0].Seq, 10)
	officer, token := a.staff(t, care.ProtectionOfficer)
	a.Must(t, a.HubActor(), collections.Draft{Collection: "grants", Case: caseID, Org: a.Org, Set: map[string]care.Value{
		"staff": care.OfText(officer.Staff), "compartment": care.OfText("general"), "status": care.OfText("active"),
		"until": care.OfTime(a.Clock.Now().AddDate(0, 3, 0))}})
	shown := a.ask(t, "GET", held+"/file", token, nil)
	if shown.status != http.StatusOK || string(shown.body) != string(content) {
		t.Errorf("shown to who decides: %d %s", shown.status, shown.body)
	}
	a.leavesTo(t, "what waits", shown, "document.txt")
	if got := a.ask(t, "GET", held+"/file", a.foreign, nil); got.status != http.StatusNotFound {
		t.Errorf("shown to a stranger: %d", got.status)
	}
	if got := a.ask(t, "POST", held, token, map[string]any{"decision": "accept", "as": "me"}); got.status != http.StatusOK {
		t.Errorf("accepted: %d %s", got.status, got.body)
	}
	if got := a.download(t, id, a.desk); string(got) != string(content) {
		t.Errorf("and the document's: %s", got)
	}
}

// TestNumbersOfHeldChangesHaveNoOracle tries numbers, which follow one another,
// of changes and files that were kept aside and of which one may not hear:
// status, body, headers and statements are those of a number that nobody has.
func TestNumbersOfHeldChangesHaveNoOracle(t *testing.T) {
	o := newOracle(t)
	worker := o.byRole(care.Outreach)
	o.newTablet(t, worker).push(t, fieldsync.Change{Collection: "survivors", Record: o.record("survivors", o.hub.Org).id, Set: map[string]care.Value{"alias": text("x")}})
	key, err := o.hub.UnsentKeyFor(t.Context(), o.hub.Org, "")
	if err != nil {
		t.Fatal(err)
	}
	said, sealed := hubtest.SealedFile(t, key, freshID(7), fieldsync.UnsentFile{Document: freshID(8), Case: caseOf(1), Compartment: care.General,
		Type: "text/plain", Author: worker.actor.Staff, Clock: fieldsync.HLCOf(o.hub.Clock.Now())}, []byte("what somebody told"))
	header := http.Header{"Tus-Resumable": {"1.0.0"}, "Upload-Length": {strconv.Itoa(len(sealed))}, "Upload-Metadata": {said}, "Content-Type": {pieceType}}
	if code, body, _ := o.askBytes(t, worker, "POST", uploadsPath, sealed, header); code != http.StatusCreated {
		t.Fatalf("bringing a file: %d %s", code, body)
	}
	list, err := o.hub.Worklist(t.Context(), o.hub.Reload(t, worker.actor.Staff))
	if err != nil || len(list.Held) != 2 {
		t.Fatalf("what waits: %+v, %v", list, err)
	}
	const nobodys = 1 << 40
	pairs := 0
	for _, role := range care.Roles {
		who := o.byRole(role)
		general := whole{kept: o.record("cases", o.hub.Org), parts: []care.Compartment{care.General}}
		if role == care.Outreach || o.sees(who, o.hub.Reload(t, who.actor.Staff).Grants, general) {
			continue // their own, or of a case of theirs
		}
		for _, held := range list.Held {
			doors := func(seq uint64) []idDoor {
				at := "/api/portolan/held/" + strconv.FormatUint(seq, 10)
				return []idDoor{{"GET", "", at, nil, ""}, {"GET", "", at + "/file", nil, ""},
					{"POST", "", at, map[string]any{"decision": "accept", "as": "me"}, ""}, {"POST", "", at, map[string]any{"decision": "decline", "why": "wrong"}, ""}}
			}
			hidden, none := doors(held.Seq), doors(nobodys)
			for i := range hidden {
				got, want := o.asks(t, who, hidden[i]), o.asks(t, who, none[i])
				if d := got.differs(want); d != "" || got.code != http.StatusNotFound {
					t.Errorf("%s, %s %s of what waits as %s: %d %s", who.name, hidden[i].method, hidden[i].path, held.Reason, got.code, d)
				}
				pairs++
			}
		}
	}
	if pairs < 24 {
		t.Errorf("%d pairs: the test proves nothing", pairs)
	}
}

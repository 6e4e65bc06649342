package collections_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
)

func TestMain(m *testing.M) { os.Exit(hubtest.Main(m)) }

// answered sends a request to the built program and gives its status and words.
func answered(t *testing.T, url, token, path string, body any) (int, string) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), "POST", url+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return answer.StatusCode, string(b)
}

// TestCase11TheProgramOpensNothingThatWasMoved is attack case 11 in the built
// program: what somebody pasted with a SQLite shell comes out at no door, and
// its verify names the fault (every way to paste: TestAttack11CiphertextIsNotMovedAbout).
func TestCase11TheProgramOpensNothingThatWasMoved(t *testing.T) {
	h := hubtest.Arranged(t)
	worker, login := h.Staff(t, care.Outreach)
	drafts := newCase(h, 1)
	drafts[0].Set["owner"] = care.OfText(worker.Staff)
	drafts = append(drafts, collections.Draft{Collection: "survivors", Case: drafts[0].Record, Set: map[string]care.Value{"alias": care.OfText("Grey Egret")}})
	h.Must(t, worker, drafts...)
	undo := attack(t, h, `UPDATE survivors SET alias = (SELECT o.alias FROM survivors o WHERE o.case_id = survivors.case_id AND o.id != survivors.id)`)
	url := h.Aside(t)
	token := h.Token(t, url, login)
	if status, answer := answered(t, url, token, "/api/portolan/records/survivors", map[string]any{}); status != http.StatusInternalServerError ||
		strings.Contains(answer, "Heron") || strings.Contains(answer, "Egret") {
		t.Errorf("a list of what was moved: %d %s", status, answer)
	}
	h.Process().Kill(t)
	if out, exit := hubtest.Console(t, "verify", "--dir", h.Dir()); exit == 0 || !strings.Contains(out, "seal_") {
		t.Errorf("verify ends with %d: %s", exit, out)
	}
	h.Back(t)
	undo()
}

// TestCase36WhatTheProgramErasedIsGone is attack case 36 in the built program:
// two people erase a case at their desks, the hub is killed, and what is
// searched for everywhere is nowhere.
func TestCase36WhatTheProgramErasedIsGone(t *testing.T) {
	h := hubtest.Arranged(t)
	e := newErasable(t, h)
	before := e.other(t)
	url := h.Aside(t)
	asks, agrees := h.Token(t, url, e.asksLogin), h.Token(t, url, e.agreesLogin)
	erase := "/api/portolan/cases/" + e.gone + "/erase"
	if status, answer := answered(t, url, asks, erase, struct{}{}); !strings.Contains(answer, "approval_needed") {
		t.Errorf("one person alone erases: %d %s", status, answer)
	}
	status, answer := answered(t, url, asks, "/api/portolan/approvals", map[string]string{"act": "erase", "collection": "cases", "record": e.gone, "reason": "person_asked"})
	var question struct{ ID string }
	if err := json.Unmarshal([]byte(answer), &question); err != nil || status != http.StatusOK {
		t.Fatalf("asking a second person: %d %s", status, answer)
	}
	for _, step := range []struct {
		who, path string
		body      any
	}{{agrees, "/api/portolan/approvals/" + question.ID + "/decide", map[string]bool{"agree": true}}, {asks, erase, struct{}{}}} {
		if status, answer := answered(t, url, step.who, step.path, step.body); status != http.StatusOK {
			t.Fatalf("%s: %d %s", step.path, status, answer)
		}
	}
	h.Back(t)
	e.mustBeGone(t, h.Hub)
	if after := e.other(t); after != before {
		t.Errorf("the other case changed from %s to %s", before, after)
	}
}

package hooks_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"portolan/audit"
	"portolan/care"
	"portolan/hooks"
	fieldsync "portolan/sync"
)

// TestTheAuditRoutes: who may ask what of the log over HTTP.
func TestTheAuditRoutes(t *testing.T) {
	s := serve(t, hooks.Config{})
	worker, workerToken := s.staff(t, care.Outreach)
	_, auditorToken := s.staff(t, care.Auditor)
	ask := func(token, path string, body any, want int) []byte {
		t.Helper()
		a := s.ask(t, "POST", "/api/portolan/audit/"+path, token, body)
		if a.status != want {
			t.Errorf("%s: %d %s, want %d", path, a.status, a.body, want)
		}
		return a.body
	}
	var page struct {
		Events []struct {
			N     int64        `json:"n"`
			Event *audit.Event `json:"event"`
		} `json:"events"`
	}
	if err := json.Unmarshal(ask(auditorToken, "events", map[string]any{"limit": 5}, http.StatusOK), &page); err != nil || len(page.Events) != 5 {
		t.Errorf("the events: %+v %v", page, err)
	}
	ask(workerToken, "events", map[string]any{}, http.StatusUnprocessableEntity)
	ask(workerToken, "prove", map[string]any{"event": 1}, http.StatusUnprocessableEntity)
	ask(auditorToken, "prove", map[string]any{"event": 1}, http.StatusOK)
	ask(auditorToken, "prove", map[string]any{"event": 1 << 40}, http.StatusNotFound)
	ask(workerToken, "who-saw", map[string]any{"case": worker.Staff}, http.StatusNotFound)

	var head fieldsync.LogHead
	w := audit.Witness{Key: s.LogKey()}
	for range 3 {
		if err := json.Unmarshal(ask(workerToken, "checkpoint", map[string]any{"seen": w.Size()}, http.StatusOK), &head); err != nil {
			t.Fatal(err)
		}
		var proof []audit.Hash
		for _, p := range head.Proof {
			h, err := audit.ParseHash(p)
			if err != nil {
				t.Fatal(err)
			}
			proof = append(proof, h)
		}
		if restored, err := w.Take(head.Signed, proof); err != nil || restored {
			t.Errorf("a witness over HTTP: %v %v", restored, err)
		}
		ask(auditorToken, "events", map[string]any{"limit": 1}, http.StatusOK) // grows the log
	}
}

package collections_test

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
)

// TestR16APartTakesTheHashOfItsFiles: what a file is (its hash, length, type)
// ends with the part of the case that its bytes belong to. Whoever has the file
// from elsewhere could else show that it was here. Nothing that the hub has, in
// clear or opened, says the hash any more: nor does a backup of that.
func TestR16APartTakesTheHashOfItsFiles(t *testing.T) {
	h := hubtest.New(t)
	p := newPartly(t, h)
	bring := func(c care.Compartment, words string) (document, sum string) {
		document = h.NewID()
		h.Must(t, h.HubActor(), collections.Draft{Collection: "documents", Record: document, Case: p.caseID, Set: map[string]care.Value{
			"kind": care.OfText("letter"), "status": care.OfText("kept"), "compartment": care.OfText(string(c))}})
		if c == care.Evidence {
			h.Must(t, h.HubActor(), collections.Draft{Collection: "evidence_items", Record: h.NewID(), Case: p.caseID, Set: map[string]care.Value{
				"description": care.OfText("A letter"), "kind": care.OfText("document"), "document": care.OfText(document)}})
		}
		h.Bring(t, h.HubActor(), document, "text/plain", []byte(words), len(words))
		return document, sumHex([]byte(words))
	}
	stays, _ := bring(care.General, "what stays with the case")
	gone := map[care.Compartment]string{}
	for _, c := range []care.Compartment{care.Evidence, care.Location} {
		document, sum := bring(c, "what was found in "+string(c))
		if gone[c] = sum; c == care.Evidence && !strings.Contains(everything(t, h, p), sum) {
			t.Fatal("the hash is nowhere: the test proves nothing")
		}
		if again, same := bring(c, "what was found in "+string(c)); same != sum || again == document {
			t.Fatal("the same bytes twice are not")
		}
	}
	h.Clock.Move(time.Minute)
	for c := range gone {
		p.agree(t, c)
		if done, err := h.Erase(t.Context(), p.asks, p.caseID, c); err != nil || done.Files != 1 {
			t.Fatalf("%s: %+v, %v", c, done, err)
		}
	}
	said := everything(t, h, p)
	for c, sum := range gone {
		raw, _ := hex.DecodeString(sum)
		if strings.Contains(said, sum) {
			t.Errorf("the hash of the file of %s is still said", c)
		}
		// What a backup is made from.
		hubtest.LookFor(t, h.Dir(), sum, []string{string(raw)})
	}
	if c, err := h.File(t.Context(), h.HubActor(), stays); err != nil {
		t.Errorf("what stays: %v", err)
	} else {
		c.Bytes.Close()
	}
	if faults, err := h.Verify(t.Context(), func(collections.Count) {}); err != nil || len(faults) > 0 {
		t.Errorf("verify: %v %v", faults, err)
	}
}

// everything is what the hub says to itself of a case: records, the history of
// each field, and the audit log with its details.
func everything(t *testing.T, h *hubtest.Hub, p *partly) string {
	t.Helper()
	var all []any
	for _, e := range care.Schema {
		if e.Topic != care.NoTopic {
			continue
		}
		rows, err := h.List(t.Context(), h.HubActor(), collections.Query{Collection: e.Name, Case: p.caseID})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			all = append(all, row.V)
			for _, f := range e.Fields {
				history, err := h.History(t.Context(), h.HubActor(), e.Name, row.ID, f.Name)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, history)
			}
		}
	}
	trail, err := h.AuditTrail(t.Context(), p.caseID)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(append(all, trail))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

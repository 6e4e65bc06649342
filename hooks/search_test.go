package hooks_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
	"portolan/internal/hubtest"
)

const searchPath = "/api/portolan/search"

type searchAnswer struct {
	Found []struct {
		Collection, ID, Case, Match string
		On                          []string
		Fields                      map[string]care.Value
	}
	More bool
}

func readSearch(t *testing.T, body []byte) searchAnswer {
	t.Helper()
	var out searchAnswer
	if err := json.Unmarshal(body, &out); err != nil {
		t.Fatalf("%v: %.200s", err, body)
	}
	return out
}

// Everybody searches for words that stand in what they may see and in what
// they may not, and finds all of the one and nothing of the other.
func TestSearchFindsNothingHidden(t *testing.T) {
	w := newWorldOn(t, hubtest.Arranged(t))
	before := w.snapshot(t)
	w.aside(t)
	found := 0
	for _, who := range w.askers {
		for _, sought := range []string{"zanzibar", "Quetsal", "Zanzi", "занзибар", canary} {
			code, body := w.ask(t, who, "POST", searchPath, map[string]any{"text": sought})
			if !who.staff {
				refused(t, who.name+" searches", code, body)
				continue
			}
			if code != http.StatusOK {
				t.Errorf("%s searches for %s: %d %.200s", who.name, sought, code, body)
			}
			ids := map[string]bool{}
			for _, f := range readSearch(t, body).Found {
				ids[f.ID] = true
				found++
			}
			for _, k := range w.records {
				e, _ := care.Find(k.collection)
				searchable := strings.Contains("survivors identities facilities staff organisations", e.Name)
				if may := w.sees(t, who, k); ids[k.id] && !may {
					t.Errorf("%s searches for %s and finds the hidden %s", who.name, sought, k.collection)
				} else if may && searchable && !ids[k.id] && !(k.collection == "organisations" && k.org == w.hub.Org) {
					t.Errorf("%s searches for %s and does not find the %s that they see", who.name, sought, k.collection)
				}
			}
		}
	}
	if found == 0 {
		t.Error("nobody found anything: the test proves nothing")
	}
	w.hub.Back(t)
	w.unchangedSince(t, before)
}

func TestSearchIsByPostAndMetered(t *testing.T) {
	s := serve(t, hooks.Config{Rates: hooks.Rates{Device: hubtest.Unhurried.Device, Account: hubtest.Unhurried.Account, Address: hubtest.Unhurried.Address,
		Search: hooks.Rate{PerMinute: 60, Burst: 3}}})
	_, token := s.staff(t, care.Outreach)
	if a := s.ask(t, "GET", searchPath+"?text=fatima", token, nil); a.status == http.StatusOK {
		t.Errorf("a search in an address: %d %s", a.status, a.body)
	}
	for text, code := range map[string]string{"f": "search_too_short", "a b c d e f g": "search_too_long"} {
		if a := s.ask(t, "POST", searchPath, token, map[string]any{"text": text}); a.status != http.StatusBadRequest || !bytes.Contains(a.body, []byte(code)) {
			t.Errorf("%q: %d %s", text, a.status, a.body)
		}
	}
	if a := s.ask(t, "POST", searchPath, token, map[string]any{"text": "fatima"}); a.status != http.StatusOK || string(bytes.TrimSpace(a.body)) != `{"found":[],"more":false}` {
		t.Errorf("a search that finds nobody: %d %s", a.status, a.body)
	}
	a := s.ask(t, "POST", searchPath, token, map[string]any{"text": "fatima"})
	if a.status != http.StatusTooManyRequests {
		t.Errorf("a fourth search at once: %d %s", a.status, a.body)
	}
}

// What was looked for stands in no file of the hub, whether somebody was found
// or not, and the index of names in none either.
func TestNothingOfASearchIsWritten(t *testing.T) {
	s := serve(t, hooks.Config{})
	actor, token := s.staff(t, care.Outreach)
	caseID, survivor := s.NewID(), s.NewID()
	s.Must(t, actor, collections.Draft{Collection: "cases", Record: caseID, Case: caseID, Set: map[string]care.Value{"status": care.OfText("Active"), "owner": care.OfText(actor.Staff)}},
		collections.Draft{Collection: "survivors", Record: survivor, Case: caseID, Set: map[string]care.Value{"alias": care.OfText("Kestrelwind")}})
	for text, want := range map[string]int{"kestrelwint": 1, "Qorvathelim": 0} {
		a := s.ask(t, "POST", searchPath, token, map[string]any{"text": text})
		if got := readSearch(t, a.body); len(got.Found) != want {
			t.Errorf("%s: %s", text, a.body)
		}
	}
	err := filepath.WalkDir(s.Dir(), func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		for _, word := range []string{"kestrelwint", "Qorvathelim", "qorvathelim", "kestrelwind"} { // the last as the index folds it
			if bytes.Contains(b, []byte(word)) {
				t.Errorf("%s holds %s", filepath.Base(p), word)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

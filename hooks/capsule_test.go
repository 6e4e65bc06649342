package hooks_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"math/rand"
	"net/http"
	"slices"
	"strings"
	"testing"

	"portolan/capsule"
	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
	"portolan/internal/hubtest"
)

const carriedWords = "bado kiru mesa tilo vuna"

// elsewhere is the key of another hub.
var elsewhere = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

// carriedFrom is the code of a paper that another hub made.
func carriedFrom(t *testing.T, key ed25519.PrivateKey) string {
	t.Helper()
	r := capsule.Record{Paper: capsule.Paper{1, 2, 3}, Day: "2026-11-20", Languages: []string{"fr", "es"}, Country: "ES",
		Agreed: map[care.Category]string{care.CatHealth: "2027-05-01"},
		Entries: []capsule.Entry{
			{Collection: "allergies", Set: set{"substance": text("penicillin"), "criticality": text("high")}},
			{Collection: "medicines", Set: set{"substance": text("amoxicillin"), "dose": text("500 mg"), "frequency": text("TID"), "status": text("active"), "days_left": care.OfInt(12)}},
			{Collection: "conditions", Set: set{"label": text("Asthma"), "code": text("J45"), "code_system": text("icd10")}},
			{Collection: "survivors", Set: set{"birth_year": care.OfInt(1999), "primary_language": text("fr"), "languages": care.OfList("fr")}},
			{Collection: "deadlines", Set: set{"kind": text("other"), "due_on": text("2026-12-15")}},
			{Collection: "identities", Set: set{"aliases": care.OfList("Marisol")}},
			{Collection: "cases", Set: set{"needs": care.OfList("housing")}},
		}}
	s, _, err := capsule.Make(rand.New(rand.NewSource(1)), r, key, carriedWords)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type openedAnswer struct {
	Verdict  string                 `json:"verdict"`
	Hub      string                 `json:"hub"`
	Record   capsule.Plain          `json:"record"`
	Hidden   []string               `json:"hidden"`
	Imported *hooks.ImportedCapsule `json:"imported"`
}

func opened(t *testing.T, a answer) openedAnswer {
	t.Helper()
	var o openedAnswer
	if err := json.Unmarshal(a.body, &o); err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return o
}

// TestACapsuleFromElsewhere: unknown until its hub is trusted, whose digits
// somebody heard; then it is taken in, once, through the one door.
func TestACapsuleFromElsewhere(t *testing.T) {
	h := hubtest.New(t)
	s := serveOn(t, h, hooks.Config{})
	_, bossLogin := h.Staff(t, care.ProtectionOfficer)
	worker, workerLogin := h.Staff(t, care.Outreach)
	_, legalLogin := h.Staff(t, care.LegalWorker)
	_, auditorLogin := h.Staff(t, care.Auditor)
	tokens := map[string]string{}
	for _, login := range []string{bossLogin, workerLogin, legalLogin, auditorLogin} {
		tokens[login] = s.signIn(t, login)
	}
	code := carriedFrom(t, elsewhere)
	ask := func(login string, o order) answer {
		return s.ask(t, "POST", "/api/portolan/capsules/open", tokens[login], o)
	}
	first := opened(t, ask(workerLogin, order{"text": code, "words": "BADO kiru  mesa tilo vuna"}))
	if first.Verdict != "unknown" || first.Hub != "" || first.Record.Entries["medicines"][0]["dose"].Text() != "500 mg" || !slices.Equal(first.Hidden, []string{"deadlines"}) {
		t.Errorf("nobody trusts its hub: %+v", first)
	}
	changed := []byte(code)
	changed[200] = map[bool]byte{true: 'A', false: 'B'}[changed[200] == 'B']
	for name, refused := range map[string]struct {
		login string
		o     order
		code  string
	}{
		"other words":           {workerLogin, order{"text": code, "words": "bado kiru mesa tilo vunu"}, "capsule_closed"},
		"one letter changed":    {workerLogin, order{"text": string(changed), "words": carriedWords}, "capsule_closed"},
		"no code":               {workerLogin, order{"text": "HTTPS://EXAMPLE.ORG", "words": carriedWords}, "capsule_malformed"},
		"no picture":            {workerLogin, order{"picture": []byte("GIF89a"), "words": carriedWords}, "code_not_found"},
		"somebody on no case":   {auditorLogin, order{"text": code, "words": carriedWords}, "no_power"},
		"taken in, not trusted": {workerLogin, order{"text": code, "words": carriedWords, "import": true}, "capsule_not_trusted"},
	} {
		if a := ask(refused.login, refused.o); a.code(t) != refused.code {
			t.Errorf("%s: %d %s, want %s", name, a.status, a.body, refused.code)
		}
	}

	public := elsewhere.Public().(ed25519.PublicKey)
	trust := func(login string, o order) answer { return s.ask(t, "POST", "/api/portolan/trust", tokens[login], o) }
	good := order{"name": "The others", "key": capsule.FormatKey(public), "heard": strings.ReplaceAll(capsule.Fingerprint(public), " ", "-")}
	with := func(name string, v string) order {
		o := order{"name": good["name"], "key": good["key"], "heard": good["heard"]}
		o[name] = v
		return o
	}
	if a := trust(workerLogin, good); a.code(t) != "no_power" {
		t.Errorf("an outreach worker trusts: %s", a.body)
	}
	for want, o := range map[string]order{"fingerprint_differs": with("heard", "12345"), "hub_key_invalid": with("key", "abc"), "trust_invalid": with("address", "http://hub")} {
		if a := trust(bossLogin, o); a.code(t) != want {
			t.Errorf("%v: %s, want %s", o, a.body, want)
		}
	}
	if a := trust(bossLogin, good); a.status != http.StatusOK {
		t.Fatalf("%s", a.body)
	}
	if a := trust(bossLogin, good); a.code(t) != "trust_known" {
		t.Errorf("twice: %s", a.body)
	}
	if l := s.ask(t, "GET", "/api/portolan/trust", tokens[workerLogin], nil); !strings.Contains(string(l.body), "The others") {
		t.Errorf("the list: %s", l.body)
	}

	taken := opened(t, ask(workerLogin, order{"text": code, "words": carriedWords, "import": true}))
	if taken.Verdict != "valid" || taken.Hub != "The others" || taken.Imported == nil || taken.Imported.Taken["medicines"] != 1 || taken.Imported.Taken["cases"] != 1 || len(taken.Imported.Held) > 0 {
		t.Fatalf("taken in: %+v %+v", taken, taken.Imported)
	}
	if taken.Imported.Aside["no_place_for_it"] != 2 || taken.Imported.Aside["unknown_code"] != 1 { // a deadline needs its matter; no need is called so
		t.Errorf("kept aside: %v", taken.Imported.Aside)
	}
	again := opened(t, ask(workerLogin, order{"text": code, "words": carriedWords, "import": true}))
	if again.Imported.Case != taken.Imported.Case || len(again.Imported.Taken) > 0 || again.Imported.Unchanged == 0 {
		t.Errorf("the same paper again: %+v", again.Imported)
	}
	worker = h.Reload(t, worker.Staff)
	rows, err := h.List(t.Context(), worker, collections.Query{Collection: "medicines", Case: taken.Imported.Case})
	if err != nil || len(rows) != 1 || rows[0].Text("dose") != "500 mg" || rows[0].Text("source") != "document" {
		t.Errorf("its owner sees %v, %v", rows, err)
	}
	// Another paper of somebody with the same name is not taken for the same person.
	other := opened(t, ask(workerLogin, order{"text": anotherOf(t, elsewhere), "words": carriedWords, "import": true}))
	if other.Imported.Case == taken.Imported.Case || !slices.Contains(other.Imported.Alike, taken.Imported.Case) {
		t.Errorf("somebody of the same name: %+v", other.Imported)
	}

	if a := s.ask(t, "POST", "/api/portolan/trust/remove", tokens[bossLogin], order{"key": good["key"]}); a.status != http.StatusOK {
		t.Errorf("%s", a.body)
	}
	if o := opened(t, ask(workerLogin, order{"text": code, "words": carriedWords})); o.Verdict != "unknown" {
		t.Errorf("no longer trusted: %s", o.Verdict)
	}
	for _, act := range []string{hooks.ActOpenCapsule, collections.ActTrust} {
		if a := s.ask(t, "POST", "/api/portolan/audit/events", tokens[auditorLogin], order{"act": act}); strings.Count(string(a.body), `"`+act+`"`) < 3 {
			t.Errorf("the audit log has of %s: %s", act, a.body)
		}
	}
}

// anotherOf is a second paper of somebody of the same name.
func anotherOf(t *testing.T, key ed25519.PrivateKey) string {
	t.Helper()
	s, _, err := capsule.Make(rand.New(rand.NewSource(2)), capsule.Record{Paper: capsule.Paper{9}, Day: "2026-11-21", Languages: []string{"fr"},
		Entries: []capsule.Entry{{Collection: "identities", Set: set{"aliases": care.OfList("Marisol")}}}}, key, carriedWords)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

package fieldsync

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"portolan/care"
)

func sampleSnapshot() Snapshot {
	return Snapshot{Draft: replicaA, Collection: "notes", Record: replicaA, Case: replicaA, Part: care.Health, Author: replicaA,
		Clock: "0195d4a2b3c40001", At: "2026-11-20T08:00:00.000Z", Form: json.RawMessage(`{"health_text":"half a sen","more":[1,{"a":null}]}`)}
}

// TestASnapshotIsReadStrictly: it comes back as it was written, and nothing
// else is taken for one.
func TestASnapshotIsReadStrictly(t *testing.T) {
	good, err := sampleSnapshot().Encode()
	if err != nil {
		t.Fatal(err)
	}
	if s, err := DecodeSnapshot(good); err != nil || !reflect.DeepEqual(s, sampleSnapshot()) {
		t.Fatalf("%+v, %v", s, err)
	}
	for from, to := range map[string]string{
		`"c":"notes"`: `"c":"Notes"`, `"part":"health"`: `"part":"attic"`, `"by":"`: `"by":"0`, `{"draft"`: `{"more":1,"draft"`, `"t":"0195`: `"t":"x195`,
		`"at":"2026`: `"at":"26`, `"form":{`: `"form":[{`, `"health_text"`: `"Health"`, `,"case":"` + replicaA + `"`: ``, `"r":"`: `"r":"x","r":"`,
	} {
		bad := strings.Replace(string(good), from, to, 1)
		if bad == string(good) {
			t.Errorf("%s is not in %s", from, good)
		}
		if s, err := DecodeSnapshot([]byte(bad)); err == nil || care.CodeOf(err) == "internal" {
			t.Errorf("%s: %+v, %v", bad, s, err)
		}
	}
}

type draftVector struct {
	Name     string   `json:"name"`
	Replica  string   `json:"replica"`  // that made it
	Private  string   `json:"private"`  // part of the hub's key, hex: a 32-byte seed
	Member   string   `json:"member"`   // drafts, as it stands in a push
	Snapshot string   `json:"snapshot"` // what is sealed
	Called   string   `json:"called"`
	Over     []string `json:"over"`
	Line     string   `json:"line"` // by which the author's other tablets have it
}

// That the sealed bytes open, package collections shows.
func TestDraftVectors(t *testing.T) {
	replay(t, "draft.json", func(t *testing.T, v *draftVector) {
		s, err := DecodeSnapshot([]byte(v.Snapshot))
		if err != nil {
			t.Fatal(err)
		}
		p, err := DecodePush([]byte(`{"v":1,"replica":"` + v.Replica + `","changes":[],"drafts":` + v.Member + `}`))
		if err != nil || len(p.Drafts.Put) != 1 || p.Drafts.Put[0].Name != s.Name(v.Replica) {
			t.Fatalf("%+v, %v", p.Drafts, err)
		}
		v.Member = strings.TrimPrefix(string(p.Drafts.appendTo(nil)), `,"drafts":`)
		v.Called, v.Over = p.Drafts.Put[0].Name.String(), draftNames(p.Drafts.Put[0].Over)
		l := Line{Draft: &KeptDraft{Name: v.Called, Until: s.At, Snapshot: json.RawMessage(v.Snapshot)}}
		v.Line = string(bytes.TrimSpace(l.AppendJSON(nil)))
		if again, err := DecodeLine([]byte(v.Line)); err != nil || !reflect.DeepEqual(again, l) {
			t.Errorf("%+v, %v", again, err)
		}
	})
}

func TestWhatAHubSaysOfFormsComesBack(t *testing.T) {
	name := called(sampleSnapshot())
	for _, l := range []Line{
		{Drafts: &DraftsSaid{Taken: []string{name.String()}}}, {Drafts: &DraftsSaid{Gone: []string{name.String()}}},
		{Drafts: &DraftsSaid{Taken: []string{name.String()}, Gone: []string{name.String()}, Refused: map[string]string{name.String(): "erased"}}},
	} {
		if again, err := DecodeLine(bytes.TrimSpace(l.AppendJSON(nil))); err != nil || !reflect.DeepEqual(again, l) {
			t.Errorf("%+v comes back as %+v, %v", l.Drafts, again.Drafts, err)
		}
	}
	for _, bad := range []string{"", "x", name.Draft, name.Earlier(), name.String() + "/", strings.Replace(name.String(), "health", "attic", 1)} {
		if _, err := ParseDraftName(bad); err == nil {
			t.Errorf("%q is taken for a name", bad)
		}
	}
}

func FuzzDecodeSnapshot(f *testing.F) {
	good, err := sampleSnapshot().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeSnapshot(b)
		if err != nil {
			return
		}
		again, err := s.Encode()
		if err != nil {
			if care.CodeOf(err) == CodeTooLarge { // its form stands a little longer
				return
			}
			t.Fatal(err)
		}
		if _, err := DecodeSnapshot(again); err != nil {
			t.Fatal(err)
		}
		if _, err := FormFields(s.Form); err != nil {
			t.Fatal(err)
		}
	})
}

func called(s Snapshot) DraftName { return s.Name(replicaA) }

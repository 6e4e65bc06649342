package fieldsync

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"portolan/care"
)

const (
	recordA  = "01960000-0000-7000-8000-00000000000a"
	caseA    = "01960000-0000-7000-8000-0000000000ca"
	orgA     = "01960000-0000-7000-8000-0000000000aa"
	staffA   = "01960000-0000-7000-8000-0000000000a1"
	replicaA = "01960000-0000-7000-8000-0000000000d1"
	replicaB = "01960000-0000-7000-8000-0000000000d2"
	saltA    = "AAECAwQFBgcICQoLDA0ODw"
)

func sample() Change {
	return Change{
		N: 7, Collection: "survivors", Record: recordA, Case: caseA,
		Set:    map[string]care.Value{"alias": care.OfText("Lis <&>\n\u2028 \"élan\" 语"), "born": care.OfAbsent(care.Unknown)},
		Add:    map[string][]string{"languages": {"es", "fr"}},
		Remove: map[string][]string{"languages": {"en"}, "needs": {"legal"}},
		Base:   map[string][]Dot{"alias": {DotOf(replicaA, 3), DotOf(replicaB, 12)}, "languages": {DotOf(replicaB, 9)}},
		Clock:  "0195d4a2b3c40001", At: "2026-01-02T03:04:05.006Z", Author: staffA, Group: "g-1", Schema: 3, Salt: saltA,
	}
}

func TestChangeRoundTrip(t *testing.T) {
	c := sample()
	raw := EncodeChange(c)
	got, err := DecodeChange(raw)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, c) {
		t.Errorf("decoded\n%+v\nfrom\n%s\nwant\n%+v", got, raw, c)
	}
	var std Change
	if err := json.Unmarshal(raw, &std); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(std, c) {
		t.Errorf("encoding/json reads\n%+v\nwant\n%+v", std, c)
	}
	if again := EncodeChange(got); !bytes.Equal(again, raw) {
		t.Errorf("encoded again\n%s\nwant\n%s", again, raw)
	}
	if n, err := NumberOf(raw); n != 7 || err != nil {
		t.Errorf("NumberOf = %d, %v; want 7", n, err)
	}
}

func TestDecodeChangeRefuses(t *testing.T) {
	good := string(EncodeChange(sample()))
	with := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the sample does not hold %q", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	deep := strings.Repeat("[", DepthMax) + strings.Repeat("]", DepthMax)
	for _, c := range []struct{ name, raw, code string }{
		{"empty", "", CodeJSON},
		{"truncated", good[:len(good)-1], CodeJSON},
		{"something behind", good + "{}", CodeJSON},
		{"an array", "[]", CodeType},
		{"unknown member", with(`"n":7`, `"n":7,"x":1`), CodeMember},
		{"member in another case", with(`"n":7`, `"N":7`), CodeMember},
		{"member twice", with(`"n":7`, `"n":7,"n":8`), CodeTwice},
		{"field twice", with(`"born":`, `"alias":`), CodeTwice},
		{"number zero", with(`"n":7`, `"n":0`), CodeMissing},
		{"number with a fraction", with(`"n":7`, `"n":7.5`), CodeNumber},
		{"number too large", with(`"n":7`, `"n":9007199254740992`), CodeNumber},
		{"number as text", with(`"n":7`, `"n":"7"`), CodeType},
		{"no salt", with(`,"salt":"`+saltA+`"`, ``), CodeMissing},
		{"short salt", with(saltA, saltA[2:]), CodeSalt},
		{"id in capitals", with(recordA, strings.ToUpper(recordA)), CodeID},
		{"id of version 4", with(recordA, strings.Replace(recordA, "-7", "-4", 1)), CodeID},
		{"collection", with(`"survivors"`, `"Survivors"`), CodeName},
		{"group", with(`"g-1"`, `"g 1"`), CodeName},
		{"clock", with(`"0195d4a2b3c40001"`, `"0195D4A2B3C40001"`), CodeClock},
		{"time without milliseconds", with(`05.006Z`, `05Z`), CodeTime},
		{"dot", with(replicaA+"/3", replicaA+"/03"), CodeDot},
		{"null value", with(`{"absent":"unknown"}`, `null`), CodeType},
		{"deep value", with(`{"absent":"unknown"}`, deep), CodeDepth},
		{"not UTF-8", with("élan", "\xff"), CodeUTF8},
		{"half a surrogate", with("élan", `\ud800`), CodeUTF8},
		{"control character", with("élan", "\x01"), CodeJSON},
		{"bad escape", with("élan", `\x`), CodeJSON},
		{"element twice", with(`["es","fr"]`, `["es","es"]`), CodeTwice},
		{"element added and removed", with(`["en"]`, `["es"]`), CodeTwice},
		{"empty element", with(`["en"]`, `[""]`), CodeType},
		{"set and added", with(`"born":`, `"languages":`), CodeTwice},
		{"base for nothing", with(`"base":{"alias"`, `"base":{"other"`), CodeMember},
		{"value too large", with(`{"absent":"unknown"}`, `"`+strings.Repeat("x", care.ValueBytesMax)+`"`), CodeTooLarge},
		{"too large", strings.Repeat(" ", ChangeBytesMax) + good, CodeTooLarge},
		{"element too large", with(`["en"]`, `["`+strings.Repeat("e", ElementBytesMax+1)+`"]`), CodeTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := DecodeChange([]byte(c.raw))
			if got := care.CodeOf(err); err == nil || got != c.code {
				t.Errorf("code %q (%v), want %q", got, err, c.code)
			}
		})
	}
}

func TestPushKeepsBytes(t *testing.T) {
	spaced := json.RawMessage("{ \"n\" : 1,\n\t\"note\":\"<&> \u2028\" }")
	p := Push{Version: ProtocolVersion, Replica: replicaA, Changes: []json.RawMessage{spaced, EncodeChange(sample())},
		Link: NextLink(Link{}, spaced).String(), Signature: "c2ln", Cursor: "c",
		Check: []string{EveryScope, string(CaseScope(caseA, care.Health))}, Again: map[string][]string{string(CaseScope(caseA, care.General)): {recordA}}}
	got, err := DecodePush(p.AppendJSON(nil))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, p) {
		t.Errorf("decoded\n%+v\nwant\n%+v", got, p)
	}
	if _, err := got.Numbers(); care.CodeOf(err) != CodeGap {
		t.Errorf("changes 1 and 7: %v, want %s", err, CodeGap)
	}
}

func TestDecodePushRefuses(t *testing.T) {
	const head = `{"v":1,"replica":"` + replicaA + `","changes":`
	link := Link{}.String()
	many := strings.TrimSuffix(strings.Repeat(`{},`, PushChangesMax+1), ",")
	for _, c := range []struct{ name, body, code string }{
		{"empty", ``, CodeJSON},
		{"text", `hello`, CodeJSON},
		{"array", `[]`, CodeType},
		{"version 0", `{"v":0,"replica":"` + replicaA + `","changes":[]}`, CodeVersion},
		{"no version", `{"replica":"` + replicaA + `","changes":[]}`, CodeVersion},
		{"no replica", `{"v":1,"changes":[]}`, CodeID},
		{"an unknown member that is no JSON", `{"v":1,"replica":"` + replicaA + `","changes":[],"later":{]}`, CodeJSON},
		{"change is text", head + `["x"]}`, CodeType},
		{"unsigned", head + `[{"n":1}]}`, CodeMissing},
		{"link", head + `[],"link":"zz"}`, CodeLink},
		{"too many", head + `[` + many + `],"link":"` + link + `","sig":"s"}`, CodePushTooLarge},
		{"change too large", head + `[{"n":"` + strings.Repeat("x", ChangeBytesMax) + `"}]}`, CodeTooLarge},
		{"too large", strings.Repeat(" ", PushBytesMax+1), CodePushTooLarge},
		{"deep", strings.Repeat("[", 100000), CodeType},
		{"deep in a change", head + `[{"n":` + strings.Repeat("[", 100000), CodeDepth},
		{"cursor", `{"v":1,"replica":"` + replicaA + `","cursor":"` + strings.Repeat("c", CursorBytesMax+1) + `"}`, CodeTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := DecodePush([]byte(c.body))
			var e *care.Error
			if !errors.As(err, &e) || e.Code != c.code {
				t.Errorf("%v, want %s", err, c.code)
			}
		})
	}
}

func TestLineRoundTrip(t *testing.T) {
	reg := Register{Heads: []Version{
		{Dot: DotOf(replicaA, 1), Clock: "0195d4a2b3c40001", At: "2026-01-02T03:04:05.006Z", Author: staffA, Seq: 9, Value: care.OfText("x\"\n")},
		{Dot: DotOf(replicaB, 2), Clock: "0195d4a2b3c40002", At: "2026-01-02T03:04:05.006Z", Author: staffA, Elem: "fr", Removed: true},
	}}
	stood := reg.Heads[0]
	stood.Seq, stood.Stands = 12, 9
	sets := Register{Heads: []Version{reg.Heads[0], reg.Heads[1], reg.Heads[1]}}
	sets.Heads[0].Value, sets.Heads[0].Elem = nil, "de"
	sets.Heads[2].Elem, sets.Heads[2].Removed = "it", false
	for _, l := range []Line{
		{Row: &Row{Scope: OrgScope(orgA, care.People, care.General), Collection: "staff", Record: recordA, Org: orgA,
			Fields: map[string]Register{"status": {Heads: []Version{stood}}, "languages": sets, "needs": {Heads: sets.Heads[1:]}, "name": reg}}},
		{Row: &Row{Scope: CaseScope(caseA, care.Health), Collection: "notes", Record: recordA, Case: staffA, Fields: map[string]Register{"a": {Heads: reg.Heads[:1]}}}},
		{Evict: []Scope{CaseScope(caseA, care.Health)}},
		{Receipts: []json.RawMessage{json.RawMessage(`{"n":1,"q":2,"s":"applied"}`)}},
		{Enter: []Scope{OrgScope(orgA, care.Facilities, care.General), OrgScope(orgA, care.People, care.Identity)}},
		{Row: &Row{Scope: CaseScope(caseA, care.General), Collection: "cases", Record: caseA, Case: caseA, Org: orgA,
			CreatedBy: staffA, MadeAt: "2026-01-02T03:04:05.006Z", More: true, Fields: map[string]Register{"status": reg, "owner": {Heads: reg.Heads[:1]}}}},
		{Own: []Stood{{N: 7}, {N: 8, Stands: map[string]uint64{"status": 4000}}}},
		{Mark: "abd"},
		{Digests: map[string]string{string(CaseScope(caseA, care.Health)): "00", "org": "11"}},
		{Records: &RecordDigests{Scope: CaseScope(caseA, care.Health), Digests: map[string]string{recordA: "22"}}},
		{Gone: &Gone{Scope: CaseScope(caseA, care.Health), Records: []string{recordA, caseA}}},
		{End: &End{Cursor: "abc", Digest: "00", Server: "2026-01-02T03:04:05.006Z"}},
	} {
		raw := l.AppendJSON(nil)
		if bytes.IndexByte(raw, '\n') != len(raw)-1 {
			t.Errorf("%s is not one line", raw)
		}
		got, err := DecodeLine(raw)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if !reflect.DeepEqual(got, l) {
			t.Errorf("decoded\n%+v\nfrom %s", got, raw)
		}
		if l.Row == nil {
			continue
		}
		if fields, err := DecodeWrites(AppendWrites(nil, l.Row.Fields)); err != nil || !reflect.DeepEqual(fields, l.Row.Fields) {
			t.Errorf("by themselves the writes of %s are %+v, %v", raw, fields, err)
		}
	}
	if l, err := DecodeLine([]byte(`{"new":[{"a":1}],"end":{"cursor":"c","later":[]}}`)); err != nil || l.End == nil || l.End.Cursor != "c" {
		t.Errorf("a line of a newer hub: %+v, %v", l, err)
	}
}

func TestReceiptRoundTrip(t *testing.T) {
	for _, r := range []Receipt{
		{N: 1, Seq: 2, Status: StatusApplied},
		{N: 3, Seq: 4, Status: StatusConflict, Conflicts: []string{"dose", "status"}},
		{N: 5, Seq: 6, Status: StatusHeld, Held: []Held{{Reason: "not_allowed"}, {Field: "a", Reason: HeldWrittenOnce}}},
	} {
		want, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.AppendJSON(nil); !bytes.Equal(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func BenchmarkDoor(b *testing.B) {
	c := sample()
	c.Set = map[string]care.Value{}
	c.Add, c.Remove, c.Base = nil, nil, nil
	for _, f := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		c.Set[f] = care.OfText("a value of ordinary length")
	}
	raw := EncodeChange(c)
	f := &care.Field{Merge: care.Latest}
	old := Register{Heads: []Version{{Dot: DotOf(replicaB, 4), Clock: c.Clock, At: c.At, Author: staffA, Seq: 4, Value: care.OfText("before")}}}
	stored := old.AppendJSON(nil)
	b.ReportAllocs()
	for b.Loop() {
		c, err := DecodeChange(raw)
		if err != nil {
			b.Fatal(err)
		}
		for name := range c.Set {
			reg, err := DecodeRegister(stored)
			if err != nil {
				b.Fatal(err)
			}
			before := DigestOf("case:x/general", c.Record, name, reg.Dots())
			for _, v := range c.Versions(name, replicaA, c.Clock, 5) {
				reg.Apply(f, v, []Dot{DotOf(replicaB, 4)})
			}
			_ = DigestOf("case:x/general", c.Record, name, reg.Dots()).Sub(before)
			_ = reg.AppendJSON(nil)
		}
	}
}

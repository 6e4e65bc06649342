package fieldsync

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"portolan/care"
)

// seedChanges are changes and things that look like them.
func seedChanges() []string {
	good := string(EncodeChange(sample()))
	return []string{good, good[:len(good)/2], "", "{", "{}", "null", `{"n":1}`, `{"n":1,"n":2}`, `{"n":1e3}`, `{"n":-0}`, "\xff", `{"set":{"a":[[[[[[[[[[]]]]]]]]]]}}`,
		`{"n":1,"salt":"` + "\\ud800" + `"}`, `{"n":1,"set":{"a":"` + "\\u0000" + `"}}`}
}

func FuzzDecodeChange(f *testing.F) {
	for _, s := range seedChanges() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := DecodeChange(raw)
		if err != nil {
			var e *care.Error
			if !errors.As(err, &e) || e.Code == "" {
				t.Fatalf("an error without a code: %v", err)
			}
			return
		}
		if !json.Valid(raw) {
			t.Fatal("taken, and no JSON")
		}
		if n, err := NumberOf(raw); n != c.N || err != nil {
			t.Fatalf("NumberOf = %d, %v; the change says %d", n, err, c.N)
		}
		again, err := DecodeChange(EncodeChange(c))
		if err != nil {
			t.Fatalf("written again: %v", err)
		}
		if !bytes.Equal(EncodeChange(again), EncodeChange(c)) {
			t.Fatal("written again, it says something else")
		}
	})
}

func FuzzAsSealed(f *testing.F) {
	f.Add([]byte(`{"n":2,"of":"` + replicaA + `/2","key":"ab","sum":"` + Link{7}.String() + `","sealed":"AAAA"}`))
	for _, s := range seedChanges() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, sealed, err := AsSealed(raw)
		if err != nil || !sealed {
			return
		}
		again, _, err := AsSealed(c.AppendJSON(nil))
		if err != nil || !bytes.Equal(again.AppendJSON(nil), c.AppendJSON(nil)) {
			t.Fatalf("written again: %v", err)
		}
		if n, err := NumberOf(raw); err != nil || n != c.N {
			t.Fatalf("NumberOf = %d, %v; it says %d", n, err, c.N)
		}
	})
}

func FuzzDecodeUnsentFile(f *testing.F) {
	good, err := sampleFile().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(bytes.Replace(good, []byte(`"size"`), []byte(`"Size"`), 1))
	for _, s := range seedChanges() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := DecodeUnsentFile(raw)
		if err != nil {
			if care.CodeOf(err) == "internal" {
				t.Fatalf("an error without a code: %v", err)
			}
			return
		}
		written, err := file.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := DecodeUnsentFile(written); err != nil || !reflect.DeepEqual(again, file) {
			t.Fatalf("written again: %+v, %v", again, err)
		}
	})
}

func FuzzDecodePush(f *testing.F) {
	for _, s := range seedChanges() {
		f.Add([]byte(s))
		f.Add([]byte(`{"v":1,"replica":"` + replicaA + `","changes":[` + s + `],"link":"` + Link{}.String() + `","sig":"x","cursor":""}`))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := DecodePush(body)
		if err != nil {
			if care.CodeOf(err) == "internal" {
				t.Fatalf("an error without a code: %v", err)
			}
			return
		}
		again, err := DecodePush(p.AppendJSON(nil))
		if err != nil {
			t.Fatalf("written again: %v", err)
		}
		for i := range p.Changes {
			if !bytes.Equal(again.Changes[i], p.Changes[i]) {
				t.Fatal("a change's bytes were altered")
			}
		}
	})
}

func FuzzDecodeLine(f *testing.F) {
	f.Add([]byte(`{"row":{"s":"case:x/general","w":[{"d":"r/1","q":2,"f":{"a":{"absent":"unknown"}},"o":{"a":1},"e":{"b":["c","d"]},"x":{"b":["e"]}}]}}`))
	f.Add([]byte(`{"own":[{"n":2,"o":{"a":1}},{"n":3}]}`))
	f.Add([]byte(`{"mark":"m"}`))
	f.Add([]byte(`{"evict":["case:` + caseA + `/health"]}`))
	f.Add([]byte(`{"receipts":[{"n":1}],"later":[[[]]]}`))
	f.Add([]byte(`{"end":{"cursor":"c","digest":"d","now":"n"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, err := DecodeLine(raw)
		if err != nil {
			return
		}
		again, err := DecodeLine(l.AppendJSON(nil))
		if err != nil {
			t.Fatalf("written again: %v", err)
		}
		if l.Row != nil && !bytes.Equal(again.AppendJSON(nil), l.AppendJSON(nil)) {
			t.Fatalf("a row reads differently when it is written again:\n%s\n%s", l.AppendJSON(nil), again.AppendJSON(nil))
		}
	})
}

func FuzzParseScope(f *testing.F) {
	f.Add("case:" + caseA + "/health")
	f.Add("org:" + orgA + "/people/identity")
	f.Add("org:" + orgA + "/people")
	f.Add("org:/")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseScope(s)
		if err == nil && string(p.Scope()) != s {
			t.Fatalf("%q was read as %s", s, p.Scope())
		}
	})
}

func FuzzParseHLC(f *testing.F) {
	f.Add("0195d4a2b3c40001")
	f.Add("ffffffffffffffff")
	f.Add("+195d4a2b3c40001")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := ParseHLC(s)
		if err == nil && packHLC(h.pack()) != h {
			t.Fatalf("%q is not what it packs to", s)
		}
	})
}

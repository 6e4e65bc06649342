package fieldsync

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"portolan/care"
)

// partsOf gives each field a part by its name: "p1_…" is the first.
func partsOf(field string) int {
	if strings.HasPrefix(field, "p") {
		return int(field[1] - '0')
	}
	return 0
}

// TestAChangeIsTakenApartAndPutTogether: byte for byte, however it was
// written; without a part, what is left says the rest and nothing else, and
// its salt is gone.
func TestAChangeIsTakenApartAndPutTogether(t *testing.T) {
	const head = `{"n":7,"c":"notes","r":"01930000-0000-7000-8000-000000000001",`
	const tail = `"t":"0193000000000000","at":"2026-11-20T08:00:00.000Z","by":"01930000-0000-7000-8000-000000000002","sv":1}`
	const salt = `"salt":"c2FsdHNhbHRzYWx0c2FsdA",`
	var r [32]byte
	random := rand.NewChaCha8(r)
	for _, body := range []string{
		`"set":{"p1_a":"one","g_b":"two","p2_c":{"x":[1,{"p1_a":2}]}},"base":{"p1_a":["01930000-0000-7000-8000-000000000003/1"]},` + salt,
		` "set" : { "p1_a" : "one" , "p2_c" : false } ,` + salt + ` "add":{"g_l":["p1_a"],"p2_l":["x","y"]},`,
		salt + `"rm":{"p1_a":["x"],"p1_b":["y"],"g_c":["z"]},"set":{"g_d":1,"p3_e":true},`,
		`"set":{"\u0070\u0031_a":"named in escapes","g_b":"\"}, {"},` + salt,
		`"set":{"g_b":1},` + salt,
	} {
		raw := []byte(head + body + tail)
		want, err := DecodeChange(raw)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		frame, pieces, err := Cut(raw, 3, partsOf, random)
		if err != nil {
			t.Fatal(err)
		}
		again, whole, err := Join(frame, pieces)
		if err != nil || !whole || !bytes.Equal(again, raw) {
			t.Errorf("of %s came %s (%v, %v)", raw, again, whole, err)
		}
		for lost := range 1 << 3 {
			left := make([][]byte, 3)
			for i := range left {
				if lost>>i&1 == 0 {
					left[i] = pieces[i]
				}
			}
			got, whole, err := Join(frame, left)
			if err != nil || whole != (lost == 0) {
				t.Fatalf("without %b: %v, %v", lost, whole, err)
			}
			c, err := DecodeChange(got)
			if err != nil {
				t.Fatalf("without %b what is left is %s: %v", lost, got, err)
			}
			for _, f := range want.Fields() {
				p := partsOf(f)
				gone := p > 0 && lost>>(p-1)&1 == 1
				if said := fieldsSaid(c, f); gone && said != "" || !gone && said != fieldsSaid(want, f) {
					t.Errorf("without %b, %s says %q", lost, f, said)
				}
			}
			if lost != 0 && c.Salt == want.Salt {
				t.Errorf("without %b the salt is there", lost)
			}
		}
	}
}

func fieldsSaid(c Change, f string) string {
	one := Change{Set: map[string]care.Value{}, Add: map[string][]string{}, Remove: map[string][]string{}, Base: map[string][]Dot{}}
	if v, ok := c.Set[f]; ok {
		one.Set[f] = v
	}
	if l, ok := c.Add[f]; ok {
		one.Add[f] = l
	}
	if l, ok := c.Remove[f]; ok {
		one.Remove[f] = l
	}
	if len(one.Set)+len(one.Add)+len(one.Remove) == 0 {
		return ""
	}
	if l, ok := c.Base[f]; ok {
		one.Base[f] = l
	}
	return string(EncodeChange(one))
}

// FuzzJoin: whatever it is given, it ends.
func FuzzJoin(f *testing.F) {
	frame, pieces, err := Cut([]byte(`{"set":{"p1_a":1,"p2_b":2},"salt":"x"}`), 2, partsOf, rand.NewChaCha8([32]byte{}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(frame, pieces[0], pieces[1])
	f.Fuzz(func(_ *testing.T, frame, a, b []byte) {
		_, _, _ = Join(frame, [][]byte{a, b})
		_, _, _ = Join(frame, [][]byte{a, nil})
	})
}

package care

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func field(t Type) *Field {
	f := &Field{Name: "f", Type: t}
	switch t {
	case Code, Codes:
		f.Codes = "purposes"
	case Ref, Refs:
		f.Ref = "cases"
	}
	return f
}

const someID = "01890a5d-ac96-774b-bcce-b302099a8057"

func TestCanonical(t *testing.T) {
	for _, c := range []struct {
		typ      Type
		in, want string // want is the canonical value, or the code of the error
	}{
		{Text, `"Amina"`, `"Amina"`},
		{Text, `  "Amina"  `, `"Amina"`},
		{Text, `" as typed "`, `" as typed "`},
		{Text, `"\u0041mina"`, `"Amina"`},
		{Text, `"a<b&c"`, `"a<b&c"`},
		{Text, `""`, "value_empty"},
		{Text, `null`, "value_empty"},
		{Text, ``, "value_empty"},
		{Text, `5`, "value_wrong_type"},
		{Text, `["a"]`, "value_wrong_type"},
		{Text, `"a" "b"`, "value_wrong_type"},
		{Text, `{"absent":"unknown"}`, `{"absent":"unknown"}`},
		{Text, `{"absent":"perhaps"}`, "value_bad_absent"},
		{Text, `{"absent":"unknown","x":"y"}`, "value_bad_absent"},
		{Text, `{"absent":"unknown","absent":"not_asked"}`, "value_wrong_type"},
		{Text, "\"\xff\"", "value_bad_utf8"},
		{Text, `"\ud800"`, "value_bad_utf8"},
		{Text, `"\ude00\ud83d"`, "value_bad_utf8"},
		{Text, `"\ud83d\ude00"`, `"😀"`},
		{Text, `"\\ud800"`, `"\\ud800"`},
		{Text, `"�"`, `"�"`},
		{Text, `"a\nb"`, "value_control_character"},
		{Text, `"a\u0000"`, "value_control_character"},
		{Text, `"a\u0085"`, "value_control_character"},
		{Text, `"a\u2028b"`, "value_control_character"},
		{LongText, `"a\nb\tc"`, `"a\nb\tc"`},
		{LongText, `"a\rb"`, "value_control_character"},
		{Text, `"` + strings.Repeat("é", TextBytesMax/2) + `"`, `"` + strings.Repeat("é", TextBytesMax/2) + `"`},
		{Text, `"` + strings.Repeat("é", TextBytesMax/2) + `e"`, "value_too_long"},
		{LongText, `"` + strings.Repeat("e", ValueBytesMax) + `"`, "value_too_long"},
		{Code, `"media"`, `"media"`},
		{Code, `"Media"`, "value_not_in_list"},
		{Code, `["media"]`, "value_wrong_type"},
		{Codes, `["media","photo","media"]`, `["media","photo"]`},
		{Codes, `["photo","media"]`, `["media","photo"]`},
		{Codes, `["photo","else"]`, "value_not_in_list"},
		{Codes, `[]`, `[]`},
		{Codes, `"photo"`, "value_wrong_type"},
		{Codes, `["photo",1]`, "value_wrong_type"},
		{Texts, `["b","a"]`, `["a","b"]`},
		{Texts, `["b",""]`, "value_empty"},
		{Texts, `["b",null]`, "value_wrong_type"},
		{Date, `"2026"`, `"2026"`},
		{Date, `"2026-02"`, `"2026-02"`},
		{Date, `"2024-02-29"`, `"2024-02-29"`},
		{Date, `"2026-02-29"`, "value_bad_date"},
		{Date, `"2026-13"`, "value_bad_date"},
		{Date, `"0000"`, "value_bad_date"},
		{Date, `"26-01-01"`, "value_bad_date"},
		{Date, `"2026-01-01T00:00:00Z"`, "value_bad_date"},
		{Time, `"2026-03-01T09:30:00Z"`, `"2026-03-01T09:30:00.000Z"`},
		{Time, `"2026-03-01T09:30:00.1239+02:00"`, `"2026-03-01T07:30:00.123Z"`},
		{Time, `"2026-03-01T09:30:00,5Z"`, "value_bad_time"},
		{Time, `"2026-03-01"`, "value_bad_time"},
		{Time, `"2026-03-01T25:30:00Z"`, "value_bad_time"},
		{Time, `"0001-01-01T00:00:00+01:00"`, "value_bad_time"},
		{Int, `12`, `12`},
		{Int, `-0`, `0`},
		{Int, `9007199254740991`, `9007199254740991`},
		{Int, `9007199254740992`, "value_wrong_type"},
		{Int, `99999999999999999999`, "value_wrong_type"},
		{Int, `1.0`, "value_wrong_type"},
		{Int, `1e3`, "value_wrong_type"},
		{Int, `"12"`, "value_wrong_type"},
		{Int, `007`, "value_wrong_type"},
		{Decimal, `"0012.50"`, `"12.5"`},
		{Decimal, `"-0.00"`, `"0"`},
		{Decimal, `"-0.5"`, `"-0.5"`},
		{Decimal, `".5"`, "value_bad_decimal"},
		{Decimal, `"1e3"`, "value_bad_decimal"},
		{Decimal, `"1,5"`, "value_bad_decimal"},
		{Decimal, `12.5`, "value_wrong_type"},
		{Decimal, `"` + strings.Repeat("1", DecimalMax+1) + `"`, "value_bad_decimal"},
		{Bool, `true`, `true`},
		{Bool, `"true"`, "value_wrong_type"},
		{Bool, `1`, "value_wrong_type"},
		{Ref, `"` + someID + `"`, `"` + someID + `"`},
		{Ref, `"` + strings.ToUpper(someID) + `"`, "value_bad_id"},
		{Ref, `"01890a5d-ac96-474b-bcce-b302099a8057"`, "value_bad_id"},
		{Ref, `"` + HubStaff + `"`, `"` + HubStaff + `"`},
		{Refs, `["` + someID + `","x"]`, "value_bad_id"},
		{Object, `{"b":"2","a":"1"}`, `{"a":"1","b":"2"}`},
		{Object, `{"a":1}`, "value_wrong_type"},
		{Object, `{"a":"1","a":"2"}`, "value_wrong_type"},
		{Object, `{"a":{"b":"c"}}`, "value_wrong_type"},
		{Object, `{"a":"1"}{}`, "value_wrong_type"},
		{Object, `{"a":"1"`, "value_wrong_type"},
		{Object, `{}`, "value_empty"},
		{Object, `{"street":"a\nb"}`, `{"street":"a\nb"}`},
		{Object, `[]`, "value_wrong_type"},
		{"", `"x"`, "value_wrong_type"},
	} {
		got, err := Canonical(field(c.typ), Value(c.in))
		s := string(got)
		if err != nil {
			s = CodeOf(err)
		}
		if s != c.want {
			t.Errorf("Canonical(%s, %.60s) = %.60s, want %.60s", c.typ, c.in, s, c.want)
		}
	}
}

func TestCanonicalRequired(t *testing.T) {
	for _, typ := range []Type{Text, Code, Codes, Date, Ref, Object} {
		f := field(typ)
		f.Required = true
		if _, err := Canonical(f, OfAbsent(Unknown)); CodeOf(err) != "value_required" {
			t.Errorf("a required %s took an absent value: %v", typ, err)
		}
	}
	f := field(Codes)
	f.Required = true
	if _, err := Canonical(f, OfList()); CodeOf(err) != "value_required" {
		t.Errorf("a required list took none: %v", err)
	}
}

func TestCanonicalElement(t *testing.T) {
	if s, err := CanonicalElement(field(Codes), "media"); s != "media" || err != nil {
		t.Errorf("got %q, %v", s, err)
	}
	for _, c := range []struct {
		typ        Type
		elem, code string
	}{
		{Codes, "nothing", "value_not_in_list"}, {Texts, "a\x00", "value_control_character"}, {Texts, "\xff", "value_bad_utf8"},
		{Refs, "x", "value_bad_id"}, {Text, "a", "value_wrong_type"}, {Texts, "", "value_empty"},
	} {
		if _, err := CanonicalElement(field(c.typ), c.elem); CodeOf(err) != c.code {
			t.Errorf("%s %q: %v, want %s", c.typ, c.elem, err, c.code)
		}
	}
}

// TestCanonicalIsIdempotent: what is canonical stays as it is, so that the
// same value never conflicts with itself.
func TestCanonicalIsIdempotent(t *testing.T) {
	types := []Type{Text, LongText, Code, Codes, Texts, Date, Time, Int, Decimal, Bool, Ref, Refs, Object}
	r, seed := seeded(t)
	accepted := 0
	for range 20000 {
		f := field(types[r.IntN(len(types))])
		once, err := Canonical(f, randomJSON(r))
		if err != nil {
			continue
		}
		accepted++
		twice, err := Canonical(f, once)
		if err != nil || !twice.Equal(once) {
			t.Fatalf("seed %d: %s: %s became %s, %v", seed, f.Type, once, twice, err)
		}
	}
	if accepted < 500 {
		t.Errorf("seed %d: only %d values were accepted; the test says little", seed, accepted)
	}
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{`"a"`, `{"a":"b"}`, `["x"]`, `"\ud800"`, `{"absent":"unknown"}`, "\"\xc3\x28\"", `"2026-01-01T00:00:00Z"`, `-0`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, typ := range []Type{Text, LongText, Code, Codes, Texts, Date, Time, Int, Decimal, Bool, Ref, Refs, Object} {
			once, err := Canonical(field(typ), Value(s))
			if err != nil {
				continue
			}
			if twice, err := Canonical(field(typ), once); err != nil || !twice.Equal(once) {
				t.Fatalf("%s: %q became %s, then %s (%v)", typ, s, once, twice, err)
			}
		}
	})
}

// seeded gives a source of randomness whose seed is in every failure.
func seeded(t *testing.T) (*rand.Rand, uint64) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	return rand.New(rand.NewPCG(seed, 0)), seed
}

func randomJSON(r *rand.Rand) Value {
	atoms := []string{`"media"`, `"photo"`, `"a\tb"`, `"2026-01"`, `"2026-02-30"`, `"2026-03-01T09:30:00+05:30"`, `"007.10"`, `"-3"`, `12`, `-0`, `true`,
		`null`, `"` + someID + `"`, `""`, `"\ud83d"`, `"é"`, `{"absent":"not_asked"}`, `{"k":"v","a":"b"}`, `"` + HubStaff + `"`}
	atom := func() string { return atoms[r.IntN(len(atoms))] }
	if r.IntN(3) > 0 {
		return Value(atom())
	}
	l := make([]string, r.IntN(4))
	for i := range l {
		l[i] = atom()
	}
	return Value("[" + strings.Join(l, ",") + "]")
}

// TestTextReadsWhatOfTextWrote, along the short way and the long one.
func TestTextReadsWhatOfTextWrote(t *testing.T) {
	r, seed := seeded(t)
	letters := []rune("az AZ09 \"\\/<>&\u2028\u00e9\n\t\x01\x7f🙂ש")
	for range 5000 {
		s := make([]rune, r.IntN(6))
		for i := range s {
			s[i] = letters[r.IntN(len(letters))]
		}
		if got := OfText(string(s)).Text(); got != string(s) {
			t.Fatalf("seed %d: %q became %q", seed, string(s), got)
		}
	}
	for _, v := range []string{`"a"b"`, `"a`, `a"`, `"`, ``, `"a\"`} {
		if got := Value(v).Text(); got != "" {
			t.Errorf("%s is read as %q", v, got)
		}
	}
}

package capsule

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"math/rand"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rsc.io/qr"

	"portolan/care"
)

var update = flag.Bool("update", false, "write the vectors anew")

const testWords = "bado kiru mesa tilo vuna"

// hubKey is the key of an invented hub.
func hubKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(append(make([]byte, ed25519.SeedSize-1), seed))
}

func publicOf(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

func row(collection string, set map[string]care.Value) Entry { return Entry{collection, set} }

var text = care.OfText

// person is an invented one who has something of everything.
func person() Record {
	return Record{
		Paper: Paper{1, 2, 3, 4, 5, 6, 7, 8}, Day: "2026-11-20", Languages: []string{"ur", "ar"}, Country: "LB",
		Agreed: map[care.Category]string{care.CatHealth: "2027-05-01", care.CatLegal: "2027-01-01"},
		Entries: []Entry{
			row("allergies", map[string]care.Value{"substance": text("penicillin"), "criticality": text("high"), "reaction": care.OfList("hives")}),
			row("medicines", map[string]care.Value{"substance": text("sertraline"), "strength": text("50 mg"), "dose": text("1 tablet"), "frequency": text("QD"),
				"days_left": care.OfInt(21), "counted_on": text("2026-11-18"), "must_not_stop": care.OfBool(true), "status": text("active")}),
			row("medicines", map[string]care.Value{"substance": text("metformin"), "strength": text("500 mg"), "frequency": text("BID"), "status": text("active")}),
			row("conditions", map[string]care.Value{"label": text("ذیابیطس"), "code": text("E11"), "code_system": text("icd-10"), "onset_on": text("2019-04")}),
			row("survivors", map[string]care.Value{"birth_year": care.OfInt(1998), "primary_language": text("ur"), "languages": care.OfList("ur", "en"),
				"interpreter_needed": care.OfBool(true)}),
			row("deadlines", map[string]care.Value{"kind": text("other"), "due_on": text("2026-12-15")}),
			row("hearings", map[string]care.Value{"starts_at": text("2026-12-03T08:30:00.000Z")}),
			row("identities", map[string]care.Value{"aliases": care.OfList("Noor")}),
			row("cases", map[string]care.Value{"needs": care.OfList("housing", "interpretation")}),
			row("immunisations", map[string]care.Value{"vaccine": text("measles"), "given_on": text("2020"), "dose_number": care.OfInt(2)}),
		},
	}
}

func mustMake(t testing.TB, r Record, key ed25519.PrivateKey) (string, Record) {
	t.Helper()
	text, written, err := Make(rand.New(rand.NewSource(1)), r, key, testWords)
	if err != nil {
		t.Fatal(err)
	}
	return text, written
}

func TestACapsuleSaysWhatWentIn(t *testing.T) {
	key, other := hubKey(1), hubKey(2)
	text, written := mustMake(t, person(), key)
	if !reflect.DeepEqual(written, person()) {
		t.Errorf("left out: %v", written.LeftOut)
	}
	code, err := qr.Encode(text, qr.M)
	if err != nil || code.Size > 17+4*QRVersionMax {
		t.Fatalf("a code of %d modules, %v", code.Size, err)
	}
	got, err := Open(text, "  Bado KIRU\nmesa tilo vuna ")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Record, person()) {
		t.Errorf("it says\n%v, not\n%v", got.Record, person())
	}
	if v, by := got.Judge([]ed25519.PublicKey{publicOf(other), publicOf(key)}); v != Valid || !by.Equal(publicOf(key)) {
		t.Errorf("its hub is trusted, and it is %s", v)
	}
	if v, _ := got.Judge([]ed25519.PublicKey{publicOf(other)}); v != Unknown {
		t.Errorf("its hub is not trusted, and it is %s", v)
	}
	got.signed.Payload = slices.Clone(got.signed.Payload)
	got.signed.Payload[len(got.signed.Payload)/2] ^= 1
	if v, _ := got.Judge([]ed25519.PublicKey{publicOf(key)}); v != Changed {
		t.Errorf("a bit of it was changed, and it is %s", v)
	}
}

// TestNothingIsReadableWithoutTheWords: nor does its length, its beginning or
// two of one person say anything.
func TestNothingIsReadableWithoutTheWords(t *testing.T) {
	small := Record{Day: "2026-11-20", Languages: []string{"en"}, Entries: person().Entries[:1]}
	texts := map[int]int{}
	random := rand.New(rand.NewSource(2))
	var before string
	for n := 1; n <= 5; n++ {
		r := small
		r.Entries = person().Entries[:n]
		s, _, err := Make(random, r, hubKey(1), testWords)
		if err != nil {
			t.Fatal(err)
		}
		texts[len(s)]++
		if same := commonPrefix(s, before); before != "" && same > 2 {
			t.Errorf("two capsules begin with the same %d letters", same)
		}
		before = s
	}
	for _, words := range []string{"", "bado kiru mesa tilo", "bado kiru mesa tilo vunu"} {
		if _, err := Open(before, words); !errors.Is(err, ErrWords) {
			t.Errorf("%q: %v", words, err)
		}
	}
	if len(texts) != 1 {
		t.Errorf("one to five records are of different lengths: %v", texts)
	}
	for i := range 6 { // any change: nothing comes out
		b, _ := fromBase45(before)
		b[1+random.Intn(len(b)-1)] ^= byte(1 + i)
		if _, err := Open(toBase45(b), testWords); !errors.Is(err, ErrWords) {
			t.Errorf("changed, it opens: %v", err)
		}
	}
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// TestWhatHasNoRoomIsNamed: whole collections stay out, the least important
// first, and the essential never.
func TestWhatHasNoRoomIsNamed(t *testing.T) {
	r := person()
	for range 40 {
		r.Entries = append(r.Entries, row("immunisations", map[string]care.Value{"vaccine": text("vaccine " + strings.Repeat("x", len(r.Entries))), "given_on": text("2021-01-02")}))
	}
	s, written := mustMake(t, r, hubKey(1))
	if !slices.Equal(written.LeftOut, []string{"immunisations"}) || len(s) > TextMax {
		t.Errorf("left out %v, %d letters", written.LeftOut, len(s))
	}
	got, err := Open(s, testWords)
	if err != nil || !reflect.DeepEqual(got.Record, written) {
		t.Errorf("it says %v, not %v: %v", got.Record, written, err)
	}
	random := rand.New(rand.NewSource(3))
	for range 40 {
		name := make([]byte, 24)
		for i := range name {
			name[i] = byte('a' + random.Intn(26))
		}
		r.Entries = append(r.Entries, row("medicines", map[string]care.Value{"substance": text(string(name)), "status": text("active")}))
	}
	if _, _, err := Make(random, r, hubKey(1), testWords); !errors.Is(err, ErrFull) {
		t.Errorf("forty medicines: %v", err)
	}
}

// TestEveryFieldOfTheTableIsOne of the schema, and none may hold more than the
// paper shows.
func TestEveryFieldOfTheTableIsOne(t *testing.T) {
	seen := map[int]bool{}
	for _, k := range Kinds {
		if seen[k.Number] {
			t.Errorf("two collections have the number %d", k.Number)
		}
		seen[k.Number] = true
		for _, name := range k.Fields {
			if f, n := fieldOf(k, name); f == nil || n == 0 {
				t.Errorf("%s has no field %s", k.Collection, name)
			}
		}
	}
}

// TestTheSignatureIsCOSE holds ours against the example "eddsa-sig-01" of the
// COSE working group (github.com/cose-wg/Examples, eddsa-examples): its
// Sig_structure and its signature.
func TestTheSignatureIsCOSE(t *testing.T) {
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	public := unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
	input, err := signatureInput(unhex("a201270300"), []byte("This is the content."))
	if err != nil {
		t.Fatal(err)
	}
	if want := unhex("846a5369676e61747572653145a20127030040" + "54546869732069732074686520636f6e74656e742e"); !slices.Equal(input, want) {
		t.Errorf("what is signed is %x, not %x", input, want)
	}
	signature := unhex("7142fd2ff96d56db85bee905a76ba1d0b7321a95c8c4d3607c5781932b7afb8711497dfa751bf40b58b3bcc32300b1487f3db34085eef013bf08f4a44d6fef0d")
	if !ed25519.Verify(public, input, signature) {
		t.Error("the example's signature does not verify")
	}
}

func TestAFingerprintIsSaidInDigits(t *testing.T) {
	a, b := Fingerprint(publicOf(hubKey(1))), Fingerprint(publicOf(hubKey(2)))
	if a == b || len(strings.Fields(a)) != fingerprintGroups || strings.Trim(a, "0123456789 ") != "" || len(a) != 35 {
		t.Errorf("%q and %q", a, b)
	}
	if key, err := ParseKey(" " + FormatKey(publicOf(hubKey(1))) + "\n"); err != nil || !key.Equal(publicOf(hubKey(1))) {
		t.Error(err)
	}
	for _, s := range []string{"", "abc", FormatKey(publicOf(hubKey(1))) + "A"} {
		if _, err := ParseKey(s); !errors.Is(err, ErrKey) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// vector is one line of testdata/vectors.json, which the app's tests read too.
type vector struct {
	Name    string          `json:"name"`
	Text    string          `json:"text"`
	Words   string          `json:"words"`
	Trusted []string        `json:"trusted"`
	Verdict Verdict         `json:"verdict,omitempty"`
	Code    string          `json:"code,omitempty"`   // of the refusal
	Record  json.RawMessage `json:"record,omitempty"` // as Plain gives it
}

func vectorsMade(t *testing.T) []vector {
	key := hubKey(1)
	trusted := []string{FormatKey(publicOf(hubKey(2))), FormatKey(publicOf(key))}
	whole, _ := mustMake(t, person(), key)
	small, _ := mustMake(t, Record{Paper: Paper{9}, Day: "1999-12-31", Languages: []string{"en"}, LeftOut: nil}, key)
	inner, err := sign([]byte{0xA0}, key)
	if err != nil {
		t.Fatal(err)
	}
	empty, err := seal(rand.New(rand.NewSource(4)), inner, testWords)
	if err != nil {
		t.Fatal(err)
	}
	record, err := person().encode()
	if err != nil {
		t.Fatal(err)
	}
	if inner, err = sign(record, key); err != nil {
		t.Fatal(err)
	}
	inner[len(inner)-1] ^= 1
	forged, err := seal(rand.New(rand.NewSource(5)), inner, testWords)
	if err != nil {
		t.Fatal(err)
	}
	changed := []byte(whole)
	changed[100] = map[bool]byte{true: 'A', false: 'B'}[changed[100] == 'B']
	return []vector{
		{Name: "something of everything", Text: whole, Words: testWords, Trusted: trusted},
		{Name: "words as somebody types them", Text: whole, Words: " BADO  kiru mesa\ttilo Vuna\n", Trusted: trusted},
		{Name: "next to nothing", Text: small, Words: testWords, Trusted: trusted},
		{Name: "of a hub that nobody trusts", Text: whole, Words: testWords, Trusted: trusted[:1]},
		{Name: "a signature that is not right", Text: forged, Words: testWords, Trusted: trusted},
		{Name: "other words", Text: whole, Words: "bado kiru mesa tilo vunu", Trusted: trusted},
		{Name: "one letter changed", Text: string(changed), Words: testWords, Trusted: trusted},
		{Name: "cut off", Text: whole[:len(whole)-3], Words: testWords, Trusted: trusted},
		{Name: "something else", Text: "HTTPS://EXAMPLE.ORG/", Words: testWords, Trusted: trusted},
		{Name: "a record without what every one has", Text: empty, Words: testWords, Trusted: trusted},
	}
}

// play opens a vector's capsule and notes what comes of it.
func (v vector) play(t *testing.T) vector {
	v.Verdict, v.Code, v.Record = "", "", nil
	opened, err := Open(v.Text, v.Words)
	var known *care.Error
	switch {
	case errors.As(err, &known):
		v.Code = known.Code
		return v
	case err != nil:
		t.Fatal(err)
	}
	var keys []ed25519.PublicKey
	for _, s := range v.Trusted {
		key, err := ParseKey(s)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	v.Verdict, _ = opened.Judge(keys)
	if v.Record, err = json.Marshal(opened.Record.Plain()); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVectors(t *testing.T) {
	const path = "testdata/vectors.json"
	if *update {
		var l []vector
		for _, v := range vectorsMade(t) {
			l = append(l, v.play(t))
		}
		b, err := json.MarshalIndent(l, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var l []vector
	if err := json.Unmarshal(b, &l); err != nil || len(l) < 10 {
		t.Fatalf("%d vectors: %v", len(l), err)
	}
	for _, v := range l {
		t.Run(v.Name, func(t *testing.T) {
			got := v.play(t)
			var a, b any
			if len(v.Record) > 0 && (json.Unmarshal(v.Record, &a) != nil || json.Unmarshal(got.Record, &b) != nil) {
				t.Fatal("a record is no JSON")
			}
			if got.Verdict != v.Verdict || got.Code != v.Code || !reflect.DeepEqual(a, b) {
				t.Errorf("it gives %q %q %s, not %q %q %s", got.Verdict, got.Code, got.Record, v.Verdict, v.Code, v.Record)
			}
		})
	}
}

// FuzzDecoder: whatever was encrypted, it is read one way or refused, and what
// is read can be written and read again.
func FuzzDecoder(f *testing.F) {
	record, err := person().encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(record, true)
	inner, err := sign(record, hubKey(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append([]byte{byte(len(inner) >> 8), byte(len(inner))}, inner...), false)
	f.Fuzz(func(t *testing.T, b []byte, bare bool) {
		var r Record
		if bare {
			if r, err = decode(b); err != nil {
				return
			}
		} else {
			opened, err := openPlain(b)
			if err != nil {
				return
			}
			opened.Judge([]ed25519.PublicKey{publicOf(hubKey(1))})
			r = opened.Record
		}
		again, err := r.encode()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if got, err := decode(again); err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%v was read again as %v: %v", r, got, err)
		}
	})
}

// FuzzText: what somebody scans is a capsule or is refused, without cost.
func FuzzText(f *testing.F) {
	s, _ := mustMake(f, person(), hubKey(1))
	f.Add(s)
	f.Add("HTTPS://EXAMPLE.ORG")
	f.Fuzz(func(t *testing.T, s string) {
		if b, err := envelopeOf(s); err == nil && toBase45(b) != strings.Trim(s, "\r\n\t") {
			t.Errorf("%q is read as %s", s, base64.StdEncoding.EncodeToString(b))
		}
	})
}

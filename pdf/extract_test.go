package pdf

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"
)

// reading is what another program finds in the bytes of a summary.
type reading struct {
	raw      []byte
	pages    []string           // the text of each page, in the order of drawing
	contents []string           // what draws each page
	fonts    map[string]fontMap // by the name of the resource
	used     map[string]map[int]bool
}

// fontMap is what a font says of its codes.
type fontMap struct {
	text map[int]string // ToUnicode
}

func (r reading) text() string { return strings.Join(r.pages, "\n") }

// plain is the text with ordinary spaces and the lines joined, as a reader
// sees it.
func plain(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\u00A0' || r == '\n' }), " ")
}

var (
	object   = regexp.MustCompile(`(?s)(\d+) 0 obj\n(.*?)\nendobj`)
	stream   = regexp.MustCompile(`(?s)^(.*?)stream\n(.*)\nendstream$`)
	packs    = regexp.MustCompile(`^<</Type/ObjStm/N (\d+)/First (\d+)/`)
	showing  = regexp.MustCompile(`/(T\d+) [0-9.]+ Tf|<([0-9A-F]*)>|ET`)
	fontRes  = regexp.MustCompile(`/(T\d+) (\d+) 0 R`)
	descents = regexp.MustCompile(`/DescendantFonts\[(\d+) 0 R\]`)
	unicodes = regexp.MustCompile(`/ToUnicode (\d+) 0 R`)
	mapping  = regexp.MustCompile(`<([0-9A-F]{4})><([0-9A-F]+)>`)
)

// unpacked is a file with those objects written out at its end that it packs
// into streams (ISO 32000-1, 7.5.7).
func unpacked(t *testing.T, raw []byte) []byte {
	t.Helper()
	all := bytes.Clone(raw)
	for _, m := range object.FindAllSubmatch(raw, -1) {
		head := packs.FindSubmatch(m[2])
		if head == nil {
			continue
		}
		count, first := number(t, string(head[1])), number(t, string(head[2]))
		content := string(body(t, string(m[2])))
		places := strings.Fields(content[:first])
		for i := range count {
			end := len(content)
			if i+1 < count {
				end = first + number(t, places[2*i+3])
			}
			all = fmt.Appendf(all, "\n%s 0 obj\n%s\nendobj\n", places[2*i], strings.TrimSuffix(content[first+number(t, places[2*i+1]):end], "\n"))
		}
	}
	return all
}

func number(t *testing.T, digits string) int {
	t.Helper()
	n, err := strconv.Atoi(digits)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// read takes the bytes apart without the code that made them: objects,
// content streams, the fonts' maps to characters.
func read(t *testing.T, raw []byte) reading {
	t.Helper()
	raw = unpacked(t, raw)
	r := reading{raw: raw, fonts: map[string]fontMap{}, used: map[string]map[int]bool{}}
	objects, order := map[string]string{}, []string{}
	for _, m := range object.FindAllSubmatch(raw, -1) {
		objects[string(m[1])] = string(m[2])
		order = append(order, string(m[1]))
	}
	for _, m := range fontRes.FindAllStringSubmatch(objects["2"], -1) {
		font := objects[m[2]]
		f := fontMap{text: map[int]string{}}
		if !strings.Contains(objects[find(t, descents, font)], "/CIDToGIDMap/Identity/") {
			t.Errorf("the codes of %s are not the numbers of its glyphs", m[1])
		}
		for _, line := range mapping.FindAllStringSubmatch(string(body(t, objects[find(t, unicodes, font)])), -1) {
			f.text[codes(t, line[1])[0]] = utf16Text(codes(t, line[2]))
		}
		r.fonts[m[1]], r.used[m[1]] = f, map[int]bool{}
	}
	for _, id := range order {
		if strings.Contains(objects[id], "stream\n") {
			if content := body(t, objects[id]); bytes.Contains(content, []byte(" Tf")) {
				r.pages, r.contents = append(r.pages, r.page(t, content)), append(r.contents, string(content))
			}
		}
	}
	return r
}

// codes reads a string of hexadecimal digits as units of two bytes.
func codes(t *testing.T, hex string) []int {
	t.Helper()
	var all []int
	for ; len(hex) >= 4; hex = hex[4:] {
		n, err := strconv.ParseUint(hex[:4], 16, 16)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, int(n))
	}
	return all
}

func utf16Text(units []int) string {
	var all []uint16
	for _, u := range units {
		all = append(all, uint16(u))
	}
	return string(utf16.Decode(all))
}

func find(t *testing.T, re *regexp.Regexp, in string) string {
	t.Helper()
	m := re.FindStringSubmatch(in)
	if m == nil {
		t.Fatalf("no %s in %q", re, in)
	}
	return m[1]
}

func body(t *testing.T, obj string) []byte {
	t.Helper()
	m := stream.FindStringSubmatch(obj)
	if m == nil {
		t.Fatal("an object has no stream")
	}
	if !strings.Contains(m[1], "/FlateDecode") {
		return []byte(m[2])
	}
	z, err := zlib.NewReader(strings.NewReader(m[2]))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// page reads the lines that are shown.
func (r reading) page(t *testing.T, content []byte) string {
	t.Helper()
	var out strings.Builder
	font := ""
	for _, m := range showing.FindAllStringSubmatch(string(content), -1) {
		switch {
		case m[1] != "":
			font = m[1]
		case m[0] == "ET":
			out.WriteByte('\n')
		default:
			for _, code := range codes(t, m[2]) {
				text, ok := r.fonts[font].text[code]
				if !ok {
					t.Errorf("the code %d of %s stands for no text", code, font)
				}
				r.used[font][code] = true
				out.WriteString(text)
			}
		}
	}
	return out.String()
}

// catalogue reads the committed messages, so that the pages of the tests are
// those that people get.
func catalogue(t testing.TB) Lookup {
	t.Helper()
	all, err := messages()
	if err != nil {
		t.Fatal(err)
	}
	return func(lang, key string) (string, bool) {
		s, ok := all[lang][key]
		return s, ok
	}
}

// keys are what papers may say in a language, sorted.
func keys(t testing.TB, lang string) []string {
	t.Helper()
	all, err := messages()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(all[lang]))
}

var messages = sync.OnceValues(func() (map[string]map[string]string, error) {
	all := map[string]map[string]string{}
	for _, lang := range languages {
		raw, err := os.ReadFile(filepath.Join("..", "locales", lang, "pdf.json"))
		if err != nil {
			return nil, err
		}
		m := map[string]string{}
		if err := json.Unmarshal(raw, &m); err != nil {
			return nil, err
		}
		all[lang] = m
	}
	return all, nil
})

func render(t *testing.T, s Summary) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Render(&b, s, Options{Text: catalogue(t)}); err != nil {
		t.Fatalf("rendering: %v", err)
	}
	return b.Bytes()
}

// numbers are the runs of digits in a text, with what joins them inside.
var numbers = regexp.MustCompile(`\d+(?:[.,:/-]\d+)*`)

// example is a whole summary as the hub makes one.
func example(first, second string) Summary {
	return Summary{
		Languages: [2]string{first, second},
		Day:       "2026-11-20",
		Essential: []Section{
			{Key: "allergies", Entries: []Entry{
				{Head: Coded("allergens", "penicillin", "penicillin", "penicillin", ""), Details: []Detail{
					Of("criticality", Coded("allergy_criticalities", "high", "", "", "")),
					Of("reaction", Coded("allergy_reactions", "anaphylaxis", "", "", "")),
				}},
			}},
			{Key: "medicines", Entries: []Entry{
				medicine("sertraline", "50 mg", "QD", 20),
				medicine("ferrous sulfate", "200 mg", "BID", 14),
				{Head: Coded("substances", "carbimazole", "", "Carbimazole", "en"), Details: []Detail{
					Of("dose", Value{List: "dose_units", Code: "tablet", Number: "2"}),
					Of("instructions", Free("tomar con agua, 5-10 mg según el médico tratante", "es")),
				}},
			}},
			{Key: "conditions", Entries: []Entry{
				{Head: Coded("condition_codes", "F43.1", "F43.1", "", "")},
				{Head: Coded("condition_codes", "J45", "J45", "", "")},
			}},
			{Key: "interpreter", Entries: []Entry{
				{Details: []Detail{Of("language", Coded("languages", "uk", "", "", ""))}},
			}},
		},
		Further: []Section{
			{Key: "about", Entries: []Entry{{Details: []Detail{
				Of("name", Exactly("Nguyễn Łukasz Œdipe Ștefănescu")),
				Of("birth_year", Exactly("1999")),
			}}}},
			{Key: "pregnancy"},
			{Key: "legal", Entries: []Entry{
				{Head: Free("Recurso ante el tribunal", "es"), Details: []Detail{Of("due_at", Exactly("2026-12-11 09:30"))}},
			}},
		},
		Agreed: Section{Key: "agreed", Entries: []Entry{
			{Details: []Detail{Of("country", Coded("countries", "FR", "FR", "", ""))}},
			{Head: Coded("categories", "health", "", "", ""), Details: []Detail{Of("expires_on", Exactly("2027-02-18"))}},
			{Head: Value{List: "withdraw", Code: "any_time"}},
		}},
	}
}

func medicine(inn, dose, frequency string, left int) Entry {
	return Entry{Head: Coded("substances", inn, inn, inn, "en"), Details: []Detail{
		Of("dose", Exactly(dose)),
		Of("route", Coded("medicine_routes", "26643006", "", "", "")),
		Of("frequency", Coded("medicine_frequencies", frequency, "", "", "")),
		Of("days_left", Exactly(strconv.Itoa(left))),
		Of("counted_on", Exactly("2026-11-18")),
		Of("lasts_until", Exactly("2026-12-08")),
	}}
}

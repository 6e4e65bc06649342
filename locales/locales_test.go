package locales

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// prefixes says which keys a file holds, where that is more than the keys
// that begin with the file's own name.
var prefixes = map[string][]string{
	"fields": {"entity.", "field."},
	"codes":  {"code."},
	"errors": {"error.", "reason."},
	"tasks":  {"task."},
}

var placeholder = regexp.MustCompile(`\{[a-z_]+\}`)

// everywhere lists the languages of the app and of the papers.
func everywhere() []string { return Languages("pdf") }

// Names of substances that WHO publishes in the language itself; elsewhere the
// international name stands, as it does on the box.
const named = "pdf.substances."

func TestEveryLanguageHasEveryKey(t *testing.T) {
	for prefix, languages := range map[string][]string{"": Languages("seen"), "pdf.": everywhere(), "app.": Languages("app"), "desk.": Languages("app")} {
		en := slices.DeleteFunc(Keys("en", prefix), func(key string) bool { return prefix == "" && strings.HasPrefix(key, "app.") })
		if len(en) == 0 || len(languages) < 3 {
			t.Fatalf("%d English keys and %d languages", len(en), len(languages))
		}
		for _, lang := range languages {
			for _, key := range Keys(lang, prefix) {
				if !slices.Contains(en, key) && !strings.HasPrefix(key, "app.") {
					t.Errorf("%s has %s, which English has not", lang, key)
				}
			}
			got := Keys(lang, "")
			whole := len(Keys(lang, named)) > 0
			for _, key := range en {
				if !slices.Contains(got, key) && (whole || !strings.HasPrefix(key, named)) {
					t.Errorf("%s has no %s", lang, key)
				}
			}
		}
	}
}

// TestTheIssuesLanguages are those that the care summary was asked for in.
func TestTheIssuesLanguages(t *testing.T) {
	want := strings.Fields("am ar bn en es fa fr hi km lo my ne pa ps pt ro ru si ta th ti tl uk ur vi zh")
	if got := everywhere(); !slices.Equal(got, want) {
		t.Errorf("papers in %v, want %v", got, want)
	}
}

func TestTextsAreSound(t *testing.T) {
	for _, lang := range everywhere() {
		for _, key := range Keys(lang, "") {
			text, _ := Text(lang, key)
			if text == "" || strings.TrimSpace(text) != text {
				t.Errorf("%s %s: %q is empty or has space around it", lang, key, text)
			}
			english, _ := Text("en", key)
			want, got := placeholder.FindAllString(english, -1), placeholder.FindAllString(text, -1)
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(slices.Compact(got), slices.Compact(want)) {
				t.Errorf("%s %s has the placeholders %v, English has %v", lang, key, got, want)
			}
			if left := placeholder.ReplaceAllString(text, ""); strings.ContainsAny(left, "{}") {
				t.Errorf("%s %s: a brace that is no placeholder", lang, key)
			}
		}
	}
}

func TestFilesAreSortedAndHoldTheirOwnKeys(t *testing.T) {
	names, err := fs.Glob(files, "*/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		keys := keysInOrder(t, name, raw)
		if !slices.IsSorted(keys) {
			t.Errorf("%s is not sorted by key", name)
		}
		if c := slices.Compact(slices.Clone(keys)); len(c) != len(keys) {
			t.Errorf("%s has a key twice", name)
		}
		part := strings.TrimSuffix(path.Base(name), ".json")
		own, ok := prefixes[part]
		if !ok {
			own = []string{part + "."}
		}
		for _, key := range keys {
			if !slices.ContainsFunc(own, func(p string) bool { return strings.HasPrefix(key, p) }) {
				t.Errorf("%s holds %s, which belongs elsewhere", name, key)
			}
		}
	}
}

// keysInOrder reads the keys as they stand, which a map would not tell.
func keysInOrder(t *testing.T, name string, raw []byte) []string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	var keys []string
	for i := 0; d.More() || i == 0; i++ {
		token, err := d.Token()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if s, ok := token.(string); ok {
			keys = append(keys, s)
			if _, err := d.Token(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	return keys
}

func TestFormat(t *testing.T) {
	lang, key := "en", "entity.cases"
	if got, ok := Format(lang, key, nil); !ok || got == "" {
		t.Errorf("Format(%s) = %q, %v", key, got, ok)
	}
	if _, ok := Format(lang, "no.such.key", nil); ok {
		t.Error("a key that is not there was found")
	}
	if _, ok := Text("xx", key); ok {
		t.Error("a language that is not there was found")
	}
}

func TestFillPutsEachValueInItsPlace(t *testing.T) {
	values := map[string]string{"n": "3", "what": "{n} beds"}
	for text, want := range map[string]string{
		"":                       "",
		"no names":               "no names",
		"{n} of {n}":             "3 of 3",
		"there are {what} in it": "there are {n} beds in it", // a value is not read again
	} {
		if got, ok := fill(text, values); !ok || got != want {
			t.Errorf("fill(%q) = %q, %v, want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{"{other}", "{n", "{}"} {
		if got, ok := fill(text, values); ok {
			t.Errorf("fill(%q) = %q, although a value is missing", text, got)
		}
	}
}

func TestLoadRefusesAKeyInTwoFiles(t *testing.T) {
	_, err := load(fstest.MapFS{
		"en/fields.json": {Data: []byte(`{"field.a.b":"x"}`)},
		"en/codes.json":  {Data: []byte(`{"field.a.b":"y"}`)},
	})
	if err == nil || !strings.Contains(err.Error(), "two files") {
		t.Errorf("load = %v, want an error about two files", err)
	}
	if _, err := load(fstest.MapFS{"en/fields.json": {Data: []byte(`{"a":1}`)}}); err == nil {
		t.Error("a text that is no text was taken")
	}
}

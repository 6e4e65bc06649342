// Package locales is the one catalogue of words for the app, the papers and
// the console. Each language has a folder, each part of the catalogue a file
// in it: a flat JSON object from key to text, sorted by key.
package locales

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed */*.json
var files embed.FS

// Text returns the words of a key in a language, as they stand; false where
// there are none. It never falls back to another language: a paper with one
// line in the wrong language is worse than one that is refused.
func Text(lang, key string) (string, bool) {
	s, ok := catalogue()[lang][key]
	return s, ok
}

// Format returns the words of a key with each {name} replaced by its value.
// It is false where the key is missing, or a value for one of its names.
func Format(lang, key string, values map[string]string) (string, bool) {
	s, ok := Text(lang, key)
	if !ok {
		return "", false
	}
	return fill(s, values)
}

func fill(s string, values map[string]string) (string, bool) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "{")
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		name, after, closed := strings.Cut(rest, "}")
		value, known := values[name]
		if !closed || !known {
			return "", false
		}
		b.WriteString(value)
		s = after
	}
}

// Languages lists the languages that have words for a part of the catalogue
// (the name of a file, as "pdf"), sorted by tag. The papers are in more
// languages than the app.
func Languages(part string) []string {
	var l []string
	for lang := range catalogue() {
		if len(Keys(lang, part+".")) > 0 {
			l = append(l, lang)
		}
	}
	slices.Sort(l)
	return l
}

// Keys lists the keys of a language that begin with a prefix, sorted.
func Keys(lang, prefix string) []string {
	var l []string
	for key := range catalogue()[lang] {
		if strings.HasPrefix(key, prefix) {
			l = append(l, key)
		}
	}
	slices.Sort(l)
	return l
}

// catalogue is language → key → text. The files are part of the program, so
// one that cannot be read is a fault of the build and stops it at once.
var catalogue = sync.OnceValue(func() map[string]map[string]string {
	c, err := load(files)
	if err != nil {
		panic("locales: " + err.Error())
	}
	return c
})

func load(fsys fs.FS) (map[string]map[string]string, error) {
	names, err := fs.Glob(fsys, "*/*.json")
	if err != nil {
		return nil, fmt.Errorf("listing the catalogue: %w", err)
	}
	c := map[string]map[string]string{}
	for _, name := range names {
		raw, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("reading the catalogue: %w", err)
		}
		part := map[string]string{}
		if err := json.Unmarshal(raw, &part); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		lang := path.Dir(name)
		if c[lang] == nil {
			c[lang] = map[string]string{}
		}
		for key, text := range part {
			if _, twice := c[lang][key]; twice {
				return nil, fmt.Errorf("reading %s: the key %s stands in two files", name, key)
			}
			c[lang][key] = text
		}
	}
	return c, nil
}

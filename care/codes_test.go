package care

import (
	"regexp"
	"slices"
	"testing"
)

func TestCodeListsAreSound(t *testing.T) {
	seen := map[string]bool{}
	for _, l := range codeLists {
		if seen[l.Name] || !snake.MatchString(l.Name) {
			t.Errorf("list %q: twice, or not snake_case", l.Name)
		}
		seen[l.Name] = true
		if l.Source == "" {
			t.Errorf("%s has no source", l.Name)
		}
		if len(l.Codes) == 0 && !l.Open {
			t.Errorf("%s accepts nothing", l.Name)
		}
		if l.Pattern != "" && !l.Open {
			t.Errorf("%s: a pattern for codes that are not accepted", l.Name)
		}
		if c := slices.Compact(slices.Sorted(slices.Values(l.Codes))); len(c) != len(l.Codes) {
			t.Errorf("%s has a code twice", l.Name)
		}
		for _, c := range l.Codes {
			if !l.Has(c) || c == "" {
				t.Errorf("%s does not accept its own code %q", l.Name, c)
			}
			if l.Pattern != "" && !patterns[l.Pattern].MatchString(c) {
				t.Errorf("%s: %q does not look like its pattern", l.Name, c)
			}
		}
		if l.Has("") {
			t.Errorf("%s accepts an empty code", l.Name)
		}
	}
}

func TestEveryCodeListIsThereAndUsed(t *testing.T) {
	// What is offered for a field of free text, where any other word is right too.
	used := map[string]bool{"substances": true}
	eachField(t, func(t *testing.T, e *Entity, f *Field, where string) {
		if f.Codes == "" {
			return
		}
		used[f.Codes] = true
		if _, ok := FindCodes(f.Codes); !ok {
			t.Errorf("%s: no code list %s", where, f.Codes)
		}
	})
	for _, l := range codeLists {
		if !used[l.Name] {
			t.Errorf("no field uses the list %s", l.Name)
		}
	}
}

func TestISOLists(t *testing.T) {
	shapes := []struct {
		list, shape string
		count       int
	}{
		{"countries", `^[A-Z]{2}$`, 250},  // 249 of ISO 3166-1, and XK
		{"currencies", `^[A-Z]{3}$`, 175}, // at the least
		{"languages", `^[a-z]{2,3}(-[A-Za-z]{2,4})?$`, 183},
	}
	for _, s := range shapes {
		l, ok := FindCodes(s.list)
		if !ok {
			t.Fatalf("no list %s", s.list)
		}
		if len(l.Codes) < s.count {
			t.Errorf("%s has %d codes, expected at least %d", s.list, len(l.Codes), s.count)
		}
		for _, c := range l.Codes {
			if !regexp.MustCompile(s.shape).MatchString(c) {
				t.Errorf("%s: %q", s.list, c)
			}
		}
	}
}

func TestLanguageOf(t *testing.T) {
	for code, want := range map[string]string{
		"NEP": "ne", "TIR": "ti", "per": "fa", "fas": "fa", "prs": "prs", "es": "es", "FRE": "fr", "zh-hans": "zh-Hans",
		"pt_BR": "pt-BR", "fil": "fil", "ckb": "ckb", "eng-US": "en-US", "rum": "ro", "bur": "my",
	} {
		if got, ok := LanguageOf(code); !ok || got != want {
			t.Errorf("LanguageOf(%s) = %q, %v, want %q", code, got, ok, want)
		}
	}
	for _, code := range []string{"", "x", "English", "zz", "e1", "en-", "en--US", "--"} {
		if got, ok := LanguageOf(code); ok {
			t.Errorf("LanguageOf(%q) = %q", code, got)
		}
	}
	for tag, want := range map[string]string{"ne": "nep", "fa": "fas", "zh-Hans": "zho", "ckb": "ckb", "en": "eng"} {
		if got, ok := Language639(tag); !ok || got != want {
			t.Errorf("Language639(%s) = %q, %v, want %q", tag, got, ok, want)
		}
	}
	for two, three := range three639 {
		if back, ok := LanguageOf(three); !ok || back != two {
			t.Errorf("%s → %s → %q", two, three, back)
		}
	}
}

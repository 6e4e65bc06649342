package main_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// TestTheCoreOfTheAppStandsAlone: web/src/core is plain TypeScript that runs in
// any browser and in Node, and what holds people's data on a tablet is ours to
// read. No file of it is longer than one of Go's.
func TestTheCoreOfTheAppStandsAlone(t *testing.T) {
	load(t)
	from := regexp.MustCompile(`(?:from|import|import\()\s*['"]([^'"]+)['"]`)
	seen := 0
	for _, p := range allFiles {
		if !strings.HasPrefix(p, "web/src/core/") {
			continue
		}
		seen++
		text := read(t, p)
		for _, m := range from.FindAllStringSubmatch(text, -1) {
			if !regexp.MustCompile(`^\./[a-z0-9_]+$`).MatchString(m[1]) {
				t.Errorf("%s imports %s: the core imports nothing but itself", p, m[1])
			}
		}
		if n := strings.Count(text, "\n"); n > fileLinesMax {
			t.Errorf("%s has %d lines, at most %d", p, n, fileLinesMax)
		}
	}
	if seen == 0 {
		t.Fatal("there is no web/src/core: has it moved?")
	}
}

// TestEveryPackageOfTheAppHasItsReason: the packages that build and test the
// app are pinned to one version each, and none of them runs on a tablet.
func TestEveryPackageOfTheAppHasItsReason(t *testing.T) {
	var manifest struct {
		Dependencies    map[string]string `json:"dependencies"`
		DevDependencies map[string]string `json:"devDependencies"`
	}
	if err := json.Unmarshal([]byte(read(t, "web/package.json")), &manifest); err != nil {
		t.Fatal(err)
	}
	if len(manifest.Dependencies) > 0 {
		t.Errorf("web/package.json: %v would run on a tablet", manifest.Dependencies)
	}
	exact, packages := regexp.MustCompile(`^\d+\.\d+\.\d+$`), found{}
	for name, version := range manifest.DevDependencies {
		packages.add(name, "web/package.json")
		if !exact.MatchString(version) {
			t.Errorf("web/package.json: %s is not pinned: %s", name, version)
		}
	}
	compare(t, "package", dependenciesPage, packages, onPage(t, dependenciesPage, "^\\| npm `([^`]+)`"))
}

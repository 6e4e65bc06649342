package main_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What the app may weigh on the wire: over 64 kbit/s a hundred kilobytes are
// thirteen seconds.
const (
	firstScreenMax = 80 << 10  // the programs of the tablet's first screen, packed
	firstLoadMax   = 400 << 10 // and everything that comes before it can be used, with the words of one language
)

// TestTheCoreOfTheAppStandsAlone: web/src/core is plain TypeScript that runs in
// any browser and in Node, and what holds people's data on a tablet is ours to
// read. No file of it is longer than one of Go's.
func TestTheCoreOfTheAppStandsAlone(t *testing.T) {
	load(t)
	from := regexp.MustCompile(`(?:from|import|import\()\s*['"]([^'"]+)['"]`)
	seen := 0
	for _, p := range allFiles {
		if !strings.HasPrefix(p, "web/src/") {
			continue
		}
		text := read(t, p)
		if n := strings.Count(text, "\n"); n > fileLinesMax {
			t.Errorf("%s has %d lines, at most %d", p, n, fileLinesMax)
		}
		if !strings.HasPrefix(p, "web/src/core/") {
			continue
		}
		seen++
		for _, m := range from.FindAllStringSubmatch(text, -1) {
			if !regexp.MustCompile(`^\./[a-z0-9_]+$`).MatchString(m[1]) {
				t.Errorf("%s imports %s: the core imports nothing but itself", p, m[1])
			}
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

// appSources are the files from which web/dist is made, as web/vite.config.ts
// counts them.
func appSources(t *testing.T) []string {
	load(t)
	parts := []string{"app", "codes", "desk", "errors", "fields", "seen", "tasks"}
	own := []string{"index.html", "package.json", "package-lock.json", "svelte.config.js", "tsconfig.json", "vite.config.ts"}
	var list []string
	for _, p := range allFiles {
		in, isWord := strings.CutPrefix(p, "locales/")
		switch {
		case strings.HasPrefix(p, "web/src/"), strings.HasPrefix(p, "web/public/"), slices.Contains(own, strings.TrimPrefix(p, "web/")):
			list = append(list, p)
		case isWord && path.Ext(in) == ".json" && slices.Contains(allFiles, "locales/"+path.Dir(in)+"/app.json") && slices.Contains(parts, strings.TrimSuffix(path.Base(in), ".json")):
			list = append(list, p)
		}
	}
	return list
}

// TestDistIsWhatItsSourcesMake needs no Node: the build wrote down from what it
// was made.
func TestDistIsWhatItsSourcesMake(t *testing.T) {
	var lines []string
	for _, p := range appSources(t) {
		sum := sha256.Sum256([]byte(read(t, p)))
		lines = append(lines, hex.EncodeToString(sum[:])+"  "+p+"\n")
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	if want := strings.TrimSpace(read(t, "web/dist/SOURCES.sha256")); hex.EncodeToString(sum[:]) != want {
		t.Error("web/dist is not made from these sources: run make web, and commit what it makes")
	}
}

func packedSize(t *testing.T, text string) int {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}

func TestTheAppFitsItsBudget(t *testing.T) {
	page := read(t, "web/dist/index.html")
	asked := regexp.MustCompile(`(?:src|href)="/(app/[a-z0-9_.-]+)"`)
	imported := regexp.MustCompile(`(?:from|import)\s*["'` + "`" + `]\./([a-z0-9_.-]+\.js)["'` + "`" + `]`)
	var list []string
	for _, m := range asked.FindAllStringSubmatch(page, -1) {
		list = append(list, m[1])
	}
	programs, all := 0, packedSize(t, page)
	for i := 0; i < len(list); i++ {
		text := read(t, "web/dist/"+list[i])
		all += packedSize(t, text)
		if path.Ext(list[i]) != ".js" {
			continue
		}
		programs += packedSize(t, text)
		for _, m := range imported.FindAllStringSubmatch(text, -1) {
			if name := "app/" + m[1]; !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	words := 0
	for _, p := range allFiles {
		if strings.HasPrefix(p, "web/dist/app/words-") {
			words = max(words, packedSize(t, read(t, p)))
		}
	}
	if programs < 10<<10 || words == 0 {
		t.Fatalf("%d bytes of programs and %d of words: has dist moved?", programs, words)
	}
	if programs > firstScreenMax || all+words > firstLoadMax {
		t.Errorf("the first screen takes %d bytes of programs, at most %d, and %d in all, at most %d", programs, firstScreenMax, all+words, firstLoadMax)
	}
}

// TestTheAppAsksNobodyElse: nothing in it names another origin.
func TestTheAppAsksNobodyElse(t *testing.T) {
	load(t)
	origin := regexp.MustCompile(`(?i)(?:https?:|wss?:|["'` + "`" + `(]\s*)//[a-z0-9][a-z0-9.-]*\.[a-z]{2,}[^"'` + "`" + `\s]*`)
	// Names that nobody asks: of a namespace, and of a page that explains a fault.
	named := regexp.MustCompile(`^https?://(www\.w3\.org/|svelte\.dev/e/)`)
	for _, p := range allFiles {
		if !strings.HasPrefix(p, "web/dist/") {
			continue
		}
		for _, m := range origin.FindAllString(read(t, p), -1) {
			if !named.MatchString(m) {
				t.Errorf("%s names %s", p, m)
			}
		}
	}
}

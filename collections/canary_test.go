package collections_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/gen"
	"portolan/internal/hubtest"
)

func TestEveryShapeIsLookedFor(t *testing.T) {
	const text = "Ñandú/ندى"
	hay := map[string]string{"as it is": "xx" + text + "yy", "escaped": `{"v":"`}
	for _, pad := range []string{"", "a", "ab"} {
		hay["base64 "+pad] = base64.StdEncoding.EncodeToString([]byte(pad + text + "zz"))
	}
	for _, u := range utf16.Encode([]rune(text)) {
		hay["escaped"] += fmt.Sprintf(`\u%04x`, u)
	}
	for name, h := range hay {
		if !slices.ContainsFunc(slices.Collect(maps.Values(hubtest.Shapes(text))), func(s []byte) bool { return bytes.Contains([]byte(h), s) }) {
			t.Errorf("%s is not found in %q", name, h)
		}
	}
}

// TestEveryShapeOfADayIsLookedFor has real writers write a day and a moment of
// it: whatever they make of it is found.
func TestEveryShapeOfADayIsLookedFor(t *testing.T) {
	at := gen.CanaryMoment
	path := filepath.Join(t.TempDir(), "days.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	hay := map[string][]byte{}
	for name, v := range map[string]any{"milliseconds": at.UnixMilli(), "nanoseconds": at.UnixNano(), "real": float64(at.Unix()), "text": at.Format(time.RFC3339)} {
		if _, err := db.Exec(`CREATE TABLE IF NOT EXISTS days (at)`); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(`DELETE FROM days`); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(`INSERT INTO days VALUES (?)`, v); err != nil {
			t.Fatal(err)
		}
		if hay["SQLite, "+name], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	quoted, err := json.Marshal(map[string]any{"at": at, "n": at.UnixMilli()})
	if err != nil {
		t.Fatal(err)
	}
	hay["JSON"], hay["base64 of JSON"] = quoted, []byte(base64.StdEncoding.EncodeToString(quoted))
	hay["varint"] = binary.AppendVarint([]byte("xx"), at.Unix())
	hay["CBOR"] = []byte{0xc1, 0x3a, 0x7d, 0x00, 0x50, 0x0d} // tag 1, -2097172494, by RFC 8949
	hay["a paper in French"] = []byte("né le 19 juillet 1903")
	shapes := hubtest.MomentShapes(at.Format(time.RFC3339))
	for name, h := range hay {
		if !slices.ContainsFunc(slices.Collect(maps.Values(shapes)), func(s []byte) bool { return bytes.Contains(h, s) }) {
			t.Errorf("%s is not found in %x", name, h[max(0, len(h)-64):])
		}
	}
	for name, s := range shapes {
		if len(s) < 5 {
			t.Errorf("%s is %x: it would be found everywhere", name, s)
		}
	}
}

// wordsOf is what invented people say, beside their canaries: every text of
// more than one word in a field that is sealed; their names without the canary,
// in their script and romanised, as they were written and in small letters; and
// days of long ago, such as that of their birth.
func wordsOf(drafts []gen.Draft) []string {
	words := map[string]bool{}
	for _, d := range drafts {
		e, _ := care.Find(d.Collection)
		for field, v := range d.Set {
			f, _ := e.Field(field)
			if f == nil || f.Routing {
				continue
			}
			text := v.Text()
			bare, _, _ := strings.Cut(text, " CANARY-")
			switch {
			case f.Type == care.Date && len(text) == len(time.DateOnly) && text < "2020":
				words[text] = true
			case f.Type != care.Text && f.Type != care.LongText:
			case strings.HasSuffix(field, "_name") && len(bare) > 6 && d.Collection == "identities":
				words[bare], words[strings.ToLower(bare)] = true, true
			case len(text) > 8 && strings.Contains(text, " "):
				words[text] = true
			}
		}
	}
	return slices.Collect(maps.Keys(words))
}

// TestNothingThatPeopleToldLiesInClear brings invented people through the
// door, with a paper, and looks for what they told in every file of the hub's
// folder: while it runs (what a kill -9 or a pulled plug leaves), and after it
// was closed. That the search finds what is there, the other tests show.
func TestNothingThatPeopleToldLiesInClear(t *testing.T) {
	const people = 4
	dir := filepath.Join(t.TempDir(), "hub")
	h, err := collections.Open(collections.Config{Dir: dir, Now: hubtest.NewClock().Now})
	if err != nil {
		t.Fatal(err)
	}
	w := gen.New(77, hubtest.Start)
	all := w.Setup()
	for i := range people {
		all = append(all, w.Case(i).Drafts...)
	}
	words := wordsOf(all)
	batch := make([]collections.Draft, len(all))
	for i, d := range all {
		batch[i] = collections.Draft{Collection: d.Collection, Record: d.Record, Case: d.Case, Org: d.Org, Author: d.Author, Set: d.Set, Add: d.Add}
	}
	if _, err := h.Do(context.Background(), h.HubActor(), batch...); err != nil {
		t.Fatal(err)
	}
	paper := []byte("%PDF-1.7 " + w.CanaryPrefix() + strings.Join(words, " "))
	if _, err := h.KeepPaper(context.Background(), h.HubActor(), paper, collections.Draft{Case: w.Case(0).ID, Set: map[string]care.Value{
		"kind": care.OfText("summary"), "status": care.OfText("prepared"), "prepared_at": care.OfTime(h.Now())}}); err != nil {
		t.Fatal(err)
	}
	// And a tablet that takes all of it along, so that it lies in chunks too.
	cheap := &hubtest.Hub{Hub: h, Clock: hubtest.NewClock(), Org: w.Home()}
	worker, _ := cheap.Staff(t, care.ProtectionOfficer)
	for i := range people {
		for _, c := range care.Compartments {
			cheap.Must(t, h.HubActor(), collections.Draft{Collection: "grants", Case: w.Case(i).ID, Set: grant(worker.Staff, c, hubtest.Start.Add(48*time.Hour))})
		}
	}
	rowsSent := 0
	if err := h.Pull(context.Background(), cheap.Reload(t, worker.Staff), "", func([]byte) error { rowsSent++; return nil }); err != nil || rowsSent < 100 {
		t.Fatalf("%d lines: %v", rowsSent, err)
	}
	if _, err := os.Stat(filepath.Join(dir, collections.ChunksPath)); err != nil {
		t.Fatal(err)
	}
	killed := filepath.Join(t.TempDir(), "killed")
	if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if len(words) < 100 {
		t.Errorf("only %d words to look for", len(words))
	}
	// Days, and names in a script of their own, are among them.
	for what, is := range map[string]func(string) bool{
		"a day":           func(s string) bool { _, err := time.Parse(time.DateOnly, s); return err == nil },
		"a name's script": func(s string) bool { return !strings.Contains(s, " ") && s[0] >= 0x80 }} {
		if !slices.ContainsFunc(words, is) {
			t.Errorf("%s is not looked for", what)
		}
	}
	for _, folder := range []string{dir, killed} {
		if n := hubtest.LookFor(t, folder, w.CanaryPrefix(), words, w.CanaryDigits(), gen.CanaryDay.Format(time.DateOnly), gen.CanaryMoment.Format(time.RFC3339)); n < 5 {
			t.Errorf("only %d files in %s", n, folder)
		}
	}
	// And it is all there.
	again, err := collections.Open(collections.Config{Dir: killed})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	faults, err := again.Verify(context.Background(), func(collections.Count) {})
	if err != nil || len(faults) > 0 {
		t.Errorf("what the kill left: %v %v", faults, err)
	}
	found := 0
	rows, err := again.List(context.Background(), again.HubActor(), collections.Query{Collection: "identities"})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for _, v := range row.V {
			found += strings.Count(string(v), w.CanaryPrefix())
		}
	}
	if found < people {
		t.Errorf("%d canaries can be read", found)
	}
}

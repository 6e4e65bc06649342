package ops

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portolan/internal/gen"
	"portolan/internal/hubtest"
)

// TestNothingThatTheHubSaysNamesAnybody runs a demo and asks it for much that
// is right and much that is wrong, with canaries in every place where a person
// could type one. Then no canary stands in what it printed or logged, nor in
// PocketBase's own log.
func TestNothingThatTheHubSaysNamesAnybody(t *testing.T) {
	c := newConsole(t)
	d := c.demo(t)
	world := gen.New(1, c.env.Now())
	canary := world.CanaryPrefix()
	var token string
	ask := func(method, path, as string, body any) (int, string) {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), method, d.URL+path, bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if as != "" {
			r.Header.Set("Authorization", "Bearer "+as)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	name := canary + "999"
	seen := 0
	const signIn = "/api/collections/accounts/auth-with-password"
	for _, a := range d.Accounts {
		status, b := ask("POST", signIn, "", map[string]string{"identity": a.Login, "password": a.Password})
		var in struct{ Token string }
		if status != http.StatusOK || json.Unmarshal([]byte(b), &in) != nil || in.Token == "" {
			continue // whoever has a second factor
		}
		token = in.Token
		for _, collection := range []string{"cases", "survivors", "identities", "notes", "medicines", "consents", "documents"} {
			if _, b := ask("POST", "/api/portolan/records/"+collection, token, map[string]any{}); strings.Contains(b, canary) {
				seen++
			}
		}
		ask("GET", "/api/portolan/worklist", token, nil)
	}
	if token == "" || seen == 0 {
		t.Fatalf("nobody saw a canary (token %t): the test proves nothing", token != "")
	}
	for _, wrong := range []struct {
		method, path string
		body         any
	}{
		{"POST", signIn, map[string]string{"identity": name, "password": name}},
		{"POST", signIn, map[string]any{"identity": []string{name}, name: 1}},
		{"GET", "/api/portolan/records/" + name, nil}, {"GET", "/" + name + "?q=" + name, nil}, {"GET", "/api/portolan/me?q=" + name, nil},
		{"POST", "/api/portolan/records/survivors", map[string]any{"where": map[string]string{name: name}}},
		{"POST", "/api/portolan/records/survivors", map[string]any{name: name}}, {"POST", "/api/portolan/records/survivors", name},
		{"POST", "/api/portolan/enrol", map[string]string{"code": name, "key": name, "label": name}},
		{"POST", "/api/portolan/sync", map[string]any{"v": 1, "replica": name, "changes": []any{map[string]string{"n": name}}}},
		{"GET", "/api/portolan/documents/" + name + "/file", nil}, {"POST", "/api/portolan/uploads", name}, {"PATCH", "/api/portolan/uploads/" + name, name}, {"POST", "/api/realtime", map[string]any{"clientId": name, "subscriptions": []string{name}}},
	} {
		for _, as := range []string{token, "", name, name + "." + name + "." + name} {
			if status, b := ask(wrong.method, wrong.path, as, wrong.body); status < 400 || strings.Contains(b, canary) {
				t.Errorf("%s %s answers %d %s", wrong.method, wrong.path, status, b)
			}
		}
	}
	c.vars[PasswordVariable] = name
	for _, args := range [][]string{{"summary", "--dir", "d", "--as", name, "--case", d.CaseMoving, "--out", "x.pdf"}, {"verify", "--dir", "d"}, {"user", "list", "--dir", "d"}, {"device", "list", "--dir", "d"}} {
		_, said := c.run(t, args...)
		if strings.Contains(strings.ReplaceAll(said, name, ""), canary) {
			t.Errorf("%v says %s", args, said)
		}
	}
	for what, said := range map[string]string{"standard output": c.out.String(), "the log": c.err.String()} {
		if i := strings.Index(said, canary); i >= 0 {
			t.Errorf("%s holds …%.80s…", what, said[max(0, i-40):])
		}
	}
	dir := c.env.Path("d")
	nothingInClear(t, dir, world, d.Summary.File)
	for _, file := range []string{"pb_data/auxiliary.db", "pb_data/auxiliary.db-wal", demoFile} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err == nil && bytes.Contains(b, []byte(canary)) {
			t.Errorf("%s holds a canary", file)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "pb_data/auxiliary.db")); err != nil {
		t.Error(fmt.Errorf("PocketBase's log lies elsewhere: %w", err))
	}
}

// nothingInClear looks for what people told in every file of a demo, its
// tablets' folders too: invented people's canaries, and what was entered on
// the tablets. The paper alone says it, as it was handed out.
func nothingInClear(t *testing.T, dir string, world *gen.World, paper string) {
	t.Helper()
	sought := map[string][]byte{"Kestrel": []byte("Kestrel"), "amoxicillin": []byte("amoxicillin"), "half a capsule": []byte("half a capsule")}
	for _, canary := range []string{world.CanaryPrefix(), world.CanaryDigits()} {
		for name, shape := range hubtest.Shapes(canary) {
			sought[canary+", "+name] = shape
		}
	}
	for _, at := range []string{gen.CanaryDay.Format(time.DateOnly), gen.CanaryMoment.Format(time.RFC3339)} {
		for name, shape := range hubtest.MomentShapes(at) {
			sought[at+", "+name] = shape
		}
	}
	tablets := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || path == filepath.Join(dir, paper) {
			return err
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a running hub's own temporary file
		}
		if err != nil {
			return err
		}
		if filepath.Base(path) == "tablet.db" {
			tablets++
		}
		for what, word := range sought {
			if bytes.Contains(b, word) {
				t.Errorf("%s holds %s", path, what)
			}
		}
		return nil
	})
	if err != nil || tablets != 2 {
		t.Errorf("%d tablets: %v", tablets, err)
	}
}

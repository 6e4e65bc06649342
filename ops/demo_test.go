package ops

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portolan/care"
)

// A demo stops when it is told to, in the middle too, says what to do then,
// and does not go on in what it left.
func TestADemoThatIsBrokenOffIsSaidSo(t *testing.T) {
	c := newConsole(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- Main(ctx, c.env, []string{"demo", "--dir", "d", "--listen", "127.0.0.1:0", "--people", "1"})
	}()
	c.until(t, `\[1/6\]`)
	stop()
	if code := <-ended; code != ExitFault || !strings.Contains(c.err.String(), "before the demo was finished; remove") {
		t.Errorf("exit code %d: %s", code, c.err)
	}
	if out := c.must(t, ExitFault, "demo", "--dir", "d", "--listen", "127.0.0.1:0"); !strings.Contains(out, "folder_not_a_demo") {
		t.Errorf("on what is left it says %s", out)
	}
}

// Everything that the demo prints and writes is so: accounts, codes, ids, the
// commands, the paper; and the folder is served again.
func TestTheDemo(t *testing.T) {
	c := newConsole(t)
	d := c.demo(t)
	if len(d.Accounts) != 9 || len(d.Codes) == 0 {
		t.Fatalf("%d accounts, %d codes", len(d.Accounts), len(d.Codes))
	}
	for _, a := range d.Accounts {
		in := map[string]string{"identity": a.Login, "password": a.Password}
		if care.NeedsSecondFactor([]care.Role{a.Role}) {
			in["code"] = strings.TrimSpace(c.must(t, ExitOK, "totp", a.TOTPSecret))
		}
		body, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Post(d.URL+"/api/collections/accounts/auth-with-password", "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s signs in: %d", a.Login, resp.StatusCode)
		}
	}
	paper, err := os.ReadFile(filepath.Join(c.env.Path("d"), d.Summary.File))
	if err != nil || !bytes.HasPrefix(paper, []byte("%PDF-")) {
		t.Errorf("the paper: %d bytes, %v", len(paper), err)
	}
	c.must(t, ExitOK, "verify", "--dir", "d")
	closedDoors(t, d.URL)
	for _, a := range d.Accounts {
		if a.Login == d.CaseMovingOwner {
			c.vars[PasswordVariable] = a.Password
		}
	}
	c.must(t, ExitOK, "summary", "--dir", "d", "--as", d.CaseMovingOwner, "--case", d.CaseMoving, "--languages", "es,en", "--out", "paper.pdf")
	// The tablet command has a process's own terminal and folder.
	t.Chdir(c.env.WorkDir)
	for _, a := range d.Accounts {
		if a.Login == d.Codes[0].Login {
			c.vars[PasswordVariable] = a.Password
		}
	}
	c.must(t, ExitOK, "tablet", "--dir", "mine", "enrol", d.URL, d.Codes[0].Code)
	c.must(t, ExitOK, "tablet", "--dir", "mine", "sync")
	if out := c.must(t, 4, "tablet", "--dir", filepath.Join("d", d.Tablets[0]), "conflicts"); !strings.Contains(out, "dose") {
		t.Errorf("the conflict: %s", out)
	}
	if out := c.must(t, ExitOK, "tablet", "--dir", "mine", "show", d.CaseInConflict); !strings.Contains(out, "cases "+d.CaseInConflict) {
		t.Errorf("the case in conflict: %s", out)
	}
}

// demo runs a small one until it is up, and again on the same folder.
func (c *console) demo(t *testing.T) (d demoResult) {
	t.Helper()
	for _, again := range []bool{false, true} {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan int, 1)
		go func() {
			ended <- Main(ctx, c.env, []string{"demo", "--dir", "d", "--listen", "127.0.0.1:0", "--people", "1"})
		}()
		up := time.NewTicker(10 * time.Millisecond)
		for !strings.Contains(c.out.String(), "Stop it with") {
			select {
			case code := <-ended:
				stop()
				t.Fatalf("exit code %d:\n%s\n%s", code, c.out, c.err)
			case <-up.C:
			}
		}
		up.Stop()
		end := func() {
			stop()
			if code := <-ended; code != ExitOK {
				t.Errorf("exit code %d: %s", code, c.err)
			}
		}
		if again {
			t.Cleanup(end)
			break
		}
		end()
		if strings.Count(c.out.String(), "/6]") != 6 {
			t.Errorf("it shows no progress:\n%s", c.out)
		}
		c.out.b.Reset()
	}
	b, err := os.ReadFile(c.env.Path(filepath.Join("d", demoFile)))
	if err == nil {
		err = json.Unmarshal(b, &d)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// closedDoors asks for what is closed in a demo as in any hub (attack case 7).
func closedDoors(t *testing.T, url string) {
	t.Helper()
	for _, path := range []string{"/_/", "/api/sql", "/api/settings", "/api/backups", "/api/logs", "/api/crons", "/api/collections", "/api/collections/import",
		"/api/collections/accounts/impersonate/x", "/api/collections/_superusers/auth-with-password", "/api/collections/cases/records", "/api/batch"} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			r, err := http.NewRequestWithContext(t.Context(), method, url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusNotFound {
				t.Errorf("the demo answers %s %s with %d", method, path, answer.StatusCode)
			}
		}
	}
}

package tablet_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"

	"portolan/audit"
	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	"portolan/tablet"
)

// These are attack 39: whoever controls the hub's machine, signing key
// included, alters the audit log. The hub itself cannot tell; its tablets can.

// town is a hub in a folder that is opened, closed and tampered with, behind
// one address.
type town struct {
	line  *relay
	clock *hubtest.Clock
	dir   string
	staff string
}

func newTown(t *testing.T) *town {
	return townOn(t, hubtest.NewClock())
}

func townOn(t *testing.T, clock *hubtest.Clock) *town {
	v := &town{line: newRelay(t), clock: clock, dir: hubtest.Dir(t)}
	v.open(t, "begun", v.dir, func(t *testing.T, h *hubtest.Hub) {
		anna, _ := h.Staff(t, care.Outreach)
		v.staff = anna.Staff
	})
	return v
}

func (v *town) open(t *testing.T, name, dir string, do func(t *testing.T, h *hubtest.Hub)) {
	t.Helper()
	if !t.Run(name, func(t *testing.T) {
		h := hubtest.Open(t, dir, v.clock)
		v.line.to(h.Serve(t))
		do(t, h)
	}) {
		t.FailNow()
	}
}

func (v *town) enrol(t *testing.T, h *hubtest.Hub, tab *tablet.Tablet) {
	t.Helper()
	if err := tab.Enrol(t.Context(), v.line.url(), h.Code(t, v.staff), owner(t, h, v.staff)); err != nil {
		t.Fatal(err)
	}
}

// forget is what root does to a closed hub: the last n events never happened,
// and no head was ever signed over them.
func forget(t *testing.T, dir string, n int) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, filepath.FromSlash(collections.DatabasePath)))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var size int64
	if err := db.QueryRow(`SELECT MAX(seq) FROM audit_leaves`).Scan(&size); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"audit_leaves", "audit_nodes", "audit_cases", "audit_checkpoints"} {
		if _, err := db.Exec(`DROP TRIGGER ` + table + `_no_delete`); err != nil {
			t.Fatal(err)
		}
	}
	left := size - int64(n)
	tree, nodes := &audit.Tree{}, int64(0)
	for range left {
		_, more, err := tree.Append(audit.Commitment{})
		if err != nil {
			t.Fatal(err)
		}
		nodes += int64(len(more))
	}
	for query, arg := range map[string]int64{`DELETE FROM audit_leaves WHERE seq > ?`: left, `DELETE FROM audit_cases WHERE seq > ?`: left,
		`DELETE FROM audit_nodes WHERE idx >= ?`: nodes, `DELETE FROM audit_checkpoints WHERE size > ?`: left} {
		if _, err := db.Exec(query, arg); err != nil {
			t.Fatal(err)
		}
	}
}

func mustAlarm(t *testing.T, tab *tablet.Tablet, code string) {
	t.Helper()
	if _, err := tab.Sync(t.Context()); care.CodeOf(err) != code {
		t.Errorf("the sync says %v, want %s", err, code)
	}
	if _, alarm, err := tab.Witness(t.Context()); err != nil || alarm == nil || alarm.Code != code || alarm.Remembered == "" {
		t.Errorf("the tablet keeps %+v, %v", alarm, err)
	}
}

func TestAttack39EventsAreTakenBack(t *testing.T) {
	v := townOn(t, hubtest.MachineClock())
	tab := open(t, t.TempDir(), v.clock.Now)
	v.open(t, "before", v.dir, func(t *testing.T, h *hubtest.Hub) {
		v.enrol(t, h, tab)
		intake(t, tab)
		mustSync(t, tab)
	})
	forget(t, v.dir, 5)
	v.open(t, "after", v.dir, func(t *testing.T, h *hubtest.Hub) {
		v.line.to(h.Aside(t)) // the built program, which cannot tell either
		mustAlarm(t, tab, audit.ErrRolledBack.Code)
	})
}

// TestAttack39HistoryIsRewritten: the hub grew again over what it had
// forgotten. The alarm stays; what is unsent arrives, nothing is taken, and a
// person's decision to enrol again ends it.
func TestAttack39HistoryIsRewritten(t *testing.T) {
	v := newTown(t)
	dir := t.TempDir()
	tab, other := open(t, dir, v.clock.Now), open(t, t.TempDir(), v.clock.Now)
	var caseID, survivor string
	v.open(t, "before", v.dir, func(t *testing.T, h *hubtest.Hub) {
		v.enrol(t, h, tab)
		caseID, survivor = intake(t, tab)
		mustSync(t, tab)
		v.enrol(t, h, other)
		mustSync(t, other)
		mustSync(t, tab)
	})
	forget(t, v.dir, 4)
	v.open(t, "after", v.dir, func(t *testing.T, h *hubtest.Hub) {
		for range 8 {
			if _, err := h.Read(t.Context(), h.Reload(t, v.staff), "survivors", survivor); err != nil {
				t.Fatal(err)
			}
		}
		mustSet(t, tab, survivor, set("contact_notes", "written in the alarm"))
		h.Must(t, h.Reload(t, v.staff), collections.Draft{Collection: "survivors", Record: survivor, Set: map[string]care.Value{"pronouns": care.OfText("she")}})
		mustAlarm(t, tab, audit.ErrRewritten.Code)
		row, err := h.Read(t.Context(), h.HubActor(), "survivors", survivor)
		if err != nil || row.Text("contact_notes") != "written in the alarm" {
			t.Errorf("what was unsent did not arrive: %q %v", row.Text("contact_notes"), err)
		}
		if unsent(t, tab) != 0 || show(t, tab, survivor).Get("contact_notes").Text() != "written in the alarm" {
			t.Error("the tablet lost what it wrote")
		}
		if show(t, tab, survivor).Get("pronouns").Text() != "" {
			t.Error("the tablet took something from a hub whose history was rewritten")
		}
		mustSet(t, tab, survivor, set("contact_notes", "and again"))
		if code, _, stderr := run(t, dir, "sync"); code != tablet.ExitFailed || !bytes.Contains([]byte(stderr), []byte(audit.ErrRewritten.Code)) {
			t.Errorf("the command says %d, %s", code, stderr)
		}
		if code, out, _ := run(t, dir, "witness"); code != tablet.ExitFailed || out == "" {
			t.Errorf("the witness says %d, %q", code, out)
		}
		v.enrol(t, h, tab)
		mustSync(t, tab)
		if r := show(t, tab, survivor); r.Get("pronouns").Text() != "she" || r.Get("contact_notes").Text() != "and again" {
			t.Errorf("enrolled again: %+v of case %s", r, caseID)
		}
	})
}

// TestAttack39TwoHistories: the hub is forked, and each tablet is shown
// its own history. At the first sync with the other's they tell.
func TestAttack39TwoHistories(t *testing.T) {
	v := townOn(t, hubtest.MachineClock())
	fork := filepath.Join(t.TempDir(), "fork")
	one, two := open(t, t.TempDir(), v.clock.Now), open(t, t.TempDir(), v.clock.Now)
	v.open(t, "before", v.dir, func(t *testing.T, h *hubtest.Hub) {
		v.enrol(t, h, one)
		v.enrol(t, h, two)
		intake(t, one)
		mustSync(t, one)
		mustSync(t, two)
	})
	if err := os.CopyFS(fork, os.DirFS(v.dir)); err != nil {
		t.Fatal(err)
	}
	v.open(t, "its own", v.dir, func(t *testing.T, h *hubtest.Hub) {
		v.line.to(h.Aside(t))
		intake(t, one)
		mustSync(t, one)
	})
	v.open(t, "the fork", fork, func(t *testing.T, h *hubtest.Hub) {
		v.line.to(h.Aside(t))
		intake(t, two)
		mustSync(t, two)
		intake(t, two)
		mustSync(t, two)
		mustAlarm(t, one, audit.ErrRewritten.Code)
	})
	v.open(t, "its own again", v.dir, func(t *testing.T, h *hubtest.Hub) {
		intake(t, two)
		// Whoever carries the one's checkpoint to the other finds it as well.
		w, _, err := two.Witness(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		faults, err := h.VerifyLog(t.Context(), func(collections.Count) {}, w.Signed)
		if err != nil || len(faults) == 0 {
			t.Errorf("verifying with the other's checkpoint: %v %v", faults, err)
		}
	})
}

// TestAHubThatDoesNotShowItsLogIsGivenNothingMore puts a server between that
// leaves the heads of the log out.
func TestAHubThatDoesNotShowItsLogIsGivenNothingMore(t *testing.T) {
	b := newBench(t)
	anna, _ := b.Hub.Staff(t, care.Outreach)
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		withoutLog(t, w, r, b.url)
	}))
	defer between.Close()
	tab := open(t, t.TempDir(), b.Hub.Clock.Now)
	if err := tab.Enrol(t.Context(), between.URL, b.Hub.Code(t, anna.Staff), owner(t, b, anna.Staff)); err != nil {
		t.Fatal(err)
	}
	intake(t, tab)
	if _, err := tab.Sync(t.Context()); care.CodeOf(err) != tablet.ErrLogWithheld.Code {
		t.Errorf("the sync says %v", err)
	}
	if n := unsent(t, tab); n != 0 {
		t.Errorf("%d changes did not arrive", n)
	}
}

func withoutLog(t *testing.T, w http.ResponseWriter, r *http.Request, hub string) {
	req, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), r.Method, hub+r.URL.Path, r.Body)
	if err != nil {
		t.Error(err)
		return
	}
	req.Header = r.Header.Clone()
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
	w.WriteHeader(resp.StatusCode)
	in := bufio.NewReader(resp.Body)
	for {
		line, err := in.ReadBytes('\n')
		if !bytes.HasPrefix(line, []byte(`{"log"`)) {
			fmt.Fprintf(w, "%s", line)
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Error(err)
			return
		}
	}
}

// TestAnAnswerWithoutNewsStaysSmall: under 200 bytes, but for once after the
// hub has signed its log.
func TestAnAnswerWithoutNewsStaysSmall(t *testing.T) {
	b := newBench(t)
	anna, _ := b.Hub.Staff(t, care.Outreach)
	tab := b.tablet(t, anna.Staff)
	intake(t, tab)
	mustSync(t, tab)
	size := func() int64 {
		w, _, err := tab.Witness(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return w.Size()
	}
	seen := size()
	if _, err := b.Hub.Read(t.Context(), b.Hub.HubActor(), "staff", anna.Staff); err != nil {
		t.Fatal(err)
	}
	if mustSync(t, tab); size() != seen {
		t.Error("an answer without news brought the head of the log")
	}
	if err := b.Hub.SignLog(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if mustSync(t, tab); size() == seen {
		t.Error("the head that was signed since did not come")
	}
}

// TestTheLogsKeyIsChanged: a tablet follows the key of the log from head to
// head, also over two changes and a start of the hub; what was signed before
// still counts; and a key that nobody handed over to is an alarm.
func TestTheLogsKeyIsChanged(t *testing.T) {
	v := newTown(t)
	tab, late := open(t, t.TempDir(), v.clock.Now), open(t, t.TempDir(), v.clock.Now)
	var first, kept string
	rotate := func(t *testing.T, h *hubtest.Hub) {
		t.Helper()
		if unreached, err := h.RotateLogKey(t.Context()); err != nil || len(unreached) > 0 {
			t.Fatal(unreached, err)
		}
	}
	follows := func(t *testing.T, h *hubtest.Hub, tab *tablet.Tablet) {
		t.Helper()
		intake(t, tab)
		mustSync(t, tab)
		if w, alarm, err := tab.Witness(t.Context()); err != nil || alarm != nil || w.Key != h.LogKey() {
			t.Errorf("the tablet knows %+v, %+v, %v", w, alarm, err)
		}
	}
	v.open(t, "before", v.dir, func(t *testing.T, h *hubtest.Hub) {
		first = h.LogKey()
		for _, tab := range []*tablet.Tablet{tab, late} {
			v.enrol(t, h, tab)
			follows(t, h, tab)
		}
		head, err := h.LogHead(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		kept = head.Signed
		rotate(t, h)
		follows(t, h, tab)
		rotate(t, h)
	})
	v.open(t, "after", v.dir, func(t *testing.T, h *hubtest.Hub) {
		if h.LogKey() == first {
			t.Error("the key is the first one")
		}
		for range 2 {
			follows(t, h, tab)
			follows(t, h, late)
		}
		if faults, err := h.VerifyLog(t.Context(), func(collections.Count) {}, kept); err != nil || len(faults) > 0 {
			t.Errorf("with a head from before: %v, %v", faults, err)
		}
	})
	// In a folder of its own making: those of the template have its keys.
	v.open(t, "another hub", filepath.Join(t.TempDir(), "hub"), func(t *testing.T, h *hubtest.Hub) {
		rotate(t, h)
		head, _, err := h.LogHeadFor(t.Context(), 0, true)
		if err != nil {
			t.Fatal(err)
		}
		w := audit.Witness{Key: first}
		if _, err := w.Take(head.Signed, nil, head.Keys...); care.CodeOf(err) != audit.ErrSignature.Code || w.Key != first {
			t.Errorf("keys that nobody handed over to: %v", err)
		}
	})
}

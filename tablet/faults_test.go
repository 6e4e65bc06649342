package tablet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	"portolan/tablet"
)

func TestWithoutALineEverythingIsKept(t *testing.T) {
	b, line, tab := newRelayedBench(t)
	line.to("")
	_, survivor := intake(t, tab)
	if _, err := tab.Sync(t.Context()); !tablet.Unreachable(err) {
		t.Fatalf("without a line: %v", err)
	}
	if unsent(t, tab) != 2 || show(t, tab, survivor).Get("alias").Text() != "Lis" {
		t.Error("not everything is kept")
	}
	line.to(b.url)
	if r := mustSync(t, tab); r.Sent != 2 {
		t.Errorf("%+v", r)
	}
}

// What stands in the way of the hub (a login page of a network) is not taken
// for an answer of it.
func TestAnAnswerThatIsNoHubs(t *testing.T) {
	b, line, tab := newRelayedBench(t)
	_, survivor := intake(t, tab)
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n<html>hello</html>\n",
		"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nlogin",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}\n",
		"nonsense",
	} {
		line.to(oneAnswer(t, answer))
		if _, err := tab.Sync(t.Context()); err == nil || errors.Is(err, context.Canceled) {
			t.Errorf("%q: %v", answer, err)
		}
		if n := unsent(t, tab); n != 2 {
			t.Fatalf("%q: %d of 2 changes wait", answer, n)
		}
	}
	line.to(b.url)
	mustSync(t, tab)
	if show(t, tab, survivor).Get("alias").Text() != "Lis" {
		t.Error("the record has gone")
	}
}

// oneAnswer is a server that says the same to everybody.
func oneAnswer(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			buf := make([]byte, 64<<10)
			_, _ = c.Read(buf) // whatever was asked
			_, _ = io.WriteString(c, answer)
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return "http://" + l.Addr().String()
}

// newEpoch is what restoring a backup does last.
func newEpoch(t *testing.T, h *hubtest.Hub) {
	t.Helper()
	if err := h.NewEpoch(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A hub that was restored from an old backup, with the operator's commands, is
// given back what it lost, also what it had acknowledged: attack case 33 in the
// built program.
func TestARestoredHubGetsEverythingBack(t *testing.T) {
	line := newRelay(t)
	clock := hubtest.MachineClock()
	dir, made, backup := hubtest.Dir(t), filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "hub")
	command := func(words ...string) {
		if out, exit := hubtest.Console(t, words...); exit != 0 {
			t.Fatalf("%v: exit code %d\n%s", words, exit, out)
		}
	}
	tab, other := open(t, t.TempDir(), clock.Now), open(t, t.TempDir(), clock.Now)
	var caseID, survivor, note string
	phase := func(name, dir string, do func(t *testing.T, h *hubtest.Hub)) {
		t.Run(name, func(t *testing.T) {
			h := hubtest.Open(t, dir, clock)
			line.to(h.Serve(t))
			do(t, h)
		})
	}
	phase("before", dir, func(t *testing.T, h *hubtest.Hub) {
		anna, _ := h.Staff(t, care.Outreach)
		for _, x := range []*tablet.Tablet{tab, other} {
			if err := x.Enrol(t.Context(), line.url(), h.Code(t, anna.Staff), owner(t, h, anna.Staff)); err != nil {
				t.Fatal(err)
			}
		}
		caseID, survivor = intake(t, tab)
		mustSync(t, tab)
		mustSync(t, other)
	})
	command("backup", "--dir", dir, "--out", made)
	phase("after the backup", dir, func(t *testing.T, h *hubtest.Hub) {
		mustSet(t, tab, survivor, set("contact_notes", "after the backup"))
		note = mustNew(t, tab, "notes", caseID, set("kind", "visit", "text", "after the backup"))
		saveDraft(t, tab, tablet.Form{Collection: "notes", Case: caseID, Fields: filled("text", "half a note")})
		if r := mustSync(t, tab); r.Sent != 2 {
			t.Fatalf("%+v", r)
		}
		mustSync(t, other)
	})
	command("restore", "--dir", backup, "--key-file", filepath.Join(dir, collections.KeyFileName), made)
	b, err := os.ReadFile(filepath.Join(dir, collections.KeyFileName))
	if err == nil {
		err = os.WriteFile(filepath.Join(backup, collections.KeyFileName), b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	phase("restored", backup, func(t *testing.T, h *hubtest.Hub) {
		line.to(h.Aside(t))
		mustSet(t, tab, survivor, set("pronouns", "she"))
		r := mustSync(t, tab)
		if !r.Restored {
			t.Errorf("nobody is told that the hub was restored: %+v", r)
		}
		if r.Sent < 3 {
			t.Errorf("the hub was not given back what it lost: %+v", r)
		}
		mustSync(t, other)
		if !sameRecord(show(t, tab, survivor), show(t, other, survivor)) {
			t.Error("the tablets differ after the restore")
		}
		mustSync(t, tab)
		for _, x := range []*tablet.Tablet{tab, other} {
			if list := drafts(t, x); len(list) != 1 || len(list[0].Others) > 0 || list[0].Unsent {
				t.Errorf("a half-filled form after the restore: %+v", list)
			}
		}
		h.Back(t)
		row, err := h.Read(t.Context(), h.HubActor(), "survivors", survivor)
		if err != nil || row.Text("contact_notes") != "after the backup" || row.Text("pronouns") != "she" {
			t.Errorf("at the restored hub: %+v, %v", row, err)
		}
		if _, err := h.Read(t.Context(), h.HubActor(), "notes", note); err != nil {
			t.Errorf("a record that was acknowledged: %v", err)
		}
	})
}

// Also a tablet on which nobody enters anything any more gives back what it
// had delivered; and one that cannot, since it left it with its scope, says so,
// receives what is new, and gives back the rest once it is enrolled again.
func TestARestoredHubIsGivenBackWhatNobodyTouches(t *testing.T) {
	line := newRelay(t)
	clock := hubtest.NewClock()
	dir, backup := hubtest.Dir(t), filepath.Join(t.TempDir(), "backup")
	tab, other := open(t, t.TempDir(), clock.Now), open(t, t.TempDir(), clock.Now)
	var anna, ben care.Actor
	var survivor, note string
	phase := func(name, dir string, do func(t *testing.T, h *hubtest.Hub)) {
		t.Run(name, func(t *testing.T) {
			h := hubtest.Open(t, dir, clock)
			line.to(h.Serve(t))
			do(t, h)
		})
	}
	phase("before", dir, func(t *testing.T, h *hubtest.Hub) {
		anna, _ = h.Staff(t, care.Outreach)
		ben, _ = h.Staff(t, care.Outreach)
		for x, who := range map[*tablet.Tablet]care.Actor{tab: anna, other: ben} {
			if err := x.Enrol(t.Context(), line.url(), h.Code(t, who.Staff), owner(t, h, who.Staff)); err != nil {
				t.Fatal(err)
			}
		}
		_, survivor = intake(t, tab)
		mustSync(t, tab)
	})
	if err := os.CopyFS(backup, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	phase("after the backup", dir, func(t *testing.T, h *hubtest.Hub) {
		mustSet(t, tab, survivor, set("contact_notes", "after the backup"))
		mustSync(t, tab)
		caseID, _ := intake(t, other)
		mustSync(t, other) // and holds the case
		mustNew(t, other, "conditions", caseID, set("label", "Asthma", "clinical_status", "active", "verification_status", "confirmed"))
		note = mustNew(t, other, "notes", caseID, set("kind", "visit", "text", "kept"))
		mustSync(t, other)
		grants, err := h.List(t.Context(), h.HubActor(), collections.Query{Collection: "grants", Case: caseID})
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range grants {
			if g.Text("compartment") != string(care.Health) {
				continue
			}
			h.Must(t, h.HubActor(), collections.Draft{Collection: "grants", Record: g.ID, Set: map[string]care.Value{"status": care.OfText("ended"), "ended_reason": care.OfText("revoked")}})
		}
		if r := mustSync(t, other); len(r.Evicted) == 0 {
			t.Fatalf("%+v", r)
		}
	})
	// A restore keeps what ended since: a hub that forgot it would be refused.
	ended, err := os.ReadFile(filepath.Join(dir, collections.EndedPath))
	if err == nil {
		err = os.WriteFile(filepath.Join(backup, collections.EndedPath), ended, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	phase("restored", backup, func(t *testing.T, h *hubtest.Hub) {
		newEpoch(t, h)
		mustSync(t, tab)
		row, err := h.Read(t.Context(), h.HubActor(), "survivors", survivor)
		if err != nil || row.Text("contact_notes") != "after the backup" {
			t.Errorf("at the restored hub: %+v, %v", row, err)
		}
		if r := mustSync(t, tab); r.Rounds != 1 {
			t.Errorf("it is given back again and again: %+v", r)
		}
		if r, err := other.Sync(t.Context()); care.CodeOf(err) != "changes_missing" || r.Sent == 0 {
			t.Errorf("what it cannot give back: %+v, %v", r, err)
		}
		if err := other.Enrol(t.Context(), line.url(), h.Code(t, ben.Staff), owner(t, h, ben.Staff)); err != nil {
			t.Fatal(err)
		}
		mustSync(t, other)
		if _, err := h.Read(t.Context(), h.HubActor(), "notes", note); err != nil {
			t.Errorf("what was delivered: %v", err)
		}
	})
}

// A tablet that was enrolled after the backup is unknown to the restored hub.
// Enrolled again, it gives back what had been acknowledged, once.
func TestATabletThatTheRestoredHubDoesNotKnowGivesEverythingBack(t *testing.T) {
	line := newRelay(t)
	clock := hubtest.NewClock()
	dir, backup := hubtest.Dir(t), filepath.Join(t.TempDir(), "backup")
	tab := open(t, t.TempDir(), clock.Now)
	var staff, caseID, survivor string
	phase := func(name, dir string, do func(t *testing.T, h *hubtest.Hub)) {
		t.Run(name, func(t *testing.T) {
			h := hubtest.Open(t, dir, clock)
			line.to(h.Serve(t))
			do(t, h)
		})
	}
	phase("before", dir, func(t *testing.T, h *hubtest.Hub) {
		anna, _ := h.Staff(t, care.Outreach)
		staff = anna.Staff
	})
	if err := os.CopyFS(backup, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	phase("after the backup", dir, func(t *testing.T, h *hubtest.Hub) {
		if err := tab.Enrol(t.Context(), line.url(), h.Code(t, staff), owner(t, h, staff)); err != nil {
			t.Fatal(err)
		}
		caseID, survivor = intake(t, tab)
		mustSync(t, tab)
		mustSet(t, tab, survivor, set("contact_notes", "acknowledged"))
		mustSync(t, tab)
		mustSet(t, tab, survivor, set("pronouns", "she")) // not sent
	})
	phase("restored", backup, func(t *testing.T, h *hubtest.Hub) {
		newEpoch(t, h)
		if _, err := tab.Sync(t.Context()); care.CodeOf(err) != "token_invalid" {
			t.Fatalf("the restored hub knows the tablet: %v", err)
		}
		if err := tab.Enrol(t.Context(), line.url(), h.Code(t, staff), owner(t, h, staff)); err != nil {
			t.Fatal(err)
		}
		if row := show(t, tab, survivor); row.Get("contact_notes").Text() != "acknowledged" {
			t.Error("the tablet does not show what it wrote")
		}
		if r := mustSync(t, tab); r.Held > 0 || r.Conflicts > 0 {
			t.Errorf("%+v", r)
		}
		row, err := h.Read(t.Context(), h.HubActor(), "survivors", survivor)
		if err != nil || row.Case != caseID || row.Text("contact_notes") != "acknowledged" || row.Text("pronouns") != "she" {
			t.Errorf("at the restored hub: %+v, %v", row, err)
		}
		if row := show(t, tab, survivor); row.Get("contact_notes").Text() != "acknowledged" {
			t.Error("the tablet lost what it wrote")
		}
		// Once: enrolled again where nothing was lost, nothing goes up again.
		if err := tab.Enrol(t.Context(), line.url(), h.Code(t, staff), owner(t, h, staff)); err != nil {
			t.Fatal(err)
		}
		if r := mustSync(t, tab); r.Sent != 0 {
			t.Errorf("sent again although the hub holds it: %+v", r)
		}
	})
}

// A month's backlog goes up in several pushes, compressed, groups whole.
func TestALongBacklog(t *testing.T) {
	b := newBench(t)
	anna, _ := b.Staff(t, care.Outreach)
	tab := b.tablet(t, anna.Staff)
	caseID, survivor := intake(t, tab)
	const notes = 230
	r := rand.New(rand.NewPCG(1, 2))
	for i := range notes {
		mustNew(t, tab, "notes", caseID, set("kind", "visit", "text", fmt.Sprintf("%d %x", i, r.Uint64())))
	}
	mustSet(t, tab, survivor, set("contact_notes", strings.Repeat("long ", 5000)))
	report := mustSync(t, tab)
	if report.Sent != notes+3 || report.Held > 0 || report.Rounds < 2 {
		t.Errorf("%+v", report)
	}
	second := b.tablet(t, anna.Staff)
	mustSync(t, second)
	list, err := second.List(t.Context(), "notes", caseID)
	if err != nil || len(list) != notes {
		t.Errorf("%d of %d notes came to the second tablet (%v)", len(list), notes, err)
	}
}

// Typing goes on while a sync runs, and what was typed is not lost in it.
func TestTypingWhileItSyncs(t *testing.T) {
	b := newBench(t)
	anna, _ := b.Staff(t, care.Outreach)
	dir := t.TempDir()
	tab := open(t, dir, b.Clock.Now)
	if err := tab.Enrol(t.Context(), b.url, b.Code(t, anna.Staff), owner(t, b, anna.Staff)); err != nil {
		t.Fatal(err)
	}
	caseID, survivor := intake(t, tab)
	typing := open(t, dir, b.Clock.Now) // another process on the same folder
	done := make(chan error, 1)
	go func() {
		for i := range 20 {
			if _, err := typing.Set(context.Background(), survivor, set("contact_notes", fmt.Sprint(i))); err != nil {
				done <- err
				return
			}
			if _, err := typing.New(context.Background(), "notes", caseID, set("kind", "visit", "text", fmt.Sprint(i))); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for running := true; running; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			running = false
		default:
			mustSync(t, tab)
		}
	}
	mustSync(t, tab)
	row, err := b.Read(t.Context(), b.HubActor(), "survivors", survivor)
	if err != nil || row.Text("contact_notes") != "19" {
		t.Errorf("at the hub %q, %v", row.Text("contact_notes"), err)
	}
	if n := unsent(t, tab); n != 0 {
		t.Errorf("%d changes wait", n)
	}
	questions, asides, err := tab.Conflicts(t.Context())
	if err != nil || len(questions)+len(asides) > 0 {
		t.Errorf("one person alone meets conflicts: %+v %+v %v", questions, asides, err)
	}
}

// A tablet whose clock is days wrong neither wins nor loses by it once it has
// met the hub.
func TestAWrongClockIsCorrected(t *testing.T) {
	for _, wrong := range []time.Duration{-72 * time.Hour, 72 * time.Hour} {
		t.Run(wrong.String(), func(t *testing.T) {
			b := newBench(t)
			anna, _ := b.Staff(t, care.Outreach)
			right := b.tablet(t, anna.Staff)
			off := open(t, t.TempDir(), func() time.Time { return b.Clock.Now().Add(wrong) })
			if err := off.Enrol(t.Context(), b.url, b.Code(t, anna.Staff), owner(t, b, anna.Staff)); err != nil {
				t.Fatal(err)
			}
			_, survivor := intake(t, right)
			mustSync(t, right)
			mustSync(t, off)
			for i, order := range [][]*tablet.Tablet{{right, off}, {off, right}} {
				first, second := fmt.Sprintf("%d first", i), fmt.Sprintf("%d second", i)
				mustSet(t, order[0], survivor, set("contact_notes", first))
				b.Clock.Move(time.Minute)
				mustSet(t, order[1], survivor, set("contact_notes", second))
				mustSync(t, right)
				mustSync(t, off)
				mustSync(t, right)
				notes := field(t, show(t, right, survivor), "contact_notes")
				if notes.Value.Text() != second || !notes.Conflict {
					t.Errorf("the later edit does not stand: %+v", notes)
				}
				if err := right.Resolve(t.Context(), survivor, "contact_notes", care.OfText(fmt.Sprint(i))); err != nil {
					t.Fatal(err)
				}
				mustSync(t, right)
				mustSync(t, off)
			}
		})
	}
}

// A store that lost something, or holds what it should not, is found by the
// digest and mended; what is unsent stays.
func TestADifferenceIsFoundAndMended(t *testing.T) {
	b := newBench(t)
	anna, _ := b.Staff(t, care.Outreach)
	tab := b.tablet(t, anna.Staff)
	caseID, survivor := intake(t, tab)
	mustSync(t, tab)
	whole := show(t, tab, survivor)
	for i, damage := range []string{
		`DELETE FROM pieces WHERE record = ? AND scope LIKE '%general'`,
		`UPDATE pieces SET hub = '[]' WHERE record = ? AND scope LIKE '%general'`,
		`UPDATE scopes SET digest = '00000000000000000000000000000001' WHERE ? != '' AND scope LIKE 'case:%'`,
		`UPDATE pieces SET record = '01930000-0000-7000-8000-00000000dead' WHERE record = ? AND scope LIKE '%general'`,
	} {
		mustSet(t, tab, caseID, set("opened_on", fmt.Sprintf("2026-10-1%d", i)))
		b.Clock.Move(25 * time.Hour)
		if i == 2 {
			mustSync(t, tab) // the day's own count has been
			b.Clock.Move(2 * time.Hour)
		}
		if err := tab.Damage(damage, survivor); err != nil {
			t.Fatal(err)
		}
		r, err := tab.Sync(t.Context())
		if err != nil || !r.Repaired || r.Differs || r.Mended > 2 {
			t.Fatalf("after %s: %+v, %v", damage, r, err)
		}
		if !sameRecord(show(t, tab, survivor), whole) || unsent(t, tab) != 0 {
			t.Errorf("after %s: %+v", damage, show(t, tab, survivor))
		}
	}
}

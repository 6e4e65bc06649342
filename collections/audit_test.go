package collections_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"portolan/audit"
	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// listed is the log as an auditor of the hub's organisation lists it, the
// oldest first.
func listed(t testing.TB, h *hubtest.Hub, q collections.EventQuery) []collections.LoggedEvent {
	t.Helper()
	auditor, _ := h.Staff(t, care.Auditor)
	page, err := h.Events(context.Background(), auditor, q)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(page.Events)
	return page.Events
}

// acts of events, each once, in the order of their first.
func acts(list []collections.LoggedEvent) (l []string) {
	for _, e := range list {
		if !slices.Contains(l, e.Event.Act) {
			l = append(l, e.Event.Act)
		}
	}
	return l
}

func TestTheLogSaysWhoDidWhat(t *testing.T) {
	ctx := context.Background()
	h, worker, d := newOpenCase(t)
	worker = h.Reload(t, worker.Staff)
	pull(t, h, d.actor, "")
	if _, err := h.Read(ctx, worker, "survivors", survivorID); err != nil {
		t.Fatal(err)
	}
	if err := h.RevokeDevice(ctx, h.HubActor(), d.actor.Device); err != nil {
		t.Fatal(err)
	}
	list := listed(t, h, collections.EventQuery{})
	for _, act := range []string{collections.ActEnrol, collections.ActChange, collections.ActSync, collections.ActRead, collections.ActRevoke} {
		if !slices.Contains(acts(list), act) {
			t.Errorf("the log has no %s, only %v", act, acts(list))
		}
	}
	pinned := false
	for _, e := range list {
		if e.Event.Act == collections.ActChange && e.Event.Staff == worker.Staff {
			on := e.Event.On[0]
			if e.Event.Device != d.actor.Device || !slices.Contains(e.Event.Roles, string(care.Outreach)) || on.Case != caseID || len(on.Records) == 0 {
				t.Errorf("a change is noted as %+v", e.Event)
			}
		}
		for _, c := range e.Event.Chain {
			pinned = pinned || c == audit.Chain{Replica: d.replica, N: d.n, Link: d.link.String()}
		}
		text, err := e.Event.Encode()
		if err != nil || bytes.Contains(text, []byte("Blue Heron")) {
			t.Errorf("an event holds a value: %s %v", text, err)
		}
	}
	if !pinned {
		t.Error("no event says how far the tablet's chain had come")
	}
	if l := listed(t, h, collections.EventQuery{Act: collections.ActRead, Staff: worker.Staff, Case: caseID}); len(l) != 1 || !slices.Contains(l[0].Event.On[0].Records, survivorID) {
		t.Errorf("what the worker read of the case: %+v", l)
	}
	if l := listed(t, h, collections.EventQuery{From: h.Clock.Now().Add(time.Hour)}); len(l) != 0 {
		t.Errorf("events of the future: %d", len(l))
	}
}

func TestOnlyAnAuditorListsTheLogAndSeesNoRecord(t *testing.T) {
	ctx := context.Background()
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	openCase(t, h, enrol(t, h, worker))
	for _, role := range care.Roles {
		who, _ := h.Staff(t, role)
		_, err := h.Events(ctx, who, collections.EventQuery{})
		if want := role != care.Auditor; errors.Is(err, collections.ErrNoPower) != want || !want && err != nil {
			t.Errorf("%s lists the log: %v", role, err)
		}
		if err := exportTo(h, who); errors.Is(err, collections.ErrNoPower) != (role != care.Auditor) {
			t.Errorf("%s exports the log: %v", role, err)
		}
		if _, err := h.ProveEvent(ctx, who, 1); errors.Is(err, collections.ErrNoPower) != (role != care.Auditor) {
			t.Errorf("%s proves an event: %v", role, err)
		}
		if _, err := h.Read(ctx, who, "survivors", survivorID); !errors.Is(err, care.ErrNotFound) {
			t.Errorf("%s reads a record: %v", role, err)
		}
	}
	denied := 0
	for _, e := range listed(t, h, collections.EventQuery{Act: collections.ActAudit, Denied: true}) {
		if e.Event.On[0].Reason == string(care.NoPower) {
			denied++
		}
	}
	if want := 3 * (len(care.Roles) - 1); denied != want {
		t.Errorf("%d of %d refusals to show the log are in it", denied, want)
	}
}

func exportTo(h *hubtest.Hub, a care.Actor) error {
	_, err := h.ExportLog(context.Background(), a, new(bytes.Buffer))
	return err
}

// TestForbiddenAndAbsentAreNotedAlike: by the same number of leaves, filed
// under nothing.
func TestForbiddenAndAbsentAreNotedAlike(t *testing.T) {
	ctx := context.Background()
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	stranger, _ := h.Staff(t, care.Outreach)
	openCase(t, h, enrol(t, h, worker))
	nobody := h.NewID()
	noted := func(what func()) (leaves int) {
		t.Helper()
		before := tableSizes(t, h)
		what()
		after := tableSizes(t, h)
		if after["audit_cases"] != before["audit_cases"] || after["filed"] != before["filed"] {
			t.Error("a denial is filed under a case")
		}
		return after["audit_leaves"] - before["audit_leaves"]
	}
	for name, ask := range map[string]func(id string) error{
		"read": func(id string) error { _, err := h.Read(ctx, stranger, "survivors", id); return err },
		"list": func(id string) error {
			rows, err := h.List(ctx, stranger, collections.Query{Collection: "survivors", Case: id})
			if len(rows) > 0 {
				t.Errorf("a stranger lists %d records", len(rows))
			}
			return err
		},
		"who saw": func(id string) error { _, err := h.WhoSaw(ctx, stranger, id); return err },
	} {
		hidden := survivorID
		if name != "read" {
			hidden = caseID
		}
		var forbidden, absent error
		a := noted(func() { forbidden = ask(hidden) })
		b := noted(func() { absent = ask(nobody) })
		if a != 1 || b != 1 || !errors.Is(forbidden, absent) {
			t.Errorf("%s: forbidden %d leaves and %v, absent %d and %v", name, a, forbidden, b, absent)
		}
	}
}

// tableSizes counts the rows of the log, and the leaves filed under a case.
func tableSizes(t testing.TB, h *hubtest.Hub) map[string]int {
	t.Helper()
	sizes := map[string]int{}
	for name, query := range map[string]string{"audit_leaves": `SELECT COUNT(*) FROM audit_leaves`, "audit_cases": `SELECT COUNT(*) FROM audit_cases`,
		"filed": `SELECT COUNT(*) FROM audit_leaves WHERE case_id != ''`, "audit_nodes": `SELECT COUNT(*) FROM audit_nodes`} {
		var n int
		if err := h.App().NonconcurrentDB().NewQuery(query).Row(&n); err != nil {
			t.Fatal(err)
		}
		sizes[name] = n
	}
	return sizes
}

// TestWhatIsNotInTheLogDoesNotHappen: where the log cannot be written nothing
// is shown and nothing is changed.
func TestWhatIsNotInTheLogDoesNotHappen(t *testing.T) {
	ctx := context.Background()
	h, worker, d := newOpenCase(t)
	worker = h.Reload(t, worker.Staff)
	run := func(sql string) {
		t.Helper()
		if _, err := h.App().NonconcurrentDB().NewQuery(sql).Execute(); err != nil {
			t.Fatal(err)
		}
	}
	run(`CREATE TRIGGER audit_broken BEFORE INSERT ON audit_leaves BEGIN SELECT RAISE(ABORT, 'broken'); END`)
	for what, ask := range map[string]func() error{
		"a read": func() error { _, err := h.Read(ctx, worker, "survivors", survivorID); return err },
		"a list": func() error {
			_, err := h.List(ctx, worker, collections.Query{Collection: "survivors"})
			return err
		},
		"a worklist of nothing, with a list": func() error {
			_, err := h.List(ctx, worker, collections.Query{Collection: "staff"})
			return err
		},
		"a pull": func() error { return h.Pull(ctx, d.actor, "", func([]byte) error { return errors.New("a byte") }) },
	} {
		var known *care.Error
		if err := ask(); !errors.As(err, &known) || known.Code != collections.ErrAudit.Code || known.Kind != care.Busy {
			t.Errorf("%s without the log: %v", what, err)
		}
	}
	if _, err := h.Do(ctx, worker, collections.Draft{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"pronouns": care.OfText("she")}}); err == nil {
		t.Error("a change without the log was taken")
	}
	if _, err := h.NewEnrolment(ctx, h.HubActor(), worker.Staff); err == nil {
		t.Error("a code without the log was made")
	}
	run(`DROP TRIGGER audit_broken`)
	row, err := h.Read(ctx, worker, "survivors", survivorID)
	if err != nil || row.Text("pronouns") != "" {
		t.Errorf("afterwards: %q %v", row.Text("pronouns"), err)
	}
}

// TestWhoSawTellsASurvivor: on which day whom, by what they do, saw what and
// why; and that it was asked is in the log.
func TestWhoSawTellsASurvivor(t *testing.T) {
	ctx := context.Background()
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	stranger, _ := h.Staff(t, care.Outreach)
	auditor, _ := h.Staff(t, care.Auditor)
	openCase(t, h, enrol(t, h, worker))
	worker = h.Reload(t, worker.Staff)
	for range 2 {
		if _, err := h.Read(ctx, worker, "survivors", survivorID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.Read(ctx, stranger, "survivors", survivorID); !errors.Is(err, care.ErrNotFound) {
		t.Fatal(err)
	}
	list, err := h.WhoSaw(ctx, worker, caseID)
	if err != nil {
		t.Fatal(err)
	}
	read := slices.IndexFunc(list, func(s collections.Sighting) bool { return s.How == "seen.how.read" })
	if read < 0 || list[read].Times != 2 || list[read].Staff != worker.Staff || list[read].Day != "2026-11-20" ||
		!slices.Contains(list[read].What, "code.compartments.general") || !slices.Equal(list[read].Who, []string{"code.roles.outreach"}) ||
		!slices.Contains(list[read].Why, "seen.why.works_with_you") {
		t.Errorf("who saw: %+v", list)
	}
	for _, s := range list {
		if s.Staff == stranger.Staff {
			t.Errorf("somebody who saw nothing is named: %+v", s)
		}
	}
	nameless, err := h.WhoSaw(ctx, auditor, caseID)
	if err != nil || len(nameless) != len(list) || nameless[0].Staff != "" {
		t.Errorf("for an auditor: %+v %v", nameless, err)
	}
	if l := listed(t, h, collections.EventQuery{Act: collections.ActWhoSaw}); len(l) != 2 {
		t.Errorf("%d of 2 questions are in the log", len(l))
	}
}

// TestTheExportedLogVerifiesWithTheKeyAlone takes the log out of the hub.
func TestTheExportedLogVerifiesWithTheKeyAlone(t *testing.T) {
	ctx := context.Background()
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	auditor, _ := h.Staff(t, care.Auditor)
	openCase(t, h, enrol(t, h, worker))
	var b bytes.Buffer
	c, err := h.ExportLog(ctx, auditor, &b)
	if err != nil {
		t.Fatal(err)
	}
	key, err := audit.NewVerifier(h.LogKey())
	if err != nil {
		t.Fatal(err)
	}
	found, err := audit.VerifyExport(&b, key, nil)
	if err != nil || found.Checkpoint != c || found.Shown < 5 {
		t.Errorf("the exported log: %+v %v", found, err)
	}
	p, err := h.ProveEvent(ctx, auditor, 3)
	if err != nil {
		t.Fatal(err)
	}
	head, err := key.Open(p.Checkpoint)
	leaf, err2 := audit.ParseCommitment(p.Leaf.Leaf)
	if err := errors.Join(err, err2, audit.CheckLeaf(p.Path, head, 3, leaf)); err != nil {
		t.Errorf("the proof of event 3: %v", err)
	}
	if _, err := h.ProveEvent(ctx, auditor, head.Size+100); !errors.Is(err, collections.ErrNoEvent) {
		t.Errorf("an event that is not there: %v", err)
	}
}

// tampered is attack 39 on a closed hub: what root may do with its database,
// and what verifying must say.
var tampered = map[string]struct {
	sql  []string
	says string
}{
	"an event says something else":       {[]string{`UPDATE audit_leaves SET detail = (SELECT detail FROM audit_leaves WHERE seq = 2) WHERE seq = 3`}, "event 3"},
	"an event of another commitment":     {[]string{`UPDATE audit_leaves SET leaf = (SELECT leaf FROM audit_leaves WHERE seq = 2) WHERE seq = 3`}, "event 3"},
	"an event is gone":                   {[]string{`DELETE FROM audit_leaves WHERE seq = 3`}, "from event 2 to 4"},
	"the last events are gone":           {[]string{`DELETE FROM audit_leaves WHERE seq > 3`}, "a head of"},
	"two events change places":           {[]string{`UPDATE audit_leaves SET seq = -2 WHERE seq = 2`, `UPDATE audit_leaves SET seq = 2 WHERE seq = 3`, `UPDATE audit_leaves SET seq = 3 WHERE seq = -2`}, "event 3"},
	"a node is another":                  {[]string{`UPDATE audit_nodes SET hash = zeroblob(32) WHERE idx = 4`}, "a node above"},
	"a node is gone":                     {[]string{`DELETE FROM audit_nodes WHERE idx = (SELECT MAX(idx) FROM audit_nodes)`}, "lacks nodes"},
	"an event is filed elsewhere":        {[]string{`UPDATE audit_leaves SET case_id = 'x' WHERE seq = (SELECT MAX(seq) FROM audit_leaves WHERE case_id != '')`}, ""},
	"a case finds an event of others":    {[]string{`INSERT INTO audit_cases VALUES ('x', 2)`}, "found by a case"},
	"a head is not signed by us":         {[]string{`UPDATE audit_checkpoints SET signed = replace(signed, 'epoch', 'Epoch')`}, "not signed"},
	"a change is gone that was noted":    {[]string{`DROP TRIGGER changes_stay`, `DELETE FROM changes WHERE seq = (SELECT MAX(seq) FROM changes)`}, "not in the change log"},
	"an event more than was ever signed": {[]string{`DROP TRIGGER audit_leaves_dense`, `INSERT INTO audit_leaves SELECT seq + 1000, org, case_id, leaf, detail FROM audit_leaves WHERE seq = 2`}, "goes from event"},
}

func TestR31VerifyingFindsWhatRootDid(t *testing.T) {
	dir := hubtest.Dir(t)
	h := hubtest.Open(t, dir, hubtest.NewClock())
	worker, _ := h.Staff(t, care.Outreach)
	openCase(t, h, enrol(t, h, worker))
	if err := h.SignLog(context.Background(), true); err != nil {
		t.Fatal(err)
	}
	for name, attack := range tampered {
		t.Run(name, func(t *testing.T) {
			copied := filepath.Join(t.TempDir(), "hub")
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			asRoot(t, copied, attack.sql...)
			hub, err := collections.Open(collections.Config{Dir: copied, Now: h.Clock.Now})
			if err != nil {
				t.Fatal(err)
			}
			faults, err := hub.Verify(context.Background(), func(collections.Count) {})
			if err != nil || !strings.Contains(strings.Join(faults, "\n"), attack.says) || len(faults) == 0 {
				t.Errorf("found %q, %v; want something with %q", faults, err, attack.says)
			}
			if err := hub.Close(); err != nil {
				t.Logf("closing: %v", err) // a log that is broken cannot be signed
			}
		})
	}
}

// asRoot writes to a database without the hub, its triggers out of the way.
func asRoot(t *testing.T, dir string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, filepath.FromSlash(collections.DatabasePath)))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var drop []string
	for _, table := range []string{"audit_leaves", "audit_nodes", "audit_cases", "audit_checkpoints"} {
		drop = append(drop, `DROP TRIGGER `+table+`_no_update`, `DROP TRIGGER `+table+`_no_delete`)
	}
	for _, s := range append(drop, statements...) {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// TestAPullOverManyCasesIsFoundByEach: a list over many cases is one event,
// and every survivor's question finds it.
func TestAPullOverManyCasesIsFoundByEach(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	d := enrol(t, h, worker)
	var cases []string
	for range 12 {
		id := h.NewID()
		cases = append(cases, id)
		d.send(t, h, d.change(t, h, fieldsync.Change{Collection: "cases", Record: id, Org: h.Org, Set: map[string]care.Value{"status": care.OfText("Active")}}))
	}
	pull(t, h, h.Reload(t, worker.Staff), "")
	for _, id := range cases {
		list := listed(t, h, collections.EventQuery{Case: id, Act: collections.ActSync})
		if len(list) != 1 || len(list[0].Event.Cases()) != len(cases) {
			t.Errorf("case %s finds %d events of a pull", id, len(list))
		}
	}
}

// TestAnErasedCaseLeavesTombstones: with the keys of a case destroyed the log
// verifies still, in the hub and out of it, and says no more of that case than
// that there were events.
func TestAnErasedCaseLeavesTombstones(t *testing.T) {
	ctx := context.Background()
	dir, clock := hubtest.Dir(t), hubtest.NewClock()
	h := hubtest.Open(t, dir, clock)
	worker, _ := h.Staff(t, care.Outreach)
	auditor, _ := h.Staff(t, care.Auditor)
	openCase(t, h, enrol(t, h, worker))
	if _, err := h.Read(ctx, h.Reload(t, worker.Staff), "survivors", survivorID); err != nil {
		t.Fatal(err)
	}
	if err := h.SignLog(ctx, true); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "hub")
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	mustExec(t, keysDB(t, copied), `INSERT INTO destroyed (id, case_id, compartment, at) SELECT id, case_id, compartment, '' FROM deks WHERE case_id = '`+caseID+`'`)
	mustExec(t, keysDB(t, copied), `DELETE FROM deks WHERE case_id = '`+caseID+`'`)
	hub, err := collections.Open(collections.Config{Dir: copied, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := hub.Close(); err != nil {
			t.Error(err)
		}
	}()
	erased := 0
	faults, err := hub.VerifyLog(ctx, func(c collections.Count) {
		if c.What == "of them erased" {
			erased = c.N
		}
	})
	if err != nil || len(faults) > 0 || erased < 3 {
		t.Errorf("after the erasure: %d tombstones, %v %v", erased, faults, err)
	}
	page, err := hub.Events(ctx, auditor, collections.EventQuery{Case: caseID})
	if err != nil || len(page.Events) < 3 {
		t.Fatalf("the events of an erased case: %d %v", len(page.Events), err)
	}
	for _, e := range page.Events {
		if !e.Erased || e.Event != nil {
			t.Errorf("an erased event says %+v", e.Event)
		}
	}
	var b bytes.Buffer
	if _, err := hub.ExportLog(ctx, auditor, &b); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b.Bytes(), []byte(survivorID)) {
		t.Error("the exported log names a record of the erased case")
	}
	key, err := audit.NewVerifier(hub.LogKey())
	if err != nil {
		t.Fatal(err)
	}
	if found, err := audit.VerifyExport(&b, key, nil); err != nil || found.Closed < int64(erased) {
		t.Errorf("the exported log: %+v %v", found, err)
	}
}

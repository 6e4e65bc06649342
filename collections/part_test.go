package collections_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// partly is a hub with a case that was closed long ago and holds several
// parts, one note that says something of each, and two officers.
type partly struct {
	*hubtest.Hub
	caseID, note, where, health string
	asks, agrees                care.Actor
}

const (
	saidOfHealth   = "She takes her medicine at night."
	saidOfLocation = "The house behind the mill."
)

func newPartly(t *testing.T, h *hubtest.Hub) *partly {
	t.Helper()
	p := &partly{Hub: h, caseID: h.NewID(), note: h.NewID(), where: h.NewID(), health: h.NewID()}
	if h.Org == "" {
		h.Org = h.NewID()
		h.Must(t, h.HubActor(), collections.Draft{Collection: "organisations", Record: h.Org, Org: h.Org, Set: map[string]care.Value{
			"name": care.OfText("Harbour House"), "kind": care.OfText("NGO"), "country": care.OfText("KE"), "time_zone": care.OfText("Africa/Nairobi")}})
	}
	closure, _ := care.FindCodes("closure_reasons")
	kinds, _ := care.FindCodes("note_kinds")
	kind := care.OfText(kinds.Codes[0])
	note := func(id string, set map[string]care.Value) collections.Draft {
		set["kind"] = kind
		return collections.Draft{Collection: "notes", Record: id, Case: p.caseID, Set: set}
	}
	h.Must(t, h.HubActor(),
		collections.Draft{Collection: "cases", Record: p.caseID, Case: p.caseID, Org: h.Org, Set: map[string]care.Value{
			"status": care.OfText("Closed"), "closed_on": care.OfText("2025-01-01"), "closure_reason": care.OfText(closure.Codes[0])}},
		note(p.note, map[string]care.Value{"text": care.OfText("She came."), "health_text": care.OfText(saidOfHealth), "security_text": care.OfText(saidOfLocation)}))
	// Made at another moment than its erasure.
	h.Must(t, h.HubActor(), note(p.where, map[string]care.Value{"security_text": care.OfText("Elsewhere.")}),
		collections.Draft{Collection: "conditions", Record: p.health, Case: p.caseID, Set: map[string]care.Value{"label": care.OfText("Anaemia"), "clinical_status": care.OfText("active")}})
	h.Clock.Move(time.Minute)
	p.asks, _ = h.Staff(t, care.ProtectionOfficer)
	p.agrees, _ = h.Staff(t, care.ProtectionOfficer)
	return p
}

// agree has one officer ask for the erasure of a part and the other agree.
func (p *partly) agree(t *testing.T, part care.Compartment) {
	t.Helper()
	q, err := p.AskApproval(t.Context(), p.asks, care.Approval{Act: care.ActErase, Collection: "cases", Record: p.caseID, Terms: care.EraseTerms(part), Reason: "person_asked"})
	if err == nil {
		_, err = p.DecideApproval(t.Context(), p.agrees, q.ID, true)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// mustHaveLost checks that the location is gone and the rest is there.
func (p *partly) mustHaveLost(t *testing.T, h *collections.Hub) {
	t.Helper()
	row, err := h.Read(t.Context(), h.HubActor(), "notes", p.note)
	if err != nil || row.Text("text") != "She came." || row.Text("health_text") != saidOfHealth || row.Get("security_text").IsSet() {
		t.Errorf("the note says %v (%v)", row.V, err)
	}
	if n := collections.PartKeysOf(t.Context(), h, p.caseID, care.Location); n != 0 {
		t.Errorf("%d keys of the part are left", n)
	}
	for _, c := range []care.Compartment{care.General, care.Health} {
		if n := collections.PartKeysOf(t.Context(), h, p.caseID, c); n == 0 && c == care.Health {
			t.Errorf("the keys of %s went with it", c)
		}
	}
	erased := 0
	faults, err := h.Verify(t.Context(), func(c collections.Count) {
		if strings.HasPrefix(c.What, "changes erased") {
			erased = c.N
		}
	})
	if err != nil || len(faults) > 0 || erased != 2 {
		t.Errorf("verify: %d changes are erased, %v %v", erased, faults, err)
	}
}

// TestR16APartIsErasedAlone: its keys and what they opened go, with two people,
// and the rest stays, is read, verified and synced as before.
func TestR16APartIsErasedAlone(t *testing.T) {
	h := hubtest.New(t)
	p := newPartly(t, h)
	worker, _ := h.Staff(t, care.Outreach)
	for _, c := range []care.Compartment{care.General, care.Location} {
		h.Must(t, h.HubActor(), collections.Draft{Collection: "grants", Case: p.caseID, Set: map[string]care.Value{"staff": care.OfText(worker.Staff),
			"compartment": care.OfText(string(c)), "status": care.OfText("active"), "until": care.OfTime(h.Now().AddDate(0, 1, 0)), "granted_by": care.OfText(care.HubStaff)}})
	}
	d := enrol(t, h, worker)
	unsent := d.change(t, h, fieldsync.Change{Collection: "notes", Record: h.NewID(), Case: p.caseID, Set: map[string]care.Value{
		"kind": care.OfText("general"), "text": care.OfText("He called."), "security_text": care.OfText("Still there, behind the mill.")}})
	cursor, _ := pullEnd(t, h, worker, "")
	h.Clock.Move(time.Minute)

	p.agree(t, "")
	for _, part := range []care.Compartment{care.General, "history", "hub", "x"} {
		if _, err := h.Erase(t.Context(), p.asks, p.caseID, part); !errors.Is(err, collections.ErrErasePart) {
			t.Errorf("part %q: %v", part, err)
		}
	}
	if _, err := h.Erase(t.Context(), p.asks, p.caseID, care.Location); care.CodeOf(err) != "approval_needed" {
		t.Fatalf("with a yes to something else: %v", err)
	}
	p.agree(t, care.Location)
	done, err := h.Erase(t.Context(), p.asks, p.caseID, care.Location)
	if err != nil || done.Keys != 1 || done.Records != 2 {
		t.Fatalf("it destroyed %+v, %v", done, err)
	}
	p.mustHaveLost(t, h.Hub)
	if _, evicted := pullEnd(t, h, worker, cursor); !slices.Equal(evicted, []fieldsync.Scope{fieldsync.CaseScope(p.caseID, care.Location)}) {
		t.Errorf("evicted is %v", evicted)
	}

	// A tablet does not bring it back; what it says of other parts is kept.
	r := d.send(t, h, unsent)[0]
	if len(r.Held) != 1 || r.Held[0] != (fieldsync.Held{Field: "security_text", Reason: collections.HeldErased}) && r.Held[0].Reason != collections.HeldNoGrant {
		t.Errorf("from before: %+v", r)
	}
	held, err := h.Held(t.Context(), h.HubActor(), r.Seq)
	if err != nil || held.Set["security_text"] != nil {
		t.Errorf("what was held is kept: %v %v", held.Set, err)
	}
	hubtest.LookFor(t, h.Dir(), "no canary at all", []string{"behind the mill", saidOfLocation})
	if _, err := h.Verify(t.Context(), func(collections.Count) {}); err != nil {
		t.Fatal(err)
	}

	// What is entered since stands, under a key of its own, until it is erased.
	h.Clock.Move(time.Minute)
	h.Must(t, h.HubActor(), collections.Draft{Collection: "notes", Record: h.NewID(), Case: p.caseID, Set: map[string]care.Value{
		"kind": care.OfText("general"), "security_text": care.OfText("A new house.")}})
	if faults, err := h.Verify(t.Context(), func(collections.Count) {}); err != nil || len(faults) > 0 {
		t.Errorf("with something new in the part: %v %v", faults, err)
	}
	h.Clock.Move(time.Minute)
	p.agree(t, care.Location)
	if done, err = h.Erase(t.Context(), p.asks, p.caseID, care.Location); err != nil || done.Keys != 1 || done.Records != 1 {
		t.Errorf("again it destroyed %+v, %v", done, err)
	}
	parts, err := h.ErasedParts(t.Context(), h.Reload(t, worker.Staff), p.caseID)
	if err != nil || len(parts) != 1 || parts[0].Part != care.Location || parts[0].Why != "person_asked" {
		t.Errorf("the tombstone says %+v, %v", parts, err)
	}
	if _, err := h.ErasedParts(t.Context(), p.asks, p.caseID); !errors.Is(err, care.ErrNotFound) {
		t.Errorf("to somebody without a grant: %v", err)
	}
	if done, err = h.Erase(t.Context(), p.asks, p.caseID, ""); err != nil || done.Keys < 3 {
		t.Errorf("the rest: %+v, %v", done, err)
	}
}

// TestR16AShorterTermErasesAPart: the job asks for the part whose term is
// over, and a person's yes erases that alone.
func TestR16AShorterTermErasesAPart(t *testing.T) {
	h := hubtest.New(t)
	p := newPartly(t, h)
	ask := func() []care.Approval {
		t.Helper()
		n, err := h.AskRetention(t.Context(), h.Org)
		if err != nil {
			t.Fatal(err)
		}
		waiting, err := h.Approvals(t.Context(), p.agrees)
		if err != nil || len(waiting) != n {
			t.Fatalf("%d questions, %+v %v", n, waiting, err)
		}
		return waiting
	}
	waiting := ask()
	if len(waiting) != 1 || waiting[0].Record != p.caseID || waiting[0].Terms != "part=location" {
		t.Fatalf("asked is %+v", waiting)
	}
	if _, err := h.DecideApproval(t.Context(), p.agrees, waiting[0].ID, true); err != nil {
		t.Fatal(err)
	}
	if err := h.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.mustHaveLost(t, h.Hub)
	if waiting := ask(); len(waiting) != 0 {
		t.Errorf("it asks again: %+v", waiting)
	}
}

// TestR16APaperEndsWithItsFirstPart: a paper shows several parts; erasing one
// of them takes the paper.
func TestR16APaperEndsWithItsFirstPart(t *testing.T) {
	h := hubtest.New(t)
	p := newPartly(t, h)
	keep := func(sections ...string) string {
		id, err := h.KeepPaper(t.Context(), h.HubActor(), []byte("%PDF-1.7 "+strings.Join(sections, " ")), collections.Draft{Case: p.caseID, Set: map[string]care.Value{
			"kind": care.OfText("summary"), "status": care.OfText("kept"), "sections": care.OfList(sections...)}})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	stays, goes := keep(), keep(sectionOf(t, care.Health))
	h.Clock.Move(time.Minute)
	if faults, err := h.Verify(t.Context(), func(collections.Count) {}); err != nil || len(faults) > 0 {
		t.Fatalf("before: %v %v", faults, err)
	}
	p.agree(t, care.Health)
	if done, err := h.Erase(t.Context(), p.asks, p.caseID, care.Health); err != nil || done.Files != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	for id, there := range map[string]bool{stays: true, goes: false} {
		if _, err := os.Stat(filepath.Join(h.FilesDir(), id[:2], id)); errors.Is(err, os.ErrNotExist) == there {
			t.Errorf("a paper is there: %v (%v)", !there, err)
		}
	}
}

// sectionOf is a section of a summary that shows a part of a case.
func sectionOf(t *testing.T, c care.Compartment) string {
	t.Helper()
	codes, _ := care.FindCodes("summary_sections")
	for _, s := range codes.Codes {
		for _, cat := range care.CarriedCategories(s) {
			if care.CategoryCompartment(cat) == c {
				return s
			}
		}
	}
	t.Fatalf("no section shows %s", c)
	return ""
}

// TestAPartIsErasedAfterAKill kills the process with -9 in the middle. Whatever
// is next opened has finished it.
func TestAPartIsErasedAfterAKill(t *testing.T) {
	if dir := os.Getenv(killedDir); dir != "" {
		erasePartAndDie(t, dir)
		return
	}
	for _, label := range []string{"erase begun", "erase listed", "erase keys destroyed", "erase files removed"} {
		t.Run(strings.ReplaceAll(label, " ", "_"), func(t *testing.T) {
			dir := hubtest.Dir(t)
			p := newPartly(t, openWith(t, dir, nil))
			p.agree(t, care.Location)
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
			died := exec.Command(os.Args[0], "-test.run", "^TestAPartIsErasedAfterAKill$")
			died.Env = append(os.Environ(), killedDir+"="+dir, killedLabel+"="+label, killedAs+"="+p.asks.Staff, killedCase+"="+p.caseID)
			out, err := died.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("it was not killed at %q: %v\n%s", label, err, out)
			}
			again := openWith(t, dir, nil)
			defer again.Close()
			p.mustHaveLost(t, again.Hub)
		})
	}
}

func erasePartAndDie(t *testing.T, dir string) {
	h := openWith(t, dir, func(label string) {
		if label == os.Getenv(killedLabel) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until it comes
		}
	})
	h.Clock.Move(time.Hour)
	actor, err := h.Actor(t.Context(), os.Getenv(killedAs), "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Erase(t.Context(), actor, os.Getenv(killedCase), care.Location)
	t.Fatalf("nobody killed it: %v", err)
}

// TestALostKeyIsNoErasure: what was erased and what cannot be read for want of
// its key are told apart, also where somebody marks the one as the other.
func TestALostKeyIsNoErasure(t *testing.T) {
	h := hubtest.New(t)
	p := newPartly(t, h)
	for what, c := range map[string]struct{ sql, finds string }{
		"a key lost":        {`DELETE FROM deks WHERE compartment = 'location' AND case_id != ''`, "key_gone"},
		"marked as erased":  {`INSERT INTO destroyed (id, case_id, compartment, at) SELECT id, case_id, compartment, '2026-11-20T08:00:00.000Z' FROM deks WHERE compartment = 'location' AND case_id != ''; DELETE FROM deks WHERE compartment = 'location' AND case_id != ''`, "nobody erased it"},
		"wholly marked too": {`INSERT INTO erased VALUES ('` + p.caseID + `', 'location', '2026-11-20T08:00:00.000Z')`, "nobody erased it"},
	} {
		dir := copyOf(t, h.Dir())
		mustExec(t, keysDB(t, dir), c.sql)
		other, err := collections.Open(collections.Config{Dir: dir, Now: h.Now})
		if err != nil {
			t.Fatal(err)
		}
		faults, err := other.Verify(t.Context(), func(collections.Count) {})
		if err != nil || !strings.Contains(strings.Join(faults, "\n"), c.finds) {
			t.Errorf("%s: %q, %v", what, faults, err)
		}
		if _, err := other.Read(t.Context(), other.HubActor(), "notes", p.note); what == "a key lost" && care.CodeOf(err) != "key_gone" {
			t.Errorf("%s: read with %v", what, err)
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoFileIsPutDownBehindAnErasure: a file that is sealed already when the
// keys go, and one that comes when the files were removed, are not kept.
func TestNoFileIsPutDownBehindAnErasure(t *testing.T) {
	for _, part := range []care.Compartment{"", care.Health} {
		for _, label := range []string{"file sealed", "upload placed", "erase key backups rewritten", "erase files removed"} {
			var at func()
			h := openWith(t, hubtest.Dir(t), func(reached string) {
				if f := at; f != nil && reached == label {
					at = nil
					f()
				}
			})
			p := newPartly(t, h)
			doc := h.NewID()
			h.Must(t, h.HubActor(), collections.Draft{Collection: "documents", Record: doc, Case: p.caseID, Set: map[string]care.Value{
				"kind": care.OfText("certificate"), "status": care.OfText("kept"), "compartment": care.OfText(string(care.Health))}})
			h.Clock.Move(time.Minute)
			p.agree(t, part)
			keep := func() error {
				return collections.KeepBytes(t.Context(), h.Hub, h.HubActor(), doc, "text/plain", []byte("The blood count."))
			}
			erase := func() {
				if _, err := h.Erase(t.Context(), p.asks, p.caseID, part); err != nil {
					t.Errorf("%s: %v", label, err)
				}
			}
			var kept error
			if !strings.HasPrefix(label, "erase ") {
				at = erase
				kept = keep()
			} else {
				at = func() { kept = keep() }
				erase()
			}
			_, err := os.Stat(filepath.Join(h.FilesDir(), doc[:2], doc))
			there := err == nil
			if there != (kept == nil) {
				t.Errorf("%q, %s: it was kept with %v, and is there: %v", part, label, kept, there)
			}
			if faults, err := h.Verify(t.Context(), func(collections.Count) {}); err != nil || len(faults) > 0 {
				t.Errorf("%q, %s: %v %v", part, label, faults, err)
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestR16APartStaysErasedInACopyFromBefore: of the data, with the keys of
// before or of after, and the list that lies outside both.
func TestR16APartStaysErasedInACopyFromBefore(t *testing.T) {
	dir := hubtest.Dir(t)
	p := newPartly(t, openWith(t, dir, nil))
	p.agree(t, care.Location)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	withOldKeys, withNewKeys := copyOf(t, dir), copyOf(t, dir)
	h := openWith(t, dir, nil)
	h.Clock.Move(time.Hour)
	if _, err := h.Erase(t.Context(), p.asks, p.caseID, care.Location); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dir   string
		files []string
	}{{withOldKeys, []string{collections.ErasedPath}}, {withNewKeys, []string{collections.ErasedPath, collections.KeysPath}}} {
		for _, name := range c.files {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err == nil {
				err = os.WriteFile(filepath.Join(c.dir, name), b, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		again := openWith(t, c.dir, nil)
		p.mustHaveLost(t, again.Hub)
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

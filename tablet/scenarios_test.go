package tablet_test

import (
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"

	"portolan/care"
	"portolan/tablet"
)

// scale makes the counted scenarios larger: 1 in `make test`, more for the sizes
// of docs/benchmarks.md.
var scale = flag.Int("scale", 1, "times the size of the counted scenarios")

// TestScenarios plays, over HTTP against a real hub, what other systems lose or
// get wrong. The numbers are those of docs/scenarios.md, where the others stand
// with the tests that they had already.
func TestScenarios(t *testing.T) {
	for _, s := range []struct {
		number, result string
		play           func(t *testing.T, s *scene)
	}{
		{"7", "ten write, one polls all the time: no row is missed", nobodyMissesARow},
		{"8", "three write different fields of one record at once: no edit is lost", noEditIsLost},
		{"9", "two write one field: the same stands everywhere, the other is read with its author", losersAreRead},
		{"10", "two write the same: no conflict", theSameIsNoConflict},
		{"11", "three tablets, every order of pushes: all end equal", everyOrderEndsEqual},
		{"20", "a tablet reads what it wrote, before, while and after it syncs", readsItsWrites},
	} {
		t.Run(s.number, func(t *testing.T) {
			sc := &scene{bench: newBench(t)}
			sc.anna, _ = sc.Staff(t, care.Outreach)
			if s.play(t, sc); t.Failed() {
				t.Logf("required: %s", s.result)
			}
		})
	}
}

// scene is a hub with one person, who may have several tablets.
type scene struct {
	*bench
	anna care.Actor
}

func (s *scene) tablets(t *testing.T, n int) (list []*tablet.Tablet, caseID, survivor string) {
	t.Helper()
	for range n {
		list = append(list, s.tablet(t, s.anna.Staff))
	}
	caseID, survivor = intake(t, list[0])
	for _, x := range list {
		mustSync(t, x)
	}
	return list, caseID, survivor
}

func nobodyMissesARow(t *testing.T, s *scene) {
	list, caseID, _ := s.tablets(t, 11)
	poller, writers := list[10], list[:10]
	each := 3 * *scale
	var writing sync.WaitGroup
	for i, w := range writers {
		writing.Go(func() {
			for n := range each {
				if _, err := w.New(t.Context(), "notes", caseID, set("kind", "visit", "text", fmt.Sprintf("%d of %d", n, i))); err != nil {
					t.Error(err)
				}
				if _, err := w.Sync(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		writing.Wait()
		close(done)
	}()
	for polling := true; polling; {
		select {
		case <-done:
			polling = false
		default:
		}
		mustSync(t, poller)
	}
	notes, err := poller.List(t.Context(), "notes", caseID)
	if err != nil || len(notes) != 10*each {
		t.Errorf("%d of %d rows came, %v", len(notes), 10*each, err)
	}
}

func noEditIsLost(t *testing.T, s *scene) {
	list, _, survivor := s.tablets(t, 3)
	fields, each := []string{"alias", "contact_notes", "pronouns"}, 10**scale
	var writing sync.WaitGroup
	for i, x := range list {
		writing.Go(func() {
			for n := range each {
				if _, err := x.Set(t.Context(), survivor, set(fields[i], fmt.Sprint("edit ", n))); err != nil {
					t.Error(err)
				}
				if r, err := x.Sync(t.Context()); err != nil || r.Held > 0 || r.Conflicts > 0 {
					t.Errorf("%+v, %v", r, err)
				}
			}
		})
	}
	writing.Wait()
	for i, f := range fields {
		h, err := s.History(t.Context(), s.Reload(t, s.anna.Staff), "survivors", survivor, f)
		want := each
		if i == 0 {
			want++ // the one that it was made with
		}
		if err != nil || len(h.Entries) != want || h.Entries[want-1].Value.Text() != fmt.Sprint("edit ", each-1) || !h.Entries[want-1].Stands {
			t.Errorf("%s: %d of %d edits, %v", f, len(h.Entries), want, err)
		}
	}
}

func losersAreRead(t *testing.T, s *scene) {
	list, caseID, _ := s.tablets(t, 2)
	var records []string
	for range 10 * *scale {
		records = append(records, mustNew(t, list[0], "survivors", caseID, set("alias", "Lis")))
	}
	mustSync(t, list[0])
	mustSync(t, list[1])
	for _, id := range records {
		mustSet(t, list[0], id, set("alias", "One", "pronouns", "she"))
		mustSet(t, list[1], id, set("alias", "Two", "contact_notes", "by the other"))
	}
	for range 2 {
		mustSync(t, list[0])
		mustSync(t, list[1])
	}
	for _, id := range records {
		one, two := show(t, list[0], id), show(t, list[1], id)
		if !sameRecord(one, two) || one.Get("pronouns").Text() != "she" || one.Get("contact_notes").Text() != "by the other" {
			t.Fatalf("%+v, %+v", one, two)
		}
	}
	questions, _, err := list[0].Conflicts(t.Context())
	if err != nil || len(questions) != len(records) {
		t.Errorf("%d questions of %d, %v", len(questions), len(records), err)
	}
	for _, q := range questions {
		if len(q.Kept) != 2 || q.Kept[0].Author != s.anna.Staff || q.Kept[0].Value.Equal(q.Kept[1].Value) {
			t.Errorf("%+v", q)
		}
	}
}

func theSameIsNoConflict(t *testing.T, s *scene) {
	list, _, survivor := s.tablets(t, 2)
	for _, x := range list {
		mustSet(t, x, survivor, set("alias", "Sol"))
	}
	for range 2 {
		for _, x := range list {
			mustSync(t, x)
		}
	}
	if questions, asides, err := list[0].Conflicts(t.Context()); err != nil || len(questions)+len(asides) > 0 {
		t.Errorf("%+v, %+v, %v", questions, asides, err)
	}
}

func everyOrderEndsEqual(t *testing.T, s *scene) {
	list, caseID, _ := s.tablets(t, 3)
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		id := mustNew(t, list[0], "survivors", caseID, set("alias", "Lis", "languages", care.OfList("es")))
		for _, x := range list {
			mustSync(t, x)
		}
		for i, x := range list {
			mustSet(t, x, id, set("alias", fmt.Sprint("by ", i), "languages", care.OfList("es", []string{"fr", "de", "it"}[i])))
		}
		for range 2 {
			for _, i := range order {
				mustSync(t, list[i])
			}
		}
		first := show(t, list[0], id)
		if got := first.Get("languages").List(); !slices.Equal(got, []string{"de", "es", "fr", "it"}) {
			t.Errorf("%v: %v", order, got)
		}
		for _, x := range list[1:] {
			if !sameRecord(first, show(t, x, id)) {
				t.Errorf("%v: they differ", order)
			}
		}
	}
}

func readsItsWrites(t *testing.T, s *scene) {
	list, _, survivor := s.tablets(t, 2)
	for n := range 10 {
		want := fmt.Sprint("edit ", n)
		mustSet(t, list[0], survivor, set("contact_notes", want))
		mustSet(t, list[1], survivor, set("pronouns", want))
		for range 2 {
			if got := show(t, list[0], survivor).Get("contact_notes").Text(); got != want {
				t.Fatalf("it reads %q", got)
			}
			mustSync(t, list[0])
		}
		mustSync(t, list[1])
	}
}

package tablet_test

import (
	"slices"
	"testing"
	"time"

	"portolan/care"
	"portolan/internal/hubtest"
	"portolan/tablet"
)

// later is what a schema gains in a year: fields, codes of lists, another
// policy, other required fields. The tablets of this test read it in this
// process; the hub is the built program, which keeps to its own.
type later struct {
	t      *testing.T
	fields map[string][]care.Field // of a collection, as they were
	codes  map[*care.CodeList][]string
}

func newLater(t *testing.T) *later {
	l := &later{t: t, fields: map[string][]care.Field{}, codes: map[*care.CodeList][]string{}}
	t.Cleanup(l.undo)
	return l
}

func (l *later) undo() {
	for name, fields := range l.fields {
		e, _ := care.Find(name)
		e.Fields = fields
	}
	for list, codes := range l.codes {
		list.Codes = codes
	}
}

// alter has the programs of this process know other fields of a collection.
func (l *later) alter(collection string, with func([]care.Field) []care.Field) {
	l.t.Helper()
	e, ok := care.Find(collection)
	if !ok {
		l.t.Fatalf("there is no %s", collection)
	}
	if l.fields[collection] == nil {
		l.fields[collection] = e.Fields
	}
	e.Fields = with(slices.Clone(e.Fields))
}

// code has them know other codes of a list.
func (l *later) code(list string, with func([]string) []string) {
	l.t.Helper()
	c, ok := care.FindCodes(list)
	if !ok {
		l.t.Fatalf("there is no list %s", list)
	}
	l.codes[c] = c.Codes
	c.Codes = with(slices.Clone(c.Codes))
}

func without(names ...string) func([]care.Field) []care.Field {
	return func(fields []care.Field) []care.Field {
		return slices.DeleteFunc(fields, func(f care.Field) bool { return slices.Contains(names, f.Name) })
	}
}

// TestProgramsAYearApart: a tablet whose program is a year older than the hub's,
// and one whose program is a year newer, on records that the other one writes to.
func TestProgramsAYearApart(t *testing.T) {
	line, h := newRelay(t), hubtest.Arranged(t)
	b := &bench{h, line.url()}
	line.to(h.Serve(t))
	anna, _ := b.Staff(t, care.Outreach)
	dirs := []string{t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()}
	var tablets []*tablet.Tablet
	for _, dir := range dirs {
		tab := open(t, dir, b.Clock.Now)
		if err := tab.Enrol(t.Context(), line.url(), b.Code(t, anna.Staff), owner(t, b, anna.Staff)); err != nil {
			t.Fatal(err)
		}
		tablets = append(tablets, tab)
	}
	line.to(h.Aside(t))
	t.Run("older", func(t *testing.T) {
		olderTablet(t, tablets[0], tablets[1], func() *tablet.Tablet { return open(t, dirs[1], b.Clock.Now) })
	})
	t.Run("newer", func(t *testing.T) { newerTablet(t, tablets[2], tablets[3]) })
}

func olderTablet(t *testing.T, now, old *tablet.Tablet, upgraded func() *tablet.Tablet) {
	caseID, survivor := intake(t, now)
	mustSet(t, now, survivor, set("religion", "Bahá’í", "languages", care.OfList("es", "fr", "ln")))
	mustSet(t, now, caseID, set("priority", "urgent"))
	task := mustNew(t, now, "tasks", caseID, set("title_key", "approval", "status", "open"))
	mustSync(t, now)

	before := newLater(t)
	before.alter("survivors", without("religion", "pronouns"))
	before.alter("cases", func(fields []care.Field) []care.Field { // priority was of another policy
		i := slices.IndexFunc(fields, func(f care.Field) bool { return f.Name == "priority" })
		fields[i].Merge, fields[i].Safer = care.Latest, care.Comparator{}
		return fields
	})
	before.code("task_titles", func(l []string) []string {
		return slices.DeleteFunc(l, func(c string) bool { return c == "approval" })
	})
	before.code("languages", func(l []string) []string {
		return slices.DeleteFunc(l, func(c string) bool { return c == "ln" })
	})
	mustSync(t, old)
	if got := show(t, old, survivor); got.Get("alias").Text() != "Lis" || !slices.Equal(got.Get("languages").List(), []string{"es", "fr", "ln"}) {
		t.Errorf("%+v", got)
	}
	if show(t, old, task).Get("title_key").Text() != "approval" {
		t.Error("a code that it does not know is not shown as it is")
	}
	mustSet(t, old, survivor, set("alias", "Lisa"))
	mustSet(t, old, survivor, tablet.Edit{Add: map[string][]string{"languages": {"ar"}}})
	mustSet(t, old, caseID, set("priority", "low"))
	mustSet(t, old, task, set("details", "done by an old tablet"))
	if r := mustSync(t, old); r.Sent != 4 || r.Held > 0 {
		t.Errorf("an old tablet's push: %+v", r)
	}

	before.undo()
	mustSync(t, now)
	for name, tab := range map[string]*tablet.Tablet{"the newer tablet": now, "the old one, with the new program": upgraded()} {
		got := show(t, tab, survivor)
		if got.Get("religion").Text() != "Bahá’í" || got.Get("alias").Text() != "Lisa" || !slices.Equal(got.Get("languages").List(), []string{"ar", "es", "fr", "ln"}) {
			t.Errorf("%s: %+v", name, got)
		}
		if s := field(t, show(t, tab, caseID), "priority"); s.Conflict || s.Value.Text() != "low" {
			t.Errorf("%s: priority is %+v", name, s)
		}
		mustSync(t, tab)
	}
}

func newerTablet(t *testing.T, now, next *tablet.Tablet) {
	caseID, survivor := intake(t, now)
	mustSync(t, now)
	ahead := newLater(t)
	ahead.alter("survivors", func(fields []care.Field) []care.Field {
		return append(fields, care.Field{Name: "in_a_year", Type: care.Text, Compartment: care.General, Merge: care.Latest, Max: 100})
	})
	ahead.code("task_titles", func(l []string) []string { return append(l, "in_a_year") })
	mustSync(t, next)
	mustSet(t, next, survivor, set("in_a_year", "kept", "pronouns", "they"))
	mustNew(t, next, "tasks", caseID, set("title_key", "in_a_year", "status", "open"))
	mustSet(t, next, survivor, set("alias", "after it"))
	r := mustSync(t, next)
	if r.Sent != 3 || r.Held != 2 {
		t.Errorf("%+v", r)
	}
	_, asides, err := next.Conflicts(t.Context())
	if err != nil || len(asides) != 2 {
		t.Fatalf("what the hub does not know is shown as held: %+v, %v", asides, err)
	}
	if got := show(t, next, survivor); got.Get("alias").Text() != "after it" || got.Get("pronouns").Text() != "they" {
		t.Errorf("what it does know stands: %+v", got)
	}
	ahead.undo()
	mustSync(t, now)
	if got := show(t, now, survivor); got.Get("alias").Text() != "after it" || got.Get("pronouns").Text() != "they" {
		t.Errorf("on another tablet: %+v", got)
	}
}

// TestAHubThatGivesNothingToAnOldProgram: it takes what is brought and what
// ends, and the tablet keeps what it has and goes on from there.
func TestAHubThatGivesNothingToAnOldProgram(t *testing.T) {
	b := newBench(t)
	anna, _ := b.Staff(t, care.Outreach)
	ben, _ := b.Staff(t, care.Outreach)
	one, two := b.tablet(t, anna.Staff), b.tablet(t, ben.Staff)
	caseID, survivor := intake(t, one)
	mustSync(t, one)
	b.grant(t, ben.Staff, caseID, care.General)
	mustSync(t, two)
	b.PullVersionMin++
	mustSet(t, two, survivor, set("pronouns", "she"))
	mustSet(t, one, survivor, set("alias", "Mara"))
	for _, tab := range []*tablet.Tablet{one, two} {
		if r := mustSync(t, tab); !r.Upgrade || r.Sent != 1 || r.Rows > 0 {
			t.Errorf("%+v", r)
		}
	}
	if got := show(t, two, survivor); got.Get("alias").Text() != "Lis" || got.Get("pronouns").Text() != "she" {
		t.Errorf("what it had: %+v", got)
	}
	b.PullVersionMin--
	if r := mustSync(t, two); r.Upgrade || len(r.Entered) > 0 || r.Rows == 0 || show(t, two, survivor).Get("alias").Text() != "Mara" {
		t.Errorf("with a newer program: %+v", r)
	}
	b.PullVersionMin++
	b.Clock.Move(49 * time.Hour)
	if r := mustSync(t, two); !r.Upgrade || len(r.Evicted) == 0 {
		t.Errorf("what ended is told all the same: %+v", r)
	}
}

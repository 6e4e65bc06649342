package collections_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/gen"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// carried is what a device holds that follows docs/protocol.md and nothing
// else: the least client there is.
type carried struct {
	cursor string
	fields map[heldField]fieldsync.Register
	stale  map[heldField]bool
	group  []fieldsync.Row // rows that wait for the one that they stand or fall with
	enters map[fieldsync.Scope]bool
	digest string // of the last whole answer
}

type heldField struct {
	scope         fieldsync.Scope
	record, field string
}

func (c *carried) take(l fieldsync.Line) {
	switch {
	case l.Evict != nil:
		c.drop(func(f heldField) bool { return slices.Contains(l.Evict, f.scope) })
	case l.Enter != nil:
		for f := range c.fields {
			if slices.Contains(l.Enter, f.scope) {
				c.stale[f] = true
			}
		}
		for _, s := range l.Enter {
			c.enters[s] = true
		}
	case l.Row != nil:
		if c.group = append(c.group, *l.Row); l.Row.More {
			return
		}
		for _, r := range c.group {
			for name, reg := range r.Fields {
				f := heldField{r.Scope, r.Record, name}
				c.fields[f] = reg
				delete(c.stale, f)
			}
		}
		c.group = nil
	case l.Mark != "":
		c.cursor = l.Mark
	case l.End != nil:
		c.drop(func(f heldField) bool { return c.stale[f] })
		c.cursor, c.digest = l.End.Cursor, l.End.Digest
		clear(c.enters)
	}
}

func (c *carried) drop(gone func(heldField) bool) {
	for f := range c.fields {
		if gone(f) {
			delete(c.fields, f)
			delete(c.stale, f)
		}
	}
}

func (c *carried) root() string {
	sums := map[fieldsync.Scope]fieldsync.Digest{}
	for f, reg := range c.fields {
		sums[f.scope] = sums[f.scope].Add(fieldsync.DigestOf(f.scope, f.record, f.field, reg.Dots()))
	}
	return fieldsync.RootDigest(sums)
}

var errCut = errors.New("the line was cut")

// sync asks once and takes at most so many bytes of the answer. It returns how
// many came, and how many of them came behind the last mark.
func (c *carried) sync(t *testing.T, h *hubtest.Hub, a care.Actor, bytesMax int) (came, unmarked int, whole bool) {
	t.Helper()
	err := h.Pull(context.Background(), h.Reload(t, a.Staff), c.cursor, func(raw []byte) error {
		if came+len(raw) > bytesMax {
			return errCut
		}
		came += len(raw)
		unmarked += len(raw)
		l, err := fieldsync.DecodeLine(raw)
		if err != nil {
			return err
		}
		c.take(l)
		if l.Mark != "" {
			unmarked = 0
		}
		return nil
	})
	c.group = nil // of a group that did not come whole nothing is taken
	if err != nil && !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	return came, unmarked, err == nil
}

// changing is a worker whose grants come and go on cases that others write to.
type changing struct {
	*hubtest.Hub
	t       *testing.T
	rng     *rand.Rand
	worker  care.Actor
	cases   []string
	people  []string // a survivor of each case
	granted map[string]string
	tasks   map[string]string // of today, by case
	n       int
}

// Ways in which the world goes on.
const (
	writes = 8  // of these numbers a step is a write
	grants = 10 // or a grant that begins or ends
)

// step lets something happen between two round trips.
func (w *changing) step(of int) {
	w.n++
	i := w.rng.IntN(len(w.cases))
	switch w.rng.IntN(of) {
	default:
		w.Must(w.t, w.HubActor(), collections.Draft{Collection: "survivors", Record: w.people[i], Set: map[string]care.Value{"alias": care.OfText(fmt.Sprintf("alias %d", w.n))}})
	case 1: // today's list becomes another
		set := map[string]care.Value{"status": care.OfText("done")}
		task := w.tasks[w.cases[i]]
		if task == "" {
			task = w.NewID()
			set = map[string]care.Value{"title_key": care.OfText("call"), "status": care.OfText("open"), "due_at": care.OfTime(w.Clock.Now())}
		}
		w.Must(w.t, w.HubActor(), collections.Draft{Collection: "tasks", Record: task, Case: w.cases[i], Set: set})
		if w.tasks[w.cases[i]] = task; len(set) == 1 {
			delete(w.tasks, w.cases[i])
		}
	case 2, 3, 4, 5, 6, 7: // two records, of which nobody may see one without the other
		w.Must(w.t, w.HubActor(),
			collections.Draft{Group: fmt.Sprintf("both-%d", w.n), Collection: "survivors", Record: w.people[i], Set: map[string]care.Value{"alias": care.OfText(fmt.Sprintf("both %d", w.n))}},
			collections.Draft{Group: fmt.Sprintf("both-%d", w.n), Collection: "notes", Case: w.cases[i], Set: map[string]care.Value{
				"kind": care.OfText("general"), "text": care.OfText(fmt.Sprintf("both %d", w.n)), "occurred_at": care.OfTime(hubtest.Start)}})
	case 8:
		w.grant(w.cases[i], care.General)
	case 9:
		w.ungrant(w.cases[i])
	}
}

var grantsMade int // ids are used once

func (w *changing) grant(caseID string, c care.Compartment) {
	if w.granted[caseID] != "" {
		return
	}
	grantsMade++
	id := fmt.Sprintf("01930000-0000-7000-8000-%012x", 0xe00000+grantsMade)
	w.Must(w.t, w.HubActor(), collections.Draft{Collection: "grants", Record: id, Case: caseID, Set: grant(w.worker.Staff, c, hubtest.Start.Add(48*time.Hour))})
	w.granted[caseID] = id
}

func (w *changing) ungrant(caseID string) {
	if id := w.granted[caseID]; id != "" {
		w.Must(w.t, w.HubActor(), collections.Draft{Collection: "grants", Record: id, Set: map[string]care.Value{"status": care.OfText("ended")}})
		delete(w.granted, caseID)
	}
}

// However often an answer is cut, wherever, and whatever happens meanwhile: the
// device goes on where it was, repeats little, and holds in the end what the
// hub says, no byte of what it may not see, and of a group never a part.
func TestACutAnswerGoesOnWhereItWasCut(t *testing.T) {
	const cases = 12
	h := hubtest.New(t)
	invented, _, _, _ := populate(t, h, 3, cases)
	h.Org = invented.Home()
	worker, _ := h.Staff(t, care.ProtectionOfficer)
	for _, seed := range []uint64{1, 2, 3, 4} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := &changing{Hub: h, t: t, rng: rand.New(rand.NewPCG(seed, 17)), worker: worker, granted: map[string]string{}, tasks: map[string]string{}, n: int(seed) * 10_000}
			for i := range cases {
				w.cases = append(w.cases, invented.Case(i).ID)
				w.people = append(w.people, person(t, invented.Case(i)))
				w.grant(w.cases[i], care.General)
			}
			defer func() {
				for _, c := range w.cases {
					w.ungrant(c)
				}
			}()
			device := &carried{fields: map[heldField]fieldsync.Register{}, stale: map[heldField]bool{}, enters: map[fieldsync.Scope]bool{}}
			w.syncCut(device, 30_000, 90_000) // newly granted scopes
			for range 120 {
				w.step(writes)
			}
			w.syncCut(device, 1_000, 6_000) // changes in them
			for f := range device.fields {
				p, err := fieldsync.ParseScope(string(f.scope))
				if err != nil {
					t.Fatal(err)
				}
				if p.Case != "" && w.granted[p.Case] == "" {
					t.Fatalf("the device still holds %s", f.scope)
				}
			}
		})
	}
}

// person is the survivor of an invented case.
func person(t *testing.T, c gen.Case) string {
	t.Helper()
	for _, d := range c.Drafts {
		if d.Collection == "survivors" {
			return d.Record
		}
	}
	t.Fatal("a case without a survivor")
	return ""
}

// syncCut syncs over a line that carries between so many bytes until an answer
// came whole, while the world goes on.
func (w *changing) syncCut(device *carried, bytesMin, bytesMax int) {
	w.t.Helper()
	cuts := 0
	for line := bytesMin; ; cuts++ {
		came, unmarked, whole := device.sync(w.t, w.Hub, w.worker, line)
		if whole {
			break
		}
		if cuts > 500 {
			w.t.Fatal("no end")
		}
		if unmarked > 3*24<<10 {
			w.t.Fatalf("%d bytes came behind the last mark", unmarked)
		}
		if came == unmarked {
			line *= 2 // it does not carry as much as stands between two marks
		} else {
			line = w.rng.IntN(bytesMax-bytesMin) + bytesMin
		}
		for range w.rng.IntN(3) {
			w.step(grants)
		}
		device.whole(w.t, w.people)
	}
	if cuts < 3 {
		w.t.Fatalf("cut %d times only", cuts)
	}
	if device.root() != device.digest {
		w.t.Fatalf("after %d cuts the device holds something else than the hub thinks", cuts)
	}
}

// whole looks for a group of which the device holds one half: a note "both n"
// beside an alias that is older than it, or an alias "both n" without its note.
// Scopes that are being sent for the first time are whole when they are there.
func (c *carried) whole(t *testing.T, people []string) {
	t.Helper()
	notes, aliases := map[fieldsync.Scope]map[string]uint64{}, map[fieldsync.Scope]fieldsync.Version{}
	for f, reg := range c.fields {
		if c.enters[f.scope] || c.stale[f] || len(reg.Heads) == 0 {
			continue
		}
		switch v := reg.Heads[0]; {
		case f.field == "text" && strings.HasPrefix(v.Value.Text(), "both "):
			if notes[f.scope] == nil {
				notes[f.scope] = map[string]uint64{}
			}
			notes[f.scope][v.Value.Text()] = v.Seq
		case f.field == "alias" && slices.Contains(people, f.record):
			aliases[f.scope] = v
		}
	}
	for scope, alias := range aliases {
		if text := alias.Value.Text(); strings.HasPrefix(text, "both ") && notes[scope][text] == 0 {
			t.Fatalf("of %q the alias came and the note did not", text)
		}
		for text, seq := range notes[scope] {
			if alias.Seq+1 < seq {
				t.Fatalf("of %q the note came and the alias did not", text)
			}
		}
	}
}

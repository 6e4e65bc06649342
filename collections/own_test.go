package collections_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// ownWorld is a tablet that holds an open case and brings changes to it.
type ownWorld struct {
	h      *hubtest.Hub
	d      *tabletSide
	cursor string
}

func newOwnWorld(t *testing.T) *ownWorld {
	h, worker, d := newOpenCase(t)
	d.actor = h.Reload(t, worker.Staff)
	d.actor.Device = d.deviceOf(t, h)
	w := &ownWorld{h: h, d: d}
	w.cursor = pull(t, h, d.actor, "").end.Cursor
	return w
}

// base names what stands in a field.
func (w *ownWorld) base(t *testing.T, record string, fields ...string) map[string][]fieldsync.Dot {
	t.Helper()
	out := map[string][]fieldsync.Dot{}
	for _, r := range pull(t, w.h, w.d.actor, "").rows {
		for _, f := range fields {
			if reg, ok := r.Fields[f]; ok && r.Record == record {
				out[f] = reg.Dots()
			}
		}
	}
	return out
}

func (w *ownWorld) edit(t *testing.T, record string, set map[string]care.Value) fieldsync.Change {
	t.Helper()
	c := fieldsync.Change{Collection: "survivors", Record: record, Set: set}
	if record == caseID {
		c.Collection = "cases"
	}
	c.Base = w.base(t, record, c.Fields()...)
	return c
}

// TestOwnChangesAreNotSentBack brings changes and asks what comes down: where
// the answer names a change, what it writes by itself is what a whole pull
// says; where it does not, there are rows.
func TestOwnChangesAreNotSentBack(t *testing.T) {
	w := newOwnWorld(t)
	text := care.OfText
	alias := func(v string) map[string]care.Value { return map[string]care.Value{"alias": text(v)} }
	other := func(t *testing.T, set map[string]care.Value) {
		w.h.Must(t, w.h.HubActor(), collections.Draft{Collection: "survivors", Record: survivorID, Set: set})
	}
	for _, c := range []struct {
		name      string
		changes   func(t *testing.T) []fieldsync.Change
		meanwhile func(t *testing.T)
		ahead     time.Duration // of the tablet's clock
		own       int
	}{
		{name: "an edit", own: 1, changes: func(t *testing.T) []fieldsync.Change {
			return []fieldsync.Change{w.edit(t, survivorID, alias("Heron"))}
		}},
		{name: "of a field that is asked about", own: 1, changes: func(t *testing.T) []fieldsync.Change {
			return []fieldsync.Change{w.edit(t, survivorID, map[string]care.Value{"birth_year": care.OfInt(1990)})}
		}},
		{name: "and again", own: 1, changes: func(t *testing.T) []fieldsync.Change {
			return []fieldsync.Change{w.edit(t, survivorID, map[string]care.Value{"birth_year": care.OfInt(1991)})}
		}},
		{name: "in two compartments", changes: func(t *testing.T) []fieldsync.Change {
			return []fieldsync.Change{w.edit(t, survivorID, map[string]care.Value{"alias": text("Heron"), "wg_seeing": text("no_difficulty")})}
		}},
		{name: "a group", own: 2, changes: func(t *testing.T) []fieldsync.Change {
			a, b := w.edit(t, survivorID, alias("Egret")), w.edit(t, caseID, map[string]care.Value{"risk_level": text("medium")})
			a.Group, b.Group = "g", "g"
			return []fieldsync.Change{a, b}
		}},
		{name: "one after the other", own: 2, changes: func(t *testing.T) []fieldsync.Change {
			a, b := w.edit(t, survivorID, alias("Ibis")), w.edit(t, survivorID, alias("Stork"))
			b.Base = map[string][]fieldsync.Dot{"alias": {fieldsync.DotOf(w.d.replica, w.d.n+1)}}
			return []fieldsync.Change{a, b}
		}},
		{name: "two that do not know of each other", changes: func(t *testing.T) []fieldsync.Change {
			return []fieldsync.Change{w.edit(t, survivorID, alias("Ibis")), w.edit(t, survivorID, alias("Crane"))}
		}},
		{name: "decided", own: 1, changes: func(t *testing.T) []fieldsync.Change {
			return []fieldsync.Change{w.edit(t, survivorID, alias("Crane"))}
		}},
		{name: "somebody else's meanwhile", changes: func(t *testing.T) []fieldsync.Change { return []fieldsync.Change{w.edit(t, survivorID, alias("Teal"))} },
			meanwhile: func(t *testing.T) { other(t, alias("Pintail")) }},
		{name: "to the same record", changes: func(t *testing.T) []fieldsync.Change { return []fieldsync.Change{w.edit(t, survivorID, alias("Teal"))} },
			meanwhile: func(t *testing.T) { other(t, map[string]care.Value{"languages": care.OfList("fr")}) }},
		{name: "a new record", changes: func(t *testing.T) []fieldsync.Change {
			return []fieldsync.Change{{Collection: "referrals", Record: w.h.NewID(), Case: caseID, Set: map[string]care.Value{"direction": text("incoming"), "status": text("draft")}}}
		}},
		{name: "from the future", ahead: time.Hour, changes: func(t *testing.T) []fieldsync.Change {
			return []fieldsync.Change{w.edit(t, survivorID, alias("Swift"))}
		}},
		{name: "held", changes: func(t *testing.T) []fieldsync.Change {
			return []fieldsync.Change{w.edit(t, survivorID, map[string]care.Value{"alias": text("Wren"), "no_such_field": text("x")})}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var raws []json.RawMessage
			changes := c.changes(t)
			for i := range changes {
				raw := w.d.change(t, w.h, changes[i])
				if changes[i].N, changes[i].Author = w.d.n, w.d.actor.Staff; c.ahead > 0 {
					changes[i].Clock = fieldsync.HLCOf(w.h.Clock.Now().Add(c.ahead))
					decoded, err := fieldsync.DecodeChange(raw)
					if err != nil {
						t.Fatal(err)
					}
					decoded.Clock = changes[i].Clock
					raw = fieldsync.EncodeChange(decoded)
				}
				raws = append(raws, raw)
			}
			w.bring(t, raws, c.meanwhile, c.own)
		})
	}
}

func (w *ownWorld) bring(t *testing.T, raws []json.RawMessage, meanwhile func(*testing.T), own int) {
	t.Helper()
	p := w.d.push(raws...)
	taken, err := w.h.Take(t.Context(), w.d.actor, p)
	if err != nil {
		t.Fatal(err)
	}
	if meanwhile != nil {
		meanwhile(t)
	}
	var got asked
	if err := w.h.Answer(t.Context(), w.d.actor, collections.Ask{Cursor: w.cursor, Own: taken.Own}, &got); err != nil {
		t.Fatal(err)
	}
	var stood []fieldsync.Stood
	rows := 0
	for _, l := range got.lines {
		stood = append(stood, l.Own...)
		if l.Row != nil {
			rows++
		}
		if l.End != nil {
			w.cursor = l.End.Cursor
		}
	}
	if len(stood) != own || (rows == 0) != (own > 0) {
		t.Fatalf("%d changes are named and %d rows sent: %+v; %s", len(stood), rows, stood, taken.Receipts)
	}
	said := map[string]fieldsync.Register{}
	for _, o := range stood { // in order: the later stands over the earlier
		i := slices.IndexFunc(raws, func(raw json.RawMessage) bool { n, _ := fieldsync.NumberOf(raw); return n == o.N })
		c, err := fieldsync.DecodeChange(raws[i])
		if err != nil {
			t.Fatal(err)
		}
		var r fieldsync.Receipt
		if err := json.Unmarshal(taken.Receipts[i], &r); err != nil {
			t.Fatal(err)
		}
		for _, f := range c.Fields() {
			said[c.Record+" "+f] = c.Alone(f, w.d.replica, r.Seq, o.Stands[f])
		}
	}
	for _, r := range pull(t, w.h, w.d.actor, "").rows {
		for f, reg := range r.Fields {
			if alone, named := said[r.Record+" "+f]; named && !alone.Equal(reg) {
				t.Errorf("%s would be %+v and is %+v", f, alone, reg)
			}
			delete(said, r.Record+" "+f)
		}
	}
	if len(said) > 0 {
		t.Errorf("these do not stand: %v", said)
	}
	again, err := w.h.Take(t.Context(), w.d.actor, p)
	if err != nil || len(again.Own) > 0 {
		t.Errorf("a push that comes again names its changes: %v %v", again.Own, err)
	}
}

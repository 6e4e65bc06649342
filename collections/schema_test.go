package collections_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/internal/hubtest"
)

// The database that the migrations make is the schema of care, no more and no
// less: a field that is described and not stored would be lost, one that is
// stored and not described would be seen by nobody's rules.
func TestTheMigrationsMakeTheSchema(t *testing.T) {
	h := hubtest.New(t)
	envelope := []string{"id", "org", "case_id", "created_by", "made_at", "arrived_at", "seq", "routing"}
	known := []string{"accounts"}
	for _, e := range care.Schema {
		known = append(known, e.Name)
		c, err := h.App().FindCollectionByNameOrId(e.Name)
		if err != nil {
			t.Errorf("collection %s has no migration", e.Name)
			continue
		}
		want := slices.Clone(envelope)
		for i := range e.Fields {
			f := &e.Fields[i]
			want = append(want, f.Name)
			kind := core.FieldTypeJSON
			if f.Routing {
				kind = core.FieldTypeText
			}
			if have := c.Fields.GetByName(f.Name); have == nil {
				t.Errorf("field %s.%s has no migration", e.Name, f.Name)
			} else if have.Type() != kind {
				t.Errorf("field %s.%s is %s in the database, its description asks for %s", e.Name, f.Name, have.Type(), kind)
			}
		}
		for _, f := range c.Fields {
			if !slices.Contains(want, f.GetName()) {
				t.Errorf("column %s.%s is not described in care", e.Name, f.GetName())
			}
		}
		if !strings.Contains(strings.Join(c.Indexes, ";"), "COLLATE NOCASE") {
			t.Errorf("collection %s lacks the index that keeps inserts flat", e.Name)
		}
	}
	all, err := h.App().FindAllCollections()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if !c.System && !slices.Contains(known, c.Name) {
			t.Errorf("collection %s is not described in care", c.Name)
		}
		for rule, r := range map[string]*string{"list": c.ListRule, "view": c.ViewRule, "create": c.CreateRule, "update": c.UpdateRule, "delete": c.DeleteRule} {
			if r != nil && !c.System {
				t.Errorf("collection %s has a %s rule: PocketBase's record API must stay closed", c.Name, rule)
			}
		}
	}
}

// Every collection refuses writers that did not come through the door, also a
// collection that a later migration adds.
func TestEveryCollectionHasItsTriggers(t *testing.T) {
	h := hubtest.New(t)
	for _, e := range care.Schema {
		var n int
		err := h.App().DB().NewQuery("SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = {:t}").
			Bind(map[string]any{"t": e.Name}).Row(&n)
		if err != nil || n != 3 {
			t.Errorf("collection %s has %d triggers instead of 3: %v", e.Name, n, err)
		}
	}
}

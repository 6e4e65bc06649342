package collections_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"portolan/care"
)

// routingUses says, for each field that stays clear in the store, where the
// hub looks for records by it before it can open anything. What nobody looks
// for is sealed: a field comes onto this list with the code that needs it and
// leaves it with that code.
var routingUses = map[string]struct{ file, code string }{
	"grants.staff":             {"access.go", "FROM grants WHERE staff = ?"},
	"grants.compartment":       {"access.go", "SELECT id, case_id, compartment, until, rests_until, kind FROM grants"},
	"grants.until":             {"access.go", "until != '' AND until <= ?"},
	"grants.status":            {"access.go", "WHERE status = 'active' AND (until"},
	"grants.rests_until":       {"access.go", "rests_until != '' AND rests_until <= ?"},
	"grants.kind":              {"emergency.go", "kind = 'break_glass'"},
	"grants.reviewed_by":       {"emergency.go", "reviewed_by = ''"},
	"grants.reviewed_at":       {"emergency.go", "until, reviewed_by, reviewed_at FROM grants"},
	"grants.overdue_at":        {"emergency.go", "overdue_at = ''"},
	"staff.status":             {"../care/consequences.go", `ByField("staff", "status"`},
	"memberships.staff":        {"../care/rules_record.go", `ByField("memberships", "staff"`},
	"stays.bed":                {"../care/stay.go", `Unended("stays", "bed"`},
	"stays.check_out":          {"../care/stay.go", `Unended("stays", "bed", bed.ID, "check_out"`},
	"stays.status":             {"tend.go", "stays.status IN"},
	"beds.state":               {"tend.go", `h.rowsOf(ctx, h.HubActor(), "beds", ` + "`state IN"},
	"transfers.status":         {"jobruns.go", "status IN ('consented', 'sent', 'accepted')"},
	"transfers.departure_at":   {"jobruns.go", "departure_at <= ?"},
	"documents.kind":           {"jobruns.go", "kind = 'summary'"},
	"documents.status":         {"jobruns.go", "status IN ('prepared', 'handed_out')"},
	"documents.transfer":       {"../hooks/papers.go", `"transfer": transfer.ID`},
	"tasks.status":             {"tend.go", `h.rowsOf(ctx, h.HubActor(), "tasks", ` + "`status = 'open'"},
	"tasks.due_at":             {"tend.go", "due_at <= ?"},
	"tasks.title_key":          {"jobruns.go", "title_key = 'paper_ready'"},
	"tasks.raised_by":          {"jobruns.go", "raised_by = 'job'"},
	"tasks.subject_collection": {"../hooks/paper_tasks.go", `"subject_collection": collection`},
}

func TestOnlyWhatIsLookedForStaysClear(t *testing.T) {
	var clear []string
	for _, e := range care.Schema {
		for i := range e.Fields {
			if e.Fields[i].Routing {
				clear = append(clear, e.Name+"."+e.Fields[i].Name)
			}
		}
	}
	slices.Sort(clear)
	if listed := slices.Sorted(maps.Keys(routingUses)); !slices.Equal(clear, listed) {
		t.Errorf("clear in the store: %q\nwith a use: %q", clear, listed)
	}
	for field, use := range routingUses {
		b, err := os.ReadFile(use.file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(b), use.code) {
			t.Errorf("%s stays clear for %q in %s, and there is no such thing: seal it, or name the use", field, use.code, use.file)
		}
	}
}

package pb_migrations

import (
	"fmt"

	"github.com/pocketbase/pocketbase/core"
	m "github.com/pocketbase/pocketbase/migrations"
)

// kind is how a field stands in the store.
type kind int

const (
	sealed kind = iota // a register, as JSON, sealed
	clear              // the value in force, in clear, to route by
	link               // the same, an id of another record: indexed
)

type field struct {
	name string
	kind kind
}

type collection struct {
	name   string
	fields []field
}

// valueBytesMax bounds one stored register: several values of 64 KiB.
const valueBytesMax = 8 << 20

// createCollections registers a migration that makes the collections, all
// rules nil, with the triggers that refuse every write that did not come
// through the door, and every deletion.
func createCollections(file string, list []collection) {
	m.Register(func(app core.App) error {
		for _, c := range list {
			if err := createCollection(app, c); err != nil {
				return fmt.Errorf("collection %s: %w", c.name, err)
			}
		}
		return nil
	}, nil, file)
}

func createCollection(app core.App, c collection) error {
	pb := core.NewBaseCollection(c.name)
	uuidIDs(pb)
	for _, name := range []string{"org", "case_id", "created_by", "made_at", "arrived_at"} {
		pb.Fields.Add(&core.TextField{Name: name})
	}
	pb.Fields.Add(&core.NumberField{Name: "seq"}, &core.JSONField{Name: "routing", MaxSize: valueBytesMax})
	pb.AddIndex("idx_"+c.name+"_case", false, "`case_id`", "")
	for _, f := range c.fields {
		if f.kind == sealed {
			pb.Fields.Add(&core.JSONField{Name: f.name, MaxSize: valueBytesMax})
			continue
		}
		pb.Fields.Add(&core.TextField{Name: f.name})
		if f.kind == link {
			pb.AddIndex("idx_"+c.name+"_"+f.name, false, "`"+f.name+"`", "")
		}
	}
	if err := app.Save(pb); err != nil {
		return err
	}
	return closeTable(app, c.name)
}

// closeTable adds the triggers. They name the door's mark, not a user: SQLite
// has none, and the mark is only there inside the door's own transaction.
// They FAIL instead of ABORT, and the door writes OR FAIL: where a statement
// with a trigger could abort, SQLite keeps a journal of 64 KB for it, which
// cost a tenth of a push. Nothing is written before the first row fails, and
// the door rolls back whatever failed.
func closeTable(app core.App, table string) error {
	for _, verb := range []string{"INSERT", "UPDATE"} {
		sql := fmt.Sprintf("CREATE TRIGGER `%[1]s_door_%[2]s` BEFORE %[2]s ON `%[1]s` "+
			"WHEN NOT EXISTS (SELECT 1 FROM door_open) BEGIN SELECT RAISE(FAIL, 'not through the door'); END", table, verb)
		if _, err := app.DB().NewQuery(sql).Execute(); err != nil {
			return fmt.Errorf("trigger on %s: %w", verb, err)
		}
	}
	sql := fmt.Sprintf("CREATE TRIGGER `%[1]s_stay` BEFORE DELETE ON `%[1]s` "+
		"WHEN NOT EXISTS (SELECT 1 FROM erasing WHERE case_id = OLD.case_id) "+
		"BEGIN SELECT RAISE(ABORT, 'records are closed, never deleted'); END", table)
	_, err := app.DB().NewQuery(sql).Execute()
	return err
}

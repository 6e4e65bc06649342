package pb_migrations

import (
	"fmt"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	m "github.com/pocketbase/pocketbase/migrations"
)

// auditTables is the audit log (package audit): a leaf is a commitment and,
// sealed, what it was made over; the nodes of the tree above the leaves; which
// leaves are about several cases at once; and the heads that were signed.
// What is clear of a leaf is by which key it opens, and no more.
var auditTables = []string{
	`CREATE TABLE audit_leaves (
		seq INTEGER PRIMARY KEY NOT NULL, org TEXT NOT NULL, case_id TEXT NOT NULL,
		leaf BLOB NOT NULL, detail BLOB NOT NULL)`,
	`CREATE INDEX audit_leaves_case ON audit_leaves (case_id) WHERE case_id != ''`,
	`CREATE TABLE audit_nodes (idx INTEGER PRIMARY KEY NOT NULL, hash BLOB NOT NULL)`,
	`CREATE TABLE audit_cases (case_id TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (case_id, seq)) WITHOUT ROWID`,
	`CREATE TABLE audit_checkpoints (size INTEGER NOT NULL, epoch TEXT NOT NULL, signed TEXT NOT NULL, PRIMARY KEY (size, epoch)) WITHOUT ROWID`,
	`CREATE TRIGGER audit_leaves_dense BEFORE INSERT ON audit_leaves WHEN NEW.seq != (SELECT COALESCE(MAX(seq), 0) + 1 FROM audit_leaves)
		BEGIN SELECT RAISE(ABORT, 'the audit log has no gaps'); END`,
}

func init() {
	m.Register(func(app core.App) error {
		steps := auditTables
		for _, table := range []string{"audit_leaves", "audit_nodes", "audit_cases", "audit_checkpoints"} {
			for _, verb := range []string{"UPDATE", "DELETE"} {
				steps = append(steps, fmt.Sprintf(`CREATE TRIGGER %s_no_%s BEFORE %s ON %s
					BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END`, table, strings.ToLower(verb), verb, table))
			}
		}
		for _, sql := range steps {
			if _, err := app.DB().NewQuery(sql).Execute(); err != nil {
				return fmt.Errorf("the audit log: %w", err)
			}
		}
		return nil
	}, nil)
}

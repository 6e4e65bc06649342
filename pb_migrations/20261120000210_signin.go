package pb_migrations

import (
	"fmt"

	"github.com/pocketbase/pocketbase/core"
	m "github.com/pocketbase/pocketbase/migrations"
)

// signInTables is what the hub keeps of how people sign in. No secret in them
// is any use to whoever reads them: tokens and codes as hashes, secrets of
// authenticator apps sealed, of passkeys the public half.
var signInTables = []string{
	`CREATE TABLE sign_ins (
		id_hash TEXT PRIMARY KEY NOT NULL, staff TEXT NOT NULL, roles TEXT NOT NULL, factor TEXT NOT NULL DEFAULT '',
		address TEXT NOT NULL, made_at TEXT NOT NULL, seen_at TEXT NOT NULL, until TEXT NOT NULL,
		ended_at TEXT NOT NULL DEFAULT '', challenge TEXT NOT NULL DEFAULT '', challenge_until TEXT NOT NULL DEFAULT '') WITHOUT ROWID`,
	`CREATE INDEX sign_ins_staff ON sign_ins (staff, made_at)`,

	`CREATE TABLE second_factors (
		id TEXT PRIMARY KEY NOT NULL, staff TEXT NOT NULL, kind TEXT NOT NULL, label TEXT NOT NULL, secret BLOB NOT NULL,
		credential TEXT NOT NULL DEFAULT '', made_at TEXT NOT NULL, confirmed_at TEXT NOT NULL DEFAULT '',
		used_at TEXT NOT NULL DEFAULT '', counter INTEGER NOT NULL DEFAULT 0, removed_at TEXT NOT NULL DEFAULT '') WITHOUT ROWID`,
	`CREATE INDEX second_factors_staff ON second_factors (staff)`,
	`CREATE UNIQUE INDEX second_factors_credential ON second_factors (credential) WHERE credential != ''`,

	`CREATE TABLE recovery_codes (
		code_hash TEXT PRIMARY KEY NOT NULL, staff TEXT NOT NULL, made_at TEXT NOT NULL, used_at TEXT NOT NULL DEFAULT '') WITHOUT ROWID`,
	`CREATE INDEX recovery_codes_staff ON recovery_codes (staff)`,

	// Acts on accounts of the console alone, which wait; of a password its
	// bcrypt hash.
	`CREATE TABLE waiting_acts (
		id TEXT PRIMARY KEY NOT NULL, act TEXT NOT NULL, org TEXT NOT NULL, staff TEXT NOT NULL, terms TEXT NOT NULL,
		asked_at TEXT NOT NULL, due_at TEXT NOT NULL, stopped_at TEXT NOT NULL DEFAULT '', stopped_by TEXT NOT NULL DEFAULT '',
		done_at TEXT NOT NULL DEFAULT '', refused TEXT NOT NULL DEFAULT '', password TEXT NOT NULL DEFAULT '') WITHOUT ROWID`,
}

func init() {
	m.Register(func(app core.App) error {
		for _, sql := range signInTables {
			if _, err := app.DB().NewQuery(sql).Execute(); err != nil {
				return fmt.Errorf("sign-in: %w", err)
			}
		}
		return nil
	}, nil)
}

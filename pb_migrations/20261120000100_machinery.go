// Package pb_migrations holds the dated steps that bring a hub's database to
// its present shape. A released step never changes; it imports PocketBase and
// nothing of ours, so that it means the same for ever.
package pb_migrations

import (
	"fmt"

	"github.com/pocketbase/pocketbase/core"
	m "github.com/pocketbase/pocketbase/migrations"
)

// machinery is what the door and the sync keep beside the collections. These
// are no PocketBase collections, so that its record API cannot reach them.
// changes, receipts included, are kept for ever; hash is the SHA-256 of the
// raw change, body the change sealed.
var machinery = []string{
	`CREATE TABLE hub_meta (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID`,

	// Present inside a transaction of the door only: the triggers look for it.
	`CREATE TABLE door_open (one INTEGER PRIMARY KEY CHECK (one = 1))`,

	`CREATE TABLE replicas (
		id TEXT PRIMARY KEY NOT NULL, staff TEXT NOT NULL, device TEXT NOT NULL,
		last_n INTEGER NOT NULL, link BLOB NOT NULL, made_at TEXT NOT NULL, replaced_at TEXT NOT NULL DEFAULT '') WITHOUT ROWID`,

	`CREATE TABLE changes (
		seq INTEGER PRIMARY KEY NOT NULL, replica TEXT NOT NULL, n INTEGER NOT NULL,
		collection TEXT NOT NULL, record TEXT NOT NULL, org TEXT NOT NULL, case_id TEXT NOT NULL,
		author TEXT NOT NULL, device TEXT NOT NULL, made_at TEXT NOT NULL, arrived_at TEXT NOT NULL,
		status TEXT NOT NULL, hash BLOB NOT NULL, body BLOB NOT NULL, receipt BLOB NOT NULL)`,
	`CREATE UNIQUE INDEX changes_dot ON changes (replica, n)`,
	`CREATE INDEX changes_record ON changes (record)`,
	`CREATE TRIGGER changes_door BEFORE INSERT ON changes WHEN NOT EXISTS (SELECT 1 FROM door_open)
		BEGIN SELECT RAISE(FAIL, 'not through the door'); END`, // FAIL: see closeTable
	`CREATE TRIGGER changes_kept BEFORE UPDATE ON changes BEGIN SELECT RAISE(ABORT, 'a change is kept as it came'); END`,
	`CREATE TRIGGER changes_stay BEFORE DELETE ON changes BEGIN SELECT RAISE(ABORT, 'a change is kept for ever'); END`,

	`CREATE TABLE held_changes (
		id INTEGER PRIMARY KEY AUTOINCREMENT, seq INTEGER NOT NULL, collection TEXT NOT NULL, record TEXT NOT NULL,
		org TEXT NOT NULL, case_id TEXT NOT NULL, compartment TEXT NOT NULL, field TEXT NOT NULL,
		reason TEXT NOT NULL, author TEXT NOT NULL, arrived_at TEXT NOT NULL,
		decided_at TEXT NOT NULL DEFAULT '', decided_by TEXT NOT NULL DEFAULT '',
		decision TEXT NOT NULL DEFAULT '', why TEXT NOT NULL DEFAULT '', decided_seq INTEGER NOT NULL DEFAULT 0)`,
	`CREATE INDEX held_changes_case ON held_changes (case_id)`,
	`CREATE INDEX held_changes_seq ON held_changes (seq)`,
	`CREATE TRIGGER held_changes_door BEFORE UPDATE ON held_changes WHEN NOT EXISTS (SELECT 1 FROM door_open)
		BEGIN SELECT RAISE(ABORT, 'not through the door'); END`,
	`CREATE TRIGGER held_changes_once BEFORE UPDATE ON held_changes WHEN OLD.decided_at != ''
		BEGIN SELECT RAISE(ABORT, 'a held change is decided once'); END`,
	`CREATE TRIGGER held_changes_stay BEFORE DELETE ON held_changes BEGIN SELECT RAISE(ABORT, 'a held change is kept'); END`,

	// Held changes whose author saw a version that has not come here: the first
	// such, or '' once it has come.
	`CREATE TABLE awaited (seq INTEGER PRIMARY KEY NOT NULL, replica TEXT NOT NULL, n INTEGER NOT NULL)`,
	`CREATE INDEX awaited_version ON awaited (replica, n)`,

	// Fields that have more than one value at this moment: an index of the
	// registers, never the values.
	`CREATE TABLE conflicts (
		record TEXT NOT NULL, field TEXT NOT NULL, collection TEXT NOT NULL, org TEXT NOT NULL, case_id TEXT NOT NULL,
		compartment TEXT NOT NULL, since_seq INTEGER NOT NULL, PRIMARY KEY (record, field)) WITHOUT ROWID`,
	`CREATE INDEX conflicts_case ON conflicts (case_id)`,

	// What changed in a scope, in the hub's own sequence; unit is the number of
	// the first of the changes with which it stands or falls.
	`CREATE TABLE scope_log (
		scope TEXT NOT NULL, seq INTEGER NOT NULL, unit INTEGER NOT NULL, collection TEXT NOT NULL, record TEXT NOT NULL, fields TEXT NOT NULL,
		PRIMARY KEY (scope, seq)) WITHOUT ROWID`,
	`CREATE INDEX scope_log_seq ON scope_log (seq)`,

	// Who may see a scope, from and until which sequence number.
	`CREATE TABLE scope_access (
		id INTEGER PRIMARY KEY AUTOINCREMENT, staff TEXT NOT NULL, scope TEXT NOT NULL,
		from_seq INTEGER NOT NULL, until_seq INTEGER, until_time TEXT NOT NULL DEFAULT '')`,
	`CREATE UNIQUE INDEX scope_access_open ON scope_access (staff, scope) WHERE until_seq IS NULL`,
	`CREATE INDEX scope_access_scope ON scope_access (scope) WHERE until_seq IS NULL`,
	`CREATE INDEX scope_access_due ON scope_access (until_time) WHERE until_seq IS NULL AND until_time != ''`,
	`CREATE INDEX scope_access_closed ON scope_access (staff, until_seq) WHERE until_seq IS NOT NULL`,

	`CREATE TABLE scope_digests (scope TEXT PRIMARY KEY NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID`,

	`CREATE TABLE enrolments (
		code_hash TEXT PRIMARY KEY NOT NULL, staff TEXT NOT NULL, made_by TEXT NOT NULL,
		made_at TEXT NOT NULL, expires_at TEXT NOT NULL, used_at TEXT NOT NULL DEFAULT '',
		failed INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`,
	// A replica's key, its part of the lease, and what is known of it.
	`CREATE TABLE device_keys (
		replica TEXT PRIMARY KEY NOT NULL, device TEXT NOT NULL, staff TEXT NOT NULL, org TEXT NOT NULL,
		public_key BLOB NOT NULL, factor TEXT NOT NULL, made_at TEXT NOT NULL, expires_at TEXT NOT NULL, revoked_at TEXT NOT NULL DEFAULT '',
		lease_key BLOB NOT NULL, lease_until TEXT NOT NULL, held_until_n INTEGER NOT NULL DEFAULT 0,
		announced_n INTEGER NOT NULL DEFAULT 0, border_at TEXT NOT NULL DEFAULT '', wiped_at TEXT NOT NULL DEFAULT '',
		seen_at TEXT NOT NULL DEFAULT '', drafts_owed INTEGER NOT NULL DEFAULT 0, files_owed INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`,
	`CREATE INDEX device_keys_device ON device_keys (device)`,
	`CREATE TABLE lease_terms (
		org TEXT NOT NULL, role TEXT NOT NULL, days INTEGER NOT NULL CHECK (days BETWEEN 1 AND 35),
		set_by TEXT NOT NULL, set_at TEXT NOT NULL, PRIMARY KEY (org, role)) WITHOUT ROWID`,

	// What tablets brought while the hub was locked: sealed to its intake key,
	// with the hashes of the changes that were new.
	`CREATE TABLE intake (
		id INTEGER PRIMARY KEY AUTOINCREMENT, replica TEXT NOT NULL,
		first_n INTEGER NOT NULL, hashes BLOB NOT NULL, arrived_at TEXT NOT NULL, sealed BLOB NOT NULL,
		refused TEXT NOT NULL DEFAULT '', refused_at TEXT NOT NULL DEFAULT '')`,
	`CREATE INDEX intake_replica ON intake (replica)`,

	`CREATE TABLE job_runs (
		id INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, site TEXT NOT NULL, due_at TEXT NOT NULL,
		started_at TEXT NOT NULL, finished_at TEXT NOT NULL DEFAULT '', outcome TEXT NOT NULL DEFAULT '',
		UNIQUE (job, site, due_at))`,

	// The record that stands for a thing of a source outside, or for a
	// consequence of a rule, so that it is made once. The key is an HMAC.
	// Cases that were erased, and parts of cases. In `erasing` a case stands for
	// as long as the transaction that removes its records.
	`CREATE TABLE erasures (
		case_id TEXT NOT NULL, part TEXT NOT NULL, org TEXT NOT NULL, begun_at TEXT NOT NULL, approval TEXT NOT NULL,
		why TEXT NOT NULL, done_at TEXT NOT NULL DEFAULT '', PRIMARY KEY (case_id, part, begun_at)) WITHOUT ROWID`,
	`CREATE TRIGGER erasures_stay BEFORE DELETE ON erasures BEGIN SELECT RAISE(ABORT, 'an erasure is remembered'); END`,
	`CREATE TABLE erasing (case_id TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID`,

	`CREATE TABLE import_keys (
		source TEXT NOT NULL, key TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (source, key)) WITHOUT ROWID`,

	// Files that are coming in, piece by piece (docs/protocol.md, "Files").
	// What is sealed is the upload's own key and what was said of the file; how
	// much of it is there is for the file in the folder uploads to say. One that
	// is unsent came sealed by its tablet; whole, it is kept aside until somebody
	// has decided about the held change with that number.
	`CREATE TABLE uploads (
		id TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL, staff TEXT NOT NULL, org TEXT NOT NULL, case_id TEXT NOT NULL,
		compartment TEXT NOT NULL, length INTEGER NOT NULL, sealed BLOB NOT NULL, made_at TEXT NOT NULL, expires_at TEXT NOT NULL,
		done_at TEXT NOT NULL DEFAULT '', unsent INTEGER NOT NULL DEFAULT 0, aside INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`,
	`CREATE INDEX uploads_aside ON uploads (aside) WHERE aside > 0`,
	`CREATE INDEX uploads_staff ON uploads (staff, document)`,
	`CREATE INDEX uploads_expires ON uploads (expires_at)`,
	`CREATE INDEX uploads_case ON uploads (case_id)`,

	// Half-filled forms of people, for their other tablets: the last snapshot of
	// each part (docs/protocol.md, "Half-filled forms").
	`CREATE TABLE drafts (
		name TEXT PRIMARY KEY NOT NULL, staff TEXT NOT NULL, org TEXT NOT NULL, case_id TEXT NOT NULL, compartment TEXT NOT NULL,
		record TEXT NOT NULL, sealed BLOB NOT NULL, arrived_at TEXT NOT NULL, expires_at TEXT NOT NULL, told INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`,
	`CREATE INDEX drafts_staff ON drafts (staff, name)`,
	`CREATE INDEX drafts_case ON drafts (case_id)`,
	`CREATE INDEX drafts_expires ON drafts (expires_at)`,

	// Which file holds the bytes of a document. The address is a keyed hash of
	// bytes and scope: the same bytes lie once in a compartment of a case, and
	// nobody can ask for them by their hash. What the bytes are (hash, length, type)
	// is sealed under the key of the compartment that they belong to.
	`CREATE TABLE contents (
		document TEXT PRIMARY KEY NOT NULL, file TEXT NOT NULL, address TEXT NOT NULL, case_id TEXT NOT NULL, compartment TEXT NOT NULL,
		facts BLOB NOT NULL DEFAULT x'') WITHOUT ROWID`,
	`CREATE INDEX contents_address ON contents (address)`,
	`CREATE INDEX contents_case ON contents (case_id)`,

	// Questions to a second person (R29). That the two are two, and that a yes
	// is used once, holds here too, whatever the code above it forgets.
	`CREATE TABLE approvals (
		id TEXT PRIMARY KEY NOT NULL, org TEXT NOT NULL, act TEXT NOT NULL, collection TEXT NOT NULL, record TEXT NOT NULL,
		terms TEXT NOT NULL, reason TEXT NOT NULL, asked_by TEXT NOT NULL, asked_at TEXT NOT NULL, expires_at TEXT NOT NULL,
		decided_by TEXT NOT NULL DEFAULT '', decided_at TEXT NOT NULL DEFAULT '', agreed INTEGER NOT NULL DEFAULT 0,
		used_at TEXT NOT NULL DEFAULT '',
		CHECK (decided_by != asked_by), CHECK (agreed = 0 OR decided_by != ''), CHECK (used_at = '' OR agreed = 1)) WITHOUT ROWID`,
	`CREATE INDEX approvals_org ON approvals (org, used_at, expires_at)`,
	`CREATE TRIGGER approvals_decided BEFORE UPDATE ON approvals
		WHEN OLD.used_at != '' OR (OLD.decided_by != '' AND NEW.decided_by IS NOT OLD.decided_by)
			OR NEW.asked_by IS NOT OLD.asked_by OR NEW.act IS NOT OLD.act OR NEW.record IS NOT OLD.record OR NEW.terms IS NOT OLD.terms
		BEGIN SELECT RAISE(ABORT, 'an answer stands as it was given'); END`,
	`CREATE TRIGGER approvals_stay BEFORE DELETE ON approvals BEGIN SELECT RAISE(ABORT, 'an approval is kept'); END`,
}

func init() {
	m.Register(func(app core.App) error {
		for _, sql := range machinery {
			if _, err := app.DB().NewQuery(sql).Execute(); err != nil {
				return fmt.Errorf("machinery: %w", err)
			}
		}
		return nil
	}, nil)
}

package collections

import (
	"context"
	"time"

	"portolan/care"
	fieldsync "portolan/sync"
)

// Run is one due time of one job at one site.
type Run struct {
	Job  string
	Site string // organisation
	Due  time.Time
}

// ClaimRun notes that a run begins. It answers false where the run was made
// already: nothing runs twice, also over restarts. A run that another process
// began and did not finish is taken up again where resume says so; only one
// process works on a folder.
func (h *Hub) ClaimRun(ctx context.Context, r Run, resume bool) (claimed bool, err error) {
	err = h.writer.write(ctx, func(t *tx) error {
		result, err := t.exec(`INSERT INTO job_runs (job, site, due_at, started_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (job, site, due_at) DO UPDATE SET started_at = excluded.started_at WHERE finished_at = '' AND ?`,
			r.Job, r.Site, care.FormatTime(r.Due), care.FormatTime(h.now()), resume)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		claimed = n > 0
		return err
	})
	return claimed, wrap("noting a run", err)
}

// FinishRun notes how a run ended: a word, never personal data.
func (h *Hub) FinishRun(ctx context.Context, r Run, outcome string) error {
	return wrap("noting the end of a run", h.writer.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE job_runs SET finished_at = ?, outcome = ? WHERE job = ? AND site = ? AND due_at = ?`,
			care.FormatTime(h.now()), outcome, r.Job, r.Site, care.FormatTime(r.Due))
		return err
	}))
}

// Sites lists the organisations that work with this hub: those that hold
// their own record, unlike partners in the directory. For the hub alone, as
// the other lists of its jobs are: they show records whole.
func (h *Hub) Sites(ctx context.Context, a care.Actor) ([]care.Row, error) {
	return h.rowsOf(ctx, a, "organisations", `id = org`)
}

// Where is what a job looks at: all of an organisation, or one case.
type Where struct{ Org, Case string }

func (w Where) sql(more string, args ...any) (string, []any) {
	if w.Case != "" {
		return `case_id = ? AND ` + more, append([]any{w.Case}, args...)
	}
	return `org = ? AND ` + more, append([]any{w.Org}, args...)
}

// Departures lists the moves that are under way and leave until a moment.
func (h *Hub) Departures(ctx context.Context, a care.Actor, w Where, until time.Time) ([]care.Row, error) {
	where, args := w.sql(`status IN ('consented', 'sent', 'accepted') AND departure_at != '' AND departure_at <= ?`, care.FormatTime(until))
	return h.rowsOf(ctx, a, "transfers", where, args...)
}

// PreparedPapers lists the summaries that lie ready, and those given out that
// nobody has called back.
func (h *Hub) PreparedPapers(ctx context.Context, a care.Actor, w Where) ([]care.Row, error) {
	where, args := w.sql(`kind = 'summary' AND status IN ('prepared', 'handed_out')`)
	return h.rowsOf(ctx, a, "documents", where, args...)
}

// PaperTasks lists the open tasks that say that a paper lies ready.
func (h *Hub) PaperTasks(ctx context.Context, a care.Actor, w Where) ([]care.Row, error) {
	where, args := w.sql(`title_key = 'paper_ready' AND status = 'open' AND raised_by = 'job'`)
	return h.rowsOf(ctx, a, "tasks", where, args...)
}

// rowsOf reads records for the hub's own work, by its routing columns.
// Nobody else has them whole: a person reads by Read and List, which decide.
func (h *Hub) rowsOf(ctx context.Context, a care.Actor, collection, where string, args ...any) (out []care.Row, err error) {
	if !a.IsHub() {
		return nil, ErrNoPower
	}
	t := h.tables[collection]
	rows, err := reader{ctx, h.readDB()}.rows(t.selects+` WHERE `+where+` ORDER BY id`, args...)
	if err != nil {
		return nil, wrap("reading "+collection, err)
	}
	defer rows.Close()
	for rows.Next() {
		rec, err := scanRecord(t, rows)
		if err != nil {
			return nil, err
		}
		row, err := rec.row(nil)
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, wrap("reading "+collection, rows.Err())
}

// CaseSeq is the number of the last change of a case: where it is the same,
// nothing of the case changed.
func (h *Hub) CaseSeq(ctx context.Context, caseID string) (seq uint64, err error) {
	for _, c := range care.Compartments {
		var last uint64
		err := reader{ctx, h.readDB()}.row(`SELECT COALESCE(MAX(seq), 0) FROM scope_log WHERE scope = ?`, string(fieldsync.CaseScope(caseID, c))).Scan(&last)
		if err != nil {
			return 0, wrap("reading how far a case is", err)
		}
		seq = max(seq, last)
	}
	return seq, nil
}

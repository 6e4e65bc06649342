package collections

import (
	"context"
	"fmt"
	"io"
	"time"

	"portolan/audit"
	"portolan/care"
)

// ActAudit is how the audit log names that it was looked at itself.
const ActAudit = "audit"

// EventQuery asks for events, the newest first. What is left out does not
// narrow it.
type EventQuery struct {
	Before int64 // number of the event before which to look, 0 for the end
	Limit  int   // 0 means EventsMax
	Case   string
	Staff  string
	Device string
	Act    string
	Denied bool      // what was refused alone
	From   time.Time // not before
	Until  time.Time // before
}

// LoggedEvent is an event with its number; one that was erased has nothing
// else.
type LoggedEvent struct {
	Seq    int64        `json:"n"`
	Erased bool         `json:"erased,omitempty"`
	Event  *audit.Event `json:"event,omitempty"`
}

// EventPage is a part of the log.
type EventPage struct {
	Events []LoggedEvent `json:"events"`
	Next   int64         `json:"next,omitempty"` // Before of the next page, 0 where there is none
}

// Limits of one page.
const (
	EventsMax     = 500
	eventsScanMax = 20_000 // events looked at, since only opened ones say what they are about
)

// Events lists what is in the audit log of the auditor's organisation, and of
// the hub as a whole: who did what to which record, and never what stands in
// it. That they looked is in the log before it returns.
func (h *Hub) Events(ctx context.Context, a care.Actor, q EventQuery) (EventPage, error) {
	page := EventPage{Events: []LoggedEvent{}}
	if q.Limit <= 0 || q.Limit > EventsMax {
		q.Limit = EventsMax
	}
	if err := h.mayAudit(ctx, a, q.Case); err != nil {
		return page, err
	}
	scanned := 0
	err := h.eachLeaf(ctx, q.Case, q.Before, func(row leafRow) (bool, error) {
		if scanned++; len(page.Events) == q.Limit || scanned > eventsScanMax {
			page.Next = row.seq + 1
			return false, nil
		}
		e, _, err := h.openLeaf(ctx, row)
		if err != nil {
			return false, err
		}
		if (row.org == "" || row.org == a.Org) && q.wants(e) {
			page.Events = append(page.Events, LoggedEvent{Seq: row.seq, Erased: e == nil, Event: e})
		}
		return true, nil
	})
	return page, err
}

// wants says whether an event is asked for; an erased one is where nothing is
// asked that only its contents could say.
func (q EventQuery) wants(e *audit.Event) bool {
	if e == nil {
		return q.Staff == "" && q.Device == "" && q.Act == "" && !q.Denied && q.From.IsZero() && q.Until.IsZero()
	}
	at, err := time.Parse(care.TimeFormat, e.At)
	if err != nil {
		return true // not a time: for whoever looks to see
	}
	return (q.Staff == "" || e.Staff == q.Staff) && (q.Device == "" || e.Device == q.Device) && (q.Act == "" || e.Act == q.Act) &&
		(!q.Denied || !e.Allowed) && (q.From.IsZero() || !at.Before(q.From)) && (q.Until.IsZero() || at.Before(q.Until))
}

// mayAudit notes that somebody wants to look at the log, and refuses those who
// have not the power.
func (h *Hub) mayAudit(ctx context.Context, a care.Actor, caseID string) error {
	d := care.Decision{Allowed: true, Reason: "power_audit"}
	if !a.Can(care.MayAudit) {
		d = care.Decision{Reason: care.NoPower}
	}
	// Not filed under the case: that somebody looked at its events is no
	// disclosure of what is in it.
	if err := h.audit(ctx, a, event{act: ActAudit, target: care.Target{Org: a.Org}, decision: d, records: caseAsked(caseID)}); err != nil {
		return err
	}
	if !d.Allowed {
		return ErrNoPower
	}
	return nil
}

func caseAsked(caseID string) []string {
	if caseID == "" {
		return nil
	}
	return []string{caseID}
}

// eachLeaf goes through the log from its end, of one case where one is named,
// until f says that it is enough.
func (h *Hub) eachLeaf(ctx context.Context, caseID string, before int64, f func(leafRow) (more bool, err error)) error {
	query, args := `SELECT seq, org, case_id, leaf, detail FROM audit_leaves WHERE seq < ? ORDER BY seq DESC`, []any{before}
	if before <= 0 {
		args[0] = int64(audit.SizeMax)
	}
	if caseID != "" {
		query = `SELECT seq, org, case_id, leaf, detail FROM audit_leaves WHERE seq < ? AND seq IN
			(SELECT seq FROM audit_leaves WHERE case_id = ? AND case_id != '' UNION SELECT seq FROM audit_cases WHERE case_id = ?) ORDER BY seq DESC`
		args = append(args, caseID, caseID)
	}
	rows, err := h.readDB().QueryContext(ctx, query, args...)
	if err != nil {
		return wrap("reading the audit log", err)
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scanLeaf(rows)
		if err != nil {
			return err
		}
		if more, err := f(row); err != nil || !more {
			return err
		}
	}
	return wrap("reading the audit log", rows.Err())
}

// ExportLog writes the whole audit log so that anybody can verify it with the
// public key alone: every leaf, and the events of the auditor's organisation
// and of the hub as a whole. What was erased, or is another organisation's,
// stays closed.
func (h *Hub) ExportLog(ctx context.Context, a care.Actor, w io.Writer) (audit.Checkpoint, error) {
	var c audit.Checkpoint
	if err := h.mayAudit(ctx, a, ""); err != nil {
		return c, err
	}
	head, err := h.LogHead(ctx, 0)
	if err != nil {
		return c, err
	}
	if c, err = h.logKeys.open(head.Signed); err != nil {
		return c, err
	}
	if err := audit.ExportHead(w, head.Signed); err != nil {
		return c, wrap("exporting the audit log", err)
	}
	rows, err := h.readDB().QueryContext(ctx, `SELECT seq, org, case_id, leaf, detail FROM audit_leaves WHERE seq <= ? ORDER BY seq`, head.Size)
	if err != nil {
		return c, wrap("reading the audit log", err)
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scanLeaf(rows)
		if err != nil {
			return c, err
		}
		detail, err := h.shownDetail(ctx, a, row)
		if err != nil {
			return c, err
		}
		if err := audit.Export(w, row.seq, row.leaf, detail); err != nil {
			return c, wrap("exporting the audit log", err)
		}
	}
	return c, wrap("reading the audit log", rows.Err())
}

// shownDetail opens a leaf for an auditor, nil where it is not theirs or was
// erased.
func (h *Hub) shownDetail(ctx context.Context, a care.Actor, row leafRow) ([]byte, error) {
	if row.org != "" && row.org != a.Org {
		return nil, nil
	}
	_, detail, err := h.openLeaf(ctx, row)
	return detail, err
}

// ErrNoEvent says that there is no event of that number.
var ErrNoEvent = &care.Error{Code: "audit_event_unknown", Kind: care.NotFound, Hint: "There is no event of that number in the audit log."}

// ProveEvent proves that one event is in the log, in a form that stands by
// itself.
func (h *Hub) ProveEvent(ctx context.Context, a care.Actor, seq int64) (p audit.Proof, err error) {
	if err := h.mayAudit(ctx, a, ""); err != nil {
		return p, err
	}
	head, err := h.LogHead(ctx, 0)
	if err != nil {
		return p, err
	}
	if seq < 1 || seq > head.Size {
		return p, ErrNoEvent
	}
	q := reader{ctx, h.readDB()}
	row, err := scanLeaf(q.row(`SELECT seq, org, case_id, leaf, detail FROM audit_leaves WHERE seq = ?`, seq))
	if err != nil {
		return p, err
	}
	p = audit.Proof{Checkpoint: head.Signed, Leaf: audit.Leaf{Seq: seq, Leaf: row.leaf.String()}}
	detail, err := h.shownDetail(ctx, a, row)
	if err != nil {
		return p, err
	}
	if detail != nil {
		e, _, err := audit.OpenDetail(detail)
		if err != nil {
			return p, fmt.Errorf("opening event %d: %w", seq, err)
		}
		p.Salt, p.Event = detail[:audit.SaltBytes], &e
	}
	p.Path, err = audit.ProveLeaf(head.Size, seq, nodesOf(q))
	return p, err
}

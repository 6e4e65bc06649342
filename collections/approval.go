package collections

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"portolan/care"
)

// The two-person rule (R29). Questions and answers stand in a table of the
// hub and not in a collection that syncs, for three reasons. Who hears of one
// is neither a case's grant holders nor a whole organisation: it is the asker
// and those who could decide. An answer given on a tablet without a network
// would be about a state that has passed. And a yes is used once, in the
// transaction of the act, which no merge of fields can promise.

// ActApproval is how the audit log names asking, answering and using a yes.
const ActApproval = "approval"

// Errors of the two-person rule.
var (
	ErrApprovalNeeded    = &care.Error{Code: "approval_needed", Kind: care.Unprocessed, Hint: "This takes a second person: ask for it, and do it once somebody else has agreed."}
	ErrApprovalMalformed = &care.Error{Code: "approval_malformed", Kind: care.Invalid, Hint: "There is no such act, or its subject, its terms or the reason are not of the form that it has."}
)

// approvalErrors is what is said to whoever may know of the question.
var approvalErrors = map[care.Reason]*care.Error{
	care.ApprovalOwn:       {Code: "approval_own", Kind: care.Unprocessed, Hint: "Whoever asked cannot decide. It takes another person."},
	care.ApprovalAboutSelf: {Code: "approval_about_self", Kind: care.Unprocessed, Hint: "This is about you, so somebody else asks and decides."},
	care.ApprovalOver:      {Code: "approval_over", Kind: care.Conflict, Hint: "This was decided already, or its time has passed. Ask again."},
	care.NoPower:           ErrNoPower,
}

const approvalColumns = `id, org, act, collection, record, terms, reason, asked_by, asked_at, expires_at, decided_by, decided_at, agreed, used_at`

// AskApproval asks a second person for an act; p names the act, its subject,
// its terms and the reason. Those who could decide are woken. The same
// question asked twice is one.
func (h *Hub) AskApproval(ctx context.Context, a care.Actor, p care.Approval) (care.Approval, error) {
	p = care.Approval{ID: h.newID(), Org: a.Org, Act: p.Act, Collection: p.Collection, Record: p.Record, Terms: p.Terms, Reason: p.Reason, AskedBy: a.Staff}
	if !p.WellFormed() {
		return p, ErrApprovalMalformed
	}
	var d care.Decision
	err := h.enter(ctx, a, func(s *session) error {
		now, err := h.present(s.t, a) // with the rights of this moment
		if err != nil {
			return err
		}
		if d = care.MayAsk(now, p); !d.Allowed {
			return approvalError(d)
		}
		if p.Record != "" {
			rec, err := s.load(h.tables[p.Collection], p.Record)
			if err != nil {
				return err
			}
			if rec == nil || rec.org != p.Org {
				d = care.Decision{Reason: care.OtherOrg}
				return care.ErrNotFound
			}
		}
		open, err := s.t.approvals(`asked_by = ? AND decided_by = '' AND expires_at > ?`, a.Staff, s.nowText)
		if err != nil {
			return err
		}
		for _, o := range open {
			if o.Same(p) {
				p = o
				return nil
			}
		}
		return s.keepQuestion(a, &p, d)
	})
	if err != nil && d.Reason != "" && !d.Allowed {
		return p, errors.Join(h.auditApproval(ctx, a, p, d), err)
	}
	return p, err
}

// keepQuestion keeps a question that may be asked, and wakes who could decide.
func (s *session) keepQuestion(a care.Actor, p *care.Approval, d care.Decision) error {
	p.AskedAt, p.ExpiresAt = s.now, s.now.Add(care.ApprovalTerm)
	if _, err := s.t.exec(`INSERT INTO approvals (id, org, act, collection, record, terms, reason, asked_by, asked_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		p.ID, p.Org, string(p.Act), p.Collection, p.Record, p.Terms, p.Reason, p.AskedBy, s.nowText, care.FormatTime(p.ExpiresAt)); err != nil {
		return wrap("keeping a question", err)
	}
	if err := s.t.note(s.nowText, a, approvalEvent(*p, d)); err != nil {
		return err
	}
	return s.wakeDeciders(*p)
}

// wakeDeciders wakes everybody who could decide a question.
func (s *session) wakeDeciders(p care.Approval) error {
	staff, err := s.colleagues(p.Org)
	for _, who := range staff {
		if care.MayDecide(who, p, s.now).Allowed {
			s.woken[who.Staff] = true
		}
	}
	return err
}

// colleagues are the members of staff who work in an organisation now,
// without their grants.
func (s *session) colleagues(org string) (out []care.Actor, err error) {
	rows, err := s.t.rows(`SELECT id FROM staff WHERE org = ? AND status = 'active' ORDER BY id`, org)
	if err != nil {
		return nil, wrap("reading the staff", err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, wrap("reading the staff", err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return nil, wrap("reading the staff", err)
	}
	rows.Close() // the one connection reads on
	for _, id := range ids {
		who, err := s.h.loadStaff(s.t, id, "")
		if errors.Is(err, care.ErrNotFound) {
			continue // whether they left is not settled: as if they had
		}
		if err != nil {
			return nil, err
		}
		out = append(out, who)
	}
	return out, nil
}

// DecideApproval answers a question, yes or no, as somebody else than whoever
// asked. An answer is final. Of two at once the first counts.
func (h *Hub) DecideApproval(ctx context.Context, a care.Actor, id string, agree bool) (p care.Approval, err error) {
	var d care.Decision
	err = h.enter(ctx, a, func(s *session) error {
		now, err := h.present(s.t, a) // with the rights of this moment
		if err != nil {
			return err
		}
		if p, err = oneApproval(s.t, id); err != nil {
			return err
		}
		if d = care.MayDecide(now, p, s.now); !d.Allowed {
			return approvalError(d)
		}
		if agree && p.AskedBy == care.HubStaff {
			own, err := s.setRetention(a.Staff, p.Record)
			if err != nil {
				return err
			}
			if own {
				d = care.Decision{Reason: care.ApprovalOwn, Basis: p.ID}
				return approvalError(d)
			}
		}
		p.DecidedBy, p.DecidedAt, p.Agreed = a.Staff, s.now, agree
		if agree {
			p.ExpiresAt = d.Until
		} else {
			d.Reason = care.ApprovalDeclined
		}
		if _, err := s.t.exec(`UPDATE approvals SET decided_by = ?, decided_at = ?, agreed = ?, expires_at = ? WHERE id = ?`,
			a.Staff, s.nowText, agree, care.FormatTime(p.ExpiresAt), p.ID); err != nil {
			return wrap("keeping an answer", err)
		}
		s.woken[p.AskedBy] = true
		return s.t.note(s.nowText, a, approvalEvent(p, d))
	})
	if err != nil && (d.Reason != "" || errors.Is(err, care.ErrNotFound)) {
		seen := care.SeesApproval(a, p)
		if d.Reason == "" {
			d.Reason = care.NoSuchTarget
		}
		if auditErr := h.auditApproval(ctx, a, p, d); auditErr != nil || !seen {
			return care.Approval{}, errors.Join(auditErr, care.ErrNotFound)
		}
	}
	return p, err
}

// spendApproval uses up the second person's yes to an act, inside the
// transaction that does it; p names the act, its subject and its terms.
// ErrApprovalNeeded where there is none that holds now. It is the whole of
// the check: whoever calls it first and acts after it in the same transaction
// has kept the two-person rule.
func (h *Hub) spendApproval(t *tx, a care.Actor, p care.Approval) (care.Approval, error) {
	now := h.now()
	agreed, err := t.approvals(`org = ? AND act = ? AND record = ? AND agreed = 1 AND used_at = '' AND expires_at > ?`,
		orgOf(a, p), string(p.Act), p.Record, care.FormatTime(now))
	if err != nil {
		return p, err
	}
	for _, o := range agreed {
		if !o.Same(p) {
			continue
		}
		decider, err := h.loadStaff(t, o.DecidedBy, "")
		if err != nil && !errors.Is(err, care.ErrNotFound) {
			return p, err
		}
		d := care.MaySpend(a, decider, o, now)
		if !d.Allowed {
			continue
		}
		if _, err := t.exec(`UPDATE approvals SET used_at = ? WHERE id = ?`, care.FormatTime(now), o.ID); err != nil {
			return p, wrap("using an approval", err)
		}
		o.UsedAt = now
		return o, t.note(care.FormatTime(now), a, approvalEvent(o, d))
	}
	return p, ErrApprovalNeeded
}

// orgOf is whose approval is looked for: the actor's organisation, or, for
// the hub's own jobs, the one that the question names.
func orgOf(a care.Actor, p care.Approval) string {
	if a.IsHub() {
		return p.Org
	}
	return a.Org
}

// Approved says whether the actor could act now under a second person's yes.
// It uses nothing up and promises nothing: the act asks again when it is done.
func (h *Hub) Approved(ctx context.Context, a care.Actor, p care.Approval) (bool, error) {
	q := reader{ctx, h.readDB()}
	agreed, err := selectApprovals(q, `org = ? AND act = ? AND record = ? AND agreed = 1 AND used_at = ''`, orgOf(a, p), string(p.Act), p.Record)
	if err != nil {
		return false, err
	}
	for _, o := range agreed {
		decider, err := h.loadStaff(q, o.DecidedBy, "")
		if err != nil && !errors.Is(err, care.ErrNotFound) {
			return false, err
		}
		if o.Same(p) && care.MaySpend(a, decider, o, h.now()).Allowed {
			return true, nil
		}
	}
	return false, nil
}

// Approvals lists the questions that wait for an answer or for their use, and
// that the actor asked or could decide, the oldest first.
func (h *Hub) Approvals(ctx context.Context, a care.Actor) ([]care.Approval, error) {
	all, err := selectApprovals(reader{ctx, h.readDB()}, `org = ? AND used_at = '' AND expires_at > ? AND (decided_by = '' OR agreed = 1)`,
		a.Org, care.FormatTime(h.now()))
	if err != nil {
		return nil, err
	}
	out := []care.Approval{}
	for _, p := range all {
		if care.SeesApproval(a, p) {
			out = append(out, p)
		}
	}
	return out, nil
}

func (t *tx) approvals(where string, args ...any) ([]care.Approval, error) {
	return selectApprovals(t, where, args...)
}

func selectApprovals(q querier, where string, args ...any) (out []care.Approval, err error) {
	rows, err := q.rows(`SELECT `+approvalColumns+` FROM approvals WHERE `+where+` ORDER BY id`, args...)
	if err != nil {
		return nil, wrap("reading approvals", err)
	}
	defer rows.Close()
	for rows.Next() {
		p, err := scanApproval(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, wrap("reading approvals", rows.Err())
}

func oneApproval(q querier, id string) (care.Approval, error) {
	p, err := scanApproval(q.row(`SELECT `+approvalColumns+` FROM approvals WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return p, care.ErrNotFound
	}
	return p, err
}

func scanApproval(row interface{ Scan(...any) error }) (p care.Approval, err error) {
	var asked, expires, decided, used string
	if err := row.Scan(&p.ID, &p.Org, &p.Act, &p.Collection, &p.Record, &p.Terms, &p.Reason, &p.AskedBy, &asked, &expires,
		&p.DecidedBy, &decided, &p.Agreed, &used); err != nil {
		return p, wrap("reading an approval", err)
	}
	for _, m := range []struct {
		text string
		into *time.Time
	}{{asked, &p.AskedAt}, {expires, &p.ExpiresAt}, {decided, &p.DecidedAt}, {used, &p.UsedAt}} {
		if m.text == "" {
			continue // not yet
		}
		if *m.into, err = time.Parse(care.TimeFormat, m.text); err != nil {
			return p, wrap("reading an approval's time", err)
		}
	}
	return p, nil
}

func approvalError(d care.Decision) error {
	if e, ok := approvalErrors[d.Reason]; ok {
		return e
	}
	return care.ErrNotFound
}

func approvalEvent(p care.Approval, d care.Decision) event {
	t := care.Target{Collection: p.Collection, Org: p.Org}
	if p.Collection == "cases" {
		t.Case = p.Record
	}
	return event{act: ActApproval, target: t, decision: d, count: 1, approval: p.ID}
}

func (h *Hub) auditApproval(ctx context.Context, a care.Actor, p care.Approval, d care.Decision) error {
	return h.audit(ctx, a, approvalEvent(p, d))
}

package collections

import (
	"context"

	"portolan/care"
)

// Acts as the audit log names them.
const (
	ActSync   = "sync"
	ActRead   = "read"
	ActList   = "list"
	ActPrint  = "print"
	ActEnrol  = "enrol"
	ActRevoke = "revoke"
)

// event is one decision to be kept.
type event struct {
	act      string
	target   care.Target
	decision care.Decision
	count    int // records disclosed
}

// Audit notes one decision about what the actor wants to do to a target. What
// it allows may be done only after Audit returned nil.
func (h *Hub) Audit(ctx context.Context, a care.Actor, act string, target care.Target, d care.Decision) error {
	return h.audit(ctx, a, event{act: act, target: target, decision: d, count: 1})
}

func (h *Hub) audit(ctx context.Context, a care.Actor, events ...event) error {
	if len(events) == 0 {
		return nil
	}
	at := care.FormatTime(h.now())
	err := h.writer.write(ctx, func(t *tx) error { return t.note(at, a, events...) })
	return wrap("writing the audit log", err)
}

// note keeps decisions in the transaction of what they are about.
func (t *tx) note(at string, a care.Actor, events ...event) error {
	for _, e := range events {
		if _, err := t.exec(`INSERT INTO audit_log (at, staff, device, act, collection, org, case_id, topic, compartment, allowed, reason, basis, count)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, at, a.Staff, a.Device, e.act, e.target.Collection, e.target.Org, e.target.Case,
			string(e.target.Topic), string(e.target.Compartment), e.decision.Allowed, string(e.decision.Reason), e.decision.Basis, e.count); err != nil {
			return wrap("writing the audit log", err)
		}
	}
	return nil
}

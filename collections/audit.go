package collections

import (
	"context"
	"errors"
	"sync"

	"portolan/care"
)

// Acts as the audit log names them.
const (
	ActSync    = "sync"
	ActRead    = "read"
	ActList    = "list"
	ActPrint   = "print"
	ActHandOut = "hand_out"
	ActFile    = "file"
	ActUpload  = "upload"
	ActChange  = "change"
	ActEnrol   = "enrol"
	ActRevoke  = "revoke"
	ActBackup  = "backup"
	ActRestore = "restore" // the hub was put back from a copy: a new epoch
	ActDecide  = "decide"  // a held change accepted or declined
	ActLease   = "lease"   // the term of leases was set
)

// ErrAudit says that the audit log cannot be written: what it does not hold
// is not shown.
var ErrAudit = &care.Error{Code: "audit_unavailable", Kind: care.Busy, Hint: "The audit log cannot be written at the moment, so nothing is shown. Nothing was lost; try again in a moment."}

// event is one decision to be kept.
type event struct {
	act      string
	target   care.Target
	decision care.Decision
	count    int      // records disclosed
	records  []string // their ids, or the first of them
	purpose  string
	approval string // the two-person act that it rests on
}

// noted is what somebody did at one moment.
type noted struct {
	at     string
	actor  care.Actor
	events []event
	chains []chainEnd
}

// Audit notes one decision about what the actor wants to do to a target. What
// it allows may be done only after Audit returned nil.
func (h *Hub) Audit(ctx context.Context, a care.Actor, act string, target care.Target, d care.Decision) error {
	return h.audit(ctx, a, event{act: act, target: target, decision: d, count: 1})
}

// Decided is one decision of an act that rests on several.
type Decided struct {
	Target   care.Target
	Decision care.Decision
	Purpose  care.Purpose // what it is for, where it leaves the house
}

// AuditAll is Audit for an act that rests on several decisions: they are
// written together.
func (h *Hub) AuditAll(ctx context.Context, a care.Actor, act string, decided []Decided) error {
	events := make([]event, len(decided))
	for i, d := range decided {
		events[i] = event{act: act, target: d.Target, decision: d.Decision, count: 1, purpose: string(d.Purpose)}
	}
	return h.audit(ctx, a, events...)
}

// refuse notes that somebody asked for what their role may not do, and
// returns what they are told.
func (h *Hub) refuse(ctx context.Context, a care.Actor, act string, target care.Target) error {
	if err := h.Audit(ctx, a, act, target, care.Decision{Reason: care.NoPower}); err != nil {
		return err
	}
	return ErrNoPower
}

// note keeps decisions in the transaction of what they are about. They are
// written at its end, and stand or fall with it.
func (t *tx) note(at string, a care.Actor, events ...event) error {
	t.noted = append(t.noted, noted{at: at, actor: a, events: events})
	return nil
}

// readQueue gathers what many readers want to see into one transaction: each
// is answered once it is on the disk, and they share the wait for it. Whoever
// comes while a transaction is under way goes with the next.
type readQueue struct {
	mu      sync.Mutex
	waiting []*reading
	running bool
	idle    sync.WaitGroup
}

type reading struct {
	noted
	done chan error
}

// readingsMax is how many disclosures go into one transaction.
const readingsMax = 256

// audit notes decisions outside any other transaction, and returns once they
// are on the disk.
func (h *Hub) audit(ctx context.Context, a care.Actor, events ...event) error {
	if len(events) == 0 {
		return nil
	}
	r := &reading{noted{at: care.FormatTime(h.now()), actor: a, events: events}, make(chan error, 1)}
	q := &h.reads
	q.mu.Lock()
	q.waiting = append(q.waiting, r)
	if !q.running {
		q.running = true
		q.idle.Go(h.writeReadings)
	}
	q.mu.Unlock()
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err() // it may be noted that they would have seen it
	}
}

// writeReadings writes what waits until nothing does.
func (h *Hub) writeReadings() {
	q := &h.reads
	for {
		q.mu.Lock()
		n := min(len(q.waiting), readingsMax)
		batch := q.waiting[:n:n]
		if q.waiting = q.waiting[n:]; n == 0 {
			q.waiting, q.running = nil, false
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		err := h.writeNoted(batch)
		var known *care.Error
		if err == nil || len(batch) == 1 || errors.As(err, &known) {
			for _, r := range batch {
				h.answerReading(r, err)
			}
			continue
		}
		// What one of them spoils must not be refused to the others.
		for i := range batch {
			h.answerReading(batch[i], h.writeNoted(batch[i:i+1]))
		}
	}
}

func (h *Hub) writeNoted(batch []*reading) error {
	return h.writer.do(context.Background(), &writing{shares: true, first: true, f: func(t *tx) error {
		for _, r := range batch {
			t.noted = append(t.noted, r.noted)
		}
		return nil
	}})
}

// answerReading tells a reader what became of the log: an error that has a
// name, such as that of a full disk, under it, every other as ErrAudit.
func (h *Hub) answerReading(r *reading, err error) {
	var known *care.Error
	if err != nil && !errors.As(err, &known) {
		h.log.Error("the audit log cannot be written", "error", err)
		e := *ErrAudit
		e.Err = err
		err = &e
	}
	r.done <- err
}

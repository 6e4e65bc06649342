package collections

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"portolan/care"
	fieldsync "portolan/sync"
)

// Decisions about a held change.
const (
	Accept  = "accept"
	Decline = "decline"
	TakenUp = "taken_up" // by the hub itself: what it waited for has come
)

// AsAuthor and AsMe say in whose name an accepted change passes the door:
// with the rights of the one or of the other, and no more.
const (
	AsAuthor = "author"
	AsMe     = "me"
)

// What the audit log says of a decision.
const (
	ReasonAccepted = "held_accepted"
	ReasonDeclined = "held_declined"
	ReasonTakenUp  = "held_taken_up"
)

var decidedReasons = map[string]care.Reason{Accept: ReasonAccepted, Decline: ReasonDeclined, TakenUp: ReasonTakenUp}

// DeclineReasons is why a held change may be declined. A list and no text: who
// writes a sentence here writes about a person, outside every compartment.
var DeclineReasons = []string{"already_entered", "outdated", "wrong", "not_the_author", "other"}

// Errors of deciding.
var (
	ErrDecided  = &care.Error{Code: "already_decided", Kind: care.Conflict, Hint: "Somebody has decided about this change already."}
	ErrTwice    = &care.Error{Code: "taken_already", Kind: care.Conflict, Hint: "The same change came twice, and stands already as it came the other time. Decline this one."}
	ErrOwnWork  = &care.Error{Code: "own_change", Kind: care.Unprocessed, Hint: "Nobody decides about a change of their own; ask a colleague."}
	ErrVerdict  = &care.Error{Code: "decision_unknown", Kind: care.Invalid, Hint: "Accept, as the author or as yourself, or decline with one of the reasons in docs/http.md."}
	ErrUnread   = &care.Error{Code: "change_unreadable", Kind: care.Unprocessed, Hint: "This version of the hub cannot read the change. Decline it, or update the hub and decide then."}
	ErrFirst    = &care.Error{Code: "document_first", Kind: care.Unprocessed, Hint: "The record of this file is not there. Where it was kept aside too, decide about that first, and the file is decided with it; where it was declined, decline the file."}
	ErrNoFile   = &care.Error{Code: "file_gone", Kind: care.Unprocessed, Hint: "The file is not kept any more: its part of the case was erased, or it was decided about long ago. Decline it."}
	ErrUnseen   = &care.Error{Code: "change_unseen", Kind: care.Unprocessed, Hint: "You may not see all of this change. Somebody who does decides about it."}
	errNotHeard = care.ErrNotFound // what one may not hear of looks like what is not there
)

// Verdict is what a person decides about a held change.
type Verdict struct {
	Decision string // Accept or Decline
	As       string // of an accepted one: AsAuthor, also where "", or AsMe
	Why      string // of a declined one: one of DeclineReasons
}

func (v *Verdict) check() error {
	if v.Decision == Accept && v.As == "" {
		v.As = AsAuthor
	}
	ok := v.Decision == Accept && v.Why == "" && (v.As == AsAuthor || v.As == AsMe) ||
		v.Decision == Decline && v.As == "" && slices.Contains(DeclineReasons, v.Why)
	if !ok {
		return ErrVerdict
	}
	return nil
}

// HeldChange is a change that was kept aside, with as much of it as the reader
// may see.
type HeldChange struct {
	Seq        uint64                `json:"seq"`
	Collection string                `json:"collection"`
	Record     string                `json:"record"`
	Case       string                `json:"case,omitempty"`
	Author     string                `json:"author"`
	MadeAt     string                `json:"made_at"` // by the device's clock
	ArrivedAt  string                `json:"arrived_at"`
	Held       []fieldsync.Held      `json:"held"`
	Set        map[string]care.Value `json:"set,omitempty"`
	Add        map[string][]string   `json:"add,omitempty"`
	Remove     map[string][]string   `json:"rm,omitempty"`
	Hidden     int                   `json:"hidden,omitempty"` // fields that the reader may not see
	Awaits     fieldsync.Dot         `json:"awaits,omitempty"` // the version that it waits for
	Decided    *Outcome              `json:"decided,omitempty"`
}

// Outcome is how a held change ended.
type Outcome struct {
	Decision string `json:"decision"`
	By       string `json:"by"`
	At       string `json:"at"`
	Why      string `json:"why,omitempty"`
	Change   uint64 `json:"change,omitempty"` // number of the change that came of it
	// Files that waited for the record which was decided about, and were with it.
	Files []FileOutcome `json:"files,omitempty"`
}

// FileOutcome is what became of a file that waited for its record: decided
// alike, or why not. Then it waits on, under its own number.
type FileOutcome struct {
	Seq  uint64 `json:"seq"`
	Code string `json:"code,omitempty"`
}

// heldRow is one held change as the log has it.
type heldRow struct {
	HeldChange
	replica string
	n       uint64
	org     string
	body    []byte
	unread  error
	change  fieldsync.Change
}

// heldAt reads the held change with a number, errNotHeard where there is none.
func (h *Hub) heldAt(q querier, seq uint64) (*heldRow, error) {
	rows, err := q.rows(`SELECT h.field, h.reason, h.decided_at, h.decided_by, h.decision, h.why, h.decided_seq,
		c.replica, c.n, c.collection, c.record, c.org, c.case_id, h.author, c.made_at, c.arrived_at, c.body,
		COALESCE((SELECT w.replica || '/' || w.n FROM awaited w WHERE w.seq = h.seq), '')
		FROM held_changes h JOIN changes c ON c.seq = h.seq WHERE h.seq = ? ORDER BY h.id`, seq)
	if err != nil {
		return nil, wrap("reading a held change", err)
	}
	defer rows.Close()
	var r *heldRow
	for rows.Next() {
		if r == nil {
			r = &heldRow{HeldChange: HeldChange{Seq: seq}}
		}
		var field, reason string
		var d Outcome
		if err := rows.Scan(&field, &reason, &d.At, &d.By, &d.Decision, &d.Why, &d.Change,
			&r.replica, &r.n, &r.Collection, &r.Record, &r.org, &r.Case, &r.Author, &r.MadeAt, &r.ArrivedAt, &r.body, (*string)(&r.Awaits)); err != nil {
			return nil, wrap("reading a held change", err)
		}
		r.Held = append(r.Held, fieldsync.Held{Field: field, Reason: reason})
		if d.At != "" {
			r.Decided = &d
		}
	}
	if err := rows.Err(); err != nil {
		return nil, wrap("reading a held change", err)
	}
	if r == nil {
		return nil, errNotHeard
	}
	rows.Close()   // the one writing connection reads on
	var whole bool // else a part of what it said was erased
	r.body, whole, err = h.keys.openChange(seq, r.org, r.Case, r.body)
	if errors.Is(err, ErrErased) {
		r.unread = ErrUnread
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	if r.change, r.unread = fieldsync.DecodeChange(r.body); !whole && r.unread == nil && len(r.change.Fields()) == 0 {
		r.unread = ErrUnread
	}
	return r, nil
}

// whole says whether all of the change is held.
func (r *heldRow) whole() bool {
	return slices.ContainsFunc(r.Held, func(h fieldsync.Held) bool { return h.Field == "" })
}

// fields lists what of the change is held.
func (r *heldRow) fields() []string {
	names := r.change.Fields()
	if r.whole() {
		return names
	}
	return slices.DeleteFunc(names, func(f string) bool {
		return !slices.ContainsFunc(r.Held, func(h fieldsync.Held) bool { return h.Field == f })
	})
}

func (r *heldRow) target(c care.Compartment) care.Target {
	t := care.Target{Collection: r.Collection, Org: r.org, Case: r.Case, Compartment: c}
	if e, ok := care.Find(r.Collection); ok {
		t.Topic = e.Topic
	}
	return t
}

// hears decides whether the actor may know that the change waits, by the same
// rule as the worklist.
func (h *Hub) hears(q querier, a care.Actor, r *heldRow) (care.Decision, error) {
	load := caseloadOf(a).on(r.Case)
	for _, held := range r.Held {
		c := care.General
		if e, ok := care.Find(r.Collection); ok {
			if f, ok := e.Field(held.Field); ok {
				c = f.Compartment
			}
		}
		if d := care.MaySee(load, care.Read, r.target(c), h.now()); d.Allowed {
			return d, nil
		}
	}
	var placed bool
	if err := q.row(`SELECT EXISTS (SELECT 1 FROM cases WHERE id = ?)`, r.Case).Scan(&placed); err != nil {
		return care.Decision{}, wrap("looking for a case", err)
	}
	return mayHear(a, r.target(care.General), r.Author, placed), nil
}

// heard is a held change that the actor may know of, and why they may.
// errNotHeard where there is none, after the same questions to the database:
// numbers of changes follow one another, and can be tried.
func (h *Hub) heard(ctx context.Context, a care.Actor, seq uint64) (*heldRow, care.Decision, error) {
	q := reader{ctx, h.readDB()}
	r, err := h.heldAt(q, seq)
	there := !errors.Is(err, errNotHeard)
	if !there {
		r, err = &heldRow{}, nil
	}
	if err != nil {
		return nil, care.Decision{}, err
	}
	d, err := h.hears(q, a, r)
	if err == nil && !(there && d.Allowed) {
		err = errNotHeard
	}
	return r, d, err
}

// Held returns a held change with the fields that the actor may see. The
// disclosure is in the audit log before it returns.
func (h *Hub) Held(ctx context.Context, a care.Actor, seq uint64) (HeldChange, error) {
	r, heard, err := h.heard(ctx, a, seq)
	if err != nil {
		return HeldChange{}, err
	}
	if heard.Reason == care.SeeOwn {
		r.Case = "" // where a record belongs that they may not see is not theirs to hear
	}
	events := []event{{act: ActRead, target: r.target(care.General), decision: heard, count: 1}}
	if r.unread == nil {
		events = append(events, r.show(caseloadOf(a).on(r.Case), h)...)
	}
	return r.HeldChange, h.audit(ctx, a, events...)
}

// show puts in what of the change its reader may see, and returns the
// decisions that let them.
func (r *heldRow) show(a care.Actor, h *Hub) []event {
	e, _ := care.Find(r.Collection)
	r.Set, r.Add, r.Remove = map[string]care.Value{}, map[string][]string{}, map[string][]string{}
	var events []event
	for _, name := range r.fields() {
		var f *care.Field
		if e != nil {
			f, _ = e.Field(name)
		}
		if f == nil {
			r.Hidden++ // of a newer version: nobody knows who may see it
			continue
		}
		d := care.MaySee(a, care.Read, r.target(f.Compartment), h.now())
		if !d.Allowed && r.Author != a.Staff {
			r.Hidden++
			continue
		}
		events = mergeEvents(events, []event{{act: ActRead, target: r.target(f.Compartment), decision: d, count: 1}})
		if v, ok := r.change.Set[name]; ok {
			r.Set[name] = v
		}
		if l := r.change.Add[name]; len(l) > 0 {
			r.Add[name] = l
		}
		if l := r.change.Remove[name]; len(l) > 0 {
			r.Remove[name] = l
		}
	}
	return events
}

// Decide accepts or declines a held change, and with it those of its group. An
// accepted one passes the door again as a change of the hub's replica, with
// the author's clock and base, in the author's name or in the decider's: where
// the door holds it again nothing is decided and the error says why. The same
// decision of the same person again changes nothing and is answered alike.
func (h *Hub) Decide(ctx context.Context, a care.Actor, seq uint64, v Verdict) (Outcome, error) {
	if err := v.check(); err != nil {
		return Outcome{}, err
	}
	decides, err := h.actorNow(h.asks(ctx), a)
	if err != nil {
		return Outcome{}, err
	}
	r, _, err := h.heard(ctx, decides, seq)
	if err != nil {
		return Outcome{}, err
	}
	if r.namesFile() {
		return h.decideFile(ctx, a, seq, v)
	}
	var out Outcome
	var files []uint64
	err = h.enter(ctx, a, func(s *session) error {
		var err error
		if s.actor, err = h.present(s.t, a); err != nil {
			return err
		}
		if r.Collection == "documents" {
			if files, err = s.filesOfNew(r.Record); err != nil {
				return err
			}
		}
		if out, err = s.decide(seq, v); err != nil || v.Decision == Accept || len(files) == 0 {
			return err
		}
		wait, err := s.waits(r.Record)
		if wait { // another change may still make the record: they wait for that
			files = nil
		}
		return err
	})
	for i := 0; err == nil && i < len(files); i++ {
		f := FileOutcome{Seq: files[i]}
		if _, err := h.decideFile(ctx, a, files[i], v); err != nil {
			f.Code = care.CodeOf(err)
		}
		out.Files = append(out.Files, f)
	}
	return out, err
}

func (s *session) decide(seq uint64, v Verdict) (Outcome, error) {
	r, err := s.h.heldAt(s.t, seq)
	if err != nil {
		return Outcome{}, err
	}
	if done, err := s.h.mayDecide(s.t, s.actor, r, v); err != nil || done != nil {
		if done != nil {
			return *done, nil
		}
		return Outcome{}, err
	}
	group, err := s.groupOf(r)
	if err != nil {
		return Outcome{}, err
	}
	s.unit, s.grouped = s.seq+1, true // what stood or fell together comes down together
	defer func() { s.grouped = false }()
	var out Outcome
	for _, member := range group {
		if err := s.seesHeld(member); err != nil {
			return Outcome{}, err
		}
		d, err := s.decideOne(member, v)
		if err != nil {
			return Outcome{}, err
		}
		if member.Seq == seq {
			out = d
		}
	}
	return out, nil
}

// mayDecide refuses whoever may not decide about a held change, and gives its
// outcome where they have decided so already.
func (h *Hub) mayDecide(q querier, actor care.Actor, r *heldRow, v Verdict) (done *Outcome, err error) {
	if !actor.IsHub() {
		if actor.Grants, err = grantsOf(q, actor.Staff, r.Case); err != nil {
			return nil, err
		}
	}
	heard, err := h.hears(q, actor, r)
	switch {
	case err != nil:
		return nil, err
	case !heard.Allowed:
		return nil, errNotHeard
	case !actor.Can(care.MayApprove):
		return nil, ErrNoPower
	case r.Author == actor.Staff:
		return nil, ErrOwnWork
	case r.Decided == nil:
		return nil, nil
	case r.Decided.By == actor.Staff && r.Decided.Decision == v.Decision && r.Decided.Why == v.Why:
		return r.Decided, nil
	}
	return nil, ErrDecided
}

// seesHeld refuses a decision of somebody who may not see all that is held: in
// its author's name they would let in what they never read, or leave aside for
// good what others need. What belongs to no case of this hub nobody sees, nor
// fields of a newer version, nor a change that cannot be read.
func (s *session) seesHeld(r *heldRow) error {
	e, known := care.Find(r.Collection)
	rec, err := s.load(s.h.tables["cases"], r.Case)
	if err != nil || s.actor.IsHub() || !known || r.unread != nil || e.Topic == care.NoTopic && rec == nil {
		return err
	}
	actor := s.actor
	if actor.Grants, err = grantsOf(s.t, actor.Staff, r.Case); err != nil {
		return err
	}
	for _, name := range r.fields() {
		if f, ok := e.Field(name); ok && !care.MaySee(actor, care.Read, r.target(f.Compartment), s.now).Allowed {
			return ErrUnseen
		}
	}
	return nil
}

// groupOf is the held changes that stand or fall with one, in their order.
func (s *session) groupOf(r *heldRow) ([]*heldRow, error) {
	group := []*heldRow{r}
	if r.unread != nil || r.change.Group == "" {
		return group, nil
	}
	for _, step := range []int64{-1, 1} {
		for n := int64(r.n) + step; n > 0; n += step {
			var seq uint64
			if err := s.t.row(`SELECT COALESCE(MAX(h.seq), 0) FROM held_changes h JOIN changes c ON c.seq = h.seq WHERE c.replica = ? AND c.n = ?`,
				r.replica, n).Scan(&seq); err != nil {
				return nil, wrap("reading a group", err)
			}
			if seq == 0 {
				break
			}
			m, err := s.h.heldAt(s.t, seq)
			if err != nil {
				return nil, err
			}
			if m.unread != nil || m.change.Group != r.change.Group || m.Decided != nil {
				break
			}
			group = append(group, m)
		}
	}
	slices.SortFunc(group, func(a, b *heldRow) int { return int(int64(a.n) - int64(b.n)) })
	return group, nil
}

func (s *session) decideOne(r *heldRow, v Verdict) (Outcome, error) {
	d := Outcome{Decision: v.Decision, By: s.actor.Staff, At: s.nowText, Why: v.Why}
	if v.Decision != Decline {
		receipt, err := s.acceptHeld(r, v)
		if err != nil {
			return d, err
		}
		d.Change = receipt.Seq
	}
	return d, s.noteDecided(r, d)
}

// noteDecided keeps how a held change ended.
func (s *session) noteDecided(r *heldRow, d Outcome) error {
	if _, err := s.t.exec(`UPDATE held_changes SET decided_at = ?, decided_by = ?, decision = ?, why = ?, decided_seq = ? WHERE seq = ?`,
		d.At, d.By, d.Decision, d.Why, d.Change, r.Seq); err != nil {
		return wrap("noting a decision", err)
	}
	if err := s.unpark(r); err != nil {
		return err
	}
	s.woken[r.Author] = true
	return s.t.note(s.nowText, s.actor, event{act: ActDecide, target: r.target(care.General), count: 1,
		decision: care.Decision{Allowed: true, Reason: decidedReasons[d.Decision], Basis: fmt.Sprint("change/", r.Seq)}})
}

// acceptHeld passes a held change through the door again.
func (s *session) acceptHeld(r *heldRow, v Verdict) (fieldsync.Receipt, error) {
	if r.unread != nil {
		return fieldsync.Receipt{}, ErrUnread
	}
	if twice, err := s.takenAlready(r); err != nil || twice {
		return fieldsync.Receipt{}, errors.Join(err, ErrTwice)
	}
	actor, err := s.h.inWhoseName(s.t, s.actor, r, v.As)
	if err != nil {
		return fieldsync.Receipt{}, err
	}
	c := r.change
	c.N, c.Author, c.Group, c.Salt = s.hubN+1, actor.Staff, "", s.h.newSalt()
	keep := r.fields()
	c.Set, c.Add, c.Remove, c.Base = only(c.Set, keep), only(c.Add, keep), only(c.Remove, keep), only(c.Base, keep)
	a := &arrival{Change: c, raw: fieldsync.EncodeChange(c), replica: s.h.replica, actor: actor, unbased: v.Decision == Accept}
	receipt, err := s.take(a, nil)
	if err != nil {
		return receipt, err
	}
	if a.awaits != "" {
		return receipt, stillAwaits{a.awaits}
	}
	for _, held := range receipt.Held {
		return receipt, heldAgain(held)
	}
	return receipt, nil
}

// heldAgain says why what was to be accepted would be kept aside once more.
func heldAgain(why fieldsync.Held) error {
	return &care.Error{Code: why.Reason, Kind: care.Unprocessed,
		Hint: "It would be kept aside again, and is still undecided: " + why.Reason + " " + why.Field}
}

// inWhoseName is as whom a held change is accepted.
func (h *Hub) inWhoseName(q querier, decides care.Actor, r *heldRow, as string) (care.Actor, error) {
	if as != AsAuthor {
		return decides, nil
	}
	actor, err := h.loadStaff(q, r.Author, "")
	if errors.Is(err, care.ErrNotFound) {
		err = &care.Error{Code: "author_gone", Kind: care.Unprocessed, Hint: "Its author does not work here any more. Accept it as yourself."}
	}
	return actor, err
}

// takenAlready says whether the very same change, under another number, was
// applied or accepted before: what a tablet can no longer read it may deliver
// again after it was enrolled anew. The salt in each makes its hash its own.
func (s *session) takenAlready(r *heldRow) (twice bool, err error) {
	err = s.t.row(`SELECT EXISTS (SELECT 1 FROM changes c LEFT JOIN held_changes h ON h.seq = c.seq
		WHERE c.record = ? AND c.seq != ? AND c.hash = (SELECT hash FROM changes WHERE seq = ?) AND (h.seq IS NULL OR h.decided_seq > 0))`,
		r.Record, r.Seq, r.Seq).Scan(&twice)
	return twice, wrap("looking for the same change", err)
}

func only[V any](m map[string]V, keep []string) map[string]V {
	out := map[string]V{}
	for k, v := range m {
		if slices.Contains(keep, k) {
			out[k] = v
		}
	}
	return out
}

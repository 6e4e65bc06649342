package collections

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"slices"

	"portolan/care"
	"portolan/seal"
)

// PaperBytesMax bounds one prepared paper.
const PaperBytesMax = 8 << 20

// PaperName is the name under which every summary leaves the hub (R17).
const PaperName = "summary.pdf"

// Errors of papers. None says what stands on them.
var (
	ErrPaperState   = &care.Error{Code: "paper_state", Kind: care.Conflict, Hint: "This paper was cancelled, or has been given out already."}
	ErrPaperClosed  = &care.Error{Code: "paper_compartment", Kind: care.Unprocessed, Hint: "The paper holds parts of the case that you are not on. Ask somebody who is, or for a grant."}
	ErrPaperDamaged = &care.Error{Code: "paper_damaged", Kind: care.Conflict, Hint: "The file of this paper is missing or not the one that was made. Prepare it again."}
)

// whyNot says in words, for the console, why a person's agreement does not
// allow a paper. The app says it by the reason's key.
var whyNot = map[care.Reason]string{
	care.NoConsent:        "Nobody asked the person yet, or they agreed to something else. Ask, and record their answer.",
	care.ConsentDenied:    "The person said no.",
	care.ConsentWithdrawn: "The person took their agreement back.",
	care.ConsentExpired:   "The person's agreement has ended. Ask again.",
	care.ConsentNotYet:    "The person's agreement begins later.",
	care.RecipientUnclear: "It is not said for which country or organisation.",
	care.NotWanted:        "The person chose not to carry a paper.",
	care.TransferOver:     "The move was called off.",
}

// NoConsentError says why a person's agreement does not allow a paper.
func NoConsentError(r care.Reason) *care.Error {
	hint, ok := whyNot[r]
	if !ok {
		hint = "The person's agreement does not allow it."
	}
	return &care.Error{Code: "summary_not_agreed", Kind: care.Unprocessed, Hint: hint + " (" + string(r) + ")"}
}

// KeepPaper stores the bytes of a paper and makes its record, with the changes
// that belong to it, which stand or fall together. The bytes are on the disk
// before the record names them; bytes that no record names are removed.
func (h *Hub) KeepPaper(ctx context.Context, a care.Actor, b []byte, paper Draft, more ...Draft) (id string, err error) {
	if len(b) > PaperBytesMax {
		return "", &care.Error{Code: "paper_too_large", Kind: care.TooLarge, Hint: "The paper is too large."}
	}
	paper.Collection, paper.Record = "documents", h.newID()
	paper.Set["filed_at"] = care.OfTime(h.now())
	h.reached("paper made")
	drafts := append([]Draft{paper}, more...)
	group := h.newID()
	for i := range drafts {
		drafts[i].Group = group
		if drafts[i].Collection == "tasks" && drafts[i].Set["subject_collection"].Text() == "documents" && drafts[i].Set["subject"] == nil {
			drafts[i].Set["subject"] = care.OfText(paper.Record)
		}
	}
	caseRow, ok, err := h.rowOf(ctx, "cases", paper.Case)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", care.ErrNotFound
	}
	// A paper holds several parts of a case: DocumentFile asks for each of them
	// before it is read, and it ends with the first of them.
	of := []seal.Scope{{Org: caseRow.Org, Case: paper.Case, Compartment: string(care.General)}}
	for _, c := range paperCompartments(care.Row{V: paper.Set}) {
		if c != care.General {
			of = append(of, seal.Scope{Org: caseRow.Org, Case: paper.Case, Compartment: string(c)})
		}
	}
	if err := h.writeFile(ctx, of, paper.Record, b, nil); err != nil {
		return "", err
	}
	h.reached("paper written")
	receipts, err := h.Do(ctx, a, drafts...)
	if err == nil {
		err = Refused(receipts)
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(h.filePath(paper.Record)))
	}
	h.reached("paper kept")
	return paper.Record, h.noteContent(ctx, paper.Record, paper.Record, h.mac("paper", paper.Record), string(care.General), nil)
}

// SamePaper says whether a paper has these bytes.
func (h *Hub) SamePaper(paper care.Row, b []byte) (bool, error) {
	had, err := h.readFile(paper.Org, paper.Case, paper.ID)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrErased) {
		return false, nil
	}
	return bytes.Equal(had, b), err
}

// DocumentFile gives the bytes of a paper to print, under their neutral name.
// Whoever asks must be on every part of the case that the paper holds, and the
// person's agreement must hold now; both decisions are in the audit log first.
func (h *Hub) DocumentFile(ctx context.Context, a care.Actor, id string) (name string, b []byte, err error) {
	paper, err := h.Paper(ctx, a, id)
	if err != nil {
		return "", nil, err
	}
	return h.paperFile(ctx, a, paper)
}

func (h *Hub) paperFile(ctx context.Context, a care.Actor, paper care.Row) (name string, b []byte, err error) {
	id := paper.ID
	if s := paper.Text("status"); s == "cancelled" || s == "not_recallable" {
		return "", nil, ErrPaperState
	}
	b, err = h.readFile(paper.Org, paper.Case, id)
	var known *care.Error
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !(errors.As(err, &known) && known.Kind == care.Damaged) {
		return "", nil, err
	}
	if err != nil {
		h.log.Error("a paper does not open", "document", id, "error", err)
	}
	if err != nil { // what opens is what was made: it is bound to its record
		return "", nil, ErrPaperDamaged
	}
	// Asked last, when the bytes are at hand: a consent that is withdrawn while
	// they are read is withdrawn.
	if err := h.mayCarry(ctx, a, ActPrint, paper, paperCompartments(paper)...); err != nil {
		return "", nil, err
	}
	if err := h.paperAllowed(ctx, a, ActPrint, paper); err != nil {
		return "", nil, err
	}
	return PaperName, b, nil
}

// mayCarry asks whether somebody may take parts of a case out of the house:
// they are on each, and not by an emergency (R30).
func (h *Hub) mayCarry(ctx context.Context, a care.Actor, act string, paper care.Row, parts ...care.Compartment) error {
	var decided []Decided
	var refused error
	for _, c := range parts {
		target := care.Target{Collection: "documents", Org: paper.Org, Case: paper.Case, Compartment: c}
		d := care.MaySee(a, care.Carry, target, h.now())
		decided = append(decided, Decided{Target: target, Decision: d, Purpose: care.Purpose(paper.Text("purpose"))})
		switch {
		case refused != nil || d.Allowed:
		case d.Reason == care.NotAtDesk:
			refused = ErrNotAtDesk
		default:
			refused = ErrPaperClosed
		}
	}
	if err := h.AuditAll(ctx, a, act, decided); err != nil {
		return err
	}
	return refused
}

// StillCarries asks again, at the end of something that takes time, whether
// somebody may take parts of a case out of the house, with the rights of this
// moment. They are in the audit log since its beginning; here a no alone is noted.
func (h *Hub) StillCarries(ctx context.Context, a care.Actor, of care.Row, parts ...care.Compartment) error {
	if a.IsHub() {
		return nil
	}
	now, err := h.actorNow(h.asks(ctx), a)
	if err != nil {
		return err
	}
	for _, c := range parts {
		if !care.MaySee(now, care.Carry, care.Target{Collection: "documents", Org: of.Org, Case: of.Case, Compartment: c}, h.now()).Allowed {
			return h.mayCarry(ctx, now, ActPrint, of, c)
		}
	}
	return nil
}

// HandOut notes that a prepared paper was given to the person (for a child, to
// the guardian: R27), by whom and when, and closes the task about it. The
// person's agreement must hold at that moment.
func (h *Hub) HandOut(ctx context.Context, a care.Actor, id string) error {
	paper, err := h.Paper(ctx, a, id)
	if err != nil {
		return err
	}
	if paper.Text("status") != "prepared" {
		return ErrPaperState
	}
	if err := h.mayCarry(ctx, a, ActHandOut, paper, care.General); err != nil {
		return err
	}
	if err := h.paperAllowed(ctx, a, ActHandOut, paper); err != nil {
		return err
	}
	to, err := h.receiver(ctx, paper.Case)
	if err != nil {
		return err
	}
	now := care.OfTime(h.now())
	group := h.newID()
	drafts := []Draft{{Collection: "documents", Record: id, Group: group, Set: map[string]care.Value{
		"status": care.OfText("handed_out"), "handed_out_at": now, "handed_out_by": care.OfText(a.Staff), "handed_out_to": care.OfText(to)}}}
	tasks, err := h.List(ctx, a, Query{Collection: "tasks", Case: paper.Case, Where: map[string]string{"status": "open"}})
	if err != nil {
		return err
	}
	for _, t := range tasks {
		if t.Text("subject") != id {
			continue
		}
		drafts = append(drafts, Draft{Collection: "tasks", Record: t.ID, Group: group, Set: map[string]care.Value{
			"status": care.OfText("done"), "done_at": now, "done_by": care.OfText(a.Staff)}})
	}
	receipts, err := h.Do(ctx, a, drafts...)
	if err != nil {
		return wrap("handing out a paper", err)
	}
	return Refused(receipts)
}

// Paper reads the record of a summary that the actor may know of.
func (h *Hub) Paper(ctx context.Context, a care.Actor, id string) (care.Row, error) {
	row, err := h.Read(ctx, a, "documents", id)
	if err != nil {
		return row, err
	}
	if row.Text("kind") != "summary" {
		return row, care.ErrNotFound
	}
	return row, nil
}

// paperCompartments lists the parts of a case that a paper shows.
func paperCompartments(paper care.Row) []care.Compartment {
	var l []care.Compartment
	for _, cat := range care.CarriedCategories(paper.Get("sections").List()...) {
		if c := care.CategoryCompartment(cat); !slices.Contains(l, c) {
			l = append(l, c)
		}
	}
	return l
}

// paperAllowed asks the person's consents as they stand now, for everything
// that the paper holds, and what they chose to carry.
func (h *Hub) paperAllowed(ctx context.Context, a care.Actor, act string, paper care.Row) error {
	d, err := h.PaperDecision(ctx, paper)
	if err != nil {
		return err
	}
	target := care.Target{Collection: "documents", Org: paper.Org, Case: paper.Case, Compartment: care.General}
	if err := h.AuditAll(ctx, a, act, []Decided{{target, d, care.Purpose(paper.Text("purpose"))}}); err != nil {
		return err
	}
	if !d.Allowed {
		return NoConsentError(d.Reason)
	}
	return nil
}

// PaperDecision says whether a prepared summary may still leave the hub.
func (h *Hub) PaperDecision(ctx context.Context, paper care.Row) (d care.Decision, err error) {
	defer caught(&err)
	return care.PaperDecision(h.world(ctx), paper), nil
}

// Consents are the person's answers, whole: they decide, and are shown to
// nobody. What a reader happens not to see of one would make it say more than
// the person did. Only whoever may take something of the case along has it
// decided.
func (h *Hub) Consents(ctx context.Context, a care.Actor, file care.Row) (of care.Consents, err error) {
	defer caught(&err)
	if !care.MaySee(a, care.Carry, care.Target{Org: file.Org, Case: file.Case, Compartment: care.General}, h.now()).Allowed {
		return of, care.ErrNotFound
	}
	return care.ConsentsOf(h.world(ctx), file.Case), nil
}

// TransferRequest is the disclosure that a transfer needs, without categories.
func (h *Hub) TransferRequest(ctx context.Context, transfer care.Row, action care.Action) (r care.ShareRequest, err error) {
	defer caught(&err)
	return care.TransferRequest(h.world(ctx), transfer, action), nil
}

// rowOf is one record, whole, for a decision and for nobody's eyes.
func (h *Hub) rowOf(ctx context.Context, collection, id string) (row care.Row, ok bool, err error) {
	defer caught(&err)
	row, ok = h.world(ctx).Row(collection, id)
	return row, ok, nil
}

// receiver is to whom a paper of a case is given: for whoever is protected as
// a child, to the guardian (R27).
func (h *Hub) receiver(ctx context.Context, caseID string) (to string, err error) {
	defer caught(&err)
	if care.IsChild(h.world(ctx), caseID) {
		return "guardian", nil
	}
	return "person", nil
}

// PaperWithdrawn says whether the paper with a number, the random half of its
// record's id, was taken back, or replaced because its person took back what
// they had agreed to. It says nothing else, also of a number that there is none
// of, and of nobody's record to anybody.
func (h *Hub) PaperWithdrawn(ctx context.Context, number [8]byte) (bool, error) {
	x := hex.EncodeToString(number[:])
	var n int
	err := h.readDB().QueryRowContext(ctx, `SELECT COUNT(*) FROM documents WHERE substr(id, 20) = ? AND status IN ('cancelled', 'not_recallable')`,
		x[:4]+"-"+x[4:]).Scan(&n)
	return n > 0, wrap("asking after a paper", err)
}

package collections

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"

	"portolan/care"
	"portolan/seal"
)

// ActExport is how the audit log names that records of a case left the hub
// among those of others, or did not.
const ActExport = "export"

// Errors of exports.
var (
	ErrExportOrder  = &care.Error{Code: "export_order", Kind: care.Invalid, Hint: "Say a purpose that a consent can name, and as recipient organisation:ID of the directory."}
	ErrExportPolice = &care.Error{Code: "export_police", Kind: care.Unprocessed, Hint: "No export goes to police or immigration. A report is of one person, with their consent to it, or under an order."}
	ErrExportEmpty  = &care.Error{Code: "export_empty", Kind: care.Unprocessed, Hint: "There is no case that you could take along, or a case is named by something that is no id."}
	ErrExportOver   = &care.Error{Code: "export_consent_ended", Kind: care.Conflict, Hint: "Somebody's agreement, or your access, ended while the export was made, so it was not kept. Ask for it again."}
	ErrExportFile   = &care.Error{Code: "export_file", Kind: care.Damaged, Hint: "This is no export, or it is not whole. Ask for it again."}
)

// ExportOrder says what is to leave the hub, for what, and to whom.
type ExportOrder struct {
	Purpose   care.Purpose
	Recipient string   // as care.ExportTo reads it
	Cases     []string // nil for every case that the actor could take along
}

// Exported counts what an export holds. Which cases were left out, and why, is
// in the audit log and is told to nobody.
type Exported struct{ Cases, LeftOut, Records int }

// exporter makes one export.
type exporter struct {
	h        *Hub
	ctx      context.Context
	actor    care.Actor
	request  care.ShareRequest
	cases    []string // sorted
	approval string
	done     Exported
	written  map[string]leave // of the cases that are in it
}

// leave is what may leave of one case at one moment.
type leave struct {
	carried map[care.Compartment]bool
	agreed  map[care.Category]bool
	events  []event
}

// noted is what the log is told: what was refused, and what leaves. Nobody was
// shown what was allowed and is not there.
func (l leave) noted() []event {
	return slices.DeleteFunc(slices.Clone(l.events), func(e event) bool { return e.decision.Allowed && e.count == 0 })
}

func (l leave) same(o leave) bool {
	return maps.Equal(l.carried, o.carried) && maps.Equal(l.agreed, o.agreed)
}

// AskExport asks a second person for an export. Their yes holds for exactly
// this purpose, recipient and set of cases, once.
func (h *Hub) AskExport(ctx context.Context, a care.Actor, o ExportOrder, reason string) (care.Approval, error) {
	e, err := h.exporter(ctx, a, o)
	if err != nil {
		return care.Approval{}, err
	}
	p := e.asked()
	p.Reason = reason
	return h.AskApproval(ctx, a, p)
}

// ExportApproved says whether the actor could make the export now. It uses
// nothing up: Export asks again.
func (h *Hub) ExportApproved(ctx context.Context, a care.Actor, o ExportOrder) error {
	e, err := h.exporter(ctx, a, o)
	if err != nil {
		return err
	}
	yes, err := h.Approved(ctx, a, e.asked())
	if err == nil && !yes {
		err = ErrApprovalNeeded
	}
	return err
}

// Export gives the records of one case after the other to write, as lines of
// JSON: what this person may take along and each survivor agreed to have
// exported, for this purpose, to this recipient. It uses the second person's
// yes up. The decisions about a case are in the audit log before write is
// called with its lines. Where it returns an error, what was written is not to
// be kept.
func (h *Hub) Export(ctx context.Context, a care.Actor, o ExportOrder, write func(lines []byte) error) (Exported, error) {
	e, err := h.exporter(ctx, a, o)
	if err == nil {
		err = e.begin()
	}
	if err != nil {
		return Exported{}, err
	}
	for _, id := range e.cases {
		if err := e.export(id, write); err != nil {
			return e.done, err
		}
	}
	return e.done, e.still()
}

// exporter reads an order.
func (h *Hub) exporter(ctx context.Context, a care.Actor, o ExportOrder) (*exporter, error) {
	if !a.Can(care.MayExport) {
		return nil, h.refuse(ctx, a, ActExport, care.Target{Org: a.Org})
	}
	r, ok := care.ExportTo(o.Recipient)
	if r.Purpose = o.Purpose; !ok || !slices.Contains(care.Purposes, o.Purpose) {
		return nil, ErrExportOrder
	}
	org, err := h.Read(ctx, a, "organisations", r.RecipientOrg)
	if err != nil {
		return nil, err
	}
	if r.RecipientOrgKind, r.RecipientCountry = org.Text("kind"), org.Text("country"); care.ExportForPolice(r) {
		return nil, ErrExportPolice
	}
	cases := slices.Clone(o.Cases)
	if cases == nil {
		load := caseloadOf(a)
		for id := range load.grants {
			if len(h.carried(load.on(id), id)) > 0 {
				cases = append(cases, id)
			}
		}
	}
	slices.Sort(cases)
	cases = slices.Compact(cases)
	if len(cases) == 0 || slices.ContainsFunc(cases, func(id string) bool { return !care.ValidID(id) }) {
		return nil, ErrExportEmpty
	}
	return &exporter{h: h, ctx: ctx, actor: a, request: r, cases: cases, written: map[string]leave{}}, nil
}

// carried is the parts of a case that somebody may take along.
func (h *Hub) carried(a care.Actor, caseID string) map[care.Compartment]bool {
	m := map[care.Compartment]bool{}
	for _, c := range care.Compartments {
		if care.MaySee(a, care.Carry, care.Target{Org: a.Org, Case: caseID, Compartment: c}, h.now()).Allowed {
			m[c] = true
		}
	}
	return m
}

func (e *exporter) asked() care.Approval {
	return care.Approval{Org: e.actor.Org, Act: care.ActBulkExport, Terms: care.ExportTerms(e.request, e.cases)}
}

// begin uses the second person's yes up, with the rights of this moment.
func (e *exporter) begin() error {
	return e.h.enter(e.ctx, e.actor, func(s *session) error {
		now, err := e.h.present(s.t, e.actor)
		if err != nil {
			return err
		}
		p, err := e.h.spendApproval(s.t, now, e.asked())
		if err != nil {
			return err
		}
		e.approval = p.ID
		return s.t.note(s.nowText, e.actor, event{act: ActExport, target: care.Target{Org: e.actor.Org}, count: len(e.cases), purpose: string(e.request.Purpose),
			decision: care.Decision{Allowed: true, Reason: care.ApprovalSpent, Basis: p.ID}, approval: p.ID})
	})
}

// export writes one case, if anything of it may leave.
func (e *exporter) export(caseID string, write func([]byte) error) error {
	for {
		may, err := e.decide(caseID)
		if err != nil {
			return err
		}
		lines, records, err := e.lines(caseID, may)
		if err != nil {
			return err
		}
		if err := e.h.audit(e.ctx, e.actor, may.noted()...); err != nil {
			return err
		}
		if records == 0 {
			e.done.LeftOut++
			return nil
		}
		// Asked again when all is at hand: what was taken back meanwhile stays.
		still, err := e.decide(caseID)
		if err != nil {
			return err
		}
		if !may.same(still) {
			continue
		}
		e.done.Cases++
		e.done.Records += records
		e.written[caseID] = may
		return write(lines)
	}
}

// still asks about every case once more when all is written: what somebody
// took back while others were written does not leave either.
func (e *exporter) still() error {
	for _, id := range slices.Sorted(maps.Keys(e.written)) {
		now, err := e.decide(id)
		if err != nil {
			return err
		}
		if !now.same(e.written[id]) {
			return errors.Join(e.h.audit(e.ctx, e.actor, now.noted()...), ErrExportOver)
		}
	}
	return nil
}

// decide asks what of a case may leave now: what the actor, as they are now,
// may take along, and what the person agreed to have exported.
func (e *exporter) decide(caseID string) (l leave, err error) {
	defer caught(&err)
	q := reader{e.ctx, e.h.readDB()}
	now, err := e.h.present(q, e.actor)
	if err != nil {
		return l, err
	}
	if !now.Can(care.MayExport) {
		return l, e.h.refuse(e.ctx, e.actor, ActExport, care.Target{Org: e.actor.Org})
	}
	if now.Grants, err = grantsOf(q, now.Staff, caseID); err != nil {
		return l, err
	}
	w := e.h.world(e.ctx)
	file, _ := w.Row("cases", caseID)
	var consents care.Consents // read only for whoever may take something along
	l = leave{carried: map[care.Compartment]bool{}, agreed: map[care.Category]bool{}}
	r := e.request
	for _, c := range care.Compartments {
		if !care.Exportable(c) {
			continue
		}
		target := care.Target{Org: file.Org, Case: caseID, Compartment: c}
		d := care.MaySee(now, care.Carry, target, w.Now())
		if !d.Allowed {
			l.note(e, target, d)
			continue
		}
		if len(l.carried) == 0 {
			consents = care.ConsentsOf(w, caseID)
		}
		l.carried[c] = true
		for _, r.Categories = range oneByOne(care.CategoriesOf(c)) {
			d := care.MayShare(consents, r, w.Now())
			l.agreed[r.Categories[0]] = d.Allowed
			l.note(e, target, d)
		}
	}
	return l, nil
}

func oneByOne(all []care.Category) (l [][]care.Category) {
	for _, c := range all {
		l = append(l, []care.Category{c})
	}
	return l
}

// note keeps a decision for the log; several categories often fall alike.
func (l *leave) note(e *exporter, target care.Target, d care.Decision) {
	made := event{act: ActExport, target: target, decision: d, purpose: string(e.request.Purpose), approval: e.approval}
	if !slices.ContainsFunc(l.events, func(have event) bool { return have.target == target && have.decision == d }) {
		l.events = append(l.events, made)
	}
}

// exportLine is one record in an export.
type exportLine struct {
	Case       string                `json:"case"`
	Collection string                `json:"collection"`
	ID         string                `json:"id"`
	Fields     map[string]care.Value `json:"fields"`
}

// lines writes what may leave of a case, collection by collection.
// It counts in the decisions how many rest on each.
func (e *exporter) lines(caseID string, may leave) (lines []byte, records int, err error) {
	defer caught(&err)
	if !slices.Contains(slices.Collect(maps.Values(may.agreed)), true) {
		return nil, 0, nil
	}
	w := e.h.world(e.ctx)
	var rows []care.Row
	own := map[string]bool{}
	for _, entity := range care.Schema {
		if entity.Topic != care.NoTopic {
			continue
		}
		for _, row := range w.OfCase(entity.Name, caseID) {
			rows = append(rows, row)
			own[row.ID] = true
		}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	for _, row := range rows {
		fields, parts := care.ExportedFields(row, e.request.Purpose, may.carried, may.agreed, func(id string) bool { return own[id] })
		if len(fields) == 0 {
			continue
		}
		if err := enc.Encode(exportLine{caseID, row.Collection, row.ID, fields}); err != nil {
			return nil, 0, wrap("writing a record", err)
		}
		records++
		for i := range may.events {
			if d := &may.events[i]; d.decision.Allowed && slices.Contains(parts, d.target.Compartment) {
				d.count++
			}
		}
	}
	return out.Bytes(), records, nil
}

// exportPlace is what the archive of an export is bound to.
var exportPlace = seal.Place{Collection: "export", Record: "archive", Field: "1"}

// exportHeadMax bounds the first line of an export: its key, locked.
const exportHeadMax = 1 << 10

// SealExport reads an archive to its end and writes it sealed under a key of
// its own, which stands before it under a passphrase.
func (h *Hub) SealExport(dst io.Writer, archive io.Reader, passphrase string) error {
	if len(passphrase) < seal.PassphraseLengthMin {
		return ErrPassphraseShort
	}
	key, err := seal.NewKey(h.rand)
	if err != nil {
		return err
	}
	locked, err := seal.Lock(h.rand, key, passphrase, seal.PassphraseCost)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(dst, locked.Line()+"\n"); err != nil {
		return wrap("writing the key of an export", err)
	}
	return seal.RootBox(key).SealFile(dst, archive, h.rand, exportPlace)
}

// OpenExport writes the archive that SealExport sealed. It needs no hub.
func OpenExport(dst io.Writer, sealed io.Reader, passphrase string) error {
	in := bufio.NewReaderSize(sealed, exportHeadMax)
	line, err := in.ReadSlice('\n')
	if err != nil {
		return ErrExportFile
	}
	locked, err := seal.ParseLine(string(line))
	if err != nil {
		return ErrExportFile
	}
	key, err := locked.Open(passphrase)
	if err != nil {
		return err
	}
	err = seal.RootBox(key).OpenFile(dst, in, exportPlace)
	if errors.Is(err, seal.ErrDamaged) || errors.Is(err, seal.ErrKey) || errors.Is(err, seal.ErrFormat) {
		return ErrExportFile
	}
	return err
}

package hooks

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"portolan/capsule"
	"portolan/care"
	"portolan/collections"
	"portolan/pdf"
)

// HandOutOrder is what the person decides when a summary is handed out.
type HandOutOrder struct {
	Paper   string // id of the draft that lies ready; "" to make one now for Case
	Case    string
	Country string // where there is no draft: the receiving country
	// Edition is paper, phone, both, or nothing: that they carry none. "" is
	// what they chose before, and paper otherwise.
	Edition   string
	Sections  []string // those that they ticked; nil for the smallest document
	Languages []string // their own, then the receiving country's; nil as proposed
	Plain     bool     // paper without a code
}

// HandedOut is what was made with the person there. The words and the files are
// nowhere else.
type HandedOut struct {
	Documents []string      `json:"documents"` // ids of what was handed out
	Words     string        `json:"words,omitempty"`
	Files     []CarriedFile `json:"files"`
	Sections  []string      `json:"sections"`
	Languages []string      `json:"languages"`
	// LeftOut are collections that the paper tells of and its code, for want of
	// room, does not.
	LeftOut []string `json:"left_out,omitempty"`
}

// CarriedFile is a file to be given to the person.
type CarriedFile struct {
	Edition string `json:"edition"`
	Name    string `json:"name"`
	Type    string `json:"type"`
	Data    []byte `json:"data"`
}

// smallest is what a summary holds where nothing is ticked: the first sheet.
var smallest = []string{"allergies", "medications", "problems"}

// editionsOf are the forms of each choice.
var editionsOf = map[string][]string{"paper": {"paper"}, "phone": {"phone"}, "both": {"paper", "phone"}}

// HandOut makes what the person carries, with them there: as they chose it, the
// words, the code on the paper, the file for a telephone. It is recorded as
// given to them by whoever asks, under the consents of this moment, and only
// then comes back. What the hub keeps are the pages, without words and code.
func HandOut(ctx context.Context, hub *collections.Hub, a care.Actor, o HandOutOrder) (HandedOut, error) {
	h := &handOut{ctx: ctx, hub: hub, actor: a, jobs: NewJobs(hub), o: o}
	if err := h.begin(); err != nil {
		return HandedOut{}, err
	}
	if h.o.Edition == "nothing" {
		return HandedOut{Documents: []string{}, Files: []CarriedFile{}, Sections: []string{}, Languages: []string{}}, h.nothing()
	}
	var err error
	if h.out.Words, err = pdf.Words(rand.Reader); err != nil {
		return HandedOut{}, err
	}
	for _, edition := range editionsOf[h.o.Edition] {
		if err := h.edition(edition); err != nil {
			return HandedOut{}, err
		}
	}
	if h.o.Plain && h.o.Edition == "paper" {
		h.out.Words = "" // they open nothing
	}
	for _, id := range h.out.Documents {
		if err := hub.HandOut(ctx, a, id); err != nil {
			return HandedOut{}, err
		}
	}
	return h.out, nil
}

// handOut is one, while it is made.
type handOut struct {
	ctx   context.Context
	hub   *collections.Hub
	actor care.Actor
	jobs  *Jobs
	o     HandOutOrder
	draft care.Row // the one that lies ready; its ID is "" where none does
	order SummaryOrder
	out   HandedOut
}

func (h *handOut) begin() error {
	if h.o.Paper != "" {
		var err error
		if h.draft, err = h.hub.Paper(h.ctx, h.actor, h.o.Paper); err != nil {
			return err
		}
		if h.draft.Text("status") != "prepared" {
			return collections.ErrPaperState
		}
		h.o.Case, h.o.Country = h.draft.Case, h.draft.Text("destination_country")
	}
	if h.o.Edition == "" {
		s, err := h.survivor()
		if err != nil {
			return err
		}
		h.o.Edition = "paper"
		if choice := s.Text("carry_choice"); choice == "phone" || choice == "both" {
			h.o.Edition = choice
		}
	}
	if h.o.Edition != "nothing" && editionsOf[h.o.Edition] == nil {
		return &care.Error{Code: "summary_order", Kind: care.Invalid, Hint: "The edition is paper, phone, both or nothing."}
	}
	ticked := h.o.Sections != nil
	if !ticked {
		h.o.Sections = smallest
	}
	h.order = SummaryOrder{Case: h.o.Case, Transfer: h.draft.Text("transfer"), Country: h.o.Country, Languages: h.o.Languages,
		Sections: h.o.Sections, ticked: ticked}
	return h.order.Check()
}

// survivor is the person whom the case is about, as far as the actor may see.
func (h *handOut) survivor() (care.Row, error) {
	rows, err := h.hub.List(h.ctx, h.actor, collections.Query{Collection: "survivors", Case: h.o.Case})
	if err != nil || len(rows) == 0 {
		return care.Row{}, err
	}
	return rows[0], nil
}

// nothing records that the person carries none: what lies ready is taken back,
// and none is made until they choose otherwise.
func (h *handOut) nothing() error {
	s, err := h.survivor()
	if err != nil {
		return err
	}
	if s.ID == "" {
		return care.ErrNotFound
	}
	receipts, err := h.hub.Do(h.ctx, h.actor, collections.Draft{Collection: "survivors", Record: s.ID, Set: set{"carry_choice": care.OfText("nothing")}})
	if err == nil {
		err = collections.Refused(receipts)
	}
	if err != nil || h.draft.ID == "" {
		return err
	}
	// The choice itself may have taken it back.
	if now, err := h.hub.Paper(h.ctx, h.actor, h.draft.ID); err != nil || now.Text("status") != "prepared" {
		return err
	}
	drafts, err := h.jobs.closeTasks(h.ctx, h.draft.Case, "documents", h.draft.ID, "done")
	if err != nil {
		return err
	}
	return h.jobs.do(h.ctx, append(drafts, cancelled(h.draft, "person_declined", h.hub.Now())))
}

// edition makes one form of it: the pages, which the hub keeps, and what is
// given away.
func (h *handOut) edition(edition string) error {
	order := h.order
	order.edition = edition
	kept, err := MakeSummary(h.ctx, h.hub, h.actor, order)
	if err != nil {
		return err
	}
	id, err := h.keep(kept)
	if err != nil {
		return err
	}
	order.Phone, order.Day, order.carried = edition == "phone", kept.Day, &carried{words: h.out.Words}
	number, err := paperNumber(id)
	if err != nil {
		return err
	}
	name := collections.PaperName
	switch {
	case order.Phone && h.o.Edition == "both":
		name = "summary-2.pdf"
	case edition == "paper" && !h.o.Plain:
		order.carried.paper = &number
	}
	key, err := h.hub.SigningKey(h.ctx)
	if err != nil {
		return err
	}
	made, err := MakeSummary(h.ctx, h.hub, h.actor, order)
	if err != nil {
		return err
	}
	h.out.Documents = append(h.out.Documents, id)
	h.out.Files = append(h.out.Files, CarriedFile{Edition: edition, Name: name, Type: "application/pdf", Data: capsule.Prove(made.PDF, number, key)})
	h.out.Sections, h.out.Languages, h.out.LeftOut = made.Sections, made.Languages, append(h.out.LeftOut, made.LeftOut...)
	return nil
}

// keep is the record of what is handed out: the draft, where the person
// confirmed it as it lies there, or one in its place.
func (h *handOut) keep(made Summary) (id string, err error) {
	record := h.jobs.record(h.o.Case, h.draft.Text("transfer"), made)
	if h.draft.ID == "" {
		return h.hub.KeepPaper(h.ctx, h.hub.HubActor(), made.PDF, record)
	}
	same, err := h.hub.SamePaper(h.draft, made.PDF)
	if err != nil {
		return "", err
	}
	if same && h.draft.Text("edition") == made.Edition {
		return h.draft.ID, nil
	}
	record.Set["version"], record.Set["replaces"] = care.OfInt(version(h.draft)+1), care.OfText(h.draft.ID)
	var more []collections.Draft
	if len(h.out.Documents) == 0 {
		if more, err = h.jobs.closeTasks(h.ctx, h.draft.Case, "documents", h.draft.ID, "done"); err != nil {
			return "", err
		}
		more = append(more, cancelled(h.draft, "person_declined", h.hub.Now()))
	}
	return h.hub.KeepPaper(h.ctx, h.hub.HubActor(), made.PDF, record, more...)
}

// paperNumber is the number of a paper: the random half of its record's id
// (RFC 9562 §5.7), which says nothing to whoever does not have the record.
func paperNumber(id string) (n capsule.Paper, err error) {
	b, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if err != nil || len(b) != 16 {
		return n, collections.ErrPaperDamaged
	}
	copy(n[:], b[len(b)-len(n):])
	return n, nil
}

// handOutPaper hands out the draft that lies ready.
func (f *Front) handOutPaper(e *core.RequestEvent, a care.Actor) error {
	return f.handsOut(e, a, HandOutOrder{Paper: e.Request.PathValue("id")})
}

// handOutNew hands out a summary for which no draft lies ready.
func (f *Front) handOutNew(e *core.RequestEvent, a care.Actor) error {
	return f.handsOut(e, a, HandOutOrder{Case: e.Request.PathValue("id")})
}

func (f *Front) handsOut(e *core.RequestEvent, a care.Actor, o HandOutOrder) error {
	var in struct {
		Edition   string   `json:"edition"`
		Sections  []string `json:"sections"`
		Languages []string `json:"languages"`
		Country   string   `json:"country"`
		Plain     bool     `json:"plain"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	o.Edition, o.Sections, o.Languages, o.Country, o.Plain = in.Edition, in.Sections, in.Languages, in.Country, in.Plain
	if err := f.meter.take("summary:"+a.Staff, f.cfg.Rates.Summary); err != nil {
		return err
	}
	release, err := f.files.take(e.Request.Context(), a)
	if err != nil {
		return err
	}
	defer release()
	out, err := HandOut(e.Request.Context(), f.hub, a, o)
	if err != nil {
		return err
	}
	return reply(e, out)
}

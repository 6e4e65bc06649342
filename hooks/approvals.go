package hooks

import (
	"time"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
)

// approvalView is a question to a second person as it is sent.
type approvalView struct {
	ID         string            `json:"id"`
	Act        care.TwoPersonAct `json:"act"`
	Collection string            `json:"collection,omitempty"`
	Record     string            `json:"record,omitempty"`
	Terms      string            `json:"terms,omitempty"`
	Reason     string            `json:"reason"`
	AskedBy    string            `json:"asked_by"`
	AskedAt    string            `json:"asked_at"`
	ExpiresAt  string            `json:"expires_at"`
	DecidedBy  string            `json:"decided_by,omitempty"`
	DecidedAt  string            `json:"decided_at,omitempty"`
	Agreed     bool              `json:"agreed"`
}

func viewOf(p care.Approval) approvalView {
	moment := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return care.FormatTime(t)
	}
	return approvalView{p.ID, p.Act, p.Collection, p.Record, p.Terms, p.Reason, p.AskedBy, moment(p.AskedAt), moment(p.ExpiresAt),
		p.DecidedBy, moment(p.DecidedAt), p.Agreed}
}

// approvals lists the questions that the person asked or could answer.
func (f *Front) approvals(e *core.RequestEvent, a care.Actor) error {
	list, err := f.hub.Approvals(e.Request.Context(), a)
	if err != nil {
		return err
	}
	out := make([]approvalView, 0, len(list))
	for _, p := range list {
		out = append(out, viewOf(p))
	}
	return reply(e, struct {
		Approvals []approvalView `json:"approvals"`
	}{out})
}

// askApproval asks a second person for an act.
func (f *Front) askApproval(e *core.RequestEvent, a care.Actor) error {
	var in struct {
		Act        care.TwoPersonAct `json:"act"`
		Collection string            `json:"collection"`
		Record     string            `json:"record"`
		Terms      string            `json:"terms"`
		Reason     string            `json:"reason"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	p, err := f.hub.AskApproval(e.Request.Context(), a, care.Approval{Act: in.Act, Collection: in.Collection, Record: in.Record, Terms: in.Terms, Reason: in.Reason})
	if err != nil {
		return err
	}
	return reply(e, viewOf(p))
}

// decideApproval answers somebody else's question.
func (f *Front) decideApproval(e *core.RequestEvent, a care.Actor) error {
	var in struct {
		Agree bool `json:"agree"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	p, err := f.hub.DecideApproval(e.Request.Context(), a, e.Request.PathValue("id"), in.Agree)
	if err != nil {
		return err
	}
	return reply(e, viewOf(p))
}

// mergeCases says, after a second person agreed, that two files are of one
// person, or undoes that.
func (f *Front) mergeCases(e *core.RequestEvent, a care.Actor) error {
	var in struct {
		From string `json:"from"`
		Into string `json:"into"`
		Undo bool   `json:"undo"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	act := f.hub.MergeCases
	if in.Undo {
		act = f.hub.SplitCases
	}
	if err := act(e.Request.Context(), a, in.From, in.Into); err != nil {
		return err
	}
	return reply(e, struct {
		From string `json:"from"`
		Into string `json:"into"`
		Undo bool   `json:"undo"`
	}{in.From, in.Into, in.Undo})
}

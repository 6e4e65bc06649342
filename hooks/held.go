package hooks

import (
	"strconv"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/collections"
)

// heldSeq is the number in the path, of which the doors let pass only what
// could be an id.
func heldSeq(e *core.RequestEvent) (uint64, error) {
	n, err := strconv.ParseUint(e.Request.PathValue("id"), 10, 63)
	if err != nil {
		return 0, care.ErrNotFound
	}
	return n, nil
}

// heldChange shows a change that was kept aside to who may decide about it.
func (f *Front) heldChange(e *core.RequestEvent, a care.Actor) error {
	seq, err := heldSeq(e)
	if err != nil {
		return err
	}
	held, err := f.hub.Held(e.Request.Context(), a, seq)
	if err != nil {
		return err
	}
	return reply(e, held)
}

// heldFile sends a file that was kept aside to who may look at it before they
// decide.
func (f *Front) heldFile(e *core.RequestEvent, a care.Actor) error {
	seq, err := heldSeq(e)
	if err != nil {
		return err
	}
	release, err := f.files.take(e.Request.Context(), a)
	if err != nil {
		return err
	}
	defer release()
	c, err := f.hub.HeldFile(e.Request.Context(), a, seq)
	if err != nil {
		return err
	}
	defer c.Bytes.Close()
	return sendFile(e, c)
}

// decide accepts or declines a change that was kept aside.
func (f *Front) decide(e *core.RequestEvent, a care.Actor) error {
	var in struct {
		Decision string `json:"decision"`
		As       string `json:"as"`
		Why      string `json:"why"`
	}
	seq, err := heldSeq(e)
	if err != nil {
		return err
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	done, err := f.hub.Decide(e.Request.Context(), a, seq, collections.Verdict{Decision: in.Decision, As: in.As, Why: in.Why})
	if err != nil {
		return err
	}
	return reply(e, done)
}

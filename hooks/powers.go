package hooks

import (
	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/collections"
)

// done is the answer to an act that has nothing else to say.
type done struct {
	Done bool `json:"done"`
}

// changeRoles gives a member of staff these roles, under a second person's yes
// where one of them carries powers.
func (f *Front) changeRoles(e *core.RequestEvent, a care.Actor) error {
	var in struct {
		Roles []care.Role `json:"roles"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	if err := f.hub.ChangeRoles(e.Request.Context(), a, e.Request.PathValue("id"), in.Roles); err != nil {
		return err
	}
	return reply(e, done{true})
}

// resetFactors takes a member of staff's second factors away, under a second
// person's yes.
func (f *Front) resetFactors(e *core.RequestEvent, a care.Actor) error {
	if err := f.hub.ResetFactors(e.Request.Context(), a, e.Request.PathValue("id")); err != nil {
		return err
	}
	return reply(e, done{true})
}

// waitingActs lists what the console alone has asked for and waits.
func (f *Front) waitingActs(e *core.RequestEvent, a care.Actor) error {
	list, err := f.hub.WaitingActs(e.Request.Context(), a)
	if err != nil {
		return err
	}
	return reply(e, struct {
		Waiting []collections.Waiting `json:"waiting"`
	}{list})
}

func (f *Front) stopWaiting(e *core.RequestEvent, a care.Actor) error {
	if err := f.hub.StopWaiting(e.Request.Context(), a, e.Request.PathValue("id")); err != nil {
		return err
	}
	return reply(e, done{true})
}

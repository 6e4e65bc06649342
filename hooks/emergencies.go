package hooks

import (
	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/collections"
)

// breakGlass opens one part of one case in an emergency.
func (f *Front) breakGlass(e *core.RequestEvent, a care.Actor) error {
	var in struct {
		Case        string           `json:"case"`
		Compartment care.Compartment `json:"compartment"`
		Emergency   string           `json:"emergency"`
		Explanation string           `json:"explanation"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	grant, until, err := f.hub.BreakGlass(e.Request.Context(), a, collections.BreakGlass{
		Case: in.Case, Compartment: in.Compartment, Emergency: in.Emergency, Explanation: in.Explanation})
	if err != nil {
		return err
	}
	return reply(e, struct {
		Grant string `json:"grant"`
		Until string `json:"until"`
	}{grant, care.FormatTime(until)})
}

// emergencies lists who broke the glass, for those who approve or audit.
func (f *Front) emergencies(e *core.RequestEvent, a care.Actor) error {
	list, err := f.hub.Emergencies(e.Request.Context(), a)
	if err != nil {
		return err
	}
	return reply(e, struct {
		Emergencies []collections.Emergency `json:"emergencies"`
	}{list})
}

package hooks

import (
	"time"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/collections"
)

// auditEvents lists the audit log for an auditor.
func (f *Front) auditEvents(e *core.RequestEvent, a care.Actor) error {
	var in struct {
		Before int64     `json:"before"`
		Limit  int       `json:"limit"`
		Case   string    `json:"case"`
		Staff  string    `json:"staff"`
		Device string    `json:"device"`
		Act    string    `json:"act"`
		Denied bool      `json:"denied"`
		From   time.Time `json:"from"`
		Until  time.Time `json:"until"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	page, err := f.hub.Events(e.Request.Context(), a, collections.EventQuery(in))
	if err != nil {
		return err
	}
	return reply(e, page)
}

// auditProve proves one event to an auditor.
func (f *Front) auditProve(e *core.RequestEvent, a care.Actor) error {
	var in struct {
		Event int64 `json:"event"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	p, err := f.hub.ProveEvent(e.Request.Context(), a, in.Event)
	if err != nil {
		return err
	}
	return reply(e, p)
}

// auditCheckpoint gives a witness the head of the log, and the proof that it
// grew out of the one that they saw.
func (f *Front) auditCheckpoint(e *core.RequestEvent, _ care.Actor) error {
	var in struct {
		Seen uint64 `json:"seen"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	head, _, err := f.hub.LogHeadFor(e.Request.Context(), in.Seen, true)
	if err != nil {
		return err
	}
	return reply(e, head)
}

// whoSaw tells who has seen what is known of a person.
func (f *Front) whoSaw(e *core.RequestEvent, a care.Actor) error {
	var in struct {
		Case string `json:"case"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	list, err := f.hub.WhoSaw(e.Request.Context(), a, in.Case)
	if err != nil {
		return err
	}
	return reply(e, struct {
		Sightings []collections.Sighting `json:"sightings"`
	}{list})
}

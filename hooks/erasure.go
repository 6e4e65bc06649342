package hooks

import (
	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/collections"
)

// erase erases a case, or a part of one, for which a second person has agreed.
func (f *Front) erase(e *core.RequestEvent, a care.Actor) error {
	var in struct {
		Part care.Compartment `json:"part"`
	}
	if e.Request.ContentLength != 0 {
		if err := decode(e, smallBodyMax, &in); err != nil {
			return err
		}
	}
	done, err := f.hub.Erase(e.Request.Context(), a, e.Request.PathValue("id"), in.Part)
	if err != nil {
		return err
	}
	papers := done.Papers
	if papers == nil {
		papers = []string{}
	}
	return reply(e, struct {
		Case       string           `json:"case"`
		Part       care.Compartment `json:"part,omitempty"`
		Keys       int              `json:"keys"`
		Records    int              `json:"records"`
		Files      int              `json:"files"`
		Papers     []string         `json:"papers"`              // handed out; they cannot be called back
		KeyBackups int              `json:"key_backups_missing"` // copies of keys that the hub could not reach
	}{done.Case, done.Part, done.Keys, done.Records, done.Files, papers, len(done.KeyBackups)})
}

// erased tells which parts of a case were erased, when and why.
func (f *Front) erased(e *core.RequestEvent, a care.Actor) error {
	parts, err := f.hub.ErasedParts(e.Request.Context(), a, e.Request.PathValue("id"))
	if err != nil {
		return err
	}
	type part struct {
		Part string `json:"part"` // key of its name
		At   string `json:"at"`
		Says string `json:"says"` // key of the sentence, for part and day
	}
	out := make([]part, len(parts))
	for i, p := range parts {
		out[i] = part{"code.compartments." + string(p.Part), p.At, "seen.erased.other"}
		if p.Why == collections.RetentionReason {
			out[i].Says = "seen.erased." + p.Why
		}
	}
	return reply(e, struct {
		Erased []part `json:"erased"`
	}{out})
}

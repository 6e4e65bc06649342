package hooks

import (
	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
)

// erase erases a case for which a second person has agreed.
func (f *Front) erase(e *core.RequestEvent, a care.Actor) error {
	done, err := f.hub.Erase(e.Request.Context(), a, e.Request.PathValue("id"))
	if err != nil {
		return err
	}
	papers := done.Papers
	if papers == nil {
		papers = []string{}
	}
	return reply(e, struct {
		Case       string   `json:"case"`
		Keys       int      `json:"keys"`
		Records    int      `json:"records"`
		Files      int      `json:"files"`
		Papers     []string `json:"papers"`              // handed out; they cannot be called back
		KeyBackups int      `json:"key_backups_missing"` // copies of keys that the hub could not reach
	}{done.Case, done.Keys, done.Records, done.Files, papers, len(done.KeyBackups)})
}

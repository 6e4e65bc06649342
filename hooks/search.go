package hooks

import (
	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/search"
)

// search finds records by a name or a number that stands in the body: an
// address would end up in logs.
func (f *Front) search(e *core.RequestEvent, a care.Actor) error {
	var in struct {
		Text string `json:"text"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	if err := f.meter.take("search:"+a.Staff, f.cfg.Rates.Search); err != nil {
		return err
	}
	found, more, err := f.hub.Search(e.Request.Context(), a, in.Text)
	if err != nil {
		return err
	}
	type hit struct {
		Collection string                `json:"collection"`
		ID         string                `json:"id"`
		Org        string                `json:"org"`
		Case       string                `json:"case,omitempty"`
		Match      search.Match          `json:"match"`
		On         []string              `json:"on"`
		Fields     map[string]care.Value `json:"fields"`
	}
	out := struct {
		Found []hit `json:"found"`
		More  bool  `json:"more"`
	}{make([]hit, 0, len(found)), more}
	for _, r := range found {
		out.Found = append(out.Found, hit{r.Collection, r.ID, r.Org, r.Case, r.Match, r.On, r.V})
	}
	return reply(e, out)
}

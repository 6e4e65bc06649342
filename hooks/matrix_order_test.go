package hooks_test

import (
	"net/http"
	"slices"
	"testing"

	"portolan/care"
	"portolan/collections"
)

// lists is everything that somebody may ask for without naming a record, with
// what was answered.
func (o *oracle) lists(t *testing.T, who asker) map[string]string {
	t.Helper()
	got := map[string]string{}
	ask := func(method, path string, body any) {
		code, answer := o.ask(t, who, method, path, body)
		if code == http.StatusOK {
			got[method+" "+path] = string(answer)
		}
	}
	for _, e := range care.Schema {
		ask("POST", "/api/portolan/records/"+e.Name, map[string]any{})
	}
	ask("POST", "/api/portolan/search", map[string]any{"text": canary})
	for _, path := range []string{"worklist", "approvals", "emergencies", "devices"} {
		ask("GET", "/api/portolan/"+path, nil)
	}
	return got
}

// TestListsAreTheSameWhateverIsHidden: records that somebody may not see, with
// ids before, between and behind those that they may, alter no byte of any list
// that they ask for: what is in it, how much, and in which order.
func TestListsAreTheSameWhateverIsHidden(t *testing.T) {
	const mine, theirs = 3, 4 // a case of the own organisation, everything of another
	o := newOracle(t)
	var askers []asker
	before := map[string]map[string]string{}
	for _, who := range o.askers {
		if who.staff {
			askers = append(askers, who)
			before[who.name] = o.lists(t, who)
		}
	}
	for n, org := range map[int]string{mine: o.hub.Org, theirs: otherOrg} {
		o.hub.Must(t, o.hub.HubActor(), collections.Draft{Collection: "cases", Record: caseOf(n), Org: org, Set: set{
			"status": text("Active"), "owner": text(o.world.record("staff", org).id)}})
	}
	for _, consents := range []bool{true, false} {
		for at, e := range care.Schema {
			if (e.Name == "consents") != consents {
				continue
			}
			o.make(t, e, at, theirs, otherOrg)
			if e.Topic == care.NoTopic {
				o.make(t, e, at, mine, o.hub.Org)
			}
		}
	}
	same := 0
	for _, who := range askers {
		sees := slices.ContainsFunc(o.hub.Reload(t, who.actor.Staff).Grants, func(g care.Grant) bool {
			return g.Case == caseOf(mine) || g.Case == wholeID(slices.IndexFunc(care.Schema, func(e *care.Entity) bool { return e.Name == "cases" }), mine)
		})
		if sees {
			continue
		}
		for door, answer := range o.lists(t, who) {
			if answer != before[who.name][door] {
				t.Errorf("%s asks %s: what they may not see alters %.300s to %.300s", who.name, door, before[who.name][door], answer)
			}
			same++
		}
	}
	if same < 100 {
		t.Errorf("%d lists were compared: the test proves little", same)
	}
}

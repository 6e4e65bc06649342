package hooks

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"sync"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/collections"
	fieldsync "portolan/sync"
)

// handler answers one route for whoever is signed in; for open routes the
// actor is nobody.
type handler func(f *Front, e *core.RequestEvent, a care.Actor) error

// ownRoutes is every route of ours (docs/http.md). The doors let nothing else
// through.
var ownRoutes = []route{
	{method: "GET", path: "/", open: true, handle: (*Front).appPage},
	{method: "HEAD", path: "/", open: true, handle: (*Front).appPage},
	{method: "GET", path: "/app/{file}", open: true, handle: (*Front).appPart},
	{method: "GET", path: "/worker.js", open: true, handle: (*Front).appPart},
	{method: "GET", path: "/app.webmanifest", open: true, handle: (*Front).appPart},
	{method: "GET", path: "/api/portolan/health", open: true, handle: (*Front).health},
	{method: "HEAD", path: "/api/portolan/health", open: true, handle: (*Front).health},
	{method: "GET", path: "/api/portolan/health/details", handle: (*Front).healthDetails},
	{method: "POST", path: "/api/portolan/enrol", open: true, handle: (*Front).enrol},
	{method: "GET", path: "/api/portolan/second-factor", early: true, handle: (*Front).secondFactors},
	{method: "POST", path: "/api/portolan/second-factor/give", early: true, handle: (*Front).giveCode},
	{method: "POST", path: "/api/portolan/second-factor/totp", early: true, handle: (*Front).beginTOTP},
	{method: "POST", path: "/api/portolan/second-factor/totp/confirm", early: true, handle: (*Front).confirmTOTP},
	{method: "POST", path: "/api/portolan/second-factor/passkeys", early: true, handle: (*Front).beginPasskey},
	{method: "POST", path: "/api/portolan/second-factor/passkeys/confirm", early: true, handle: (*Front).addPasskey},
	{method: "POST", path: "/api/portolan/second-factor/passkeys/challenge", early: true, handle: (*Front).askPasskey},
	{method: "POST", path: "/api/portolan/second-factor/passkeys/give", early: true, handle: (*Front).givePasskey},
	{method: "POST", path: "/api/portolan/second-factor/recovery-codes", handle: (*Front).recoveryCodes},
	{method: "POST", path: "/api/portolan/second-factor/remove", handle: (*Front).removeFactor},
	{method: "POST", path: "/api/portolan/sign-out", early: true, handle: (*Front).signOut},
	{method: "POST", path: "/api/portolan/password", handle: (*Front).changePassword},
	{method: "POST", path: "/api/portolan/accounts/{id}/roles", handle: (*Front).changeRoles},
	{method: "POST", path: "/api/portolan/accounts/{id}/reset-second-factor", handle: (*Front).resetFactors},
	{method: "GET", path: "/api/portolan/waiting", handle: (*Front).waitingActs},
	{method: "POST", path: "/api/portolan/waiting/{id}/stop", handle: (*Front).stopWaiting},
	{method: "POST", path: "/api/portolan/sync", ended: true, handle: (*Front).sync},
	{method: "POST", path: "/api/portolan/token", acts: true, handle: (*Front).token},
	{method: "POST", path: "/api/portolan/report", ended: true, acts: true, last: true, handle: (*Front).report},
	{method: "GET", path: "/api/portolan/devices", handle: (*Front).deviceStates},
	{method: "GET", path: "/api/portolan/devices/{id}", handle: (*Front).deviceState},
	{method: "POST", path: "/api/portolan/leases", acts: true, handle: (*Front).leaseTerm},
	{method: "GET", path: "/api/portolan/me", handle: (*Front).me},
	{method: "GET", path: "/api/portolan/schema", handle: (*Front).schema},
	{method: "POST", path: "/api/portolan/enrolments", acts: true, handle: (*Front).newEnrolment},
	{method: "POST", path: "/api/portolan/devices/{id}/revoke", acts: true, handle: (*Front).revoke},
	{method: "POST", path: "/api/portolan/records/{collection}", handle: (*Front).records},
	{method: "POST", path: "/api/portolan/records/{collection}/history", handle: (*Front).history},
	{method: "POST", path: "/api/portolan/search", handle: (*Front).search},
	{method: "GET", path: "/api/portolan/worklist", handle: (*Front).worklist},
	{method: "POST", path: "/api/portolan/cases/{id}/erase", handle: (*Front).erase},
	{method: "GET", path: "/api/portolan/cases/{id}/erased", handle: (*Front).erased},
	{method: "POST", path: "/api/portolan/cases/{id}/summary", handle: (*Front).summary},
	{method: "GET", path: "/api/portolan/approvals", handle: (*Front).approvals},
	{method: "POST", path: "/api/portolan/approvals", handle: (*Front).askApproval},
	{method: "POST", path: "/api/portolan/approvals/{id}/decide", handle: (*Front).decideApproval},
	{method: "POST", path: "/api/portolan/cases/merge", handle: (*Front).mergeCases},
	{method: "POST", path: "/api/portolan/emergencies", handle: (*Front).breakGlass},
	{method: "GET", path: "/api/portolan/emergencies", handle: (*Front).emergencies},
	{method: "POST", path: "/api/portolan/audit/events", handle: (*Front).auditEvents},
	{method: "POST", path: "/api/portolan/audit/prove", handle: (*Front).auditProve},
	{method: "POST", path: "/api/portolan/audit/checkpoint", handle: (*Front).auditCheckpoint},
	{method: "POST", path: "/api/portolan/audit/who-saw", handle: (*Front).whoSaw},
	{method: "GET", path: "/api/portolan/documents/{id}/file", bearer: true, handle: (*Front).documentFile},
	{method: "OPTIONS", path: "/api/portolan/uploads", bearer: true, handle: (*Front).tusOptions},
	{method: "POST", path: "/api/portolan/uploads", bearer: true, ended: true, acts: true, handle: (*Front).beginUpload},
	{method: "HEAD", path: "/api/portolan/uploads/{id}", bearer: true, ended: true, acts: true, often: true, handle: (*Front).uploadState},
	{method: "PATCH", path: "/api/portolan/uploads/{id}", bearer: true, ended: true, acts: true, often: true, handle: (*Front).takePiece},
	{method: "DELETE", path: "/api/portolan/uploads/{id}", bearer: true, acts: true, handle: (*Front).endUpload},
	{method: "POST", path: "/api/portolan/documents/{id}/hand-out", handle: (*Front).handOutPaper},
	{method: "POST", path: "/api/portolan/cases/{id}/hand-out", handle: (*Front).handOutNew},
	{method: "GET", path: "/verify", open: true, handle: (*Front).verify},
	{method: "HEAD", path: "/verify", open: true, handle: (*Front).verify},
	{method: "POST", path: "/verify", open: true, handle: (*Front).verify},
	{method: "POST", path: "/api/portolan/papers/standing", open: true, handle: (*Front).standing},
	{method: "GET", path: "/api/portolan/trust", handle: (*Front).trustedHubs},
	{method: "POST", path: "/api/portolan/trust", acts: true, handle: (*Front).trustHub},
	{method: "POST", path: "/api/portolan/trust/remove", acts: true, handle: (*Front).distrustHub},
	{method: "POST", path: "/api/portolan/capsules/open", handle: (*Front).openCapsule},
	{method: "GET", path: "/api/portolan/held/{id}", handle: (*Front).heldChange},
	{method: "GET", path: "/api/portolan/held/{id}/file", handle: (*Front).heldFile},
	{method: "POST", path: "/api/portolan/held/{id}", acts: true, handle: (*Front).decide},
}

// Routes lists every method and path that is answered, for the documents.
func Routes() []string {
	var out []string
	for _, r := range append(append([]route{}, pocketBaseDoors...), ownRoutes...) {
		out = append(out, r.method+" "+r.path)
	}
	return out
}

// serve is what every route of ours has in common.
func (f *Front) serve(r route) func(*core.RequestEvent) error {
	return func(e *core.RequestEvent) error {
		var actor care.Actor
		if !r.open {
			var err error
			if actor, err = actorOf(e); err != nil {
				return err
			}
			if !r.last { // whoever says that they have ended is told that they were heard
				g, done := f.out.guard(e.Response, actor, r.acts)
				defer done()
				e.Response = g
			}
			// It may have been revoked since its token was read.
			c, _ := e.Get(contactKey).(collections.Contact)
			if actor.Device != "" && !c.Ended {
				if ok, err := f.hub.DeviceEnrolled(e.Request.Context(), actor.Device); err != nil {
					return err
				} else if !ok {
					return errTokenInvalid
				}
			}
		}
		return r.handle(f, e, actor)
	}
}

func reply(e *core.RequestEvent, v any) error {
	writeJSON(e.Response, e.Request, http.StatusOK, v)
	return nil
}

// enrol makes a tablet known, by a one-time code.
func (f *Front) enrol(e *core.RequestEvent, _ care.Actor) error {
	var in struct {
		Code  string `json:"code"`
		Key   string `json:"key"`
		Label string `json:"label"`
		// Of whoever the code is for, shown on the tablet.
		Password     string `json:"password"`
		SecondFactor string `json:"second_factor"`
		// Replicas that the tablet had before, so that it learns what the hub
		// holds of them.
		Replicas []collections.Earlier `json:"replicas"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	key, err := base64.RawURLEncoding.DecodeString(in.Key)
	if err != nil {
		return collections.ErrKey
	}
	try, err := f.attempts.begin(attempt{"code:" + addressKey(e.RemoteIP()), perCode, true})
	if err != nil {
		return err
	}
	done, err := f.hub.Enrol(e.Request.Context(), in.Code, collections.Credentials{Password: in.Password, Code: in.SecondFactor}, ed25519.PublicKey(key), in.Label, in.Replicas...)
	if err != nil {
		return err
	}
	try.ok()
	return reply(e, struct {
		collections.Enrolled
		Hub string `json:"hub"`
	}{done, f.Address()})
}

// Address is where tablets find the hub, with what they pin.
func (f *Front) Address() string {
	if f.cfg.Fingerprint == "" {
		return f.cfg.URL
	}
	return f.cfg.URL + "#sha256=" + f.cfg.Fingerprint
}

// newEnrolment makes a one-time code for a member of staff, for oneself where
// none is named.
func (f *Front) newEnrolment(e *core.RequestEvent, a care.Actor) error {
	var in struct {
		Staff string `json:"staff"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	if in.Staff == "" {
		in.Staff = a.Staff
	}
	code, err := f.hub.NewEnrolment(e.Request.Context(), a, in.Staff)
	if err != nil {
		return err
	}
	return reply(e, struct {
		Code    string `json:"code"`
		Hub     string `json:"hub"`
		Scan    string `json:"scan"` // both in one, for a QR code
		Expires string `json:"expires"`
	}{code, f.Address(), fieldsync.Invitation{Hub: f.Address(), Code: code}.String(), care.FormatTime(f.hub.Now().Add(collections.EnrolmentTerm))})
}

func (f *Front) revoke(e *core.RequestEvent, a care.Actor) error {
	device := e.Request.PathValue("id")
	if err := f.hub.RevokeDevice(e.Request.Context(), a, device); err != nil {
		return err
	}
	return reply(e, struct {
		Revoked string `json:"revoked"`
	}{device})
}

// me says who the token's owner is and what they were granted.
func (f *Front) me(e *core.RequestEvent, a care.Actor) error {
	type grant struct {
		Case        string           `json:"case"`
		Compartment care.Compartment `json:"compartment"`
		Until       string           `json:"until"`
	}
	grants := make([]grant, 0, len(a.Grants))
	for _, g := range a.Grants {
		grants = append(grants, grant{g.Case, g.Compartment, care.FormatTime(g.Until)})
	}
	return reply(e, struct {
		Staff  string      `json:"staff"`
		Org    string      `json:"org"`
		Roles  []care.Role `json:"roles"`
		Device string      `json:"device,omitempty"`
		Grants []grant     `json:"grants"`
	}{a.Staff, a.Org, a.Roles, a.Device, grants})
}

// schemaJSON is made once: the schema does not change while the hub runs.
var schemaJSON = sync.OnceValues(func() ([]byte, error) {
	codes := map[string]*care.CodeList{}
	for _, e := range care.Schema {
		for _, field := range e.Fields {
			if l, ok := care.FindCodes(field.Codes); ok {
				codes[l.Name] = l
			}
		}
	}
	return json.Marshal(struct {
		Version int                       `json:"version"`
		Schema  []*care.Entity            `json:"schema"`
		Codes   map[string]*care.CodeList `json:"codes"`
	}{care.SchemaVersion, care.Schema, codes})
})

// schema gives apps the description of every field, and the code lists.
func (f *Front) schema(e *core.RequestEvent, _ care.Actor) error {
	b, err := schemaJSON()
	if err != nil {
		return err
	}
	s := newStream(e, "application/json; charset=utf-8")
	if err := s.line(b); err != nil {
		return err
	}
	return s.end()
}

// records is how the desk reads: one record by its id, or a list.
func (f *Front) records(e *core.RequestEvent, a care.Actor) error {
	var in struct {
		ID    string            `json:"id"`
		Case  string            `json:"case"`
		Where map[string]string `json:"where"`
		Limit int               `json:"limit"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	ctx, collection := e.Request.Context(), e.Request.PathValue("collection")
	var rows []care.Row
	if in.ID != "" {
		row, err := f.hub.Read(ctx, a, collection, in.ID)
		if err != nil {
			return err
		}
		rows = []care.Row{row}
	} else {
		var err error
		if rows, err = f.hub.List(ctx, a, collections.Query{Collection: collection, Case: in.Case, Where: in.Where, Limit: in.Limit}); err != nil {
			return err
		}
	}
	return sendRows(e, rows)
}

// history shows every value that was ever entered in a field.
func (f *Front) history(e *core.RequestEvent, a care.Actor) error {
	var in struct {
		ID    string `json:"id"`
		Field string `json:"field"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	of, err := f.hub.History(e.Request.Context(), a, e.Request.PathValue("collection"), in.ID, in.Field)
	if err != nil {
		return err
	}
	return reply(e, of)
}

func sendRows(e *core.RequestEvent, rows []care.Row) error {
	s := newStream(e, ndjson)
	for _, r := range rows {
		b, err := json.Marshal(struct {
			Collection string                `json:"collection"`
			ID         string                `json:"id"`
			Org        string                `json:"org,omitempty"`
			Case       string                `json:"case,omitempty"`
			Fields     map[string]care.Value `json:"fields"`
		}{r.Collection, r.ID, r.Org, r.Case, r.V})
		if err != nil {
			return err
		}
		if err := s.line(b); err != nil {
			return err
		}
	}
	return s.end()
}

// worklist is what waits for a person's decision: conflicts and held changes.
func (f *Front) worklist(e *core.RequestEvent, a care.Actor) error {
	list, err := f.hub.Worklist(e.Request.Context(), a)
	if err != nil {
		return err
	}
	return reply(e, list)
}

package hooks

import (
	"context"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/collections"
	fieldsync "portolan/sync"
)

// What a request of a tablet keeps: who signed it, and the hash of the body
// that they signed.
const contactKey = "portolanContact"

// signedBody is where the doors leave the hash of the body that was signed, in
// a request's context.
type signedBody struct{}

// readSignature finds out which tablet signed a request. Nothing is done
// before the body has turned out to be the one that was signed: readBody looks.
func (f *Front) readSignature(e *core.RequestEvent, header string) error {
	r, sig, err := fieldsync.ParseRequest(header, e.Request.Method, e.Request.URL.Path)
	if err != nil {
		return errTokenInvalid
	}
	door, _ := match(f.routes, e.Request.Method, e.Request.URL.Path)
	c, err := f.hub.SignedBy(e.Request.Context(), r, sig)
	if err == nil && c.Ended && !door.ended {
		return errTokenInvalid
	}
	if _, err = alike(c.Actor, err); err == nil {
		err = f.metered(c.Actor, door)
	}
	if err == nil && !strings.HasPrefix(e.Request.URL.Path, "/api/portolan/") {
		err = errDeviceHere
	}
	if err != nil {
		return err
	}
	if c.Unproved && !door.early {
		return collections.ErrSecondFactor
	}
	e.Request = e.Request.WithContext(context.WithValue(e.Request.Context(), signedBody{}, r.Body))
	e.Set(contactKey, c)
	e.Set(actorKey, c.Actor)
	return e.Next()
}

// bearerToken reads a tablet's token for what cannot be signed: realtime and
// files. PocketBase learns who it is only where its own route needs it;
// auth-refresh would turn it into a person's token, which a tablet's
// revocation would not end.
func (f *Front) bearerToken(e *core.RequestEvent, token string) (care.Actor, error) {
	c, err := f.hub.BearerOf(e.Request.Context(), token)
	if actor, err := alike(c.Actor, err); err != nil {
		return actor, err
	}
	door, _ := match(f.routes, e.Request.Method, e.Request.URL.Path)
	if !door.bearer {
		return care.Actor{}, errDeviceHere
	}
	if e.Request.URL.Path != "/api/realtime" {
		return c.Actor, nil
	}
	record, err := e.App.FindRecordById(accounts, c.Staff)
	if err != nil {
		return care.Actor{}, errTokenInvalid
	}
	e.Auth = record
	return c.Actor, nil
}

// contactOf is the tablet that signed the request; a person has none.
func contactOf(e *core.RequestEvent) (collections.Contact, error) {
	c, ok := e.Get(contactKey).(collections.Contact)
	if !ok {
		return c, errTabletOnly
	}
	return c, nil
}

// token gives a tablet a token for realtime and files.
func (f *Front) token(e *core.RequestEvent, _ care.Actor) error {
	c, err := contactOf(e)
	if err != nil {
		return err
	}
	token, until := f.hub.BearerToken(c)
	return reply(e, struct {
		Token   string `json:"token"`
		Expires string `json:"expires"`
	}{token, care.FormatTime(until)})
}

// dismiss answers a tablet whose access has ended: what it delivers is kept
// for a person to decide, and it is told to destroy what it holds. It is not
// told by Clear-Site-Data: others work in the same browser (docs/decisions/027-a-hub-empties-no-browser.md).
func (f *Front) dismiss(e *core.RequestEvent, c collections.Contact) error {
	got, err := f.take(e, c)
	if err != nil {
		return err
	}
	s := newStream(e, ndjson)
	if err := s.send(fieldsync.Line{Wipe: &fieldsync.Wipe{Why: collections.HeldRevoked}}); err != nil {
		return err
	}
	to := &answer{f: f, ctx: e.Request.Context(), s: s, got: got, seen: got.push.Seen}
	if err := to.Disclose(true); err != nil { // the end is news
		return err
	}
	if err := s.send(fieldsync.Line{End: &fieldsync.End{Server: care.FormatTime(f.hub.Now())}}); err != nil {
		return err
	}
	return s.end()
}

// report takes what a tablet says of itself: that it is empty before a border,
// or that its keys are destroyed.
func (f *Front) report(e *core.RequestEvent, _ care.Actor) error {
	var in struct {
		State string `json:"state"`
		Last  uint64 `json:"last"`
		Files uint64 `json:"files"`
	}
	c, err := contactOf(e)
	if err != nil {
		return err
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	done, err := f.hub.TabletReports(e.Request.Context(), c, in.State, in.Last, in.Files)
	if err != nil {
		return err
	}
	return reply(e, done)
}

// deviceStates tells who may enrol what the hub knows of every tablet.
func (f *Front) deviceStates(e *core.RequestEvent, a care.Actor) error {
	list, err := f.hub.DeviceStates(e.Request.Context(), a)
	if err != nil {
		return err
	}
	return reply(e, struct {
		Devices []collections.DeviceState `json:"devices"`
	}{list})
}

// deviceState tells who may enrol what the hub knows of a tablet.
func (f *Front) deviceState(e *core.RequestEvent, a care.Actor) error {
	s, err := f.hub.DeviceState(e.Request.Context(), a, e.Request.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(e, s)
}

// leaseTerm sets how long tablets can be opened without the hub.
func (f *Front) leaseTerm(e *core.RequestEvent, a care.Actor) error {
	var in struct {
		Role care.Role `json:"role"`
		Days int       `json:"days"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	if err := f.hub.SetLeaseTerm(e.Request.Context(), a, in.Role, in.Days); err != nil {
		return err
	}
	return reply(e, in)
}

package hooks

import (
	"errors"
	"strings"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/collections"
	fieldsync "portolan/sync"
)

// accounts is PocketBase's auth collection of staff; a record's id is the
// staff id.
const accounts = collections.AccountsCollection

// What a request keeps: who asks, in which sign-in, and a token for them.
const (
	actorKey   = "portolanActor"
	sessionKey = "portolanSession"
	tokenKey   = "portolanToken"
)

// readToken finds out who asks, before PocketBase does: where a token is
// wrong, expired or revoked PocketBase goes on as with a guest, and a guest's
// empty answer would read to a tablet as "everything was deleted".
func (f *Front) readToken(e *core.RequestEvent) error {
	raw := e.Request.Header.Get("Authorization")
	if raw == "" {
		return e.Next()
	}
	if strings.HasPrefix(raw, fieldsync.RequestScheme) {
		return f.readSignature(e, raw)
	}
	token := raw
	if len(raw) > 7 && strings.EqualFold(raw[:7], "Bearer ") {
		token = raw[7:]
	}
	var actor care.Actor
	var err error
	if strings.Count(token, ".") == 2 {
		actor, err = f.staffToken(e, token)
	} else {
		actor, err = f.bearerToken(e, token)
	}
	door, _ := match(f.routes, e.Request.Method, e.Request.URL.Path)
	if err == nil {
		err = f.metered(actor, door)
	}
	if err != nil {
		return err
	}
	if actor.Unproved && !door.early {
		return collections.ErrSecondFactor
	}
	e.Set(actorKey, actor)
	return e.Next()
}

// staffToken reads a token that was made for a sign-in. Only accounts of staff
// count: there is no open superuser.
func (f *Front) staffToken(e *core.RequestEvent, token string) (care.Actor, error) {
	record, err := e.App.FindAuthRecordByToken(token, core.TokenTypeAuth)
	if err != nil {
		// A database that cannot be read must not look like a wrong token.
		if _, dbErr := e.App.ConcurrentDB().NewQuery("SELECT 1").Execute(); dbErr != nil {
			return care.Actor{}, dbErr
		}
		return care.Actor{}, errTokenInvalid
	}
	if record.Collection().Name != accounts {
		return care.Actor{}, errTokenInvalid
	}
	session := collections.SessionOf(token)
	e.Auth = record
	e.Set(sessionKey, session)
	return alike(f.hub.SessionActor(e.Request.Context(), record.Id, session))
}

// alike makes everybody who is not known look the same.
func alike(a care.Actor, err error) (care.Actor, error) {
	var e *care.Error
	if errors.As(err, &e) && (e.Kind == care.Signin || e.Kind == care.NotFound) {
		return care.Actor{}, errTokenInvalid
	}
	return a, err
}

// actorOf is who asks, an error for guests.
func actorOf(e *core.RequestEvent) (care.Actor, error) {
	a, ok := e.Get(actorKey).(care.Actor)
	if !ok {
		return care.Actor{}, errTokenMissing
	}
	return a, nil
}

// signInMax bounds what is read of a sign-in beside login and password.
const signInMax = 512

// signInExtra is what a sign-in may hold beside PocketBase's identity and
// password.
type signInExtra struct {
	Code       string `json:"code"`
	Remembered string `json:"remembered"`
}

// signInMeta is what a sign-in says beside the token.
type signInMeta struct {
	// SecondFactor is "given", "needed" before anything else can be done, or
	// "none" where none is asked.
	SecondFactor string `json:"second_factor"`
	Remembered   string `json:"remembered,omitempty"`
	Ends         string `json:"ends"`
}

// bindSignIn is the way in by password: a bound on attempts, one answer for
// every failure, and a sign-in of ours behind each token. PocketBase's own
// check is not asked.
func (f *Front) bindSignIn() {
	f.app.OnRecordAuthWithPasswordRequest().BindFunc(func(e *core.RecordAuthWithPasswordRequestEvent) error {
		var extra signInExtra
		if err := e.BindBody(&extra); err != nil || len(extra.Code) > signInMax || len(extra.Remembered) > signInMax {
			return errBodyJSON
		}
		in, meta, err := f.signIn(e.RequestEvent, collections.Credentials{Login: e.Identity, Password: e.Password, Code: extra.Code}, extra.Remembered)
		if err != nil {
			return err
		}
		e.Set(tokenKey, in.Token)
		return apis.RecordAuthResponse(e.RequestEvent, in.Account, core.MFAMethodPassword, meta)
	})
	f.app.OnRecordAuthRequest().BindFunc(func(e *core.RecordAuthRequestEvent) error {
		if e.Collection.Name != accounts {
			return care.ErrNotFound
		}
		var ok bool
		if e.Token, ok = e.Get(tokenKey).(string); ok {
			return e.Next()
		}
		// A token is renewed: it stays one of the same sign-in.
		session, _ := e.Get(sessionKey).(string)
		var err error
		if e.Token, err = f.hub.RenewToken(e.Request.Context(), e.Record, session); err != nil {
			return err
		}
		return e.Next()
	})
}

// signIn takes credentials within the bounds on guessing.
func (f *Front) signIn(e *core.RequestEvent, c collections.Credentials, remembered string) (in collections.SignedIn, meta signInMeta, err error) {
	ctx := e.Request.Context()
	c.Address = addressKey(e.RemoteIP())
	err = f.guess(e, c.Login, remembered, func() (err error) {
		in, err = f.hub.SignInAtDesk(ctx, c)
		return err
	})
	if err != nil {
		return in, meta, err
	}
	meta = signInMeta{SecondFactor: "none", Ends: care.FormatTime(f.hub.Now().Add(collections.SignInTerm))}
	switch {
	case in.Actor.Unproved:
		meta.SecondFactor = "needed"
		return in, meta, nil
	case c.Code != "":
		meta.SecondFactor = "given"
	}
	meta.Remembered, err = f.hub.RememberDesk(in.Account)
	return in, meta, err
}

// guess runs one try of a password or a code within the bounds on guessing.
func (f *Front) guess(e *core.RequestEvent, login, remembered string, once func() error) error {
	lanes, err := f.lanes(e, login, remembered)
	if err != nil {
		return err
	}
	try, err := f.attempts.begin(lanes...)
	if err != nil {
		return err
	}
	err = once()
	switch {
	case err == nil:
		try.ok()
	case errors.Is(err, collections.ErrSignIn):
		if try.last {
			if noteErr := f.hub.NoteLocked(e.Request.Context(), login); noteErr != nil {
				return noteErr
			}
		}
	default:
		try.ok() // what failed is the hub, not a guess
	}
	return err
}

// lanes is what a try counts against. For a login that nobody has, the hub is
// asked the same questions.
func (f *Front) lanes(e *core.RequestEvent, login, remembered string) ([]attempt, error) {
	ctx, address := e.Request.Context(), addressKey(e.RemoteIP())
	device, err := f.hub.RememberedDesk(ctx, login, remembered)
	if err != nil {
		return nil, err
	}
	known, err := f.hub.KnownAddress(ctx, login, address)
	if err != nil {
		return nil, err
	}
	switch {
	case device != "":
		return []attempt{{"device:" + device, perLane, true}}, nil
	case known:
		return []attempt{{"here:" + login + " " + address, perLane, true}}, nil
	}
	return []attempt{{"login:" + login, perLane, false}, {"address:" + address, perAddress, false}}, nil
}

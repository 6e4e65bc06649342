package hooks

import (
	"errors"
	"net/http"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/collections"
)

// accounts is PocketBase's auth collection of staff; a record's id is the
// staff id.
const accounts = collections.AccountsCollection

// actorKey is where a request keeps who asks.
const actorKey = "portolanActor"

// readToken finds out who asks, before PocketBase does: where a token is
// wrong, expired or revoked PocketBase goes on as with a guest, and a guest's
// empty answer would read to a tablet as "everything was deleted".
func (f *Front) readToken(e *core.RequestEvent) error {
	raw := e.Request.Header.Get("Authorization")
	if raw == "" {
		return e.Next()
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
		actor, err = f.deviceToken(e, token)
	}
	if err == nil {
		err = f.metered(actor)
	}
	if err != nil {
		return err
	}
	e.Set(actorKey, actor)
	return e.Next()
}

// staffToken reads a token that PocketBase made. Only accounts of staff
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
	e.Auth = record
	return alike(f.hub.Actor(e.Request.Context(), record.Id, ""))
}

// deviceToken reads a tablet's token. PocketBase learns who it is only where
// its own route needs it; auth-refresh would turn it into a person's token,
// which a tablet's revocation would not end.
func (f *Front) deviceToken(e *core.RequestEvent, token string) (care.Actor, error) {
	actor, err := alike(f.hub.DeviceActor(e.Request.Context(), token))
	if err != nil || e.Request.URL.Path != "/api/realtime" {
		if err == nil && !strings.HasPrefix(e.Request.URL.Path, "/api/portolan/") {
			err = errDeviceHere
		}
		return actor, err
	}
	record, err := e.App.FindRecordById(accounts, actor.Staff)
	if err != nil {
		return care.Actor{}, errTokenInvalid
	}
	e.Auth = record
	return actor, nil
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

// bindSignIn guards the way in by password: a bound on attempts, one answer
// for every failure, and nobody who has left.
func (f *Front) bindSignIn() {
	f.app.OnRecordAuthWithPasswordRequest().BindFunc(func(e *core.RecordAuthWithPasswordRequestEvent) error {
		login, address := "login:"+strings.ToLower(e.Identity), "address:"+addressKey(e.RemoteIP())
		ok, err := f.attempts.begin(attempt{login + " " + address, perPair}, attempt{login, perLogin}, attempt{address, perAddress})
		if err != nil {
			return err
		}
		if err := e.Next(); err != nil {
			var known *care.Error
			if errors.As(err, &known) {
				return err
			}
			if e.Record != nil && e.Record.ValidatePassword(e.Password) {
				return err // the password was right: what failed is the hub
			}
			return errSignIn
		}
		if e.Status() == http.StatusOK {
			ok()
		}
		return nil
	})
	f.app.OnRecordAuthRequest().BindFunc(func(e *core.RecordAuthRequestEvent) error {
		if e.Collection.Name != accounts {
			return care.ErrNotFound
		}
		actor, err := f.hub.Actor(e.Request.Context(), e.Record.Id, "")
		if err != nil {
			if _, err = alike(actor, err); errors.Is(err, errTokenInvalid) {
				return errSignIn // has left, or was disabled
			}
			return err
		}
		return e.Next()
	})
}

package hooks

import (
	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/collections"
)

// sessionOf is in which sign-in somebody asks: a desk's. A tablet sets up and
// gives no second factor: it was enrolled with one.
func sessionOf(e *core.RequestEvent) (string, error) {
	session, _ := e.Get(sessionKey).(string)
	if session == "" {
		return "", errDeviceHere
	}
	return session, nil
}

func (f *Front) secondFactors(e *core.RequestEvent, a care.Actor) error {
	session, err := sessionOf(e)
	if err != nil {
		return err
	}
	state, err := f.hub.SecondFactors(e.Request.Context(), a, session)
	if err != nil {
		return err
	}
	return reply(e, state)
}

// giveCode gives the second factor in a sign-in that was begun without it.
func (f *Front) giveCode(e *core.RequestEvent, a care.Actor) error {
	session, err := sessionOf(e)
	if err != nil {
		return err
	}
	var in signInExtra
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	err = f.guess(e, e.Auth.GetString("login"), in.Remembered, func() error {
		return f.hub.GiveCode(e.Request.Context(), a, session, in.Code)
	})
	if err != nil {
		return err
	}
	return f.given(e)
}

// given answers whoever has just given their second factor.
func (f *Front) given(e *core.RequestEvent) error {
	remembered, err := f.hub.RememberDesk(e.Auth)
	if err != nil {
		return err
	}
	return reply(e, struct {
		SecondFactor string `json:"second_factor"`
		Remembered   string `json:"remembered"`
	}{"given", remembered})
}

func (f *Front) beginTOTP(e *core.RequestEvent, a care.Actor) error {
	if _, err := sessionOf(e); err != nil {
		return err
	}
	made, err := f.hub.BeginTOTP(e.Request.Context(), a)
	if err != nil {
		return err
	}
	return reply(e, made)
}

// newFactor is the answer to a second factor that was set up.
type newFactor struct {
	SecondFactor  string   `json:"second_factor"`
	RecoveryCodes []string `json:"recovery_codes,omitempty"`
}

func (f *Front) confirmTOTP(e *core.RequestEvent, a care.Actor) error {
	session, err := sessionOf(e)
	if err != nil {
		return err
	}
	var in struct {
		Code string `json:"code"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	codes, err := f.hub.ConfirmTOTP(e.Request.Context(), a, session, in.Code)
	if err != nil {
		return err
	}
	return reply(e, newFactor{"given", codes})
}

func (f *Front) recoveryCodes(e *core.RequestEvent, a care.Actor) error {
	if _, err := sessionOf(e); err != nil {
		return err
	}
	codes, err := f.hub.NewRecoveryCodes(e.Request.Context(), a)
	if err != nil {
		return err
	}
	return reply(e, newFactor{"given", codes})
}

func (f *Front) removeFactor(e *core.RequestEvent, a care.Actor) error {
	session, err := sessionOf(e)
	if err != nil {
		return err
	}
	var in struct {
		ID string `json:"id"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	if err := f.hub.RemoveFactor(e.Request.Context(), a, session, in.ID); err != nil {
		return err
	}
	return f.secondFactors(e, a)
}

// signOut ends this sign-in, or all of that person's.
func (f *Front) signOut(e *core.RequestEvent, a care.Actor) error {
	session, err := sessionOf(e)
	if err != nil {
		return err
	}
	var in struct {
		Everywhere bool `json:"everywhere"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	if err := f.hub.SignOut(e.Request.Context(), a, session, in.Everywhere); err != nil {
		return err
	}
	return reply(e, struct {
		SignedOut bool `json:"signed_out"`
	}{true})
}

// changePassword gives whoever asks a new password. It ends every sign-in of
// theirs, this one too.
func (f *Front) changePassword(e *core.RequestEvent, _ care.Actor) error {
	if _, err := sessionOf(e); err != nil {
		return err
	}
	var in struct {
		Password   string `json:"password"`
		New        string `json:"new"`
		Code       string `json:"code"`
		Remembered string `json:"remembered"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	c := collections.Credentials{Login: e.Auth.GetString("login"), Password: in.Password, Code: in.Code}
	err := f.guess(e, c.Login, in.Remembered, func() error {
		return f.hub.ChangePassword(e.Request.Context(), c, in.New)
	})
	if err != nil {
		return err
	}
	return reply(e, struct {
		SignedOut bool `json:"signed_out"`
	}{true})
}

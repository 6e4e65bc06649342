package ops

import (
	"context"
	"errors"
	"fmt"

	"portolan/collections"
	"portolan/signin"
)

const totpUsage = `SECRET

Prints the code of the moment of an authenticator app's secret, as the app
would: for the demo, and for whoever has no such app at hand. A code is good
once.
`

// TOTP prints the code that an authenticator app would show now.
func TOTP(_ context.Context, env Env, args []string) int {
	fs := env.flags("totp")
	words, exit, stop := env.parse(fs, args, totpUsage)
	if stop {
		return exit
	}
	if len(words) != 1 {
		return env.misused(fs, totpUsage, "say one secret")
	}
	secret, err := signin.ParseSecret(words[0])
	if err != nil {
		return env.misused(fs, totpUsage, err.Error())
	}
	fmt.Fprintln(env.Stdout, signin.Code(secret, signin.Step(env.Now())))
	return ExitOK
}

// setUpFactor sets up an authenticator app for the person at the console, who
// shows their password, and the second factor that they have if there is one.
func (u *user) setUpFactor(ctx context.Context, hub *collections.Hub, login string) error {
	password, err := u.env.Password(ctx, "Password of "+login+": ")
	if err != nil {
		return err
	}
	c := collections.Credentials{Login: login, Password: password}
	actor, err := hub.SignIn(ctx, c)
	if errors.Is(err, collections.ErrSecondFactor) {
		has, hasErr := hub.HasSecondFactor(ctx, actor.Staff)
		switch {
		case hasErr != nil:
			return hasErr
		case has:
			if c.Code, err = u.env.code(ctx, login); err != nil {
				return err
			}
			actor, err = hub.SignIn(ctx, c)
		default:
			err = nil // the first one is set up with the password alone
		}
	}
	if err != nil {
		return err
	}
	made, err := hub.BeginTOTP(ctx, actor)
	if err != nil {
		return err
	}
	out := u.env.Stdout
	fmt.Fprintf(out, "Give this to the authenticator app. It is not shown again.\n\n  secret %s\n  %s\n\n", made.Secret, made.URI)
	code, err := u.env.Ask(ctx, "The code that the app shows now: ")
	if err != nil {
		return err
	}
	recovery, err := hub.ConfirmTOTP(ctx, actor, "", code)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "The second factor is set up; earlier sign-ins have ended.")
	if len(recovery) > 0 {
		fmt.Fprintln(out, "\nRecovery codes, each good once, where the app is lost. Write them down; they are not shown again:")
		for _, r := range recovery {
			fmt.Fprintln(out, "  "+r)
		}
	}
	return nil
}

package tablet

import (
	"context"
	"fmt"

	"portolan/care"
	fieldsync "portolan/sync"
)

func (c *command) enrol(ctx context.Context, t *Tablet, words []string) (int, error) {
	at, scanned := fieldsync.ParseInvitation(words[0])
	switch {
	case len(words) == 2 && !scanned:
		at = fieldsync.Invitation{Hub: words[0], Code: words[1]}
	case len(words) != 1 || !scanned:
		return 0, errUsage("enrol takes the hub's address and a code, or what the QR code says")
	}
	password, err := c.ask(ctx, PasswordVariable, "Password of whoever the code is for: ")
	if err != nil {
		return 0, err
	}
	owner := Owner{Password: password}
	if owner.Passphrase, err = c.newPassphrase(ctx); err != nil {
		return 0, err
	}
	err = t.Enrol(ctx, at.Hub, at.Code, owner)
	if care.CodeOf(err) == "second_factor_needed" {
		if owner.SecondFactor, err = c.ask(ctx, CodeVariable, "Code of their authenticator app, or a recovery code: "); err != nil {
			return 0, err
		}
		err = t.Enrol(ctx, at.Hub, at.Code, owner)
	}
	if err != nil {
		return 0, err
	}
	id, err := t.Identity(ctx)
	if err != nil {
		return 0, err
	}
	fmt.Fprintf(c.out, "Enrolled at %s as device %s. What is there comes with the first sync.\n", printable(id.URL), id.Device)
	return ExitOK, nil
}

// newPassphrase asks twice.
func (c *command) newPassphrase(ctx context.Context) (string, error) {
	first, err := c.ask(ctx, PassphraseVariable, "Passphrase of this tablet, five plain words or more: ")
	if err != nil {
		return "", err
	}
	again, err := c.ask(ctx, PassphraseVariable, "Once more: ")
	if err == nil && again != first {
		err = errTwice
	}
	return first, err
}

// errTwice says that a new passphrase was typed in two ways.
var errTwice = &care.Error{Code: "passphrase_differs", Kind: care.Invalid, Hint: "The two are not the same. Nothing was altered."}

// unlock asks for the passphrase.
func (c *command) unlock(ctx context.Context, t *Tablet) error {
	if !t.Guarded() {
		return nil // nothing is left that it would open
	}
	passphrase, err := c.ask(ctx, PassphraseVariable, "Passphrase of this tablet: ")
	if err != nil {
		return err
	}
	return t.Unlock(ctx, passphrase)
}

// wipe destroys first, whoever asks: only to deliver what is unsent the
// passphrase is needed.
func (c *command) wipe(ctx context.Context, t *Tablet, _ []string) (int, error) {
	err := t.Empty(ctx)
	if err == nil {
		err = c.unlock(ctx, t)
	}
	if err == nil {
		err = t.Deliver(ctx)
	}
	if err != nil {
		waiting, countErr := t.Unsent(context.WithoutCancel(ctx))
		if countErr == nil && waiting > 0 {
			fmt.Fprintf(c.err, "tablet: what was here is destroyed; %d changes wait to be delivered: sync.\n", waiting)
		}
		c.filesWait(ctx, t)
		return 0, err
	}
	if c.filesWait(ctx, t) {
		return ExitUndecided, nil
	}
	fmt.Fprintln(c.out, "Nothing is left here. To go on, enrol this folder with a fresh code.")
	return ExitOK, nil
}

// filesWait says of an emptied tablet whether files wait to be delivered.
func (c *command) filesWait(ctx context.Context, t *Tablet) bool {
	waiting, err := t.FilesWaiting(context.WithoutCancel(ctx))
	if err != nil || waiting == 0 {
		return false
	}
	fmt.Fprintf(c.err, "tablet: what was here is destroyed; %d files wait to be delivered, sealed: sync.\n", waiting)
	return true
}

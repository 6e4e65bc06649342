package ops

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"portolan/care"
	"portolan/collections"
	"portolan/tablet"
)

// DefaultDir is the hub's folder where none is named.
const DefaultDir = "portolan-data"

// Env is all that a command knows of the world. A command that a running hub
// carries out for somebody else gets theirs: their working directory, their
// terminal.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	WorkDir        string // relative paths are read from here
	Version        string
	Program        string // how this program is called, for commands that are printed
	Now            func() time.Time
	Getenv         func(string) string
	// Ask asks a person for a secret, without echo.
	Ask func(ctx context.Context, prompt string) (string, error)

	// Reached hears of each labelled point of work that goes on after a crash
	// where it was: tests kill the process there.
	Reached func(label string)

	command []string         // what was typed, to be handed to a running hub
	running *collections.Hub // the hub of this process, where one runs
	address string           // where that hub is reached, with what tablets pin
}

// NewEnv returns the environment of this process.
func NewEnv(version string) (Env, error) {
	wd, err := os.Getwd()
	if err != nil {
		return Env{}, fmt.Errorf("finding the working directory: %w", err)
	}
	return Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, WorkDir: wd, Version: version, Program: calledAs(os.Args[0]),
		Now: time.Now, Getenv: os.Getenv, Ask: askTerminal,
	}, nil
}

func (e Env) reach(label string) {
	if e.Reached != nil {
		e.Reached(label)
	}
}

// calledAs is what a person types to run this program again: `go run` builds
// it in a folder of its own (cmd/go: $WORK is go-build*), which ends with it.
func calledAs(arg0 string) string {
	if strings.Contains(filepath.ToSlash(arg0), "/go-build") {
		return "go run ."
	}
	return arg0
}

// Path makes a path that was typed absolute.
func (e Env) Path(p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(e.WorkDir, p)
}

// flags begins the flags of a command. Every command has the same -h.
func (e Env) flags(name string) *flag.FlagSet {
	fs := flag.NewFlagSet("portolan "+name, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // parse reports, once, in our words
	return fs
}

// parse reads flags wherever they stand among the other words. stop is true
// where the command ends here: help was asked for, or a flag makes no sense.
func (e Env) parse(fs *flag.FlagSet, args []string, usage string) (words []string, exit int, stop bool) {
	for {
		err := fs.Parse(args)
		switch {
		case errors.Is(err, flag.ErrHelp):
			e.usage(fs, usage, e.Stdout)
			return nil, ExitOK, true
		case err != nil:
			fmt.Fprintf(e.Stderr, "%s: %v\n", fs.Name(), err)
			e.usage(fs, usage, e.Stderr)
			return nil, ExitUsage, true
		case fs.NArg() == 0:
			return words, ExitOK, false
		}
		words, args = append(words, fs.Arg(0)), fs.Args()[1:]
	}
}

func (e Env) usage(fs *flag.FlagSet, usage string, w io.Writer) {
	fmt.Fprintf(w, "Usage: %s %s\n", fs.Name(), usage)
	fs.SetOutput(w)
	fs.PrintDefaults()
	fs.SetOutput(io.Discard)
}

// misused reports a command line that makes no sense.
func (e Env) misused(fs *flag.FlagSet, usage, what string) int {
	fmt.Fprintf(e.Stderr, "%s: %s\n", fs.Name(), what)
	e.usage(fs, usage, e.Stderr)
	return ExitUsage
}

// PasswordVariable names the environment variable that is taken for a
// password instead of asking.
const PasswordVariable = tablet.PasswordVariable

// Password asks for a password, or takes it from PORTOLAN_PASSWORD.
func (e Env) Password(ctx context.Context, prompt string) (string, error) {
	if p := e.Getenv(PasswordVariable); p != "" {
		return p, nil
	}
	return e.Ask(ctx, prompt)
}

// NewPasswordVariable names the one that is taken for a password that is being
// set: a command that asks for both is not answered with one.
const NewPasswordVariable = "PORTOLAN_NEW_PASSWORD"

// newPassword asks for the password that a login is to have, or takes it from
// PORTOLAN_NEW_PASSWORD.
func (e Env) newPassword(ctx context.Context, login string) (string, error) {
	if p := e.Getenv(NewPasswordVariable); p != "" {
		return p, nil
	}
	return e.Ask(ctx, "New password for "+login+": ")
}

// KeyFileVariable names the environment variable that says where the hub's
// root key lies, for every command that opens a hub.
const KeyFileVariable = "PORTOLAN_KEY_FILE"

const keyFileHelp = "the hub's root key: a `file`, made on first use; hub.key in the folder where neither this nor " + KeyFileVariable + " names one"

// keyFile is where the root key lies: as named, or as the environment says;
// "" for the hub's folder.
func (e Env) keyFile(named string) string {
	if named == "" {
		named = e.Getenv(KeyFileVariable)
	}
	if named == "" {
		return ""
	}
	return e.Path(named)
}

var errNoTerminal = &care.Error{Code: "no_terminal", Kind: care.Invalid,
	Hint: "There is no terminal to ask on: set " + PasswordVariable + ", " + NewPasswordVariable +
		" for one that is being set, or " + WordsVariable + " for the words of a paper."}

func askTerminal(_ context.Context, prompt string) (string, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return "", errNoTerminal
	}
	defer tty.Close()
	fmt.Fprint(tty, prompt)
	secret, err := term.ReadPassword(int(tty.Fd()))
	fmt.Fprintln(tty)
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	return string(secret), nil
}

// CodeVariable names the environment variable that is taken for the code of a
// second factor instead of asking.
const CodeVariable = tablet.CodeVariable

// code asks for the code of a second factor, or takes it from PORTOLAN_CODE.
func (e Env) code(ctx context.Context, login string) (string, error) {
	if c := e.Getenv(CodeVariable); c != "" {
		return c, nil
	}
	return e.Ask(ctx, "Code of "+login+"'s authenticator app, or a recovery code: ")
}

// SignIn makes whoever runs a command a named member of staff: what shows a
// person's data asks for this, on the hub's own console too.
func (e Env) SignIn(ctx context.Context, hub *collections.Hub, login string) (care.Actor, error) {
	password, err := e.Password(ctx, "Password of "+login+": ")
	if err != nil {
		return care.Actor{}, err
	}
	c := collections.Credentials{Login: login, Password: password}
	actor, err := hub.SignIn(ctx, c)
	if !errors.Is(err, collections.ErrSecondFactor) {
		return actor, err
	}
	has, err := hub.HasSecondFactor(ctx, actor.Staff)
	if err != nil {
		return care.Actor{}, err
	}
	if !has {
		return care.Actor{}, &care.Error{Code: collections.ErrSecondFactor.Code, Kind: care.Forbidden,
			Hint: "This role needs a second factor: `" + e.Program + " user second-factor setup " + login + "` makes one."}
	}
	if c.Code, err = e.code(ctx, login); err != nil {
		return care.Actor{}, err
	}
	return hub.SignIn(ctx, c)
}

// exitError ends a command that was carried out elsewhere, or whose fault was
// already reported.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit %d", e.code) }

// Fail reports why a command did not work and gives its exit code.
func (e Env) Fail(err error) int {
	var done *exitError
	if errors.As(err, &done) {
		return done.code
	}
	var use *InUseError
	if errors.As(err, &use) {
		fmt.Fprintln(e.Stderr, "portolan:", use.Error())
		return ExitInUse
	}
	var known *care.Error
	if !errors.As(err, &known) {
		fmt.Fprintln(e.Stderr, "portolan:", err)
		return ExitFault
	}
	fmt.Fprintf(e.Stderr, "portolan: %v\n", err)
	switch known.Kind {
	case care.Signin, care.Forbidden:
		return ExitForbidden
	case care.Invalid:
		return ExitUsage
	}
	switch known.Code {
	case "not_permitted", collections.ErrNoPower.Code:
		return ExitForbidden
	}
	return ExitFault
}

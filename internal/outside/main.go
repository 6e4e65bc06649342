// Command outside imports the data made elsewhere from a folder of its own
// into a hub that it makes for the purpose, as an operator would, and imports
// it again: the second time nothing may change. It is run by make
// test-outside, where that folder is there.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"portolan/collections"
	"portolan/ops"
)

// groups are the files that must import, with how many there are at least.
var groups = []struct {
	kind, pattern string
	atLeast       int
}{
	{"htcds", "data/htcds/cases.csv", 1},
	{"htcds", "data/htcds/submission-*.xml", 2},
	{"fhir", "data/ips/*.json", 1},
	{"fhir", "data/ips/examples/*.json", 5},
	{"fhir", "data/synthea/*.json", 10},
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: outside FOLDER")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "outside:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, shared string, out io.Writer) error {
	work, err := os.MkdirTemp("", "portolan-outside")
	if err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	defer os.RemoveAll(work)
	o := outside{dir: filepath.Join(work, "hub"), work: work, out: out}
	if err := o.portolan(ctx, "user", "add", "--dir", o.dir, "--role", "coordinator", "--name", "Invented coordinator", "coordinator"); err != nil {
		return err
	}
	if err := o.importAll(ctx, shared); err != nil {
		return err
	}
	first, err := o.changes(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d changes; the same files once more:\n", first)
	o.out = io.Discard
	if err := o.importAll(ctx, shared); err != nil {
		return err
	}
	second, err := o.changes(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d changes\n", second)
	if first != second || first == 0 {
		return fmt.Errorf("the second import made %d changes, must be none", second-first)
	}
	return nil
}

type outside struct {
	dir, work string
	out       io.Writer
}

func (o *outside) importAll(ctx context.Context, shared string) error {
	for _, g := range groups {
		files, err := filepath.Glob(filepath.Join(shared, g.pattern))
		if err != nil {
			return fmt.Errorf("looking for %s: %w", g.pattern, err)
		}
		if len(files) < g.atLeast {
			return fmt.Errorf("%d files of %s, expected at least %d", len(files), g.pattern, g.atLeast)
		}
		for _, f := range files {
			if err := o.portolan(ctx, "import", g.kind, "--dir", o.dir, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// portolan runs one command of the program.
func (o *outside) portolan(ctx context.Context, args ...string) error {
	var errs bytes.Buffer
	env := ops.Env{
		Stdout: o.out, Stderr: &errs, WorkDir: o.work, Version: "outside", Now: time.Now,
		Getenv: func(name string) string {
			if name == ops.PasswordVariable || name == ops.NewPasswordVariable {
				return "an invented password of some length"
			}
			return ""
		},
		Ask: func(context.Context, string) (string, error) { return "", errors.New("nobody is there to ask") },
	}
	if code := ops.Main(ctx, env, args); code != ops.ExitOK {
		return fmt.Errorf("portolan %s: exit %d: %s", args[0], code, errs.String())
	}
	return nil
}

// changes verifies the hub and counts the changes in its log. None of them may
// be held.
func (o *outside) changes(ctx context.Context) (n int, err error) {
	hub, err := collections.Open(collections.Config{Dir: o.dir})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, hub.Close()) }()
	faults, err := hub.Verify(ctx, func(c collections.Count) {
		if c.What == "changes" {
			n = c.N
		}
	})
	if err != nil {
		return n, err
	}
	if len(faults) > 0 {
		return n, fmt.Errorf("the hub does not verify: %s", faults[0])
	}
	waiting, err := hub.Worklist(ctx, hub.HubActor())
	if err != nil {
		return n, err
	}
	if held := len(waiting.Held) + len(waiting.Conflicts); held > 0 {
		return n, fmt.Errorf("%d changes were held or in conflict", held)
	}
	return n, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
	"portolan/ops"
)

// The child: the program's own code in a process of its own, which ends itself
// with SIGKILL when it comes to a labelled point for the n-th time. What is
// killed writes nothing more, and nothing of it is put in order.

// Environment of a child.
const (
	childDoes    = "KILLS_DO"      // serve, or a command with its words, one a line
	childDir     = "KILLS_DIR"     // the hub's folder, or where the command works
	childAddress = "KILLS_ADDRESS" // of the one that serves
	childAt      = "KILLS_AT"      // label:n, "" for nowhere
)

// beChild does what the environment says and returns the exit code.
func beChild() int {
	var armed atomic.Bool
	label, nth, _ := strings.Cut(os.Getenv(childAt), ":")
	left, _ := strconv.ParseInt(nth, 10, 32) // "" for nowhere
	var times atomic.Int64
	env, err := ops.NewEnv("kills")
	if err != nil {
		return fail(err)
	}
	env.Reached = func(at string) {
		if armed.Load() && at == label && times.Add(1) == left {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until it comes
		}
	}
	env.WorkDir = os.Getenv(childDir)
	words := strings.Split(os.Getenv(childDoes), "\n")
	if words[0] != "serve" {
		armed.Store(true)
		env.Stdout = io.Discard
		run := map[string]func(context.Context, ops.Env, []string) int{"backup": ops.Backup, "restore": ops.Restore, "verify": ops.Verify}[words[0]]
		return run(context.Background(), env, words[1:])
	}
	if err := serve(env, &armed); err != nil {
		return fail(err)
	}
	return 0
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// serve runs the hub until its standard input ends. Meanwhile access to the
// first case is given to its guest and ended again, so that something is
// entered and evicted.
func serve(env ops.Env, armed *atomic.Bool) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	wire := hooks.Wire{Listen: os.Getenv(childAddress)}
	r, err := ops.Start(ctx, env, ops.Service{Dir: env.WorkDir, Wire: wire, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		return err
	}
	armed.Store(true)
	fmt.Println("ready")
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the parent
		stop()
	}()
	if os.Getenv(childAt) == "" {
		return r.Wait() // nobody is killed: an answer is not cut for want of access either
	}
	for ctx.Err() == nil {
		if err := host(ctx, r.Hub); err != nil && ctx.Err() == nil {
			return errors.Join(err, r.Stop())
		}
		pause := time.NewTimer(30 * time.Millisecond)
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
	}
	return r.Wait()
}

// host ends the guest's grants for the first case, or gives them one.
func host(ctx context.Context, h *collections.Hub) error {
	rows, err := h.List(ctx, h.HubActor(), collections.Query{Collection: "grants", Case: caseOf(0)})
	if err != nil {
		return err
	}
	guest, err := h.StaffOf(ctx, login(people-1))
	if err != nil {
		return err
	}
	ended := false
	for _, g := range rows {
		if g.Text("staff") == guest && g.Text("status") == "active" {
			ended = true
			if err := do(ctx, h, collections.Draft{Collection: "grants", Record: g.ID, Set: map[string]care.Value{"status": care.OfText("ended"), "ended_reason": care.OfText("revoked")}}); err != nil {
				return err
			}
		}
	}
	if ended {
		return nil
	}
	return do(ctx, h, collections.Draft{Collection: "grants", Case: caseOf(0), Set: map[string]care.Value{"staff": care.OfText(guest), "compartment": care.OfText(string(care.General)),
		"status": care.OfText("active"), "until": care.OfTime(time.Now().Add(48 * time.Hour)), "granted_by": care.OfText(care.HubStaff)}})
}

func do(ctx context.Context, h *collections.Hub, d collections.Draft) error {
	receipts, err := h.Do(ctx, h.HubActor(), d)
	if err != nil {
		return err
	}
	return collections.Refused(receipts)
}

package ops

import (
	"context"
	"errors"
	"log/slog"

	"portolan/care"
	"portolan/collections"
)

// OpenHub gives a command the hub of a folder that has one. Where a hub runs
// there, the whole command is handed to it, and OpenHub returns an error that
// Fail turns into the exit code which that hub gave.
func (e Env) OpenHub(ctx context.Context, dir string) (*collections.Hub, func(), error) {
	hub, done, err := e.openAny(ctx, dir)
	return e.readable(ctx, hub, done, err)
}

// readable sees to it that a hub is not locked: one that does not run is
// unlocked for this command.
func (e Env) readable(ctx context.Context, hub *collections.Hub, done func(), err error) (*collections.Hub, func(), error) {
	if err != nil {
		return nil, nil, err
	}
	if err := e.opened(ctx, hub); err != nil {
		done()
		return nil, nil, err
	}
	return hub, done, nil
}

// opened unlocks a hub that no process serves, and refuses one that waits for
// its key.
func (e Env) opened(ctx context.Context, hub *collections.Hub) error {
	switch {
	case !hub.Locked():
		return nil
	case e.running != nil:
		return collections.ErrLocked
	}
	return e.unlock(ctx, hub)
}

// openAny is OpenHub for commands that a locked hub takes too.
func (e Env) openAny(ctx context.Context, dir string) (*collections.Hub, func(), error) {
	dir = e.Path(dir)
	if e.running == nil {
		there, err := holdsHub(dir)
		if err != nil {
			return nil, nil, err
		}
		if !there {
			return nil, nil, &care.Error{Code: "no_hub", Kind: care.NotFound,
				Hint: "There is no hub in " + dir + ". `" + e.Program + " serve --dir " + dir + "` makes one."}
		}
	}
	return e.makeAny(ctx, dir)
}

// MakeHub is OpenHub for the commands that make the hub where there is none.
func (e Env) MakeHub(ctx context.Context, dir string) (*collections.Hub, func(), error) {
	hub, done, err := e.makeAny(ctx, dir)
	return e.readable(ctx, hub, done, err)
}

func (e Env) makeAny(ctx context.Context, dir string) (*collections.Hub, func(), error) {
	if e.running != nil {
		return e.running, func() {}, nil
	}
	dir = e.Path(dir)
	folder, err := TakeFolder(dir)
	var use *InUseError
	if errors.As(err, &use) {
		code, err := e.handOver(ctx, use)
		if err != nil {
			return nil, nil, err
		}
		return nil, nil, &exitError{code}
	}
	if err != nil {
		return nil, nil, err
	}
	log := slog.New(slog.NewTextHandler(e.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	hub, err := collections.Open(collections.Config{Dir: dir, KeyFile: e.keyFile(""), Log: log})
	if err != nil {
		return nil, nil, errors.Join(err, folder.Release())
	}
	return hub, func() {
		if err := errors.Join(hub.Close(), folder.Release()); err != nil {
			log.Warn("closing the hub", "error", err)
		}
	}, nil
}

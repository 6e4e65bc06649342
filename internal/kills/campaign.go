package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"portolan/collections"
)

// campaign is a hub that is killed, and the tablets that work with it.
type campaign struct {
	dir, hub, address string
	copies            int
	seed              uint64
	rng               *rand.Rand
	tablets           []*crew
	killed            map[string]int
	acknowledged      int
	restores          int
	old               bool // the hub was restored: what it acknowledged before comes back by and by
}

func newCampaign(ctx context.Context, seed uint64) (*campaign, error) {
	dir, err := os.MkdirTemp("", "portolan-kills")
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &campaign{dir: dir, hub: filepath.Join(dir, "hub"), address: l.Addr().String(), seed: seed, rng: rand.New(rand.NewPCG(seed, 0)), killed: map[string]int{}}
	return c, errors.Join(l.Close(), c.settle(ctx))
}

func (c *campaign) close() {
	for _, t := range c.tablets {
		t.tablet.Close()
	}
	os.RemoveAll(c.dir)
}

// start runs a child until it is killed or ends.
func (c *campaign) start(does []string, at string) (*exec.Cmd, io.WriteCloser, *bufio.Reader, *bytes.Buffer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, nil, nil, err
	}
	cmd := exec.Command(self)
	dir := c.dir
	if does[0] == "serve" {
		dir = c.hub
	}
	cmd.Env = append(os.Environ(), childDoes+"="+strings.Join(does, "\n"), childDir+"="+dir, childAddress+"="+c.address, childAt+"="+at)
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, nil, nil, err
	}
	return cmd, in, bufio.NewReader(out), &said, cmd.Start()
}

// wasKilled says how a child ended: killed, by itself without a fault, or with one.
func wasKilled(err error, said *bytes.Buffer) (bool, error) {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("%w\n%s", err, said)
	}
	return false, nil
}

// killAfterMax is how long a hub may take to come to a point before it is
// killed where it is.
const killAfterMax = 4 * time.Second

// killHub lets the tablets work with a hub until it dies.
func (c *campaign) killHub(ctx context.Context, point string) error {
	cmd, _, out, said, err := c.start([]string{"serve"}, fmt.Sprintf("%s:%d", point, moment(c.rng)))
	if err != nil {
		return err
	}
	if _, err := out.ReadString('\n'); err != nil {
		return errors.Join(fmt.Errorf("the hub does not start: %s", said), cmd.Wait())
	}
	patience := killAfterMax
	if point == "any" {
		patience = time.Duration(c.rng.Int64N(int64(400 * time.Millisecond)))
	}
	var late bool
	timer := time.AfterFunc(patience, func() {
		late = true
		_ = cmd.Process.Kill()
	})
	working, stop := context.WithCancel(ctx)
	var crews sync.WaitGroup
	faults := make([]error, len(c.tablets))
	for i, t := range c.tablets {
		rng := rand.New(rand.NewPCG(c.rng.Uint64(), uint64(i)))
		crews.Go(func() { faults[i] = t.work(working, rng, point == "keys written") })
	}
	died, err := wasKilled(cmd.Wait(), said)
	timer.Stop()
	stop()
	crews.Wait()
	if err = errors.Join(append(faults, err)...); err != nil || !died {
		return errors.Join(err, fmt.Errorf("the hub ended by itself: %s", said))
	}
	if late {
		point = "any"
	}
	c.killed[point]++
	return c.check(ctx)
}

// command runs a command that is killed at a point, and then to its end.
func (c *campaign) command(point string, undo func() error, does ...string) error {
	for _, at := range []string{point + ":1", ""} {
		cmd, _, _, said, err := c.start(does, at)
		if err != nil {
			return err
		}
		died, err := wasKilled(cmd.Wait(), said)
		if err != nil || died != (at != "") {
			return fmt.Errorf("%s, to be killed at %q: killed %v, %w", does[0], at, died, err)
		}
		if died {
			c.killed[point]++
			if err := undo(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *campaign) backup(ctx context.Context, point string) error {
	c.copies++
	to := fmt.Sprintf("copies/%d", c.copies)
	if err := os.MkdirAll(filepath.Join(c.dir, "copies"), 0o700); err != nil {
		return err
	}
	undo := func() error { return os.RemoveAll(filepath.Join(c.dir, to)) }
	if err := c.command(point, undo, "backup", "--dir", c.hub, "--out", to); err != nil {
		return err
	}
	return c.check(ctx)
}

// restore puts the hub back from the last copy; the tablets give back what it
// lacks.
func (c *campaign) restore(ctx context.Context, point string) error {
	if c.copies == 0 {
		return nil
	}
	next := filepath.Join(c.dir, fmt.Sprintf("hub-%d", c.restores+1))
	undo := func() error { return nil } // run again, it goes on or begins anew
	if err := c.command(point, undo, "restore", "--dir", next, "--key-file", filepath.Join(c.hub, collections.KeyFileName), fmt.Sprintf("copies/%d", c.copies)); err != nil {
		return err
	}
	key, err := os.ReadFile(filepath.Join(c.hub, collections.KeyFileName))
	if err == nil {
		err = os.WriteFile(filepath.Join(next, collections.KeyFileName), key, 0o600)
	}
	if err != nil {
		return err
	}
	before := c.hub
	c.hub, c.old = next, true
	c.restores++
	return errors.Join(c.check(ctx), os.RemoveAll(before))
}

// open opens the hub's folder in this process, while nobody serves it.
func (c *campaign) open() (*collections.Hub, error) {
	return collections.Open(collections.Config{Dir: c.hub, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
}

// check verifies the folder of a hub that was killed, and compares what was
// acknowledged with what is there.
func (c *campaign) check(ctx context.Context) error {
	h, err := c.open()
	if err != nil {
		return fmt.Errorf("the hub does not open: %w", err)
	}
	defer h.Close()
	faults, err := h.Verify(ctx, func(collections.Count) {})
	if err == nil && len(faults) > 0 {
		err = fmt.Errorf("verify finds: %s", strings.Join(faults, "; "))
	}
	if err != nil {
		return err
	}
	var twice int
	if err := h.App().NonconcurrentDB().NewQuery(`SELECT COUNT(*) - COUNT(DISTINCT hash) FROM changes`).Row(&twice); err != nil || twice > 0 {
		return fmt.Errorf("%d changes are there twice, %w", twice, err)
	}
	c.acknowledged = 0
	for _, t := range c.tablets {
		if t.owes {
			staff, err := h.StaffOf(ctx, filepath.Base(t.dir))
			if err != nil {
				return err
			}
			if t.code, err = h.NewEnrolment(ctx, h.HubActor(), staff); err != nil {
				return err
			}
		}
		n, err := t.acknowledged(ctx, h, c.old, c.restores > 0)
		if err != nil {
			return err
		}
		c.acknowledged += n
	}
	return nil
}

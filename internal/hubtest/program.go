package hubtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"portolan/collections"
)

// patience is how long a program may take to start before a test gives up.
const patience = 30 * time.Second

// built is the program, built once for all tests of a process, in a folder that
// outlives the test for which it was built.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "portolan-program")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "portolan")
	if out, err := exec.Command("go", "build", "-o", bin, "portolan").CombinedOutput(); err != nil {
		return "", errors.Join(fmt.Errorf("%w\n%s", err, out), os.RemoveAll(dir))
	}
	kept = append(kept, dir)
	return bin, nil
})

// kept is what outlives a test; Main removes it.
var kept []string

// Main is the TestMain of a package whose tests run the built program.
func Main(m *testing.M) int {
	code := m.Run()
	for _, dir := range kept {
		if err := os.RemoveAll(dir); err != nil {
			slog.Error("removing what outlived its test", "error", err)
			code = 1
		}
	}
	return code
}

// Program is the built program.
func Program(t testing.TB) string {
	t.Helper()
	bin, err := built()
	if err != nil {
		t.Fatalf("building the program: %v", err)
	}
	return bin
}

// FreeAddress is a port of this machine that nobody has.
func FreeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("looking for a free port: %v", err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Process is the built program while it serves a hub's folder.
type Process struct {
	*exec.Cmd
	said *bytes.Buffer
}

// Run has the built program serve a folder, and waits until it answers. It is
// killed when the test ends, where that was not done before.
func Run(t testing.TB, dir, address string, flags ...string) *Process {
	t.Helper()
	p := &Process{exec.Command(Program(t), append([]string{"serve", "--dir", dir, "--listen", address}, flags...)...), &bytes.Buffer{}}
	p.Stdout, p.Stderr = p.said, p.said
	if err := p.Cmd.Start(); err != nil {
		t.Fatalf("starting the hub: %v", err)
	}
	t.Cleanup(func() { p.Kill(t) })
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); Wait(t.Context(), 5*time.Millisecond) {
		answer, err := http.Get("http://" + address + "/api/portolan/health")
		if err != nil {
			continue
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return p
		}
	}
	p.Kill(t)
	t.Fatalf("the hub does not answer after %s:\n%s", patience, p.said)
	return nil
}

// Kill ends the program with -9, where it still runs.
func (p *Process) Kill(t testing.TB) {
	t.Helper()
	if p.ProcessState != nil {
		return
	}
	if err := p.Process.Kill(); err != nil {
		t.Fatalf("killing the hub: %v", err)
	}
	if err := p.Wait(); err == nil {
		t.Error("the hub ended by itself before it was killed")
	}
}

// Stop asks the program to end, as an operator does.
func (p *Process) Stop(t testing.TB) {
	t.Helper()
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatalf("stopping the hub: %v", err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("a hub that was asked to stop: %v\n%s", err, p.said)
	}
}

// Console is a command of the program, and what it ended with.
func Console(t testing.TB, words ...string) (out string, exit int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), Program(t), words...)
	b, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatalf("%v: %v", words, err)
	}
	return string(b), cmd.ProcessState.ExitCode()
}

// Wait lets time pass: what happens in it is up to others.
func Wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Arranged is a hub whose clock is the machine's: a test arranges in it what
// the built program then serves (Aside).
func Arranged(t testing.TB) *Hub {
	t.Helper()
	return Open(t, Dir(t), MachineClock())
}

// Aside closes the hub of this process and has the built program serve its
// folder, at the address that is given back, until Back or the end of the test.
func (h *Hub) Aside(t testing.TB, flags ...string) (url string) {
	t.Helper()
	if h.quiet != nil {
		h.quiet()
	}
	if err := h.Close(); err != nil {
		t.Fatalf("closing the hub: %v", err)
	}
	address := FreeAddress(t)
	h.process = Run(t, h.cfg.Dir, address, flags...)
	return "http://" + address
}

// Process is the built program that serves the hub's folder; nil while this
// process does.
func (h *Hub) Process() *Process { return h.process }

// Back ends the built program, as a cut of the power does, and opens the hub in
// this process again.
func (h *Hub) Back(t testing.TB) {
	t.Helper()
	if h.process == nil {
		return
	}
	h.process.Kill(t)
	h.process = nil
	inner, err := collections.Open(h.cfg)
	if err != nil {
		t.Fatalf("opening the hub again: %v", err)
	}
	CheapPasswords(t, inner.App())
	h.Hub = inner
}

// Peak is the most memory that the program ever had (proc(5), VmHWM).
func (p *Process) Peak(t testing.TB) (bytes int64) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	if err != nil {
		t.Fatalf("looking at the hub's memory: %v", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscanf(rest, "%d kB", &bytes); err != nil {
		t.Fatalf("looking at the hub's memory: %v", err)
	}
	return bytes << 10
}

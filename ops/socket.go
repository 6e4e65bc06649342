package ops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"portolan/care"
	"portolan/collections"
)

// How long a command waits for a running hub to take it.
const handOverTimeout = 5 * time.Second

// order is the first line that a command writes to the hub's socket.
type order struct {
	Args     []string      `json:"args"`
	WorkDir  string        `json:"dir"`
	Password care.Personal `json:"password,omitempty"` // from PORTOLAN_PASSWORD
	New      care.Personal `json:"new,omitempty"`      // from PORTOLAN_NEW_PASSWORD
	Code     care.Personal `json:"code,omitempty"`     // from PORTOLAN_CODE
	Words    care.Personal `json:"words,omitempty"`    // from PORTOLAN_WORDS
}

// frame is every later line, in either direction.
type frame struct {
	Out    []byte  `json:"out,omitempty"`
	Err    []byte  `json:"err,omitempty"`
	Ask    string  `json:"ask,omitempty"`    // the hub needs a secret; Answer comes back
	Answer *string `json:"answer,omitempty"` // absent where the person gave none
	Exit   *int    `json:"exit,omitempty"`   // the last line
	Taken  bool    `json:"taken,omitempty"`  // the first line of the hub: it carries the command out
}

// handOver gives the whole command to the hub that runs in the folder.
func (e Env) handOver(ctx context.Context, use *InUseError) (int, error) {
	refused := func(why string) (int, error) {
		return 0, &InUseError{Dir: use.Dir, PID: use.PID, Problem: why}
	}
	conn, err := dialSocket(use.Dir)
	if err != nil {
		return refused("its socket " + socketName + " does not answer")
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := conn.SetDeadline(time.Now().Add(handOverTimeout)); err != nil {
		return 0, fmt.Errorf("asking the running hub: %w", err)
	}
	in, out := json.NewDecoder(conn), json.NewEncoder(conn)
	var first frame
	if err := errors.Join(out.Encode(order{e.command, e.WorkDir, e.secret(PasswordVariable), e.secret(NewPasswordVariable), e.secret(CodeVariable), e.secret(WordsVariable)}), in.Decode(&first)); err != nil || !first.Taken {
		return refused("it is starting, stopping, or stuck")
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return 0, fmt.Errorf("asking the running hub: %w", err)
	}
	for {
		var f frame
		if err := in.Decode(&f); err != nil {
			return 0, fmt.Errorf("the running hub broke off in the middle of the command: %w", err)
		}
		e.Stdout.Write(f.Out)
		e.Stderr.Write(f.Err)
		switch {
		case f.Exit != nil:
			return *f.Exit, nil
		case f.Ask != "":
			var reply frame
			if answer, err := e.Ask(ctx, f.Ask); err == nil {
				reply.Answer = &answer
			}
			if err := out.Encode(reply); err != nil {
				return 0, fmt.Errorf("answering the running hub: %w", err)
			}
		}
	}
}

// socket is where a running hub takes the commands of its own folder.
type socket struct {
	listener *net.UnixListener
	env      Env
	log      *slog.Logger
	ctx      context.Context
	stop     context.CancelFunc
	jobs     sync.WaitGroup
}

// openSocket listens in the folder, which this process has locked.
func openSocket(ctx context.Context, dir string, env Env, hub *collections.Hub, address string, log *slog.Logger) (*socket, error) {
	l, err := listenSocket(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the hub's socket: %w", err)
	}
	env.running, env.address = hub, address
	ctx, stop := context.WithCancel(ctx)
	s := &socket{listener: l, env: env, log: log, ctx: ctx, stop: stop}
	s.jobs.Go(s.accept)
	return s, nil
}

// Close refuses further commands, tells those that run to stop, and waits.
func (s *socket) Close() error {
	s.stop()
	err := s.listener.Close()
	s.jobs.Wait()
	return err
}

func (s *socket) accept() {
	for {
		conn, err := s.listener.AcceptUnix()
		if err != nil {
			if s.ctx.Err() == nil && !errors.Is(err, net.ErrClosed) {
				s.log.Error("the hub's socket ended", "error", err)
			}
			return
		}
		s.jobs.Go(func() {
			defer conn.Close()
			if err := s.serve(conn); err != nil {
				s.log.Warn("a command through the hub's socket", "error", err)
			}
		})
	}
}

func (s *socket) serve(conn *net.UnixConn) error {
	if err := samePerson(conn); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, func() { conn.SetReadDeadline(time.Now()) })()
	if err := conn.SetReadDeadline(time.Now().Add(handOverTimeout)); err != nil {
		return fmt.Errorf("reading a command: %w", err)
	}
	in := json.NewDecoder(conn)
	var o order
	if err := in.Decode(&o); err != nil {
		return fmt.Errorf("reading a command: %w", err)
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("reading a command: %w", err)
	}
	p := &peer{out: json.NewEncoder(conn), answers: make(chan frame)}
	if err := p.send(frame{Taken: true}); err != nil {
		return fmt.Errorf("taking a command: %w", err)
	}
	// Whoever hangs up ends their command.
	var reading sync.WaitGroup
	reading.Go(func() { p.listen(ctx, in, cancel) })
	code := Main(ctx, s.env.of(o, p), o.Args)
	err := p.send(frame{Exit: &code})
	conn.Close()
	cancel()
	reading.Wait()
	if err != nil && s.ctx.Err() == nil {
		return fmt.Errorf("answering a command: %w", err)
	}
	return nil
}

func (e Env) secret(variable string) care.Personal { return care.Personal(e.Getenv(variable)) }

// of is the environment of somebody else's command.
func (e Env) of(o order, p *peer) Env {
	e.WorkDir = o.WorkDir
	e.Stdout, e.Stderr = stream{p, false}, stream{p, true}
	e.Ask = p.ask
	e.Getenv = func(name string) string {
		switch name {
		case PasswordVariable:
			return string(o.Password)
		case NewPasswordVariable:
			return string(o.New)
		case CodeVariable:
			return string(o.Code)
		case WordsVariable:
			return string(o.Words)
		}
		return ""
	}
	return e
}

// peer is the other end of the socket while a command runs.
type peer struct {
	mu      sync.Mutex
	out     *json.Encoder
	answers chan frame
}

func (p *peer) send(f frame) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Encode(f)
}

func (p *peer) listen(ctx context.Context, in *json.Decoder, hungUp func()) {
	defer hungUp()
	for {
		var f frame
		if in.Decode(&f) != nil {
			return
		}
		select {
		case p.answers <- f:
		case <-ctx.Done():
			return
		}
	}
}

func (p *peer) ask(ctx context.Context, prompt string) (string, error) {
	if err := p.send(frame{Ask: prompt}); err != nil {
		return "", fmt.Errorf("asking for a secret: %w", err)
	}
	select {
	case f := <-p.answers:
		if f.Answer == nil {
			return "", errNoTerminal
		}
		return *f.Answer, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// stream is the standard output or error of somebody else's command.
type stream struct {
	p   *peer
	err bool
}

var _ io.Writer = stream{}

func (s stream) Write(b []byte) (int, error) {
	f := frame{Out: b}
	if s.err {
		f = frame{Err: b}
	}
	if err := s.p.send(f); err != nil {
		return 0, err
	}
	return len(b), nil
}

// removeSocket clears away what a killed hub left behind.
func removeSocket(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

package ops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"portolan/collections"
	"portolan/hooks"
)

// DefaultListen is where a hub listens where nothing is said: this machine
// alone, in plain http.
const DefaultListen = "127.0.0.1:8090"

// Service says how to run a hub.
type Service struct {
	Dir     string
	KeyFile string // "" for the one in the folder
	Wire    hooks.Wire
	Proxies []string
	Log     *slog.Logger
}

// Running is a hub that answers.
type Running struct {
	Hub   *collections.Hub
	Front *hooks.Front
	URL   string // as people and tablets reach it
	env   Env
	ended chan error
	stop  context.CancelFunc
}

// memoryGoal is from how many bytes on the collector works harder before the
// program takes more; SQLite's pages come on top. GOMEMLIMIT sets another.
const memoryGoal = 288 << 20

// Start takes the folder, opens the hub and answers, on the network and on
// the folder's socket, until the context is done or Stop is called.
func Start(ctx context.Context, env Env, s Service) (*Running, error) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryGoal)
	}
	folder, err := TakeFolder(s.Dir)
	if err != nil {
		return nil, err
	}
	// First the address: one that cannot be had leaves no hub behind. Who
	// connects meanwhile waits.
	s.Wire.TLSDir, s.Wire.Now = filepath.Join(s.Dir, "tls"), env.Now
	line, err := s.Wire.Open()
	if err != nil {
		return nil, errors.Join(err, folder.Release())
	}
	hub, err := collections.Open(collections.Config{Dir: s.Dir, KeyFile: s.KeyFile, Now: env.Now, Log: s.Log, Reserve: collections.Reserve, Reached: env.Reached, Serving: true})
	if err != nil {
		return nil, errors.Join(err, line.Listener.Close(), folder.Release())
	}
	r, err := startOn(ctx, env, s, hub, folder, line)
	if err != nil {
		return nil, errors.Join(err, hub.Close(), folder.Release())
	}
	return r, nil
}

func startOn(ctx context.Context, env Env, s Service, hub *collections.Hub, folder *Folder, line *hooks.Line) (*Running, error) {
	front, err := hooks.New(hub, hooks.Config{Version: env.Version, URL: line.URL, Fingerprint: line.Fingerprint, Proxies: s.Proxies})
	if err != nil {
		return nil, errors.Join(err, line.Listener.Close())
	}
	sock, err := openSocket(ctx, s.Dir, env, hub, front.Address(), s.Log)
	if err != nil {
		front.Close()
		return nil, errors.Join(err, line.Listener.Close())
	}
	ctx, stop := context.WithCancel(ctx)
	r := &Running{Hub: hub, Front: front, URL: line.URL, env: env, ended: make(chan error, 1), stop: stop}
	go func() {
		err := front.Serve(ctx, line.Listener)
		r.ended <- errors.Join(err, sock.Close(), hub.Close(), folder.Release())
	}()
	return r, nil
}

// Wait returns when the hub has stopped and the folder is free.
func (r *Running) Wait() error {
	err := <-r.ended
	r.ended <- err
	return err
}

// Stop ends the hub and waits for it.
func (r *Running) Stop() error {
	r.stop()
	return r.Wait()
}

// many is a flag that may be given several times.
type many []string

func (m *many) String() string     { return strings.Join(*m, ",") }
func (m *many) Set(s string) error { *m = append(*m, s); return nil }

const serveUsage = `[flags]

Runs the hub until it is told to stop (Ctrl-C, SIGTERM). A hub for this machine
alone speaks plain http; for any other address it speaks TLS: with your
certificate, with one fetched for a public name, or with a local authority that
it makes on first use and whose fingerprint tablets get when they enrol.
`

// Serve runs the hub.
func Serve(ctx context.Context, env Env, args []string) int {
	fs := env.flags("serve")
	s := Service{Log: slog.New(slog.NewTextHandler(env.Stderr, nil))}
	dir := fs.String("dir", DefaultDir, "the hub's `folder`; made if it is not there")
	key := fs.String("key-file", "", keyFileHelp)
	fs.StringVar(&s.Wire.Listen, "listen", DefaultListen, "`address` to listen on")
	fs.StringVar(&s.Wire.CertFile, "tls-cert", "", "certificate `file` (PEM), read again when it changes")
	fs.StringVar(&s.Wire.KeyFile, "tls-key", "", "key `file` (PEM)")
	fs.StringVar(&s.Wire.ACMEHost, "acme-host", "", "public `name` of the hub: its certificates are fetched from Let's Encrypt; listen on port 443")
	fs.BoolVar(&s.Wire.InsecureHTTP, "insecure-http", false, "plain http to other machines too: browsers then refuse offline work, and everybody on the network can read along")
	fs.Var((*many)(&s.Proxies), "trusted-proxy", "`network` of a proxy whose X-Forwarded-For is believed; may be repeated")
	words, exit, stop := env.parse(fs, args, serveUsage)
	if stop {
		return exit
	}
	if len(words) > 0 {
		return env.misused(fs, serveUsage, "there is no command "+fmt.Sprintf("%q", words[0]))
	}
	if env.running != nil {
		fmt.Fprintln(env.Stderr, "portolan: this hub is running already")
		return ExitInUse
	}
	s.Dir, s.KeyFile = env.Path(*dir), env.keyFile(*key)
	for _, f := range []*string{&s.Wire.CertFile, &s.Wire.KeyFile} {
		if *f != "" {
			*f = env.Path(*f)
		}
	}
	if err := s.Wire.Check(); err != nil {
		return env.Fail(err)
	}
	r, err := Start(ctx, env, s)
	if err != nil {
		return env.Fail(err)
	}
	if err := r.greet(s.Dir); err != nil {
		return env.Fail(errors.Join(err, r.Stop()))
	}
	if err := r.Wait(); err != nil {
		return env.Fail(err)
	}
	fmt.Fprintln(env.Stdout, "The hub has stopped.")
	return ExitOK
}

// keyWarning says where the key lies and what hangs on it.
func keyWarning(hub *collections.Hub) string {
	if hub.TakesPassphrase() {
		return ""
	}
	return fmt.Sprintf("The key that opens this hub's records is %s: keep a copy of it in another place. Without it nobody can read them again; whoever has it and this folder can read everything.\n", hub.KeyFile())
}

// greet says where the hub is and, on an empty one, what to do first.
func (r *Running) greet(dir string) error {
	out := r.env.Stdout
	fmt.Fprintf(out, "The hub in %s answers at %s\n", dir, r.URL)
	if address := r.Front.Address(); address != r.URL {
		fmt.Fprintf(out, "Its own authority vouches for it; tablets enrol at\n  %s\n", address)
	}
	if r.Hub.Locked() {
		fmt.Fprintf(out, "It is LOCKED: it takes what tablets bring and shows nobody anything until its key is given, in another terminal:\n  %s keys unlock --dir %s\n", r.env.Program, dir)
		return nil
	}
	fmt.Fprint(out, keyWarning(r.Hub))
	empty, err := r.Hub.Empty()
	if err != nil {
		return err
	}
	if empty {
		fmt.Fprintf(out, "Nobody has an account yet. Make the first one, in another terminal:\n  %s user add --dir %s LOGIN --role coordinator\n", r.env.Program, dir)
	}
	return nil
}

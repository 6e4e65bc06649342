// Package hooks is what the hub shows to the network: it binds PocketBase's
// events and routes, and keeps closed what must be. Each file is thin; what a
// request means is decided in collections and care.
package hooks

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"portolan/collections"
)

// Limits of the server itself.
const (
	headerTimeout  = 10 * time.Second
	requestTimeout = 30 * time.Second // routes with large bodies move their own deadline
	answerTimeout  = 30 * time.Second
	idleTimeout    = 2 * time.Minute
	headerBytesMax = 16 << 10
	drainTimeout   = 10 * time.Second // how long a stopping hub waits for those it still answers
)

// Config is what the front needs to know beside the hub.
type Config struct {
	Version     string
	URL         string // as tablets reach it, for enrolment codes
	Fingerprint string // of the local authority, "" where there is none
	Proxies     []string
	Rates       Rates // the usual ones where they are not set
}

// Front is the hub as the network sees it.
type Front struct {
	hub       *collections.Hub
	app       core.App
	log       *slog.Logger
	cfg       Config
	started   time.Time
	routes    []route
	proxies   proxies
	attempts  *attempts
	meter     *meter
	readers   *places
	verifying sync.Mutex // held while somebody unknown has a paper checked
	files     *places    // papers and documents on their way out
	uploads   *places    // and on their way in
	wake      *waker
	out       *outgoing
	stall     time.Duration // wakeStall, but for a test
	tick      time.Duration // tendTick, but for a test
	patience  patience      // usualPatience, but for a test
	lines     *connections
	jobs      *Jobs
	server    *http.Server
	cut       context.CancelFunc // ends what is still being answered
	gate      sync.RWMutex       // held, for reading, by whatever is being answered
	closed    bool
}

// New binds PocketBase's events and routes of a hub. Once per hub:
// PocketBase's router may not be built twice on one app.
func New(hub *collections.Hub, cfg Config) (*Front, error) {
	f := &Front{
		hub: hub, app: hub.App(), log: hub.Log(), cfg: cfg, started: hub.Now(),
		routes: append(append([]route{}, pocketBaseDoors...), ownRoutes...), attempts: newAttempts(hub.Now),
		meter: newMeter(hub.Now), readers: newPlaces(readersMax, readersEach), files: newPlaces(readersMax, readersEach), uploads: newPlaces(uploadsMax, uploadsEach), wake: newWaker(hub), out: newOutgoing(), stall: wakeStall, tick: tendTick, patience: usualPatience, jobs: NewJobs(hub),
	}
	if f.cfg.Rates == (Rates{}) {
		f.cfg.Rates = usualRates
	}
	if f.cfg.Rates.Upload == (Rate{}) {
		f.cfg.Rates.Upload = usualRates.Upload
	}
	if f.cfg.Rates.Search == (Rate{}) {
		f.cfg.Rates.Search = usualRates.Search
	}
	if f.cfg.Rates.Summary == (Rate{}) {
		f.cfg.Rates.Summary = usualRates.Summary
	}
	var err error
	if f.proxies, err = parseProxies(cfg.Proxies); err != nil {
		return nil, err
	}
	f.lines = newConnections(f.proxies)
	f.bindRecords()
	f.bindSignIn()
	f.bindRealtime()
	if err := f.build(); err != nil {
		return nil, fmt.Errorf("building the routes: %w", err)
	}
	hub.OnWake(f.wake.wake)
	hub.OnSignOut(f.wake.signedOut)
	hub.OnEnd(func(devices, staff []string) {
		f.out.cut(devices, staff)
		for _, d := range devices {
			f.wake.drop(d)
		}
	})
	return f, nil
}

// build makes the server. It triggers PocketBase's OnServe itself instead of
// apis.Serve, which would add CORS for everybody, its dashboard and an
// installer's link, and cut every stream one second after a stop.
func (f *Front) build() error {
	router, err := apis.NewRouter(f.app)
	if err != nil {
		return err
	}
	// The doors set the headers, nobody's address or path is kept, and what a
	// panic says is not logged.
	router.Unbind(apis.DefaultSecurityHeadersMiddlewareId, apis.DefaultActivityLoggerMiddlewareId, apis.DefaultPanicRecoverMiddlewareId)
	router.Bind(&hook.Handler[*core.RequestEvent]{Id: "portolanAnswers", Func: f.answers, Priority: apis.DefaultPanicRecoverMiddlewarePriority - 1})
	router.Bind(&hook.Handler[*core.RequestEvent]{Id: "portolanToken", Func: f.readToken, Priority: apis.DefaultLoadAuthTokenMiddlewarePriority - 1})
	for _, r := range ownRoutes {
		switch {
		case r.method == http.MethodHead && slices.ContainsFunc(ownRoutes, func(o route) bool { return o.method == http.MethodGet && o.path == r.path }):
			continue // Go's mux sends HEAD where GET goes
		case r.path == "/":
			r.method = "" // a GET of it alone would conflict with PocketBase's routes
		}
		router.Route(r.method, r.path, f.serve(r)).Unbind(apis.DefaultBodyLimitMiddlewareId)
	}
	ctx, cut := context.WithCancel(context.Background())
	f.cut = cut
	f.server = &http.Server{
		ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: answerTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: headerBytesMax,
		ConnState:      f.lines.state,
		BaseContext:    func(net.Listener) context.Context { return ctx },
		// Go's server logs peers' addresses with TLS faults.
		ErrorLog: log.New(discard{}, "", 0),
	}
	event := &core.ServeEvent{App: f.app, Router: router, Server: f.server}
	return f.app.OnServe().Trigger(event, func(e *core.ServeEvent) error {
		mux, err := e.Router.BuildMux()
		if err != nil {
			return err
		}
		e.Server.Handler = f.gated(f.doors(mux))
		return nil
	})
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// Handler is all that the hub answers.
func (f *Front) Handler() http.Handler { return f.server.Handler }

// Serve answers on a listener until ctx is done, then lets those finish who
// are being answered.
func (f *Front) Serve(ctx context.Context, l net.Listener) error {
	if err := f.jobs.Start(); err != nil {
		f.Close()
		return errors.Join(fmt.Errorf("starting the jobs: %w", err), l.Close())
	}
	defer f.jobs.Stop()
	watching, unwatch := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { f.checkUp(watching) })
	watch.Go(func() { f.tend(watching) })
	watch.Go(func() { f.wake.recheckAll(watching) })
	defer watch.Wait() // the hub is closed next
	defer unwatch()
	failed := make(chan error, 1)
	go func() { failed <- f.server.Serve(l) }()
	select {
	case err := <-failed:
		f.Close()
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	f.wake.close() // realtime connections never end by themselves
	drain, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	err := f.server.Shutdown(drain)
	f.Close()
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stopping: %w", err)
	}
	return nil
}

// LookForMoves prepares, now, the papers of the moves that are near.
func (f *Front) LookForMoves(ctx context.Context) error { return f.jobs.Look(ctx) }

// Close cuts whatever is still open and returns when nothing uses the hub any
// more, so that its owner may close it.
func (f *Front) Close() {
	f.wake.close()
	f.cut()
	f.server.Close() // what it could report is already over
	f.app.Cron().Stop()
	f.gate.Lock()
	defer f.gate.Unlock()
	f.closed = true
	f.wake.sends.Wait()
}

// gated counts a request as under way, and lets none begin once Close did.
func (f *Front) gated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.gate.RLock()
		defer f.gate.RUnlock()
		if f.closed {
			f.answer(w, r, collections.ErrBusy)
			return
		}
		next.ServeHTTP(w, r)
	})
}

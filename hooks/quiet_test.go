package hooks_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/hooks"
)

// pad is a log that a test reads while others write.
type pad struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (p *pad) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(b)
}

func (p *pad) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.String()
}

// listening makes everything that is logged from here on readable.
func listening(t *testing.T) *pad {
	t.Helper()
	p, before := &pad{}, slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(p, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	return p
}

// TestALogSaysWhereAndNotWhat: a panic, and errors that quote what they could
// not read, are told with their place and without their words; whoever asked
// gets a reference that stands in the log too.
func TestALogSaysWhereAndNotWhat(t *testing.T) {
	log := listening(t)
	const name = "Amara Canary-4711"
	s := serve(t, hooks.Config{})
	_, login := s.Staff(t, care.Coordinator)
	_, parsing := time.Parse(time.RFC3339, name)
	broken := []func() error{
		func() error { panic("a panic about " + name) },
		func() error { panic(fmt.Errorf("a panic about %s", name)) },
		func() error { panic(struct{ Who string }{name}) },
		func() error { return []error{}[len(name)] },
		func() error { return fmt.Errorf("reading: %w", parsing) },
		func() error { return errors.New("no such name: `" + name + "`, nor '" + name + "'") },
	}
	n := 0
	s.App().OnRecordAuthRequest().BindFunc(func(*core.RecordAuthRequestEvent) error { n++; return broken[n-1]() })
	for range broken {
		a := s.ask(t, "POST", passwordPath, "", map[string]string{"identity": login, "password": "correct horse battery staple"})
		var p hooks.Problem
		a.status, p = problemOf(t, a)
		if a.status != http.StatusInternalServerError || p.Code != "internal" || p.Reference == "" || !strings.Contains(log.String(), "reference="+p.Reference) {
			t.Errorf("case %d: %d %s", n, a.status, a.body)
		}
		if bytes.Contains(a.body, []byte("Canary")) || bytes.Contains(a.body, []byte("goroutine")) || bytes.Contains(a.body, []byte(".go")) {
			t.Errorf("the answer says %s", a.body)
		}
	}
	got := log.String()
	if strings.Contains(got, "Canary") || strings.Contains(got, "Amara") {
		t.Errorf("the log says %.3000s", got)
	}
	for _, want := range []string{"type=string", "type=*", "quiet_test.go", care.Redacted, "route=" + passwordPath} {
		if !strings.Contains(got, want) {
			t.Errorf("the log does not say %q: %.3000s", want, got)
		}
	}
}

func problemOf(t *testing.T, a answer) (int, hooks.Problem) {
	t.Helper()
	var p hooks.Problem
	status := a.status
	a.status = http.StatusOK
	a.into(t, &p)
	return status, p
}

// TestAuxiliaryHoldsNoRequests: PocketBase would keep every address there.
func TestAuxiliaryHoldsNoRequests(t *testing.T) {
	s := serve(t, hooks.Config{})
	_, token := s.staff(t, care.Coordinator)
	for _, path := range []string{"/api/health", "/api/portolan/me", "/nothing", "/api/portolan/me?name=x", "/api/collections/cases/records"} {
		s.ask(t, "GET", path, token, nil)
		s.ask(t, "GET", path, "wrong", nil)
	}
	s.stop() // what is written now and then is written at the end
	var rows int
	if err := s.App().AuxDB().NewQuery("SELECT COUNT(*) FROM _logs").Row(&rows); err != nil {
		t.Fatal(err)
	}
	if rows > 0 {
		t.Errorf("PocketBase logged %d requests", rows)
	}
}

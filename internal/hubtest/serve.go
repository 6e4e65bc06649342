package hubtest

import (
	"context"
	"net"
	"sync"
	"testing"

	"portolan/hooks"
)

// Unhurried are rates that no test comes near, but for those of rates.
var Unhurried = hooks.Rates{
	Device: hooks.Rate{PerMinute: 1e9, Burst: 1e9}, Account: hooks.Rate{PerMinute: 1e9, Burst: 1e9}, Address: hooks.Rate{PerMinute: 1e9, Burst: 1e9},
	Search: hooks.Rate{PerMinute: 1e9, Burst: 1e9}, Upload: hooks.Rate{PerMinute: 1e9, Burst: 1e9},
	Summary: hooks.Rate{PerMinute: 1e9, Burst: 1e9}, Verify: hooks.Rate{PerMinute: 1e9, Burst: 1e9},
}

// Serve answers for the hub on this machine, as `portolan serve` does, until
// the test ends, and returns its address.
func (h *Hub) Serve(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	url := "http://" + l.Addr().String()
	front, err := hooks.New(h.Hub, hooks.Config{Version: "test", URL: url, Rates: Unhurried})
	if err != nil {
		t.Fatalf("binding the front: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- front.Serve(ctx, l) }()
	h.quiet = sync.OnceFunc(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	t.Cleanup(h.quiet)
	return url
}

// Code is a one-time code with which a member of staff enrols a tablet.
func (h *Hub) Code(t testing.TB, staff string) string {
	t.Helper()
	code, err := h.NewEnrolment(context.Background(), h.HubActor(), staff)
	if err != nil {
		t.Fatalf("making an enrolment code: %v", err)
	}
	return code
}

package hooks_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/tools/subscriptions"

	"portolan/hooks"
	"portolan/internal/hubtest"
)

// TestAClientThatReadsNothingIsCut: PocketBase's own bound on a connection
// waits behind the write that never ends.
func TestAClientThatReadsNothingIsCut(t *testing.T) {
	h := hubtest.New(t)
	f, err := hooks.New(h.Hub, hooks.Config{})
	if err != nil {
		t.Fatal(err)
	}
	f.Stall(100 * time.Millisecond)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Serve(ctx, l) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /api/realtime HTTP/1.1\r\nHost: %s\r\n\r\n", l.Addr())
	var id string
	for lines := bufio.NewReader(conn); id == ""; {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if rest, ok := strings.CutPrefix(line, "id:"); ok {
			id = strings.TrimSpace(rest)
		}
	}
	client, err := h.App().SubscriptionsBroker().ClientById(id)
	if err != nil {
		t.Fatal(err)
	}
	// Far more than the kernel's buffers hold; from here on nothing is read.
	client.Send(subscriptions.Message{Name: "large", Data: make([]byte, 16<<20)})
	deadline := time.After(20 * time.Second)
	for connections := 1; connections > 0; {
		select {
		case <-deadline:
			t.Fatal("the connection is still held")
		case <-time.After(10 * time.Millisecond):
		}
		var guests int
		if connections, guests = f.Listening(); connections != guests {
			t.Errorf("%d connections, %d of them guests", connections, guests)
		}
	}
	if _, err := h.App().SubscriptionsBroker().ClientById(id); err == nil {
		t.Error("PocketBase still holds the connection")
	}
}

package ops

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"portolan/hooks"
)

// patience bounds how long a test waits for what must come.
const patience = time.Minute

// until waits until the console shows something.
func (c *console) until(t *testing.T, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for {
		if m := re.FindStringSubmatch(c.out.String()); m != nil {
			return m
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("the console never shows %s:\n%s\n%s", pattern, c.out, c.err)
		}
	}
}

func TestServeAnswersSaysHowToBeginAndStops(t *testing.T) {
	c := newBareConsole(t) // the hub is made on the way
	ctx, stop := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() { code <- Main(ctx, c.env, []string{"--dir", "hub", "--listen", "127.0.0.1:0"}) }() // serve is what happens without a command
	url := c.until(t, `answers at (http://127\.0\.0\.1:\d+)`)[1]
	c.until(t, `portolan user add --dir \S+ LOGIN --role`)
	resp, err := http.Get(url + "/api/health")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("health: %d", resp.StatusCode)
	}
	stop()
	select {
	case got := <-code:
		if got != ExitOK {
			t.Errorf("exit code %d: %s", got, c.err)
		}
	case <-time.After(patience):
		t.Fatal("it does not stop")
	}
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "coordinator") // the folder is free
}

// An address that another program has leaves no half-made hub behind: the same
// demo, told another one, begins.
func TestATakenAddressLeavesNoHubBehind(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := newBareConsole(t)
	for _, command := range []string{"serve", "demo"} {
		if out := c.must(t, ExitFault, command, "--dir", "hub", "--listen", taken.Addr().String()); !strings.Contains(out, "--listen") {
			t.Errorf("%s says %s", command, out)
		}
		if there, err := holdsHub(c.env.Path("hub")); there || err != nil {
			t.Errorf("%s left a hub behind: %v %v", command, there, err)
		}
	}
}

func TestHowTheProgramIsCalled(t *testing.T) {
	for typed, want := range map[string]string{"portolan": "portolan", "./portolan": "./portolan", "/tmp/go-build123/b001/exe/portolan": "go run ."} {
		if got := calledAs(typed); got != want {
			t.Errorf("%s: %s, want %s", typed, got, want)
		}
	}
}

// TestATabletEnrolsWithAHubThatVouchesForItself goes the whole way: the local
// authority, the address on the console, the tablet that pins it.
func TestATabletEnrolsWithAHubThatVouchesForItself(t *testing.T) {
	c := newBareConsole(t)
	r, err := Start(t.Context(), c.env, Service{Dir: c.env.Path("hub"), Wire: hooks.Wire{Listen: "0.0.0.0:0"}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "coordinator")
	c.secondFactor(t, "ana")
	out := c.must(t, ExitOK, "device", "code", "--dir", "hub", "--as", "ana")
	m := regexp.MustCompile(`code    (\S+)\naddress (https://\S+#sha256=[0-9a-f]{64})\n`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("no code and address: %s", out)
	}
	other := strings.Repeat("0", 64)
	c.must(t, ExitFault, "tablet", "--dir", c.env.Path("tablet"), "enrol", m[2][:len(m[2])-64]+other, m[1])
	c.must(t, ExitOK, "tablet", "--dir", c.env.Path("tablet"), "enrol", m[2], m[1])
	c.must(t, ExitOK, "tablet", "--dir", c.env.Path("tablet"), "sync")
	if out := c.must(t, ExitOK, "device", "list", "--dir", "hub", "--as", "ana"); !strings.Contains(out, "enrolled") {
		t.Errorf("the tablet is not listed: %s", out)
	}
	// A backup brings the authority along, or every tablet would be lost.
	c.must(t, ExitOK, "backup", "--dir", "hub", "--out", "b")
	before := r.Front.Address()
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	copyKey(t, c, "hub/hub.key", "again/hub.key")
	c.must(t, ExitOK, "restore", "--dir", "again", "b")
	again, err := Start(t.Context(), c.env, Service{Dir: c.env.Path("again"), Wire: hooks.Wire{Listen: "0.0.0.0:0"}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	after := again.Front.Address()
	if err := again.Stop(); err != nil {
		t.Fatal(err)
	}
	if before[len(before)-64:] != after[len(after)-64:] {
		t.Error("the restored hub has another authority")
	}
}

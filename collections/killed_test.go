package collections_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	"portolan/seal"
)

// A process of its own does one thing to a hub and is killed with -9 when it
// comes to a label for the n-th time.
const (
	dyingDir   = "PORTOLAN_TEST_DYING_DIR"
	dyingDoing = "PORTOLAN_TEST_DYING_DOING"
	dyingAt    = "PORTOLAN_TEST_DYING_AT"
)

// keysInBatch is how many keys one transaction of these rotations wraps.
const keysInBatch = 5

func init() {
	if os.Getenv(dyingDir) != "" {
		os.Exit(beKilled(os.Getenv(dyingDir), os.Getenv(dyingDoing), os.Getenv(dyingAt)))
	}
}

func beKilled(dir, doing, at string) int {
	label, nth, _ := strings.Cut(at, ":")
	left, err := strconv.Atoi(nth)
	if err != nil {
		return 2
	}
	collections.RewrapBatch(keysInBatch)
	armed := false
	die := func(have string) {
		if !armed || have != label {
			return
		}
		if left--; left == 0 {
			if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
				panic(err)
			}
			select {}
		}
	}
	armed = doing == "open"
	h, err := collections.Open(collections.Config{Dir: dir, Now: hubtest.NewClock().Now, Reached: die})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	armed = true
	ctx := context.Background()
	doing, whom, _ := strings.Cut(doing, ", ")
	switch doing {
	case "rotate":
		if err = h.RotateKeys(ctx); err == nil {
			err = h.WaitRotated()
		}
	case "root":
		_, err = h.RotateRoot(ctx, "")
	case "root in shares":
		_, err = h.RotateRootInShares(ctx, 3, 2, func(shares []seal.Share) ([]seal.Share, error) {
			return shares[1:], os.WriteFile(dir+sharesNoted, []byte(shares[0].Text()+"\n"+shares[2].Text()), 0o600)
		})
	case "take":
		err = takeKept(ctx, h, dir)
	case "revoke":
		var tablets []care.Row
		if tablets, err = h.List(ctx, h.HubActor(), collections.Query{Collection: "devices"}); err == nil {
			err = h.RevokeDevice(ctx, h.HubActor(), tablets[0].ID)
		}
	case "upload":
		err = bringLetter(ctx, h, dir, letter)
	case "decide file":
		err = decideOnAside(ctx, h)
	case "sealed file":
		err = bringAside(ctx, h, dir)
	case "evidence":
		err = bringLetter(ctx, h, dir, seizedLetter)
	case "pull":
		var a care.Actor
		if a, err = h.Actor(ctx, whom, ""); err == nil {
			err = h.Pull(ctx, a, "", func([]byte) error { return nil })
		}
	case "write":
		_, err = h.Do(ctx, h.HubActor(), newCase(&hubtest.Hub{Hub: h, Org: theOrg}, 90)...)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 4
	}
	return 0
}

const theOrg = "01930000-0000-7000-8000-000000000001"

// killHub runs the process, and says whether it was killed or came to its end.
func killHub(t *testing.T, dir, doing, at string) (killed bool) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), dyingDir+"="+dir, dyingDoing+"="+doing, dyingAt+"="+at)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return false
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return true
	}
	t.Fatalf("%s, to be killed at %s: %v\n%s", doing, at, err, out)
	return false
}

// manyCases is a hub with enough keys for several batches.
func manyCases(t *testing.T) string {
	t.Helper()
	dir := hubtest.Dir(t)
	h, err := collections.Open(collections.Config{Dir: dir, Now: hubtest.NewClock().Now})
	if err != nil {
		t.Fatal(err)
	}
	drafts := []collections.Draft{{Collection: "organisations", Record: theOrg, Org: theOrg, Set: map[string]care.Value{
		"name": care.OfText("Harbour House"), "kind": care.OfText("NGO"), "country": care.OfText("KE"), "time_zone": care.OfText("Africa/Nairobi")}}}
	for n := range 5 {
		drafts = append(drafts, newCase(&hubtest.Hub{Hub: h, Org: theOrg}, n)...)
	}
	if _, err := h.Do(context.Background(), h.HubActor(), drafts...); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestARotationThatIsKilledAnywhereGoesOn kills the hub at every labelled
// point of a rotation, of a change of the root key and of making keys, each
// time that it comes there. Opened again, it finishes what was begun, nothing
// is lost, and no key of an old epoch is left.
func TestARotationThatIsKilledAnywhereGoesOn(t *testing.T) {
	template := manyCases(t)
	kills := 0
	for _, c := range []struct {
		doing, label string
		times        int // at least
	}{
		{"rotate", "rotate epochs", 1}, {"rotate", "rotate batch", 3}, {"rotate", "rotate dropped", 1},
		{"root", "root file", 1}, {"root", "root committed", 1}, {"root in shares", "root committed", 1}, {"write", "keys written", 1},
	} {
		for n := 1; ; n++ {
			dir := copyOf(t, template)
			if !killHub(t, dir, c.doing, c.label+":"+strconv.Itoa(n)) {
				if n <= c.times {
					t.Errorf("%s comes to %s %d times, want at least %d", c.doing, c.label, n-1, c.times)
				}
				break
			}
			kills++
			goesOn(t, dir, c.doing, c.label)
		}
	}
	if kills < 9 {
		t.Errorf("killed %d times: the test proves nothing", kills)
	}
}

func goesOn(t *testing.T, dir, doing, label string) {
	t.Helper()
	h, err := collections.Open(collections.Config{Dir: dir, Now: hubtest.NewClock().Now})
	if err != nil {
		t.Fatalf("killed at %s: %v", label, err)
	}
	defer h.Close()
	if doing == "root in shares" {
		withShares(t, h, dir)
	}
	if err := h.WaitRotated(); err != nil {
		t.Errorf("killed at %s: the rotation does not go on: %v", label, err)
	}
	clean(t, &hubtest.Hub{Hub: h}, true, "")
	hubtest.LookFor(t, dir, "Blue Heron", nil)
	rows, err := h.List(t.Context(), h.HubActor(), collections.Query{Collection: "survivors"})
	if err != nil || len(rows) != 5 {
		t.Errorf("killed at %s: %d survivors, %v", label, len(rows), err)
	}
	for _, r := range rows {
		if r.Text("alias") != "Blue Heron" {
			t.Errorf("killed at %s: an alias reads %q", label, r.Text("alias"))
		}
	}
	s, err := h.KeyState(t.Context())
	if err != nil || s.Left != 0 {
		t.Errorf("killed at %s: %+v, %v", label, s, err)
	}
	if _, err := os.Stat(filepath.Join(dir, collections.KeyFileName+".new")); err == nil {
		t.Errorf("killed at %s: a key file is left over", label)
	}
	var epoch int
	if err := keysDB(t, dir).QueryRow(`SELECT MIN(epoch) FROM keks`).Scan(&epoch); err != nil || doing == "rotate" && epoch != 2 {
		t.Errorf("killed at %s: epoch %d is left, %v", label, epoch, err)
	}
}

// sharesNoted is where the shares of a new root key are written down, beside
// the hub's folder.
const sharesNoted = ".shares"

// withShares opens a hub whose new root key was split as it was made: the key
// file of the old one is gone.
func withShares(t *testing.T, h *collections.Hub, dir string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, collections.KeyFileName)); err == nil || !h.Locked() {
		t.Error("the old key file lies there still, or the hub is open without shares")
	}
	b, err := os.ReadFile(dir + sharesNoted)
	if err != nil {
		t.Fatal(err)
	}
	var shares []seal.Share
	for text := range strings.SplitSeq(string(b), "\n") {
		s, err := seal.ParseShare(text)
		if err != nil {
			t.Fatal(err)
		}
		shares = append(shares, s)
	}
	if err := h.UnlockWithShares(t.Context(), shares); err != nil {
		t.Fatal(err)
	}
}

// Both epochs read, and writers go on, while data keys are wrapped anew.
func TestBothEpochsOpenDuringARotation(t *testing.T) {
	wait, at := make(chan bool), make(chan bool)
	inner, err := collections.Open(collections.Config{Dir: manyCases(t), Now: hubtest.NewClock().Now, Reached: func(label string) {
		if label == "rotate batch" {
			at <- true
			<-wait
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	h := &hubtest.Hub{Hub: inner, Org: theOrg}
	defer h.Close()
	collections.RewrapBatch(keysInBatch)
	t.Cleanup(func() { collections.RewrapBatch(200) })
	if err := h.RotateKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	for n := 10; ; n++ {
		select {
		case <-at:
		case <-done(h):
			clean(t, h, true, "")
			if n < 13 {
				t.Errorf("%d batches: the test proves nothing", n-10)
			}
			return
		}
		// Opened afresh, so that nothing is remembered.
		dir := copyOf(t, h.Dir())
		other, err := collections.Open(collections.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := other.List(t.Context(), other.HubActor(), collections.Query{Collection: "survivors"})
		if err != nil || len(rows) < 3 {
			t.Errorf("in the middle: %d survivors, %v", len(rows), err)
		}
		h.Must(t, h.HubActor(), newCase(h, n)...)
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		wait <- true
	}
}

// done is closed when no rotation is under way.
func done(h *hubtest.Hub) <-chan struct{} {
	c := make(chan struct{})
	go func() {
		_ = h.WaitRotated() // its end is all that is asked for
		close(c)
	}()
	return c
}

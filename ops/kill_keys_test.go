package ops_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"portolan/collections"
	"portolan/internal/hubtest"
)

// TestCase35ARotationOfTheProgramGoesOn is attack case 35 in the built program:
// it is killed with -9 while it changes its keys and tablets write. Everything
// acknowledged is read with the keys of before and after (every labelled point:
// TestARotationThatIsKilledAnywhereGoesOn).
func TestCase35ARotationOfTheProgramGoesOn(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	dir, address := filepath.Join(t.TempDir(), "hub"), hubtest.FreeAddress(t)
	tablets := enrolForKilling(t, dir, "http://"+address)[:1]
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var pushing sync.WaitGroup
	pushing.Go(func() { tablets[0].pushUntil(ctx, t) })
	rotated := 0
	for range 4 {
		hub := hubtest.Run(t, dir, address)
		if _, exit := hubtest.Console(t, "keys", "rotate", "--dir", dir); exit == 0 {
			rotated++ // otherwise the one before still goes on
		}
		hubtest.Wait(ctx, time.Duration(random.Int64N(int64(20*time.Millisecond))))
		hub.Kill(t)
	}
	hub := hubtest.Run(t, dir, address)
	stop()
	pushing.Wait()
	hub.Stop(t)
	mustVerify(t, hubtest.Program(t), dir)
	if n, _ := present(t, dir, tablets); n == 0 || rotated == 0 {
		t.Errorf("%d changes acknowledged, %d rotations: the test proves nothing", n, rotated)
	}
}

// TestCase34AKeyFileThatIsNoneIsRefused is attack case 34 in the built program:
// without its key, with one that was cut short and with another hub's, it says
// so, writes nothing and opens nothing; nor does a backup come back without.
func TestCase34AKeyFileThatIsNoneIsRefused(t *testing.T) {
	dir, other := hubtest.Dir(t), filepath.Join(t.TempDir(), "hub")
	enrolForKilling(t, other, "http://127.0.0.1:1")
	key := filepath.Join(dir, collections.KeyFileName)
	whole, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(filepath.Join(other, collections.KeyFileName))
	if err != nil {
		t.Fatal(err)
	}
	made := filepath.Join(t.TempDir(), "one.backup")
	if out, exit := hubtest.Console(t, "backup", "--dir", dir, "--out", made); exit != 0 {
		t.Fatalf("exit code %d: %s", exit, out)
	}
	for what, x := range map[string]struct {
		key  []byte
		says string
	}{"none": {nil, "key_file_missing"}, "cut short": {whole[:len(whole)/2], "key_file_damaged"}, "another hub's": {foreign, "key_file_wrong"}} {
		if err := os.Remove(key); err != nil {
			t.Fatal(err)
		}
		if x.key != nil {
			if err := os.WriteFile(key, x.key, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		again := filepath.Join(t.TempDir(), "again")
		for _, words := range [][]string{{"verify", "--dir", dir}, {"restore", "--dir", again, "--key-file", key, made}} {
			if out, exit := hubtest.Console(t, words...); exit == 0 || !strings.Contains(out, x.says) {
				t.Errorf("%s with a key file that is %s: exit code %d, %s", words[0], what, exit, out)
			}
		}
		if _, err := os.Stat(filepath.Join(again, "pb_data")); err == nil {
			t.Errorf("with a key file that is %s a backup came back", what)
		}
		if err := os.WriteFile(key, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustVerify(t, hubtest.Program(t), dir)
}

package ops_test

import (
	"bufio"
	"bytes"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portolan/internal/hubtest"
)

// demoSyncs is what the demo prints before each step in which its tablets
// sync, and after the last.
var demoSyncs = []string{"[3/6]", "[4/6]", "[5/6]", "[6/6]"}

// TestKilledDemoLosesNothingAcknowledged kills the demo with -9 while its
// tablets enrol and sync, 20 times at random moments. Each time verify finds
// no fault, and every change for which a tablet stored a receipt stands in the
// hub's log with that receipt.
func TestKilledDemoLosesNothingAcknowledged(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	bin := hubtest.Program(t)
	steps := syncingTimes(t, bin)
	acknowledged, counts := 0, map[int]bool{}
	for i := range kills {
		dir := filepath.Join(t.TempDir(), "demo")
		demo, said := startDemo(t, bin, dir)
		step := i % len(steps)
		readUntil(t, said, demoSyncs[step])
		hubtest.Wait(t.Context(), time.Duration(random.Int64N(int64(steps[step]))))
		if err := demo.Process.Kill(); err != nil {
			t.Fatalf("killing the demo: %v", err)
		}
		if err := demo.Wait(); err == nil {
			t.Fatal("the demo ended by itself before it was killed")
		}
		mustVerify(t, bin, dir)
		n := receiptsStand(t, dir)
		acknowledged += n
		counts[n] = true
	}
	t.Logf("%d changes acknowledged over %d kills, at %d different points of %v", acknowledged, kills, len(counts), steps)
	if acknowledged == 0 || len(counts) < 3 {
		t.Error("the kills did not fall among the syncs: the test proves nothing")
	}
}

// startDemo runs a small demo and gives what it prints.
func startDemo(t *testing.T, bin, dir string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	demo := exec.Command(bin, "demo", "--dir", dir, "--listen", "127.0.0.1:0", "--people", "1")
	out, err := demo.StdoutPipe()
	if err != nil {
		t.Fatalf("listening to the demo: %v", err)
	}
	var faults bytes.Buffer
	demo.Stderr = &faults
	if err := demo.Start(); err != nil {
		t.Fatalf("starting the demo: %v", err)
	}
	t.Cleanup(func() {
		if demo.ProcessState == nil { // the test failed before it ended
			_ = demo.Process.Kill()
			_ = demo.Wait()
			t.Logf("the demo said %s", faults.String())
		}
	})
	return demo, bufio.NewReader(out)
}

func readUntil(t *testing.T, said *bufio.Reader, step string) {
	t.Helper()
	for {
		line, err := said.ReadString('\n')
		if strings.HasPrefix(line, step) {
			return
		}
		if err != nil {
			t.Fatalf("the demo ended before %s: %v", step, err)
		}
	}
}

// syncingTimes is how long the steps take in which the tablets of a demo sync
// that nobody kills.
func syncingTimes(t *testing.T, bin string) []time.Duration {
	t.Helper()
	demo, said := startDemo(t, bin, filepath.Join(t.TempDir(), "demo"))
	readUntil(t, said, demoSyncs[0])
	began := time.Now()
	var took []time.Duration
	for _, next := range demoSyncs[1:] {
		readUntil(t, said, next)
		took = append(took, time.Since(began))
		began = time.Now()
	}
	if err := demo.Process.Kill(); err != nil {
		t.Fatalf("killing the demo: %v", err)
	}
	_, _ = io.Copy(io.Discard, said)
	_ = demo.Wait() // it was killed
	return took
}

// receiptsStand compares the receipts in the stores of the demo's tablets with
// the hub's log, past the program under test, and counts them.
func receiptsStand(t *testing.T, dir string) int {
	t.Helper()
	hub, err := sql.Open("sqlite", filepath.Join(dir, "pb_data", "data.db"))
	if err != nil {
		t.Fatalf("opening the hub's database: %v", err)
	}
	defer hub.Close()
	n := 0
	err = filepath.WalkDir(filepath.Join(dir, "tablets"), func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // killed before there was a tablet
		}
		if err != nil || filepath.Ext(path) != ".db" {
			return err
		}
		n += receiptsOf(t, hub, path)
		return nil
	})
	if err != nil {
		t.Fatalf("looking for the tablets: %v", err)
	}
	return n
}

func receiptsOf(t *testing.T, hub *sql.DB, store string) int {
	t.Helper()
	tablet, err := sql.Open("sqlite", store)
	if err != nil {
		t.Fatalf("opening a tablet's store: %v", err)
	}
	defer tablet.Close()
	rows, err := tablet.Query(`SELECT replica, n, receipt FROM outbox WHERE receipt IS NOT NULL`)
	if err != nil {
		if strings.Contains(err.Error(), "no such table") {
			return 0 // killed while the store was made
		}
		t.Fatalf("reading a tablet's receipts: %v", err)
	}
	defer rows.Close()
	count := 0
	for rows.Next() {
		var replica, told, stands string
		var n uint64
		if err := rows.Scan(&replica, &n, &told); err != nil {
			t.Fatalf("reading a receipt: %v", err)
		}
		if err := hub.QueryRow(`SELECT receipt FROM changes WHERE replica = ? AND n = ?`, replica, n).Scan(&stands); err != nil {
			t.Errorf("change %d was acknowledged and is gone: %v", n, err)
		} else if stands != told {
			t.Errorf("change %d was answered %s, the hub keeps %s", n, told, stands)
		}
		count++
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("reading a tablet's receipts: %v", err)
	}
	return count
}

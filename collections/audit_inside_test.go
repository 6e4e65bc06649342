package collections

import (
	"context"
	"runtime"
	"testing"

	"portolan/care"
)

// TestReadersShareOneCommit: while a transaction is under way, many who want
// to read wait as one.
func TestReadersShareOneCommit(t *testing.T) {
	h, err := Open(Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}()
	const readers = 40
	release := HoldWriter(h) // a transaction that takes its time
	answers := make(chan error, readers)
	ask := func() {
		answers <- h.Audit(context.Background(), h.HubActor(), ActRead, care.Target{Collection: "cases"}, care.Decision{Allowed: true})
	}
	waiting := func() int {
		h.reads.mu.Lock()
		defer h.reads.mu.Unlock()
		return len(h.reads.waiting)
	}
	go ask()
	for WritersWaiting(h) == 0 { // the first waits for its turn
		runtime.Gosched()
	}
	for range readers - 1 {
		go ask()
	}
	for waiting() < readers-1 {
		runtime.Gosched()
	}
	if n := WritersWaiting(h); n != 1 {
		t.Errorf("%d transactions wait for %d readers", n, readers)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	for range readers {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	var leaves int
	if err := h.readDB().QueryRow(`SELECT COUNT(*) FROM audit_leaves`).Scan(&leaves); err != nil || leaves != readers {
		t.Errorf("%d of %d are in the log, %v", leaves, readers, err)
	}
}

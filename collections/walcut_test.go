package collections_test

import (
	"encoding/binary"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

var walCuts = flag.Int("walcuts", 10, "frames at which the write-ahead log is cut; 0 for every one")

// Sizes of a write-ahead log (sqlite.org/fileformat2.html#walformat).
const (
	walHeader = 32
	walFrame  = 24 // before each page
)

// TestAWriteAheadLogThatIsCutAnywhere: whatever of the log a crash left, the
// hub opens, verifies, and has exactly what was committed up to there.
func TestAWriteAheadLogThatIsCutAnywhere(t *testing.T) {
	h, _, d := newOpenCase(t)
	data := filepath.Join(h.Dir(), "pb_data", "data.db")
	var after []int64 // size of the log once each change was acknowledged
	var first uint64
	for i := range 12 {
		r := d.send(t, h, d.change(t, h, noteChange(i)))
		if i == 0 {
			first = r[0].Seq
		}
		s, err := os.Stat(data + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		after = append(after, s.Size())
	}
	wal, err := os.ReadFile(data + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	page := int64(binary.BigEndian.Uint32(wal[8:])) + walFrame
	frames := (int64(len(wal)) - walHeader) / page
	step := int64(1)
	if *walCuts > 0 {
		step = max(1, frames/int64(*walCuts))
	}
	stop := filepath.Join(t.TempDir(), "stopped")
	if err := os.CopyFS(stop, os.DirFS(h.Dir())); err != nil {
		t.Fatal(err)
	}
	cuts := 0
	for at := frames % step; at <= frames; at += step {
		size := walHeader + at*page
		acknowledged := 0
		for _, s := range after {
			if s <= size {
				acknowledged++
			}
		}
		cuts++
		cutLog(t, stop, size, first, acknowledged)
	}
	if cuts < *walCuts || frames < 24 {
		t.Errorf("%d cuts of %d frames: the test proves nothing", cuts, frames)
	}
}

func cutLog(t *testing.T, stop string, size int64, first uint64, acknowledged int) {
	t.Helper()
	dir := copyOf(t, stop)
	defer os.RemoveAll(dir)
	wal := filepath.Join(dir, "pb_data", "data.db-wal")
	if err := os.Truncate(wal, size); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "pb_data", "data.db-shm")); err != nil {
		t.Fatal(err)
	}
	opened, err := collections.Open(collections.Config{Dir: dir, Now: hubtest.NewClock().Now})
	if err != nil {
		t.Fatalf("cut at %d: %v", size, err)
	}
	defer opened.Close()
	h := &hubtest.Hub{Hub: opened}
	var last uint64
	if err := h.App().NonconcurrentDB().NewQuery(`SELECT COALESCE(MAX(seq), 0) FROM changes`).Row(&last); err != nil {
		t.Fatal(err)
	}
	if acknowledged > 0 && last < first+uint64(acknowledged)-1 {
		t.Errorf("cut at %d: the last change is %d, %d were acknowledged from %d on", size, last, acknowledged, first)
	}
	clean(t, h, true, "")
}

func noteChange(i int) fieldsync.Change {
	return fieldsync.Change{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"contact_notes": care.OfText(string(rune('a' + i)))}}
}

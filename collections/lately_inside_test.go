package collections

import (
	"strconv"
	"strings"
	"testing"
)

// Lately says how many rows and lines of others' are kept for whoever comes next.
func Lately(h *Hub) (rows, lines int) {
	h.lately.mu.Lock()
	defer h.lately.mu.Unlock()
	for _, kept := range []map[lateLine]lateRow{h.lately.old, h.lately.young} {
		for _, r := range kept {
			if r.row != nil {
				rows++
			} else {
				lines++
			}
		}
	}
	return rows, lines
}

// ForgetLately empties what is kept, as each minute does.
func ForgetLately(h *Hub) { h.lately.clear() }

func TestLatelyIsBoundedAndKeepsTheYounger(t *testing.T) {
	var l lately
	line := lateRow{line: []byte(strings.Repeat("x", 10<<10))}
	key := func(i int) lateLine { return lateLine{record: strconv.Itoa(i)} }
	const count = 3 * latelyMax / (10 << 10)
	for i := range count {
		l.put(0, key(i), line)
		if got := l.get(key(i)); len(got) != len(line.line) {
			t.Fatalf("line %d: %d bytes", i, len(got))
		}
	}
	kept := 0
	for i := range count {
		if l.get(key(i)) != nil {
			kept += len(line.line)
		} else if i > count-latelyMax/2/(10<<10) {
			t.Errorf("line %d of %d is gone", i, count)
		}
	}
	if kept > latelyMax || kept < latelyMax/2 {
		t.Errorf("%d bytes are kept", kept)
	}
}

func TestNothingFromBeforeAnErasureIsKept(t *testing.T) {
	var l lately
	before := l.now()
	l.put(before, lateLine{record: "a"}, lateRow{line: []byte("a")})
	l.erased()
	l.put(before, lateLine{record: "b"}, lateRow{line: []byte("b")})
	for _, record := range []string{"a", "b"} {
		if l.get(lateLine{record: record}) != nil {
			t.Errorf("%s is still there", record)
		}
	}
}

package collections

import (
	"strings"
	"sync"

	fieldsync "portolan/sync"
)

// lately keeps the lines of rows that were sent lately, opened, in memory: what
// one person changed goes to all tablets of those who may see it, often within
// seconds, and would be opened and written for each of them anew. It is emptied
// each minute (Tend), and whenever something is erased.
type lately struct {
	mu    sync.Mutex
	lines map[lateLine][]byte
	bytes int
	era   uint64 // rises with each erasure
}

// lateLine is what a line depends on: a record is written to a scope under a
// number, and stays as it is until another.
type lateLine struct {
	scope  fieldsync.Scope
	record string
	seq    uint64 // the last number of the record in the scope's log
	fields string
}

// latelyMax is how many bytes of lines are kept. What is above waits for the
// next minute.
const latelyMax = 8 << 20

func (l *lately) now() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.era
}

func (l *lately) get(k lateLine) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines[k]
}

// put keeps a line of an answer that began in this era: one from before an
// erasure may hold what was erased.
func (l *lately) put(era uint64, k lateLine, line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if era != l.era || l.bytes+len(line) > latelyMax {
		return
	}
	if l.lines == nil {
		l.lines = map[lateLine][]byte{}
	}
	if _, there := l.lines[k]; !there {
		l.bytes += len(line)
	}
	l.lines[k] = line
}

func (l *lately) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines, l.bytes = nil, 0
}

// erased is clear, also of what is being read now.
func (l *lately) erased() {
	l.clear()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.era++
}

// late is by what a line of a row is known, and whether it may be kept: it must
// be of a record as it stands now.
func (w *wantedRow) late(scope fieldsync.Scope) (lateLine, bool) {
	return lateLine{scope, w.record, w.seqs[scope], strings.Join(w.fields[scope], ",")}, w.seqs[scope] != 0
}

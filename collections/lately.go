package collections

import (
	"strings"
	"sync"

	fieldsync "portolan/sync"
)

// lately keeps, in memory and opened, the lines of rows that were sent lately,
// and the rows that the door has just written: what one person changed goes to
// all tablets of those who may see it, often within seconds, and would be read,
// opened and written for each of them anew. It is emptied each minute (Tend),
// and whenever something is erased.
type lately struct {
	mu         sync.Mutex
	young, old map[lateLine]lateRow // what comes goes among the young; when these are many the old go
	bytes      int                  // of the young
	era        uint64               // rises with each erasure
}

// lateLine is what a line depends on: a record is written to a scope under a
// number, and stays as it is until another.
type lateLine struct {
	scope  fieldsync.Scope
	record string
	seq    uint64 // the last number of the record in the scope's log
	fields string
}

// lateRow is a line, or the row of which it is made when somebody asks for it.
type lateRow struct {
	line []byte
	row  *fieldsync.Row
}

// latelyMax is how many bytes are kept.
const latelyMax = 8 << 20

// lateHead is what a head takes beside its value, about.
const lateHead = 160

func (r lateRow) size() int {
	n := len(r.line)
	if r.row != nil {
		for _, reg := range r.row.Fields {
			for i := range reg.Heads {
				n += lateHead + len(reg.Heads[i].Value) + len(reg.Heads[i].Elem)
			}
		}
	}
	return n
}

func (l *lately) now() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.era
}

// get gives a line, nil where it is not known.
func (l *lately) get(k lateLine) []byte {
	l.mu.Lock()
	r, young := l.young[k]
	if !young {
		r = l.old[k]
	}
	era := l.era
	l.mu.Unlock()
	if r.row == nil {
		return r.line
	}
	line := fieldsync.Line{Row: r.row}
	r = lateRow{line: line.AppendJSON(nil)}
	l.put(era, k, r)
	return r.line
}

// put keeps a line, or a row, of an answer or a transaction that began in this
// era: one from before an erasure may hold what was erased.
func (l *lately) put(era uint64, k lateLine, r lateRow) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if era != l.era {
		return
	}
	if l.bytes += r.size() - l.young[k].size(); l.bytes > latelyMax/2 || l.young == nil {
		l.young, l.old, l.bytes = map[lateLine]lateRow{}, l.young, r.size()
	}
	l.young[k] = r
}

func (l *lately) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.young, l.old, l.bytes = nil, nil, 0
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

// wrote is a row that the door wrote, as it goes to whoever holds the scope.
type wrote struct {
	lateLine
	row *fieldsync.Row
}

// noteWritten keeps a row of the transaction for lately.
func (s *session) noteWritten(rec *record, scope fieldsync.Scope, fields []string) error {
	row, err := rec.inScope(scope, fields)
	if err == nil && row != nil {
		s.wrote = append(s.wrote, wrote{lateLine{scope, rec.id, s.seq, strings.Join(fields, ",")}, row})
	}
	return err
}

// keepWritten hands what a committed transaction wrote to lately, as far as
// anybody holds it.
func (s *session) keepWritten(held map[fieldsync.Scope]bool) {
	for _, w := range s.wrote {
		if held[w.scope] {
			s.h.lately.put(s.era, w.lateLine, lateRow{row: w.row})
		}
	}
}

package search

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"portolan/care"
)

// Match says how a record was found; the better comes first.
type Match string

const (
	Exact  Match = "exact"  // the same letters, but for accents and case
	Prefix Match = "prefix" // its beginning
	Sound  Match = "sound"  // it sounds alike, perhaps in another script
	Slip   Match = "slip"   // one slip of the keyboard
)

// Scores of a word: how it matches, then how near its letters are.
const (
	steps     = 32
	scoreSlip = (iota) * steps
	scoreSound
	scorePrefix
	scoreExact
)

func matchOf(score int) Match {
	switch score / steps * steps {
	case scoreExact:
		return Exact
	case scorePrefix:
		return Prefix
	case scoreSound:
		return Sound
	}
	return Slip
}

// Hit is one record that was found.
type Hit struct {
	Collection string
	Record     string
	Case       string
	Match      Match
	Fields     []string // that matched
}

// Find gives the records that fit the search and of which see lets the asker
// see what fits, the best first, at most limit; more says that there are
// others. What see refuses is left aside before anything is compared.
func (x *Index) Find(text string, limit int, see func(care.Target) bool) (hits []Hit, more bool, err error) {
	q, err := newQuery(text)
	if err != nil {
		return nil, false, err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	f := newFinding(x, q, see)
	var found []ranked
	for i := range x.docs {
		if r, ok := f.look(&x.docs[i]); ok {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b ranked) int { return a.before(&b) })
	for _, r := range found {
		if len(hits) == limit {
			return hits, true, nil
		}
		hits = append(hits, f.hit(r))
	}
	return hits, false, nil
}

// finding is one search under way.
type finding struct {
	x       *Index
	q       query
	see     func(care.Target) bool
	numbers []uint64  // the tags of the search as a number
	scores  [][]int16 // by term and word, plus one; 0 where they were not compared
	best    []ranked
	visible []value
	decided []verdict
}

func newFinding(x *Index, q query, see func(care.Target) bool) *finding {
	f := &finding{x: x, q: q, see: see, best: make([]ranked, q.n+1)}
	for _, run := range q.runs {
		for range run {
			f.scores = append(f.scores, make([]int16, len(x.words)))
		}
	}
	for _, form := range q.whole {
		f.numbers = append(f.numbers, x.number(form))
	}
	return f
}

// verdict is what see said of a compartment of the record at hand.
type verdict struct {
	compartment uint8
	may         bool
}

// ranked is a record with its score. worst is that of its worst word.
type ranked struct {
	doc        *doc
	worst, sum int
	by         [wordsMax]value
	n          int // of by
}

// before orders by rank, and by the record where that is the same.
func (r *ranked) before(o *ranked) int {
	if c := cmp.Or(cmp.Compare(o.worst, r.worst), cmp.Compare(o.sum, r.sum)); c != 0 || r.doc == o.doc {
		return c
	}
	return bytes.Compare(r.doc.record[:], o.doc.record[:])
}

// look compares a record as far as the asker may see it.
func (f *finding) look(d *doc) (ranked, bool) {
	f.visible, f.decided = f.visible[:0], f.decided[:0]
	for _, n := range d.numbers {
		if f.may(d, n.compartment) && slices.Contains(f.numbers, n.tag) {
			return ranked{doc: d, worst: scoreExact, sum: scoreExact, by: [wordsMax]value{{field: n.field}}, n: 1}, true
		}
	}
	if f.q.n == 0 {
		return ranked{}, false
	}
	for _, v := range d.values {
		if f.may(d, v.compartment) {
			f.visible = append(f.visible, v)
		}
	}
	return f.named(d, f.visible)
}

func (f *finding) may(d *doc, compartment uint8) bool {
	for _, v := range f.decided {
		if v.compartment == compartment {
			return v.may
		}
	}
	v := verdict{compartment, f.see(care.Target{Collection: f.x.names[d.collection], Org: d.org.String(), Case: d.caseID.String(),
		Topic: care.Topic(f.x.names[d.topic]), Compartment: care.Compartment(f.x.names[compartment])})}
	f.decided = append(f.decided, v)
	return v.may
}

// named finds the best way to read the search as words of the record: each
// word of it alone or together with the next ones, in any order, and no word
// of the record twice.
func (f *finding) named(d *doc, visible []value) (ranked, bool) {
	best := f.best // of the search from word i on
	best[f.q.n] = ranked{doc: d, worst: scoreExact + steps}
	for i := f.q.n - 1; i >= 0; i-- {
		best[i] = ranked{}
		for j := range f.q.runs[i] {
			t, rest := &f.q.runs[i][j], &best[i+j+1]
			if rest.doc == nil {
				continue
			}
			score, by := f.bearer(visible, rest.by[:rest.n], t, f.q.terms[i]+j)
			if score == 0 && !t.optional {
				continue
			}
			r := *rest
			if score > 0 {
				r.worst, r.sum = min(r.worst, score), r.sum+score*(j+1)
				r.by[r.n] = by
				r.n++
			}
			if best[i].doc == nil || r.before(&best[i]) < 0 {
				best[i] = r
			}
		}
		if best[i].doc == nil && i == 0 {
			return ranked{}, false
		}
	}
	return best[0], best[0].n > 0
}

// bearer is the best of a record's words for a term, but for those taken.
func (f *finding) bearer(visible []value, taken []value, t *term, number int) (best int, by value) {
	scores := f.scores[number]
	for _, v := range visible {
		s := scores[v.word]
		if s == 0 { // not compared yet
			s = int16(t.score(&f.x.words[v.word])) + 1
			scores[v.word] = s
		}
		if s := int(s) - 1; s > best && !slices.ContainsFunc(taken, func(have value) bool { return have.word == v.word }) {
			best, by = s, v
		}
	}
	return best, by
}

func (f *finding) hit(r ranked) Hit {
	h := Hit{Collection: f.x.names[r.doc.collection], Record: r.doc.record.String(), Case: r.doc.caseID.String(), Match: matchOf(min(r.worst, scoreExact))}
	for _, v := range r.by[:r.n] {
		if name := f.x.names[v.field]; !slices.Contains(h.Fields, name) {
			h.Fields = append(h.Fields, name)
		}
	}
	slices.Sort(h.Fields)
	return h
}

// score compares a term with a word, 0 where they have nothing to do with
// each other.
func (t *term) score(w *word) int {
	text := w.blob[:w.text]
	switch {
	case string(text) == t.text:
		return scoreExact
	case bytes.HasPrefix(text, []byte(t.text)) && (t.letters >= lettersMin || t.han):
		return scorePrefix + near(t.text, string(text))
	case t.digit || bytes.ContainsAny(text, "0123456789"):
		return 0 // 1 does not sound like 2
	case t.sounds(w):
		return scoreSound + t.closest(w)
	case t.slips(w):
		return scoreSlip + t.closest(w)
	}
	return 0
}

// readingsOf gives the readings of a word one by one.
func readingsOf(w *word) func(func(string) bool) {
	return func(yield func(string) bool) {
		for at := int(w.text); at < int(w.readings); {
			end := bytes.IndexByte(w.blob[at+1:w.readings], '|')
			if end < 0 {
				end = int(w.readings) - at - 1
			}
			if !yield(string(w.blob[at+1 : at+1+end])) {
				return
			}
			at += end + 1
		}
	}
}

// skeletonsOf gives the skeletons of a word one by one.
func skeletonsOf(w *word) func(func(skeleton) bool) {
	return func(yield func(skeleton) bool) {
		for k := w.blob[w.readings:]; len(k) > 0; k = k[8:] {
			if !yield(skeleton(binary.BigEndian.Uint64(k))) {
				return
			}
		}
	}
}

// closest is how near the letters of the term and a word come in any reading.
func (t *term) closest(w *word) int {
	best := 0
	for theirs := range readingsOf(w) {
		for _, mine := range t.readings {
			best = max(best, near(mine, theirs))
		}
	}
	return best
}

// Lengths of skeletons. Below the short one the vowels must agree as far as
// both have them; from the long one on a slip still leaves enough of a name.
const (
	shortSkeleton = 3
	longSkeleton  = 6
)

// sounds says whether a word sounds like the term, or begins to.
func (t *term) sounds(w *word) bool {
	for theirs := range readingsOf(w) {
		for _, mine := range t.readings {
			if len(mine) >= beginningLetters && strings.HasPrefix(theirs, mine) {
				return true
			}
		}
	}
	for theirs := range skeletonsOf(w) {
		for _, mine := range t.keys {
			switch length := mine.length(); {
			case mine == theirs:
				if length >= shortSkeleton || t.vowelsAgree(w) {
					return true
				}
			case length >= shortSkeleton && mine.begins(theirs) && t.begins(w):
				return true
			}
		}
	}
	return false
}

// beginningLetters is from how many letters on the beginning of a name is
// looked for in its readings.
const beginningLetters = 3

// begins says whether the term could begin a reading: its vowels are among
// those with which the reading begins, or the other way round where a script
// leaves them out.
func (t *term) begins(w *word) bool {
	for theirs := range readingsOf(w) {
		for _, mine := range t.readings {
			a, b := vowels(mine), vowels(theirs[:min(len(theirs), len(mine))])
			if within(a, b) || within(b, a) {
				return true
			}
		}
	}
	return false
}

func (t *term) vowelsAgree(w *word) bool {
	for theirs := range readingsOf(w) {
		for _, mine := range t.readings {
			a, b := vowels(mine), vowels(theirs)
			if within(a, b) || within(b, a) {
				return true
			}
		}
	}
	return false
}

// slips says whether the term is one slip away from a word.
func (t *term) slips(w *word) bool {
	if t.letters < slipLetters {
		return false
	}
	if text := string(w.blob[:w.text]); letters(text) >= slipLetters && oneSlip(t.text, text) {
		return true
	}
	for theirs := range readingsOf(w) {
		for _, mine := range t.readings {
			if min(len(mine), len(theirs)) >= slipLetters && oneSlip(mine, theirs) {
				return true
			}
		}
	}
	for theirs := range skeletonsOf(w) {
		for _, mine := range t.keys {
			if min(mine.length(), theirs.length()) >= longSkeleton && oneSlip(mine.String(), theirs.String()) {
				return true
			}
		}
	}
	return false
}

// near is how near two words' letters are, from 0 to steps-1.
func near(a, b string) int { return steps - 1 - min(distance(a, b), steps-1) }

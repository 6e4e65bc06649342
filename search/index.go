package search

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"portolan/care"
)

// Entry is what may be found of one record.
type Entry struct {
	Collection string
	Record     string // UUID
	Org        string
	Case       string // "" for what belongs to an organisation
	Topic      care.Topic
	Seq        uint64 // the change that the values are of
	Values     []Value
}

// Value is one value by which a record is found.
type Value struct {
	Field       string
	Compartment care.Compartment
	Whole       bool // by the whole of it only: a number, a phone, an address
	Text        string
}

// Index holds entries in memory. It is safe for many goroutines.
type Index struct {
	mu     sync.RWMutex
	key    []byte         // of the tags; as long as the index lives
	words  []word         // each once, however many bear it
	byTag  map[tag]uint32 // words by the tag of their text
	free   []uint32       // places of words that nobody bears any more
	docs   []doc
	byID   map[id]uint32
	names  []string       // of collections, topics, fields, compartments: few, told by their place
	places map[string]int // in names
	gone   map[id]bool    // cases that were erased: what an older reading brings of them is not taken
}

// id is a UUID, all zero for none.
type id [16]byte

// tag is the keyed hash of a word.
type tag [16]byte

// word is one folded word with its readings and skeletons, in bytes that can
// be overwritten.
type word struct {
	blob     []byte // text, readings with a bar before each, skeletons of 8 bytes
	text     uint16 // where the text ends
	readings uint16 // where the readings end
	bearers  uint32
}

type doc struct {
	record, org, caseID id
	collection, topic   uint8
	seq                 uint64
	values              []value
	numbers             []number
}

// value says that a field of a record has a word.
type value struct {
	word               uint32
	field, compartment uint8
}

// number is a value that is found by the whole of it. Nothing of it is kept
// but a keyed hash.
type number struct {
	tag                uint64
	field, compartment uint8
}

// NewIndex makes an empty index. The key, 32 random bytes, is the index's own
// from then on.
func NewIndex(key []byte) *Index {
	return &Index{key: key, byTag: map[tag]uint32{}, byID: map[id]uint32{}, places: map[string]int{}, gone: map[id]bool{}}
}

// Put takes what is found of a record, in place of what was. A state older
// than the one that the index has is left aside.
func (x *Index) Put(e Entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	d := doc{record: parseID(e.Record), org: parseID(e.Org), caseID: parseID(e.Case), seq: e.Seq,
		collection: x.place(e.Collection), topic: x.place(string(e.Topic))}
	at, known := x.byID[d.record]
	if x.key == nil || known && x.docs[at].seq > e.Seq || x.gone[d.caseID] {
		return
	}
	for _, v := range e.Values {
		x.bear(&d, v)
	}
	d.values, d.numbers = slices.Clip(d.values), slices.Clip(d.numbers)
	switch {
	case known:
		x.release(x.docs[at])
		x.docs[at] = d
	default:
		x.byID[d.record] = uint32(len(x.docs))
		x.docs = append(x.docs, d)
	}
}

// bear adds the words of a value to a record.
func (x *Index) bear(d *doc, v Value) {
	val := value{field: x.place(v.Field), compartment: x.place(string(v.Compartment))}
	put := func(word uint32) {
		if val.word = word; !slices.Contains(d.values, val) {
			x.words[word].bearers++
			d.values = append(d.values, val)
		}
	}
	folded := fold(v.Text)
	if v.Whole {
		for _, form := range wholeForms(folded) {
			d.numbers = append(d.numbers, number{x.number(form), val.field, val.compartment})
		}
		return
	}
	parts := words(folded)
	parts = parts[:min(len(parts), wordsKeptMax)]
	for i := range parts {
		parts[i] = shortened(parts[i])
		put(x.word(parts[i]))
	}
	if joined := strings.Join(parts, ""); len(parts) > 1 && oneScript(parts) && len(joined) <= textBytesMax { // some write it as one
		put(x.word(joined))
	}
}

// wordsKeptMax is of how many words of one value a record is found: a name has
// fewer, and a long text in the place of one must not slow every search.
const wordsKeptMax = 32

// shortened cuts a word to what a search could ask for.
func shortened(word string) string {
	for len(word) > textBytesMax {
		_, n := utf8.DecodeLastRuneInString(word)
		word = word[:len(word)-n]
	}
	return word
}

// place is a name as a number. They come from the schema: far below 256.
func (x *Index) place(name string) uint8 {
	at, ok := x.places[name]
	if !ok {
		at = len(x.names)
		x.names, x.places[name] = append(x.names, name), at
	}
	return uint8(at)
}

// tagOf hashes a word; kind keeps numbers and names apart.
func (x *Index) tagOf(kind byte, text []byte) tag {
	m := hmac.New(sha256.New, x.key)
	m.Write([]byte{kind})
	m.Write(text)
	return tag(m.Sum(nil))
}

const (
	aName   = 'n'
	aNumber = '#'
)

// number is the tag of a number. Half of a hash will do: of a hundred million
// numbers two would share one with a chance of one in three thousand.
func (x *Index) number(form string) uint64 {
	t := x.tagOf(aNumber, []byte(form))
	return binary.BigEndian.Uint64(t[:])
}

func (x *Index) word(text string) uint32 {
	t := x.tagOf(aName, []byte(text))
	at, ok := x.byTag[t]
	if ok {
		return at
	}
	term := newTerm(text)
	w := word{blob: []byte(text), text: uint16(len(text))}
	for _, r := range term.readings {
		w.blob = append(append(w.blob, '|'), r...)
	}
	w.readings = uint16(len(w.blob))
	for _, k := range term.keys {
		w.blob = binary.BigEndian.AppendUint64(w.blob, uint64(k))
	}
	w.blob = slices.Clip(w.blob)
	return x.keep(t, w)
}

func (x *Index) keep(t tag, w word) uint32 {
	at := uint32(len(x.words))
	if n := len(x.free); n > 0 {
		at, x.free = x.free[n-1], x.free[:n-1]
		x.words[at] = w
	} else {
		x.words = append(x.words, w)
	}
	x.byTag[t] = at
	return at
}

// release takes a record's words from it, and overwrites those that nobody
// bears any more.
func (x *Index) release(d doc) {
	for _, v := range d.values {
		w := &x.words[v.word]
		if w.bearers--; w.bearers > 0 {
			continue
		}
		delete(x.byTag, x.tagOf(aName, w.blob[:w.text]))
		clear(w.blob)
		*w = word{}
		x.free = append(x.free, v.word)
	}
	clear(d.values)
	clear(d.numbers)
}

// DropCase forgets every record of a case, also those that somebody who read
// the store before brings later.
func (x *Index) DropCase(caseID string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	c := parseID(caseID)
	if c == (id{}) {
		return
	}
	x.gone[c] = true
	for i := 0; i < len(x.docs); {
		if x.docs[i].caseID != c {
			i++
			continue
		}
		x.release(x.docs[i])
		delete(x.byID, x.docs[i].record)
		last := len(x.docs) - 1
		if i != last {
			x.docs[i] = x.docs[last]
			x.byID[x.docs[i].record] = uint32(i)
		}
		x.docs[last] = doc{}
		x.docs = x.docs[:last]
	}
}

// Wipe overwrites what the index holds. It takes and finds nothing more.
func (x *Index) Wipe() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, w := range x.words[:cap(x.words)] {
		clear(w.blob)
	}
	for _, d := range x.docs[:cap(x.docs)] {
		clear(d.values)
		clear(d.numbers)
	}
	clear(x.docs[:cap(x.docs)])
	clear(x.key)
	clear(x.byTag)
	clear(x.byID)
	clear(x.gone)
	x.key, x.words, x.docs, x.free = nil, nil, nil, nil
}

// Size is how many records the index holds, and of how many words.
func (x *Index) Size() (records, words int) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.docs), len(x.words) - len(x.free)
}

// parseID reads a UUID in its usual form. Ids reach the index from the door,
// which takes no others.
func parseID(s string) (out id) {
	if len(s) == 36 {
		hex.Decode(out[:], []byte(strings.ReplaceAll(s, "-", "")))
	}
	return out
}

func (i id) String() string {
	if i == (id{}) {
		return ""
	}
	h := hex.EncodeToString(i[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

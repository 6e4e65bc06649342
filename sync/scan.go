package fieldsync

import (
	"encoding/binary"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"portolan/care"
)

// scanner reads JSON (RFC 8259) strictly and within bounds. encoding/json
// takes a member in any case, the last of two equal ones, and puts U+FFFD for
// what is not UTF-8: two readers of one signed change could then read two
// different things.
type scanner struct {
	b     []byte
	text  string // the same, of which strings are parts; "" where each is a copy
	i     int
	depth int
	named int // where the name of the member at hand begins
}

// scan begins to read what is kept as a whole or not at all: one copy is made
// for all strings in it, which keep each other in memory.
func scan(raw []byte, depth int) *scanner {
	return &scanner{b: raw, text: string(raw), depth: depth}
}

// part is the bytes from i to j as a string.
func (s *scanner) part(i, j int) string {
	if s.text == "" {
		return string(s.b[i:j])
	}
	return s.text[i:j]
}

func (s *scanner) malformed() error { return bad(CodeJSON, "not JSON at byte "+strconv.Itoa(s.i)) }

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// peek returns the next byte that is not white space, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.i >= len(s.b) {
		return 0
	}
	return s.b[s.i]
}

func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.i++
	return true
}

// end refuses anything behind the value.
func (s *scanner) end() error {
	if s.peek() != 0 || s.i < len(s.b) {
		return s.malformed()
	}
	return nil
}

func (s *scanner) enter() error {
	if s.depth++; s.depth > DepthMax {
		return bad(CodeDepth, "nested deeper than "+strconv.Itoa(DepthMax))
	}
	return nil
}

// object calls member for each member with its name; member must read the
// value. A name that comes twice is refused.
func (s *scanner) object(member func(name string) error) error {
	if !s.take('{') {
		return s.expected("an object")
	}
	if err := s.enter(); err != nil {
		return err
	}
	var few [32]string
	names, many := few[:0], map[string]bool(nil)
	for first := true; !s.take('}'); first = false {
		if !first && !s.take(',') {
			return s.malformed()
		}
		s.space()
		at := s.i
		name, err := s.str()
		if err != nil {
			return err
		}
		if names, many, err = once(names, many, name); err != nil {
			return err
		}
		if !s.take(':') {
			return s.malformed()
		}
		s.named = at
		if err := member(name); err != nil {
			return err
		}
	}
	s.depth--
	return nil
}

// once remembers a name and refuses one that was there before.
func once(names []string, many map[string]bool, name string) ([]string, map[string]bool, error) {
	if many == nil {
		for _, n := range names {
			if n == name {
				return names, nil, bad(CodeTwice, "a member is named twice")
			}
		}
		if len(names) < cap(names) {
			return append(names, name), nil, nil
		}
		many = make(map[string]bool, 4*len(names))
		for _, n := range names {
			many[n] = true
		}
	}
	if many[name] {
		return names, many, bad(CodeTwice, "a member is named twice")
	}
	many[name] = true
	return names, many, nil
}

// array calls element for each element, which must read it.
func (s *scanner) array(element func() error) error {
	if !s.take('[') {
		return s.expected("an array")
	}
	if err := s.enter(); err != nil {
		return err
	}
	for first := true; !s.take(']'); first = false {
		if !first && !s.take(',') {
			return s.malformed()
		}
		if err := element(); err != nil {
			return err
		}
	}
	s.depth--
	return nil
}

// expected tells a value of another type from what is no JSON at all.
func (s *scanner) expected(what string) error {
	switch c := s.peek(); {
	case c == '{', c == '[', c == '"', c == '-', c >= '0' && c <= '9', c == 't', c == 'f', c == 'n':
		return bad(CodeType, "expected "+what+" at byte "+strconv.Itoa(s.i))
	}
	return s.malformed()
}

// str reads a string.
func (s *scanner) str() (string, error) {
	if s.peek() != '"' {
		return "", s.expected("a string")
	}
	start := s.i + 1
	i, ascii := plain(s.b, start)
	for ; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			s.i = i + 1
			raw := s.b[start:i]
			if !ascii && !utf8.Valid(raw) {
				return "", bad(CodeUTF8, "a string is not UTF-8")
			}
			return s.part(start, i), nil
		case c == '\\':
			return s.escaped(start, i)
		case c < 0x20:
			s.i = i
			return "", s.malformed()
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	s.i = len(s.b)
	return "", s.malformed()
}

// Each byte of a word, for plain.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// plain passes over whole words from i on that hold neither a quote nor a
// backslash nor a control character, and says whether all of it is ASCII: most
// of what is read is inside of strings. A byte is zero, or below 32, where the
// subtraction borrows its highest bit (Warren, Hacker's Delight, §6-1).
func plain(b []byte, i int) (int, bool) {
	var high uint64
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		quote, escape := x^'"'*ones, x^'\\'*ones
		if ((x-0x20*ones)&^x|(quote-ones)&^quote|(escape-ones)&^escape)&highs != 0 {
			break
		}
		high |= x & highs
	}
	return i, high == 0
}

// escaped reads a string that has an escape at i.
func (s *scanner) escaped(start, i int) (string, error) {
	var b strings.Builder
	b.Write(s.b[start:i])
	for i < len(s.b) {
		c := s.b[i]
		switch {
		case c == '"':
			s.i = i + 1
			if !utf8.ValidString(b.String()) {
				return "", bad(CodeUTF8, "a string is not UTF-8")
			}
			return b.String(), nil
		case c < 0x20:
			s.i = i
			return "", s.malformed()
		case c != '\\':
			b.WriteByte(c)
			i++
			continue
		}
		s.i = i
		r, n, err := s.escape(i)
		if err != nil {
			return "", err
		}
		b.WriteRune(r)
		i += n
	}
	s.i = len(s.b)
	return "", s.malformed()
}

var shortEscapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads the escape at i: its rune and its length.
func (s *scanner) escape(i int) (rune, int, error) {
	if i+1 >= len(s.b) {
		return 0, 0, s.malformed()
	}
	if c := shortEscapes[s.b[i+1]]; c != 0 {
		return rune(c), 2, nil
	}
	r, ok := s.hex4(i)
	if !ok {
		return 0, 0, s.malformed()
	}
	if !utf16.IsSurrogate(r) {
		return r, 6, nil
	}
	low, ok := s.hex4(i + 6)
	if full := utf16.DecodeRune(r, low); ok && full != utf8.RuneError {
		return full, 12, nil
	}
	return 0, 0, bad(CodeUTF8, "half a surrogate pair")
}

// hex4 reads \uXXXX at i.
func (s *scanner) hex4(i int) (rune, bool) {
	if i+6 > len(s.b) || s.b[i] != '\\' || s.b[i+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range s.b[i+2 : i+6] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// uint reads a whole number from 0 to limit.
func (s *scanner) uint(limit uint64) (uint64, error) {
	c := s.peek()
	if c < '0' || c > '9' {
		return 0, s.expected("a whole number")
	}
	start := s.i
	if err := s.number(); err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(s.part(start, s.i), 10, 64)
	if err != nil || n > limit {
		return 0, bad(CodeNumber, "a whole number from 0 to "+strconv.FormatUint(limit, 10))
	}
	return n, nil
}

func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > start
}

func (s *scanner) number() error {
	if s.i < len(s.b) && s.b[s.i] == '-' {
		s.i++
	}
	if s.i < len(s.b) && s.b[s.i] == '0' {
		s.i++
	} else if !s.digits() {
		return s.malformed()
	}
	if s.i < len(s.b) && s.b[s.i] == '.' {
		if s.i++; !s.digits() {
			return s.malformed()
		}
	}
	if s.i < len(s.b) && (s.b[s.i] == 'e' || s.b[s.i] == 'E') {
		s.i++
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		if !s.digits() {
			return s.malformed()
		}
	}
	return nil
}

func (s *scanner) literal(word string) error {
	if !strings.HasPrefix(s.part(s.i, min(len(s.b), s.i+len(word))), word) {
		return s.malformed()
	}
	s.i += len(word)
	return nil
}

// skip reads any value.
func (s *scanner) skip() error {
	switch c := s.peek(); {
	case c == '{':
		return s.object(func(string) error { return s.skip() })
	case c == '[':
		return s.array(s.skip)
	case c == '"':
		_, err := s.str()
		return err
	case c == '-', c >= '0' && c <= '9':
		return s.number()
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == 'n':
		return s.literal("null")
	}
	return s.malformed()
}

// raw reads any value and returns its bytes as they stand, not a copy.
func (s *scanner) raw() ([]byte, error) {
	s.space()
	start := s.i
	if err := s.skip(); err != nil {
		return nil, err
	}
	return s.b[start:s.i:s.i], nil
}

// value reads a field's value: anything but null, which says nothing.
func (s *scanner) value() (care.Value, error) {
	if s.peek() == 'n' {
		return nil, bad(CodeType, "null is no value; say why there is none with an absent value")
	}
	b, err := s.raw()
	if err != nil {
		return nil, err
	}
	if len(b) > care.ValueBytesMax {
		return nil, &care.Error{Code: CodeTooLarge, Kind: care.TooLarge, Hint: "a value is over its limit"}
	}
	return care.Value(b), nil
}

// list reads an array of strings.
func (s *scanner) list(limit int, check func(string) error) ([]string, error) {
	var out []string
	err := s.array(func() error {
		e, err := s.str()
		if err != nil {
			return err
		}
		if len(out) == limit {
			return &care.Error{Code: CodeTooLarge, Kind: care.TooLarge, Hint: "a list is over its limit"}
		}
		if err := check(e); err != nil {
			return err
		}
		out = append(out, e)
		return nil
	})
	return out, err
}

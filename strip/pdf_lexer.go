package strip

import (
	"bytes"
	"slices"
	"strconv"
)

// A PDF as its objects (ISO 32000-1, 7). Only what its own tables name is read:
// what is damaged so far that somebody would have to guess is refused.

type (
	pdfName string
	pdfText []byte // a string
	pdfRaw  string // a number, true, false, null
	pdfRef  int
	pdfList []any
	pdfDict []pdfEntry
)

type pdfEntry struct {
	key   pdfName
	value any
}

type pdfStream struct {
	dict pdfDict
	body []byte
}

func (d pdfDict) get(key pdfName) any {
	for _, e := range d {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

// Bounds of what is read.
const (
	pdfDeep     = 64
	pdfObjects  = 1 << 19
	pdfUnpacked = 64 << 20
)

// lexer reads objects.
type lexer struct {
	b    []byte
	at   int
	deep int
}

func pdfSpace(c byte) bool { return c == 0 || c == 9 || c == 10 || c == 12 || c == 13 || c == 32 }

func pdfDelimiter(c byte) bool { return bytes.IndexByte([]byte("()<>[]{}/%"), c) >= 0 }

// skip goes to the next thing that says something.
func (l *lexer) skip() {
	for l.at < len(l.b) {
		switch c := l.b[l.at]; {
		case pdfSpace(c):
			l.at++
		case c == '%':
			for l.at < len(l.b) && l.b[l.at] != '\n' && l.b[l.at] != '\r' {
				l.at++
			}
		default:
			return
		}
	}
}

// word reads what stands up to the next delimiter.
func (l *lexer) word() string {
	from := l.at
	for l.at < len(l.b) && !pdfSpace(l.b[l.at]) && !pdfDelimiter(l.b[l.at]) {
		l.at++
	}
	return string(l.b[from:l.at])
}

func (l *lexer) eat(s string) bool {
	l.skip()
	if bytes.HasPrefix(l.b[l.at:], []byte(s)) {
		l.at += len(s)
		return true
	}
	return false
}

func (l *lexer) integer() (int, bool) {
	l.skip()
	n, err := strconv.Atoi(l.word())
	return n, err == nil && n >= 0
}

// value reads one object.
func (l *lexer) value() (v any, err error) {
	if l.deep++; l.deep > pdfDeep {
		return nil, errCut
	}
	defer func() { l.deep-- }()
	l.skip()
	if l.at >= len(l.b) {
		return nil, errCut
	}
	switch c := l.b[l.at]; {
	case c == '/':
		return l.name()
	case c == '(':
		return l.literal()
	case c == '[':
		l.at++
		list := pdfList{}
		for !l.eat("]") {
			v, err := l.value()
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case l.eat("<<"):
		return l.dict()
	case c == '<':
		return l.hex()
	}
	return l.number()
}

func (l *lexer) dict() (any, error) {
	d := pdfDict{}
	for !l.eat(">>") {
		key, err := l.value()
		name, ok := key.(pdfName)
		if err != nil || !ok {
			return nil, errCut
		}
		v, err := l.value()
		if err != nil {
			return nil, err
		}
		if d.get(name) == nil { // of two the first counts, and is written alone
			d = append(d, pdfEntry{name, v})
		}
	}
	return d, nil
}

func (l *lexer) name() (any, error) {
	l.at++
	word := l.word()
	if !bytes.ContainsRune([]byte(word), '#') {
		return pdfName(word), nil
	}
	var out []byte
	for i := 0; i < len(word); i++ {
		if word[i] == '#' && i+2 < len(word) {
			if n, err := strconv.ParseUint(word[i+1:i+3], 16, 8); err == nil {
				out = append(out, byte(n))
				i += 2
				continue
			}
		}
		out = append(out, word[i])
	}
	return pdfName(out), nil
}

func (l *lexer) literal() (any, error) {
	out, deep := pdfText{}, 0
	for ; l.at < len(l.b); l.at++ {
		c := l.b[l.at]
		switch {
		case c == '(':
			if deep++; deep == 1 {
				continue
			}
		case c == ')':
			if deep--; deep == 0 {
				l.at++
				return out, nil
			}
		case c == '\\' && l.at+1 < len(l.b):
			l.at++
			out = l.escaped(out)
			continue
		}
		out = append(out, c)
	}
	return nil, errCut
}

// escaped reads what stands behind a backslash.
func (l *lexer) escaped(out pdfText) pdfText {
	c := l.b[l.at]
	if i := bytes.IndexByte([]byte("nrtbf"), c); i >= 0 {
		return append(out, "\n\r\t\b\f"[i])
	}
	switch {
	case c == '\r' && l.at+1 < len(l.b) && l.b[l.at+1] == '\n':
		l.at++
		return out
	case c == '\n' || c == '\r':
		return out
	case c < '0' || c > '7':
		return append(out, c)
	}
	n := 0
	for i := 0; i < 3 && l.at < len(l.b) && l.b[l.at] >= '0' && l.b[l.at] <= '7'; i++ {
		n = n<<3 | int(l.b[l.at]-'0')
		l.at++
	}
	l.at--
	return append(out, byte(n))
}

func (l *lexer) hex() (any, error) {
	end := bytes.IndexByte(l.b[l.at:], '>')
	if end < 0 {
		return nil, errCut
	}
	digits := slices.DeleteFunc(slices.Clone(l.b[l.at+1:l.at+end]), pdfSpace)
	l.at += end + 1
	if len(digits)%2 == 1 {
		digits = append(digits, '0')
	}
	out := make(pdfText, len(digits)/2)
	for i := range out {
		n, err := strconv.ParseUint(string(digits[2*i:2*i+2]), 16, 8)
		if err != nil {
			return nil, errCut
		}
		out[i] = byte(n)
	}
	return out, nil
}

// number reads a number, a word that stands for a value, or a reference.
func (l *lexer) number() (any, error) {
	word := l.word()
	switch word {
	case "true", "false", "null":
		return pdfRaw(word), nil
	}
	if word == "" || bytes.ContainsFunc([]byte(word), func(r rune) bool { return (r < '0' || r > '9') && r != '+' && r != '-' && r != '.' }) {
		return nil, errCut
	}
	if n, err := strconv.Atoi(word); err == nil && n > 0 {
		at := l.at
		if _, ok := l.integer(); ok && l.eat("R") && (l.at == len(l.b) || pdfSpace(l.b[l.at]) || pdfDelimiter(l.b[l.at])) {
			return pdfRef(n), nil
		}
		l.at = at
	}
	return pdfRaw(word), nil
}

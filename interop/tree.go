package interop

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// node is one JSON value that remembers whether it was taken, so that what
// nobody asked for can be set aside instead of being lost.
type node struct {
	kind    byte     // '{' object, '[' array, '"' string, '0' number, 'b' true or false, 'n' null
	text    string   // of a string; of a number and a truth value as it is written
	names   []string // of an object, in the order of the file
	members []*node  // of an object or array
	taken   bool     // of a leaf
}

// parseTree reads one JSON value within DepthMax. Unlike encoding/json it
// refuses a name that stands twice in one object, since one of the two values
// would be lost.
func parseTree(b []byte) (*node, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	p := treeParser{d: d, b: b}
	n, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed("JSON", b, int(d.InputOffset()))
	}
	return n, nil
}

type treeParser struct {
	d *json.Decoder
	b []byte
}

func (p *treeParser) fault() error { return malformed("JSON", p.b, int(p.d.InputOffset())) }

func (p *treeParser) value(depth int) (*node, error) {
	t, err := p.d.Token()
	if err != nil {
		return nil, p.fault()
	}
	switch t := t.(type) {
	case json.Delim:
		if depth >= DepthMax {
			return nil, tooDeep(p.b, int(p.d.InputOffset()))
		}
		if t == '{' {
			return p.object(depth)
		}
		return p.array(depth)
	case string:
		return &node{kind: '"', text: t}, nil
	case json.Number:
		return &node{kind: '0', text: t.String()}, nil
	case bool:
		if t {
			return &node{kind: 'b', text: "true"}, nil
		}
		return &node{kind: 'b', text: "false"}, nil
	}
	return &node{kind: 'n'}, nil
}

func (p *treeParser) object(depth int) (*node, error) {
	n := &node{kind: '{'}
	seen := map[string]bool{}
	for p.d.More() {
		t, err := p.d.Token()
		name, ok := t.(string)
		if err != nil || !ok || seen[name] {
			return nil, p.fault()
		}
		seen[name] = true
		m, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.names, n.members = append(n.names, name), append(n.members, m)
	}
	if _, err := p.d.Token(); err != nil {
		return nil, p.fault()
	}
	return n, nil
}

func (p *treeParser) array(depth int) (*node, error) {
	n := &node{kind: '['}
	for p.d.More() {
		m, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.members = append(n.members, m)
	}
	if _, err := p.d.Token(); err != nil {
		return nil, p.fault()
	}
	return n, nil
}

// get walks down members of objects; through an array it takes the first
// item. It is nil where there is nothing, and all methods accept nil.
func (n *node) get(path ...string) *node {
	for _, name := range path {
		for n != nil && n.kind == '[' {
			n = n.item(0)
		}
		n = n.member(name)
	}
	return n
}

func (n *node) member(name string) *node {
	if n == nil || n.kind != '{' {
		return nil
	}
	for i, s := range n.names {
		if s == name {
			return n.members[i]
		}
	}
	return nil
}

func (n *node) item(i int) *node {
	if n == nil || n.kind != '[' || i >= len(n.members) {
		return nil
	}
	return n.members[i]
}

// items are those of an array; a single value counts as an array of one.
func (n *node) items() []*node {
	switch {
	case n == nil || n.kind == 'n':
		return nil
	case n.kind == '[':
		return n.members
	}
	return []*node{n}
}

// peek is the text of a leaf without taking it.
func (n *node) peek() string {
	if n == nil || n.kind == '{' || n.kind == '[' {
		return ""
	}
	return n.text
}

// take is the text of a leaf, and marks it as taken.
func (n *node) take() string {
	if n != nil && n.kind != '{' && n.kind != '[' {
		n.taken = true
	}
	return n.peek()
}

// takeNamed takes leaves of an object, and of the objects of an array.
func (n *node) takeNamed(names ...string) {
	for _, o := range n.items() {
		for _, name := range names {
			o.member(name).take()
		}
	}
}

// takeItems takes the leaves of an array.
func (n *node) takeItems() {
	for _, m := range n.items() {
		m.take()
	}
}

// takeAll marks everything below as taken, known or not: only for what is kept
// elsewhere as it stands.
func (n *node) takeAll() {
	if n == nil {
		return
	}
	n.taken = true
	for _, m := range n.members {
		m.takeAll()
	}
}

// giveBack marks everything below as not taken.
func (n *node) giveBack() {
	if n == nil {
		return
	}
	n.taken = false
	for _, m := range n.members {
		m.giveBack()
	}
}

// left writes what was not taken as JSON, "" where all was.
func (n *node) left() string {
	var b strings.Builder
	if n.writeLeft(&b, false) {
		return b.String()
	}
	return ""
}

// whole writes everything as JSON.
func (n *node) whole() string {
	var b strings.Builder
	n.writeLeft(&b, true)
	return b.String()
}

func (n *node) writeLeft(b *strings.Builder, all bool) bool {
	if n == nil || (n.taken && !all) {
		return false
	}
	switch n.kind {
	case '{', '[':
		return n.writeMembers(b, all)
	case '"':
		b.WriteString(quote(n.text))
	case 'n':
		b.WriteString("null")
	default:
		b.WriteString(n.text)
	}
	return true
}

func (n *node) writeMembers(b *strings.Builder, all bool) bool {
	b.WriteByte(n.kind)
	wrote := false
	for i, m := range n.members {
		var inner strings.Builder
		if !m.writeLeft(&inner, all) {
			continue
		}
		if wrote {
			b.WriteByte(',')
		}
		if n.kind == '{' {
			b.WriteString(quote(n.names[i]) + ":")
		}
		b.WriteString(inner.String())
		wrote = true
	}
	b.WriteByte(n.kind + 2) // '{' + 2 is '}', '[' + 2 is ']'
	return wrote || all
}

// quote writes a JSON string as it is read most easily: no escapes for HTML.
func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		return `""` // a string always encodes
	}
	return strings.TrimSuffix(b.String(), "\n")
}

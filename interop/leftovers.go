package interop

import "strings"

// leftovers are the elements of resources that no field took, of all records
// together by element path: one thing to look at says "the issue times of
// sixty measurements", and not sixty things.
type leftovers struct {
	groups []*leftGroup
	at     map[string]*leftGroup
}

type leftGroup struct {
	path, reason string
	members      []string // `"record":value` as JSON
}

func (l *leftovers) add(path, reason, record, json string) {
	if l.at == nil {
		l.at = map[string]*leftGroup{}
	}
	k := reason + " " + path
	g, ok := l.at[k]
	if !ok {
		g = &leftGroup{path: path, reason: reason}
		l.at[k] = g
		l.groups = append(l.groups, g)
	}
	g.members = append(g.members, quote(record)+":"+json)
}

// flush sets the groups aside, each as JSON objects that stand alone.
func (l *leftovers) flush(b *builder) {
	for _, g := range l.groups {
		var part []string
		size := 0
		for _, m := range g.members {
			if size > 0 && size+len(m) > SetAsideBytesMax-2 {
				b.aside(g.path, "{"+strings.Join(part, ",")+"}", g.reason)
				part, size = nil, 0
			}
			part, size = append(part, m), size+len(m)+1
		}
		b.aside(g.path, "{"+strings.Join(part, ",")+"}", g.reason)
	}
}

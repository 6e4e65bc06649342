package fieldsync

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"portolan/care"
)

// Row is the changed fields of one record in one scope. A row with More set
// stands or falls with the next one.
//
// On the wire what a change wrote stands together, so that its version, clock,
// time and author are said once and not with each field: ten thousand records
// of twenty fields are 2 MB packed instead of 5. Encode with AppendJSON and
// decode with DecodeLine: encoding/json does not know this form.
type Row struct {
	Scope      Scope
	Collection string
	Record     string
	Org        string
	Case       string // "" for none; on the wire only where the scope does not name it
	CreatedBy  string
	MadeAt     string // device time of the record's first change
	More       bool   // apply together with the row that follows
	Fields     map[string]Register
}

// written is what one change wrote to fields of a row: heads of registers that
// have everything but their value in common.
type written struct {
	by    *Version
	heads []fieldHead // by field, then in the order of the register
}

type fieldHead struct {
	field string
	*Version
}

func (w *written) wrote(v *Version) bool {
	return w.by.Dot == v.Dot && w.by.Clock == v.Clock && w.by.Seq == v.Seq && w.by.At == v.At && w.by.Author == v.Author
}

// writesOf takes the heads of registers apart by the change that wrote them, in
// the order of the hub's numbers.
func writesOf(fields map[string]Register) []written {
	var out []written
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		heads := fields[field].Heads
		for i := range heads {
			h := &heads[i]
			at := slices.IndexFunc(out, func(w written) bool { return w.wrote(h) })
			if at < 0 {
				at = len(out)
				out = append(out, written{by: h})
			}
			out[at].heads = append(out[at].heads, fieldHead{field, h})
		}
	}
	slices.SortStableFunc(out, func(a, b written) int {
		return cmp.Or(cmp.Compare(a.by.Seq, b.by.Seq), a.by.Dot.Compare(b.by.Dot))
	})
	return out
}

// AppendJSON writes the row: its writes, each with the values (f), elements
// added (e) and removed (x), and since when a value has stood (o).
func (r *Row) AppendJSON(b []byte) []byte {
	b = append(b, `{"s":`...)
	b = appendString(b, string(r.Scope))
	b = appendMember(b, "c", r.Collection)
	b = appendMember(b, "r", r.Record)
	b = appendMember(b, "org", r.Org)
	if r.Case != r.Scope.Case() {
		b = appendMember(b, "case", r.Case)
	}
	b = appendMember(b, "by", r.CreatedBy)
	b = appendMember(b, "at", r.MadeAt)
	if r.More {
		b = append(b, rowMore...)
	}
	b = append(b, `,"w":`...)
	return append(AppendWrites(b, r.Fields), '}')
}

// AppendWrites writes registers by field as they stand in a row, by the changes
// that wrote them.
func AppendWrites(b []byte, fields map[string]Register) []byte {
	b = append(b, '[')
	for i, w := range writesOf(fields) {
		if i > 0 {
			b = append(b, ',')
		}
		b = w.appendJSON(b)
	}
	return append(b, ']')
}

// DecodeWrites reads what AppendWrites wrote. Empty input is no field.
func DecodeWrites(raw []byte) (map[string]Register, error) {
	if len(raw) == 0 {
		return map[string]Register{}, nil
	}
	s := scan(raw, -3) // writes, write and fields stand around each value
	fields, err := s.writes()
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return nil, err
	}
	return fields, nil
}

// MoreFollows is the line of a row, as it is with More set.
func MoreFollows(line []byte) []byte {
	at := bytes.Index(line, []byte(`,"w":[`)) // in a string the quotes would be escaped
	out := append(make([]byte, 0, len(line)+len(rowMore)), line[:at]...)
	return append(append(out, rowMore...), line[at:]...)
}

const rowMore = `,"more":true`

func (w *written) appendJSON(b []byte) []byte {
	b = appendString(append(b, `{"d":`...), string(w.by.Dot))
	b = appendMember(b, "t", string(w.by.Clock))
	b = appendMember(b, "at", w.by.At)
	b = appendMember(b, "by", w.by.Author)
	if w.by.Seq != 0 {
		b = append(b, `,"q":`...)
		b = strconv.AppendUint(b, w.by.Seq, 10)
	}
	b = w.appendPart(b, "f", func(v *Version) bool { return v.Elem == "" }, func(b []byte, v *Version) []byte { return appendValue(b, v.Value) })
	b = w.appendPart(b, "o", func(v *Version) bool { return v.Stands != 0 }, func(b []byte, v *Version) []byte { return strconv.AppendUint(b, v.Stands, 10) })
	b = w.appendElements(b, "e", false)
	b = w.appendElements(b, "x", true)
	return append(b, '}')
}

// appendPart writes `,"name":{field:…}` of the heads for which has says yes,
// nothing where there are none.
func (w *written) appendPart(b []byte, name string, has func(*Version) bool, write func([]byte, *Version) []byte) []byte {
	open := false
	for _, h := range w.heads {
		if !has(h.Version) {
			continue
		}
		if open {
			b = append(b, ',')
		} else {
			b = append(append(append(b, ',', '"'), name...), '"', ':', '{')
			open = true
		}
		b = write(append(appendString(b, h.field), ':'), h.Version)
	}
	if open {
		b = append(b, '}')
	}
	return b
}

// appendElements writes the elements of sets; a register keeps them in order,
// those of one field stand behind each other.
func (w *written) appendElements(b []byte, name string, removed bool) []byte {
	last := ""
	for _, h := range w.heads {
		switch {
		case h.Elem == "" || h.Removed != removed:
			continue
		case last == "":
			b = append(append(append(b, ',', '"'), name...), '"', ':', '{')
			b = append(appendString(b, h.field), ':', '[')
		case last != h.field:
			b = append(b, ']', ',')
			b = append(appendString(b, h.field), ':', '[')
		default:
			b = append(b, ',')
		}
		b, last = appendString(b, h.Elem), h.field
	}
	if last != "" {
		b = append(b, ']', '}')
	}
	return b
}

func (s *scanner) row(r *Row) error {
	named := false
	err := s.object(func(name string) (err error) {
		switch name {
		case "s":
			var scope string
			scope, err = s.str()
			r.Scope = Scope(scope)
		case "c":
			r.Collection, err = s.str()
		case "r":
			r.Record, err = s.str()
		case "org":
			r.Org, err = s.str()
		case "case":
			r.Case, err = s.str()
			named = true
		case "by":
			r.CreatedBy, err = s.str()
		case "at":
			r.MadeAt, err = s.str()
		case "more":
			r.More, err = s.truth()
		case "w":
			r.Fields, err = s.writes()
		default:
			err = s.skip()
		}
		return err
	})
	if !named {
		r.Case = r.Scope.Case()
	}
	if r.Fields == nil {
		r.Fields = map[string]Register{}
	}
	return err
}

// readWrites is what changes wrote to the fields of a record, as it is read:
// the heads of registers, and what those of one change have in common.
type readWrites struct {
	by    []Version
	heads []readHead
	order []int // of the heads, by field and then as in a register
}

type readHead struct {
	field, elem string
	value       care.Value
	stands      uint64
	removed     bool
	by          int // of readWrites.by
}

// readings are used again: a row has some twenty heads.
var readings = sync.Pool{New: func() any { return new(readWrites) }}

// writes reads what changes wrote to the fields of a record.
func (s *scanner) writes() (map[string]Register, error) {
	w := readings.Get().(*readWrites)
	defer func() {
		clear(w.by) // what was read keeps its line in memory
		clear(w.heads)
		w.by, w.heads, w.order = w.by[:0], w.heads[:0], w.order[:0]
		readings.Put(w)
	}()
	if err := s.array(func() error { return s.write(w) }); err != nil {
		return nil, err
	}
	return w.registers(), nil
}

func (w *readWrites) compare(i, j int) int {
	a, b := &w.heads[i], &w.heads[j]
	if c := cmp.Compare(a.field, b.field); c != 0 {
		return c
	}
	return cmp.Or(w.by[a.by].Dot.Compare(w.by[b.by].Dot), cmp.Compare(a.elem, b.elem))
}

// registers puts heads together by their fields. The registers of a row are
// parts of one list.
func (w *readWrites) registers() map[string]Register {
	for i := range w.heads {
		w.order = append(w.order, i)
	}
	if !slices.IsSortedFunc(w.order, w.compare) {
		slices.SortStableFunc(w.order, w.compare)
	}
	all, count := make([]Version, len(w.heads)), 0
	for i, at := range w.order {
		h := &w.heads[at]
		all[i] = w.by[h.by]
		all[i].Value, all[i].Elem, all[i].Removed, all[i].Stands = h.value, h.elem, h.removed, h.stands
		if i == 0 || h.field != w.heads[w.order[i-1]].field {
			count++
		}
	}
	fields := make(map[string]Register, count)
	for start := 0; start < len(all); {
		field, end := w.heads[w.order[start]].field, start+1
		for end < len(all) && w.heads[w.order[end]].field == field {
			end++
		}
		fields[field] = Register{Heads: all[start:end:end]}
		start = end
	}
	return fields
}

// write reads what one change wrote. The members that all of its heads have in
// common may stand behind the values.
func (s *scanner) write(w *readWrites) error {
	var stands map[string]uint64
	at, first := len(w.by), len(w.heads)
	w.by = append(w.by, Version{})
	err := s.object(func(name string) (err error) {
		var t string
		by := &w.by[at]
		switch name {
		case "d":
			t, err = s.str()
			by.Dot = Dot(t)
		case "t":
			t, err = s.str()
			by.Clock = HLC(t)
		case "at":
			by.At, err = s.str()
		case "by":
			by.Author, err = s.str()
		case "q":
			by.Seq, err = s.uint(NumberMax)
		case "f":
			err = s.object(func(field string) error {
				v, err := s.value()
				w.heads = append(w.heads, readHead{field: field, value: v, by: at})
				return err
			})
		case "o":
			stands = map[string]uint64{}
			err = s.object(func(field string) error {
				o, err := s.uint(NumberMax)
				stands[field] = o
				return err
			})
		case "e", "x":
			err = s.object(func(field string) error {
				_, err := s.list(HeadsMax, func(e string) error {
					if e == "" {
						return bad(CodeType, "an element of a set is empty")
					}
					w.heads = append(w.heads, readHead{field: field, elem: e, removed: name == "x", by: at})
					return nil
				})
				return err
			})
		default:
			err = s.skip()
		}
		return err
	})
	for i := first; i < len(w.heads) && stands != nil; i++ {
		if h := &w.heads[i]; h.elem == "" {
			h.stands = stands[h.field]
		}
	}
	return err
}

// caseOf is the case of a case's scope, "" of another.
// Case is the id of the case of a scope, "" for one of an organisation.
func (s Scope) Case() string {
	rest, ok := strings.CutPrefix(string(s), "case:")
	if !ok {
		return ""
	}
	id, _, _ := strings.Cut(rest, "/")
	return id
}

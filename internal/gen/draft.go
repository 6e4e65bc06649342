package gen

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"portolan/care"
)

// Draft is one change of one record, as the hub's door takes it: fields that
// are set, and elements that are added to sets.
type Draft struct {
	Collection string
	Record     string
	Case       string // the case that a record belongs to, a case's own id for a case
	Org        string // set for a case and for what belongs to no case
	Author     string // the member of staff in whose name it is made; "" for the hub
	Set        map[string]care.Value
	Add        map[string][]string
}

// writer collects the drafts of one case, or of what stands around the cases.
type writer struct {
	source
	w      *World
	drafts []Draft
	home   string // organisation of what belongs to no case
	caseID string
	number int // of the first canary
	count  int // canaries written so far
}

// sheet is one record being written.
type sheet struct {
	*writer
	entity *care.Entity
	at     int // index of the draft
	id     string
}

// begin starts a new record that was made at a moment.
func (w *writer) begin(collection string, at time.Time) *sheet {
	return w.beginAs(collection, w.id(at))
}

func (w *writer) beginAs(collection, id string) *sheet {
	d := Draft{Collection: collection, Record: id, Set: map[string]care.Value{}, Add: map[string][]string{}}
	e, ok := care.Find(collection)
	if !ok {
		panic("gen: no collection " + collection)
	}
	switch {
	case collection == "cases":
		d.Case, d.Org = id, w.home
	case e.Topic != care.NoTopic:
		d.Org = w.home
	default:
		d.Case = w.caseID
	}
	w.drafts = append(w.drafts, d)
	return &sheet{writer: w, entity: e, at: len(w.drafts) - 1, id: id}
}

// amend starts a later change of a record.
func (s *sheet) amend() *sheet {
	d := s.drafts[s.at]
	d.Set, d.Add, d.Author = map[string]care.Value{}, map[string][]string{}, ""
	s.drafts = append(s.drafts, d)
	return &sheet{writer: s.writer, entity: s.entity, at: len(s.drafts) - 1, id: s.id}
}

// signed starts a later change that only the named person can make.
func (s *sheet) signed(author string) *sheet {
	next := s.amend()
	next.drafts[next.at].Author = author
	return next
}

// put writes one field: the value's Go type is turned into what the schema
// says of the field. "" and empty lists write nothing. A field that names or
// locates a person gets a canary behind its words.
//
// It panics where the schema has no such field or refuses the value: what is
// wrong then is this package, and its tests find it.
func (s *sheet) put(field string, value any) *sheet {
	f, ok := s.entity.Field(field)
	if !ok {
		panic(fmt.Sprintf("gen: no field %s.%s", s.entity.Name, field))
	}
	v := s.valueOf(f, value)
	if !v.IsSet() {
		return s
	}
	v, err := care.Canonical(f, v)
	if err != nil {
		panic(fmt.Sprintf("gen: %s.%s: %v", s.entity.Name, field, err))
	}
	d := &s.drafts[s.at]
	if f.Merge == care.Union {
		d.Add[field] = v.List()
		return s
	}
	d.Set[field] = v
	return s
}

// puts writes several fields, in the order of their names.
func (s *sheet) puts(fields map[string]any) *sheet {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		s.put(name, fields[name])
	}
	return s
}

func (s *sheet) valueOf(f *care.Field, value any) care.Value {
	switch v := value.(type) {
	case nil:
	case care.Value:
		return v
	case care.Absent:
		return care.OfAbsent(v)
	case string:
		if v != "" {
			return care.OfText(s.marked(f, v))
		}
	case []string:
		if len(v) > 0 {
			l := make([]string, len(v))
			for i, e := range v {
				l[i] = s.marked(f, e)
			}
			return care.OfList(l...)
		}
	case map[string]string:
		return s.object(f, v)
	case int:
		return care.OfInt(int64(v))
	case bool:
		return care.OfBool(v)
	case time.Time:
		if v.IsZero() {
			return nil
		}
		if f.Type == care.Date {
			return care.OfText(v.UTC().Format(time.DateOnly))
		}
		return care.OfTime(v)
	default:
		panic(fmt.Sprintf("gen: %s.%s: a %T", s.entity.Name, f.Name, value))
	}
	return nil
}

func (s *sheet) object(f *care.Field, m map[string]string) care.Value {
	out := map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out[k] = s.marked(f, m[k])
	}
	return objectOf(out)
}

// digitsOf are the digits of a text.
func digitsOf(words string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, words)
}

// marked puts a canary behind the words of a field that names or locates a
// person. Where both do not fit, the canary stands alone. A number without
// letters becomes one with the canary's digits in it.
func (w *writer) marked(f *care.Field, words string) string {
	if !f.Canary {
		return words
	}
	w.count++
	if digits := digitsOf(words); digits != "" && !strings.ContainsFunc(words, unicode.IsLetter) {
		// A number is found by the whole of it, so it is marked in its digits.
		plus := ""
		if strings.HasPrefix(words, "+") {
			plus = "+"
		}
		return fmt.Sprintf("%s%s%s%05d", plus, digits[:min(2, len(digits))], w.w.CanaryDigits(), w.number+w.count)
	}
	canary := fmt.Sprintf("%s%d", w.w.CanaryPrefix(), w.number+w.count)
	limit := f.Max
	if limit == 0 {
		limit = care.TextBytesMax
	}
	if len(words)+1+len(canary) > limit {
		return canary
	}
	return words + " " + canary
}

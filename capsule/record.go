// Package capsule is the essential record of a summary in one QR code: for the
// next helper, without a network, and for nobody without the words that the
// person was told. docs/capsule.md has the format. The package is pure: what it
// makes depends on what it is given.
package capsule

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"

	"portolan/care"
)

// Record is what a capsule says.
type Record struct {
	Paper     Paper    // the paper that it stands on
	Day       string   // YYYY-MM-DD, for which it stands
	Languages []string // the person's own, then the receiving country's (ISO 639-1)
	Country   string   // for which it was made (ISO 3166-1 alpha-2), "" where none was named
	Agreed    map[care.Category]string
	Entries   []Entry // grouped by collection, in the order of the table
	// LeftOut are collections of which the paper says something and the
	// capsule, for want of room, nothing.
	LeftOut []string
}

// Paper is the number of one paper: random, and known to its hub alone.
type Paper [8]byte

// Entry is a record of a collection: those of its fields that the paper shows.
type Entry struct {
	Collection string
	Set        map[string]care.Value
}

// Kind is a collection that a capsule may hold, with the number that stands for
// it, and its fields, of which the first has the number 1.
type Kind struct {
	Number     int
	Collection string
	Fields     []string
}

// Kinds is the table of docs/capsule.md, in the order in which there is room:
// what comes first matters first. Numbers never change and are never given anew;
// fields are added at the end.
var Kinds = []Kind{
	{3, "allergies", []string{"substance", "code_system", "code", "criticality", "reaction", "severity", "last_reaction_on"}},
	{4, "medicines", []string{"substance", "code_system", "code", "strength", "form", "dose", "route", "frequency", "as_needed", "instructions",
		"days_left", "counted_on", "must_not_stop", "kept_cold", "status"}},
	{5, "conditions", []string{"label", "code_system", "code", "severity", "onset_on", "needs_when_travelling"}},
	{1, "survivors", []string{"birth_year", "primary_language", "languages", "interpreter_needed", "interpreter_language", "interpreter_gender",
		"access_needs", "do_not_contact", "safe_channel", "safe_hours"}},
	{7, "pregnancies", []string{"status", "due_on"}},
	{9, "deadlines", []string{"kind", "due_on"}},
	{10, "hearings", []string{"starts_at"}},
	{8, "legal_matters", []string{"kind", "permit_until"}},
	{2, "identities", []string{"aliases", "safe_phone"}},
	{11, "cases", []string{"needs"}},
	{13, "transfers", []string{"receiving_contact", "first_appointment_at"}},
	{12, "dependents", []string{"relation", "age_band", "schooling", "needs"}},
	{6, "immunisations", []string{"vaccine", "code_system", "code", "given_on", "dose_number", "next_dose_on"}},
	{14, "follow_ups", []string{"due_on"}},
}

// essential is how many of Kinds are never left out: allergies, medicines,
// conditions, and what the person speaks.
const essential = 4

func kindOf(collection string) (Kind, bool) {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Collection == collection })
	if i < 0 {
		return Kind{}, false
	}
	return Kinds[i], true
}

// Keys of the record's map.
const (
	keyPaper = iota + 1
	keyDay
	keyLanguages
	keyCountry
	keyAgreed
	keyEntries
	keyLeftOut
)

// Bounds of what is read. What is written is far below them: a code holds half
// a kilobyte.
const (
	recordBytesMax  = 16 << 10 // once it is unpacked
	entriesMax      = 256
	textBytesMax    = 4 << 10
	listMax         = 64
	languagesMax    = 2
	secondsInDay    = 24 * 60 * 60
	daysMax         = 200 * 366 // days after 1970 that a date may lie
	nestedLevelsMax = 6
)

// Errors of capsules. None says what one holds.
var (
	ErrMalformed = &care.Error{Code: "capsule_malformed", Kind: care.Unprocessed, Hint: "This is no code of this kind, or one of a newer kind. Nothing was taken."}
	ErrFull      = &care.Error{Code: "capsule_full", Kind: care.Unprocessed, Hint: "The allergies, medicines and conditions do not fit into one code. Hand the paper out without a code, or as a file for a telephone."}
)

var (
	encoding = func() cbor.EncMode {
		m, err := cbor.CoreDetEncOptions().EncMode()
		if err != nil {
			panic(err) // the options are the library's own
		}
		return m
	}()
	decoding = func() cbor.DecMode {
		m, err := cbor.DecOptions{
			DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
			MaxNestedLevels: nestedLevelsMax, MaxArrayElements: entriesMax, MaxMapPairs: entriesMax, UTF8: cbor.UTF8RejectInvalid,
			IntDec: cbor.IntDecConvertSignedOrFail,
		}.DecMode()
		if err != nil {
			panic(err) // the options do not change
		}
		return m
	}()
)

// encode writes a record as CBOR in its one form (RFC 8949 §4.2.1).
func (r Record) encode() ([]byte, error) {
	day, err := time.Parse(time.DateOnly, r.Day)
	if err != nil {
		return nil, fmt.Errorf("writing a capsule: %w", err)
	}
	m := map[int]any{keyPaper: r.Paper[:], keyDay: days(day), keyLanguages: r.Languages}
	if r.Country != "" {
		m[keyCountry] = r.Country
	}
	if len(r.Agreed) > 0 {
		agreed := map[string]int64{}
		for cat, until := range r.Agreed {
			at, err := time.Parse(time.DateOnly, until)
			if err != nil {
				return nil, fmt.Errorf("writing a capsule: %w", err)
			}
			agreed[string(cat)] = days(at)
		}
		m[keyAgreed] = agreed
	}
	entries := map[int][]map[int]any{}
	for _, e := range r.Entries {
		k, fields, err := e.encode()
		if err != nil {
			return nil, err
		}
		entries[k.Number] = append(entries[k.Number], fields)
	}
	m[keyEntries] = entries
	var left []int
	for _, c := range r.LeftOut {
		if k, ok := kindOf(c); ok {
			left = append(left, k.Number)
		}
	}
	if len(left) > 0 {
		slices.Sort(left)
		m[keyLeftOut] = left
	}
	b, err := encoding.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("writing a capsule: %w", err)
	}
	return b, nil
}

// encode writes an entry. A value that is not there, also where it is said why,
// is left out; so is a field that the table does not have.
func (e Entry) encode() (Kind, map[int]any, error) {
	k, ok := kindOf(e.Collection)
	if !ok {
		return k, nil, fmt.Errorf("writing a capsule: it holds no %s", e.Collection)
	}
	out := map[int]any{}
	for name, v := range e.Set {
		f, n := fieldOf(k, name)
		if f == nil {
			return k, nil, fmt.Errorf("writing a capsule: it holds no %s of %s", name, e.Collection)
		}
		if x := plain(f, v); x != nil {
			out[n] = x
		}
	}
	return k, out, nil
}

func fieldOf(k Kind, name string) (*care.Field, int) {
	i := slices.Index(k.Fields, name)
	entity, ok := care.Find(k.Collection)
	if i < 0 || !ok {
		return nil, 0
	}
	f, ok := entity.Field(name)
	if !ok {
		return nil, 0
	}
	return f, i + 1
}

func days(t time.Time) int64 { return t.Unix() / secondsInDay }

// plain is a value as CBOR has it, nil for none. A whole date is a number of
// days and a moment a number of seconds since 1970: a quarter of the room.
func plain(f *care.Field, v care.Value) any {
	switch f.Type {
	case care.Bool:
		if b, known := v.Bool(); known {
			return b
		}
	case care.Int:
		if n, ok := v.Int(); ok {
			return n
		}
	case care.Codes, care.Texts:
		if l := v.List(); len(l) > 0 {
			return l
		}
	case care.Date:
		if t, err := time.Parse(time.DateOnly, v.Text()); err == nil {
			return days(t)
		}
		if s := v.Text(); s != "" {
			return s
		}
	case care.Time:
		if t, ok := v.Time(); ok {
			return t.Unix()
		}
	default:
		if s := v.Text(); s != "" {
			return s
		}
	}
	return nil
}

// decode reads a record strictly: what it does not know makes it malformed,
// because a part of a person's record that is not shown looks as if it were not
// there.
func decode(b []byte) (Record, error) {
	var m map[int]cbor.RawMessage
	if err := decoding.Unmarshal(b, &m); err != nil {
		return Record{}, ErrMalformed
	}
	var r Record
	d := &reading{}
	d.paper(m[keyPaper], &r.Paper)
	r.Day = d.day(m[keyDay])
	d.into(m[keyLanguages], &r.Languages)
	var agreed map[string]cbor.RawMessage
	if raw, ok := m[keyCountry]; ok {
		d.into(raw, &r.Country)
	}
	if raw, ok := m[keyAgreed]; ok {
		d.into(raw, &agreed)
	}
	for cat, until := range agreed {
		if r.Agreed == nil {
			r.Agreed = map[care.Category]string{}
		}
		r.Agreed[care.Category(cat)] = d.day(until)
		d.must(slices.Contains(care.Categories, care.Category(cat)))
	}
	var entries map[int][]map[int]cbor.RawMessage
	d.into(m[keyEntries], &entries)
	r.Entries = d.entries(entries)
	var left []int
	if raw, ok := m[keyLeftOut]; ok {
		d.into(raw, &left)
	}
	for _, n := range left {
		k := d.kind(n)
		r.LeftOut = append(r.LeftOut, k.Collection)
	}
	for key := range m {
		d.must(key >= keyPaper && key <= keyLeftOut)
	}
	d.must(len(r.Languages) >= 1 && len(r.Languages) <= languagesMax)
	for _, word := range append([]string{r.Country}, r.Languages...) {
		d.must(len(word) <= len("xx-Xxxx-XX") && !strings.ContainsFunc(word, func(c rune) bool { return c < ' ' || c > '~' }))
	}
	if d.bad {
		return Record{}, ErrMalformed
	}
	return r, nil
}

// reading remembers whether anything was not as it must be.
type reading struct{ bad bool }

func (d *reading) must(ok bool) { d.bad = d.bad || !ok }

func (d *reading) into(raw cbor.RawMessage, v any) {
	d.must(len(raw) > 0 && decoding.Unmarshal(raw, v) == nil)
}

func (d *reading) paper(raw cbor.RawMessage, p *Paper) {
	var b []byte
	d.into(raw, &b)
	d.must(len(b) == len(p))
	copy(p[:], b)
}

func (d *reading) number(raw cbor.RawMessage) int64 {
	var n int64
	// Not a fraction that happens to be whole, nor null.
	d.must(len(raw) > 0 && raw[0]>>5 <= 1)
	d.into(raw, &n)
	return n
}

func (d *reading) day(raw cbor.RawMessage) string {
	n := d.number(raw)
	d.must(n >= -daysMax && n <= daysMax)
	if d.bad {
		return ""
	}
	return time.Unix(n*secondsInDay, 0).UTC().Format(time.DateOnly)
}

func (d *reading) kind(n int) Kind {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Number == n })
	if d.must(i >= 0); d.bad {
		return Kind{}
	}
	return Kinds[i]
}

func (d *reading) entries(raw map[int][]map[int]cbor.RawMessage) []Entry {
	var all []Entry
	for _, n := range slices.Sorted(maps.Keys(raw)) {
		k := d.kind(n)
		for _, fields := range raw[n] {
			e := Entry{Collection: k.Collection, Set: map[string]care.Value{}}
			for i, v := range fields {
				if d.must(i >= 1 && i <= len(k.Fields)); d.bad {
					return nil
				}
				name := k.Fields[i-1]
				f, _ := fieldOf(k, name)
				e.Set[name] = d.value(f, v)
			}
			all = append(all, e)
		}
	}
	d.must(len(all) <= entriesMax)
	slices.SortStableFunc(all, func(a, b Entry) int { return cmp.Compare(rank(a.Collection), rank(b.Collection)) })
	return all
}

func rank(collection string) int {
	return slices.IndexFunc(Kinds, func(k Kind) bool { return k.Collection == collection })
}

// value reads one value, of the type that its field has.
func (d *reading) value(f *care.Field, raw cbor.RawMessage) care.Value {
	switch f.Type {
	case care.Bool:
		var b bool
		d.must(len(raw) == 1 && (raw[0] == 0xF4 || raw[0] == 0xF5))
		d.into(raw, &b)
		return care.OfBool(b)
	case care.Int:
		n := d.number(raw)
		d.must(n >= math.MinInt32 && n <= math.MaxInt32)
		return care.OfInt(n)
	case care.Codes, care.Texts:
		var l []string
		d.must(len(raw) > 0 && raw[0]>>5 == 4)
		d.into(raw, &l)
		d.must(len(l) > 0 && len(l) <= listMax)
		for _, s := range l {
			d.must(d.fit(s))
		}
		return care.OfList(l...)
	case care.Date:
		if len(raw) > 0 && raw[0]>>5 <= 1 {
			return care.OfText(d.day(raw))
		}
		s := d.text(raw)
		_, ok := care.OfText(s).Time()
		d.must(ok && len(s) < len(time.DateOnly))
		return care.OfText(s)
	case care.Time:
		n := d.number(raw)
		d.must(n >= -daysMax*secondsInDay && n <= daysMax*secondsInDay)
		return care.OfTime(time.Unix(n, 0))
	}
	return care.OfText(d.text(raw))
}

func (d *reading) text(raw cbor.RawMessage) string {
	var s string
	d.must(len(raw) > 0 && raw[0]>>5 == 3)
	d.into(raw, &s)
	d.must(d.fit(s))
	return s
}

// fit says whether a text may stand in a record: not empty, and no control
// character but the end of a line.
func (d *reading) fit(s string) bool {
	return s != "" && len(s) <= textBytesMax && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7F })
}

// Plain is a record as JSON shows it to a reader: entries by collection.
type Plain struct {
	Paper     string                             `json:"paper"`
	Day       string                             `json:"day"`
	Languages []string                           `json:"languages"`
	Country   string                             `json:"country,omitempty"`
	Agreed    map[care.Category]string           `json:"agreed,omitempty"`
	Entries   map[string][]map[string]care.Value `json:"entries"`
	LeftOut   []string                           `json:"left_out,omitempty"`
}

// Plain is the record as JSON shows it.
func (r Record) Plain() Plain {
	p := Plain{Paper: hex.EncodeToString(r.Paper[:]), Day: r.Day, Languages: r.Languages, Country: r.Country, Agreed: r.Agreed,
		Entries: map[string][]map[string]care.Value{}, LeftOut: r.LeftOut}
	for _, e := range r.Entries {
		p.Entries[e.Collection] = append(p.Entries[e.Collection], e.Set)
	}
	return p
}

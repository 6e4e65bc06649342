package interop

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"portolan/care"
)

// builder collects the drafts of one case.
type builder struct {
	c     Case
	at    map[string]int // draft's Key → index in c.Drafts
	notes map[string]int
}

// newBuilder begins a case with the draft of the case itself.
func newBuilder(key string, notes map[string]int) *builder {
	b := &builder{c: Case{Key: key}, at: map[string]int{}, notes: notes}
	b.draft("cases", key)
	return b
}

// draft finds or begins a draft. The pointer is good until the next call.
func (b *builder) draft(collection, key string) *Draft {
	i, ok := b.at[key]
	if !ok {
		i = len(b.c.Drafts)
		b.at[key] = i
		b.c.Drafts = append(b.c.Drafts, Draft{Key: key, Collection: collection,
			Set: map[string]care.Value{}, Add: map[string][]string{}, Refs: map[string]string{}})
	}
	return &b.c.Drafts[i]
}

// has says whether there is a draft with the key.
func (b *builder) has(key string) bool { _, ok := b.at[key]; return ok }

// put writes one value into a field, or sets it aside. It says whether the
// field took it.
func (b *builder) put(d *Draft, field, path, raw string) bool {
	if strings.TrimSpace(raw) == "" {
		return false
	}
	took, reason := b.try(d, field, raw)
	if reason != "" {
		b.aside(path, raw, reason)
	}
	return took
}

// try writes one value into a field where it fits. A reason beside a value
// that was taken is ReasonNoPlace: the source says more than the field holds.
func (b *builder) try(d *Draft, field, raw string) (took bool, reason string) {
	f, ok := fieldOf(d.Collection, field)
	if !ok {
		return false, ReasonFieldUnknown
	}
	if f.Type == care.Codes || f.Type == care.Texts {
		return b.tryElement(d, f, raw)
	}
	v, reason := fit(f, raw)
	if v == nil {
		return false, reason
	}
	if old, ok := d.Set[f.Name]; ok { // which of two is true, nobody here can say
		if !old.Equal(v) {
			return false, ReasonSecondValue
		}
		return true, reason
	}
	if looksLikeFormula(v.Text()) {
		b.notes[NoteFormula]++
	}
	d.Set[f.Name] = v
	return true, reason
}

func (b *builder) tryElement(d *Draft, f *care.Field, raw string) (bool, string) {
	e := strings.TrimSpace(raw)
	if f.Type == care.Codes {
		c, ok := matchCode(f.Codes, e)
		if !ok {
			return false, ReasonCodeUnknown
		}
		e = c
	}
	e, err := care.CanonicalElement(f, e)
	if err != nil {
		return false, reasonOf(err)
	}
	if f.Merge == care.Union {
		d.Add[f.Name] = withElement(d.Add[f.Name], e)
	} else {
		d.Set[f.Name] = care.OfList(withElement(d.Set[f.Name].List(), e)...)
	}
	return true, ""
}

// putElements adds elements to a field of several values; those that it does
// not take are set aside one by one.
func (b *builder) putElements(d *Draft, field, path string, elements []string) {
	for _, e := range elements {
		b.put(d, field, path, e)
	}
}

func membersOf(v care.Value) map[string]string {
	m := map[string]string{}
	if len(v) > 0 && json.Unmarshal(v, &m) != nil {
		return map[string]string{}
	}
	return m
}

func objectValue(m map[string]string) care.Value {
	names := slices.Sorted(maps.Keys(m))
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i] = quote(n) + ":" + quote(m[n])
	}
	return care.Value("{" + strings.Join(parts, ",") + "}")
}

func withElement(l []string, e string) []string {
	if slices.Contains(l, e) {
		return l
	}
	return append(l, e)
}

// finish makes the drafts of the case whole: what the schema requires is
// there, or the draft is set aside; references lead to drafts that are there;
// the order is that of the schema, so that what is referred to comes first.
func (b *builder) finish() {
	b.assume("cases", "status", "Active")
	b.person()
	for _, key := range b.keys() {
		d := b.draft("", key)
		if missing := missingOf(d); missing != "" {
			b.setDraftAside(d)
			continue
		}
		if len(d.Set)+len(d.Add)+len(d.Refs) == 0 {
			b.remove(key)
		}
	}
	for i := range b.c.Drafts {
		d := &b.c.Drafts[i]
		maps.DeleteFunc(d.Refs, func(field, key string) bool {
			if !b.has(key) {
				b.aside(d.Collection+"."+field, "its record was set aside", ReasonReference)
				return true
			}
			return false
		})
	}
	order := map[string]int{}
	for i, e := range care.Schema {
		order[e.Name] = i
	}
	slices.SortStableFunc(b.c.Drafts, func(x, y Draft) int {
		if x.Key == b.c.Key || y.Key == b.c.Key { // the case itself comes first
			return cmp.Compare(btoi(x.Key != b.c.Key), btoi(y.Key != b.c.Key))
		}
		return cmp.Compare(order[x.Collection], order[y.Collection])
	})
}

// person makes sure that the case has its person: an alias is for the workers
// to choose, and no name of the source goes where an alias stands (R9).
func (b *builder) person() {
	f, ok := fieldOf("survivors", "alias")
	if !ok {
		return
	}
	d := b.draft("survivors", b.c.Key+"/survivors")
	if d.Set[f.Name] != nil {
		return
	}
	if v, err := care.Canonical(f, care.OfAbsent(care.NotRecorded)); err == nil {
		d.Set[f.Name] = v
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (b *builder) keys() []string {
	keys := make([]string, len(b.c.Drafts))
	for i, d := range b.c.Drafts {
		keys[i] = d.Key
	}
	return keys
}

// missingOf names a required field that the draft does not have, or "".
func missingOf(d *Draft) string {
	e, ok := care.Find(d.Collection)
	if !ok {
		return "collection"
	}
	for i := range e.Fields {
		f := &e.Fields[i]
		if f.Required && d.Set[f.Name] == nil && d.Add[f.Name] == nil && d.Refs[f.Name] == "" {
			return f.Name
		}
	}
	return ""
}

// assume gives a required field of every draft of a collection the value that
// makes no claim.
func (b *builder) assume(collection, field, value string) {
	f, ok := fieldOf(collection, field)
	if !ok {
		return
	}
	for i := range b.c.Drafts {
		d := &b.c.Drafts[i]
		if d.Collection != collection || d.Set[field] != nil || d.Add[field] != nil {
			continue
		}
		if v, _ := fit(f, value); v != nil {
			d.Set[field] = v
		}
	}
}

// setDraftAside keeps the fields of a draft that cannot be a record.
func (b *builder) setDraftAside(d *Draft) {
	collection, set, add := d.Collection, d.Set, d.Add
	b.remove(d.Key)
	for _, name := range slices.Sorted(maps.Keys(set)) {
		b.aside(collection+"."+name, plain(set[name]), ReasonNoPlace)
	}
	for _, name := range slices.Sorted(maps.Keys(add)) {
		b.aside(collection+"."+name, strings.Join(add[name], "; "), ReasonNoPlace)
	}
}

func plain(v care.Value) string {
	if s := v.Text(); s != "" {
		return s
	}
	return string(v)
}

// remove takes a draft away.
func (b *builder) remove(key string) {
	i, ok := b.at[key]
	if !ok {
		return
	}
	b.c.Drafts = slices.Delete(b.c.Drafts, i, i+1)
	delete(b.at, key)
	for k, at := range b.at {
		if at > i {
			b.at[k] = at - 1
		}
	}
}

// fieldOf is a field that this package names itself; a test walks the mappings,
// so that a name that the schema does not have is seen.
func fieldOf(collection, field string) (*care.Field, bool) {
	if e, ok := care.Find(collection); ok {
		return e.Field(field)
	}
	return nil, false
}

// aside keeps what could not be taken.
func (b *builder) aside(path, value, reason string) {
	b.c.SetAside = append(b.c.SetAside, setAsides(path, value, reason)...)
}

// setAsides keeps a value in as many parts as it needs.
func setAsides(path, value, reason string) []SetAside {
	if strings.TrimSpace(value) == "" {
		return nil
	}
	path = strings.Join(strings.Fields(printable(path)), " ")
	parts := split(printable(value), SetAsideBytesMax)
	var l []SetAside
	for i, p := range parts {
		at := clip(path, pathBytesMax)
		if len(parts) > 1 {
			at = fmt.Sprintf("%s (%d/%d)", at, i+1, len(parts))
		}
		l = append(l, SetAside{Path: at, Value: p, Reason: reason})
	}
	return l
}

// pathBytesMax is the most bytes of SetAside.Path, but for the number of a part.
const pathBytesMax = 500

// printable writes control characters as the escapes of JSON: what is set
// aside is text for a person to read, and the store takes no other.
func printable(s string) string {
	var out strings.Builder
	for _, r := range lines.Replace(s) {
		if r < 0x20 && r != '\n' && r != '\t' || 0x7f <= r && r <= 0x9f {
			fmt.Fprintf(&out, "\\u%04x", r)
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

// split cuts a text into parts of at most limit bytes, never inside a letter.
func split(s string, limit int) []string {
	var parts []string
	for len(s) > limit {
		at := limit
		for at > 0 && !utf8.RuneStart(s[at]) {
			at--
		}
		parts, s = append(parts, s[:at]), s[at:]
	}
	return append(parts, s)
}

// clip shortens a path, which names a place and is not itself kept.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return split(s, limit)[0]
}

// digest names something by its content.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}
